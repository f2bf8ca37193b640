// Which of a user's MFA devices a code is taken from.
import type { Device } from "../aws/arn.ts";
import { FobError } from "../errors.ts";
import { formatOption, quote, quoteProfileArgument } from "../text.ts";
import type { FormatLogin } from "../typed-command.ts";

/** Lets the user choose. */
export type Choose = (message: string, choices: readonly string[], signal: AbortSignal) => Promise<string>;

/** The login that a device is wanted for. */
interface Login {
  readonly pair: { readonly source: string };
  readonly formatLogin: FormatLogin;
}

/**
 * The device that STS takes codes of: the only one, or the one that the user chooses.
 *
 * @param chooser opens the way to the user, if there is one
 * @throws FobError if there is no device, or several and no way to ask
 */
export async function chooseDevice(
  { pair: { source: profile }, formatLogin }: Login,
  devices: readonly Device[],
  chooser: () => Choose | undefined,
  signal: AbortSignal,
): Promise<{ device: Device; wasChosen: boolean }> {
  const usable = devices.filter((device) => device.kind === "arn" || device.kind === "hardware");
  const [only] = usable;
  if (only && usable.length === 1) return { device: only, wasChosen: false };
  if (!only) {
    const fido = devices.find((device) => device.kind === "fido");
    if (fido) throw createFidoError(profile, `your only MFA device, ${quote(fido.serialNumber)},`);
    throw new FobError(`the user of the profile ${quote(profile)} has no MFA device`, [
      `enroll one: fob device enroll ${quoteProfileArgument(profile)}`,
      `then: ${formatLogin()}`,
    ]);
  }
  const serials = usable.map(({ serialNumber }) => serialNumber);
  const choose = chooser();
  if (!choose) {
    throw new FobError(
      `you have ${usable.length} MFA devices: ${serials.map(quote).join(", ")}`,
      `choose one: ${formatLogin({ set: { serial: only.serialNumber } })}`,
    );
  }
  const chosen = await choose(`Which device shows the code for the profile ${quote(profile)}?`, serials, signal);
  return { device: usable.find(({ serialNumber }) => serialNumber === chosen) ?? only, wasChosen: true };
}

/** Why a passkey or a security key cannot open a session, and what AWS has for them. */
export function createFidoError(profile: string, what: string): FobError {
  return new FobError(
    `${what} is a passkey or security key, which STS does not support (AWS says that it never will)`,
    [
      "add an authenticator app as a second device: IAM console, Users, Security credentials, Assign MFA device",
      `or sign in through the browser with AWS CLI 2.32 or later: aws login ${formatOption("--profile", profile)}`,
    ],
  );
}
