// Every way in which AWS, or a server in its place, refuses a login: each with its own words and a next step.

import { writeFileSync } from "node:fs";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { describe, expect, test } from "vitest";
import { explainFailure } from "../../src/aws/explain.ts";
import { type CallContext, TransportError } from "../../src/aws/failures.ts";
import { formatCommand } from "../../src/typed-command.ts";
import { keysOf, makeWorld, type World } from "../helpers/world.ts";
import { failedLogin } from "../network/failing.ts";
import { freePort, type Reply, refusal, startFront } from "../network/servers.ts";

const key = ({ user }: World): string => {
  const { accessKeyId } = user.accessKey;
  return `the access key AKIA…${accessKeyId.slice(-4)} of the profile "work"`;
};

describe("what AWS looks at", () => {
  test("a wrong code", async () => {
    const world = await makeWorld();
    const { error, hints } = await failedLogin(world, { code: world.device.code(0) });
    expect(error).toBe("AWS rejected that code");
    expect(hints).toContain("fob login work");
  });

  test("a device that is not this user's", async () => {
    const world = await makeWorld();
    world.sandbox.addUser({ name: "bob" });
    const { serialNumber } = world.sandbox.addVirtualDevice("bob");
    const { error, hints } = await failedLogin(world, { args: ["--serial", serialNumber] });
    expect(error).toBe(`AWS cannot check codes of the device "${serialNumber}" (from --serial) for this user`);
    expect(hints.join()).toContain("aws iam list-mfa-devices");
  });

  test("an access key that AWS does not know", async () => {
    const world = await makeWorld();
    const accessKey = { ...world.user.accessKey, accessKeyId: "AKIAIOSFODNN7EXAMPLE" };
    writeFileSync(world.credentialsPath, keysOf("work", accessKey));
    const { error, hints } = await failedLogin(world, { secrets: [accessKey.accessKeyId] });
    expect(error).toBe('AWS rejected the access key AKIA…MPLE of the profile "work": it was deleted or disabled');
    expect(hints).toContain("save a new access key: aws configure --profile work");
    expect(world.calls("GetSessionToken"), "the code is kept").toBe(0);
  });

  const unknown = refusal(403, "InvalidClientTokenId", "The security token included in the request is invalid.");
  const elsewhere = [
    "if the key is for AWS China: fob login work --region cn-north-1",
    "if it is for AWS GovCloud (US): fob login work --region us-gov-west-1",
  ];
  test.each([
    ["no region", "", elsewhere],
    ["the region that would be hinted", "region = us-east-1\n", elsewhere],
    [
      "a region that may be switched off",
      "region = me-south-1\n",
      ["if the account has not enabled the region me-south-1: fob login work --region us-east-1"],
    ],
    ["a region of another partition", "region = cn-north-1\n", []],
  ])("an access key that AWS does not know there: with %s", async (_, region, expected) => {
    const world = await makeWorld({ config: `[profile work]\nmfa_serial = GAHT12345678\n${region}` });
    const front = await startFront({ reply: () => unknown });
    const { hints } = await failedLogin(world, { env: { AWS_ENDPOINT_URL: front.url } });
    expect(hints.slice(2)).toEqual(expected);
  });

  test("an access key that is disabled", async () => {
    const world = await makeWorld();
    world.sandbox.setAccessKeyStatus(world.user.accessKey.accessKeyId, "Inactive");
    const { error } = await failedLogin(world);
    expect(error).toBe(`AWS rejected ${key(world)}: it was deleted or disabled`);
    expect(world.calls("GetSessionToken"), "the code is kept").toBe(0);
  });

  test("another key's secret", async () => {
    const world = await makeWorld();
    const secretAccessKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    writeFileSync(world.credentialsPath, keysOf("work", { ...world.user.accessKey, secretAccessKey }));
    const { error, hints } = await failedLogin(world, { secrets: [secretAccessKey] });
    expect(error).toBe(`the secret access key does not match ${key(world)}`);
    expect(hints).toEqual(["enter both again: aws configure --profile work"]);
    expect(world.calls("GetSessionToken"), "the code is kept").toBe(0);
  });

  const minutes = 60_000;
  test("where no code was asked for yet, none was kept", async () => {
    const world = await makeWorld({ config: "[profile work]\nregion = eu-central-1\n" });
    world.sandbox.setClock(() => Date.now() - 180 * minutes);
    const { error, hints } = await failedLogin(world);
    expect(error).toContain("cannot list your MFA devices: AWS refused the request because this computer's clock");
    expect(hints.join()).not.toContain("the code");
  });

  test("us-east-1, which every account has, is not called a region that is not enabled", async () => {
    const key = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtn/".repeat(4) };
    const hintsIn = async (region: string) => {
      const world = await makeWorld({
        config: `[profile work]\nregion = ${region}\n`,
        credentials: keysOf("work", key),
      });
      return (await world.fob(["login", "work", "--serial", world.device.serialNumber, "--code", "123456"])).stderr;
    };
    expect(await hintsIn("eu-south-1")).toContain("has not enabled the region eu-south-1");
    expect(await hintsIn("us-east-1")).not.toContain("enabled the region");
  });

  test.each([
    ["3 h ahead of", -180.5 * minutes],
    ["3 h behind", 180.5 * minutes],
    ["20 min ahead of", -20.5 * minutes],
  ])("a clock that is %s AWS's: by how much, and the code is kept", async (words, off) => {
    const world = await makeWorld();
    world.sandbox.setClock(() => Date.now() + off);
    const { error, hints } = await failedLogin(world);
    expect(error).toBe(`AWS refused the request because this computer's clock is ${words} AWS's`);
    expect(hints.join()).toContain("the code was not used");
    expect(world.calls("GetSessionToken")).toBe(0);
  });
});

const page = "<!DOCTYPE html>\n<html><body><p>Welcome & <b>sign in</b></body></html>";
const html = { "content-type": "text/html" };

describe("what AWS rarely says, and what others say in its place", () => {
  const answers: [string, Reply, RegExp, string][] = [
    [
      "throttling",
      refusal(400, "Throttling", "Rate exceeded"),
      /^AWS is throttling requests$/,
      "wait a minute, then: fob login work",
    ],
    [
      "a region in which STS is not active",
      refusal(403, "RegionDisabledException", "STS is not activated"),
      /^STS is not active in the region eu-central-1 for this account$/,
      "--region us-east-1",
    ],
    [
      "a denial",
      refusal(403, "AccessDenied", "User: x is not authorized to perform: sts:GetSessionToken"),
      /^AWS denied the request: User: x is not authorized/,
      "ask an administrator to allow",
    ],
    [
      "a denial that would paint the terminal",
      refusal(403, "AccessDenied", "\u009b31m&#155;2J"),
      /^AWS denied the request: \\x9b31m\\x9b2J$/,
      "administrator",
    ],
    [
      "a validation error",
      refusal(400, "ValidationError", "1 validation error detected: too long"),
      /^AWS rejected the request: 1 validation error detected: too long$/,
      "fob login --help",
    ],
    [
      "an error that fob has never heard of",
      refusal(400, "OptInRequired", "Not subscribed"),
      /^AWS refused the request: OptInRequired: Not subscribed$/,
      "CommonErrors",
    ],
    [
      "a local AWS that does not model the operation",
      refusal(501, "NotImplemented", "This local AWS does not model GetSessionToken"),
      /^"127\.0\.0\.1:\d+" does not do this: This local AWS does not model GetSessionToken$/,
      "env | grep AWS_ENDPOINT_URL",
    ],
    [
      "a page of a proxy that does not know the method",
      { status: 501, body: page, headers: html },
      /^"127\.0\.0\.1:\d+" had an internal error \(HTTP 501\)/,
      "_proxy",
    ],
    [
      "a sign-in page",
      { status: 200, body: page, headers: html },
      /^a server that is not AWS answered for "127\.0\.0\.1:\d+" \(HTTP 200\)$/,
      "sign-in page",
    ],
    [
      "a redirection to a sign-in page",
      { status: 302, body: page, headers: { ...html, location: "http://portal.example/" } },
      /^a server that is not AWS answered .* \(HTTP 302\)$/,
      "sign-in page",
    ],
    [
      "a page that says no",
      { status: 403, body: page, headers: html },
      /^a server that is not AWS answered .* \(HTTP 403\)$/,
      "_proxy",
    ],
  ];

  test.each(answers)("%s", async (_, reply, message, hint) => {
    const world = await makeWorld();
    const front = await startFront({
      to: world.sandbox.url,
      reply: ({ action }) => (action === "GetSessionToken" ? reply : "forward"),
    });
    const { error, hints } = await failedLogin(world, { env: { AWS_ENDPOINT_URL: front.url } });
    expect(error).toMatch(message);
    expect(hints.join("\n")).toContain(hint);
    expect(front.codes(), "sent once").toHaveLength(1);
  });

  test("a refusal that quotes the code: it may still be good, and is not shown", async () => {
    const world = await makeWorld();
    const front = await startFront({
      to: world.sandbox.url,
      reply: ({ action, code }) =>
        action === "GetSessionToken" ? refusal(400, "ValidationError", `Value '${code}' at 'tokenCode'`) : "forward",
    });
    const { error } = await failedLogin(world, { env: { AWS_ENDPOINT_URL: front.url } });
    expect(error).toBe("AWS rejected the request: Value '******' at 'tokenCode'");
  });

  test.each([200, 302])("a sign-in page (HTTP %s) gets no code", async (status) => {
    const world = await makeWorld();
    const front = await startFront({ reply: () => ({ status, body: page, headers: html }) });
    const { error } = await failedLogin(world, { env: { AWS_ENDPOINT_URL: front.url } });
    expect(error).toContain("a server that is not AWS answered");
    expect(front.codes()).toEqual([]);
  });

  test("a service that has no GetCallerIdentity is not held against it", async () => {
    const world = await makeWorld();
    const front = await startFront({
      to: world.sandbox.url,
      reply: ({ action }) => (action === "GetCallerIdentity" ? { status: 404, body: page } : "forward"),
    });
    const env = { AWS_ENDPOINT_URL: front.url };
    const result = await world.fob(["login", "work", "--code", world.device.code()], { env });
    expect(result.status).toBe(0);
  });
});

describe("no connection: nothing was sent", () => {
  test("a host that there is not", async () => {
    const world = await makeWorld();
    const env = { AWS_ENDPOINT_URL_STS: "https://no-such-host.invalid" };
    const { error, hints } = await failedLogin(world, { env });
    expect(error).toMatch(/^cannot (find|look up) "no-such-host\.invalid": .*; nothing was sent$/);
    expect(hints).toContain("check the network connection");
  });

  test("no server listens", async () => {
    const world = await makeWorld();
    const host = `127.0.0.1:${await freePort()}`;
    const { error, hints } = await failedLogin(world, { env: { AWS_ENDPOINT_URL: `http://${host}` } });
    expect(error).toBe(`could not connect to "${host}" (connection refused); nothing was sent`);
    expect(hints.join()).toContain("env | grep AWS_ENDPOINT_URL");
  });
});

// Where waiting, or a network without a route, would be needed to see the message.
describe("in words", () => {
  const context: CallContext = {
    profile: "work",
    accessKeyId: "AKIAIOSFODNN7EXAMPLE",
    region: "eu-central-1",
    endpoint: undefined,
    bundle: undefined,
    now: () => 0,
    permission: "sts:GetSessionToken",
    formatLogin: (changes) => formatCommand({ name: "login", named: ["work"], options: {} }, changes),
  };
  const words = (cause: unknown, isUnsent: boolean, proxy?: string) => {
    const way = { host: "sts.eu-central-1.amazonaws.com", proxy, isFromProxy: false, isUnsent };
    const { message, hints, ...rest } = explainFailure(new TransportError(cause, way), context);
    return { message, hints, consequence: (rest as { consequence?: string }).consequence };
  };
  const system = (code: string, syscall: string) =>
    Object.assign(new Error(`${syscall} ${code} 192.0.2.1:443`), { code, syscall });

  test.each([
    [
      "ENOTFOUND",
      'cannot find "sts.eu-central-1.amazonaws.com": the name is wrong, or you are offline; nothing was sent',
    ],
    ["EAI_AGAIN", 'cannot look up "sts.eu-central-1.amazonaws.com": no DNS server answered; nothing was sent'],
    ["ENETUNREACH", 'could not reach "sts.eu-central-1.amazonaws.com": no network; nothing was sent'],
    ["ECONNREFUSED", 'could not connect to "sts.eu-central-1.amazonaws.com" (connection refused); nothing was sent'],
    ["ETIMEDOUT", 'could not connect to "sts.eu-central-1.amazonaws.com" (timed out); nothing was sent'],
  ])("%s", (code, message) => {
    expect(words(system(code, "connect"), true)).toMatchObject({ message, consequence: "nothing sent" });
  });

  test.each([
    ["ECONNRESET", "the connection was cut"],
    ["EPROTO", "read EPROTO 192.0.2.1:443"],
    ["ETIMEDOUT", "read ETIMEDOUT 192.0.2.1:443"],
  ])("%s, when the request may have been sent", (code, reason) => {
    const message = `no answer from "sts.eu-central-1.amazonaws.com": ${reason}`;
    expect(words(system(code, "read"), false)).toMatchObject({ message, consequence: "no answer" });
  });

  test.each([
    ["arn:aws-cn:iam::123456789012:role/prod", "cn-north-1"],
    ["arn:aws-us-gov:iam::123456789012:role/prod", "us-gov-west-1"],
  ])("an access key that is not known where %s is not: that partition's region", (arn, region) => {
    const error = Object.assign(new Error("invalid"), {
      name: "InvalidClientTokenId",
      $fault: "client",
      $metadata: { httpStatusCode: 403 },
    });
    const { hints } = explainFailure(error, { ...context, region: "us-east-1", arn });
    const partition = arn.split(":")[1];
    expect(hints.slice(2)).toEqual([`"${arn}" is in ${partition}: fob login work --region ${region}`]);
  });

  test("an answer that does not come in time, in the SDK's own error", async () => {
    const front = await startFront({ reply: () => "silence" });
    const handler = new NodeHttpHandler({ requestTimeout: 1, throwOnRequestTimeout: true });
    const cause: unknown = await handler
      .handle({
        protocol: "http:",
        hostname: "127.0.0.1",
        port: front.port,
        method: "GET",
        path: "/",
        headers: {},
      } as never)
      .catch((error: unknown) => error);
    expect(words(cause, false)).toMatchObject({
      message: 'no answer from "sts.eu-central-1.amazonaws.com" within 0.001 s',
      consequence: "no answer",
    });
  });
});
