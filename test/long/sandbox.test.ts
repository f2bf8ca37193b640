// Tests the local AWS with the `aws` command, which shares no code with the SDK for JavaScript.

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type AccessKey,
  type CodeDevice,
  type Sandbox,
  type SandboxUser,
  startSandbox,
} from "../../src/sandbox/server.ts";
import { isThere } from "../helpers/needed.ts";
import { withFob } from "../helpers/shells.ts";
import { makeWorld, temporaryFolder } from "../helpers/world.ts";

const allowWithMfa = {
  Version: "2012-10-17",
  Statement: [
    { Effect: "Allow", Action: ["s3:ListAllMyBuckets", "iam:ListMFADevices"], Resource: "*" },
    {
      Effect: "Deny",
      NotAction: ["iam:ListMFADevices", "sts:GetSessionToken"],
      Resource: "*",
      Condition: { BoolIfExists: { "aws:MultiFactorAuthPresent": "false" } },
    },
  ],
};

let home: string;
let sandbox: Sandbox;
let alice: SandboxUser;
let device: CodeDevice;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "fob-aws-"));
  sandbox = await startSandbox();
  alice = sandbox.addUser({ name: "alice", policies: [allowWithMfa] });
  device = sandbox.addVirtualDevice("alice");
});
afterAll(async () => {
  await sandbox.close();
  rmSync(home, { recursive: true });
});

/** Runs `aws` with these credentials, without this machine's configuration. */
function aws(key: AccessKey & { token?: string }, ...args: string[]): Promise<{ json: unknown; stderr: string }> {
  const env = {
    PATH: process.env.PATH ?? "",
    HOME: home,
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_REGION: "eu-west-1",
    AWS_DEFAULT_REGION: "eu-west-1",
    AWS_MAX_ATTEMPTS: "1",
    AWS_ACCESS_KEY_ID: key.accessKeyId,
    AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
    ...(key.token === undefined ? {} : { AWS_SESSION_TOKEN: key.token }),
  };
  const all = [...args, "--endpoint-url", sandbox.url, "--output", "json"];
  return new Promise((resolve) => {
    execFile("aws", all, { env, cwd: home }, (_, stdout, stderr) => {
      resolve({ json: stdout === "" ? undefined : JSON.parse(stdout), stderr });
    });
  });
}

test.skipIf(!isThere("aws", "--version"))(
  "aws lists devices, gets a session with MFA, and makes a call that needs it",
  async () => {
    const [devices, refused, wrong, session] = await Promise.all([
      aws(alice.accessKey, "iam", "list-mfa-devices"),
      aws(alice.accessKey, "s3api", "list-buckets"),
      aws(alice.accessKey, "sts", "get-session-token", "--serial-number", "GAHT12345678", "--token-code", "000000"),
      aws(
        alice.accessKey,
        "sts",
        "get-session-token",
        "--serial-number",
        device.serialNumber,
        "--token-code",
        device.code(),
      ),
    ]);
    expect(devices).toMatchObject({
      json: { MFADevices: [{ UserName: "alice", SerialNumber: device.serialNumber }] },
      stderr: "",
    });
    expect(refused.stderr).toContain("(AccessDenied) when calling the ListBuckets operation: User: arn:aws:iam::");
    expect(refused.stderr).toContain("with an explicit deny in an identity-based policy");
    expect(wrong.stderr).toContain(
      "(AccessDenied) when calling the GetSessionToken operation: MultiFactorAuthentication",
    );

    expect(session.stderr).toBe("");
    const { Credentials } = session.json as { Credentials: Record<string, string> };
    const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "" } = Credentials;
    const temporary = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, token: SessionToken };
    const [buckets, identity] = await Promise.all([
      aws(temporary, "s3api", "list-buckets"),
      aws(temporary, "sts", "get-caller-identity"),
    ]);
    const { Buckets } = buckets.json as { Buckets: { Name: string }[] };
    expect(Buckets.map(({ Name }) => Name)).toEqual(sandbox.buckets);
    expect(identity.json).toMatchObject({ Account: sandbox.account, Arn: alice.arn });
  },
);

test.skipIf(!isThere("aws", "--version"))(
  "aws assumes a role with a code in the call and uses its session",
  async () => {
    const Principal = { AWS: `arn:aws:iam::${sandbox.account}:root` };
    const Condition = { Bool: { "aws:MultiFactorAuthPresent": "true" } };
    const role = sandbox.addRole({
      name: "deploy",
      trust: { Statement: { Effect: "Allow", Principal, Action: ["sts:AssumeRole", "sts:TagSession"], Condition } },
    });
    const bob = sandbox.addUser({
      name: "bob",
      policies: [{ Statement: { Effect: "Allow", Action: "sts:*", Resource: role.arn } }],
    });
    const own = sandbox.addVirtualDevice("bob");
    const assume = ["sts", "assume-role", "--role-arn", role.arn, "--role-session-name", "work"];
    const more = ["--duration-seconds", "900", "--tags", "Key=team,Value=red", "--transitive-tag-keys", "team"];
    const mfa = ["--serial-number", own.serialNumber, "--token-code", own.code()];
    const [refused, accepted] = await Promise.all([
      aws(bob.accessKey, ...assume),
      aws(bob.accessKey, ...assume, ...more, ...mfa),
    ]);
    expect(refused.stderr).toContain(
      `(AccessDenied) when calling the AssumeRole operation: User: ${bob.arn} is not authorized to perform: sts:AssumeRole on resource: ${role.arn}`,
    );
    expect(accepted.stderr).toBe("");
    const { Credentials, AssumedRoleUser } = accepted.json as Record<string, Record<string, string>>;
    const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "" } = Credentials ?? {};
    const temporary = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, token: SessionToken };
    const identity = await aws(temporary, "sts", "get-caller-identity");
    expect(identity.json).toEqual({
      UserId: AssumedRoleUser?.AssumedRoleId,
      Account: sandbox.account,
      Arn: `arn:aws:sts::${sandbox.account}:assumed-role/deploy/work`,
    });
  },
);

test.skipIf(!isThere("aws", "--version"))("aws gets a federated user, and the account of an access key", async () => {
  const policy = { Version: "2012-10-17", Statement: { Effect: "Allow", Action: "s3:*", Resource: "*" } };
  const everything = { Statement: { Effect: "Allow", Action: "*", Resource: "*" } };
  const broker = sandbox.addUser({ name: "broker", policies: [everything] });
  const { accessKeyId } = broker.accessKey;
  const [federated, info] = await Promise.all([
    aws(broker.accessKey, "sts", "get-federation-token", "--name", "Bob", "--policy", JSON.stringify(policy)),
    aws(broker.accessKey, "sts", "get-access-key-info", "--access-key-id", accessKeyId),
  ]);
  expect([federated.stderr, info]).toEqual(["", { json: { Account: sandbox.account }, stderr: "" }]);
  const { Credentials, FederatedUser, PackedPolicySize } = federated.json as Record<string, Record<string, string>>;
  expect(FederatedUser?.Arn).toBe(`arn:aws:sts::${sandbox.account}:federated-user/Bob`);
  expect(PackedPolicySize).toBe(Math.ceil((100 * JSON.stringify(policy).length) / 2048));
  const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "" } = Credentials ?? {};
  const key = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, token: SessionToken };
  const [buckets, users] = await Promise.all([aws(key, "s3api", "list-buckets"), aws(key, "iam", "list-users")]);
  expect(buckets.stderr).toBe("");
  expect(users.stderr).toContain("(InvalidClientTokenId)");
});

test.skipIf(!isThere("aws", "--version"))("aws reads the policy simulator page by page", async () => {
  const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
  const admin = sandbox.addUser({ name: "admin", policies: [everything] });
  const policies = [everything, allowWithMfa].map((policy) => JSON.stringify(policy, undefined, 2));
  const actions = ["--action-names", "s3:ListAllMyBuckets", "iam:ListMFADevices", "--page-size", "1"];
  const key = "ContextKeyName=aws:MultiFactorAuthPresent,ContextKeyType=boolean,ContextKeyValues";
  const custom = (...more: string[]) =>
    aws(admin.accessKey, "iam", "simulate-custom-policy", "--policy-input-list", ...policies, ...actions, ...more);
  const [without, withMfa] = await Promise.all([
    custom("--resource-arns", "*"),
    custom("--caller-arn", alice.arn, "--context-entries", `${key}=true`),
  ]);
  const decisions = ({ json, stderr }: typeof without) => {
    expect(stderr).toBe("");
    const { EvaluationResults: results } = json as { EvaluationResults: Record<string, unknown>[] };
    return results.map(({ EvalActionName, EvalDecision }) => [EvalActionName, EvalDecision]);
  };
  expect(decisions(without)).toEqual([
    ["s3:ListAllMyBuckets", "explicitDeny"],
    ["iam:ListMFADevices", "allowed"],
  ]);
  expect(decisions(withMfa).map(([, decision]) => decision)).toEqual(["allowed", "allowed"]);
});

test.skipIf(!isThere("aws", "--version"))("the first-password deadlock of docs/sandbox.md", async () => {
  const page = readFileSync(new URL("../../docs/sandbox.md", import.meta.url), "utf8");
  const [, typed = "", answer = ""] = /^\$ fob sandbox -- bash\n((?:\$ .*\n)+)(fob: error: .*)$/m.exec(page) ?? [];
  const world = await makeWorld();
  const folder = temporaryFolder();
  const env = withFob({ ...world.env, PATH: process.env.PATH ?? "", TMPDIR: folder });
  const script = `cd "$TMPDIR"\n${typed.replaceAll(/^\$ /gm, "")}`;
  const { status, stderr } = await world.fob(["sandbox", "--", "bash", "-c", script], { env });
  expect([status, stderr]).toEqual([1, expect.stringContaining(`${answer}\n`)]);
});
