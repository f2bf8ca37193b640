// `fob device`: a user's own devices, from the terminal.
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { enforceMfaPolicy, selfManagePolicy } from "../../src/policy/enforcement.ts";
import { base32Decode, codeOfStep, timeStep } from "../../src/sandbox/totp.ts";
import { fast, keysOf, makeWorld, type OnTerminal, type RunOptions, type World } from "../helpers/world.ts";

/** What a user under the enforcement policy has. */
const enforced = [enforceMfaPolicy({}), selfManagePolicy({})];

/** A world whose profile `work` is of a user without a device. */
async function worldWithoutDevice(policies: readonly object[] = enforced): Promise<World & { readonly name: string }> {
  const world = await makeWorld({ config: "# mine\n[profile work]\nregion = eu-central-1\n" });
  const name = "dan";
  const user = world.sandbox.addUser({ name, policies });
  writeFileSync(world.credentialsPath, keysOf("work", user.accessKey), { mode: 0o600 });
  return { ...world, name };
}

const shown: RunOptions = { env: { NODE_OPTIONS: fast }, shows: ["device seed", "code"] };

/** The codes of the device whose key a terminal shows, from now on. */
async function scan(run: OnTerminal): Promise<(ahead: number) => string> {
  await run.shows("authenticator app, for");
  await run.shows("Code for");
  const [, key = ""] = /^ {2}((?:[A-Z2-7]{1,4} ?){8,})$/m.exec(run.screen()) ?? [];
  const seed = base32Decode(key);
  return (ahead) => codeOfStep(seed, timeStep(Date.now()) + ahead);
}

/** Types two codes. */
async function typeCodes(run: OnTerminal, first: string, second: string): Promise<void> {
  run.type(`${first}\r`);
  await run.shows("(the next one):");
  run.type(`${second}\r`);
}

test("a user under the enforcement policy enrolls and logs in, and the config has the device", async () => {
  const world = await worldWithoutDevice();
  const run = world.fobOnTerminal(["device", "enroll", "work"], shown);
  const code = await scan(run);
  expect(run.raw()).toMatch(/[▀▄█]{20}/);
  await typeCodes(run, code(-1), code(0));
  await run.shows("Log in with it now?");
  run.type("\r");
  await run.shows(/Code for dan @/);
  run.type(`${code(1)}\r`);
  const { status, screen } = await run.ended;
  expect({ status, screen }).toMatchObject({ status: 0, screen: expect.stringMatching(/Signed in as dan/) as string });
  expect(world.config()).toMatch(
    /^# mine\n\[profile work\]\nregion = eu-central-1\nmfa_serial = arn:aws:iam::\d{12}:mfa\/dan\n/,
  );
  expect(world.credentials()).toContain("[work-mfa]");
  const { stdout } = await world.fob(["device", "list", "work", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({ user: "dan", devices: [{ kind: "virtual", usable: true, reason: null }] });
});

test("codes that are no pair are explained, and AWS does not see them", async () => {
  const world = await worldWithoutDevice();
  const run = world.fobOnTerminal(["device", "enroll", "work"], shown);
  const code = await scan(run);
  await typeCodes(run, code(1), code(0));
  await run.shows("the codes are in the wrong order");
  await run.shows("Code for");
  run.type(`${code(0)}\r`);
  await run.shows("(the next one):");
  run.type(`${code(0)}\r`);
  await run.shows("that is the first code again");
  expect(world.calls("EnableMFADevice")).toBe(0);
  run.type(`\u0015${code(1)}\r`);
  await run.shows("Log in with it now?");
  run.type("n\r");
  expect((await run.ended).status).toBe(0);
  expect(world.calls("EnableMFADevice")).toBe(1);
});

test("Ctrl-C says what is left, and the next run takes another name", async () => {
  const world = await worldWithoutDevice();
  const first = world.fobOnTerminal(["device", "enroll", "work"], shown);
  await scan(first);
  first.type("\u0003");
  const { status, screen } = await first.ended;
  expect(status).toBe(130);
  expect(screen).toMatch(/mfa\/dan" was created, but not enabled/);
  expect(world.config()).not.toContain("mfa_serial");
  const second = world.fobOnTerminal(["device", "enroll", "work"], shown);
  const code = await scan(second);
  await typeCodes(second, code(-1), code(0));
  await second.shows("Log in with it now?");
  second.type("n\r");
  expect((await second.ended).screen).toMatch(/the new one is "dan-2"/);
  expect(world.config()).toMatch(/mfa_serial = .*mfa\/dan-2$/m);
});

test("where the user may, a half-made device is deleted again", async () => {
  const world = await worldWithoutDevice([
    { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "iam:*", Resource: "*" }] },
  ]);
  const run = world.fobOnTerminal(["device", "enroll", "work"], shown);
  await scan(run);
  run.type("\u0003");
  expect((await run.ended).screen).toContain("is deleted again");
  expect(world.calls("DeleteVirtualMFADevice")).toBe(1);
});

test("a second device needs a code of the first", async () => {
  const world = await makeWorld({ policies: enforced });
  const png = join(world.home, "mfa.png");
  const run = world.fobOnTerminal(["device", "enroll", "work", "--name", "second", "--png", png], shown);
  await run.shows(/Code for .*\(work/);
  run.type(`${world.device.code()}\r`);
  const code = await scan(run);
  expect(statSync(png).mode & 0o777).toBe(0o600);
  expect(readFileSync(png).subarray(1, 4).toString()).toBe("PNG");
  await typeCodes(run, code(-1), code(0));
  await run.shows("Log in with it now?");
  run.type("n\r");
  const { status, screen } = await run.ended;
  expect(status).toBe(0);
  expect(screen).toContain("fob login work --force --serial second");
  expect(existsSync(png)).toBe(false);
  expect(world.config()).toContain(`mfa_serial = ${world.device.serialNumber}\n`);
});

test("a terminal that is too small for the QR code shows the key", async () => {
  const world = await worldWithoutDevice();
  const run = world.fobOnTerminal(["device", "enroll", "work"], { ...shown, columns: 30 });
  await run.shows("too small for the QR code");
  await run.shows("Code for");
  expect(run.raw()).not.toMatch(/[▀▄█]{5}/);
  run.type("\u0003");
  expect((await run.ended).status).toBe(130);
});

test("without permission the policy to ask for is named, and nothing is changed", async () => {
  const world = await worldWithoutDevice([]);
  const { status, screen } = await world.fobOnTerminal(["device", "enroll", "work"], shown).ended;
  expect(status).toBe(1);
  expect(screen).toContain("fob policy show --self-manage");
  expect(world.config()).not.toContain("mfa_serial");
});

test("with eight devices there is no room", async () => {
  const world = await makeWorld();
  for (let number = 2; number <= 8; number++) world.sandbox.addVirtualDevice(world.user.name, `device-${number}`);
  const { status, screen } = await world.fobOnTerminal(["device", "enroll", "work"], shown).ended;
  expect(status).toBe(1);
  expect(screen).toContain("has 8 MFA devices, and AWS allows 8");
  expect(world.calls("CreateVirtualMFADevice")).toBe(0);
});

test("a name that is taken, and a run without a terminal", async () => {
  const world = await worldWithoutDevice();
  world.sandbox.addVirtualDevice(world.user.name, "phone");
  const taken = await world.fobOnTerminal(["device", "enroll", "work", "--name", "phone"], shown).ended;
  expect(taken.status).toBe(1);
  expect(taken.screen).toContain("fob device enroll work --name phone-phone");
  expect((await world.fob(["device", "enroll", "work"])).status).toBe(4);
});

test("list: passkeys are not for logins, and say why", async () => {
  const world = await worldWithoutDevice();
  const { serialNumber } = world.sandbox.addFidoDevice("dan");
  writeFileSync(world.configPath, `[profile work]\nregion = eu-central-1\nmfa_serial = ${serialNumber}\n`);
  const { stdout, stderr, status } = await world.fob(["device", "list", "work"]);
  expect(status).toBe(0);
  expect(stdout).toMatch(/u2f\S+ +passkey or security key +0 min ago +no\n/);
  expect(stderr).toContain("STS does not accept passkeys");
  const enroll = await world.fobOnTerminal(["device", "enroll", "work"], shown).ended;
  expect(enroll.status).toBe(1);
  expect(enroll.screen).toContain("add an authenticator app in the AWS console");
});
