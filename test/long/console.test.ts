// `fob console`: the browser, signed in as a role.
import { once } from "node:events";
import { appendFileSync, chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mayHoldSecrets } from "../helpers/leaks.ts";
import { makeWorld, node, type World } from "../helpers/world.ts";

const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };

async function withRole(options: { partition?: string; more?: string } = {}): Promise<World> {
  const { partition = "aws", more = "region = eu-west-1\n" } = options;
  const region = partition === "aws" ? "eu-central-1" : "cn-north-1";
  const world = await makeWorld({ partition, config: `[profile work]\nregion = ${region}\n` });
  const Principal = { AWS: `arn:${partition}:iam::${world.sandbox.account}:root` };
  const trust = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal, Action: "sts:AssumeRole" }] };
  const { arn } = world.sandbox.addRole({ name: "prod", trust, policies: [everything], maxSessionSeconds: 43_200 });
  appendFileSync(world.configPath, `\n[profile prod]\nrole_arn = ${arn}\nsource_profile = work\n${more}`);
  await world.fob(["login", "work", "--code", world.device.code(Date.now() - 30_000)]);
  return world;
}

test("--print prints a link that signs a browser in, to the region of the profile", async () => {
  const world = await withRole();
  const { status, stdout, stderr } = await world.fob(["console", "prod", "--print"], { shows: ["sign-in token"] });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const answer = await fetch(stdout.trim(), { redirect: "manual" });
  expect(answer.status).toBe(302);
  expect(answer.headers.get("location")).toBe("https://console.aws.amazon.com/console/home?region=eu-west-1");
});

test("the browser is given an address that leads to the link, once, and the link is in no argument list", async () => {
  const world = await withRole();
  const browser = join(world.home, "browser");
  const arrived = join(world.home, "arrived");
  mayHoldSecrets(arrived);
  // What a browser does with the address, and then another visitor.
  const script = `const [, , address] = process.argv;
const { writeFileSync } = require("node:fs");
(async () => {
  const other = await fetch(address.replace(/\\/[^/]*$/, "/other"), { redirect: "manual" });
  const head = await fetch(address, { method: "HEAD", redirect: "manual" });
  const named = await fetch(address.replace("127.0.0.1", "localhost"), { redirect: "manual" });
  const first = await fetch(address, { redirect: "manual" });
  const again = await fetch(address, { redirect: "manual" }).then((r) => r.status, () => "gone");
  const seen = { other: other.status, head: head.status, named: named.status, status: first.status, location: first.headers.get("location"), again };
  writeFileSync(${JSON.stringify(arrived)}, JSON.stringify({ address, ...seen }), { mode: 0o600 });
})();`;
  writeFileSync(`${browser}.cjs`, script);
  writeFileSync(browser, `#!/bin/sh\nexec '${process.env.FOB_TEST_NODE ?? "node"}' '${browser}.cjs' "$1"\n`);
  chmodSync(browser, 0o755);
  const { status, stdout, stderr } = await world.fob(["console", "prod"], { env: { BROWSER: browser } });
  expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
  expect(stderr).toContain("fob: warning: the console link was requested twice");
  const read = (): string => (existsSync(arrived) ? readFileSync(arrived, "utf8") : "");
  await expect.poll(read, { timeout: 10_000 }).toMatch(/}$/);
  const seen = JSON.parse(read()) as Record<string, unknown>;
  expect(seen).toMatchObject({ other: 404, head: 404, named: 404, status: 303, again: 410 });
  expect(String(seen.location)).toContain("SigninToken=");
  expect(String(seen.address)).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}$/);
});

test.skipIf(process.getuid?.() !== 0 || process.platform !== "linux")(
  "another user who finds the address in the list of processes gets nothing, and you are told (as root only)",
  async () => {
    const world = await withRole();
    const browser = join(world.home, "browser");
    const arrived = join(world.home, "arrived");
    mayHoldSecrets(arrived);
    // Another user asks first, with what the list of processes shows; then the browser.
    const ask = `fetch(process.argv[1], { redirect: "manual" }).then((r) => console.log(r.status, r.headers.get("location")))`;
    const asks = `'${node}' -e '${ask}' "$1"`;
    writeFileSync(
      browser,
      `#!/bin/sh\numask 077\n{ setpriv --reuid 65534 --clear-groups ${asks}; ${asks}; } >'${arrived}'\n`,
    );
    chmodSync(browser, 0o755);
    const { status, stderr } = await world.fob(["console", "prod"], { env: { BROWSER: browser } });
    expect(status).toBe(0);
    expect(stderr).toContain("fob: warning: another user of this computer requested your console link; fob refused");
    await expect
      .poll(() => existsSync(arrived) && readFileSync(arrived, "utf8"))
      .toMatch(/^403 null\n303 http.*SigninToken=/);
  },
);

test.skipIf(process.getuid?.() !== 0 || process.platform !== "linux")(
  "another user's connection cannot pass for one of a service of yours on the same ports (as root only)",
  async () => {
    const world = await withRole();
    const browser = join(world.home, "browser");
    const got = join(world.home, "got");
    mayHoldSecrets(got);
    const service = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
    await once(service, "listening");
    const { port } = service.address() as AddressInfo;
    // To the service from fob's port, so that its end has these two ports; then to fob from the service's, closed for writing.
    const attack = `const { connect } = require("node:net");
const { port, host, pathname } = new URL(process.argv[1]);
const decoy = connect({ host: "127.0.0.1", port: ${port}, localAddress: "127.0.0.2", localPort: Number(port) }, () => {
  const socket = connect({ host: "127.0.0.1", port: Number(port), localAddress: "127.0.0.3", localPort: ${port}, allowHalfOpen: true });
  socket.end("GET " + pathname + " HTTP/1.1\\r\\nHost: " + host + "\\r\\n\\r\\n");
  socket.on("data", (data) => console.log(String(data).split("\\r\\n")[0])).on("close", () => decoy.destroy());
});`;
    writeFileSync(join(world.home, "attack.cjs"), attack);
    // fob is stopped meanwhile, in place of being kept busy: it looks when the other side has closed. Then the browser asks.
    writeFileSync(
      browser,
      `#!/bin/sh
umask 077
kill -STOP $PPID
(sleep 1; kill -CONT $PPID) &
setpriv --reuid 65534 --clear-groups '${node}' -e "$(cat '${world.home}/attack.cjs')" "$1" >'${got}'
'${node}' -e 'fetch(process.argv[1], { redirect: "manual" })' "$1"
`,
    );
    chmodSync(browser, 0o755);
    const { status, stderr } = await world.fob(["console", "prod"], { env: { BROWSER: browser } });
    service.close();
    expect(readFileSync(got, "utf8")).toBe("HTTP/1.1 403 Forbidden\n");
    expect(stderr).toContain("another user of this computer requested your console link");
    expect(status).toBe(0);
  },
);

test("for a session of a user it says why not, and names the roles that would work", async () => {
  const world = await withRole();
  for (const profile of ["work", "work-mfa"]) {
    const { status, stderr } = await world.fob(["console", profile]);
    expect(status).toBe(1);
    expect(stderr).toBe(
      'fob: error: AWS has no sign-in links for user sessions such as "work-mfa": GetFederationToken takes no MFA code, so a policy that requires MFA denies it\nfob: hint: fob console prod\n',
    );
  }
});

test("where no browser can be opened it says how to get the link", async () => {
  const world = await withRole();
  const { status, stderr } = await world.fob(["console", "prod"], { env: { PATH: "/nowhere" } });
  expect(status).toBe(1);
  expect(stderr).toMatch(/error: no browser found\nfob: hint: .*fob console prod --print\n$/);
  expect(stderr).not.toContain("opening");
  expect(world.calls("AssumeRole")).toBe(0);
  const failing = await world.fob(["console", "prod"], { env: { BROWSER: "false", PATH: "/usr/bin:/bin" } });
  expect(failing.stderr).toContain("error: could not open a browser\n");
});

test("a browser that stays is not ended, and one that is no list's first is tried in turn", async () => {
  const world = await withRole();
  const browser = join(world.home, "browser");
  const lasting = join(world.home, "lasting");
  writeFileSync(
    browser,
    `#!/bin/sh\n'${node}' -e 'fetch(process.argv[1], { redirect: "manual" })' "$2" && sleep 3 && echo "$1" >'${lasting}'\n`,
  );
  chmodSync(browser, 0o755);
  const { status } = await world.fob(["console", "prod"], { env: { BROWSER: `/nowhere:${browser} --new %s` } });
  expect(status).toBe(0);
  expect(existsSync(lasting)).toBe(false);
  await expect.poll(() => existsSync(lasting) && readFileSync(lasting, "utf8"), { timeout: 10_000 }).toBe("--new\n");
});

test("in another partition it is that one's console", async () => {
  const world = await withRole({ partition: "aws-cn", more: "" });
  const { stdout } = await world.fob(["console", "prod", "--print"], { shows: ["sign-in token"] });
  expect(new URL(stdout).searchParams.get("Destination")).toBe(
    "https://console.amazonaws.cn/console/home?region=cn-north-1",
  );
});

test("a role that was asked for with a code has a console for as long as it lasts", async () => {
  const world = await withRole({ more: "duration_seconds = 28800\n" });
  const run = world.fobOnTerminal(["console", "prod", "--print"], { shows: ["sign-in token"] });
  await run.shows("Code for");
  run.type(`${world.device.code()}\r`);
  expect((await run.ended).status).toBe(0);
  const asked = world.sandbox.requests.find(({ action }) => action === "getSigninToken");
  expect(asked).toMatchObject({ status: 200 });
});
