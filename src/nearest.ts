// What was probably meant: "did you mean".
import leven from "leven";

/** The name that was probably meant, or undefined where none is near. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const near = names
    .map((candidate) => ({ candidate, far: leven(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, far }) => far <= Math.ceil(candidate.length / 3))
    .sort((a, b) => a.far - b.far);
  return near[0]?.candidate;
}
