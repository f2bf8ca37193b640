// What a check of `fob doctor` is, and what comes of it. Checks are pure: they reason about facts that were read once.
import { FobError } from "../errors.ts";
import type { Finding } from "../findings.ts";
import type { AwsFiles } from "../profiles/files.ts";
import type { Facts } from "./facts.ts";

/** A problem that fob can repair without harm, and what it does about it. */
export type Repair =
  | { readonly kind: "mode"; readonly path: string; readonly mode: number }
  | { readonly kind: "expired session"; readonly profile: string }
  | { readonly kind: "security token"; readonly profile: string }
  | { readonly kind: "launcher" };

export interface Problem extends Omit<Finding, "rule"> {
  readonly repair?: Repair;
}

export interface Outcome {
  readonly problems: readonly Problem[];
  /** What could not be looked at, with the reason: no check passes while there is any. */
  readonly unknown: readonly string[];
}

export interface Check {
  /** It never changes. */
  readonly id: string;
  /** What holds if there is no problem. */
  readonly title: string;
  /** Why it matters. */
  readonly why: string;
  readonly run: (facts: Facts) => Outcome;
}

/** "noted": there are only notes. */
export type Verdict = "ok" | "noted" | "unknown" | "found";

export interface CheckResult extends Pick<Check, "id" | "title"> {
  readonly result: Verdict;
  readonly findings: readonly Finding[];
  readonly unknown: readonly string[];
}

export interface Diagnosis {
  readonly checks: readonly CheckResult[];
  readonly repairs: readonly Repair[];
}

export function diagnose(checks: readonly Check[], facts: Facts): Diagnosis {
  const repairs: Repair[] = [];
  const results = checks.map(({ id, title, why, run }): CheckResult => {
    const { problems, unknown } = run(facts);
    const findings = problems.map(({ repair, ...problem }): Finding => {
      if (repair) repairs.push(repair);
      return { rule: id, why, ...problem };
    });
    return { id, title, result: judge(findings, unknown), findings, unknown };
  });
  return { checks: results, repairs };
}

function judge(findings: readonly Finding[], unknown: readonly string[]): Verdict {
  if (findings.some(({ level }) => level !== "note")) return "found";
  if (unknown.length > 0) return "unknown";
  return findings.length > 0 ? "noted" : "ok";
}

/** The outcome where everything could be looked at. */
export const found = (problems: readonly Problem[]): Outcome => ({ problems, unknown: [] });

export const notKnown = (...unknown: readonly string[]): Outcome => ({ problems: [], unknown });

export const joinOutcomes = (outcomes: readonly Outcome[]): Outcome => ({
  problems: outcomes.flatMap(({ problems }) => problems),
  unknown: [...new Set(outcomes.flatMap(({ unknown }) => unknown))],
});

/** Looks at each profile. One that cannot be read, because the file has it twice say, is not known. */
export function lookAtProfiles(
  { files, profiles }: Facts,
  look: (profile: string, files: AwsFiles) => readonly Problem[],
): Outcome {
  if ("unknown" in files) return notKnown(files.unknown);
  return joinOutcomes(
    profiles.map((profile) => {
      try {
        return found(look(profile, files.value));
      } catch (error) {
        if (error instanceof FobError) return notKnown(error.message);
        throw error;
      }
    }),
  );
}
