// Matches the wildcards of policies.

/** A pattern whose wildcards differ from the literal characters `*` and `?`: {@link parsePattern}. */
export type Pattern = string & { readonly isPattern: never };

// Not characters of any text: https://www.unicode.org/faq/private_use.html#noncharacters
const any = "\ufffe";
const one = "\uffff";

/** Reads `*` and `?` as wildcards. */
export function parsePattern(text: string): Pattern {
  return escapeLiteral(text).replaceAll("*", any).replaceAll("?", one) as Pattern;
}

/** Reads text literally, including `*` and `?`. */
export function escapeLiteral(text: string): Pattern {
  return text.replaceAll(/[\ufffe\uffff]/g, "\ufffd") as Pattern;
}

/** Whether a pattern can match more than one text. */
export function hasWildcard(pattern: Pattern): boolean {
  return pattern.includes(any) || pattern.includes(one);
}

/**
 * Whether `text` matches `pattern`, in which `*` matches any number of characters and `?` exactly one:
 * [wildcards in ARNs](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html).
 *
 * Only the last `*` is retried, because an earlier one could gain nothing by matching more. The work is at most the
 * product of both lengths, for any pattern. A `*` also matches the colons of an ARN.
 */
export function matches(pattern: Pattern, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let starEnd = 0;
  while (t < text.length) {
    if (pattern[p] === any) {
      star = p++;
      starEnd = t;
    } else if (p < pattern.length && (pattern[p] === one || pattern[p] === text[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++starEnd;
    } else {
      return false;
    }
  }
  while (pattern[p] === any) p++;
  return p === pattern.length;
}

/** Whether `wide` certainly matches everything that `narrow` matches. */
export function covers(wide: Pattern, narrow: Pattern): boolean {
  // A `?` must not take a `*` for one character; a `*` takes any wildcard for text.
  return wide === narrow || ((!wide.includes(one) || !narrow.includes(any)) && matches(wide, narrow));
}

/** Whether no text can match both patterns; false if in doubt. */
export function areDisjoint(a: Pattern, b: Pattern): boolean {
  if (!hasWildcard(a)) return !matches(b, a);
  if (!hasWildcard(b)) return !matches(a, b);
  const [a1, a2] = literalEnds(a);
  const [b1, b2] = literalEnds(b);
  return !(a1.startsWith(b1) || b1.startsWith(a1)) || !(a2.endsWith(b2) || b2.endsWith(a2));
}

/** The text before the first wildcard, and after the last. */
function literalEnds(pattern: Pattern): readonly [string, string] {
  const parts = pattern.replaceAll(one, any).split(any);
  return [parts[0] ?? "", parts.at(-1) ?? ""];
}
