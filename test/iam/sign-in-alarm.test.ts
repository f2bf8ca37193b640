// Whether a rule or a filter is about a user's sign-ins: yes, no, or fob cannot tell, which is never a yes.
import { expect, test } from "vitest";
import { joinAlarms, matchesFilter, matchesPattern } from "../../src/iam/sign-in-alarm.ts";

const user = { name: "break-glass", arn: "arn:aws:iam::123456789012:user/break-glass", id: "AIDA1" };
const signIn = { source: ["aws.signin"], "detail-type": ["AWS Console Sign In via CloudTrail"] };
const detail = (more: object) => ({ ...signIn, detail: { eventName: ["ConsoleLogin"], ...more } });

test.each<[boolean | undefined, unknown]>([
  [true, signIn],
  [true, detail({ userIdentity: { arn: [user.arn] } })],
  [true, detail({ userIdentity: { userName: ["ada", "break-glass"] } })],
  [false, detail({ userIdentity: { userName: ["ada"] } })],
  [false, detail({ userIdentity: { type: ["Root"] } })],
  [false, { source: ["aws.ec2"] }],
  [false, { source: ["aws.ec2"], detail: { state: [{ prefix: "x" }] } }],
  [undefined, detail({ userIdentity: { userName: [{ prefix: "break" }] } })],
  [undefined, detail({ additionalEventData: { MFAUsed: ["No"] } })],
  [undefined, { $or: [signIn] }],
  [undefined, "no pattern"],
])("a rule's pattern: %s for %j", (expected, pattern) => {
  expect(matchesPattern(JSON.stringify(pattern), user)).toBe(expected);
});

test.each<[boolean | undefined, string]>([
  [true, "{ $.eventName = ConsoleLogin }"],
  [true, '{ ($.eventName = "ConsoleLogin") && ($.userIdentity.userName = "break-glass") }'],
  [false, '{ ($.eventName = "ConsoleLogin") && ($.userIdentity.userName = "ada") }'],
  [false, "{ $.eventName = DeleteTrail }"],
  [undefined, '{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") }'],
  [undefined, '{ ($.eventName = ConsoleLogin) || ($.userIdentity.type = "Root") }'],
  [undefined, '{ $.userIdentity.arn = "*break-glass" }'],
  [undefined, "ConsoleLogin"],
])("a filter's pattern: %s for %s", (expected, pattern) => {
  expect(matchesFilter(pattern, user)).toBe(expected);
});

test("an alarm that was found counts; without one, what is not known is no pass", () => {
  const unknown = { unknown: "AWS denied it" };
  expect(joinAlarms([{ value: null }, unknown, { value: "rule x" }])).toEqual({ value: "rule x" });
  expect(joinAlarms([{ value: null }, unknown])).toEqual(unknown);
  expect(joinAlarms([{ value: null }])).toEqual({ value: null });
  expect(joinAlarms([])).toEqual({ value: null });
});
