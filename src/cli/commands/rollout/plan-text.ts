// A plan as a person reads it: a table for the terminal, Markdown for the change ticket.

import { escapeMarkdown } from "../../../markdown.ts";
import type { Plan, PlannedUser } from "../../../rollout/plan.ts";
import { type State, states } from "../../../rollout/states.ts";
import { formatTable, hangText, wrapWords } from "../../../terminal/table.ts";
import { escapeControlCharacters } from "../../../text.ts";

/** What each state means for the rollout. */
const meanings: Readonly<Record<State, string>> = {
  "break-glass": "never put into the group",
  enforced: "in the group, and denied without MFA",
  "enforced-ineffective": "in the group, but not denied without MFA",
  automation: "an automation user: a program cannot type a code",
  inactive: "unused: remove the user, or wait until it is used",
  "needs-device": "enrolls an MFA device first",
  "password-pending": "changes the password first",
  "security-key-only": "enrolls a virtual device first: STS takes no codes of security keys",
  "key-in-use": "something uses the access key without MFA: find out what",
  ready: "can be put into the group",
  unknown: "not everything could be read",
};

export function formatPlan(plan: Plan, columns: number): string {
  const { users, batches, account, group } = plan;
  const batchOf = new Map(batches.flatMap(({ number, users: names }) => names.map((name) => [name, String(number)])));
  const rows = users.map((user) => [
    escapeControlCharacters(user.user) + (user.isAdministrator ? " *" : ""),
    user.state,
    batchOf.get(user.user) ?? "-",
  ]);
  const table = users.length === 0 ? "" : formatTable(["USER", "STATE", "BATCH"], rows);
  const lines = table.split("\n").filter((line) => line !== "");
  const width = Math.max(0, ...lines.map((line) => line.length)) + 2;
  const whys = ["WHY", ...users.map(describeUser)];
  const shown = lines.map((line, index) =>
    hangText(line.padEnd(width), escapeControlCharacters(whys[index] ?? ""), columns),
  );
  const used = states.filter((state) => users.some((user) => user.state === state));
  const legend = used.map((state) => hangText(state.padEnd(22), meanings[state], columns));
  return `${[
    `Account ${account}, group ${group}: ${countUsers(users)}, ${countBatches(plan)}`,
    "",
    ...shown,
    ...(users.some(({ isAdministrator }) => isAdministrator) ? ["", "* can take users out of the group"] : []),
    "",
    ...legend,
    "",
    ...formatEffects(plan).flatMap((line) => wrapWords(escapeControlCharacters(line), columns)),
  ].join("\n")}\n`;
}

const describeUser = ({ evidence, unknown }: PlannedUser): string =>
  [...evidence, ...unknown.map((text) => `not known: ${text}`)].join("; ");

const countUsers = ({ length }: readonly PlannedUser[]): string => `${length} user${length === 1 ? "" : "s"}`;
const countBatches = ({ batches }: Plan): string => `${batches.length} batch${batches.length === 1 ? "" : "es"}`;

/** What enforcement takes from the users of the batches, users with the same together. */
function formatEffects({ users, batches }: Plan): readonly string[] {
  const chosen = new Set(batches.flatMap((batch) => batch.users));
  if (chosen.size === 0) return ["No user can be put into the group yet."];
  const byEffect = new Map<string, string[]>();
  for (const { user, withoutMfa } of users.filter(({ user: name }) => chosen.has(name))) {
    const text = describeEffect(withoutMfa);
    byEffect.set(text, [...(byEffect.get(text) ?? []), user]);
  }
  return [
    "Without MFA, from the policies of each user (with MFA, everything stays as it is):",
    ...[...byEffect].map(([text, names]) => `- ${names.join(", ")}: ${text}`),
  ];
}

/** More than the policies for setting up MFA allow. */
const most = 16;

function describeEffect(effect: PlannedUser["withoutMfa"]): string {
  if (effect === null) return "not known: the policies could not be read";
  return `loses ${listActions(effect.loses)}; keeps ${listActions(effect.keeps)}`;
}

/** Lists the actions of patterns, without their resources. */
function listActions(patterns: readonly string[]): string {
  const actions = [...new Set(patterns.map((pattern) => pattern.split(" ")[0] ?? ""))];
  if (actions.length === 0) return "nothing";
  return `${actions.slice(0, most).join(", ")}${actions.length > most ? ` and ${actions.length - most} more` : ""}`;
}

export function formatPlanMarkdown(plan: Plan): string {
  const { account, group, made, reportGenerated, users, batches, breakGlass } = plan;
  const cell = (text: string): string => escapeMarkdown(text);
  const batchLines = batches.map(({ number, users: names }) => `${number}. ${names.map(cell).join(", ")}`);
  const rows = users.map(
    (user) =>
      `| ${cell(user.user)} | ${user.state} | ${user.isAdministrator ? "yes" : "no"} | ${cell(describeUser(user))} |`,
  );
  return `${[
    `# MFA enforcement in account ${account}`,
    "",
    `Group ${cell(group)}. Made ${made}, credential report of ${reportGenerated ?? "(not known)"}.`,
    "",
    "## Batches",
    "",
    ...(batchLines.length === 0 ? ["No user can be put into the group yet."] : batchLines),
    "",
    `Break-glass: ${breakGlass.length === 0 ? "none" : breakGlass.map(cell).join(", ")}`,
    "",
    "## Users",
    "",
    "| User | State | Administrator | Why |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
    "## What changes",
    "",
    ...formatEffects(plan).map(cell),
  ].join("\n")}\n`;
}
