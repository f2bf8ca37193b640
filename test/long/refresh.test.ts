// Renewing what runs out.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { endsIn } from "../helpers/sessions.ts";
import { fast, makeWorld, type World, withClock } from "../helpers/world.ts";

/** With this, ten seconds between two looks are half a second. */
const hurried = { env: { NODE_OPTIONS: fast } };

const login = (world: World, ...args: string[]) =>
  world.fob(["login", "work", ...args, "--code", world.device.code(Date.now() - 30_000)]);
const tokenOf = (world: World): string | undefined => /aws_session_token = (\S+)/.exec(world.credentials())?.[1];

test("what lasts is kept, without a code", async () => {
  const world = await makeWorld();
  await login(world);
  const { status, stdout, stderr } = await world.fob(["refresh"]);
  expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
  expect(stderr).toMatch(/^fob: "work-mfa" is valid until .*, no code needed\n$/);
});

test("what runs out is renewed, by the source's name as well as by the session's", async () => {
  for (const profile of ["work", "work-mfa"]) {
    const world = await makeWorld();
    await login(world);
    endsIn(world, 1800);
    const old = tokenOf(world);
    const run = world.fobOnTerminal(["refresh", profile]);
    await run.shows("Code for");
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
  expect(stderr).toMatch(/fob: "work-mfa" is valid until/);
});

test("what was said with options when the session was opened counts again", async () => {
  const world = await makeWorld();
  const config = world.config();
  writeFileSync(world.configPath, config.replace(/mfa_serial = .*/, "mfa_serial = arn:aws:iam::123456789012:mfa/lost"));
  await login(world, "--serial", world.device.serialNumber, "--duration", "2h", "--region", "eu-west-1");
  endsIn(world, 60);
  const run = world.fobOnTerminal(["refresh", "--debug"]);
  await run.shows("Code for");
  run.type(`${world.device.code()}\r`);
  const { screen } = await run.ended;
  expect(screen).toMatch(/"work-mfa" is valid until .* \(2 h\)/);
  expect(screen).toContain("eu-west-1");
  const asked = world.sandbox.requests.findLast(({ action }) => action === "GetSessionToken");
  expect(asked).toMatchObject({ status: 200 });
  // And the session is the right one for programs too, which have no options to say so.
  expect((await world.fob(["credential-process", "work-mfa"])).status).toBe(0);
});

test("a region that is no region is refused", async () => {
  const world = await makeWorld();
  await login(world);
  for (const args of [["refresh"], ["credential-process", "work-mfa"], ["credential-process", "--install", "work"]]) {
    const { status, stderr } = await world.fob([...args, "--region", "nowhere"]);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: expect.stringContaining('"nowhere" (from --region)') as string,
    });
  }
});

test("the command that a refusal names asks for as much as was asked for", async () => {
  const world = await makeWorld();
  await login(world);
  const { status, stderr } = await world.fob(["refresh", "--no-input", "--min-ttl", "12h"]);
  expect({ status, stderr }).toMatchObject({
    status: 2,
    stderr: expect.stringContaining("fob login work-mfa --duration LENGTH --min-ttl 12h --force") as string,
  });
  endsIn(world, 7200);
  const { stderr: refused } = await world.fob(["refresh", "--no-input", "--min-ttl", "8h"]);
  expect(refused).toMatch(/run in a terminal: fob login work-mfa --min-ttl 8h\n$/);
  const { stderr: stale } = await world.fob(["status", "--check", "--min-ttl", "8h", "work"]);
  expect(stale).toMatch(/hint: fob login work --min-ttl 8h\n$/);
});

test("for cron: where nothing is due there is nothing to say", async () => {
  const world = await makeWorld();
  await login(world);
  expect(await world.fob(["refresh", "--no-input"])).toMatchObject({ status: 0, stdout: "", stderr: "" });
});

test("without sessions there is nothing to do, and the command that opens one is named", async () => {
  const world = await makeWorld();
  const { status, stderr } = await world.fob(["refresh"]);
  expect({ status, stderr }).toEqual({
    status: 0,
    stderr: "fob: no sessions\nfob: hint: fob login work\n",
  });
});

test("--watch waits for the first session", async () => {
  const world = await makeWorld();
  const run = world.fobOnTerminal(["refresh", "--watch"], hurried);
  await run.shows("no sessions");
  await run.shows("when less than 1 h is left");
  await login(world);
  await run.shows(/work-mfa +work +\d+ +valid/);
  run.type("\u0003");
  expect((await run.ended).status).toBe(130);
});

test("--watch stays, shows the table, calls for the user in time, and ends with Ctrl-C", async () => {
  const world = await makeWorld();
  const bin = join(world.home, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "notify-send"), `#!/bin/sh\nprintf '%s\\n' "$@" > '${world.home}/notified'\n`);
  chmodSync(join(bin, "notify-send"), 0o755);
  await login(world, "--duration", "15m");
  const clock = join(world.home, "clock");
  const isAhead = (seconds: number): void => writeFileSync(clock, String(seconds));
  isAhead(0);
  const run = world.fobOnTerminal(["refresh", "--watch", "--min-ttl", "14m"], {
    env: { NODE_OPTIONS: `${fast} ${withClock}`, CLOCK: clock, PATH: `${bin}:${process.env.PATH ?? ""}` },
  });
  await run.shows(/work-mfa +work +\d+ +valid/);
  isAhead(90);
  await run.shows("\u0007");
  await run.shows("Code for");
  isAhead(0);
  run.type(`${world.device.code()}\r`);
  await run.shows('"work-mfa" is valid until');
  await run.shows(/work-mfa +work +\d+ +valid/);
  await expect
    .poll(() => readFileSync(join(world.home, "notified"), "utf8"))
    .toMatch(/Code for user-\w+ @ \d{12} \(work\)/);
  run.type("\u0003");
  expect((await run.ended).status).toBe(130);
});

test("--watch calls for the user before a device is chosen, and draws nothing over the list", async () => {
  const world = await makeWorld({ config: "[profile work]\nregion = eu-central-1\n" });
  const second = world.sandbox.addVirtualDevice(world.user.name, "second");
  const first = world.fobOnTerminal(["login", "work"]);
  await first.shows("Which device");
  first.type("\r");
  await first.shows("Code for");
  first.type(`${world.device.code(Date.now() - 30_000)}\r`);
  await first.ended;
  writeFileSync(world.configPath, world.config().replace(/^fob_mfa_serial.*\n/m, ""));
  endsIn(world, 60);
  const run = world.fobOnTerminal(["refresh", "--watch"]);
  await run.shows("\u0007");
  await run.shows("Which device");
  run.type("second");
  await run.shows("\u276f arn:aws:iam::123456789012:mfa/second");
  run.type("\r");
  await run.shows("(work, device second)");
  run.type(`${second.code()}\r`);
  await run.shows('"work-mfa" is valid until');
  run.type("\u0003");
  expect((await run.ended).status).toBe(130);
});

test("a question for one session holds up no other, and a name that is not there no renewal", async () => {
  const world = await makeWorld();
  await login(world);
  await world.fob(["login", "work", "--to", "other", "--code", world.device.code()]);
  const next = world.device.code(Date.now() + 30_000);
  const withProcess = `[profile work-mfa]\nmfa_process = ${world.commandThatPrints(next)}\n`;
  writeFileSync(world.configPath, world.config().replace("[profile work-mfa]\n", withProcess));
  endsIn(world, 1800);
  endsIn(world, 1800, "other");
  const run = world.fobOnTerminal(["refresh", "--watch"], hurried);
  // In either order.
  await expect.poll(() => run.screen(), { timeout: 20_000 }).toContain("Code for");
  await expect.poll(() => run.screen(), { timeout: 20_000 }).toContain('"work-mfa" is valid until');
  run.type("\u0003");
  const { status, screen } = await run.ended;
  expect(status).toBe(130);
  expect(screen).toContain("fob: cancelled; fob no longer renews sessions");

  endsIn(world, 1800);
  const { status: failed, stderr } = await world.fob(["refresh", "--no-input", "gone", "work-mfa"], hurried);
  expect(failed).toBe(1);
  expect(stderr).toMatch(/error: no profile "gone"[\s\S]*"work-mfa"/);
});

test("--watch outlives a config that cannot be read for a moment, and says so once", async () => {
  const world = await makeWorld();
  await login(world);
  const config = world.config();
  writeFileSync(world.configPath, `${config}broken\n`);
  const run = world.fobOnTerminal(["refresh", "--watch"], hurried);
  await run.shows("so fob does not change the file");
  writeFileSync(world.configPath, config);
  await run.shows(/work-mfa +work +\d+ +valid/);
  run.type("\u0003");
  expect((await run.ended).status).toBe(130);
});
