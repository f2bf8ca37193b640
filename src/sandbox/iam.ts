// AWS Identity and Access Management: https://docs.aws.amazon.com/IAM/latest/APIReference/

import { authenticationError } from "./errors.ts";
import { accessKeyActions } from "./iam/access-keys.ts";
import { getAccountSummary, listAccountAliases } from "./iam/account.ts";
import { boundaryActions } from "./iam/boundaries.ts";
import { getAccountAuthorizationDetails } from "./iam/details.ts";
import { groupActions } from "./iam/groups.ts";
import { heldPolicyActions } from "./iam/held-policies.ts";
import { lastAccessedActions } from "./iam/last-accessed.ts";
import { managedPolicyActions } from "./iam/managed-policies.ts";
import { mfaActions } from "./iam/mfa.ts";
import { passwordActions } from "./iam/passwords.ts";
import { policyUseActions } from "./iam/policy-uses.ts";
import { generateCredentialReport, getCredentialReport } from "./iam/report.ts";
import { tagActions } from "./iam/tag-actions.ts";
import { userActions } from "./iam/users.ts";
import { simulatorActions } from "./policy-simulator.ts";
import type { QueryAction, QueryService } from "./query.ts";

/**
 * "You cannot call any IAM API operations unless MFA authentication information is included in the request":
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
 * Roles and the console are exempt from this rule. Federated users "cannot call any IAM operations using the CLI or the API":
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
 */
function requireMfa({ parameters, run }: QueryAction): QueryAction {
  return {
    parameters,
    run: (call) => {
      const { session } = call.caller;
      if (session?.kind === "federated" || (session?.kind === "user" && session.mfaMs === undefined))
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
      GetAccountSummary: getAccountSummary,
      GetCredentialReport: getCredentialReport,
      ListAccountAliases: listAccountAliases,
      ...accessKeyActions,
      ...boundaryActions,
      ...groupActions,
      ...heldPolicyActions,
      ...lastAccessedActions,
      ...managedPolicyActions,
      ...mfaActions,
      ...passwordActions,
      ...policyUseActions,
      ...simulatorActions,
      ...tagActions,
      ...userActions,
    }).map(([name, action]) => [name, requireMfa(action)]),
  ),
};
