// The check of AWS Config's own verdict. It is about devices only, and as old as its latest evaluation.
import { describeAgo, formatUtcTime } from "../duration.ts";
import type { AccountSnapshot, Known } from "../iam/snapshot.ts";
import { quoteShellWord } from "../text.ts";
import { type AuditInput, type Check, fails, type Judgement, judge, type Outcome, type Subject } from "./check.ts";

/** AWS's rules about MFA of users, whatever an account calls them. */
export const configIdentifiers: readonly string[] = ["MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS", "IAM_USER_MFA_ENABLED"];

/** What AWS Config has in a region. */
export interface ConfigRegion {
  readonly region: string;
  /** null if there is no recorder. */
  readonly isRecording: Known<boolean | null>;
  /** Those about MFA. */
  readonly rules: Known<readonly ConfigRule[]>;
}

export interface ConfigRule {
  readonly name: string;
  readonly arn: string;
  /** As AWS Config writes it: `COMPLIANT` */
  readonly compliance: Known<string>;
  /** When it was last evaluated (milliseconds since 1970), and when that last failed. */
  readonly evaluation: Known<{
    readonly succeeded: number | undefined;
    readonly failed: number | undefined;
    readonly error: string | undefined;
  }>;
  /** The IDs of users: `AIDA…` */
  readonly nonCompliant: Known<readonly string[]>;
}

interface FoundRule {
  readonly rule: ConfigRule;
  readonly where: string;
  readonly region: ConfigRegion;
}

/** Both rules are evaluated every 24 hours, or more often; after two days something is wrong. */
const oldest = 48 * 3_600_000;

export const configChecks: readonly Check[] = [
  {
    id: "config-rule-compliant",
    title: "AWS Config's rules about MFA are compliant",
    severity: "medium",
    remedy: "fob policy export --format cloudformation",
    controls: { config: configIdentifiers },
    look: (input) => {
      const found = input.config.flatMap((region) =>
        "value" in region.rules
          ? region.rules.value.map((rule): FoundRule => ({ rule, region, where: `${rule.name} in ${region.region}` }))
          : [],
      );
      if (found.length === 0) return explainAbsence(input.config);
      return addUnread(judgeRules(found, input), input);
    },
  },
];

function explainAbsence(regions: readonly ConfigRegion[]): Outcome {
  const why = regions.map(({ region, rules, isRecording }) => {
    if (!("value" in rules)) return `${region}: ${rules.unknown}`;
    return `${region}: no rule about MFA${"value" in isRecording && isRecording.value === null ? ", and no recorder" : ""}`;
  });
  return { result: "unknown", subjects: [], reason: why.length === 0 ? "not looked at" : why.join("; ") };
}

/** A region that could not be read may have a rule that is not compliant. */
function addUnread(outcome: Outcome, { config, snapshot }: AuditInput): Outcome {
  const unread = config.flatMap(({ region, rules }): readonly Subject[] =>
    "value" in rules
      ? []
      : [
          {
            ...{ name: region, arn: `arn:${snapshot.partition}:config:${region}:${snapshot.account}:config-rule/*` },
            evidence: `the rules were not read: ${rules.unknown}`,
          },
        ],
  );
  if (unread.length === 0) return outcome;
  const reason = [outcome.reason, ...unread.map(({ name, evidence }) => `${name}: ${evidence}`)].join("; ");
  if (outcome.result === "fail")
    return { ...outcome, unknownSubjects: [...(outcome.unknownSubjects ?? []), ...unread], reason };
  return { ...outcome, result: "unknown", subjects: [...outcome.subjects, ...unread], reason };
}

function judgeRules(found: readonly FoundRule[], input: AuditInput): Outcome {
  const judged = found.flatMap((each) => {
    const judgement = judgeRule(each, input.now);
    return judgement === undefined ? [] : { ...each, judgement };
  });
  const failed = judged.filter(({ judgement }) => "fails" in judgement);
  const unknown = judged.filter(({ judgement }) => "unknown" in judgement);
  const reasonOf = (some: typeof judged): string =>
    some.map(({ where, judgement }) => `${where}: ${describe(judgement)}`).join("; ");
  const unknownSubjects = unknown.map(({ rule, judgement }) => toSubject(rule, describe(judgement)));
  const [first] = unknown;
  if (failed.length > 0) {
    const subjects = [...listUsers(failed, input.snapshot), ...failed.flatMap(nameRule)];
    const rest = first === undefined ? {} : { unknownSubjects };
    return {
      result: "fail",
      subjects,
      ...rest,
      reason: reasonOf([...failed, ...unknown]),
      remedy: "fob rollout status",
    };
  }
  if (first !== undefined) {
    const { rule, region } = first;
    const remedy = `aws configservice describe-config-rule-evaluation-status --region ${region.region} --config-rule-names ${quoteShellWord(rule.name)}`;
    return { result: "unknown", subjects: unknownSubjects, reason: reasonOf(unknown), remedy };
  }
  const reason = found.map(({ where, rule }) => `${where}, ${describeEvaluation(rule, input.now)}`).join("; ");
  return { result: "pass", subjects: [], reason };
}

const describe = (judgement: NonNullable<Judgement>): string =>
  "fails" in judgement ? judgement.fails : judgement.unknown;

const toSubject = ({ name, arn }: ConfigRule, evidence: string): Subject => ({ name, arn, evidence });

/** A rule that is not compliant counts itself if its users are not known: otherwise to accept other users would accept it. */
function nameRule({ rule }: FoundRule): Subject[] {
  const { nonCompliant } = rule;
  if (!("value" in nonCompliant)) return [toSubject(rule, `not compliant; for which users: ${nonCompliant.unknown}`)];
  return nonCompliant.value.length > 0 ? [] : [toSubject(rule, "not compliant; AWS Config names no user")];
}

/** A result is believed only of an evaluation that was lately and went well. */
function judgeRule({ rule: { compliance, evaluation }, region }: FoundRule, now: number): Judgement {
  return judge(compliance, "compliance", (type) => {
    if (type !== "COMPLIANT" && type !== "NON_COMPLIANT") return { unknown: `the rule has no result: ${type}` };
    const result = type === "COMPLIANT" ? "compliant" : "not compliant";
    return (
      judge(region.isRecording, "recorder", (isRecording) => {
        if (isRecording === null) return { unknown: `${result}, but AWS Config has no recorder here` };
        return isRecording ? undefined : { unknown: `${result}, but AWS Config's recorder is stopped` };
      }) ??
      judge(evaluation, "evaluation", ({ succeeded, failed, error }) => {
        if (succeeded === undefined) return { unknown: `${result}, but never evaluated` };
        if (failed !== undefined && failed > succeeded) {
          return { unknown: `${result}, but the last evaluation failed: ${error ?? "AWS Config does not say why"}` };
        }
        if (now - succeeded > oldest)
          return { unknown: `${result}, but last evaluated ${describeAgo(now - succeeded)}` };
        return type === "COMPLIANT" ? undefined : fails(`not compliant, ${describeEvaluation({ evaluation }, now)}`);
      })
    );
  });
}

/**
 * "Re-evaluating this rule within 4 hours of the first evaluation will have no effect on the results":
 * https://docs.aws.amazon.com/config/latest/developerguide/mfa-enabled-for-iam-console-access.html
 */
function describeEvaluation({ evaluation }: Pick<ConfigRule, "evaluation">, now: number): string {
  if (!("value" in evaluation)) return `evaluated at an unknown time: ${evaluation.unknown}`;
  const { succeeded } = evaluation.value;
  if (succeeded === undefined) return "evaluated at an unknown time";
  return `evaluated ${describeAgo(now - succeeded)} (${formatUtcTime(succeeded)}) from data up to 4 h older`;
}

/** AWS Config names users by their IDs; one who is gone keeps it. */
function listUsers(found: readonly FoundRule[], { users, account, partition }: AccountSnapshot): readonly Subject[] {
  const byId = new Map(users.map((user) => [user.id, user]));
  const rules = new Map<string, string[]>();
  for (const { rule, where } of found) {
    for (const id of "value" in rule.nonCompliant ? rule.nonCompliant.value : []) {
      rules.set(id, [...(rules.get(id) ?? []), where]);
    }
  }
  return [...rules].map(([id, where]) => {
    const user = byId.get(id);
    const evidence = `not compliant with ${where.join(" and ")}`;
    if (user === undefined) {
      return {
        name: id,
        arn: `arn:${partition}:iam::${account}:user/${id}`,
        evidence: `${evidence}; no user has this ID`,
      };
    }
    const hasDevice = "value" in user.devices && user.devices.value.length > 0;
    return { name: user.name, arn: user.arn, evidence: hasDevice ? `${evidence}; has an MFA device by now` : evidence };
  });
}
