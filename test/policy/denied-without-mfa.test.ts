// Tests that the verdicts on thousands of users are those of the users one by one.
import fc from "fast-check";
import { expect, test } from "vitest";
import { createMfaCheck, type UserPolicies } from "../../src/policy/denied-without-mfa.ts";
import { findOpenings, isEnforced } from "../../src/policy/enforced.ts";
import { enforceMfaPolicy, selfManagePolicy } from "../../src/policy/enforcement.ts";
import type { PolicyDocument } from "../../src/policy/engine/document.ts";
import { describeUser, type Subject } from "../../src/policy/engine/subject.ts";
import { listAuthMethods } from "../../src/policy/proof.ts";

const policy = (...statements: readonly object[]): PolicyDocument => ({
  Version: "2012-10-17",
  Statement: statements as PolicyDocument["Statement"],
});
const without = { BoolIfExists: { "aws:MultiFactorAuthPresent": "false" } };
const deny = { Effect: "Deny", Action: "*", Resource: "*" };
const own = "arn:aws:iam::*:user/$" + "{aws:username}";

const documents = [
  ...[enforceMfaPolicy(), enforceMfaPolicy({ viaAwsService: true }), selfManagePolicy()],
  policy({ Effect: "Allow", Action: "*", Resource: "*" }),
  policy({ Effect: "Allow", Action: ["iam:GetUser", "iam:EnableMFADevice"], Resource: own }),
  policy({ ...deny, Condition: { ...without, StringEquals: { "aws:username": "ben" } } }),
  policy({ ...deny, Condition: { ...without, StringNotEquals: { "aws:PrincipalTag/Team": "ops" } } }),
  policy({ ...deny, Condition: { ...without, NotIpAddress: { "aws:SourceIp": "203.0.113.0/24" } } }),
  policy({ ...deny, Action: ["s3:*", "ec2:*"], Condition: without }),
  policy({ Effect: "Deny", NotAction: "iam:*", Resource: "*", Condition: without }),
  policy({ Effect: "Deny", Action: "iam:*", NotResource: own, Condition: without }),
  policy({ ...deny, Condition: { Bool: { "aws:MultiFactorAuthPresent": "false" } } }),
  policy({ ...deny, Condition: { Null: { "aws:MultiFactorAuthPresent": "true" } } }),
  policy({
    Effect: "Allow",
    Action: "*",
    Resource: "*",
    Condition: { Bool: { "aws:MultiFactorAuthPresent": "true" } },
  }),
];

const subject = (name: string, tags: Record<string, string>): Subject => {
  const found = describeUser({ arn: `arn:aws:iam::123456789012:user/${name}`, id: `AIDA${name}`, tags });
  if (found === undefined) throw new Error("not a user");
  return found;
};

const anyUser: fc.Arbitrary<UserPolicies> = fc.record({
  policies: fc.array(fc.constantFrom(...documents), { maxLength: 4 }),
  boundary: fc.option(fc.constantFrom(...documents), { nil: undefined, freq: 2 }),
  subject: fc
    .tuple(
      fc.constantFrom("ben", "cleo"),
      fc.constantFrom<Record<string, string>[]>({}, { Team: "ops" }, { team: "ops" }, { Team: "dev", other: "ops" }),
    )
    .map(([name, tags]) => subject(name, tags)),
});

const judgeAlone = ({ policies, boundary, subject: { context } }: UserPolicies): boolean =>
  findOpenings(policies, boundary, listAuthMethods([]), { ...context, "aws:ViaAWSService": "false" }).every(isEnforced);

test("users get the verdict that each would get alone", () => {
  const verdicts = new Set<boolean>();
  fc.assert(
    fc.property(fc.array(anyUser, { minLength: 2, maxLength: 8 }), (users) => {
      const isDenied = createMfaCheck();
      const alone = users.map(judgeAlone);
      for (const verdict of alone) verdicts.add(verdict);
      expect(users.map(isDenied)).toEqual(alone);
    }),
  );
  expect(verdicts.size).toBe(2);
});

test("a condition on the user's name or tag tells users with the same policies apart", () => {
  const isDenied = createMfaCheck();
  const [byName, byTag] = [documents[5], documents[6]].map((document) => (document ? [document] : []));
  const check = (policies: readonly PolicyDocument[] = [], name: string, tags: Record<string, string> = {}) =>
    isDenied({ policies, boundary: undefined, subject: subject(name, tags) });
  // Both deny everything: also what users need to set up MFA.
  expect([check(byName, "ben"), check(byName, "cleo"), check(byName, "ben")]).toEqual([true, false, true]);
  expect([check(byTag, "ben", { team: "ops" }), check(byTag, "ben", { team: "dev" })]).toEqual([false, true]);
});
