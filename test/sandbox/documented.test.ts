// What docs/sandbox-iam.md lists is what the local AWS has.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { listOperations } from "../../src/sandbox/server.ts";

test("docs/sandbox-iam.md names every operation of IAM in a table, and no other", () => {
  const text = readFileSync(resolve(import.meta.dirname, "../../docs/sandbox-iam.md"), "utf8");
  const cells = text.split("\n").flatMap((line) => /^\| (\[?[A-Z][^|]*?) \|/.exec(line)?.[1] ?? []);
  const names = cells.flatMap((cell) => cell.replace(/\]\([^)]*\)|\[/g, "").split(", "));
  const operations = names.filter((name) => /^([A-Z][a-z]+){1,}([A-Z][A-Za-z]*)$/.test(name));
  expect(operations.sort()).toEqual([...listOperations("iam")].sort());
});
