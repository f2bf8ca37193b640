// The audits of many accounts as a person reads them: a line for each account, then each in full.
import type { AccountAudit } from "../../../audit/accounts.ts";
import { escapeMarkdown } from "../../../markdown.ts";
import { wrapIndented } from "../../../terminal/table.ts";
import { escapeControlCharacters } from "../../../text.ts";
import { columnNames, formatAudit, formatAuditMarkdown, formatScore, listRows } from "./text.ts";

const describeAccount = ({ name, account }: AccountAudit): string =>
  account === null || account === name ? name : `${account} (${name})`;

const describeOutcome = ({ audit }: AccountAudit): string =>
  "value" in audit ? formatScore(audit.value) : `not known: ${audit.unknown}`;

/** What could not be read comes first. */
const sortAccounts = (accounts: readonly AccountAudit[]): readonly AccountAudit[] => [
  ...accounts.filter(({ audit }) => !("value" in audit)),
  ...accounts.filter(({ audit }) => "value" in audit),
];

const formatCount = (accounts: readonly AccountAudit[]): string => {
  const unread = accounts.filter(({ audit }) => !("value" in audit)).length;
  return `${accounts.length} accounts${unread === 0 ? "" : `, of which ${unread} could not be read`}`;
};

/** @param now milliseconds since 1970 */
export function formatAudits(accounts: readonly AccountAudit[], now: number, columns: number): string {
  const lines = sortAccounts(accounts).map((each) => `  ${describeAccount(each)}: ${describeOutcome(each)}`);
  const summary = [formatCount(accounts), ...lines.map(escapeControlCharacters)];
  const text = `${summary.flatMap((line) => wrapIndented(line, columns)).join("\n")}\n`;
  const details = accounts.flatMap(({ audit }) => ("value" in audit ? formatAudit(audit.value, now, columns) : []));
  return [text, ...details].join("\n");
}

export function formatAuditsMarkdown(accounts: readonly AccountAudit[]): string {
  const lines = sortAccounts(accounts).map(
    (each) => `| ${escapeMarkdown(describeAccount(each))} | ${escapeMarkdown(describeOutcome(each))} |`,
  );
  const summary = [
    `# MFA audit of ${formatCount(accounts)}`,
    "",
    "| Account | Result |",
    "| --- | --- |",
    ...lines,
    "",
  ];
  const details = accounts.flatMap(({ audit }) => ("value" in audit ? formatAuditMarkdown(audit.value) : []));
  return [summary.join("\n"), ...details].join("\n");
}

/** An account that could not be read has one row, without a check. */
export function listAllRows(accounts: readonly AccountAudit[]): readonly (readonly string[])[] {
  const tables = accounts.flatMap(({ audit }) => ("value" in audit ? [listRows(audit.value)] : []));
  const heading = tables[0]?.[0] ?? columnNames;
  const unread = accounts.flatMap(({ name, account, audit }) => {
    if ("value" in audit) return [];
    const cells: Readonly<Record<string, string>> = {
      ...{ account: account ?? "", result: "unknown", name, evidence: audit.unknown },
    };
    return [heading.map((column) => escapeControlCharacters(cells[column] ?? ""))];
  });
  return [heading, ...unread, ...tables.flatMap((rows) => rows.slice(1))];
}
