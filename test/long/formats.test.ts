// What is written for shells and files is read by those shells and by readers of others.
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Format, formatVariables } from "../../src/environment/formats.ts";
import { temporaryFolder } from "../helpers/world.ts";
import { readers } from "../profiles/readers.ts";

/** All that an environment can hold, and what shells and readers take for something else more often than by chance. */
const awkward = fc.constantFrom(
  ...Array.from("'\"`$\\!%^&|;<>()[]{}*?~#=: \t\n\r-+,@/_aA0"),
  ...[
    "\u0001",
    "\u0007",
    "\u001b",
    "\u007f",
    "\u0085",
    "\u2018",
    "\u2019",
    "\u201c",
    "\u2028",
    "\ufeff",
    "\uf6ff",
    "é",
    "撒",
    "😀",
  ],
  ...["$(touch pwned)", "`touch pwned`", "'; touch pwned; '", "$HOME", "%PATH%", "!!", "\r\n", "' + '", "EOF"],
);
const character = fc.oneof(
  { weight: 3, arbitrary: awkward },
  { weight: 1, arbitrary: fc.string({ unit: "binary", minLength: 1, maxLength: 1 }) },
);
const value = fc.array(character, { maxLength: 12 }).map((parts) => parts.join("").replaceAll("\0", ""));
const plainValue = fc.stringMatching(/^[\w@+=:,./-]{0,40}$/);

/** Fewer starts of a shell: several values in each. */
const several = fc
  .array(value, { minLength: 1, maxLength: 16 })
  .map((values) => Object.fromEntries(values.map((text, index) => [`V${index}`, text])));

const has = (program: string): boolean => spawnSync(program, ["-c", "exit 0"], { stdio: "ignore" }).status === 0;

interface Reader {
  readonly shell: string;
  readonly format: Format;
  readonly script: string;
}

const evaluate = 'eval "$(cat text)"; exec env -0';
const shells: readonly Reader[] = [
  { shell: "bash", format: "bash", script: evaluate },
  { shell: "fish", format: "fish", script: "cat text | source; exec env -0" },
  { shell: "zsh", format: "zsh", script: evaluate },
  { shell: "zsh", format: "zsh", script: `setopt rc_quotes sh_word_split interactive_comments; ${evaluate}` },
  { shell: "dash", format: "bash", script: evaluate },
  { shell: "ksh", format: "bash", script: evaluate },
];

describe.each(shells)("$shell, $script", ({ shell, format, script }) => {
  test.skipIf(!has(shell))("gets every value as it is, and nothing of it is run", { timeout: 120_000 }, () => {
    const cwd = temporaryFolder();
    const property = fc.property(several, (set) => {
      writeFileSync(join(cwd, "text"), formatVariables(format, { set, unset: ["GONE", "NEVER_THERE"] }, "p"));
      const env = { PATH: process.env.PATH, HOME: cwd, LC_ALL: "C.UTF-8", GONE: "x", V0: "old", KEPT: "kept" };
      const read = environmentIn(
        execFileSync(shell, ["-c", script], { cwd, env, stdio: ["ignore", "pipe", "inherit"] }),
      );
      expect(read).toMatchObject({ ...set, KEPT: "kept" });
      expect(read).not.toHaveProperty("GONE");
      expect(execFileSync("ls", { cwd, encoding: "utf8" })).not.toContain("pwned");
    });
    fc.assert(property, { numRuns: 60 });
  });
});

function environmentIn(output: Buffer): Record<string, string> {
  const pairs = output.toString().split("\0").filter(Boolean);
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
}

test.skipIf(!has("fish"))("fish: a universal variable stays the user's, who is told", () => {
  const home = temporaryFolder();
  const fish = (script: string) =>
    spawnSync("fish", ["-c", script], { env: { PATH: process.env.PATH, HOME: home }, encoding: "utf8" });
  fish("set -Ux GONE mine");
  writeFileSync(join(home, "text"), formatVariables("fish", { set: { V: "new" }, unset: ["GONE"] }, "p"));
  const { stdout, stderr } = fish(`set -gx GONE x; source ${home}/text; echo $V`);
  expect({ stdout, stderr }).toMatchObject({
    stdout: "new\n",
    stderr: expect.stringContaining("set -eU GONE\n") as string,
  });
  expect(fish("set -eU GONE; source $HOME/text; echo $V")).toMatchObject({ stdout: "new\n", stderr: "" });
});

test("bash: a function that has the name of a stale variable stays", () => {
  const text = formatVariables("bash", { set: {}, unset: ["f"] }, "p");
  expect(execFileSync("bash", ["-c", `f() { echo here; }; ${text} f`], { encoding: "utf8" })).toBe("here\n");
});

// PowerShell and cmd are not here to be asked. What follows holds the text to their rules as they are documented.
test("PowerShell: each line is printable ASCII, and one assignment of one text", () => {
  const property = fc.property(several, (set) => {
    const lines = formatVariables("powershell", { set, unset: ["GONE"] }, "p")
      .trimEnd()
      .split("\n");
    expect(lines[0]).toBe("$Env:GONE = $null");
    const read = lines.slice(1).map((line) => {
      const [, name = "", text = ""] =
        /^\$Env:(\w+) = ((?:'(?:[ -&(-~]|'')*'|\[char\]0x[\da-f]{1,4}| \+ )+)$/.exec(line) ?? [];
      return [name, powershellValue(text)];
    });
    expect(Object.fromEntries(read)).toEqual(set);
  });
  fc.assert(property, { numRuns: 500 });
});

function powershellValue(expression: string): string {
  const operands = expression.matchAll(/'((?:[^']|'')*)'(?: \+ |$)|\[char\]0x([\da-f]+)(?: \+ |$)/g);
  return [...operands]
    .map(([, text, unit]) =>
      unit === undefined ? (text ?? "").replaceAll("''", "'") : String.fromCharCode(parseInt(unit, 16)),
    )
    .join("");
}

/** The whole text, or undefined where it was refused. */
function attempt(format: Format, set: Record<string, string>): string | undefined {
  try {
    return formatVariables(format, { set, unset: ["GONE"] }, "work-mfa");
  } catch (error) {
    expect(error).toMatchObject({ message: expect.stringContaining(`misread in the ${format} format`) as string });
    return undefined;
  }
}

const unquoted = fc.oneof({ weight: 1, arbitrary: value }, { weight: 2, arbitrary: plainValue });

test("cmd: a value is written only where no character of it means anything there", () => {
  const property = fc.property(unquoted, (text) => {
    expect(attempt("cmd", { A: text })).toBe(
      /["%!^&|<>()]|[^ -~]/.test(text) ? undefined : attempt("cmd", { A: text }),
    );
    expect(attempt("cmd", { A: text }) ?? "").toMatch(/^(set "GONE="\nset "A=[\w@+=:,./-]*"\n)?$/);
  });
  fc.assert(property, { numRuns: 1000 });
});

test("dotenv: Docker, which takes all behind the = as it is, and Node.js, which knows quotes, read the same", () => {
  const property = fc.property(unquoted, plainValue, (text, other) => {
    const written = attempt("dotenv", { A: text, B: other });
    if (written === undefined) return;
    const byDocker = written
      .split("\n")
      .filter(Boolean)
      .map((line) => [line.slice(0, 1), line.slice(2)]);
    expect(Object.fromEntries(byDocker)).toEqual({ A: text, B: other });
    expect({ ...parseEnv(written) }).toEqual({ A: text, B: other });
  });
  fc.assert(property, { numRuns: 1000 });
});

test("json: an object of the variables", () => {
  const property = fc.property(several, (set) => {
    expect(JSON.parse(formatVariables("json", { set, unset: ["GONE"] }, "p"))).toEqual(set);
  });
  fc.assert(property);
});

test.each(Object.values(readers).filter(({ isThere }) => isThere))(
  "ini: $name finds the profile's keys",
  async (reader) => {
    const property = fc.asyncProperty(fc.stringMatching(/^[\w@+=:,./-]{1,40}$/), async (text) => {
      const set = {
        AWS_ACCESS_KEY_ID: text,
        AWS_CREDENTIAL_EXPIRATION: "2026-01-31T09:00:00Z",
        AWS_REGION: "eu-central-1",
      };
      const keys = {
        aws_access_key_id: text,
        expiration: "2026-01-31T09:00:00Z",
        x_security_token_expires: "2026-01-31T09:00:00Z",
        region: "eu-central-1",
      };
      const written = formatVariables(
        "ini",
        { set: { ...set, AWS_DEFAULT_REGION: "eu-central-1" }, unset: [] },
        "work-mfa",
      );
      expect((await reader.read(written, "credentials"))?.["work-mfa"]).toEqual(keys);
    });
    await fc.assert(property, { numRuns: 100 });
  },
);

test("ini: neither a value nor a name ends the line or the header", () => {
  fc.assert(
    fc.property(value, (text) => {
      const written = attempt("ini", { AWS_REGION: text });
      if (written !== undefined) expect(written).toBe(`[work-mfa]\nregion = ${text}\n`);
    }),
  );
  for (const name of ["a]\n[default", "two words", ""]) {
    expect(() => formatVariables("ini", { set: {}, unset: [] }, name)).toThrow("cannot be used as a section name");
  }
});
