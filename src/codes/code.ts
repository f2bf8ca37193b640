// Token codes: always strings, since `012345` is a code.

/**
 * The six digits of what was typed or printed (blanks between them are allowed), or why it is no code.
 *
 * @returns `{ code }` or `{ problem }`, the problem in words without what was typed
 */
export function readCode(text: string): { readonly code: string } | { readonly problem: string } {
  const bare = text.replace(/\s/g, "");
  if (/^\d{6}$/.test(bare)) return { code: bare };
  // Modhex, which only a YubiKey's own one-time passwords are written in.
  if (/^[cbdefghijklnrtuv]{32,48}$/i.test(bare)) {
    return {
      problem:
        "that is the one-time password of a YubiKey's touch, which AWS does not know; take the six digits from the authenticator (ykman oath accounts code)",
    };
  }
  if (bare === "") return { problem: "a code is six digits" };
  if (/^\d+$/.test(bare)) return { problem: `a code is six digits, not ${bare.length}` };
  return { problem: "a code is six digits, nothing else" };
}
