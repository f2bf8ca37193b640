// Checks the MFA parameters of STS: a device's serial number and a code.

import { verifyCode } from "./account.ts";
import { accessDenied } from "./errors.ts";
import type { Checked, QueryCall } from "./query.ts";

/** AWS's exact messages: clients, including fob, distinguish the cases by them. */
const wrongCode = "MultiFactorAuthentication failed with invalid MFA one time pass code. ";
const unavailableDevice =
  "MultiFactorAuthentication failed, unable to validate MFA code.  " +
  "Please verify your MFA serial number is valid and associated with this user.";
const incompleteMfa = "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.";

/** Lists the constraints of SerialNumber and TokenCode. */
export function listMfaChecks(serialNumber: string | undefined, tokenCode: string | undefined): Checked[] {
  return [
    { name: "serialNumber", value: serialNumber, min: 9, max: 256, pattern: "[\\w+=/:,.@-]*" },
    { name: "tokenCode", value: tokenCode, min: 6, max: 6, pattern: "[\\d]*" },
  ];
}

/** Returns whether the request has MFA; throws if MFA fails. */
export function checkMfa(
  { account, caller }: QueryCall,
  serialNumber: string | undefined,
  code: string | undefined,
): boolean {
  if (serialNumber === undefined && code === undefined) return false;
  if (serialNumber === undefined || code === undefined) throw accessDenied(incompleteMfa);
  const device = caller.principal.devices.find((own) => own.serialNumber === serialNumber);
  const outcome = device === undefined ? "unavailable" : verifyCode(device, code, account.now());
  if (outcome === "unavailable") throw accessDenied(unavailableDevice);
  if (outcome === "wrong") throw accessDenied(wrongCode);
  return true;
}
