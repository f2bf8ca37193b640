// Whether a user can open the session that AWS wants for changes of devices.
import type { OwnDevice } from "../../../devices/own.ts";
import { FobError } from "../../../errors.ts";
import { quoteProfileArgument } from "../../../text.ts";
import type { OwnProfile } from "../../own-user.ts";

/** @param what AWS does for a session with MFA only: `adds another device` @throws FobError with passkeys only */
export function assertUsable(devices: readonly OwnDevice[], { source }: OwnProfile, what: string): void {
  if (devices.some(({ isUsable }) => isUsable !== false)) return;
  throw new FobError(
    `your only MFA devices are passkeys or security keys, and AWS ${what} only for a session with MFA, which STS does not open with them`,
    [
      "add an authenticator app in the AWS console: IAM, Users, Security credentials, Assign MFA device",
      `then: fob login ${quoteProfileArgument(source)}`,
    ],
  );
}
