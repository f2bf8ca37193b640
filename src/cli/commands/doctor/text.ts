// A diagnosis as a person reads it: what was found first, what is well last.
import type { CheckResult, Diagnosis, Verdict } from "../../../doctor/check.ts";
import { formatFindings, type Level } from "../../../findings.ts";
import { hangText } from "../../../terminal/table.ts";
import { escapeControlCharacters } from "../../../text.ts";

export function formatDiagnosis({ checks }: Diagnosis, columns: number): string {
  const all = checks.flatMap((check) => check.findings);
  const findings = levels.flatMap((level) => all.filter((finding) => finding.level === level));
  const open = checks.flatMap(({ id, unknown }) => unknown.map((reason): [string, string] => [id, reason]));
  const well = checks.filter(({ result }) => result === "ok").map(({ id }) => id);
  const sections = [
    ...(findings.length === 0 ? [] : [formatFindings(findings, columns)]),
    ...(open.length === 0 ? [] : [`Not known:\n${open.map((row) => formatUnknown(row, columns)).join("")}`]),
    ...(well.length === 0 ? [] : [`${hangText("Fine: ", well.join(", "), columns)}\n`]),
  ];
  return sections.join("\n");
}

/** The worst first. */
const levels: readonly Level[] = ["error", "warning", "note"];

const formatUnknown = ([id, reason]: [string, string], columns: number): string =>
  `${hangText("  ", `${id}: ${escapeControlCharacters(reason)}`, columns)}\n`;

export interface Summary {
  readonly ok: number;
  readonly found: number;
  readonly unknown: number;
}

/** Checks with nothing but notes are fine. */
export function summarize(checks: readonly CheckResult[]): Summary {
  const count = (...results: readonly Verdict[]): number =>
    checks.filter(({ result }) => results.includes(result)).length;
  return { ok: count("ok", "noted"), found: count("found"), unknown: count("unknown") };
}

export function describeSummary({ ok, found, unknown }: Summary): string {
  const all = ok + found + unknown;
  if (ok === all) return `all ${all} checks are fine`;
  const parts = [
    ...(found > 0 ? [`${found} found a problem`] : []),
    ...(unknown > 0 ? [`${unknown} could not look at everything`] : []),
  ];
  return `${ok} of ${all} checks are fine, ${parts.join(", ")}`;
}
