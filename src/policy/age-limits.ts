// Judges limits on aws:MultiFactorAuthAge, the seconds since the user entered a code: many are written in the wrong unit.
import { sessionLength } from "../aws/limits.ts";
import { formatDuration } from "../duration.ts";

/**
 * "no effect": no session gets that old. "unusable": it ends before the user can do anything. "short": it ends before the
 * shortest session of GetSessionToken does.
 */
export type AgeProblem = "no effect" | "unusable" | "short";

/** @param seconds more than 0 */
export function judgeAge(seconds: number): AgeProblem | undefined {
  if (seconds >= sessionLength.longest) return "no effect";
  if (seconds < 60) return "unusable";
  return seconds < sessionLength.shortest ? "short" : undefined;
}

/** Guesses the intended seconds for a limit with a problem, read as milliseconds, hours or minutes. The likeliest is first. */
export function guessAges(seconds: number): readonly number[] {
  const isUsable = (age: number): boolean =>
    Number.isInteger(age) && age >= sessionLength.shortest && age < sessionLength.longest;
  const problem = judgeAge(seconds);
  if (problem === undefined || !Number.isInteger(seconds)) return [];
  const read = { "no effect": [seconds / 1000], unusable: [seconds * 3600, seconds * 60], short: [seconds * 60] }[
    problem
  ];
  return read.filter(isUsable);
}

/** Describes intended seconds: `12 h is 43200`. */
export function describeAges(ages: readonly number[]): string {
  return ages.map((age) => `${formatDuration(age)} is ${age}`).join(", ");
}
