// Whether a rule or a filter is about a user's sign-ins: yes, no, or fob cannot tell, which is never a yes.
import { expect, onTestFinished, test } from "vitest";
import { goesOffAtOne } from "../../src/aws/alarms.ts";
import { findSignInAlarm } from "../../src/cli/sign-in-alarm.ts";
import { joinAlarms, matchesFilter, matchesPattern } from "../../src/iam/sign-in-alarm.ts";
import type { User } from "../../src/iam/snapshot.ts";
import { addTrail } from "../../src/sandbox/monitoring/cloudtrail.ts";
import { putEventRule } from "../../src/sandbox/monitoring/eventbridge.ts";
import { addTopic } from "../../src/sandbox/monitoring/sns.ts";
import { startSandbox } from "../../src/sandbox/server.ts";
import { askAs } from "./read-account.ts";

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

test.each<[boolean, string, Parameters<typeof goesOffAtOne>[0]]>([
  [true, "at least 1", {}],
  [true, "more than 0", { ComparisonOperator: "GreaterThanThreshold", Threshold: 0 }],
  [true, "once in 3 periods", { EvaluationPeriods: 3, DatapointsToAlarm: 1 }],
  [false, "more than 1", { ComparisonOperator: "GreaterThanThreshold" }],
  [false, "at least 2", { Threshold: 2 }],
  [false, "at least 0, which is always", { Threshold: 0 }],
  [false, "less than 1", { ComparisonOperator: "LessThanThreshold" }],
  [false, "in 2 periods of 2", { EvaluationPeriods: 2 }],
  [false, "with its actions disabled", { ActionsEnabled: false }],
])("an alarm goes off at one sign-in: %s for %s", (expected, _title, alarm) => {
  const usual = { ComparisonOperator: "GreaterThanOrEqualToThreshold", Threshold: 1, EvaluationPeriods: 1 };
  expect(goesOffAtOne({ ActionsEnabled: true, ...usual, ...alarm })).toBe(expected);
});

test("an alarm that was found counts; without one, what is not known is no pass", () => {
  const unknown = { unknown: "AWS denied it" };
  expect(joinAlarms([{ value: null }, unknown, { value: "rule x" }])).toEqual({ value: "rule x" });
  expect(joinAlarms([{ value: null }, unknown])).toEqual(unknown);
  expect(joinAlarms([{ value: null }])).toEqual({ value: null });
  expect(joinAlarms([])).toEqual({ value: null });
});

const regions = ["us-east-1", "us-east-2", "eu-north-1", "ap-southeast-2"];

/** What is found of the sign-ins of a user, with rules in some regions and a trail that logs, or does not. */
async function findWith(rules: readonly string[], trail: "logs" | "stopped" | "none") {
  const sandbox = await startSandbox({
    fill(account) {
      for (const name of rules) {
        const region = account.inRegion(name);
        const rule = { name: "sign-ins", pattern: JSON.stringify(signIn), schedule: undefined, description: "" };
        const topic = addTopic(account, region, "on-call", { email: "security@example.com" });
        putEventRule(account, region, rule).targets.set("email", { id: "email", arn: topic, input: undefined });
      }
      if (trail === "none") return;
      addTrail(account, {
        ...{ name: "all", homeRegion: "eu-central-1", isMultiRegion: true, bucket: "all", logGroupArn: undefined },
        ...{ logRoleArn: undefined, startedMs: trail === "logs" ? Date.now() - 86_400_000 : undefined },
      });
    },
  });
  onTestFinished(() => sandbox.close());
  const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
  const { accessKey } = sandbox.addUser({ name: "ada", policies: [everything] });
  const found = { ...user, arn: "arn:aws:iam::123456789012:user/break-glass" } as User;
  return await askAs(sandbox.url, accessKey, (aws) => findSignInAlarm(aws, found));
}

test("rules tell of all sign-ins where they are in each region in which AWS records them, and a trail logs", async () => {
  expect(await findWith(regions, "logs")).toEqual({
    value:
      "rule sign-ins in us-east-1, to arn:aws:sns:us-east-1:123456789012:on-call, and in us-east-2, eu-north-1, ap-southeast-2",
  });
  expect(await findWith(["us-east-1"], "logs")).toEqual({
    unknown: expect.stringContaining("no rule was found in us-east-2, eu-north-1, ap-southeast-2") as string,
  });
});

test("rules tell of nothing without a trail that logs", async () => {
  expect(await findWith(regions, "stopped")).toEqual({ value: null });
  expect(await findWith(regions, "none")).toEqual({ value: null });
  expect(await findWith([], "logs")).toEqual({ value: null });
});
