// Each guard alone refuses what would lock a user out, and lets everyone else pass.
import { describe, expect, test } from "vitest";
import { buildEnforcement, defaultVariant, type PolicyVariant } from "../../src/iam/enforcement.ts";
import { indexPolicies } from "../../src/iam/policies-of.ts";
import type { AccountSnapshot, KeyHistory, User } from "../../src/iam/snapshot.ts";
import { withoutOverridden } from "../../src/rollout/apply.ts";
import { checkBatch, checkUser, describeCaller, type Situation } from "../../src/rollout/guards.ts";
import { decideFor, describeAge } from "../../src/rollout/plan.ts";

const now = Date.UTC(2026, 10, 27);
const ago = (days: number): string => `${new Date(now - days * 86_400_000).toISOString().slice(0, 19)}Z`;
const arnOf = (resource: string): string => `arn:aws:iam::123456789012:${resource}`;
const device = { serialNumber: arnOf("mfa/x"), kind: "virtual" } as const;
const allow = (...actions: string[]) => ({
  name: "own",
  document: JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: actions, Resource: "*" }] }),
});
const deny = (...actions: string[]) => ({
  name: "deny",
  document: JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Deny", Action: actions, Resource: "*" }] }),
});

const makeUser = (name: string, change: Partial<User> = {}): User => ({
  ...{ name, arn: arnOf(`user/${name}`), id: `AIDA${name}`, path: "/", created: ago(500) },
  ...{ inlinePolicies: [], attachedPolicies: [], groups: [], boundary: null, tags: {} },
  ...{ devices: { value: [device] }, accessKeys: { value: [] } },
  password: {
    value: { lastUsed: { value: ago(1) }, lastChanged: { value: ago(50) }, resetRequired: { value: false } },
  },
  ...change,
});

const allowWithMfa = {
  name: "own",
  document: JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      { Effect: "Allow", Action: "*", Resource: "*", Condition: { Bool: { "aws:MultiFactorAuthPresent": "true" } } },
    ],
  }),
};
/** An administrator from one network only. */
const elsewhere = {
  name: "own",
  document: JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      { Effect: "Allow", Action: "*", Resource: "*", Condition: { IpAddress: { "aws:SourceIp": "192.0.2.0/24" } } },
    ],
  }),
};
const admin = { inlinePolicies: [allow("*")] };
const breakGlass = makeUser("break-glass", { ...admin, tags: { "fob-role": "break-glass" } });
const key = (service: string | null, days: number) => ({
  ...{ active: true, lastRotated: ago(400), lastUsed: service === null ? null : ago(days), lastUsedService: service },
});
const unused = {
  password: {
    value: { lastUsed: { value: ago(91) }, lastChanged: { value: ago(300) }, resetRequired: { value: false } },
  },
} as const;
const reset = {
  password: {
    value: { lastUsed: { value: ago(1) }, lastChanged: { value: ago(50) }, resetRequired: { value: true } },
  },
} as const;

interface Given {
  readonly user?: Partial<User>;
  readonly others?: readonly User[];
  readonly account?: Partial<AccountSnapshot>;
  readonly situation?: Partial<Situation>;
  readonly passwordChange?: boolean;
}

function makeSituation({ user = {}, others = [], account = {}, situation = {}, passwordChange = true }: Given) {
  const ben = makeUser("ben", user);
  const snapshot: AccountSnapshot = {
    ...{ version: 1, account: "123456789012", partition: "aws", made: ago(0), alias: { value: null } },
    ...{ summary: { value: { GroupsPerUserQuota: 10 } }, reportGenerated: { value: ago(0) } },
    passwordPolicy: { value: null },
    root: { value: { hasMfa: true, hasPassword: true, passwordLastUsed: null, activeAccessKeys: 0 } },
    ...{ unassignedVirtualDevices: { value: [] }, groups: [], roles: [], managedPolicies: [] },
    users: [ben, breakGlass, makeUser("grace", admin), ...others],
    ...account,
  };
  const policiesOf = indexPolicies(snapshot);
  const full: Situation = {
    ...{ account: snapshot, breakGlass: [], now },
    enforcement: buildEnforcement(snapshot, "RequireMFA", {
      passwordChange,
      maxAgeSeconds: null,
      viaAwsService: false,
    }),
    batch: { number: 1, users: ["ben"] },
    decisionsOf: (each) => decideFor(each, policiesOf),
    planned: (name) => ({
      ...{ user: name, arn: arnOf(`user/${name}`), id: `AIDA${name}`, state: "ready", evidence: [], unknown: [] },
      ...{ isAdministrator: false, withoutMfa: null },
    }),
    caller: { arn: arnOf("user/grace"), hasMfa: true },
    ...situation,
  };
  return { ben, full };
}

const guardsFor = (given: Given): string[] => {
  const { ben, full } = makeSituation(given);
  return [...checkBatch(full), ...checkUser(ben, full)].map(({ rule }) => rule);
};

test("a user who is ready passes every guard", () => {
  expect(guardsFor({})).toEqual([]);
});

const unknown = { unknown: "AWS denied it" };
const history = (change: Partial<KeyHistory> = {}): KeyHistory => ({
  ...{ regions: ["us-east-1"], use: { value: null }, federation: { value: null } },
  ...change,
});
const usedForSts = { accessKeys: { value: [key("sts", 1)] } };

describe("one guard alone refuses", () => {
  test.each<[string, string, Given]>([
    [
      "G1",
      "no device, and enrolling is denied",
      { user: { devices: { value: [] }, inlinePolicies: [deny("iam:EnableMFADevice")] } },
    ],
    ["G1", "no device, although enrolling one works", { user: { devices: { value: [] } } }],
    ["G12", "no way in", { user: { password: { value: null } } }],
    ["G12", "unused", { user: unused }],
    [
      "G12",
      "when the password was last used is not known",
      {
        user: {
          password: { value: { lastUsed: unknown, lastChanged: { value: ago(400) }, resetRequired: { value: false } } },
        },
      },
    ],
    ["G1", "devices not known", { user: { devices: unknown } }],
    ["G2", "a new password is due, and cannot be set", { user: reset, passwordChange: false }],
    [
      "G2",
      "a new password is due, and ChangePassword is denied",
      { user: { ...reset, inlinePolicies: [deny("iam:ChangePassword")] } },
    ],
    ["G3", "the tag says automation", { user: { tags: { "fob-role": "automation" } } }],
    ["G3", "a key and no password", { user: { password: { value: null }, accessKeys: { value: [key(null, 0)] } } }],
    [
      "G4",
      "only a security key, and an access key",
      {
        user: {
          devices: { value: [{ serialNumber: "x", kind: "security key" }] },
          accessKeys: { value: [key("sts", 1)] },
          keyHistory: history(),
        },
      },
    ],
    [
      "G6",
      "the caller, without a session with MFA",
      { situation: { caller: { arn: arnOf("user/ben"), hasMfa: false } } },
    ],
    [
      "G6",
      "the caller, with a security key alone",
      {
        user: { devices: { value: [{ serialNumber: "x", kind: "security key" }] } },
        situation: { caller: { arn: arnOf("user/ben"), hasMfa: true } },
      },
    ],
    [
      "G7",
      "the break-glass user is in the batch",
      { situation: { batch: { number: 1, users: ["ben", "break-glass"] } } },
    ],
    ["G8", "the only administrator", { user: admin, account: { users: [makeUser("ben", admin), breakGlass] } }],
    [
      "G9",
      "ten groups",
      {
        user: { groups: "abcdefghij".split("") },
        account: {
          groups: "abcdefghij".split("").map((name) => ({
            ...{ name, arn: arnOf(`group/${name}`), id: name, path: "/", inlinePolicies: [], attachedPolicies: [] },
          })),
        },
      },
    ],
    ["G10", "six users", { situation: { batch: { number: 1, users: "abcdef".split("") } } }],
    ["G12", "another user of that name", { situation: { planned: () => undefined } }],
    ["G12", "a user who was made again under that name", { user: { id: "AIDAnew" } }],
    [
      "G12",
      "a policy of that name with another path",
      {
        account: {
          managedPolicies: [
            {
              ...{ name: "Enforce-MFA-policy", arn: arnOf("policy/x/Enforce-MFA-policy"), id: "ANPA", path: "/x/" },
              ...{ defaultVersion: "v1", document: "{}" },
            },
          ],
        },
      },
    ],
    [
      "G12",
      "a policy of that name with another text",
      {
        account: {
          managedPolicies: [
            {
              ...{
                name: "enforce-mfa-policy",
                arn: arnOf("policy/enforce-mfa-policy"),
                id: "P",
                path: "/",
                defaultVersion: "v2",
              },
              document: allow("*").document,
            },
          ],
        },
      },
    ],
    [
      "G12",
      "the group has another policy",
      {
        account: {
          groups: [
            {
              ...{ name: "RequireMFA", arn: arnOf("group/RequireMFA"), id: "G", path: "/", attachedPolicies: [] },
              inlinePolicies: [allow("*")],
            },
          ],
        },
      },
    ],
    [
      "G11",
      "the user calls GetFederationToken",
      { user: { ...usedForSts, keyHistory: history({ federation: { value: "sts:GetFederationToken 2 days ago" } }) } },
    ],
    [
      "G11",
      "whether the user calls GetFederationToken is not known, and the policies may allow it",
      {
        user: {
          ...{ ...usedForSts, keyHistory: history({ federation: unknown }) },
          inlinePolicies: [
            {
              name: "broker",
              document: JSON.stringify({
                Version: "2012-10-17",
                Statement: [{ Effect: "Allow", Action: "sts:GetFed*", Resource: arnOf("federated-user/x") }],
              }),
            },
          ],
        },
      },
    ],
    [
      "G13",
      "the key was used for STS last, and for S3 before",
      { user: { ...usedForSts, keyHistory: history({ use: { value: "s3:ListBuckets 1 h ago" } }) } },
    ],
    [
      "G13",
      "what the key was used for before is not known",
      { user: { ...usedForSts, keyHistory: history({ use: unknown }) } },
    ],
    ["G13", "CloudTrail was not looked at", { user: usedForSts }],
    ["G13", "the key is used for S3", { user: { accessKeys: { value: [key("s3", 29)] } } }],
  ])("%s: %s", (guard, _, given) => {
    expect(guardsFor(given)).toEqual([guard]);
  });

  test.each<[string, Given]>([
    ["a new password is due, and can be set", { user: reset }],
    [
      "a new password is due, and the account's policy lets users set it",
      {
        user: reset,
        account: {
          passwordPolicy: {
            value: {
              allowUsersToChangePassword: true,
              hardExpiry: false,
              maxAgeDays: null,
              minimumLength: 8,
              requires: [],
            },
          },
        },
      },
    ],
    [
      "only a security key, and no access key",
      { user: { devices: { value: [{ serialNumber: "x", kind: "security key" }] } } },
    ],
    [
      "a device of the same name is left, but the user has one",
      { account: { unassignedVirtualDevices: { value: [arnOf("mfa/ben")] } } },
    ],
    ["the caller, with a device and MFA", { situation: { caller: { arn: arnOf("user/ben"), hasMfa: true } } }],
    ["one of two administrators", { user: admin }],
    [
      "the key is used for STS, or for S3 long ago",
      { user: { accessKeys: { value: [key("sts", 1), key("s3", 31)] }, keyHistory: history() } },
    ],
    [
      "whether the user calls GetFederationToken is not known, but no policy allows it",
      {
        user: {
          ...{ ...usedForSts, keyHistory: history({ federation: unknown }) },
          inlinePolicies: [allow("sts:AssumeRole", "s3:*")],
        },
      },
    ],
    ["a key that was not used for 90 days", { user: { ...admin, accessKeys: { value: [key("sts", 91)] } } }],
  ])("nothing refuses: %s", (_, given) => {
    expect(guardsFor(given)).toEqual([]);
  });
});

test.each<[string, Partial<User>, boolean, string | undefined]>([
  ["allowed", admin, true, undefined],
  ["only allowed with MFA, and the session has MFA", { inlinePolicies: [allowWithMfa] }, true, undefined],
  [
    "only allowed with MFA, and the session has no MFA",
    { inlinePolicies: [allowWithMfa] },
    false,
    "you (cal) cannot remove users from group RequireMFA",
  ],
  [
    "denied",
    { inlinePolicies: [allow("*"), deny("iam:RemoveUserFromGroup")] },
    true,
    "you (cal) cannot remove users from group RequireMFA",
  ],
  [
    "allowed from some networks",
    { inlinePolicies: [elsewhere] },
    true,
    "it is not known whether you (cal) can remove users from group RequireMFA",
  ],
])("whether the caller can remove users from the group: %s", (_, change, hasMfa, problem) => {
  const caller = makeUser("cal", change);
  const { full } = makeSituation({ others: [caller], situation: { caller: { arn: caller.arn, hasMfa } } });
  expect(describeCaller(full)).toBe(problem);
});

test("a caller that is not a user of the account is not judged", () => {
  const { full } = makeSituation({ situation: { caller: { arn: arnOf("role/admin"), hasMfa: false } } });
  expect(describeCaller(full)).toBeUndefined();
});

test.each<[number, string | undefined]>([
  [0, undefined],
  [6.9, undefined],
  [7, "the plan is 7 days old"],
  [30.5, "the plan is 30 days old"],
])("a plan of %d days ago", (days, problem) => {
  expect(describeAge({ made: ago(days) }, now)).toBe(problem);
});

describe("G12 names what differs, and the command that helps", () => {
  const group = {
    ...{ name: "RequireMFA", arn: arnOf("group/RequireMFA"), id: "G", path: "/", inlinePolicies: [] },
    attachedPolicies: [],
  };
  const g12For = (account: Partial<AccountSnapshot>) => {
    const refusals = checkBatch(makeSituation({ account }).full).filter(({ rule }) => rule === "G12");
    return refusals.map(({ message, fix }) => ({ message, fix }));
  };
  const managed = (variant: PolicyVariant, edit = (text: string) => text) =>
    buildEnforcement({ account: "123456789012", partition: "aws" }, "RequireMFA", variant).policies.map(
      ({ name, arn, document }) => ({
        ...{ name, arn, id: name, path: "/", defaultVersion: "v1", document: edit(JSON.stringify(document)) },
      }),
    );

  test.each<[PolicyVariant, string, string]>([
    [
      { ...defaultVariant, passwordChange: false },
      'NotAction does not have "iam:ChangePassword"',
      "--no-password-change",
    ],
    [{ ...defaultVariant, viaAwsService: true }, "Condition is .*ViaAWSService", "--via-aws-service"],
    [{ ...defaultVariant, maxAgeSeconds: 43_200 }, "it has 2 statements, not 1", "--max-age 43200"],
  ])("another variant of fob's policy: %o", (variant, message, flags) => {
    const managedPolicies = managed(variant);
    const attachedPolicies = managedPolicies.map(({ arn }) => arn);
    const [only, ...others] = g12For({ managedPolicies, groups: [{ ...group, attachedPolicies }] });
    expect(others).toEqual([]);
    expect(only?.message).toMatch(new RegExp(message));
    expect(only?.fix).toBe(
      `make the plan with the variant of fob's policy that the group has: fob rollout plan --group RequireMFA ${flags} --out plan.json`,
    );
  });

  test("a policy that was edited is compared, and another group would not help", () => {
    const managedPolicies = managed(defaultVariant, (text) => text.replace('"iam:GetUser",', '"iam:*",'));
    const enforce = arnOf("policy/enforce-mfa-policy");
    expect(g12For({ managedPolicies })).toContainEqual({
      message: `the default version (v1) of ${enforce} is not the policy that fob would make: statement DenyAllWithoutMFA: NotAction does not have "iam:GetUser"`,
      fix: `see who has it: aws iam list-entities-for-policy --policy-arn ${enforce}; then make it fob's: aws iam create-policy-version --policy-arn ${enforce} --policy-document "$(fob policy show)" --set-as-default`,
    });
  });

  test("a group with another policy: take it off, or choose another group", () => {
    expect(g12For({ groups: [{ ...group, inlinePolicies: [allow("*")] }] })).toEqual([
      {
        message: "group RequireMFA also has inline policy own",
        fix: "take it off the group: aws iam delete-group-policy --group-name RequireMFA --policy-name own; or choose another group: fob rollout plan --group NAME --out plan.json",
      },
    ]);
  });
});

test.each<[string, Partial<User>]>([
  ["not an administrator", { inlinePolicies: [] }],
  ["in the group", { groups: ["RequireMFA"] }],
  ["no password", { password: { value: null } }],
  ["must change the password", reset],
  ["no device", { devices: { value: [] } }],
  ["a password whose expiry is not known", { password: { unknown: "AWS denied it" } }],
  ["an active key", { accessKeys: { value: [key(null, 0)] } }],
  ["devices not known", { devices: unknown }],
  ["no tag", { tags: {} }],
])("G7 refuses when the only break-glass user has this problem: %s", (_, change) => {
  const group = {
    name: "RequireMFA",
    arn: arnOf("group/RequireMFA"),
    id: "G",
    path: "/",
    inlinePolicies: [],
    attachedPolicies: [],
  };
  const users = [makeUser("ben"), { ...breakGlass, ...change }, makeUser("grace", admin)];
  const { full } = makeSituation({ account: { users, groups: change.groups ? [group] : [] } });
  expect(checkBatch(full).map(({ rule }) => rule)).toContain("G7");
});

test.each<[string, Given, readonly string[]]>([
  [
    "G1 and G5, where a device of the user's name is left",
    { account: { unassignedVirtualDevices: { value: [arnOf("mfa/ben")] } } },
    ["G1", "G5"],
  ],
  ["G1 and G5, where left devices are not known", { account: { unassignedVirtualDevices: unknown } }, ["G1", "G5"]],
  ["G1 and G6, for the caller", { situation: { caller: { arn: arnOf("user/ben"), hasMfa: true } } }, ["G1", "G6"]],
])("a user without a device is refused by %s", (_, given, guards) => {
  expect(guardsFor({ ...given, user: { devices: { value: [] } } })).toEqual(guards);
});

test("G1 says whether a user without a device could enroll one", () => {
  const messageFor = (user: Partial<User>): string => {
    const { ben, full } = makeSituation({ user: { devices: { value: [] }, ...user } });
    return checkUser(ben, full)[0]?.message ?? "";
  };
  expect(messageFor({})).toBe("no MFA device, and could enroll one, but not work until then");
  expect(messageFor({ inlinePolicies: [deny("iam:EnableMFADevice")] })).toBe(
    "no MFA device, and could not enroll one: not allowed without MFA: iam:EnableMFADevice",
  );
});

const activeKey = { value: [key("sts", 1)] };
const noDevice = { devices: { value: [] } } as const;

describe("G8 counts another administrator", () => {
  test.each<[string, Partial<User>, boolean]>([
    ["with a password and a device", {}, true],
    ["with an access key and a device", { password: { value: null }, accessKeys: activeKey }, true],
    ["with a password, who can enroll a device", noDevice, true],
    ["without a password or an active key", { password: { value: null } }, false],
    [
      "with an inactive key only",
      { password: { value: null }, accessKeys: { value: [{ ...key("sts", 1), active: false }] } },
      false,
    ],
    ["whose password is not known", { password: unknown }, false],
    ["whose devices are not known", { devices: unknown }, false],
    [
      "whose access keys are not known, and who has no password",
      { password: { value: null }, accessKeys: unknown },
      false,
    ],
    ["whose right depends on the network", { inlinePolicies: [elsewhere] }, false],
    ["whose policies cannot be evaluated", { inlinePolicies: [{ name: "odd", document: "{" }] }, false],
    [
      "without a device, who could not enroll one",
      { ...noDevice, inlinePolicies: [allow("*"), deny("iam:EnableMFADevice")] },
      false,
    ],
    ["who may do it with MFA only, and has no device", { ...noDevice, inlinePolicies: [allowWithMfa] }, false],
    ["who may do it with MFA only, and has a device", { inlinePolicies: [allowWithMfa] }, true],
    [
      "with a security key, who may do it with MFA only, and has an access key only",
      {
        ...{ devices: { value: [{ serialNumber: "x", kind: "security key" }] }, password: { value: null } },
        ...{ accessKeys: activeKey, inlinePolicies: [allowWithMfa] },
      },
      false,
    ],
  ])("%s", (_, change, counts) => {
    const users = [makeUser("ben", admin), breakGlass, makeUser("grace", { ...admin, ...change })];
    expect(guardsFor({ user: admin, account: { users } })).toEqual(counts ? [] : ["G8"]);
  });

  test("whose password has expired for good: no", () => {
    const grace = makeUser("grace", {
      ...admin,
      password: {
        value: { lastUsed: { value: ago(1) }, lastChanged: { value: ago(100) }, resetRequired: { value: false } },
      },
    });
    const value = {
      hardExpiry: true,
      allowUsersToChangePassword: true,
      maxAgeDays: 90,
      minimumLength: 8,
      requires: [],
    };
    const users = [makeUser("ben", admin), breakGlass, grace];
    expect(guardsFor({ user: admin, account: { users, passwordPolicy: { value } } })).toEqual(["G8"]);
  });
});

test("G8 also protects a user who may be an administrator", () => {
  const user = { inlinePolicies: [elsewhere] };
  expect(guardsFor({ user, account: { users: [makeUser("ben", user), breakGlass] } })).toEqual(["G8"]);
});

test.each([
  ["has expired for good", true, "break-glass: the password has expired, and only an administrator can set a new one"],
  ["can be changed at the sign-in", false, undefined],
])("G7, when the password of the only break-glass user %s", (_, hardExpiry, problem) => {
  const value = { hardExpiry, allowUsersToChangePassword: false, maxAgeDays: 49, minimumLength: 8, requires: [] };
  const { full } = makeSituation({ account: { passwordPolicy: { value } } });
  const messages = checkBatch(full).map(({ message }) => message);
  expect(messages).toEqual(problem === undefined ? [] : [`no healthy break-glass user: ${problem}`]);
});

test("an override lets one user pass one guard, and none of those that are about the whole batch", () => {
  const { ben, full } = makeSituation({
    user: { tags: { "fob-role": "automation" }, accessKeys: { value: [key("s3", 1)] } },
    situation: { batch: { number: 1, users: "abcdef".split("") } },
  });
  const refusals = [...checkBatch(full), ...checkUser(ben, full)];
  const left = (...overrides: Parameters<typeof withoutOverridden>[1]) =>
    withoutOverridden(refusals, overrides).map(({ rule }) => rule);
  expect(left()).toEqual(["G10", "G3", "G13"]);
  expect(left({ user: "BEN", guard: "G3" })).toEqual(["G10", "G13"]);
  expect(left({ user: "grace", guard: "G13" }, { user: "RequireMFA", guard: "G10" })).toEqual(["G10", "G3", "G13"]);
});
