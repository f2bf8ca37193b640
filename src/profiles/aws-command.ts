// What the aws command (botocore, by Python's configparser) cannot read, although other programs can.
// https://docs.python.org/3/library/configparser.html#supported-ini-file-structure
import { isAscii, isUtf8 } from "node:buffer";
import { markLength, parseLine, type Section, type Sections, splitLines } from "./scan.ts";
import { SPACE } from "./white-space.ts";

/** Why the aws command reads nothing of a file, or not as it was meant. */
export interface Obstacle {
  /** Line number, from 1. */
  readonly line: number;
  readonly reason: string;
  readonly fix: string;
  /** Whether it reads the file, and only takes another section than the SDKs. */
  readonly isOtherSection?: boolean;
  /** Whether it is a section that the file has twice: then no section has been looked at. */
  readonly isRepeatedSection?: boolean;
}

/** The first obstacle of a whole file, if it has one. Of its sections it looks at those that are given. */
export function findObstacle(text: string, sections: Sections, used: readonly Section[]): Obstacle | undefined {
  if (markLength(text) > 0) {
    return { line: 1, reason: "begins with a byte order mark", fix: "save the file without one" };
  }
  if (!isUtf8Text(text)) {
    return { line: findOtherLine(text), reason: "is not UTF-8", fix: "save the file as UTF-8" };
  }
  const lone = text.includes("\r") ? text.search(/\r(?!\r*(?:\n|$))/) : -1;
  if (lone >= 0) {
    return {
      line: countLine(text, lone),
      reason: "has a carriage return in the middle, which some programs read as a line end",
      fix: "replace it with a line end",
    };
  }
  const unseen = findUnseen(text, used);
  if (unseen !== undefined) {
    return {
      line: countLine(text, unseen),
      reason: "has an invisible character (U+FEFF), which aws does not treat as white space",
      fix: "remove that character",
    };
  }
  const [earlier, later] = sections.findDuplicate() ?? [];
  if (earlier && later) {
    const reason = `begins the same section as line ${earlier.line}`;
    return { line: later.line, reason, fix: "merge the two sections", isRepeatedSection: true };
  }
  for (const section of used) {
    // Of [default] and [profile default] the aws command takes the later one, the SDKs the second.
    const taken = sections.ofProfile(section.profile ?? "").at(-1);
    if (taken && taken.line !== section.line) {
      const reason = `overrides line ${section.line}`;
      return { line: taken.line, reason, fix: "merge the two sections", isOtherSection: true };
    }
    const found = findObstacleIn(text.slice(section.bodyStart, section.end));
    if (found) return { ...found, line: section.line + found.line };
  }
  return undefined;
}

/** Whether the bytes of a text are UTF-8. Part by part, since nearly all files are plain ASCII and some are long. */
function isUtf8Text(text: string): boolean {
  const part = Buffer.allocUnsafe(Math.min(text.length, 1 << 18));
  for (let at = 0; at < text.length; at += part.length) {
    const length = part.write(text.slice(at, at + part.length), "latin1");
    if (!isAscii(part.subarray(0, length))) return isUtf8(Buffer.from(text, "latin1"));
  }
  return true;
}

/** The first obstacle in a section's body; lines count from 1 there. */
export function findObstacleIn(body: string): Obstacle | undefined {
  const first = new Map<string, number>();
  let level = Number.POSITIVE_INFINITY;
  let isBlock = false;
  for (const [index, source] of splitLines(body).entries()) {
    const line = parseLine(source);
    if (line.kind === "blank" || line.kind === "comment") continue;
    const number = index + 1;
    if (line.indent > level) {
      if (isBlock && !source.includes("=")) {
        return { line: number, reason: 'has no "=", and is in an indented block', fix: "write key = value there" };
      }
      continue;
    }
    if (line.kind === "continuation") continue;
    level = line.indent;
    isBlock = line.raw === "";
    const before = first.get(line.key);
    if (before !== undefined) {
      return { line: number, reason: `repeats the key ${line.key}`, fix: "remove one of the two lines" };
    }
    first.set(line.key, number);
  }
  return undefined;
}

/**
 * Where U+FEFF is that JavaScript trims and Python does not: before a line, which may be any, or behind or beside what a
 * section in use says.
 */
function findUnseen(text: string, used: readonly Section[]): number | undefined {
  if (!text.includes(UNSEEN)) return undefined;
  const before = new RegExp(`^${SPACE}*?${UNSEEN}`, "m").exec(text);
  if (before) return before.index;
  const beside = new RegExp(`${UNSEEN}${SPACE}*(?:[=:\\n]|$)|[=:]${SPACE}*?${UNSEEN}`);
  for (const { start, end } of used) {
    const found = beside.exec(text.slice(start, end));
    if (found) return start + found.index;
  }
  return undefined;
}

/** U+FEFF in UTF-8, as the byte strings have it. */
const UNSEEN = "\u00ef\u00bb\u00bf";

function findOtherLine(text: string): number {
  const lines = text.split("\n");
  return 1 + lines.findIndex((line) => !isUtf8(Buffer.from(line, "latin1")));
}

function countLine(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}
