// Tests trust policies: their principals and operators.

import { describe, expect, test } from "vitest";
import { evaluateTrust, PolicyError, readTrustPolicy } from "../../src/policy/engine/evaluate.ts";

const alice = "arn:aws:iam::123456789012:user/alice";
const root = "arn:aws:iam::123456789012:root";
const statement = { Effect: "Allow", Principal: { AWS: alice }, Action: "sts:AssumeRole" };

function decide(changes: object, context: Record<string, string> = {}, names = ["*", alice, "123456789012", root]) {
  const trust = readTrustPolicy({ Version: "2012-10-17", Statement: { ...statement, ...changes } });
  const request = { action: "sts:AssumeRole", resource: "arn:aws:iam::123456789012:role/deploy", context };
  return evaluateTrust(trust, names, request).decision;
}

test.each<[unknown, string]>([
  ["*", "allowed"],
  [{ AWS: "*" }, "allowed"],
  [{ AWS: "123456789012" }, "allowed"],
  [{ AWS: [root, "999999999999"] }, "allowed"],
  [{ AWS: alice }, "allowed"],
  [{ AWS: "arn:aws:iam::123456789012:user/bob" }, "implicitDeny"],
  [{ AWS: "999999999999" }, "implicitDeny"],
])("principal %j: %s", (Principal, decision) => {
  expect(decide({ Principal })).toBe(decision);
});

test("denies an action that the trust policy does not name", () => {
  expect(decide({ Action: "sts:TagSession" })).toBe("implicitDeny");
});

describe("operators", () => {
  const when = (operator: string, value: unknown, given?: string) =>
    decide({ Condition: { [operator]: { "aws:key": value } } }, given === undefined ? {} : { "AWS:Key": given });

  test.each<[string, unknown, string | undefined, boolean]>([
    ["StringEquals", ["a", "B"], "B", true],
    ["StringEquals", "B", "b", false],
    ["StringEquals", "a*", "ab", false],
    ["StringEquals", "a", undefined, false],
    ["StringEqualsIfExists", "a", undefined, true],
    ["StringEqualsIfExists", "a", "b", false],
    ["StringNotEquals", ["a", "b"], "b", false],
    ["StringNotEquals", ["a", "b"], "c", true],
    ["StringNotEquals", "a", undefined, true],
    ["StringLike", "a*", "ab", true],
    ["StringNotLike", "a*", "ab", false],
    ["ArnLike", "arn:aws:iam::*:user/a*", alice, true],
    ["ArnEquals", "arn:aws:iam::*:user/a*", alice, true],
    // A wildcard matches only within its component; the last component may contain colons.
    ["ArnLike", "arn:aws:*:user:/:alice", alice, false],
    ["ArnLike", "arn:aws:iam::*:user/alice", "no ARN", false],
    ["NumericLessThan", "3600", "3599", true],
    ["NumericLessThan", 3600, "3600", false],
    ["NumericLessThan", 3600, undefined, false],
    ["NumericLessThanEquals", "3600", "3600", true],
    ["NumericGreaterThan", "900", "1000", true],
    ["NumericGreaterThanEqualsIfExists", "900", undefined, true],
  ])("%s %j, given %s: %s", (operator, value, given, holds) => {
    expect(when(operator, value, given)).toBe(holds ? "allowed" : "implicitDeny");
  });
});

test.each<[object, string]>([
  [{ Principal: undefined }, 'Principal must be "*" or a JSON object'],
  [{ Principal: { Service: "ec2.amazonaws.com" } }, 'element "Service" is not supported'],
  [{ Principal: { AWS: [] } }, "is missing or empty"],
  [{ Principal: { AWS: "arn:aws:iam::123456789012:user/*" } }, 'principal "arn:aws:iam::123456789012:user/*"'],
  [{ Principal: { AWS: "arn:aws:iam::123456789012:group/a" } }, 'principal "arn:aws:iam::123456789012:group/a"'],
  [{ NotPrincipal: "*" }, 'element "NotPrincipal" is not supported'],
  [{ Resource: "*" }, 'element "Resource" is not supported'],
  [{ Action: "sts:*" }, 'action "sts:*" is not supported in a trust policy'],
  [{ Condition: { Nul: { "aws:PrincipalArn": "true" } } }, 'unknown condition operator "Nul"'],
  [{ Condition: { NumericLessThan: { "aws:MultiFactorAuthAge": "1h" } } }, '"1h" is not a number'],
  [{ Condition: { ArnLike: { "aws:PrincipalArn": "alice" } } }, '"alice" is not an ARN'],
])("rejects what is not supported: %j", (changes, message) => {
  const read = () => readTrustPolicy({ Statement: { ...statement, ...changes } });
  expect(read).toThrow(PolicyError);
  expect(read).toThrow(message);
});
