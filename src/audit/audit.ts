// The audit: every check of an account, with what came of it. The format is that of DESIGN.md section 7.
import { type DecisionsOf, indexDecisions } from "../iam/decisions.ts";
import { buildClosest, defaultGroup } from "../iam/enforcement.ts";
import type { AccountSnapshot, UserIdentity } from "../iam/snapshot.ts";
import type { Comparison } from "./baseline.ts";
import { breakGlassChecks } from "./break-glass.ts";
import type { AuditInput, Check, Controls, Notes, Outcome, Result, Severity } from "./check.ts";
import { configChecks } from "./config-rules.ts";
import { enforcementChecks } from "./enforcement.ts";
import { addressRemedies } from "./remedy.ts";
import { rootChecks } from "./root.ts";
import { userChecks } from "./users.ts";

/** In the order in which they are printed, the usage notes' checklist first. */
const order = [
  ...[
    "every-active-user-has-mfa",
    "config-rule-compliant",
    "no-active-key-without-mfa",
    "enforced-for-every-user",
    "policy-sound",
    "group-exact",
  ],
  ...["automation-not-enforced", "enforced-without-device", "policy-attached-to-group-only"],
  ...["break-glass-exists", "break-glass-strong", "break-glass-keys-inactive"],
  ...["break-glass-unused", "break-glass-tested", "break-glass-monitored"],
  ...["root-mfa", "root-no-keys", "root-unused"],
  ...["unused-credentials", "old-access-keys", "two-active-keys", "security-key-only-with-key"],
];

export const checks: readonly Check[] = [
  ...userChecks,
  ...configChecks,
  ...enforcementChecks,
  ...breakGlassChecks,
  ...rootChecks,
].sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id));

const notLookedAt = [
  "service control policies and resource control policies of the organization",
  "policies of resources, such as buckets and keys",
  "federated users, IAM Identity Center and the sessions of roles: who signs in there has MFA by other means, or not",
  "SSH keys, signing certificates and service-specific credentials of users",
];

export interface Audit {
  readonly version: 1;
  /** Twelve digits. */
  readonly account: string;
  /** When the account was read: `2026-01-31T09:00:00Z`. */
  readonly made: string;
  /** Of the credential report; null if it could not be read. */
  readonly reportGenerated: string | null;
  /** With --fresh: when it was confirmed by calls about each user. */
  readonly confirmed?: string;
  readonly summary: Readonly<Record<Result, number>>;
  readonly checks: readonly CheckResult[];
  /** What no check looks at, in words. */
  readonly notLookedAt: readonly string[];
  /** What has changed since an earlier audit. */
  readonly baseline?: Comparison;
  /** How much of what was found someone accepts, or did until now. */
  readonly accepted?: { readonly accepted: number; readonly expired: number };
}

/** Of one that has no subjects, the notes are about the account. */
export interface CheckResult extends Outcome, Notes {
  /** With a baseline or accepted risks: the result without what is accepted, and without failures that are not new. */
  readonly remaining?: Result;
  readonly id: string;
  readonly title: string;
  readonly severity: Severity;
  readonly remedy: string;
  readonly controls: Controls;
}

/** What is not known is not to be changed: what helps is a permission. Remedies of its own may settle it. */
function settleUnknown(check: CheckResult, usual: string): CheckResult {
  const settle = "fob audit --fresh --print-policy";
  const { result, remedy, unknownSubjects } = check;
  if (result === "unknown") return remedy === usual ? { ...check, remedy: settle } : check;
  if (unknownSubjects === undefined) return check;
  return { ...check, unknownSubjects: unknownSubjects.map((each) => ({ remedy: settle, ...each })) };
}

export interface AuditOptions
  extends Pick<AuditInput, "breakGlass" | "signInAlarms" | "config" | "now" | "simulated" | "confirmed" | "profile"> {
  /** The group's name. */
  readonly group: string;
}

export const auditAccount = (snapshot: AccountSnapshot, options: AuditOptions): Audit =>
  runChecks(prepareAudit(snapshot, options));

/** What the checks ask, and the table of users. */
export const prepareAudit = (snapshot: AccountSnapshot, { group, ...options }: AuditOptions): AuditInput => ({
  ...{ ...options, snapshot, decisionsOf: rememberEach(indexDecisions(snapshot)) },
  enforcement: buildClosest(snapshot, group),
});

/** Several checks ask about each user. */
function rememberEach(decisionsOf: DecisionsOf): DecisionsOf {
  const known = new Map<UserIdentity, ReturnType<DecisionsOf>>();
  return (user) => {
    const found = known.get(user) ?? decisionsOf(user);
    known.set(user, found);
    return found;
  };
}

export function runChecks(input: AuditInput): Audit {
  const { account, made, reportGenerated } = input.snapshot;
  const { group } = input.enforcement;
  const addressee = { profile: input.profile, group: group === defaultGroup ? undefined : group };
  const results = checks.map(({ look, ...check }) =>
    addressRemedies(settleUnknown({ ...check, ...look(input) }, check.remedy), addressee),
  );
  const count = (result: Result): number => results.filter((each) => each.result === result).length;
  return {
    ...{ version: 1, account, made },
    reportGenerated: "value" in reportGenerated ? reportGenerated.value : null,
    ...(input.confirmed === undefined ? {} : { confirmed: input.confirmed }),
    summary: { pass: count("pass"), fail: count("fail"), unknown: count("unknown") },
    checks: results,
    notLookedAt,
  };
}
