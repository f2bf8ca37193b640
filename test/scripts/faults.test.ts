import { readdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { expect, test } from "vitest";
import { makeWorld, type World } from "../helpers/world.ts";

const preload = resolve(import.meta.dirname, "../helpers/faults.cjs");

/** Runs a login in which file-system calls fail. */
const loginWith = (world: World, fault: Record<string, string>, at = 0) =>
  world.fob(["login", "work", "--code", world.device.code(Date.now() + at * 30_000)], {
    env: { ...fault, NODE_OPTIONS: `--require ${preload}`, FAULT_HOME: world.home },
  });

test("a full disk is found before the code is spent", async () => {
  const world = await makeWorld();
  const before = [world.credentials(), world.config()];
  const { status, stderr } = await loginWith(world, { FAULT: "ENOSPC", FAULT_CALLS: "^writeSync$" });
  expect(status).toBe(1);
  expect(stderr).toMatch(/fob: error: no space left to write ".*work-mfa.*"\nfob: hint: check the free space: df -h /);
  expect(world.calls("GetSessionToken")).toBe(0);
  expect([world.credentials(), world.config()]).toEqual(before);
});

test.each([
  ["ENOSPC", "no space left"],
  ["EROFS", "read-only file system"],
  ["EACCES", "not allowed"],
  ["EBUSY", "mounted as a single file"],
  ["EIO", "cannot read or write"],
])(
  "when the session profile cannot be written (%s), the session is in the store, and a repetition needs no code",
  async (fault, message) => {
    const world = await makeWorld();
    const before = world.credentials();
    // The first rename is the store's, the second the credentials file's.
    const failed = await loginWith(world, { FAULT: fault, FAULT_CALLS: "^renameSync$", FAULT_AT: "2" });
    expect(failed.status).toBe(1);
    expect(failed.stderr).toContain(message);
    expect(failed.stderr).toContain("the session is saved; fix this, then run (no code needed): fob login work");
    expect(world.credentials()).toBe(before);
    expect(readdirSync(dirname(world.credentialsPath)).filter((name) => name.endsWith(".tmp"))).toEqual([]);

    expect(await world.fob(["login", "work"])).toMatchObject({ status: 0, stdout: "work-mfa\n" });
    expect(world.calls("GetSessionToken")).toBe(1);
    expect(world.credentials()).toContain("[work-mfa]\naws_access_key_id = ASIA");
  },
);

test("when the session itself cannot be kept although AWS has given it, the message says that the code is spent", async () => {
  const world = await makeWorld();
  const before = [world.credentials(), world.config()];
  const { status, stdout, stderr } = await loginWith(world, { FAULT: "EROFS", FAULT_CALLS: "^renameSync$" });
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toMatch(
    /fob: error: ".*work-mfa" is on a read-only file system\nfob: hint: .*\nfob: hint: the code was used; /,
  );
  expect(world.calls("GetSessionToken")).toBe(1);
  expect([world.credentials(), world.config()]).toEqual(before);
});

test("a file that cannot be read is never taken for an empty one", async () => {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  const before = [world.credentials(), world.config()];
  // Opening is what fails for a user who may not read; root, who may run this, may read everything.
  for (const at of ["1", "2"]) {
    const { status, stderr } = await loginWith(world, { FAULT: "EACCES", FAULT_CALLS: "^readFileSync$", FAULT_AT: at });
    expect(status).toBe(1);
    expect(stderr).toMatch(/fob: error: not allowed to read or write ".*\.aws\/c\w+"\nfob: hint: /);
  }
  expect([world.credentials(), world.config()]).toEqual(before);
});

test("what a killed logout has left of the credentials is swept by the next login, also where it has nothing to do", async () => {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  const fault = { FAULT: "kill", FAULT_CALLS: "^renameSync$", FAULT_HOME: world.home };
  await world.fob(["logout", "work"], { env: { ...fault, NODE_OPTIONS: `--require ${preload}` } });
  const left = () => readdirSync(dirname(world.credentialsPath)).filter((name) => name.endsWith(".tmp"));
  expect(left().length).toBeGreaterThan(0);
  expect((await world.fob(["login", "work"])).stderr).toContain("no code needed");
  expect(left()).toEqual([]);
});

test("a session that a killed process had written, but not put in its place, is found again", async () => {
  const world = await makeWorld();
  // The first rename puts the session in its place.
  const killed = await loginWith(world, { FAULT: "kill", FAULT_CALLS: "^renameSync$", FAULT_AT: "1" });
  expect(killed.signal).toBe("SIGKILL");
  expect(await world.fob(["login", "work"])).toMatchObject({ status: 0, stdout: "work-mfa\n" });
  expect(world.calls("GetSessionToken")).toBe(1);
});
