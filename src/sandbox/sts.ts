// AWS Security Token Service: https://docs.aws.amazon.com/STS/latest/APIReference/

import { assumeRole } from "./assume-role.ts";
import { accessDenied } from "./errors.ts";
import { checkMfa, listMfaChecks } from "./mfa.ts";
import { type QueryAction, type QueryService, readInteger, validate } from "./query.ts";
import { writeCredentials, writeElement } from "./xml.ts";

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html */
const getSessionToken: QueryAction = {
  parameters: ["DurationSeconds", "SerialNumber", "TokenCode"],
  run: (call) => {
    const { account, caller, parameters } = call;
    if (caller.session !== undefined) throw accessDenied("Cannot call GetSessionToken with session credentials");
    const duration = readInteger(parameters, "DurationSeconds");
    const [serialNumber, tokenCode] = [parameters.get("SerialNumber"), parameters.get("TokenCode")];
    validate(
      { name: "durationSeconds", value: duration, min: 900, max: 129_600 },
      ...listMfaChecks(serialNumber, tokenCode),
    );
    account.authorize(caller, "sts:GetSessionToken", "*");
    const withMfa = checkMfa(call, serialNumber, tokenCode);
    const isRoot = caller.principal === account.root;
    // "If the duration is longer than one hour, the session for account owners defaults to one hour."
    const seconds = isRoot ? Math.min(duration ?? 3600, 3600) : (duration ?? 43_200);
    const mfaMs = withMfa ? account.now() : undefined;
    return writeCredentials(account.addSession(caller.principal, seconds, { mfaMs }));
  },
};

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html */
const getCallerIdentity: QueryAction = {
  parameters: [],
  run: ({ account, caller }) => {
    account.authorize(caller, "sts:GetCallerIdentity", "*");
    const { arn, userId } = caller.principal;
    return writeElement("Arn", arn) + writeElement("UserId", userId) + writeElement("Account", account.id);
  },
};

export const sts: QueryService = {
  version: "2011-06-15",
  namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
  actions: new Map([
    ["GetSessionToken", getSessionToken],
    ["AssumeRole", assumeRole],
    ["GetCallerIdentity", getCallerIdentity],
  ]),
};
