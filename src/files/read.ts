// Reading files, and what the file system says in plain words.
import { readFileSync } from "node:fs";
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
    case "EBUSY":
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
