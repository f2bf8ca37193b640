// Editing a file that others write too: fob's own processes, which honour the lock, and everybody else, who does not.
import { chmodSync, linkSync, lstatSync, mkdirSync, renameSync, unlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { FobError, systemCode } from "../errors.ts";
import { quote, shellWord } from "../text.ts";
import { type LockOptions, withLock } from "./lock.ts";
import { explained, readBytes, readWhole } from "./read.ts";
import { assertReplaceable, beginReplace, realFile, sweepLeftovers, temporaryName } from "./replace.ts";

export interface EditOutcome {
  readonly changed: boolean;
  /** The mode that the file had (e.g. 0o644), where others could read or write it before and cannot now. */
  readonly tightenedFrom?: number;
}

/** Makes a folder, 0700, and those above it; one that is there keeps its mode. @throws FobError */
function ensureFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw explained(error, folder);
  }
}

/** Makes a folder that is the user's alone (0700), also where it is there already. @throws FobError */
export function ensurePrivateFolder(folder: string): void {
  ensureFolder(folder);
  try {
    if (process.platform !== "win32" && (lstatSync(folder).mode & 0o077) !== 0) chmodSync(folder, 0o700);
  } catch (error) {
    throw new FobError(
      `others can read ${quote(folder)}, and that cannot be changed`,
      `chmod 700 ${shellWord(folder)}`,
      undefined,
      error,
    );
  }
}

/**
 * Changes a file under its lock: reads it, lets `change` make the new text, puts that in place in one step.
 *
 * A text that `change` leaves as it is, is not written. When somebody who does not know the lock writes in between,
 * the change is made again, on what they wrote.
 *
 * @param change from the bytes of the file ("" where there is none) to the new ones; may be called more than once
 * @throws FobError, and whatever `change` throws; then the file is as it was.
 */
export async function editFile(
  path: string,
  lock: Pick<LockOptions, "signal">,
  change: (bytes: string) => string,
): Promise<EditOutcome> {
  const file = realFile(path);
  // Before anything is made beside it, and before a pipe is read, which may never end.
  assertReplaceable(file);
  ensureFolder(dirname(file));
  const lockPath = join(dirname(file), `.${basename(file)}.fob.lock`);
  return await withLock(lockPath, { ...lock, patience: 30_000 }, async (held) => {
    sweepLeftovers(file);
    for (let attempt = 0; attempt < 10; attempt++) {
      const before = readWhole(file);
      const after = change(before ?? "");
      if (after === (before ?? "")) return { changed: false };
      const mode = assertReplaceable(file)?.mode ?? 0o600;
      if (!held.isHeld())
        throw new FobError(`lost the lock on ${quote(path)} while it was being written`, "run it again");
      if (replaceUnlessChanged(file, before, after)) {
        return (mode & 0o077) === 0 ? { changed: true } : { changed: true, tightenedFrom: mode & 0o777 };
      }
      await sleep(10 * attempt);
    }
    throw new FobError(
      `another program keeps writing ${quote(path)}`,
      `find it, then try again: lsof ${shellWord(file)}`,
    );
  });
}

/** False when the file is not what it was when it was read; what somebody else has written is in place then. */
function replaceUnlessChanged(file: string, before: string | undefined, after: string): boolean {
  const replacement = beginReplace(file);
  replacement.write(Buffer.from(after, "latin1"));
  if (readBytes(file) !== before) {
    replacement.abandon();
    return false;
  }
  if (before === undefined) return replacement.commitNew();
  // Whoever opened the old file before the rename writes into that, where nobody would find it: so it keeps a name for
  // as long as it takes to see, and goes back to its place when it has changed.
  const old = temporaryName(file);
  try {
    linkSync(file, old);
    replacement.commit();
    if (readBytes(old) === before) return true;
    renameSync(old, file);
    return false;
  } catch (error) {
    // Removed in between.
    if (systemCode(error) === "ENOENT") return false;
    throw explained(error, file);
  } finally {
    replacement.abandon();
    unlinkIfThere(old);
  }
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It has got its old place back, or the next edit sweeps it away.
  }
}
