// Making files and folders that are the user's alone from the first moment, whatever the umask is.
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  type Stats,
  unlinkSync,
  writeSync,
} from "node:fs";
import { FobError, getSystemCode } from "../errors.ts";
import { quote, quoteShellWord } from "../text.ts";
import { closeRead, createNoFolderError, explainFileError, lstatIfPossible, notFolder } from "./read.ts";

/** Opens a new file for writing, where nothing is yet. Throws what the file system says. */
export function openNew(path: string, mode = 0o600): number {
  const descriptor = openSync(path, "wx", mode);
  try {
    // The umask may have taken the owner's own rights away.
    fchmodSync(descriptor, mode);
    return descriptor;
  } catch (error) {
    // A file system without modes.
    closeSync(descriptor);
    unlinkSync(path);
    throw error;
  }
}

/** Makes a file, 0600, where nothing is yet. Throws what the file system says. */
export function createFile(path: string, content: string): void {
  const descriptor = openNew(path);
  try {
    writeAll(descriptor, Buffer.from(content));
  } catch (error) {
    unlinkSync(path);
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

/** Writes a whole content from the beginning of a file, or from a place in it, in bytes. */
export function writeAll(descriptor: number, content: Buffer, from = 0): void {
  for (let written = 0; written < content.length; ) {
    const more = writeSync(descriptor, content, written, content.length - written, from + written);
    if (more === 0) throw Object.assign(new Error("nothing more can be written"), { code: "ENOSPC" });
    written += more;
  }
}

/** Whether this is how a file system says that it cannot make a hard link (another one): on Android EACCES, too. */
export const isWithoutLinks = (error: unknown): boolean =>
  /^(EPERM|EACCES|ENOSYS|ENOTSUP|EOPNOTSUPP|EMLINK)$/.test(getSystemCode(error));

/** Makes a folder, 0700, and those above it; one that is there keeps its mode. @throws FobError */
export function ensureFolder(folder: string): void {
  // With the umask of the caller a new folder might be closed to its own owner, or open to others.
  const umask = process.umask(0o077);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    // EEXIST for a file of that name, ENOENT for a dangling link.
    throw (
      (/^(EEXIST|ENOENT)$/.test(getSystemCode(error)) && createNoFolderError(folder)) || explainFileError(error, folder)
    );
  } finally {
    process.umask(umask);
  }
}

/**
 * Makes a folder for fob alone. One that is there keeps its mode, and is refused where it is a symbolic link or another
 * user's.
 *
 * @param elsewhere what to do instead
 * @throws FobError
 */
export function ensureOwnFolder(folder: string, elsewhere: readonly string[]): Stats {
  const before = lstatIfPossible(folder);
  if (before && !before.isDirectory()) throw notFolder(folder, before, elsewhere);
  ensureFolder(folder);
  const found = folderAt(folder, elsewhere);
  if (found.uid === (process.geteuid?.() ?? found.uid)) return found;
  throw new FobError(
    `${quote(folder)} belongs to another user (uid ${found.uid}), so fob does not store anything in it`,
    elsewhere,
  );
}

/** @throws FobError for a folder that others can write to: they could put files of their own in the place of fob's */
export function assertClosed(folder: string, { mode }: Stats, elsewhere: readonly string[]): void {
  if (process.platform === "win32" || (mode & 0o022) === 0) return;
  const close = `if only fob uses it: chmod 700 ${quoteShellWord(folder)}`;
  throw new FobError(`others can write to ${quote(folder)}, so fob does not store anything in it`, [
    close,
    ...elsewhere,
  ]);
}

/** A real folder, and not a link to one. */
function folderAt(folder: string, elsewhere: readonly string[]): Stats {
  const odd = (): FobError => notFolder(folder, lstatSync(folder), elsewhere);
  // Windows opens no folders.
  if (process.platform === "win32") {
    const found = lstatSync(folder);
    if (!found.isDirectory()) throw odd();
    return found;
  }
  let descriptor: number | undefined;
  try {
    descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    return fstatSync(descriptor);
  } catch (error) {
    throw /^(ELOOP|ENOTDIR|EMLINK)$/.test(getSystemCode(error)) ? odd() : explainFileError(error, folder);
  } finally {
    if (descriptor !== undefined) closeRead(descriptor);
  }
}
