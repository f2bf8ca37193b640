// Tests that decisions about thousands of users are those about each user alone.
import fc from "fast-check";
import { expect, test } from "vitest";
import { decideAbout, indexDecisions, type UserDecisions } from "../../src/iam/decisions.ts";
import { indexPolicies } from "../../src/iam/policies-of.ts";
import type { Known, ManagedPolicy, UserIdentity } from "../../src/iam/snapshot.ts";
import { enforceMfaPolicy, selfManagePolicy } from "../../src/policy/enforcement.ts";
import { numRunsOf } from "../helpers/broad.ts";

const policy = (...Statement: readonly object[]): object => ({ Version: "2012-10-17", Statement });
const without = { BoolIfExists: { "aws:MultiFactorAuthPresent": "false" } };
const deny = { Effect: "Deny", Action: "*", Resource: "*" };
const allow = { Effect: "Allow", Action: "*", Resource: "*" };
const variable = (name: string): string => `$\{aws:${name}}`;
const own = `arn:aws:iam::*:user/${variable("username")}`;

const documents = [
  ...[enforceMfaPolicy(), enforceMfaPolicy({ viaAwsService: true }), selfManagePolicy(), policy(allow)],
  policy({ ...allow, Action: ["iam:GetUser", "iam:EnableMFADevice"], Resource: own }),
  policy({ ...allow, Action: "s3:*", Resource: `arn:aws:s3:::${variable("PrincipalTag/Team")}/*` }),
  policy({ Effect: "Allow", Action: "s3:*", NotResource: `arn:aws:s3:::${variable("username")}/*` }),
  policy({ ...allow, Condition: { StringLike: { "aws:username": "b*" } } }),
  policy({ ...allow, Condition: { StringEquals: { "aws:userid": `AIDA${variable("username")}` } } }),
  policy({ ...deny, Condition: { ...without, StringEquals: { "aws:username": "ben" } } }),
  policy({ ...deny, Condition: { ...without, StringNotEquals: { "aws:PrincipalTag/Team": "ops" } } }),
  policy({ ...deny, Condition: { ...without, NotIpAddress: { "aws:SourceIp": "203.0.113.0/24" } } }),
  policy({ ...deny, Action: ["s3:*", "ec2:*"], Condition: without }),
  policy({ ...deny, Action: "iam:*", Resource: "arn:aws:iam::*:user/b*" }),
  policy({ Effect: "Deny", NotAction: "iam:*", Resource: "*", Condition: without }),
  policy({ Effect: "Deny", Action: "iam:*", NotResource: own, Condition: without }),
  policy({ Effect: "Deny", Action: "s3:*", NotResource: "arn:aws:s3:::ops/*" }),
  policy({ ...deny, Condition: { Bool: { "aws:MultiFactorAuthPresent": "false" } } }),
  policy({ ...deny, Condition: { Null: { "aws:MultiFactorAuthPresent": "true" } } }),
  policy({ ...allow, Resource: ["arn:aws:iam::*:user/cleo", "arn:aws:s3:::ops/*"] }),
];
const [enforce, selfManage, manageOwnUser, allowsWhoBeginsWithB, deniesUsersWithB, allowsCleo] = [0, 2, 4, 7, 13, 19];
const managedPolicies = documents.map(
  (document, index): ManagedPolicy => ({
    ...{ name: `p${index}`, arn: `arn:aws:iam::123456789012:policy/p${index}`, id: `ANPA${index}`, path: "/" },
    ...{ defaultVersion: "v1", document: JSON.stringify(document) },
  }),
);
const arns = managedPolicies.map(({ arn }) => arn);

const anyUser: fc.Arbitrary<UserIdentity> = fc
  .record({
    name: fc.constantFrom("ben", "cleo", "ops"),
    attachedPolicies: fc.array(fc.constantFrom(...arns), { maxLength: 4 }),
    boundary: fc.option(fc.constantFrom(...arns), { freq: 2 }),
    tags: fc.constantFrom<Record<string, string>[]>(
      {},
      { Team: "ops" },
      { team: "ops" },
      { Team: "dev", other: "ops" },
    ),
  })
  .map((chosen) => ({
    ...{ ...chosen, arn: `arn:aws:iam::123456789012:user/${chosen.name}`, id: `AIDA${chosen.name}`, path: "/" },
    ...{ inlinePolicies: [], groups: [], created: "2026-01-31T09:00:00Z" },
  }));

const more = [enforceMfaPolicy(), selfManagePolicy()];

const describe = (decisions: Known<UserDecisions>): unknown => {
  if (!("value" in decisions)) return decisions;
  const { value } = decisions;
  const allowed = (["key", "sign-in", "MFA"] as const).flatMap((method) => [
    value.listAllowed(method),
    value.listAllowed(method, more),
  ]);
  return [value.findOpening(), value.findOpening(more), ...allowed];
};

test("users get the decisions that each would get alone", () => {
  fc.assert(
    fc.property(fc.array(anyUser, { minLength: 2, maxLength: 6 }), (users) => {
      const identities = { groups: [], managedPolicies };
      const decisionsOf = indexDecisions(identities);
      const together = users.map((user) => describe(decisionsOf(user)));
      for (const [index, user] of users.entries()) {
        const policies = indexPolicies(identities)(user);
        if (!("value" in policies)) throw new Error(policies.unknown);
        expect(together[index]).toEqual(describe({ value: decideAbout(user, policies.value) }));
      }
    }),
    { numRuns: numRunsOf(200) },
  );
});

test("users who share policies share the work, unless a policy tells them apart", () => {
  const decisionsOf = indexDecisions({ groups: [], managedPolicies });
  const list = (attached: readonly number[], boundary?: number) =>
    ["ben", "cleo"].map((name) => {
      const decisions = decisionsOf({
        ...{ name, arn: `arn:aws:iam::123456789012:user/${name}`, id: name, path: "/", created: "", tags: {} },
        ...{ inlinePolicies: [], groups: [], boundary: arns[boundary ?? -1] ?? null },
        attachedPolicies: attached.flatMap((index) => arns[index] ?? []),
      });
      return "value" in decisions ? decisions.value.listAllowed("MFA") : undefined;
    });
  const [ben, cleo] = list([enforce, selfManage]);
  expect(ben).toBe(cleo);
  expect(list([allowsWhoBeginsWithB])).toEqual([["*"], []]);
  const [ofB, ofC] = list([manageOwnUser, deniesUsersWithB]);
  expect([ofB, ofC?.length]).toEqual([[], 2]);
  const [outside, within] = list([manageOwnUser], allowsCleo);
  expect([outside, within?.length]).toEqual([[], 2]);
});
