// Locks between processes, on files. Node.js has no flock(), and not every file system honors it.
//
// A lock is a file that is made complete and then hard-linked to its name, so that it appears at once, with its content.
// Where a file system knows no hard links it is an exclusive file, which may be seen empty for a moment.
// The hard part is the lock of a process that died: "read, see that it is dead, unlink" lets two processes in, because
// the second unlinks the lock that the first has just taken. So the right to break a lock is itself a lock, named after
// the very holder that is dead, and the process that has it looks again before unlinking.
//
// Names beside a lock are `.fob-lock-<hash of the lock's name>-<16 hex digits>.tmp` (a lock that is being made) and the
// same with `.break` (the right to break one): of one length, however many processes were killed while they broke locks.
import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError, FobError, getSystemCode } from "../errors.ts";
import { isRunning, killLine, readProcess } from "../process.ts";
import { quote, quoteShellWord } from "../text.ts";
import { mayBeGoing } from "./busy.ts";
import { createFile, isWithoutLinks } from "./create.ts";
import { explainFileError, readOwnBytes } from "./read.ts";

/** Who holds a lock. */
export interface Holder {
  readonly id: string;
  readonly pid: number;
  /** {@link getHost}: containers share a machine, but not its process ids. */
  readonly host: string;
  /** Which run of the machine, where the system tells (Linux); else "". */
  readonly boot: string;
  /** When the process started, in the system's own unit, so that a reused process id is not taken for the holder. */
  readonly started: string;
}

export interface Lock {
  /** False once another process has broken this lock, which happens only to a holder that slept on another machine. */
  isHeld(): boolean;
  release(): void;
}

/** The lock has been held for longer than the caller would wait. */
export class LockTimeoutError extends FobError {
  override readonly name = "StillHeld";
}

export interface LockOptions {
  readonly signal: AbortSignal;
  /** How long to wait for another holder, in milliseconds; Infinity to wait until `signal`. */
  readonly patience: number;
  /** Called once, when another process has held the lock for about a second. */
  readonly onWait?: ((holder: Holder) => void) | undefined;
}

/** Milliseconds to wait where no user may be watching: a script may have a time limit. */
export const SCRIPT_PATIENCE = 30_000;

/** A holder that cannot be asked whether it lives (another machine) is dead after this long without a sign, in ms. */
const SILENCE = 60_000;
const HEARTBEAT = 2_000;
/**
 * For how long a waiting process must have seen the same last sign, hours old perhaps, in milliseconds: longer than a
 * heartbeat. A machine that wakes up, or whose clock is set, finds the last sign of a living holder that old.
 */
const WATCH = 2_500;

/**
 * What this process has seen of locks whose holders cannot be asked and are silent: the last sign, and since when it has
 * been seen. It lasts beyond one wait: some wait in several short turns.
 */
const sights = new Map<string, { readonly sign: string; readonly since: number }>();

/**
 * Runs `work` while holding the lock. The lock is released however `work` ends.
 *
 * @throws LockTimeoutError when another process holds the lock for longer than `patience`, FobError when it cannot be made at all.
 */
export async function withLock<T>(
  path: string,
  options: LockOptions,
  work: (lock: Lock) => T | Promise<T>,
): Promise<T> {
  return (await withLockUnless(path, options, undefined, work)) as T;
}

/**
 * The same, unless while it waits `isNeedless` says that another process has done the work.
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
  let told = false;
  let vain = 0;
  for (;;) {
    if (options.signal.aborted) throw new CancelledError();
    const outcome = tryAcquire(path);
    if (outcome && "release" in outcome) return outcome;
    if (isNeedless?.()) return undefined;
    const waited = performance.now() - began;
    if (!outcome) {
      vain += 1;
      if (vain > MOST_IN_VAIN) throw unsteady(path);
    } else {
      vain = 0;
      if (waited > options.patience) throw stillHeld(path, outcome, waited);
      if (!told && waited > 1000) {
        told = true;
        options.onWait?.(outcome);
      }
    }
    // Not all at the same moment: hundreds may be waiting, and the one whom they wait for needs the processor too.
    const pause = isNeedless && waited > 500 ? 120 : 20;
    await sleep(pause + Math.random() * 2 * pause, undefined, { signal: options.signal }).catch(() => undefined);
  }
}

/** How often in a row a lock is found neither free nor held by a process before that is an error. */
const MOST_IN_VAIN = 300;

const unsteady = (path: string): FobError =>
  new FobError(`cannot take the lock ${quote(path)}: other processes keep taking it`, [
    `check it: ls -la ${quoteShellWord(dirname(path))}`,
    `if no fob is running, remove it: rm ${quoteShellWord(path)}`,
  ]);

function stillHeld(path: string, holder: Holder, waited: number): LockTimeoutError {
  const remove = `if no fob is running there, remove it: rm ${quoteShellWord(path)}`;
  if (holder.pid === 0) {
    const message = `the lock ${quote(path)} does not say which process holds it`;
    return new LockTimeoutError(message, [remove]);
  }
  const pid = findPid(holder);
  const name = pid === undefined ? "" : ` (process ${pid})`;
  return new LockTimeoutError(
    `another fob${name} has held the lock ${quote(path)} for ${Math.round(waited / 1000)} s`,
    pid === undefined
      ? [
          `it runs on another machine or in a container, or ran before a restart; check: cat ${quoteShellWord(path)}`,
          remove,
        ]
      : `answer its prompt in the other window, or end it: ${killLine(pid)}`,
  );
}

/**
 * The id of the process that holds a lock, if it means that process here too: to be named, and perhaps ended. One of
 * another machine, container or boot is here the id of some other process or of none.
 */
export function findPid(holder: Holder): number | undefined {
  const isThatProcess = holder.pid > 0 && isOfThisSystem(holder) && startOf(holder.pid) === holder.started;
  return isThatProcess ? holder.pid : undefined;
}

function isOfThisSystem({ host, boot }: Holder): boolean {
  const me = describeProcess();
  return host === me.host && boot === me.boot;
}

/** One try to take a lock: its holder to be, and the names beside the lock. */
interface Attempt {
  readonly me: Holder;
  /** The finished lock, under a name of its own. */
  readonly draft: string;
  /** The lock itself. */
  readonly lock: string;
  /** How often more a name is tried, of this lock or of a right to break. */
  triesLeft: number;
}

/**
 * Takes the lock, or tells who has it; undefined where it was neither free nor anybody's for long enough to tell. A dead
 * holder's lock is broken on the way.
 */
function tryAcquire(path: string): Lock | Holder | undefined {
  const me: Holder = { ...describeProcess(), id: randomBytes(8).toString("hex") };
  const draft = `${prefixOf(path)}${me.id}.tmp`;
  try {
    createFile(draft, JSON.stringify(me));
    const outcome = take(path, { me, draft, lock: path, triesLeft: 5 * MOST_RIGHTS }, 0);
    if (outcome && "release" in outcome) sweep(path, draft);
    return outcome;
  } catch (error) {
    if (error instanceof FobError) throw error;
    // A process that is stopped for a minute between making its draft and linking it finds it swept away.
    if (getSystemCode(error) === "ENOENT" && existsSync(dirname(path))) return undefined;
    if (/^(ENOSPC|EDQUOT|EROFS|EACCES|ENAMETOOLONG)$/.test(getSystemCode(error))) throw explainFileError(error, path);
    throw new FobError(
      `cannot create the lock ${quote(path)}: ${getSystemCode(error) || String(error)}`,
      `check that the folder exists and is writable: ls -ld ${quoteShellWord(dirname(path))}`,
      undefined,
      error,
    );
  } finally {
    remove(draft);
  }
}

const hexOf = (text: string, digits: number): string =>
  createHash("sha256").update(text).digest("hex").slice(0, digits);

/** How everything that is beside a lock, and belongs to it alone, begins. */
const prefixOf = (path: string): string => join(dirname(path), `.fob-lock-${hexOf(basename(path), 12)}-`);

/** The name of the right to break the lock, or a right to break it, of a dead holder. */
const rightToBreak = (lock: string, deadId: string): string => `${prefixOf(lock)}${hexOf(deadId, 16)}.break`;

/** How many rights to break rights are taken on top of each other: one more for each process that was killed with one. */
const MOST_RIGHTS = 100;

function take(path: string, attempt: Attempt, depth: number): Lock | Holder | undefined {
  while (attempt.triesLeft > 0) {
    attempt.triesLeft -= 1;
    if (isLockPlaced(path, attempt)) return createLock(path, attempt.me.id);
    const holder = read(path);
    if (!holder) continue;
    if (!isDead(holder, path, attempt) || !isBroken(path, holder.id, attempt, depth)) return holder;
  }
  return undefined;
}

/** Removes a dead holder's lock. False when another process is at it. @throws FobError when it cannot be removed */
function isBroken(path: string, deadId: string, attempt: Attempt, depth: number): boolean {
  if (depth === MOST_RIGHTS) {
    throw new FobError(
      `the lock ${quote(attempt.lock)} belongs to a process that has ended, and fob could not remove it`,
      `remove the leftover files: rm ${quoteShellWord(prefixOf(attempt.lock))}*.break`,
    );
  }
  const right = take(rightToBreak(attempt.lock, deadId), attempt, depth + 1);
  if (!right || !("release" in right)) return false;
  try {
    if (read(path)?.id === deadId) unlinkSync(path);
  } catch (error) {
    if (getSystemCode(error) !== "ENOENT") throw explainFileError(error, path);
  } finally {
    right.release();
  }
  return true;
}

/**
 * Removes what processes that were killed have left beside a lock that this process holds now: drafts that are old, and
 * all rights to break. Those are for holders that were dead before and never come back, so it is the same to everyone
 * whether a right is there.
 */
function sweep(path: string, draft: string): void {
  try {
    const now = statSync(draft).mtimeMs;
    const beside = basename(prefixOf(path));
    for (const name of readdirSync(dirname(path))) {
      if (!name.startsWith(beside)) continue;
      const file = join(dirname(path), name);
      if (name.endsWith(".break") || now - lstatSync(file).mtimeMs > SILENCE) unlinkSync(file);
    }
  } catch {
    // Tidying up is no reason to fail.
  }
}

/** Puts the lock at its name, unless something is there. */
function isLockPlaced(path: string, { me, draft }: Attempt): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (getSystemCode(error) === "EEXIST") return false;
    if (!isWithoutLinks(error) && !mayBeGoing(error)) throw error;
  }
  try {
    createFile(path, JSON.stringify(me));
    return true;
  } catch (error) {
    // The draft could be made in the same folder.
    if (getSystemCode(error) === "EEXIST" || mayBeGoing(error)) return false;
    throw error;
  }
}

function createLock(path: string, id: string): Lock {
  const isHeld = (): boolean => read(path)?.id === id;
  const heartbeat = setInterval(() => {
    try {
      beat(path, id);
    } catch {
      // The lock has gone, or the file system has: isHeld() will tell.
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
  const descriptor = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (!fstatSync(descriptor).isFile()) return;
    // What was opened stays the same file, even when another lock takes its place now.
    const text = readFileSync(descriptor, "utf8");
    if (parseHolder(text).id === id) writeSync(descriptor, text, 0);
  } finally {
    closeSync(descriptor);
  }
}

/** Makes sure that nothing is at a lock's name but a lock. @throws FobError */
export function assertLockable(path: string): void {
  readOwnBytes(path);
}

/** The holder that a lock names; undefined when the lock has gone. @throws FobError for what is no file of this user's */
function read(path: string): Holder | undefined {
  const text = readUnlessGoing(path);
  if (text === undefined) return undefined;
  const holder = parseHolder(text);
  if (holder.id !== "") return holder;
  // Torn, or not written yet: the next one that looks like this is another one.
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found && { ...holder, id: `unreadable ${found.ino} ${found.mtimeMs}` };
}

function readUnlessGoing(path: string): string | undefined {
  try {
    return readOwnBytes(path);
  } catch (error) {
    if (error instanceof FobError && mayBeGoing(error.cause)) return undefined;
    throw error;
  }
}

function parseHolder(text: string): Holder {
  try {
    const holder = JSON.parse(text) as Partial<Holder> | null;
    if (typeof holder?.pid === "number" && typeof holder.id === "string") return holder as Holder;
  } catch {
    // As below.
  }
  // Not one of ours, or torn by a crash of the machine: only time tells whether it is alive.
  return { id: "", pid: 0, host: "", boot: "", started: "" };
}

function isDead(holder: Holder, path: string, { draft }: Attempt): boolean {
  if (isOfThisSystem(holder)) {
    if (!isRunning(holder.pid)) return true;
    const started = startOf(holder.pid);
    // Not every process may be looked at, and not every system tells: then only silence remains.
    if (holder.started !== "" && started !== "") return holder.started !== started;
    if (process.platform === "linux") return false;
  }
  try {
    // Both times come from the file system, so a wrong clock here or there does not matter.
    const [now, last] = [statSync(draft).mtimeMs, lstatSync(path).mtimeMs];
    if (Math.abs(now - last) <= SILENCE) return false;
    const sign = `${holder.id} ${last}`;
    const seen = sights.get(path);
    if (seen?.sign === sign) return performance.now() - seen.since > WATCH;
    sights.set(path, { sign, since: performance.now() });
    return false;
  } catch {
    return false;
  }
}

/** The machine, and on Linux the space in which its process ids count. */
export const getHost = (): string => hostname() + orEmpty(() => readlinkSync("/proc/self/ns/pid"));

let thisProcessOnce: Omit<Holder, "id"> | undefined;

function describeProcess(): Omit<Holder, "id"> {
  thisProcessOnce ??= {
    pid: process.pid,
    host: getHost(),
    boot: orEmpty(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()),
    started: startOf(process.pid),
  };
  return thisProcessOnce;
}

const startOf = (pid: number): string => readProcess(pid)?.started ?? "";

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
