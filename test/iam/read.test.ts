// Reads snapshots of accounts in the local AWS, by the SDK for JavaScript.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { findUser, indexPolicies } from "../../src/iam/policies-of.ts";
import { readAccount, readIdentities, snapshotActions } from "../../src/iam/read.ts";
import type { AccountSnapshot } from "../../src/iam/snapshot.ts";
import { enforceMfaPolicy } from "../../src/policy/enforcement.ts";
import { type AccessKey, type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { askAs, calls, readSnapshot } from "./read-account.ts";

const allow = (action: string | readonly string[]) => ({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: action, Resource: "*" }],
});
const day = 86_400_000;
const now = Date.UTC(2026, 10, 27, 9);

let sandbox: Sandbox;
beforeEach(async () => {
  vi.stubEnv("AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED", "true");
  // The SDK signs with the computer's time.
  vi.useFakeTimers({ toFake: ["Date"], now });
  sandbox = await startSandbox();
});
afterEach(async () => {
  vi.useRealTimers();
  await sandbox.close();
});

const read = (credentials: AccessKey): Promise<AccountSnapshot> => readSnapshot(sandbox.url, credentials);
const readIdentitiesAs = (credentials: AccessKey, getAuthorizationDetails = calls.getAuthorizationDetails) =>
  askAs(sandbox.url, credentials, (aws) => readIdentities(aws, { getAuthorizationDetails }));

const countOf = (action: string): number => sandbox.requests.filter((request) => request.action === action).length;

test("a snapshot holds users, groups, policies, devices, keys and passwords", async () => {
  sandbox.setAccountAlias("acme");
  sandbox.setPasswordPolicy({
    ...{ allowUsersToChangePassword: true, hardExpiry: false, maxAgeDays: 90, minimumLength: 14 },
    requires: ["Numbers"],
  });
  const { arn } = sandbox.addManagedPolicy("enforce-mfa", enforceMfaPolicy());
  const boundary = sandbox.addManagedPolicy("ceiling", allow("s3:*")).arn;
  sandbox.addGroup({ name: "RequireMFA", attached: [arn], policies: [allow("iam:GetUser")] });
  expect(sandbox.rootAccessKey).toBeDefined();
  const admin = sandbox.addUser({ name: "admin", policies: [allow("*")] });
  sandbox.addUser({
    ...{ name: "ivy", path: "/eng/", groups: ["RequireMFA"], boundary, tags: { "fob-role": "automation" } },
    password: { changedMs: now - 9 * day, lastUsedMs: now - day, resetRequired: false },
  });
  sandbox.addVirtualDevice("ivy", "ivy-phone");
  sandbox.addRole({
    name: "deploy",
    trust: { Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { AWS: sandbox.account } }] },
  });

  const snapshot = await read(admin.accessKey);

  expect(snapshot).toMatchObject({
    ...{ account: "123456789012", partition: "aws", made: "2026-11-27T09:00:00Z", alias: { value: "acme" } },
    reportGenerated: { value: "2026-11-27T09:00:00Z" },
    passwordPolicy: {
      value: {
        ...{ allowUsersToChangePassword: true, hardExpiry: false, maxAgeDays: 90, minimumLength: 14 },
        requires: ["Numbers"],
      },
    },
    root: { value: { hasMfa: false, activeAccessKeys: 1 } },
    groups: [{ name: "RequireMFA", attachedPolicies: [arn], inlinePolicies: [{ name: "policy-1" }] }],
    roles: [{ name: "deploy" }],
    managedPolicies: [{ name: "enforce-mfa", defaultVersion: "v1" }, { name: "ceiling" }],
  });
  expect(findUser(snapshot, "IVY")).toMatchObject({
    ...{ arn: "arn:aws:iam::123456789012:user/eng/ivy", path: "/eng/", groups: ["RequireMFA"], boundary },
    tags: { "fob-role": "automation" },
    devices: { value: [{ serialNumber: "arn:aws:iam::123456789012:mfa/ivy-phone", kind: "virtual" }] },
    accessKeys: { value: [{ active: true, lastUsed: null, lastUsedService: null }] },
    password: { value: { lastUsed: { value: "2026-11-26T09:00:00Z" }, resetRequired: { value: false } } },
  });
  expect(findUser(snapshot, "admin")?.accessKeys).toMatchObject({ value: [{ lastUsedService: "iam" }] });
  expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot);
});

test("all policies that decide about a user are found, and one that is missing makes them unknown", async () => {
  const { arn } = sandbox.addManagedPolicy("enforce-mfa", enforceMfaPolicy());
  const boundary = sandbox.addManagedPolicy("ceiling", allow("s3:*")).arn;
  sandbox.addGroup({ name: "RequireMFA", attached: [arn], policies: [allow("iam:GetUser")] });
  const admin = sandbox.addUser({ name: "admin", policies: [allow("*")] });
  sandbox.addUser({ name: "ivy", groups: ["RequireMFA"], policies: [allow("s3:ListBucket")], boundary });
  const snapshot = await read(admin.accessKey);
  const ivy = findUser(snapshot, "ivy");
  const found = ivy && indexPolicies(snapshot)(ivy);
  expect(found).toMatchObject({
    value: {
      policies: [
        { name: "user ivy, inline policy policy-1" },
        { name: "group RequireMFA, inline policy policy-1" },
        { name: "group RequireMFA, policy enforce-mfa" },
      ],
      boundary: { name: "the boundary of user ivy, policy ceiling" },
    },
  });
  const without = { ...snapshot, managedPolicies: [] };
  expect(ivy && indexPolicies(without)(ivy)).toEqual({
    unknown: `AWS did not return the policy ${arn} of group RequireMFA; AWS did not return the policy ${boundary} of the boundary of user ivy`,
  });
});

test("a policy that the evaluator cannot read makes the policies of those who have it unknown", async () => {
  const admin = sandbox.addUser({ name: "admin", policies: [allow("*")] });
  sandbox.addUser({ name: "ivy", policies: [allow("s3:*")] });
  sandbox.addUser({ name: "dan", policies: [allow("s3:*")] });
  const identities = await readIdentitiesAs(admin.accessKey);
  const policiesOf = indexPolicies(identities);
  const [ivy, dan] = ["ivy", "dan"].map((name) => findUser(identities, name));
  if (ivy === undefined || dan === undefined) throw new Error("a user is missing");
  const odd = { ...ivy, inlinePolicies: [{ name: "odd", document: '{"Statement": [{"Effect": "Perhaps"}]}' }] };
  expect(policiesOf(odd)).toEqual({
    unknown: expect.stringMatching(
      /^cannot evaluate user ivy, inline policy odd: Statement\[0\]: Effect "Perhaps"/,
    ) as string,
  });
  const [first, second] = [ivy, dan]
    .map(policiesOf)
    .map((found) => "value" in found && found.value.policies[0]?.document);
  // Thousands of users share a few documents.
  expect(first).toBe(second);
});

test("a policy whose document AWS leaves out makes the policies of those who have it unknown", async () => {
  const { arn } = sandbox.addManagedPolicy("everyday-work", allow("s3:*"));
  const admin = sandbox.addUser({ name: "admin", policies: [allow("*")], attached: [arn] });
  const withoutDocuments: typeof calls.getAuthorizationDetails = (aws, keep) =>
    calls.getAuthorizationDetails(aws, (page) =>
      keep({ ...page, Policies: page.Policies?.map((policy) => ({ ...policy, PolicyVersionList: [] })) }),
    );
  const identities = await readIdentitiesAs(admin.accessKey, withoutDocuments);
  const user = findUser(identities, "admin");
  expect(user && indexPolicies(identities)(user)).toEqual({
    unknown: `AWS did not return the policy ${arn} of user admin`,
  });
});

test("single users are looked up only if the bulk calls leave something open about them", async () => {
  const admin = sandbox.addUser({ name: "admin", policies: [allow("*")] });
  for (let number = 0; number < 250; number++) {
    sandbox.addUser({ name: `user-${number}` });
    if (number % 2 === 0) sandbox.addVirtualDevice(`user-${number}`);
  }
  await read(admin.accessKey);
  expect([countOf("ListMFADevices"), countOf("GetLoginProfile")]).toEqual([0, 0]);
  expect(countOf("GetAccountAuthorizationDetails")).toBe(3);

  sandbox.addFidoDevice("user-1");
  const before = await read(admin.accessKey);
  // The report is from before, and the summary counts one device more: anybody may have it.
  expect(countOf("ListMFADevices")).toBe(251);
  expect(findUser(before, "user-1")?.devices).toMatchObject({ value: [{ kind: "security key" }] });

  vi.setSystemTime(now + 5 * 3_600_000);
  await read(admin.accessKey);
  expect(countOf("ListMFADevices")).toBe(252);
});

test("in a large account, one device more leads to look-ups about those without one", async () => {
  const admin = sandbox.addUser({ name: "admin", policies: [allow("*")] });
  for (let number = 0; number < 310; number++) {
    sandbox.addUser({ name: `user-${number}` });
    sandbox.addVirtualDevice(`user-${number}`);
  }
  sandbox.addHardwareDevice("user-1");
  sandbox.addUser({ name: "dan" });
  const snapshot = await read(admin.accessKey);
  expect(countOf("ListMFADevices")).toBe(2);
  const dan = findUser(snapshot, "dan");
  expect([dan?.devices, dan?.mayHaveMoreDevices]).toEqual([{ value: [] }, undefined]);
  expect(findUser(snapshot, "user-1")?.mayHaveMoreDevices).toBe(true);
});

test("in a large account of many without a device, one more does not lead to look-ups about everybody", async () => {
  const admin = sandbox.addUser({ name: "admin", policies: [allow("*")] });
  for (let number = 0; number < 310; number++) sandbox.addUser({ name: `user-${number}` });
  sandbox.addUser({ name: "break-glass", tags: { "fob-role": "break-glass" } });
  for (const name of ["user-1", "break-glass"]) {
    sandbox.addVirtualDevice(name);
    sandbox.addHardwareDevice(name);
  }
  const snapshot = await read(admin.accessKey);
  expect(countOf("ListMFADevices")).toBe(1);
  expect(findUser(snapshot, "break-glass")?.devices).toMatchObject({
    value: [{ kind: "virtual" }, { kind: "hardware" }],
  });
  expect(findUser(snapshot, "break-glass")?.mayHaveMoreDevices).toBeUndefined();
  expect(findUser(snapshot, "user-1")).toMatchObject({
    ...{ devices: { value: [{ kind: "virtual" }] }, mayHaveMoreDevices: true },
  });
  // By the report.
  const other = findUser(snapshot, "user-2");
  expect([other?.devices, other?.mayHaveMoreDevices]).toEqual([{ value: [] }, undefined]);
});

test("a first password that was never used is looked up, and so is one that was set since", async () => {
  const admin = sandbox.addUser({ name: "admin", policies: [allow("*")] });
  const used = { changedMs: now - 9 * day, lastUsedMs: now - day };
  sandbox.addUser({ name: "erin", password: { changedMs: now, lastUsedMs: undefined, resetRequired: true } });
  sandbox.addUser({ name: "ben", password: { ...used, resetRequired: false } });
  sandbox.addUser({ name: "dan", password: { ...used, changedMs: now, resetRequired: true } });
  const snapshot = await read(admin.accessKey);
  const isRequired = (name: string) => findUser(snapshot, name)?.password;
  expect(isRequired("erin")).toMatchObject({ value: { resetRequired: { value: true }, lastUsed: { value: null } } });
  expect(isRequired("ben")).toMatchObject({ value: { resetRequired: { value: false } } });
  expect(isRequired("dan")).toMatchObject({ value: { resetRequired: { value: true } } });
  expect(isRequired("admin")).toEqual({ value: null });
  expect(countOf("GetLoginProfile")).toBe(2);
});

const denyListing = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Deny", Action: "iam:ListMFADevices", Resource: "*" }],
};

test("what the bulk calls say of devices counts also if AWS denies the look-ups", async () => {
  const reader = sandbox.addUser({
    ...{ name: "reader", policies: [allow("*"), denyListing] },
  });
  sandbox.addUser({ name: "ben" });
  sandbox.addVirtualDevice("ben");
  sandbox.addHardwareDevice("ben");
  const snapshot = await read(reader.accessKey);
  expect(findUser(snapshot, "ben")).toMatchObject({
    ...{ devices: { value: [{ kind: "virtual" }] }, mayHaveMoreDevices: true },
  });
  expect(findUser(snapshot, "reader")).toMatchObject({ devices: { value: [] }, mayHaveMoreDevices: true });
});

test("what may not be read is unknown, with the reason, and never absent", async () => {
  const reader = sandbox.addUser({ name: "reader", policies: [allow("iam:GetAccountAuthorizationDetails")] });
  const snapshot = await read(reader.accessKey);
  const denied = (name: string) => ({ unknown: expect.stringContaining(`iam:${name}`) as string });
  expect(snapshot).toMatchObject({
    alias: denied("ListAccountAliases"),
    summary: denied("GetAccountSummary"),
    passwordPolicy: denied("GetAccountPasswordPolicy"),
    reportGenerated: denied("GenerateCredentialReport"),
    root: denied("GenerateCredentialReport"),
    users: [
      {
        devices: denied("ListMFADevices"),
        accessKeys: denied("ListAccessKeys"),
        password: denied("GetLoginProfile"),
      },
    ],
  });
  const outsider = sandbox.addUser({ name: "outsider" });
  await expect(read(outsider.accessKey)).rejects.toThrow("iam:GetAccountAuthorizationDetails");
});

test("what a snapshot is read with is enough, and all of it is needed", async () => {
  const reader = sandbox.addUser({ name: "reader", policies: [allow(snapshotActions)] });
  const used = () => sandbox.requests.filter(({ service }) => service === "iam").map(({ action }) => `iam:${action}`);
  const before = await read(reader.accessKey);
  expect(JSON.stringify(before)).not.toContain("unknown");
  // The report does not have this user's device, password and key yet.
  vi.setSystemTime(now + 60_000);
  sandbox.addUser({ name: "dan", password: { changedMs: now + 1, lastUsedMs: undefined, resetRequired: true } });
  sandbox.addFidoDevice("dan");
  expect(findUser(await read(reader.accessKey), "dan")).toMatchObject({
    ...{ devices: { value: [{ kind: "security key" }] }, accessKeys: { value: [{ active: true }] } },
    // When a password was used is in the report only.
    password: { value: { resetRequired: { value: true }, lastUsed: { unknown: expect.any(String) as string } } },
  });
  expect(new Set(used())).toEqual(new Set(snapshotActions));
});

test("the access keys of a user who is not in the report are looked up", async () => {
  const admin = sandbox.addUser({ name: "admin", policies: [allow("*")] });
  await read(admin.accessKey);
  vi.setSystemTime(now + 60_000);
  const dan = sandbox.addUser({ name: "dan", policies: [allow("*")] });
  const unused = await read(admin.accessKey);
  const key = { id: dan.accessKey.accessKeyId, active: true, lastRotated: "2026-11-27T09:01:00Z" };
  expect(findUser(unused, "dan")?.accessKeys).toEqual({ value: [{ ...key, lastUsed: null, lastUsedService: null }] });
  expect(findUser(unused, "admin")?.accessKeys).toMatchObject({ value: [{ active: true }] });
  sandbox.setAccessKeyStatus(dan.accessKey.accessKeyId, "Inactive");
  expect(findUser(await read(admin.accessKey), "dan")?.accessKeys).toMatchObject({ value: [{ active: false }] });
  expect(countOf("ListAccessKeys")).toBe(2);
});

describe("the credential report", () => {
  const text =
    "user,arn,user_creation_time,password_enabled,mfa_active\n<root_account>,a,2020-01-31T09:00:00Z,true,true";
  const generated = new Date("2026-11-27T05:00:00Z");

  /** Reads the account as `admin`, with a report like this. @returns it, and how long it was waited for (ms) */
  async function readWith(report: Pick<typeof calls, "generateCredentialReport" | "getCredentialReport">) {
    const admin = sandbox.addUser({ name: "admin", policies: [allow("*")] });
    let waited = 0;
    const sleep = (milliseconds: number): Promise<void> => {
      waited += milliseconds;
      return Promise.resolve();
    };
    const snapshot = await askAs(sandbox.url, admin.accessKey, (aws) =>
      readAccount(aws, { callerArn: sandbox.rootArn, calls: { ...calls, ...report }, now: Date.now, sleep }),
    );
    return { snapshot, waited };
  }

  test("is asked for until AWS has made it, also when it expires meanwhile, and its age is told", async () => {
    const states = [false, false, true, false, true];
    const reports = [undefined, { text, generated }];
    const { snapshot, waited } = await readWith({
      generateCredentialReport: () => Promise.resolve(states.shift() === true),
      getCredentialReport: () => Promise.resolve(reports.shift()),
    });
    expect(snapshot.reportGenerated).toEqual({ value: "2026-11-27T05:00:00Z" });
    expect(snapshot.root).toMatchObject({ value: { hasMfa: true } });
    expect(waited).toBe(500 + 1000 + 2000 + 4000);
  });

  test("is unknown if AWS does not make one within two minutes", async () => {
    const { snapshot, waited } = await readWith({
      generateCredentialReport: () => Promise.resolve(false),
      getCredentialReport: () => Promise.resolve({ text, generated }),
    });
    const reason = { unknown: "AWS did not finish the credential report within two minutes" };
    expect(snapshot).toMatchObject({ reportGenerated: reason, root: reason });
    expect(waited).toBeGreaterThan(115_000);
    expect(waited).toBeLessThan(125_000);
  });

  test("says nothing of a user who was created since, and has the name of an earlier one", async () => {
    sandbox.addUser({ name: "dan" });
    const { snapshot } = await readWith({
      generateCredentialReport: () => Promise.resolve(true),
      getCredentialReport: () =>
        Promise.resolve({ text: `${text}\ndan,${sandbox.rootArn},2020-01-31T09:00:00Z,true,true`, generated }),
    });
    expect(findUser(snapshot, "dan")).toMatchObject({ devices: { value: [] }, password: { value: null } });
  });

  test("is unknown if it was cut off", async () => {
    const { snapshot } = await readWith({
      generateCredentialReport: () => Promise.resolve(true),
      getCredentialReport: () => Promise.resolve({ text: text.slice(0, -6), generated }),
    });
    expect(snapshot.reportGenerated).toEqual({ unknown: expect.stringContaining("cut off") as string });
  });
});

test("an account of 5,000 users is read with bulk calls only", async () => {
  const admin = sandbox.addUser({ name: "admin", policies: [allow("*")] });
  for (let number = 0; number < 4999; number++) sandbox.addUser({ name: `user-${number}` });
  const snapshot = await read(admin.accessKey);
  expect(snapshot.users).toHaveLength(5000);
  // The report has more than a megabyte.
  expect(snapshot.users.filter(({ accessKeys }) => "value" in accessKeys)).toHaveLength(5000);
  expect(countOf("GetAccountAuthorizationDetails")).toBe(50);
  expect(sandbox.requests.length).toBeLessThan(60);
});
