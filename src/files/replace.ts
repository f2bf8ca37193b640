// Replacing a file's content as a whole: a reader, and a crash, see the old file or the new one.
import { randomBytes } from "node:crypto";
import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { FobError, getSystemCode } from "../errors.ts";
import { quote, quoteShellWord } from "../text.ts";
import { whileBusy } from "./busy.ts";
import { isWithoutLinks, openNew, writeAll } from "./create.ts";
import { closeRead, explainFileError, holdsBytes, isMounted, notRegular } from "./read.ts";

/** A new content on its way: written beside the file, not yet in its place. */
export interface Replacement {
  /** Writes the new content, down to the disk. @throws FobError */
  readonly write: (content: Buffer) => void;
  /** Puts what was written in the file's place. @throws FobError; then the old file is still there. */
  readonly commit: () => void;
  /** Puts it where no file is yet. False when there is one meanwhile. @throws FobError */
  readonly commitNew: () => boolean;
  /** Leaves the old file as it is. Nothing to do after a commit or an error. */
  readonly abandon: () => void;
}

/** Whether a kill can have left it there: temporary files of a file with this name. */
const getTemporaryPrefix = (name: string): RegExp =>
  new RegExp(`^\\.${name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}\\.fob-[0-9a-f]+\\.tmp$`);

/** A name beside a file for what is to go again; what a kill leaves under it is swept. */
export const createTemporaryName = (file: string): string =>
  join(dirname(file), `.${basename(file)}.fob-${randomBytes(6).toString("hex")}.tmp`);

/**
 * The file itself, behind any symbolic links; it need not exist yet.
 *
 * @throws FobError for a circle of links
 */
export function resolveFile(path: string): string {
  let file = resolve(path);
  for (let links = 0; links < 40; links++) {
    // A link's target counts from the folder that the link is really in.
    const folder = resolveFolder(dirname(file));
    file = join(folder, basename(file));
    if (!readStat(file)?.isSymbolicLink()) return file;
    file = resolve(folder, readlinkSync(file));
  }
  throw new FobError(
    `${quote(path)} has too many levels of symbolic links`,
    `look at them: ls -l ${quoteShellWord(path)}`,
  );
}

/** How long a file's name may be, in bytes, so that the names of what fob makes beside it are not too long (255). */
export const LONGEST_NAME = 220;

/**
 * Makes sure, as far as that can be known, that a file can be replaced: asked before anything that cannot be undone.
 * Takes the path of the file itself, see {@link resolveFile}.
 *
 * @returns what is there now, or undefined
 * @throws FobError
 */
export function assertReplaceable(file: string): Stats | undefined {
  const length = Buffer.byteLength(basename(file));
  if (length > LONGEST_NAME) {
    throw new FobError(
      `the name of ${quote(file)} is too long: ${length} bytes, and fob needs a few more for temporary names`,
      `use a name of at most ${LONGEST_NAME} bytes`,
    );
  }
  const found = assertOwnFile(file);
  if (hasAnotherName(file)) throw hardLinked(file);
  return found;
}

/** The same for a file that only fob makes. @throws FobError */
export function assertOwnFile(file: string): Stats | undefined {
  const found = readStat(file);
  if (found && !found.isFile()) throw notRegular(file);
  const user = process.geteuid?.();
  if (found && user !== undefined && found.uid !== user) {
    throw new FobError(
      `${quote(file)} belongs to another user (uid ${found.uid}), so fob does not change it`,
      `check the owner: ls -la ${quoteShellWord(dirname(file))}`,
    );
  }
  if (isMountPoint(file)) throw isMounted(file);
  try {
    accessSync(dirname(file), constants.W_OK | constants.X_OK);
  } catch (error) {
    if (getSystemCode(error) !== "ENOENT") throw explainFileError(error, file);
  }
  return found;
}

/** Why a file cannot be replaced, as far as that can be known; else undefined. @param assert throws that */
export function catchObstacle(assert: () => void): FobError | undefined {
  try {
    assert();
    return undefined;
  } catch (error) {
    if (error instanceof FobError) return error;
    throw error;
  }
}

/**
 * Whether a file has a name (a hard link) that is not fob's own: another fob gives it a second name for the moment in which
 * it replaces it, and that has gone, or the file has, when one looks again.
 */
function hasAnotherName(file: string): boolean {
  for (let looks = 0; looks < 3; looks++) {
    const found = readStat(file);
    if (!found || found.nlink <= 1) return false;
    const own = listLeftovers(file).filter((path) => readStat(path)?.ino === found.ino);
    if (found.nlink - own.length <= 1) return false;
  }
  return true;
}

function hardLinked(file: string): FobError {
  const copy = quoteShellWord(`${file}.copy`);
  return new FobError(`${quote(file)} has another name (a hard link), which would keep the old content`, [
    `find the other name: find ~ -samefile ${quoteShellWord(file)}`,
    `make that a symbolic link to this one, or separate them: cp -p ${quoteShellWord(file)} ${copy} && mv ${copy} ${quoteShellWord(file)}`,
  ]);
}

/**
 * Starts to replace a file. The new one has its mode from its first byte.
 *
 * @param reserve how many bytes to write ahead, so that a full disk is found now and not at the commit
 * @throws FobError
 */
export function beginReplace(file: string, reserve = 0, mode = 0o600): Replacement {
  const temporary = createTemporaryName(file);
  let descriptor: number | undefined;
  let isThere = false;
  const close = (): void => {
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = undefined;
  };
  const abandon = (): void => {
    if (!isThere) return;
    isThere = false;
    try {
      close();
      unlinkSync(temporary);
    } catch {
      // Nothing reads a temporary file; the next edit sweeps it away.
    }
  };
  const guarded = (step: () => void): void => {
    try {
      step();
    } catch (error) {
      abandon();
      throw explainFileError(error, file);
    }
  };
  const write = (content: Buffer): void =>
    guarded(() => {
      descriptor ??= openNew(temporary, mode);
      isThere = true;
      writeAll(descriptor, content);
      ftruncateSync(descriptor, content.length);
      fsyncSync(descriptor);
    });
  const commit = (): void =>
    guarded(() => {
      // Windows renames no open file.
      close();
      moveFile(temporary, file);
      isThere = false;
      syncFolder(dirname(file));
    });
  const commitNew = (): boolean => {
    let isNew = true;
    guarded(() => {
      close();
      isNew = isFilePlaced(file, temporary);
      if (isNew) syncFolder(dirname(file));
    });
    abandon();
    return isNew;
  };
  if (reserve > 0) write(Buffer.alloc(reserve, " "));
  return { write, commit, commitNew, abandon };
}

/**
 * Replaces the content of a file of the user's, which keeps its mode.
 *
 * @param before what was read of it
 * @throws FobError, also if the file does not have that content any more; then it is as it was.
 */
export function rewriteFile(path: string, before: Buffer, after: Buffer): void {
  const file = resolveFile(path);
  const replacement = beginReplace(file, 0, (assertReplaceable(file)?.mode ?? 0o600) & 0o777);
  try {
    replacement.write(after);
    if (!holdsBytes(file, before)) {
      throw new FobError(`${quote(path)} is not as it was read, so fob does not change it`, "run the command again");
    }
    replacement.commit();
  } finally {
    replacement.abandon();
  }
}

/** Puts a file in the place of another one. Throws what the file system says. */
export const moveFile = (from: string, to: string): void => whileBusy(to, () => renameSync(from, to));

/** Puts a temporary file at a name, unless a file is there. */
function isFilePlaced(file: string, temporary: string): boolean {
  try {
    linkSync(temporary, file);
    return true;
  } catch (error) {
    if (getSystemCode(error) === "EEXIST") return false;
    if (!isWithoutLinks(error)) throw error;
  }
  try {
    closeSync(openNew(file));
  } catch (error) {
    if (getSystemCode(error) === "EEXIST") return false;
    throw error;
  }
  // Without hard links nothing puts a whole file where none is: the name is taken by an empty one first.
  if (statSync(file).size > 0) return false;
  moveFile(temporary, file);
  return true;
}

/** Writes a new file, 0600, down to the disk. @throws FobError; then no file is left. */
export function writeNew(file: string, content: Buffer): void {
  let descriptor: number | undefined;
  try {
    descriptor = openNew(file);
    writeAll(descriptor, content);
    fsyncSync(descriptor);
  } catch (error) {
    if (descriptor !== undefined) unlinkSync(file);
    throw explainFileError(error, file);
  } finally {
    if (descriptor !== undefined) closeRead(descriptor);
  }
  syncFolder(dirname(file));
}

/** What a killed process left beside a file: contents that were not put in its place. Only under the file's lock. */
export function listLeftovers(file: string): string[] {
  const leftover = getTemporaryPrefix(basename(file));
  try {
    return readdirSync(dirname(file))
      .filter((name) => leftover.test(name))
      .map((name) => join(dirname(file), name));
  } catch {
    // Tidying up is no reason to fail.
    return [];
  }
}

/** Removes what a killed process left beside a file. Only under the file's lock. */
export function sweepLeftovers(file: string): void {
  for (const path of listLeftovers(file)) {
    try {
      unlinkSync(path);
    } catch {
      // The next one may succeed.
    }
  }
}

/** Only Linux tells; elsewhere the rename fails with EBUSY. */
function isMountPoint(file: string): boolean {
  let mounts: string;
  try {
    mounts = readFileSync("/proc/self/mountinfo", "utf8");
  } catch {
    return false;
  }
  // Field 5 is the mount point, blanks in octal (proc_pid_mountinfo(5)).
  const spelling = file.replace(/[ \t\n\\]/g, (character) => {
    return `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`;
  });
  return mounts.split("\n").some((line) => line.split(" ")[4] === spelling);
}

function resolveFolder(folder: string): string {
  try {
    return realpathSync(folder);
  } catch (error) {
    if (getSystemCode(error) === "ENOENT") return folder;
    throw explainFileError(error, folder);
  }
}

/** What is there, a link itself; undefined where there is nothing. @throws FobError */
export function readStat(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (getSystemCode(error) === "ENOENT") return undefined;
    throw explainFileError(error, path);
  }
}

/** So that the rename itself survives a power cut. Not every system can do it (Windows cannot). */
function syncFolder(folder: string): void {
  try {
    const descriptor = openSync(folder, "r");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // The new content is in place; only its fate in a power cut is open.
  }
}
