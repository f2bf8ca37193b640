// Times: lengths as they are typed (`12h`) and in words (`11 h 58 min`), and moments.

/** Seconds from `12h`, `90m`, `1h30m`, `45s`, `43200`; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const bare = text.trim().toLowerCase();
  if (/^\d{1,9}$/.test(bare)) return Number(bare);
  const parts = /^(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9})s)?$/.exec(bare);
  if (!parts || bare === "") return undefined;
  const [hours, minutes, seconds] = [parts[1], parts[2], parts[3]].map((part) => Number(part ?? 0));
  return (hours ?? 0) * 3600 + (minutes ?? 0) * 60 + (seconds ?? 0);
}

/** A length of time in words, rounded down: `36 h`, `11 h 58 min`, `14 min`, `59 s`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  if (hours > 0) return minutes > 0 ? `${hours} h ${minutes} min` : `${hours} h`;
  if (minutes > 0) return `${minutes} min`;
  return `${whole} s`;
}

/**
 * What a bare number was probably meant to be, if as hours or minutes it is within the bounds (in seconds): `12h`. A session of
 * 12 seconds is of no use.
 */
export function suggestDuration(text: string, { shortest, longest }: { shortest: number; longest: number }): string {
  const number = /^\d{1,2}$/.exec(text.trim())?.[0];
  if (number === undefined) return "";
  return [`${number}h`, `${number}m`]
    .filter((duration) => {
      const seconds = parseDuration(duration) ?? 0;
      return seconds >= shortest && seconds <= longest;
    })
    .join(" or ");
}

/** The same to the second, for what is refused: `14 min 59 s`. */
export function inExactWords(seconds: number): string {
  const rest = Math.max(0, Math.floor(seconds)) % 60;
  return rest > 0 && seconds >= 60 ? `${formatDuration(seconds)} ${rest} s` : formatDuration(seconds);
}

/**
 * A moment in the user's own time: `20:15`, `tomorrow 08:15`, `2026-11-24 08:15`. Both times are milliseconds since
 * 1970; `now` decides which day is today.
 */
export function formatClockTime(at: number, now: number): string {
  const when = new Date(at);
  const time = `${padTwo(when.getHours())}:${padTwo(when.getMinutes())}`;
  const today = new Date(now);
  if (formatDay(when) === formatDay(today)) return time;
  today.setDate(today.getDate() + 1);
  return formatDay(when) === formatDay(today) ? `tomorrow ${time}` : `${formatDay(when)} ${time}`;
}

const padTwo = (number: number): string => String(number).padStart(2, "0");
const formatDay = (date: Date): string =>
  `${date.getFullYear()}-${padTwo(date.getMonth() + 1)}-${padTwo(date.getDate())}`;

/** A moment (milliseconds since 1970) in UTC, to the second, as IAM writes it: `2026-01-31T09:00:00Z`. */
export const formatUtcTime = (at: number): string => `${new Date(at).toISOString().slice(0, 19)}Z`;

/** How long ago something was, in milliseconds, in words: `3 days ago`, `40 h ago`, `5 min ago`. */
export function describeAgo(milliseconds: number): string {
  const days = Math.floor(milliseconds / 86_400_000);
  if (days >= 2) return `${days} days ago`;
  const hours = Math.floor(milliseconds / 3_600_000);
  return hours >= 1 ? `${hours} h ago` : `${Math.max(0, Math.floor(milliseconds / 60_000))} min ago`;
}
