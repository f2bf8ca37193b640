// The store's folder, and files that fob may not replace: what is not fob's own is refused before a code is spent.
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mayHoldSecrets } from "../helpers/leaks.ts";
import { sessionFile } from "../helpers/sessions.ts";
import { execute, makeWorld, node, program, type World } from "../helpers/world.ts";

const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8);
const login = (world: World, store: string) =>
  world.fob(["login", "work", "--code", world.device.code()], { env: { FOB_HOME: store } });

async function expectRefused(world: World, store: string, message: string): Promise<void> {
  for (const spelling of [store, `${store}/`]) {
    const { status, stderr } = await login(world, spelling);
    expect(stderr).toContain(message);
    expect(stderr).toContain('fob: hint: keep fob\'s files elsewhere: export FOB_HOME="$HOME/.fob"');
    expect(status).toBe(1);
  }
  expect(world.calls("GetSessionToken")).toBe(0);
}

test("a folder that is there keeps its mode, and what is made in it is the user's alone", async () => {
  const world = await makeWorld();
  const store = join(world.home, "store");
  mkdirSync(store);
  chmodSync(store, 0o755);
  expect((await login(world, store)).status).toBe(0);
  const made = ["", "sessions", "locks"].map((name) => modeOf(join(store, name)));
  expect(made).toEqual(["755", "700", "700"]);
});

test("a store that is a symbolic link, or has one for a folder, is refused, and what is behind it stays as it is", async () => {
  const world = await makeWorld();
  const victim = join(world.home, "victim");
  mkdirSync(victim);
  chmodSync(victim, 0o755);
  const link = join(world.home, "link");
  symlinkSync(victim, link);
  await expectRefused(world, link, `"${link}" is a symbolic link, not a folder\nfob: hint: check it: ls -ld ${link}\n`);
  for (const name of ["sessions", "locks"]) {
    const store = join(world.home, `store-${name}`);
    mkdirSync(store, { mode: 0o700 });
    symlinkSync(victim, join(store, name));
    await expectRefused(world, store, `/${name}" is a symbolic link, not a folder\n`);
  }
  expect([modeOf(victim), readdirSync(victim)]).toEqual(["755", []]);
});

test("a folder that other things are in is refused, and keeps its mode", async () => {
  const world = await makeWorld();
  const store = join(world.home, "documents");
  mkdirSync(store);
  chmodSync(store, 0o1777);
  writeFileSync(join(store, "letter"), "");
  await expectRefused(world, store, `"${store}" contains other files ("letter"), so fob does not store anything in it`);
  expect([modeOf(store), readdirSync(store)]).toEqual(["1777", ["letter"]]);
});

test("a folder that others can write to is refused", async () => {
  const world = await makeWorld();
  const store = join(world.home, "store");
  mkdirSync(store);
  chmodSync(store, 0o777);
  await expectRefused(world, store, `others can write to "${store}", so fob does not store anything in it`);
  expect(modeOf(store)).toBe("777");
});

test.skipIf(process.getuid?.() !== 0)("another user's folder is refused (as root only)", async () => {
  const world = await makeWorld();
  const store = join(world.home, "store");
  mkdirSync(store, { mode: 0o700 });
  chownSync(store, 12_345, 12_345);
  await expectRefused(
    world,
    store,
    `"${store}" belongs to another user (uid 12345), so fob does not store anything in it`,
  );
});

test("a hard link that fob would cut is said before the code is sent", async () => {
  const world = await makeWorld();
  const path = world.credentialsPath;
  const other = join(world.home, "other");
  linkSync(path, other);
  mayHoldSecrets(other);
  const args = () => ["login", "work", "--code", world.device.code()];
  const { status, stderr } = await world.fob(args());
  expect(stderr).toContain(`fob: error: "${path}" has another name (a hard link)`);
  expect(stderr).toContain(`fob: hint: find the other name: find ~ -samefile ${path}\n`);
  expect(status).toBe(1);
  expect(world.calls("GetSessionToken")).toBe(0);
  expect(statSync(other).ino).toBe(statSync(path).ino);
  // What the hint says makes it work.
  const separate = /separate them: (.*)$/m.exec(stderr)?.[1] ?? "false";
  await execute("sh", ["-c", separate], { env: world.env });
  expect((await world.fob(args())).status).toBe(0);
});

test("a config with another name (a hard link) is not replaced; what is missing there is said", async () => {
  const world = await makeWorld();
  const other = join(world.home, "other");
  linkSync(world.configPath, other);
  const { status, stderr } = await world.fob(["login", "work", "--code", world.device.code()]);
  expect(status).toBe(0);
  expect(stderr).toContain("the config cannot be written; add to [profile work-mfa]:");
  expect(statSync(other).ino).toBe(statSync(world.configPath).ino);
});

test("a name that is too long for a file is said before the code is sent", async () => {
  const world = await makeWorld();
  const long = await world.fob(["login", "work", "--to", "x".repeat(221), "--code", world.device.code()]);
  expect(long.stderr).toContain("is too long for a session: 221 bytes as a file name");
  expect(long.status).toBe(1);
  const file = join(world.home, "x".repeat(221));
  writeFileSync(file, world.credentials(), { mode: 0o600 });
  mayHoldSecrets(file);
  const env = { AWS_SHARED_CREDENTIALS_FILE: file };
  const other = await world.fob(["login", "work", "--code", world.device.code()], { env });
  expect(other.stderr).toContain("is too long: 221 bytes");
  expect(other.status).toBe(1);
  expect(world.calls("GetSessionToken")).toBe(0);
  expect((await world.fob(["login", "work", "--to", "x".repeat(220), "--code", world.device.code()])).status).toBe(0);
});

test("with a umask of 777 everything can be used all the same, and with none nothing is others' to read", async () => {
  for (const umask of ["0777", "0000"]) {
    const world = await makeWorld();
    const command = `umask ${umask}; '${node}' '${program}' login work --code ${world.device.code()} --to second`;
    const { status } = await execute("sh", ["-c", command], { env: { ...world.env, FOB_HOME: `${world.home}/a/b` } });
    expect(status).toBe(0);
    const folders = ["a", "a/b", "a/b/sessions", "a/b/locks"].map((name) => modeOf(join(world.home, name)));
    expect(folders).toEqual(["700", "700", "700", "700"]);
    const files = [join(world.home, "a/b/sessions/second"), world.credentialsPath, world.configPath];
    expect(files.map(modeOf)).toEqual(["600", "600", "600"]);
  }
});

test.each<[string, (text: string) => string]>([
  ["a later format", (text) => text.replace(/^fob1 \d+/, "fob2 0")],
  ["an unknown source", (text) => text.replace('"from":"profile"', '"from":"keychain"').replace(/^fob1 \d+/, "fob1 0")],
])("a session of another version, with %s, is listed as that, and not replaced or removed unasked", async (_, edit) => {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  const path = sessionFile(world);
  const theirs = edit(readFileSync(path, "utf8"));
  writeFileSync(path, theirs);
  const code = world.device.code(Date.now() + 30_000);

  const status = await world.fob(["status"]);
  expect(status.stdout).toContain("is from another version of fob");
  expect(status).toMatchObject({ status: 0, stderr: "" });
  for (const args of [
    ["login", "work", "--code", code],
    ["login", "work", "--force", "--code", code],
    ["refresh", "work", "--no-input"],
    ["credential-process", "work-mfa"],
    ["exec", "work", "--", "true"],
  ]) {
    const { status: code1, stderr } = await world.fob(args);
    expect({ args, failed: code1 !== 0 }).toEqual({ args, failed: true });
    expect(stderr).toContain("is from another version of fob");
    expect(stderr).toContain("fob logout work-mfa");
  }
  expect((await world.fob(["logout", "--all"])).stderr).toContain(
    'warning: "work-mfa" is from another version of fob and was not removed; to remove it: fob logout work-mfa',
  );
  expect(readFileSync(path, "utf8")).toBe(theirs);
  expect(world.calls("GetSessionToken")).toBe(1);

  expect((await world.fob(["logout", "work-mfa"])).status).toBe(0);
  expect(readdirSync(join(world.home, ".aws/fob/sessions"))).toEqual([]);
});

test.skipIf(process.getuid?.() !== 0)(
  "another user's session file is not used by any command, however fresh it is (as root only)",
  async () => {
    const world = await makeWorld();
    await world.fob(["login", "work", "--code", world.device.code()]);
    chownSync(sessionFile(world), 12_345, 12_345);
    for (const args of [
      ["env", "work", "--shell", "bash"],
      ["exec", "work", "--", "true"],
      ["credential-process", "work-mfa"],
      ["login", "work"],
    ]) {
      const { status, stdout } = await world.fob(args);
      // A login could not put its own there either, and says so; the others need a code.
      expect({ args, status }).toEqual({ args, status: args[0] === "login" ? 1 : 4 });
      expect(stdout).not.toContain("ASIA");
    }
    expect((await world.fob(["status"])).stdout).toContain("belongs to another user (uid 12345)");
  },
);
