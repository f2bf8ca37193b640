// A user's MFA devices, and which of them STS takes codes of.
import { getUserName } from "../aws/arn.ts";
import type { EnabledDevice } from "../aws/iam.ts";
import { deviceKindOf } from "../iam/devices.ts";

export interface OwnDevice extends EnabledDevice {
  readonly kind: "virtual" | "hardware" | "passkey or security key" | "unknown";
  /** Whether a login can use it; undefined where that is not known. */
  readonly isUsable: boolean | undefined;
  /** Why it cannot. */
  readonly reason: string | undefined;
}

/** How many a user can have. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
export const mostDevices = 8;

const fidoReason = "STS does not accept passkeys and security keys; use this one in the console, or with: aws login";

/** What is known of a device from its serial number. */
export function describeDevice(device: EnabledDevice): OwnDevice {
  const kind = deviceKindOf(device.serialNumber);
  if (kind === "security key")
    return { ...device, kind: "passkey or security key", isUsable: false, reason: fidoReason };
  if (kind === "virtual" && /:sms-mfa\//.test(device.serialNumber)) {
    return { ...device, kind: "unknown", isUsable: false, reason: "AWS no longer supports codes by SMS" };
  }
  if (kind === "virtual" || kind === "hardware") return { ...device, kind, isUsable: true, reason: undefined };
  return { ...device, kind: "unknown", isUsable: undefined, reason: "fob does not know this kind of device" };
}

/** The name of a virtual device, else its serial number. */
export const nameOfDevice = (serialNumber: string): string =>
  /:mfa\//.test(serialNumber) ? getUserName(serialNumber) : serialNumber;
