// `fob rollout undo`: takes users out of the group again whom fob put there, as its journal says.
import { exitCodes, UsageError } from "../../../errors.ts";
import { isMember } from "../../../iam/parts.ts";
import { findNearest } from "../../../nearest.ts";
import { undoOf, withCurrentName } from "../../../rollout/apply.ts";
import { type JournaledStep, listDone, readJournal, withJournal } from "../../../steps/journal.ts";
import { undoSteps } from "../../../steps/steps.ts";
import { formatJson, quote } from "../../../text.ts";
import { type ReadAccount, withAccount } from "../../account.ts";
import { defineCommand } from "../../command.ts";
import type { Context } from "../../context.ts";
import { confirmAccount } from "./confirm.ts";
import { nameNextCommand } from "./go-on.ts";
import { locateJournal } from "./journal.ts";
import { administratorOptions } from "./options.ts";

export const rolloutUndoCommand = defineCommand({
  name: "rollout undo",
  description:
    "Takes users out of the group that enforces MFA, whom fob rollout apply put there: one user, one batch, or all. It " +
    "follows the journal that apply wrote on this computer, and changes nothing else. The group and its policies stay.",
  options: {
    user: { value: "user", text: "undo for this user" },
    batch: { value: "number", text: "undo for the users of this batch" },
    all: { text: "undo for all users" },
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
    return await withAccount(options, "fob rollout undo", context, (account) => undo(options, account, context));
  },
});

interface UndoOptions {
  readonly user?: string | undefined;
  readonly batch?: string | undefined;
  readonly yes?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly noInput?: boolean | undefined;
}

async function undo(options: UndoOptions, { snapshot, aws }: ReadAccount, context: Context): Promise<number> {
  const { say, signal, now, stdout } = context;
  const place = locateJournal(snapshot.account, context);
  const choose = (steps: readonly JournaledStep[]) =>
    steps.flatMap((step) => {
      const now = withCurrentName(step, snapshot.users);
      return isChosen(step, options) || isChosen(now, options) ? [now] : [];
    });
  const added = listDone(readJournal(place.store, place.name));
  const chosen = choose(added);
  if (chosen.length === 0) {
    sayNothing(options, added, context);
    if (options.json) stdout.write(formatJson({ version: 1, account: snapshot.account, undone: [] }));
    return exitCodes.done;
  }
  for (const { facts } of chosen) {
    const user = snapshot.users.find(({ name }) => name === facts.user);
    const is = user === undefined ? "does not exist" : isMember(user, facts.group ?? "") ? "is" : "is not";
    say.note(`${facts.user} ${is}${user === undefined ? "" : ` in group ${facts.group}`}, and will not be`);
  }
  if (!options.yes) await confirmAccount(snapshot.account, options, context);
  const { listGroupsForUser, removeUserFromGroup } = await import("../../../aws/iam-changes.ts");
  const calls = { removeUserFromGroup: (user: string, group: string) => removeUserFromGroup(aws, user, group) };
  const undone = await withJournal({ ...place, signal, now }, (journal) =>
    nameNextCommand(context.typed, () =>
      undoSteps(choose(listDone(journal.lines)), (step) => undoOf(step, calls), {
        ...{ journal, signal, note: (message: string) => say.note(message) },
      }),
    ),
  );
  const names = undone.flatMap(({ facts }) => facts.user ?? []);
  for (const { facts } of undone) {
    const groups = await listGroupsForUser(aws, facts.user ?? "");
    if (groups !== undefined && isMember({ groups }, facts.group ?? "")) {
      say.warning(`AWS still shows ${facts.user} in group ${facts.group}; it may need a few seconds`);
    }
  }
  say.note(`out of the group: ${names.join(", ")}`);
  if (options.json) stdout.write(formatJson({ version: 1, account: snapshot.account, undone: names }));
  return exitCodes.done;
}

function isChosen({ facts }: JournaledStep, { user, batch }: UndoOptions): boolean {
  if (facts.user === undefined) return false;
  if (user !== undefined) return facts.user.toLowerCase() === user.toLowerCase();
  return batch === undefined || facts.batch === batch;
}

function sayNothing({ user, batch }: UndoOptions, added: readonly JournaledStep[], { say }: Context): void {
  const users = added.flatMap(({ facts }) => facts.user ?? []);
  const what = user !== undefined ? ` for ${quote(user)}` : batch !== undefined ? ` for batch ${batch}` : "";
  say.note(
    `nothing to undo${what}: the journal on this computer has ${users.length === 0 ? "no users" : users.join(", ")}`,
  );
  if (user === undefined) return;
  const meant = findNearest(user, users);
  say.hint(
    meant === undefined
      ? `if fob did not add the user: aws iam remove-user-from-group --group-name RequireMFA --user-name USER`
      : `did you mean: ${meant}`,
  );
}
