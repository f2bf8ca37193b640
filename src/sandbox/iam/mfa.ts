// MFA devices: created, enabled for a user, synchronized, deactivated and deleted.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa.html
//
// AWS does not document its messages and the ranges of codes. They are as captured from AWS in 2026 by
// https://github.com/radkawar/stackd (docs/iam-mfa.md). Where that has none, a message is inferred.

import type { RequestContext } from "../../policy/engine/evaluate.ts";
import { type Account, devicesPerUser, type MfaDevice, type Principal } from "../account.ts";
import { AwsError, accessDenied, notModeled } from "../errors.ts";
import { drawQrCode } from "../qr-code.ts";
import { type Checked, type QueryAction, type QueryCall, takePage, validate } from "../query.ts";
import { takeRandomBytes } from "../random.ts";
import { base32Encode, codeOfStep, timeStep } from "../totp.ts";
import { writeElement, writeList, writeTime } from "../xml.ts";
import { namePattern, pathPattern, takeUser, takeUserOrRoot, writePrincipal } from "./named.ts";
import { describeRequestTags, readTags, tagParameters, writeTags } from "./tags.ts";

/**
 * AWS's seeds are longer (inferred from what it hands out); 20 bytes are what RFC 4226 recommends.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html
 */
const createVirtualMfaDevice: QueryAction = {
  parameters: ["Path", "VirtualMFADeviceName", ...tagParameters],
  run: ({ account, caller, parameters }) => {
    const path = parameters.get("Path") ?? "/";
    const name = parameters.get("VirtualMFADeviceName");
    validate(
      { name: "path", value: path, min: 1, max: 512, pattern: pathPattern },
      { name: "virtualMFADeviceName", value: name, isRequired: true, min: 1, max: 226, pattern: namePattern },
    );
    const serialNumber = account.arn(`mfa${path}${name}`);
    const tags = readTags(parameters, "MFADevice");
    const context = describeRequestTags(tags);
    account.authorize(caller, "iam:CreateVirtualMFADevice", serialNumber, serialNumber, context);
    if (Object.keys(tags).length > 0) {
      account.authorize(caller, "iam:TagMFADevice", serialNumber, serialNumber, context);
    }
    if (account.findDevice(serialNumber) !== undefined) {
      throw new AwsError("EntityAlreadyExists", 409, "MFA device already exists.");
    }
    const seed = takeRandomBytes(20);
    account.unassignedDevices.set(serialNumber, { ...account.makeDevice(serialNumber, seed), tags });
    const secret = base32Encode(seed);
    const content = [
      writeElement("SerialNumber", serialNumber),
      writeElement("Base32StringSeed", Buffer.from(secret).toString("base64")),
      writeElement("QRCodePNG", drawQrCode(formatKeyUri(account, name as string, secret)).toString("base64")),
    ].join("");
    return `<VirtualMFADevice>${content}${writeTags(tags)}</VirtualMFADevice>`;
  },
};

/**
 * "`otpauth://totp/$virtualMFADeviceName@$AccountName?secret=$Base32String`". The account's name is its alias, or its ID
 * (inferred; AWS's page speaks of a user name, which the call does not have).
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_VirtualMFADevice.html
 */
const formatKeyUri = ({ alias, id }: Account, deviceName: string, secret: string): string =>
  `otpauth://totp/${encodeURIComponent(deviceName)}@${alias ?? id}?secret=${secret}`;

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html */
const enableMfaDevice: QueryAction = {
  parameters: ["UserName", "SerialNumber", "AuthenticationCode1", "AuthenticationCode2"],
  run: (call) => {
    const { account, parameters } = call;
    const { serialNumber, codes } = readSynchronization(parameters);
    const user = takeUser(call, "iam:EnableMFADevice");
    requireOwnMfa(call, user);
    const found = account.findDevice(serialNumber);
    if (found === undefined && !serialNumber.startsWith("arn:")) throw notModeled("hardware tokens that no user has");
    if (found === undefined) throw noDevice(serialNumber);
    if (found.owner === user) {
      throw new AwsError("EntityAlreadyExists", 409, `MFA Device for user ${user.name} already exists.`);
    }
    if (found.owner !== undefined) throw new AwsError("EntityAlreadyExists", 409, "MFA Device is already in use.");
    if (user.devices.length >= devicesPerUser) {
      throw new AwsError("LimitExceeded", 409, `Cannot exceed quota for MFADevicesPerUser: ${devicesPerUser}`);
    }
    synchronize(found.device, codes, account.now());
    found.device.enabledMs = account.now();
    account.giveDevice(user, found.device);
    return "";
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ResyncMFADevice.html */
const resyncMfaDevice: QueryAction = {
  parameters: ["UserName", "SerialNumber", "AuthenticationCode1", "AuthenticationCode2"],
  run: (call) => {
    const { serialNumber, codes } = readSynchronization(call.parameters);
    const device = takeDevice(takeUser(call, "iam:ResyncMFADevice"), serialNumber);
    synchronize(device, codes, call.account.now());
    return "";
  },
};

/** A virtual device can be enabled again. https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeactivateMFADevice.html */
const deactivateMfaDevice: QueryAction = {
  parameters: ["UserName", "SerialNumber"],
  run: (call) => {
    const { account, parameters } = call;
    const serialNumber = readSerialNumber(parameters);
    const owner = takeUserOrRoot(call, "iam:DeactivateMFADevice");
    requireOwnMfa(call, owner);
    const device = takeDevice(owner, serialNumber);
    account.takeDevice(owner, device);
    device.enabledMs = 0;
    if (isVirtual(device)) account.unassignedDevices.set(serialNumber, device);
    return "";
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteVirtualMFADevice.html */
const deleteVirtualMfaDevice: QueryAction = {
  parameters: ["SerialNumber"],
  run: (call) => {
    const { device, owner } = takeVirtualDevice(call, "iam:DeleteVirtualMFADevice");
    if (owner !== undefined) {
      throw new AwsError("DeleteConflict", 409, "MFA VirtualDevice in use. Must deactivate first.");
    }
    call.account.unassignedDevices.delete(device.serialNumber);
    return "";
  },
};

/** Returns the virtual device that the parameter SerialNumber names, and who has it. Throws AccessDenied or NoSuchEntity. */
export function takeVirtualDevice(
  { account, caller, parameters }: QueryCall,
  action: string,
  context: RequestContext = {},
): { readonly device: MfaDevice; readonly owner: Principal | undefined } {
  const serialNumber = readSerialNumber(parameters);
  account.authorize(caller, action, serialNumber, serialNumber, context);
  const found = account.findDevice(serialNumber);
  if (found === undefined || !isVirtual(found.device)) throw noDevice(serialNumber);
  return found;
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListMFADevices.html */
const listMfaDevices: QueryAction = {
  parameters: ["UserName", "Marker", "MaxItems"],
  run: (call) => {
    const { name = "root", devices } = takeUserOrRoot(call, "iam:ListMFADevices");
    const { page, isTruncated, marker } = takePage(call.parameters, devices);
    const list = writeList("MFADevices", page, (device) => writeElement("UserName", name) + writeEnabled(device));
    return isTruncated + list + marker;
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListVirtualMFADevices.html */
const listVirtualMfaDevices: QueryAction = {
  parameters: ["AssignmentStatus", "Marker", "MaxItems"],
  run: ({ account, caller, parameters }) => {
    account.authorize(caller, "iam:ListVirtualMFADevices", account.arn("mfa/"), account.arn("mfa/"));
    const status = parameters.get("AssignmentStatus") ?? "Any";
    validate({ name: "assignmentStatus", value: status, min: 1, max: 10, pattern: "Assigned|Unassigned|Any" });
    const all = listVirtual(account).filter(
      ({ owner }) => status === "Any" || (status === "Assigned") === (owner !== undefined),
    );
    const { page, isTruncated, marker } = takePage(parameters, all);
    const list = writeList("VirtualMFADevices", page, ({ owner, device }) =>
      owner === undefined
        ? writeElement("SerialNumber", device.serialNumber)
        : `${writeEnabled(device)}<User>${writePrincipal(account, owner)}</User>`,
    );
    return isTruncated + list + marker;
  },
};

function listVirtual(account: Account): { owner: Principal | undefined; device: MfaDevice }[] {
  const assigned = [account.root, ...account.users()].flatMap((owner) =>
    owner.devices.filter(isVirtual).map((device) => ({ owner, device })),
  );
  return [...assigned, ...[...account.unassignedDevices.values()].map((device) => ({ owner: undefined, device }))];
}

/** Only for FIDO devices, as on AWS. https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetMFADevice.html */
const getMfaDevice: QueryAction = {
  parameters: ["SerialNumber", "UserName"],
  run: (call) => {
    const serialNumber = readSerialNumber(call.parameters);
    const owner = takeUserOrRoot(call, "iam:GetMFADevice");
    const device = takeDevice(owner, serialNumber);
    if (device.seed !== undefined) throw new AwsError("ValidationError", 400, onlyFido);
    return (owner.name === undefined ? "" : writeElement("UserName", owner.name)) + writeEnabled(device);
  },
};

const onlyFido =
  "The MFA device serial number sent in the request is invalid or not supported by this API. Currently, only hardware " +
  "FIDO security keys are supported. Please use the compatible device or API.";

const writeEnabled = ({ serialNumber, enabledMs }: MfaDevice): string =>
  writeElement("SerialNumber", serialNumber) + writeTime("EnableDate", enabledMs);

const isVirtual = ({ serialNumber }: MfaDevice): boolean => serialNumber.includes(":mfa/");

const noDevice = (serialNumber: string): AwsError =>
  new AwsError("NoSuchEntity", 404, `VirtualMFADevice with serial number ${serialNumber} does not exist.`);

function takeDevice(owner: Principal, serialNumber: string): MfaDevice {
  const device = owner.devices.find((own) => own.serialNumber === serialNumber);
  if (device === undefined) throw new AwsError("NoSuchEntity", 404, "MFA Device invalid for user.");
  return device;
}

/**
 * With a device, users need a session with MFA to add or remove devices of their own, whatever their policies allow; this
 * comes before every other check of the device. Resynchronization and other users' devices are exempt.
 * https://aws.amazon.com/security/security-bulletins/AWS-2023-001/
 */
function requireOwnMfa({ account, caller }: QueryCall, owner: Principal): void {
  const isOwn = caller.principal === owner && owner !== account.root;
  if (!isOwn || owner.devices.length === 0 || caller.session?.mfaMs !== undefined) return;
  throw accessDenied(
    "To complete this action, please ensure that you are authenticated with an MFA device that is enabled for this user.",
  );
}

const serialNumberCheck = (value: string | undefined): Checked => ({
  ...{ name: "serialNumber", value, isRequired: true },
  ...{ min: 9, max: 256, pattern: "[\\w+=/:,.@-]+" },
});

function readSerialNumber(parameters: ReadonlyMap<string, string>): string {
  const value = parameters.get("SerialNumber");
  validate(serialNumberCheck(value));
  return value as string;
}

function readSynchronization(parameters: ReadonlyMap<string, string>) {
  const [serialNumber = "", ...codes] = ["SerialNumber", "AuthenticationCode1", "AuthenticationCode2"].map((name) =>
    parameters.get(name),
  );
  validate(
    serialNumberCheck(parameters.get("SerialNumber")),
    { ...{ name: "userName", value: parameters.get("UserName"), isRequired: true }, ...{ min: 1, max: 128 } },
    ...codes.map((value, index) => ({
      ...{ name: `authenticationCode${index + 1}`, value, isRequired: true },
      ...{ min: 6, max: 6, pattern: "[\\d]+" },
    })),
  );
  return { serialNumber, codes };
}

/** The steps before and after the device's time in which AWS looks for the second code. */
const [stepsBehind, stepsAhead] = [998, 1000];

/**
 * Sets a device's clock by two consecutive codes. Both have to be newer than the codes of the latest synchronization.
 * They can still be used once for a session.
 */
function synchronize(device: MfaDevice, [first, second]: readonly (string | undefined)[], nowMs: number): void {
  const { seed } = device;
  if (seed === undefined) throw notModeled("codes of FIDO devices");
  const present = timeStep(nowMs);
  const middle = present + device.driftSteps;
  const earliest = Math.max(middle - stepsBehind, device.synchronizedStep + 2);
  for (let step = earliest; step <= middle + stepsAhead; step++) {
    if (codeOfStep(seed, step) !== second || codeOfStep(seed, step - 1) !== first) continue;
    device.driftSteps = step - present;
    device.synchronizedStep = step;
    return;
  }
  throw new AwsError("InvalidAuthenticationCode", 403, "Authentication code for device is not valid.");
}

export const mfaActions: Readonly<Record<string, QueryAction>> = {
  CreateVirtualMFADevice: createVirtualMfaDevice,
  EnableMFADevice: enableMfaDevice,
  ResyncMFADevice: resyncMfaDevice,
  DeactivateMFADevice: deactivateMfaDevice,
  DeleteVirtualMFADevice: deleteVirtualMfaDevice,
  ListMFADevices: listMfaDevices,
  ListVirtualMFADevices: listVirtualMfaDevices,
  GetMFADevice: getMfaDevice,
};
