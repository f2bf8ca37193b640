// When a device shows its next code. https://datatracker.ietf.org/doc/html/rfc6238#section-5.2

/** Milliseconds for which a device shows one code, in step with the clock. */
export const CODE_LASTS = 30_000;
/** Timers may ring early, and a clock may be a little ahead of the one that the code is made by. */
const MARGIN = 250;

/** Milliseconds from `now` until a code other than the one of `cameAt` is shown, at most one step. Both are ms since 1970. */
export function untilNextCode(cameAt: number, now: number): number {
  const next = (Math.floor(cameAt / CODE_LASTS) + 1) * CODE_LASTS;
  // The clock may be set meanwhile.
  return Math.min(Math.max(next - now, 0) + MARGIN, CODE_LASTS);
}
