// Whether a session lasts long enough. Every command asks here.

/** How much time a command wants to remain, in seconds, when the user does not say. */
export const defaultMinTtl = {
  /** `login`, `refresh`: an hour's work without being asked. */
  login: 3600,
  /** `credential-process`, `--check`: botocore asks again on every use below 15 minutes. */
  use: 900,
} as const;

/** A session's span, in milliseconds since 1970. */
export interface Span {
  readonly issued: number;
  readonly expiration: number;
}

/** Seconds that remain at `now` (ms since 1970); negative once it has expired. */
export function getSecondsLeft(span: Pick<Span, "expiration">, now: number): number {
  return (span.expiration - now) / 1000;
}

/**
 * How much time should remain, in seconds: what was asked for, or the command's own wish, which is at most a quarter of
 * the whole length, so that a session of 15 minutes is not stale from the start.
 */
export function getMargin(span: Span, wish: number, asked: number | undefined): number {
  return asked ?? Math.min(wish, (span.expiration - span.issued) / 4000);
}

/** Whether more time remains than the caller wants. */
export function isFresh(span: Span, wish: number, asked: number | undefined, now: number): boolean {
  return getSecondsLeft(span, now) > Math.max(0, getMargin(span, wish, asked));
}
