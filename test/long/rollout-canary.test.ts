// `fob rollout canary`: a test user meets everything that users under the policy will meet, and is gone afterwards.
import { expect, test } from "vitest";
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

test("everything is proved with real calls, and the test user is gone", async () => {
  const proof = "node -p 'const { holds, proof } = JSON.parse(fs.readFileSync(0)); holds + \" \" + proof.length'";
  const { status, stdout, stderr } = await inSandbox(`${canary} --json | ${proof}; ${count}`);
  expect({ status, stdout }).toEqual({ status: 0, stdout: "true 9\n13\n" });
  expect(stderr).toContain("fob: test-mfa-user and all that belongs to it is removed\n");
});

test("ended while it runs: the test user is removed all the same, and --clean finds nothing", async () => {
  const script = `${canary} 2>err & until grep -q 'access key' err; do sleep 0.1; done; kill -TERM $!; wait $!; echo $?; cat err >&2; ${count}; fob rollout canary --clean`;
  const { stdout, stderr } = await inSandbox(script);
  expect(stdout).toBe("130\n13\n");
  expect(stderr).toContain("fob: there is no user test-mfa-user\n");
  expect(stderr).toContain("fob: cancelled\n");
  expect(stderr).toContain(`fob: hint: to go on: ${canary}\n`);
});

test("killed: --clean removes what is left, and a run before that is refused", async () => {
  const script = `${canary} 2>err & until grep -q 'add test' err; do sleep 0.1; done; kill -KILL $!; wait $!; ${canary}; echo $?; fob rollout canary --clean; ${count}`;
  const { stdout, stderr } = await inSandbox(script);
  expect(stdout).toBe("1\n13\n");
  expect(stderr).toContain("test-mfa-user is left from a run before");
});

test("a user that fob did not make is neither used nor removed", async () => {
  const { stdout, stderr } = await inSandbox(
    `${canary} --user ben; echo $?; fob rollout canary --clean --user ben; echo $?; ${count}`,
  );
  expect(stdout).toBe("1\n1\n13\n");
  expect(stderr).toContain("there is a user ben that fob did not make");
});
