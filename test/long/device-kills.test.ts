// fob device enroll is killed at every call to AWS, in front of it and after it, and at calls that write its files. After each
// kill the same command goes on: it says what is there, and in the end the user has a device that logs in.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { isComplete } from "../helpers/broad.ts";
import { scan, shown, typeCodes, worldWithoutDevice } from "../helpers/enroll.ts";
import { fast, type OnTerminal, type World } from "../helpers/world.ts";

const preload = (name: string): string => `${fast} --require ${resolve(import.meta.dirname, `../helpers/${name}.cjs`)}`;

const enroll = (world: World, env: Record<string, string> = {}): OnTerminal =>
  world.fobOnTerminal(["device", "enroll", "work"], { ...shown, env: { ...shown.env, ...env } });

type Code = (ahead: number) => string;

/** Enrolls until the process ends, whether it comes to the end or is killed. @returns the codes of the device, once its key is shown */
async function enrollUntilKilled(run: OnTerminal): Promise<Code | undefined> {
  let code: Code | undefined;
  const typed = async (): Promise<void> => {
    code = await scan(run);
    await typeCodes(run, code(-1), code(0));
    await run.shows("Log in with it now?");
    run.type("n\r");
  };
  // What is waited for may not come any more.
  await Promise.race([typed(), run.ended]);
  await run.ended;
  return code;
}

/** The same command goes on, and the device logs in. @param first the codes of the device that the killed run showed */
async function expectToGoOn(world: World, first: Code | undefined, where: string): Promise<void> {
  const isEnabled = (await world.fob(["device", "list", "work"])).stdout.includes("mfa/dan");
  const run = enroll(world);
  let code = first;
  if (isEnabled) {
    await run.shows(/Code for dan/);
    expect(run.screen(), where).toContain('"dan" has a device; this adds another');
    run.type("\u0003");
    expect((await run.ended).status, where).toBe(130);
  } else {
    code = await scan(run);
    await typeCodes(run, code(-1), code(0));
    await run.shows("Log in with it now?");
    run.type("n\r");
    const { status, screen } = await run.ended;
    expect(status, where).toBe(0);
    const isCreated = world.sandbox.requests.some(
      ({ action, status: answer }) => action === "CreateVirtualMFADevice" && answer === 409,
    );
    expect(screen.includes('there is a device of that name, so the new one is "dan-2"'), where).toBe(isCreated);
  }
  expect(world.config(), where).toMatch(
    /^# mine\n\[profile work\]\nregion = eu-central-1\nmfa_serial = \S+:mfa\/dan(-2)?\n$/,
  );
  const login = await world.fob(["login", "work", "--code", code?.(1) ?? ""]);
  expect(login.status, where + login.stderr).toBe(0);
}

// GetCallerIdentity, ListMFADevices, GetCallerIdentity, CreateVirtualMFADevice, EnableMFADevice, ListMFADevices.
const calls = Array.from({ length: 6 }, (_, index) => index + 1);
const kills = calls.flatMap((at) => ["asked", "done"].map((when) => ({ at, when })));
/** AWS has made the device; it is about to enable it; it has. */
const few = [
  { at: 4, when: "done" },
  { at: 5, when: "asked" },
  { at: 5, when: "done" },
];

test.each(isComplete ? kills : few)("killed at call $at to AWS, when it is $when, it goes on", async ({ at, when }) => {
  const world = await worldWithoutDevice();
  const log = join(world.home, "calls");
  const kill = { NODE_OPTIONS: preload("kills"), KILL_OF: "all", KILL_AT: String(at), KILL_WHEN: when, KILL_LOG: log };
  const code = await enrollUntilKilled(enroll(world, kill));
  expect(readFileSync(log, "utf8").trim().split("\n")).toHaveLength(at);
  await expectToGoOn(world, code, `${when} ${at}: `);
});

test("killed at a call that writes a file, it goes on", { timeout: 300_000 }, async () => {
  let isOver = false;
  let killed = 0;
  for (let at = 1; !isOver; at += isComplete ? 1 : 6) {
    const world = await worldWithoutDevice();
    const log = join(world.home, "log");
    const fault = { FAULT_HOME: world.home, FAULT_LOG: log, FAULT_CALLS: "renameSync|writeSync|fsyncSync|linkSync" };
    const env = { NODE_OPTIONS: preload("faults"), ...fault, FAULT: "kill", FAULT_AT: String(at) };
    const code = await enrollUntilKilled(enroll(world, env));
    isOver = readFileSync(log, "utf8").startsWith("calls");
    if (!isOver) killed += 1;
    await expectToGoOn(world, code, `file call ${at}: `);
  }
  expect(killed).toBeGreaterThan(1);
});
