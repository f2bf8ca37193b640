// A token code is sent once. The SDK's own retries would send it up to three times, and the user would read "invalid
// code" although the code was right.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { makeWorld, type World } from "../helpers/world.ts";
import { makeAuthority } from "../network/certificates.ts";
import { failedLogin } from "../network/failing.ts";
import { type Front, type Reply, startFront, startProxy } from "../network/servers.ts";

const authority = makeAuthority();
const certificate = authority.issue(["127.0.0.1", "sts.eu-central-1.amazonaws.com"]);

/** STS behind a front that deals in its own way with the first codes that arrive. */
async function worldWhereCodes(meet: Reply, first = Number.POSITIVE_INFINITY): Promise<{ world: World; front: Front }> {
  const world = await makeWorld();
  const front = await startFront({
    to: world.sandbox.url,
    reply: ({ action, before }) => (action === "GetSessionToken" && before < first ? meet : "forward"),
  });
  world.env.AWS_ENDPOINT_URL = front.url;
  return { world, front };
}

const failures: [string, Reply, RegExp][] = [
  [
    "the connection is cut instead of an answer",
    "hang up",
    /^no answer from ".*": the connection was cut; the code may have been used$/,
  ],
  [
    "the connection is cut in the middle of the answer",
    "half an answer",
    /^the connection to ".*" closed before the response was complete: the connection was cut; the code may have been used$/,
  ],
  ["STS answers 500", { status: 500 }, /^".*" had an internal error \(HTTP 500\); the code may have been used$/],
  ["STS answers 503, with a web page", { status: 503, body: "<html>" }, /\(HTTP 503\); the code may have been used$/],
  [
    "the answer holds no credentials",
    { status: 200 },
    /^STS answered without credentials; the code may have been used$/,
  ],
];

test.each(failures)("%s: the code is sent once, and may have been used", async (_, meet, message) => {
  const { world, front } = await worldWhereCodes(meet);
  const code = world.device.code();
  const { error, hints } = await failedLogin(world, { code });
  expect(error).toMatch(message);
  expect(hints).toContain("try again with the next code");
  expect(front.codes()).toEqual([code]);
});

test.each(failures)("%s: on a terminal the next code is asked for, and works", async (_, meet) => {
  const { world, front } = await worldWhereCodes(meet, 1);
  const [code, next] = [world.device.code(), world.device.code(Date.now() + 30_000)];
  const run = world.fobOnTerminal(["login", "work"]);
  await run.shows("Code for");
  run.type(`${code}\r`);
  await run.shows("the code may have been used; type the next code");
  await run.shows("Code for");
  run.type(`${next}\r`);
  expect(await run.ended).toMatchObject({ status: 0 });
  expect(front.codes()).toEqual([code, next]);
});

test("the same code typed again after no answer is not sent again", async () => {
  const { world, front } = await worldWhereCodes("hang up", 1);
  const [code, next] = [world.device.code(), world.device.code(Date.now() + 30_000)];
  const run = world.fobOnTerminal(["login", "work"]);
  await run.shows("Code for");
  run.type(`${code}\r`);
  await run.shows("the code may have been used");
  await run.shows("Code for");
  run.type(`${code}\r`);
  await run.shows("that code was already used");
  await run.shows("Code for");
  run.type(`${next}\r`);
  expect(await run.ended).toMatchObject({ status: 0 });
  expect(front.codes()).toEqual([code, next]);
});

test("what carries no code may be repeated: GetCallerIdentity is, and the login goes on", async () => {
  const world = await makeWorld();
  const front = await startFront({
    to: world.sandbox.url,
    reply: ({ action, before }) => (action === "GetCallerIdentity" && before === 0 ? { status: 500 } : "forward"),
  });
  const env = { AWS_ENDPOINT_URL: front.url };
  const result = await world.fob(["login", "work", "--code", world.device.code()], { env });
  expect(result.status).toBe(0);
  expect(front.exchanges.map(({ action }) => action)).toEqual([
    "GetCallerIdentity",
    "GetCallerIdentity",
    "GetSessionToken",
  ]);
});

describe("a connection that ends before the handshake does has sent nothing", () => {
  // The first connection is for GetCallerIdentity, and the code goes over others.
  async function worldWhereConnections(ends: "cut" | "reset", which: (nth: number) => boolean, throughProxy: boolean) {
    const world = await makeWorld();
    const admit = (before: number) => (which(before) ? ends : "in");
    const front = await startFront({ to: world.sandbox.url, certificate, admit, onceEach: true });
    const bundle = join(world.home, "ca.pem");
    writeFileSync(bundle, authority.cert);
    const own = {
      AWS_ENDPOINT_URL: undefined,
      HTTPS_PROXY: throughProxy ? (await startProxy({ to: front.port })).url : "",
    };
    const env = { AWS_CA_BUNDLE: bundle, ...(throughProxy ? own : { AWS_ENDPOINT_URL: front.url }) };
    return { world, front, env };
  }

  const ways = [
    ["cut", false],
    ["reset", false],
    ["cut", true],
    ["reset", true],
  ] as const;

  test.each(ways)("%s, proxy %s: the code is sent again, so once, and works", async (ends, throughProxy) => {
    const { world, front, env } = await worldWhereConnections(ends, (nth) => nth === 1, throughProxy);
    const code = world.device.code();
    const result = await world.fob(["login", "work", "--code", code], { env });
    expect(result.stderr).toContain('"work-mfa" is valid until');
    expect(result.status).toBe(0);
    expect(front.codes()).toEqual([code]);
    expect(front.connections()).toBe(3);
  });

  test.each(ways)("%s, proxy %s: when that fails too, nothing was sent", async (ends, throughProxy) => {
    const { world, front, env } = await worldWhereConnections(ends, (nth) => nth >= 1, throughProxy);
    const { error } = await failedLogin(world, { env });
    expect(error).toMatch(/^could not connect to ".*: the connection was cut; nothing was sent$/);
    expect(front.codes()).toEqual([]);
    expect(front.connections()).toBe(3);
  });
});

test("a connection that the server closes while the user looks for her phone costs no code", async () => {
  const world = await makeWorld();
  const front = await startFront({ to: world.sandbox.url });
  // Of STS alone: then IAM, which would have a connection of its own, is not asked for the account's alias.
  const env = { AWS_ENDPOINT_URL: "", AWS_ENDPOINT_URL_STS: front.url };
  const run = world.fobOnTerminal(["login", "work", "--debug"], { env });
  await run.shows("Code for");
  await front.quiet();
  await front.endConnections();
  const code = world.device.code();
  run.type(`${code}\r`);
  expect(await run.ended).toMatchObject({ status: 0 });
  expect(front.codes()).toEqual([code]);
  expect(front.connections()).toBe(2);
});

describe("Ctrl-C ends the wait for a server that does not answer, at once, with the AWS files as they were", () => {
  test("STS", async () => {
    const { world, front } = await worldWhereCodes("silence");
    const before = [world.credentials(), world.config()];
    const run = world.fobOnTerminal(["login", "work"]);
    await run.shows("Code for");
    run.type(`${world.device.code()}\r`);
    await front.has("GetSessionToken");
    run.kill("SIGINT");
    expect(await run.ended).toMatchObject({ status: 130 });
    expect([world.credentials(), world.config()]).toEqual(before);
  });

  test("a proxy that is asked for a tunnel", async () => {
    const world = await makeWorld();
    const proxy = await startProxy({ refuses: "silence" });
    const env = { AWS_ENDPOINT_URL: "https://127.0.0.1:1", HTTPS_PROXY: proxy.url };
    const run = world.fobOnTerminal(["login", "work", "--code", world.device.code()], { env });
    await proxy.isAsked;
    run.kill("SIGINT");
    expect(await run.ended).toMatchObject({ status: 130 });
  });
});
