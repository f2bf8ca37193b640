// Compares docs/what-breaks.md with the errors of the local AWS and with what the enforcement policy denies.
import { readFileSync } from "node:fs";
import { IAMClient, ListMFADevicesCommand } from "@aws-sdk/client-iam";
import { ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import {
  AssumeRoleCommand,
  type Credentials,
  GetSessionTokenCommand,
  type GetSessionTokenCommandInput,
  STSClient,
} from "@aws-sdk/client-sts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { enforceMfaPolicy } from "../../src/policy/enforcement.ts";
import { evaluate } from "../../src/policy/engine/evaluate.ts";
import { type CodeDevice, type Sandbox, type SandboxUser, startSandbox } from "../../src/sandbox/server.ts";

const page = readFileSync(new URL("../../docs/what-breaks.md", import.meta.url), "utf8");

/** Matches the words, with anything for "…" and any spaces for a space. */
const toPattern = (words: string): RegExp =>
  new RegExp(
    words
      .replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")
      .replaceAll("…", ".*")
      .replaceAll(" ", "\\s+"),
  );

/** The errors of the table, as patterns, with the sections that they lead to. */
const rows = [...page.matchAll(/^\| (`.*) \| (.*) \|$/gm)].map(([, words = "", meaning = ""]) => ({
  patterns: [...words.matchAll(/`([^`]+)`/g)].map(([, text = ""]) => toPattern(text)),
  sections: [...meaning.matchAll(/\(#([\w-]+)\)/g)].map(([, anchor = ""]) => anchor),
}));

const now = Date.parse("2026-01-31T09:00:00Z");
const everything = { Version: "2012-10-17", Statement: { Effect: "Allow", Action: "*", Resource: "*" } };
const root = "arn:aws:iam::123456789012:root";
const trust = {
  Version: "2012-10-17",
  Statement: { Effect: "Allow", Principal: { AWS: root }, Action: "sts:AssumeRole" },
};

let sandbox: Sandbox;
let alice: SandboxUser;
let device: CodeDevice;
let role: { readonly arn: string };
beforeEach(async () => {
  vi.stubEnv("AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED", "true");
  sandbox = await startSandbox();
  sandbox.setClock(now);
  alice = sandbox.addUser({ name: "alice", policies: [everything, enforceMfaPolicy()] });
  device = sandbox.addVirtualDevice("alice");
  role = sandbox.addRole({ name: "deploy", trust, policies: [everything] });
});
afterEach(() => sandbox.close());

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** SDK clients with the sandbox's clock. */
function aws(credentials: Keys, atMs = now) {
  const systemClockOffset = atMs - Date.now();
  const common = { credentials, endpoint: sandbox.url, region: "eu-west-1", maxAttempts: 1, systemClockOffset };
  const sts = new STSClient(common);
  return {
    devices: () => new IAMClient(common).send(new ListMFADevicesCommand({})),
    buckets: () => new S3Client({ ...common, forcePathStyle: true }).send(new ListBucketsCommand({})),
    assume: () => sts.send(new AssumeRoleCommand({ RoleArn: role.arn, RoleSessionName: "test" })),
    session: async (input: GetSessionTokenCommandInput = {}): Promise<Keys> =>
      toKeys((await sts.send(new GetSessionTokenCommand(input))).Credentials),
  };
}

function toKeys(answer: Credentials | undefined): Keys {
  const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "" } = answer ?? {};
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
}

/** What the AWS CLI shows of an error: its code and its message. */
async function getError(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => new Error("nothing was denied"),
    (thrown: unknown) => thrown as Error & { Code?: string },
  );
  return `${"Code" in error ? (error.Code ?? error.name) : error.name}: ${error.message}`;
}

const mistakes: Readonly<Record<string, readonly [section: string, make: () => Promise<unknown>]>> = {
  "an access key": ["access-keys", () => aws(alice.accessKey).buckets()],
  "a session without MFA, for IAM": [
    "sessions-without-mfa",
    async () => aws(await aws(alice.accessKey).session()).devices(),
  ],
  "a session without MFA, for S3": ["access-keys", async () => aws(await aws(alice.accessKey).session()).buckets()],
  "a session to start a session": [
    "sessions-without-mfa",
    async () => aws(await aws(alice.accessKey).session()).session(),
  ],
  "an ended session": [
    "sessions-that-are-too-old",
    async () => {
      const keys = await aws(alice.accessKey).session({ DurationSeconds: 900 });
      sandbox.setClock(now + 901_000);
      return aws(keys, now + 901_000).devices();
    },
  ],
  "a wrong code": [
    "codes-that-aws-rejects",
    () => aws(alice.accessKey).session({ SerialNumber: device.serialNumber, TokenCode: device.code(now + 3_000_000) }),
  ],
  "another user's device": [
    "codes-that-aws-rejects",
    () => aws(alice.accessKey).session({ SerialNumber: `${device.serialNumber}2`, TokenCode: device.code(now) }),
  ],
  "the touch of a security key": [
    "passkeys-at-the-command-line",
    () => aws(alice.accessKey).session({ SerialNumber: device.serialNumber, TokenCode: "eifjccgncvncgfkjgjtj" }),
  ],
  "a role with an access key": ["roles", () => aws(alice.accessKey).assume()],
  "a user without permissions": [
    "a-permission-is-missing",
    () => aws(sandbox.addUser({ name: "bob", policies: [enforceMfaPolicy()] }).accessKey).devices(),
  ],
};

test.each(Object.entries(mistakes))(
  "the page leads from the error of %s to its section",
  async (_, [section, make]) => {
    const error = await getError(make());
    const found = rows.filter(({ patterns }) => patterns.every((pattern) => pattern.test(error)));
    expect({ error, sections: found.flatMap(({ sections }) => sections) }).toEqual({
      error,
      sections: expect.arrayContaining([section]) as string[],
    });
  },
);

test("a session with MFA has none of these errors", async () => {
  const mfa = { SerialNumber: device.serialNumber, TokenCode: device.code(now) };
  const client = aws(await aws(alice.accessKey).session(mfa));
  await Promise.all([client.devices(), client.buckets(), client.assume()]);
});

test("the policy denies without MFA what the page says, and exempts what it says", () => {
  const actions = [...new Set(page.match(/(?<=`|: |… )[a-z0-9]+:[A-Z]\w+/g))];
  const exempt = ["iam:ChangePassword"];
  expect(actions).toEqual(
    expect.arrayContaining([
      ...["iam:DeleteVirtualMFADevice", "sts:AssumeRole", "sts:GetFederationToken", "ses:SendRawEmail"],
      ...["bedrock:CallWithBearerToken", "signin:AuthorizeOAuth2Access", "signin:CreateOAuth2Token", ...exempt],
    ]),
  );
  for (const action of actions.filter((name) => !name.startsWith("aws:"))) {
    for (const context of [{}, { "aws:MultiFactorAuthPresent": "false" }]) {
      const { decision } = evaluate([enforceMfaPolicy()], { action, resource: "*", context });
      expect(`${action} ${decision}`).toBe(`${action} ${exempt.includes(action) ? "implicitDeny" : "explicitDeny"}`);
    }
  }
});
