// Files that other programs have open, on Windows: there nothing takes the place of one, and some cannot be read. Virus
// scanners, backups and editors mostly close them in a moment.
import { FobError, getSystemCode } from "../errors.ts";
import { quote } from "../text.ts";

/** Milliseconds for which such a file is tried again. */
const PATIENCE = 2000;
const PAUSE = 20;

/** How Windows says that a file is open elsewhere; with the second two also that this user may not do it. */
const busy = /^(EBUSY|EPERM|EACCES)$/;

/** Whether a name may still be taken by a file that was removed: on Windows until those who read it have closed it. */
export const mayBeGoing = (error: unknown, platform: NodeJS.Platform = process.platform): boolean =>
  platform === "win32" && busy.test(getSystemCode(error));

/**
 * Does something that another program's open file may keep from being done for a moment.
 *
 * @param codes the errors that may be for that
 * @throws FobError where it stays open
 */
export function whileBusy<T>(
  file: string,
  work: () => T,
  codes: RegExp = busy,
  platform: NodeJS.Platform = process.platform,
): T {
  for (let waited = 0; ; waited += PAUSE) {
    try {
      return work();
    } catch (error) {
      if (platform !== "win32" || !codes.test(getSystemCode(error))) throw error;
      if (waited >= PATIENCE) throw createBusyError(file, error);
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE);
  }
}

function createBusyError(file: string, error: unknown): FobError {
  const isOpen = getSystemCode(error) === "EBUSY";
  return new FobError(
    isOpen
      ? `another program has ${quote(file)} open`
      : `cannot change ${quote(file)}: another program has it open, or you have no permission`,
    "close programs that use it, then run the command again",
    undefined,
    error,
  );
}
