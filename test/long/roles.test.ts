// Role profiles, assumed with the MFA session of their source.
import { appendFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { endsIn } from "../helpers/sessions.ts";
import { pathForFob, skipOnWindows } from "../helpers/windows.ts";
import { fast, makeWorld, type World } from "../helpers/world.ts";

const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
/** Any identity of the account, with MFA. */
const withMfa = (world: World, condition: object = { Bool: { "aws:MultiFactorAuthPresent": "true" } }) => ({
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Allow",
      Principal: { AWS: `arn:aws:iam::${world.sandbox.account}:root` },
      Action: ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
      Condition: condition,
    },
  ],
});
const anybody = (world: World) => withMfa(world, {});

/** Adds a role, and a profile for it. */
function addRole(
  world: World,
  profile: string,
  by: string,
  options: { trust?: object; max?: number; more?: string } = {},
) {
  const { trust = withMfa(world), max = 3600, more = "" } = options;
  const { arn } = world.sandbox.addRole({ name: profile, trust, policies: [everything], maxSessionSeconds: max });
  appendFileSync(world.configPath, `\n[profile ${profile}]\nrole_arn = ${arn}\nsource_profile = ${by}\n${more}`);
  return arn;
}

const login = (world: World) => world.fob(["login", "work", "--code", world.device.code()]);
const ask = (world: World, profile: string, ...args: string[]) => world.fob(["credential-process", profile, ...args]);
const identities = (world: World) => world.sandbox.requests.filter(({ action }) => action === "AssumeRole");

test.each(["work", "work-mfa"])(
  "a role whose source is %s needs no code of its own, and AWS is asked once",
  async (by) => {
    const world = await makeWorld();
    addRole(world, "prod", by);
    await login(world);
    const first = await ask(world, "prod");
    expect(first).toMatchObject({ status: 0, stderr: "" });
    expect(JSON.parse(first.stdout)).toMatchObject({ Version: 1, AccountId: world.sandbox.account });
    expect((await ask(world, "prod")).stdout).toBe(first.stdout);
    expect(world.calls("AssumeRole")).toBe(1);
    expect(world.calls("GetSessionToken")).toBe(1);
  },
);

test("without a session the code is asked for once, for the session and every role of the day", async () => {
  const world = await makeWorld();
  addRole(world, "prod", "work");
  addRole(world, "test", "work-mfa");
  const run = world.fobOnTerminal(["credential-process", "prod", "--reveal"]);
  await run.shows(/Code for .*\(work\)/);
  run.type(`${world.device.code()}\r`);
  expect((await run.ended).status).toBe(0);
  expect((await ask(world, "test")).status).toBe(0);
  expect((await ask(world, "work-mfa")).status).toBe(0);
  expect(world.calls("GetSessionToken")).toBe(1);
});

test("a chain of roles is followed, each with the credentials of the one before", async () => {
  const world = await makeWorld();
  addRole(world, "first", "work");
  addRole(world, "second", "first", { trust: anybody(world) });
  addRole(world, "third", "second", { trust: anybody(world) });
  await login(world);
  expect((await ask(world, "third")).status).toBe(0);
  expect(world.calls("AssumeRole")).toBe(3);
  // All of them are kept.
  expect((await ask(world, "second")).status).toBe(0);
  expect(world.calls("AssumeRole")).toBe(3);
});

test("a chain that leads back to itself is said to, and nothing is asked", async () => {
  const world = await makeWorld();
  addRole(world, "one", "two");
  addRole(world, "two", "one");
  const { status, stderr } = await ask(world, "one");
  expect(status).toBe(1);
  expect(stderr).toContain('the source_profile of "two" leads back to "one": "one" from "two" from "one"');
  expect(world.sandbox.requests).toHaveLength(0);
});

test("a source that is not there is named, with the one that was meant", async () => {
  const world = await makeWorld();
  addRole(world, "prod", "wrok");
  const { status, stderr } = await ask(world, "prod");
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /the source_profile of "prod" is "wrok", which does not exist\n.*source_profile work --profile prod/,
  );
});

test("what the profile asks for is asked for", async () => {
  const world = await makeWorld();
  const condition = {
    StringEquals: {
      "sts:ExternalId": "ext:1",
      "sts:RoleSessionName": "alice@laptop",
      "sts:SourceIdentity": "alice",
      "aws:RequestTag/team": "a=b",
      "aws:RequestTag/cost": "1",
    },
  };
  const more =
    "external_id = ext:1\nrole_session_name = alice@laptop\nsession_tags = team = a=b,cost=1\nsource_identity = alice\n";
  addRole(world, "prod", "work", { trust: withMfa(world, condition), more });
  await login(world);
  const run = await ask(world, "prod");
  expect(run.stderr).toBe("");
  expect(run.status).toBe(0);
});

test("a role that refuses: AWS's reason, and which profile it was", async () => {
  const world = await makeWorld();
  addRole(world, "first", "work");
  addRole(world, "second", "first", { trust: withMfa(world, { StringEquals: { "sts:ExternalId": "other" } }) });
  await login(world);
  const { status, stderr } = await ask(world, "second");
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /error: the role profile "second": AWS denied the request: User: .*assumed-role\/first\/.* sts:AssumeRole/,
  );
});

test("a role that is changed in the config is asked for anew", async () => {
  const world = await makeWorld();
  const old = addRole(world, "prod", "work");
  await login(world);
  const first = await ask(world, "prod");
  const { arn } = world.sandbox.addRole({ name: "other", trust: withMfa(world), policies: [everything] });
  writeFileSync(world.configPath, world.config().replace(old, arn));
  expect((await ask(world, "prod")).stdout).not.toBe(first.stdout);
  expect(world.calls("AssumeRole")).toBe(2);
});

test("a role for more than an hour is asked for with a code of its own, and the reason is shown", async () => {
  const world = await makeWorld();
  addRole(world, "prod", "work", { max: 43_200, more: "duration_seconds = 28800\n" });
  await login(world);
  const run = world.fobOnTerminal(["credential-process", "prod", "--reveal"]);
  await run.shows('the role of "prod" lasts 8 h; AWS allows more than an hour only with its own MFA code');
  await run.shows("Code for");
  run.type(`${world.device.code(Date.now() + 30_000)}\r`);
  expect((await run.ended).status).toBe(0);
  const { Expiration } = JSON.parse((await ask(world, "prod")).stdout) as { Expiration: string };
  expect(Date.parse(Expiration) - Date.now()).toBeGreaterThan(7 * 3_600_000);
  expect(identities(world)).toHaveLength(1);
});

test("if fob cannot prompt, such a role lasts for an hour, with a warning", async () => {
  const world = await makeWorld();
  addRole(world, "prod", "work", { max: 43_200, more: "duration_seconds = 28800\n" });
  await login(world);
  const { status, stderr } = await ask(world, "prod");
  expect(status).toBe(0);
  expect(stderr).toContain('warning: the credentials of "prod" last for 1 h, not 8 h');
});

test("credentials of a role that run out are renewed, without a code", async () => {
  const world = await makeWorld();
  addRole(world, "prod", "work");
  await login(world);
  const first = await ask(world, "prod");
  endsIn(world, 600, "prod");
  expect((await ask(world, "prod")).stdout).not.toBe(first.stdout);
  expect(world.calls("GetSessionToken")).toBe(1);
});

test("status shows a role under its session, and logout removes it with that", async () => {
  const world = await makeWorld();
  const arn = addRole(world, "a-role", "work-mfa");
  await login(world);
  await ask(world, "a-role");
  const { stdout } = await world.fob(["status"]);
  expect(stdout).toMatch(new RegExp(`^work-mfa\\twork\\t.*\\na-role\\twork-mfa\\tvalid\\t59 min\\t.*\\t${arn}`));
  expect((await world.fob(["refresh"])).stderr).not.toContain("a-role");
  const { stderr } = await world.fob(["logout", "work"]);
  expect(stderr).toContain('removed the credentials of the role profile "a-role"');
  expect((await world.fob(["status"])).stdout).toBe("");
});

test("login names the line that would make programs ask again", async () => {
  const world = await makeWorld();
  addRole(world, "prod", "work-mfa", { more: `mfa_serial = ${world.device.serialNumber}\n` });
  const { stderr } = await login(world);
  expect(stderr).toContain('programs that use the role profile "prod" will ask for another code');
  expect(stderr).toContain(
    `remove this line in "${pathForFob(world.configPath)}": mfa_serial = ${world.device.serialNumber}\n`,
  );
});

test("the region and the STS are those of the role profile", async () => {
  const world = await makeWorld();
  addRole(world, "prod", "work", { more: "region = eu-west-1\n" });
  addRole(world, "old", "work", { more: "region = eu-west-1\nsts_regional_endpoints = legacy\n" });
  await login(world);
  expect((await ask(world, "prod", "--debug")).stderr).toContain("sts:AssumeRole in eu-west-1");
  expect((await ask(world, "old", "--debug")).stderr).toContain("sts:AssumeRole in aws-global");
});

test("another access key, device or endpoint is another role", async () => {
  const world = await makeWorld();
  addRole(world, "prod", "work");
  await login(world);
  await ask(world, "prod");
  const other = world.sandbox.addVirtualDevice(world.user.name, "other").serialNumber;
  const run = await world.fob(["credential-process", "prod"], { env: { AWS_MFA_SERIAL: other } });
  expect(run).toMatchObject({ status: 4, stdout: "" });
});

test("a config that changes during a prompt is another role for the next program", async () => {
  const world = await makeWorld();
  const old = addRole(world, "prod", "work");
  const url = ["--endpoint-url", world.sandbox.url];
  const run = world.fobOnTerminal(["credential-process", "prod", "--reveal", ...url]);
  await run.shows("Code for");
  const { arn } = world.sandbox.addRole({ name: "other", trust: withMfa(world), policies: [everything] });
  writeFileSync(world.configPath, world.config().replace(old, arn));
  run.type(`${world.device.code()}\r`);
  expect((await run.ended).status).toBe(0);
  await ask(world, "prod", ...url);
  expect(world.calls("AssumeRole")).toBe(2);
});

test("logout of a source removes its roles also where there is no session", async () => {
  const world = await makeWorld();
  addRole(world, "prod", "work", { max: 43_200, more: "duration_seconds = 28800\n" });
  const run = world.fobOnTerminal(["credential-process", "prod", "--reveal"]);
  await run.shows("Code for");
  run.type(`${world.device.code()}\r`);
  await run.ended;
  expect((await world.fob(["logout", "work"])).stderr).toContain('removed the credentials of the role profile "prod"');
  expect(await ask(world, "prod")).toMatchObject({ status: 4, stdout: "" });
});

test("many programs that want two roles at once: one code, one call for each", async () => {
  const world = await makeWorld();
  addRole(world, "prod", "work");
  addRole(world, "test", "work-mfa");
  writeFileSync(
    world.configPath,
    world
      .config()
      .replace("[profile work]\n", `[profile work]\nmfa_process = ${world.commandThatPrints(world.device.code())}\n`),
  );
  const profiles = Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? "prod" : "test"));
  const runs = await Promise.all(profiles.map((profile) => ask(world, profile)));
  expect(runs.map(({ status }) => status)).toEqual(profiles.map(() => 0));
  expect(new Set(runs.map(({ stdout }) => stdout)).size).toBe(2);
  expect([world.calls("GetSessionToken"), world.calls("AssumeRole")]).toEqual([1, 2]);
});

test("a process that cannot prompt does not wait without end for one that can", async () => {
  const world = await makeWorld();
  addRole(world, "prod", "work");
  const first = world.fobOnTerminal(["exec", "prod", "--", "true"]);
  await first.shows("Code for");
  const { status, stderr } = await world.fob(["exec", "prod", "--no-input", "--", "true"], {
    env: { NODE_OPTIONS: fast },
  });
  expect(status).not.toBe(0);
  expect(stderr).toContain("waiting for another fob");
  first.type("\u0003");
  await first.ended;
});

test("env and exec give a role's credentials; status, refresh and logout understand its profile", async () => {
  const world = await makeWorld();
  addRole(world, "prod", "work", { more: "region = eu-west-1\n" });
  await login(world);
  expect((await world.fob(["status", "prod"])).stdout).toMatch(/^work-mfa\twork\tvalid/);
  expect((await world.fob(["status", "--check", "prod"])).status).toBe(0);
  const run = await world.fob(["exec", "prod", "--", "sh", "-c", "echo $AWS_REGION $AWS_ACCESS_KEY_ID"]);
  expect(run.stdout).toMatch(/^eu-west-1 ASIA\w+\n$/);
  // An hour is all that such credentials ever have.
  expect(run.stderr).toBe("");
  expect((await world.fob(["refresh", "prod"])).stderr).toContain('"work-mfa" is valid until');
  expect((await world.fob(["exec", "prod", "--min-ttl", "2h", "--", "true"])).stderr).toContain(
    "--min-ttl is longer than",
  );
  expect((await world.fob(["logout", "prod"])).stderr).toContain('removed the credentials of the role profile "prod"');
  expect((await world.fob(["logout", "prod"])).stderr).toContain('no credentials of the role profile "prod"');
  expect((await ask(world, "work-mfa")).status).toBe(0);
});

test("an hour that a program was content with is not what a person gets who can be asked for more", async () => {
  const world = await makeWorld();
  addRole(world, "prod", "work", { max: 43_200, more: "duration_seconds = 28800\n" });
  await login(world);
  expect((await ask(world, "prod")).status).toBe(0);
  const run = world.fobOnTerminal(["exec", "prod", "--", "true"]);
  await run.shows("Code for");
  run.type(`${world.device.code(Date.now() + 30_000)}\r`);
  expect((await run.ended).status).toBe(0);
  expect(world.calls("AssumeRole")).toBe(2);
});

/** How often AWS was asked for a role with a code of its own, and how often with a session. */
const askedFor = (world: World): { withKey: number; withSession: number } => {
  const keys = identities(world).map(({ accessKeyId }) => accessKeyId.slice(0, 4));
  return {
    withKey: keys.filter((kind) => kind === "AKIA").length,
    withSession: keys.filter((kind) => kind === "ASIA").length,
  };
};

test("a duration above the role's maximum costs one code and no more: the session gives an hour, and the fix is told", async () => {
  const world = await makeWorld();
  addRole(world, "prod", "work", { max: 7200, more: "duration_seconds = 28800\n" });
  // One after the other, so that each is still good when it is its turn.
  const [code = "", second, third] = [-1, 0, 1].map((step) => world.device.code(Date.now() + step * 30_000));
  await world.fob(["login", "work", "--code", code]);
  const first = world.fobOnTerminal(["exec", "prod", "--", "true"]);
  await first.shows("Code for");
  first.type(`${second}\r`);
  const { status, screen } = await first.ended;
  expect(status).toBe(0);
  expect(screen).toContain(
    `warning: the credentials of "prod" last for 1 h, not 8 h, which is longer than the role's maximum session duration; to fix it: aws configure set duration_seconds 3600 --profile prod`,
  );
  expect(askedFor(world)).toEqual({ withKey: 1, withSession: 1 });

  const kept = await world.fobOnTerminal(["exec", "prod", "--", "true"]).ended;
  endsIn(world, 600, "prod");
  const renewed = await world.fobOnTerminal(["exec", "prod", "--", "true"]).ended;
  expect([kept.status, renewed.status]).toEqual([0, 0]);
  expect(renewed.screen).toContain("to fix it: aws configure set duration_seconds 3600 --profile prod");
  expect(askedFor(world)).toEqual({ withKey: 1, withSession: 2 });

  // Another profile of the same role knows it too; another duration is another question.
  writeFileSync(world.configPath, world.config().replace("[profile prod]", "[profile same]"));
  expect((await world.fobOnTerminal(["exec", "same", "--", "true"]).ended).status).toBe(0);
  expect(askedFor(world)).toEqual({ withKey: 1, withSession: 3 });
  writeFileSync(world.configPath, world.config().replace("28800", "7200"));
  const shorter = world.fobOnTerminal(["exec", "same", "--", "true"]);
  await shorter.shows("Code for");
  shorter.type(`${third}\r`);
  expect((await shorter.ended).status).toBe(0);
  expect(askedFor(world)).toEqual({ withKey: 2, withSession: 3 });
});

test("a duration above the role's maximum for a program without a session: the command's next code opens one", async () => {
  skipOnWindows("cat");
  const world = await makeWorld();
  addRole(world, "prod", "work", { max: 7200, more: "duration_seconds = 28800\n" });
  const [file, next] = [world.device.code(), world.device.code(Date.now() + 30_000)].map(
    (code) => world.commandThatPrints(code).split(" ")[1] ?? "",
  );
  const command = `mfa_process = cat ${file}; cp ${next} ${file}`;
  writeFileSync(world.configPath, world.config().replace("[profile work]\n", `[profile work]\n${command}\n`));
  const run = await ask(world, "prod");
  expect(run.stderr).toContain("to fix it: aws configure set duration_seconds 3600 --profile prod");
  expect(run.status).toBe(0);
  expect(askedFor(world)).toEqual({ withKey: 1, withSession: 1 });
  endsIn(world, 600, "prod");
  expect((await ask(world, "prod")).status).toBe(0);
  expect(askedFor(world)).toEqual({ withKey: 1, withSession: 2 });
  expect(world.calls("GetSessionToken")).toBe(1);
});

test("transitive_session_tags are sent: AWS refuses one that is no tag of the session", async () => {
  const world = await makeWorld();
  const actions = ["sts:AssumeRole", "sts:TagSession"];
  const statement = { Effect: "Allow", Principal: { AWS: world.user.arn }, Action: actions };
  const trust = { Version: "2012-10-17", Statement: [statement] };
  const tags = (transitive: string) => `session_tags = team=red\ntransitive_session_tags = ${transitive}\n`;
  addRole(world, "prod", "work", { trust, more: tags("team") });
  addRole(world, "test", "work", { trust, more: tags("other") });
  await login(world);
  expect((await ask(world, "prod")).status).toBe(0);
  const { status, stderr } = await ask(world, "test");
  expect(status).toBe(1);
  expect(stderr).toContain("transitive tag key must be included");
});
