// Which servers fob trusts: the built program against a TLS front with certificates of a private authority.

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { makeWorld, type World } from "../helpers/world.ts";
import { makeAuthority } from "../network/certificates.ts";
import { failedLogin } from "../network/failing.ts";
import { type Front, startFront, startProxy } from "../network/servers.ts";

const authority = makeAuthority();
const stranger = makeAuthority();
const good = authority.issue(["localhost", "127.0.0.1"]);
const hour = 3_600_000;

/** A world whose AWS speaks TLS, with the authority's certificate in `~/ca.pem` and another authority's in `~/other.pem`. */
async function makeTlsWorld(certificate = good): Promise<{ world: World; front: Front; ca: string; other: string }> {
  const world = await makeWorld();
  const front = await startFront({ to: world.sandbox.url, certificate });
  world.env.AWS_ENDPOINT_URL = front.url;
  return { world, front, ca: file(world, "ca.pem", authority.cert), other: file(world, "other.pem", stranger.cert) };
}

function file(world: World, name: string, text: string): string {
  const path = join(world.home, name);
  writeFileSync(path, text);
  return path;
}

async function expectLogin(world: World, env: Record<string, string>): Promise<void> {
  const result = await world.fob(["login", "work", "--code", world.device.code()], { env });
  expect(result.stderr).toContain('"work-mfa" is valid until');
  expect(result.status).toBe(0);
}

test("a certificate of an unknown authority is not trusted: nothing is sent, AWS_CA_BUNDLE is the way out", async () => {
  const { world, front } = await makeTlsWorld();
  const { error, hints } = await failedLogin(world);
  expect(error).toMatch(
    /^the certificate of "127\.0\.0\.1:\d+" is not trusted .*, so someone may be intercepting the connection; nothing was sent$/,
  );
  expect(hints).toEqual([expect.stringContaining("export AWS_CA_BUNDLE=")]);
  expect(front.exchanges).toEqual([]);
});

test("NODE_TLS_REJECT_UNAUTHORIZED=0, set for some other program, sends no code to a stranger", async () => {
  const { world, front } = await makeTlsWorld();
  const env = { NODE_TLS_REJECT_UNAUTHORIZED: "0", NODE_NO_WARNINGS: "1" };
  const { error } = await failedLogin(world, { env });
  expect(error).toContain("is not trusted");
  expect(front.exchanges).toEqual([]);
});

describe("where the trusted certificates come from", () => {
  test("AWS_CA_BUNDLE, also below the home folder", async () => {
    const { world } = await makeTlsWorld();
    await expectLogin(world, { AWS_CA_BUNDLE: "~/ca.pem" });
  });

  test("the profile's ca_bundle", async () => {
    const { world, ca } = await makeTlsWorld();
    writeFileSync(world.configPath, `${world.config()}ca_bundle = ${ca}\n`);
    await expectLogin(world, {});
  });

  test("AWS_CA_BUNDLE before the profile's ca_bundle, for better or worse", async () => {
    const { world, ca, other } = await makeTlsWorld();
    writeFileSync(world.configPath, `${world.config()}ca_bundle = ${ca}\n`);
    const { error, hints } = await failedLogin(world, { env: { AWS_CA_BUNDLE: other } });
    expect(error).toContain("is not trusted");
    expect(hints.join()).toContain(`"${other}" (from AWS_CA_BUNDLE) do not include its issuer`);

    writeFileSync(world.configPath, world.config().replace(ca, other));
    await expectLogin(world, { AWS_CA_BUNDLE: ca });
  });

  test("REQUESTS_CA_BUNDLE last, as botocore has it", async () => {
    const { world, ca } = await makeTlsWorld();
    await expectLogin(world, { REQUESTS_CA_BUNDLE: ca });
  });

  test("one certificate of several in the file is enough", async () => {
    const { world } = await makeTlsWorld();
    const both = file(world, "both.pem", `# our authorities\n${stranger.cert}\n${authority.cert}`);
    await expectLogin(world, { AWS_CA_BUNDLE: both });
  });
});

test.each([
  ["that is not there", "missing.pem", undefined, /^cannot read the certificates in ".*missing\.pem": no such file$/],
  ["that is empty", "empty.pem", "", /^".*empty\.pem" contains no PEM certificate$/],
  ["with a key instead", "key.pem", good.key, /^".*key\.pem" contains no PEM certificate$/],
  [
    "with a broken certificate",
    "broken.pem",
    good.cert.replace(/\w{8}/g, "AAAAAAAA"),
    /broken\.pem" contains no PEM certificate$/,
  ],
])("a bundle %s is said to be so, with where it comes from", async (_, name, text, message) => {
  const { world, front } = await makeTlsWorld();
  const path = text === undefined ? join(world.home, name) : file(world, name, text);
  const { error, hints } = await failedLogin(world, { env: { AWS_CA_BUNDLE: path } });
  expect(error).toMatch(message);
  expect(hints).toEqual([`it comes from AWS_CA_BUNDLE; see it: ls -l ${path}`]);
  expect(front.connections()).toBe(0);
});

test("a bundle whose path looks like a secret is named all the same", async () => {
  const { world } = await makeTlsWorld();
  const path = "/Company7/Certificates/For/TheProxyOfIt1";
  expect((await failedLogin(world, { env: { AWS_CA_BUNDLE: path } })).error).toContain(`certificates in "${path}"`);
});

// No process may ever write into it, and the lock of the session is held meanwhile.
test.each(["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "ca_bundle"])("a pipe is not waited for: %s", async (from) => {
  const { world, front } = await makeTlsWorld();
  const path = join(world.home, "pipe.pem");
  execFileSync("mkfifo", [path]);
  if (from === "ca_bundle") writeFileSync(world.configPath, `${world.config()}ca_bundle = ${path}\n`);
  const { error, hints } = await failedLogin(world, { env: from === "ca_bundle" ? {} : { [from]: path } });
  expect(error).toBe(`"${path}" is not a regular file`);
  expect(hints).toEqual([`it comes from ${from}; see it: ls -l ${path}`]);
  expect(front.connections()).toBe(0);
});

test("a folder of certificates is refused as the aws command refuses it, with the command that makes a file of it", async () => {
  const { world } = await makeTlsWorld();
  const { error, hints } = await failedLogin(world, { env: { AWS_CA_BUNDLE: world.home } });
  expect(error).toContain(`${basename(world.home)}" (from AWS_CA_BUNDLE) are a folder, but must be a single file`);
  expect(hints).toEqual([`combine them: cat ${world.home}/*.pem > ca.pem`]);
});

test.each([
  ["expired", { from: Date.now() - 2 * hour, to: Date.now() - hour }, "has expired"],
  ["not yet valid", { from: Date.now() + hour, to: Date.now() + 2 * hour }, "is not valid yet"],
])("a certificate that is %s: the clock may be wrong", async (_, validity, words) => {
  const { world, front, ca } = await makeTlsWorld(authority.issue(["127.0.0.1"], validity));
  const { error, hints } = await failedLogin(world, { env: { AWS_CA_BUNDLE: ca } });
  expect(error).toMatch(new RegExp(`^the certificate of "127\\.0\\.0\\.1:\\d+" ${words}; nothing was sent$`));
  expect(hints.join()).toContain("check this computer's clock: date");
  expect(front.exchanges).toEqual([]);
});

test("a certificate for another host: nothing is sent", async () => {
  const { world, front, ca } = await makeTlsWorld(authority.issue(["sts.evil.example"]));
  const { error } = await failedLogin(world, { env: { AWS_CA_BUNDLE: ca } });
  expect(error).toMatch(
    /^the certificate of ".*" is for another host, so someone may be intercepting the connection; nothing was sent$/,
  );
  expect(front.exchanges).toEqual([]);
});

test("through a proxy, the certificate has to be for AWS's host, not for the proxy's or this computer's", async () => {
  const { world, front, ca } = await makeTlsWorld(authority.issue(["localhost"]));
  const proxy = await startProxy({ to: front.port });
  const { error } = await failedLogin(world, { env: { AWS_CA_BUNDLE: ca, HTTPS_PROXY: proxy.url } });
  expect(error).toContain("is for another host");
  expect(proxy.asked.join()).toContain(`CONNECT 127.0.0.1:${front.port}`);
  expect(front.exchanges).toEqual([]);
});

test("TLS to a port that speaks plain http is called that, not a certificate that is not trusted", async () => {
  const world = await makeWorld();
  const env = { AWS_ENDPOINT_URL: world.sandbox.url.replace("http:", "https:") };
  const { error, hints } = await failedLogin(world, { env });
  expect(error).toMatch(/^"127\.0\.0\.1:\d+" did not complete the TLS handshake \(.*\); nothing was sent$/);
  expect(hints.join()).toContain("env | grep AWS_ENDPOINT_URL");
});
