// Puts a batch of users under the enforcement policy, step by step.

import { AwsFailure } from "../aws/failures.ts";
import { exitCodes, FobError } from "../errors.ts";
import { decideAbout, type UserDecisions } from "../iam/decisions.ts";
import { documentsOf, type Enforcement, findGroup, formatVariant, type GroupPolicy } from "../iam/enforcement.ts";
import { isMember } from "../iam/parts.ts";
import type { PoliciesOf } from "../iam/policies-of.ts";
import { type Known, mapKnown, type User } from "../iam/snapshot.ts";
import type { Decision } from "../policy/engine/evaluate.ts";
import type { JournaledStep } from "../steps/journal.ts";
import type { Check, Step, Undo } from "../steps/steps.ts";
import { checkUser, type GuardId, type Refusal, type Situation } from "./guards.ts";
import type { Batch, Plan } from "./plan.ts";

/** What changes the account. */
export interface RolloutCalls {
  /** undefined if there is one of that name. */
  readonly createPolicy: (policy: GroupPolicy) => Promise<string | undefined>;
  /** false if there is one of that name. */
  readonly createGroup: (group: string) => Promise<boolean>;
  readonly attachGroupPolicy: (group: string, policyArn: string) => Promise<void>;
  readonly addUserToGroup: (user: string, group: string) => Promise<void>;
  readonly removeUserFromGroup: (user: string, group: string) => Promise<unknown>;
  /** The user as it is now; undefined if it is gone. */
  readonly readUser: (user: User) => Promise<User | undefined>;
  /** The same of a break-glass user, without what its keys were used for. */
  readonly readBreakGlass: (user: User) => Promise<User | undefined>;
  /** The groups of a user; undefined if it is gone. */
  readonly listGroupsForUser: (user: string) => Promise<readonly string[] | undefined>;
  /** What AWS's own simulator decides about a request without MFA; unknown without the permission. */
  readonly simulateWithoutMfa: (userArn: string, action: string) => Promise<Known<Decision>>;
}

export interface Override {
  readonly user: string;
  readonly guard: GuardId;
}

/** Leaves out what is overridden. */
export function withoutOverridden(refusals: readonly Refusal[], overrides: readonly Override[]): readonly Refusal[] {
  return refusals.filter(
    ({ rule, subject, canOverride }) =>
      !canOverride ||
      !overrides.some(({ user, guard }) => guard === rule && user.toLowerCase() === subject.toLowerCase()),
  );
}

/**
 * The first batch with a user who is not in the group, or the one with this number.
 *
 * @param unsure users of whom the journal does not know whether they were added: they are in the group, perhaps, but not
 *   verified
 */
export function chooseBatch(
  { batches, group }: Plan,
  users: readonly User[],
  number: number | undefined,
  unsure: readonly string[] = [],
): Batch | undefined {
  if (number !== undefined) return batches.find((batch) => batch.number === number);
  const isDone = (name: string): boolean =>
    !unsure.includes(name) && users.some((user) => user.name === name && isMember(user, group));
  return batches.find((batch) => !batch.users.every(isDone));
}

/** The steps that make sure that the group is as it should be, and those that put the users of the batch into it. */
export function listApplySteps(
  situation: Situation,
  policiesOf: PoliciesOf,
  overrides: readonly Override[],
  calls: RolloutCalls,
): readonly Step[] {
  const { account, batch, enforcement } = situation;
  const users = batch.users.flatMap((name) => account.users.find((user) => user.name === name) ?? []);
  const about = { group: enforcement.group, variant: formatVariant(enforcement.variant) };
  return [
    ...listGroupSteps(situation, calls),
    ...users.map((user) => makeAddStep(user, situation, policiesOf, overrides, calls)),
  ].map((step) => ({ ...step, facts: { ...step.facts, ...about } }));
}

/** What the group needs: no user is in it yet where something is missing. */
export function listGroupSteps(
  { account, enforcement }: Pick<Situation, "account" | "enforcement">,
  calls: Pick<RolloutCalls, "attachGroupPolicy" | "createGroup" | "createPolicy">,
): readonly Step[] {
  const { group, policies } = enforcement;
  const existing = findGroup(account, group);
  const isDone = (is: boolean): Promise<Check> => Promise.resolve({ state: is ? "done" : "to do" });
  const none = {};
  return [
    ...policies.map((policy): Step => {
      const isThere = account.managedPolicies.some(({ arn }) => arn === policy.arn);
      return {
        ...{
          id: `create-policy/${policy.name}`,
          text: `create the policy ${policy.name}`,
          facts: { policy: policy.arn },
        },
        check: () => isDone(isThere),
        do: async () => {
          if ((await calls.createPolicy(policy)) === undefined) throw explainExisting(`a policy ${policy.name}`);
          return none;
        },
      };
    }),
    {
      ...{ id: `create-group/${group}`, text: `create the group ${group}` },
      check: () => isDone(existing !== undefined),
      do: async () => {
        if (!(await calls.createGroup(group))) throw explainExisting(`a group ${group}`);
        return none;
      },
    },
    ...policies.map((policy): Step => {
      const isThere = existing?.attachedPolicies.includes(policy.arn) === true;
      return {
        ...{ id: `attach-policy/${group}/${policy.name}`, text: `attach ${policy.name} to group ${group}` },
        facts: { policy: policy.arn },
        check: () => isDone(isThere),
        do: async () => {
          await calls.attachGroupPolicy(group, policy.arn);
          return none;
        },
      };
    }),
  ];
}

/** What was made since the account was read may be anything. */
const explainExisting = (what: string): AwsFailure =>
  new AwsFailure(
    "refused",
    `there is ${what} since a moment ago`,
    "run the same command again, which looks at it first",
  );

const addPrefix = "add-user/";

function makeAddStep(
  user: User,
  situation: Situation,
  policiesOf: PoliciesOf,
  overrides: readonly Override[],
  calls: RolloutCalls,
): Step {
  const { enforcement, batch } = situation;
  const { group } = enforcement;
  const isThere = async (): Promise<boolean | undefined> => {
    const groups = await calls.listGroupsForUser(user.name);
    return groups && isMember({ groups }, group);
  };
  return {
    id: `${addPrefix}${user.name}`,
    text: `add ${user.name} to group ${group}`,
    facts: { user: user.name, id: user.id, batch: String(batch.number) },
    check: async () => {
      const now = await calls.readUser(user);
      if (now === undefined) return blockOn(`there is no user ${user.name} any more`);
      if (isMember(now, group)) return { state: "done" };
      const refusals = withoutOverridden(checkUser(now, situation), overrides);
      if (refusals.length === 0) return { state: "to do" };
      return blockOn(
        refusals.map(({ rule, message }) => `${rule}: ${message}`).join("; "),
        refusals.map(({ fix }) => fix),
      );
    },
    do: async () => {
      await calls.addUserToGroup(user.name, group);
      return {};
    },
    confirm: async () => {
      const isMemberNow = await isThere();
      if (isMemberNow === undefined) return blockOn(`there is no user ${user.name} any more`);
      if (!isMemberNow) return { state: "to do" };
      const doubt = findDoubt(
        user,
        mapKnown(policiesOf(user), (found) => decideAbout(user, found)),
        enforcement,
      );
      if (doubt !== undefined) return blockOn(doubt);
      // A request that nearly everybody is allowed, and that the policy denies without MFA.
      const simulated = await calls.simulateWithoutMfa(user.arn, "s3:ListAllMyBuckets");
      return "value" in simulated && simulated.value !== "explicitDeny" ? { state: "to do" } : { state: "done" };
    },
    undo: () => makeRemoval(user.name, group, calls),
  };
}

const blockOn = (reason: string, hints: readonly string[] = []): Check => ({
  ...{ state: "blocked", reason, hints, exitCode: exitCodes.notFresh },
});

/** What is not as it should be once the user is in the group. */
function findDoubt(user: User, decisions: Known<UserDecisions>, enforcement: Enforcement): string | undefined {
  if (!("value" in decisions)) return `it is not known what ${user.name} may do: ${decisions.unknown}`;
  const policies = documentsOf(enforcement);
  const opening = decisions.value.findOpening(policies);
  if (opening !== undefined) return `${user.name} still works without MFA: ${opening}`;
  const after = new Set(decisions.value.listAllowed("MFA", policies));
  const lost = decisions.value.listAllowed("MFA").filter((text) => !after.has(text));
  return lost.length === 0 ? undefined : `${user.name} would lose this with MFA too: ${lost.join(", ")}`;
}

function makeRemoval(
  user: string,
  group: string,
  { removeUserFromGroup }: Pick<RolloutCalls, "removeUserFromGroup">,
): Undo {
  return {
    text: `remove ${user} from group ${group}`,
    command: formatRemoval(user, group),
    run: async () => {
      await removeUserFromGroup(user, group);
    },
  };
}

/** Names of users and groups have no characters that a shell would read. */
export const formatRemoval = (user: string, group: string): string =>
  `aws iam remove-user-from-group --user-name ${user} --group-name ${group}`;

/** The step with the name that its user has now: a user who was renamed is still in the group. */
export function withCurrentName(step: JournaledStep, users: readonly Pick<User, "id" | "name">[]): JournaledStep {
  const { id, user } = step.facts;
  const now = id === undefined ? undefined : users.find((each) => each.id === id)?.name;
  if (now === undefined || now === user) return step;
  return { ...step, facts: { ...step.facts, user: now }, undo: formatRemoval(now, step.facts.group ?? "") };
}

/** How to undo a step of the journal; undefined for those that stay: an empty group enforces nothing. */
export function undoOf(
  { step, facts: { user, group } }: JournaledStep,
  calls: Pick<RolloutCalls, "removeUserFromGroup">,
): Undo | undefined {
  if (!step.startsWith(addPrefix) || user === undefined || group === undefined) return undefined;
  return makeRemoval(user, group, calls);
}

/** @param withOther the command line with another profile @throws FobError if the plan is not of this account */
export function assertSameAccount(
  plan: Pick<Plan, "account" | "partition">,
  { account, partition }: { readonly account: string; readonly partition: string },
  withOther: string,
): void {
  if (plan.account === account && plan.partition === partition) return;
  const [ofPlan, ofCaller] =
    plan.partition === partition
      ? [`account ${plan.account}`, `account ${account}`]
      : [`partition ${plan.partition}`, `partition ${partition}`];
  throw new FobError(
    `the plan is of ${ofPlan}, and these credentials are of ${ofCaller}`,
    `choose the profile: ${withOther}`,
  );
}
