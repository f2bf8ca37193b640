// The built program where there is something odd at the names of its files: it says so at once, and waits for nothing.
import { spawnSync } from "node:child_process";
import {
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { expect, test } from "vitest";
import { leave } from "../files/children.ts";
import { sessionFile } from "../helpers/sessions.ts";
import { execute, makeWorld, node, program, type World } from "../helpers/world.ts";

const makePipe = (path: string): void => {
  rmSync(path, { force: true });
  expect(spawnSync("mkfifo", [path]).status).toBe(0);
};

/** Runs fob; what takes longer than that waits for something. */
const fobAtOnce = (world: World, args: readonly string[], env: Record<string, string> = {}) =>
  execute("timeout", ["-s", "KILL", "5", node, program, ...args], { env: { ...world.env, ...env } });

const commands = (world: World): string[][] => [
  ["status"],
  ["login", "work", "--code", world.device.code()],
  ["logout", "work"],
  ["refresh", "work"],
  ["credential-process", "work-mfa"],
  ["exec", "work", "--", "true"],
];

test("a pipe as one of the AWS files is an error, for every command", async () => {
  const world = await makeWorld();
  const path = join(world.home, "pipe");
  makePipe(path);
  for (const variable of ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"]) {
    for (const command of commands(world)) {
      const { status, stderr } = await fobAtOnce(world, command, { [variable]: path });
      expect({ command, status }).toEqual({ command, status: 1 });
      expect(stderr).toContain(`fob: error: "${path}" is not a regular file\nfob: hint: check it: ls -ld ${path}\n`);
    }
  }
});

test("a file that a shell makes of a command's output is an error, since fob reads it more than once", async () => {
  const world = await makeWorld();
  const script = `AWS_SHARED_CREDENTIALS_FILE=<(cat "${world.credentialsPath}") timeout 5 '${node}' '${program}' status`;
  const { status, stderr } = await execute("bash", ["-c", script], { env: world.env });
  expect(stderr).toMatch(/^fob: error: "\/dev\/fd\/\d+" is not a regular file\n/);
  expect(status).toBe(1);
});

test("/dev/null is an empty file", async () => {
  const world = await makeWorld();
  const { status, stdout } = await fobAtOnce(world, ["status", "--json"], { AWS_CONFIG_FILE: "/dev/null" });
  expect({ status, stdout }).toEqual({ status: 0, stdout: "[]\n" });
});

/** What may be in the place of a file of fob's: what makes it, what it is called, and what removes it. */
const oddities: readonly [make: (path: string) => void, kind: string, remove: string][] = [
  [(path) => symlinkSync("nowhere", path), "a symbolic link", "rm"],
  [makePipe, "a named pipe", "rm"],
  [(path) => mkdirSync(path), "a folder", "rm -r"],
];

test("a dangling link, a pipe or a folder at a lock's name is an error that says how to remove it, and no code is spent", async () => {
  const world = await makeWorld();
  const folder = join(world.home, ".aws");
  mkdirSync(join(folder, "fob/locks"), { recursive: true, mode: 0o700 });
  for (const path of [join(folder, "fob/locks/session-work-mfa"), join(folder, ".credentials.fob.lock")]) {
    for (const [make, kind, remove] of oddities) {
      make(path);
      const { status, stderr } = await fobAtOnce(world, ["login", "work", "--code", world.device.code()]);
      expect(stderr).toContain(
        `fob: error: "${path}" is ${kind}, not a regular file\nfob: hint: if nothing else needs it, remove it: ${remove} ${path}\n`,
      );
      expect(status).toBe(1);
      rmSync(path, { recursive: true });
    }
  }
  expect(world.calls("GetSessionToken")).toBe(0);
});

test.skipIf(process.getuid?.() !== 0)("nor where another user has left a lock (as root only)", async () => {
  const world = await makeWorld();
  const path = join(world.home, ".aws/.credentials.fob.lock");
  writeFileSync(path, "");
  chownSync(path, 12_345, 12_345);
  const { status, stderr } = await fobAtOnce(world, ["login", "work", "--code", world.device.code()]);
  expect(stderr).toContain(`fob: error: "${path}" belongs to another user (uid 12345)\n`);
  expect(stderr).toContain(`fob: hint: if they are not running fob, remove it: rm ${path}\n`);
  expect(status).toBe(1);
  expect(world.calls("GetSessionToken")).toBe(0);
});

test("a pipe at the name of the config's lock costs no login: what is missing there is said", async () => {
  const world = await makeWorld();
  makePipe(join(world.home, ".aws/.config.fob.lock"));
  const { status, stderr } = await fobAtOnce(world, ["login", "work", "--code", world.device.code()]);
  expect(stderr).toContain("the config cannot be written; add to [profile work-mfa]:");
  expect(status).toBe(0);
});

test.each(oddities)(
  "of what is in the place of a session file (%#) every command says how to remove it",
  async (make, kind) => {
    const world = await makeWorld();
    const path = sessionFile(world);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    make(path);
    const removal = "fob: hint: remove it: fob logout work-mfa\n";
    const shown = await fobAtOnce(world, ["status"]);
    expect(shown.stdout).toContain(`${path} is ${kind}, not a regular file`);
    expect(shown).toMatchObject({ status: 0, stderr: removal });
    const check = await fobAtOnce(world, ["status", "--check", "work"]);
    expect(check.stderr).toContain("fob: hint: remove it first: fob logout work-mfa\nfob: hint: fob login work-mfa\n");
    const login = () => fobAtOnce(world, ["login", "work", "--code", world.device.code()]);
    const refused = await login();
    const error = `fob: error: the session file "${path}" is ${kind}, not a regular file\n${removal}`;
    expect(refused.stderr).toContain(error);
    expect(refused.status).toBe(1);
    const mfaProcess = world.commandThatPrints(world.device.code());
    writeFileSync(world.configPath, `${world.config()}mfa_process = ${mfaProcess}\n`);
    expect((await fobAtOnce(world, ["exec", "work", "--", "true"])).stderr).toContain(error);
    expect(world.calls("GetSessionToken")).toBe(0);

    const logout = await fobAtOnce(world, ["logout", "work-mfa"]);
    expect(logout).toMatchObject({
      status: 0,
      stderr: `fob: removed the session file "${path}", which is ${kind}, not a regular file\n`,
    });
    expect((await login()).status).toBe(0);
  },
);

test("a folder in the place of a session file is not removed with what is in it", async () => {
  const world = await makeWorld();
  const path = sessionFile(world);
  mkdirSync(join(path, "letters"), { recursive: true, mode: 0o700 });
  for (const names of [["work-mfa"], ["--all"]]) {
    const { status, stderr } = await world.fob(["logout", ...names]);
    expect(stderr).toContain(
      `fob: error: "${path}" is a folder that is not empty\nfob: hint: if nothing else needs it, remove it: rm -r ${path}\n`,
    );
    expect(status).toBe(1);
  }
  expect(readdirSync(path)).toEqual(["letters"]);
});

test("what an editor leaves beside a session file is named with the command that removes it", async () => {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  const path = `${sessionFile(world)}~`;
  writeFileSync(path, "", { mode: 0o600 });
  expect((await world.fob(["status"])).stderr).toBe(`fob: hint: remove it: rm '${path}'\n`);
});

test.each<[name: string, make: (path: string) => void, kind: string]>([
  ["file", (path) => writeFileSync(path, ""), "a regular file"],
  ["pipe", makePipe, "a named pipe"],
])(
  "a %s in the place of the sessions' folder is named, with how to remove it, by all that need one",
  async (_, make, kind) => {
    const world = await makeWorld();
    const path = dirname(sessionFile(world));
    mkdirSync(dirname(path), { mode: 0o700 });
    make(path);
    for (const command of [
      ...commands(world),
      ["status", "work"],
      ["logout", "--all"],
      ["env", "work", "--shell", "sh"],
    ]) {
      const { status, stdout, stderr } = await fobAtOnce(world, command);
      expect({ command, status }).toEqual({ command, status: 1 });
      expect(stderr).toContain(
        `fob: error: "${path}" is ${kind}, not a folder\nfob: hint: if nothing else needs it, remove it: rm ${path}\n`,
      );
      expect(stdout + stderr).not.toMatch(/ENOTDIR|EEXIST|not a directory|already exists/);
    }
    expect(world.sandbox.requests).toEqual([]);
    // What needs the AWS files alone.
    expect((await fobAtOnce(world, ["complete", "login", ""])).stdout).toBe("work\n");
    rmSync(path);
    expect((await fobAtOnce(world, ["login", "work", "--code", world.device.code()])).status).toBe(0);
  },
);

test.each(["fob/locks", "fob/bin", "fob", "elsewhere/fob"])(
  "so is a file where the folder %s should be",
  async (name) => {
    const world = await makeWorld();
    const path = join(world.home, ".aws", name.replace("/fob", ""));
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, "");
    const env = { FOB_HOME: join(world.home, ".aws", name.startsWith("elsewhere") ? name : "fob") };
    const { status, stderr } = await fobAtOnce(world, ["credential-process", "--install", "work"], env);
    const isFobs = name.startsWith("fob/");
    const hint = isFobs ? `if nothing else needs it, remove it: rm ${path}` : `check it: ls -ld ${path}`;
    expect(stderr).toContain(`fob: error: "${path}" is a regular file, not a folder\nfob: hint: ${hint}\n`);
    expect(status).toBe(1);
  },
);

test("so is a file in the path of the config, and a dangling link in the place of the store", async () => {
  const world = await makeWorld();
  const path = join(world.home, "file");
  writeFileSync(path, "");
  const inFile = await fobAtOnce(world, ["status"], { AWS_CONFIG_FILE: join(path, "config") });
  expect(inFile.stderr).toBe(
    `fob: error: "${path}" is a regular file, not a folder\nfob: hint: check it: ls -ld ${path}\n`,
  );
  const link = join(world.home, "link");
  symlinkSync("nowhere", link);
  const { status, stderr } = await fobAtOnce(world, ["login", "work", "--code", world.device.code()], {
    FOB_HOME: link,
  });
  expect(stderr).toContain(
    `fob: error: "${link}" is a symbolic link, not a folder\nfob: hint: check it: ls -ld ${link}\n`,
  );
  expect(status).toBe(1);
});

test("an empty config that has just been written costs no command more than a moment", async () => {
  const world = await makeWorld();
  const login = ["login", "work", "--serial", world.device.serialNumber, "--code", world.device.code()];
  expect((await world.fob(login)).status).toBe(0);
  const measure = async (minutesOld: number): Promise<number> => {
    writeFileSync(world.configPath, "");
    const then = Date.now() / 1000 - 60 * minutesOld;
    utimesSync(world.configPath, then, then);
    const began = performance.now();
    for (const args of [["status"], ["login", "work"], ["credential-process", "work-mfa"]]) await world.fob(args);
    return performance.now() - began;
  };
  const old = await measure(10);
  // Each of the three used to wait for two seconds.
  expect(await measure(0)).toBeLessThan(old * 5);
});

test("the lock of a session that is named like a lock's draft is its own, however long its holder has been silent", async () => {
  const world = await makeWorld();
  const locks = join(world.home, ".aws/fob/locks");
  mkdirSync(locks, { recursive: true, mode: 0o700 });
  const names = ["session-a-mfa.lock-x", "session-a-mfa-0123456789abcdef.tmp", "session-a-mfa.break.0"];
  for (const name of names) leave(join(locks, name), { id: "x", pid: 1, host: "elsewhere" }, 3600);
  const login = await world.fob(["login", "work", "--to", "a-mfa", "--code", world.device.code()]);
  expect(login.status).toBe(0);
  expect(readdirSync(locks).sort()).toEqual(names.sort());
});

test("where the file system knows no hard links, a session is opened, renewed and removed", async () => {
  const world = await makeWorld();
  const config = join(world.home, ".aws/new-config");
  const env = {
    AWS_CONFIG_FILE: config,
    FAULT: "EPERM",
    FAULT_CALLS: "^linkSync$",
    FAULT_HOME: world.home,
    NODE_OPTIONS: `--require ${resolve(import.meta.dirname, "../helpers/faults.cjs")}`,
  };
  const login = (turn: number) => [
    ...[
      "login",
      "work",
      "--to",
      "second",
      "--serial",
      world.device.serialNumber,
      "--region",
      "eu-central-1",
      "--force",
    ],
    ...["--code", world.device.code(Date.now() + 30_000 * turn)],
  ];
  for (const turn of [-1, 0]) expect(await world.fob(login(turn), { env })).toMatchObject({ status: 0 });
  expect(readFileSync(config, "utf8")).toBe(
    `[profile second]\nfob_source_profile = work\nfob_mfa_serial = ${world.device.serialNumber}\n`,
  );
  expect(world.credentials()).toMatch(/\[second\]\naws_access_key_id = ASIA/);
  expect((await world.fob(["logout", "work"], { env })).status).toBe(0);
  expect(world.credentials()).not.toContain("ASIA");
  expect(readdirSync(join(world.home, ".aws")).sort()).toEqual(["config", "credentials", "fob", "new-config"]);
});
