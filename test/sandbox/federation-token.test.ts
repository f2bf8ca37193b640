// Tests GetFederationToken, GetAccessKeyInfo and session policies: what a session may do, and what it may not call.
import { IAM } from "@aws-sdk/client-iam";
import { S3 } from "@aws-sdk/client-s3";
import { type Credentials, type GetFederationTokenCommandInput, STS } from "@aws-sdk/client-sts";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { enforceMfaPolicy } from "../../src/policy/enforcement.ts";
import { type Sandbox, type SandboxUser, startSandbox } from "../../src/sandbox/server.ts";
import type { Key } from "./client.ts";
import { allow, now, refusal } from "./iam-client.ts";

let sandbox: Sandbox;
let broker: SandboxUser;
beforeEach(async () => {
  vi.stubEnv("AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED", "true");
  sandbox = await startSandbox({ now: () => now });
  broker = sandbox.addUser({ name: "broker", policies: [allow(["sts:*", "s3:*", "iam:*"])] });
});
afterEach(() => sandbox.close());

const settings = (credentials: Key) => ({
  ...{ credentials, endpoint: sandbox.url, region: "us-east-1", maxAttempts: 1 },
  systemClockOffset: now - Date.now(),
});
const sts = (key: Key = broker.accessKey) => new STS(settings(key));
const buckets = (key: Key) => new S3({ ...settings(key), forcePathStyle: true }).listBuckets({});

const toKey = ({ AccessKeyId = "", SecretAccessKey = "", SessionToken = "" }: Partial<Credentials> = {}): Key => ({
  ...{ accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken },
});
const federate = async (input: Partial<GetFederationTokenCommandInput> = {}, key?: Key) =>
  toKey((await sts(key).getFederationToken({ Name: "Bob", ...input })).Credentials);

const listing = JSON.stringify(allow("s3:ListAllMyBuckets"));
const other = JSON.stringify(allow("ec2:*"));
const denying = JSON.stringify({
  Statement: [...allow("*").Statement, { Effect: "Deny", Action: "s3:*", Resource: "*" }],
});
const bob = "arn:aws:sts::123456789012:federated-user/Bob";
const denied = (who: string, reason: string) =>
  `AccessDenied 403: User: ${who} is not authorized to perform: s3:ListAllMyBuckets ${reason}`;

describe("GetFederationToken", () => {
  test("returns the federated user, who lasts twelve hours by default and has a name of one's choice", async () => {
    const { Credentials: credentials, ...rest } = await sts().getFederationToken({ Name: "Bob", Policy: listing });
    expect(rest).toMatchObject({
      FederatedUser: { FederatedUserId: "123456789012:Bob", Arn: bob },
      PackedPolicySize: Math.ceil((100 * listing.length) / 2048),
    });
    expect(credentials?.Expiration?.getTime()).toBe(now + 12 * 3_600_000);
    expect(await sts(toKey(credentials)).getCallerIdentity({})).toMatchObject({
      ...{ Account: "123456789012", Arn: bob, UserId: "123456789012:Bob" },
    });
    const root = await sts(sandbox.rootAccessKey).getFederationToken({ Name: "Bob", DurationSeconds: 129_600 });
    expect(root.Credentials?.Expiration?.getTime()).toBe(now + 3_600_000);
  });

  test("gives what both the user's policies and the session policies allow", async () => {
    expect((await buckets(await federate({ Policy: listing }))).Buckets).toHaveLength(2);
    const notInSession = "because no session policy allows the s3:ListAllMyBuckets action";
    for (const policy of [undefined, other]) {
      const key = await federate(policy === undefined ? {} : { Policy: policy });
      expect(await refusal(buckets(key))).toBe(denied(bob, notInSession));
    }
    const explicit = await federate({ Policy: denying });
    expect(await refusal(buckets(explicit))).toBe(denied(bob, "with an explicit deny in a session policy"));
    const weak = sandbox.addUser({ name: "weak", policies: [allow("sts:GetFederationToken")] });
    const notInUser = "because no identity-based policy allows the s3:ListAllMyBuckets action";
    expect(await refusal(buckets(await federate({ Policy: listing }, weak.accessKey)))).toBe(denied(bob, notInUser));
    const ofRoot = await federate({ Policy: other }, sandbox.rootAccessKey);
    expect(await refusal(buckets(ofRoot))).toBe(denied(bob, notInSession));
  });

  test("takes managed policies of the account too", async () => {
    const { arn } = sandbox.addManagedPolicy("lists", allow("s3:ListAllMyBuckets"));
    expect((await buckets(await federate({ PolicyArns: [{ arn }], Policy: other }))).Buckets).toHaveLength(2);
  });

  test("has no MFA key: a policy that requires MFA denies the session", async () => {
    sandbox.attachPolicy("broker", enforceMfaPolicy());
    const name = "Bob";
    const refused = `AccessDenied 403: User: ${broker.arn} is not authorized to perform: sts:GetFederationToken on resource: ${bob} with an explicit deny in an identity-based policy`;
    expect(await refusal(sts().getFederationToken({ Name: name }))).toBe(refused);
    const asked = { Bool: { "aws:MultiFactorAuthPresent": "false" } };
    const onlyFalse = { Statement: { Effect: "Deny", Action: "s3:*", Resource: "*", Condition: asked } };
    const free = sandbox.addUser({ name: "free", policies: [allow(["sts:*", "s3:*"]), onlyFalse] });
    expect((await buckets(await federate({ Policy: listing }, free.accessKey))).Buckets).toHaveLength(2);
    const present = { Null: { "aws:MultiFactorAuthPresent": "false" } };
    sandbox.attachPolicy("free", { Statement: { ...onlyFalse.Statement, Condition: present } });
    expect((await buckets(await federate({ Policy: listing }, free.accessKey))).Buckets).toHaveLength(2);
  });

  test("calls neither IAM nor STS, except GetCallerIdentity", async () => {
    const key = await federate({ Policy: JSON.stringify(allow("*")) });
    expect(await refusal(new IAM(settings(key)).listUsers({}))).toMatch(/^InvalidClientTokenId 403/);
    const refused = (action: string) => `AccessDenied 403: Cannot call ${action} with session credentials`;
    const RoleArn = "arn:aws:iam::123456789012:role/deploy";
    const calls: [string, Promise<unknown>][] = [
      ["GetSessionToken", sts(key).getSessionToken({})],
      ["GetFederationToken", sts(key).getFederationToken({ Name: "Eve" })],
      ["AssumeRole", sts(key).assumeRole({ RoleArn, RoleSessionName: "work" })],
      ["GetAccessKeyInfo", sts(key).getAccessKeyInfo({ AccessKeyId: key.accessKeyId })],
    ];
    for (const [action, call] of calls) expect(await refusal(call)).toBe(refused(action));
  });

  test("needs an access key, and permission for that name", async () => {
    const session = toKey((await sts().getSessionToken({})).Credentials);
    const refused = "AccessDenied 403: Cannot call GetFederationToken with session credentials";
    expect(await refusal(sts(session).getFederationToken({ Name: "Bob" }))).toBe(refused);
    const managers = "arn:aws:sts::123456789012:federated-user/Manager*";
    const boss = sandbox.addUser({ name: "boss", policies: [allow("sts:GetFederationToken", managers)] });
    await federate({ Name: "Manager1" }, boss.accessKey);
    expect(await refusal(federate({}, boss.accessKey))).toMatch(/^AccessDenied 403: .* on resource: \S*\/Bob because/);
  });

  const failed = "ValidationError 400: 1 validation error detected: Value";
  const constraint = "failed to satisfy constraint: Member must";
  test.each<[string, Partial<GetFederationTokenCommandInput>, string]>([
    ["a short name", { Name: "B" }, `${failed} 'B' at 'name' ${constraint} have length greater than or equal to 2`],
    ["a long name", { Name: "b".repeat(33) }, "have length less than or equal to 32"],
    ["a name with a space", { Name: "Bob B" }, "satisfy regular expression pattern: [\\w+=,.@-]*"],
    ["less than 15 minutes", { DurationSeconds: 899 }, "have value greater than or equal to 900"],
    ["more than 36 hours", { DurationSeconds: 129_601 }, "have value less than or equal to 129600"],
    ["a long policy", { Policy: `${listing}${" ".repeat(2048)}` }, "have length less than or equal to 2048"],
    ["a policy that is not JSON", { Policy: "{" }, "MalformedPolicyDocument 400: Syntax errors in policy."],
    [
      "a policy that is not modeled",
      { Policy: '{"Statement":{"Effect":"Maybe"}}' },
      "NotImplemented 501: This local AWS",
    ],
    ["an unknown policy", { PolicyArns: [{ arn: "arn:aws:iam::123456789012:policy/none" }] }, "was not found"],
    ["a policy of AWS", { PolicyArns: [{ arn: "arn:aws:iam::aws:policy/ReadOnlyAccess" }] }, "NotImplemented 501"],
    [
      "the same tag twice",
      { Tags: ["team", "Team"].map((Key) => ({ Key, Value: "red" })) },
      "InvalidParameterValue 400: Duplicate tag keys found.",
    ],
  ])("rejects %s", async (_, input, message) => {
    expect(await refusal(federate(input))).toContain(message);
  });

  test("gives the tags of the user, and of the request before them, which takes sts:TagSession", async () => {
    const tagged = sandbox.addUser({
      ...{ name: "tagged", tags: { team: "blue", site: "north" } },
      policies: [allow(["sts:GetFederationToken", "s3:*"])],
    });
    const may = sandbox.addUser({
      ...{ name: "may", tags: { team: "blue", site: "north" } },
      policies: [allow(["sts:GetFederationToken", "sts:TagSession", "s3:*"])],
    });
    const Tags = [{ Key: "Team", Value: "red" }];
    expect(await refusal(federate({ Tags }, tagged.accessKey))).toMatch(
      /^AccessDenied 403: .*sts:TagSession on resource/,
    );
    const onlyIf = (tags: Record<string, string>) => {
      const StringEquals = Object.fromEntries(
        Object.entries(tags).map(([key, value]) => [`aws:PrincipalTag/${key}`, value]),
      );
      const [statement] = allow("s3:ListAllMyBuckets").Statement;
      return JSON.stringify({ Statement: { ...statement, Condition: { StringEquals } } });
    };
    const list = async (policy: string, tags = Tags) =>
      refusal(buckets(await federate({ Policy: policy, Tags: tags }, may.accessKey)));
    expect(await list(onlyIf({ team: "blue", site: "north" }), [])).toBe("accepted");
    expect(await list(onlyIf({ team: "red", site: "north" }))).toBe("accepted");
    expect(await list(onlyIf({ team: "blue" }))).toMatch(/^AccessDenied 403/);
  });

  test("rejects session policies that have more than 2,048 characters together", async () => {
    const long = allow(`s3:${"A".repeat(1990)}`);
    const { arn } = sandbox.addManagedPolicy("long", long);
    const percent = Math.ceil((100 * (JSON.stringify(long).length + listing.length)) / 2048);
    expect(await refusal(federate({ PolicyArns: [{ arn }], Policy: listing }))).toBe(
      `PackedPolicyTooLarge 400: Packed policy consumes ${percent}% of allotted space, please use smaller policy.`,
    );
  });
});

describe("AssumeRole", () => {
  const assume = async (Policy: string, key = broker.accessKey) =>
    toKey((await sts(key).assumeRole({ RoleArn: role, RoleSessionName: "work", Policy })).Credentials);
  const role = "arn:aws:iam::123456789012:role/deploy";
  const session = "arn:aws:sts::123456789012:assumed-role/deploy/work";

  test("with session policies, gives what both these and the role's policies allow", async () => {
    const trust = { Statement: { Effect: "Allow", Principal: { AWS: broker.arn }, Action: "sts:AssumeRole" } };
    sandbox.addRole({ name: "deploy", trust, policies: [allow(["s3:*", "sts:*"])] });
    expect((await buckets(await assume(listing))).Buckets).toHaveLength(2);
    const reason = "because no session policy allows the s3:ListAllMyBuckets action";
    expect(await refusal(buckets(await assume(other)))).toBe(denied(session, reason));
    // Also where the trust policy of the next role names this role.
    const next = { Statement: { ...trust.Statement, Principal: { AWS: role } } };
    sandbox.addRole({ name: "next", trust: next });
    const chain = (key: Key) => sts(key).assumeRole({ RoleArn: `${role.slice(0, -6)}next`, RoleSessionName: "more" });
    expect(await refusal(chain(await assume(listing)))).toMatch(/^AccessDenied 403/);
    expect(await refusal(chain(await assume(JSON.stringify(allow("sts:*")))))).toBe("accepted");
  });
});

test("an error names the permissions boundary if that is why", async () => {
  const { arn } = sandbox.addManagedPolicy("limit", allow("iam:*"));
  const limited = sandbox.addUser({ name: "limited", policies: [allow("*")], boundary: arn });
  const reason = "because no permissions boundary allows the s3:ListAllMyBuckets action";
  expect(await refusal(buckets(limited.accessKey))).toBe(denied(limited.arn, reason));
});

test("GetAccessKeyInfo returns the account of keys and sessions, and needs permission", async () => {
  const session = toKey((await sts().getSessionToken({})).Credentials);
  for (const { accessKeyId: AccessKeyId } of [broker.accessKey, session]) {
    expect((await sts().getAccessKeyInfo({ AccessKeyId })).Account).toBe("123456789012");
  }
  const AccessKeyId = "AKIAIOSFODNN7EXAMPLE";
  expect(await refusal(sts().getAccessKeyInfo({ AccessKeyId }))).toMatch(/^ValidationError 400: .* does not exist/);
  const dora = sandbox.addUser({ name: "dora" });
  expect(await refusal(sts(dora.accessKey).getAccessKeyInfo({ AccessKeyId }))).toMatch(/^AccessDenied 403/);
});
