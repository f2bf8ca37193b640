// Which of a user's devices a command is about.
import type { Connection } from "../../../aws/connection.ts";
import { AwsFailure } from "../../../aws/failures.ts";
import { describeDevice, nameOfDevice, type OwnDevice } from "../../../devices/own.ts";
import { FobError, UsageError } from "../../../errors.ts";
import { quote, quoteProfileArgument } from "../../../text.ts";
import { formatCommand } from "../../../typed-command.ts";
import type { Context } from "../../context.ts";
import type { OwnProfile } from "../../own-user.ts";

export const serialOption = {
  serial: { value: "device", text: "the device: its name, ARN or number (default: your only one, else you choose)" },
} as const;

/** The user's devices; undefined where AWS does not tell. */
export async function listOwnDevices(
  aws: Connection,
  { say }: Pick<Context, "say">,
): Promise<readonly OwnDevice[] | undefined> {
  const { listEnabledDevices } = await import("../../../aws/iam.ts");
  try {
    return (await listEnabledDevices(aws)).map(describeDevice);
  } catch (error) {
    if (!(error instanceof AwsFailure) || error.consequence !== "refused") throw error;
    say.warning(`cannot list your MFA devices: ${error.message}`);
    return undefined;
  }
}

/**
 * The device that is named, else the only one, else the one that the user chooses.
 *
 * @param devices undefined where they are not known: then it has to be named by its serial number
 * @throws FobError, UsageError
 */
export async function chooseOwnDevice(
  devices: readonly OwnDevice[] | undefined,
  { serial, question }: { readonly serial: string | undefined; readonly question: string },
  { source, sessions }: OwnProfile,
  { typed }: Pick<Context, "typed">,
): Promise<OwnDevice> {
  const retype = (device: string): string => formatCommand(typed, { set: { serial: device } });
  if (!devices) {
    if (serial !== undefined && /^arn:|^[A-Z]{0,4}\d{6,}$/.test(serial)) {
      return describeDevice({ serialNumber: serial, enabled: undefined });
    }
    throw new FobError("fob does not know your MFA devices", `name one: ${retype("arn:aws:iam::ACCOUNT:mfa/NAME")}`);
  }
  const [only, ...others] = devices;
  const list = `fob device list ${quoteProfileArgument(source)}`;
  if (!only) throw new FobError("you have no MFA device", `fob device enroll ${quoteProfileArgument(source)}`);
  if (serial !== undefined) {
    const named = devices.filter(({ serialNumber }) => [serialNumber, nameOfDevice(serialNumber)].includes(serial));
    const exact =
      named.find(({ serialNumber }) => serialNumber === serial) ?? (named.length === 1 ? named[0] : undefined);
    if (exact) return exact;
    throw new UsageError(
      named.length === 0
        ? `you have no MFA device ${quote(serial)}`
        : `you have ${named.length} MFA devices named ${quote(serial)}; use the ARN of one`,
      list,
    );
  }
  if (others.length === 0) return only;
  const serials = devices.map(({ serialNumber }) => serialNumber);
  const choose = sessions.prompter()?.choose;
  if (!choose) {
    const names = serials.map(quote).join(", ");
    throw new UsageError(
      `you have ${serials.length} MFA devices: ${names}`,
      `choose one: ${retype(only.serialNumber)}`,
    );
  }
  const chosen = await choose(question, serials, sessions.signal);
  return devices.find(({ serialNumber }) => serialNumber === chosen) ?? only;
}
