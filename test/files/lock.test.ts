import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { CancelledError } from "../../src/errors.ts";
import { type Holder, type LockOptions, withLock } from "../../src/files/lock.ts";
import { age, buildChild, type Child, contend, holderOf, leave, startChild, temporaryFolder } from "./children.ts";

const build = mkdtempSync(join(tmpdir(), "fob-child-"));
const program = await buildChild(build);
afterAll(() => rmSync(build, { recursive: true }));

let folder: string;
let lock: string;
beforeEach(() => {
  folder = temporaryFolder();
  lock = join(folder, "lock");
});

const { signal } = new AbortController();
const patient: LockOptions = { signal, patience: 20_000 };
const impatient: LockOptions = { signal, patience: 0 };

async function startHolder(path = lock): Promise<Child> {
  const child = startChild(program, "hold", path);
  expect(await child.line()).toBe("held");
  return child;
}

/** What the lock of this process looks like, from inside. */
const ownHolder = (): Promise<Holder> => withLock(lock, patient, () => holderOf(lock));

test("of eight processes only one is in at a time, and each gets its turn", async () => {
  const file = join(folder, "number");
  writeFileSync(file, "0");
  const children = Array.from({ length: 8 }, () => startChild(program, "count", lock, file, "25"));
  await Promise.all(children.map((child) => child.ended));
  expect(readFileSync(file, "utf8")).toBe("200");
  expect(readdirSync(folder)).toEqual(["number"]);
});

test("the lock of a killed process holds nobody up", async () => {
  const holder = await startHolder();
  holder.kill();
  await holder.ended;
  expect(existsSync(lock)).toBe(true);
  expect(await withLock(lock, impatient, () => "in")).toBe("in");
  expect(readdirSync(folder)).toEqual([]);
});

// A hundred rounds are in test/long/locks.test.ts.
test("of eight that find the lock of a killed process, never two are in at once", async () => {
  expect(await contend(program, folder, 12)).toEqual([]);
  expect(readdirSync(folder)).toEqual([]);
});

test("a lock whose breaker was killed too is broken all the same", async () => {
  const dead = await startHolder();
  dead.kill();
  await dead.ended;
  leave(`${lock}.break.${holderOf(lock).id}`, { ...holderOf(lock), id: "breaker" });
  expect(await withLock(lock, impatient, () => "in")).toBe("in");
  expect(readdirSync(folder)).toEqual([]);
});

test("a living holder is waited for", async () => {
  const holder = await startHolder();
  // The first try has been made, in vain, when withLock returns.
  const waiting = withLock(lock, patient, () => existsSync(`${lock}.done`));
  holder.tell("let go");
  expect(await waiting).toBe(true);
});

test("who waits is told once for whom, after a second, and can give up", async () => {
  const holder = await startHolder();
  const controller = new AbortController();
  const waitedFor: number[] = [];
  const onWait = ({ pid }: Holder): void => {
    waitedFor.push(pid);
    controller.abort();
  };
  const waiting = withLock(lock, { signal: controller.signal, patience: Number.POSITIVE_INFINITY, onWait }, () => "in");
  await expect(waiting).rejects.toThrow(CancelledError);
  expect(waitedFor).toEqual([holder.pid]);
  expect(holderOf(lock).pid).toBe(holder.pid);
  expect(readdirSync(folder)).toEqual(["lock"]);
});

test("when patience runs out, the error names the process", async () => {
  const holder = await startHolder();
  await expect(withLock(lock, impatient, () => "in")).rejects.toMatchObject({
    message: expect.stringContaining(`another fob (process ${holder.pid}) has held the lock`) as string,
    hints: [`answer its question, if it asks one in another window, or end it: kill ${holder.pid}`],
  });
});

test("the lock of another machine is broken after a minute of silence, not before; no process here is to be killed for it", async () => {
  const foreign = { id: "f", pid: process.pid, host: "elsewhere", boot: "b", started: "1" };
  const young = join(folder, "young");
  leave(young, foreign, 40);
  leave(lock, foreign, 70);
  const refused = expect(withLock(young, { signal, patience: 6_000 }, () => "in")).rejects.toMatchObject({
    hints: [`it runs on another machine or in another container: cat ${young}`],
  });
  // Whose clock was an hour ahead, or whose machine's clock has been set since.
  const ahead = join(folder, "ahead");
  leave(ahead, foreign, -3600);
  const all = [lock, ahead].map((path) => withLock(path, patient, () => "in"));
  expect(await Promise.all(all)).toEqual(["in", "in"]);
  await refused;
});

test("a lock file that is torn or not a lock holds nobody up for more than a minute", async () => {
  const torn = ["", "null", "5", "{}", '{"id"'].map((text, index) => {
    const path = join(folder, `torn-${index}`);
    writeFileSync(path, text);
    return path;
  });
  for (const path of torn) {
    await expect(withLock(path, impatient, () => "in")).rejects.toThrow("has held the lock");
    age(path, 70);
  }
  const all = torn.map((path) => withLock(path, patient, () => "in"));
  expect(await Promise.all(all)).toEqual(torn.map(() => "in"));
});

test.skipIf(!existsSync("/proc/self/stat"))(
  "a process that has got a dead holder's id is not taken for it",
  async () => {
    leave(lock, { ...(await ownHolder()), id: "before", started: "1" });
    expect(await withLock(lock, impatient, () => "in")).toBe("in");
    // The very same process is alive, whoever asks.
    leave(lock, { ...(await ownHolder()), id: "living" });
    await expect(withLock(lock, impatient, () => "in")).rejects.toThrow(`process ${process.pid}`);
  },
);

test("the lock goes when the work fails, and only if it is still the same", async () => {
  const failing = withLock(lock, patient, () => {
    throw new Error("no");
  });
  await expect(failing).rejects.toThrow("no");
  expect(existsSync(lock)).toBe(false);
  await withLock(lock, patient, (held) => {
    leave(lock, { id: "another", pid: 1, host: "elsewhere", boot: "", started: "" });
    expect(held.isHeld()).toBe(false);
  });
  expect(holderOf(lock).id).toBe("another");
});

test("what processes that were killed while they took the lock have left is swept, when it is old", async () => {
  const old = [`${lock}-0123456789abcdef.tmp`, `${lock}.break.0123456789abcdef`];
  for (const path of old) leave(path, {}, 3600);
  const young = `${lock}-fedcba9876543210.tmp`;
  leave(young, {});
  await withLock(lock, patient, () => undefined);
  expect(readdirSync(folder)).toEqual([basename(young)]);
});
