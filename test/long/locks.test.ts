// What takes seconds to see of locks: many contenders, holders that are stopped, that live in another process-id
// namespace, and whose clocks are wrong.
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { CancelledError } from "../../src/errors.ts";
import { withLock } from "../../src/files/lock.ts";
import {
  age,
  buildChild,
  type Child,
  cannotUnshare,
  contend,
  holderOf,
  signsOfLife,
  startCommand,
  temporaryFolder,
  withOwnPids,
} from "../files/children.ts";
import { node } from "../helpers/world.ts";

const build = mkdtempSync(join(tmpdir(), "fob-child-"));
const program = await buildChild(build);
afterAll(() => rmSync(build, { recursive: true }));

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

const { signal } = new AbortController();
const hour = 3600;
/** Longer than it takes to see that a holder gives no sign of life. */
const patience = 6_000;

const child = (...args: string[]): string[] => [node, program, ...args];

async function startHolder(command: string[], env?: Record<string, string>): Promise<Child> {
  const holder = startCommand(command, env);
  expect(await holder.line()).toBe("held");
  return holder;
}

const staysOut = (lock: string): Promise<void> =>
  expect(withLock(lock, { signal, patience }, () => "in")).rejects.toThrow("has held the lock");

/** Waits for a lock. @returns whether its holder has let go of it */
const getsInAfter = (lock: string): Promise<boolean> =>
  withLock(lock, { signal, patience: Number.POSITIVE_INFINITY }, () => existsSync(`${lock}.done`));

test("of eight that find the lock of a killed process, never two are in at once, in a hundred rounds", async () => {
  expect(await contend(program, folder, 100)).toEqual([]);
  expect(readdirSync(folder)).toEqual([]);
}, 120_000);

test("a stopped holder keeps its lock, however long it is stopped; who waits can give up, or gets in after it", async () => {
  const lock = join(folder, "lock");
  const holder = await startHolder(child("hold", lock));
  holder.kill("SIGSTOP");
  age(lock, hour);
  await staysOut(lock);
  const controller = new AbortController();
  const onWait = (): void => controller.abort();
  const givingUp = withLock(lock, { signal: controller.signal, patience: 20_000, onWait }, () => "in");
  await expect(givingUp).rejects.toThrow(CancelledError);

  const waiting = getsInAfter(lock);
  holder.kill("SIGCONT");
  holder.tell("let go");
  expect(await waiting).toBe(true);
  expect(readdirSync(folder)).toEqual(["lock.done"]);
});

test("a holder in another PID namespace keeps its lock while it lives, whatever its process id is here; killed, it loses it after a minute of silence", async ({
  skip,
}) => {
  skip(cannotUnshare !== false, String(cannotUnshare));
  let free = process.pid;
  while (existsSync(`/proc/${free}`)) free -= 1;
  const cases = [free, process.pid].map(async (pid, index) => {
    const [lock, other] = [join(folder, `lock-${index}`), join(folder, `other-${index}`)];
    const [living, killed] = await Promise.all([
      startHolder(withOwnPids(child("hold", lock), pid)),
      startHolder(withOwnPids(child("hold", other), pid)),
    ]);
    expect([holderOf(lock).pid, holderOf(other).pid]).toEqual([pid, pid]);
    killed.kill();
    await killed.ended;
    // As old as it would be if the machine had slept for an hour in between.
    age(lock, hour);
    age(other, 40);
    await Promise.all([staysOut(lock), staysOut(other)]);
    age(other, 70);
    expect(await getsInAfter(other)).toBe(false);

    const waiting = getsInAfter(lock);
    living.tell("let go");
    expect(await waiting).toBe(true);
  });
  await Promise.all(cases);
  expect(readdirSync(folder)).toEqual(["lock-0.done", "lock-1.done"]);
});

test("a clock that is wrong, or jumps while a lock is held or waited for, lets no process in early and keeps none out", async ({
  skip,
}) => {
  skip(cannotUnshare !== false, String(cannotUnshare));
  const preload = resolve(import.meta.dirname, "../helpers/clock.cjs");
  const shifts = [-hour, 0, hour];
  const cases = shifts.map(async (shift) => {
    const lock = join(folder, `lock${shift}`);
    const clockOf = (name: string) => {
      const CLOCK = join(build, `${name}${shift}`);
      const show = (seconds: number): void => writeFileSync(CLOCK, String(seconds));
      show(0);
      return { show, env: { CLOCK, NODE_OPTIONS: `--require ${preload}` } };
    };
    const clocks = { holder: clockOf("holder"), ahead: clockOf("ahead"), behind: clockOf("behind") };
    clocks.holder.show(shift);
    const holder = await startHolder(withOwnPids(child("hold", lock)), clocks.holder.env);
    const waiters = await Promise.all(
      [clocks.ahead, clocks.behind].map(async ({ env }) => {
        const waiter = startCommand(child("contend"), env);
        await waiter.line();
        waiter.tell(`0 ${lock}`);
        return waiter;
      }),
    );
    clocks.ahead.show(hour);
    clocks.behind.show(-hour);
    const answers = waiters.map((waiter) => waiter.line());
    const beats = signsOfLife(lock, 4).then(() => "waiting");
    expect(await Promise.race([beats, ...answers])).toBe("waiting");
    // The last sign of life has the file system's time, not the holder's.
    const reference = `${lock}.now`;
    writeFileSync(reference, "");
    expect(Math.abs(statSync(reference).mtimeMs - statSync(lock).mtimeMs)).toBeLessThan(30_000);
    rmSync(reference);

    clocks.holder.show(-shift);
    holder.tell("let go");
    expect(await Promise.all(answers)).toEqual(["alone", "alone"]);
  });
  await Promise.all(cases);
  expect(readdirSync(folder).sort()).toEqual(shifts.map((shift) => `lock${shift}.done`).sort());
});
