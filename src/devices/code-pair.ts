// Two codes that a new device shows one after the other, looked at before AWS is: the seed is known for just that long.
import { CODE_LASTS } from "../codes/next-code.ts";
import { formatDuration } from "../duration.ts";

/** Steps to each side of now, of 30 s: ten minutes. */
const farthest = 20;

/** The code that the device shows in a step since 1970. */
export type CodeOfStep = (step: number) => string;

export type Judged =
  /** @property behind seconds by which the device's clock is behind this computer's; negative if it is ahead */
  { readonly isPair: true; readonly behind: number } | { readonly isPair: false; readonly problem: string };

/**
 * Whether two codes are consecutive ones of the device, and in order.
 *
 * @param now milliseconds since 1970, when the second was typed
 */
export function judgePair([first, second]: readonly [string, string], codeOf: CodeOfStep, now: number): Judged {
  const present = Math.floor(now / CODE_LASTS);
  const steps = Array.from({ length: 2 * farthest + 1 }, (_, index) => present - farthest + index);
  const stepOf = (code: string): number | undefined =>
    steps.filter((step) => codeOf(step) === code).sort((a, b) => Math.abs(a - present) - Math.abs(b - present))[0];
  const ordered = steps.find((step) => codeOf(step) === first && codeOf(step + 1) === second);
  if (ordered !== undefined) return { isPair: true, behind: ((present - ordered - 1) * CODE_LASTS) / 1000 };
  const [one, two] = [stepOf(first), stepOf(second)];
  return { isPair: false, problem: explain(one, two) };
}

function explain(one: number | undefined, two: number | undefined): string {
  if (one === undefined && two === undefined) {
    const limit = formatDuration((farthest * CODE_LASTS) / 1000);
    return `these are not codes of the new device, or the clock of your phone is off by more than ${limit}`;
  }
  if (one === undefined || two === undefined) {
    return `the ${one === undefined ? "first" : "second"} code is not one of the new device`;
  }
  if (two === one) return "that is the same code twice";
  return two < one ? "the codes are in the wrong order" : "there was another code between the two";
}
