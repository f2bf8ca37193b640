import { fc, test as property } from "@fast-check/vitest";
import { expect, test } from "vitest";
import { readCode } from "../../src/codes/code.ts";

test.each(["012345", "012 345", " 0 1 2 3 4 5\n", "012\u00a0345"])("%j is a code, its zero included", (text) =>
  expect(readCode(text)).toEqual({ code: "012345" }),
);

test.each([
  ["", "a code has six digits"],
  ["12345", "a code has six digits; you typed 5"],
  ["1234567", "a code has six digits; you typed 7"],
  ["12345a", "a code has six digits and nothing else"],
  ["٠١٢٣٤٥", "a code has six digits and nothing else"],
])("%j is none", (text, problem) => expect(readCode(text)).toEqual({ problem }));

test("a YubiKey's one-time password gets an explanation of its own", () => {
  const read = readCode("ccccccbcgujhingjrdejhgfnuetrgigvejhhgbkugded");
  expect(read).toHaveProperty("problem", expect.stringContaining("Yubico OTP"));
});

property.prop([fc.string()])("what was typed is never repeated in the problem", (text) => {
  const read = readCode(text);
  if ("problem" in read && /\w{7,}/.test(text)) expect(read.problem).not.toContain(text);
});
