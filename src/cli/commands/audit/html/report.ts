// An audit as one HTML file, for a security officer. It loads nothing, and its Content-Security-Policy allows only its own
// style and script. Everything from AWS is escaped by `html`.
import { createHash } from "node:crypto";
import type { Audit, CheckResult } from "../../../../audit/audit.ts";
import { type AuditInput, severities } from "../../../../audit/check.ts";
import { getRemaining } from "../../../../audit/found.ts";
import { type AuditedUser, listAuditedUsers } from "../../../../audit/people.ts";
import { html, type Markup, trustMarkup } from "../../../../html.ts";
import {
  describeFiles,
  describeReport,
  formatScore,
  getStanding,
  mostUrgent,
  type Standing,
  sortChecks,
} from "../text.ts";
import { type Bar, drawBars } from "./charts.ts";
import { writeFailed, writePassed, writeSettled, writeUnknown } from "./findings.ts";
import style from "./report.css?raw";
import script from "./report.mjs?raw";
import { drawDevices, writeUsers } from "./users.ts";

export function formatAuditHtml(audit: Audit, input: AuditInput): string {
  const { snapshot, enforcement, now } = input;
  const users = listAuditedUsers(input);
  const sorted = sortChecks(audit.checks);
  const alias = "value" in snapshot.alias ? snapshot.alias.value : null;
  const named = alias === null ? audit.account : `${audit.account} (${alias})`;
  const title = `MFA audit of account ${named}`;
  const listOf = (standing: Standing) => sorted.filter((check) => getStanding(check) === standing);
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
<p class="quiet">Made ${audit.made}, ${describeReport(audit, now)}</p>
<nav aria-label="Parts of the report"><ul>
<li><a href="#summary">Summary</a></li><li><a href="#users">Users</a></li><li><a href="#findings">What does not hold</a></li><li><a href="#unknown">What was not looked at</a></li><li><a href="#passed">What holds</a></li>
</ul></nav>
</header>
<main>
${writeSummary(audit, sorted, users)}${writeUsers(users, enforcement.group)}${writeFailed(listOf("fail"))}${writeUnknown(sorted)}${writeSettled(listOf("settled"))}${writePassed(listOf("pass"))}</main>
<footer><p>Made by <code>fob audit --format html</code>. The same as data: <code>fob audit --json</code>.</p></footer>
<script type="module">${trustMarkup(script)}</script>
</body>
</html>
`.text;
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

function writeSummary(audit: Audit, sorted: readonly CheckResult[], users: readonly AuditedUser[]): Markup {
  const { pass, fail, unknown } = audit.summary;
  const urgent = sorted.filter((check) => getRemaining(check) !== "pass").slice(0, mostUrgent);
  return html`<section aria-labelledby="summary">
<h2 id="summary">Summary</h2>
${[formatScore(audit), ...describeFiles(audit)].map((line) => html`<p>${line}.</p>\n`)}<ul class="score"><li class="fail"><b>${fail}</b> do not hold</li><li class="unknown"><b>${unknown}</b> are not known</li><li class="pass"><b>${pass}</b> hold</li></ul>
${
  urgent.length === 0
    ? ""
    : html`<h3>Begin with</h3>
<ol class="urgent">${urgent.map(({ id, title, reason }) => html`<li><a href="#check-${id}">${title}</a>: ${reason}</li>\n`)}</ol>
`
}<div class="charts">
${drawResults(audit)}${drawDevices(users)}</div>
</section>
`;
}

const resultOrder = ["fail", "unknown", "pass"] as const;

function drawResults({ checks }: Audit): Markup {
  const bars = severities.map((severity): Bar => {
    const count = (result: CheckResult["result"]): number =>
      checks.filter((check) => check.severity === severity && check.result === result).length;
    const parts = resultOrder.map((result) => ({ name: result, count: count(result), tone: result }));
    return { label: severity, parts };
  });
  return html`<div>${drawBars("Results by severity", bars, ({ parts }) => parts.map(({ count }) => count).join(" + "))}<ul class="legend">${resultOrder.map((result) => html`<li class="${result}">${result}</li>`)}</ul></div>
`;
}
