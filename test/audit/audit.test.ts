// Every check has an account in which it passes, one in which it fails, and one in which it is not known.
import { expect, test } from "vitest";
import { auditAccount, checks } from "../../src/audit/audit.ts";
import { buildEnforcement } from "../../src/iam/enforcement.ts";
import type { AccountSnapshot, Known, RootUser, User } from "../../src/iam/snapshot.ts";

const now = Date.UTC(2026, 10, 27);
const ago = (days: number): string => `${new Date(now - days * 86_400_000).toISOString().slice(0, 19)}Z`;
const arnOf = (resource: string): string => `arn:aws:iam::123456789012:${resource}`;
const virtual = { serialNumber: arnOf("mfa/x"), kind: "virtual" } as const;
const hardware = { serialNumber: "GAHT12345678", kind: "hardware" } as const;
const securityKey = { serialNumber: arnOf("u2f/user/x/y"), kind: "security key" } as const;
const unread = { unknown: "no permission for it" };
const policy = (name: string, ...statements: object[]) => ({
  name,
  document: JSON.stringify({ Version: "2012-10-17", Statement: statements }),
});
const everything = policy("own", { Effect: "Allow", Action: "*", Resource: "*" });
const denyOf = (operator: string) => ({
  ...{ Effect: "Deny", NotAction: ["iam:CreateVirtualMFADevice", "iam:EnableMFADevice", "iam:GetUser"], Resource: "*" },
  Condition: { [operator]: { "aws:MultiFactorAuthPresent": "false" } },
});

const key = (used: number | null, made = 10) => ({
  ...{ active: true, lastRotated: ago(made), lastUsedService: used === null ? null : "s3" },
  lastUsed: used === null ? null : ago(used),
});
const password = (used: number | null, changed = 20) => ({
  value: {
    ...{ lastUsed: { value: used === null ? null : ago(used) }, lastChanged: { value: ago(changed) } },
    resetRequired: { value: false },
  },
});

const makeUser = (name: string, change: Partial<User> = {}): User => ({
  ...{ name, arn: arnOf(`user/${name}`), id: `AIDA${name}`, path: "/", created: ago(500) },
  ...{ inlinePolicies: [], attachedPolicies: [], groups: ["RequireMFA"], boundary: null, tags: {} },
  ...{ devices: { value: [virtual] }, accessKeys: { value: [] }, password: password(1) },
  ...change,
});

const enforcement = buildEnforcement({ account: "123456789012", partition: "aws" }, "RequireMFA", {
  ...{ passwordChange: true, maxAgeSeconds: null, viaAwsService: false },
});

const group: AccountSnapshot["groups"][number] = {
  ...{ name: "RequireMFA", arn: arnOf("group/RequireMFA"), id: "AGPA1", path: "/", inlinePolicies: [] },
  attachedPolicies: enforcement.policies.map(({ arn }) => arn),
};
const breakGlass = makeUser("break-glass", {
  ...{ groups: [], inlinePolicies: [everything], tags: { "fob-role": "break-glass" } },
  devices: { value: [virtual, hardware] },
});
const root: RootUser = { hasMfa: true, hasPassword: true, passwordLastUsed: null, activeAccessKeys: 0 };

/** An account in which every check passes, with a change. */
function makeAccount(ben: Partial<User> = {}, change: Partial<AccountSnapshot> = {}): AccountSnapshot {
  return {
    ...{ version: 1, account: "123456789012", partition: "aws", made: ago(0), alias: { value: null } },
    ...{ summary: { value: {} }, reportGenerated: { value: ago(0) }, passwordPolicy: { value: null } },
    ...{ root: { value: root }, unassignedVirtualDevices: { value: [] }, groups: [group], roles: [] },
    managedPolicies: enforcement.policies.map(({ name, arn, document }) => ({
      ...{ name, arn, id: "ANPA1", path: "/", defaultVersion: "v1", document: JSON.stringify(document) },
    })),
    users: [makeUser("ben", ben), breakGlass],
    ...change,
  };
}

const withBreakGlass = (change: Partial<User>): AccountSnapshot =>
  makeAccount({}, { users: [makeUser("ben"), { ...breakGlass, ...change }] });
const withRoot = (change: Partial<RootUser>): AccountSnapshot =>
  makeAccount({}, { root: { value: { ...root, ...change } } });
const withPolicies = (...inlinePolicies: ReturnType<typeof policy>[]): AccountSnapshot =>
  makeAccount({}, { groups: [{ ...group, inlinePolicies }] });

const told = { value: "rule sign-ins in us-east-1, to arn:aws:sns:us-east-1:123456789012:on-call" };
const audit = (snapshot: AccountSnapshot, named: readonly string[] = [], alarm: Known<string | null> = told) => {
  const signInAlarms = new Map(snapshot.users.map(({ arn }) => [arn, alarm]));
  return auditAccount(snapshot, { group: "RequireMFA", breakGlass: named, signInAlarms, now });
};
const find = (snapshot: AccountSnapshot, id: string) => audit(snapshot).checks.find((check) => check.id === id);

const program = { password: { value: null }, accessKeys: { value: [key(1)] } };
const cannotEvaluate = policy("odd", { Effect: "Maybe", Action: "*", Resource: "*" });

const failing: readonly (readonly [id: string, snapshot: AccountSnapshot, evidence: string])[] = [
  ["every-active-user-has-mfa", makeAccount({ devices: { value: [] } }), "a console password, and no MFA device"],
  [
    "no-active-key-without-mfa",
    makeAccount({ devices: { value: [] }, accessKeys: { value: [key(1)] } }),
    "an active access key, and no MFA device",
  ],
  ["enforced-for-every-user", makeAccount({ groups: [] }), "works without MFA: nothing is denied"],
  ["policy-sound", withPolicies(policy("weak", denyOf("Bool"))), "bool-instead-of-boolifexists"],
  [
    "policy-sound",
    makeAccount({}, { managedPolicies: [], groups: [] }),
    "no policy of a user, a group or a role denies",
  ],
  ["group-exact", withPolicies(everything), "also has inline policy own"],
  ["group-exact", makeAccount({ groups: [] }, { groups: [] }), "group RequireMFA does not exist"],
  ["automation-not-enforced", makeAccount(program), "in group RequireMFA"],
  [
    "automation-not-enforced",
    makeAccount({ ...program, groups: [], inlinePolicies: [policy("own", denyOf("BoolIfExists"))] }),
    "denied without MFA",
  ],
  ["enforced-without-device", makeAccount({ devices: { value: [] } }), "no MFA device, and the user can enroll one"],
  [
    "enforced-without-device",
    makeAccount({
      devices: { value: [] },
      inlinePolicies: [policy("no", { Effect: "Deny", Action: "iam:*", Resource: "*" })],
    }),
    "no MFA device, and the user cannot enroll one",
  ],
  [
    "policy-attached-to-group-only",
    makeAccount({ attachedPolicies: [enforcement.policies[1]?.arn ?? ""] }),
    "user has the policy",
  ],
  [
    "policy-attached-to-group-only",
    makeAccount(
      {},
      {
        roles: [
          {
            ...{
              name: "ci",
              arn: arnOf("role/ci"),
              id: "AROA1",
              path: "/",
              trustPolicy: "{}",
              boundary: null,
              tags: {},
            },
            ...{ inlinePolicies: [policy("mfa", denyOf("BoolIfExists"))], attachedPolicies: [] },
          },
        ],
      },
    ),
    "and a role's sessions never have MFA",
  ],
  ["break-glass-exists", makeAccount({}, { users: [makeUser("ben")] }), "no user has the tag fob-role=break-glass"],
  ["break-glass-exists", withBreakGlass({ groups: ["RequireMFA"] }), "in group RequireMFA"],
  ["break-glass-exists", withBreakGlass({ inlinePolicies: [] }), "its policies do not let it take users out"],
  ["break-glass-exists", withBreakGlass({ password: { value: null } }), "no console password"],
  ["break-glass-strong", withBreakGlass({ devices: { value: [hardware] } }), "one MFA device, which can be lost"],
  ["break-glass-strong", withBreakGlass({ devices: { value: [virtual, virtual] } }), "virtual MFA devices only"],
  [
    "break-glass-strong",
    makeAccount(
      {},
      {
        users: [makeUser("ben"), { ...breakGlass, inlinePolicies: [], groups: ["admins"] }],
        groups: [group, { ...group, name: "admins", attachedPolicies: [], inlinePolicies: [everything] }],
      },
    ),
    "its own policies do not let it",
  ],
  ["break-glass-keys-inactive", withBreakGlass({ accessKeys: { value: [key(1)] } }), "an active access key"],
  ["root-mfa", withRoot({ hasMfa: false }), "the root user has no MFA device"],
  ["root-no-keys", withRoot({ activeAccessKeys: 2 }), "the root user has 2 active access keys"],
  ["root-unused", withRoot({ passwordLastUsed: ago(3) }), "the root user signed in 3 days ago"],
  ["unused-credentials", makeAccount({ password: password(46, 400) }), "the password was last used 46 days ago"],
  ["unused-credentials", makeAccount({ password: password(null, 50) }), "never used, and was set 50 days ago"],
  [
    "unused-credentials",
    makeAccount({ accessKeys: { value: [key(null, 60)] } }),
    "never used, and was made 60 days ago",
  ],
  ["old-access-keys", makeAccount({ accessKeys: { value: [key(1, 91)] } }), "an access key is 91 days old"],
  ["two-active-keys", makeAccount({ accessKeys: { value: [key(1), key(1)] } }), "2 active access keys"],
  [
    "security-key-only-with-key",
    makeAccount({ devices: { value: [securityKey] }, accessKeys: { value: [key(1)] } }),
    "an active access key, and only security keys",
  ],
];

const unknown: readonly (readonly [id: string, snapshot: AccountSnapshot])[] = [
  ["every-active-user-has-mfa", makeAccount({ devices: unread })],
  ["every-active-user-has-mfa", makeAccount({ devices: { value: [] }, mayHaveMoreDevices: true })],
  ["no-active-key-without-mfa", makeAccount({ accessKeys: unread })],
  ["enforced-for-every-user", makeAccount({ inlinePolicies: [cannotEvaluate] })],
  [
    "policy-sound",
    withPolicies({
      name: "broken",
      document: '{"Effect": "Deny", "Condition": {"Bool": {"aws:MultiFactorAuthPresent"',
    }),
  ],
  ["automation-not-enforced", makeAccount({ ...program, groups: [], inlinePolicies: [cannotEvaluate] })],
  ["policy-attached-to-group-only", makeAccount({ attachedPolicies: [arnOf("policy/not-returned")] })],
  ["enforced-without-device", makeAccount({ devices: unread })],
  ["break-glass-exists", withBreakGlass({ inlinePolicies: [everything, cannotEvaluate] })],
  ["break-glass-strong", withBreakGlass({ devices: unread })],
  ["break-glass-keys-inactive", withBreakGlass({ accessKeys: unread })],
  ["root-mfa", makeAccount({}, { root: unread })],
  ["root-no-keys", makeAccount({}, { root: unread })],
  ["root-unused", withRoot({ activeAccessKeys: 1 })],
  ["unused-credentials", makeAccount({ password: unread })],
  ["old-access-keys", makeAccount({ accessKeys: { value: [{ ...key(1), lastRotated: null }] } })],
  ["two-active-keys", makeAccount({ accessKeys: unread })],
  [
    "security-key-only-with-key",
    makeAccount({ devices: { value: [{ ...virtual, kind: "unknown" }] }, accessKeys: { value: [key(1)] } }),
  ],
];

test("in a healthy account every check passes", () => {
  expect(audit(makeAccount()).checks.filter(({ result }) => result !== "pass")).toEqual([]);
  expect(audit(makeAccount()).summary).toEqual({ pass: checks.length, fail: 0, unknown: 0 });
});

test.each(failing)("%s fails (%#)", (id, snapshot, evidence) => {
  const check = find(snapshot, id);
  expect(check).toMatchObject({ result: "fail" });
  expect([check?.reason, ...(check?.subjects ?? []).map((subject) => subject.evidence)].join("\n")).toContain(evidence);
});

test.each(unknown)("%s is unknown (%#)", (id, snapshot) => {
  expect(find(snapshot, id)).toMatchObject({ result: "unknown" });
});

test("every check has an account in which it fails", () => {
  const tested = [...failing.map(([id]) => id), "break-glass-monitored"];
  expect(new Set(tested)).toEqual(new Set(checks.map(({ id }) => id)));
});

test("the sign-ins of a break-glass user are told of, or not, or that is not known", () => {
  const resultOf = (alarm: Known<string | null>) =>
    audit(makeAccount(), [], alarm).checks.find(({ id }) => id === "break-glass-monitored")?.result;
  expect([told, { value: null }, unread].map(resultOf)).toEqual(["pass", "fail", "unknown"]);
});

test("one that fails decides, and the ones that are not known are counted", () => {
  const users = [makeUser("ben", { devices: { value: [] } }), makeUser("cleo", { devices: unread }), breakGlass];
  expect(find(makeAccount({}, { users }), "every-active-user-has-mfa")).toMatchObject({
    ...{ result: "fail", reason: "1 of 3 users; not known for 1" },
    subjects: [{ name: "ben", arn: arnOf("user/ben"), evidence: "a console password, and no MFA device" }],
  });
});

test("break-glass users and programs are exempt from enforcement, and named", () => {
  const users = [makeUser("ben"), makeUser("ci", { ...program, groups: [] }), breakGlass];
  expect(find(makeAccount({}, { users }), "enforced-for-every-user")).toMatchObject({
    ...{ result: "pass", reason: "1 user; exempt: ci (automation), break-glass (break-glass)" },
  });
});

test("a break-glass user is found by name too, and one who gets in is enough", () => {
  const users = [makeUser("ben"), { ...breakGlass, tags: {} }, makeUser("old", { tags: breakGlass.tags })];
  const check = (named: string[]) =>
    audit(makeAccount({}, { users }), named).checks.find(({ id }) => id === "break-glass-exists");
  expect(check([])).toMatchObject({ result: "fail" });
  expect(check(["Break-Glass"])).toMatchObject({ result: "pass", reason: "1 of 2; not old: in group RequireMFA" });
});

test("a break-glass user of whom not all is known is none who gets in", () => {
  const other = makeUser("old", { tags: breakGlass.tags, groups: [], inlinePolicies: [everything], password: unread });
  const users = [makeUser("ben"), { ...breakGlass, groups: ["RequireMFA"] }, other];
  expect(find(makeAccount({}, { users }), "break-glass-exists")).toMatchObject({
    ...{ result: "fail", reason: "1 of 2 break-glass users; not known for 1" },
  });
});

test("a variant of the policy is exact too", () => {
  const variant = { passwordChange: false, maxAgeSeconds: 3600, viaAwsService: true };
  const { policies } = buildEnforcement({ account: "123456789012", partition: "aws" }, "RequireMFA", variant);
  const managedPolicies = policies.map(({ name, arn, document }) => ({
    ...{ name, arn, id: "ANPA1", path: "/", defaultVersion: "v1", document: JSON.stringify(document) },
  }));
  expect(find(makeAccount({}, { managedPolicies }), "group-exact")).toMatchObject({ result: "pass" });
});
