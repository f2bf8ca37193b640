// A check of the audit: what it asks about an account, and what came of it.

import type { DecisionsOf } from "../iam/decisions.ts";
import type { Enforcement } from "../iam/enforcement.ts";
import type { Simulated } from "../iam/simulated.ts";
import type { AccountSnapshot, Device, Known, User } from "../iam/snapshot.ts";
import type { ConfigRegion } from "./config-rules.ts";

/** In this order, the worst first. */
export const severities = ["high", "medium", "low"] as const;
export type Severity = (typeof severities)[number];

/** What was not looked at is unknown, never a pass. */
export type Result = "pass" | "fail" | "unknown";

/** The same control elsewhere: its numbers in CIS's benchmarks, in Security Hub, and AWS Config's rules. */
export interface Controls {
  readonly cis5?: string;
  readonly cis6?: string;
  readonly cis7?: string;
  readonly securityHub?: readonly string[];
  readonly config?: readonly string[];
}

export interface Check {
  /** It never changes. */
  readonly id: string;
  /** What holds if it passes. */
  readonly title: string;
  readonly severity: Severity;
  /** A command that fixes it, or begins to. */
  readonly remedy: string;
  readonly controls: Controls;
  readonly look: (input: AuditInput) => Outcome;
}

export interface Outcome {
  readonly result: Result;
  /** What fails; if nothing does, what is not known. */
  readonly subjects: readonly Subject[];
  /** Of a check that fails: what is not known beside that. */
  readonly unknownSubjects?: readonly Subject[];
  /** Whom the check does not ask about, and why. */
  readonly exempt?: readonly Subject[];
  /** In words: lower case, no full stop. */
  readonly reason: string;
  /** Instead of the check's. */
  readonly remedy?: string;
}

/** What is known of something that a check has found, beside the account. */
export interface Notes {
  /** Someone accepts it. */
  readonly accepted?: Acceptance;
  /** Whether the baseline does not have it. */
  readonly new?: boolean;
}

export interface Acceptance {
  readonly person: string;
  readonly reason: string;
  /** The last day on which it is accepted, in UTC: `2027-01-31`. */
  readonly until: string;
  /** Whether that day is over: then it counts. */
  readonly expired: boolean;
}

export interface Subject extends Notes {
  readonly name: string;
  readonly arn: string;
  readonly evidence: string;
  /** Instead of the check's: for this subject. */
  readonly remedy?: string;
}

export interface AuditInput {
  readonly snapshot: AccountSnapshot;
  readonly decisionsOf: DecisionsOf;
  /** What the group and its policies should be, in the variant that the account comes closest to. */
  readonly enforcement: Enforcement;
  /** Users who are named as break-glass users, in addition to those with the tag. */
  readonly breakGlass: readonly string[];
  /** What tells someone of the sign-ins of a break-glass user, by its ARN: in words; null if nothing does. */
  readonly signInAlarms: ReadonlyMap<string, Known<string | null>>;
  /** What AWS's simulator says of the users whom {@link mustBeDenied} names, by name; undefined if it was not asked. */
  readonly simulated?: ReadonlyMap<string, Known<Simulated>> | undefined;
  /** When what the credential report says of users was confirmed; undefined if it was not. */
  readonly confirmed?: string | undefined;
  /** AWS Config, in each region that was looked at. */
  readonly config: readonly ConfigRegion[];
  /** The profile for the commands that are printed; undefined for none. */
  readonly profile?: string | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** What is wrong with one subject, or why that is not known; undefined if nothing is wrong. */
export type Judgement =
  | { readonly fails: string; readonly remedy?: string }
  | { readonly unknown: string; readonly remedy?: string }
  | undefined;

/** @param remedy instead of the check's */
export const fails = (evidence: string, remedy?: string): Judgement => ({
  fails: evidence,
  ...(remedy === undefined ? {} : { remedy }),
});

/** All that fails, in words; if nothing does, the first that is not known. */
export function joinJudgements(judgements: readonly Judgement[]): Judgement {
  const failed = judgements.flatMap((each) => (each !== undefined && "fails" in each ? [each] : []));
  if (failed.length === 0) return judgements.find((each) => each !== undefined);
  return fails(failed.map((each) => each.fails).join("; "), failed[0]?.remedy);
}

/** Judges what is known. */
export const judge = <T>(known: Known<T>, what: string, find: (value: T) => Judgement): Judgement =>
  "value" in known ? find(known.value) : { unknown: `${what}: ${known.unknown}` };

/** Whether a user has an MFA device; undefined if that is not known. */
export function hasDevice({ devices, mayHaveMoreDevices }: User): boolean | undefined {
  if (!("value" in devices)) return undefined;
  return devices.value.length > 0 || (mayHaveMoreDevices === true ? undefined : false);
}

/** Judges the MFA devices that were found. That one is missing is not known where there may be more. */
export const judgeDevices = (
  { devices, mayHaveMoreDevices }: User,
  find: (found: readonly Device[]) => Judgement,
): Judgement =>
  judge(devices, "MFA devices", (found) => {
    const judgement = find(found);
    const isDoubtful = mayHaveMoreDevices === true && judgement !== undefined && "fails" in judgement;
    return isDoubtful ? { unknown: "a device of the account may be this user's: --fresh asks" } : judgement;
  });

/** Judges subjects one by one: one that fails decides, then one that is not known. */
export function judgeEach<T extends { readonly name: string; readonly arn: string }>(
  subjects: readonly T[],
  kind: string,
  find: (subject: T) => Judgement,
): Outcome {
  const failed: Subject[] = [];
  const unknown: Subject[] = [];
  for (const subject of subjects) {
    const judgement = find(subject);
    if (judgement === undefined) continue;
    const { remedy } = judgement;
    const about = { name: subject.name, arn: subject.arn, ...(remedy === undefined ? {} : { remedy }) };
    if ("fails" in judgement) failed.push({ ...about, evidence: judgement.fails });
    else unknown.push({ ...about, evidence: judgement.unknown });
  }
  const of = `of ${countThings(subjects.length, kind)}`;
  const more = unknown.length === 0 ? "" : `; not known for ${unknown.length}`;
  if (failed.length > 0) {
    const rest = unknown.length === 0 ? {} : { unknownSubjects: unknown };
    return { result: "fail", subjects: failed, ...rest, reason: `${failed.length} ${of}${more}` };
  }
  if (unknown.length > 0)
    return { result: "unknown", subjects: unknown, reason: `not known for ${unknown.length} ${of}` };
  return {
    result: "pass",
    subjects: [],
    reason: subjects.length === 0 ? `no ${kind}` : countThings(subjects.length, kind),
  };
}

export const countThings = (count: number, kind: string): string =>
  `${count} ${count === 1 ? kind : kind.replace(/y$/, "ie").concat("s")}`;

/** An outcome about the account as a whole. */
export const decide = (judgement: Judgement, passes: string): Outcome => {
  if (judgement === undefined) return { result: "pass", subjects: [], reason: passes };
  if ("fails" in judgement) return { result: "fail", subjects: [], reason: judgement.fails };
  return { result: "unknown", subjects: [], reason: judgement.unknown };
};

/** What a user can sign in with, in words; empty if nothing. */
export function listCredentials({ password, accessKeys }: User): Known<readonly string[]> {
  if (!("value" in password)) return { unknown: `console password: ${password.unknown}` };
  if (!("value" in accessKeys)) return { unknown: `access keys: ${accessKeys.unknown}` };
  const active = accessKeys.value.filter((key) => key.active).length;
  return {
    value: [
      ...(password.value === null ? [] : ["a console password"]),
      ...(active === 0 ? [] : [active === 1 ? "an active access key" : `${active} active access keys`]),
    ],
  };
}
