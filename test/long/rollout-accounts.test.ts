// Accounts that others describe in public: what the plan and the guards say of their users. In accounts/, in the form of
// `fob sandbox --scenario`, with devices, keys and passwords where the descriptions have none.
import { expect, onTestFinished, test } from "vitest";
import { buildEnforcement, defaultVariant } from "../../src/iam/enforcement.ts";
import { indexPolicies } from "../../src/iam/policies-of.ts";
import { checkBatch, checkUser, type Situation } from "../../src/rollout/guards.ts";
import { decideFor, makePlan, type PlannedUser } from "../../src/rollout/plan.ts";
import { loadAccount } from "../../src/sandbox/load-account.ts";
import { readSavedAccount } from "../../src/sandbox/saved-account.ts";
import { startSandbox } from "../../src/sandbox/server.ts";
import { readAccountFile } from "../helpers/accounts.ts";
import { readSnapshot } from "../iam/read-account.ts";

const group = "RequireMFA";
const now = Date.now();

/** The plan, and the guards that refuse each user, as if the user were a batch alone. */
async function planAccount(name: string) {
  const saved = readSavedAccount(readAccountFile(name));
  const sandbox = await startSandbox({ fill: (account) => void loadAccount(account, saved) });
  onTestFinished(() => sandbox.close());
  const account = await readSnapshot(sandbox.url, sandbox.rootAccessKey);
  const options = { group, policy: defaultVariant, batchSize: 3, exclude: [], include: [], breakGlass: [], now };
  const plan = makePlan(account, options);
  const policiesOf = indexPolicies(account);
  const situation: Situation = {
    ...{ account, now, breakGlass: [], batch: { number: 1, users: [] } },
    enforcement: buildEnforcement(account, group, defaultVariant),
    decisionsOf: (user) => decideFor(user, policiesOf),
    planned: (user) => plan.users.find((each) => each.user === user),
    caller: { arn: "arn:aws:iam::123456789012:user/someone", hasMfa: true },
  };
  const keyHistory = { regions: ["us-east-1"], use: { value: null }, federation: { value: null } };
  const refusals = account.users.map((user) => {
    const alone = { ...situation, batch: { number: 1, users: [user.name] } };
    return [user.name, checkUser({ ...user, keyHistory }, alone)] as const;
  });
  return {
    plan,
    states: Object.fromEntries(plan.users.map(({ user, state }) => [user, state])),
    find: (user: string) => plan.users.find((each) => each.user === user) as PlannedUser,
    guards: Object.fromEntries(refusals.map(([user, found]) => [user, found.map(({ rule }) => rule)])),
    messages: Object.fromEntries(refusals.map(([user, found]) => [user, found.map(({ message }) => message)])),
    ofBatch: checkBatch(situation).map(({ rule }) => rule),
  };
}

// https://docs.aws.amazon.com/cli/latest/reference/iam/get-account-authorization-details.html#examples
test("AWS's example: an administrator who may do nothing in IAM cannot enroll, and is none", async () => {
  const { plan, states, find, guards, messages, ofBatch } = await planAccount("aws-cli-example");
  expect(states).toEqual({ Alice: "ready", Bob: "needs-device", Charlie: "key-in-use", Dana: "needs-device" });
  expect(plan.users.filter(({ isAdministrator }) => isAdministrator).map(({ user }) => user)).toEqual(["Alice"]);
  // No one else could take Alice out of the group again.
  expect(guards).toEqual({ Alice: ["G8"], Bob: ["G1"], Charlie: ["G13"], Dana: ["G1"] });
  expect(messages.Bob?.join()).toMatch(/not allowed without MFA: .*iam:CreateVirtualMFADevice.*iam:EnableMFADevice/);
  expect(ofBatch).toEqual(["G7"]);
  expect(plan.batches).toEqual([{ number: 1, users: ["Alice"] }]);
  expect(find("Dana").withoutMfa?.keeps.join()).toContain("iam:EnableMFADevice");
});

// https://github.com/RhinoSecurityLabs/cloudgoat: iam_privesc_by_key_rotation and iam_privesc_by_rollback
test("CloudGoat: users with keys and no password are programs, and those with neither are unused", async () => {
  const { plan, states, find, guards } = await planAccount("cloudgoat");
  const manager = "manager_iam_privesc_by_key_rotation";
  const raynor = "raynor-iam_privesc_by_rollback";
  expect(states).toEqual({
    admin_iam_privesc_by_key_rotation: "inactive",
    developer_iam_privesc_by_key_rotation: "inactive",
    ...{ [manager]: "automation", [raynor]: "automation" },
  });
  expect(plan.batches).toEqual([]);
  expect(guards[manager]).toEqual(["G1", "G3"]);
  expect(guards[raynor]).toEqual(["G1", "G3"]);
  // The ways in that CloudGoat shows end at the policy: without MFA neither tags nor versions can be changed.
  expect(find(manager).withoutMfa?.loses).toEqual(expect.arrayContaining(["iam:TagUser"]));
  expect(find(raynor).withoutMfa?.loses).toEqual(expect.arrayContaining(["iam:SetDefaultPolicyVersion"]));
  expect(find(raynor).isAdministrator).toBe(false);
});

// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
test("permissions boundaries: who may do nothing in IAM by a boundary cannot enroll, whatever the group allows", async () => {
  const { plan, states, guards, messages } = await planAccount("permissions-boundary");
  expect(states).toEqual({ Nikhil: "needs-device", Shirley: "needs-device", Zhang: "ready" });
  expect(plan.users.filter(({ isAdministrator }) => isAdministrator).map(({ user }) => user)).toEqual(["Zhang"]);
  expect(guards).toEqual({ Nikhil: ["G1"], Shirley: ["G1"], Zhang: ["G8"] });
  expect(messages.Shirley?.join()).toContain("could not enroll one: not allowed without MFA: ");
});
