// Which exemptions from a Deny without MFA do not break enforcement: lint and simulate must agree on them.
import { listExemptions } from "./enforcement.ts";
import { needsNoPermissions } from "./engine/evaluate.ts";

/** What the console shows users about themselves and about the account's sign-in page. These actions change nothing. */
const views = new Set(
  [
    ...["GetAccountSummary", "ListAccountAliases", "ListUsers", "ListUserTags", "ListMFADeviceTags"],
    ...["GetLoginProfile", "ListAccessKeys", "GetAccessKeyLastUsed", "ListSSHPublicKeys", "GetSSHPublicKey"],
    ...["ListSigningCertificates", "ListServiceSpecificCredentials", "ListGroupsForUser"],
    ...["ListAttachedUserPolicies", "ListUserPolicies", "GetUserPolicy"],
  ].map((name) => `iam:${name}`),
);

/** AWS advises against exempting it, but it does not let anyone work without MFA. */
export const tolerable = "iam:DeleteVirtualMFADevice";
const needed = new Set(listExemptions().map(({ action }) => action));

/** Whether users need an action to set up MFA or change their password, or to open a session. */
export const isNeeded = (action: string): boolean => needed.has(action) || needsNoPermissions(action);
/** Whether an action is of no use to an attacker without MFA, although users do not need it either. */
export const isTolerated = (action: string): boolean =>
  views.has(action) || action === tolerable || action === "iam:TagMFADevice";
