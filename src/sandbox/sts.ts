// AWS Security Token Service: https://docs.aws.amazon.com/STS/latest/APIReference/

import { verifyCode } from "./account.ts";
import { AwsError } from "./errors.ts";
import { integer, type QueryAction, type QueryCall, type QueryService, validate } from "./query.ts";
import { textElement } from "./xml.ts";

/** The words are AWS's to the space, since clients (fob, too) tell the cases apart by them. */
const wrongCode = "MultiFactorAuthentication failed with invalid MFA one time pass code. ";
const unavailableDevice =
  "MultiFactorAuthentication failed, unable to validate MFA code.  " +
  "Please verify your MFA serial number is valid and associated with this user.";
const incompleteMfa = "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.";

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html */
const getSessionToken: QueryAction = {
  parameters: ["DurationSeconds", "SerialNumber", "TokenCode"],
  run: (call) => {
    const { account, caller, parameters } = call;
    if (caller.session !== undefined) throw accessDenied("Cannot call GetSessionToken with session credentials");
    const duration = integer(parameters, "DurationSeconds");
    const [serialNumber, tokenCode] = [parameters.get("SerialNumber"), parameters.get("TokenCode")];
    validate(
      { name: "durationSeconds", value: duration, min: 900, max: 129_600 },
      { name: "serialNumber", value: serialNumber, min: 9, max: 256, pattern: "[\\w+=/:,.@-]*" },
      { name: "tokenCode", value: tokenCode, min: 6, max: 6, pattern: "[\\d]*" },
    );
    account.authorize(caller, "sts:GetSessionToken", "*");
    const withMfa = checkMfa(call, serialNumber, tokenCode);
    const isRoot = caller.principal.name === undefined;
    // "If the duration is longer than one hour, the session for account owners defaults to one hour."
    const seconds = isRoot ? Math.min(duration ?? 3600, 3600) : (duration ?? 43_200);
    const { accessKeyId, secretAccessKey, session } = account.addSession(caller.principal, seconds, withMfa);
    const credentials = [
      textElement("AccessKeyId", accessKeyId),
      textElement("SecretAccessKey", secretAccessKey),
      textElement("SessionToken", session.token),
      textElement("Expiration", new Date(session.expiresMs).toISOString().replace(".000Z", "Z")),
    ];
    return `<Credentials>${credentials.join("")}</Credentials>`;
  },
};

/** Whether the session is one with MFA; throws when MFA was tried and failed. */
function checkMfa({ account, caller }: QueryCall, serialNumber: string | undefined, code: string | undefined): boolean {
  if (serialNumber === undefined && code === undefined) return false;
  if (serialNumber === undefined || code === undefined) throw accessDenied(incompleteMfa);
  const device = caller.principal.devices.find((own) => own.serialNumber === serialNumber);
  const outcome = device === undefined ? "unavailable" : verifyCode(device, code, account.now());
  if (outcome === "unavailable") throw accessDenied(unavailableDevice);
  if (outcome === "wrong") throw accessDenied(wrongCode);
  return true;
}

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html */
const getCallerIdentity: QueryAction = {
  parameters: [],
  run: ({ account, caller }) => {
    account.authorize(caller, "sts:GetCallerIdentity", "*");
    const { arn, userId } = caller.principal;
    return textElement("Arn", arn) + textElement("UserId", userId) + textElement("Account", account.id);
  },
};

function accessDenied(message: string): AwsError {
  return new AwsError("AccessDenied", 403, message);
}

export const sts: QueryService = {
  version: "2011-06-15",
  namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
  actions: new Map([
    ["GetSessionToken", getSessionToken],
    ["GetCallerIdentity", getCallerIdentity],
  ]),
};
