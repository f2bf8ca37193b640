// Editing a file that others write too: fob's own processes, which honor the lock, and other programs, which do not.
import { linkSync, openSync, readFileSync, unlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { FobError, getSystemCode } from "../errors.ts";
import { quote, quoteShellWord } from "../text.ts";
import { ensureFolder, isWithoutLinks } from "./create.ts";
import { assertLockable, type LockOptions, SCRIPT_PATIENCE, withLock } from "./lock.ts";
import { closeRead, explainFileError, holdsBytes, readWhole, SETTLING_BEFORE_WRITING } from "./read.ts";
import {
  assertReplaceable,
  beginReplace,
  catchObstacle,
  createTemporaryName,
  moveFile,
  type Replacement,
  resolveFile,
  sweepLeftovers,
} from "./replace.ts";

export interface EditOutcome {
  readonly changed: boolean;
  /** The mode that the file had (e.g. 0o644), where others could read or write it before and cannot now. */
  readonly tightenedFrom?: number;
}

const lockOf = (file: string): string => join(dirname(file), `.${basename(file)}.fob.lock`);

/**
 * Makes sure, as far as that can be known, that a file (or what a link of that name leads to) can be edited: asked before
 * anything that cannot be undone.
 *
 * @throws FobError
 */
export function assertEditable(path: string): void {
  const file = resolveFile(path);
  assertReplaceable(file);
  assertLockable(lockOf(file));
}

/** Why a file cannot be edited, as far as that can be known; else undefined. */
export const obstacleTo = (path: string): FobError | undefined => catchObstacle(() => assertEditable(path));

/**
 * Changes a file under its lock: reads it, lets `change` make the new text, puts that in place in one step.
 *
 * A text that `change` leaves as it is, is not written. When a program that does not know the lock writes in between,
 * the change is made again, on what they wrote.
 *
 * @param change from the bytes of the file ("" for a missing file) to the new ones; may be called more than once
 * @throws FobError, and whatever `change` throws; then the file is as it was.
 */
export async function editFile(
  path: string,
  lock: Pick<LockOptions, "signal">,
  change: (bytes: string) => string,
  platform: NodeJS.Platform = process.platform,
): Promise<EditOutcome> {
  const file = resolveFile(path);
  // Before anything is made beside it, and before a pipe is read, which may never end.
  assertReplaceable(file);
  ensureFolder(dirname(file));
  return await withLock(lockOf(file), { ...lock, patience: SCRIPT_PATIENCE }, async (held) => {
    sweepLeftovers(file);
    for (let attempt = 0; attempt < 10; attempt++) {
      const before = readWhole(file, SETTLING_BEFORE_WRITING);
      const after = change(before ?? "");
      if (after === (before ?? "")) return { changed: false };
      const mode = assertReplaceable(file)?.mode ?? 0o600;
      if (!held.isHeld())
        throw new FobError(`lost the lock on ${quote(path)} while it was being written`, "run it again");
      if (replaceUnlessChanged(file, before, after)) {
        // On Windows every file has the mode 666.
        const isTightened = platform !== "win32" && (mode & 0o077) !== 0;
        return isTightened ? { changed: true, tightenedFrom: mode & 0o777 } : { changed: true };
      }
      await sleep(10 * attempt);
    }
    throw new FobError(
      `another program keeps writing ${quote(path)}`,
      `find it, then try again: lsof ${quoteShellWord(file)}`,
    );
  });
}

/** False when the file is not what it was when it was read; what another program has written is in place then. */
function replaceUnlessChanged(file: string, before: string | undefined, after: string): boolean {
  const replacement = beginReplace(file);
  const bytes = before === undefined ? undefined : Buffer.from(before, "latin1");
  // A program that opened the old file before the rename writes into that, where it would be lost: so the old file
  // is kept for as long as it takes to see, and goes back to its place when it has changed.
  const old = createTemporaryName(file);
  try {
    replacement.write(Buffer.from(after, "latin1"));
    if (!holdsBytes(file, bytes)) return false;
    if (before === undefined) return replacement.commitNew();
    if (!isLinked(file, old)) return commitWithoutLinks(file, before, replacement);
    replacement.commit();
    if (holdsBytes(old, bytes)) return true;
    moveFile(old, file);
    return false;
  } catch (error) {
    // Removed in between.
    if (getSystemCode(error) === "ENOENT") return false;
    throw explainFileError(error, file);
  } finally {
    replacement.abandon();
    unlinkIfThere(old);
  }
}

/** Gives a file a second name. False where the file system knows no hard links. */
function isLinked(file: string, second: string): boolean {
  try {
    linkSync(file, second);
    return true;
  } catch (error) {
    if (!isWithoutLinks(error)) throw error;
    return false;
  }
}

/** Replaces a file, and where the old one changes meanwhile, puts a copy of what it has become in its place. */
function commitWithoutLinks(file: string, before: string, replacement: Replacement): boolean {
  const old = openSync(file, "r");
  try {
    replacement.commit();
    const now = readFileSync(old, "latin1");
    if (now === before) return true;
    const copy = beginReplace(file);
    copy.write(Buffer.from(now, "latin1"));
    copy.commit();
    return false;
  } finally {
    closeRead(old);
  }
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It has got its old place back, or the next edit sweeps it away.
  }
}
