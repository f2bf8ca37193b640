// What keeps a user from being a break-glass user: what is not known is a problem too.
import { expect, test } from "vitest";
import { decideAbout } from "../../src/iam/decisions.ts";
import { indexPolicies } from "../../src/iam/policies-of.ts";
import { type Known, mapKnown, type User } from "../../src/iam/snapshot.ts";
import { listBreakGlassProblems } from "../../src/rollout/break-glass.ts";

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

function listProblems(change: Partial<User>): readonly string[] {
  const user: User = {
    ...{ name: "break-glass", arn, id: "AIDA1", path: "/", created: "2026-01-31T09:00:00Z", tags: {}, boundary: null },
    ...{ groups: [], attachedPolicies: [], inlinePolicies: [allow()] },
    devices: known([{ serialNumber: "GAHT12345678", kind: "hardware" }]),
    accessKeys: known([]),
    password: known({ lastUsed: known(null), lastChanged: known(null), resetRequired: known(false) }),
    ...change,
  };
  const decisions = mapKnown(indexPolicies(account)(user), (policies) => decideAbout(user, policies));
  return listBreakGlassProblems(user, decisions, group);
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
