// `fob rollout status`: how far the rollout is, and what has changed since.
import { exitCodes } from "../../../errors.ts";
import { lookUpFor, snapshotActions, toListedKeys } from "../../../iam/read.ts";
import { type AccountSnapshot, mapKnown } from "../../../iam/snapshot.ts";
import { listOwnersToLookUp, withKeys } from "../../../rollout/clean-up.ts";
import { judgeRollout, type RolloutStatus } from "../../../rollout/status.ts";
import { readJournal } from "../../../steps/journal.ts";
import { wrapIndented } from "../../../terminal/table.ts";
import { escapeControlCharacters, formatJson } from "../../../text.ts";
import { type ReadAccount, withAccount } from "../../account.ts";
import { printLeastPolicy } from "../../administrator.ts";
import { defineCommand } from "../../command.ts";
import { formatAsProfile, formatRollout, pickVariant } from "./hints.ts";
import { locateJournal } from "./journal.ts";
import { administratorOptions, groupOption, parseGroup, parseVariant, variantOptions } from "./options.ts";

export const rolloutStatusCommand = defineCommand({
  name: "rollout status",
  description:
    "Shows who is under the enforcement policy, who is ready and who is next, and what the others wait for, with a text to " +
    "send to those who must enroll a device. Exits with 3 if something has changed that should not have: a member " +
    "removed, a policy changed, a new user who is in no group, or a break-glass user or a program in the group. Lists " +
    "users and access keys that are unused, with the commands that remove them; fob does not run these.",
  options: {
    ...groupOption,
    breakGlass: { value: "user", many: true, text: "treat this user as a break-glass user, as the tag fob-role does" },
    ...variantOptions,
    json: { text: "print JSON" },
    printPolicy: { text: "print the policy that this command needs, and do nothing else" },
    ...administratorOptions,
  },
  common: ["noInput", "debug"],
  examples: ["fob rollout status --profile admin", "fob rollout status --json"],
  async run(_, options, context) {
    if (options.printPolicy) return printLeastPolicy([...snapshotActions].sort(), context);
    const group = parseGroup(options.group);
    const isGiven = Object.keys(variantOptions).some((name) => options[name as keyof typeof variantOptions]);
    const policy = isGiven ? parseVariant(options) : undefined;
    const { breakGlass = [] } = options;
    const asProfile = formatAsProfile(options.profile, context);
    const status = await withAccount(options, "fob rollout status", context, async (account) => {
      const { store, name } = locateJournal(account.snapshot.account, context);
      const journal = readJournal(store, name);
      const snapshot = await readUnusedKeys(account, breakGlass, context.now());
      return judgeRollout(snapshot, { group, policy, breakGlass, journal, asProfile, now: context.now() });
    });
    context.stdout.write(options.json ? formatJson(status) : formatStatus(status, context.stdout.columns));
    if (status.next.length > 0 && !options.json) {
      const set = { ...pickVariant(context.typed), breakGlass, out: "plan.json" };
      context.say.hint(`to go on with ${status.next.join(", ")}: ${formatRollout(context.typed, "plan", set)}`);
    }
    return status.drift.length === 0 ? exitCodes.done : exitCodes.notFresh;
  },
});

/** The most users whose access keys are looked up: of more, no one reads the commands. */
const mostLookedUp = 50;

/** Looks up the access keys that the clean-up is about: the credential report has no IDs. */
async function readUnusedKeys(
  { snapshot, aws }: ReadAccount,
  breakGlass: readonly string[],
  now: number,
): Promise<AccountSnapshot> {
  const { listAccessKeys } = await import("../../../aws/iam-account.ts");
  const names = listOwnersToLookUp(snapshot, breakGlass, now).slice(0, mostLookedUp);
  const listed = await aws.keepProgress(() =>
    lookUpFor("access keys", names, (user) => listAccessKeys(aws, user), aws),
  );
  return withKeys(snapshot, new Map([...listed].map(([user, keys]) => [user, mapKnown(keys, toListedKeys)])));
}

function formatStatus(
  { account, group, enforced, ready, next, waiting, send, drift, cleanup }: RolloutStatus,
  columns: number,
): string {
  const list = (title: string, lines: readonly string[]): readonly string[] =>
    lines.length === 0 ? [] : ["", title, ...lines.map((line) => `  ${line}`)];
  const count = (users: readonly unknown[]): string => `${users.length} user${users.length === 1 ? "" : "s"}`;
  const lines = [
    `Account ${account}, group ${group}`,
    ...list(`Enforced: ${count(enforced)}`, enforced.length === 0 ? ["-"] : [enforced.join(", ")]),
    ...list(`Ready: ${count(ready)}`, ready.length === 0 ? ["-"] : [ready.join(", ")]),
    ...(next.length === 0 ? [] : [`Next: ${next.join(", ")}`]),
    ...list(
      `Waiting: ${count(waiting)}`,
      waiting.map((each) => `${each.user}: ${each.for}`),
    ),
    ...list(
      "Changed, and should not have:",
      drift.flatMap(({ what, detail, command }) => [`${what}: ${detail}`, ...(command ? [`  ${command}`] : [])]),
    ),
    ...list(
      "Unused (fob does not remove them):",
      cleanup.flatMap(({ user, what, commands }) => [`${user}: ${what}`, ...commands.map((command) => `  ${command}`)]),
    ),
    ...(cleanup.length === 0
      ? []
      : ["", "For the long term, AWS recommends IAM Identity Center instead of IAM users."]),
    ...send.flatMap(({ to, text }) => list(`Send this to ${to.join(", ")}:`, text)),
  ];
  // A command stays in one piece, to be pasted.
  const wrap = (line: string): readonly string[] => (/^ +(aws|for) /.test(line) ? [line] : wrapIndented(line, columns));
  return `${lines.flatMap((line) => wrap(escapeControlCharacters(line))).join("\n")}\n`;
}
