// Tests signing in to the console of the local AWS: the pages that a user sees, the session in the end, and its records.
import { GetCallerIdentityCommand, STS } from "@aws-sdk/client-sts";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { enforceMfaPolicy, selfManagePolicy } from "../../src/policy/enforcement.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { allow, iamAs, now as start, step } from "./iam-client.ts";

const day = 86_400_000;
let now: number;
let sandbox: Sandbox;
beforeEach(async () => {
  vi.stubEnv("AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED", "true");
  now = start;
  sandbox = await startSandbox({ now: () => now });
});
afterEach(() => sandbox.close());

/** Adds a user with a password that was set now, or some days ago. */
function addUser(name: string, { resetRequired = false, policies = [allow("*")] as unknown[], age = 0 } = {}) {
  const password = { changedMs: now - age * day, lastUsedMs: undefined, resetRequired, text: "correct-Horse-1" };
  return sandbox.addUser({ name, policies, password });
}

const setRules = (rules: { hardExpiry?: boolean; maxAgeDays?: number; allowUsersToChangePassword?: boolean }) =>
  sandbox.setPasswordPolicy({
    ...{ hardExpiry: false, maxAgeDays: undefined, minimumLength: 8, allowUsersToChangePassword: false, ...rules },
  });

const wrongPassword = "Your authentication information is incorrect. Please try again.";
const wrongCode = "Your MFA code is incorrect. Please try again.";
const notChanged =
  "Either user is not authorized to perform iam:ChangePassword or entered password does not comply with account " +
  "password policy set by administrator";

/** Signs in and returns clients with the console's credentials. */
function consoleOf(form: Parameters<Sandbox["signIn"]>[0]) {
  const { credentials } = sandbox.signIn(form);
  if (credentials === undefined) throw new Error("not signed in");
  const { expiration, ...key } = credentials;
  const settings = {
    credentials: { ...key, expiration: new Date(expiration) },
    endpoint: sandbox.url,
    region: "us-east-1",
    maxAttempts: 1,
  };
  const sts = new STS({ ...settings, systemClockOffset: now - Date.now() });
  return { iam: iamAs(sandbox, key), sts };
}

describe("without a device", () => {
  test("a user signs in without MFA, and IAM can be called, also what is allowed without MFA only", async () => {
    const policies = [allow("iam:*"), allow("sts:*")];
    const { arn } = addUser("dan", { policies });
    const { iam, sts } = consoleOf({ userName: "DAN" });
    expect((await sts.send(new GetCallerIdentityCommand({}))).Arn).toBe(arn);
    expect((await iam.listUsers({})).Users).toHaveLength(1);
    const isFalse = { Bool: { "aws:MultiFactorAuthPresent": "false" } };
    sandbox.attachPolicy("dan", {
      Statement: { Effect: "Deny", Action: "iam:ListUsers", Resource: "*", Condition: isFalse },
    });
    await expect(iam.listUsers({})).rejects.toThrow("explicit deny");
    // The access key has no such key in its context.
    expect((await iamAs(sandbox, sandbox.rootAccessKey).listUsers({})).Users).toHaveLength(1);
    await expect(sts.getSessionToken({})).rejects.toThrow("Cannot call GetSessionToken with session credentials");
  });

  test("a policy that requires MFA leaves enrolling a device", async () => {
    addUser("dan", { policies: [allow("*"), enforceMfaPolicy(), selfManagePolicy()] });
    const { iam } = consoleOf({ userName: "dan" });
    await expect(iam.listUsers({})).rejects.toThrow("explicit deny");
    await expect(iam.createVirtualMFADevice({ VirtualMFADeviceName: "dan" })).resolves.toBeDefined();
  });

  test("a wrong password, no password and an unknown name look the same", () => {
    addUser("dan");
    sandbox.addUser({ name: "ci-deploy" });
    for (const [userName, password] of [
      ["dan", "wrong"],
      ["dan", ""],
      ["ci-deploy", ""],
      ["none", ""],
    ] as const) {
      expect(sandbox.signIn({ userName, password })).toEqual({ page: "password", message: wrongPassword });
    }
    const failed = { signIn: { mfaUsed: false, failure: "Failed authentication" } };
    expect(sandbox.signIns).toMatchObject(
      ["dan", "dan", "ci-deploy"].map((name) => ({ identity: { name }, ...failed })),
    );
  });

  test("the session ends after twelve hours", () => {
    addUser("dan");
    const { credentials } = sandbox.signIn({ userName: "dan" });
    expect(credentials?.expiration).toBe("2026-01-31T21:00:00Z");
  });
});

describe("with a device", () => {
  test("the console asks for a code, accepts each once, and knows the age of MFA", async () => {
    const { arn } = addUser("ben");
    const device = sandbox.addVirtualDevice("ben");
    const devices = [{ serialNumber: device.serialNumber, kind: "code" }];
    expect(sandbox.signIn({ userName: "ben" })).toEqual({ page: "mfa", devices, message: undefined });
    expect(sandbox.signIn({ userName: "ben", touchesKey: true })).toMatchObject({ page: "mfa" });
    expect(sandbox.signIn({ userName: "ben", code: "000000" })).toEqual({ page: "mfa", devices, message: wrongCode });
    const code = device.code();
    const { iam } = consoleOf({ userName: "ben", code });
    expect(sandbox.signIn({ userName: "ben", code })).toMatchObject({ page: "mfa", message: wrongCode });
    const isOld = { NumericGreaterThan: { "aws:MultiFactorAuthAge": "60" } };
    sandbox.attachPolicy("ben", { Statement: { Effect: "Deny", Action: "*", Resource: "*", Condition: isOld } });
    await expect(iam.getUser({})).resolves.toMatchObject({ User: { Arn: arn, PasswordLastUsed: new Date(now) } });
    now += 61_000;
    await expect(iam.getUser({})).rejects.toThrow();
  });

  test("a user with several devices chooses one", () => {
    addUser("cleo");
    const [phone, token] = [sandbox.addVirtualDevice("cleo"), sandbox.addHardwareDevice("cleo")];
    const ofToken = { userName: "cleo", code: token.code() };
    expect(sandbox.signIn(ofToken)).toMatchObject({ page: "mfa", message: wrongCode });
    expect(sandbox.signIn({ ...ofToken, serialNumber: token.serialNumber })).toMatchObject({ mfaUsed: true });
    expect(sandbox.signIn({ userName: "cleo", code: phone.code() })).toMatchObject({ mfaUsed: true });
    expect(sandbox.signIn({ ...ofToken, serialNumber: "GAHT00000000" })).toMatchObject({ page: "mfa" });
  });

  test("a user with only a security key touches it, and no code helps", () => {
    addUser("finn");
    const { serialNumber } = sandbox.addFidoDevice("finn");
    const devices = [{ serialNumber, kind: "security-key" }];
    expect(sandbox.signIn({ userName: "finn", code: "123456" })).toEqual({ page: "mfa", devices, message: undefined });
    expect(sandbox.signIn({ userName: "finn", touchesKey: true })).toMatchObject({ page: "console", mfaUsed: true });
  });
});

describe("a first password that must be changed", () => {
  const form = { userName: "erin", newPassword: "another-Horse-2" };

  test("is changed before anything else", () => {
    addUser("erin", { resetRequired: true });
    expect(sandbox.signIn({ userName: "erin" })).toEqual({ page: "new-password", message: undefined });
    expect(sandbox.signIn({ ...form, newPassword: "short" })).toEqual({ page: "new-password", message: notChanged });
    expect(sandbox.signIns).toEqual([]);
    expect(sandbox.signIn(form)).toMatchObject({ page: "console", mfaUsed: false });
    expect(sandbox.signIn({ userName: "erin", password: "correct-Horse-1" })).toMatchObject({ page: "password" });
    expect(sandbox.signIn({ userName: "erin", password: "another-Horse-2" })).toMatchObject({ page: "console" });
  });

  test("needs permission, which the account's password policy may give", () => {
    addUser("erin", { resetRequired: true, policies: [] });
    expect(sandbox.signIn(form)).toEqual({ page: "new-password", message: notChanged });
    setRules({ allowUsersToChangePassword: true });
    expect(sandbox.signIn(form)).toMatchObject({ page: "console" });
  });

  test("cannot be changed without MFA where a policy denies that, whatever the password policy allows", () => {
    const strict = enforceMfaPolicy({ passwordChange: false });
    addUser("erin", { resetRequired: true, policies: [allow("*"), strict] });
    setRules({ allowUsersToChangePassword: true });
    expect(sandbox.signIn(form)).toEqual({ page: "new-password", message: notChanged });
    const device = sandbox.addVirtualDevice("erin");
    expect(sandbox.signIn({ ...form, code: device.code() })).toMatchObject({ page: "console", mfaUsed: true });
  });
});

describe("a password that has expired", () => {
  const form = { userName: "gus", newPassword: "another-Horse-2" };

  test("must be changed, and starts over", () => {
    addUser("gus", { age: 90 });
    setRules({ maxAgeDays: 91 });
    expect(sandbox.signIn({ userName: "gus" })).toMatchObject({ page: "console" });
    setRules({ maxAgeDays: 90 });
    expect(sandbox.signIn({ userName: "gus" })).toEqual({ page: "new-password", message: undefined });
    expect(sandbox.signIn(form)).toMatchObject({ page: "console" });
    expect(sandbox.signIn({ userName: "gus" })).toMatchObject({ page: "console" });
  });

  test("cannot be changed in the console with hard expiry, but with an access key", async () => {
    const { accessKey } = addUser("gus", { age: 90 });
    setRules({ maxAgeDays: 90, hardExpiry: true });
    const message = "Your password has expired. Contact your administrator to reset it.";
    expect(sandbox.signIn(form)).toEqual({ page: "password", message });
    await iamAs(sandbox, accessKey).changePassword({ OldPassword: "correct-Horse-1", NewPassword: form.newPassword });
    expect(sandbox.signIn({ userName: "gus" })).toMatchObject({ page: "console" });
  });
});

describe("the root user", () => {
  test("signs in with a code once there is a device; summary, report and records tell", async () => {
    expect(sandbox.signIn({ userName: undefined })).toMatchObject({ page: "console", mfaUsed: false });
    const device = sandbox.addRootDevice();
    expect(sandbox.signIn({ userName: undefined })).toMatchObject({ page: "mfa" });
    now += step;
    const { iam } = consoleOf({ userName: undefined, code: device.code() });
    expect((await iam.listMFADevices({})).MFADevices?.map(({ SerialNumber }) => SerialNumber)).toEqual([
      "arn:aws:iam::123456789012:mfa/root-account-mfa-device",
    ]);
    expect((await iam.getAccountSummary({})).SummaryMap).toMatchObject({ AccountMFAEnabled: 1 });
    await iam.generateCredentialReport({});
    const { Content = new Uint8Array() } = await iam.getCredentialReport({});
    const [header = "", root = ""] = Buffer.from(Content).toString().split("\n");
    const row = Object.fromEntries(header.split(",").map((name, index) => [name, root.split(",")[index]]));
    expect(row).toMatchObject({
      ...{ user: "<root_account>", password_enabled: "true", password_last_used: "2026-01-31T09:00:30Z" },
      ...{ password_last_changed: "2026-01-31T09:00:00Z", password_next_rotation: "not_supported", mfa_active: "true" },
    });
    expect((await iam.getUser({})).User?.PasswordLastUsed).toEqual(new Date(now));
    const { rootArn: arn } = sandbox;
    expect(sandbox.signIns).toMatchObject([
      { timeMs: start, identity: { arn }, signIn: { mfaUsed: false } },
      { timeMs: now, identity: { arn }, signIn: { mfaUsed: true } },
    ]);
  });
});

describe("the sign-in page's form", () => {
  const submit = async (form: Record<string, string>, method = "POST") => {
    const body = new URLSearchParams(form);
    const response = await fetch(`${sandbox.url}/sign-in`, method === "GET" ? {} : { method, body });
    return [response.status, await response.text()] as const;
  };

  test("answers with the page and the console's credentials, and records no secrets", async () => {
    addUser("dan");
    const [status, text] = await submit({ UserName: "dan", Password: "correct-Horse-1" });
    const answer = JSON.parse(text) as ReturnType<Sandbox["signIn"]>;
    expect([status, answer]).toMatchObject([200, { page: "console", mfaUsed: false }]);
    const { accessKeyId, secretAccessKey = "none" } = answer.credentials ?? {};
    expect(sandbox.requests).toMatchObject([{ service: "signin", action: "ConsoleLogin", accessKeyId, status: 200 }]);
    expect(JSON.stringify(sandbox.requests)).not.toContain(secretAccessKey);
    expect(JSON.stringify(sandbox.requests)).not.toContain("correct-Horse-1");
    expect(sandbox.secrets()).toContainEqual(["correct-Horse-1", "password"]);
  });

  test("takes a code, a touch and a new password", async () => {
    addUser("erin", { resetRequired: true });
    const device = sandbox.addVirtualDevice("erin");
    const key = sandbox.addFidoDevice("erin");
    const form = {
      UserName: "erin",
      Password: "correct-Horse-1",
      SerialNumber: device.serialNumber,
      Code: device.code(),
    };
    expect((await submit(form))[1]).toBe('{"page":"new-password"}');
    const rest = { SerialNumber: key.serialNumber, TouchesKey: "true", NewPassword: "another-Horse-2" };
    expect((await submit({ ...form, ...rest }))[1]).toMatch(/^{"page":"console","mfaUsed":true/);
  });

  test("rejects other fields and methods", async () => {
    expect((await submit({ UserName: "dan", Captcha: "x" }))[0]).toBe(501);
    expect((await submit({}, "GET"))[0]).toBe(501);
  });
});
