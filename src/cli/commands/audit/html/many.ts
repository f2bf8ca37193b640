// The audits of many accounts as one HTML file: all of them in short, then each in full, folded.
import type { AccountAudit, AccountsReport } from "../../../../audit/accounts.ts";
import type { Audit } from "../../../../audit/audit.ts";
import type { AuditedPeople } from "../../../../audit/people.ts";
import { formatUtcTime } from "../../../../duration.ts";
import { html, type Markup } from "../../../../html.ts";
import { commandsNote, describeAccount, describeInactive, describeNumber, formatCount, sortAccounts } from "../many.ts";
import { describeReport, listUrgent } from "../text.ts";
import { placeOf } from "./place.ts";
import { drawResults, link, writeAccount, writePage, writeScore } from "./report.ts";
import { drawDevices } from "./users.ts";

interface Read {
  readonly name: string;
  readonly audit: Audit;
  readonly people: AuditedPeople;
}

/** @param now milliseconds since 1970 */
export function formatAuditsHtml(report: AccountsReport, now: number): string {
  const read = report.accounts.flatMap(({ name, audit, people }): Read[] =>
    "value" in audit && people !== undefined ? [{ name, audit: audit.value, people }] : [],
  );
  const parts = [
    link("summary", "All accounts"),
    ...read.map(({ name, audit }, index) =>
      link(`${placeOf(index).prefix}summary`, describeNumber(audit.account, name)),
    ),
  ];
  return writePage(`MFA audit of ${formatCount(report)}`, `Made ${formatUtcTime(now)}`, parts, [
    writeAll(report, read),
    ...read.map(({ name, audit, people }, index) => writeFolded(name, audit, people, index, now)),
  ]);
}

/** A target within what is folded unfolds it. */
const writeFolded = (name: string, audit: Audit, people: AuditedPeople, index: number, now: number): Markup =>
  html`<details class="account"><summary><h2>Account ${describeNumber(audit.account, name)}</h2></summary>
<p class="quiet">${people.alias === null ? "" : `Alias ${people.alias}. `}Made ${audit.made}, ${describeReport(audit, now)}</p>
${writeAccount(audit, people, placeOf(index))}</details>
`;

function writeAll(report: AccountsReport, read: readonly Read[]): Markup {
  const add = (result: keyof Audit["summary"]): number =>
    read.reduce((sum, { audit }) => sum + audit.summary[result], 0);
  const checks = read.flatMap(({ audit }) => audit.checks);
  return html`<section aria-labelledby="summary">
<h2 id="summary">All accounts</h2>
<p>Of ${checks.length} checks in ${read.length} accounts that were read:</p>
${report.inactive === undefined ? "" : html`<p class="quiet">${commandsNote}</p>\n`}${writeScore({ pass: add("pass"), fail: add("fail"), unknown: add("unknown") })}<div class="scroll" role="region" aria-labelledby="summary" tabindex="0"><table class="accounts" aria-label="Accounts">
<thead><tr><th scope="col">Account</th><th scope="col">Do not hold</th><th scope="col">Not known</th><th scope="col">Hold</th><th scope="col">Most urgent</th></tr></thead>
<tbody>
${sortAccounts(report.accounts).map((each) => writeRow(each, read))}${(report.inactive ?? []).map(
  (each) =>
    html`<tr><th scope="row">${describeNumber(each.account, each.name)}</th><td colspan="4">${describeInactive(each)}</td></tr>\n`,
)}</tbody></table></div>
<div class="charts">
${drawResults(checks)}${drawDevices(read.flatMap(({ people }) => people.users))}</div>
</section>
`;
}

function writeRow(each: AccountAudit, read: readonly Read[]): Markup {
  const name = describeAccount(each);
  const { audit } = each;
  if (!("value" in audit)) {
    return html`<tr><th scope="row">${name}</th><td colspan="4"><b class="unknown">could not be read</b> <small>${audit.unknown}</small></td></tr>\n`;
  }
  const { prefix } = placeOf(read.findIndex((other) => other.audit === audit.value));
  const { fail, unknown, pass } = audit.value.summary;
  const [urgent] = listUrgent(audit.value.checks);
  return html`<tr><th scope="row">${link(`${prefix}summary`, name)}</th><td>${fail}</td><td>${unknown}</td><td>${pass}</td><td>${urgent === undefined ? "nothing" : html`${urgent.title}: ${urgent.reason}`}</td></tr>\n`;
}
