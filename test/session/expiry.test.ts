// Expiry times as other tools write them beside their sessions.
import { afterEach, expect, test, vi } from "vitest";
import type { Properties } from "../../src/profiles/files.ts";
import { expiryIn } from "../../src/store/session.ts";

afterEach(() => void vi.unstubAllEnvs());

const properties = (values: Record<string, string>): Properties =>
  new Map(Object.entries(values).map(([key, value]) => [key, { key, value }])) as unknown as Properties;

const nine = Date.parse("2026-01-31T09:00:00Z");

test.each<[string, Record<string, string>, number | undefined]>([
  ["fob", { expiration: "2026-01-31T09:00:00Z" }, nine],
  ["saml2aws", { x_security_token_expires: "2026-01-31T10:00:00+01:00" }, nine],
  ["aws-mfa, in UTC", { expiration: "2026-01-31 09:00:00" }, nine],
  // New York is five hours behind.
  ["awsume, in local time", { manager: "awsume", expiration: "2026-01-31 04:00:00" }, nine],
  ["awsume, with a zone", { manager: "awsume", expiration: "2026-01-31T09:00:00Z" }, nine],
  ["weep, in seconds", { expiration: String(nine / 1000) }, nine],
  ["no time", { expiration: "tomorrow" }, undefined],
  ["a year alone", { expiration: "2026" }, undefined],
  ["nothing", {}, undefined],
])("%s", (_, values, expected) => {
  vi.stubEnv("TZ", "America/New_York");
  expect(expiryIn(properties(values))).toBe(expected);
});
