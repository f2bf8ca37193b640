// The users of the HTML report, one by one: what is not known is never enforced.
import { expect, test } from "vitest";
import { prepareAudit, runChecks } from "../../src/audit/audit.ts";
import { listAuditedUsers } from "../../src/audit/people.ts";
import type { User } from "../../src/iam/snapshot.ts";
import { makeAccount, makeUser } from "./account-of.ts";

function describe(change: Partial<User>) {
  const { snapshot, options } = makeAccount([makeUser("ben", change)]);
  const [user] = listAuditedUsers(prepareAudit(snapshot, options));
  if (user === undefined) throw new Error("no user");
  return user;
}

const inline = (...statements: object[]) => ({
  inlinePolicies: [{ name: "own", document: JSON.stringify({ Version: "2012-10-17", Statement: statements }) }],
});
const denied = inline({
  ...{ Effect: "Deny", Action: "*", Resource: "*" },
  Condition: { BoolIfExists: { "aws:MultiFactorAuthPresent": "false" } },
});
const withoutKeys = { accessKeys: { value: [] } };

test.each<[string, Partial<User>, string, RegExp]>([
  ["denied without MFA", denied, "enforced", /^denied without MFA$/],
  ["not denied", {}, "open", /^MFA is not enforced: nothing is denied, and nothing is allowed either$/],
  [
    "a policy that AWS did not return",
    { attachedPolicies: ["arn:aws:iam::aws:policy/x"] },
    "unknown",
    /did not return/,
  ],
  ["unknown keys, though denied", { ...denied, accessKeys: { unknown: "no permission" } }, "unknown", /no permission/],
  ["an unknown password, though denied", { ...denied, password: { unknown: "no look" } }, "unknown", /no look/],
  ["no credentials", { ...withoutKeys, password: { value: null } }, "no credentials", /^$/],
  [
    "a program",
    { password: { value: null }, devices: { value: [] } },
    "exempt",
    /^automation: an access key, no password and no MFA device$/,
  ],
  ["a break-glass user", { tags: { "fob-role": "break-glass" } }, "exempt", /^break-glass: tag fob-role$/],
])("%s", (_, change, state, why) => {
  const { enforcement } = describe(change);
  expect(enforcement.state).toBe(state);
  expect(enforcement.why).toMatch(why);
});

test("the table and the check say the same of every user", () => {
  const users = [makeUser("ben"), makeUser("cleo", denied), makeUser("dan", { attachedPolicies: ["arn:x"] })];
  const { snapshot, options } = makeAccount(users);
  const input = prepareAudit(snapshot, options);
  const states = listAuditedUsers(input).map(({ name, enforcement }) => `${name} ${enforcement.state}`);
  expect(states).toEqual(["ben open", "cleo enforced", "dan unknown"]);
  const check = runChecks(input).checks.find(({ id }) => id === "enforced-for-every-user");
  expect(check).toMatchObject({ subjects: [{ name: "ben" }], reason: "1 of 3 active users; not known for 1" });
});

test("devices are counted by kind, and none are known only if no other device may be the user's", () => {
  const virtual = { serialNumber: "arn:aws:iam::123456789012:mfa/x", kind: "virtual" } as const;
  const hardware = { serialNumber: "GAHT12345678", kind: "hardware" } as const;
  expect(describe({ devices: { value: [virtual, hardware, virtual] } }).devices).toEqual({
    value: new Map([
      ["virtual", 2],
      ["hardware", 1],
    ]),
  });
  expect(describe({}).devices).toEqual({ value: new Map() });
  expect(describe({ mayHaveMoreDevices: true }).devices).toHaveProperty("unknown");
});

test("ages are in days, and what is not known of a password says why", () => {
  const { accessKeys, password } = describe({});
  expect(accessKeys).toEqual({ value: [{ active: true, ageDays: 200 }] });
  expect(password).toEqual({ value: { unusedDays: { value: 1 }, mustChange: { value: false } } });
  const unread = { unknown: "no permission" };
  const value = { lastUsed: unread, lastChanged: unread, resetRequired: unread };
  expect(describe({ password: { value } }).password).toEqual({ value: { unusedDays: unread, mustChange: unread } });
});
