// When a device shows its next code.
import { expect, test } from "vitest";
import { untilNextCode } from "../../src/codes/next-code.ts";

const start = 30_000 * 50_000_000;

test.each([
  ["the code is new", 0, 1000, 29_250],
  ["the code is old", 29_000, 29_500, 750],
  ["the next one is shown already", 29_000, 31_000, 250],
  ["the clock was set back", 29_000, -3_600_000, 30_000],
  ["the clock was set ahead", 29_000, 3_600_000, 250],
])("%s: the wait ends when the next one is shown, and within 30 s", (_, cameAt, now, wait) => {
  expect(untilNextCode(start + cameAt, start + now)).toBe(wait);
});
