// An audit as one HTML file, for a security officer. It loads nothing, and its Content-Security-Policy allows only its own
// style and script. Everything from AWS is escaped by `html`.
import { createHash } from "node:crypto";
import type { Audit, CheckResult } from "../../../../audit/audit.ts";
import { type AuditInput, severities } from "../../../../audit/check.ts";
import { type AuditedPeople, type AuditedUser, listPeople } from "../../../../audit/people.ts";
import { html, type Markup, trustMarkup } from "../../../../html.ts";
import { describeNumber } from "../many.ts";
import {
  describeFiles,
  describeReport,
  formatScore,
  getStanding,
  listUrgent,
  type Standing,
  sortChecks,
} from "../text.ts";
import { type Bar, drawBars } from "./charts.ts";
import { writeFailed, writePassed, writeSettled, writeUnknown } from "./findings.ts";
import { onlyAccount, openSection, type Place } from "./place.ts";
import style from "./report.css?raw";
import script from "./report.mjs?raw";
import { drawDevices, writeUsers } from "./users.ts";

export function formatAuditHtml(audit: Audit, input: AuditInput): string {
  const people = listPeople(input);
  const title = `MFA audit of account ${describeNumber(audit.account, people.alias ?? audit.account)}`;
  const parts = [
    ...[link("summary", "Summary"), link("users", "Users"), link("findings", "What does not hold")],
    ...[link("unknown", "What was not looked at"), link("passed", "What holds")],
  ];
  return writePage(title, `Made ${audit.made}, ${describeReport(audit, input.now)}`, parts, [
    writeAccount(audit, people, onlyAccount),
  ]);
}

export const link = (id: string, text: string): Markup => html`<a href="#${id}">${text}</a>`;

/** @param about what stands below the title @param parts links to the parts of the page */
export function writePage(title: string, about: string, parts: readonly Markup[], main: readonly Markup[]): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentSecurityPolicy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${trustMarkup(style)}</style>
</head>
<body>
<header>
<h1>${title}</h1>
<p class="quiet">${about}</p>
<nav aria-label="Parts of the report"><ul>
${parts.map((part) => html`<li>${part}</li>`)}
</ul></nav>
</header>
<main>
${main}</main>
<footer><p>Made by <code>fob audit --format html</code>. The same as data: <code>fob audit --json</code>.</p></footer>
<script type="module">${trustMarkup(script)}</script>
</body>
</html>
`.text;
}

/** All of one account. */
export function writeAccount(audit: Audit, people: AuditedPeople, place: Place): Markup {
  const sorted = sortChecks(audit.checks);
  const listOf = (standing: Standing) => sorted.filter((check) => getStanding(check) === standing);
  return html`${writeSummary(audit, people.users, place)}${writeUsers(people, place)}${writeFailed(listOf("fail"), place)}${writeUnknown({ ...audit, checks: sorted }, place)}${writeSettled(listOf("settled"), place)}${writePassed(listOf("pass"), place)}`;
}

const hash = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** The hashes are of what stands between the tags, to the byte. */
const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src ${hash(style)}`,
  `script-src ${hash(script)}`,
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

function writeSummary(audit: Audit, users: readonly AuditedUser[], place: Place): Markup {
  const { prefix, level } = place;
  const urgent = listUrgent(audit.checks);
  return html`${openSection("summary", "Summary", place)}
${[formatScore(audit), ...describeFiles(audit)].map((line) => html`<p>${line}.</p>\n`)}${writeScore(audit.summary)}${
  urgent.length === 0
    ? ""
    : html`<h${level + 1}>Begin with</h${level + 1}>
<ol class="urgent">${urgent.map(({ id, title, reason }) => html`<li><a href="#${prefix}check-${id}">${title}</a>: ${reason}</li>\n`)}</ol>
`
}<div class="charts">
${drawResults(audit.checks)}${drawDevices(users)}</div>
</section>
`;
}

export const writeScore = ({ pass, fail, unknown }: Audit["summary"]): Markup =>
  html`<ul class="score"><li class="fail"><b>${fail}</b> do not hold</li><li class="unknown"><b>${unknown}</b> are not known</li><li class="pass"><b>${pass}</b> hold</li></ul>
`;

const resultOrder = ["fail", "unknown", "pass"] as const;

export function drawResults(checks: readonly CheckResult[]): Markup {
  const bars = severities.map((severity): Bar => {
    const count = (result: CheckResult["result"]): number =>
      checks.filter((check) => check.severity === severity && check.result === result).length;
    const parts = resultOrder.map((result) => ({ name: result, count: count(result), tone: result }));
    return { label: severity, parts };
  });
  return html`<div>${drawBars("Results by severity", bars, ({ parts }) => parts.map(({ count }) => count).join(" + "))}<ul class="legend">${resultOrder.map((result) => html`<li class="${result}">${result}</li>`)}</ul></div>
`;
}
