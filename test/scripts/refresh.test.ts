// Renewing what runs out.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { endsIn } from "../helpers/sessions.ts";
import { makeWorld, type World } from "../helpers/world.ts";

const login = (world: World, ...args: string[]) =>
  world.fob(["login", "work", ...args, "--code", world.device.code(Date.now() - 30_000)]);
const tokenOf = (world: World): string | undefined => /aws_session_token = (\S+)/.exec(world.credentials())?.[1];

test("what lasts is kept, without a code", async () => {
  const world = await makeWorld();
  await login(world);
  const { status, stdout, stderr } = await world.fob(["refresh"]);
  expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
  expect(stderr).toMatch(/^fob: "work-mfa" is good until .*, no code needed\n$/);
});

test("what runs out is renewed, by the source's name as well as by the session's", async () => {
  for (const profile of ["work", "work-mfa"]) {
    const world = await makeWorld();
    await login(world);
    endsIn(world, 1800);
    const old = tokenOf(world);
    const run = world.fobOnTerminal(["refresh", profile]);
    await run.shows("MFA code");
    run.type(`${world.device.code()}\r`);
    expect((await run.ended).status).toBe(0);
    expect(tokenOf(world)).not.toBe(old);
  }
});

test("for cron: no question, an honest exit code, and the sessions that can be renewed are", async () => {
  const world = await makeWorld();
  await login(world);
  endsIn(world, 1800);
  await world.fob(["login", "work", "--to", "other", "--code", world.device.code()]);
  endsIn(world, 1800, "other");
  // The last section is "other"; the one before it renews by itself.
  const next = world.device.code(Date.now() + 30_000);
  const withProcess = `[profile work-mfa]\nmfa_process = ${world.commandThatPrints(next)}\n`;
  writeFileSync(world.configPath, world.config().replace("[profile work-mfa]\n", withProcess));
  const { status, stderr } = await world.fob(["refresh", "--no-input"]);
  expect(status).toBe(4);
  expect(stderr).toMatch(/fob: error: "other" needs an MFA code, .*: fob login other\n/);
  expect(stderr).toMatch(/fob: "work-mfa" is good until/);
});

test("without sessions there is nothing to do", async () => {
  const world = await makeWorld();
  expect(await world.fob(["refresh"])).toMatchObject({
    status: 0,
    stderr: expect.stringContaining("no sessions") as string,
  });
});

test("--watch stays, shows the table, calls for the user in time, and ends with Ctrl-C", async () => {
  const world = await makeWorld();
  const bin = join(world.home, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "notify-send"), `#!/bin/sh\nprintf '%s\\n' "$@" > '${world.home}/notified'\n`);
  chmodSync(join(bin, "notify-send"), 0o755);
  await login(world, "--duration", "15m");
  const run = world.fobOnTerminal(["refresh", "--watch", "--min-ttl", "14m56s"], {
    env: { PATH: `${bin}:${process.env.PATH ?? ""}` },
  });
  await run.shows(/work-mfa +work +valid/);
  await run.shows("MFA code");
  run.type(`${world.device.code()}\r`);
  await run.shows('"work-mfa" is good until');
  await run.shows(/work-mfa +work +valid/);
  await expect.poll(() => readFileSync(join(world.home, "notified"), "utf8")).toContain('"work" needs an MFA code');
  run.type("\u0003");
  expect((await run.ended).status).toBe(130);
});

test("--watch outlives a config that cannot be read for a moment, and says so once", async () => {
  const world = await makeWorld();
  await login(world);
  const config = world.config();
  writeFileSync(world.configPath, `${config}broken\n`);
  const run = world.fobOnTerminal(["refresh", "--watch"]);
  await run.shows("so fob does not touch the file");
  writeFileSync(world.configPath, config);
  await run.shows(/work-mfa +work +valid/);
  run.type("\u0003");
  expect((await run.ended).status).toBe(130);
});
