// Changes groups, policies, users and what users have in the local AWS, by the calls of iam-changes.ts.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Connection } from "../../src/aws/connection.ts";
import { listMfaDevices } from "../../src/aws/iam.ts";
import * as iam from "../../src/aws/iam-changes.ts";
import { type AccessKey, type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { totp } from "../../src/sandbox/totp.ts";
import { knowSecret } from "../helpers/secrets.ts";
import { refusal, startFront } from "../network/servers.ts";
import { askAs } from "./read-account.ts";

const allow = (action: string | readonly string[]) => ({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: action, Resource: "*" }],
});
const document = JSON.stringify(allow("s3:ListAllMyBuckets"));
const policyArn = "arn:aws:iam::123456789012:policy/list-buckets";

let sandbox: Sandbox;
let admin: AccessKey;
beforeEach(async () => {
  // The SDK waits for a random part of the time that grows with each attempt: here for none of it.
  vi.spyOn(Math, "random").mockReturnValue(0);
  sandbox = await startSandbox();
  admin = sandbox.addUser({ name: "admin", policies: [allow("*")] }).accessKey;
});
afterEach(async () => {
  vi.restoreAllMocks();
  await sandbox.close();
});

const asAdmin = <T>(work: (aws: Connection) => Promise<T>): Promise<T> => askAs(sandbox.url, admin, work);
const countOf = (action: string): number => sandbox.requests.filter((request) => request.action === action).length;

test("a group with a policy and a member is made, read and removed; what is done already is told", () =>
  asAdmin(async (aws) => {
    sandbox.addUser({ name: "ben" });
    expect(await iam.listGroupMembers(aws, "G")).toBeUndefined();
    expect(await iam.createGroup(aws, "G")).toBe(true);
    expect(await iam.createGroup(aws, "G")).toBe(false);

    expect(await iam.getPolicy(aws, policyArn)).toBeUndefined();
    const policy = { name: "list-buckets", document, tags: { "fob-run": "1" } };
    expect(await iam.createPolicy(aws, policy)).toBe(policyArn);
    expect(await iam.createPolicy(aws, policy)).toBeUndefined();
    await iam.attachGroupPolicy(aws, "G", policyArn);
    await iam.attachGroupPolicy(aws, "G", policyArn);
    expect(await iam.getPolicy(aws, policyArn)).toEqual({ defaultVersion: "v1", attachmentCount: 1 });
    expect(await iam.getPolicyVersion(aws, policyArn, "v1")).toBe(document);
    expect(await iam.getPolicyVersion(aws, policyArn, "v2")).toBeUndefined();
    expect(await iam.listAttachedGroupPolicies(aws, "G")).toEqual([policyArn]);
    expect(await iam.listGroupPolicies(aws, "G")).toEqual([]);

    await iam.addUserToGroup(aws, "ben", "G");
    await iam.addUserToGroup(aws, "ben", "G");
    expect(await iam.listGroupMembers(aws, "G")).toEqual(["ben"]);
    expect(await iam.listGroupsForUser(aws, "ben")).toEqual(["G"]);
    expect(await iam.listGroupsForUser(aws, "carol")).toBeUndefined();
    const question = { arn: "arn:aws:iam::123456789012:user/ben", resource: "*", context: [] };
    const actions = ["s3:ListAllMyBuckets", "s3:GetObject"];
    expect(await iam.simulatePrincipal(aws, { ...question, actions })).toEqual([
      { action: "s3:ListAllMyBuckets", decision: "allowed" },
      { action: "s3:GetObject", decision: "implicitDeny" },
    ]);

    for (const [step, expected] of [
      [() => iam.removeUserFromGroup(aws, "ben", "G"), []],
      [() => iam.detachGroupPolicy(aws, "G", policyArn), []],
      [() => iam.deletePolicy(aws, policyArn), undefined],
      [() => iam.deleteGroup(aws, "G"), undefined],
    ] as const) {
      expect([await step(), await step()], step.toString()).toEqual([true, false]);
      if (expected) expect(await iam.listGroupMembers(aws, "G")).toEqual(expected);
    }
  }));

test("a list of several pages is read to its end", () =>
  asAdmin(async (aws) => {
    await iam.createGroup(aws, "G");
    const names = Array.from({ length: 130 }, (_, number) => `user-${String(number).padStart(3, "0")}`);
    for (const name of names) sandbox.addUser({ name, groups: ["G"] });
    expect((await iam.listGroupMembers(aws, "G"))?.sort()).toEqual(names);
    expect(countOf("GetGroup")).toBe(2);
  }));

test("a user with a key, a password, policies and a device is made, used and removed", () =>
  asAdmin(async (aws) => {
    const user = "test-mfa-user";
    const tags = { "fob-canary": "1" };
    expect(await iam.getUser(aws, user)).toBeUndefined();
    expect(await iam.createUser(aws, { name: user, tags })).toBe(`arn:aws:iam::123456789012:user/${user}`);
    expect(await iam.createUser(aws, { name: user })).toBeUndefined();
    await iam.tagUser(aws, user, { more: "2" });
    expect(await iam.getUser(aws, user)).toEqual({
      ...{ name: user, arn: `arn:aws:iam::123456789012:user/${user}`, tags: { ...tags, more: "2" } },
    });

    const key = await iam.createAccessKey(aws, user);
    const { accessKeyId } = key;
    expect(await iam.listAccessKeys(aws, user)).toMatchObject([{ accessKeyId, isActive: true }]);
    expect(await iam.listAccessKeys(aws, "carol")).toBeUndefined();
    expect(await iam.getAccessKeyLastUsed(aws, accessKeyId)).toBeUndefined();

    const [password, another] = ["Correct-Horse-9", "Battery-Staple-9"];
    knowSecret("password", password);
    expect(await iam.createLoginProfile(aws, user, { password, isResetRequired: true })).toBe(true);
    expect(await iam.createLoginProfile(aws, user, { password, isResetRequired: true })).toBe(false);
    const own = JSON.stringify(allow(["iam:ChangePassword", "iam:GetUser"]));
    await iam.putUserPolicy(aws, user, { name: "own", document: own });
    expect(await iam.listUserPolicies(aws, user)).toEqual(["own"]);
    await askAs(sandbox.url, key, async (mine) => {
      await iam.changePassword(mine, password, another);
      await expect(iam.changePassword(mine, password, another)).rejects.toThrow("AWS ");
    });
    expect(await iam.getAccessKeyLastUsed(aws, accessKeyId)).toMatchObject({ service: "iam" });

    await iam.createPolicy(aws, { name: "list-buckets", document });
    await iam.attachUserPolicy(aws, user, policyArn);
    expect(await iam.listAttachedUserPolicies(aws, user)).toEqual([policyArn]);

    const device = await iam.createVirtualMfaDevice(aws, user);
    expect(await iam.createVirtualMfaDevice(aws, user)).toBeUndefined();
    const { serialNumber = "", seed = "" } = device ?? {};
    expect(serialNumber).toBe(`arn:aws:iam::123456789012:mfa/${user}`);
    const codes = (later: number) => [totp(seed, Date.now() + later), totp(seed, Date.now() + later + 30_000)] as const;
    await expect(iam.enableMfaDevice(aws, user, serialNumber, ["000000", "000000"])).rejects.toMatchObject({
      ...{ consequence: "wrong code", message: "AWS rejected the two codes of the MFA device" },
    });
    await iam.enableMfaDevice(aws, user, serialNumber, codes(-30_000));
    expect(await listMfaDevices(aws, user)).toEqual([serialNumber]);

    await expect(iam.deleteUser(aws, user)).rejects.toThrow("DeleteConflict");
    for (const step of [
      () => iam.deactivateMfaDevice(aws, user, serialNumber),
      () => iam.deleteVirtualMfaDevice(aws, serialNumber),
      () => iam.detachUserPolicy(aws, user, policyArn),
      () => iam.deleteUserPolicy(aws, user, "own"),
      () => iam.deleteLoginProfile(aws, user),
      () => iam.deleteAccessKey(aws, user, accessKeyId),
      () => iam.deleteUser(aws, user),
    ]) {
      expect([await step(), await step()], step.toString()).toEqual([true, false]);
    }
    expect(await iam.getUser(aws, user)).toBeUndefined();
  }));

test("a denied change names the permission that is missing", async () => {
  const reader = sandbox.addUser({ name: "reader", policies: [allow(["iam:Get*", "iam:List*", "iam:CreateUser"])] });
  await askAs(sandbox.url, reader.accessKey, async (aws) => {
    await expect(iam.addUserToGroup(aws, "reader", "G")).rejects.toMatchObject({
      ...{ consequence: "refused", hints: [expect.stringContaining("iam:AddUserToGroup")] },
    });
    // With tags, creating a user needs a second permission.
    await expect(iam.createUser(aws, { name: "canary", tags: { a: "b" } })).rejects.toMatchObject({
      hints: [expect.stringContaining("iam:TagUser")],
    });
  });
});

test("a missing user and a quota are said in words", () =>
  asAdmin(async (aws) => {
    await iam.createGroup(aws, "G");
    await expect(iam.addUserToGroup(aws, "carol", "G")).rejects.toMatchObject({
      ...{ consequence: "refused", message: "AWS did not find it: The user with name carol cannot be found." },
    });
    sandbox.addUser({ name: "ben" });
    for (let number = 1; number <= 10; number++) {
      await iam.createGroup(aws, `g${number}`);
      await iam.addUserToGroup(aws, "ben", `g${number}`);
    }
    await expect(iam.addUserToGroup(aws, "ben", "G")).rejects.toMatchObject({
      ...{ consequence: "refused", message: "a quota of IAM is reached: Cannot exceed quota for GroupsPerUser: 10" },
    });
  }));

test.each([
  ["MalformedPolicyDocument", "AWS rejected the policy: why", "check it: fob policy lint FILE"],
  [
    "EntityTemporarilyUnmodifiable",
    "AWS is still busy with another change: why",
    "wait a minute, then run the same command again",
  ],
  [
    "ConcurrentModification",
    "AWS is still busy with another change: why",
    "wait a minute, then run the same command again",
  ],
])("what AWS means by %s is said in words, with what to do", async (code, message, hint) => {
  const front = await startFront({ to: sandbox.url, reply: () => refusal(409, code, "why") });
  await askAs(front.url, admin, async (aws) => {
    const policy = { name: "p", document };
    await expect(iam.putUserPolicy(aws, "admin", policy)).rejects.toMatchObject({ message, hints: [hint] });
  });
});

test("a password that AWS repeats when it rejects it is in no message", async () => {
  const password = "Too-Short-9";
  const front = await startFront({
    to: sandbox.url,
    reply: () => refusal(400, "PasswordPolicyViolation", `Value '${password}' should have more characters`),
  });
  await askAs(front.url, admin, async (aws) => {
    const message = "AWS rejected the password: Value '******' should have more characters";
    const given = { password, isResetRequired: false };
    await expect(iam.createLoginProfile(aws, "admin", given)).rejects.toMatchObject({ message });
    await expect(iam.changePassword(aws, "before", password)).rejects.toMatchObject({ message });
  });
});

test("under throttling a look-up is repeated, and a change is sent once", async () => {
  const front = await startFront({
    to: sandbox.url,
    reply: ({ before }) => (before < 2 ? refusal(400, "Throttling", "Rate exceeded") : "forward"),
  });
  const countAt = (action: string): number => front.exchanges.filter((exchange) => exchange.action === action).length;
  await askAs(front.url, admin, async (aws) => {
    expect(await iam.getUser(aws, "admin")).toMatchObject({ name: "admin" });
    await expect(iam.createGroup(aws, "G")).rejects.toMatchObject({
      ...{ consequence: "throttled", message: "AWS is throttling requests" },
    });
  });
  expect([countAt("GetUser"), countAt("CreateGroup")]).toEqual([3, 1]);
  expect(countOf("CreateGroup")).toBe(0);
});

test("a change whose answer is lost is not sent again, and what became of it is unknown", async () => {
  const front = await startFront({ to: sandbox.url, reply: () => "hang up" });
  await askAs(front.url, admin, async (aws) => {
    await expect(iam.createGroup(aws, "G")).rejects.toMatchObject({ consequence: "no answer" });
  });
  expect(front.exchanges).toHaveLength(1);
});
