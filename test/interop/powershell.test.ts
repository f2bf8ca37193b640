// fob's texts for PowerShell, read by a parser for PowerShell: there is nothing here to run them. That a single-quoted text
// means what it holds, and '' a quote, is PowerShell's own rule (about_Quoting_Rules).
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { createGraphicalPrompt } from "../../src/codes/graphical.ts";
import { formatVariables } from "../../src/environment/formats.ts";
import { formatLine } from "../../src/environment/shell.ts";
import { notify } from "../../src/terminal/notify.ts";
import { isNeeded } from "../helpers/needed.ts";
import { makeWorld, temporaryFolder } from "../helpers/world.ts";

interface Node {
  readonly type: string;
  readonly text: string;
  readonly hasError: boolean;
  readonly namedChildren: readonly Node[];
  descendantsOfType(types: string | readonly string[]): readonly Node[];
}

interface WebTreeSitter {
  readonly Parser: {
    init(): Promise<void>;
    new (): { setLanguage(language: unknown): void; parse(text: string): { readonly rootNode: Node; delete(): void } };
  };
  readonly Language: { load(path: string): Promise<unknown> };
}

const packages = join(import.meta.dirname, "powershell/node_modules");
const grammar = join(packages, "tree-sitter-powershell/tree-sitter-powershell.wasm");
const parsed = test.skipIf(!isNeeded && !existsSync(grammar));

async function makeParser(): Promise<<T>(text: string, look: (root: Node) => T) => T> {
  const { Parser, Language } = createRequire(join(packages, "x"))("web-tree-sitter") as WebTreeSitter;
  await Parser.init();
  const parser = new Parser();
  parser.setLanguage(await Language.load(grammar));
  return (text, look) => {
    const tree = parser.parse(text);
    try {
      return look(tree.rootNode);
    } finally {
      tree.delete();
    }
  };
}

parsed(
  "the scripts that fob prints are PowerShell, and each of them with a line taken out of a block is not",
  async () => {
    const parse = await makeParser();
    const world = await makeWorld();
    for (const command of ["shell-init", "completion"]) {
      const { stdout } = await world.fob([command, "powershell"]);
      expect(parse(stdout, (root) => root.hasError)).toBe(false);
      expect(parse(stdout.replace(/\n *\}\n/, "\n"), (root) => root.hasError)).toBe(true);
    }
    const functions = parse((await world.fob(["shell-init", "powershell"])).stdout, (root) =>
      root.descendantsOfType("function_name").map(({ text }) => text),
    );
    expect(functions).toEqual(["mfa", "fob_prompt"]);
    const line = formatLine("powershell", "fob env work --shell powershell");
    expect(parse(line, (root) => root.descendantsOfType("command_name").map(({ text }) => text))).toEqual([
      ...["fob", "Out-String", "Invoke-Expression"],
    ]);
  },
);

parsed("the scripts of the window that asks for a code and of the notification are PowerShell", async () => {
  const parse = await makeParser();
  const folder = temporaryFolder();
  const program = join(folder, "powershell.exe");
  writeFileSync(program, `#!/bin/sh\nfor word do :; done\nprintf '%s' "$word" >"$0.script"\necho 123456\n`, {
    mode: 0o755,
  });
  const scriptOf = async (start: () => unknown): Promise<string> => {
    writeFileSync(`${program}.script`, "");
    await start();
    await vi.waitFor(() => expect(readFileSync(`${program}.script`, "utf8")).not.toBe(""), 10_000);
    return readFileSync(`${program}.script`, "utf8");
  };
  const debug = (): void => undefined;
  const fromWsl = { env: { PATH: folder, WSL_DISTRO_NAME: "Debian" }, platform: "linux", debug } as const;
  const { signal } = new AbortController();
  const question = { profile: "work", serialNumber: "GAHT12345678", login: "fob login work", signal };
  const asking = await scriptOf(() => createGraphicalPrompt(fromWsl)?.ask(question));
  expect(asking).toContain("InputBox");
  const told = await scriptOf(() => notify("it's done", { env: { PATH: folder }, platform: "win32", debug }));
  expect(told).toContain("ShowBalloonTip");
  for (const script of [asking, told]) {
    expect(parse(script, (root) => root.hasError)).toBe(false);
    expect(parse(script.replace(/'/, ""), (root) => root.hasError)).toBe(true);
  }
});

/** What an assignment of fob's means, by PowerShell's rules for its parts. @throws Error for other parts */
function textOf(assignment: Node): string {
  const parts = assignment.descendantsOfType(["string_literal", "cast_expression", "variable", "command"]);
  return parts
    .slice(1)
    .map(({ type, text }) => {
      const [, quoted] = /^'((?:[^']|'')*)'$/.exec(text) ?? [];
      const [, code] = /^\[char\](0x[\da-f]+)$/.exec(text) ?? [];
      if (type === "string_literal" && quoted !== undefined) return quoted.replaceAll("''", "'");
      if (type === "cast_expression" && code !== undefined) return String.fromCharCode(Number(code));
      throw new Error(`${type}: ${text}`);
    })
    .join("");
}

parsed("whatever a value holds, its line is one assignment of that value to the parser too", async () => {
  const parse = await makeParser();
  const odd = fc.constantFrom(
    "'",
    "''",
    '"',
    "`",
    "$",
    "$(calc)",
    "${",
    "\u2018",
    "\u2019",
    "#",
    ";",
    "\n",
    "@'",
    "é",
    "😀",
  );
  const value = fc.array(fc.oneof(odd, fc.string({ unit: "binary" })), { maxLength: 8 }).map((parts) => parts.join(""));
  const property = fc.property(value, (text) => {
    const variables = { set: { AWS_REGION: text }, unset: ["GONE"], unsetPrefix: "AWS_" };
    const lines = formatVariables("powershell", variables, "work");
    parse(lines, (root) => {
      expect(root.hasError).toBe(false);
      const [gone, set, ...others] = root.descendantsOfType("assignment_expression");
      expect(others).toEqual([]);
      expect(gone?.text).toBe("$Env:GONE = $null");
      expect(set?.descendantsOfType("variable")[0]?.text).toBe("$Env:AWS_REGION");
      expect(set && textOf(set)).toBe(text);
      expect(root.descendantsOfType("command").map((command) => command.text)).toEqual(["Remove-Item -Path Env:AWS_*"]);
    });
  });
  fc.assert(property, { numRuns: 100 });
});
