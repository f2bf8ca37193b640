// The wildcards of policies.
/**
 * Whether `text` matches `pattern`, in which `*` stands for any characters (none, too) and `?` for exactly one:
 * [wildcards in ARNs](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html).
 *
 * Only the last `*` is ever tried again, since an earlier one could gain nothing by taking more. So the work is at most
 * the product of both lengths, whatever the pattern. A `*` runs across the colons of an ARN.
 */
export function matchesWildcard(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let starEnd = 0;
  while (t < text.length) {
    if (pattern[p] === "*") {
      star = p++;
      starEnd = t;
    } else if (p < pattern.length && (pattern[p] === "?" || pattern[p] === text[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++starEnd;
    } else {
      return false;
    }
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
