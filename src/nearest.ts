// What was probably meant: "did you mean".
import leven from "leven";

/** How many letters must be put in, left out or changed to make the one of the other, whatever their case. */
export function measureDifference(one: string, other: string): number {
  return leven(one.toLowerCase(), other.toLowerCase());
}

/** The name that was probably meant, or undefined where none is near. */
export function findNearest(name: string, names: readonly string[]): string | undefined {
  const most = (candidate: string): number => Math.ceil(candidate.length / 3);
  const near = names
    // What differs more in length is not near, and comparing takes the product of both lengths.
    .filter((candidate) => Math.abs(name.length - candidate.length) <= most(candidate))
    .map((candidate) => ({ candidate, far: measureDifference(name, candidate) }))
    .filter(({ candidate, far }) => far <= most(candidate))
    .sort((a, b) => a.far - b.far);
  return near[0]?.candidate;
}
