// What the journal of a rollout tells: whom fob has put into which group, and by which plan.
import type { User } from "../iam/snapshot.ts";
import { type JournaledStep, type JournalLine, listDone } from "../steps/journal.ts";
import { withCurrentName } from "./apply.ts";

/** IAM compares names in any case. */
export const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** The groups that users were put into. */
export const listGroups = (lines: readonly JournalLine[]): readonly string[] => [
  ...new Set(lines.flatMap(({ facts: { user, group } }) => (user === undefined || group === undefined ? [] : group))),
];

/** The steps that put users into these groups, and were not undone. */
export const listAdded = (lines: readonly JournalLine[], groups: readonly string[]): readonly JournaledStep[] =>
  listDone(lines).filter(({ facts }) => isOf(facts, groups));

export interface Choice {
  readonly groups: readonly string[];
  /** A user, by the current name or by the name in the journal. */
  readonly user?: string | undefined;
  /** The number of a batch of the plan that was applied last. */
  readonly batch?: string | undefined;
}

/** Those of the steps that are chosen, or all, with the names that users have now. */
export function chooseAdded(
  lines: readonly JournalLine[],
  users: readonly Pick<User, "id" | "name">[],
  { groups, user, batch }: Choice,
): readonly JournaledStep[] {
  const latest = lines.findLast(({ facts }) => isOf(facts, groups))?.facts.plan;
  return listAdded(lines, groups).flatMap((step) => {
    const now = withCurrentName(step, users);
    const isUser = user === undefined || [step, now].some(({ facts }) => isSame(facts.user ?? "", user));
    const isBatch = batch === undefined || (step.facts.batch === batch && step.facts.plan === latest);
    return isUser && isBatch ? [now] : [];
  });
}

const isOf = ({ user, group }: JournalLine["facts"], groups: readonly string[]): boolean =>
  user !== undefined && groups.some((each) => isSame(each, group ?? ""));
