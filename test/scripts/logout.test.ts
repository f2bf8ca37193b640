import { appendFileSync, existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { makeWorld } from "../helpers/world.ts";

test("logout removes the session from every place and nothing else", async () => {
  const world = await makeWorld();
  appendFileSync(world.credentialsPath, "# my comment\r\n\n[other]\nkey=value ; odd\n");
  const before = world.credentials();
  await world.fob(["login", "work", "--code", world.device.code()]);
  const { status, stderr } = await world.fob(["logout", "work"]);
  expect(status).toBe(0);
  expect(stderr).toMatch(
    /fob: removed the session "work-mfa"; AWS still honours its credentials until (tomorrow )?\d\d:\d\d\n/,
  );
  expect(world.credentials()).toBe(before);
  expect(existsSync(join(dirname(world.credentialsPath), "fob/sessions/work-mfa"))).toBe(false);
});

test("keys of the user's own in the session profile stay", async () => {
  const world = await makeWorld();
  appendFileSync(world.credentialsPath, "\n[work-mfa]\n# mine\noutput = json\n");
  await world.fob(["login", "work", "--code", world.device.code()]);
  await world.fob(["logout", "work-mfa"]);
  expect(world.credentials()).toContain("\n[work-mfa]\n# mine\noutput = json\n");
  expect(world.credentials()).not.toContain("ASIA");
});

test("credentials that something else has put there since stay", async () => {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  writeFileSync(world.credentialsPath, world.credentials().replace(/ASIA\w+/, "ASIAIOSFODNN7EXAMPLE"));
  const { stderr } = await world.fob(["logout", "work"]);
  expect(stderr).toContain("holds credentials that fob did not write; they stay");
  expect(world.credentials()).toContain("ASIAIOSFODNN7EXAMPLE");
});

test("another tool's session is not fob's to remove", async () => {
  const world = await makeWorld();
  appendFileSync(
    world.credentialsPath,
    "[saml]\naws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\naws_session_token = x\n",
  );
  const before = world.credentials();
  const { status, stderr } = await world.fob(["logout", "saml"]);
  expect(status).toBe(1);
  expect(stderr).toContain("is another tool's");
  expect(world.credentials()).toBe(before);
});

test("--all removes every session of fob", async () => {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  await world.fob(["login", "work", "--to", "second", "--code", world.device.code(Date.now() + 30_000)]);
  expect((await world.fob(["logout", "--all"])).status).toBe(0);
  expect(world.credentials()).not.toContain("ASIA");
  expect((await world.fob(["status", "--json"])).stdout).toBe("[]\n");
  expect((await world.fob(["logout", "--all", "work"])).status).toBe(2);
});

test("a damaged session file is removed, and what it no longer tells is said", async () => {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  const path = join(dirname(world.credentialsPath), "fob/sessions/work-mfa");
  writeFileSync(path, "torn");
  const { status, stderr } = await world.fob(["logout", "work"]);
  expect(status).toBe(0);
  expect(stderr).toContain('the profile "work-mfa" still holds temporary credentials; remove them by hand');
  expect(existsSync(path)).toBe(false);
});

test("a logout where there is no session says so and is no error", async () => {
  const world = await makeWorld();
  const { status, stderr } = await world.fob(["logout", "work"]);
  expect(status).toBe(0);
  expect(stderr).toBe('fob: there is no session "work-mfa"\n');
});
