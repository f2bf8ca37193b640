// Removes a device of a user's: deactivates it, and deletes it if it is a virtual one.
import { AwsFailure } from "../aws/failures.ts";
import { CancelledError } from "../errors.ts";

export interface RemoveCalls {
  /** false if the user does not have it. */
  readonly deactivate: () => Promise<boolean>;
  /** false if it is not there. */
  readonly erase: () => Promise<boolean>;
  /** The serial numbers of the user's devices. */
  readonly list: () => Promise<readonly string[]>;
}

/** A virtual device without its user; it can be enabled again. */
export interface Removed {
  /** Why AWS did not delete it; undefined if it did, or if there is nothing to delete. */
  readonly left: AwsFailure | undefined;
}

/**
 * Each of the two is done already if a run that ended before has done it.
 *
 * @throws FobError if it could not be deactivated; CancelledError
 */
export async function removeDevice(serialNumber: string, { deactivate, erase, list }: RemoveCalls): Promise<Removed> {
  try {
    await deactivate();
  } catch (error) {
    if (error instanceof CancelledError) throw new CancelledError("the device may have been deactivated");
    const mayBeDone =
      error instanceof AwsFailure && (error.consequence === "no answer" || error.consequence === "server error");
    if (!mayBeDone || (await list()).includes(serialNumber)) throw error;
  }
  if (!/:mfa\//.test(serialNumber)) return { left: undefined };
  try {
    await erase();
    return { left: undefined };
  } catch (error) {
    if (error instanceof CancelledError) throw new CancelledError("the device is deactivated, and may not be deleted");
    if (!(error instanceof AwsFailure)) throw error;
    return { left: error };
  }
}
