import { appendFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { keysOf, makeWorld, type World } from "../helpers/world.ts";

/** A world in which no device is configured. */
const worldWithoutSerial = (): Promise<World> => makeWorld({ config: "[profile work]\nregion = eu-central-1\n" });

test("the only device is found by asking AWS", async () => {
  const world = await worldWithoutSerial();
  expect((await world.fob(["login", "work", "--code", world.device.code()])).status).toBe(0);
  expect(world.calls("ListMFADevices")).toBe(1);
});

test("a configured device is used without asking AWS for the list: option, environment, profiles", async () => {
  const world = await worldWithoutSerial();
  const { serialNumber } = world.device;
  const past = world.device.code(Date.now() - 30_000);
  expect((await world.fob(["login", "work", "--code", past, "--serial", serialNumber])).status).toBe(0);
  const env = { AWS_MFA_SERIAL: serialNumber };
  expect((await world.fob(["login", "work", "--force", "--code", world.device.code()], { env })).status).toBe(0);
  writeFileSync(world.configPath, `[profile work-mfa]\nmfa_serial = ${serialNumber}\n`);
  const next = world.device.code(Date.now() + 30_000);
  expect((await world.fob(["login", "work", "--force", "--code", next])).status).toBe(0);
  expect(world.calls("ListMFADevices")).toBe(0);
});

test("of several devices one is chosen on the terminal, and remembered", async () => {
  const world = await worldWithoutSerial();
  const second = world.sandbox.addVirtualDevice(world.user.name, "zweites");
  const run = world.fobOnTerminal(["login", "work"]);
  await run.shows("Which device");
  await run.shows("zweites");
  run.type("\u001b[B\r");
  await run.shows("Code for zweites @");
  run.type(`${second.code()}\r`);
  expect((await run.ended).status).toBe(0);
  expect(world.config()).toContain(`fob_mfa_serial = ${second.serialNumber}`);
  expect((await world.fob(["login", "work", "--force", "--code", second.code(Date.now() + 30_000)])).status).toBe(0);
  expect(world.calls("ListMFADevices")).toBe(1);
});

test("several devices and no way to choose: an error that names them", async () => {
  const world = await worldWithoutSerial();
  const second = world.sandbox.addVirtualDevice(world.user.name, "second");
  const { status, stderr } = await world.fob(["login", "work", "--code", "123456"]);
  expect(status).toBe(1);
  for (const { serialNumber } of [world.device, second]) expect(stderr).toContain(serialNumber);
  expect(stderr).toContain("fob: hint: choose one: fob login work --serial arn:aws:iam::");
});

test("passkeys do not count, and a user who has nothing else is told what to do", async () => {
  const world = await worldWithoutSerial();
  world.sandbox.addFidoDevice(world.user.name);
  expect((await world.fob(["login", "work", "--code", world.device.code()])).status).toBe(0);

  const user = world.sandbox.addUser({
    name: "passkeys-only",
    policies: [{ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] }],
  });
  const { serialNumber } = world.sandbox.addFidoDevice("passkeys-only");
  writeFileSync(world.credentialsPath, keysOf("work", user.accessKey));
  writeFileSync(world.configPath, "[profile work]\nregion = eu-central-1\n");
  for (const serial of [[], ["--serial", serialNumber]]) {
    const { status, stderr } = await world.fob(["login", "work", "--code", "123456", ...serial]);
    expect(status).toBe(1);
    expect(stderr).toContain("passkey or security key");
    expect(stderr).toContain("aws login --profile work");
  }
});

test("a user without a device is told how to get one", async () => {
  const world = await worldWithoutSerial();
  const user = world.sandbox.addUser({
    name: "no-device",
    policies: [{ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] }],
  });
  writeFileSync(world.credentialsPath, keysOf("work", user.accessKey));
  const { status, stderr } = await world.fob(["login", "work", "--code", "123456"]);
  expect(status).toBe(1);
  expect(stderr).toContain("has no MFA device");
  expect(stderr).toContain("fob device enroll");
});

test("a user who may not list devices is given the likely one, and told where to read it", async () => {
  const world = await makeWorld({ config: "", policies: [] });
  const { status, stderr } = await world.fob(["login", "work", "--code", "123456"]);
  expect(status).toBe(1);
  expect(stderr).toContain("cannot list your MFA devices");
  const { serialNumber } = world.device;
  expect(stderr).toContain(`fob login work --serial ${serialNumber}\n`);
  expect(stderr).toContain(`IAM console: Users, ${world.user.name}, Security credentials`);
  const serial = /--serial (\S+)/.exec(stderr)?.[1] ?? "";
  expect((await world.fob(["login", "work", "--serial", serial, "--code", world.device.code()])).status).toBe(0);
});

test("so is one in another partition", async () => {
  const world = await makeWorld({ config: "[profile work]\nregion = cn-north-1\n", policies: [], partition: "aws-cn" });
  const { stderr } = await world.fob(["login", "work", "--code", "123456"]);
  expect(stderr).toContain(`--serial ${world.device.serialNumber}\n`);
  expect(world.device.serialNumber).toMatch(/^arn:aws-cn:/);
});

test("a device's name is completed to its ARN, and the session is found again by it", async () => {
  const world = await worldWithoutSerial();
  const { serialNumber, code } = world.device;
  const named = ["login", "work", "--serial", world.user.name];
  expect((await world.fob([...named, "--code", code()])).status).toBe(0);
  expect(world.calls("ListMFADevices")).toBe(0);
  expect(world.config()).toContain(`fob_mfa_serial = ${serialNumber}`);
  expect((await world.fob(named)).stderr).toContain("no code needed");
  const other = await world.fob(["login", "work", "--serial", "other", "--code", "123456"]);
  expect(other.status).toBe(1);
  expect(other.stderr).toContain(serialNumber.replace(/[^/]*$/, "other"));
});

describe("a device that AWS has accepted a code of is remembered", () => {
  const expectRemembered = async (world: World, ...options: string[]): Promise<void> => {
    const { serialNumber, code } = world.device;
    expect((await world.fob(["login", "work", ...options, "--code", code()])).status).toBe(0);
    expect(world.config()).toContain(`[profile work-mfa]\nregion = eu-central-1\nfob_mfa_serial = ${serialNumber}\n`);
    const asked = world.calls("ListMFADevices");
    const next = code(Date.now() + 30_000);
    expect((await world.fob(["login", "work", "--force", "--code", next])).status).toBe(0);
    expect(world.calls("ListMFADevices")).toBe(asked);
  };

  test("when it was named", async () => {
    const world = await worldWithoutSerial();
    await expectRemembered(world, "--serial", world.device.serialNumber);
  });

  test("when it is the only one", async () => {
    await expectRemembered(await worldWithoutSerial());
  });

  test("when the profile names another", async () => {
    const world = await makeWorld({
      config: "[profile work]\nregion = eu-central-1\nmfa_serial = arn:aws:iam::123456789012:mfa/lost\n",
    });
    await expectRemembered(world, "--serial", world.device.serialNumber);
  });

  test("and until then not", async () => {
    const world = await worldWithoutSerial();
    const { serialNumber } = world.device;
    expect((await world.fob(["login", "work", "--serial", serialNumber, "--code", "000000"])).status).toBe(1);
    expect(world.config()).not.toContain("fob_mfa_serial");
  });

  test("but not twice, nor for a key in the environment, nor when the environment names it", async () => {
    const configured = await makeWorld();
    const serial = ["--serial", configured.device.serialNumber];
    expect((await configured.fob(["login", "work", ...serial, "--code", configured.device.code()])).status).toBe(0);
    expect(configured.config()).not.toContain("fob_mfa_serial");

    const world = await worldWithoutSerial();
    const { serialNumber, code } = world.device;
    const keys = {
      AWS_ACCESS_KEY_ID: world.user.accessKey.accessKeyId,
      AWS_SECRET_ACCESS_KEY: world.user.accessKey.secretAccessKey,
    };
    const past = code(Date.now() - 30_000);
    const sourced = ["login", "work", "--source-env", "--serial", serialNumber, "--code", past];
    expect((await world.fob(sourced, { env: keys })).status).toBe(0);
    const env = { AWS_MFA_SERIAL: serialNumber };
    expect((await world.fob(["login", "work", "--code", code(), "--force"], { env })).status).toBe(0);
    expect(world.config()).not.toContain("fob_mfa_serial");
  });

  test("and one that has gone is told by where it was remembered", async () => {
    const world = await worldWithoutSerial();
    const gone = world.device.serialNumber.replace(/[^/]*$/, "gone");
    appendFileSync(world.configPath, `[profile work-mfa]\nfob_mfa_serial = ${gone}\n`);
    const { status, stderr } = await world.fob(["login", "work", "--code", "123456"]);
    expect(status).toBe(1);
    expect(stderr).toContain(`"${gone}" (from fob_mfa_serial of the profile "work-mfa")`);
    expect(stderr).toContain("fob login work --serial ARN");
  });

  test("where that can be written; nothing fails where not", async () => {
    const world = await worldWithoutSerial();
    rmSync(world.configPath);
    mkdirSync(`${world.configPath}.d`);
    symlinkSync(`${world.configPath}.d/none/config`, world.configPath);
    const { status, stderr } = await world.fob([
      "login",
      "work",
      "--region",
      "eu-central-1",
      "--code",
      world.device.code(),
    ]);
    expect({ status, stderr }).toMatchObject({ status: 0 });
  });
});

test("a hardware token's number is a serial number", async () => {
  const world = await worldWithoutSerial();
  const token = world.sandbox.addHardwareDevice(world.user.name);
  const { status } = await world.fob(["login", "work", "--serial", token.serialNumber, "--code", token.code()]);
  expect(status).toBe(0);
});

test("a device of another account is found out before a code is spent", async () => {
  const world = await worldWithoutSerial();
  const serial = "arn:aws:iam::999999999999:mfa/ada";
  const { status, stderr } = await world.fob(["login", "work", "--serial", serial, "--code", "123456"]);
  expect(status).toBe(1);
  expect(stderr).toContain("is in the account 999999999999");
  expect(world.calls("GetSessionToken")).toBe(0);
});

test.each(["arn:aws:iam::12:mfa/x", "arn:aws:s3:::bucket", "12345678", "with blank 123"])(
  "%s is no serial number",
  async (serial) => {
    const world = await worldWithoutSerial();
    const { status, stderr } = await world.fob(["login", "work", "--serial", serial]);
    expect(status).toBe(2);
    expect(stderr).toContain("is not the serial number of an MFA device");
  },
);
