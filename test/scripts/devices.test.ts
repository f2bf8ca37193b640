import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
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
  await run.shows("device zweites");
  run.type(`${second.code()}\r`);
  expect((await run.ended).status).toBe(0);
  expect(world.config()).toContain(`fob_mfa_serial = ${second.serialNumber}`);
  expect((await world.fob(["login", "work", "--force", "--code", second.code(Date.now() + 30_000)])).status).toBe(0);
  expect(world.calls("ListMFADevices")).toBe(1);
});

test("several devices and nobody to choose: an error that names them", async () => {
  const world = await worldWithoutSerial();
  const second = world.sandbox.addVirtualDevice(world.user.name, "second");
  const { status, stderr } = await world.fob(["login", "work", "--code", "123456"]);
  expect(status).toBe(1);
  for (const { serialNumber } of [world.device, second]) expect(stderr).toContain(serialNumber);
  expect(stderr).toContain("fob: hint: name one: fob login work --serial arn:aws:iam::");
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
  for (const serial of [[], ["--serial", serialNumber]]) {
    const { status, stderr } = await world.fob(["login", "work", "--code", "123456", ...serial]);
    expect(status).toBe(1);
    expect(stderr).toContain("passkey or a security key");
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
  expect(stderr).toContain("Assign MFA device");
});

test("a user who may not list devices is told to name one", async () => {
  const world = await makeWorld({ config: "", policies: [] });
  const { status, stderr } = await world.fob(["login", "work", "--code", "123456"]);
  expect(status).toBe(1);
  expect(stderr).toContain("cannot list your MFA devices");
  expect(stderr).toContain("fob login work --serial arn:aws:iam::ACCOUNT:mfa/NAME");
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

test.each(["arn:aws:iam::12:mfa/x", "arn:aws:s3:::bucket", "short", "with blank 123"])(
  "%s is no serial number",
  async (serial) => {
    const world = await worldWithoutSerial();
    const { status, stderr } = await world.fob(["login", "work", "--serial", serial]);
    expect(status).toBe(2);
    expect(stderr).toContain("is not the serial number of an MFA device");
  },
);
