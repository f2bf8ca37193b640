// Without a name fob takes the profile that is obvious, or lets the user choose.
import { appendFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { keysOf, makeWorld, type World } from "../helpers/world.ts";

/** A second user with a device, as the profile `play`. */
function addPlay(world: World): string {
  const user = world.sandbox.addUser({ name: "play", policies: [] });
  const { serialNumber, code } = world.sandbox.addVirtualDevice("play", "play");
  appendFileSync(world.credentialsPath, `\n${keysOf("play", user.accessKey)}`);
  appendFileSync(world.configPath, `\n[profile play]\nmfa_serial = ${serialNumber}\n`);
  return code();
}

const roleIn = (world: World, source: string): string => {
  const trust = [{ Effect: "Allow", Principal: { AWS: world.user.arn }, Action: "sts:AssumeRole" }];
  const allowed = [{ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] }];
  const role = world.sandbox.addRole({
    name: "deploy",
    trust: { Version: "2012-10-17", Statement: trust },
    policies: allowed,
  });
  return `\n[profile prod]\nrole_arn = ${role.arn}\nsource_profile = ${source}\n`;
};

test("the only profile that can be logged in to is taken, and named; its session profile is no second one", async () => {
  const world = await makeWorld();
  for (let round = 0; round < 2; round++) {
    const { status, stdout, stderr } = await world.fob([
      "login",
      ...(round === 0 ? ["--code", world.device.code()] : []),
    ]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: "work-mfa\n" });
    expect(stderr).toContain('fob: using the profile "work"\n');
  }
});

test("of several profiles one is picked on the terminal: by typing, and with the last one used on top", async () => {
  const world = await makeWorld();
  const code = addPlay(world);
  const run = world.fobOnTerminal(["login"]);
  await run.shows("Which profile?");
  await run.shows(/work\s+play/);
  run.type("pl");
  await run.shows("❯ play");
  run.type("\r");
  await run.shows("Code for play @");
  run.type(`${code}\r`);
  expect((await run.ended).screen).toContain("export AWS_PROFILE=play-mfa");

  const again = world.fobOnTerminal(["login"]);
  await again.shows(/❯ play\s+work/);
  again.type("\r");
  expect((await again.ended).screen).toContain("Still signed in as play");
});

test("without a terminal, several profiles are an error that names them", async () => {
  const world = await makeWorld();
  addPlay(world);
  const { status, stderr } = await world.fob(["login"]);
  expect({ status, stderr }).toEqual({
    status: 2,
    stderr:
      'fob: error: choose one of 2 profiles: "work", "play"\nfob: hint: fob login work\nfob: hint: or select it: export AWS_PROFILE=work\n',
  });
});

test("default is taken before others, and AWS_PROFILE before that", async () => {
  const world = await makeWorld();
  const code = addPlay(world);
  appendFileSync(world.credentialsPath, keysOf("default", world.user.accessKey));
  appendFileSync(world.configPath, `[default]\nmfa_serial = ${world.device.serialNumber}\n`);
  expect((await world.fob(["login", "--code", world.device.code()])).stdout).toBe("default-mfa\n");
  expect((await world.fob(["login", "--code", code], { env: { AWS_PROFILE: "play" } })).stdout).toBe("play-mfa\n");
});

test("an AWS_PROFILE that names nothing is said to", async () => {
  const world = await makeWorld();
  for (const command of ["login", "logout"]) {
    const { status, stderr } = await world.fob([command], { env: { AWS_PROFILE: "wrok" } });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr:
        'fob: error: no profile "wrok", which AWS_PROFILE names\nfob: hint: did you mean: export AWS_PROFILE=work\nfob: hint: or unset AWS_PROFILE\n',
    });
  }
});

test("without profiles it says how to make one", async () => {
  const world = await makeWorld({ credentials: "", config: "" });
  const { status, stderr } = await world.fob(["login"]);
  expect(status).toBe(1);
  expect(stderr).toContain("fob setup\n");
});

test("login of a role profile logs in its source and selects the role", async () => {
  const world = await makeWorld();
  writeFileSync(world.configPath, `${world.config()}${roleIn(world, "work-mfa")}`);
  const { status, stdout, stderr } = await world.fob(["login", "prod", "--code", world.device.code()]);
  expect({ status, stdout }).toEqual({ status: 0, stdout: "prod\n" });
  expect(stderr).not.toContain("source_profile");
  expect(stderr).toMatch(/^fob: "work-mfa" is valid until .* \(12 h\), for "prod"$/m);
  const onTerminal = await world.fobOnTerminal(["login", "prod"]).ended;
  expect(onTerminal.screen).toMatch(
    /Still signed in as \S+ \(\d+\) for "prod" until .*\nUse it: export AWS_PROFILE=prod\n/,
  );
  expect(world.credentials()).toContain("[work-mfa]");
});

test("a role whose source_profile is the access key: login says what programs take instead of the session", async () => {
  const world = await makeWorld();
  writeFileSync(world.configPath, `${world.config()}${roleIn(world, "work")}`);
  const { status, stdout, stderr } = await world.fob(["login", "prod", "--code", world.device.code()]);
  expect({ status, stdout }).toEqual({ status: 0, stdout: "prod\n" });
  expect(stderr).toContain("fob: hint: aws configure set source_profile work-mfa --profile prod\n");
});

test("logout without a name: the only session, or the one that is picked", async () => {
  const world = await makeWorld();
  const code = addPlay(world);
  expect((await world.fob(["logout"])).stderr).toBe("fob: no sessions\n");
  await world.fob(["login", "work", "--code", world.device.code()]);
  const { status, stderr } = await world.fob(["logout"]);
  expect({ status, stderr }).toMatchObject({ status: 0, stderr: expect.stringContaining('"work-mfa"') as string });
  await world.fob(["login", "work", "--code", world.device.code(Date.now() + 30_000)]);
  await world.fob(["login", "play", "--code", code]);
  expect((await world.fob(["logout"])).status).toBe(2);
  const run = world.fobOnTerminal(["logout"]);
  await run.shows("Which profile?");
  run.type("work");
  await run.shows("❯ work-mfa");
  run.type("\r");
  await run.ended;
  expect(world.credentials()).not.toContain("[work-mfa]");
  expect(world.credentials()).toContain("[play-mfa]");
});

test("console without a name takes a role profile only", async () => {
  const world = await makeWorld();
  writeFileSync(world.configPath, `${world.config()}${roleIn(world, "work-mfa")}`);
  await world.fob(["login", "work", "--code", world.device.code()]);
  const { status, stderr } = await world.fob(["console", "--print"], { shows: ["sign-in token"] });
  expect({ status, stderr }).toMatchObject({
    status: 0,
    stderr: expect.stringContaining('using the profile "prod"') as string,
  });
});

test("letters in the wrong order are the likelier slip", async () => {
  const world = await makeWorld();
  writeFileSync(world.configPath, `${world.config()}${roleIn(world, "work-mfa")}`);
  expect((await world.fob(["exec", "pord", "--", "true"])).stderr).toContain("did you mean: prod");
});
