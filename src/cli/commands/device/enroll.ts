// `fob device enroll`: a new virtual device, from the terminal.
import type { Connection } from "../../../aws/connection.ts";
import { assertRoom, createDevice, describeLeft, enableDevice, type NewDevice } from "../../../devices/enroll.ts";
import { nameOfDevice, type OwnDevice } from "../../../devices/own.ts";
import { rememberDevice } from "../../../devices/remember.ts";
import { CancelledError, exitCodes, FobError, UsageError } from "../../../errors.ts";
import { assertEditable } from "../../../files/edit.ts";
import { readAwsFiles } from "../../../profiles/files.ts";
import { base32Decode, codeOfStep } from "../../../sandbox/totp.ts";
import type { Terminal } from "../../../terminal/tty.ts";
import { formatOption, quote, quoteProfileArgument } from "../../../text.ts";
import { formatCommand } from "../../../typed-command.ts";
import { defineCommand, regionOption } from "../../command.ts";
import type { Context } from "../../context.ts";
import { explainDenial } from "../../denied.ts";
import { offerFirstLogin } from "../../first-login.ts";
import { askAsUser, findOwnProfile, type OwnProfile, type OwnUser, ownProfile } from "../../own-user.ts";
import { askTwoCodes, needTerminal } from "../../questions.ts";
import { type ImageFile, reserveImage, showSeed } from "./show-seed.ts";
import { assertUsable } from "./usable.ts";
import { listOwnDevices } from "./which.ts";

const command = "fob device enroll";

export const deviceEnrollCommand = defineCommand({
  name: "device enroll",
  description:
    "Creates a virtual MFA device for you, shows its QR code and key on the terminal, and enables it with two codes. " +
    "Writes it to your AWS config and offers the first login. Your first device needs no MFA; for another one fob asks " +
    "for a code of a device that you have. The key is shown once and not stored.",
  takes: ownProfile,
  options: {
    name: { value: "name", text: "the name of the device (default: your user name)" },
    png: { value: "file", text: "also write the QR code to this file, which is removed at the end" },
    ...regionOption,
  },
  common: ["noInput", "debug"],
  examples: ["fob device enroll", "fob device enroll work --name work-phone", "fob device enroll work --png mfa.png"],
  async run([named], options, context) {
    const name = checkName(options.name, context);
    const terminal = needTerminal(
      options,
      "for two codes of the new device",
      `run it in a terminal: ${formatCommand(context.typed, { without: ["noInput"] })}`,
    );
    const own = await findOwnProfile(named, options, context);
    await enrollDevice(own, { name, png: options.png }, terminal, context);
    await offerFirstLogin(own, { isNewDevice: true }, terminal, context);
    return exitCodes.done;
  },
});

/** Enrolls a virtual device for the user of a profile, and writes it to the config. @throws FobError, CancelledError */
export async function enrollDevice(
  own: OwnProfile,
  { name, png }: { readonly name?: string | undefined; readonly png?: string | undefined },
  terminal: Terminal,
  context: Context,
): Promise<void> {
  assertEditable(own.sessions.paths.config);
  const hasDevice = await findDevices(own, context);
  const image = png === undefined ? undefined : reserveImage(png);
  try {
    await askAsUser(own, { command, needsSession: hasDevice }, async (aws, user) => {
      await enroll({ aws, user, own, terminal, image, name }, context);
    });
  } finally {
    image?.remove();
  }
}

/** @throws UsageError */
function checkName(name: string | undefined, { typed }: Context): string | undefined {
  // https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html
  if (name === undefined || /^[\w+=,.@-]{1,128}$/.test(name)) return name;
  throw new UsageError(
    `${quote(name)} is not a name of a device: use letters, digits and +=,.@_-`,
    formatCommand(typed, { set: { name: "phone" } }),
  );
}

/** Whether the user has a device, so that AWS wants a session with MFA. @throws FobError if there is no room for another */
async function findDevices(own: OwnProfile, context: Context): Promise<boolean> {
  const { devices, user } = await askAsUser(own, { command }, async (aws, found) => ({
    user: found,
    devices: (await listOwnDevices(aws, context)) ?? [],
  }));
  assertRoom(devices, user.name, `fob device remove ${quoteProfileArgument(own.source)}`);
  if (devices.length === 0) return false;
  assertUsable(devices, own, "adds another device");
  context.say.note(
    `${quote(user.name)} has ${devices.length === 1 ? "a device" : `${devices.length} devices`}; this adds another`,
  );
  await finishEarlier(devices, own, context);
  return true;
}

/** A run that was killed may have enabled the device and not written it. */
async function finishEarlier(
  [only, ...others]: readonly OwnDevice[],
  own: OwnProfile,
  context: Context,
): Promise<void> {
  if (!only?.isUsable || others.length > 0) return;
  if (!(await writeToConfig(only, [only.serialNumber], own, context))) return;
  context.say.hint(
    `${quote(nameOfDevice(only.serialNumber))} works already; to use it, press Ctrl-C, then: fob login ${quoteProfileArgument(own.source)}`,
  );
}

interface Enrollment {
  readonly aws: Connection;
  readonly user: OwnUser;
  readonly own: OwnProfile;
  readonly terminal: Terminal;
  readonly image: ImageFile | undefined;
  readonly name: string | undefined;
}

async function enroll({ aws, user, own, terminal, image, name }: Enrollment, context: Context): Promise<void> {
  // Questions are asked meanwhile.
  aws.progress = "";
  const { say, typed, now } = context;
  const iam = await import("../../../aws/iam-changes.ts");
  const { listMfaDevices } = await import("../../../aws/iam.ts");
  const options = {
    user: user.name,
    name,
    withName: (other: string) => formatCommand(typed, { set: { name: other } }),
  };
  const create = (wanted: string) => explainDenial(iam.createVirtualMfaDevice(aws, wanted), own.source, "enroll");
  const device = await createDevice(options, { create, note: say.note });
  const owner = `${nameOfDevice(device.serialNumber)} @ ${user.account}`;
  try {
    await enableDevice(device, {
      create,
      ...{ now, note: say.note, warn: say.warning },
      enable: (serial, codes) =>
        explainDenial(iam.enableMfaDevice(aws, user.name, serial, codes), own.source, "enroll"),
      list: () => listMfaDevices(aws),
      show: (made) => showSeed(made, { account: user.account, terminal, image }, context),
      askCodes: (_, problem) => askTwoCodes(terminal, { owner, problem }, own.sessions, context),
      codeOf: (seed) => {
        const bytes = base32Decode(seed);
        return (step) => codeOfStep(bytes, step);
      },
    });
  } catch (error) {
    throw describeLeft(error, device.serialNumber, await deleteAgain(device, own));
  }
  say.done(`Enrolled ${device.serialNumber}`, `${quote(device.serialNumber)} is enrolled`);
  say.hint("the key is still on your screen and in its scrollback: clear both, or close the terminal");
  await writeToConfig(device, await listMfaDevices(aws).catch(() => undefined), own, context);
}

/** Deletes what was created, with calls of its own: the user may have ended the others. */
async function deleteAgain({ serialNumber }: NewDevice, own: OwnProfile): Promise<boolean> {
  const sessions = { ...own.sessions, signal: new AbortController().signal };
  try {
    return await askAsUser({ ...own, sessions }, { command }, async (aws) => {
      const { deleteVirtualMfaDevice } = await import("../../../aws/iam-changes.ts");
      return await deleteVirtualMfaDevice(aws, serialNumber);
    });
  } catch {
    // The enforcement policy does not allow it without MFA.
    return false;
  }
}

/** The device is enabled already, so if the config cannot be written, only a warning follows. @returns whether logins use it now */
async function writeToConfig(
  { serialNumber }: Pick<NewDevice, "serialNumber">,
  devices: readonly string[] | undefined,
  { resolution, sessions, source }: OwnProfile,
  context: Context,
): Promise<boolean> {
  const { say } = context;
  const { paths } = sessions;
  // Not the signal of the command: a Ctrl-C that comes now should not leave half of it undone.
  const places = { paths, pair: resolution.pair, signal: new AbortController().signal };
  try {
    if (devices === undefined) throw new FobError("AWS did not list your devices");
    const isDefault = await rememberDevice(serialNumber, devices, { ...places, files: readAwsFiles(paths) });
    if (isDefault) say.note(`wrote mfa_serial to the profile ${quote(source)} in ${quote(paths.config)}`);
    else if (devices.length > 1) {
      const serial = formatOption("--serial", nameOfDevice(serialNumber));
      say.hint(`log in with it: fob login ${quoteProfileArgument(source)} --force ${serial}`);
    }
    return isDefault;
  } catch (error) {
    if (!(error instanceof FobError) || error instanceof CancelledError) throw error;
    say.warning(`the device is not in the config: ${error.message}`);
    say.hint(`log in with it: fob login ${quoteProfileArgument(source)} ${formatOption("--serial", serialNumber)}`);
    return false;
  }
}
