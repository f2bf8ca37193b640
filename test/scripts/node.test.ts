import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeWorld } from "../helpers/world.ts";

test("the built program runs on the Node.js that is tested, in whatever way a test starts it", async () => {
  const world = await makeWorld();
  const [log, preload] = [join(world.home, "versions"), join(world.home, "version.cjs")];
  writeFileSync(preload, `require("node:fs").appendFileSync(${JSON.stringify(log)}, process.version + "\\n");`);
  const env = { NODE_OPTIONS: `--require ${preload}` };
  await world.fob(["--version"], { env });
  await world.fobOnTerminal(["--version"], { env }).ended;
  await world.shellOnTerminal("fob --version", { env }).ended;
  const tested = process.env.FOB_TEST_NODE_VERSION ?? process.version;
  expect(readFileSync(log, "utf8")).toBe(`${tested}\n`.repeat(3));
});
