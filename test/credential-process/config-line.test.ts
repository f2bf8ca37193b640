import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { formatCredentialProcess } from "../../src/credential-process/config-line.ts";
import type { Installation } from "../../src/credential-process/launcher.ts";
import { getLauncherPath } from "../../src/credential-process/write-launcher.ts";
import { FobError } from "../../src/errors.ts";
import { editSection } from "../../src/profiles/edit.ts";
import { readAwsFiles } from "../../src/profiles/files.ts";
import { classifyProcess } from "../../src/profiles/inspect.ts";
import { someOf } from "../helpers/broad.ts";
import { temporaryFolder } from "../helpers/world.ts";
import { readers } from "../profiles/readers.ts";
import { shells } from "./shells.ts";

const paths = { config: "/home/alice/.aws/config", credentials: "/home/alice/.aws/credentials" };
const at = (store: string): Installation => ({
  store,
  paths,
  node: "/usr/bin/node",
  program: "/usr/lib/aws-fob/bin/fob",
});
const home = at("/home/alice/.aws/fob");
const windows: Installation = {
  ...home,
  node: "C:\\Program Files\\nodejs\\node.exe",
  program: "C:\\Users\\Alice\\AppData\\Roaming\\npm\\node_modules\\aws-fob\\bin\\fob",
};

test("plain words stand as they are", () => {
  expect(formatCredentialProcess(home, "work-mfa")).toBe("/home/alice/.aws/fob/bin/fob-credential-process work-mfa");
});

test("a path with blanks is in double quotes", () => {
  expect(formatCredentialProcess(at("/Users/Alice (work)/it's"), "work-mfa")).toBe(
    `"/Users/Alice (work)/it's/bin/fob-credential-process" work-mfa`,
  );
});

test("an endpoint that is not AWS's is said", () => {
  expect(formatCredentialProcess(home, "work-mfa", "http://localhost:4566/")).toBe(
    "/home/alice/.aws/fob/bin/fob-credential-process work-mfa --endpoint-url http://localhost:4566/",
  );
});

test("on Windows it is the program itself, without backslashes", () => {
  expect(formatCredentialProcess(windows, "work-mfa", undefined, "win32")).toBe(
    '"C:/Program Files/nodejs/node.exe" C:/Users/Alice/AppData/Roaming/npm/node_modules/aws-fob/bin/fob ' +
      "credential-process work-mfa",
  );
});

test.each([
  ["/home/$USER/fob"],
  ["/home/a`b`"],
  ['/home/"x"'],
  ["/home/a\\b"],
  ["/home/a #b"],
  ["/home/a;b"],
  ["/home/a\nb"],
])("a store in a folder that cannot be written there: %j", (store) => {
  const write = () => formatCredentialProcess(at(store), "work-mfa");
  expect(write).toThrow("contains characters that some AWS tools cannot read");
  expect(write).toThrow(
    expect.objectContaining({
      hints: ["keep fob's files in a folder with a plain path: export FOB_HOME=/PATH/TO/FOLDER"],
    }),
  );
});

test.each(["-work", "", "a b;c", 'a"b'])("a profile that cannot be written there: %j", (profile) => {
  const write = () => formatCredentialProcess(home, profile);
  expect(write).toThrow(expect.objectContaining({ hints: [expect.stringContaining("--to NAME")] }));
});

test("a line that readers would take out of its quotes is refused", () => {
  expect(() => formatCredentialProcess(at("/a b"), "arbeit-ä")).toThrow(
    "contains characters that some AWS tools cannot read",
  );
});

test.each(["C:\\100%\\node.exe", "C:\\a&b\\node.exe", "C:\\a;b\\node.exe"])("not on Windows: %s", (node) => {
  expect(() => formatCredentialProcess({ ...windows, node }, "work-mfa", undefined, "win32")).toThrow(FobError);
});

test.each([
  ["the launcher", formatCredentialProcess(home, "work-mfa")],
  [
    "the launcher in a folder with blanks",
    formatCredentialProcess(at("/Users/Alice Ä/fob"), "work-mfa", "http://localhost:1"),
  ],
  ["the program on Windows", formatCredentialProcess(windows, "work-mfa", undefined, "win32")],
])("fob knows its own: %s", (_, line) => {
  const folder = temporaryFolder();
  const files = { config: join(folder, "config"), credentials: join(folder, "credentials") };
  writeFileSync(files.config, editSection("", "config", "work-mfa", { credential_process: line }), "latin1");
  expect(classifyProcess(readAwsFiles(files), "work-mfa")).toBe("fob");
});

const odd = fc.constantFrom(...Array.from(" \t\n'\"\\$`#;!~*?[]{}()<>|&=%@:,.+-^é€\u00a0\u0085😀aZ0"));
const text = fc.string({
  unit: fc.oneof(odd, odd, fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 })),
  maxLength: 12,
});

/** What can be written, with the words that it is to be. */
const writable = fc
  .tuple(text, fc.oneof(fc.constant("work-mfa"), text), fc.option(text, { nil: undefined }))
  .map(([folder, profile, endpoint]) => {
    const store = `/s/${folder}`;
    const words = [getLauncherPath(store), profile, ...(endpoint === undefined ? [] : ["--endpoint-url", endpoint])];
    try {
      return { words, line: formatCredentialProcess(at(store), profile, endpoint) };
    } catch (error) {
      expect(error).toBeInstanceOf(FobError);
      return undefined;
    }
  })
  .filter((written) => written !== undefined);

const samples = (): { words: string[]; line: string }[] =>
  fc.sample(writable, { numRuns: 500, seed: fc.readConfigureGlobal().seed ?? 0 });

/** Prints its arguments. */
const printer = "printf '%s\\000' \"$@\"; printf '\\000'";

for (const { name, command, isThere } of someOf(shells, 2)) {
  test.skipIf(!isThere)(`${name} takes every line apart as it was meant`, () => {
    const written = samples();
    const script = `print() { ${printer}; }\n${written.map(({ line }) => `print ${line}`).join("\n")}\n`;
    const [file, ...flags] = command;
    const { stdout } = spawnSync(file, [...flags, "-c", script], { encoding: "utf8" });
    const read = stdout.split("\0\0").slice(0, -1);
    expect(read.map((words) => words.split("\0"))).toEqual(written.map(({ words }) => words));
  });
}

test.skipIf(!readers.configparser.isThere)("so does Python's shlex, with which botocore does it", () => {
  const written = samples();
  const script = "import json, shlex, sys; print(json.dumps([shlex.split(line) for line in json.load(sys.stdin)]))";
  const input = JSON.stringify(written.map(({ line }) => line));
  const { stdout } = spawnSync("python3", ["-X", "utf8", "-c", script], { input, encoding: "utf8" });
  expect(JSON.parse(stdout)).toEqual(written.map(({ words }) => words));
});

test("every reader of the config finds the line whole", async () => {
  for (const { line } of samples().slice(0, 40)) {
    const config = editSection("", "config", "work-mfa", { credential_process: line });
    for (const reader of Object.values(readers)) {
      const title = reader.nameOf("work-mfa", "config");
      if (!reader.isThere || title === undefined || !reader.keeps(line)) continue;
      const reading = await reader.read(config, "config");
      expect({ [reader.name]: reading?.[title]?.credential_process }).toEqual({ [reader.name]: line });
    }
  }
});

test("it holds nothing that the Go SDK's reader changes", () => {
  for (const { line } of samples()) {
    expect(line).not.toMatch(/[#;\\]/);
    expect(line).not.toMatch(/^(["']).*\1$/);
  }
});
