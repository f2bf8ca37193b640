// Credentials that many want are made once.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { patienceOf } from "../../src/codes/sources.ts";
import { type Holder, withLock } from "../../src/files/lock.ts";
import { cachedUnderLock, waitingFor } from "../../src/store/under-lock.ts";
import { openWritableStore } from "../../src/store/write.ts";
import { temporaryFolder } from "../helpers/world.ts";

const quiet = { signal: new AbortController().signal, note: () => undefined };
const waiting = waitingFor("work-mfa", quiet);

test("of many that want it at once, one makes it and the others find it", async () => {
  const store = openWritableStore(temporaryFolder());
  let kept: string | undefined;
  let made = 0;
  const make = async () => {
    await sleep(50);
    made += 1;
    kept = `made ${made}`;
    return kept;
  };
  const wanted = Array.from({ length: 20 }, () => {
    const patient = waitingFor("work-mfa", { ...quiet, signal: new AbortController().signal });
    return cachedUnderLock({ profile: "work-mfa", find: () => kept, make, waiting: patient }, store);
  });
  expect(new Set(await Promise.all(wanted))).toEqual(new Set(["made 1"]));
  expect(made).toBe(1);
});

test("what fails is not kept: the next one makes it", async () => {
  const store = openWritableStore(temporaryFolder());
  const job = { profile: "work-mfa", find: () => undefined, waiting };
  const failing = cachedUnderLock({ ...job, make: () => Promise.reject(new Error("no code")) }, store);
  await expect(failing).rejects.toThrow("no code");
  expect(await cachedUnderLock({ ...job, make: () => Promise.resolve("made") }, store)).toBe("made");
});

test("what is removed in the moment in which it is found is made again", async () => {
  const store = openWritableStore(temporaryFolder());
  let looks = 0;
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const other = store.locked("work-mfa", waiting, () => ended);
  const job = {
    ...{ profile: "work-mfa", waiting, make: () => Promise.resolve("made") },
    // Found once while it waits, and gone at the next look.
    find: () => (++looks === 1 ? "found" : undefined),
  };
  const outcome = cachedUnderLock(job, store);
  await expect.poll(() => looks).toBeGreaterThan(1);
  end();
  expect(await outcome).toBe("made");
  await other;
});

/** A lock of this very process. */
async function readOwnHolder(): Promise<Holder> {
  const lock = join(temporaryFolder(), "lock");
  return await withLock(lock, waiting, () => JSON.parse(readFileSync(lock, "utf8")) as Holder);
}

/** What you read when you wait where you can be asked, and where you cannot. */
function notesAbout(holder: Holder): string[] {
  const said: string[] = [];
  const tools = { ...quiet, note: (message: string) => said.push(message) };
  const codes = { ask: () => Promise.resolve("123456") };
  for (const canAskAgain of [true, false]) {
    waitingFor("work-mfa", tools, patienceOf({ ...codes, canAskAgain })).onWait?.(holder);
  }
  return said;
}

test("you wait as long as you like where you can be asked, a script for 30 s", async () => {
  const what = `waiting for another fob (process ${process.pid}) that is getting credentials for "work-mfa"`;
  expect(notesAbout(await readOwnHolder())).toEqual([
    `${what}; to be prompted here instead: kill ${process.pid}`,
    what,
  ]);
  const codes = { ask: () => Promise.resolve("123456") };
  expect([patienceOf(undefined), patienceOf({ ...codes, canAskAgain: true })]).toEqual([
    30_000,
    Number.POSITIVE_INFINITY,
  ]);
});

// Its number is here that of a process that has nothing to do with fob; `kill 0` would end the caller's own shell.
test.each([
  ["another machine", { host: "elsewhere" }],
  ["another boot of this machine", { boot: "another" }],
  ["an empty lock file", { pid: 0, host: "", boot: "", started: "" }],
  ["a process whose id is another's now", { started: "before" }],
])("no process is named, and none to be killed, for the lock of %s", async (_, difference) => {
  const what = 'waiting for another fob that is getting credentials for "work-mfa"';
  expect(notesAbout({ ...(await readOwnHolder()), ...difference })).toEqual([what, what]);
});
