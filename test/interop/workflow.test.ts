// The workflow for GitHub Actions, which nothing here runs: actionlint reads it, with the scripts in it.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { isThere } from "../helpers/needed.ts";

const folder = resolve(import.meta.dirname, "../../.github/workflows");
const lint = (...args: readonly string[]) => spawnSync("actionlint", args, { encoding: "utf8", input: workflow });
const workflow = readFileSync(join(folder, "test.yml"), "utf8").replaceAll("matrix.node", "matrix.nodes");

test.skipIf(!isThere("actionlint", "-version"))("actionlint finds nothing in the workflows, and finds a slip", () => {
  const files = readdirSync(folder).map((name) => join(folder, name));
  const { status, stdout } = lint("-no-color", ...files);
  expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
  expect(lint("-no-color", "-").stdout).toContain('property "nodes" is not defined');
});
