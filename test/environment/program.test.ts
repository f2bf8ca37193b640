// What keeps a program from being run.
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findProblem } from "../../src/environment/program.ts";
import { temporaryFolder } from "../helpers/world.ts";

/** Scripts that name each other, or themselves, in their first lines. @returns the path of the first */
function makeScripts(interpreters: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder();
  for (const [name, interpreter] of Object.entries(interpreters)) {
    writeFileSync(join(folder, name), `#!${join(folder, interpreter)}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return join(folder, Object.keys(interpreters)[0] ?? "");
}

test.each([
  ["itself", { loop: "loop" }],
  ["another that names it", { one: "two", two: "one" }],
])("a script whose interpreter is %s is left to the system, which refuses it", (_, interpreters) => {
  expect(findProblem(makeScripts(interpreters), { PATH: "" })).toBeUndefined();
});

test("a script whose interpreter is not there is not run", () => {
  const { exitCode, reason } = findProblem(makeScripts({ script: "gone" }), { PATH: "" }) ?? {};
  expect(exitCode).toBe(126);
  expect(reason).toMatch(/^its interpreter .*gone does not exist$/);
});
