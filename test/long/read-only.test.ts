// What cannot be written stops only what must be written.
import { appendFileSync, chownSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { mayHoldSecrets } from "../helpers/leaks.ts";
import { makeWorld, type World } from "../helpers/world.ts";

const isRoot = process.geteuid?.() === 0;
const preload = resolve(import.meta.dirname, "../helpers/faults.cjs");
/** Root may write what no user can: so the calls that write fail as they do on a read-only file system. */
const readOnly = (folder: string) => ({
  NODE_OPTIONS: `--require ${preload}`,
  FAULT: "EROFS",
  FAULT_WRITES: "yes",
  FAULT_HOME: folder,
});

type Change = (world: World) => Record<string, string>;

/** What makes the AWS files, and perhaps the store, unwritable; gives the environment with which they are. */
const circumstances: readonly [string, Change][] = [
  ["~/.aws is on a read-only file system", (world) => readOnly(dirname(world.configPath))],
  [
    "both files are links into a read-only store of packages",
    (world) => {
      const folder = join(world.home, "nix-store");
      mkdirSync(folder);
      for (const path of [world.configPath, world.credentialsPath]) {
        const real = join(folder, path.endsWith("config") ? "config" : "credentials");
        renameSync(path, real);
        mayHoldSecrets(real);
        symlinkSync(real, path);
      }
      return readOnly(folder);
    },
  ],
  ...(isRoot
    ? [
        [
          "both files belong to another user",
          (world: World) => {
            for (const path of [world.configPath, world.credentialsPath]) chownSync(path, 54_321, 54_321);
            return {};
          },
        ] satisfies [string, Change],
      ]
    : []),
];

const serving: readonly (readonly string[])[] = [
  ["env", "work", "--shell", "json"],
  ["exec", "work", "--", "true"],
  ["credential-process", "work-mfa"],
];

/** Runs every command that a fresh session is enough for. @returns what login said */
async function expectUsable(world: World, env: Record<string, string>): Promise<string> {
  const calls = world.sandbox.requests.length;
  for (const args of serving) expect(await world.fob(args, { env })).toMatchObject({ status: 0, stderr: "" });
  expect((await world.fob(["refresh"], { env })).stderr).toContain("no code needed");
  const { status, stdout, stderr } = await world.fob(["login", "work"], { env });
  expect({ status, stdout }).toEqual({ status: 0, stdout: "work-mfa\n" });
  expect(stderr).toContain("no code needed");
  expect(stderr).not.toContain("error");
  expect(world.sandbox.requests.length).toBe(calls);
  return stderr;
}

describe.each(circumstances)("where %s", (_, change) => {
  test("a fresh session in its profile is enough for everything", async () => {
    const world = await makeWorld();
    await world.fob(["login", "work", "--code", world.device.code()]);
    expect(await expectUsable(world, change(world))).not.toMatch(/hint|warning/);
  });

  test("a missing region is a hint", async () => {
    const world = await makeWorld();
    await world.fob(["login", "work", "--code", world.device.code()]);
    writeFileSync(world.configPath, world.config().split("[profile work-mfa]")[0] ?? "");
    const said = await expectUsable(world, change(world));
    expect(said).toContain("add to [profile work-mfa]:\nfob: hint:   region = eu-central-1\n");
    expect(said).not.toContain("warning");
  });

  test("a fresh session that its profile does not hold is said to be in the store alone, and how it is used", async () => {
    const world = await makeWorld();
    const before = world.credentials();
    await world.fob(["login", "work", "--code", world.device.code()]);
    writeFileSync(world.credentialsPath, before, { mode: 0o600 });
    const said = await expectUsable(world, change(world));
    expect(said).toContain('fob: warning: programs cannot find the session in the profile "work-mfa": "');
    expect(said).toContain("fob: hint: run them with it: fob exec work-mfa -- COMMAND\n");
    expect(said).not.toContain("chown");
    expect(world.credentials()).toBe(before);
  });

  test("with FOB_HOME elsewhere a new session lives in the store, and moves when the file can be written", async () => {
    const world = await makeWorld();
    const [credentials, config] = [world.credentials(), world.config()];
    const store = { FOB_HOME: join(world.home, "store") };
    const env = { ...change(world), ...store };
    const { status, stderr } = await world.fob(["login", "work", "--code", world.device.code()], { env });
    expect(status).toBe(0);
    expect(stderr).toContain("programs cannot find the session");
    await expectUsable(world, env);
    expect([world.credentials(), world.config()]).toEqual([credentials, config]);
    expect((await world.fob(["status", "--check", "work"], { env })).status).toBe(0);

    for (const path of [world.configPath, world.credentialsPath]) if (isRoot) chownSync(path, 0, 0);
    expect((await world.fob(["login", "work"], { env: store })).stderr).toContain("no code needed");
    expect(world.credentials()).toContain("[work-mfa]\naws_access_key_id = ASIA");
    expect((await world.fob(["logout", "--all"], { env: store })).status).toBe(0);
    expect(world.credentials()).not.toContain("ASIA");
  });

  test("without it a login fails before a code is spent, and says what to do", async () => {
    const world = await makeWorld();
    const { status, stderr } = await world.fob(["login", "work", "--code", world.device.code()], {
      env: change(world),
    });
    expect(status).toBe(1);
    expect(stderr).toContain('export FOB_HOME="$HOME/.fob"');
    expect(stderr).not.toContain("chown");
    expect(world.calls("GetSessionToken")).toBe(0);
  });
});

test("a config that cannot be written does not keep a session out of the credentials file", async () => {
  const world = await makeWorld();
  const folder = join(world.home, "nix-store");
  mkdirSync(folder);
  renameSync(world.configPath, join(folder, "config"));
  symlinkSync(join(folder, "config"), world.configPath);
  const { status, stderr } = await world.fob(["login", "work", "--code", world.device.code()], {
    env: readOnly(folder),
  });
  expect(status).toBe(0);
  expect(stderr).toContain("region = eu-central-1");
  expect(world.credentials()).toContain("[work-mfa]\naws_access_key_id = ASIA");
});

test("a role's credentials are used without being kept where the store cannot be written", async () => {
  const world = await makeWorld();
  const statement = { Effect: "Allow", Principal: { AWS: world.user.arn }, Action: "sts:AssumeRole" };
  const trust = { Version: "2012-10-17", Statement: [statement] };
  const { arn } = world.sandbox.addRole({ name: "admin", trust, policies: [] });
  appendFileSync(world.configPath, `[profile admin]\nrole_arn = ${arn}\nsource_profile = work\n`);
  await world.fob(["login", "work", "--code", world.device.code()]);
  const env = readOnly(dirname(world.configPath));
  for (const [command = "", ...args] of serving) {
    const named = args.map((arg) => (arg.startsWith("work") ? "admin" : arg));
    const { status, stderr } = await world.fob([command, ...named], { env });
    expect(status).toBe(0);
    expect(stderr).not.toMatch(/error|read-only/);
  }
  expect(world.calls("AssumeRole")).toBe(serving.length);
  writeFileSync(world.configPath, world.config().replace(arn, `${arn}\nduration_seconds = 28800`));
  const { stderr } = await world.fob(["exec", "admin", "--", "true"], { env });
  expect(stderr).toContain('the credentials of "admin" last for 1 h, not 8 h');
  rmSync(join(world.home, ".aws/fob"), { recursive: true });
  expect((await world.fob(["exec", "admin", "--", "true"], { env })).status).not.toBe(0);
});
