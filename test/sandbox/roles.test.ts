// Tests roles of the local AWS: who can assume them, with which code, for how long, and what the role session can do.

import { IAMClient, ListMFADevicesCommand } from "@aws-sdk/client-iam";
import { ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  type Credentials,
  GetCallerIdentityCommand,
  GetSessionTokenCommand,
  STSClient,
} from "@aws-sdk/client-sts";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { enforceMfaPolicy } from "../../src/policy/enforcement.ts";
import { type CodeDevice, type Sandbox, type SandboxUser, startSandbox } from "../../src/sandbox/server.ts";

const now = Date.parse("2026-01-31T09:00:00Z");
const root = "arn:aws:iam::123456789012:root";
const deploy = "arn:aws:iam::123456789012:role/deploy";
const everything = { Version: "2012-10-17", Statement: { Effect: "Allow", Action: "*", Resource: "*" } };
const deny = (Action: string) => ({ Statement: { Effect: "Deny", Action, Resource: "*" } });

let sandbox: Sandbox;
let alice: SandboxUser;
let device: CodeDevice;
beforeEach(async () => {
  vi.stubEnv("AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED", "true");
  sandbox = await startSandbox();
  sandbox.setClock(now);
  alice = sandbox.addUser({ name: "alice", policies: [everything] });
  device = sandbox.addVirtualDevice("alice");
});
afterEach(() => sandbox.close());

/** Builds a trust policy for a principal and a condition; the default principal is the account, as in the console. */
const trust = (AWS: string | string[] = root, Condition = {}, Action: unknown = "sts:AssumeRole") => ({
  Version: "2012-10-17",
  Statement: { Effect: "Allow", Principal: { AWS }, Action, Condition },
});
const withMfa = { Bool: { "aws:MultiFactorAuthPresent": "true" } };

interface Keys {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

function keysOf(answer: Credentials | undefined): Keys {
  const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "" } = answer ?? {};
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
}

function aws(credentials: Keys, atMs = now) {
  const systemClockOffset = atMs - Date.now();
  const common = { credentials, endpoint: sandbox.url, region: "eu-west-1", maxAttempts: 1, systemClockOffset };
  const sts = new STSClient(common);
  return {
    whoAmI: () => sts.send(new GetCallerIdentityCommand({})),
    session: async (code?: string) => {
      const mfa = code === undefined ? {} : { SerialNumber: device.serialNumber, TokenCode: code };
      return keysOf((await sts.send(new GetSessionTokenCommand(mfa))).Credentials);
    },
    assume: (input: Partial<AssumeRoleCommandInput> = {}) =>
      sts.send(new AssumeRoleCommand({ RoleArn: deploy, RoleSessionName: "work", ...input })),
    role: async (input: Partial<AssumeRoleCommandInput> = {}) =>
      keysOf((await aws(credentials, atMs).assume(input)).Credentials),
    devices: (UserName?: string) =>
      new IAMClient(common).send(new ListMFADevicesCommand(UserName === undefined ? {} : { UserName })),
    buckets: async () =>
      ((await new S3Client({ ...common, forcePathStyle: true }).send(new ListBucketsCommand({}))).Buckets ?? []).length,
  };
}

/** Returns the name and message of the SDK's error, or that the call succeeded. */
async function outcome(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => "accepted",
    (error: unknown) => `${(error as Error).name}: ${(error as Error).message}`,
  );
}

const notAuthorized = (who = alice.arn, action = "sts:AssumeRole", role = deploy) =>
  `AccessDenied: User: ${who} is not authorized to perform: ${action} on resource: ${role}`;

describe("assuming a role", () => {
  test("trust in the account lets the caller's own policies decide", async () => {
    sandbox.addRole({ name: "deploy", trust: trust(["999999999999", root]) });
    sandbox.addRole({ name: "numbered", trust: trust("123456789012") });
    const numbered = "arn:aws:iam::123456789012:role/numbered";
    const bob = sandbox.addUser({ name: "bob" });
    for (const RoleArn of [deploy, numbered]) {
      expect(await outcome(aws(alice.accessKey).assume({ RoleArn }))).toBe("accepted");
      const refusal = notAuthorized(bob.arn, "sts:AssumeRole", RoleArn);
      expect(await outcome(aws(bob.accessKey).assume({ RoleArn }))).toBe(refusal);
    }
  });

  test("trust in the user or in everyone is enough; trust in another user is not", async () => {
    const bob = sandbox.addUser({ name: "bob" });
    sandbox.addRole({ name: "deploy", trust: trust(bob.arn) });
    sandbox.addRole({ name: "open", trust: trust("*") });
    expect(await outcome(aws(bob.accessKey).assume())).toBe("accepted");
    expect(await outcome(aws(bob.accessKey).assume({ RoleArn: deploy.replace("deploy", "open") }))).toBe("accepted");
    expect(await outcome(aws(alice.accessKey).assume())).toBe(notAuthorized());
  });

  test("a deny in any policy applies, and the error names its kind", async () => {
    const { Statement } = trust(alice.arn);
    const aliceNot = { ...Statement, Effect: "Deny" };
    sandbox.addRole({ name: "deploy", trust: { Statement: [trust(root).Statement, aliceNot] } });
    const where = " with an explicit deny in a resource-based policy";
    expect(await outcome(aws(alice.accessKey).assume())).toBe(notAuthorized() + where);
    const bob = sandbox.addUser({ name: "bob", policies: [deny("sts:AssumeRole")] });
    sandbox.addRole({ name: "bobs", trust: trust(bob.arn) });
    const RoleArn = deploy.replace("deploy", "bobs");
    expect(await outcome(aws(bob.accessKey).assume({ RoleArn }))).toMatch(
      /an explicit deny in an identity-based policy$/,
    );
  });

  test("an unknown role gives the same error; the root user gets another one", async () => {
    expect(await outcome(aws(alice.accessKey).assume())).toBe(notAuthorized());
    sandbox.addRole({ name: "deploy", trust: trust() });
    expect(await outcome(aws(sandbox.rootAccessKey).assume())).toBe(
      "AccessDenied: Roles may not be assumed by root accounts.",
    );
  });

  test("conditions can test external ID, session name, principal and tags; tags and a source identity need permissions", async () => {
    const conditions = {
      StringEquals: { "sts:ExternalId": "partner", "aws:RequestTag/team": ["red", "blue"] },
      StringLike: { "sts:RoleSessionName": "alice-*" },
      ArnLike: { "aws:PrincipalArn": "arn:aws:iam::123456789012:user/*" },
    };
    const tagging = ["sts:AssumeRole", "sts:TagSession"];
    sandbox.addRole({ name: "deploy", trust: trust(root, conditions, tagging) });
    const right = { ExternalId: "partner", RoleSessionName: "alice-1", Tags: [{ Key: "team", Value: "red" }] };
    const { assume } = aws(alice.accessKey);
    expect(await outcome(assume({ ...right, TransitiveTagKeys: ["Team"] }))).toBe("accepted");
    expect(await outcome(assume({ ...right, ExternalId: "other" }))).toBe(notAuthorized());
    expect(await outcome(assume({ ...right, RoleSessionName: "bob-1" }))).toBe(notAuthorized());
    expect(await outcome(assume({ ...right, Tags: [{ Key: "team", Value: "green" }] }))).toBe(notAuthorized());
    expect(await outcome(assume({ ...right, ExternalId: undefined }))).toBe(notAuthorized());
    const refused = notAuthorized(alice.arn, "sts:SetSourceIdentity");
    expect(await outcome(assume({ ...right, SourceIdentity: "alice" }))).toBe(refused);
    sandbox.addRole({ name: "named", trust: trust(root, {}, ["sts:AssumeRole", "sts:SetSourceIdentity"]) });
    const named = { RoleArn: deploy.replace("deploy", "named"), SourceIdentity: "alice" };
    expect((await assume(named)).SourceIdentity).toBe("alice");
    const tagged = await outcome(assume({ RoleArn: named.RoleArn, Tags: [{ Key: "a", Value: "" }] }));
    expect(tagged).toBe(notAuthorized(alice.arn, "sts:TagSession", named.RoleArn));
  });
});

describe("MFA", () => {
  test("accepts a code in the call or a session with MFA, and its age", async () => {
    const recent = { ...withMfa, NumericLessThan: { "aws:MultiFactorAuthAge": "3600" } };
    sandbox.addRole({ name: "deploy", trust: trust(root, recent) });
    const strong = await aws(alice.accessKey).session(device.code());
    const plain = await aws(alice.accessKey).session();
    const mfa = { SerialNumber: device.serialNumber, TokenCode: device.code(now - 30_000) };
    expect(await outcome(aws(alice.accessKey).assume())).toBe(notAuthorized());
    expect(await outcome(aws(plain).assume())).toBe(notAuthorized());
    expect(await outcome(aws(strong).assume())).toBe("accepted");
    expect(await outcome(aws(alice.accessKey).assume(mfa))).toBe("accepted");
    const wrong = "AccessDenied: MultiFactorAuthentication failed with invalid MFA one time pass code. ";
    expect(await outcome(aws(alice.accessKey).assume(mfa))).toBe(wrong);
    const later = now + 3600_000;
    sandbox.setClock(later);
    expect(await outcome(aws(strong, later).assume())).toBe(notAuthorized());
  });

  test("satisfies the enforcement policy with a code in the call", async () => {
    sandbox.addRole({ name: "deploy", trust: trust() });
    sandbox.attachPolicy("alice", enforceMfaPolicy());
    expect(await outcome(aws(alice.accessKey).assume())).toMatch(/with an explicit deny in an identity-based policy$/);
    const mfa = { SerialNumber: device.serialNumber, TokenCode: device.code() };
    expect(await outcome(aws(alice.accessKey).assume(mfa))).toBe("accepted");
  });

  test("a role session has no MFA, however the role was assumed", async () => {
    sandbox.addRole({ name: "deploy", trust: trust(), policies: [everything, enforceMfaPolicy()] });
    const strong = await aws(alice.accessKey).session(device.code());
    const mfa = { SerialNumber: device.serialNumber, TokenCode: device.code(now + 30_000) };
    for (const role of [await aws(strong).role(), await aws(alice.accessKey).role(mfa)]) {
      expect(await outcome(aws(role).buckets())).toMatch(/with an explicit deny in an identity-based policy$/);
    }
  });

  test("rejects incomplete parameters and another user's device; a code with a session is not modeled", async () => {
    sandbox.addRole({ name: "deploy", trust: trust() });
    const { assume } = aws(alice.accessKey);
    expect(await outcome(assume({ SerialNumber: device.serialNumber }))).toContain("must provide both");
    const unknown = { SerialNumber: "GAHT12345678", TokenCode: "000000" };
    expect(await outcome(assume(unknown))).toContain("unable to validate MFA code.  Please verify");
    expect(await outcome(aws(await aws(alice.accessKey).session()).assume(unknown))).toMatch(/^NotImplemented/);
  });
});

describe("the role session", () => {
  test("is the assumed role, with the role's policies and not the caller's", async () => {
    const path = "/team/ops/";
    const list = { Statement: { Effect: "Allow", Action: ["s3:*", "iam:*"], Resource: "*" } };
    const { arn } = sandbox.addRole({ name: "deploy", path, trust: trust(), policies: [list] });
    expect(arn).toBe("arn:aws:iam::123456789012:role/team/ops/deploy");
    const { AssumedRoleUser, Credentials } = await aws(alice.accessKey).assume({ RoleArn: arn });
    const assumed = "arn:aws:sts::123456789012:assumed-role/deploy/work";
    expect(AssumedRoleUser).toMatchObject({ Arn: assumed });
    expect(AssumedRoleUser?.AssumedRoleId).toMatch(/^AROA[A-Z2-7]{17}:work$/);
    expect(Credentials?.Expiration).toEqual(new Date(now + 3600_000));
    const role = aws(keysOf(Credentials));
    expect(await role.whoAmI()).toMatchObject({ Arn: assumed, UserId: AssumedRoleUser?.AssumedRoleId });
    expect(await role.buckets()).toBe(2);
    expect((await role.devices("alice")).MFADevices).toHaveLength(1);
    const nonUser = "Must specify userName when calling with non-User credentials";
    expect(await outcome(role.devices())).toContain(nonUser);
    const noToken = "AccessDenied: Cannot call GetSessionToken with session credentials";
    expect(await outcome(role.session())).toBe(noToken);
    expect(await outcome(role.assume({ RoleArn: arn }))).toBe(notAuthorized(assumed, "sts:AssumeRole", arn));
  });

  test("expires, and its credentials are listed as secrets", async () => {
    sandbox.addRole({ name: "deploy", trust: trust(), policies: [everything] });
    const role = await aws(alice.accessKey).role({ DurationSeconds: 900 });
    const secrets = sandbox.secrets().map(([secret]) => secret);
    expect(secrets).toEqual(expect.arrayContaining([role.secretAccessKey, role.sessionToken]));
    sandbox.setClock(now + 900_000);
    expect(await outcome(aws(role, now + 900_000).whoAmI())).toMatch(/^ExpiredToken/);
  });

  test("lasts as long as the role allows, but at most one hour with role chaining", async () => {
    sandbox.addRole({ name: "deploy", trust: trust() });
    sandbox.addRole({ name: "long", trust: trust(), maxSessionSeconds: 43_200, policies: [everything] });
    const RoleArn = deploy.replace("deploy", "long");
    const { assume } = aws(alice.accessKey);
    expect((await assume({ RoleArn, DurationSeconds: 43_200 })).Credentials?.Expiration).toEqual(
      new Date(now + 43_200_000),
    );
    expect(await outcome(assume({ DurationSeconds: 3601 }))).toBe(
      "ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    );
    const sessions = [await aws(alice.accessKey).session(), await aws(alice.accessKey).role({ RoleArn })];
    for (const session of sessions) {
      expect(await outcome(aws(session).assume({ RoleArn, DurationSeconds: 3601 }))).toBe(
        "ValidationError: The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
      );
      expect(await outcome(aws(session).assume({ RoleArn, DurationSeconds: 3600 }))).toBe("accepted");
    }
  });

  test("can assume another role that trusts its role; transitive tags are not modeled", async () => {
    sandbox.addRole({ name: "first", trust: trust(root, {}, ["sts:AssumeRole", "sts:SetSourceIdentity"]) });
    const first = deploy.replace("deploy", "first");
    sandbox.addRole({ name: "deploy", trust: trust(first, { ArnEquals: { "aws:PrincipalArn": first } }) });
    const { role } = aws(alice.accessKey);
    expect(await outcome(aws(await role({ RoleArn: first })).assume())).toBe("accepted");
    const named = await role({ RoleArn: first, SourceIdentity: "alice" });
    expect(await outcome(aws(named).assume())).toMatch(/^NotImplemented/);
  });
});

test.each<[Partial<AssumeRoleCommandInput>, string]>([
  [{ RoleArn: undefined, RoleSessionName: undefined }, "2 validation errors detected: Value null at 'roleArn' failed"],
  [{ RoleArn: root }, `ValidationError: ${root} is invalid`],
  [{ RoleSessionName: "a b" }, "at 'roleSessionName' failed to satisfy constraint: Member must satisfy"],
  [{ RoleSessionName: "a" }, "Member must have length greater than or equal to 2"],
  [{ DurationSeconds: 899 }, "Member must have value greater than or equal to 900"],
  [{ DurationSeconds: 43_201 }, "Member must have value less than or equal to 43200"],
  [{ ExternalId: "a b" }, "at 'externalId' failed"],
  [{ Tags: [{ Key: "", Value: "x" }] }, "at 'tags.1.member.key' failed"],
  [{ Tags: ["a", "A"].map((Key) => ({ Key, Value: "" })) }, "InvalidParameterValue: Duplicate tag keys found."],
  [{ TransitiveTagKeys: ["a"] }, "InvalidParameterValue: The specified transitive tag key must be included"],
  [{ Policy: "{}" }, "a policy needs at least one statement"],
  [{ PolicyArns: [{ arn: "arn:aws:iam::aws:policy/ReadOnlyAccess" }] }, "does not model the AWS managed policy"],
])("rejects invalid parameters: %j", async (input, message) => {
  sandbox.addRole({ name: "deploy", trust: trust() });
  expect(await outcome(aws(alice.accessKey).assume(input))).toContain(message);
});

test("adding a role that AWS would reject, or that is not modeled, fails", () => {
  const add = (role: object) => () => sandbox.addRole({ name: "deploy", trust: trust(), ...role });
  expect(add({ name: "a b" })).toThrow("invalid role name");
  expect(add({ path: "x" })).toThrow("invalid IAM path");
  expect(add({ maxSessionSeconds: 900 })).toThrow("between 3600 and 43200");
  expect(add({ trust: trust("arn:aws:iam::123456789012:user/unknown") })).toThrow("Invalid principal in policy");
  expect(add({ trust: trust(root, { StringEquals: { "aws:SourceIp": "::1" } }) })).toThrow('"aws:SourceIp"');
  expect(add({ trust: trust(root, { StringEquals: { "aws:MultiFactorAuthPresent": "true" } }) })).toThrow(
    'StringEquals on the condition key "aws:MultiFactorAuthPresent"',
  );
  expect(add({ policies: [{ Statement: { ...everything.Statement, Condition: { Bool: { x: "true" } } } }] })).toThrow(
    '"x"',
  );
  expect(add({})).not.toThrow();
  expect(add({ name: "Deploy" })).toThrow("already exists");
});
