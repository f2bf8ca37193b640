// Every check has an account in which it passes, one in which it fails, and one in which it is not known.
import { describe, expect, test } from "vitest";
import { auditAccount, checks } from "../../src/audit/audit.ts";
import type { ConfigRegion, ConfigRule } from "../../src/audit/config-rules.ts";
import { buildEnforcement } from "../../src/iam/enforcement.ts";
import type { Simulated } from "../../src/iam/simulated.ts";
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
const everythingAllowed = { Effect: "Allow", Action: "*", Resource: "*" };
const everything = policy("own", everythingAllowed);
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
const breakGlassTags = { "fob-role": "break-glass", "fob-last-test": ago(100).slice(0, 10) };
const breakGlass = makeUser("break-glass", {
  ...{ groups: [], inlinePolicies: [everything], tags: breakGlassTags, password: password(100, 400) },
  devices: { value: [virtual, hardware] },
});
const root: RootUser = { hasMfa: true, hasPassword: true, passwordLastUsed: null, activeAccessKeys: 0 };

const managed = enforcement.policies.map(({ name, arn, document }) => ({
  ...{ name, arn, id: "ANPA1", path: "/", defaultVersion: "v1", document: JSON.stringify(document) },
}));

/** An account in which every check passes, with a change. */
function makeAccount(ben: Partial<User> = {}, change: Partial<AccountSnapshot> = {}): AccountSnapshot {
  return {
    ...{ version: 1, account: "123456789012", partition: "aws", made: ago(0), alias: { value: null } },
    ...{ summary: { value: {} }, reportGenerated: { value: ago(0) }, passwordPolicy: { value: null } },
    ...{ root: { value: root }, unassignedVirtualDevices: { value: [] }, groups: [group], roles: [] },
    managedPolicies: managed,
    users: [makeUser("ben", ben), breakGlass],
    ...change,
  };
}

const withBreakGlass = (change: Partial<User>): AccountSnapshot =>
  makeAccount({}, { users: [makeUser("ben"), { ...breakGlass, ...change }] });
/** Passwords expire after 300 days; that of the break-glass user is 400 days old. */
const withExpiredPassword = (): AccountSnapshot => {
  const value = {
    hardExpiry: true,
    allowUsersToChangePassword: false,
    maxAgeDays: 300,
    minimumLength: 8,
    requires: [],
  };
  return makeAccount({}, { passwordPolicy: { value } });
};
/** @param day the value of the tag fob-last-test */
const withTest = (day: string | undefined): AccountSnapshot =>
  withBreakGlass({
    tags: { "fob-role": "break-glass", ...(day === undefined ? {} : { "fob-last-test": day }) },
  });
const withRoot = (change: Partial<RootUser>): AccountSnapshot =>
  makeAccount({}, { root: { value: { ...root, ...change } } });
const withPolicies = (...inlinePolicies: ReturnType<typeof policy>[]): AccountSnapshot =>
  makeAccount({}, { groups: [{ ...group, inlinePolicies }] });

const told = { value: "rule sign-ins in us-east-1, to arn:aws:sns:us-east-1:123456789012:on-call" };

const configRule = (change: Partial<ConfigRule> = {}): ConfigRule => ({
  ...{
    name: "mfa",
    arn: "arn:aws:config:us-east-1:123456789012:config-rule/config-rule-1",
    compliance: { value: "COMPLIANT" },
    nonCompliant: { value: [] },
  },
  evaluation: { value: { succeeded: now - 3_600_000, failed: undefined, error: undefined } },
  ...change,
});
const inConfig = (change: Partial<ConfigRule> = {}, region: Partial<ConfigRegion> = {}): Around => ({
  config: [
    { region: "eu-central-1", isRecording: { value: true }, rules: { value: [configRule(change)] }, ...region },
    { region: "us-east-1", isRecording: { value: null }, rules: { value: [] } },
  ],
});
const withoutRule = (region: Partial<ConfigRegion>): Around => inConfig({}, { rules: { value: [] }, ...region });

const withUnreadRegion: Around = {
  config: [
    ...(inConfig().config?.slice(0, 1) ?? []),
    { region: "us-east-1", isRecording: { value: true }, rules: { unknown: "no permission" } },
  ],
};

/** What is known of an account beside its IAM. */
interface Around {
  readonly breakGlass?: readonly string[];
  readonly alarm?: Known<string | null>;
  readonly config?: readonly ConfigRegion[];
  /** What AWS's simulator says of ben. */
  readonly simulated?: Known<Simulated>;
}
const audit = (snapshot: AccountSnapshot, { breakGlass: named = [], alarm = told, config, simulated }: Around = {}) => {
  const signInAlarms = new Map(snapshot.users.map(({ arn }) => [arn, alarm]));
  const around = {
    ...{ signInAlarms, config: config ?? inConfig().config ?? [] },
    simulated: simulated && new Map([["ben", simulated]]),
  };
  return auditAccount(snapshot, { group: "RequireMFA", breakGlass: named, ...around, now });
};
const find = (snapshot: AccountSnapshot, id: string, around: Around = {}) =>
  audit(snapshot, around).checks.find((check) => check.id === id);

const doubtful = { devices: { value: [] }, mayHaveMoreDevices: true } as const;
const program = { password: { value: null }, accessKeys: { value: [key(1)] }, devices: { value: [] } };
const onMembers = policy("own", { Effect: "Allow", Action: "iam:RemoveUserFromGroup", Resource: "*" });
const automation = { "fob-role": "automation" };
const cannotEvaluate = policy("odd", { Effect: "Maybe", Action: "*", Resource: "*" });

type Case = readonly [id: string, snapshot: AccountSnapshot, evidence: string, around?: Around];

const failing: readonly Case[] = [
  ["every-active-user-has-mfa", makeAccount({ devices: { value: [] } }), "a console password, and no MFA device"],
  [
    "no-active-key-without-mfa",
    makeAccount({ devices: { value: [] }, accessKeys: { value: [key(1)] } }),
    "an active access key, and no MFA device",
  ],
  [
    "enforced-for-every-user",
    makeAccount({ groups: [] }),
    "MFA is not enforced: nothing is denied, and nothing is allowed either",
  ],
  [
    "enforced-for-every-user",
    makeAccount({ groups: [], tags: automation, inlinePolicies: [everything] }),
    "the tag fob-role does not exempt a user with a console password; MFA is not enforced: nothing is denied",
  ],
  // A boundary that denies without MFA has an error too.
  [
    "policy-sound",
    makeAccount(
      { boundary: arnOf("policy/limit") },
      {
        managedPolicies: [
          ...managed,
          {
            ...{ name: "limit", arn: arnOf("policy/limit"), id: "ANPA2", path: "/", defaultVersion: "v1" },
            document: policy("limit", everythingAllowed, denyOf("Bool")).document,
          },
        ],
      },
    ),
    "bool-instead-of-boolifexists",
  ],
  // A person who works with an access key only.
  [
    "enforced-for-every-user",
    makeAccount({ groups: [], password: { value: null }, accessKeys: { value: [key(1)] } }),
    "MFA is not enforced: nothing is denied",
  ],
  [
    "enforced-for-every-user",
    makeAccount({ groups: [], inlinePolicies: [everything] }),
    "MFA is not enforced: nothing is denied; what AWS's simulator says is not known: no permission for it",
    { simulated: unread },
  ],
  [
    "enforced-for-every-user",
    makeAccount({ groups: [], inlinePolicies: [everything] }),
    "MFA is not enforced: nothing is denied; asked about 8 requests without MFA, AWS's simulator allows 6, as fob does",
    { simulated: { value: { agreed: 8, allowed: 6, disagreements: [] } } },
  ],
  ["policy-sound", withPolicies(policy("weak", denyOf("Bool"))), "bool-instead-of-boolifexists"],
  [
    "policy-sound",
    makeAccount({}, { managedPolicies: [], groups: [] }),
    "no policy of a user, a group or a role denies",
  ],
  ["group-exact", withPolicies(everything), "also has inline policy own"],
  ["group-exact", makeAccount({ groups: [] }, { groups: [] }), "group RequireMFA does not exist"],
  ["automation-not-enforced", makeAccount({ ...program, tags: automation }), "in group RequireMFA"],
  [
    "automation-not-enforced",
    makeAccount({
      ...program,
      ...{ tags: automation, groups: [], inlinePolicies: [policy("own", denyOf("BoolIfExists"))] },
    }),
    "denied without MFA, and a program cannot type a code",
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
  [
    "break-glass-exists",
    withExpiredPassword(),
    "the password has expired, and only an administrator can set a new one",
  ],
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
    "its own policies do not allow iam:RemoveUserFromGroup, iam:DetachGroupPolicy",
  ],
  ["break-glass-keys-inactive", withBreakGlass({ accessKeys: { value: [key(1)] } }), "an active access key"],
  [
    "break-glass-unused",
    withBreakGlass({ password: password(3) }),
    "signed in 3 days ago (2026-11-24T00:00:00Z), and that was no test",
  ],
  [
    "break-glass-unused",
    withBreakGlass({ accessKeys: { value: [{ ...key(5), active: false }] } }),
    "an access key was used 5 days ago",
  ],
  ["break-glass-tested", withTest(undefined), "no tag fob-last-test"],
  ["break-glass-tested", withTest("last week"), "the tag fob-last-test is not a date such as 2026-10-01"],
  ["break-glass-tested", withTest("2026-02-30"), "the tag fob-last-test is not a date such as 2026-10-01"],
  ["break-glass-tested", withTest(ago(-3).slice(0, 10)), "the tag fob-last-test is in the future"],
  ["break-glass-tested", withTest(ago(366).slice(0, 10)), "last tested 366 days ago"],
  ["break-glass-tested", withTest(ago(90).slice(0, 10)), "but it last signed in 100 days ago"],
  ["break-glass-tested", withBreakGlass({ password: password(null) }), "but its password was never used"],
  ["break-glass-monitored", makeAccount(), "no alarm on its sign-ins was found", { alarm: { value: null } }],
  [
    "config-rule-compliant",
    makeAccount(),
    "mfa in eu-central-1: not compliant, evaluated 1 h ago (2026-11-26T23:00:00Z) from data up to 4 h older",
    inConfig({ compliance: { value: "NON_COMPLIANT" }, nonCompliant: unread }),
  ],
  ["root-mfa", makeAccount({}, { summary: { value: { AccountMFAEnabled: 0 } } }), "the root user has no MFA device"],
  ["root-unused", withRoot({ accessKeyLastUsed: ago(7) }), "the root user used an access key 7 days ago"],
  ["break-glass-strong", withBreakGlass({ inlinePolicies: [onMembers] }), "do not allow iam:DetachGroupPolicy, iam:D"],
  ["unused-credentials", makeAccount({ password: password(45, 400) }), "the password was last used 45 days ago"],
  ["old-access-keys", makeAccount({ accessKeys: { value: [key(1, 90.1)] } }), "an access key is 90 days old"],
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

const unknown: readonly Case[] = [
  ["every-active-user-has-mfa", makeAccount({ devices: unread }), "MFA devices: no permission for it"],
  [
    "every-active-user-has-mfa",
    makeAccount({ devices: { value: [] }, mayHaveMoreDevices: true }),
    "may be this user's",
  ],
  ["config-rule-compliant", makeAccount(), "eu-central-1: no rule about MFA; us-east-1: no", withoutRule({})],
  [
    "config-rule-compliant",
    makeAccount(),
    "eu-central-1: no rule about MFA, and no recorder",
    withoutRule({ isRecording: { value: null } }),
  ],
  ["config-rule-compliant", makeAccount(), "eu-central-1: no permission for it", withoutRule({ rules: unread })],
  ["config-rule-compliant", makeAccount(), "recorder is stopped", inConfig({}, { isRecording: { value: false } })],
  ["config-rule-compliant", makeAccount(), "recorder: no permission", inConfig({}, { isRecording: unread })],
  ["config-rule-compliant", makeAccount(), "has no recorder", inConfig({}, { isRecording: { value: null } })],
  ["config-rule-compliant", makeAccount(), "compliance: no permission", inConfig({ compliance: unread })],
  [
    "config-rule-compliant",
    makeAccount(),
    "mfa in eu-central-1: the rule has no result: INSUFFICIENT_DATA",
    inConfig({ compliance: { value: "INSUFFICIENT_DATA" } }),
  ],
  [
    "config-rule-compliant",
    makeAccount(),
    "last evaluated 3 days ago",
    inConfig({ evaluation: { value: { succeeded: now - 3 * 86_400_000, failed: undefined, error: undefined } } }),
  ],
  [
    "config-rule-compliant",
    makeAccount(),
    "the last evaluation failed: AccessDenied",
    inConfig({ evaluation: { value: { succeeded: now - 2, failed: now - 1, error: "AccessDenied" } } }),
  ],
  ["no-active-key-without-mfa", makeAccount({ accessKeys: unread }), "access keys: no permission for it"],
  ["enforced-for-every-user", makeAccount({ inlinePolicies: [cannotEvaluate] }), "policies: "],
  [
    "enforced-for-every-user",
    makeAccount(),
    "fob: denied without MFA; AWS's simulator disagrees: iam:ListUsers: fob explicitDeny, AWS allowed",
    {
      simulated: { value: { agreed: 7, allowed: 0, disagreements: ["iam:ListUsers: fob explicitDeny, AWS allowed"] } },
    },
  ],
  [
    "enforced-for-every-user",
    makeAccount({ groups: [], inlinePolicies: [everything] }),
    "fob: MFA is not enforced: nothing is denied; AWS's simulator disagrees: iam:ListUsers: ",
    {
      simulated: {
        value: { agreed: 0, allowed: 0, disagreements: ["iam:ListUsers: fob implicitDeny, AWS explicitDeny"] },
      },
    },
  ],
  [
    "enforced-for-every-user",
    makeAccount(),
    "fob: denied without MFA; what AWS's simulator says is not known: no permission for it",
    { simulated: unread },
  ],
  [
    "enforced-for-every-user",
    makeAccount(),
    "was asked nothing that fob could decide",
    { simulated: { value: { agreed: 0, allowed: 0, disagreements: [] } } },
  ],
  [
    "enforced-for-every-user",
    makeAccount({ ...program, groups: [] }),
    "taken for an automation user; if it is one, tag",
  ],
  [
    "policy-sound",
    withPolicies({
      name: "broken",
      document: '{"Effect": "Deny", "Condition": {"Bool": {"aws:MultiFactorAuthPresent"',
    }),
    "",
  ],
  ["group-exact", makeAccount({}, { managedPolicies: [] }), "AWS did not return the policy arn:aws:iam::123456789012"],
  ["automation-not-enforced", makeAccount({ ...program, groups: [], inlinePolicies: [cannotEvaluate] }), "policies: "],
  [
    "policy-attached-to-group-only",
    makeAccount({ attachedPolicies: [arnOf("policy/not-returned")] }),
    "AWS did not return the policy",
  ],
  ["enforced-without-device", makeAccount({ devices: unread }), "MFA devices: no permission for it"],
  ["break-glass-exists", withBreakGlass({ inlinePolicies: [everything, cannotEvaluate] }), "policies: "],
  [
    "break-glass-exists",
    makeAccount({}, { passwordPolicy: unread }),
    "the password policy is not known: no permission",
  ],
  ["break-glass-strong", withBreakGlass({ devices: unread }), "MFA devices: no permission for it"],
  ["break-glass-keys-inactive", withBreakGlass({ accessKeys: unread }), "access keys: no permission for it"],
  [
    "break-glass-unused",
    withBreakGlass({ password: { value: { ...password(1).value, lastUsed: unread } } }),
    "use of the password: no permission for it",
  ],
  ["break-glass-unused", withBreakGlass({ accessKeys: unread }), "access keys: no permission for it"],
  ["break-glass-tested", withBreakGlass({ password: unread }), "console password: no permission for it"],
  ["break-glass-tested", withTest(ago(0).slice(0, 10)), "the credential report may be older than the test"],
  ["break-glass-monitored", makeAccount(), "alarms: no permission for it", { alarm: unread }],
  [
    "enforced-for-every-user",
    makeAccount({ groups: [], tags: automation, password: unread, inlinePolicies: [everything] }),
    "console password: no permission for it",
  ],
  ["automation-not-enforced", makeAccount({ tags: automation, password: unread }), "console password: no permission"],
  [
    "root-no-keys",
    makeAccount({}, { summary: { value: { AccountAccessKeysPresent: 1 } } }),
    "it is inactive, or newer than the report",
  ],
  [
    "enforced-for-every-user",
    makeAccount({ ...program, ...doubtful, groups: [] }),
    "whether it is an automation user depends on its MFA devices",
  ],
  ["enforced-without-device", makeAccount(doubtful), "a device of the account may be this user's: --fresh asks"],
  [
    "security-key-only-with-key",
    makeAccount({ devices: { value: [securityKey] }, mayHaveMoreDevices: true, accessKeys: { value: [key(1)] } }),
    "may be this user's",
  ],
  ["break-glass-strong", withBreakGlass({ devices: { value: [virtual] }, mayHaveMoreDevices: true }), "may be this"],
  [
    "break-glass-strong",
    withBreakGlass({ devices: { value: [virtual, { ...virtual, kind: "unknown" }] } }),
    "the kind of an MFA device is not known",
  ],
  ["policy-sound", makeAccount({ attachedPolicies: [arnOf("policy/x")] }), "AWS did not return the policy"],
  ["policy-sound", makeAccount({}, { managedPolicies: [] }), "AWS did not return the policy"],
  ["automation-not-enforced", makeAccount(program), "in group RequireMFA; taken for an automation user; if it is one"],
  ["config-rule-compliant", makeAccount(), "us-east-1: the rules were not read: no permission", withUnreadRegion],
  [
    "config-rule-compliant",
    makeAccount(),
    "not compliant, but last evaluated 3 days ago",
    inConfig({
      ...{ compliance: { value: "NON_COMPLIANT" }, nonCompliant: { value: ["AIDAben"] } },
      evaluation: { value: { succeeded: now - 3 * 86_400_000, failed: undefined, error: undefined } },
    }),
  ],
  ["root-mfa", makeAccount({}, { root: unread }), "the root user: no permission for it"],
  ["root-no-keys", makeAccount({}, { root: unread }), "the root user: no permission for it"],
  ["root-unused", withRoot({ activeAccessKeys: 1 }), "the use of the root user's access keys was not read"],
  ["unused-credentials", makeAccount({ password: unread }), "console password: no permission for it"],
  [
    "old-access-keys",
    makeAccount({ accessKeys: { value: [{ ...key(1), lastRotated: null }] } }),
    "the age of an access key is not known",
  ],
  ["two-active-keys", makeAccount({ accessKeys: unread }), "access keys: no permission for it"],
  [
    "security-key-only-with-key",
    makeAccount({ devices: { value: [{ ...virtual, kind: "unknown" }] }, accessKeys: { value: [key(1)] } }),
    "the kind of an MFA device is not known",
  ],
];

test("in a healthy account every check passes", () => {
  expect(audit(makeAccount()).checks.filter(({ result }) => result !== "pass")).toEqual([]);
  expect(audit(makeAccount()).summary).toEqual({ pass: checks.length, fail: 0, unknown: 0 });
});

describe.each([
  ["fail", failing],
  ["unknown", unknown],
] as const)("%s", (result, cases) => {
  const named = cases.map(([id, snapshot, evidence, around]) => ({ id, snapshot, evidence, around }));
  test.each(named)("$id: $evidence", ({ id, snapshot, evidence, around }) => {
    const check = find(snapshot, id, around);
    expect(check).toMatchObject({ result });
    const words = [check?.reason, ...(check?.subjects ?? []).map((subject) => subject.evidence)];
    expect(words.join("\n")).toContain(evidence);
  });

  test("there is such an account for every check", () => {
    expect(new Set(cases.map(([id]) => id))).toEqual(new Set(checks.map(({ id }) => id)));
  });
});

test("a rule of AWS Config whose users are not known counts beside one whose users are known", () => {
  const failing = { compliance: { value: "NON_COMPLIANT" }, nonCompliant: { value: ["AIDAben"] } };
  const [region] = inConfig(failing).config ?? [];
  const [rule] = region && "value" in region.rules ? region.rules.value : [];
  if (region === undefined || rule === undefined) throw new Error("no rule");
  const unread = { ...rule, name: "other", nonCompliant: { unknown: "no permission" } };
  const noData = { ...rule, name: "third", compliance: { value: "INSUFFICIENT_DATA" } };
  const around = { config: [{ ...region, rules: { value: [rule, unread, noData] } }] };
  const check = find(makeAccount(), "config-rule-compliant", around);
  expect(check?.result).toBe("fail");
  expect(check?.subjects.map(({ name }) => name)).toEqual(["ben", "other"]);
  expect(check?.unknownSubjects?.map(({ name }) => name)).toEqual(["third"]);
});

test("AWS Config's users are named by their IDs, also those who are gone", () => {
  const nonCompliant = { value: ["AIDAben", "AIDAgone"] };
  const around = inConfig({ compliance: { value: "NON_COMPLIANT" }, nonCompliant });
  expect(find(makeAccount(), "config-rule-compliant", around)?.subjects).toEqual([
    {
      ...{ name: "ben", arn: arnOf("user/ben") },
      evidence: "not compliant with mfa in eu-central-1; has an MFA device by now",
    },
    {
      ...{ name: "AIDAgone", arn: arnOf("user/AIDAgone") },
      evidence: "not compliant with mfa in eu-central-1; no user has this ID",
    },
  ]);
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
    ...{
      result: "pass",
      reason:
        "1 active user; exempt: ci (automation: an access key, no password and no MFA device), break-glass (break-glass: tag fob-role)",
    },
    exempt: [
      { name: "ci", arn: arnOf("user/ci"), evidence: "automation: an access key, no password and no MFA device" },
      { name: "break-glass", arn: arnOf("user/break-glass"), evidence: "break-glass: tag fob-role" },
    ],
  });
});

test("of many who are exempt the reason names ten, and the result has all", () => {
  const programs = Array.from({ length: 15 }, (_, index) => makeUser(`ci-${index}`, { ...program, groups: [] }));
  const check = find(makeAccount({}, { users: [makeUser("ben"), ...programs] }), "enforced-for-every-user");
  expect(check?.reason).toMatch(/^1 active user; exempt: ci-0 \(.*ci-9 \([^)]*\) and 5 more$/);
  expect(check?.exempt).toHaveLength(15);
});

test("a break-glass user who signed in for a test is not one who was used", () => {
  for (const days of [4, 5, 6]) {
    const tags = { ...breakGlass.tags, "fob-last-test": ago(5).slice(0, 10) };
    const account = withBreakGlass({ tags, password: password(days) });
    expect(find(account, "break-glass-unused")?.result).toBe("pass");
  }
});

test("a remedy is for the subject: a command with the name, quoted for the shell", () => {
  const remedyOf = (id: string, name: string, change: Partial<User>) => {
    const users = [makeUser(name, change), breakGlass];
    return find(makeAccount({}, { users }), id)?.subjects[0]?.remedy;
  };
  const keys = { value: [{ ...key(60), id: "AKIA1" }, key(1)] };
  expect(remedyOf("two-active-keys", "a'b", { accessKeys: keys })).toBe(
    "aws iam update-access-key --user-name 'a'\\''b' --access-key-id AKIA1 --status Inactive",
  );
  expect(remedyOf("two-active-keys", "-x", { accessKeys: { value: [key(60), key(1)] } })).toBe(
    "aws iam list-access-keys --user-name=-x",
  );
  expect(remedyOf("unused-credentials", "dan", { password: password(60) })).toBe(
    "aws iam delete-login-profile --user-name dan",
  );
  expect(remedyOf("automation-not-enforced", "ci", { ...program, tags: automation })).toBe(
    "aws iam remove-user-from-group --group-name RequireMFA --user-name ci",
  );
  const user = [policy("USER", denyOf("Bool"))];
  expect(remedyOf("policy-attached-to-group-only", "dan", { inlinePolicies: user })).toBe(
    "aws iam delete-user-policy --user-name dan --policy-name USER",
  );
  const inlinePolicies = [policy("no mfa", denyOf("Bool"))];
  expect(remedyOf("policy-attached-to-group-only", "dan", { inlinePolicies })).toBe(
    "aws iam delete-user-policy --user-name dan --policy-name 'no mfa'",
  );
  expect(remedyOf("policy-sound", "dan", { inlinePolicies })).toBe(
    "aws iam get-user-policy --user-name dan --policy-name 'no mfa' --query PolicyDocument --output json | fob policy lint -",
  );
});

test("no remedy has a placeholder for a user's name", () => {
  const remedies = failing.flatMap(([id, snapshot, , around]) =>
    (find(snapshot, id, around)?.subjects ?? []).map(({ arn, remedy }) => (arn.includes(":user/") ? remedy : "")),
  );
  expect(remedies.filter((remedy) => /\bUSER\b/.test(remedy ?? ""))).toEqual([]);
});

test("all that is unused is named, and a user outside the group can be under enforcement too", () => {
  const unused = makeAccount({ password: password(60), accessKeys: { value: [key(null, 50)] } });
  expect(find(unused, "unused-credentials")?.subjects[0]?.evidence).toBe(
    "the password was last used 60 days ago (2026-09-28); an access key was never used, and was made 50 days ago (2026-10-08)",
  );
  const denied = makeAccount({
    ...{ groups: [], devices: { value: [] } },
    inlinePolicies: [policy("own", denyOf("BoolIfExists"))],
  });
  expect(find(denied, "enforced-without-device")?.subjects[0]?.evidence).toContain("the user cannot enroll one: ");
});

test("a group without policies is not exact, although no member misses them", () => {
  const empty = makeAccount({}, { groups: [{ ...group, attachedPolicies: [] }], users: [breakGlass] });
  expect(find(empty, "group-exact")).toMatchObject({ result: "fail" });
});

test("a break-glass user is found by name too, and one who gets in is enough", () => {
  const users = [makeUser("ben"), { ...breakGlass, tags: {} }, makeUser("old", { tags: breakGlass.tags })];
  const check = (named: string[]) =>
    audit(makeAccount({}, { users }), { breakGlass: named }).checks.find(({ id }) => id === "break-glass-exists");
  expect(check([])).toMatchObject({ result: "fail" });
  expect(check(["Break-Glass"])).toMatchObject({
    result: "pass",
    reason: expect.stringMatching(/^1 of 2; not old: in group RequireMFA; /) as string,
  });
});

test("that AWS's simulator agrees is said", () => {
  const simulated = { value: { agreed: 8, allowed: 0, disagreements: [] } };
  expect(find(makeAccount(), "enforced-for-every-user", { simulated })).toMatchObject({
    ...{
      result: "pass",
      reason: "1 active user; AWS's simulator agrees; exempt: break-glass (break-glass: tag fob-role)",
    },
  });
});

test("what is not known gets no command that changes something", () => {
  const snapshot = makeAccount({ devices: unread, password: unread, accessKeys: unread });
  for (const check of audit(snapshot).checks.filter(({ result }) => result === "unknown")) {
    const remedies = [check.remedy, ...check.subjects.map(({ remedy }) => remedy ?? "")];
    expect(remedies.join("\n")).not.toMatch(/ (delete|detach|update|remove|create)-/);
  }
});

test("without a Deny of a group, or where it allows something, a policy of a user's own stays", () => {
  const remedyOf = (groups: string[], ...statements: object[]) => {
    const snapshot = makeAccount({ groups, inlinePolicies: [policy("own", ...statements)] });
    return find(snapshot, "policy-attached-to-group-only")?.subjects[0]?.remedy;
  };
  const deny = denyOf("BoolIfExists");
  expect(remedyOf(["RequireMFA"], deny)).toContain("delete-user-policy");
  expect(remedyOf(["RequireMFA"], everythingAllowed, deny)).toContain("get-user-policy");
  expect(remedyOf([], deny)).toContain("get-user-policy");
});

test("a user who may be an automation user, for all that is known of devices, is not known", () => {
  const member = makeAccount({ ...program, devices: unread });
  expect(find(member, "automation-not-enforced")?.result).toBe("unknown");
  const outside = makeAccount({ ...program, devices: unread, groups: [], inlinePolicies: [everything] });
  expect(find(outside, "enforced-for-every-user")?.result).toBe("unknown");
});

test("each variant of fob's policy is enforced", () => {
  for (const viaAwsService of [true, false]) {
    const variant = { passwordChange: false, maxAgeSeconds: 3600, viaAwsService };
    const { policies } = buildEnforcement({ account: "123456789012", partition: "aws" }, "RequireMFA", variant);
    const managedPolicies = policies.map(({ name, arn, document }) => ({
      ...{ name, arn, id: "ANPA1", path: "/", defaultVersion: "v1", document: JSON.stringify(document) },
    }));
    expect(find(makeAccount({}, { managedPolicies }), "enforced-for-every-user")).toMatchObject({ result: "pass" });
  }
});

test("a break-glass user of whom not all is known may be the one who gets in", () => {
  const other = makeUser("old", { tags: breakGlass.tags, groups: [], inlinePolicies: [everything], password: unread });
  const users = [makeUser("ben"), { ...breakGlass, groups: ["RequireMFA"] }, other];
  expect(find(makeAccount({}, { users }), "break-glass-exists")).toMatchObject({ result: "unknown" });
});

test("in an account without users nothing is wrong with the enforcement, and no break-glass user is needed", () => {
  const empty = audit(makeAccount({}, { users: [], groups: [], managedPolicies: [] }));
  expect(empty.checks.filter(({ result }) => result !== "pass")).toEqual([]);
});

test("that there is no break-glass user is one failure", () => {
  const { checks: results } = audit(makeAccount({}, { users: [makeUser("ben")] }));
  expect(results.filter(({ result }) => result !== "pass").map(({ id }) => id)).toEqual(["break-glass-exists"]);
});

test("nothing of a new user is unused or old, whatever is not known", () => {
  const snapshot = makeAccount({ created: ago(44), password: unread, accessKeys: { value: [key(null, 400)] } });
  const results = ["unused-credentials", "old-access-keys"].map((id) => find(snapshot, id)?.result);
  expect(results).toEqual(["pass", "pass"]);
});

test("a command has the profile and the group that the audit was made with", () => {
  const around = { group: "Staff", signInAlarms: new Map(), config: [], breakGlass: [], now };
  const { checks: results } = auditAccount(makeAccount(), { ...around, profile: "ada mfa" });
  const remedyOf = (id: string) => results.find((check) => check.id === id)?.remedy;
  expect(remedyOf("group-exact")).toBe("fob rollout status --profile 'ada mfa' --group Staff");
  expect(remedyOf("unused-credentials")).toBe("aws iam delete-login-profile --profile 'ada mfa' --user-name USER");
});

test("a user of the group with nothing to sign in with needs no device", () => {
  const nothing = { password: { value: null }, accessKeys: { value: [] }, devices: { value: [] } };
  expect(audit(makeAccount(nothing)).summary).toEqual({ pass: checks.length, fail: 0, unknown: 0 });
});

test("that the root user has a password and no device is known without the report", () => {
  const summary = { value: { AccountMFAEnabled: 0, AccountPasswordPresent: 1 } };
  expect(find(makeAccount({}, { summary, root: unread }), "root-mfa")?.result).toBe("fail");
  const inactive = { value: { AccountMFAEnabled: 0, AccountPasswordPresent: 0, AccountAccessKeysPresent: 1 } };
  expect(find(makeAccount({}, { summary: inactive }), "root-mfa")?.result).toBe("unknown");
});

test("an old access key goes only if it is not the one in use, and no command names any user", () => {
  const remedyOf = (id: string, change: Partial<User>) => {
    const check = find(makeAccount({ name: "finn", arn: arnOf("user/finn"), ...change }), id);
    return check?.subjects[0]?.remedy;
  };
  const [used, unused] = [
    { ...key(0, 400), id: "AKIAOLD" },
    { ...key(null, 0), id: "AKIANEW" },
  ];
  expect(remedyOf("old-access-keys", { accessKeys: { value: [used, unused] } })).toBe(
    "aws iam list-access-keys --user-name finn",
  );
  const [old, current] = [
    { ...key(300, 400), id: "AKIAOLD" },
    { ...key(0, 10), id: "AKIANEW" },
  ];
  expect(remedyOf("old-access-keys", { accessKeys: { value: [current, old] } })).toContain("--access-key-id AKIAOLD ");
  const passkey = { devices: { value: [securityKey] }, accessKeys: { value: [key(1)] } };
  expect(remedyOf("security-key-only-with-key", passkey)).toContain("--virtual-mfa-device-name finn ");
});

test("the account's summary, which is live, counts before the credential report", () => {
  const summary = { value: { AccountMFAEnabled: 1, AccountAccessKeysPresent: 0 } };
  const snapshot = makeAccount({}, { summary, root: { value: { ...root, hasMfa: false, activeAccessKeys: 1 } } });
  expect([find(snapshot, "root-mfa")?.result, find(snapshot, "root-no-keys")?.result]).toEqual(["pass", "pass"]);
  const unreported = makeAccount({}, { summary, root: unread });
  expect([find(unreported, "root-mfa")?.result, find(unreported, "root-no-keys")?.result]).toEqual(["pass", "pass"]);
  const removed = { value: { AccountMFAEnabled: 0, AccountAccessKeysPresent: 0, AccountPasswordPresent: 0 } };
  expect(find(makeAccount({}, { summary: removed }), "root-mfa")?.result).toBe("pass");
});

test("a variant of the policy is exact too", () => {
  const variant = { passwordChange: false, maxAgeSeconds: 3600, viaAwsService: true };
  const { policies } = buildEnforcement({ account: "123456789012", partition: "aws" }, "RequireMFA", variant);
  const managedPolicies = policies.map(({ name, arn, document }) => ({
    ...{ name, arn, id: "ANPA1", path: "/", defaultVersion: "v1", document: JSON.stringify(document) },
  }));
  expect(find(makeAccount({}, { managedPolicies }), "group-exact")).toMatchObject({ result: "pass" });
});
