// `fob device resync`: a device whose codes AWS rejects, because its clock is off.
import { nameOfDevice, type OwnDevice } from "../../../devices/own.ts";
import { resyncDevice } from "../../../devices/resync.ts";
import { exitCodes, FobError } from "../../../errors.ts";
import { quote, quoteProfileArgument } from "../../../text.ts";
import { formatCommand } from "../../../typed-command.ts";
import { defineCommand, regionOption } from "../../command.ts";
import { explainDenial } from "../../denied.ts";
import { askAsUser, findOwnProfile, ownProfile } from "../../own-user.ts";
import { askTwoCodes, needTerminal } from "../../questions.ts";
import { chooseOwnDevice, listOwnDevices, serialOption } from "./which.ts";

const command = "fob device resync";

export const deviceResyncCommand = defineCommand({
  name: "device resync",
  description:
    "Tells AWS how far the clock of a device is off, if AWS rejects its codes: asks for two codes that the device shows " +
    "one after the other. Works without MFA.",
  takes: ownProfile,
  options: { ...serialOption, ...regionOption },
  common: ["noInput", "debug"],
  examples: ["fob device resync", "fob device resync work --serial work-phone"],
  async run([named], options, context) {
    const { say } = context;
    const terminal = needTerminal(
      options,
      "for two codes of the device",
      `run it in a terminal: ${formatCommand(context.typed, { without: ["noInput"] })}`,
    );
    const own = await findOwnProfile(named, options, context);
    const devices = await askAsUser(own, { command }, async (aws) => await listOwnDevices(aws, context));
    const wanted = { serial: options.serial, question: "Which device shows codes that AWS rejects?" };
    const list = `see which devices you have: fob device list ${quoteProfileArgument(own.source)}`;
    const possible = options.serial === undefined ? findThoseWithCodes(devices, list) : devices;
    const { serialNumber } = assertCodes(await chooseOwnDevice(possible, wanted, own, context), list);
    await askAsUser(own, { command }, async (aws, user) => {
      // Questions are asked meanwhile.
      aws.progress = "";
      const { resyncMfaDevice } = await import("../../../aws/iam-changes.ts");
      const owner = `${nameOfDevice(serialNumber)} @ ${user.account}`;
      await resyncDevice(serialNumber, {
        retype: formatCommand(context.typed),
        askCodes: (problem) => askTwoCodes(terminal, { owner, problem }, own.sessions, context),
        resync: (codes) =>
          explainDenial(
            resyncMfaDevice(aws, user.name, serialNumber, codes),
            own.source,
            "resynchronize your own devices",
          ),
      });
    });
    say.done(`Resynchronized ${serialNumber}`, `${quote(serialNumber)} is resynchronized`);
    say.hint(`log in with the next code: fob login ${quoteProfileArgument(own.source)}`);
    return exitCodes.done;
  },
});

/** The devices that show codes, which passkeys do not; a single device is returned either way. @throws FobError without any */
function findThoseWithCodes(devices: readonly OwnDevice[] | undefined, list: string): readonly OwnDevice[] | undefined {
  if (devices === undefined || devices.length <= 1) return devices;
  const withCodes = devices.filter(({ isUsable }) => isUsable !== false);
  if (withCodes.length > 0) return withCodes;
  throw new FobError("none of your MFA devices shows codes, so there is nothing to resynchronize", list);
}

/** @throws FobError */
function assertCodes(device: OwnDevice, list: string): OwnDevice {
  if (device.isUsable !== false) return device;
  throw new FobError(`${quote(device.serialNumber)} shows no codes, so there is nothing to resynchronize`, list);
}
