// The plan of a rollout: the state of every user, and batches of those who can be put under the enforcement policy.
import { decideAbout, indexDecisions, type UserDecisions } from "../iam/decisions.ts";
import { buildEnforcement, documentsOf, findGroup, type PolicyVariant } from "../iam/enforcement.ts";
import { isAdministrator } from "../iam/parts.ts";
import type { PoliciesOf } from "../iam/policies-of.ts";
import { type AskSimulator, compareUsers, listPlanQuestions, type Simulated } from "../iam/simulated.ts";
import { type AccountSnapshot, type Known, mapKnown, type User } from "../iam/snapshot.ts";
import type { PolicyDocument } from "../policy/engine/document.ts";
import { type Classified, classifyUser, type State } from "./states.ts";

/** The format of DESIGN.md section 7, with what is needed to apply it. */
export interface Plan {
  readonly version: 1;
  /** Twelve digits. */
  readonly account: string;
  readonly partition: string;
  readonly group: string;
  /** `2026-01-31T09:00:00Z` */
  readonly made: string;
  readonly reportGenerated: string | null;
  /** The variant of the enforcement policy that the group gets. */
  readonly policy: PolicyVariant;
  readonly users: readonly PlannedUser[];
  readonly batches: readonly Batch[];
  /** The names of the break-glass users. */
  readonly breakGlass: readonly string[];
}

export interface PlannedUser extends Classified {
  readonly user: string;
  readonly arn: string;
  /** `AIDA…`: another user may get the name. */
  readonly id: string;
  /** Whether the user can take users out of the group. */
  readonly isAdministrator: boolean;
  /** What will no longer work without MFA, and what will: patterns as in `s3:Get*`. null if the policies are not known. */
  readonly withoutMfa: { readonly loses: readonly string[]; readonly keeps: readonly string[] } | null;
}

export interface Batch {
  /** From 1. */
  readonly number: number;
  readonly users: readonly string[];
}

export interface PlanOptions {
  readonly group: string;
  readonly policy: PolicyVariant;
  /** From 2 to 5. */
  readonly batchSize: number;
  /** Users who stay out of the batches. */
  readonly exclude: readonly string[];
  /** Users who are put into batches although they are not ready; the guards decide when the plan is applied. */
  readonly include: readonly string[];
  readonly breakGlass: readonly string[];
  /** What AWS's simulator said about users, by name, where it was asked. */
  readonly simulated?: ReadonlyMap<string, Known<Simulated>> | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export function makePlan(snapshot: AccountSnapshot, options: PlanOptions): Plan {
  const { account, partition, made, reportGenerated } = snapshot;
  const { policy, batchSize, exclude, include, breakGlass, now } = options;
  // IAM compares names in any case; ARNs do not.
  const group = findGroup(snapshot, options.group)?.name ?? options.group;
  const enforcement = buildEnforcement(snapshot, group, policy);
  const policies = documentsOf(enforcement);
  const decisionsOf = indexDecisions(snapshot);
  const users = snapshot.users
    .map((user): PlannedUser => {
      const decisions = decisionsOf(user);
      return {
        user: user.name,
        arn: user.arn,
        id: user.id,
        ...addSimulated(
          classifyUser(user, decisions, snapshot, { group, policies, breakGlass, now }),
          options.simulated?.get(user.name),
        ),
        isAdministrator: isAdministrator(decisions, enforcement.groupArn),
        withoutMfa: "value" in decisions ? compareWithoutMfa(decisions.value, policies) : null,
      };
    })
    .sort((a, b) => compareNames(a.user, b.user));
  const isNamed = (names: readonly string[], user: string): boolean =>
    names.some((name) => name.toLowerCase() === user.toLowerCase());
  const chosen = users.filter(
    ({ user, state }) =>
      !isNamed(exclude, user) && (state === "ready" || (isNamed(include, user) && canBeIncluded(state))),
  );
  return {
    version: 1,
    account,
    partition,
    group,
    made,
    reportGenerated: "value" in reportGenerated ? reportGenerated.value : null,
    policy,
    users,
    batches: makeBatches(chosen, batchSize),
    breakGlass: users.filter(({ state }) => state === "break-glass").map(({ user }) => user),
  };
}

/** Where the two disagree, it is not known what the user could do. */
function addSimulated(classified: Classified, simulated: Known<Simulated> | undefined): Classified {
  if (simulated === undefined) return classified;
  const { evidence, unknown, state } = classified;
  if (!("value" in simulated)) {
    return { state, evidence, unknown: [...unknown, `what AWS's simulator says: ${simulated.unknown}`] };
  }
  const { agreed, disagreements } = simulated.value;
  if (disagreements.length === 0) {
    const count = agreed === 1 ? "1 decision" : `${agreed} decisions`;
    return { state, evidence: [...evidence, `AWS's simulator agrees on ${count}`], unknown };
  }
  return {
    ...{ state: "unknown", evidence: ["AWS's simulator disagrees with fob"] },
    unknown: [...unknown, ...disagreements.map((text) => `what the policies decide: ${text}`)],
  };
}

/** Asks AWS's simulator about the users of the batches, who are not in the group yet. */
export async function simulatePlan(
  snapshot: AccountSnapshot,
  plan: Plan,
  ask: (policies: readonly PolicyDocument[]) => AskSimulator,
): Promise<ReadonlyMap<string, Known<Simulated>>> {
  const policies = documentsOf(buildEnforcement(snapshot, plan.group, plan.policy));
  const chosen = new Set(plan.batches.flatMap(({ users }) => users));
  return await compareUsers({
    ...{ policies, decisionsOf: indexDecisions(snapshot), questionsFor: listPlanQuestions, ask: ask(policies) },
    users: snapshot.users.filter(({ name }) => chosen.has(name)),
    show: () => undefined,
  });
}

/** What a user's policies decide, or why they are not known. */
export const decideFor = (user: User, policiesOf: PoliciesOf): Known<UserDecisions> =>
  mapKnown(policiesOf(user), (policies) => decideAbout(user, policies));

/** Break-glass users are never put under the policy, and those who are need no batch. */
export const canBeIncluded = (state: State): boolean =>
  !["break-glass", "enforced", "enforced-ineffective"].includes(state);

/** What enforcement takes from a user who works without MFA. */
function compareWithoutMfa(
  decisions: UserDecisions,
  policies: readonly PolicyDocument[],
): NonNullable<PlannedUser["withoutMfa"]> {
  const before = decisions.listAllowed("key");
  const keeps = decisions.listAllowed("key", policies);
  const kept = new Set(keeps);
  return { loses: before.filter((text) => !kept.has(text)), keeps };
}

/**
 * One user first, then batches; administrators last, each in a batch without another one, so that one who is locked out
 * finds another.
 */
function makeBatches(chosen: readonly PlannedUser[], size: number): readonly Batch[] {
  const names = (isChosen: (user: PlannedUser) => boolean): readonly string[] =>
    chosen.filter(isChosen).map(({ user }) => user);
  const [first, ...others] = names(({ isAdministrator: is }) => !is);
  const administrators = names(({ isAdministrator: is }) => is);
  const groups = [...(first === undefined ? [] : [[first]]), ...chunk(others, size), ...chunk(administrators, 1)];
  return groups.map((users, index) => ({ number: index + 1, users }));
}

const chunk = (names: readonly string[], size: number): readonly (readonly string[])[] =>
  Array.from({ length: Math.ceil(names.length / size) }, (_, index) => names.slice(index * size, (index + 1) * size));

const compareNames = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const oldDays = 7;

/** How old a plan is that is too old to be trusted; undefined for others. */
export function describeAge({ made }: Pick<Plan, "made">, now: number): string | undefined {
  const days = Math.floor((now - Date.parse(made)) / 86_400_000);
  return days < oldDays ? undefined : `the plan is ${days} days old`;
}
