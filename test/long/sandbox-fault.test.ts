// `fob sandbox fault`: faults are switched on from another terminal, and fob meets them.
import { expect, test } from "vitest";
import { withFob } from "../helpers/shells.ts";
import { fast, makeWorld, temporaryFolder } from "../helpers/world.ts";

async function makeHome() {
  const world = await makeWorld();
  const env = withFob({ ...world.env, TMPDIR: temporaryFolder(), SHELL: "/bin/bash" });
  const inSandbox = (script: string, ...args: string[]) =>
    world.fob(["sandbox", ...args, "--", "bash", "-c", script], { env: { ...env, NODE_OPTIONS: fast } });
  return { world, env, inSandbox };
}

test("faults are listed, and switched off", async () => {
  const { inSandbox } = await makeHome();
  const { status, stdout } = await inSandbox(`set -e
    fob sandbox fault
    fob sandbox fault ListUsers 'sts:*' --throttle --times 2
    fob sandbox fault iam:GetUser --delay 1500ms --json | grep -c '"ms": 1500'
    fob sandbox fault --drop --for 1m | tail -n 1
    fob sandbox fault --clear; echo end; fob sandbox fault`);
  expect(status).toBe(0);
  expect(stdout).toBe(
    ["iam:ListUsers  throttle, 2 more times", "sts:*  throttle, 2 more times", "1", "*  drop, for 1 min", "end\n"].join(
      "\n",
    ),
  );
});

test("fob repeats reads that AWS throttles, and sends a code once", async () => {
  const { inSandbox } = await makeHome();
  const login = "fob sandbox code ben | fob login ben --code-stdin";
  const read = await inSandbox(`fob sandbox code ada | fob login ada --code-stdin
    fob sandbox fault GetAccountAuthorizationDetails --throttle --times 1
    fob policy simulate --account --profile ada --user ben --require enforced >/dev/null; echo "$?"
    fob sandbox fault`);
  expect(read.stdout).toBe("ada-mfa\niam:GetAccountAuthorizationDetails  throttle, 1 more time\n3\n");
  const sent = await inSandbox(`fob sandbox fault GetSessionToken --error --times 1 >/dev/null
    ${login}; echo "$?"; fob sandbox fault`);
  expect(sent.stdout).toBe("1\n");
  expect(sent.stderr).toContain("fob: error: ");
});

test("--stale: changes are seen later", async () => {
  const { inSandbox } = await makeHome();
  const { stdout } = await inSandbox("fob sandbox fault", "--stale", "5s");
  expect(stdout).toBe("iam:*  stale 5 s\n");
});

test("a fault that would do nothing is an error", async () => {
  const { inSandbox } = await makeHome();
  const { status, stderr } = await inSandbox("fob sandbox fault sts:GetCallerIdentity --stale 5s");
  expect(status).toBe(1);
  expect(stderr).toContain('"sts:GetCallerIdentity" is never stale: only List and Get operations of IAM are');
});

test.each([
  [["ListUser", "--drop"], 1, 'the sandbox has no operation "ListUser"', "did you mean: ListUsers"],
  [
    ["ListUsers"],
    2,
    "say what is to happen to the calls",
    "add one of: --delay, --throttle, --error, --drop, --drop-answer, --stale",
  ],
  [["--clear", "--drop"], 2, "--clear switches all faults off, so it takes nothing else", "fob sandbox fault --clear"],
  [["--delay", "soon"], 2, 'invalid --delay "soon"', "for example: --delay 5s"],
  [["--drop", "--times", "0"], 2, 'invalid --times "0"', "for example: --times 2"],
  [["--drop"], 1, "no sandbox is running", "start one: fob sandbox"],
])("fob sandbox fault %j", async (args, status, error, hint) => {
  const { world, env } = await makeHome();
  const result = await world.fob(["sandbox", "fault", ...args], { env });
  expect(result).toMatchObject({ status, stderr: `fob: error: ${error}\nfob: hint: ${hint}\n` });
});

test("users of the sandbox are completed", async () => {
  const { inSandbox } = await makeHome();
  const { stdout } = await inSandbox("fob complete sandbox code ''; fob complete sandbox ''");
  const lines = stdout.trimEnd().split("\n");
  expect(lines).toContain("ben");
  expect(lines).toContain("dan\tno device");
  expect(lines.map((line) => line.split("\t")[0])).toEqual(expect.arrayContaining(["code", "fault", "sign-in"]));
});
