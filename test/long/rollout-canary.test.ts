// `fob rollout canary`: a test user meets everything that users under the policy will meet, and is gone afterwards.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { listExemptions } from "../../src/policy/enforcement.ts";
import { scenarios } from "../../src/sandbox/scenarios.ts";
import { withFob } from "../helpers/shells.ts";
import { makeWorld } from "../helpers/world.ts";

async function inSandbox(script: string) {
  const world = await makeWorld();
  const login = "fob sandbox code ada | fob login ada --code-stdin >/dev/null 2>&1 || exit 99; export AWS_PROFILE=ada";
  const args = ["sandbox", "--", "sh", "-c", `${login}\n${script}`];
  return world.fob(args, { env: withFob(world.env), cwd: world.home });
}

const count = "fob rollout plan --json | node -p 'JSON.parse(fs.readFileSync(0)).users.length'";
const canary = "fob rollout canary --no-console --yes";

test("everything is proved with real calls, on stdout; while it asks, no credentials are on the disk", async () => {
  const world = await makeWorld({ fill: scenarios.team });
  const { accessKeyId, secretAccessKey } = world.user.accessKey;
  const store = join(world.home, "store");
  const env = {
    ...{ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_REGION: "eu-central-1" },
    FOB_HOME: store,
  };
  const run = world.shellOnTerminal("fob rollout canary --yes >proof.txt; echo ended with $?", {
    env,
    cwd: world.home,
    // The password's bytes could be those of a secret access key.
    shows: ["password", "secret access key"],
  });
  await run.shows("Did the console ask for an MFA code? (y/n)");
  expect(readdirSync(join(store, "canary"))).toEqual([]);
  run.type("y\r");
  await run.shows("ended with 0");
  const { screen } = await run.ended;
  const lines = readFileSync(join(world.home, "proof.txt"), "utf8").split("\n");
  expect(lines[0]).toMatch(/^Account 123456789012, group RequireMFA, test user test-mfa-user, 20.*Z$/);
  const proved = lines.filter((line) => line.startsWith("yes  "));
  expect(lines.slice(1, -2)).toEqual(proved);
  for (const { action } of listExemptions()) {
    expect({ action, calls: world.calls(action.split(":")[1] ?? "") }).not.toMatchObject({ calls: 0 });
  }
  expect(proved).toHaveLength(13);
  expect(lines.at(-2)).toBe("Everything holds.");
  expect(screen).toContain("fob: test-mfa-user and all that belongs to it is removed\n");
  expect(screen).toContain("hint: fob rollout plan --out plan.json\n");
  expect(screen).not.toContain("yes  ");
});

test("ended while it runs: the test user is removed all the same, and --clean finds nothing", async () => {
  const script = `${canary} 2>err & until grep -q 'access key' err; do sleep 0.1; done; kill -TERM $!; wait $!; echo $?; cat err >&2; ${count}; fob rollout canary --clean`;
  const { stdout, stderr } = await inSandbox(script);
  expect(stdout).toMatch(/(?:^|\n)130\n13\n$/);
  expect(stderr).toContain("fob: there is no user test-mfa-user\n");
  expect(stderr).toMatch(/^fob: cancelled(; the code may have been used)?$/m);
  expect(stderr).toContain(`fob: hint: to go on: ${canary}\n`);
});

test("killed: --clean removes what is left, and a run before that is refused", async () => {
  const script = `${canary} 2>err & until grep -q 'add test' err; do sleep 0.1; done; kill -KILL $!; wait $!; ${canary}; echo $?; fob rollout canary --clean; ${count}`;
  const { stdout, stderr } = await inSandbox(script);
  expect(stdout).toMatch(/(?:^|\n)1\n13\n$/);
  expect(stderr).toContain("test-mfa-user is left from a run before");
});

test("a user that fob did not make is neither used nor removed", async () => {
  const { stdout, stderr } = await inSandbox(
    `${canary} --user ben; echo $?; fob rollout canary --clean --user ben; echo $?; ${count}; fob exec ada -- aws iam get-group --group-name RequireMFA`,
  );
  expect(stdout).toBe("1\n1\n13\n");
  expect(stderr).toContain("The group with name RequireMFA cannot be found");
  expect(stderr).toContain("there is a user ben that fob did not make");
});
