// A command that prints codes, beside a question that stays unanswered on the same terminal.
import { appendFileSync } from "node:fs";
import { expect, test } from "vitest";
import { keysOf, makeWorld } from "../helpers/world.ts";

test("an mfa_process goes on without the terminal after 20 s, and is not held up by the question of another session", async () => {
  const world = await makeWorld();
  const other = world.sandbox.addUser({ name: "other", policies: [] });
  const device = world.sandbox.addVirtualDevice("other");
  appendFileSync(world.credentialsPath, `\n${keysOf("other", other.accessKey)}`);
  const command = `cat; ${world.commandThatPrints(device.code())}`;
  appendFileSync(
    world.configPath,
    `\n[profile other]\nregion = eu-central-1\nmfa_serial = ${device.serialNumber}\nmfa_process = ${command}\n`,
  );
  const run = world.shellOnTerminal("fob login work & sleep 1; fob login other; echo ended with $?; kill %1; wait");
  await run.shows("Code for");
  const began = performance.now();
  await run.shows("ended with 0");
  expect(performance.now() - began).toBeGreaterThan(15_000);
  await run.ended;
}, 60_000);
