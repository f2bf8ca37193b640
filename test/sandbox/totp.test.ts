// Tests that codes match those of any authenticator.

import { test as propertyTest } from "@fast-check/vitest";
import fc from "fast-check";
import { expect, test } from "vitest";
import { base32Decode, base32Encode, timeStep, totp } from "../../src/sandbox/totp.ts";

// RFC 6238, appendix B, SHA-1: seconds since 1970 and the code of eight digits.
test.each([
  [59, "94287082"],
  [1111111109, "07081804"],
  [1111111111, "14050471"],
  [1234567890, "89005924"],
  [2000000000, "69279037"],
  [20000000000, "65353130"],
])("RFC 6238: the code at %i s is %s", (seconds, code) => {
  const secret = Buffer.from("12345678901234567890");
  expect(totp(secret, seconds * 1000, 8)).toBe(code);
  expect(totp(base32Encode(secret), seconds * 1000)).toBe(code.slice(2));
});

// RFC 4648, section 10, without padding.
test.each([
  ["", ""],
  ["f", "MY"],
  ["fo", "MZXQ"],
  ["foo", "MZXW6"],
  ["foob", "MZXW6YQ"],
  ["fooba", "MZXW6YTB"],
  ["foobar", "MZXW6YTBOI"],
])("base32 of %j is %j", (text, encoded) => {
  expect(base32Encode(Buffer.from(text))).toBe(encoded);
  expect(base32Decode(encoded).toString()).toBe(text);
});

test("decodes base32 with spaces and in any case, and rejects other characters", () => {
  expect(base32Decode("mzxw 6yq=").toString()).toBe("foob");
  expect(() => base32Decode("MZXW1")).toThrow('"1" is not a base32 character');
});

propertyTest.prop([fc.uint8Array({ maxLength: 64 })])("base32 decodes what it encodes", (bytes) => {
  expect(new Uint8Array(base32Decode(base32Encode(bytes)))).toEqual(bytes);
});

test("a time step lasts thirty seconds", () => {
  expect([0, 29_999, 30_000].map(timeStep)).toEqual([0, 0, 1]);
});
