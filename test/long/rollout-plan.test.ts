// `fob rollout plan`: every user's state, and batches of those who can be put under the policy.
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Plan } from "../../src/rollout/plan.ts";
import { isThere } from "../helpers/needed.ts";
import { withFob } from "../helpers/shells.ts";
import { makeWorld, type World } from "../helpers/world.ts";

/** Runs a script in a sandbox, with a session of the administrator ada. */
async function inSandbox(script: string, scenario = "team", world?: World) {
  const at = world ?? (await makeWorld());
  const login = "fob sandbox code ada | fob login ada --code-stdin >/dev/null 2>&1 || exit 99";
  return at.fob(["sandbox", "--scenario", scenario, "--", "sh", "-c", `${login}\n${script}`], {
    env: withFob(at.env),
    cwd: at.home,
  });
}

const read = (stdout: string): Plan => JSON.parse(stdout) as Plan;
const statesOf = ({ users }: Plan) => Object.fromEntries(users.map(({ user, state }) => [user, state]));

const team = {
  ...{ ada: "ready", ben: "ready", "break-glass": "break-glass", "ci-deploy": "automation", cleo: "ready" },
  ...{ dan: "needs-device", erin: "needs-device", finn: "security-key-only", grace: "ready", gus: "key-in-use" },
  ...{ hal: "inactive", ivy: "ready", "old-break-glass": "break-glass" },
};

test("the team: a state for everybody, one user first, each administrator alone at the end", async () => {
  const { status, stdout, stderr } = await inSandbox("fob rollout plan --profile ada --json");
  expect(stderr).toContain("fob: as arn:aws:iam::123456789012:user/ada in 123456789012");
  expect(status).toBe(0);
  const plan = read(stdout);
  expect(statesOf(plan)).toEqual(team);
  expect(plan.batches).toEqual([
    { number: 1, users: ["ben"] },
    { number: 2, users: ["cleo", "ivy"] },
    { number: 3, users: ["ada"] },
    { number: 4, users: ["grace"] },
  ]);
  expect(plan.breakGlass).toEqual(["break-glass", "old-break-glass"]);
  expect(plan).toMatchObject({ version: 1, account: "123456789012", partition: "aws", group: "RequireMFA" });
});

test("who is in the group already is in no batch", async () => {
  const plan = read((await inSandbox("fob rollout plan --profile ada --json", "team-enforced")).stdout);
  expect(statesOf(plan)).toEqual({ ...team, ben: "enforced", cleo: "enforced", dan: "enforced" });
  expect(plan.batches[0]).toEqual({ number: 1, users: ["ivy"] });
});

test("--simulate asks AWS's simulator about the users of the batches", async () => {
  const script = [
    "fob rollout plan --profile ada --simulate --json >first.json || exit 9",
    "fob sandbox fault iam:SimulatePrincipalPolicy --error",
    "fob rollout plan --profile ada --simulate --json >second.json || exit 8",
  ];
  const world = await makeWorld();
  const { status, stderr } = await inSandbox(script.join("\n"), "team", world);
  expect(status, stderr).toBe(0);
  const [first, second] = ["first.json", "second.json"].map((name) =>
    read(readFileSync(join(world.home, name), "utf8")),
  );
  const find = (plan: Plan | undefined, name: string) => plan?.users.find(({ user }) => user === name);
  expect(find(first, "ben")?.evidence).toContain("AWS's simulator agrees on 12 decisions");
  expect(find(first, "dan")?.evidence.join()).not.toContain("simulator");
  expect(statesOf(first as Plan)).toEqual(team);
  expect(find(second, "ben")?.unknown.join()).toContain("what AWS's simulator says: ");
});

test.skipIf(!isThere("aws", "--version"))(
  "where AWS's simulator knows of a policy that the account's details do not have yet, the user is in no batch",
  async () => {
    const policy = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:ListUsers","Resource":"*"}}';
    const script = [
      "fob sandbox fault iam:GetAccountAuthorizationDetails --stale 60s >/dev/null",
      `AWS_PROFILE=ada aws iam put-user-policy --user-name ben --policy-name more --policy-document '${policy}' || exit 9`,
      "fob rollout plan --profile ada --simulate --json",
    ];
    const { stdout, stderr } = await inSandbox(script.join("\n"));
    expect(stderr).not.toContain("error");
    const plan = read(stdout);
    expect(plan.users.find(({ user }) => user === "ben")).toMatchObject({
      ...{
        state: "unknown",
        unknown: ["what the policies decide: iam:ListUsers with MFA: fob implicitDeny, AWS allowed"],
      },
    });
    expect(plan.batches.flatMap(({ users }) => users)).not.toContain("ben");
  },
);

test("--out writes what --json prints, for the user alone, and says how to go on", async () => {
  const world = await makeWorld();
  const { stdout, stderr } = await inSandbox("fob rollout plan --profile ada --out plan.json", "team", world);
  expect(stderr).toContain('fob: wrote "plan.json"\n');
  expect(stdout).toMatch(/^ben +ready +1 /m);
  const file = join(world.home, "plan.json");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statesOf(read(readFileSync(file, "utf8")))).toEqual(team);
});

test("an empty account has no batches, and that is no failure", async () => {
  const world = await makeWorld();
  const keyOf = (name: string) => `$(sed -n "s/^aws_${name} *= *//p" "$AWS_SHARED_CREDENTIALS_FILE")`;
  const script = `AWS_ACCESS_KEY_ID=${keyOf("access_key_id")} AWS_SECRET_ACCESS_KEY=${keyOf("secret_access_key")}`;
  const { status, stdout, stderr } = await world.fob(
    ["sandbox", "--scenario", "empty", "--", "sh", "-c", `export ${script}; fob rollout plan`],
    { env: withFob(world.env) },
  );
  expect(stdout).toContain("0 users, 0 batches");
  expect(status).toBe(0);
  expect(stderr).toContain("no break-glass user");
});

test("what is not a user, a group or a size is refused, with exit code 2", async () => {
  const options = ["--include nosuch", "--exclude clea", "--include break-glass", "--batch-size 6", "--group 'a b'"];
  const lines = options.map((option) => `fob rollout plan --profile ada ${option}; echo $?`);
  const { stdout, stderr } = await inSandbox(lines.join("\n"));
  expect(stdout).toBe("2\n".repeat(options.length));
  for (const message of [
    'no user "nosuch" (from --include)',
    "did you mean: cleo",
    "is a break-glass user",
    "choose from 2 to 5",
    "is not a name of a group",
  ]) {
    expect(stderr).toContain(message);
  }
});

test("without a permission, what could not be read is unknown, and the permission is named", async () => {
  const { status, stderr } = await inSandbox(
    "fob sandbox code ben | fob login ben --code-stdin >/dev/null 2>&1; fob rollout plan --profile ben",
  );
  expect(status).toBe(1);
  expect(stderr).toContain("iam:GetAccountAuthorizationDetails");
});
