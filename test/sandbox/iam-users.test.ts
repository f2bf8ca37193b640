// Tests users, tags, access keys and passwords in the local AWS.
import type { IAM } from "@aws-sdk/client-iam";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { allow, iamAs, now, refusal } from "./iam-client.ts";

const id = "123456789012";
const password = "Correct-horse-9";

let sandbox: Sandbox;
let root: IAM;
beforeEach(async () => {
  sandbox = await startSandbox();
  sandbox.setClock(now);
  root = iamAs(sandbox, sandbox.rootAccessKey);
});
afterEach(() => sandbox.close());

/** A client with a new access key of the user. */
async function newKey(UserName: string): Promise<{ iam: IAM; AccessKeyId: string }> {
  const { AccessKey: key } = await root.createAccessKey({ UserName });
  const { AccessKeyId = "", SecretAccessKey = "" } = key ?? {};
  return { iam: iamAs(sandbox, { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey }), AccessKeyId };
}

const createAlice = (policy: object = allow("iam:*")) =>
  root
    .createUser({ UserName: "alice", Path: "/eng/" })
    .then(() => root.putUserPolicy({ UserName: "alice", PolicyName: "p", PolicyDocument: JSON.stringify(policy) }));

test("users are created, described, tagged and listed", async () => {
  const boundary = sandbox.addManagedPolicy("limit", allow("iam:*")).arn;
  const created = await root.createUser({
    ...{ UserName: "alice", Path: "/eng/", PermissionsBoundary: boundary, Tags: [{ Key: "team", Value: "a" }] },
  });
  const fields = {
    ...{ UserName: "alice", Path: "/eng/", Arn: `arn:aws:iam::${id}:user/eng/alice`, CreateDate: new Date(now) },
    UserId: expect.stringMatching(/^AIDA[A-Z2-7]{17}$/) as string,
  };
  const details = {
    PermissionsBoundary: { PermissionsBoundaryType: "Policy", PermissionsBoundaryArn: boundary },
    Tags: [{ Key: "team", Value: "a" }],
  };
  expect(created.User).toEqual({ ...fields, ...details });
  expect((await root.getUser({ UserName: "ALICE" })).User).toEqual({ ...fields, ...details });
  expect((await root.getUser({})).User).toMatchObject({ UserId: id, Arn: sandbox.rootArn });
  await root.createUser({ UserName: "bob" });
  expect((await root.listUsers({ PathPrefix: "/eng/" })).Users).toEqual([fields]);
  const first = await root.listUsers({ MaxItems: 1 });
  expect((await root.listUsers({ Marker: first.Marker })).Users).toMatchObject([{ UserName: "bob" }]);

  await root.tagUser({
    UserName: "alice",
    Tags: [
      { Key: "Team", Value: "b" },
      { Key: "x", Value: "" },
    ],
  });
  const tags = async () => (await root.listUserTags({ UserName: "alice" })).Tags;
  expect(await tags()).toEqual([
    { Key: "Team", Value: "b" },
    { Key: "x", Value: "" },
  ]);
  await root.untagUser({ UserName: "alice", TagKeys: ["TEAM"] });
  expect(await tags()).toEqual([{ Key: "x", Value: "" }]);
  const tag = (keys: readonly string[]) =>
    refusal(root.tagUser({ UserName: "alice", Tags: keys.map((Key) => ({ Key, Value: "" })) }));
  expect(await tag(["a", "A"])).toMatch(/^InvalidInput 400: Duplicate tag keys found/);
  expect(await tag(Array.from({ length: 50 }, (_, index) => `k${index}`))).toMatch(/^LimitExceeded 409/);

  const create = (UserName: string, more = {}) => refusal(root.createUser({ UserName, ...more }));
  expect(await create("Alice")).toBe("EntityAlreadyExists 409: User with name Alice already exists.");
  expect(await create("x".repeat(65))).toMatch(/^ValidationError 400/);
  expect(await create("c", { Path: "eng" })).toMatch(/^ValidationError 400/);
  expect(await create("c", { PermissionsBoundary: `${boundary}-2` })).toMatch(/^NoSuchEntity 404/);
  expect(await refusal(root.getUser({ UserName: "c" }))).toBe(
    "NoSuchEntity 404: The user with name c cannot be found.",
  );
});

test("a user is deleted when nothing is left, and the credentials with the user", async () => {
  await createAlice();
  const remove = () => refusal(root.deleteUser({ UserName: "alice" }));
  const conflict = (what: string) => `DeleteConflict 409: Cannot delete entity, must ${what} first.`;
  const alice = { UserName: "alice" };
  await root.createGroup({ GroupName: "g" });
  await root.addUserToGroup({ ...alice, GroupName: "g" });
  await root.createLoginProfile({ ...alice, Password: password });
  const { AccessKeyId } = await newKey("alice");
  const { serialNumber: SerialNumber } = sandbox.addVirtualDevice("alice");
  const PolicyArn = sandbox.addManagedPolicy("m", allow("iam:*")).arn;
  await root.attachUserPolicy({ ...alice, PolicyArn });
  expect(await remove()).toBe(conflict("remove users from group"));
  await root.removeUserFromGroup({ ...alice, GroupName: "g" });
  expect(await remove()).toBe(conflict("delete login profile"));
  await root.deleteLoginProfile(alice);
  expect(await remove()).toBe(conflict("delete access keys"));
  await root.deleteAccessKey({ ...alice, AccessKeyId });
  expect(await remove()).toBe(conflict("remove tokens from principal"));
  await root.deactivateMFADevice({ ...alice, SerialNumber });
  expect(await remove()).toBe(conflict("delete policies"));
  await root.deleteUserPolicy({ ...alice, PolicyName: "p" });
  expect(await remove()).toBe(conflict("detach all policies"));
  await root.detachUserPolicy({ ...alice, PolicyArn });
  expect(await remove()).toBe("accepted");
  expect(await remove()).toMatch(/^NoSuchEntity 404/);
});

test("a renamed user keeps everything but the ARN, and renaming takes permission for both", async () => {
  await createAlice(allow("iam:*", "arn:aws:iam::123456789012:user/eng/alice"));
  await root.createGroup({ GroupName: "g" });
  await root.addUserToGroup({ UserName: "alice", GroupName: "g" });
  const { iam } = await newKey("alice");
  const before = (await root.getUser({ UserName: "alice" })).User;
  expect(await refusal(iam.updateUser({ UserName: "alice", NewUserName: "alicia" }))).toMatch(
    /^AccessDenied 403: .* iam:UpdateUser on resource: \S*user\/eng\/alicia because/,
  );
  await root.createUser({ UserName: "bo" });
  expect(await refusal(root.updateUser({ UserName: "alice", NewUserName: "Bo" }))).toMatch(/^EntityAlreadyExists 409/);
  await root.updateUser({ UserName: "alice", NewUserName: "alicia", NewPath: "/" });
  expect(await refusal(root.getUser({ UserName: "alice" }))).toMatch(/^NoSuchEntity 404/);
  expect((await root.getUser({ UserName: "alicia" })).User).toEqual({
    ...{ ...before, UserName: "alicia", Path: "/", Arn: "arn:aws:iam::123456789012:user/alicia" },
  });
  expect((await root.getGroup({ GroupName: "g" })).Users?.map(({ UserName }) => UserName)).toEqual(["alicia"]);
  // Policies name the old ARN.
  expect(await refusal(iam.getUser({}))).toMatch(/^AccessDenied 403: User: \S*user\/alicia is not authorized/);
});

test("access keys: two per user, used, switched off, deleted", async () => {
  await createAlice();
  const { iam, AccessKeyId } = await newKey("alice");
  const lastUsed = () => root.getAccessKeyLastUsed({ AccessKeyId });
  expect(await lastUsed()).toMatchObject({
    ...{ UserName: "alice", AccessKeyLastUsed: { ServiceName: "N/A", Region: "N/A" } },
  });
  const { AccessKey: second } = await iam.createAccessKey({});
  expect((await lastUsed()).AccessKeyLastUsed).toEqual({
    ...{ LastUsedDate: new Date(now), ServiceName: "iam", Region: "us-east-1" },
  });
  expect(second?.UserName).toBe("alice");
  expect(await refusal(newKey("alice"))).toBe("LimitExceeded 409: Cannot exceed quota for AccessKeysPerUser: 2");
  await root.updateAccessKey({ UserName: "alice", AccessKeyId, Status: "Inactive" });
  const { AccessKeyMetadata: keys } = await root.listAccessKeys({ UserName: "alice" });
  expect(keys).toEqual([
    { UserName: "alice", AccessKeyId, Status: "Inactive", CreateDate: new Date(now) },
    { UserName: "alice", AccessKeyId: second?.AccessKeyId, Status: "Active", CreateDate: new Date(now) },
  ]);
  expect(await refusal(iam.listAccessKeys({}))).toMatch(/^InvalidClientTokenId 403/);
  await root.updateAccessKey({ UserName: "alice", AccessKeyId, Status: "Active" });
  await iam.listAccessKeys({});
  await root.deleteAccessKey({ UserName: "alice", AccessKeyId });
  expect(await refusal(iam.listAccessKeys({}))).toMatch(/^InvalidClientTokenId 403/);
  const missing = `NoSuchEntity 404: The Access Key with id ${AccessKeyId} cannot be found.`;
  expect(await refusal(root.deleteAccessKey({ UserName: "alice", AccessKeyId }))).toBe(missing);
  expect(await refusal(lastUsed())).toBe(missing);
  // A key of someone else is not the user's.
  const foreign = { AccessKeyId: sandbox.rootAccessKey.accessKeyId, UserName: "alice" };
  expect(await refusal(root.deleteAccessKey(foreign))).toMatch(/^NoSuchEntity 404/);
});

test("passwords: created, changed by the user, replaced and deleted", async () => {
  await createAlice();
  const alice = { UserName: "alice" };
  const profile = await root.createLoginProfile({ ...alice, Password: password, PasswordResetRequired: true });
  const expected = { UserName: "alice", CreateDate: new Date(now), PasswordResetRequired: true };
  expect(profile.LoginProfile).toEqual(expected);
  expect((await root.getLoginProfile(alice)).LoginProfile).toEqual(expected);
  expect(sandbox.secrets().map(([text]) => text)).toContain(password);
  const again = root.createLoginProfile({ ...alice, Password: password });
  expect(await refusal(again)).toBe("EntityAlreadyExists 409: Login Profile for user alice already exists.");

  const { iam } = await newKey("alice");
  const change = (OldPassword: string, NewPassword: string) =>
    refusal(iam.changePassword({ OldPassword, NewPassword }));
  expect(await change("wrong", "Other-horse-9")).toBe("AccessDenied 403: The old password was incorrect.");
  expect(await change(password, "Ab-1")).toBe(
    "PasswordPolicyViolation 400: Password should have a minimum length of 8",
  );
  expect(await change(password, "abcdefghij")).toMatch(/^PasswordPolicyViolation 400/);
  expect(await change(password, "Other-horse-9")).toBe("accepted");
  expect((await root.getLoginProfile(alice)).LoginProfile?.PasswordResetRequired).toBe(false);
  await root.updateLoginProfile({ ...alice, PasswordResetRequired: true });
  expect((await root.getLoginProfile(alice)).LoginProfile?.PasswordResetRequired).toBe(true);
  await root.updateLoginProfile({ ...alice, Password: password });
  expect(await change("Other-horse-9", password)).toMatch(/^AccessDenied/);
  const tooLong = "é-secret-".repeat(20);
  const long = await refusal(root.updateLoginProfile({ ...alice, Password: tooLong }));
  expect(long).toMatch(/^ValidationError 400/);
  expect(long).not.toContain("secret");
  await root.deleteLoginProfile(alice);
  const missing = "NoSuchEntity 404: Login Profile for User alice cannot be found.";
  expect(await refusal(root.deleteLoginProfile(alice))).toBe(missing);
  expect(await refusal(root.updateLoginProfile(alice))).toBe(missing);
  expect(await change(password, "Other-horse-9")).toBe(missing);
  expect(await refusal(root.changePassword({ OldPassword: "a", NewPassword: "b" }))).toMatch(/^InvalidUserType 400/);
  // A password without a text gets one.
  const hal = { changedMs: now, lastUsedMs: undefined, resetRequired: false };
  const { accessKey } = sandbox.addUser({ name: "hal", password: hal, policies: [allow("iam:*")] });
  const [own = ""] = sandbox.secrets().findLast(([, kind]) => kind === "password") ?? [];
  const changeOwn = (OldPassword: string) =>
    iamAs(sandbox, accessKey).changePassword({ OldPassword, NewPassword: password });
  expect(await refusal(changeOwn("a"))).toBe("AccessDenied 403: The old password was incorrect.");
  expect(await refusal(changeOwn(own))).toBe("accepted");
});

test("the account's password policy replaces AWS's default as a whole, and the alias is replaced", async () => {
  await root.updateAccountPasswordPolicy({
    ...{ MinimumPasswordLength: 14, MaxPasswordAge: 90, RequireSymbols: true, AllowUsersToChangePassword: true },
  });
  expect((await root.getAccountPasswordPolicy({})).PasswordPolicy).toEqual({
    ...{ MinimumPasswordLength: 14, MaxPasswordAge: 90, ExpirePasswords: true, HardExpiry: false },
    ...{ RequireSymbols: true, RequireNumbers: false, RequireUppercaseCharacters: false },
    ...{ RequireLowercaseCharacters: false, AllowUsersToChangePassword: true },
  });
  await createAlice(allow("s3:*"));
  const create = (Password: string) => refusal(root.createLoginProfile({ UserName: "alice", Password }));
  expect(await create("short")).toMatch(/^PasswordPolicyViolation 400: .* length of 14$/);
  expect(await create("abcdefghijklmnop")).toBe(
    "PasswordPolicyViolation 400: Password should have at least one symbol",
  );
  expect(await create("abcdefghijklmnop-")).toBe("accepted");
  // The password policy allows it, no policy of alice does.
  const { iam } = await newKey("alice");
  const next = { OldPassword: "abcdefghijklmnop-", NewPassword: "abcdefghijklmnop+" };
  await iam.changePassword(next);
  await root.updateAccountPasswordPolicy({});
  expect((await root.getAccountPasswordPolicy({})).PasswordPolicy).toMatchObject({ MinimumPasswordLength: 6 });
  expect(await refusal(iam.changePassword(next))).toMatch(
    /^AccessDenied 403: .* iam:ChangePassword on resource: user alice/,
  );
  expect(await refusal(root.updateAccountPasswordPolicy({ MaxPasswordAge: 2000 }))).toMatch(/^ValidationError 400/);
  expect(await refusal(root.updateAccountPasswordPolicy({ PasswordReusePrevention: 3 }))).toMatch(
    /^NotImplemented 501/,
  );

  await root.createAccountAlias({ AccountAlias: "acme" });
  await root.createAccountAlias({ AccountAlias: "acme-2" });
  expect((await root.listAccountAliases({})).AccountAliases).toEqual(["acme-2"]);
  expect(await refusal(root.createAccountAlias({ AccountAlias: "acme-2" }))).toMatch(/^EntityAlreadyExists 409/);
  expect(await refusal(root.createAccountAlias({ AccountAlias: "Acme" }))).toMatch(/^ValidationError 400/);
  expect(await refusal(iam.createAccountAlias({ AccountAlias: "mine" }))).toMatch(/^AccessDenied 403/);
});

test("policies decide on the user whom a call is about", async () => {
  const own = `arn:aws:iam::${id}:user/eng/\${aws:username}`;
  await createAlice(allow(["iam:*AccessKey*", "iam:GetUser", "iam:*LoginProfile", "iam:CreateUser"], own));
  await root.createUser({ UserName: "bob" });
  const { AccessKeyId: foreign } = await newKey("bob");
  const { iam, AccessKeyId } = await newKey("alice");
  await iam.getUser({});
  await iam.getAccessKeyLastUsed({ AccessKeyId });
  await iam.createLoginProfile({ Password: password });
  const denied = (action: string, on = "user bob") =>
    `AccessDenied 403: User: arn:aws:iam::${id}:user/eng/alice is not authorized to perform: iam:${action} on ` +
    `resource: ${on} because no identity-based policy allows the iam:${action} action`;
  expect(await refusal(iam.getUser({ UserName: "bob" }))).toBe(denied("GetUser"));
  expect(await refusal(iam.createAccessKey({ UserName: "bob" }))).toBe(denied("CreateAccessKey"));
  expect(await refusal(iam.getAccessKeyLastUsed({ AccessKeyId: foreign }))).toBe(denied("GetAccessKeyLastUsed"));
  const loginProfile = iam.createLoginProfile({ UserName: "bob", Password: password });
  expect(await refusal(loginProfile)).toBe(denied("CreateLoginProfile"));
  // With tags, iam:TagUser is needed too.
  await root.putUserPolicy({
    ...{ UserName: "alice", PolicyName: "p", PolicyDocument: JSON.stringify(allow("iam:CreateUser")) },
  });
  const tagged = { UserName: "carol", Tags: [{ Key: "a", Value: "b" }] };
  expect(await refusal(iam.createUser(tagged))).toBe(denied("TagUser", `arn:aws:iam::${id}:user/carol`));
  await iam.createUser({ UserName: "carol" });
});

test("a boundary is put, limits the user, and is deleted", async () => {
  const boundary = sandbox.addManagedPolicy("limit", allow("iam:GetUser")).arn;
  await createAlice();
  const { iam } = await newKey("alice");
  const user = { UserName: "alice" };
  expect(await refusal(iam.listUsers({}))).toBe("accepted");
  await root.putUserPermissionsBoundary({ ...user, PermissionsBoundary: boundary });
  expect((await root.getUser(user)).User?.PermissionsBoundary?.PermissionsBoundaryArn).toBe(boundary);
  expect(await refusal(iam.listUsers({}))).toMatch(/^AccessDenied/);
  const entities = (more: object = {}) => root.listEntitiesForPolicy({ PolicyArn: boundary, ...more });
  expect((await entities()).PolicyUsers).toMatchObject([{ UserName: "alice" }]);
  expect((await entities({ PolicyUsageFilter: "PermissionsPolicy" })).PolicyUsers).toEqual([]);
  expect((await entities({ EntityFilter: "Group" })).PolicyUsers).toEqual([]);
  await root.deleteUserPermissionsBoundary(user);
  expect(await refusal(iam.listUsers({}))).toBe("accepted");
  expect(await refusal(root.deleteUserPermissionsBoundary(user))).toMatch(/^NoSuchEntity/);
  const PermissionsBoundary = boundary.replace("limit", "none");
  expect(await refusal(root.putUserPermissionsBoundary({ ...user, PermissionsBoundary }))).toBe(
    `NoSuchEntity 404: Scope ARN: ${PermissionsBoundary} does not exist or is not attachable.`,
  );
});

test("the entities of a policy are groups, users and roles, by kind and path", async () => {
  const PolicyArn = sandbox.addManagedPolicy("shared", allow("s3:*")).arn;
  sandbox.addGroup({ name: "developers", path: "/eng/", attached: [PolicyArn] });
  sandbox.addUser({ name: "ben", attached: [PolicyArn], groups: ["developers"] });
  sandbox.addUser({ name: "cleo" });
  const list = async (more: object = {}) => {
    const {
      PolicyGroups = [],
      PolicyUsers = [],
      PolicyRoles = [],
    } = await root.listEntitiesForPolicy({
      ...{ PolicyArn, ...more },
    });
    return [
      ...PolicyGroups.map((each) => each.GroupName),
      ...PolicyUsers.map((each) => each.UserName),
      PolicyRoles.length,
    ];
  };
  expect(await list()).toEqual(["developers", "ben", 0]);
  expect(await list({ PathPrefix: "/eng/" })).toEqual(["developers", 0]);
  expect(await list({ EntityFilter: "User" })).toEqual(["ben", 0]);
});

test("the account's alias and password policy are deleted", async () => {
  await root.createAccountAlias({ AccountAlias: "example-team" });
  await root.updateAccountPasswordPolicy({ MinimumPasswordLength: 12 });
  const deleteAlias = (AccountAlias: string) => refusal(root.deleteAccountAlias({ AccountAlias }));
  expect(await deleteAlias("another")).toMatch(/^NoSuchEntity/);
  expect(await deleteAlias("example-team")).toBe("accepted");
  expect((await root.listAccountAliases({})).AccountAliases).toEqual([]);
  expect(await refusal(root.deleteAccountPasswordPolicy({}))).toBe("accepted");
  expect(await refusal(root.deleteAccountPasswordPolicy({}))).toBe(
    `NoSuchEntity 404: The Password Policy with domain name ${id} cannot be found.`,
  );
});
