// ARNs and serial numbers of MFA devices.

/** What is known of a device from its serial number. */
export type Device =
  /** A virtual device (or any that STS takes), by ARN. */
  | { readonly kind: "arn"; readonly serialNumber: string; readonly partition: string; readonly account: string }
  /** A hardware token, by the number on its back. */
  | { readonly kind: "hardware"; readonly serialNumber: string }
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

/** Whether an ARN is of the account's root user, or of its MFA device. */
export function isRoot(arn: string): boolean {
  return /^arn:[^:]+:iam::\d{12}:(root|mfa\/root-account-mfa-device)$/.test(arn);
}
