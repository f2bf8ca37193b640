// What SDKs get that run `fob credential-process`.
import { appendFileSync, existsSync, readFileSync, renameSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { mayHoldSecrets } from "../helpers/leaks.ts";
import { endsIn, sessionFile } from "../helpers/sessions.ts";
import { keysOf, makeWorld, node, program, type World } from "../helpers/world.ts";

const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
const login = (world: World, at?: number) => world.fob(["login", "work", "--code", world.device.code(at)]);
const ask = (world: World, ...args: string[]) => world.fob(["credential-process", ...args]);

async function installed(): Promise<World> {
  const world = await makeWorld();
  await world.fob(["credential-process", "--install", "work"]);
  return world;
}

/** Asks as the config of an installed profile does. */
const served = (world: World, profile: string, env: Record<string, string> = {}) =>
  world.fob(["credential-process", profile, "--endpoint-url", world.sandbox.url], { env });

test("a session in the store is answered as the SDKs want it, nothing more, and without AWS", async () => {
  const world = await makeWorld();
  await login(world);
  const calls = world.sandbox.requests.length;
  const { status, stdout, stderr } = await ask(world, "work-mfa");
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(JSON.parse(stdout)).toEqual({
    Version: 1,
    AccessKeyId: expect.stringMatching(/^ASIA\w{16}$/) as string,
    SecretAccessKey: expect.stringMatching(/^\S{40}$/) as string,
    SessionToken: expect.stringMatching(/^\S{100,}$/) as string,
    Expiration: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string,
    AccountId: world.sandbox.account,
  });
  expect(stdout.match(/\n/g)).toHaveLength(1);
  expect(world.sandbox.requests.length).toBe(calls);
  expect((await ask(world, "work")).stdout).toBe(stdout);
  expect((await world.fob(["credential_process"], { env: { AWS_PROFILE: "work-mfa" } })).stdout).toBe(stdout);
});

test("without a session it asks on the terminal although stdin, stdout and stderr are pipes", async () => {
  const world = await makeWorld();
  const run = world.shellOnTerminal(
    "true | fob credential-process work-mfa 2>/dev/null | grep -c SessionToken > answer",
    {
      cwd: world.home,
    },
  );
  await run.shows(/Code for .*\(work\)/);
  run.type(`${world.device.code()}\r`);
  expect((await run.ended).status).toBe(0);
  expect(readFileSync(join(world.home, "answer"), "utf8")).toBe("1\n");
  expect(world.credentials()).toContain("[work-mfa]\naws_access_key_id = ASIA");
});

test("if fob cannot prompt it ends at once, with the command to run", async () => {
  const world = await makeWorld();
  expect(await ask(world, "work-mfa")).toMatchObject({
    status: 4,
    stdout: "",
    stderr:
      'fob: error: "work-mfa" needs an MFA code, but fob cannot prompt here; run in a terminal: fob login work-mfa\n',
  });
});

test.each([14, 9])(
  "credentials with %i minutes left are better than none, and stderr says why they are old",
  async (left) => {
    const world = await makeWorld();
    await login(world);
    const old = endsIn(world, left * 60);
    const { status, stdout, stderr } = await ask(world, "work-mfa");
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${old}\n` });
    expect(stderr).toMatch(/^fob: warning: "work-mfa" needs an MFA code, .* expire in \d+ min\n$/);
  },
);

test("credentials with less than a minute left are not served", async () => {
  const world = await makeWorld();
  await login(world);
  endsIn(world, 50);
  expect(await ask(world, "work-mfa")).toMatchObject({ status: 4, stdout: "" });
});

test("old credentials of another key, device or endpoint are not served", async () => {
  const world = await makeWorld();
  await login(world);
  endsIn(world, 840);
  const run = await world.fob(["credential-process", "work-mfa"], {
    env: { AWS_MFA_SERIAL: world.device.serialNumber.replace("mfa/", "mfa/other-") },
  });
  expect(run).toMatchObject({ status: 4, stdout: "" });
});

test("a mfa_process gives the code, and stdin is never read", async () => {
  const world = await makeWorld();
  writeFileSync(world.configPath, `${world.config()}mfa_process = ${world.commandThatPrints(world.device.code())}\n`);
  const { status, stdout } = await world.fob(["credential-process", "work-mfa"], { input: "not for fob\n" });
  expect(status).toBe(0);
  expect(stdout).toContain('"AccessKeyId":"ASIA');
});

test("a refusal counts for those who ask in the next seconds, and never for fob login", async () => {
  const world = await makeWorld();
  const refused = world.fobOnTerminal(["credential-process", "work-mfa", "--reveal"]);
  await refused.shows("Code for");
  refused.type("\u0003");
  expect((await refused.ended).status).toBe(130);

  const again = world.fobOnTerminal(["credential-process", "work-mfa", "--reveal"]);
  const { status, screen } = await again.ended;
  expect({ status, screen }).toMatchObject({
    status: 4,
    screen: expect.stringContaining("cancelled (a moment ago; fob will prompt") as string,
  });
  expect(screen).not.toContain("Code for");

  const login = world.fobOnTerminal(["login", "work"]);
  await login.shows("Code for");
  login.type(`${world.device.code()}\r`);
  expect((await login.ended).status).toBe(0);
  expect((await ask(world, "work-mfa")).status).toBe(0);
});

test("a refusal at the prompt while the old credentials last is answered with those", async () => {
  const world = await makeWorld();
  await login(world);
  const old = endsIn(world, 600);
  const run = world.fobOnTerminal(["credential-process", "work-mfa", "--reveal"]);
  await run.shows("Code for");
  run.type("\u0003");
  expect(await run.ended).toMatchObject({ status: 0, screen: expect.stringContaining(old) as string });
});

test("the question goes away with the program that wanted the answer, also behind a shell", async () => {
  const world = await makeWorld();
  const fob = `'${node}' '${program}' credential-process work-mfa`;
  // As SDKs do it: by a shell, which may or may not replace itself by the command.
  for (const command of [`exec ${fob}`, `${fob}; true`]) {
    const sdk = `require("node:child_process").exec(${JSON.stringify(command)}); console.log("sdk " + process.pid);`;
    writeFileSync(join(world.home, "sdk.cjs"), sdk);
    const run = world.shellOnTerminal(`'${node}' sdk.cjs; cat`, { cwd: world.home });
    await run.shows("Code for");
    const lock = join(world.home, ".aws/fob/locks/session-work-mfa");
    expect(existsSync(lock)).toBe(true);
    process.kill(Number(/sdk (\d+)/.exec(run.screen())?.[1]), "SIGKILL");
    await expect.poll(() => existsSync(lock), { timeout: 10_000 }).toBe(false);
    run.type("\u0003");
    await run.ended;
  }
});

test("what was looked at is answered without a look, until an AWS file changes", async () => {
  const world = await installed();
  await login(world);
  const stamp = (): number => statSync(sessionFile(world)).mtimeMs;
  const change = (): void => appendFileSync(world.configPath, "# mine\n");
  change();
  const changed = stamp();
  const asked = async (): Promise<number> => {
    await served(world, "work-mfa");
    return stamp();
  };
  // Not within a second of the change: some shells could not tell the next one from it.
  await expect.poll(asked, { timeout: 10_000 }).toBeGreaterThan(changed);
  const vouched = stamp();
  expect(await asked()).toBe(vouched);
  change();
  await expect.poll(asked, { timeout: 10_000 }).toBeGreaterThan(vouched);
});

test("what was looked at with an option or a variable is not right for those who do not have it", async () => {
  const world = await installed();
  await login(world);
  const other = world.sandbox.addVirtualDevice(world.user.name, "other").serialNumber;
  writeFileSync(world.configPath, world.config().replace(world.device.serialNumber, other));
  const old = world.device.serialNumber;
  const refused = { status: 4, stdout: "" };
  expect(await served(world, "work-mfa")).toMatchObject(refused);
  const withVariable = () => served(world, "work-mfa", { AWS_MFA_SERIAL: old });
  expect(await withVariable()).toMatchObject({ status: 0 });
  await world.fob(["login", "work", "--serial", old]);
  await world.fob(["credential-process", "--install", "work"]);
  // Also a second later, when it may be kept that it was looked at.
  await sleep(1100);
  await withVariable();
  await world.fob(["login", "work", "--serial", old]);
  expect(await served(world, "work-mfa")).toMatchObject(refused);
});

test("an older file that takes the place of an AWS file is noticed too", async () => {
  const world = await makeWorld();
  await login(world);
  await ask(world, "work-mfa");
  const older = join(world.home, "older");
  writeFileSync(older, world.config().replace(/mfa_serial = .*/, "mfa_serial = arn:aws:iam::123456789012:mfa/other"));
  utimesSync(older, 0, 0);
  renameSync(older, world.configPath);
  expect(await ask(world, "work-mfa")).toMatchObject({ status: 4, stdout: "" });
});

test("a session file that is cut off is said to be, and is not asked over", async () => {
  const world = await makeWorld();
  await login(world);
  writeFileSync(sessionFile(world), readFileSync(sessionFile(world), "utf8").slice(0, 200));
  const { status, stderr } = await ask(world, "work-mfa");
  expect(status).toBe(4);
  expect(stderr).toMatch(/^fob: warning: the session file ".*" is cut off; a new session is needed\nfob: error: /);
});

test("programs that want different sessions on one terminal ask one after the other", async () => {
  const world = await makeWorld();
  const other = world.sandbox.addUser({ name: "other", policies: [everything] });
  const device = world.sandbox.addVirtualDevice("other", "other");
  appendFileSync(world.credentialsPath, keysOf("other", other.accessKey));
  appendFileSync(world.configPath, `[profile other]\nmfa_serial = ${device.serialNumber}\n`);
  const codes = { work: world.device.code(), other: device.code() };
  for (const name of ["first", "second"]) mayHoldSecrets(join(world.home, name));
  // In a pipeline both are in the terminal's foreground.
  const run = world.shellOnTerminal(
    "umask 077; fob credential-process work-mfa >first | fob credential-process other-mfa >second; grep -c SessionToken first second",
    { cwd: world.home },
  );
  const asked = /Code for .*\((work|other)\):/g;
  await run.shows(asked);
  const [[, first = ""] = []] = run.screen().matchAll(asked);
  const second = first === "work" ? "other" : "work";
  run.type(`${codes[first as "work" | "other"]}\r`);
  await run.shows(`(${second}):`);
  run.type(`${codes[second]}\r`);
  await run.shows("first:1");
  await run.shows("second:1");
  await run.ended;
});

// It says for which region a program is run, not whose the key is.
test("a region of another partition in the environment makes no difference to which session is served", async () => {
  const world = await makeWorld({ config: "" });
  await world.fob(["login", "work", "--serial", world.device.serialNumber, "--code", world.device.code()]);
  await world.fob(["credential-process", "--install", "work"]);
  // Later than the installation, so that the quick answer is given.
  const later = Date.now() / 1000 + 5;
  utimesSync(sessionFile(world, "work-mfa"), later, later);
  const quick = await served(world, "work-mfa");
  expect(quick.status).toBe(0);
  for (const isChanged of [false, true]) {
    // What has changed since is looked at closely.
    if (isChanged) utimesSync(world.configPath, later + 5, later + 5);
    for (const name of ["AWS_REGION", "AWS_DEFAULT_REGION"]) {
      expect(await served(world, "work-mfa", { [name]: "cn-north-1" })).toEqual(quick);
    }
  }
});
