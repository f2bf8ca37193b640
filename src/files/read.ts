// Reading files, and what the file system says in plain words.
import { readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { FobError, systemCode } from "../errors.ts";
import { quote, shellWord } from "../text.ts";

/** A file's bytes as a string, one character a byte; undefined where there is no file. @throws FobError */
export function readBytes(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw explained(error, path);
  }
}

/** The bytes of a file that others write in place. Who is at it at this moment gets two seconds to finish. */
export function readWhole(path: string): string | undefined {
  for (let looks = 1; ; looks++) {
    const bytes = readBytes(path);
    if (bytes === undefined || looks > 100 || !isHalfWritten(path, bytes.length)) return bytes;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  }
}

/**
 * Whether the so many bytes that were read of a file are probably not what somebody means to leave: it has more now, or
 * it was written just now up to the end of a page. Those who write in place empty it first and fill it page by page; a
 * busy disk lets them wait in between.
 */
function isHalfWritten(path: string, length: number): boolean {
  try {
    const found = statSync(path);
    const isYoung = Math.abs(Date.now() - found.mtimeMs) < 2000;
    return found.isFile() && (found.size > length || (length % 4096 === 0 && isYoung));
  } catch {
    // It has gone, or cannot be asked: what was read is what there is.
    return false;
  }
}

/** A file-system error as the user can use it. */
export function explained(error: unknown, file: string): FobError {
  if (error instanceof FobError) return error;
  const folder = shellWord(dirname(file));
  switch (systemCode(error)) {
    case "ENOSPC":
    case "EDQUOT":
      return new FobError(
        `no space left to write ${quote(file)}`,
        `see what is full: df -h ${folder}`,
        undefined,
        error,
      );
    case "EROFS":
      return new FobError(`${quote(file)} is on a read-only file system`, `see how it is mounted: df ${folder}`);
    case "EACCES":
    case "EPERM":
      return new FobError(
        `not allowed to read or write ${quote(file)}`,
        `see who is: ls -la ${folder}`,
        undefined,
        error,
      );
    // What rename and link say of a mount point.
    case "EBUSY":
    case "EXDEV":
      return mounted(file);
    default: {
      const reason = error instanceof Error ? error.message : String(error);
      return new FobError(
        `cannot read or write ${quote(file)}: ${reason}`,
        `look at it: ls -la ${folder}`,
        undefined,
        error,
      );
    }
  }
}

/** The file is a mount point of its own: it can be written into, but not replaced. */
export function mounted(file: string): FobError {
  return new FobError(`${quote(file)} is mounted as a single file, which cannot be replaced safely`, [
    `mount its folder into the container instead: ${quote(dirname(file))}`,
    "or use a file of the container's own: export AWS_SHARED_CREDENTIALS_FILE=~/aws-credentials",
  ]);
}
