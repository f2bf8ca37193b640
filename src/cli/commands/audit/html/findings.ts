// What does not hold, with evidence and remedy; what was not looked at; what holds.
import type { Audit, CheckResult } from "../../../../audit/audit.ts";
import { type Controls, countThings } from "../../../../audit/check.ts";
import { chooseRemedy, describeNotes, type Found, listFound, ownRemedy } from "../../../../audit/found.ts";
import { html, type Markup } from "../../../../html.ts";
import { getStanding, type Standing } from "../text.ts";
import { openSection, type Place } from "./place.ts";

/** More entries than this are folded. */
const mostOpen = 20;
/** Of more entries than this the commands are left out, which would make the file several megabytes larger. */
const mostCommands = 200;

export const writeFailed = (
  failed: readonly CheckResult[],
  place: Place,
): Markup => html`${openSection("findings", "What does not hold", place)}
${
  failed.length === 0
    ? html`<p>No check fails.</p>\n`
    : failed.map((check) => writeCheck(check, place, (found) => found.result === "fail"))
}</section>
`;

/** Also of checks that fail something may not be known. */
export function writeUnknown({ checks, notLookedAt }: Audit, place: Place): Markup {
  const articles = checks.flatMap((check) => {
    if (getStanding(check) === "unknown") return writeCheck(check, place);
    return check.unknownSubjects === undefined || getStanding(check) === "settled" ? [] : writeOpenPart(check, place);
  });
  return html`${openSection("unknown", "What was not looked at", place)}
${
  articles.length === 0
    ? html`<p>No check has an unknown result.</p>\n`
    : html`<p>What is unknown is not passed. <code>fob audit --print-policy</code> prints the permissions that the checks need.</p>
${articles}`
}<h${place.level + 1}>No check looks at</h${place.level + 1}>
<ul>
${notLookedAt.map((each) => html`<li>${each}</li>\n`)}</ul>
</section>
`;
}

/** Nothing without a baseline or accepted risks. */
export const writeSettled = (settled: readonly CheckResult[], place: Place): Markup =>
  settled.length === 0
    ? html``
    : html`${openSection("settled", "Accepted, or in the baseline", place)}
${settled.map((check) => writeCheck(check, place))}</section>
`;

export const writePassed = (
  passed: readonly CheckResult[],
  place: Place,
): Markup => html`${openSection("passed", "What holds", place)}
${
  passed.length === 0
    ? html`<p>No check passed.</p>\n`
    : html`<table class="passed" aria-label="Checks that hold"><thead><tr><th scope="col">Severity</th><th scope="col">Check</th><th scope="col">Looked at</th></tr></thead>
<tbody>
${passed.map(
  ({ id, title, severity, reason }) =>
    html`<tr id="${place.prefix}check-${id}"><td>${severity}</td><td>${title} <code class="quiet">${id}</code></td><td>${reason}</td></tr>\n`,
)}</tbody></table>
`
}</section>
`;

function writeCheck(
  check: CheckResult,
  { prefix, level }: Place,
  isShown: (found: Found) => boolean = () => true,
): Markup {
  const { id, title, severity, reason, controls } = check;
  const standing = getStanding(check);
  return html`<article class="${standing}" id="${prefix}check-${id}" aria-labelledby="${prefix}title-${id}">
<h${level + 1} id="${prefix}title-${id}">${title}</h${level + 1}>
<p><span class="badge ${standing}">${severity}, ${labels[standing]}</span>${reason}</p>
${writeFound(listFound(check).filter(isShown), title)}${
  standing === "settled"
    ? ""
    : html`<p class="next">Next: <code>${chooseRemedy(check)}</code></p>
`
}<p class="quiet">${[`Check ${id}`, ...listControls(controls)].join(" · ")}</p>
</article>
`;
}

const labels: Readonly<Record<Standing, string>> = {
  ...{ fail: "fails", unknown: "unknown", settled: "accepted, or in the baseline", pass: "holds" },
};

/** What is not known of a check that fails all the same. */
const writeOpenPart = ({ id, title, unknownSubjects = [], ...check }: CheckResult, { prefix, level }: Place): Markup =>
  html`<article class="unknown" aria-labelledby="${prefix}open-${id}">
<h${level + 1} id="${prefix}open-${id}">${title}</h${level + 1}>
<p><span class="badge unknown">${check.severity}, unknown</span>not known for ${unknownSubjects.length}; <a href="#${prefix}check-${id}">fails for others</a></p>
${writeFound(
  unknownSubjects.map((subject) => ({ ...subject, result: "unknown" })),
  title,
)}</article>
`;

function writeFound(all: readonly Found[], title: string): Markup {
  // Of what concerns the account as a whole, the reason says it all but the notes.
  const rows = all.filter((found) => found.name !== "" || describeNotes(found) !== "");
  if (rows.length === 0) return html``;
  const table = html`<table class="evidence" aria-label="Evidence: ${title}"><colgroup><col><col></colgroup><thead><tr><th scope="col">Who or what</th><th scope="col">Evidence</th></tr></thead>
<tbody>
${rows.map((found) => writeRow(found, rows.length <= mostCommands))}</tbody></table>
`;
  if (rows.length <= mostOpen) return table;
  return html`<details><summary>${countThings(rows.length, "entry")}${rows.length > mostCommands ? "; fob audit --format csv has the command for each" : ""}</summary>
${table}</details>
`;
}

function writeRow(found: Found, withCommand: boolean): Markup {
  const { name, evidence } = found;
  const remedy = ownRemedy(found);
  const notes = describeNotes(found);
  const next = remedy === undefined || !withCommand ? "" : html` <code>${remedy}</code>`;
  const shown = notes === "" ? "" : html` <small>${notes}</small>`;
  return html`<tr><th scope="row">${name === "" ? "account" : name}</th><td>${evidence}${shown}${next}</td></tr>\n`;
}

const listControls = ({ cis5, cis6, cis7, securityHub, config }: Controls): readonly string[] => [
  ...(cis5 === undefined ? [] : [`CIS v5 ${cis5}`]),
  ...(cis6 === undefined ? [] : [`CIS v6 ${cis6}`]),
  ...(cis7 === undefined ? [] : [`CIS v7 ${cis7}`]),
  ...(securityHub === undefined ? [] : [`Security Hub ${securityHub.join(", ")}`]),
  ...(config === undefined ? [] : [`AWS Config ${config.join(", ")}`]),
];
