// The state of each user before a rollout, the first that applies, and unknown where that cannot be said.
import { describe, expect, test } from "vitest";
import type { Simulated } from "../../src/iam/simulated.ts";
import type { AccessKey, AccountSnapshot, KeyHistory, Known, Password, User } from "../../src/iam/snapshot.ts";
import { makePlan, type PlanOptions } from "../../src/rollout/plan.ts";

const now = Date.UTC(2026, 10, 27);
const ago = (days: number): string => `${new Date(now - days * 86_400_000).toISOString().slice(0, 19)}Z`;
const allow = (...actions: string[]) =>
  JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: actions, Resource: "*" }] });
const denyWithoutMfa = JSON.stringify({
  Version: "2012-10-17",
  Statement: [
    {
      ...{ Effect: "Deny", NotAction: "sts:GetSessionToken", Resource: "*" },
      Condition: { BoolIfExists: { "aws:MultiFactorAuthPresent": "false" } },
    },
  ],
});

const key = (lastUsedService: string | null, days: number, active = true): AccessKey => ({
  ...{ active, lastRotated: ago(400), lastUsed: lastUsedService === null ? null : ago(days), lastUsedService },
});
const password = (change: Partial<Password> = {}): User["password"] => ({
  value: { lastUsed: { value: ago(1) }, lastChanged: { value: ago(50) }, resetRequired: { value: false }, ...change },
});
const device = (kind: "virtual" | "security key" = "virtual") => ({ serialNumber: "x", kind });

const history = (change: Partial<KeyHistory> = {}): KeyHistory => ({
  ...{ regions: ["us-east-1", "eu-central-1"], use: { value: null }, federation: { value: null } },
  ...change,
});

/** A user who is ready. */
const makeUser = (change: Partial<User> = {}): User => ({
  ...{ name: "ben", arn: "arn:aws:iam::123456789012:user/ben", id: "AIDABEN", path: "/", created: ago(500) },
  ...{ inlinePolicies: [], attachedPolicies: [], groups: [], boundary: null, tags: {} },
  ...{ devices: { value: [device()] }, accessKeys: { value: [key("sts", 1)] }, password: password() },
  keyHistory: history(),
  ...change,
});

const policyOf = (change: Partial<NonNullable<object>> = {}): AccountSnapshot["passwordPolicy"] => ({
  value: {
    ...{ allowUsersToChangePassword: false, hardExpiry: false, maxAgeDays: null, minimumLength: 8, requires: [] },
    ...change,
  },
});

const makeAccount = (users: readonly User[], change: Partial<AccountSnapshot> = {}): AccountSnapshot => ({
  ...{ version: 1, account: "123456789012", partition: "aws", made: ago(0), alias: { value: null } },
  ...{ summary: { value: {} }, passwordPolicy: policyOf(), reportGenerated: { value: ago(0) } },
  root: { value: { hasMfa: true, hasPassword: true, passwordLastUsed: null, activeAccessKeys: 0 } },
  unassignedVirtualDevices: { value: [] },
  groups: [
    {
      ...{ name: "RequireMFA", arn: "arn:aws:iam::123456789012:group/RequireMFA", id: "AGPA1", path: "/" },
      ...{ inlinePolicies: [{ name: "deny", document: denyWithoutMfa }], attachedPolicies: [] },
    },
    {
      ...{ name: "empty", arn: "arn:aws:iam::123456789012:group/empty", id: "AGPA2", path: "/" },
      ...{ inlinePolicies: [], attachedPolicies: [] },
    },
  ],
  ...{ roles: [], managedPolicies: [], users, ...change },
});

const defaults: PlanOptions = {
  ...{ group: "RequireMFA", policy: { passwordChange: true, maxAgeSeconds: null, viaAwsService: false } },
  ...{ batchSize: 3, exclude: [], include: [], breakGlass: [], now },
};

const planFor = (users: readonly User[], account: Partial<AccountSnapshot> = {}, options: Partial<PlanOptions> = {}) =>
  makePlan(makeAccount(users, account), { ...defaults, ...options });

const stateOf = (user: Partial<User>, account: Partial<AccountSnapshot> = {}, options: Partial<PlanOptions> = {}) => {
  const [{ state, evidence, unknown } = { state: undefined }] = planFor([makeUser(user)], account, options).users;
  return { state, evidence, unknown };
};

const reason = "AWS denied iam:Something";
const withoutChange = { policy: { passwordChange: false, maxAgeSeconds: null, viaAwsService: false } };

test.each<[string, Partial<User>, Partial<AccountSnapshot>, Partial<PlanOptions>]>([
  ["break-glass", { tags: { "fob-role": "break-glass" }, groups: ["RequireMFA"] }, {}, {}],
  ["break-glass", { devices: { unknown: reason } }, {}, { breakGlass: ["BEN"] }],
  ["enforced", { groups: ["RequireMFA"], devices: { value: [] } }, {}, { group: "requiremfa" }],
  ["enforced-ineffective", { groups: ["empty"] }, {}, { group: "empty" }],
  ["unknown", { groups: ["RequireMFA"], attachedPolicies: ["arn:aws:iam::123456789012:policy/gone"] }, {}, {}],
  ["automation", { password: { value: null }, accessKeys: { value: [key(null, 0)] } }, {}, {}],
  ["automation", { tags: { "fob-role": "automation" } }, {}, {}],
  ["inactive", { password: { value: null }, accessKeys: { value: [key("s3", 1, false)] } }, {}, {}],
  [
    "inactive",
    {
      password: password({ lastUsed: { value: ago(91) }, lastChanged: { value: ago(300) } }),
      accessKeys: { value: [] },
    },
    {},
    {},
  ],
  ["needs-device", { devices: { value: [] }, password: password({ resetRequired: { value: true } }) }, {}, {}],
  // Someone who came a week ago and never signed in is not inactive.
  [
    "needs-device",
    { created: ago(7), devices: { value: [] }, password: password({ lastUsed: { value: null } }) },
    {},
    {},
  ],
  ["password-pending", { password: password({ resetRequired: { value: true } }) }, {}, withoutChange],
  ["ready", { password: password({ resetRequired: { value: true } }) }, {}, {}],
  ["password-pending", {}, { passwordPolicy: policyOf({ maxAgeDays: 49 }) }, withoutChange],
  ["password-pending", {}, { passwordPolicy: policyOf({ maxAgeDays: 49, hardExpiry: true }) }, {}],
  ["ready", {}, { passwordPolicy: policyOf({ maxAgeDays: 51, hardExpiry: true }) }, {}],
  ["unknown", { password: password({ resetRequired: { unknown: reason } }) }, {}, {}],
  [
    "unknown",
    {
      password: password({ lastUsed: { unknown: reason }, lastChanged: { unknown: reason } }),
      accessKeys: { value: [] },
    },
    {},
    {},
  ],
  [
    "unknown",
    { password: password({ lastChanged: { unknown: reason } }) },
    { passwordPolicy: policyOf({ maxAgeDays: 49 }) },
    {},
  ],
  ["security-key-only", { devices: { value: [device("security key")] } }, {}, {}],
  ["ready", { devices: { value: [device("security key")] }, accessKeys: { value: [] } }, {}, {}],
  ["ready", { devices: { value: [device("security key"), device()] } }, {}, {}],
  ["key-in-use", { accessKeys: { value: [key("s3", 29)] } }, {}, {}],
  ["key-in-use", { keyHistory: history({ use: { value: "s3:ListBuckets 1 h ago" } }) }, {}, {}],
  ["key-in-use", { keyHistory: history({ federation: { value: "sts:GetFederationToken 2 days ago" } }) }, {}, {}],
  ["ready", { accessKeys: { value: [key("s3", 31)] } }, {}, {}],
  ["ready", { accessKeys: { value: [key("s3", 1, false), key("iam", 1)] } }, {}, {}],
  ["unknown", { devices: { unknown: reason } }, {}, {}],
  ["unknown", { accessKeys: { unknown: reason } }, {}, {}],
  ["unknown", { password: { unknown: reason } }, {}, {}],
  ["ready", {}, {}, {}],
])("%s: %j %j %j", (state, user, account, options) => {
  const found = stateOf(user, account, options);
  expect(found.state).toBe(state);
  expect(found.evidence).not.toEqual([]);
  if (state === "unknown") expect(found.unknown).not.toEqual([]);
});

test("what CloudTrail leaves open is said, and what it was asked", () => {
  const { state, evidence, unknown } = stateOf({ keyHistory: history({ use: { unknown: reason } }) });
  expect({ state, unknown }).toEqual({
    ...{ state: "ready", unknown: [`what else the access key was used for: ${reason}`] },
  });
  expect(evidence?.join()).not.toContain("CloudTrail");
  expect(stateOf({ keyHistory: undefined }).unknown?.join()).toContain("CloudTrail was not looked at");
  expect(stateOf({}).evidence).toContain("no other use in CloudTrail in us-east-1, eu-central-1");
});

test("where AWS's simulator disagrees, the state is unknown and the user is in no batch", () => {
  const users = ["agrees", "disagrees", "denied"].map((name) =>
    makeUser({ name, arn: `arn:aws:iam::123456789012:user/${name}` }),
  );
  const simulated = new Map<string, Known<Simulated>>([
    ["agrees", { value: { agreed: 12, allowed: 4, disagreements: [] } }],
    [
      "disagrees",
      {
        value: { agreed: 11, allowed: 4, disagreements: ["iam:ListUsers without MFA: fob explicitDeny, AWS allowed"] },
      },
    ],
    ["denied", { unknown: reason }],
  ]);
  const plan = planFor(users, {}, { simulated });
  expect(plan.batches.flatMap((batch) => batch.users)).toEqual(["agrees", "denied"]);
  expect(plan.users).toMatchObject([
    { user: "agrees", evidence: expect.arrayContaining(["AWS's simulator agrees on 12 decisions"]) as string[] },
    { user: "denied", state: "ready", unknown: [`what AWS's simulator says: ${reason}`] },
    {
      ...{ user: "disagrees", state: "unknown", evidence: ["AWS's simulator disagrees with fob"] },
      unknown: ["what the policies decide: iam:ListUsers without MFA: fob explicitDeny, AWS allowed"],
    },
  ]);
});

describe("batches", () => {
  const named = (name: string, change: Partial<User> = {}) =>
    makeUser({ name, arn: `arn:aws:iam::123456789012:user/${name}`, ...change });
  const admin = { inlinePolicies: [{ name: "all", document: allow("*") }] };

  test("one user first, then as many as --batch-size says, each administrator alone at the end", () => {
    const users = [named("z", admin), named("a", admin), ..."gfedcb".split("").map((name) => named(name))];
    const batches = planFor(users, {}, { batchSize: 2 }).batches.map(({ number, users: names }) => [number, ...names]);
    expect(batches).toEqual([
      ...[
        [1, "b"],
        [2, "c", "d"],
        [3, "e", "f"],
        [4, "g"],
      ],
      ...[
        [5, "a"],
        [6, "z"],
      ],
    ]);
  });

  test("whose policies are not known counts as an administrator, and says so", () => {
    const [user] = planFor([named("a", { inlinePolicies: [{ name: "odd", document: "{" }] })]).users;
    expect(user).toMatchObject({ isAdministrator: true, withoutMfa: null });
    expect(user?.unknown).toEqual([expect.stringContaining("policies: ")]);
  });

  test("--exclude leaves out, --include takes who is not ready, but never a break-glass user", () => {
    const users = [
      ...[named("a"), named("b"), named("c", { devices: { value: [] } })],
      named("d", { tags: { "fob-role": "break-glass" } }),
    ];
    const plan = planFor(users, {}, { exclude: ["A"], include: ["c", "d"] });
    expect(plan.batches.flatMap(({ users: names }) => names)).toEqual(["b", "c"]);
    expect(plan.breakGlass).toEqual(["d"]);
  });
});

test("what a user loses and keeps without MFA comes from all of the user's policies", () => {
  const [user] = planFor([
    makeUser({ inlinePolicies: [{ name: "own", document: allow("s3:*", "iam:GetUser") }] }),
  ]).users;
  expect(user?.withoutMfa?.loses).toEqual(["s3:*"]);
  expect(user?.withoutMfa?.keeps).toEqual(expect.arrayContaining(["iam:GetUser"]));
  expect(user?.withoutMfa?.keeps.join()).not.toContain("Deactivate");
});
