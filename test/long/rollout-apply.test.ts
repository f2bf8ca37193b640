// `fob rollout apply`, `status` and `undo`: batches of a plan, guards, and the way back.
import { expect, test } from "vitest";
import { withFob } from "../helpers/shells.ts";
import { makeWorld } from "../helpers/world.ts";

/** Runs a script in a sandbox, with a session of the administrator ada and a plan for the team. */
async function inSandbox(script: string, { scenario = "team", plan = "" } = {}) {
  const at = await makeWorld();
  const lines = [
    "fob sandbox code ada | fob login ada --code-stdin >/dev/null 2>&1 || exit 99",
    `fob rollout plan --profile ada --out plan.json ${plan} >/dev/null 2>&1 || exit 98`,
    "export AWS_PROFILE=ada",
    script,
  ];
  return at.fob(["sandbox", "--scenario", scenario, "--", "sh", "-c", lines.join("\n")], {
    env: withFob(at.env),
    cwd: at.home,
  });
}

const apply = "fob rollout apply --plan plan.json --yes";

test("batch by batch, everybody who is ready gets under the policy; undo takes out whom fob put in", async () => {
  const script = [
    `${apply} && ${apply} && ${apply} && ${apply} && ${apply} || exit 9`,
    "fob rollout status --json >status.json || exit 8",
    "node -p 'JSON.parse(fs.readFileSync(\"status.json\")).enforced.join()'",
    "fob rollout undo --user ben --yes && fob rollout undo --batch 2 --yes || exit 7",
    "fob rollout status --json | node -p 'JSON.parse(fs.readFileSync(0)).enforced.join()'",
    "fob rollout undo --all --yes && fob rollout undo --all --yes || exit 6",
    "fob rollout status --json | node -p 'JSON.parse(fs.readFileSync(0)).enforced.length'",
  ];
  const { status, stdout, stderr } = await inSandbox(script.join("\n"));
  expect({ status, stdout }).toEqual({ status: 0, stdout: "ada,ben,cleo,grace,ivy\nada,grace\n0\n" });
  expect(stderr).toContain("fob: all 4 batches of the plan are done\n");
  expect(stderr).toContain("fob: nothing to undo: the journal on this computer has no users\n");
});

test("undo --batch is of the latest plan, and says so where the journal does not tell plans apart", async () => {
  const undo = "fob rollout undo --yes";
  const script = [
    `${apply} && fob rollout plan --out second.json >/dev/null && fob rollout apply --plan second.json --yes || exit 9`,
    `${undo} --batch 1 --json | tr -d ' \\n'; echo`,
    `sed -i 's/"plan":"[^"]*"/"other":"x"/' "$FOB_HOME"/journals/*`,
    `${undo} --batch 1; echo $?`,
  ];
  const { stdout, stderr } = await inSandbox(script.join("\n"));
  const groups = '[{"group":"RequireMFA","before":["ben","cleo"],"after":["ben"]}]';
  expect(stdout).toContain(`{"version":1,"account":"123456789012","undone":["cleo"],"groups":${groups}}\n1\n`);
  expect(stderr).toContain("fob: error: the journal does not say which plan batch 1 is of");
  expect(stderr).toContain("fob: hint: fob rollout undo --user ben\n");
}, 60_000);

test.each([
  ["--include gus", "G13: gus: ", 3],
  ["--include finn", "G4: finn: ", 3],
])("%s: the guard refuses, and nothing is changed", async (plan, message, expected) => {
  const user = plan.replace("--include ", "");
  const number = `node -p 'JSON.parse(fs.readFileSync("plan.json")).batches.find(({ users }) => users.includes("${user}")).number'`;
  const script = `${apply} --batch $(${number}); echo "$?"; fob rollout status --json | node -p 'JSON.parse(fs.readFileSync(0)).enforced.length'`;
  const { stdout, stderr } = await inSandbox(script, { plan });
  expect(stdout).toBe(`${expected}\n0\n`);
  expect(stderr).toContain(`fob: error: ${message}`);
  const guard = message.split(":")[0] ?? "";
  const overridden = await inSandbox(`${apply} --batch $(${number}) --override ${user}:${guard}`, { plan });
  expect(overridden).toMatchObject({ status: 0 });
});

test("the change that is shown leaves out what is there already", async () => {
  const { stderr } = await inSandbox(`${apply} 2>/dev/null; fob rollout apply --plan plan.json`);
  expect(stderr).not.toMatch(/create|attach/);
  expect(stderr).toContain("fob:   add cleo");
});

test("a plan of last month: a warning before the account number; with --yes an error that names the new plan", async () => {
  const age = `const p = JSON.parse(fs.readFileSync("plan.json")); p.made = new Date(Date.now() - 30.5 * 86400000).toISOString(); fs.writeFileSync("plan.json", JSON.stringify(p))`;
  const asked = "fob rollout apply --plan plan.json";
  const { stdout, stderr } = await inSandbox(`node -e '${age}'; ${asked}; echo $?; ${apply}; echo $?`);
  expect(stdout).toBe("4\n3\n");
  expect(stderr).toContain("fob: warning: the plan is 30 days old\n");
  expect(stderr).toContain("fob: error: nothing was changed: the plan is 30 days old\n");
  expect(stderr.match(/fob: hint: fob rollout plan --group RequireMFA --out plan.json\n/g)).toHaveLength(2);
});

test("without a device a user is refused, and the override puts the user into the group", async () => {
  const plan = "--include dan --exclude ben";
  const number = `node -p 'JSON.parse(fs.readFileSync("plan.json")).batches.find(({ users }) => users.includes("dan")).number'`;
  const script = `${apply} --batch $(${number}); echo $?; ${apply} --batch $(${number}) --override dan:G1; echo $?`;
  const { stdout, stderr } = await inSandbox(script, { plan });
  expect(stdout).toBe("3\n0\n");
  expect(stderr).toContain("G1: dan: no MFA device, and could enroll one, but not work until then\n");
});

test("without a terminal and --yes nothing is changed, and the exit code is 4", async () => {
  const { status, stderr } = await inSandbox("fob rollout apply --plan plan.json");
  expect(status).toBe(4);
  expect(stderr).toContain("nothing was changed");
  expect(stderr).toContain("fob rollout apply --plan plan.json --yes");
  for (const step of [
    ...["create the policy self-manage-mfa-policy", "create the policy enforce-mfa-policy"],
    ...["create the group RequireMFA", "attach self-manage-mfa-policy to group RequireMFA"],
    ...["attach enforce-mfa-policy to group RequireMFA", "add ben"],
  ]) {
    expect(stderr).toContain(`fob:   ${step}`);
  }
});

test.each([
  ['p.account = "999999999999"', 1, "the plan is of account 999999999999"],
  ["p.version = 2", 1, "its version is 2, not 1"],
  ['p.batches[0].users.push("break-glass")', 1, "has the break-glass user break-glass"],
  ['p.batches[0].users = ["ben","cleo","ivy","ada","grace","dan"]', 1, "has 6 users, not 1 to 5"],
  ['p.batches[0].users = ["unknown-user"]', 1, "who is not in the list of users"],
  ['p.users.find(({ user }) => user === "ben").state = "key-in-use"', 3, "ben was key-in-use and is ready"],
  ['p.users.find(({ user }) => user === "ben").arn += "x"', 3, "G12: ben: is not the user of the plan"],
  ["p.policy.passwordChange = 1", 1, "policy is not a variant"],
])("a plan that was edited: %s", async (edit, expected, message) => {
  const write = `const p = JSON.parse(fs.readFileSync("plan.json")); ${edit}; fs.writeFileSync("plan.json", JSON.stringify(p))`;
  const { status, stderr } = await inSandbox(`node -e '${write}'; ${apply} --batch 1`);
  expect(stderr).toContain(message);
  expect(status).toBe(expected);
});
