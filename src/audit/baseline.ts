// An earlier audit of the same account, as `fob audit --json` printed it: what it has is not new. What was found is compared
// by its check, ARN, name and evidence. Of evidence, each part counts for itself, and numbers of days do not count.
import { list, oneOf, optional, part, type Read, table, text, versionOne, withDefault } from "../shape.ts";
import type { Audit, CheckResult } from "./audit.ts";
import { listFound, noteEach } from "./found.ts";

/** What one account was found to be like. */
export interface Baseline {
  readonly made: string;
  readonly checks: readonly BaselineCheck[];
}

interface BaselineCheck extends Pick<CheckResult, "id" | "result" | "reason"> {
  readonly accepted?: object | undefined;
  readonly subjects: readonly BaselineSubject[];
  readonly unknownSubjects: readonly BaselineSubject[];
}

interface BaselineSubject {
  readonly name: string;
  readonly arn: string;
  readonly evidence: string;
  readonly accepted?: object | undefined;
}

export interface Comparison {
  /** When the baseline was made: `2026-01-31T09:00:00Z`. */
  readonly made: string;
  readonly new: number;
  readonly known: number;
  /** What failed then, and holds now. */
  readonly fixed: readonly { readonly check: string; readonly name: string; readonly arn: string }[];
}

const anything: Read<object> = table((value) => value);
const readSubject: Read<BaselineSubject> = part({
  ...{ name: text(), arn: text(), evidence: text() },
  accepted: optional(anything),
});
const readCheck: Read<BaselineCheck> = part({
  ...{ id: text(), result: oneOf(["pass", "fail", "unknown"]) },
  ...{ reason: text(), accepted: optional(anything), subjects: list(readSubject) },
  unknownSubjects: withDefault(list(readSubject), []),
});
const isTime = [/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/, "a time such as 2026-01-31T09:00:00Z"] as const;
const readAudit = part({
  ...{ version: versionOne, account: text([/^\d{12}$/, "twelve digits"]), made: text(isTime) },
  checks: list(readCheck),
});
const readAccounts = part({ version: versionOne, accounts: list(anything) });

/** Reads an audit, or one of many accounts, by account. @throws ShapeError */
export function readBaseline(value: unknown): ReadonlyMap<string, Baseline> {
  const { accounts } = part({ version: versionOne, accounts: optional(list(anything)) })(value, "");
  const audits = accounts === undefined ? [value] : readAccounts(value, "").accounts.filter((each) => "checks" in each);
  return new Map(
    audits.map((each, index) => {
      const { account, made, checks } = readAudit(each, accounts === undefined ? "" : `accounts[${index}]`);
      return [account, { made, checks }];
    }),
  );
}

const keyOf = (
  check: string,
  result: CheckResult["result"],
  { arn, name }: Pick<BaselineSubject, "arn" | "name">,
): string => JSON.stringify([check, result, arn, name]);

/** Parts of evidence that say nothing is wrong, or more about what another part says. */
const remark =
  /^(asked about \d+ requests without MFA, AWS's simulator |what AWS's simulator says is not known: |has an MFA device by now$|no user has this ID$)/;

/** Days grow with time. The date beside them stays as long as it is the same sign-in, key or test. */
const listParts = (evidence: string): readonly string[] =>
  evidence
    .replaceAll(/\b\d+ days? (ago|old)\b/g, "$1")
    .replaceAll(/\btoday\b/g, "ago")
    .split("; ")
    .filter((part) => !remark.test(part));

/** Whether every part is among the others, and as often: the same error can come twice. */
function isWithin(evidence: string, before: string): boolean {
  const rest = [...listParts(before)];
  return listParts(evidence).every((part) => {
    const index = rest.indexOf(part);
    if (index !== -1) rest.splice(index, 1);
    return index !== -1;
  });
}

/** The evidence of what was found then, without what someone accepted: without that person it is new. */
function indexEvidence({ checks }: Baseline): ReadonlyMap<string, string> {
  return new Map(
    checks
      .filter(({ result }) => result !== "pass")
      .flatMap((check) => [
        ...listSubjects(check)
          .filter((each) => each.accepted === undefined)
          .map((each) => [keyOf(check.id, check.result, each), each.evidence] as const),
        ...check.unknownSubjects.map((each) => [keyOf(check.id, "unknown", each), each.evidence] as const),
      ]),
  );
}

const listSubjects = ({ subjects, accepted, reason }: BaselineCheck): readonly BaselineSubject[] =>
  subjects.length === 0 ? [{ name: "", arn: "", evidence: reason, accepted }] : subjects;

/** Says of all that was found whether it is new. */
export function compareWithBaseline(audit: Audit, baseline: Baseline | undefined): Audit {
  // Without an audit of the account before, all is new.
  const known = baseline === undefined ? new Map<string, string>() : indexEvidence(baseline);
  const checks = audit.checks.map((check) =>
    noteEach(check, (found) => {
      const before = known.get(keyOf(check.id, found.result, found));
      return { new: before === undefined || !isWithin(found.evidence, before) };
    }),
  );
  if (baseline === undefined) return { ...audit, checks };
  const failing = checks.flatMap(listFound).filter(({ result }) => result === "fail");
  const count = failing.filter((found) => found.new).length;
  const { made } = baseline;
  const fixed = listFixed(baseline, checks);
  return { ...audit, checks, baseline: { made, new: count, known: failing.length - count, fixed } };
}

/** What is gone though its check has looked at the same things, and knows. */
function listFixed(baseline: Baseline, checks: readonly CheckResult[]): Comparison["fixed"] {
  const now = new Map(checks.map((check) => [check.id, check]));
  return baseline.checks
    .filter(({ result }) => result === "fail")
    .flatMap((before) => {
      const { id } = before;
      const check = now.get(id);
      if (check === undefined || check.result === "unknown") return [];
      const found = listFound(check);
      const isWhole = found.some(({ name, arn }) => name === "" && arn === "");
      return listSubjects(before)
        .filter(({ name, arn }) => {
          if (found.length > 0 && isWhole !== (name === "" && arn === "")) return false;
          return found.every((each) => each.name !== name || each.arn !== arn);
        })
        .map(({ name, arn }) => ({ check: id, name, arn }));
    });
}
