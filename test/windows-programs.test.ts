// How Windows starts programs, as far as it can be told on every system. test/windows/exec.test.ts runs them.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startOnWindows } from "../src/windows-programs.ts";
import { temporaryFolder } from "./helpers/world.ts";

/** The command line of a batch file with these arguments, behind its name. */
function lineOf(...args: readonly string[]): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "tool.cmd"), "");
  const { file, args: words, isVerbatim } = startOnWindows(`${folder}/tool`, args, { ComSpec: "C:\\cmd.exe" });
  expect({ file, options: words.slice(0, -1), isVerbatim }).toEqual({
    ...{ file: "C:\\cmd.exe", isVerbatim: true },
    options: ["/e:on", "/v:off", "/d", "/c"],
  });
  const [, line] = /^""[^"]*\\tool\.cmd" (.*)"$/.exec(words.at(-1) ?? "") ?? [];
  return line ?? String(words);
}

test("in the command line of a batch file everything that means something to cmd is within quotes", () => {
  expect(lineOf("plain", "--option=1", "a b", "", "a&b")).toBe('plain "--option=1" "a b" "" "a&b"');
  expect(lineOf('say "hi"', '\\"', "end\\", "a b\\\\")).toBe('"say ""hi""" "\\\\""" "end\\\\" "a b\\\\\\\\"');
});

test("no variable is put into the arguments of a batch file", () => {
  expect(lineOf("%PATH%", "100%")).toBe('"%%cd:~,%PATH%%cd:~,%" "100%%cd:~,%"');
});

test("a program is started as it is, and an unknown name is left to the system", () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "tool.exe"), "");
  mkdirSync(join(folder, "folder.cmd"));
  const start = (name: string) => startOnWindows(name, ["%PATH%"], { PATHEXT: ".CMD;.EXE" });
  expect(start(`${folder}/tool`)).toEqual({ file: `${folder}/tool.exe`, args: ["%PATH%"], isVerbatim: false });
  for (const name of ["", "tool", `${folder}/folder`, `${folder}/none.cmd/x`]) expect(start(name).file).toBe(name);
});
