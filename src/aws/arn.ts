// ARNs and serial numbers of MFA devices.

/** What is known of a device from its serial number. */
export type Device =
  /** A virtual device (or any that STS takes), by ARN. */
  | { readonly kind: "arn"; readonly serialNumber: string; readonly partition: string; readonly account: string }
  /** A hardware token, by the number on its back. */
  | { readonly kind: "hardware"; readonly serialNumber: string }
  /** A virtual device by its bare name: the rest of its ARN is the account's. */
  | { readonly kind: "name"; readonly serialNumber: string }
  /** A passkey or a security key: STS takes no codes of those. */
  | { readonly kind: "fido"; readonly serialNumber: string }
  | { readonly kind: "malformed"; readonly serialNumber: string };

/**
 * Reads a serial number.
 *
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html (SerialNumber: 9 to 256 characters)
 */
export function parseDevice(serialNumber: string): Device {
  if (!/^[\w+=/:,.@-]{9,256}$/.test(serialNumber)) return { kind: "malformed", serialNumber };
  if (!/^arn/i.test(serialNumber) && !serialNumber.includes(":")) return { kind: "hardware", serialNumber };
  const arn = /^arn:(aws[a-z0-9-]*):iam::(\d{12}):(mfa|u2f)\/(\S+)$/.exec(serialNumber);
  if (!arn) return { kind: "malformed", serialNumber };
  const [, partition = "", account = "", type] = arn;
  if (type !== "mfa") return { kind: "fido", serialNumber };
  return { kind: "arn", serialNumber, partition, account };
}

/**
 * Reads what a user has typed: a serial number, or the name of a virtual device. Hardware tokens have numbers, with a few
 * letters of their maker's before them (`GAHT12345678`).
 */
export function parseTypedDevice(text: string): Device {
  const isName = /^[\w+=,.@-]{1,128}$/.test(text) && !/^[A-Z]{0,4}\d{6,}$/.test(text);
  return isName ? { kind: "name", serialNumber: text } : parseDevice(text);
}

/** Whether a device has this serial number. */
export function hasSerialNumber(device: Device, serialNumber: string): boolean {
  return device.kind === "name"
    ? serialNumber.endsWith(`:mfa/${device.serialNumber}`)
    : serialNumber === device.serialNumber;
}

/** The ARN of a virtual device in the account of a caller, whose ARN this is; without a name the one that is likely: the user's own. */
export function buildDeviceArn(caller: string, name?: string): string | undefined {
  const [, partition, account, user] = /^arn:([^:]+):[^:]+::(\d{12}):(?:user\/(?:.*\/)?)?(.+)$/.exec(caller) ?? [];
  return user === undefined ? undefined : `arn:${partition}:iam::${account}:mfa/${name ?? user}`;
}

/** Whether an ARN is of the account's root user, or of its MFA device. */
export function isRoot(arn: string): boolean {
  return /^arn:[^:]+:iam::\d{12}:(root|mfa\/root-account-mfa-device)$/.test(arn);
}

/** The name in a user's or a device's ARN, without its path. */
export const getUserName = (arn: string): string => arn.slice(arn.lastIndexOf("/") + 1);
