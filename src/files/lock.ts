// Locks between processes, on files. Node.js has no flock(), and not every file system honours it.
//
// A lock is a file that is made complete and then hard-linked to its name, so that it appears at once, with its content.
// The hard part is the lock of a process that died: "read, see that it is dead, unlink" lets two processes in, because
// the second unlinks the lock that the first has just taken. So the right to break a lock is itself a lock, named after
// the very lock that is to be broken, and whoever holds it looks again before unlinking.
import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError, FobError, systemCode } from "../errors.ts";
import { quote, shellWord } from "../text.ts";
import { explained } from "./read.ts";

/** Who holds a lock. */
export interface Holder {
  readonly id: string;
  readonly pid: number;
  /** {@link thisHost}: containers share a machine, but not its process ids. */
  readonly host: string;
  /** Which run of the machine, where the system tells (Linux); else "". */
  readonly boot: string;
  /** When the process started, in the system's own unit, so that a reused process id is not taken for the holder. */
  readonly started: string;
}

export interface Lock {
  /** False once somebody has broken this lock, which happens only to a holder that slept on another machine. */
  isHeld(): boolean;
  release(): void;
}

/** Whoever holds the lock has held it for longer than somebody else would wait. */
export class StillHeld extends FobError {
  override readonly name = "StillHeld";
}

export interface LockOptions {
  readonly signal: AbortSignal;
  /** How long to wait for somebody else, in milliseconds; Infinity to wait until `signal`. */
  readonly patience: number;
  /** Called once, when the lock has been somebody else's for about a second. */
  readonly onWait?: ((holder: Holder) => void) | undefined;
}

/** A holder that cannot be asked whether it lives (another machine) is dead after this long without a sign, in ms. */
const SILENCE = 60_000;
const HEARTBEAT = 2_000;
/**
 * How often whoever waits must have seen the same last sign, at least 20 ms apart: for longer than a heartbeat. A machine
 * that wakes up, or whose clock is set, finds the last sign of a living holder hours old.
 */
const LOOKS = 100;

/** What a process that waits has seen of locks whose holders cannot be asked: the last sign, and how often it was that. */
type Sights = Map<string, { readonly sign: string; readonly looks: number }>;

/**
 * Runs `work` while holding the lock. The lock is released however `work` ends.
 *
 * @throws StillHeld when the lock stays somebody else's for longer than `patience`, FobError when it cannot be made at all.
 */
export async function withLock<T>(
  path: string,
  options: LockOptions,
  work: (lock: Lock) => T | Promise<T>,
): Promise<T> {
  return (await withLockUnless(path, options, undefined, work)) as T;
}

/**
 * The same, unless while it waits `isNeedless` says that the work has been done by somebody else.
 *
 * @returns undefined then
 */
export async function withLockUnless<T>(
  path: string,
  options: LockOptions,
  isNeedless: (() => boolean) | undefined,
  work: (lock: Lock) => T | Promise<T>,
): Promise<T | undefined> {
  const lock = await acquire(path, options, isNeedless);
  if (!lock) return undefined;
  try {
    return await work(lock);
  } finally {
    lock.release();
  }
}

async function acquire(
  path: string,
  options: LockOptions,
  isNeedless: (() => boolean) | undefined,
): Promise<Lock | undefined> {
  const began = performance.now();
  const sights: Sights = new Map();
  let told = false;
  for (;;) {
    if (options.signal.aborted) throw new CancelledError();
    const outcome = tryAcquire(path, sights);
    if ("release" in outcome) return outcome;
    if (isNeedless?.()) return undefined;
    const waited = performance.now() - began;
    if (waited > options.patience) {
      const isHere = outcome.host === thisProcess().host;
      throw new StillHeld(
        `another fob (process ${outcome.pid}) has held the lock ${quote(path)} for ${Math.round(waited / 1000)} s`,
        isHere
          ? `answer its question, if it asks one in another window, or end it: kill ${outcome.pid}`
          : `it runs on another machine or in another container: cat ${shellWord(path)}`,
      );
    }
    if (!told && waited > 1000) {
      told = true;
      options.onWait?.(outcome);
    }
    // Not all at the same moment: hundreds may be waiting, and the one whom they wait for needs the processor too.
    const pause = isNeedless && waited > 500 ? 120 : 20;
    await sleep(pause + Math.random() * 2 * pause, undefined, { signal: options.signal }).catch(() => undefined);
  }
}

/** Takes the lock, or tells who has it. A dead holder's lock is broken on the way. */
function tryAcquire(path: string, sights: Sights): Lock | Holder {
  const me: Holder = { ...thisProcess(), id: randomBytes(8).toString("hex") };
  const draft = `${path}-${me.id}.tmp`;
  try {
    writeFileSync(draft, JSON.stringify(me), { flag: "wx", mode: 0o600 });
    for (;;) {
      if (linked(draft, path)) {
        sweepDead(path, draft);
        return held(path, me.id);
      }
      const holder = read(path);
      if (!holder) continue;
      if (!isDead(holder, path, draft, sights) || !broken(path, holder.id, sights)) return holder;
    }
  } catch (error) {
    if (error instanceof FobError) throw error;
    // Who is stopped for a minute between making its draft and linking it finds it swept away.
    if (systemCode(error) === "ENOENT" && existsSync(dirname(path))) return tryAcquire(path, sights);
    if (/^(ENOSPC|EDQUOT|EROFS|EACCES)$/.test(systemCode(error))) throw explained(error, path);
    throw new FobError(
      `cannot make the lock ${quote(path)}: ${systemCode(error) || String(error)}`,
      "the folder must be writable, and its file system must know hard links",
      undefined,
      error,
    );
  } finally {
    remove(draft);
  }
}

/** Removes what processes that were killed while they took this lock have left beside it. */
function sweepDead(path: string, draft: string): void {
  try {
    const now = statSync(draft).mtimeMs;
    for (const name of readdirSync(dirname(path))) {
      const file = join(dirname(path), name);
      const isOurs = name.startsWith(`${basename(path)}-`) || name.startsWith(`${basename(path)}.break.`);
      if (isOurs && now - statSync(file).mtimeMs > SILENCE) unlinkSync(file);
    }
  } catch {
    // Tidying up is no reason to fail.
  }
}

function linked(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw error;
  }
}

function held(path: string, id: string): Lock {
  const isHeld = (): boolean => read(path)?.id === id;
  const heartbeat = setInterval(() => {
    try {
      beat(path, id);
    } catch {
      // The lock has gone, or the file system has: whoever asks isHeld() will know.
    }
  }, HEARTBEAT);
  heartbeat.unref();
  return {
    isHeld,
    release() {
      clearInterval(heartbeat);
      try {
        if (isHeld()) unlinkSync(path);
      } catch {
        // What the lock was for is done. It counts as dead as soon as this process has ended.
      }
    },
  };
}

/**
 * Gives a sign of life: the same bytes once more, so that the file system notes the time by its own clock, which is the
 * one that others compare with. This machine's may be an hour behind.
 */
function beat(path: string, id: string): void {
  const descriptor = openSync(path, "r+");
  try {
    // What was opened stays the same file, even when another lock takes its place now.
    const text = readFileSync(descriptor, "utf8");
    if (holderIn(text).id === id) writeSync(descriptor, text, 0);
  } finally {
    closeSync(descriptor);
  }
}

/** Removes a dead holder's lock. False when somebody else is at it. @throws FobError when it cannot be removed */
function broken(path: string, deadId: string, sights: Sights): boolean {
  const right = tryAcquire(`${path}.break.${deadId}`, sights);
  if (!("release" in right)) return false;
  try {
    if (read(path)?.id === deadId) unlinkSync(path);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw explained(error, path);
  } finally {
    right.release();
  }
  return true;
}

/** The holder that a lock names; undefined when the lock has gone. */
function read(path: string): Holder | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw explained(error, path);
  }
  return holderIn(text);
}

function holderIn(text: string): Holder {
  try {
    const holder = JSON.parse(text) as Partial<Holder> | null;
    if (typeof holder?.pid === "number" && typeof holder.id === "string") return holder as Holder;
  } catch {
    // As below.
  }
  // Not one of ours, or torn by a crash of the machine: only time tells whether it is alive.
  return { id: "unreadable", pid: 0, host: "", boot: "", started: "" };
}

function isDead(holder: Holder, path: string, draft: string, sights: Sights): boolean {
  const me = thisProcess();
  if (holder.host === me.host && holder.boot === me.boot) {
    if (!isRunning(holder.pid)) return true;
    const started = startOf(holder.pid);
    // Not every process may be looked at, and not every system tells: then only silence remains.
    if (holder.started !== "" && started !== "") return holder.started !== started;
    if (process.platform === "linux") return false;
  }
  try {
    // Both times come from the file system, so a wrong clock here or there does not matter.
    const [now, last] = [statSync(draft).mtimeMs, statSync(path).mtimeMs];
    const sign = `${holder.id} ${last}`;
    const seen = sights.get(path);
    const looks = seen?.sign === sign ? seen.looks + 1 : 1;
    sights.set(path, { sign, looks });
    return looks > LOOKS && Math.abs(now - last) > SILENCE;
  } catch {
    return false;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== "ESRCH";
  }
}

/** The machine, and on Linux the space in which its process ids count. */
export const thisHost = (): string => hostname() + orEmpty(() => readlinkSync("/proc/self/ns/pid"));

let thisProcessOnce: Omit<Holder, "id"> | undefined;

function thisProcess(): Omit<Holder, "id"> {
  thisProcessOnce ??= {
    pid: process.pid,
    host: thisHost(),
    boot: orEmpty(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()),
    started: startOf(process.pid),
  };
  return thisProcessOnce;
}

/** Field 22 of /proc/PID/stat, counted after the command's name, which may hold anything (proc_pid_stat(5)). */
function startOf(pid: number): string {
  return orEmpty(() => {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  });
}

function orEmpty(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It has gone already, or cannot go: then it counts as dead as soon as this process has ended.
  }
}
