// What a new user does wrong first: the error says the one thing that helps.
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { skipOnWindows } from "../helpers/windows.ts";
import { execute, keysOf, makeWorld, node, program, type World } from "../helpers/world.ts";

const environmentKeys = (world: World) => ({
  AWS_ACCESS_KEY_ID: world.user.accessKey.accessKeyId,
  AWS_SECRET_ACCESS_KEY: world.user.accessKey.secretAccessKey,
});

test.each([
  [["login"], "fob login default --source-env"],
  [["login", "work"], "fob login work --source-env"],
  [["exec", "work", "--", "true"], "fob login work --source-env"],
])("keys in the environment and no AWS files: %j leads to --source-env", async (args, hint) => {
  const world = await makeWorld();
  for (const path of [world.configPath, world.credentialsPath]) rmSync(path);
  const { status, stderr } = await world.fob(args, { env: environmentKeys(world) });
  expect(status).toBe(1);
  expect(stderr).toContain(`use the access key in the environment: ${hint}\n`);
  expect((await world.fob(args)).stderr).not.toContain("--source-env");
});

test.each([["login"], ["exec", "--", "true"], ["env", "--shell", "bash"], ["console"], ["status"], ["refresh"]])(
  "with nothing configured, %s says what to do first",
  async (...args) => {
    const world = await makeWorld();
    for (const path of [world.configPath, world.credentialsPath]) rmSync(path);
    const { stderr } = await world.fob(args);
    expect(stderr).toMatch(/fob: hint: set up your access key and device: fob setup\n$/);
  },
);

test.each([
  [
    "sso",
    "[profile sso]\nsso_session = a\n[sso-session a]\nsso_region = eu-central-1\n",
    'no profile "default"; your only profile "sso" signs in through IAM Identity Center, which asks for MFA',
    "aws sso login --profile sso",
  ],
  [
    "browser",
    "[profile browser]\nlogin_session = arn:aws:iam::123456789012:user/a\n[profile sso]\nsso_session = a\n",
    'no profile "default"; none of your profiles has an access key: "browser" signs in with aws login, which asks for MFA in the browser',
    "aws login --profile browser",
  ],
])("with profiles that sign in in the browser alone, fob login leads to that: %s", async (_, config, error, hint) => {
  const world = await makeWorld({ credentials: "", config });
  const { status, stderr } = await world.fob(["login"]);
  expect({ status, stderr }).toEqual({ status: 1, stderr: `fob: error: ${error}\nfob: hint: ${hint}\n` });
});

test.each([
  ["empty files", "", "", "fob setup"],
  ["a region alone", "", "[default]\nregion = eu-central-1\n", "fob setup default"],
  ["a role without its source", "", "[profile r]\nrole_arn = arn:aws:iam::123456789012:role/a\n", "fob setup"],
])("with no access key in the files, fob login leads to setup: %s", async (_, credentials, config, next) => {
  const world = await makeWorld({ credentials, config });
  const { status, stderr } = await world.fob(["login"]);
  expect(status).toBe(1);
  expect(stderr).toMatch(/^fob: error: (no|the) profile "default"/);
  expect(stderr).toContain(`fob: hint: set up your access key and device: ${next}\n`);
});

test("blanks around a pasted key do no harm", async () => {
  const world = await makeWorld();
  const { accessKeyId, secretAccessKey } = world.user.accessKey;
  const text = keysOf("work", { accessKeyId: ` ${accessKeyId} `, secretAccessKey: `${secretAccessKey} \t` });
  writeFileSync(world.credentialsPath, text, { mode: 0o600 });
  expect((await world.fob(["login", "work", "--code", world.device.code()])).status).toBe(0);
});

test.each([
  ["contains a space", (id: string, secret: string) => [`${id.slice(0, 8)} ${id.slice(8)}`, secret]],
  ["are swapped", (id: string, secret: string) => [secret, id]],
  ["is cut off", (id: string, secret: string) => [id, secret.slice(0, 30)]],
] as const)(
  "a key that was pasted wrong is said before a code is needed, also without a terminal: %s",
  async (problem, paste) => {
    const world = await makeWorld();
    const { accessKeyId, secretAccessKey } = world.user.accessKey;
    const [id = "", secret = ""] = paste(accessKeyId, secretAccessKey);
    writeFileSync(world.credentialsPath, keysOf("work", { accessKeyId: id, secretAccessKey: secret }), { mode: 0o600 });
    const { status, stderr } = await world.fob(["login", "work"]);
    expect(status).toBe(1);
    expect(stderr).toContain(problem);
    expect(stderr).toContain("aws configure --profile work\n");
  },
);

test("a code on stdin leads to --code-stdin, and nothing is read of it", async () => {
  const world = await makeWorld();
  const code = world.commandThatPrints(world.device.code());
  const run = (options: string) =>
    execute("sh", ["-c", `${code} | '${node}' '${program}' login work --min-ttl 2h ${options}`], { env: world.env });
  const { status, stderr } = await run("");
  expect(status).toBe(4);
  const hint = /to read the code from stdin: fob login work (.*)\n/.exec(stderr)?.[1] ?? stderr;
  expect(hint).toContain("--code-stdin");
  expect((await run(hint)).status).toBe(0);
  expect((await world.fob(["login", "work", "--force"])).stderr).not.toContain("--code-stdin");
});

test.skipIf(process.geteuid?.() !== 0)("with sudo the hint is to go without it", async () => {
  skipOnWindows("sudo");
  const world = await makeWorld();
  const { stderr } = await world.fob(["login", "nothing"], { env: { SUDO_USER: "ada" } });
  expect(stderr.match(/hint: .*/g)?.[0]).toBe("hint: run fob without sudo");
  expect((await world.fob(["login", "nothing"])).stderr).not.toContain("sudo");
});

test("what the system says is said once", async () => {
  const world = await makeWorld();
  const { stderr } = await world.fob(["policy", "lint", "missing.json"]);
  expect(stderr).toContain('cannot read "missing.json": no such file or directory\n');
});

/** A desktop whose notifications go to a file. */
function makeDesktop(world: World): { env: Record<string, string>; shown: () => string } {
  skipOnWindows("notify-send");
  const bin = join(world.home, "bin");
  const notified = join(world.home, "notified");
  mkdirSync(bin);
  writeFileSync(join(bin, "notify-send"), `#!/bin/sh\nprintf '%s\\n' "$4" >> '${notified}'\n`);
  chmodSync(join(bin, "notify-send"), 0o755);
  const env = { PATH: `${bin}:/usr/bin:/bin:${world.env.PATH}`, DISPLAY: ":99" };
  return { env, shown: () => (existsSync(notified) ? readFileSync(notified, "utf8") : "") };
}

test("a program's failing credential-process is shown on the desktop, once in ten seconds", async () => {
  const world = await makeWorld();
  const { env, shown } = makeDesktop(world);
  const serve = (profile = "nothing", more = {}) =>
    world.fob(["credential-process", profile, "--no-input"], { env: { ...env, ...more } });
  for (const more of [{ CI: "true" }, { SSH_CONNECTION: "x" }, { DISPLAY: "" }]) await serve("nothing", more);
  expect((await serve()).status).toBe(1);
  await expect.poll(shown).toContain('"nothing": no profile "nothing"');
  await Promise.all([serve(), serve(), serve()]);
  await serve("work-mfa");
  await expect.poll(shown).toContain('"work-mfa" needs an MFA code');
  expect(shown().trim().split("\n")).toHaveLength(2);
});
