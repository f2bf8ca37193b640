// What keeps a user from being a break-glass user: what is not known is a problem too.
import { expect, test } from "vitest";
import { decideAbout } from "../../src/iam/decisions.ts";
import { indexPolicies } from "../../src/iam/policies-of.ts";
import { type AccountSnapshot, type Known, mapKnown, type User } from "../../src/iam/snapshot.ts";
import { listBreakGlassAdvice, listBreakGlassProblems } from "../../src/rollout/break-glass.ts";

const arn = "arn:aws:iam::123456789012:user/break-glass";
const account = { groups: [], managedPolicies: [] };
const group = { group: "RequireMFA", groupArn: "arn:aws:iam::123456789012:group/RequireMFA" };
const allow = (condition?: object) => ({
  name: "own",
  document: JSON.stringify({
    Version: "2012-10-17",
    Statement: { Effect: "Allow", Action: "*", Resource: "*", ...(condition && { Condition: condition }) },
  }),
});
const known = <T>(value: T): Known<T> => ({ value });

type PasswordPolicy = AccountSnapshot["passwordPolicy"];
const now = Date.UTC(2026, 10, 27);
const ago = (days: number): string => `${new Date(now - days * 86_400_000).toISOString().slice(0, 19)}Z`;

function makeUser(change: Partial<User>): User {
  return {
    ...{ name: "break-glass", arn, id: "AIDA1", path: "/", created: "2026-01-31T09:00:00Z", tags: {}, boundary: null },
    ...{ groups: [], attachedPolicies: [], inlinePolicies: [allow()] },
    devices: known([{ serialNumber: "GAHT12345678", kind: "hardware" }]),
    accessKeys: known([]),
    password: known({ lastUsed: known(null), lastChanged: known(null), resetRequired: known(false) }),
    ...change,
  };
}

function listProblems(change: Partial<User>, passwordPolicy: PasswordPolicy = known(null)): readonly string[] {
  const user = makeUser(change);
  const decisions = mapKnown(indexPolicies(account)(user), (policies) => decideAbout(user, policies));
  return listBreakGlassProblems(user, decisions, { ...group, account: { passwordPolicy }, now });
}

const elsewhere = { IpAddress: { "aws:SourceIp": "192.0.2.0/24" } };
const device = { IpAddress: { "aws:SourceIp": "192.0.2.0/24" }, Bool: { "aws:MultiFactorAuthPresent": "false" } };

test.each<[string, Partial<User>, readonly string[]]>([
  ["nothing", {}, []],
  [
    "membership",
    { groups: ["requiremfa"] },
    ["is in group RequireMFA", "is not known: AWS did not return the group requiremfa"],
  ],
  ["no policy", { inlinePolicies: [] }, ["cannot take users out of the group"]],
  ["a policy that is never met with MFA", { inlinePolicies: [allow(device)] }, ["cannot take users out of the group"]],
  [
    "a policy for one network",
    { inlinePolicies: [allow(elsewhere)] },
    ["is not known to be able to take users out of the group: it depends on the request"],
  ],
  ["no password", { password: known(null) }, ["has no console password"]],
  ["no device", { devices: known([]) }, ["has no MFA device"]],
  ["devices that were not read", { devices: { unknown: "no permission" } }, ["is not known: no permission"]],
  [
    "an active key",
    { accessKeys: known([{ active: true, lastRotated: null, lastUsed: null, lastUsedService: null }]) },
    ["has an active access key"],
  ],
])("%s", (_, change, problems) => {
  expect(listProblems(change)).toEqual(problems);
});

const changed = (lastChanged: Known<string | null>): Pick<User, "password"> => ({
  password: known({ lastUsed: known(null), lastChanged, resetRequired: known(false) }),
});
const policyOf = (hardExpiry: boolean, allowUsersToChangePassword = false): PasswordPolicy =>
  known({ hardExpiry, allowUsersToChangePassword, maxAgeDays: 90, minimumLength: 8, requires: [] });
const onlyMembers = {
  inlinePolicies: [
    {
      name: "own",
      document: JSON.stringify({
        ...{ Version: "2012-10-17" },
        Statement: { Effect: "Allow", Action: "iam:RemoveUserFromGroup", Resource: "*" },
      }),
    },
  ],
};

test.each<[string, Partial<User>, PasswordPolicy, readonly string[]]>([
  ["within its time", changed(known(ago(89))), policyOf(true), []],
  [
    "hard expiry",
    changed(known(ago(91))),
    policyOf(true),
    ["the password has expired, and only an administrator can set a new one"],
  ],
  ["one that the user can change at the sign-in", changed(known(ago(91))), policyOf(false), []],
  [
    "one that the user cannot change",
    { ...changed(known(ago(91))), ...onlyMembers },
    policyOf(false),
    ["the password has expired, and could not do that without MFA"],
  ],
  [
    "one that the password policy lets the user change",
    { ...changed(known(ago(91))), ...onlyMembers },
    policyOf(false, true),
    [],
  ],
  [
    "an age that is not known",
    changed({ unknown: "no report" }),
    policyOf(false),
    ["when the password was last changed is not known: no report"],
  ],
  [
    "an age that the report does not have",
    changed(known(null)),
    policyOf(false),
    ["when the password was last changed is not known: the credential report does not have it"],
  ],
  [
    "a password policy that is not known",
    {},
    { unknown: "AWS denied it" },
    ["the password policy is not known: AWS denied it"],
  ],
])("an expired password: %s", (_, change, passwordPolicy, problems) => {
  expect(listProblems(change, passwordPolicy)).toEqual(problems);
});

test("an expired password that the user can change at the sign-in should be changed before", () => {
  const account = { passwordPolicy: policyOf(false) };
  const adviceFor = (days: number): string =>
    listBreakGlassAdvice(makeUser(changed(known(ago(days)))), { account, now }).join();
  expect(adviceFor(91)).toContain("a new password: this one has expired");
  expect(adviceFor(89)).not.toContain("expired");
});
