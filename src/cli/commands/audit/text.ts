// An audit as a person reads it: a table for the terminal, Markdown for a ticket, rows for CSV.
import type { Audit, CheckResult } from "../../../audit/audit.ts";
import { countThings, type Result, severities } from "../../../audit/check.ts";
import { escapeMarkdown } from "../../../markdown.ts";
import { hangText, wrapIndented } from "../../../terminal/table.ts";
import { escapeControlCharacters } from "../../../text.ts";

const resultOrder: readonly Result[] = ["fail", "unknown", "pass"];

/** The worst first: by result, then by severity. */
const sortChecks = (checks: readonly CheckResult[]): readonly CheckResult[] =>
  [...checks].sort(
    (a, b) =>
      resultOrder.indexOf(a.result) - resultOrder.indexOf(b.result) ||
      severities.indexOf(a.severity) - severities.indexOf(b.severity),
  );

const headings: Readonly<Record<Result, string>> = {
  fail: "Does not hold:",
  unknown: "Not known:",
  pass: "Holds:",
};

/** So many subjects are shown for each check; --json has all. */
const mostSubjects = 20;
/** The things to do first. */
const mostUrgent = 3;

/** @param now milliseconds since 1970 */
export function formatAudit(audit: Audit, now: number, columns: number): string {
  const sorted = sortChecks(audit.checks);
  const urgent = sorted.filter(({ result }) => result !== "pass").slice(0, mostUrgent);
  const lines = [
    `Account ${audit.account}, ${describeReport(audit, now)}`,
    formatScore(audit),
    ...(urgent.length === 0
      ? []
      : [
          "",
          "Begin with:",
          ...urgent.map(({ id, reason }, index) => `  ${index + 1}. ${id}: ${escapeControlCharacters(reason)}`),
        ]),
    ...resultOrder.flatMap((result) =>
      formatGroup(
        sorted.filter((check) => check.result === result),
        columns,
      ),
    ),
  ];
  return `${lines.flatMap((line) => wrapIndented(line, columns)).join("\n")}\n`;
}

const formatScore = ({ summary: { pass, fail, unknown }, checks }: Audit): string =>
  `${pass} of ${countThings(checks.length, "check")} hold, ${fail} do not, ${unknown} are not known`;

function describeReport({ reportGenerated }: Audit, now: number): string {
  if (reportGenerated === null) return "credential report not known";
  const minutes = Math.max(0, Math.floor((now - Date.parse(reportGenerated)) / 60_000));
  const age = minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
  return `credential report ${age} old`;
}

function formatGroup(checks: readonly CheckResult[], columns: number): readonly string[] {
  const [first] = checks;
  if (first === undefined) return [];
  return ["", headings[first.result], ...checks.flatMap((check) => formatCheck(check, columns))];
}

function formatCheck(check: CheckResult, columns: number): readonly string[] {
  const { id, title, severity, result, subjects, reason, remedy } = check;
  const hang = (first: string, text: string): readonly string[] =>
    hangText(first, escapeControlCharacters(text), columns).split("\n");
  const head = hang(`  ${severity.padEnd(6)}  `, `${id}: ${title} (${reason})`);
  if (result === "pass") return head;
  const indent = " ".repeat(10);
  const more = subjects.length - mostSubjects;
  return [
    ...head,
    ...subjects.slice(0, mostSubjects).flatMap(({ name, evidence }) => hang(indent, `${name}: ${evidence}`)),
    ...(more > 0 ? [`${indent}and ${more} more, with --json`] : []),
    ...hang(indent, `next: ${remedy}`),
  ];
}

/** A row for each subject, or one for a check without subjects. */
export function listRows({ account, checks }: Audit): readonly (readonly string[])[] {
  return [
    ["account", "check", "severity", "result", "name", "arn", "evidence", "remedy"],
    ...checks.flatMap(({ id, severity, result, subjects, reason, remedy }) => {
      const row = (name: string, arn: string, evidence: string) =>
        [account, id, severity, result, name, arn, evidence, remedy].map(escapeControlCharacters);
      if (subjects.length === 0) return [row("", "", reason)];
      return subjects.map(({ name, arn, evidence }) => row(name, arn, evidence));
    }),
  ];
}

export function formatAuditMarkdown(audit: Audit): string {
  const { account, made, reportGenerated, checks } = audit;
  const cell = escapeMarkdown;
  const sorted = sortChecks(checks);
  const open = sorted.filter(({ result }) => result !== "pass");
  return `${[
    `# MFA audit of account ${account}`,
    "",
    `Made ${made}, credential report of ${reportGenerated ?? "(not known)"}. ${formatScore(audit)}.`,
    "",
    "| Result | Severity | Check | Why |",
    "| --- | --- | --- | --- |",
    ...sorted.map(
      ({ result, severity, title, reason }) => `| ${result} | ${severity} | ${cell(title)} | ${cell(reason)} |`,
    ),
    ...open.flatMap(({ id, subjects, remedy }) => [
      ...["", `## ${id}`, ""],
      ...subjects.map(({ name, evidence }) => `- ${cell(name)}: ${cell(evidence)}`),
      ...(subjects.length === 0 ? [] : [""]),
      `Next: ${remedy.includes("`") ? cell(remedy) : `\`${remedy}\``}`,
    ]),
  ].join("\n")}\n`;
}
