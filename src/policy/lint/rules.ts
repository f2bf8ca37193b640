// The rules of `fob policy lint`. docs/policy-rules.md has a section for each of them, with an example and the fix; a test
// holds it to this list.

/** An error makes `fob policy lint` fail: the policy is refused by AWS, enforces nothing, or locks users out. */
export type Level = "error" | "warning" | "note";

export interface Rule {
  readonly id: string;
  readonly level: Level;
  /** What it finds, and why that matters. */
  readonly text: string;
}

const error = <const Id extends string>(id: Id, text: string) => ({ id, level: "error", text }) as const;
const warning = <const Id extends string>(id: Id, text: string) => ({ id, level: "warning", text }) as const;
const note = <const Id extends string>(id: Id, text: string) => ({ id, level: "note", text }) as const;

export const rules = [
  error("malformed", "Something that AWS's grammar has otherwise: AWS refuses the policy."),
  error("unknown-element", "An element that policies do not have: AWS refuses the policy."),
  error(
    "unknown-operator",
    "A condition operator that there is not: AWS refuses the policy, other programs may ignore the condition.",
  ),
  error("wrong-value", "A value that its operator cannot compare, so that the condition never holds."),
  error(
    "variables-without-version",
    'Policy variables in a policy that is not of version "2012-10-17": they stand for themselves there.',
  ),
  note("old-version", 'A policy that is not of version "2012-10-17": variables and newer features do not work in it.'),
  error(
    "too-large",
    "A policy that is larger than AWS takes: 6,144 characters for a managed one, white space not counted.",
  ),
  warning(
    "too-large-for-managed",
    "A policy that only fits into a role, as an inline policy: managed ones have at most 6,144 characters.",
  ),
  note(
    "too-large-for-inline",
    "A policy that fits only as a managed one: the inline policies of a user have 2,048 characters together, a group's 5,120.",
  ),

  error(
    "misspelt-action",
    "An action of IAM, STS or Sign-In that there is not, near to one that there is: it matches nothing.",
  ),
  warning(
    "unknown-action",
    "An action of IAM, STS or Sign-In that fob's list does not have: misspelt, or newer than the list.",
  ),
  error("wildcard-matches-nothing", "A pattern that none of the service's actions matches."),
  error(
    "misspelt-condition-key",
    "A condition key or policy variable that there is not, near to one that there is: it is always absent.",
  ),
  warning(
    "unknown-condition-key",
    "A condition key or policy variable that fob's list does not have: misspelt, or newer than the list.",
  ),

  error("unknown-partition", "An ARN of a partition that there is not: it matches nothing."),
  error(
    "wrong-partition",
    "An ARN of another partition than --partition: in an account of the one, ARNs of the other match nothing.",
  ),
  warning(
    "several-partitions",
    "ARNs of several partitions in one policy: an account is in one, the others match nothing.",
  ),
  error(
    "wrong-resource",
    "An action with resources of other types than it is about: the statement never applies to it.",
  ),
  warning("needs-all-resources", 'An action that AWS checks against all resources only, in a statement without "*".'),
  error(
    "wrong-iam-arn",
    "An ARN of IAM without an account, with a region, or with what is no account: it matches nothing.",
  ),
  warning(
    "incomplete-arn",
    "An ARN with fewer than six fields: AWS adds wildcards behind it, so it matches something else, or nothing.",
  ),
  error(
    "left-over-escape",
    "A policy variable as Terraform or CloudFormation escapes it, or without its braces: the text stands for itself.",
  ),
  warning(
    "misses-user-paths",
    "A pattern for the user's own ARN that leaves out users with a path (user/team/alice), or those without.",
  ),
  warning(
    "misses-named-devices",
    "A pattern for the user's own device that only fits a device with the user's name; devices may have any.",
  ),

  error("denies-with-mfa", "A Deny whose condition holds for who has MFA: the values are inverted."),
  error(
    "bool-instead-of-boolifexists",
    "A Deny that access keys slip through, whose requests do not have aws:MultiFactorAuthPresent at all.",
  ),
  error(
    "null-instead-of-boolifexists",
    "A Deny that sessions without MFA slip through, the console's among them: they have the key, and it is false.",
  ),
  error("condition-never-holds", "A Deny whose conditions on MFA never hold together: it denies nothing."),
  error(
    "age-never-counts",
    "aws:MultiFactorAuthAge in one statement with aws:MultiFactorAuthPresent: who has no MFA has no age, so it never counts.",
  ),
  error(
    "age-without-ifexists",
    "A limit on aws:MultiFactorAuthAge that who has no MFA slips through, because then there is no age.",
  ),
  error("allow-instead-of-deny", "An Allow for whoever has no MFA: it gives everybody what it was meant to deny."),
  error(
    "missing-mfa-condition",
    "A Deny that exempts what users need to get MFA, but has no condition: it denies everything with MFA too.",
  ),
  error(
    "no-enforcement",
    "Nothing in the policy denies everything without MFA, though it is to be an enforcement policy.",
  ),
  error(
    "action-instead-of-notaction",
    "A Deny of what users need to get MFA, while they have none: they stay locked out.",
  ),
  note("partial-enforcement", "A Deny of some actions without MFA: all others work without."),
  error(
    "narrow-resource",
    "A Deny of everything without MFA, but on some resources only: everything else works without.",
  ),
  warning("extra-condition", "A further condition beside the one on MFA: who does not meet it needs no MFA."),
  error("missing-exemption", "Something that users need to get MFA is not exempt from the Deny."),
  warning(
    "missing-useful-exemption",
    "iam:GetUser or iam:ResyncMFADevice is not exempt: users can enrol all the same, but not on the console's page, or not keep a device whose clock drifts.",
  ),
  warning(
    "missing-password-exemption",
    "What a user with a first or an expired password needs is not exempt: the console lets such a user no further.",
  ),
  note(
    "missing-details-exemption",
    "iam:GetMFADevice is not exempt: the console shows an error in place of a device's details.",
  ),
  note(
    "missing-session-exemption",
    "sts:GetSessionToken is not exempt: AWS lets every user call it all the same, but readers of the policy will wonder.",
  ),
  error(
    "dangerous-exemption",
    "Something is exempt that lets a stolen password or key take MFA away, or get around it.",
  ),
  warning("wildcard-exemption", "A pattern is exempt that takes in far more than users need to get MFA."),
  note("extra-exemption", "Something is exempt that users do not need to get MFA."),
] as const satisfies readonly Rule[];

export type RuleId = (typeof rules)[number]["id"];

const levels: ReadonlyMap<string, Level> = new Map(rules.map(({ id, level }) => [id, level]));

export function findLevel(id: RuleId): Level {
  return levels.get(id) ?? "error";
}
