// `fob rollout status`: how far the rollout is, and what has changed since.
import { exitCodes } from "../../../errors.ts";
import { judgeRollout, type RolloutStatus } from "../../../rollout/status.ts";
import { readJournal } from "../../../steps/journal.ts";
import { wrapIndented } from "../../../terminal/table.ts";
import { escapeControlCharacters, formatJson } from "../../../text.ts";
import { readPermissions, withAccount } from "../../account.ts";
import { printLeastPolicy } from "../../administrator.ts";
import { defineCommand } from "../../command.ts";
import { locateJournal } from "./journal.ts";
import { administratorOptions, groupOption, parseGroup, parseVariant, variantOptions } from "./options.ts";

export const rolloutStatusCommand = defineCommand({
  name: "rollout status",
  description:
    "Shows who is under the enforcement policy, who is ready, and what the others wait for, with a text to send to those " +
    "who must enroll a device. Exits with 3 if something has changed that should not have: a member removed, a policy " +
    "changed, or a new user who is in no group. Lists users and access keys that are unused, with the commands that " +
    "remove them; fob does not run these.",
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
    if (options.printPolicy) return printLeastPolicy(readPermissions, context);
    const group = parseGroup(options.group);
    const isGiven = Object.keys(variantOptions).some((name) => options[name as keyof typeof variantOptions]);
    const policy = isGiven ? parseVariant(options) : undefined;
    const { breakGlass = [] } = options;
    const status = await withAccount(options, "fob rollout status", context, ({ snapshot }) => {
      const { store, name } = locateJournal(snapshot.account, context);
      const journal = readJournal(store, name);
      return judgeRollout(snapshot, { group, policy, breakGlass, journal, now: context.now() });
    });
    context.stdout.write(options.json ? formatJson(status) : formatStatus(status, context.stdout.columns));
    return status.drift.length === 0 ? exitCodes.done : exitCodes.notFresh;
  },
});

function formatStatus(
  { account, group, enforced, ready, waiting, drift, cleanup }: RolloutStatus,
  columns: number,
): string {
  const list = (title: string, lines: readonly string[]): readonly string[] =>
    lines.length === 0 ? [] : ["", title, ...lines.map((line) => `  ${line}`)];
  const count = (users: readonly unknown[]): string => `${users.length} user${users.length === 1 ? "" : "s"}`;
  const toEnroll = waiting.filter(({ state }) => state === "needs-device").map(({ user }) => user);
  const lines = [
    `Account ${account}, group ${group}`,
    ...list(`Enforced: ${count(enforced)}`, enforced.length === 0 ? ["-"] : [enforced.join(", ")]),
    ...list(`Ready: ${count(ready)}`, ready.length === 0 ? ["-"] : [ready.join(", ")]),
    ...list(
      `Waiting: ${count(waiting)}`,
      waiting.map((each) => `${each.user}: ${each.for}`),
    ),
    ...list(
      "Changed, and should not have:",
      drift.map(({ what, detail }) => `${what}: ${detail}`),
    ),
    ...list(
      "Unused (fob does not remove them):",
      cleanup.flatMap(({ user, what, commands }) => [`${user}: ${what}`, ...commands.map((command) => `  ${command}`)]),
    ),
    ...(cleanup.length === 0
      ? []
      : ["", "For the long term, AWS recommends IAM Identity Center instead of IAM users."]),
    ...(toEnroll.length === 0
      ? []
      : ["", `Send this to ${toEnroll.join(", ")}:`, ...enrollText(account).map((line) => `  ${line}`)]),
  ];
  return `${lines.flatMap((line) => wrapIndented(escapeControlCharacters(line), columns)).join("\n")}\n`;
}

/** A text for those who must enroll. */
const enrollText = (account: string): readonly string[] => [
  `We are about to require MFA in AWS account ${account}. Please add an MFA device to your user:`,
  "1. Sign in at https://console.aws.amazon.com, and open your name, then Security credentials.",
  "2. Choose Assign MFA device, then Authenticator app, and follow the steps.",
  "3. Sign out and in again. Then tell us.",
  "A security key alone is not enough if you use an access key.",
];
