import { appendFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { mayHoldSecrets } from "../helpers/leaks.ts";
import { endsIn, sessionFile } from "../helpers/sessions.ts";
import { skipOnWindows } from "../helpers/windows.ts";
import { execute, makeWorld, node, program, type World } from "../helpers/world.ts";

const loggedIn = async (...args: string[]): Promise<World> => {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code(), ...args]);
  return world;
};

const statusOf = async (world: World, ...args: string[]) => {
  const { stdout } = await world.fob(["status", "--json", ...args]);
  return JSON.parse(stdout) as { profile: string; state: string; foreign: boolean; [key: string]: unknown }[];
};

test("a session is valid, then expiring, then expired", async () => {
  const world = await loggedIn();
  expect(await statusOf(world)).toMatchObject([{ profile: "work-mfa", source: "work", state: "valid" }]);
  endsIn(world, 720);
  expect(await statusOf(world)).toMatchObject([{ state: "expiring" }]);
  endsIn(world, -2880);
  expect(await statusOf(world)).toMatchObject([{ state: "expired", secondsLeft: 0 }]);
});

test("time left is shown in words, and where the session is written to", async () => {
  const world = await loggedIn();
  const { stdout } = await world.fob(["status"]);
  expect(stdout).toMatch(
    /^work-mfa\twork\tvalid\t11 h 59 min\t(tomorrow )?\d\d:\d\d\t~[/\\]\.aws[/\\]credentials, from 127\.0\.0\.1:\d+, not AWS\n$/,
  );
  endsIn(world, -7200);
  expect((await world.fob(["status"])).stdout).toContain("\texpired\t2 h ago\t");
});

test("on a terminal there is a heading and a bar", async () => {
  const world = await loggedIn();
  const { screen } = await world.fobOnTerminal(["status"]).ended;
  expect(screen).toMatch(/^PROFILE +SOURCE +ACCOUNT +STATE +TIME LEFT\n/);
  expect(screen).toContain("████████ 11 h 59 min");
});

test("--check ends with 3 when a session is not fresh, and says what to do", async () => {
  const world = await loggedIn();
  expect((await world.fob(["status", "--check", "work"])).status).toBe(0);
  expect((await world.fob(["status", "--check", "work-mfa", "--min-ttl", "12h"])).status).toBe(3);
  endsIn(world, 720);
  const { status, stderr } = await world.fob(["status", "--check"], { env: { AWS_PROFILE: "work-mfa" } });
  expect(status).toBe(3);
  expect(stderr).toBe('fob: error: the session "work-mfa" expires soon\nfob: hint: fob login work\n');
});

test("--check of a short session does not count it as stale from the start", async () => {
  const world = await loggedIn("--duration", "15m");
  expect((await world.fob(["status", "--check", "work"])).status).toBe(0);
});

test("a profile without a session is missing one; an unknown profile is an error", async () => {
  const world = await makeWorld();
  expect(await statusOf(world, "work")).toMatchObject([{ profile: "work-mfa", source: "work", state: "missing" }]);
  expect((await world.fob(["status", "--check", "work"])).status).toBe(3);
  const { status, stderr } = await world.fob(["status", "wrk"]);
  expect(status).toBe(1);
  expect(stderr).toContain("did you mean: fob status work");
});

test.each([
  ["empty", ""],
  ["cut off", "fob1 1790000000 work-mfa\n{"],
  ["damaged", "fob1 1790000000 work-mfa\n{\n{}\n"],
  ["of something else", "[work]\n"],
  ["belongs to another profile", undefined],
])("a session file that is %s is unreadable, not missing", async (_, text) => {
  const world = await loggedIn();
  const other = readFileSync(sessionFile(world), "utf8").replaceAll("work-mfa", "other");
  writeFileSync(sessionFile(world), text ?? other);
  expect(await statusOf(world, "work")).toMatchObject([{ profile: "work-mfa", state: "unreadable" }]);
  expect((await world.fob(["status"])).stdout).toContain("\tunreadable\t");
  const { status, stderr } = await world.fob(["login", "work", "--code", world.device.code(Date.now() + 30_000)]);
  expect(stderr).toMatch(/fob: warning: the session file ".*work-mfa" .*; a new session is needed/);
  expect(status).toBe(0);
});

test("a session file that is a symbolic link is unreadable", async () => {
  skipOnWindows("a symbolic link without administrator rights");
  const world = await loggedIn();
  const moved = join(world.home, "elsewhere");
  writeFileSync(moved, readFileSync(sessionFile(world)), { mode: 0o600 });
  mayHoldSecrets(moved);
  unlinkSync(sessionFile(world));
  symlinkSync(moved, sessionFile(world));
  expect(await statusOf(world)).toMatchObject([{ state: "unreadable" }]);
});

test("a session profile that has lost its session is said to have", async () => {
  const world = await loggedIn();
  writeFileSync(world.credentialsPath, world.credentials().split("\n[work-mfa]")[0] ?? "");
  expect((await world.fob(["status"])).stdout).toContain("credentials (no longer there)");
  const { status, stderr } = await world.fob(["status", "--check", "work"]);
  expect(status).toBe(3);
  expect(stderr).toContain('the session "work-mfa" is no longer in its profile\nfob: hint: fob login work');
});

test("sessions that other tools wrote are shown and marked, aws-mfa's times without a zone too", async () => {
  const world = await makeWorld();
  const soon = new Date(Date.now() + 5 * 3_600_000).toISOString();
  const key = "aws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\naws_session_token = x\n";
  appendFileSync(
    world.credentialsPath,
    [
      `[aws-mfa]\n${key}expiration = ${soon.slice(0, 19).replace("T", " ")}`,
      `[saml]\n${key}x_security_token_expires = ${soon.slice(0, 19)}+00:00`,
      `[old]\n${key}expiration = 2020-01-01 00:00:00`,
      `[odd]\n${key}expiration = next week`,
      "",
    ].join("\n"),
  );
  expect(await statusOf(world)).toMatchObject([
    { profile: "aws-mfa", foreign: true, state: "valid", secondsLeft: expect.closeTo(5 * 3600, -2) as number },
    { profile: "saml", foreign: true, state: "valid" },
    { profile: "old", foreign: true, state: "expired" },
    { profile: "odd", foreign: true, state: "unreadable" },
  ]);
  expect((await world.fob(["status"])).stdout).toContain("aws-mfa\t(another tool)\tvalid\t4 h 59 min");
  expect((await world.fob(["status", "--check", "old"])).status).toBe(3);
});

test("the account of another tool's session is read from the config, else from the access key ID", async () => {
  const world = await makeWorld();
  const temporary = (profile: string, keyId: string, ...more: string[]): string =>
    [`[${profile}]`, `aws_access_key_id = ${keyId}`, ...["aws_secret_access_key = x", "aws_session_token = x"], ...more]
      .join("\n")
      .concat("\n");
  const telling = "ASIAY34FZKBOKMUTVV7A";
  appendFileSync(
    world.credentialsPath,
    [
      temporary("telling", telling),
      temporary("old", "ASIAIOSFODNN7EXAMPLE"),
      temporary("elsewhere", telling),
      temporary("saml", telling, "x_principal_arn = arn:aws:sts::111122223333:assumed-role/admin/alice"),
      temporary("sso", telling),
      temporary("role", telling),
      temporary("user", telling),
      temporary("token", telling),
    ].join(""),
  );
  appendFileSync(
    world.configPath,
    [
      "[profile elsewhere]\nendpoint_url = http://127.0.0.1:9000",
      "[profile sso]\nsso_account_id = 222233334444",
      "[profile role]\nrole_arn = arn:aws:iam::333344445555:role/deploy\nmfa_serial = arn:aws:iam::444455556666:mfa/alice",
      "[profile user]\nmfa_serial = arn:aws:iam::444455556666:mfa/alice",
      "[profile token]\nmfa_serial = 123456789012",
      "",
    ].join("\n"),
  );
  const accounts = (await statusOf(world)).map(({ profile, account, likelyAccount }) => [
    profile,
    account,
    likelyAccount,
  ]);
  expect(accounts).toEqual([
    ["telling", undefined, "609629065308"],
    ["old", undefined, undefined],
    ["elsewhere", undefined, undefined],
    ["saml", "111122223333", undefined],
    ["sso", "222233334444", undefined],
    ["role", "333344445555", undefined],
    ["user", "444455556666", undefined],
    ["token", undefined, "609629065308"],
  ]);
  const { screen } = await world.fobOnTerminal(["status"], { columns: 80 }).ended;
  expect(screen).toMatch(/^telling +\(another tool\) +609629065308 +unknown/m);
  expect(screen).toMatch(/^old +\(another tool\) +unknown/m);
});

test("no secret is shown, with --json and --debug neither", async () => {
  const world = await loggedIn();
  const { stdout, stderr } = await world.fob(["status", "--json", "--debug"]);
  const secrets = [...world.credentials().matchAll(/(?:secret_access_key|session_token) = (.+)/g)].map(
    (match) => match[1] ?? "",
  );
  expect(secrets.length).toBe(3);
  for (const secret of secrets) expect(stdout + stderr).not.toContain(secret);
});

test("without any session it says so on stderr and prints nothing", async () => {
  const world = await makeWorld();
  const { status, stdout, stderr } = await world.fob(["status"]);
  expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
  expect(stderr).toContain("fob: hint: fob login");
  expect((await world.fob(["status", "--json"])).stdout).toBe("[]\n");
});

test("FOB_HOME moves the store, and must be absolute", async () => {
  const world = await makeWorld();
  const store = join(world.home, "store");
  await world.fob(["login", "work", "--code", world.device.code()], { env: { FOB_HOME: store } });
  expect(readdirSync(join(store, "sessions"))).toEqual(["work-mfa"]);
  expect((await world.fob(["status"], { env: { FOB_HOME: "store" } })).status).toBe(2);
});

test("what fob makes in the store is private; a folder that is there keeps its mode", async () => {
  skipOnWindows("a mode");
  const world = await makeWorld();
  const folder = join(dirname(world.credentialsPath), "fob");
  mkdirSync(folder, { mode: 0o755 });
  await world.fob(["login", "work", "--code", world.device.code()]);
  const { statSync } = await import("node:fs");
  const paths = [folder, dirname(sessionFile(world)), sessionFile(world)];
  expect(paths.map((path) => (statSync(path).mode & 0o777).toString(8))).toEqual(["755", "700", "600"]);
});

test("one bad entry does not hide the others", async () => {
  const world = await loggedIn();
  const key = "aws_access_key_id = ASIAIOSFODNN7EXAMPLE\nexpiration = 2020-01-01T00:00:00Z\n";
  appendFileSync(world.credentialsPath, `[twice]\n${key}[twice]\n${key}`);
  const text = readFileSync(sessionFile(world), "utf8").replaceAll("work-mfa", "second");
  writeFileSync(
    sessionFile(world).replace("work-mfa", "second"),
    text.replace(/"endpoint":"[^"]*"/, '"endpoint":"nonsense"'),
    { mode: 0o600 },
  );
  expect(await statusOf(world)).toMatchObject([
    { profile: "second", state: "unreadable" },
    { profile: "work-mfa", state: "valid" },
    { profile: "twice", state: "unreadable", foreign: true },
  ]);
});

test("a name in the files cannot move the cursor or add a field", async () => {
  const world = await makeWorld();
  appendFileSync(world.credentialsPath, "\n[evil\u001b[2J\tx\u202e]\nexpiration = 2020-01-01T00:00:00Z\n");
  for (const output of [(await world.fob(["status"])).stdout, (await world.fobOnTerminal(["status"]).ended).screen]) {
    expect(output).toContain("evil\\x1b[2J\\x09x\\x202e");
  }
});

test("JSON holds names in ASCII: control characters, what reorders a line, what is not to be seen", async () => {
  const name = "evil\u009b2J\u202e\u00ad\u{e0041}\u7530";
  const world = await makeWorld();
  appendFileSync(world.credentialsPath, `\n[${name}]\nexpiration = 2020-01-01T00:00:00Z\n`);
  const { stdout } = await world.fob(["status", "--json"]);
  expect(stdout).toMatch(/^[\n -~]*$/);
  expect(JSON.parse(stdout)).toMatchObject([{ profile: name }]);
});

test("a reader that has read enough is no error, a full disk is one", async () => {
  const world = await loggedIn();
  for (const command of [
    "status --json",
    "login work",
    "env work",
    "credential-process work",
    "--version",
    "policy show",
  ]) {
    const line = `'${node}' '${program}' ${command} >/dev/full; exit $?`;
    const { status, stderr } = await execute("bash", ["-c", line], { env: world.env });
    expect({ command, status }).toEqual({ command, status: 1 });
    expect(stderr, command).toContain("fob: error: cannot write to stdout");
    // The command has failed, and goes no further.
    expect(stderr.trimEnd().split("\n").at(-1), command).toBe("fob: hint: check for a full disk: df");
  }
  const early = await world.shellOnTerminal(
    "set -o pipefail; fob --help | true; fob status | true; fob --version | true; echo all",
  ).ended;
  expect(early.screen.trim()).toBe("all");
});

test("a session without an expiry is shown, and no login takes its place unasked", async () => {
  const world = await makeWorld();
  const keys = "aws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\naws_session_token = x\n";
  appendFileSync(world.credentialsPath, `\n[granted]\n${keys}\n[work-mfa]\n${keys}`);
  const before = world.credentials();
  const shown = JSON.parse((await world.fob(["status", "--json"])).stdout) as unknown[];
  for (const profile of ["granted", "work-mfa"]) {
    expect(shown).toContainEqual(expect.objectContaining({ profile, state: "unknown", foreign: true }));
  }
  const check = await world.fob(["status", "--check", "granted"]);
  expect(check.status).toBe(3);
  expect(check.stderr).toContain('the session "granted" has no expiration');

  for (const to of ["work-mfa", "granted"]) {
    const args = ["login", "work", "--to", to];
    const { status, stderr } = await world.fob([...args, "--code", world.device.code()]);
    expect(status).toBe(1);
    expect(stderr).toContain("has a session from another tool, with no expiration");
    expect(stderr).toContain("--force\n");
  }
  expect(world.credentials()).toBe(before);
  expect(world.calls("GetSessionToken")).toBe(0);
  expect((await world.fob(["login", "work", "--force", "--code", world.device.code()])).status).toBe(0);
  expect((await world.fob(["login", "work"])).stderr).toContain("no code needed");
});
