// Token codes: always strings, since `012345` is a code.

/**
 * The six digits of what was typed or printed (blanks between them are allowed), or why it is no code.
 *
 * @param given says of a number of digits where it came from: `you typed`
 * @returns `{ code }` or `{ problem }`, the problem in words without what was typed
 */
export function readCode(text: string, given = "you typed"): { readonly code: string } | { readonly problem: string } {
  const bare = text.replace(/\s/g, "");
  if (/^\d{6}$/.test(bare)) return { code: bare };
  // Modhex, which only a YubiKey's own one-time passwords are written in.
  if (/^[cbdefghijklnrtuv]{32,48}$/i.test(bare)) {
    return {
      problem: "that is a Yubico OTP, not a six-digit code; print the code with: ykman oath accounts code",
    };
  }
  if (bare === "") return { problem: "a code has six digits" };
  if (/^\d+$/.test(bare)) return { problem: `a code has six digits; ${given} ${bare.length}` };
  return { problem: "a code has six digits and nothing else" };
}
