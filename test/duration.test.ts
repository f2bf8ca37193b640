import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { formatClockTime, formatDuration, inExactWords, parseDuration } from "../src/duration.ts";

describe("lengths of time as they are typed", () => {
  test.each([
    ["12h", 43_200],
    ["90m", 5400],
    ["43200", 43_200],
    ["1h30m", 5400],
    ["1h30m15s", 5415],
    [" 15M ", 900],
  ])("%s", (text, seconds) => expect(parseDuration(text)).toBe(seconds));

  test.each(["", "h", "1.5h", "-1h", "12 hours", "1m1h", "1e3", "0x10", "12h!"])("%s is none", (text) =>
    expect(parseDuration(text)).toBeUndefined(),
  );
});

describe("lengths of time in words", () => {
  test.each([
    [43_080, "11 h 58 min"],
    [129_600, "36 h"],
    [899, "14 min"],
    [59.9, "59 s"],
    [-5, "0 s"],
  ])("%d s", (seconds, words) => expect(formatDuration(seconds)).toBe(words));

  property.prop([fc.integer({ min: 0, max: 200_000 })])("exact words leave out nothing", (seconds) => {
    const typed = inExactWords(seconds).replace("min", "m").replace(/ /g, "");
    expect(parseDuration(typed)).toBe(seconds);
  });

  property.prop([fc.integer({ min: 0, max: 200_000 })])("words never promise more than there is", (seconds) => {
    const back = parseDuration(formatDuration(seconds).replace(" min", "m").replace(/ /g, "").replace("min", "m"));
    expect(back).toBeLessThanOrEqual(seconds);
    expect(back).toBeGreaterThan(seconds - 60);
  });
});

test("a moment is said with as much of a date as it needs", () => {
  const now = new Date(2026, 0, 31, 20, 15).getTime();
  expect(formatClockTime(new Date(2026, 0, 31, 23, 5).getTime(), now)).toBe("23:05");
  expect(formatClockTime(new Date(2026, 1, 1, 8, 15).getTime(), now)).toBe("tomorrow 08:15");
  expect(formatClockTime(new Date(2026, 1, 2, 8, 15).getTime(), now)).toBe("2026-02-02 08:15");
  expect(formatClockTime(new Date(2026, 0, 30, 8, 15).getTime(), now)).toBe("2026-01-30 08:15");
});
