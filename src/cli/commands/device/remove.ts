// `fob device remove`: a device that is lost or old, with a session that has MFA.
import { getUserName } from "../../../aws/arn.ts";
import type { Connection } from "../../../aws/connection.ts";
import { describeDevice, nameOfDevice, type OwnDevice } from "../../../devices/own.ts";
import { forgetDevice } from "../../../devices/remember.ts";
import { removeDevice } from "../../../devices/remove.ts";
import { CancelledError, exitCodes, FobError } from "../../../errors.ts";
import { getProperty, readAwsFiles } from "../../../profiles/files.ts";
import { formatOption, quote, quoteProfileArgument } from "../../../text.ts";
import { formatCommand } from "../../../typed-command.ts";
import { defineCommand, regionOption } from "../../command.ts";
import type { Context } from "../../context.ts";
import { explainDenial } from "../../denied.ts";
import { askAsUser, findOwnProfile, type OwnProfile, type OwnUser, ownProfile } from "../../own-user.ts";
import { askOnTerminal, needTerminal } from "../../questions.ts";
import { assertUsable } from "./usable.ts";
import { chooseOwnDevice, listOwnDevices, serialOption } from "./which.ts";

const command = "fob device remove";

export const deviceRemoveCommand = defineCommand({
  name: "device remove",
  description:
    "Deactivates a device of yours, and deletes it if it is a virtual one. Needs a session with MFA: fob asks for a code " +
    "if none is open. Removes the device from your AWS config. Also deletes a device that was created and never enabled.",
  takes: ownProfile,
  options: { ...serialOption, yes: { text: "do not ask for the device's name" }, ...regionOption },
  common: ["noInput", "debug"],
  examples: ["fob device remove", "fob device remove work --serial old-phone"],
  async run([named], options, context) {
    const instead = formatCommand(context.typed, { set: { yes: true } });
    const terminal = options.yes ? undefined : needTerminal(options, "whether to remove the device", instead);
    const own = await findOwnProfile(named, options, context);
    const found = await askAsUser(own, { command }, (aws, user) => findDevices(aws, user, options.serial, context));
    const wanted = { serial: options.serial, question: "Which device do you want to remove?" };
    const all = found.own && [...found.own, ...found.unassigned];
    const device = await chooseOwnDevice(all, wanted, own, context);
    const hasUser = !found.unassigned.includes(device);
    if (found.own && found.own.length > 0) assertUsable(found.own, own, "removes a device");
    explainRemoval(device, hasUser, found, own, context);
    // AWS wants MFA from a user who has a device; without one the policy decides.
    const needsSession = found.own === undefined || found.own.length > 0;
    try {
      if (terminal) await confirm(device, (question) => askOnTerminal(terminal, question, context));
      await askAsUser(own, { command, needsSession }, (aws, user) => remove(device, aws, user, own, context));
    } catch (error) {
      throw describeCancel(error);
    }
    await forget(device, own, context);
    sayNext(device, found.own, own, context);
    return exitCodes.done;
  },
});

interface Found {
  readonly user: OwnUser;
  /** undefined where AWS does not tell. */
  readonly own: readonly OwnDevice[] | undefined;
  /** Virtual devices that no user has and that may be left of this one. */
  readonly unassigned: readonly OwnDevice[];
}

/** An enrollment that was interrupted, or a removal, leaves a device without a user. */
async function findDevices(
  aws: Connection,
  user: OwnUser,
  serial: string | undefined,
  context: Context,
): Promise<Found> {
  const own = await listOwnDevices(aws, context);
  const { listUnassignedDevices } = await import("../../../aws/iam.ts");
  // Without permission to list them, there are none to choose from.
  const unassigned = await listUnassignedDevices(aws).catch((error: unknown) => {
    if (error instanceof CancelledError || !(error instanceof FobError)) throw error;
    return [];
  });
  // As fob names them.
  const isOfUser = (serialNumber: string): boolean => {
    const name = getUserName(serialNumber);
    return name.replace(/-\d+$/, "") === user.name || [name, serialNumber].includes(serial ?? "");
  };
  const describe = (serialNumber: string): OwnDevice => describeDevice({ serialNumber, enabled: undefined });
  return { user, own, unassigned: unassigned.filter(isOfUser).map(describe) };
}

/** Says what goes, and what that means. */
function explainRemoval(
  { serialNumber, kind }: OwnDevice,
  hasUser: boolean,
  { user, own }: Found,
  { source }: OwnProfile,
  { say }: Context,
): void {
  if (!hasUser) {
    say.note(`${quote(serialNumber)} was created or deactivated, and no user has it; this deletes it`);
    return;
  }
  say.note(`this removes ${quote(serialNumber)} (${kind}) from ${quote(user.name)} in ${user.account}`);
  if (!own) {
    say.warning("it may be your last MFA device: whether you have others is not known");
    return;
  }
  const others = own.filter((other) => other.serialNumber !== serialNumber);
  const usable = others.find(({ isUsable }) => isUsable !== false);
  if (others.length === 0) {
    say.warning(
      "it is your last MFA device: you cannot log in without one, and your access key or password is then enough to enroll another",
    );
  } else if (!usable) {
    say.warning(
      "your other devices are passkeys or security keys, which STS does not take: you cannot log in with fob",
    );
  } else if (!user.hasMfa) {
    const serial = formatOption("--serial", nameOfDevice(usable.serialNumber));
    say.hint(`if you do not have it any more, first: fob login ${quoteProfileArgument(source)} --force ${serial}`);
  }
}

/** @throws CancelledError */
async function confirm(
  { serialNumber }: OwnDevice,
  ask: (question: { message: string; problem: (answer: string) => string | undefined }) => Promise<string>,
): Promise<void> {
  // The number of a hardware token, else the end of the ARN.
  const name = getUserName(serialNumber);
  const problem = (text: string): string | undefined =>
    text.trim() === name ? undefined : "that is not its name; Ctrl-C changes nothing";
  await ask({ message: `Type the device's name (${name}) to remove it:`, problem });
}

/** Once something may be changed, the error says so itself. */
const describeCancel = (error: unknown): unknown =>
  error instanceof CancelledError && error.message === new CancelledError().message
    ? new CancelledError("nothing is changed")
    : error;

async function remove(
  { serialNumber }: OwnDevice,
  aws: Connection,
  user: OwnUser,
  { source }: OwnProfile,
  { say, typed }: Context,
): Promise<void> {
  const { deactivateMfaDevice, deleteVirtualMfaDevice } = await import("../../../aws/iam-changes.ts");
  const { listMfaDevices } = await import("../../../aws/iam.ts");
  const { left } = await removeDevice(serialNumber, {
    deactivate: () =>
      explainDenial(deactivateMfaDevice(aws, user.name, serialNumber), source, "remove your own devices"),
    erase: () => deleteVirtualMfaDevice(aws, serialNumber),
    list: () => listMfaDevices(aws),
  });
  if (!left) {
    say.done(`Removed ${serialNumber}`, `${quote(serialNumber)} is removed`);
    return;
  }
  say.warning(`${quote(serialNumber)} is deactivated, but not deleted: ${left.message}`);
  say.hint(`delete it later: ${formatCommand(typed, { set: { serial: serialNumber } })}`);
}

/** The device is removed already, so if it stays in the config, only a warning follows. */
async function forget(
  { serialNumber }: OwnDevice,
  { resolution, sessions }: OwnProfile,
  { say }: Context,
): Promise<void> {
  const { paths } = sessions;
  const places = { paths, pair: resolution.pair, signal: new AbortController().signal };
  try {
    const files = readAwsFiles(paths);
    if (await forgetDevice(serialNumber, { ...places, files })) say.note("removed it from your AWS config");
    const others = files.config
      .profiles()
      .filter((name) => ![resolution.pair.source, resolution.pair.session].includes(name))
      .filter((name) => getProperty(files, name, "mfa_serial") === serialNumber);
    if (others.length > 0) say.warning(`other profiles name it as their mfa_serial: ${others.map(quote).join(", ")}`);
  } catch (error) {
    if (!(error instanceof FobError)) throw error;
    say.warning(`the device is still in the config: ${error.message}`);
  }
}

function sayNext(
  { serialNumber }: OwnDevice,
  own: readonly OwnDevice[] | undefined,
  { source }: OwnProfile,
  { say }: Context,
): void {
  const left = own?.filter((other) => other.serialNumber !== serialNumber);
  const profile = quoteProfileArgument(source);
  if (left?.length === 0) say.hint(`enroll another: fob device enroll ${profile}`);
  else say.hint(`see what is left: fob device list ${profile}`);
}
