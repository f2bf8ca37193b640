// What can go wrong between a plan and its end: AWS refuses, throttles, fails and is late, and others change the account
// meanwhile. After each, AWS and the journal name the same users, and each of these can open a session.
import { join } from "node:path";
import { IAM } from "@aws-sdk/client-iam";
import { describe, expect, test, vi } from "vitest";
import type { RolloutStatus } from "../../src/rollout/status.ts";
import type { Fault } from "../../src/sandbox/faults.ts";
import { scenarios } from "../../src/sandbox/scenarios.ts";
import { listDone, readJournal } from "../../src/steps/journal.ts";
import { fast, makeWorld, type OnTerminal, type Result } from "../helpers/world.ts";

/** The team of the sandbox, with one more administrator, who makes the rollout; `iam` is someone else's. */
async function startTeam() {
  const world = await makeWorld({ fill: scenarios.team });
  const { sandbox, user, home } = world;
  const iam = new IAM({ credentials: sandbox.rootAccessKey, endpoint: sandbox.url, region: "eu-central-1" });
  const env = {
    AWS_ACCESS_KEY_ID: user.accessKey.accessKeyId,
    AWS_SECRET_ACCESS_KEY: user.accessKey.secretAccessKey,
    ...{ AWS_REGION: "eu-central-1", FOB_HOME: join(home, "store"), NODE_OPTIONS: fast },
  };
  const rollout = (args: string, changes: Record<string, string> = {}): Promise<Result> =>
    world.fob(["rollout", ...args.split(" ")], { env: { ...env, ...changes }, cwd: home });
  const plan = async (options = ""): Promise<void> => {
    expect(await rollout(`plan --out plan.json${options}`)).toMatchObject({ status: 0 });
  };
  const listMembers = async (): Promise<string[]> => {
    const { Users = [] } = await iam.getGroup({ GroupName: "RequireMFA" }).catch(() => ({ Users: [] }));
    return Users.flatMap(({ UserName }) => UserName ?? []).sort();
  };
  /** Changes something for the administrator who makes the rollout. */
  const withDeny = async <T>(action: string, work: () => Promise<T>): Promise<T> => {
    const PolicyDocument = formatPolicy("Deny", action);
    const own = { UserName: user.name, PolicyName: "deny" };
    await iam.putUserPolicy({ ...own, PolicyDocument });
    const result = await work();
    await iam.deleteUserPolicy(own);
    return result;
  };
  const expectMembers = async (expected: readonly string[]): Promise<void> => {
    const inGroup = await listMembers();
    const steps = listDone(readJournal(env.FOB_HOME, "rollout-123456789012"));
    const journaled = steps.flatMap(({ facts: { user: name = [] } }) => name).sort();
    const { enforced, drift } = JSON.parse((await rollout("status --json")).stdout) as RolloutStatus;
    expect({ inGroup, journaled, enforced, drift }).toEqual({
      ...{ inGroup: expected, journaled: expected, enforced: expected, drift: [] },
    });
    for (const UserName of inGroup) {
      const { MFADevices = [] } = await iam.listMFADevices({ UserName });
      expect({ UserName, devices: MFADevices.length }).not.toMatchObject({ devices: 0 });
    }
  };
  const fail = (operation: string, kind: Fault["kind"], more: Partial<Fault> = {}): void =>
    sandbox.addFault({ operation: `iam:${operation}`, kind, ...more });
  const rolloutOnTerminal = (args: string): OnTerminal =>
    world.fobOnTerminal(["rollout", ...args.split(" ")], { env, cwd: home });
  return { iam, home, rollout, rolloutOnTerminal, plan, withDeny, listMembers, expectMembers, fail };
}

const apply = "apply --plan plan.json --yes";
const undo = "undo --all --yes";
/** Waits take their whole time. */
const atItsOwnPace = { NODE_OPTIONS: "" };
const formatPolicy = (Effect: "Allow" | "Deny", Action: string): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect, Action, Resource: "*" }] });

describe("without a permission", () => {
  test.each([
    ["iam:ListGroupsForUser", 1, "to perform: iam:ListGroupsForUser on"],
    ["iam:CreatePolicy", 1, "cannot create the policy self-manage-mfa-policy: AWS denied the request"],
    ["iam:CreateGroup", 1, "cannot create the group RequireMFA: AWS denied the request"],
    ["iam:AttachGroupPolicy", 1, "cannot attach self-manage-mfa-policy to group RequireMFA: AWS denied the request"],
    ["iam:AddUserToGroup", 1, "cannot add ben to group RequireMFA: AWS denied the request"],
    ["iam:GetLoginProfile", 3, "G3: ben: whether there is a console password is not known: AWS denied the request"],
    ["iam:ListAccessKeys", 3, "G3: ben: access keys are not known: AWS denied the request"],
    ["iam:ListMFADevices", 3, "G1: ben: MFA devices are not known: AWS denied the request"],
    ["iam:GetAccountPasswordPolicy", 3, "G2: ben: the password policy is not known: AWS denied the request"],
  ])("%s: no one is added, and with it the same command goes on", async (action, expected, message) => {
    const { rollout, plan, withDeny, expectMembers } = await startTeam();
    await plan();
    const { status, stderr } = await withDeny(action, () => rollout(apply));
    expect(stderr).toContain("fob: error: ");
    expect(stderr).toContain(message);
    expect(stderr).toContain(action);
    if (expected === 3)
      expect(stderr).toContain("fob: hint: see which permissions you need: fob rollout apply --print-policy");
    expect(status).toBe(expected);
    await expectMembers([]);
    expect(await rollout(apply)).toMatchObject({ status: 0 });
    await expectMembers(["ben"]);
  });

  test("iam:SimulatePrincipalPolicy: the users are verified without it, and fob says so", async () => {
    const { rollout, plan, withDeny, expectMembers } = await startTeam();
    await plan();
    const { status, stderr } = await withDeny("iam:SimulatePrincipalPolicy", () => rollout(apply));
    expect(stderr).toContain("not verified with AWS's simulator: arn:aws:iam::123456789012:user/ben: AWS denied");
    expect(status).toBe(0);
    await expectMembers(["ben"]);
  });

  test("iam:RemoveUserFromGroup: undo names it, and prints the command for someone else", async () => {
    const { rollout, plan, withDeny, expectMembers } = await startTeam();
    await plan();
    await rollout(apply);
    const { status, stderr } = await withDeny("iam:RemoveUserFromGroup", () => rollout(undo));
    expect(stderr).toContain("fob: error: cannot remove ben from group RequireMFA: AWS denied the request");
    expect(stderr).toContain("aws iam remove-user-from-group --user-name ben --group-name RequireMFA\n");
    expect(status).toBe(1);
    await expectMembers(["ben"]);
    expect(await rollout(undo)).toMatchObject({ status: 0 });
    await expectMembers([]);
  });
});

/** How often fob asks when AWS does not answer. */
const always = { times: 8 };
const once = { times: 1 };
const unsure = "AWS may have made the change; run the same command again, which checks that first";

describe("AWS is throttling, failing or out of reach, and the same command goes on later", () => {
  test.each<[string, Fault["kind"], Partial<Fault>, string]>([
    ["GetAccountAuthorizationDetails", "throttle", always, "AWS is throttling requests"],
    ["ListGroupsForUser", "throttle", always, "wait a minute, then try again"],
    ["ListGroupsForUser", "error", always, "(HTTP 500)"],
    ["ListGroupsForUser", "drop", always, "the connection was cut"],
    ["CreatePolicy", "error", once, unsure],
    ["CreateGroup", "drop-answer", once, unsure],
    ["AttachGroupPolicy", "drop-answer", once, unsure],
    ["AddUserToGroup", "throttle", once, "cannot add ben to group RequireMFA: AWS is throttling requests"],
    ["AddUserToGroup", "error", once, unsure],
    ["AddUserToGroup", "drop", once, "to undo"],
    ["AddUserToGroup", "drop-answer", once, unsure],
  ])("apply: %s, %s", async (operation, kind, more, message) => {
    const { rollout, plan, fail, expectMembers } = await startTeam();
    await plan();
    fail(operation, kind, more);
    const { status, stderr } = await rollout(apply);
    expect(stderr).toContain(message);
    expect(stderr).toContain("fob: error: ");
    expect(status).toBe(1);
    expect(await rollout(apply)).toMatchObject({ status: 0 });
    await expectMembers(["ben"]);
  });

  test.each<[Fault["kind"], string]>([
    ["throttle", "cannot remove ben from group RequireMFA: AWS is throttling requests"],
    ["error", "(HTTP 500)"],
    ["drop", "the connection was cut"],
    ["drop-answer", "the connection was cut"],
  ])("undo: RemoveUserFromGroup, %s", async (kind, message) => {
    const { rollout, plan, fail, expectMembers } = await startTeam();
    await plan();
    await rollout(apply);
    fail("RemoveUserFromGroup", kind, once);
    const { status, stderr } = await rollout(undo);
    expect(stderr).toContain(message);
    expect(stderr).toContain("aws iam remove-user-from-group --user-name ben --group-name RequireMFA\n");
    expect(status).toBe(1);
    expect(await rollout(undo)).toMatchObject({ status: 0 });
    await expectMembers([]);
  });

  test("a few failures of every read, and slow answers, are no failure", async () => {
    const { rollout, plan, fail, expectMembers } = await startTeam();
    fail("Get*", "throttle", { times: 2 });
    fail("List*", "error", { times: 2 });
    await plan();
    fail("Get*", "drop", { times: 2 });
    fail("List*", "throttle", { times: 2 });
    fail("*", "delay", { ms: 300, times: 10 });
    expect(await rollout(apply)).toMatchObject({ status: 0 });
    fail("Get*", "error", { times: 2 });
    expect(await rollout(undo)).toMatchObject({ status: 0 });
    await expectMembers([]);
  });

  test("plan: a part of the account is not taken for the whole", async () => {
    const { rollout, fail } = await startTeam();
    fail("GetAccountAuthorizationDetails", "drop", always);
    const { status, stdout, stderr } = await rollout("plan --json");
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toContain("fob: hint: check the network connection\n");
  });
});

test("reads that are behind: apply waits until AWS shows a user in the group, and undo says if it does not yet", async () => {
  const { rollout, plan, fail, expectMembers } = await startTeam();
  await plan();
  fail("*", "stale", { ms: 2500, untilMs: Date.now() + 3_600_000 });
  expect(await rollout(apply, atItsOwnPace)).toMatchObject({ status: 0 });
  await vi.waitFor(() => expectMembers(["ben"]), { timeout: 30_000, interval: 500 });
  const { status, stderr } = await rollout(undo, atItsOwnPace);
  expect({ status, stderr }).toMatchObject({
    status: 0,
    stderr: expect.stringContaining("AWS still shows ben") as string,
  });
  await vi.waitFor(() => expectMembers([]), { timeout: 30_000, interval: 500 });
});

test("a user whom AWS does not show in the group: the same command looks at that user first", async () => {
  const { rollout, plan, fail, expectMembers } = await startTeam();
  await plan();
  fail("ListGroupsForUser", "stale", { ms: 10_000, untilMs: Date.now() + 3_600_000 });
  const { status, stderr } = await rollout(apply);
  expect(stderr).toContain('fob: error: "add ben to group RequireMFA" is done, but AWS does not show it\n');
  expect(status).toBe(1);
  expect(await rollout(apply, atItsOwnPace)).toMatchObject({ status: 0 });
  await expectMembers(["ben"]);
});

describe("someone else changes a user between plan and apply", () => {
  test("renamed, deleted: the batch is not applied, and a new plan is", async () => {
    const { iam, rollout, plan, expectMembers } = await startTeam();
    await plan();
    await iam.updateUser({ UserName: "ben", NewUserName: "zoe" });
    const { status, stderr } = await rollout(apply);
    expect(stderr).toContain('fob: error: batch 1 is not applied: no user "ben" in account 123456789012 any more\n');
    expect(stderr).toContain("fob: hint: fob rollout plan --out plan.json\n");
    expect(status).toBe(3);
    await plan();
    expect(await rollout(`${apply} --batch 1`)).toMatchObject({ status: 0 });
    await expectMembers(["cleo"]);
  });

  test("made again under the same name: it is not the user of the plan", async () => {
    const { iam, rollout, plan, expectMembers } = await startTeam();
    await plan();
    await iam.updateUser({ UserName: "ben", NewUserName: "ben-before" });
    await iam.createUser({ UserName: "ben" });
    await iam.createLoginProfile({ UserName: "ben", Password: "A long pass phrase, 7 words!" });
    const { status, stderr } = await rollout(apply);
    expect(stderr).toContain("fob: error: G12: ben: is not the user of the plan\n");
    expect(stderr).toContain("fob: hint: make a new plan: fob rollout plan --out plan.json\n");
    expect(status).toBe(3);
    await expectMembers([]);
  });

  test("without a device any more, or with one by now: not as planned", async () => {
    const { iam, rollout, plan, expectMembers } = await startTeam();
    await plan(" --include dan --exclude ben");
    const { MFADevices: [device] = [] } = await iam.listMFADevices({ UserName: "ivy" });
    const SerialNumber = device?.SerialNumber ?? "";
    await iam.deactivateMFADevice({ UserName: "ivy", SerialNumber });
    const lost = await rollout(`${apply} --batch 2`);
    expect(lost.stderr).toContain("G1: ivy: no MFA device");
    expect(lost.status).toBe(3);
    await expectMembers([]);
  });

  test("the only healthy break-glass user gets an access key: it is not healthy, whatever the credential report says", async () => {
    const { iam, rollout, plan, expectMembers } = await startTeam();
    await plan();
    expect((await rollout("break-glass --json")).status).toBe(0);
    await iam.createAccessKey({ UserName: "break-glass" });
    for (const command of ["break-glass", apply]) {
      const { status, stdout, stderr } = await rollout(command);
      expect(stdout + stderr).toMatch(/(G7: .*break-glass: |problem: )has an active access key/);
      expect(status).toBe(3);
    }
    await expectMembers([]);
  });

  test("renamed once in the group: undo takes the user out under the new name, and status sees no drift", async () => {
    const { iam, rollout, plan } = await startTeam();
    await plan();
    await rollout(apply);
    await iam.updateUser({ UserName: "ben", NewUserName: "zoe" });
    const before = JSON.parse((await rollout("status --json")).stdout) as RolloutStatus;
    expect(before).toMatchObject({ enforced: ["zoe"], drift: [] });
    const { status, stderr } = await rollout("undo --user ben --yes");
    expect({ status, stderr }).toMatchObject({
      status: 0,
      stderr: expect.stringContaining("out of the group: zoe") as string,
    });
    const { Groups = [] } = await iam.listGroupsForUser({ UserName: "zoe" });
    expect(Groups.map(({ GroupName }) => GroupName)).toEqual(["developers"]);
    const after = JSON.parse((await rollout("status --json")).stdout) as RolloutStatus;
    expect(after).toMatchObject({ enforced: [], drift: [] });
  });

  test("in ten groups: AWS would refuse the eleventh, and the guard does before", async () => {
    const { iam, rollout, plan, expectMembers } = await startTeam();
    await plan();
    for (let number = 2; number <= 10; number++) {
      await iam.createGroup({ GroupName: `team-${number}` });
      await iam.addUserToGroup({ GroupName: `team-${number}`, UserName: "ben" });
    }
    const { status, stderr } = await rollout(apply);
    expect(stderr).toContain("fob: error: G9: ben: is in 10 groups, and AWS allows 10\n");
    expect(status).toBe(3);
    await expectMembers([]);
  });
});

describe("the group or a policy is not fob's", () => {
  const PolicyDocument = formatPolicy("Allow", "*");

  test("a group of that name, in other letters, with ten other policies", async () => {
    const { iam, rollout, plan } = await startTeam();
    await plan();
    await iam.createGroup({ GroupName: "requiremfa" });
    for (let number = 1; number <= 10; number++) {
      const { Policy } = await iam.createPolicy({ PolicyName: `other-${number}`, PolicyDocument });
      await iam.attachGroupPolicy({ GroupName: "requiremfa", PolicyArn: Policy?.Arn });
    }
    await iam.putGroupPolicy({ GroupName: "requiremfa", PolicyName: "own", PolicyDocument });
    const { status, stderr } = await rollout(apply);
    expect(stderr).toContain("also has arn:aws:iam::123456789012:policy/other-10\n");
    expect(stderr).toContain("also has inline policy own\n");
    expect(stderr).toContain("aws iam detach-group-policy --group-name RequireMFA --policy-arn arn:");
    expect(stderr).toContain("or choose another group: fob rollout plan --group NAME --out plan.json\n");
    expect(status).toBe(3);
    expect(await iam.listGroupsForUser({ UserName: "ben" })).toMatchObject({ Groups: [{ GroupName: "developers" }] });
  });

  test.each([
    ["/", "the default version (v1) of arn:aws:iam::123456789012:policy/enforce-mfa-policy is not the policy"],
    ["/x/", "arn:aws:iam::123456789012:policy/x/enforce-mfa-policy has the name that fob's policy needs"],
  ])("a policy of that name with another text, in the path %s", async (Path, message) => {
    const { iam, rollout, plan } = await startTeam();
    await plan();
    await iam.createPolicy({ PolicyName: "enforce-mfa-policy", Path, PolicyDocument });
    const { status, stderr } = await rollout(apply);
    expect(stderr).toContain(message);
    expect(stderr).toContain("fob: hint: see who has it: aws iam list-entities-for-policy --policy-arn arn:");
    expect(stderr).not.toContain("choose another group");
    expect(status).toBe(3);
    expect(await iam.listGroups({})).not.toMatchObject({
      Groups: expect.arrayContaining([{ GroupName: "RequireMFA" }]) as object,
    });
  });

  test("a policy is added to the group while fob asks for the account number", async () => {
    const { iam, rolloutOnTerminal, rollout, plan } = await startTeam();
    await plan();
    await rollout(apply);
    const terminal = rolloutOnTerminal("apply --plan plan.json");
    await terminal.shows("Type the account number");
    await iam.putGroupPolicy({ GroupName: "RequireMFA", PolicyName: "own", PolicyDocument });
    terminal.type("123456789012\r");
    const { status, screen } = await terminal.ended;
    expect(screen).toContain("G12: RequireMFA: group RequireMFA also has inline policy own");
    expect(status).toBe(3);
    expect(await iam.getGroup({ GroupName: "RequireMFA" })).toMatchObject({ Users: [{ UserName: "ben" }] });
  });

  test("a policy of that name was made since the account was read", async () => {
    const { iam, rollout, plan, fail, expectMembers } = await startTeam();
    await plan();
    fail("GetAccountAuthorizationDetails", "stale", { ms: 3_600_000, times: 1 });
    await iam.createPolicy({ PolicyName: "enforce-mfa-policy", PolicyDocument });
    const { status, stderr } = await rollout(apply);
    expect(stderr).toContain("there is a policy enforce-mfa-policy since a moment ago\n");
    expect(stderr).toContain("fob: hint: run the same command again, which looks at it first\n");
    expect(status).toBe(1);
    expect((await rollout(apply)).stderr).toContain("is not the policy that fob would make");
    const policies = await iam.listPolicies({ Scope: "Local" });
    const own = policies.Policies?.find(({ PolicyName }) => PolicyName === "enforce-mfa-policy");
    await iam.deletePolicy({ PolicyArn: own?.Arn });
    expect(await rollout(apply)).toMatchObject({ status: 0 });
    await expectMembers(["ben"]);
  });
});

describe("two at once", () => {
  test("on one computer: one goes on, and the other one says which process does", async () => {
    const { rollout, plan, expectMembers, fail } = await startTeam();
    await plan();
    fail("CreatePolicy", "delay", { ms: 4000, times: 1 });
    const both = await Promise.all([rollout(apply, atItsOwnPace), rollout(apply, atItsOwnPace)]);
    expect(both.map(({ status }) => status).sort()).toEqual([0, 1]);
    const second = both.find(({ status }) => status === 1);
    expect(second?.stderr).toMatch(
      /fob: error: another fob \(process \d+\) has held the lock ".*" for 1 s\nfob: hint: /,
    );
    await expectMembers(["ben"]);
  });

  test("on two computers: both end well or say what to run, and AWS has what the journals say", async () => {
    const { home, rollout, plan, listMembers, expectMembers } = await startTeam();
    await plan();
    const other = { FOB_HOME: join(home, "other") };
    for (const { status, stderr } of await Promise.all([rollout(apply), rollout(apply, other)])) {
      if (status !== 0) expect(stderr).toContain("run the same command again");
    }
    expect(await rollout(`${apply} --batch 1`, other)).toMatchObject({ status: 0 });
    expect(await rollout(`${apply} --batch 1`)).toMatchObject({ status: 0 });
    expect((await rollout("status --json", other)).status).toBe(0);
    const first = await rollout(undo);
    // Who added a user depends on which computer was faster. The others are left to the other undo, and named.
    const left = await listMembers();
    expect(first.status).toBe(left.length === 0 ? 0 : 3);
    for (const user of left) expect(first.stderr).toContain(`error: ${user} is in group RequireMFA`);
    expect(await rollout(undo, other)).toMatchObject({ status: 0 });
    await expectMembers([]);
  });

  test("apply beside an undo: what is not in the group in the end is told", async () => {
    const { home, rollout, plan } = await startTeam();
    const other = { FOB_HOME: join(home, "other") };
    await plan();
    await rollout(apply);
    const [applied, undone] = await Promise.all([rollout(apply, other), rollout(undo)]);
    // With 3 it names those whom the other computer has put in meanwhile.
    expect([0, 3]).toContain(undone.status);
    expect(applied.status).toBe(0);
    const { enforced, drift } = JSON.parse((await rollout("status --json")).stdout) as RolloutStatus;
    expect(enforced).not.toContain("ben");
    expect(enforced).toEqual(["cleo", "ivy"]);
    expect(drift).toEqual([]);
  });
});
