// `fob credential-process --install`: programs get the session from fob itself.
import { cpSync, existsSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { endsIn, sessionFile } from "../helpers/sessions.ts";
import { skipOnWindows } from "../helpers/windows.ts";
import { execute, makeWorld, node, program, type World } from "../helpers/world.ts";

const login = (world: World) => world.fob(["login", "work", "--code", world.device.code()]);
const install = (world: World) => world.fob(["credential-process", "--install", "work"]);
const launcher = (world: World): string => join(world.home, ".aws/fob/bin/fob-credential-process");
/** Runs what is in the config, as most SDKs do. */
const served = (world: World, env: Record<string, string | undefined> = {}) => {
  const command = /^credential_process = (.*)$/m.exec(world.config())?.[1] ?? "";
  return execute("/bin/sh", ["-c", command], {
    env: { ...world.env, ...env },
    shows: ["secret access key", "session token"],
  });
};

test("the config gets the launcher, and the keys leave the credentials file; expiry and region stay", async () => {
  skipOnWindows("the launcher");
  const world = await makeWorld();
  await login(world);
  const { status, stdout, stderr } = await install(world);
  expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
  expect(stderr).toContain(
    'programs that use the profile "work-mfa" now get credentials from fob, which renews the session when needed',
  );
  expect(world.config()).toContain(
    `credential_process = ${launcher(world)} work-mfa --endpoint-url ${world.sandbox.url}\n`,
  );
  expect(world.config()).toContain("[profile work-mfa]\nregion = eu-central-1\n");
  const section = world.credentials().split("[work-mfa]\n")[1];
  expect(section).toMatch(/^expiration = (\S+Z)\nx_security_token_expires = \1\n$/);
  expect(statSync(launcher(world)).mode & 0o777).toBe(0o700);
});

test("what is in the config answers from the session file, and hands over to fob when that is not enough", async () => {
  const world = await makeWorld();
  await login(world);
  await install(world);
  const first = await served(world);
  expect(first).toMatchObject({ status: 0, stderr: "" });
  expect(first.stdout).toBe(`${readFileSync(sessionFile(world), "utf8").split("\n")[1] ?? ""}\n`);
  // Node.js is not there, and is not missed.
  expect((await served(world, { PATH: "/nowhere" })).stdout).toBe(first.stdout);
  endsIn(world, 30);
  expect(await served(world, { PATH: "/nowhere" })).toMatchObject({ status: 4, stdout: "" });
});

test("a login renews what programs get, and writes no keys beside the credential_process", async () => {
  const world = await makeWorld();
  await install(world);
  expect((await login(world)).status).toBe(0);
  expect(world.credentials()).not.toMatch(/\[work-mfa\][\s\S]*aws_session_token/);
  expect((await served(world)).stdout).toContain('"Version":1');
});

test("fob login --to asks whether to write the keys to the credentials file again", async () => {
  const world = await makeWorld();
  await login(world);
  await install(world);
  const keep = world.fobOnTerminal(["login", "work", "--to", "work-mfa"]);
  await keep.shows("keep it that way");
  keep.type("\r");
  expect((await keep.ended).status).toBe(0);
  expect(world.config()).toContain("credential_process");
  const change = world.fobOnTerminal(["login", "work", "--to", "work-mfa"]);
  await change.shows("keep it that way");
  change.type("\u001b[B\r");
  expect((await change.ended).status).toBe(0);
  expect(world.config()).not.toContain("credential_process");
  expect(world.credentials()).toMatch(/\[work-mfa\]\n[\s\S]*aws_session_token = /);
});

test("fob login --to takes the credential_process away only when there are keys instead", async () => {
  const world = await makeWorld();
  await install(world);
  const config = world.config();
  const run = world.fobOnTerminal(["login", "work", "--to", "work-mfa"]);
  await run.shows("keep it that way");
  run.type("\u001b[B\r");
  await run.shows("Code for");
  run.type("\u0003");
  expect((await run.ended).status).toBe(130);
  expect(world.config()).toBe(config);
});

test("status says that programs get the session from fob, also without a session", async () => {
  const world = await makeWorld();
  await install(world);
  expect((await world.fob(["status"])).stdout).toBe("work-mfa\twork\tmissing\t\t\tcredential_process\n");
  await login(world);
  expect((await world.fob(["status"])).stdout).toMatch(/^work-mfa\twork\tvalid\t.*\tcredential_process, from 127/);
  const [entry] = JSON.parse((await world.fob(["status", "--json"])).stdout) as unknown[];
  expect(entry).toMatchObject({ profile: "work-mfa", mode: "process", writtenTo: [] });
  expect((await world.fob(["status", "--check", "work"])).status).toBe(0);
});

test("logout says that the next program makes fob ask", async () => {
  const world = await makeWorld();
  await install(world);
  await login(world);
  const { status, stderr } = await world.fob(["logout", "work"]);
  expect(status).toBe(0);
  expect(stderr).toContain('the next program that uses the profile "work-mfa" will prompt you for a code');
  expect(await served(world)).toMatchObject({ status: 4, stdout: "" });
});

test("a session is served only to those who name the endpoint that it is from", async () => {
  const world = await makeWorld();
  await install(world);
  await login(world);
  const env = { AWS_ENDPOINT_URL: undefined };
  const url = world.sandbox.url;
  const ask = (command: readonly string[]) =>
    execute(command[0] ?? "", command.slice(1), {
      env: { ...world.env, ...env },
      shows: ["secret access key", "session token"],
    });
  for (const command of [[node, program, "credential-process"], [launcher(world)]]) {
    expect(await ask([...command, "work-mfa", "--endpoint-url", url])).toMatchObject({ status: 0, stderr: "" });
    const other = await ask([...command, "work-mfa", "--endpoint-url", "http://localhost:1"]);
    expect(other).toMatchObject({ status: 4, stdout: "" });
  }
});

test.each([
  ["long-term credentials", "[work-mfa]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n", ""],
  ["its own credential_process", "", "\n[profile work-mfa]\ncredential_process = /bin/other\n"],
])("a profile with %s is left alone", async (what, credentials, config) => {
  const world = await makeWorld();
  writeFileSync(world.credentialsPath, `${world.credentials()}${credentials}`);
  writeFileSync(world.configPath, `${world.config()}${config}`);
  const before = [world.credentials(), world.config()];
  const { status, stderr } = await install(world);
  expect(status).toBe(1);
  expect(stderr).toContain(what);
  expect([world.credentials(), world.config()]).toEqual(before);
});

test("from npx's cache it is refused, with the way out", async () => {
  skipOnWindows("a cache of npx");
  const world = await makeWorld();
  const cached = join(world.home, ".npm/_npx/0123/node_modules/aws-fob");
  mkdirSync(dirname(cached), { recursive: true });
  cpSync(join(dirname(program), "../dist"), join(cached, "dist"), { recursive: true });
  cpSync(dirname(program), join(cached, "bin"), { recursive: true });
  const { status, stderr } = await execute(node, [join(cached, "bin/fob"), "credential-process", "--install", "work"], {
    env: world.env,
  });
  expect(status).toBe(1);
  expect(stderr).toContain("hint: install fob from a checkout: npm ci");
  expect(existsSync(launcher(world))).toBe(false);
});

test("a session from an endpoint that the profile was not installed for never takes the short way", async () => {
  const world = await makeWorld();
  // Installed for AWS itself.
  await world.fob(["credential-process", "--install", "work"], { env: { AWS_ENDPOINT_URL: undefined } });
  expect(world.config()).not.toContain("--endpoint-url");
  await login(world);
  expect(readFileSync(sessionFile(world), "utf8")).toMatch(/^fob1 0 work-mfa\n/);
  // Without the variable it is another session that is wanted.
  expect(await served(world, { AWS_ENDPOINT_URL: undefined })).toMatchObject({ status: 4, stdout: "" });
  expect((await served(world)).stdout).toContain('"Version":1');
});

test("a session that was there before, from another endpoint, does not take the short way either", async () => {
  const world = await makeWorld();
  await login(world);
  await world.fob(["credential-process", "--install", "work"], { env: { AWS_ENDPOINT_URL: undefined } });
  expect(readFileSync(sessionFile(world), "utf8")).toMatch(/^fob1 0 work-mfa\n/);
  expect(await served(world, { AWS_ENDPOINT_URL: undefined })).toMatchObject({ status: 4, stdout: "" });
});

test("a session that another tool keeps in the profile, and that still runs, is left alone", async () => {
  const world = await makeWorld();
  const left =
    "[work-mfa]\naws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\naws_session_token = y\nexpiration = 2100-01-01T00:00:00Z\n";
  writeFileSync(world.credentialsPath, `${world.credentials()}${left}`);
  const before = [world.credentials(), world.config()];
  const { status, stderr } = await install(world);
  expect(status).toBe(1);
  expect(stderr).toContain('the profile "work-mfa" has a session from another tool');
  expect([world.credentials(), world.config()]).toEqual(before);
});

test("another tool's keys are refused while they may be valid, and go once they have expired", async () => {
  const world = await makeWorld();
  const left =
    "[work-mfa]\naws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\naws_session_token = y\nother = kept\n";
  const before = `${world.credentials()}${left}`;
  writeFileSync(world.credentialsPath, before);
  const refused = await install(world);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain("hint: or replace it: fob login work --force\n");
  expect(world.credentials()).toBe(before);
  writeFileSync(world.credentialsPath, `${before}expiration = 2020-01-01T00:00:00Z\n`);
  expect((await install(world)).status).toBe(0);
  expect(world.credentials()).not.toContain("ASIA");
  expect(world.credentials()).toContain("[work-mfa]\nother = kept\n");
});

test("a session of the environment's keys is not served to an environment with other keys", async () => {
  const world = await makeWorld();
  const { accessKeyId, secretAccessKey } = world.user.accessKey;
  const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  await world.fob(["login", "work", "--source-env", "--code", world.device.code()], { env: keys });
  expect(readFileSync(sessionFile(world), "utf8")).toMatch(/^fob1 0 work-mfa\n/);
});

test("an empty name is no session, whatever AWS_PROFILE says, on every way to an answer", async () => {
  const world = await makeWorld();
  await install(world);
  await login(world);
  const soon = Date.now() / 1000 + 5;
  utimesSync(sessionFile(world), soon, soon);
  const env = { ...world.env, AWS_PROFILE: "work-mfa" };
  const endpoint = ["--endpoint-url", world.sandbox.url];
  const ways = [[launcher(world)], [node, program, "credential-process"], [node, program, "credential_process"]];
  for (const [file = "", ...args] of ways) {
    const asked = await execute(file, [...args, "work-mfa", ...endpoint], {
      env,
      shows: ["secret access key", "session token"],
    });
    expect(asked.stdout).toContain('"Version":1');
    for (const more of [[], endpoint, ["--no-input"]]) {
      const { status, stdout, stderr } = await execute(file, [...args, "", ...more], { env });
      expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
      expect(stderr).toContain("the profile name is empty");
    }
  }
});
