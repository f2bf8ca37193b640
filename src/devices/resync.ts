// Tells AWS how far the clock of a device is off, with two codes that the user types.
import { AwsFailure } from "../aws/failures.ts";
import { CancelledError, FobError } from "../errors.ts";
import { quote } from "../text.ts";

export interface ResyncTools {
  /** Asks for two codes. @param problem what was wrong with the two before */
  readonly askCodes: (problem: string | undefined) => Promise<readonly [string, string]>;
  readonly resync: (codes: readonly [string, string]) => Promise<unknown>;
  /** The command line, for hints. */
  readonly retype: string;
}

const mostAttempts = 3;

/** fob does not have the seed, so only AWS can tell a right pair from a wrong one. @throws FobError, CancelledError */
export async function resyncDevice(serialNumber: string, { askCodes, resync, retype }: ResyncTools): Promise<void> {
  let problem: string | undefined;
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const codes = await askCodes(problem).catch(noteNothingDone);
    problem = await tryToResync(codes, resync);
    if (problem === undefined) return;
  }
  throw new FobError(`AWS did not accept the codes of ${quote(serialNumber)}, so it is not resynchronized`, [
    "check that the codes are those of this device and account, and that the phone sets its clock by itself",
    `then try again: ${retype}`,
  ]);
}

function noteNothingDone(error: unknown): never {
  throw error instanceof CancelledError ? new CancelledError("nothing is changed") : error;
}

/** @returns why AWS did not take the codes; undefined if it did */
async function tryToResync(
  codes: readonly [string, string],
  resync: ResyncTools["resync"],
): Promise<string | undefined> {
  try {
    await resync(codes);
    return undefined;
  } catch (error) {
    if (!(error instanceof AwsFailure)) throw error;
    if (error.consequence === "wrong code") {
      return `${error.message}; type two new ones, in the order in which the device shows them`;
    }
    // Two more codes do no harm if these have been taken.
    if (error.consequence === "no answer" || error.consequence === "server error") {
      return `${error.message}; type the next two codes`;
    }
    throw error;
  }
}
