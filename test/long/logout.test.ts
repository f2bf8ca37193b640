import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { mayHoldSecrets } from "../helpers/leaks.ts";
import { makeWorld, type World } from "../helpers/world.ts";

test("logout removes the session from every place and nothing else", async () => {
  const world = await makeWorld();
  appendFileSync(world.credentialsPath, "# my comment\r\n\n[other]\nkey=value ; odd\n");
  const before = world.credentials();
  await world.fob(["login", "work", "--code", world.device.code()]);
  const { status, stderr } = await world.fob(["logout", "work"]);
  expect(status).toBe(0);
  expect(stderr).toMatch(
    /fob: removed the session "work-mfa"; AWS accepts its credentials until (tomorrow )?\d\d:\d\d\n/,
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

test("lines that were indented below the session's keys since do not keep logout from removing them", async () => {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  const token = /^aws_session_token = .*\n/m;
  writeFileSync(world.credentialsPath, world.credentials().replace(token, "$&  output = text\noutput = json\n"));
  const { status } = await world.fob(["logout", "work"]);
  expect(status).toBe(0);
  expect(world.credentials()).toMatch(/\n\[work-mfa\]\noutput = json\n$/);
});

describe("roles", () => {
  const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };

  /** A world with the role profile `prod`, whose source is the session work-mfa, and that session. */
  async function makeWorldWithRole(): Promise<World> {
    const world = await makeWorld();
    const trust = [{ Effect: "Allow", Principal: { AWS: world.user.arn }, Action: "sts:AssumeRole" }];
    const { arn } = world.sandbox.addRole({
      name: "prod",
      trust: { ...everything, Statement: trust },
      policies: [everything],
    });
    appendFileSync(world.configPath, `\n[profile prod]\nrole_arn = ${arn}\nsource_profile = work-mfa\n`);
    await world.fob(["login", "work", "--code", world.device.code()]);
    return world;
  }
  const sessionsOf = (world: World): string[] => readdirSync(join(world.home, ".aws/fob/sessions")).sort();

  test("that were assumed while logout waited for its turn go too", async () => {
    const world = await makeWorldWithRole();
    const other = world.fobOnTerminal(["login", "work", "--force"]);
    await other.shows("Code for");
    const run = world.fobOnTerminal(["logout", "work"]);
    await run.shows("waiting for another fob");
    expect((await world.fob(["credential-process", "prod"])).status).toBe(0);
    other.type("\u0003");
    await other.ended;
    expect((await run.ended).status).toBe(0);
    expect(sessionsOf(world)).toEqual([]);
  });

  test("of a sibling session stay", async () => {
    const world = await makeWorldWithRole();
    await world.fob(["login", "work", "--to", "day", "--code", world.device.code(Date.now() + 30_000)]);
    await world.fob(["credential-process", "prod"]);
    expect((await world.fob(["logout", "day"])).status).toBe(0);
    expect(sessionsOf(world)).toEqual(["prod", "work-mfa"]);
    const { stderr } = await world.fob(["logout", "--all"]);
    expect(sessionsOf(world)).toEqual([]);
    expect(stderr.match(/removed the/g)).toHaveLength(2);
  });

  test("whose file is damaged keep no refresh from succeeding, and status says how to remove it", async () => {
    const world = await makeWorldWithRole();
    await world.fob(["credential-process", "prod"]);
    writeFileSync(join(world.home, ".aws/fob/sessions/prod"), "fob1 0 prod\n{\n{}\n");
    expect((await world.fob(["refresh", "--no-input"])).status).toBe(0);
    expect((await world.fob(["status"])).stderr).toContain("hint: remove it: fob logout prod\n");
    expect((await world.fob(["logout", "prod"])).status).toBe(0);
  });
});

test.each([
  ["damaged", "fob1 0 day\n{\n{}\n"],
  ["of another version", "fob2 0 day\n"],
])("a session file that is %s goes by name, also when no profile has that name", async (_, text) => {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  writeFileSync(join(world.home, ".aws/fob/sessions/day"), text, { mode: 0o600 });
  expect((await world.fob(["logout", "day"])).status).toBe(0);
  expect(existsSync(join(world.home, ".aws/fob/sessions/day"))).toBe(false);
});

test("credentials that something else has put there since stay", async () => {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  writeFileSync(world.credentialsPath, world.credentials().replace(/ASIA\w+/, "ASIAIOSFODNN7EXAMPLE"));
  const { stderr } = await world.fob(["logout", "work"]);
  expect(stderr).toContain("has credentials from another tool; fob did not remove them");
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
  expect(stderr).toContain("is from another tool");
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
  expect(stderr).toContain('the profile "work-mfa" still has temporary credentials; remove them by hand');
  expect(existsSync(path)).toBe(false);
});

test("a logout where there is no session says so and is no error", async () => {
  const world = await makeWorld();
  const { status, stderr } = await world.fob(["logout", "work"]);
  expect(status).toBe(0);
  expect(stderr).toBe('fob: there is no session "work-mfa"\n');
});

test("what something else writes while logout waits for the file is not removed", async () => {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  const lock = join(dirname(world.credentialsPath), ".credentials.fob.lock");
  const { pid } = process;
  writeFileSync(lock, JSON.stringify({ id: "test", pid, host: "elsewhere", boot: "", started: "" }));
  const run = world.fobOnTerminal(["logout", "work"]);
  // The session's lock is taken before the file's.
  const taken = join(dirname(lock), "fob/locks/session-work-mfa");
  await vi.waitFor(() => expect(existsSync(taken)).toBe(true));
  writeFileSync(world.credentialsPath, world.credentials().replace(/ASIA\w+/, "AKIAIOSFODNN7EXAMPLE"));
  unlinkSync(lock);
  expect((await run.ended).screen).toContain("has credentials from another tool; fob did not remove them");
  expect(world.credentials()).toContain("AKIAIOSFODNN7EXAMPLE");
});

test("a session that was written to two credentials files is removed from both", async () => {
  const world = await makeWorld();
  const second = join(world.home, "second");
  writeFileSync(second, world.credentials(), { mode: 0o600 });
  mayHoldSecrets(second);
  const store = { FOB_HOME: join(world.home, "store") };
  await world.fob(["login", "work", "--code", world.device.code()], { env: store });
  const env = { ...store, AWS_SHARED_CREDENTIALS_FILE: second };
  expect((await world.fob(["login", "work"], { env })).stderr).toContain("no code needed");
  await world.fob(["logout", "work"], { env: store });
  expect(world.credentials()).not.toContain("ASIA");
  expect(readFileSync(second, "utf8")).not.toContain("ASIA");
});

test("fob knows its own keys, also those of a session whose successor could not be written", async () => {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code(Date.now() - 30_000)]);
  const preload = resolve(import.meta.dirname, "../helpers/faults.cjs");
  for (const at of [0, 30_000]) {
    const fault = { FAULT: "EIO", FAULT_CALLS: "^renameSync$", FAULT_AT: "2", FAULT_HOME: world.home };
    const args = ["login", "work", "--force", "--code", world.device.code(Date.now() + at)];
    expect((await world.fob(args, { env: { ...fault, NODE_OPTIONS: `--require ${preload}` } })).status).toBe(1);
  }
  await world.fob(["logout", "work"]);
  expect(world.credentials()).not.toContain("ASIA");
});

test("one session that cannot be cleaned keeps no other, and each failure is said with a command", async () => {
  const world = await makeWorld();
  const bad = join(world.home, "a/credentials");
  const bin = join(world.home, "b/credentials");
  const store = { FOB_HOME: join(world.home, "store") };
  for (const file of [bad, bin]) {
    mkdirSync(dirname(file));
    writeFileSync(file, world.credentials(), { mode: 0o600 });
    mayHoldSecrets(file);
  }
  let at = Date.now() - 30_000;
  const login = async (to: string, file: string) => {
    const args = ["login", "work", "--to", to, "--code", world.device.code(at)];
    expect((await world.fob(args, { env: { ...store, AWS_SHARED_CREDENTIALS_FILE: file } })).status).toBe(0);
    at += 30_000;
  };
  await login("a-first", bad);
  await login("b-second", bin);
  await login("c-third", world.credentialsPath);
  writeFileSync(join(store.FOB_HOME, "sessions/0-damaged"), "torn");
  // One place cannot be read, the folder of another has gone.
  const broken = `${readFileSync(bad, "utf8")}[broken\n`;
  writeFileSync(bad, broken);
  rmSync(dirname(bin), { recursive: true });

  const { status, stderr } = await world.fob(["logout", "--all"], { env: store });
  expect(status).toBe(1);
  expect(world.credentials()).not.toContain("ASIA");
  expect(readFileSync(bad, "utf8")).toBe(broken);
  expect(existsSync(dirname(bin))).toBe(false);
  expect(readdirSync(join(store.FOB_HOME, "sessions")).filter((name) => !name.startsWith("."))).toEqual(["a-first"]);
  expect(stderr).toMatch(/fob: error: line \d+ of ".*[/\\]a[/\\]credentials" /);
  expect(stderr).toContain('fob: hint: the session "a-first" was not removed; try again: fob logout a-first\n');
  expect(stderr).toContain('removed the session "b-second"');
  expect(stderr.indexOf('removed the session "c-third"')).toBeLessThan(stderr.indexOf("0-damaged"));

  writeFileSync(bad, broken.replace("[broken\n", ""));
  expect((await world.fob(["logout", "a-first"], { env: store })).status).toBe(0);
  expect(readFileSync(bad, "utf8")).not.toContain("ASIA");
});

test("a session's other places are cleaned where one cannot be", async () => {
  const world = await makeWorld();
  const second = join(world.home, "second");
  writeFileSync(second, world.credentials(), { mode: 0o600 });
  mayHoldSecrets(second);
  const store = { FOB_HOME: join(world.home, "store") };
  await world.fob(["login", "work", "--code", world.device.code()], { env: store });
  await world.fob(["login", "work"], { env: { ...store, AWS_SHARED_CREDENTIALS_FILE: second } });
  writeFileSync(second, `${readFileSync(second, "utf8")}[broken\n`);
  const { status, stderr } = await world.fob(["logout", "work"], { env: store });
  expect(status).toBe(1);
  expect(stderr).toContain("try again: fob logout work-mfa");
  expect(world.credentials()).not.toContain("ASIA");
});

test("a logout where there is no store makes none", async () => {
  const world = await makeWorld();
  expect((await world.fob(["logout", "work"])).status).toBe(0);
  expect((await world.fob(["logout", "--all"])).status).toBe(0);
  expect(existsSync(join(world.home, ".aws/fob"))).toBe(false);
});

test("a config that cannot be read does not fail a logout that is done", async () => {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  appendFileSync(world.configPath, "[broken\n");
  expect((await world.fob(["logout", "--all"])).status).toBe(0);
  expect(world.credentials()).not.toContain("ASIA");
});

test("another tool's session that appears while login waits for the file is not overwritten", async () => {
  const world = await makeWorld();
  const lock = join(dirname(world.credentialsPath), ".credentials.fob.lock");
  writeFileSync(lock, JSON.stringify({ id: "test", pid: process.pid, host: "elsewhere", boot: "", started: "" }));
  const run = world.fob(["login", "work", "--to", "day", "--code", world.device.code()]);
  // The session is in the store, and the profile was looked at for the last time before the file's lock is taken.
  await vi.waitFor(() => expect(existsSync(join(dirname(lock), "fob/sessions/day"))).toBe(true), 10_000);
  await sleep(700);
  const expiration = new Date(Date.now() + 3_600_000).toISOString();
  const keys = "aws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\naws_session_token = x\n";
  appendFileSync(world.credentialsPath, `\n[day]\n${keys}expiration = ${expiration}\n`);
  unlinkSync(lock);
  const { status, stderr } = await run;
  expect(status).toBe(1);
  expect(stderr).toContain("has a session from another tool, valid until");
  expect(world.credentials()).toContain("ASIAIOSFODNN7EXAMPLE");
});

test("a session that reaches its profile later than the store is removed from there", async () => {
  const world = await makeWorld();
  const run = { env: { FOB_HOME: join(world.home, "store") } };
  await world.fob(["login", "work", "--code", world.device.code()], run);
  // A second name keeps fob from replacing the file.
  const second = join(world.home, "second");
  linkSync(world.credentialsPath, second);
  await world.fob(["login", "work", "--force", "--code", world.device.code(Date.now() + 30_000)], run);
  unlinkSync(second);
  await world.fob(["login", "work"], run);
  expect(world.credentials()).toContain("ASIA");
  const { status, stderr } = await world.fob(["logout", "work"], run);
  expect(status).toBe(0);
  expect(stderr).not.toContain("from another tool");
  expect(world.credentials()).not.toContain("ASIA");
});
