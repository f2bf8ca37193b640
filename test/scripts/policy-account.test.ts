// Tests `fob policy simulate --account`, which compares fob's decisions with AWS's own simulator.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeWorld, type World } from "../helpers/world.ts";

const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
const user = "arn:aws:iam::123456789012:user/alice";

async function loggedIn(): Promise<World> {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  return world;
}

test("AWS agrees with the proof, except on actions that need no permissions", async () => {
  const world = await loggedIn();
  const { status, stdout, stderr } = await world.fob(["policy", "simulate", "--account", "--profile", "work"]);
  expect(stderr).not.toContain("error");
  expect(status).toBe(0);
  // Two actions need no permissions; AWS denies them only without MFA, because the other policy allows everything.
  expect(stdout).toContain("\nAWS's simulator agrees on 122 of 125 decisions\n");
  const lines = stdout.split("\n").filter((line) => line.startsWith("AWS says"));
  expect(lines).toEqual([
    expect.stringMatching(
      /^AWS says explicitDeny, fob allowed, as expected: sts:GetCallerIdentity needs no permissions.*; 3 requests$/,
    ),
  ]);
  expect(world.sandbox.requests.at(-1)).toMatchObject({ action: "SimulateCustomPolicy" });
  expect(world.sandbox.requests.at(-1)?.accessKeyId).toMatch(/^ASIA/);
});

test("compares single requests and cases too; --json still prints a list", async () => {
  const world = await loggedIn();
  const policy = join(world.home, "everything.json");
  writeFileSync(policy, JSON.stringify(everything));
  const args = ["policy", "simulate", "--account", "--policy", policy];
  const env = { AWS_PROFILE: "work-mfa" };
  const one = await world.fob([...args, "--action", "s3:GetObject"], { env });
  expect(one).toMatchObject({
    status: 0,
    stdout: expect.stringContaining("agrees on 1 of 1 decisions\n") as string,
  });
  const cases = join(world.home, "cases.json");
  writeFileSync(cases, JSON.stringify([{ action: "s3:GetObject", decision: "allowed" }]));
  const compared = await world.fob([...args, "--cases", cases, "--json"], { env });
  expect(compared.status).toBe(0);
  expect(JSON.parse(compared.stdout)).toHaveLength(1);
  expect(compared.stderr).toContain("fob: AWS's simulator agrees on 1 of 1 decisions\n");
});

test("the password policy explains a difference only with --users-may-change-password", async () => {
  const world = await loggedIn();
  const policy = join(world.home, "reader.json");
  writeFileSync(policy, JSON.stringify({ ...everything, Statement: { ...everything.Statement[0], Action: "s3:*" } }));
  const args = ["policy", "simulate", "--account", "--profile", "work", "--policy", policy, "--user", user];
  const own = [...args, "--action", "iam:ChangePassword", "--resource", user];
  const { status, stdout } = await world.fob([...own, "--users-may-change-password"]);
  expect(stdout).toContain(
    "\nAWS says implicitDeny, fob allowed, as expected: iam:ChangePassword is allowed for every user",
  );
  expect(stdout).toMatch(/; 1 request\n$/);
  expect(status).toBe(0);
  expect((await world.fob(own)).stdout).toContain("agrees on 1 of 1 decisions\n");
});

test("prints an unexpected difference and exits with 3", async () => {
  const world = await loggedIn();
  const policy = join(world.home, "by-id.json");
  // AWS's simulator makes up an aws:userid for the caller; fob does not.
  const Condition = { StringLike: { "aws:userid": "*" } };
  writeFileSync(policy, JSON.stringify({ ...everything, Statement: { ...everything.Statement[0], Condition } }));
  const args = ["--policy", policy, "--user", user, "--action", "s3:GetObject", "--profile", "work"];
  const { status, stdout, stderr } = await world.fob(["policy", "simulate", "--account", ...args]);
  expect(stdout).toContain("AWS's simulator agrees on 0 of 1 decisions\n");
  expect(stdout).toContain("\nAWS says allowed, fob implicitDeny: s3:GetObject on * with {");
  expect(stderr).toContain("fob: error: AWS's simulator disagrees on 1 of 1 requests\n");
  expect(status).toBe(3);
});

test("calls nothing if there is no session and no terminal for a code", async () => {
  const world = await makeWorld();
  const { status, stderr } = await world.fob(["policy", "simulate", "--account", "--no-input", "--profile", "work"]);
  expect({ status, calls: world.calls("SimulateCustomPolicy") }).toEqual({ status: 4, calls: 0 });
  expect(stderr).toContain("fob login work");
});
