// Tests the console's federation endpoint: which credentials get a sign-in token, and what its link does.

import { afterEach, beforeEach, expect, test } from "vitest";
import { type Sandbox, type SandboxUser, startSandbox } from "../../src/sandbox/server.ts";
import { type Key, post, send, sign } from "./client.ts";

const start = Date.parse("2026-01-31T09:00:00Z");
const minutes = 60_000;

let now: number;
let sandbox: Sandbox;
let alice: SandboxUser;
let roleArn: string;
beforeEach(async () => {
  now = start;
  sandbox = await startSandbox({ now: () => now });
  alice = sandbox.addUser({ name: "alice" });
  const open = { Effect: "Allow", Principal: "*", Action: "sts:AssumeRole" };
  roleArn = sandbox.addRole({ name: "deploy", trust: { Statement: open } }).arn;
});
afterEach(() => sandbox.close());

async function call(key: Key, parameters: Record<string, string>): Promise<Key> {
  const draft = post({ Version: "2011-06-15", ...parameters });
  const { body } = await send(sign(draft, sandbox.url, key, { atMs: now }), sandbox.url);
  const member = (name: string) => new RegExp(`<${name}>(.*)</${name}>`).exec(body)?.[1] ?? "";
  return {
    accessKeyId: member("AccessKeyId"),
    secretAccessKey: member("SecretAccessKey"),
    sessionToken: member("SessionToken"),
  };
}

const session = () => call(alice.accessKey, { Action: "GetSessionToken" });
const role = (key: Key = alice.accessKey) =>
  call(key, { Action: "AssumeRole", RoleArn: roleArn, RoleSessionName: "work", DurationSeconds: "900" });

const sessionOf = ({ accessKeyId, secretAccessKey, sessionToken }: Key) =>
  JSON.stringify({ sessionId: accessKeyId, sessionKey: secretAccessKey, sessionToken });

const get = (parameters: Record<string, string>) =>
  fetch(`${sandbox.url}/federation?${new URLSearchParams(parameters).toString()}`, { redirect: "manual" });

const ask = (key: Key, more: Record<string, string> = {}) =>
  get({ Action: "getSigninToken", Session: sessionOf(key), ...more });

async function signInToken(key: Key): Promise<string> {
  return ((await (await ask(key)).json()) as { SigninToken: string }).SigninToken;
}

const Destination = "https://console.aws.amazon.com/s3/home?region=eu-west-1";
const login = (SigninToken: string, more: Record<string, string> = {}) =>
  get({ Action: "login", Issuer: "fob", Destination, SigninToken, ...more });

test("role credentials give a link that signs in once, by GET or POST", async () => {
  const key = await role();
  const byPost = await fetch(`${sandbox.url}/federation`, {
    method: "POST",
    body: new URLSearchParams({ Action: "getSigninToken", Session: sessionOf(key), SessionDuration: "43200" }),
  });
  expect(byPost.headers.get("content-type")).toBe("application/json");
  const { SigninToken } = (await byPost.json()) as { SigninToken: string };
  const signedIn = await login(SigninToken);
  expect([signedIn.status, signedIn.headers.get("location")]).toEqual([302, Destination]);
  const cookie = decodeURIComponent(signedIn.headers.get("set-cookie") ?? "");
  expect(cookie).toContain(`assumed-role/deploy/work`);
  expect((await login(SigninToken)).status).toBe(400);
  expect((await login(await signInToken(key))).status).toBe(302);
});

test("rejects user sessions, access keys, wrong credentials and expired credentials", async () => {
  const key = await role();
  const refused = await ask(await session());
  expect([refused.status, refused.headers.get("content-type")]).toEqual([400, "text/html"]);
  expect(await refused.text()).toContain("Only federation tokens or assume role tokens may be used");
  const others = [
    alice.accessKey,
    { ...key, accessKeyId: "ASIAUNKNOWN" },
    { ...key, secretAccessKey: "wrong" },
    { ...key, sessionToken: "wrong" },
  ];
  for (const other of others) expect((await ask(other)).status).toBe(400);
  for (const Session of ["", "{", "null"]) expect((await get({ Action: "getSigninToken", Session })).status).toBe(400);
  now += 15 * minutes;
  expect((await ask(key)).status).toBe(400);
});

test("federated users get a link, without a duration", async () => {
  const policy = JSON.stringify({ Statement: { Effect: "Allow", Action: "s3:*", Resource: "*" } });
  const allow = { Statement: { Effect: "Allow", Action: "sts:GetFederationToken", Resource: "*" } };
  sandbox.attachPolicy("alice", allow);
  const bob = await call(alice.accessKey, { Action: "GetFederationToken", Name: "Bob", Policy: policy });
  expect((await ask(bob, { SessionDuration: "900" })).status).toBe(400);
  const cookie = (await login(await signInToken(bob))).headers.get("set-cookie");
  expect(decodeURIComponent(cookie ?? "")).toContain("federated-user/Bob");
});

test("accepts a duration of 15 minutes to 12 hours, except for chained roles", async () => {
  const key = await role();
  const status = async (of: Key, SessionDuration: string) => (await ask(of, { SessionDuration })).status;
  for (const seconds of ["900", "43200"]) expect(await status(key, seconds)).toBe(200);
  for (const seconds of ["899", "43201", "1h", ""]) expect(await status(key, seconds)).toBe(400);
  const chained = await role(await session());
  expect(await status(chained, "900")).toBe(400);
  expect((await ask(chained)).status).toBe(200);
});

test("a link expires after 15 minutes or with the credentials, and needs a destination", async () => {
  expect((await login("unknown")).status).toBe(400);
  const key = await call(alice.accessKey, { Action: "AssumeRole", RoleArn: roleArn, RoleSessionName: "work" });
  const [first, second] = [await signInToken(key), await signInToken(key)];
  now += 15 * minutes - 1;
  expect((await login(first, { Destination: "javascript:alert(1)" })).status).toBe(400);
  expect((await login(first)).status).toBe(302);
  now += 1;
  expect((await login(second)).status).toBe(400);
  now = start + 50 * minutes;
  const third = await signInToken(key);
  now = start + 60 * minutes;
  expect((await login(third)).status).toBe(400);
});

test("reports what is not modeled", async () => {
  expect((await get({ Action: "logout" })).status).toBe(501);
  expect((await ask(await role(), { SessionType: "json" })).status).toBe(501);
});

test("lists sign-in tokens as secrets and does not record them", async () => {
  const key = await role();
  const token = await signInToken(key);
  await login(token);
  expect(sandbox.secrets()).toContainEqual([token, "sign-in token"]);
  const record = { time: start, service: "signin", accessKeyId: key.accessKeyId };
  expect(sandbox.requests.slice(-2)).toMatchObject([
    { ...record, action: "getSigninToken", status: 200 },
    { ...record, action: "login", status: 302 },
  ]);
  expect(JSON.stringify(sandbox.requests)).not.toContain(token);
});
