// Tests `fob policy simulate --account`, which compares fob's decisions with AWS's own simulator.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { enforceMfaPolicy, selfManagePolicy } from "../../src/policy/enforcement.ts";
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

test("--user NAME takes the policies that the user really has", async () => {
  const world = await loggedIn();
  world.sandbox.setAccountAlias("acme");
  const { arn } = world.sandbox.addManagedPolicy("enforce-mfa", enforceMfaPolicy());
  world.sandbox.addGroup({ name: "RequireMFA", attached: [arn], policies: [selfManagePolicy()] });
  const s3 = { ...everything, Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "*" }] };
  world.sandbox.addUser({ name: "ivy", path: "/eng/", policies: [s3], groups: ["RequireMFA"] });
  world.sandbox.addUser({ name: "dan", policies: [s3] });
  const simulate = (...args: string[]) => world.fob(["policy", "simulate", "--account", "--profile", "work", ...args]);

  const enforced = await simulate("--user", "IVY", "--require", "enforced,enrollable");
  expect(enforced.stderr).toContain(`fob: as ${world.user.arn} in 123456789012 (acme)\n`);
  expect(enforced.stderr).toContain("fob: read: group RequireMFA, policy enforce-mfa\n");
  expect(enforced.stderr.match(/fob: as /g)).toHaveLength(1);
  expect(enforced.stdout).toContain("enforced: yes");
  expect(enforced.stdout).toContain("arn:aws:iam::123456789012:user/eng/ivy");
  expect(enforced.status).toBe(0);

  const open = await simulate("--user", "arn:aws:iam::123456789012:user/dan", "--require", "enforced");
  expect(open.stdout).toContain("enforced: NO");
  expect(open.stderr).toContain("fob: error: required, but does not hold: enforced\n");
  expect(open.status).toBe(3);

  const before = world.sandbox.requests.length;
  const misspelled = await simulate("--user", "ivy", "--action", "s3:GetObject", "--context", "SourceIp=10.0.0.1");
  expect(misspelled.stderr).toContain("did you mean: aws:SourceIp\n");
  expect(world.sandbox.requests).toHaveLength(before);

  const missing = await simulate("--user", "ivi", "--require", "enforced");
  expect(missing.stderr).toContain('fob: error: no user "ivi" in account 123456789012\n');
  expect(missing.stderr).toContain("fob: hint: did you mean: ivy\n");
  expect(missing.status).toBe(2);
});

test("the user's boundary, tags and password policy decide too", async () => {
  const world = await loggedIn();
  const { arn } = world.sandbox.addManagedPolicy("ceiling", {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: ["s3:*", "iam:ChangePassword"], Resource: "*" }],
  });
  const length = { maxAgeDays: undefined, minimumLength: 14 };
  world.sandbox.setPasswordPolicy({ allowUsersToChangePassword: true, hardExpiry: false, ...length });
  world.sandbox.addUser({ name: "ivy", policies: [everything], boundary: arn });
  const ivy = "arn:aws:iam::123456789012:user/ivy";
  const decide = async (action: string, resource: string) =>
    (
      await world.fob([
        "policy",
        "simulate",
        "--account",
        "--profile",
        "work",
        "--user",
        "ivy",
        "--action",
        action,
        "--resource",
        resource,
      ])
    ).stdout;
  expect(await decide("s3:GetObject", "arn:aws:s3:::a/b")).toMatch(/: allowed\n/);
  expect(await decide("ec2:RunInstances", "*")).toMatch(/: not allowed/);
  expect(await decide("iam:ChangePassword", ivy)).toMatch(/: allowed\n/);
});

test("credentials that are not fob's are found as the SDKs find them", async () => {
  const world = await makeWorld();
  const { accessKeyId, secretAccessKey } = world.sandbox.rootAccessKey;
  const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  const args = ["policy", "simulate", "--account", "--action", "s3:GetObject"];
  const fromEnvironment = await world.fob(args, { env });
  expect(fromEnvironment.stderr).toContain("fob: as arn:aws:iam::123456789012:root in 123456789012\n");
  expect(fromEnvironment.status).toBe(0);

  const credentials = JSON.stringify({ Version: 1, AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey });
  writeFileSync(
    join(world.home, ".aws/config"),
    "[profile corp]\nregion = eu-central-1\ncredential_process = printenv CREDENTIALS\n",
  );
  const fromProcess = await world.fob([...args, "--profile", "corp"], { env: { CREDENTIALS: credentials } });
  expect(fromProcess.stderr).toContain("fob: as arn:aws:iam::123456789012:root in 123456789012\n");
  expect(fromProcess.status).toBe(0);

  const none = await world.fob([...args, "--profile", "nosuch"]);
  expect(none.stderr).toMatch(/^fob: error: /m);
  expect(none.status).toBe(1);
});

test("--print-policy prints what --account needs, and missing permissions are named", async () => {
  const world = await loggedIn();
  const printed = await world.fob(["policy", "simulate", "--account", "--print-policy"]);
  const policy = JSON.parse(printed.stdout) as { Statement: { Action: string[] }[] };
  expect(policy.Statement[0]?.Action).toContain("iam:GetAccountAuthorizationDetails");
  expect(world.sandbox.requests.filter(({ service }) => service === "iam")).toEqual([]);

  const reader = world.sandbox.addUser({ name: "reader", policies: [policy] });
  const env = {
    AWS_ACCESS_KEY_ID: reader.accessKey.accessKeyId,
    AWS_SECRET_ACCESS_KEY: reader.accessKey.secretAccessKey,
  };
  const args = ["policy", "simulate", "--account", "--user", "reader", "--action", "s3:GetObject"];
  expect((await world.fob(args, { env })).status).toBe(0);

  const outsider = world.sandbox.addUser({ name: "outsider" }).accessKey;
  const denied = await world.fob(args, {
    env: { AWS_ACCESS_KEY_ID: outsider.accessKeyId, AWS_SECRET_ACCESS_KEY: outsider.secretAccessKey },
  });
  expect(denied.stderr).toContain("iam:GetAccountAuthorizationDetails");
  expect(denied.status).toBe(1);
});
