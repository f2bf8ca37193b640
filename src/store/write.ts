// The session store, written. Every session has a lock of its own.
import { createHash } from "node:crypto";
import { lstatSync, rmdirSync, rmSync, statSync, unlinkSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { FobError, getSystemCode } from "../errors.ts";
import { createFile } from "../files/create.ts";
import { type LockOptions, withLock, withLockUnless } from "../files/lock.ts";
import { explainFileError, readOwnBytes } from "../files/read.ts";
import {
  assertReplaceable,
  beginReplace,
  catchObstacle,
  LONGEST_NAME,
  listLeftovers,
  moveFile,
  readStat,
  sweepLeftovers,
} from "../files/replace.ts";
import { reserveFile } from "../files/reserve.ts";
import { quote, quoteProfileArgument, quoteShellWord } from "../text.ts";
import { ensureStoreFolder } from "./folder.ts";
import { formatSession } from "./format.ts";
import { encodeFileName, getSessionsFolder, sessionLock } from "./paths.ts";
import { describeIntruder, openStore, type Rejection, readStored, type Store, type Unreadable } from "./read.ts";
import type { Role, Session } from "./session.ts";

export interface WritableStore extends Store {
  /**
   * Runs `work` while no other process of fob makes or removes this session; or not, and gives undefined, where
   * `isNeedless` says while it waits that another process has done the work.
   */
  readonly locked: <T>(
    profile: string,
    options: LockOptions,
    work: () => Promise<T>,
    isNeedless?: () => boolean,
  ) => Promise<T | undefined>;
  /** Why this session's file cannot be written, as far as that can be known; else undefined. */
  readonly obstacle: (profile: string) => FobError | undefined;
  /**
   * Puts in its place what a process has left that was killed while it wrote this session, unless one is at it now.
   *
   * @returns whether there was anything: then what was read before is old
   */
  readonly recover: (profile: string, signal: AbortSignal) => Promise<boolean>;
  /**
   * Makes sure of the disk space for a session before a code is spent on it, and that its file is not another version's.
   * Only under its lock. @throws FobError
   */
  readonly reserve: (profile: string) => Reservation;
  /** Only under its lock. @throws FobError */
  readonly save: (session: Session) => void;
  /**
   * Saves a session that more is known of than before. Its file keeps its date: whether it is what the AWS files ask for
   * is known no better. Only under its lock. @throws FobError, or an error of the system
   */
  readonly annotate: (session: Session) => void;
  /** Only under its lock. @throws FobError */
  readonly remove: (profile: string) => void;
  /**
   * Says that the session still is what the AWS files ask for, as they were at `lastChange` (ms since 1970): until one
   * of them changes it may be served without a look at them. Not within a second of that: some shells see no less.
   */
  readonly markVerified: (profile: string, lastChange: number, now: number) => void;
  /** Says that a session was made by the AWS files as they were at `lastChange` (ms since 1970), and by nothing newer. */
  readonly setDate: (profile: string, lastChange: number) => void;
  /** Keeps why a program got no session, for those that ask next. Only under its lock. */
  readonly keepRejection: (profile: string, rejection: Omit<Rejection, "at">) => void;
  readonly readRejection: (profile: string) => Rejection | undefined;
  readonly clearRejection: (profile: string) => void;
  /** Whether nothing was shown of a profile in the last so many milliseconds; from now on it was. */
  readonly mayNotify: (profile: string, now: number, pause: number) => boolean;
  /** Keeps that AWS gives a role only for less than its profile wants: asking again would cost a code. */
  readonly rememberTooLong: (role: RoleLength, now: number) => void;
  /** Whether that is kept, and not old: an administrator may have allowed more since. */
  readonly isTooLong: (role: RoleLength, now: number) => boolean;
}

/** A role, and for how many seconds its profile wants it. */
type RoleLength = Pick<Role, "arn" | "duration">;

export interface Reservation {
  /** @throws FobError */
  fill(session: Session): void;
  /** Gives the space back. Nothing to do after `fill`. */
  abandon(): void;
}

/** Milliseconds for which it is remembered that a role is wanted for too long: a week. */
const TOO_LONG_FOR = 7 * 86_400_000;

export function openWritableStore(folder: string): WritableStore {
  const sessions = getSessionsFolder(folder);
  const pathOf = (profile: string): string => join(sessions, encodeFileName(profile));
  const lockOf = (profile: string): string => sessionLock(folder, profile);
  const rejectionOf = (profile: string): string => join(sessions, `.${encodeFileName(profile)}.refusal`);
  const noticeOf = (profile: string): string => join(sessions, `.${encodeFileName(profile)}.notice`);
  const tooLongOf = ({ arn, duration }: RoleLength): string => {
    // A role's ARN may be longer than a file's name.
    const digest = createHash("sha256").update(`${duration} ${arn}`).digest("hex").slice(0, 32);
    return join(sessions, `.role-${digest}.too-long`);
  };
  const date = (profile: string, lastChange: number): void => {
    // To the next millisecond: what the system tells in nanoseconds it takes in a number that holds fewer.
    const time = (Math.ceil(lastChange) + 1) / 1000;
    utimesSync(pathOf(profile), time, time);
  };
  const save = (session: Session): void => {
    assertOwnVersion(pathOf(session.profile), session.profile);
    const replacement = beginReplace(pathOf(session.profile));
    replacement.write(Buffer.from(formatSession(session)));
    replacement.commit();
  };
  return {
    ...openStore(folder),
    async locked(profile, options, work, isNeedless) {
      assertShortName(profile);
      ensureStoreFolder(folder, "sessions");
      ensureStoreFolder(folder, "locks");
      return await withLockUnless(lockOf(profile), options, isNeedless, () => {
        adoptLeftover(pathOf(profile), profile);
        return work();
      });
    },
    obstacle: (profile) =>
      catchObstacle(() => {
        assertShortName(profile);
        assertNothingInTheWay(pathOf(profile), profile);
        assertReplaceable(pathOf(profile));
      }),
    async recover(profile, signal) {
      if (listLeftovers(pathOf(profile)).length === 0) return false;
      try {
        await withLock(lockOf(profile), { signal, patience: 0 }, () => adoptLeftover(pathOf(profile), profile));
      } catch {
        // Another process is writing it, or the store cannot be written: its next user will find out.
      }
      return true;
    },
    reserve(profile) {
      assertOwnVersion(pathOf(profile), profile);
      assertNothingInTheWay(pathOf(profile), profile);
      const reserved = reserveFile(pathOf(profile));
      return {
        fill(session) {
          try {
            reserved.fill(Buffer.from(formatSession(session)));
          } catch (error) {
            throw addSpentCodeHint(error);
          }
        },
        abandon: reserved.abandon,
      };
    },
    save,
    annotate(session) {
      const { mtimeMs } = lstatSync(pathOf(session.profile));
      save(session);
      const time = Math.floor(mtimeMs) / 1000;
      utimesSync(pathOf(session.profile), time, time);
    },
    remove(profile) {
      try {
        removeFile(pathOf(profile));
      } catch (error) {
        if (getSystemCode(error) !== "ENOENT") throw explainFileError(error, pathOf(profile));
      }
    },
    markVerified(profile, lastChange, now) {
      if (now - lastChange < 1000) return;
      try {
        if (lstatSync(pathOf(profile)).mtimeMs < lastChange) date(profile, lastChange);
      } catch {
        // Then the next one has to look at the AWS files too.
      }
    },
    setDate(profile, lastChange) {
      try {
        date(profile, lastChange);
      } catch {
        // Then it is answered from as if it had been made just now.
      }
    },
    keepRejection(profile, rejection) {
      try {
        rmSync(rejectionOf(profile), { force: true });
        createFile(rejectionOf(profile), `${JSON.stringify(rejection)}\n`);
      } catch {
        // Then the next one asks again.
      }
    },
    readRejection(profile) {
      try {
        const rejection = JSON.parse(readOwnBytes(rejectionOf(profile)) ?? "") as Omit<Rejection, "at">;
        return { ...rejection, at: statSync(rejectionOf(profile)).mtimeMs };
      } catch {
        return undefined;
      }
    },
    mayNotify(profile, now, pause) {
      const mark = noticeOf(profile);
      try {
        const last = statSync(mark, { throwIfNoEntry: false });
        if (last && Math.abs(now - last.mtimeMs) < pause) return false;
        ensureStoreFolder(folder, "sessions");
        rmSync(mark, { force: true });
        // Of several at once, one makes it.
        createFile(mark, "");
        return true;
      } catch {
        // Without the mark there would be one for every call.
        return false;
      }
    },
    clearRejection(profile) {
      try {
        rmSync(rejectionOf(profile), { force: true });
        rmSync(noticeOf(profile), { force: true });
      } catch {
        // It counts for seconds only, and for programs only.
      }
    },
    rememberTooLong(role, now) {
      const { arn, duration } = role;
      try {
        rmSync(tooLongOf(role), { force: true });
        createFile(tooLongOf(role), `${JSON.stringify({ at: now, arn, duration })}\n`);
      } catch {
        // Then the next one asks again.
      }
    },
    isTooLong(role, now) {
      try {
        const { at } = JSON.parse(readOwnBytes(tooLongOf(role)) ?? "") as { readonly at: number };
        return Math.abs(now - at) < TOO_LONG_FOR;
      } catch {
        return false;
      }
    },
  };
}

/** @throws FobError for a profile whose session would need a file name that is too long; nothing has been asked then */
export function assertShortName(profile: string, rename = "fob login SOURCE --to NAME"): void {
  const { length } = encodeFileName(profile);
  if (length <= LONGEST_NAME) return;
  throw new FobError(
    `the name ${quote(profile)} is too long for a session: ${length} bytes as a file name`,
    `choose one of at most ${LONGEST_NAME} bytes (a capital letter counts as three): ${rename}`,
  );
}

/** @throws FobError where another version of fob has made the session file */
function assertOwnVersion(path: string, profile: string): void {
  const stored = readStored(path, profile);
  if (stored.state === "unreadable" && stored.isOtherVersion) throw ofOtherVersion(stored);
}

/** @throws FobError for what is in the place of the session file, with the command that removes it */
function assertNothingInTheWay(path: string, profile: string): void {
  const found = readStat(path);
  const intruder = found && describeIntruder(found);
  if (intruder === undefined) return;
  throw new FobError(
    `the session file ${quote(path)} ${intruder}`,
    `remove it: fob logout ${quoteProfileArgument(profile)}`,
  );
}

/** Removes whatever is in the place of a session file, but nothing that is in a folder. */
function removeFile(path: string): void {
  if (!lstatSync(path).isDirectory()) {
    unlinkSync(path);
    return;
  }
  try {
    rmdirSync(path);
  } catch (error) {
    if (!/^(ENOTEMPTY|EEXIST)$/.test(getSystemCode(error))) throw error;
    throw new FobError(
      `${quote(path)} is a folder that is not empty`,
      `if nothing else needs it, remove it: rm -r ${quoteShellWord(path)}`,
    );
  }
}

/** Says that a session is another version's, and how to replace it all the same. */
export function ofOtherVersion({ profile, path, reason }: Unreadable): FobError {
  return new FobError(`the session file ${quote(path)} ${reason}, so this version does not change it`, [
    "use it with that version: fob --version",
    `or remove it first: fob logout ${quoteProfileArgument(profile)}`,
  ]);
}

/** Says that the same command needs another code. */
function addSpentCodeHint(error: unknown): unknown {
  if (!(error instanceof FobError)) return error;
  const hint = "the code was used; fix this, then try again with the next code";
  return new FobError(error.message, [...error.hints, hint], error.exitCode, error);
}

/** A process that was killed between writing a session and putting it in its place has left it beside it. */
function adoptLeftover(path: string, profile: string): void {
  const isOthers = (file: string): boolean => {
    const stored = readStored(file, profile);
    return stored.state === "unreadable" && stored.isOtherVersion;
  };
  // Another version has written here, and knows better what to keep.
  if ([path, ...listLeftovers(path)].some(isOthers)) return;
  const issued = (file: string): number => {
    const stored = readStored(file, profile);
    return stored.state === "readable" ? stored.session.issued : Number.NEGATIVE_INFINITY;
  };
  for (const leftover of listLeftovers(path)) {
    if (issued(leftover) > issued(path)) moveFile(leftover, path);
  }
  sweepLeftovers(path);
}
