// Reading files, and what the file system says in plain words.
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readSync,
  type Stats,
  statSync,
} from "node:fs";
import { dirname } from "node:path";
import { describeSystemError, FobError, getSystemCode } from "../errors.ts";
import { quote, quoteShellWord } from "../text.ts";
import { whileBusy } from "./busy.ts";

/** For opening a file: never waits for the other end of a pipe, and never makes a terminal the process's own. */
const WITHOUT_WAITING = constants.O_NONBLOCK | constants.O_NOCTTY;
/** Windows has none of these flags; what is undefined adds nothing. */
const WITHOUT_LINKS = constants.O_NOFOLLOW | 0;

/**
 * A file's bytes as a string, one character a byte; undefined where there is no file. /dev/null counts as empty.
 *
 * @throws FobError, also for a pipe, a folder or a device: fob reads its files more than once
 */
export function readBytes(path: string): string | undefined {
  return readOpened(path, 0, (found) => {
    if (!found.isFile() && !isNullDevice(found)) throw notRegular(path);
  });
}

/** The same for a file that only fob makes: behind no symbolic link, and this user's. @throws FobError */
export function readOwnBytes(path: string): string | undefined {
  const check = (found: Stats): void => assertOwn(path, found);
  return readOpened(path, WITHOUT_LINKS, check, undefined, () => {
    // Why it cannot be opened.
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found) check(found);
  });
}

function assertOwn(path: string, found: Stats): void {
  if (!found.isFile()) throw inTheWay(path, found, "a regular file");
  const user = process.geteuid?.();
  if (user === undefined || found.uid === user) return;
  throw new FobError(
    `${quote(path)} belongs to another user (uid ${found.uid})`,
    `if they are not running fob, remove it: rm ${quoteShellWord(path)}`,
  );
}

/** Whether a file still holds these bytes; `undefined` stands for no file. Reads a long file part by part. @throws FobError */
export function holdsBytes(path: string, bytes: Buffer | undefined): boolean {
  const check = (found: Stats): void => {
    if (!found.isFile() && !isNullDevice(found)) throw notRegular(path);
  };
  const isHeld = readOpened(path, 0, check, (descriptor) => bytes !== undefined && yields(descriptor, bytes));
  return isHeld ?? bytes === undefined;
}

/** Whether to read all of an open file gives these bytes. */
function yields(descriptor: number, bytes: Buffer): boolean {
  const part = Buffer.allocUnsafe(Math.min(bytes.length + 1, 1 << 18));
  for (let at = 0; ; ) {
    const length = readSync(descriptor, part);
    if (length === 0) return at === bytes.length;
    if (part.compare(bytes, at, Math.min(at + length, bytes.length), 0, length) !== 0) return false;
    at += length;
  }
}

function readOpened<T = string>(
  path: string,
  flags: number,
  check: (found: Stats) => void,
  read: (descriptor: number) => T | string = (descriptor) => readFileSync(descriptor, "latin1"),
  explain?: () => void,
): T | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = whileBusy(path, () => openSync(path, constants.O_RDONLY | WITHOUT_WAITING | flags), /^EBUSY$/);
    check(fstatSync(descriptor));
    return read(descriptor) as T;
  } catch (error) {
    if (getSystemCode(error) === "ENOENT") return undefined;
    if (!(error instanceof FobError)) explain?.();
    // A socket.
    throw getSystemCode(error) === "ENXIO" ? notRegular(path) : explainFileError(error, path);
  } finally {
    if (descriptor !== undefined) closeRead(descriptor);
  }
}

/** Closes what was only read, or has been flushed: what goes wrong then is no matter. */
export function closeRead(descriptor: number): void {
  try {
    closeSync(descriptor);
  } catch {
    // What was read or flushed is whole.
  }
}

function isNullDevice(found: Stats): boolean {
  if (!found.isCharacterDevice()) return false;
  return found.rdev === statSync(process.platform === "win32" ? "\\\\.\\nul" : "/dev/null").rdev;
}

/** For a pipe, a folder, a device, or a link where none may be. */
export function notRegular(path: string): FobError {
  return new FobError(`${quote(path)} is not a regular file`, `check it: ls -ld ${quoteShellWord(path)}`);
}

/** For what is at a name where only fob makes something, and is something else. */
function inTheWay(
  path: string,
  found: Stats,
  wanted: "a regular file" | "a folder",
  hints: readonly string[] = [],
): FobError {
  const remove = found.isDirectory() ? "rm -r" : "rm";
  return new FobError(`${quote(path)} ${describeOddity(found, wanted)}`, [
    `if nothing else needs it, remove it: ${remove} ${quoteShellWord(path)}`,
    ...hints,
  ]);
}

/** @throws FobError for what is in the place of a folder that only fob makes, with the command that removes it */
export function assertFolderPlace(folder: string, hints: readonly string[] = []): void {
  const found = lstatIfPossible(folder);
  if (found && !found.isDirectory()) throw inTheWay(folder, found, "a folder", hints);
}

/** What is wrong with what is there, in words: "is a folder, not a regular file". */
export const describeOddity = (found: Stats, wanted: "a regular file" | "a folder"): string =>
  `is ${nameKind(found)}, not ${wanted}`;

function nameKind(found: Stats): string {
  if (found.isSymbolicLink()) return "a symbolic link";
  if (found.isDirectory()) return "a folder";
  if (found.isFIFO()) return "a named pipe";
  if (found.isSocket()) return "a socket";
  return found.isFile() ? "a regular file" : "a device";
}

/** Milliseconds for which a file that looks half-written is looked at again, by those who only read it. */
const SETTLING = 200;
/** The same before a file is replaced: what was taken for all of it would be all that is left. */
export const SETTLING_BEFORE_WRITING = 2000;

/** The bytes of a file that others write in place. Who is at it at this moment gets a little time to finish. */
export function readWhole(path: string, settling = SETTLING): string | undefined {
  for (let looks = 1; ; looks++) {
    const bytes = readBytes(path);
    if (bytes === undefined || looks > settling / 20 || !isHalfWritten(path, bytes.length, settling)) return bytes;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  }
}

/**
 * Whether the so many bytes that were read of a file are probably not what a writer means to leave: it has more now, or
 * it was written just now up to the end of a page. Those who write in place empty it first and fill it page by page; a
 * busy disk lets them wait in between.
 */
function isHalfWritten(path: string, length: number, settling: number): boolean {
  try {
    const found = statSync(path);
    const isYoung = Math.abs(Date.now() - found.mtimeMs) < settling;
    return found.isFile() && (found.size > length || (length % 4096 === 0 && isYoung));
  } catch {
    // It has gone, or cannot be asked: what was read is what there is.
    return false;
  }
}

/** The text of a regular file that the user names. @param explainLonger for a file of more bytes @throws FobError */
export function readNamedFile(path: string, mostBytes: number, explainLonger: (bytes: number) => FobError): string {
  try {
    const found = statSync(path);
    if (!found.isFile()) throw notRegular(path);
    if (found.size > mostBytes) throw explainLonger(found.size);
    return readFileSync(path, "utf8");
  } catch (error) {
    throw explainFileError(error, path);
  }
}

/** A file-system error as the user can use it. */
export function explainFileError(error: unknown, file: string): FobError {
  if (error instanceof FobError) return error;
  const folder = quoteShellWord(dirname(file));
  switch (getSystemCode(error)) {
    case "ENOSPC":
    case "EDQUOT":
      return new FobError(
        `no space left to write ${quote(file)}`,
        `check the free space: df -h ${folder}`,
        undefined,
        error,
      );
    case "EROFS":
      return new FobError(`${quote(file)} is on a read-only file system`, `see how it is mounted: df ${folder}`);
    case "EACCES":
    case "EPERM":
      return new FobError(
        `not allowed to read or write ${quote(file)}`,
        `check the permissions: ls -la ${folder}`,
        undefined,
        error,
      );
    case "ENOTDIR":
      return createNoFolderError(file) ?? explainUnknown(error, file);
    case "ENAMETOOLONG":
      return new FobError(`the name of ${quote(file)} is too long`, "choose a shorter one", undefined, error);
    // What rename and link say of a mount point.
    case "EBUSY":
    case "EXDEV":
      return isMounted(file);
    default:
      return explainUnknown(error, file);
  }
}

function explainUnknown(error: unknown, file: string): FobError {
  return new FobError(
    `cannot read or write ${quote(file)}: ${describeSystemError(error)}`,
    `check it: ls -la ${quoteShellWord(dirname(file))}`,
    undefined,
    error,
  );
}

/** For what is at a folder's name, or above it, and is no folder; undefined where there is nothing such. */
export function createNoFolderError(path: string): FobError | undefined {
  const found = lstatIfPossible(path);
  if (!found) return dirname(path) === path ? undefined : createNoFolderError(dirname(path));
  if (found.isDirectory() || existsSync(`${path}/.`)) return undefined;
  return notFolder(path, found);
}

/** For what is in the place of a folder that the user has chosen. */
export const notFolder = (path: string, found: Stats, hints: readonly string[] = []): FobError =>
  new FobError(`${quote(path)} ${describeOddity(found, "a folder")}`, [
    `check it: ls -ld ${quoteShellWord(path)}`,
    ...hints,
  ]);

export function lstatIfPossible(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

/** The file is a mount point of its own: it can be written into, but not replaced. */
export function isMounted(file: string): FobError {
  return new FobError(`${quote(file)} is mounted as a single file, which cannot be replaced safely`, [
    `mount its folder into the container instead: ${quote(dirname(file))}`,
    "or use a file inside the container: export AWS_SHARED_CREDENTIALS_FILE=~/aws-credentials",
  ]);
}
