import { expect, test } from "vitest";
import { makeWorld } from "../helpers/world.ts";

test("login asks for the code on the terminal and writes the session profile", async () => {
  const world = await makeWorld();
  const run = world.fobOnTerminal(["login", "work"]);
  await run.shows("MFA code");
  run.type(`${world.device.code()}\r`);
  const { status, screen } = await run.ended;
  expect(screen).toContain('"work-mfa" is good until');
  expect(status).toBe(0);
  expect(world.credentials()).toContain("[work-mfa]\naws_access_key_id = ASIA");
});
