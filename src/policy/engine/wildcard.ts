// The wildcards of policies.

/** A pattern whose wildcards are set apart from the characters that they are written with: {@link parsePattern}. */
export type Pattern = string & { readonly isPattern: never };

// Not characters of any text: https://www.unicode.org/faq/private_use.html#noncharacters
const any = "\ufffe";
const one = "\uffff";

/** `*` and `?` in a policy's text as wildcards. */
export function parsePattern(text: string): Pattern {
  return escapeLiteral(text).replaceAll("*", any).replaceAll("?", one) as Pattern;
}

/** Text that stands for itself, `*` and `?` in it too. */
export function escapeLiteral(text: string): Pattern {
  return text.replaceAll(/[\ufffe\uffff]/g, "\ufffd") as Pattern;
}

/** Whether it can match more than one text. */
export function hasWildcard(pattern: Pattern): boolean {
  return pattern.includes(any) || pattern.includes(one);
}

/**
 * Whether `text` matches `pattern`, in which `*` stands for any characters (none, too) and `?` for exactly one:
 * [wildcards in ARNs](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html).
 *
 * Only the last `*` is ever tried again, since an earlier one could gain nothing by taking more. So the work is at most
 * the product of both lengths, whatever the pattern. A `*` runs across the colons of an ARN.
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
