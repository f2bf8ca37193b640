// `fob console`: the browser, signed in as a role.
import { appendFileSync, chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mayHoldSecrets } from "../helpers/leaks.ts";
import { makeWorld, type World } from "../helpers/world.ts";

const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };

async function withRole(): Promise<World> {
  const world = await makeWorld();
  const Principal = { AWS: `arn:aws:iam::${world.sandbox.account}:root` };
  const trust = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal, Action: "sts:AssumeRole" }] };
  const { arn } = world.sandbox.addRole({ name: "prod", trust, policies: [everything], maxSessionSeconds: 43_200 });
  appendFileSync(world.configPath, `\n[profile prod]\nrole_arn = ${arn}\nsource_profile = work\nregion = eu-west-1\n`);
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
  // What a browser does with the address, and then somebody else.
  const script = `const [, , address] = process.argv;
const { writeFileSync } = require("node:fs");
(async () => {
  const other = await fetch(address.replace(/\\/[^/]*$/, "/other"), { redirect: "manual" });
  const first = await fetch(address, { redirect: "manual" });
  const again = await fetch(address, { redirect: "manual" }).then((r) => r.status, () => "gone");
  const seen = { other: other.status, status: first.status, location: first.headers.get("location"), again };
  writeFileSync(${JSON.stringify(arrived)}, JSON.stringify({ address, ...seen }), { mode: 0o600 });
})();`;
  writeFileSync(`${browser}.cjs`, script);
  writeFileSync(browser, `#!/bin/sh\nexec '${process.env.FOB_TEST_NODE ?? "node"}' '${browser}.cjs' "$1"\n`);
  chmodSync(browser, 0o755);
  const { status, stdout } = await world.fob(["console", "prod"], { env: { BROWSER: browser } });
  expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
  const seen = JSON.parse(readFileSync(arrived, "utf8")) as Record<string, unknown>;
  expect(seen).toMatchObject({ other: 404, status: 303, again: "gone" });
  expect(String(seen.location)).toContain("SigninToken=");
  expect(String(seen.address)).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}$/);
});

test("for a session of a user it says why not, and names the roles that would work", async () => {
  const world = await withRole();
  for (const profile of ["work", "work-mfa"]) {
    const { status, stderr } = await world.fob(["console", profile]);
    expect(status).toBe(1);
    expect(stderr).toBe(
      'fob: error: AWS gives sign-in links for roles only, and "work-mfa" is a session of a user\nfob: hint: fob console prod\n',
    );
  }
});

test("where no browser can be opened it says how to get the link", async () => {
  const world = await withRole();
  const { status, stderr } = await world.fob(["console", "prod"], { env: { PATH: "/nowhere" } });
  expect(status).toBe(1);
  expect(stderr).toMatch(/error: no browser can be opened here\nfob: hint: .*fob console --print\n$/);
});
