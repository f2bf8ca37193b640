// The rules of `fob policy lint`. docs/policy-rules.md has a section for each rule, with an example and the fix; a test
// compares it with this list.
import type { Level } from "../../findings.ts";

export interface Rule {
  readonly id: string;
  /** Of an error, AWS rejects the policy, or it enforces nothing or locks users out. */
  readonly level: Level;
  /** What the rule finds, and why that matters. */
  readonly text: string;
  /** What `fob policy simulate --require` finds missing then, whatever other policies allow. */
  readonly breaks?: "enforced" | "enrollable";
}

const error = <const Id extends string>(id: Id, text: string, breaks?: Rule["breaks"]) =>
  ({ id, level: "error", text, ...(breaks === undefined ? {} : { breaks }) }) as const;
const warning = <const Id extends string>(id: Id, text: string) => ({ id, level: "warning", text }) as const;
const note = <const Id extends string>(id: Id, text: string) => ({ id, level: "note", text }) as const;

export const rules = [
  error("malformed", "The policy violates AWS's policy grammar. AWS rejects it."),
  error("unknown-element", "The policy has an unknown element. AWS rejects it."),
  error(
    "unknown-operator",
    "The policy has an unknown condition operator. AWS rejects it; other programs may ignore the condition.",
  ),
  error("wrong-value", "The operator cannot compare this value. AWS rejects the policy, or the value never matches."),
  error(
    "variables-without-version",
    'The policy has variables, but not the version "2012-10-17". AWS treats them as plain text.',
  ),
  note(
    "old-version",
    'The policy does not have the version "2012-10-17". Variables and newer features do not work in it.',
  ),
  error(
    "not-checked",
    "A policy, a statement, or what decides about a Deny is known only after deployment. fob could not check it (--allow-unknown accepts that).",
  ),
  warning("unknown-value", "The value is known only after deployment. fob checks the rest of the policy."),
  error("too-large", "The policy is too large. A managed policy may have 6,144 characters, not counting white space."),
  warning(
    "too-large-for-managed",
    "The policy fits only as an inline policy of a role. A managed policy may have 6,144 characters.",
  ),
  note(
    "too-large-for-inline",
    "The policy may fit only as a managed policy. Inline policies may have 2,048 characters in total for a user, and 5,120 for a group.",
  ),

  error(
    "misspelled-action",
    "IAM, STS or Sign-In has no such action, but one with a similar name. The misspelled name matches nothing.",
  ),
  warning(
    "unknown-action",
    "The action is not in fob's list of the service's actions. It is misspelled, or newer than the list.",
  ),
  error("wildcard-matches-nothing", "The pattern matches none of the service's actions."),
  error(
    "misspelled-condition-key",
    "AWS has no such condition key or policy variable, but one with a similar name. The misspelled key is always absent.",
  ),
  warning(
    "unknown-condition-key",
    "The condition key or policy variable is not in fob's list. It is misspelled, or newer than the list.",
  ),

  error("unknown-partition", "The ARN has an unknown partition. It matches nothing."),
  error(
    "wrong-partition",
    "The ARN has another partition than --partition. It matches nothing in accounts of that partition.",
  ),
  warning(
    "several-partitions",
    "The policy has ARNs of several partitions. An account is in one partition; ARNs of the others match nothing.",
  ),
  error("wrong-resource", "The action does not apply to resources of these types. The statement has no effect on it."),
  warning("needs-all-resources", 'The action supports only the resource "*", but the statement has other resources.'),
  error("wrong-iam-arn", "The ARN of IAM has no account, an invalid account, or a region. It matches nothing."),
  warning(
    "incomplete-arn",
    "The ARN has fewer than six fields. AWS appends wildcards, so it matches something else, or nothing.",
  ),
  error(
    "left-over-escape",
    "The policy variable is escaped for Terraform or CloudFormation, or has no braces. AWS treats it as plain text.",
  ),
  error(
    "left-over-template",
    "The text has a placeholder of Terraform, CloudFormation or another template. It matches nothing.",
  ),
  warning(
    "misses-user-paths",
    "The pattern for the user's own ARN misses users with a path (user/team/alice), or users without one.",
  ),
  warning(
    "misses-named-devices",
    "The pattern for the user's own device matches only devices with the user's name. A device may have any name.",
  ),

  error("denies-with-mfa", "The Deny applies to requests with MFA. Its condition is inverted."),
  error(
    "bool-instead-of-boolifexists",
    "The Deny does not apply to access keys. Their requests do not have aws:MultiFactorAuthPresent at all.",
    "enforced",
  ),
  error(
    "null-instead-of-boolifexists",
    "The Deny does not apply to sessions without MFA, such as console sessions. Their aws:MultiFactorAuthPresent is false, not absent.",
    "enforced",
  ),
  error("condition-never-holds", "The Deny's conditions on MFA are never met together. It denies nothing."),
  error(
    "age-never-counts",
    "The statement tests both aws:MultiFactorAuthAge and aws:MultiFactorAuthPresent. Requests without MFA have no age, so the age has no effect.",
  ),
  error(
    "age-without-ifexists",
    "The limit on aws:MultiFactorAuthAge does not apply to requests without MFA, because they have no age.",
    "enforced",
  ),
  error(
    "age-never-reached",
    "The limit on aws:MultiFactorAuthAge, in seconds, has no effect, because AWS ends every session after at most 36 hours (129,600).",
  ),
  error(
    "age-unusable",
    "The limit on aws:MultiFactorAuthAge, in seconds, is less than a minute. Users cannot work with MFA either.",
  ),
  warning(
    "age-too-short",
    "The limit on aws:MultiFactorAuthAge, in seconds, is shorter than the shortest session in AWS, 15 minutes (900).",
  ),
  error(
    "allow-instead-of-deny",
    "The Allow applies to requests without MFA. It grants what it should deny.",
    "enforced",
  ),
  error(
    "allow-without-mfa",
    "The Allow's condition on MFA also holds for requests without MFA, such as those with access keys.",
    "enforced",
  ),
  error(
    "enrollment-needs-mfa",
    "The Allow of enrollment requires MFA. Users without a device cannot enroll their first one.",
    "enrollable",
  ),
  error(
    "missing-mfa-condition",
    "The Deny exempts what users need to set up MFA, but has no condition. It denies everything else even with MFA.",
  ),
  error(
    "no-enforcement",
    "The policy should enforce MFA (--as enforcement), but no statement denies everything without it.",
    "enforced",
  ),
  error(
    "action-instead-of-notaction",
    "The Deny covers what users without MFA need to set it up. They stay locked out.",
    "enrollable",
  ),
  error(
    "named-users",
    "The Deny names users or devices. These, or all others, cannot set up MFA and stay locked out.",
    "enrollable",
  ),
  error(
    "enrollment-denied",
    "A Deny that does not test MFA covers what users need to enroll a device. All users, or some, cannot enroll.",
    "enrollable",
  ),
  error(
    "always-denied",
    "Deny statements that do not test MFA cover everyday and dangerous actions. Users cannot work with MFA either.",
    "enforced",
  ),
  note("partial-enforcement", "The Deny covers only some actions without MFA. All others work without it."),
  error(
    "roles-without-mfa",
    "The policy applies to roles (--as role, --as scp), and requests made with roles do not include MFA information.",
  ),
  error("narrow-resource", "The Deny covers only some resources. Actions on others work without MFA.", "enforced"),
  error(
    "extra-condition",
    "The Deny has another condition in addition to MFA. Requests that do not meet it need no MFA.",
    "enforced",
  ),
  error("missing-exemption", "The Deny does not exempt something that users need to set up MFA.", "enrollable"),
  warning(
    "only-passkeys",
    "Users without MFA can enroll passkeys and hardware tokens, but not authenticator apps (virtual MFA devices).",
  ),
  warning(
    "missing-useful-exemption",
    "The Deny does not exempt something that is useful without MFA, but that enrolling does not need: iam:ResyncMFADevice for a device whose clock has drifted, or lists of devices for access keys.",
  ),
  warning(
    "missing-password-exemption",
    "The Deny does not exempt what users with a temporary or expired password need. The console requires them to change it first.",
  ),
  note(
    "missing-details-exemption",
    "iam:GetMFADevice is not exempt. The console shows an error instead of the device details.",
  ),
  note(
    "missing-session-exemption",
    "sts:GetSessionToken is not exempt. AWS lets every user call it anyway, but policies list it for clarity.",
  ),
  error(
    "dangerous-exemption",
    "An exemption lets an attacker with a stolen password or access key remove MFA, get around it, or lock users out.",
    "enforced",
  ),
  error(
    "wildcard-exemption",
    "An exempt pattern matches more than users need to set up MFA. All of it works without MFA.",
    "enforced",
  ),
  error("extra-exemption", "An exempt action is not needed to set up MFA. It works without MFA.", "enforced"),
  note(
    "tolerated-exemption",
    "An exempt action is not needed to set up MFA, but an attacker cannot work with it either.",
  ),
] as const satisfies readonly Rule[];

export type RuleId = (typeof rules)[number]["id"];

const levels: ReadonlyMap<string, Level> = new Map(rules.map(({ id, level }) => [id, level]));

export function findLevel(id: RuleId): Level {
  return levels.get(id) ?? "error";
}
