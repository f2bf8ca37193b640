// What was probably meant: "did you mean".
import leven from "leven";

/** How many letters must be put in, left out or changed to make the one of the other, whatever their case. */
export function measureDifference(one: string, other: string): number {
  return leven(one.toLowerCase(), other.toLowerCase());
}

/** Whether two names have the same letters, in any order. */
const hasLettersOf = (one: string, other: string): boolean => sortLetters(one) === sortLetters(other);

const sortLetters = (name: string): string => Array.from(name.toLowerCase()).sort().join("");

/** The name that was probably meant, or undefined where none is near. */
export function findNearest(name: string, names: readonly string[]): string | undefined {
  const most = (candidate: string): number => Math.ceil(candidate.length / 3);
  const near = names
    // What differs more in length is not near, and comparing takes the product of both lengths.
    .filter((candidate) => Math.abs(name.length - candidate.length) <= most(candidate))
    .map((candidate) => ({ candidate, far: measureDifference(name, candidate) }))
    .filter(({ candidate, far }) => far <= most(candidate))
    // Two letters in the wrong order count as two, and are the likelier slip.
    .sort((a, b) => a.far - b.far || Number(hasLettersOf(b.candidate, name)) - Number(hasLettersOf(a.candidate, name)));
  return near[0]?.candidate;
}
