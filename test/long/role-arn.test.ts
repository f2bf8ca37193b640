// A role without a profile, by its ARN; and how long a role's credentials last, on the command line.
import { appendFileSync } from "node:fs";
import { expect, test } from "vitest";
import { keysOf, makeWorld, type World } from "../helpers/world.ts";

const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };

/** A role that the user may assume. */
function addRole(world: World, name = "deploy"): string {
  const trust = [{ Effect: "Allow", Principal: { AWS: world.user.arn }, Action: "sts:AssumeRole" }];
  return world.sandbox.addRole({
    name,
    trust: { Version: "2012-10-17", Statement: trust },
    policies: [everything],
    maxSessionSeconds: 43_200,
  }).arn;
}

async function loggedIn(): Promise<World> {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  return world;
}

const printId = ["--", "sh", "-c", 'echo "$AWS_VAULT $AWS_ACCESS_KEY_ID"'];

test("exec, env and console take a role's ARN, and the source that is named or the only one", async () => {
  const world = await loggedIn();
  const role = addRole(world);
  const first = await world.fob(["exec", role, "--source", "work", ...printId]);
  expect(first).toMatchObject({ status: 0, stdout: expect.stringMatching(`^${role} ASIA\\w{16}\n$`) as string });
  // Kept like a role profile's.
  expect((await world.fob(["exec", role, ...printId])).stdout).toBe(first.stdout);
  expect(world.calls("AssumeRole")).toBe(1);
  const env = await world.fob(["env", role, "--shell", "json", "--source", "work"]);
  expect(JSON.parse(env.stdout)).toMatchObject({ AWS_ACCESS_KEY_ID: first.stdout.trim().split(" ")[1] });
  expect((await world.fob(["status"])).stdout).toContain(role);
  const link = await world.fob(["console", role, "--source", "work", "--print", "--service", "s3"], {
    shows: ["sign-in token"],
  });
  expect(link).toMatchObject({ status: 0, stdout: expect.stringContaining("SigninToken=") as string });
  const destination = new URL(new URL(link.stdout).searchParams.get("Destination") ?? "");
  expect([destination.pathname, destination.searchParams.get("region")]).toEqual(["/s3/home", "eu-central-1"]);
  // Nothing of it is in the AWS files.
  expect(world.config() + world.credentials()).not.toContain(role);
});

test("--duration is the length of a role's credentials", async () => {
  const world = await loggedIn();
  const role = addRole(world);
  appendFileSync(world.configPath, `\n[profile prod]\nrole_arn = ${role}\nsource_profile = work-mfa\n`);
  const left = ["--", "sh", "-c", 'echo "$AWS_CREDENTIAL_EXPIRATION"'];
  for (const name of [["prod"], [role, "--source", "work"]]) {
    const began = Date.now();
    const { stdout, status } = await world.fob(["exec", ...name, "--duration", "20m", ...left]);
    expect(status).toBe(0);
    const seconds = (Date.parse(stdout.trim()) - began) / 1000;
    expect(Math.round(seconds / 60)).toBe(20);
  }
});

test("what cannot be is said before AWS is asked", async () => {
  const world = await loggedIn();
  const role = addRole(world);
  const chain = `[profile mid]\nrole_arn = ${role}\nsource_profile = work-mfa\n[profile end]\nrole_arn = ${addRole(world, "end")}\nsource_profile = mid\n`;
  appendFileSync(world.configPath, `\n${chain}`);
  const calls = world.sandbox.requests.length;
  for (const [args, message] of [
    [["exec", "work", "--source", "work", "--", "true"], "--source is only for roles given by ARN"],
    [["exec", "work", "--duration", "2h", "--", "true"], '--duration is for roles, and "work" is not a role profile'],
    [
      ["exec", role, "--source", "work", "--duration", "2", "--", "true"],
      `"2" (from --duration) is 2 s, but role credentials last 15 min to 12 h\nfob: hint: did you mean: 2h\n`,
    ],
    [
      ["exec", role, "--source", "work", "--duration", "13h", "--", "true"],
      '"13h" (from --duration) is 13 h, but role credentials last 15 min to 12 h',
    ],
    [
      ["env", "end", "--duration", "2h", "--shell", "bash"],
      'AWS limits chained roles to 1 h, and "end" is assumed through "mid"',
    ],
    [["console", role, "--source", "work", "--service", "../x"], 'invalid --service "../x"'],
  ] as const) {
    const { status, stderr } = await world.fob(args);
    expect({ args, status }).toEqual({ args, status: 2 });
    expect(stderr).toContain(`fob: error: ${message}`);
  }
  expect(world.sandbox.requests.length).toBe(calls);
});

test("without --source, several sources are an error that names the way out", async () => {
  const world = await loggedIn();
  const role = addRole(world);
  appendFileSync(
    world.credentialsPath,
    `\n${keysOf("play", { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "x" })}`,
  );
  const { status, stderr } = await world.fob(["exec", role, "--", "true"]);
  expect(status).toBe(2);
  expect(stderr).toContain(`fob: hint: fob exec ${role} --source work -- true\n`);
});

test("credential-process on a terminal shows no secret without --reveal, however fresh the session is", async () => {
  const world = await loggedIn();
  const { status, screen } = await world.fobOnTerminal(["credential-process", "work-mfa", "--region", "eu-west-1"])
    .ended;
  expect({ status, screen }).toEqual({
    status: 2,
    screen:
      "fob: error: this would print secrets on your terminal\nhint: fob status work-mfa\nhint: or: fob credential-process work-mfa --region eu-west-1 --reveal\n",
  });
  const shown = await world.fobOnTerminal(["credential-process", "work-mfa", "--reveal"]).ended;
  expect(shown.screen).toContain("SessionToken");
});
