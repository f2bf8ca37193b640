// The audits of many accounts as a person reads them: a line for each account, then each in full.
import type { AccountAudit, AccountsReport, InactiveAccount } from "../../../audit/accounts.ts";
import { countThings } from "../../../audit/check.ts";
import { escapeMarkdown } from "../../../markdown.ts";
import { wrapIndented } from "../../../terminal/table.ts";
import { escapeControlCharacters } from "../../../text.ts";
import { columnNames, formatAudit, formatAuditMarkdown, formatScore, listRows } from "./text.ts";

export const describeNumber = (account: string, name: string): string =>
  account === name ? account : `${account} (${name})`;

export const describeAccount = ({ name, account }: AccountAudit): string =>
  account === null ? name : describeNumber(account, name);

const describeOutcome = ({ audit }: AccountAudit): string =>
  "value" in audit ? formatScore(audit.value) : `not known: ${audit.unknown}`;

/** What could not be read comes first. */
export const sortAccounts = (accounts: readonly AccountAudit[]): readonly AccountAudit[] => [
  ...accounts.filter(({ audit }) => !("value" in audit)),
  ...accounts.filter(({ audit }) => "value" in audit),
];

export const formatCount = ({ accounts }: AccountsReport): string => {
  const unread = accounts.filter(({ audit }) => !("value" in audit)).length;
  return `${countThings(accounts.length, "account")}${unread === 0 ? "" : `, of which ${unread} could not be read`}`;
};

export const describeInactive = ({ state }: InactiveAccount): string => `not active (${state}), and not looked at`;

/** All accounts, with what came of each. */
const listOutcomes = ({ accounts, inactive = [] }: AccountsReport): readonly (readonly [string, string])[] => [
  ...sortAccounts(accounts).map((each) => [describeAccount(each), describeOutcome(each)] as const),
  ...inactive.map((each) => [describeNumber(each.account, each.name), describeInactive(each)] as const),
];

/** Of an organization: the credentials of its accounts are in no profile. */
export const commandsNote =
  "The commands below have no profile: run each with credentials of the account that it is about.";

/** @param now milliseconds since 1970 */
export function formatAudits(report: AccountsReport, now: number, columns: number): string {
  const { accounts } = report;
  const lines = listOutcomes(report).map(([account, outcome]) => `  ${account}: ${outcome}`);
  const note = report.inactive === undefined ? [] : [commandsNote];
  const summary = [formatCount(report), ...lines.map(escapeControlCharacters), ...note];
  const text = `${summary.flatMap((line) => wrapIndented(line, columns)).join("\n")}\n`;
  const details = accounts.flatMap(({ audit }) => ("value" in audit ? formatAudit(audit.value, now, columns) : []));
  return [text, ...details].join("\n");
}

export function formatAuditsMarkdown(report: AccountsReport): string {
  const { accounts } = report;
  const lines = listOutcomes(report).map(
    ([account, outcome]) => `| ${escapeMarkdown(account)} | ${escapeMarkdown(outcome)} |`,
  );
  const summary = [`# MFA audit of ${formatCount(report)}`, "", "| Account | Result |", "| --- | --- |", ...lines, ""];
  if (report.inactive !== undefined) summary.push(commandsNote, "");
  const details = accounts.flatMap(({ audit }) => ("value" in audit ? formatAuditMarkdown(audit.value) : []));
  return [summary.join("\n"), ...details].join("\n");
}

/** An account that could not be read, or is not active, has one row, without a check. */
export function listAllRows({ accounts, inactive = [] }: AccountsReport): readonly (readonly string[])[] {
  const tables = accounts.flatMap(({ audit }) => ("value" in audit ? [listRows(audit.value)] : []));
  const heading = tables[0]?.[0] ?? columnNames;
  const toRow = (cells: Readonly<Record<string, string>>): readonly string[] =>
    heading.map((column) => escapeControlCharacters(cells[column] ?? ""));
  const unread = accounts.flatMap(({ name, account, audit }) =>
    "value" in audit ? [] : [toRow({ account: account ?? "", result: "unknown", name, evidence: audit.unknown })],
  );
  const closed = inactive.map((each) =>
    toRow({ account: each.account, result: "not looked at", name: each.name, evidence: describeInactive(each) }),
  );
  return [heading, ...unread, ...closed, ...tables.flatMap((rows) => rows.slice(1))];
}
