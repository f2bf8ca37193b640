// Findings as SARIF 2.1.0, the format of code scanning:
// https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support
import { createHash } from "node:crypto";
import { isAbsolute, relative, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, type Finding, type Level, listPlaces, type Region } from "./findings.ts";
import { escapeControlCharacters, formatJson } from "./text.ts";

/** A rule, as code scanning shows it beside its findings. */
export interface SarifRule {
  readonly id: string;
  readonly level: Level;
  /** What the rule finds, and why that matters: sentences. */
  readonly text: string;
}

export interface SarifOptions {
  /** The version of fob. */
  readonly version: string;
  /** The URL of fob's page. */
  readonly homepage: string;
  /** All rules, in an order that does not change between runs. */
  readonly rules: readonly SarifRule[];
  /** What the rules' help says at its end, in Markdown. */
  readonly help: string;
  /** The absolute path that URIs are relative to. Code scanning expects the root of the repository. */
  readonly folder: string;
}

/** What one thing was found to be like: a run of the report. */
export interface SarifRun {
  readonly findings: readonly Finding[];
  /** What the run is about, where a report has several. Code scanning compares runs that have the same. */
  readonly category?: string;
  /** Why nothing could be looked at. */
  readonly failure?: string;
  /** Why nothing was looked at, where that is no failure. */
  readonly note?: string;
}

/** "Locations per result: 1,000", of which the place itself is one. */
const mostRelated = 999;

export function formatSarif(findings: readonly Finding[], options: SarifOptions): string {
  return formatSarifRuns([{ findings }], options);
}

export function formatSarifRuns(runs: readonly SarifRun[], options: SarifOptions): string {
  return formatJson({
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: runs.map((run) => formatRun(run, options)),
  });
}

function formatRun(
  { findings, category, failure, note }: SarifRun,
  { version, homepage, rules, help, folder }: SarifOptions,
) {
  const ruleIds = rules.map(({ id }) => id);
  const fingerprint = countFingerprints();
  const driver = { name: "fob", semanticVersion: version, informationUri: homepage };
  return {
    tool: { driver: { ...driver, rules: rules.map((rule) => formatRule(rule, help)) } },
    ...(category === undefined ? {} : { automationDetails: { id: `${category}/` } }),
    ...(failure === undefined ? {} : { invocations: [formatInvocation("error", failure)] }),
    ...(note === undefined ? {} : { invocations: [formatInvocation("note", note)] }),
    columnKind: "utf16CodeUnits",
    results: findings.map((finding) => formatResult(finding, ruleIds, fingerprint(finding), folder)),
  };
}

const formatInvocation = (level: "error" | "note", message: string) => ({
  executionSuccessful: level !== "error",
  toolExecutionNotifications: [{ level, message: { text: escapeMessage(message) } }],
});

/** Braces stand for placeholders unless they are doubled: SARIF 2.1.0, 3.11.5. */
const escapeMessage = (text: string): string => escapeControlCharacters(text).replace(/[{}]/g, "$&$&");

function formatRule({ id, level, text }: SarifRule, help: string) {
  return {
    id,
    shortDescription: { text: /^.+?\.(?= |$)/.exec(text)?.[0] ?? text },
    fullDescription: { text },
    help: { text, markdown: `${text.replace(/[\\`*_[\]<>]/g, "\\$&")}\n\n${help}` },
    defaultConfiguration: { level },
  };
}

function formatResult(finding: Finding, ruleIds: readonly string[], fingerprint: string, folder: string) {
  const { rule, level, file, isOpen, also = [] } = finding;
  const artifactLocation = file === undefined ? undefined : { uri: toUri(file, folder) };
  const locate = (region: Partial<Region>) =>
    artifactLocation && { physicalLocation: { artifactLocation, region: formatRegion(region) } };
  const location = { ...locate(finding), ...formatLogical(finding) };
  const related = also.slice(0, mostRelated).map((region, index) => ({ id: index + 1, ...locate(region) }));
  return {
    ruleId: rule,
    ruleIndex: ruleIds.indexOf(rule),
    // "If kind has any value other than fail, then […] level […] SHALL have the value none": SARIF 2.1.0, 3.27.10.
    ...(isOpen ? { kind: "open", level: "none" } : { level }),
    message: { text: formatMessage(finding) },
    locations: [location],
    ...(related.length === 0 ? {} : { relatedLocations: related }),
    partialFingerprints: { primaryLocationLineHash: fingerprint },
    ...formatStates(finding),
  };
}

/** All results of a run must have them, or none: SARIF 2.1.0, 3.27.23 and 3.27.24. */
function formatStates({ isNew, accepted }: Finding) {
  const suppression = { kind: "external", status: "accepted", justification: escapeControlCharacters(accepted ?? "") };
  return {
    ...(isNew === undefined ? {} : { baselineState: isNew ? "new" : "unchanged" }),
    ...(accepted === undefined ? {} : { suppressions: accepted === "" ? [] : [suppression] }),
  };
}

function formatLogical({ subject, identity }: Finding) {
  if (subject === undefined) return {};
  const name = escapeControlCharacters(subject);
  const full = identity === undefined ? {} : { fullyQualifiedName: escapeControlCharacters(identity) };
  return { logicalLocations: [{ name, ...full }] };
}

/**
 * Code scanning shows related locations as links in the message, by their ids. Nothing else in it may become a link.
 */
function formatMessage(finding: Finding): string {
  const { message, fix, also = [] } = finding;
  const text = escapeMessage(`${describe(finding, message)}. Fix: ${fix}`).replaceAll("](", "] (");
  return also.length === 0 ? text : `${text}; ${listPlaces(also, ({ line }, index) => `[line ${line}](${index + 1})`)}`;
}

/** What has no place in the file is about all of it. */
function formatRegion({ line = 1, column = 1, endColumn = column }: Partial<Region>) {
  return { startLine: line, startColumn: column, endLine: line, endColumn };
}

/** A relative reference, with / between folders; a URL for a file outside of the folder. */
function toUri(file: string, folder: string): string {
  if (file === "-") return "stdin";
  const path = relative(folder, resolve(folder, file));
  const steps = path.split(sep);
  if (isAbsolute(path) || steps[0] === "..") return pathToFileURL(resolve(folder, file)).href;
  // Through a buffer, because a half of a surrogate pair has no encoding.
  return steps.map((step) => encodeURIComponent(Buffer.from(step).toString())).join("/");
}

/**
 * Returns a function that gives each finding of a run the name by which code scanning knows it again in the next one,
 * together with its rule and file. It does not depend on the line: a finding that moves stays the same alert. It is not
 * the line's hash, which two findings in a line would share: to dismiss one alert would dismiss both.
 */
function countFingerprints(): (finding: Finding) => string {
  const counts = new Map<string, number>();
  return ({ rule, file = "", subject = "", identity, message }) => {
    // Numbers such as "6,213 characters" change with every edit.
    const stable = message.replace(/\b\d{1,3}(,\d{3})+\b/g, "#");
    const key = JSON.stringify(identity === undefined ? [rule, subject, stable] : [rule, identity, subject]);
    const count = (counts.get(file + key) ?? 0) + 1;
    counts.set(file + key, count);
    return `${createHash("sha256").update(key).digest("hex").slice(0, 16)}:${count}`;
  };
}
