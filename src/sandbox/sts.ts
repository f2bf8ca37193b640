// AWS Security Token Service: https://docs.aws.amazon.com/STS/latest/APIReference/

import type { SessionKind } from "./account.ts";
import { assumeRole } from "./assume-role.ts";
import { AwsError, accessDenied } from "./errors.ts";
import { getFederationToken } from "./federation-token.ts";
import { checkMfa, listMfaChecks } from "./mfa.ts";
import { type QueryAction, type QueryService, readInteger, validate } from "./query.ts";
import { writeCredentials, writeElement } from "./xml.ts";

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html */
const getSessionToken: QueryAction = {
  parameters: ["DurationSeconds", "SerialNumber", "TokenCode"],
  run: (call) => {
    const { account, caller, parameters } = call;
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
    return writeCredentials(account.addSession(caller.principal, seconds, { kind: "user", mfaMs }));
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

/**
 * Returns the account of any key that this account has or had a session for; other accounts are not modeled. The message
 * for other keys is inferred. https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html
 */
const getAccessKeyInfo: QueryAction = {
  parameters: ["AccessKeyId"],
  run: ({ account, caller, parameters }) => {
    const id = parameters.get("AccessKeyId");
    validate({ name: "accessKeyId", value: id, isRequired: true, min: 16, max: 128, pattern: "[\\w]*" });
    account.authorize(caller, "sts:GetAccessKeyInfo", "*");
    if (account.credential(id as string) === undefined) {
      throw new AwsError("ValidationError", 400, `The access key ID ${id} does not exist.`);
    }
    return writeElement("Account", account.id);
  },
};

/**
 * The sessions that may call each action; access keys may call all. The message is AWS's for GetSessionToken and
 * GetFederationToken, and inferred for the others.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_sts-comparison.html
 */
const callers: Readonly<Record<string, readonly SessionKind[]>> = {
  GetSessionToken: [],
  GetFederationToken: [],
  AssumeRole: ["user", "role", "console"],
  GetAccessKeyInfo: ["role"],
  GetCallerIdentity: ["user", "role", "federated", "console"],
};

function restrictSessions(name: string, { parameters, run }: QueryAction): QueryAction {
  return {
    parameters,
    run: (call) => {
      const kind = call.caller.session?.kind;
      if (kind !== undefined && !callers[name]?.includes(kind)) {
        throw accessDenied(`Cannot call ${name} with session credentials`);
      }
      return run(call);
    },
  };
}

export const sts: QueryService = {
  version: "2011-06-15",
  namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
  actions: new Map(
    Object.entries({
      GetSessionToken: getSessionToken,
      AssumeRole: assumeRole,
      GetCallerIdentity: getCallerIdentity,
      GetFederationToken: getFederationToken,
      GetAccessKeyInfo: getAccessKeyInfo,
    }).map(([name, action]) => [name, restrictSessions(name, action)]),
  ),
};
