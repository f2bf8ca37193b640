// An audit as a person reads it: a table for the terminal, Markdown for a ticket, rows for CSV. html/ has the page.
import type { Audit, CheckResult } from "../../../audit/audit.ts";
import { countThings, type Notes, type Result, type Subject, severities } from "../../../audit/check.ts";
import {
  chooseRemedy,
  counts,
  describeNotes,
  type Found,
  getRemaining,
  listFound,
  ownRemedy,
} from "../../../audit/found.ts";
import { escapeMarkdown } from "../../../markdown.ts";
import { hangText, wrapIndented } from "../../../terminal/table.ts";
import { escapeControlCharacters } from "../../../text.ts";

/** What is to be done about a check: "settled" if all that it has found is accepted, or in the baseline. */
export type Standing = Result | "settled";
const standings: readonly Standing[] = ["fail", "unknown", "settled", "pass"];

export function getStanding(check: CheckResult): Standing {
  const remaining = getRemaining(check);
  return remaining === "pass" && check.result !== "pass" ? "settled" : remaining;
}

/** The worst first: by standing, then by severity. */
export const sortChecks = (checks: readonly CheckResult[]): readonly CheckResult[] =>
  [...checks].sort(
    (a, b) =>
      standings.indexOf(getStanding(a)) - standings.indexOf(getStanding(b)) ||
      severities.indexOf(a.severity) - severities.indexOf(b.severity),
  );

const headings: Readonly<Record<Standing, string>> = {
  fail: "Does not hold:",
  unknown: "Not known:",
  settled: "Accepted, or in the baseline:",
  pass: "Holds:",
};

/** So many subjects are shown for each check; --json has all. */
const mostSubjects = 20;
/** The things to do first. */
const mostUrgent = 3;

/** By severity: that something severe is not known is worse than a slight failure. */
export const listUrgent = (checks: readonly CheckResult[]): readonly CheckResult[] =>
  sortChecks(checks)
    .filter((check) => getRemaining(check) !== "pass")
    .toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity))
    .slice(0, mostUrgent);

/** @param now milliseconds since 1970 */
export function formatAudit(audit: Audit, now: number, columns: number): string {
  const sorted = sortChecks(audit.checks);
  const urgent = listUrgent(audit.checks);
  const lines = [
    `Account ${audit.account}, ${describeReport(audit, now)}`,
    formatScore(audit),
    ...describeFiles(audit),
    ...(urgent.length === 0
      ? []
      : [
          "",
          "Begin with:",
          ...urgent.map(({ id, reason }, index) => `  ${index + 1}. ${id}: ${escapeControlCharacters(reason)}`),
        ]),
    ...standings.flatMap((standing) =>
      formatGroup(
        sorted.filter((check) => getStanding(check) === standing && isShown(check, audit)),
        columns,
      ),
    ),
  ];
  return `${lines.flatMap((line) => wrapIndented(line, columns)).join("\n")}\n`;
}

/** With a baseline, what holds and what is as before is only counted; what someone accepts is shown all the same. */
function isShown(check: CheckResult, { baseline }: Audit): boolean {
  const standing = getStanding(check);
  if (baseline === undefined || standing === "fail" || standing === "unknown") return true;
  return standing === "settled" && listFound(check).some(({ accepted }) => accepted !== undefined);
}

export const formatScore = ({ summary: { pass, fail, unknown }, checks }: Audit): string =>
  `${pass} of ${countThings(checks.length, "check")} ${pass === 1 ? "holds" : "hold"}, ` +
  `${fail} ${fail === 1 ? "does" : "do"} not, ${unknown} ${unknown === 1 ? "is" : "are"} not known`;

/** What the baseline and the accepted risks come to. */
export function describeFiles({ baseline, accepted }: Audit): readonly string[] {
  return [
    ...(baseline === undefined
      ? []
      : [
          `Since the baseline of ${baseline.made}: ${baseline.new} new, ${baseline.known} as before, ${baseline.fixed.length} fixed`,
        ]),
    ...(accepted === undefined ? [] : [`Accepted: ${accepted.accepted}; expired: ${accepted.expired}`]),
  ];
}

export function describeReport({ reportGenerated, confirmed }: Audit, now: number): string {
  const fresh = confirmed === undefined ? "" : ", users confirmed by calls about each";
  if (reportGenerated === null) return `credential report not known${fresh}`;
  const minutes = Math.max(0, Math.floor((now - Date.parse(reportGenerated)) / 60_000));
  const age = minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
  return `credential report ${age} old${fresh}`;
}

function formatGroup(checks: readonly CheckResult[], columns: number): readonly string[] {
  const [first] = checks;
  if (first === undefined) return [];
  return ["", headings[getStanding(first)], ...checks.flatMap((check) => formatCheck(check, columns))];
}

function formatCheck(check: CheckResult, columns: number): readonly string[] {
  const { id, title, severity, result, reason } = check;
  const hang = (first: string, text: string): readonly string[] =>
    hangText(first, escapeControlCharacters(text), columns).split("\n");
  const head = hang(`  ${severity.padEnd(6)}  `, `${id}: ${title} (${reason})`);
  if (result === "pass") return head;
  const indent = " ".repeat(10);
  const found = listFound(check);
  // What the baseline has is only counted.
  const shown = found.filter((each) => each.accepted !== undefined || counts(each));
  const known = found.length - shown.length;
  const texts = shown.flatMap((each) => describeFound(each) ?? []);
  const more = texts.length - mostSubjects;
  return [
    ...head,
    ...texts.slice(0, mostSubjects).flatMap((text) => hang(indent, text)),
    ...(more > 0 ? [`${indent}and ${more} more, with --json`] : []),
    ...(known > 0 ? [`${indent}in the baseline: ${known}`] : []),
    ...(getStanding(check) === "settled" ? [] : hang(indent, `next: ${chooseRemedy(check)}`)),
  ];
}

/** One thing that was found; undefined if the check's reason says it all. */
function describeFound(found: Found): string | undefined {
  const { name, evidence } = found;
  const notes = describeNotes(found);
  if (name === "") return notes === "" ? undefined : notes;
  return `${name}: ${evidence}${notes === "" ? "" : ` (${notes})`}`;
}

export const columnNames = ["account", "check", "severity", "result", "name", "arn", "evidence", "remedy"];

/** A row for each subject, or one for a check without subjects. With a baseline or accepted risks, what that says of it. */
export function listRows(audit: Audit): readonly (readonly string[])[] {
  const { account, checks } = audit;
  const hasNotes = audit.baseline !== undefined || audit.accepted !== undefined;
  return [
    [...columnNames, ...(hasNotes ? ["state", "person", "until", "why"] : [])],
    ...checks.flatMap((check) => {
      const { id, severity, result, reason, remedy } = check;
      const passed: Row = { name: "", arn: "", evidence: reason, result };
      const rows: readonly Row[] = result === "pass" ? [passed] : listFound(check);
      return rows.map((found) =>
        [
          ...[account, id, severity, found.result, found.name, found.arn, found.evidence],
          result === "pass" ? "" : (found.remedy ?? remedy),
          ...(hasNotes ? listNotes(found) : []),
        ].map(escapeControlCharacters),
      );
    }),
  ];
}

type Row = Subject & Pick<CheckResult, "result">;

function listNotes({ accepted, new: isNew }: Notes): readonly string[] {
  if (accepted === undefined) return [isNew === undefined ? "" : isNew ? "new" : "known", "", "", ""];
  return [accepted.expired ? "expired" : "accepted", accepted.person, accepted.until, accepted.reason];
}

export function formatAuditMarkdown(audit: Audit): string {
  const { account, made, reportGenerated, confirmed, checks } = audit;
  const cell = escapeMarkdown;
  const sorted = sortChecks(checks).filter((check) => isShown(check, audit));
  const open = sorted.filter(({ result }) => result !== "pass");
  return `${[
    `# MFA audit of account ${account}`,
    "",
    `Made ${made}, credential report of ${reportGenerated ?? "(not known)"}${confirmed === undefined ? "" : `, users confirmed by calls about each at ${confirmed}`}. ${formatScore(audit)}.`,
    ...describeFiles(audit).flatMap((line) => ["", `${line}.`]),
    "",
    "| Result | Severity | Check | Why |",
    "| --- | --- | --- | --- |",
    ...sorted.map(
      ({ result, severity, title, reason }) => `| ${result} | ${severity} | ${cell(title)} | ${cell(reason)} |`,
    ),
    ...open.flatMap((check) => {
      const lines = listFound(check).flatMap((found) => {
        const text = describeFound(found);
        const remedy = ownRemedy(found);
        return text === undefined ? [] : `- ${cell(text)}${remedy === undefined ? "" : `: ${formatCode(remedy)}`}`;
      });
      const next = getStanding(check) === "settled" ? [] : [`Next: ${formatCode(chooseRemedy(check))}`];
      return [...["", `## ${check.id}`, ""], ...lines, ...(lines.length === 0 ? [] : [""]), ...next];
    }),
    ...["", "## No check looks at", "", ...audit.notLookedAt.map((each) => `- ${each}`)],
  ].join("\n")}\n`;
}

/** A command, in which nothing counts as markup: its fence is longer than what looks like one in it. */
function formatCode(command: string): string {
  const longest = Math.max(0, ...(command.match(/`+/g) ?? []).map(({ length }) => length));
  const fence = "`".repeat(longest + 1);
  const space = longest === 0 ? "" : " ";
  return `${fence}${space}${escapeControlCharacters(command)}${space}${fence}`;
}
