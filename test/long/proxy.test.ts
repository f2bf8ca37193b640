// The way through a proxy, by the variables that the aws command reads. Nothing here leaves the loopback interface:
// what is for AWS's own hosts goes to a proxy, which tunnels to a front with a certificate for those hosts.

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readNetworkSettings } from "../../src/aws/network.ts";
import { isThere } from "../helpers/needed.ts";
import { execute, makeWorld, type World } from "../helpers/world.ts";
import { type Certificate, makeAuthority } from "../network/certificates.ts";
import { failedLogin } from "../network/failing.ts";
import { type FrontOptions, freePort, refusal, startFront, startProxy, startTls } from "../network/servers.ts";

const authority = makeAuthority();
const certificate = authority.issue(["localhost", "127.0.0.1", "sts.eu-central-1.amazonaws.com"]);
const aws = "sts.eu-central-1.amazonaws.com";
const password = "s3cr3t-p%40ss";

/** A world where AWS has its own names, which only a proxy can reach; `own` is the environment for that. */
async function makeProxiedWorld(options: Pick<FrontOptions, "reply" | "certificate"> = {}) {
  const world = await makeWorld();
  const front = await startFront({ to: world.sandbox.url, certificate, ...options });
  const bundle = join(world.home, "ca.pem");
  writeFileSync(bundle, authority.cert);
  return { world, front, own: { AWS_ENDPOINT_URL: undefined, AWS_CA_BUNDLE: bundle } };
}

const withPassword = (url: string): string => url.replace("//", `//jane:${password}@`);

async function expectLogin(world: World, env: Record<string, string | undefined>): Promise<string> {
  const result = await world.fob(["login", "work", "--code", world.device.code(), "--debug"], { env });
  expect(result.stderr).toContain('"work-mfa" is valid until');
  expect(result.status).toBe(0);
  return result.stderr;
}

test("HTTPS_PROXY: one tunnel to AWS's own host, in which the whole login takes place", async () => {
  const { world, front, own } = await makeProxiedWorld();
  const proxy = await startProxy({ to: front.port });
  const stderr = await expectLogin(world, { ...own, HTTPS_PROXY: proxy.url });
  expect(proxy.asked).toEqual([`CONNECT ${aws}:443`]);
  expect(proxy.presented).toEqual([""]);
  expect(front.exchanges).toMatchObject([
    { action: "GetCallerIdentity", host: aws },
    { action: "GetSessionToken", host: aws },
  ]);
  expect(stderr).not.toContain("which is not AWS");
});

test("HTTP_PROXY: plain http to loopback goes through it too, as with the aws command", async () => {
  const world = await makeWorld();
  const proxy = await startProxy({});
  await expectLogin(world, { HTTP_PROXY: withPassword(proxy.url) });
  expect(proxy.asked).toEqual([`POST ${world.sandbox.url}/`, `POST ${world.sandbox.url}/`]);
  expect(proxy.presented).toEqual(["jane:s3cr3t-p@ss", "jane:s3cr3t-p@ss"]);
});

test("a user name and a password go to the proxy and nowhere else", async () => {
  const { world, front, own } = await makeProxiedWorld();
  const proxy = await startProxy({ to: front.port });
  // DEBUG is what many libraries take for a wish to print everything.
  const stderr = await expectLogin(world, { ...own, HTTPS_PROXY: withPassword(proxy.url), DEBUG: "*" });
  expect(proxy.presented).toEqual(["jane:s3cr3t-p@ss"]);
  expect(stderr).toContain(`${aws} through the proxy ${proxy.host}`);
  expect(stderr).not.toMatch(/s3cr3t|jane/);
});

test("a percent sign in a password that begins no escape stands for itself, as with the aws command", async () => {
  const { world, front, own } = await makeProxiedWorld();
  const proxy = await startProxy({ to: front.port });
  await expectLogin(world, { ...own, HTTPS_PROXY: proxy.url.replace("//", "//jane:100%sure@") });
  expect(proxy.presented).toEqual(["jane:100%sure"]);
});

describe("a proxy that does not connect: its own message, nothing was sent, no password", () => {
  const secrets = ["s3cr3t", "jane"];

  test.each([
    [
      403,
      /^the proxy "(.*)" did not connect to "sts\.eu-central-1\.amazonaws\.com" \(HTTP 403\); nothing was sent$/,
      "NO_PROXY",
    ],
    [
      502,
      /^the proxy "(.*)" did not connect to "sts\.eu-central-1\.amazonaws\.com" \(HTTP 502\); nothing was sent$/,
      "NO_PROXY",
    ],
    [
      407,
      /^the proxy "(.*)" requires a user name and password, or rejected the ones you set \(HTTP 407\); nothing was sent$/,
      "export HTTPS_PROXY=",
    ],
    [
      "cut",
      /^could not connect to .* \(through the proxy "(.*)"\): the connection was cut; nothing was sent$/,
      "grep -i _proxy",
    ],
    [
      "reset",
      /^could not connect to .* \(through the proxy "(.*)"\): the connection was cut; nothing was sent$/,
      "grep -i _proxy",
    ],
  ] as const)("it answers the request for a tunnel with %s", async (refuses, message, hint) => {
    const { world, own } = await makeProxiedWorld();
    const proxy = await startProxy({ refuses });
    const env = { ...own, HTTPS_PROXY: withPassword(proxy.url) };
    const { error, hints } = await failedLogin(world, { env, secrets });
    expect(message.exec(error)?.[1], error).toBe(proxy.host);
    // What it refuses it would refuse again; a connection that is cut may be made at another time.
    expect(proxy.asked).toHaveLength(typeof refuses === "number" ? 1 : 3);
    expect(hints.join()).toContain(hint);
  });

  test("it is not there", async () => {
    const { world, own } = await makeProxiedWorld();
    const host = `127.0.0.1:${await freePort()}`;
    const { error, hints } = await failedLogin(world, {
      env: { ...own, https_proxy: withPassword(`http://${host}`) },
      secrets,
    });
    expect(error).toBe(`could not connect to the proxy "${host}" (connection refused); nothing was sent`);
    expect(hints).toEqual(["check the proxy: env | grep -i _proxy"]);
  });

  test("its name is unknown", async () => {
    const { world, own } = await makeProxiedWorld();
    const env = { ...own, HTTPS_PROXY: withPassword("http://no-such-proxy.invalid:3128") };
    const { error } = await failedLogin(world, { env, secrets });
    expect(error).toMatch(/^cannot (find|look up) the proxy "no-such-proxy\.invalid:3128".*; nothing was sent$/);
  });

  test("plain http: it wants a password", async () => {
    const world = await makeWorld();
    const proxy = await startProxy({ refuses: 407 });
    const { error } = await failedLogin(world, { env: { HTTP_PROXY: withPassword(proxy.url) }, secrets });
    expect(error).toContain("requires a user name and password");
  });

  test.each([
    "socks5://jane:s3cr3t@127.0.0.1:1",
    "http://jane:12#s3cr3t@127.0.0.1:1",
    "http://jane:%ffs3cr3t@127.0.0.1:1",
    "http://",
  ])("the address is none: %s", async (address) => {
    const { world, own } = await makeProxiedWorld();
    const { error, hints } = await failedLogin(world, { env: { ...own, HTTPS_PROXY: address }, secrets });
    expect(error).toBe("the proxy in HTTPS_PROXY is not an http:// or https:// address");
    expect(hints.join()).toContain("export HTTPS_PROXY=");
  });
});

describe("a proxy that speaks TLS itself: its certificate is for its own name, and AWS's for AWS's", () => {
  const ofAws = authority.issue([aws]);
  const ofProxy = authority.issue(["localhost"]);
  const ofAddress = authority.issue(["127.0.0.1"]);
  const untrusted = makeAuthority("a stranger").issue(["localhost"]);
  const noCheck = { NODE_TLS_REJECT_UNAUTHORIZED: "0", NODE_NO_WARNINGS: "1" };
  const asAddress = (url: string): string => url.replace("localhost", "127.0.0.1");

  test.each([
    ["by name", ofProxy, (url: string) => url],
    ["by address", ofAddress, asAddress],
  ])("%s", async (_, own, address) => {
    const { world, front, own: env } = await makeProxiedWorld({ certificate: ofAws });
    const proxy = await startProxy({ to: front.port });
    const outside = address(await startTls(own, proxy));
    await expectLogin(world, { ...env, HTTPS_PROXY: withPassword(outside) });
    expect(proxy.asked).toEqual([`CONNECT ${aws}:443`]);
    expect(proxy.presented).toEqual(["jane:s3cr3t-p@ss"]);
  });

  test("plain http goes through it, too", async () => {
    const { world, own } = await makeProxiedWorld();
    const proxy = await startProxy({});
    const outside = asAddress(await startTls(ofAddress, proxy));
    const endpoint = world.sandbox.url.replace("127.0.0.1", "localhost");
    await expectLogin(world, { ...own, AWS_ENDPOINT_URL: endpoint, HTTP_PROXY: outside });
    expect(proxy.asked).toEqual([`POST ${endpoint}/`, `POST ${endpoint}/`]);
  });

  const others: [name: string, Certificate, words: string][] = [
    ["AWS's", ofAws, "is for another host, so someone may be intercepting the connection"],
    ["its address's", ofAddress, "is for another host, so someone may be intercepting the connection"],
    ["of an unknown authority", untrusted, "is not trusted"],
  ];
  const ways = [{}, noCheck].flatMap((more) => others.map((other) => [...other, more] as const));

  test.each(ways)(
    "with a certificate that is %s: nothing is sent, not even its password",
    async (...[, wrong, words, more]) => {
      const { world, front, own } = await makeProxiedWorld({ certificate: ofAws });
      const proxy = await startProxy({ to: front.port });
      const outside = await startTls(wrong, proxy);
      const host = new URL(outside).host;
      for (const env of [
        { HTTPS_PROXY: withPassword(outside) },
        { HTTP_PROXY: withPassword(outside), AWS_ENDPOINT_URL: world.sandbox.url },
      ]) {
        const { error } = await failedLogin(world, { env: { ...own, ...more, ...env }, secrets: ["s3cr3t", "jane"] });
        expect(error).toContain(`the certificate of the proxy "${host}" ${words}`);
        expect(error).toContain("; nothing was sent");
      }
      expect(proxy.asked).toEqual([]);
      expect(world.sandbox.requests).toEqual([]);
    },
  );

  test("AWS's own certificate is looked at behind it, too", async () => {
    const { world, front, own } = await makeProxiedWorld({ certificate: ofProxy });
    const proxy = await startProxy({ to: front.port });
    const outside = await startTls(ofProxy, proxy);
    const { error } = await failedLogin(world, { env: { ...own, ...noCheck, HTTPS_PROXY: outside } });
    const host = new URL(outside).host;
    expect(error).toContain(`the certificate of "${aws}" (through the proxy "${host}") is for another host`);
    expect(front.exchanges).toEqual([]);
  });
});

// ---- The same variables, read by others.

/** Which proxy a request to HOST:PORT takes with which variables; UPPER and LOWER are two proxies. */
const environments: ["UPPER" | "LOWER" | "", Record<string, string>][] = [
  ["", {}],
  ["UPPER", { HTTPS_PROXY: "UPPER" }],
  ["LOWER", { https_proxy: "LOWER", HTTPS_PROXY: "UPPER" }],
  ["", { https_proxy: "", HTTPS_PROXY: "UPPER" }],
  ["", { HTTP_PROXY: "UPPER", http_proxy: "LOWER" }],
  ["", { ALL_PROXY: "UPPER", all_proxy: "LOWER" }],
  ["", { HTTPS_PROXY: "UPPER", NO_PROXY: "HOST" }],
  ["", { HTTPS_PROXY: "UPPER", NO_PROXY: ".HOST" }],
  ["", { HTTPS_PROXY: "UPPER", NO_PROXY: "*" }],
  ["", { HTTPS_PROXY: "UPPER", NO_PROXY: "other.example,HOST:PORT" }],
  ["UPPER", { HTTPS_PROXY: "UPPER", NO_PROXY: "HOST:1, calhost" }],
  ["UPPER", { HTTPS_PROXY: "UPPER", NO_PROXY: "HOST", no_proxy: "" }],
];

/** With the words in capital letters replaced. */
function filledIn(variables: Record<string, string>, words: Record<string, string>): Record<string, string> {
  const filled = (text: string): string => text.replace(/[A-Z]{4,}/g, (word) => words[word] ?? word);
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, filled(value)]));
}

test.each(environments)("the proxy is %j with %j", (proxy, variables) => {
  const words = { HOST: "localhost", PORT: "4566", UPPER: "http://UPPER:1", LOWER: "LOWER:1" };
  const network = readNetworkSettings(filledIn(variables, words), "/home", undefined);
  expect(network.findProxy(new URL("https://localhost:4566"))?.hostname ?? "").toBe(proxy.toLowerCase());
});

test.skipIf(!isThere("aws", "--version"))(
  "fob and the aws command go the same way, with each set of variables",
  async () => {
    const { world, front, own } = await makeProxiedWorld({
      reply: ({ action }) => (action === "GetSessionToken" ? refusal(400, "Throttling", "Rate exceeded") : "forward"),
    });
    const run = async ([proxy, variables]: (typeof environments)[number], index: number) => {
      const proxies = { UPPER: await startProxy({ to: front.port }), LOWER: await startProxy({ to: front.port }) };
      const words = {
        HOST: "localhost",
        PORT: String(front.port),
        UPPER: proxies.UPPER.url,
        LOWER: proxies.LOWER.host,
      };
      const endpoint = `https://localhost:${front.port}`;
      const env = { ...world.env, ...own, AWS_ENDPOINT_URL: endpoint, ...filledIn(variables, words) };
      const counts = (): number[] => [proxies.UPPER.asked.length, proxies.LOWER.asked.length];
      const expected = [proxy === "UPPER" ? 1 : 0, proxy === "LOWER" ? 1 : 0];

      const theirs = await execute("aws", ["sts", "get-caller-identity", "--profile", "work"], { env });
      expect(theirs, JSON.stringify(variables)).toMatchObject({ status: 0 });
      expect(counts(), `aws with ${JSON.stringify(variables)}`).toEqual(expected);
      const ours = await world.fob(["login", "work", "--code", "000000", "--to", `work-${index}`], { env });
      expect(ours.stderr, JSON.stringify(variables)).toContain("AWS is throttling");
      expect(counts(), `fob with ${JSON.stringify(variables)}`).toEqual(expected.map((count) => 2 * count));
    };
    // The command takes a second, so not for each; Python's answers follow below.
    const [none, upper, lower, ...others] = environments;
    const inTurn = [lower, none, upper, ...others.filter((_, index) => index % 3 !== 2)].filter(
      (one) => one !== undefined,
    );
    await Promise.all(inTurn.map(run));
  },
);

test.skipIf(!isThere("python3", "--version"))(
  "NO_PROXY and the proxy variables mean what Python's urllib, and so botocore, takes them for",
  () => {
    const urls = [`https://${aws}/`, "https://host.example:8443/", "https://127.0.0.1:4566/", "https://[::1]:4566/"];
    const lists = [
      undefined,
      ...["", "*", " * ", "*,x", "amazonaws.com", ".amazonaws.com", "..amazonaws.com", "AMAZONAWS.com", "azonaws.com"],
      ...[
        "x, amazonaws.com ,y",
        "x;amazonaws.com",
        "*.amazonaws.com",
        aws,
        `${aws}:443`,
        "host.example:8443",
        "example:8443",
      ],
      ...[
        ".example:8443",
        "host.example:1",
        "127.0.0.1",
        "0.0.1",
        "127.0.0.0/8",
        "127.*",
        "::1",
        "[::1]",
        "[::1]:4566",
        ",,",
        ".",
      ],
    ];
    const proxies = [
      {},
      { HTTPS_PROXY: "http://upper:1" },
      { https_proxy: "http://lower:1" },
      { https_proxy: "http://lower:1", HTTPS_PROXY: "http://upper:1" },
      { https_proxy: "", HTTPS_PROXY: "http://upper:1" },
      { HTTP_PROXY: "http://plain:1" },
    ];
    const cases = urls.flatMap((url) =>
      proxies.flatMap((some) =>
        lists.flatMap((list) =>
          [{ NO_PROXY: list }, { no_proxy: list }, { no_proxy: "", NO_PROXY: list }].map((no) => ({
            url,
            env: Object.fromEntries(Object.entries({ ...some, ...no }).filter(([, value]) => value !== undefined)),
          })),
        ),
      ),
    );
    const script = `
import json, os, sys
from urllib.parse import urlparse
from urllib.request import getproxies_environment, proxy_bypass_environment
answers = []
for case in json.load(sys.stdin):
    os.environ.clear()
    os.environ.update(case["env"])
    url = urlparse(case["url"])
    proxy = None if proxy_bypass_environment(url.netloc) else getproxies_environment().get(url.scheme)
    answers.append(proxy)
print(json.dumps(answers))`;
    const { stdout, stderr } = spawnSync("python3", ["-c", script], { input: JSON.stringify(cases), encoding: "utf8" });
    expect(stderr).toBe("");
    const theirs = JSON.parse(stdout) as (string | null)[];
    const ours = cases.map(
      ({ url, env }) => readNetworkSettings(env, "/home", undefined).findProxy(new URL(url))?.origin ?? null,
    );
    const differ = cases.flatMap((one, index) =>
      ours[index] === theirs[index] ? [] : { ...one, fob: ours[index], python: theirs[index] },
    );
    expect(differ).toEqual([]);
    expect(new Set(ours).size).toBe(3);
  },
);
