// `fob device`: a user's own devices, from the terminal.
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { enforced, scan, shown, typeCodes, worldWithoutDevice } from "../helpers/enroll.ts";
import { makeWorld, type World, withClock } from "../helpers/world.ts";

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
  expect(screen).toContain("hint: remove one first: fob device remove work");
  expect(world.calls("CreateVirtualMFADevice")).toBe(0);
});

test("a name that is taken, also by a run that was interrupted, and a run without a terminal", async () => {
  const world = await worldWithoutDevice();
  const enroll = () => world.fobOnTerminal(["device", "enroll", "work", "--name", "phone"], shown);
  const first = enroll();
  await first.shows("(the first of two)");
  first.type("\u0003");
  expect((await first.ended).status).toBe(130);
  const second = enroll();
  await second.shows('"phone": there is a device of that name, so the new one is "phone-2"');
  second.type("\u0003");
  expect((await second.ended).status).toBe(130);
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

/** Codes of the world's device from a clock that is ten minutes ahead. */
const ahead = ({ device }: World, steps: number): string => device.code(Date.now() + 600_000 + 30_000 * steps);

test("resync: codes in the wrong order are refused, a right pair is taken, and the next code logs in", async () => {
  const world = await makeWorld({ policies: enforced });
  const drifted = ahead(world, 2);
  expect((await world.fob(["login", "work", "--code", drifted])).status).toBe(1);
  const run = world.fobOnTerminal(["device", "resync", "work"], shown);
  await run.shows(/Code for user-\w+ @ \d{12} \(the first of two\):/);
  await typeCodes(run, ahead(world, 1), ahead(world, 0));
  await run.shows("AWS rejected the two codes of the MFA device; type two new ones, in the order");
  await run.shows("(the first of two):");
  run.type(`${ahead(world, 0)}\r`);
  await run.shows("(the next one):");
  run.type(`${ahead(world, 0)}\r`);
  await run.shows("that is the first code again");
  run.type(`\u0015${ahead(world, 1)}\r`);
  const { status, screen } = await run.ended;
  expect({ status, screen }).toMatchObject({ status: 0, screen: expect.stringContaining("Resynchronized") as string });
  expect(screen).toContain("fob login work");
  expect((await world.fob(["login", "work", "--code", drifted])).status).toBe(0);
});

test("resync: Ctrl-C at either code, codes that AWS never takes, a wrong clock, and no terminal", async () => {
  const world = await makeWorld({ policies: enforced });
  const resync = (env = {}) =>
    world.fobOnTerminal(["device", "resync", "work"], { ...shown, env: { ...shown.env, ...env } });
  for (const answers of [[], ["111111\r"]]) {
    const run = resync();
    await run.shows("(the first of two):");
    for (const answer of answers) {
      run.type(answer);
      await run.shows("(the next one):");
    }
    run.type("\u0003");
    const { status, screen } = await run.ended;
    expect(status).toBe(130);
    expect(screen).toContain("cancelled; nothing is changed");
  }
  expect(world.calls("ResyncMFADevice")).toBe(0);
  const wrong = resync();
  for (let attempt = 0; attempt < 3; attempt++) {
    await wrong.shows("(the first of two):");
    await typeCodes(wrong, "111111", "222222");
  }
  const { status, screen } = await wrong.ended;
  expect(status).toBe(1);
  expect(screen).toContain("so it is not resynchronized");
  expect(screen).toContain("then try again: fob device resync work");

  const CLOCK = join(world.home, "clock");
  writeFileSync(CLOCK, "900");
  const late = await resync({ CLOCK, NODE_OPTIONS: withClock }).ended;
  expect(late.status).toBe(1);
  expect(late.screen).toMatch(/clock is \S+ ?\w* ahead/);
  expect(world.calls("ResyncMFADevice")).toBe(3);
  expect((await world.fob(["device", "resync", "work"])).status).toBe(4);
});

test("resync: one of two devices, a passkey, a device that is not there, and no permission", async () => {
  const world = await makeWorld({ policies: enforced });
  const second = world.sandbox.addVirtualDevice(world.user.name, "second");
  const fido = world.sandbox.addFidoDevice(world.user.name);
  const run = world.fobOnTerminal(["device", "resync", "work"], shown);
  await run.shows("Which device shows codes that AWS rejects?");
  expect(run.screen()).not.toContain("u2f");
  run.type("\u001b[B\r");
  await run.shows("Code for second @");
  await typeCodes(run, second.code(), second.code(Date.now() + 30_000));
  expect((await run.ended).status).toBe(0);
  const named = (serial: string) => world.fobOnTerminal(["device", "resync", "work", "--serial", serial], shown).ended;
  expect((await named(fido.serialNumber)).screen).toContain("shows no codes, so there is nothing to resynchronize");
  const missing = await named("third");
  expect(missing.status).toBe(2);
  expect(missing.screen).toContain("hint: fob device list work");

  const powerless = await makeWorld({ policies: [] });
  const unlisted = await powerless.fobOnTerminal(["device", "resync", "work"], shown).ended;
  expect(unlisted.screen).toContain("cannot list your MFA devices");
  const { serialNumber } = powerless.device;
  const denied = powerless.fobOnTerminal(["device", "resync", "work", "--serial", serialNumber], shown);
  await denied.shows("(the first of two):");
  await typeCodes(denied, powerless.device.code(), powerless.device.code(Date.now() + 30_000));
  const { status, screen } = await denied.ended;
  expect(status).toBe(1);
  expect(screen).toContain("the policy that lets you resynchronize your own devices");
  expect(screen).toContain("fob policy show --self-manage");
});

test("resync: passkeys alone have no codes, and a user without a device is led to one", async () => {
  const world = await worldWithoutDevice();
  const resync = () => world.fobOnTerminal(["device", "resync", "work"], shown).ended;
  const none = await resync();
  expect(none.screen).toContain("you have no MFA device");
  expect(none.screen).toContain("fob device enroll work");
  const first = world.sandbox.addFidoDevice("dan", "first");
  const one = await resync();
  expect(one.screen).toContain(`"${first.serialNumber}" shows no codes, so there is nothing to resynchronize`);
  world.sandbox.addFidoDevice("dan", "second");
  const { status, screen } = await resync();
  expect(status).toBe(1);
  expect(screen).toContain("none of your MFA devices shows codes, so there is nothing to resynchronize");
  expect(screen).toContain("hint: see which devices you have: fob device list work");
});

test("remove: the name is typed, a code opens the session, and the config forgets the device", async () => {
  const world = await makeWorld({ policies: enforced });
  const second = world.sandbox.addVirtualDevice(world.user.name, "second");
  const role = `[profile role]\nrole_arn = arn:aws:iam::123456789012:role/x\nmfa_serial = ${second.serialNumber}\n`;
  writeFileSync(
    world.configPath,
    `${world.config()}# mine\n${role}[profile work-mfa]\nfob_mfa_serial = ${second.serialNumber}\n`,
  );
  const run = world.fobOnTerminal(["device", "remove", "work"], shown);
  await run.shows("Which device do you want to remove?");
  run.type("\u001b[B\r");
  await run.shows("hint: if you do not have it any more, first: fob login work --force --serial");
  await run.shows("Type the device's name (second) to remove it:");
  run.type("sceond\r");
  await run.shows("that is not its name");
  run.type("\u0015second\r");
  await run.shows("Code for second @");
  run.type(`${second.code()}\r`);
  const { status, screen } = await run.ended;
  expect({ status, screen }).toMatchObject({ status: 0, screen: expect.stringContaining("Removed ") as string });
  expect(screen).toContain("removed it from your AWS config");
  expect(screen).toContain('other profiles name it as their mfa_serial: "role"');
  expect(screen).toContain("fob device list work");
  expect(world.config()).toContain(`mfa_serial = ${world.device.serialNumber}\n# mine\n${role}`);
  expect(world.config()).not.toContain("fob_mfa_serial");
  const { stdout } = await world.fob(["device", "list", "work", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({ devices: [{ serialNumber: world.device.serialNumber }] });
  expect(world.calls("DeleteVirtualMFADevice")).toBe(1);
});

test("remove: Ctrl-C at the name or the code changes nothing; no terminal, exit 4", async () => {
  const world = await makeWorld({ policies: enforced });
  for (const isAtCode of [false, true]) {
    const run = world.fobOnTerminal(["device", "remove", "work"], shown);
    await run.shows("it is your last MFA device");
    await run.shows("Type the device's name");
    if (isAtCode) {
      run.type(`${world.user.name}\r`);
      await run.shows("Code for");
    }
    run.type("\u0003");
    const { status, screen } = await run.ended;
    expect(status).toBe(130);
    expect(screen).toContain("cancelled; nothing is changed");
  }
  expect((await world.fob(["device", "remove", "work"])).status).toBe(4);
  expect((await world.fob(["device", "remove", "work", "--yes"])).status).toBe(4);
  expect(world.calls("DeactivateMFADevice")).toBe(0);
});

test("remove: killed after AWS has deactivated the last device, it goes on; and enrollment starts again", async () => {
  const world = await makeWorld({ policies: enforced });
  expect((await world.fob(["login", "work", "--code", world.device.code()])).status).toBe(0);
  const kill = `--require ${join(import.meta.dirname, "../helpers/kills.cjs")}`;
  const env = { NODE_OPTIONS: kill, KILL_AT: "1", KILL_WHEN: "done", KILL_LOG: join(world.home, "changes") };
  const killed = await world.fob(["device", "remove", "work", "--yes"], { env });
  expect(killed.signal).toBe("SIGKILL");
  expect(killed.stderr).toContain("fob: warning: it is your last MFA device");
  expect(world.calls("DeactivateMFADevice")).toBe(1);
  const again = await world.fob(["device", "remove", "work", "--yes"]);
  expect(again).toMatchObject({
    status: 0,
    stderr: expect.stringContaining("no user has it; this deletes it") as string,
  });
  expect(again.stderr).toContain("enroll another: fob device enroll work");
  expect(world.calls("DeleteVirtualMFADevice")).toBe(1);
  expect(world.config()).not.toContain("mfa_serial = ");
  expect((await world.fob(["device", "remove", "work", "--yes"])).stderr).toContain("you have no MFA device");
});

test("remove: a device that may be deactivated and not deleted, no permission at all, and only passkeys", async () => {
  const statement = { Effect: "Allow", Action: ["iam:ListMFADevices", "iam:DeactivateMFADevice"], Resource: "*" };
  const world = await makeWorld({ policies: [{ Version: "2012-10-17", Statement: [statement] }] });
  const second = world.sandbox.addVirtualDevice(world.user.name, "second");
  expect((await world.fob(["login", "work", "--code", world.device.code()])).status).toBe(0);
  const half = await world.fob(["device", "remove", "work", "--serial", second.serialNumber, "--yes"]);
  expect(half.status).toBe(0);
  expect(half.stderr).toContain("is deactivated, but not deleted");

  const powerless = await makeWorld({ policies: [] });
  expect((await powerless.fob(["login", "work", "--code", powerless.device.code()])).status).toBe(0);
  const serial = ["--serial", powerless.device.serialNumber];
  const denied = await powerless.fob(["device", "remove", "work", "--yes", ...serial]);
  expect(denied.status).toBe(1);
  expect(denied.stderr).toContain("it may be your last MFA device");
  expect(denied.stderr).toContain("the policy that lets you remove your own devices");

  const passkeys = await worldWithoutDevice();
  passkeys.sandbox.addFidoDevice("dan");
  const refused = await passkeys.fob(["device", "remove", "work", "--yes"]);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain("your only MFA devices are passkeys");
});
