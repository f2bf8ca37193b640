// AWS Identity and Access Management: https://docs.aws.amazon.com/IAM/latest/APIReference/

import { AwsError, authenticationError } from "./errors.ts";
import {
  getAccountPasswordPolicy,
  getAccountSummary,
  getLoginProfile,
  listAccountAliases,
  listVirtualMfaDevices,
} from "./iam/account.ts";
import { getAccountAuthorizationDetails } from "./iam/details.ts";
import { generateCredentialReport, getCredentialReport } from "./iam/report.ts";
import { simulateCustomPolicy } from "./policy-simulator.ts";
import { type QueryAction, type QueryService, validate } from "./query.ts";
import { writeElement } from "./xml.ts";

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListMFADevices.html */
const listMfaDevices: QueryAction = {
  parameters: ["UserName"],
  run: ({ account, caller, parameters }) => {
    const userName = parameters.get("UserName");
    validate({ name: "userName", value: userName, min: 1, max: 128, pattern: "[\\w+=,.@-]+" });
    if (userName === undefined && caller.principal.role !== undefined) {
      throw new AwsError("ValidationError", 400, "Must specify userName when calling with non-User credentials");
    }
    const shown = userName ?? caller.principal.name ?? "root";
    const user = userName === undefined ? caller.principal : account.findUser(userName);
    account.authorize(caller, "iam:ListMFADevices", user?.arn ?? account.arn(`user/${shown}`), `user ${shown}`);
    const { name = "root", devices } = user ?? account.user(shown);
    const members = devices.map(({ serialNumber, enabledMs }) => {
      const enabled = new Date(enabledMs).toISOString().replace(/\.\d+/, "");
      const content = [writeElement("UserName", name), writeElement("SerialNumber", serialNumber)];
      return `<member>${content.join("")}${writeElement("EnableDate", enabled)}</member>`;
    });
    return `${writeElement("IsTruncated", "false")}<MFADevices>${members.join("")}</MFADevices>`;
  },
};

/**
 * "You cannot call any IAM API operations unless MFA authentication information is included in the request":
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
 * Role credentials are exempt from this rule.
 */
function requireMfa({ parameters, run }: QueryAction): QueryAction {
  return {
    parameters,
    run: (call) => {
      const { session, principal } = call.caller;
      if (session !== undefined && session.mfaMs === undefined && principal.role === undefined)
        throw authenticationError("wrongToken", "iam");
      return run(call);
    },
  };
}

export const iam: QueryService = {
  version: "2010-05-08",
  namespace: "https://iam.amazonaws.com/doc/2010-05-08/",
  actions: new Map(
    Object.entries({
      GenerateCredentialReport: generateCredentialReport,
      GetAccountAuthorizationDetails: getAccountAuthorizationDetails,
      GetAccountPasswordPolicy: getAccountPasswordPolicy,
      GetAccountSummary: getAccountSummary,
      GetCredentialReport: getCredentialReport,
      GetLoginProfile: getLoginProfile,
      ListAccountAliases: listAccountAliases,
      ListMFADevices: listMfaDevices,
      ListVirtualMFADevices: listVirtualMfaDevices,
      SimulateCustomPolicy: simulateCustomPolicy,
    }).map(([name, action]) => [name, requireMfa(action)]),
  ),
};
