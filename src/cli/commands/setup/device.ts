// `fob setup`: the MFA device that codes come from.
import { createFidoError } from "../../../devices/choose.ts";
import { assertRoom } from "../../../devices/enroll.ts";
import type { OwnDevice } from "../../../devices/own.ts";
import { FobError } from "../../../errors.ts";
import { getProperty } from "../../../profiles/files.ts";
import { serialKeys } from "../../../session/settings.ts";
import { escapeControlCharacters, quote } from "../../../text.ts";
import { sayError } from "../../context.ts";
import { askAsUser, type OwnProfile, type OwnUser } from "../../own-user.ts";
import { listOwnDevices } from "../device/which.ts";
import { type Asking, askWhether, chooseOne } from "./asking.ts";
import { command } from "./key.ts";

export interface ChosenDevice {
  /** To write as the profile's mfa_serial; undefined where it names a device already, or the user has no device. */
  readonly serial: string | undefined;
  readonly enrolls: boolean;
  /** Whether codes can come from somewhere, as far as that is known. */
  readonly canLogIn: boolean;
}

/** @throws CancelledError, FobError */
export async function chooseDevice(
  { own, user }: { readonly own: OwnProfile; readonly user: OwnUser },
  asking: Asking,
): Promise<ChosenDevice> {
  const devices = await listDevices(own, asking);
  if (devices === undefined) return { serial: undefined, enrolls: false, canLogIn: true };
  const usable = devices.filter(({ isUsable }) => isUsable === true).map(({ serialNumber }) => serialNumber);
  if (usable.length > 0) return { serial: await pick(usable, own, asking), enrolls: false, canLogIn: true };
  if (devices.length > 0) {
    explainUnusable(devices, own, user, asking);
    return { serial: undefined, enrolls: false, canLogIn: false };
  }
  const enrolls = await askWhether(asking, `${user.name} has no MFA device. Enroll an authenticator app?`);
  return { serial: undefined, enrolls, canLogIn: enrolls };
}

const listDevices = (own: OwnProfile, { context }: Asking): ReturnType<typeof listOwnDevices> =>
  askAsUser(own, { command }, (aws) => listOwnDevices(aws, context));

/** Whether the user has a device that STS takes codes of. @throws FobError */
export async function hasUsableDevice(own: OwnProfile, asking: Asking): Promise<boolean> {
  const devices = await listDevices(own, asking);
  return devices?.some(({ isUsable }) => isUsable === true) ?? false;
}

/** The one of several that is to be written; undefined where one of them is configured. */
async function pick(
  usable: readonly string[],
  { resolution }: OwnProfile,
  asking: Asking,
): Promise<string | undefined> {
  const { files } = asking.snapshot;
  const { session, source } = resolution.pair;
  const configured = [session, source].flatMap((name) => serialKeys.map((key) => getProperty(files, name, key)));
  const first = configured.find((serial) => serial !== undefined);
  if (first !== undefined && usable.includes(first)) return undefined;
  const [only, ...others] = usable;
  if (others.length === 0) return only;
  return await chooseOne(
    asking,
    "Which device shows your codes?",
    usable.map((serial) => [serial, serial] as const),
  );
}

/** STS takes codes of none, and AWS adds another one only with MFA, which STS does not give for these. */
function explainUnusable(
  devices: readonly OwnDevice[],
  { source }: OwnProfile,
  user: OwnUser,
  { context }: Asking,
): void {
  try {
    assertRoom(devices, user.name);
  } catch (error) {
    if (!(error instanceof FobError)) throw error;
    sayError(error, context.say);
  }
  const [first] = devices;
  const names = `the MFA device of ${escapeControlCharacters(user.name)}, ${quote(first?.serialNumber ?? "")},`;
  sayError(createFidoError(source, names), context.say);
}
