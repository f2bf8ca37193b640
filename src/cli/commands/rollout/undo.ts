// `fob rollout undo`: takes users out of the group again whom fob put there, as its journal says.
import { exitCodes, FobError, UsageError } from "../../../errors.ts";
import { findGroup } from "../../../iam/enforcement.ts";
import { isMember } from "../../../iam/parts.ts";
import type { AccountSnapshot } from "../../../iam/snapshot.ts";
import { findNearest } from "../../../nearest.ts";
import { formatRemoval, undoOf } from "../../../rollout/apply.ts";
import { chooseAdded, isSame, listAdded, listGroups } from "../../../rollout/journaled.ts";
import { type JournaledStep, type JournalLine, readJournal, withJournal } from "../../../steps/journal.ts";
import { undoSteps } from "../../../steps/steps.ts";
import { formatJson, quote } from "../../../text.ts";
import { type ReadAccount, withAccount } from "../../account.ts";
import { defineCommand } from "../../command.ts";
import type { Context } from "../../context.ts";
import { confirmAccount } from "./confirm.ts";
import { nameNextCommand } from "./go-on.ts";
import { formatAsProfile, formatRollout } from "./hints.ts";
import { locateJournal } from "./journal.ts";
import { administratorOptions, parseGroup } from "./options.ts";

export const rolloutUndoCommand = defineCommand({
  name: "rollout undo",
  description:
    "Takes users out of the group that enforces MFA, whom fob rollout apply put there: one user, one batch of the latest " +
    "plan, or all. It follows the journal that apply wrote on this computer, and changes nothing else. The group and its " +
    "policies stay. Exits with 3 if users are left in the group whom the journal does not have, and prints the commands " +
    "that take them out.",
  options: {
    user: { value: "user", text: "undo for this user" },
    batch: { value: "number", text: "undo for the users of this batch of the latest plan" },
    all: { text: "undo for all users" },
    group: { value: "group", text: "the group to take users out of (default: those of the journal, else RequireMFA)" },
    yes: { text: "do not ask for the account number" },
    json: { text: "print who was in the group before and after as JSON" },
    ...administratorOptions,
  },
  common: ["noInput", "debug"],
  examples: ["fob rollout undo --user ben", "fob rollout undo --batch 2 --yes", "fob rollout undo --all"],
  async run(_, options, context) {
    const { user, batch, all } = options;
    if ([user, batch, all || undefined].filter((given) => given !== undefined).length !== 1) {
      throw new UsageError("say what to undo: --user, --batch or --all", "fob rollout undo --help");
    }
    const group = parseGroup(options.group);
    return await withAccount(options, "fob rollout undo", context, (account) => {
      const { store, name } = locateJournal(account.snapshot.account, context);
      const lines = readJournal(store, name);
      const journaled = options.group === undefined ? listGroups(lines) : [];
      const groups = (journaled.length === 0 ? [group] : journaled).map(
        (each) => findGroup(account.snapshot, each)?.name ?? each,
      );
      return undo({ ...options, groups }, lines, account, context);
    });
  },
});

interface UndoOptions {
  readonly user?: string | undefined;
  readonly batch?: string | undefined;
  readonly all?: boolean | undefined;
  /** The groups that it is about: one, unless the journal has more. */
  readonly groups: readonly string[];
  readonly profile?: string | undefined;
  readonly yes?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly noInput?: boolean | undefined;
}

async function undo(
  options: UndoOptions,
  lines: readonly JournalLine[],
  { snapshot, aws }: ReadAccount,
  context: Context,
): Promise<number> {
  const { say, signal, now, stdout } = context;
  const { groups } = options;
  const place = locateJournal(snapshot.account, context);
  const choose = (from: readonly JournalLine[]): readonly JournaledStep[] => chooseAdded(from, snapshot.users, options);
  const chosen = choose(lines);
  assertPlanIsKnown(chosen, options, context);
  const before = groups.map((group) => ({ group, users: listMembers(snapshot, group) }));
  const finish = (undone: readonly JournaledStep[], gone: readonly JournaledStep[]): number => {
    const shown = before.map(({ group, users }) => {
      return { group, before: users, after: users.filter((user) => !hasStep(gone, user, group)) };
    });
    const names = undone.flatMap(({ facts }) => facts.user ?? []);
    if (options.json) {
      stdout.write(formatJson({ version: 1, account: snapshot.account, undone: names, groups: shown }));
    }
    const left = before.flatMap(({ group, users }) => {
      const isLeft = (user: string): boolean =>
        !hasStep(undone, user, group) && (options.user === undefined || isSame(user, options.user));
      return users.filter(isLeft).map((user) => ({ user, group }));
    });
    // With a journal, a batch is what it says; the others are in the group on purpose.
    return options.batch !== undefined && lines.length > 0 ? exitCodes.done : sayLeft(left, options, context);
  };
  if (chosen.length === 0) {
    sayNothing(
      options,
      listAdded(lines, groups),
      before.flatMap(({ users }) => users),
      context,
    );
    return finish([], []);
  }
  for (const { facts } of chosen) {
    const user = snapshot.users.find(({ name }) => name === facts.user);
    const is = user === undefined ? "does not exist" : isMember(user, facts.group ?? "") ? "is" : "is not";
    say.note(`${facts.user} ${is}${user === undefined ? "" : ` in group ${facts.group}`}, and will not be`);
  }
  if (!options.yes) await confirmAccount(snapshot.account, options, context);
  const { listGroupsForUser, removeUserFromGroup } = await import("../../../aws/iam-changes.ts");
  const calls = { removeUserFromGroup: (user: string, from: string) => removeUserFromGroup(aws, user, from) };
  const undone = await withJournal({ ...place, signal, now }, (journal) =>
    nameNextCommand(context.typed, () =>
      undoSteps(choose(journal.lines), (step) => undoOf(step, calls), {
        ...{ journal, signal, note: (message: string) => say.note(message) },
      }),
    ),
  );
  const gone: JournaledStep[] = [];
  for (const step of undone) {
    const { user = "", group = "" } = step.facts;
    const now = await listGroupsForUser(aws, user);
    if (now === undefined || !isMember({ groups: now }, group)) gone.push(step);
    else say.warning(`AWS still shows ${user} in group ${group}; it may need a few seconds`);
  }
  say.note(`out of the group: ${undone.flatMap(({ facts }) => facts.user ?? []).join(", ")}`);
  return finish(undone, gone);
}

const listMembers = ({ users }: AccountSnapshot, group: string): readonly string[] =>
  users.filter((user) => isMember(user, group)).map(({ name }) => name);

const hasStep = (steps: readonly JournaledStep[], user: string, group: string): boolean =>
  steps.some(({ facts }) => facts.user === user && isSame(facts.group ?? "", group));

/** The journal of an earlier version does not say which plan a batch was of. */
function assertPlanIsKnown(chosen: readonly JournaledStep[], { batch }: UndoOptions, { typed }: Context): void {
  if (batch === undefined || !chosen.some(({ facts }) => facts.plan === undefined)) return;
  throw new FobError(`the journal does not say which plan batch ${batch} is of: an earlier version of fob wrote it`, [
    ...chosen.flatMap(({ facts: { user } }) => (user === undefined ? [] : formatUndo(typed, { user }))),
    `to undo everything: ${formatUndo(typed, { all: true })}`,
  ]);
}

const formatUndo = (typed: Context["typed"], set: Parameters<typeof formatRollout>[2]): string =>
  formatRollout(typed, "undo", set);

function sayNothing(
  { user, batch }: UndoOptions,
  added: readonly JournaledStep[],
  members: readonly string[],
  { say, typed }: Context,
): void {
  const users = added.flatMap(({ facts }) => facts.user ?? []);
  const what = user !== undefined ? ` for ${quote(user)}` : batch !== undefined ? ` for batch ${batch}` : "";
  say.note(
    `nothing to undo${what}: the journal on this computer has ${users.length === 0 ? "no users" : users.join(", ")}`,
  );
  if (batch !== undefined && users.length > 0) {
    say.hint(`a batch is one of the latest plan; for a user: ${formatUndo(typed, { user: users[0] })}`);
  }
  if (user === undefined || members.some((name) => isSame(name, user))) return;
  const meant = findNearest(user, [...users, ...members]);
  if (meant !== undefined) say.hint(`did you mean: ${formatUndo(typed, { user: meant })}`);
}

/** Tells who is still in a group, put there by other means: the journal may be on another computer. */
function sayLeft(
  left: readonly { readonly user: string; readonly group: string }[],
  { profile }: UndoOptions,
  context: Context,
): number {
  if (left.length === 0) return exitCodes.done;
  const { say } = context;
  const asProfile = formatAsProfile(profile, context);
  for (const { user, group } of left) {
    say.error(`${user} is in group ${group}, and the journal on this computer does not say that fob added the user`);
    say.hint(`to take ${user} out, also from CloudShell: ${formatRemoval(user, group)}${asProfile}`);
  }
  return exitCodes.notFresh;
}
