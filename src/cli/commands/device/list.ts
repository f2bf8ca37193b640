// `fob device list`: a user's own devices, and which of them can open a session.
import { describeDevice, type OwnDevice } from "../../../devices/own.ts";
import { describeAgo } from "../../../duration.ts";
import { exitCodes } from "../../../errors.ts";
import { formatTable } from "../../../terminal/table.ts";
import { escapeControlCharacters, formatJson, quote, quoteProfileArgument } from "../../../text.ts";
import { defineCommand, regionOption } from "../../command.ts";
import type { Context } from "../../context.ts";
import { askAsUser, findOwnProfile, type OwnUser, ownProfile } from "../../own-user.ts";

export const deviceListCommand = defineCommand({
  name: "device list",
  description:
    "Lists your own MFA devices, and says which of them a login can use: STS accepts codes of authenticator apps and " +
    "hardware tokens, not passkeys and security keys. Works without MFA.",
  takes: ownProfile,
  options: { json: { text: "print JSON" }, ...regionOption },
  common: ["noInput", "debug"],
  examples: ["fob device list", "fob device list work --json"],
  async run([named], options, context) {
    const own = await findOwnProfile(named, options, context);
    const { user, devices } = await askAsUser(own, { command: "fob device list" }, async (aws, found) => {
      const { listEnabledDevices } = await import("../../../aws/iam.ts");
      return { user: found, devices: (await listEnabledDevices(aws)).map(describeDevice) };
    });
    if (options.json) context.stdout.write(formatJson(toJson(user, devices)));
    else showDevices(user, devices, own.source, context);
    return exitCodes.done;
  },
});

const toJson = ({ name, account }: OwnUser, devices: readonly OwnDevice[]) => ({
  ...{ version: 1, account, user: name },
  devices: devices.map(({ serialNumber, kind, enabled, isUsable, reason }) => ({
    ...{ serialNumber, kind, enabled: enabled === undefined ? null : new Date(enabled).toISOString() },
    ...{ usable: isUsable ?? null, reason: reason ?? null },
  })),
});

function showDevices(
  { name, account }: OwnUser,
  devices: readonly OwnDevice[],
  source: string,
  { stdout, say, now }: Context,
): void {
  const enroll = `fob device enroll ${quoteProfileArgument(source)}`;
  if (devices.length === 0) {
    say.note(`${quote(name)} in ${account} has no MFA device`);
    say.hint(`enroll one: ${enroll}`);
    return;
  }
  const rows = devices.map(({ serialNumber, kind, enabled, isUsable }) => [
    escapeControlCharacters(serialNumber),
    kind,
    enabled === undefined ? "unknown" : describeAgo(now() - enabled),
    isUsable === undefined ? "unknown" : isUsable ? "yes" : "no",
  ]);
  stdout.write(formatTable(["DEVICE", "KIND", "ENABLED", "FOR LOGIN"], rows));
  for (const { serialNumber, reason } of devices) {
    if (reason !== undefined) say.note(`${quote(serialNumber)}: ${reason}`);
  }
  if (!devices.some(({ isUsable }) => isUsable)) say.hint(`enroll an authenticator app: ${enroll}`);
}
