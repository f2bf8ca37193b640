// The AWS files and the store on Windows: paths, line ends, locks, and files that other programs have open.
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { expect, test, vi } from "vitest";
import { mayHoldSecrets } from "../helpers/leaks.ts";
import { sessionFile } from "../helpers/sessions.ts";
import { pathForFob } from "../helpers/windows.ts";
import { execute, keysOf, makeWorld, node, type World } from "../helpers/world.ts";

const login = (world: World, ...options: readonly string[]) =>
  world.fob(["login", "work", "--code", world.device.code(), ...options]);

/** Copies the AWS files of a world into another folder. */
function copyFiles(world: World, folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "credentials"), world.credentials());
  writeFileSync(join(folder, "config"), world.config());
}

/** Lets calls of the file system fail in fob. */
const failing = (world: World, fault: Readonly<Record<string, string>>): Record<string, string> => ({
  FAULT_HOME: world.home,
  NODE_OPTIONS: `--require ${JSON.stringify(pathForFob(resolve(import.meta.dirname, "../helpers/faults.cjs")))}`,
  ...fault,
});

test("a login says nothing of modes, and the profile's folder decides who can read the files", async () => {
  const world = await makeWorld();
  const { status, stderr } = await login(world);
  expect(stderr).toMatch(
    /^fob: warning: the code goes to "127\.0\.0\.1:\d+", which is not AWS\nfob: "work-mfa" is valid until .*\n$/,
  );
  expect(status).toBe(0);
  // What any program makes there.
  const other = join(world.home, ".aws", "other");
  await execute("cmd.exe", ["/c", `echo text>${pathForFob(other)}`], { env: world.env });
  const accessOf = (path: string): number => statSync(path).mode & 0o777;
  expect([world.credentialsPath, world.configPath, sessionFile(world)].map(accessOf)).toEqual(
    Array(3).fill(accessOf(other)),
  );
});

test("a home folder with blanks, umlauts and other characters", async () => {
  const world = await makeWorld();
  for (const [index, name] of ["Jörg Müller (Büro) & Söhne", "日本 100%"].entries()) {
    const env = { HOME: join(world.home, name) };
    copyFiles(world, join(env.HOME, ".aws"));
    const code = world.device.code(Date.now() + index * 30_000);
    const { status, stderr } = await world.fob(["login", "work", "--code", code], { env });
    expect({ name, status, stderr }).toMatchObject({ name, status: 0 });
    expect(readFileSync(join(env.HOME, ".aws/credentials"), "utf8")).toContain("\n[work-mfa]\n");
    expect((await world.fob(["status"], { env })).stdout).toContain("\t~\\.aws\\credentials, ");
    expect(readdirSync(join(env.HOME, ".aws")).sort()).toEqual(["config", "credentials", "fob"]);
  }
});

test("files whose paths have more than 260 characters", async () => {
  const world = await makeWorld();
  const folder = join(world.home, ...Array.from({ length: 12 }, (_, index) => `a long name of a folder ${index}`));
  copyFiles(world, folder);
  mayHoldSecrets(join(folder, "credentials"));
  const env = {
    AWS_SHARED_CREDENTIALS_FILE: pathForFob(join(folder, "credentials")),
    AWS_CONFIG_FILE: pathForFob(join(folder, "config")),
  };
  expect(await world.fob(["login", "work", "--code", world.device.code()], { env })).toMatchObject({ status: 0 });
  expect(readFileSync(join(folder, "credentials"), "utf8")).toContain("\n[work-mfa]\n");
  expect(readdirSync(join(folder, "fob/sessions"))).toEqual(["work-mfa"]);
});

test("the files may be named with drive letters, both kinds of slashes and an environment variable of any spelling", async () => {
  const world = await makeWorld();
  const moved = join(world.home, "Moved");
  copyFiles(world, moved);
  mayHoldSecrets(join(moved, "credentials"));
  const env = {
    AWS_SHARED_CREDENTIALS_FILE: `${pathForFob(moved).toLowerCase().replace("moved", "Moved")}\\credentials`,
    aws_config_file: `z:${moved}/config`,
    HOME: join(world.home, "none"),
  };
  expect(await world.fob(["login", "work", "--code", world.device.code()], { env })).toMatchObject({ status: 0 });
  expect(readFileSync(join(moved, "credentials"), "utf8")).toContain("[work-mfa]");
  expect(readdirSync(join(moved, "fob/sessions"))).toEqual(["work-mfa"]);
  expect((await world.fob(["status"], { env: { ...env, FOB_HOME: "store" } })).stderr).toContain(
    'FOB_HOME is "store", which is not an absolute path',
  );
});

test("files with the line ends of Windows keep them, and every other byte", async () => {
  const world = await makeWorld();
  const crlf = (text: string): string => text.replaceAll("\n", "\r\n");
  const others = crlf(`# mine\n\n[other]\nkey = ü ; kept\n${keysOf("work", world.user.accessKey)}`);
  writeFileSync(world.credentialsPath, others);
  writeFileSync(world.configPath, crlf(world.config()));
  await login(world);
  const [before, session = ""] = world.credentials().split("[work-mfa]");
  expect(before?.trimEnd()).toBe(others.trimEnd());
  expect(session).toMatch(/^\r\n(\w+ = \S+\r\n){5}$/);
  expect(world.config()).toMatch(/\r\n\[profile work-mfa\]\r\nregion = eu-central-1\r\n$/);
  await world.fob(["logout", "work"]);
  expect(world.credentials().trimEnd()).toBe(others.trimEnd());
});

test("a session may have a name that Windows keeps for a device", async () => {
  const world = await makeWorld();
  expect(await login(world, "--to", "con")).toMatchObject({ status: 0, stdout: "con\n" });
  expect(readdirSync(dirname(sessionFile(world)))).toEqual(["%63on"]);
  expect((await world.fob(["status", "con"])).stdout).toContain("con\twork\tvalid\t");
});

test("20 logins at once into one file: all are there, although killed ones have left their locks", async () => {
  const world = await makeWorld();
  await login(world);
  const killed = failing(world, { FAULT_CALLS: "^renameSync$", FAULT: "kill" });
  await world.fob(["logout", "work"], { env: killed });
  expect(readdirSync(join(world.home, ".aws"))).toContain(".credentials.fob.lock");
  const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
  const users = Array.from({ length: 20 }, (_, index) => {
    const name = `user-${index}`;
    const { accessKey } = world.sandbox.addUser({ name, policies: [everything] });
    appendFileSync(world.credentialsPath, keysOf(name, accessKey));
    return { name, device: world.sandbox.addVirtualDevice(name) };
  });
  const results = await Promise.all(
    users.map(({ name, device }) =>
      world.fob(["login", name, "--serial", device.serialNumber, "--code-stdin", "--region", "eu-central-1"], {
        input: `${device.code(Date.now() + 30_000)}\n`,
      }),
    ),
  );
  expect(results.filter(({ status }) => status !== 0).map(({ stderr }) => stderr)).toEqual([]);
  const sessions = [...world.credentials().matchAll(/^\[(user-\d+)-mfa\]$/gm)].map(([, name]) => name);
  expect(sessions.sort()).toEqual(users.map(({ name }) => name).sort());
  expect(readdirSync(join(world.home, ".aws")).sort()).toEqual(["config", "credentials", "fob"]);
});

test("who finds a lock that has just gone tries again, though Windows refuses its name for a moment", async () => {
  const world = await makeWorld();
  const preload = join(world.home, "refuse.cjs");
  writeFileSync(
    preload,
    `const fs = require("node:fs");
    let left = 7;
    for (const name of ["linkSync", "openSync"]) {
      const real = fs[name];
      fs[name] = (...args) => {
        const isLock = args.some((path) => /locks.session-work-mfa$/.test(path));
        if (isLock && left-- > 0) throw Object.assign(new Error("refused"), { code: "EPERM" });
        return real(...args);
      };
    }`,
  );
  const env = { NODE_OPTIONS: `--require ${JSON.stringify(pathForFob(preload))}` };
  const { status, stderr } = await world.fob(["login", "work", "--code", world.device.code()], { env });
  expect(stderr).not.toContain("error");
  expect(status).toBe(0);
});

/** Node.js of Windows opens a file so that nothing else can, until the test lets go. */
async function heldOpen(world: World, path: string): Promise<() => Promise<void>> {
  const [held, go] = [`${path}.held`, `${path}.go`];
  const script = `
    const fs = require("node:fs");
    const [path, held, go] = process.argv.slice(1);
    const alone = 0x10000000;
    fs.openSync(path, fs.constants.O_RDWR | alone);
    fs.writeFileSync(held, "");
    setInterval(() => fs.existsSync(go) && process.exit(), 20);`;
  const holder = execute(node, ["-e", script, ...[path, held, go].map(pathForFob)], { env: world.env });
  await vi.waitFor(() => expect(existsSync(held)).toBe(true), 20_000);
  return async () => {
    writeFileSync(go, "");
    await holder;
  };
}

test("a file that another program has open is tried again, then said, and the session is not lost", async () => {
  const world = await makeWorld();
  const before = world.credentials();
  const letGo = await heldOpen(world, world.credentialsPath);
  const { status, stderr } = await login(world);
  expect(stderr).toMatch(
    /fob: error: another program has ".*credentials" open\nfob: hint: close programs that use it, /,
  );
  expect(status).toBe(1);
  expect(world.calls("GetSessionToken")).toBe(0);
  const waiting = login(world);
  await letGo();
  expect(await waiting).toMatchObject({ status: 0 });
  expect(world.credentials().startsWith(before)).toBe(true);
});

test.each(["EBUSY", "EPERM", "EACCES"])(
  "a file that cannot be replaced while another program has it open is tried again, then said: %s",
  async (FAULT) => {
    const world = await makeWorld();
    await login(world);
    const always = failing(world, { FAULT_CALLS: "^renameSync$", FAULT });
    const { status, stderr } = await world.fob(["logout", "work"], { env: always });
    expect(stderr).toMatch(/fob: error: .*another program has .*\nfob: hint: close programs that use it, /);
    expect(status).toBe(1);
    expect(world.credentials()).toContain("[work-mfa]");
    expect(await world.fob(["logout", "work"], { env: { ...always, FAULT_AT: "1" } })).toMatchObject({ status: 0 });
    expect(world.credentials()).not.toContain("[work-mfa]");
  },
);
