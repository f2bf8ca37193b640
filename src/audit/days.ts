// Days, as the checks count them.

/** In milliseconds. */
export const day = 86_400_000;

/** Days with their fraction since a time, as in `2026-01-31T09:00:00Z`. @param now milliseconds since 1970 */
export const daysSince = (time: string, now: number): number => (now - Date.parse(time)) / day;

/** Days in words: `1 day`, `0 days`. A clock that is behind AWS's makes no day negative. */
export function formatDays(days: number): string {
  const whole = Math.max(0, Math.floor(days));
  return whole === 1 ? "1 day" : `${whole} days`;
}

/** Whether a text is a day that exists: `2026-01-31`. */
export function isDay(text: string): boolean {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  // Date.parse takes February 30 for a day of March.
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/** When something was, in words: `today`, `3 days ago`. */
export const formatAgo = (days: number): string => (days < 1 ? "today" : `${formatDays(days)} ago`);
