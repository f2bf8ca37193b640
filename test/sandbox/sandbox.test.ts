// Tests the local AWS with the SDK for JavaScript: devices, codes, sessions and the enforcement policy.

import { connect } from "node:net";
import { IAMClient, ListMFADevicesCommand } from "@aws-sdk/client-iam";
import { ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import {
  GetCallerIdentityCommand,
  GetSessionTokenCommand,
  type GetSessionTokenCommandInput,
  STSClient,
} from "@aws-sdk/client-sts";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { enforceMfaPolicy, selfManagePolicy } from "../../src/policy/enforcement.ts";
import { type CodeDevice, type Sandbox, type SandboxUser, startSandbox } from "../../src/sandbox/server.ts";

const enforcement = {
  Version: "2012-10-17",
  Statement: [
    {
      Sid: "DenyAllWithoutMFA",
      Effect: "Deny",
      NotAction: [
        "iam:CreateVirtualMFADevice",
        "iam:EnableMFADevice",
        "iam:GetUser",
        "iam:ListMFADevices",
        "iam:ListVirtualMFADevices",
        "iam:ResyncMFADevice",
        "sts:GetSessionToken",
      ],
      Resource: "*",
      Condition: { BoolIfExists: { "aws:MultiFactorAuthPresent": "false" } },
    },
  ],
};
const everything = { Version: "2012-10-17", Statement: { Effect: "Allow", Action: "*", Resource: "*" } };

const now = Date.parse("2026-01-31T09:00:00Z");
const step = 30_000;
const wrongCode = "MultiFactorAuthentication failed with invalid MFA one time pass code. ";
const unavailable =
  "MultiFactorAuthentication failed, unable to validate MFA code.  " +
  "Please verify your MFA serial number is valid and associated with this user.";

let sandbox: Sandbox;
let alice: SandboxUser;
let device: CodeDevice;
beforeEach(async () => {
  vi.stubEnv("AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED", "true");
  sandbox = await startSandbox();
  sandbox.setClock(now);
  alice = sandbox.addUser({ name: "alice", policies: [everything, JSON.stringify(enforcement)] });
  device = sandbox.addVirtualDevice("alice");
});
afterEach(() => sandbox.close());

interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/** SDK clients with the sandbox's clock. */
function aws(credentials: Credentials, atMs = now) {
  const systemClockOffset = atMs - Date.now();
  const common = { credentials, endpoint: sandbox.url, region: "eu-west-1", maxAttempts: 1, systemClockOffset };
  const sts = new STSClient(common);
  const iam = new IAMClient(common);
  const s3 = new S3Client({ ...common, forcePathStyle: true });
  return {
    whoAmI: () => sts.send(new GetCallerIdentityCommand({})),
    devices: (UserName?: string) => iam.send(new ListMFADevicesCommand(UserName === undefined ? {} : { UserName })),
    buckets: async () => ((await s3.send(new ListBucketsCommand({}))).Buckets ?? []).map(({ Name }) => Name),
    session: async (input: GetSessionTokenCommandInput = {}) => {
      const { Credentials: answer } = await sts.send(new GetSessionTokenCommand(input));
      const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "", Expiration } = answer ?? {};
      return {
        expiration: Expiration,
        credentials: { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken },
      };
    },
  };
}

const mfa = (TokenCode: string, SerialNumber = device.serialNumber) => ({ SerialNumber, TokenCode });

/** The SDK's error: `[name, HTTP status, message]`. */
async function refusal(call: Promise<unknown>): Promise<[string, number | undefined, string]> {
  const error = await call.then(
    () => ({ name: "accepted", message: "", $metadata: { httpStatusCode: 200 } }),
    (thrown: unknown) => thrown as { name: string; $metadata?: { httpStatusCode?: number }; message: string },
  );
  return [error.name, error.$metadata?.httpStatusCode, error.message];
}

test("GetCallerIdentity returns users with a path, sessions and the root user, in any account and partition", async () => {
  const bob = sandbox.addUser({ name: "bob", path: "/eng/" });
  expect(await aws(bob.accessKey).whoAmI()).toMatchObject({
    Account: "123456789012",
    Arn: "arn:aws:iam::123456789012:user/eng/bob",
    UserId: expect.stringMatching(/^AIDA[A-Z2-7]{17}$/) as string,
  });
  const { credentials } = await aws(alice.accessKey).session();
  expect((await aws(credentials).whoAmI()).Arn).toBe("arn:aws:iam::123456789012:user/alice");
  expect((await aws(sandbox.rootAccessKey).whoAmI()).Arn).toBe("arn:aws:iam::123456789012:root");
  const china = await startSandbox({ partition: "aws-cn", account: "999999999999" });
  try {
    expect(china.addUser({ name: "li" }).arn).toBe("arn:aws-cn:iam::999999999999:user/li");
    expect(china.addVirtualDevice("li").serialNumber).toBe("arn:aws-cn:iam::999999999999:mfa/li");
  } finally {
    await china.close();
  }
});

describe("the enforcement policy", () => {
  test("denies the access key and a session without MFA, but not a session with MFA", async () => {
    const denied = [
      "AccessDenied",
      403,
      "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: s3:ListAllMyBuckets " +
        "with an explicit deny in an identity-based policy",
    ];
    expect(await refusal(aws(alice.accessKey).buckets())).toEqual(denied);
    const plain = await aws(alice.accessKey).session();
    expect(await refusal(aws(plain.credentials).buckets())).toEqual(denied);
    const strong = await aws(alice.accessKey).session(mfa(device.code()));
    expect(await aws(strong.credentials).buckets()).toEqual(sandbox.buckets);
    expect(sandbox.requests.map(({ action, errorCode }) => errorCode ?? action)).toEqual([
      "AccessDenied",
      "GetSessionToken",
      "AccessDenied",
      "GetSessionToken",
      "ListBuckets",
    ]);
  });

  test("grants nothing on its own", async () => {
    const bob = sandbox.addUser({ name: "bob", policies: [enforcement] });
    const own = sandbox.addVirtualDevice("bob");
    expect(await refusal(aws(bob.accessKey).devices())).toEqual([
      "AccessDenied",
      403,
      "User: arn:aws:iam::123456789012:user/bob is not authorized to perform: iam:ListMFADevices " +
        "on resource: user bob because no identity-based policy allows the iam:ListMFADevices action",
    ]);
    const { credentials } = await aws(bob.accessKey).session(mfa(own.code(), own.serialNumber));
    expect((await refusal(aws(credentials).buckets()))[2]).toMatch(/because no identity-based policy allows/);
    sandbox.attachPolicy("bob", everything);
    expect(await aws(credentials).buckets()).toEqual(sandbox.buckets);
  });

  test("with its companion, lets a user with a path see only the user's own devices", async () => {
    const policies = [enforceMfaPolicy(), selfManagePolicy()];
    const bob = sandbox.addUser({ name: "bob", path: "/eng/", policies });
    sandbox.addVirtualDevice("bob");
    expect((await aws(bob.accessKey).devices()).MFADevices).toHaveLength(1);
    expect((await refusal(aws(bob.accessKey).devices("alice")))[2]).toMatch(/because no identity-based policy allows/);
  });

  test("does not apply to the root user", async () => {
    expect(await aws(sandbox.rootAccessKey).buckets()).toEqual(sandbox.buckets);
  });

  test("rejects policies that are not modeled when they are attached", () => {
    const attach = (Condition: object) => {
      sandbox.attachPolicy("alice", { Version: "2012-10-17", Statement: { ...everything.Statement, Condition } });
    };
    expect(() => attach({ StringLikes: { "aws:username": "alice" } })).toThrow(
      'unknown condition operator "StringLikes"',
    );
    expect(() => attach({ StringEquals: { "aws:username": `\${aws:UserAgent}` } })).toThrow("aws:UserAgent");
    expect(() => attach({ Bool: { "aws:SecureTransport": "true" } })).toThrow('condition key "aws:SecureTransport"');
    expect(() => attach({ Bool: { "aws:ViaAWSService": "false" } })).not.toThrow();
  });
});

describe("codes", () => {
  test.each([-2, -1, 0, 1, 2])("accepts the code of %i steps from now", async (steps) => {
    await expect(aws(alice.accessKey).session(mfa(device.code(now + steps * step)))).resolves.toBeDefined();
  });

  test.each([-3, 3])("rejects the code of %i steps from now", async (steps) => {
    const call = aws(alice.accessKey).session(mfa(device.code(now + steps * step)));
    expect(await refusal(call)).toEqual(["AccessDenied", 403, wrongCode]);
  });

  test("accepts each code once, in any order", async () => {
    const client = aws(alice.accessKey);
    await client.session(mfa(device.code()));
    expect(await refusal(client.session(mfa(device.code())))).toEqual(["AccessDenied", 403, wrongCode]);
    await client.session(mfa(device.code(now - step)));
    expect(await refusal(client.session(mfa(device.code(now - step))))).toEqual(["AccessDenied", 403, wrongCode]);
    // This does not affect devices of other users.
    const bob = sandbox.addUser({ name: "bob" });
    const other = sandbox.addVirtualDevice("bob");
    await aws(bob.accessKey).session(mfa(other.code(), other.serialNumber));
  });

  test("blocks a device after nine attempts until the next three-minute window", async () => {
    const client = aws(alice.accessKey);
    const wrong = device.code(now + 100 * step);
    for (let count = 0; count < 9; count++) expect((await refusal(client.session(mfa(wrong))))[2]).toBe(wrongCode);
    expect(await refusal(client.session(mfa(device.code())))).toEqual(["AccessDenied", 403, unavailable]);
    sandbox.setClock(now + 6 * step);
    await expect(client.session(mfa(device.code()))).resolves.toBeDefined();
  });

  test("accepts a hardware token by its serial number, and distinguishes several devices", async () => {
    const token = sandbox.addHardwareDevice("alice", "GAHT12345678");
    const second = sandbox.addVirtualDevice("alice", "alice-phone");
    for (const own of [token, second]) {
      await expect(aws(alice.accessKey).session(mfa(own.code(), own.serialNumber))).resolves.toBeDefined();
    }
    expect((await refusal(aws(alice.accessKey).session(mfa(token.code(now + step)))))[2]).toBe(wrongCode);
  });

  test("rejects another user's device, an unknown device and a FIDO device", async () => {
    sandbox.addUser({ name: "bob" });
    const other = sandbox.addVirtualDevice("bob");
    const { serialNumber: fido } = sandbox.addFidoDevice("alice", "yubikey");
    expect(fido).toMatch(/^arn:aws:iam::123456789012:u2f\/user\/alice\/yubikey-[A-Z2-7]{17}$/);
    for (const serial of [other.serialNumber, "arn:aws:iam::123456789012:mfa/unknown", fido]) {
      expect((await refusal(aws(alice.accessKey).session(mfa(other.code(), serial))))[2]).toBe(unavailable);
    }
  });

  test("rejects a serial number without a code, and a code without a serial number", async () => {
    for (const half of [{ SerialNumber: device.serialNumber }, { TokenCode: device.code() }]) {
      const [name, , message] = await refusal(aws(alice.accessKey).session(half));
      expect([name, message]).toEqual(["AccessDenied", expect.stringContaining("must provide both")]);
    }
  });
});

describe("GetSessionToken", () => {
  test("lasts twelve hours by default, or the requested duration; at most one hour for the root user", async () => {
    const hours = async (key: Credentials, DurationSeconds?: number) => {
      const { expiration } = await aws(key).session(DurationSeconds === undefined ? {} : { DurationSeconds });
      return ((expiration?.getTime() ?? 0) - now) / 3_600_000;
    };
    expect(await hours(alice.accessKey)).toBe(12);
    expect(await hours(alice.accessKey, 900)).toBe(0.25);
    expect(await hours(alice.accessKey, 129_600)).toBe(36);
    expect(await hours(sandbox.rootAccessKey)).toBe(1);
    expect(await hours(sandbox.rootAccessKey, 129_600)).toBe(1);
  });

  test("returns credentials like AWS's, with a token that ends in ==", async () => {
    const { credentials } = await aws(alice.accessKey).session();
    expect(credentials.accessKeyId).toMatch(/^ASIA[A-Z2-7]{16}$/);
    expect(credentials.secretAccessKey).toMatch(/^[\w+/]{40}$/);
    expect(credentials.sessionToken).toMatch(/^[\w+/]{300,}==$/);
  });

  test("sessions expire on time", async () => {
    const { credentials } = await aws(alice.accessKey).session(mfa(device.code()));
    const end = now + 12 * 3_600_000;
    sandbox.setClock(() => end - 1);
    expect(await aws(credentials, end).buckets()).toEqual(sandbox.buckets);
    sandbox.setClock(end);
    expect((await refusal(aws(credentials, end).whoAmI()))[0]).toMatch(/^ExpiredToken/);
    expect((await refusal(aws(credentials, end).devices()))[0]).toMatch(/^ExpiredToken/);
    expect((await refusal(aws(credentials, end).buckets()))[0]).toMatch(/^ExpiredToken/);
  });

  test("rejects session credentials, with or without MFA", async () => {
    const plain = await aws(alice.accessKey).session();
    const strong = await aws(alice.accessKey).session(mfa(device.code()));
    for (const { credentials } of [plain, strong]) {
      expect(await refusal(aws(credentials).session())).toEqual([
        "AccessDenied",
        403,
        "Cannot call GetSessionToken with session credentials",
      ]);
    }
  });

  const problem = (value: string, name: string, constraint: string) =>
    `1 validation error detected: Value '${value}' at '${name}' failed to satisfy constraint: Member must ${constraint}`;
  const code = (TokenCode: string) => mfa(TokenCode, "GAHT12345678");
  test.each<[GetSessionTokenCommandInput, string]>([
    [{ DurationSeconds: 899 }, problem("899", "durationSeconds", "have value greater than or equal to 900")],
    [{ DurationSeconds: 129_601 }, problem("129601", "durationSeconds", "have value less than or equal to 129600")],
    [code("12345"), problem("12345", "tokenCode", "have length greater than or equal to 6")],
    [code("12345a"), problem("12345a", "tokenCode", "satisfy regular expression pattern: [\\d]*")],
    [mfa("000000", "short"), problem("short", "serialNumber", "have length greater than or equal to 9")],
    [
      mfa("000000", "a serial!"),
      problem("a serial!", "serialNumber", "satisfy regular expression pattern: [\\w+=/:,.@-]*"),
    ],
  ])("rejects invalid parameters: %j", async (input, message) => {
    expect(await refusal(aws(alice.accessKey).session(input))).toEqual(["ValidationError", 400, message]);
  });

  test("reports several invalid parameters at once", async () => {
    const [name, , message] = await refusal(aws(alice.accessKey).session({ ...mfa("1234567x"), DurationSeconds: 1 }));
    expect(name).toBe("ValidationError");
    expect(message).toMatch(/^3 validation errors detected: Value '1' at 'durationSeconds' .*; Value '1234567x' at /);
  });
});

describe("ListMFADevices", () => {
  test("lists the caller's devices by default, or those of a named user, in the order added", async () => {
    const token = sandbox.addHardwareDevice("alice");
    const fido = sandbox.addFidoDevice("alice");
    sandbox.addUser({ name: "bob" });
    const { IsTruncated, MFADevices = [] } = await aws(alice.accessKey).devices();
    expect(IsTruncated).toBe(false);
    const serials = [device, token, fido].map(({ serialNumber }) => serialNumber);
    expect(MFADevices.map(({ SerialNumber }) => SerialNumber)).toEqual(serials);
    expect(MFADevices[0]).toMatchObject({ UserName: "alice", EnableDate: new Date(now) });
    expect((await aws(alice.accessKey).devices("bob")).MFADevices).toEqual([]);
    expect((await aws(sandbox.rootAccessKey).devices()).MFADevices).toEqual([]);
  });

  test("reports an unknown user", async () => {
    expect(await refusal(aws(alice.accessKey).devices("unknown"))).toEqual([
      "NoSuchEntityException",
      404,
      "The user with name unknown cannot be found.",
    ]);
  });

  test("rejects a session without MFA", async () => {
    const plain = await aws(alice.accessKey).session();
    expect(await refusal(aws(plain.credentials).devices())).toEqual([
      "InvalidClientTokenId",
      403,
      "The security token included in the request is invalid.",
    ]);
    const strong = await aws(alice.accessKey).session(mfa(device.code()));
    await expect(aws(strong.credentials).devices()).resolves.toBeDefined();
  });
});

describe("the sandbox itself", () => {
  test("has AWS's names, serial numbers and limits", () => {
    expect(() => sandbox.addUser({ name: "Alice" })).toThrow("already exists");
    expect(() => sandbox.addUser({ name: "a b" })).toThrow("invalid IAM user name");
    expect(() => sandbox.addUser({ name: "carol", path: "eng" })).toThrow("invalid IAM path");
    expect(() => sandbox.addVirtualDevice("alice")).toThrow("already exists");
    expect(() => sandbox.addVirtualDevice("unknown")).toThrow("cannot be found");
    expect(() => sandbox.setAccessKeyStatus("AKIANONE", "Inactive")).toThrow("access key AKIANONE not found");
    for (let count = 1; count < 8; count++) sandbox.addHardwareDevice("alice");
    expect(() => sandbox.addHardwareDevice("alice")).toThrow("at most 8");
  });

  test("rejects a port in use; open connections do not delay closing", async () => {
    const port = Number(new URL(sandbox.url).port);
    const socket = connect(port, "127.0.0.1");
    const ended = new Promise((resolve) => socket.on("error", resolve).on("close", resolve));
    await new Promise((resolve) => socket.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc", resolve));
    await expect(startSandbox({ port })).rejects.toThrow("EADDRINUSE");
    await aws(alice.accessKey).whoAmI();
    await sandbox.close();
    await ended;
    sandbox = await startSandbox({ port });
    expect(sandbox.url).toBe(`http://127.0.0.1:${port}`);
  });
});
