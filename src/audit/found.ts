// What the checks have found, one by one, and what of it counts.
import type { Audit, CheckResult } from "./audit.ts";
import type { Notes, Result, Subject } from "./check.ts";

/** A subject, or the account as a whole, which has neither name nor ARN. */
export interface Found extends Subject {
  readonly result: "fail" | "unknown";
}

/** Everything that a check has found: what fails, then what is not known. */
export function listFound(check: CheckResult): readonly Found[] {
  const { result, subjects, unknownSubjects = [], reason, accepted, new: isNew } = check;
  if (result === "pass") return [];
  const notes = {
    ...(accepted === undefined ? {} : { accepted }),
    ...(isNew === undefined ? {} : { new: isNew }),
  };
  const whole: Subject = { name: "", arn: "", evidence: reason, ...notes };
  return [
    ...(subjects.length === 0 ? [whole] : subjects).map((subject) => ({ ...subject, result })),
    ...unknownSubjects.map((subject) => ({ ...subject, result: "unknown" as const })),
  ];
}

/** Adds what counts to an audit that has notes. */
export const withRemaining = (audit: Audit): Audit => ({
  ...audit,
  checks: audit.checks.map((check) => ({ ...check, remaining: getRemaining(check) })),
});

/** Adds notes to everything that a check has found. */
export function noteEach(check: CheckResult, note: (found: Found) => Notes): CheckResult {
  const { result, subjects, unknownSubjects, reason } = check;
  if (result === "pass") return check;
  const add = (as: Found["result"]) => (subject: Subject) => ({ ...subject, ...note({ ...subject, result: as }) });
  return {
    ...check,
    ...(subjects.length === 0
      ? note({ name: "", arn: "", evidence: reason, result })
      : { subjects: subjects.map(add(result)) }),
    ...(unknownSubjects === undefined ? {} : { unknownSubjects: unknownSubjects.map(add("unknown")) }),
  };
}

/** The result of a check without what someone accepts, and without what the baseline has. */
export function getRemaining(check: CheckResult): Result {
  const counted = listFound(check).filter(counts);
  if (counted.some(({ result }) => result === "fail")) return "fail";
  return counted.length > 0 ? "unknown" : "pass";
}

/**
 * What was accepted once counts again, also where the baseline has it. What is not known counts, also if it was not known
 * before: it may hide what is new.
 */
export function counts({ result, accepted, new: isNew }: Found): boolean {
  if (accepted !== undefined) return accepted.expired;
  return result === "unknown" || isNew !== false;
}

/** What to do first: the remedy of the first that counts. */
export const chooseRemedy = (check: CheckResult): string => listFound(check).find(counts)?.remedy ?? check.remedy;

/** The remedy of something that counts and has its own, beside others that have theirs. */
export const ownRemedy = (found: Found): string | undefined => (counts(found) ? found.remedy : undefined);

/** The notes in words; empty if there are none. */
export function describeNotes({ accepted, new: isNew }: Notes): string {
  if (accepted === undefined) return isNew === undefined ? "" : isNew ? "new" : "in the baseline";
  const { person, until, reason, expired } = accepted;
  return `accepted by ${person} until ${until}${expired ? ", expired" : ""}: ${reason}`;
}
