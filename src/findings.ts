// What a check finds, in the form that commands print: text here, SARIF in sarif.ts. The JSON is the finding itself.
import { wrapWords } from "./terminal/table.ts";
import { escapeControlCharacters, formatJson, quote } from "./text.ts";

/** An error makes the command exit with 3. */
export type Level = "error" | "warning" | "note";

export interface Finding extends Partial<Region> {
  /** The id of the rule, check or guard. It never changes. */
  readonly rule: string;
  readonly level: Level;
  /** What is wrong, and the consequence: lower case, no full stop. */
  readonly message: string;
  /** Why that matters, if the message does not say it. */
  readonly why?: string;
  /** How to fix it, in the same style. */
  readonly fix: string;
  /** The file, as the user named it; "-" is stdin. */
  readonly file?: string;
  /** What it is about, if the file does not say it all: one of several policies in it, a user, a profile. */
  readonly subject?: string;
  /** The subject named in full, as by an ARN: by it the finding is the same in the next run, whatever the message says. */
  readonly identity?: string;
  /** There was too little information to decide: it may be no problem. */
  readonly isOpen?: boolean;
  /** Whether it is new since an earlier run. Without such a run it is left out. */
  readonly isNew?: boolean;
  /** Why it is accepted; empty if it is not, left out if nothing is known of that. */
  readonly accepted?: string;
  /** Where else the file has the same problem. */
  readonly also?: readonly Region[];
}

/** A part of one line. All count from 1; columns count UTF-16 units. */
export interface Region {
  readonly line: number;
  readonly column: number;
  /** The column after the last character. */
  readonly endColumn: number;
}

/** Of more places than this, texts only give the number. */
const listedPlaces = 20;

const indent = "    ";

/** @param columns how wide the terminal is; elsewhere each message is one line, for editors and grep */
export function formatFindings(findings: readonly Finding[], columns = Number.POSITIVE_INFINITY): string {
  return findings.map((finding) => formatFinding(finding, columns)).join("");
}

function formatFinding(finding: Finding, columns: number): string {
  const { file, level, rule, message, why = "", fix, also = [] } = finding;
  const place = [file, finding.line, finding.column].filter((part) => part !== undefined).join(":");
  const words = [place, level, rule, describe(finding, message)].filter((word) => word !== "").join(" ");
  const more = also.length === 0 ? [] : [listPlaces(also, ({ line, column }) => `${line}:${column}`)];
  const [first = "", ...rest] = wrapWords(escapeControlCharacters(words), columns);
  const below = [rest.join(" "), escapeControlCharacters(why), escapeControlCharacters(fix), ...more].filter(
    (text) => text !== "",
  );
  const indented = below.flatMap((text) => wrapWords(text, columns - indent.length)).map((line) => indent + line);
  return `${[first, ...indented].join("\n")}\n`;
}

/** Adds what the finding is about to its message. */
export function describe({ subject }: Finding, message: string): string {
  return subject === undefined ? message : `${quote(subject)}: ${message}`;
}

/** Lists the first of the other places. */
export function listPlaces(places: readonly Region[], format: (place: Region, index: number) => string): string {
  const listed = places.slice(0, listedPlaces).map(format);
  const rest = places.length > listedPlaces ? ` and ${places.length - listedPlaces} more places` : "";
  return `also at ${listed.join(", ")}${rest}`;
}

export function formatFindingsJson(findings: readonly Finding[]): string {
  return formatJson(findings);
}

/** Counts findings by level: "2 errors, 1 note". */
export function summarizeFindings(findings: readonly Finding[]): string {
  const counts = (["error", "warning", "note"] as const).flatMap((level) => {
    const count = findings.filter((finding) => finding.level === level).length;
    return count === 0 ? [] : `${count} ${level}${count === 1 ? "" : "s"}`;
  });
  return counts.length === 0 ? "no findings" : counts.join(", ");
}
