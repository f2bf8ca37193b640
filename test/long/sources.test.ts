import { appendFileSync, chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { mayHoldSecrets } from "../helpers/leaks.ts";
import { isWindows, skipOnWindows } from "../helpers/windows.ts";
import { keysOf, makeWorld, type World } from "../helpers/world.ts";

const login = (world: World, ...args: string[]) => world.fob(["login", ...args, "--code", world.device.code()]);

test("the profile is AWS_PROFILE, else default", async () => {
  const world = await makeWorld();
  writeFileSync(world.credentialsPath, keysOf("default", world.user.accessKey), { mode: 0o600 });
  writeFileSync(world.configPath, `[default]\nmfa_serial = ${world.device.serialNumber}\n`, { mode: 0o600 });
  expect((await login(world)).stdout).toBe("default-mfa\n");
  const missing = await world.fob(["login"], { env: { AWS_PROFILE: "elsewhere" } });
  expect(missing.stderr).toContain('no profile "elsewhere", which AWS_PROFILE names');
});

test("the session profile's name leads to its source", async () => {
  const world = await makeWorld();
  expect((await login(world, "work-mfa")).stdout).toBe("work-mfa\n");
});

test("aws-mfa's users keep their names: the session of work-long-term is work", async () => {
  const world = await makeWorld();
  const old =
    "[work]\naws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\naws_session_token = x\naws_security_token = x\nassumed_role = False\nexpiration = 2020-01-01 00:00:00\n";
  const long = keysOf("work-long-term", world.user.accessKey);
  writeFileSync(world.credentialsPath, `${long}aws_mfa_device = ${world.device.serialNumber}\n\n${old}`, {
    mode: 0o600,
  });
  writeFileSync(world.configPath, "\n");
  expect((await login(world, "work")).stdout).toBe("work\n");
  expect(world.credentials()).toContain("assumed_role = False\n");
  expect(world.credentials()).not.toContain("aws_security_token");
});

test("--to names the session profile, and the link is remembered", async () => {
  const world = await makeWorld();
  expect((await login(world, "work", "--to", "team.prod")).stdout).toBe("team.prod\n");
  expect(world.config()).toContain("[profile team.prod]\nregion = eu-central-1\nfob_source_profile = work\n");
  for (const name of ["team.prod", "work"]) {
    expect(await world.fob(["login", name])).toMatchObject({ status: 0, stdout: "team.prod\n" });
  }
  await world.fob(["logout", "team.prod"]);
  expect((await world.fob(["login", "team.prod"])).status).toBe(4);
});

test("an unknown profile is answered with the nearest name, or with all", async () => {
  const world = await makeWorld();
  const { status, stderr } = await world.fob(["login", "wrok"]);
  expect(status).toBe(1);
  expect(stderr).toBe('fob: error: no profile "wrok"\nfob: hint: did you mean: fob login work\n');
  expect((await world.fob(["login", "zzzzzz"])).stderr).toContain('fob: hint: your profiles: "work"\n');
});

test("a profile's name cannot play tricks with the terminal", async () => {
  const world = await makeWorld();
  const { stderr } = await world.fob(["login", "x\u001b[2J\u202e"]);
  expect(stderr).toContain('"x\\x1b[2J\\x202e"');
  expect(stderr).not.toContain("\u001b");
});

test("keys may be in the config file", async () => {
  const world = await makeWorld({ credentials: "" });
  appendFileSync(world.configPath, keysOf("", world.user.accessKey).split("\n").slice(1).join("\n"));
  mayHoldSecrets(world.configPath);
  expect((await login(world, "work")).status).toBe(0);
});

test("a source may have a credential_process of its own", async () => {
  const world = await makeWorld({ credentials: "" });
  const { accessKeyId, secretAccessKey } = world.user.accessKey;
  const answer = JSON.stringify({ Version: 1, AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey });
  appendFileSync(world.configPath, `credential_process = ${world.commandThatPrints(answer)}\n`);
  expect((await login(world, "work")).status).toBe(0);
  expect((await world.fob(["login", "work"])).stderr).toContain("no code needed");
});

test.each([
  ["fob credential-process work", "gets its credentials from fob"],
  ["/opt/bin/fob-credential-process work", "gets its credentials from fob"],
  ["echo nothing", "did not print JSON"],
  ["exit 3", "failed with exit code 3"],
  [
    `echo '{"Version": 1, "AccessKeyId": "ASIA1", "SecretAccessKey": "s", "SessionToken": "t"}'`,
    "temporary credentials",
  ],
])("a source that cannot be one says why: credential_process = %s", async (process, why) => {
  if (process.includes("'")) skipOnWindows("a single quote");
  const world = await makeWorld({ credentials: "" });
  appendFileSync(world.configPath, `credential_process = ${process}\n`);
  const { status, stderr } = await login(world, "work");
  expect(status).toBe(1);
  expect(stderr).toContain(why);
});

test("keys come from the environment only with --source-env", async () => {
  const world = await makeWorld({ credentials: "" });
  const { accessKeyId, secretAccessKey } = world.user.accessKey;
  const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  const args = ["login", "work", "--code", world.device.code()];
  expect((await world.fob(args, { env })).status).toBe(1);
  expect(await world.fob([...args, "--source-env"], { env })).toMatchObject({ status: 0, stdout: "work-mfa\n" });
  const again = [...args, "--source-env", "--force"];
  const temporary = { ...env, AWS_ACCESS_KEY_ID: "ASIAIOSFODNN7EXAMPLE", AWS_SESSION_TOKEN: "x" };
  expect((await world.fob(again, { env: temporary })).stderr).toContain("temporary credentials");
  const { stderr } = await world.fob(again, { env: { ...env, AWS_SESSION_TOKEN: "x" } });
  expect(stderr).toContain("AWS_SESSION_TOKEN is the token of an older session; remove it: unset AWS_SESSION_TOKEN");
});

test.each([
  ["[work]\naws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\naws_session_token = x\n", "temporary"],
  ["[work]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n", "no secret access key"],
  ["[work]\nregion = eu-central-1\n", "has no access key"],
])("a source without long-term credentials is refused with the reason", async (credentials, why) => {
  const world = await makeWorld({ credentials });
  const { status, stderr } = await login(world, "work");
  expect(status).toBe(1);
  expect(stderr).toContain(why);
  expect(stderr).toMatch(/fob: hint: /);
  expect(world.sandbox.requests).toEqual([]);
});

test("the root user's keys are refused with the reason", async () => {
  const world = await makeWorld();
  writeFileSync(world.credentialsPath, keysOf("work", world.sandbox.rootAccessKey), { mode: 0o600 });
  const { status, stderr } = await login(world, "work");
  expect(status).toBe(1);
  expect(stderr).toContain("belongs to the root user");
  expect(world.calls("GetSessionToken")).toBe(0);
});

test.each([
  ["credential_process = /opt/other-tool", "has its own credential_process"],
  ["role_arn = arn:aws:iam::123456789012:role/x", "has role_arn"],
  ["sso_session = company", "has sso_session"],
])("a session profile with %s is left alone", async (line, why) => {
  const world = await makeWorld();
  appendFileSync(world.configPath, `[profile work-mfa]\n${line}\n`);
  const before = [world.credentials(), world.config()];
  const { status, stderr } = await login(world, "work");
  expect(status).toBe(1);
  expect(stderr).toContain(why);
  expect(stderr).toContain("fob login work --to NAME");
  expect([world.credentials(), world.config()]).toEqual(before);
  expect(world.sandbox.requests).toEqual([]);
});

test("long-term credentials in the session profile are replaced only when told so, after a backup", async () => {
  const world = await makeWorld();
  const precious = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "precious" };
  appendFileSync(world.credentialsPath, `\n${keysOf("work-mfa", precious)}`);
  const before = world.credentials();
  const refused = await login(world, "work");
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain("--replace-long-term");
  expect(world.credentials()).toBe(before);
  expect(world.sandbox.requests).toEqual([]);

  const { status } = await login(world, "work", "--replace-long-term");
  expect(status).toBe(0);
  expect(world.credentials()).not.toContain("precious");
  const folder = dirname(world.credentialsPath);
  const backup = readdirSync(folder).find((name) => name.startsWith("credentials.fob-backup-")) ?? "";
  expect(readFileSync(join(folder, backup), "utf8")).toBe(before);
  if (!isWindows) expect((statSync(join(folder, backup)).mode & 0o777).toString(8)).toBe("600");
});

test.each([
  [
    "credentials",
    keysOf("work-mfa", { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "precious" }),
    "long-term",
  ],
  ["config", "[profile work-mfa]\ncredential_process = /opt/other-tool\n", "its own credential_process"],
] as const)(
  "what comes into the session profile of the %s while the code is typed is not overwritten",
  async (file, section, why) => {
    const world = await makeWorld();
    const path = file === "config" ? world.configPath : world.credentialsPath;
    const run = world.fobOnTerminal(["login", "work"]);
    await run.shows("Code for");
    appendFileSync(path, `\n${section}`);
    const before = [world.credentials(), world.config()];
    run.type(`${world.device.code()}\r`);
    const { status, screen } = await run.ended;
    expect(status).toBe(1);
    expect(screen).toContain(why);
    expect(screen).toContain("the session is saved");
    expect([world.credentials(), world.config()]).toEqual(before);
  },
);

test("another tool's session is left alone as long as it runs", async () => {
  const world = await makeWorld();
  const soon = new Date(Date.now() + 3_600_000).toISOString();
  const keys = "aws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\naws_session_token = x\n";
  appendFileSync(world.credentialsPath, `\n[saml]\n${keys}x_security_token_expires = ${soon}\n`);
  const before = world.credentials();
  const { status, stderr } = await login(world, "work", "--to", "saml");
  expect(status).toBe(1);
  expect(stderr).toContain('the profile "saml" has a session from another tool');
  expect(world.credentials()).toBe(before);
  writeFileSync(world.credentialsPath, before.replace(soon, "2020-01-01T00:00:00Z"));
  expect((await login(world, "work", "--to", "saml")).status).toBe(0);
});

test("a config that need not change may be anybody's", async () => {
  const world = await makeWorld();
  const { status } = await world.fob(["login", "work", "--code", world.device.code()], {
    // As little a file to be replaced as any.
    env: { AWS_CONFIG_FILE: "/dev/null", AWS_MFA_SERIAL: world.device.serialNumber },
  });
  expect(status).toBe(0);
});

test("a command that only mentions fob is not fob", async () => {
  const world = await makeWorld();
  appendFileSync(world.configPath, "[profile work-mfa]\ncredential_process = /opt/vault-creds --item fob\n");
  expect((await login(world, "work")).stderr).toContain("has its own credential_process");
});

test("beside fob's own credential_process only the expiry is written", async () => {
  const world = await makeWorld();
  appendFileSync(
    world.configPath,
    `[profile work-mfa]\ncredential_process = "/opt/x y/fob" credential-process work-mfa\n`,
  );
  expect((await login(world, "work")).status).toBe(0);
  expect(world.credentials()).toMatch(/\[work-mfa\]\nexpiration = \S+\nx_security_token_expires = \S+\n$/);
});

test("a session keeps its names although its source is not in the files", async () => {
  const world = await makeWorld({ credentials: "" });
  const { accessKeyId, secretAccessKey } = world.user.accessKey;
  const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  const code = world.device.code();
  const { serialNumber } = world.device;
  await world.fob(["login", "ci", "--source-env", "--serial", serialNumber, "--code", code], { env });
  expect((await world.fob(["status", "ci"])).stdout).toContain("ci-mfa\tci\tvalid");
  expect((await world.fob(["logout", "ci"])).stderr).toContain('removed the session "ci-mfa"');
});

test("a session profile that is taken over by another source says so, and stays with it", async () => {
  const world = await makeWorld();
  const other = world.sandbox.addUser({ name: "other", policies: [] });
  const device = world.sandbox.addVirtualDevice("other");
  appendFileSync(world.credentialsPath, `\n${keysOf("other", other.accessKey)}`);
  await world.fob(["login", "other", "--to", "work-mfa", "--serial", device.serialNumber, "--code", device.code()]);
  const { stderr } = await world.fob([
    "login",
    "work",
    "--serial",
    world.device.serialNumber,
    "--code",
    world.device.code(),
  ]);
  expect(stderr).toContain('"work-mfa" was the session of the profile "other"; it is replaced');
  await world.fob(["logout", "work"]);
  expect((await world.fob(["status", "work-mfa", "--json"])).stdout).toContain('"source": "work"');
});

test("a session in a partition newer than fob is kept, too", async () => {
  const world = await makeWorld({ partition: "aws-new" });
  const env = { AWS_REGION: "new-north-1" };
  writeFileSync(world.configPath, `[profile work]\nmfa_serial = ${world.device.serialNumber}\n`);
  expect((await world.fob(["login", "work", "--code", world.device.code()], { env })).status).toBe(0);
  expect((await world.fob(["login", "work"], { env })).stderr).toContain("no code needed");
  // A configured region that is known to be elsewhere asks for another session.
  expect((await world.fob(["login", "work", "--region", "cn-north-1"])).status).toBe(4);
});

test("two sections with one name are an error that says where they are", async () => {
  const world = await makeWorld();
  appendFileSync(world.credentialsPath, "\n[work]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n");
  const before = world.credentials();
  const { status, stderr } = await login(world, "work");
  expect(status).toBe(1);
  expect(stderr).toContain('has the profile "work" more than once, on lines 1 and 5');
  expect(world.credentials()).toBe(before);
});

test("a file that does not parse is never taken for an empty one, and never rewritten", async () => {
  const world = await makeWorld();
  for (const path of [world.credentialsPath, world.configPath]) {
    const good = readFileSync(path, "utf8");
    writeFileSync(path, `${good}\nthis is no property\n`);
    const before = [world.credentials(), world.config()];
    const { status, stderr } = await login(world, "work");
    expect(status).toBe(1);
    expect(stderr).toMatch(/line \d+ of ".*" is neither a \[section\] nor "key = value"/);
    expect([world.credentials(), world.config()]).toEqual(before);
    writeFileSync(path, good);
  }
});

test("a loose mode is tightened, with a warning", async () => {
  skipOnWindows("a mode");
  const world = await makeWorld();
  chmodSync(world.credentialsPath, 0o644);
  const { stderr } = await login(world, "work");
  expect(stderr).toMatch(/fob: warning: others could read ".*credentials" \(mode 644\)/);
});

test("the session works with the aws command's own idea of a region: the source's is copied, and never overwritten", async () => {
  const world = await makeWorld();
  appendFileSync(world.configPath, "[profile work-mfa]\nregion = us-west-2\n");
  await login(world, "work");
  expect(world.config()).toContain("[profile work-mfa]\nregion = us-west-2\n");
  expect(world.config().match(/region/g)).toHaveLength(2);
});

test("the config is untouched when the source has no region", async () => {
  const world = await makeWorld();
  writeFileSync(world.configPath, `# mine\n[profile work]\nmfa_serial=${world.device.serialNumber}\n`);
  const before = world.config();
  expect((await login(world, "work")).status).toBe(0);
  expect(world.config()).toBe(before);
});
