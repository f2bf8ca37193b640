// Whose files fob runs commands from.
import { chmodSync, chownSync, existsSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { sessionFile } from "../helpers/sessions.ts";
import { execute, keysOf, makeWorld, node, program, temporaryFolder, type World } from "../helpers/world.ts";

const isRoot = process.geteuid?.() === 0;

describe.each(["", ".", "relative/home"])("with HOME=%j", (HOME) => {
  test.each([
    ["login", "trap"],
    ["exec", "trap", "--", "true"],
    ["credential-process", "trap"],
    ["credential-process", "trap-mfa"],
  ])("fob %s %s reads nothing below the working directory, and runs nothing from there", async (...args) => {
    const world = await makeWorld();
    const cwd = temporaryFolder();
    const folder = join(cwd, HOME, ".aws");
    const ran = join(cwd, "ran");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "credentials"), keysOf("trap", world.user.accessKey), { mode: 0o600 });
    writeFileSync(
      join(folder, "config"),
      `[profile trap]\nregion = eu-central-1\nmfa_serial = ${world.device.serialNumber}\nmfa_process = touch ${ran}\n`,
    );
    const { status, stderr } = await world.fob(args, { cwd, env: { HOME } });
    expect(status).not.toBe(0);
    expect(stderr).toContain(`no profile "${args[1]}"`);
    expect(existsSync(ran)).toBe(false);
    expect(existsSync(join(folder, "fob"))).toBe(false);
  });
});

test("a fresh session below a relative home is not served either", async () => {
  const world = await makeWorld();
  await world.fob(["credential-process", "--install", "work"]);
  await world.fob(["login", "work", "--code", world.device.code()]);
  // The file alone is enough for an answer when it is newer than the AWS files.
  const soon = Date.now() / 1000 + 5;
  utimesSync(sessionFile(world), soon, soon);
  const args = ["credential-process", "work-mfa", "--endpoint-url", world.sandbox.url];
  expect((await world.fob(args)).status).toBe(0);
  const run = { cwd: dirname(world.home), env: { HOME: basename(world.home) } };
  expect(await world.fob(args, run)).toMatchObject({ status: 1, stdout: "" });
});

test.runIf(isRoot)("a user without any home folder is told to set HOME, where it is needed", async () => {
  // No such user is in the system's list.
  const as = (...args: string[]) =>
    execute("setpriv", ["--reuid", "54321", "--regid", "54321", "--clear-groups", node, program, ...args], {
      env: { HOME: "" },
      cwd: "/",
    });
  expect((await as("status")).stderr).toContain("HOME is not set to an absolute path");
  expect((await as("status")).stderr).toContain("fob: hint: export HOME=");
  expect((await as("policy", "show")).status).toBe(0);
});

describe("a command from a file that others can write is not run without a warning", () => {
  const withProcess = async (): Promise<World> => {
    const world = await makeWorld();
    const config = `${world.config().replace(/region.*\n/, "")}mfa_process = ${world.commandThatPrints(world.device.code())}\n`;
    writeFileSync(world.configPath, config, { mode: 0o600 });
    return world;
  };
  const elsewhere = (world: World): string => {
    const folder = join(world.home, "shared");
    mkdirSync(folder, { mode: 0o700 });
    return folder;
  };
  test.each<[string, RegExp, (world: World) => void]>([
    [
      "a config for every user",
      /which others can write \(mode 666; to keep them out: chmod go-w \/.*config\)/,
      ({ configPath }) => chmodSync(configPath, 0o666),
    ],
    [
      "a folder for every user",
      /is in the folder ".*\.aws", which others can write \(mode 777/,
      ({ configPath }) => chmodSync(dirname(configPath), 0o777),
    ],
  ])("%s", async (_, expected, change) => {
    const world = await withProcess();
    change(world);
    const { status, stderr } = await world.fob(["login", "work"]);
    expect(status).toBe(0);
    expect(stderr).toMatch(expected);
    expect(stderr).toContain('fob: warning: fob runs the mfa_process of the profile "work" from');
    // A session that is fresh runs nothing.
    expect((await world.fob(["login", "work"])).stderr).not.toContain("fob runs the");
  });

  test.runIf(isRoot).each<[string, RegExp, (world: World) => void]>([
    [
      "a config of another user",
      /which belongs to another user \(uid 54321\)/,
      ({ configPath }) => chownSync(configPath, 54_321, 54_321),
    ],
    [
      "a group's",
      /which others can write \(mode 660/,
      ({ configPath }) => {
        chownSync(configPath, 0, 54_321);
        chmodSync(configPath, 0o660);
      },
    ],
    [
      "the folder behind a link",
      /is in the folder ".*shared", which belongs to another user/,
      (world) => {
        const real = join(elsewhere(world), "config");
        writeFileSync(real, world.config(), { mode: 0o600 });
        chownSync(dirname(real), 54_321, 54_321);
        rmSync(world.configPath);
        symlinkSync(real, world.configPath);
      },
    ],
  ])("%s", async (_, expected, change) => {
    const world = await withProcess();
    change(world);
    expect((await world.fob(["login", "work"])).stderr).toMatch(expected);
  });

  test.runIf(isRoot)("nor a source's credential_process", async () => {
    const world = await makeWorld({ credentials: "" });
    const { accessKeyId, secretAccessKey } = world.user.accessKey;
    const answer = JSON.stringify({ Version: 1, AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey });
    writeFileSync(
      world.configPath,
      `${world.config().replace(/region.*\n/, "")}credential_process = ${world.commandThatPrints(answer)}\n`,
      {
        mode: 0o600,
      },
    );
    chownSync(world.configPath, 54_321, 54_321);
    const { stderr } = await world.fob(["login", "work", "--code", world.device.code()]);
    expect(stderr).toContain('fob: warning: fob runs the credential_process of the profile "work" from');
  });

  test.each<[string, (world: World) => void]>([
    ["one's own", () => undefined],
    ["readable for all", ({ configPath }) => chmodSync(configPath, 0o644)],
    ["in a sticky folder", ({ configPath }) => chmodSync(dirname(configPath), 0o1777)],
    // As a umask of 002 leaves it: the group has the user's own number.
    ["of a group of one", ({ configPath }) => chmodSync(configPath, 0o664)],
  ])("none for a file that is %s", async (_, change) => {
    const world = await withProcess();
    change(world);
    const { status, stderr } = await world.fob(["login", "work"]);
    expect(status).toBe(0);
    expect(stderr).not.toContain("fob runs the");
  });
});
