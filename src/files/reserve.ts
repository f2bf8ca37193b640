// Disk space for a secret that comes only once: an answer of AWS for a code, a new access key.
import { assertOwnFile, beginReplace } from "./replace.ts";

export interface FileReservation {
  /** Puts the content in the file's place. @throws FobError */
  readonly fill: (content: Buffer) => void;
  /** Gives the space back. Nothing to do after `fill`. */
  readonly abandon: () => void;
}

/** More than most secrets need: AWS's session tokens are a kilobyte or so, at most 4 KB. */
const RESERVED_BYTES = 16_384;

/**
 * Makes sure that a file can be written, and that there is disk space for it, before something is asked for that cannot be
 * asked for again. Only under a lock that keeps others from the file; the file is 0600.
 *
 * @throws FobError
 */
export function reserveFile(path: string): FileReservation {
  assertOwnFile(path);
  const replacement = beginReplace(path, RESERVED_BYTES);
  return {
    fill(content) {
      try {
        replacement.write(content);
        replacement.commit();
      } catch {
        // It will not come again: what went wrong with the space that was reserved may go well with another.
        const second = beginReplace(path);
        second.write(content);
        second.commit();
      }
    },
    abandon: replacement.abandon,
  };
}
