import { expect, test } from "vitest";
import { defaultMinTtl, getMargin, isFresh } from "../../src/store/freshness.ts";

const hour = 3_600_000;
const session = (hours: number) => ({ issued: 0, expiration: hours * hour });

test("a command's own wish is at most a quarter of the session", () => {
  expect(getMargin(session(12), defaultMinTtl.login, undefined)).toBe(3600);
  expect(getMargin(session(1), defaultMinTtl.login, undefined)).toBe(900);
  expect(getMargin(session(0.25), defaultMinTtl.use, undefined)).toBe(225);
});

test("what the user asks for is taken as it is said", () => {
  expect(getMargin(session(1), defaultMinTtl.login, 7200)).toBe(7200);
  expect(isFresh(session(12), defaultMinTtl.login, 11 * 3600, 2 * hour)).toBe(false);
  expect(isFresh(session(12), defaultMinTtl.login, 0, 11.99 * hour)).toBe(true);
});

test("an expired session is never fresh", () => {
  expect(isFresh(session(12), defaultMinTtl.use, 0, 12 * hour)).toBe(false);
  expect(isFresh(session(12), defaultMinTtl.use, 0, 13 * hour)).toBe(false);
});
