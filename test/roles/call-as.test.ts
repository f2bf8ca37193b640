// Asking AWS as a profile: with its session, or as its role.
import { appendFileSync } from "node:fs";
import { expect, test } from "vitest";
import { simulate } from "../../src/aws/iam.ts";
import { stdout as output } from "../../src/cli/output.ts";
import { createSessionContext } from "../../src/cli/session-context.ts";
import { askSimulator } from "../../src/policy/aws-simulator.ts";
import { enforceMfaPolicy } from "../../src/policy/enforcement.ts";
import { askAs } from "../../src/roles/call-as.ts";
import { makeWorld, type World } from "../helpers/world.ts";

const everything = {
  Version: "2012-10-17" as const,
  Statement: { Effect: "Allow" as const, Action: "*", Resource: "*" },
};

/** Asks AWS's simulator one question as a profile of the world; fob cannot prompt for a code. */
function ask(world: World, profile: string) {
  const nothing = () => undefined;
  const tools = createSessionContext(
    {
      ...{ env: world.env, home: world.home, now: Date.now, signal: new AbortController().signal },
      typed: { name: "policy simulate", named: [], options: { account: true, profile } },
      ...{ stdout: output, stdin: () => process.stdin },
      say: {
        note: nothing,
        aside: nothing,
        error: nothing,
        hint: nothing,
        warning: nothing,
        debug: nothing,
        done: nothing,
        next: nothing,
      },
    },
    { noInput: true },
  );
  const question = { action: "s3:ListAllMyBuckets", resource: "*", context: {} };
  const subject = { policies: [everything, enforceMfaPolicy()] };
  return askAs({ profile, command: "fob policy simulate" }, tools, (aws) =>
    askSimulator([question], subject, (call) => simulate(aws, call)),
  );
}

test("a user under the enforcement policy asks with her session, and without one nothing is asked", async () => {
  const world = await makeWorld({ policies: [everything, enforceMfaPolicy()] });
  await expect(ask(world, "work")).rejects.toMatchObject({ exitCode: 4 });
  expect(world.calls("SimulateCustomPolicy")).toBe(0);
  await world.fob(["login", "work", "--code", world.device.code()]);
  for (const profile of ["work", "work-mfa"]) {
    expect(await ask(world, profile)).toEqual([{ decision: "explicitDeny" }]);
    expect(world.sandbox.requests.at(-1)?.accessKeyId).toMatch(/^ASIA/);
  }
});

test("a role profile asks as its role, and is told what the role may not", async () => {
  const world = await makeWorld();
  const trust = { Statement: { Effect: "Allow", Principal: { AWS: world.user.arn }, Action: "sts:AssumeRole" } };
  const role = world.sandbox.addRole({ name: "audit", trust, policies: [] });
  appendFileSync(world.configPath, `\n[profile audit]\nrole_arn = ${role.arn}\nsource_profile = work-mfa\n`);
  await world.fob(["login", "work", "--code", world.device.code()]);
  await expect(ask(world, "audit")).rejects.toMatchObject({
    message: expect.stringContaining("assumed-role/audit/") as string,
    hints: ["ask an administrator to allow iam:SimulateCustomPolicy for this user or role"],
  });
});
