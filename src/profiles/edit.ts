// Edits one section of an AWS file's text and leaves every other byte as it was.
import { findObstacleIn } from "./aws-command.ts";
import { isPortableName } from "./names.ts";
import {
  encode,
  type FileKind,
  findSection,
  type Line,
  markLength,
  type Property,
  parseLine,
  type Section,
  scan,
  splitLines,
} from "./scan.ts";
import { SPACE, trimBytes } from "./white-space.ts";

/** Keys of fob's whose value may be a block: what is indented below them is theirs, and goes with them. */
const nestedKeys = new Set(["s3"]);

const indentOfHeader = new RegExp(`^${SPACE}+(?=\\[)`);
const headerComment = new RegExp(`(?:\\]|${SPACE})([#;][^\\r\\n]*)`);

/**
 * What should hold of a profile's section afterwards: `undefined` stands for a key that must not be there. A value that
 * begins with a line's end is a block of indented lines, as {@link textOfValue} writes it.
 */
export type Change = Readonly<Record<string, string | undefined>>;

/** A name or a value that some program would read differently. The message never shows a value: it may be a secret. */
export class Unwritable extends Error {
  override readonly name = "Unwritable";
}

/** The edit would leave a file that the aws command cannot read, and it can read it now. `line` counts from 1. */
export class BreaksFile extends Error {
  override readonly name = "BreaksFile";
  readonly line: number;

  constructor(line: number, reason: string) {
    super(reason);
    this.line = line;
  }
}

/**
 * Sets and removes keys of a profile's section, and adds the section at the end if it is missing.
 *
 * Keys of the section that the change does not name stay, as do comments. The header and the named keys end in a form
 * that every program reads alike, whatever they looked like before.
 *
 * @throws UnparsableText, DuplicateSection, Unwritable, BreaksFile
 */
export function editSection(text: string, kind: FileKind, profile: string, change: Change): string {
  const values = new Map<string, string>();
  for (const [key, value] of Object.entries(change)) {
    if (value === undefined) continue;
    // A value is never shown: it may be a secret.
    if (!isPortableValue(value)) throw new Unwritable(`the value of ${key}`);
    values.set(key, encode(value));
  }
  const section = findSection(scan(text, kind), profile);
  if (section) {
    const edited = rewriteLine(text, section, kind, change, values);
    if (values.size > 0) assertReadable(text, section, edited);
    if (values.size === 0 && edited === text.slice(section.start, section.end)) return text;
    // To botocore an indented header is more of the last value above it, so the indent goes with that.
    return text.slice(0, section.start) + edited + text.slice(section.end).replace(indentOfHeader, "");
  }
  if (values.size === 0) return text;
  if (!isPortableName(profile)) throw new Unwritable("the name of the profile");
  const newline = findLineEnd(text) ?? "\n";
  const isEmpty = text.length === markLength(text);
  const before = isEmpty ? text : endLine(text, newline) + newline;
  return before + headerOf(profile, kind) + newline + formatBlock(values, newline);
}

/**
 * Removes keys from a profile's section, and the section with them when nothing else is left in it.
 *
 * @throws UnparsableText, DuplicateSection
 */
export function removeKeys(text: string, kind: FileKind, profile: string, keys: readonly string[]): string {
  const without = editSection(text, kind, profile, Object.fromEntries(keys.map((key) => [key, undefined])));
  const section = findSection(scan(without, kind), profile);
  if (without === text || !section) return without;
  const body = without.slice(section.bodyStart, section.end);
  if (splitLines(body).some((line) => parseLine(line).kind !== "blank")) return without;
  // The blank line above came with the section.
  return without.slice(0, section.start).replace(/\n\r?\n$/, "\n") + body + without.slice(section.end);
}

function rewriteLine(
  text: string,
  section: Section,
  kind: FileKind,
  change: Change,
  values: ReadonlyMap<string, string>,
): string {
  const newline = findLineEnd(text.slice(section.start, section.end)) ?? findLineEnd(text) ?? "\n";
  const missing = new Map(values);
  const header = text.slice(section.start, section.bodyStart);
  const isRemoval = values.size === 0;
  const kept = [isRemoval ? header : formatHeader(header, section, kind, newline)];
  // Where the section's own lines end: blank lines and comments after that belong to what follows.
  let contentEnd = kept.length;
  const keep = (line: string): void => {
    kept.push(line);
    contentEnd = kept.length;
  };

  // How far the property above is indented: to botocore all that is indented further is a part of it, to the SDK for
  // JavaScript only what is in a block (`s3 =`). Where both say so, a line is no property of its own.
  let level = Number.POSITIVE_INFINITY;
  let inBlock = false;
  let inOurBlock = false;
  // Whether the property above is one of ours, and whether we are among indented properties that hung below it.
  let belowOurs = false;
  let belowToken = false;
  let hanging = false;
  let isTouched = !isRemoval;
  const lines = splitLines(text.slice(section.bodyStart, section.end));
  // A removal is never refused, so an indented property that would come to stand twice goes with the value above it.
  const standing = new Set(isRemoval ? keysAtMargin(lines) : []);

  for (const source of lines) {
    const line = parseLine(source);
    if (line.kind === "blank" || line.kind === "comment") {
      kept.push(source);
      continue;
    }
    if (line.indent === 0) hanging = false;
    const isPart = line.indent > level;
    if (line.kind === "continuation" || (belowToken && isPart && isEndOfToken(source, line.key))) {
      // More of the value above: it goes where that went.
      if (!belowOurs && (isPart || !hanging)) keep(source);
      continue;
    }
    if (inBlock && isPart) {
      if (!inOurBlock) keep(source);
      continue;
    }
    const isOurs = Object.hasOwn(change, line.key);
    // An indented property below one of ours is a property for some programs and more of our value for others. The
    // value above it goes, so it is moved to where all of them see a property, and those beside it too.
    if (belowOurs && !isOurs && line.indent > 0) hanging = true;
    if (!isPart || (belowOurs && !isOurs)) level = line.indent;
    if (isOurs) {
      const value = missing.get(line.key);
      if (value !== undefined && line.indent === 0) {
        keep(isReadAs(source, line, value) ? source : propertyText(line.key, value, findLineEnd(source) ?? newline));
        missing.delete(line.key);
      }
      isTouched = true;
    } else if (hanging && line.indent === level) {
      if (standing.has(line.key)) continue;
      if (isRemoval) standing.add(line.key);
      keep(source.slice(line.indentBytes));
    } else {
      keep(source);
    }
    inBlock = line.value === "" && (!isOurs || nestedKeys.has(line.key));
    inOurBlock = inBlock && isOurs;
    belowOurs = isOurs;
    belowToken = isOurs && tokenKeys.has(line.key);
  }

  if (!isTouched) return text.slice(section.start, section.end);
  const content = kept.slice(0, contentEnd).join("");
  const added = formatBlock(missing, newline);
  return (added === "" ? content : endLine(content, newline)) + added + kept.slice(contentEnd).join("");
}

const keysAtMargin = (lines: readonly string[]): string[] =>
  lines.map(parseLine).flatMap((line) => (line.kind === "property" && line.indent === 0 ? [line.key] : []));

/** The header line as every program reads it, with its comment on a line of its own where that had to go. */
function formatHeader(header: string, section: Section, kind: FileKind, newline: string): string {
  const profile = section.profile ?? "";
  if (!isPortableName(profile)) return header;
  const name = encode(profile).replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  const inConfig = profile === "default" ? "(?:profile )?default" : `profile (?:${name}|"${name}"|'${name}')`;
  const spelling = kind === "credentials" ? name : inConfig;
  if (new RegExp(`^\\[${spelling}\\](?:[ \\t]+[#;][^\\]\\n]*|[ \\t]*)\\r?\\n?$`).test(header)) return header;
  const comment = headerComment.exec(header.slice(header.indexOf("]")))?.[1];
  return headerOf(profile, kind) + newline + (comment === undefined ? "" : comment + newline);
}

function headerOf(profile: string, kind: FileKind): string {
  return `[${kind === "credentials" || profile === "default" ? "" : "profile "}${encode(profile)}]`;
}

function formatBlock(values: ReadonlyMap<string, string>, newline: string): string {
  return [...values].map(([key, value]) => propertyText(key, value, newline)).join("");
}

function propertyText(key: string, value: string, newline: string): string {
  if (!value.startsWith("\n")) return `${key} = ${value}${newline}`;
  return `${key} =${value === "\n" ? "" : value.replaceAll("\n", newline)}${newline}`;
}

const tokenKeys = new Set(["aws_session_token", "aws_security_token"]);

/** The last line of a token that was wrapped: base64, whose padding looks like that of `key =`, and no name of a setting. */
function isEndOfToken(line: string, key: string): boolean {
  const text = trimBytes(line);
  const isBase64 = text.length % 4 === 0 && /^[A-Za-z0-9+/]+={1,2}$/.test(text);
  return isBase64 && /[A-Z0-9+/]/.test(text) && !nestedKeys.has(key);
}

/** Whether every program reads this value from this line already. */
function isReadAs(source: string, line: Line & { kind: "property" }, value: string): boolean {
  const [start = ""] = new RegExp(`^${line.key}[ \\t]*=[ \\t]*`).exec(source) ?? [];
  return start !== "" && source.slice(start.length).replace(/[ \t]*\r?\n?$/, "") === value;
}

const endLine = (text: string, newline: string): string => (text.endsWith("\n") ? text : text + newline);

/** The line end that a text uses first, if it has one. */
function findLineEnd(text: string): string | undefined {
  const newline = text.indexOf("\n");
  if (newline < 0) return undefined;
  return text[newline - 1] === "\r" ? "\r\n" : "\n";
}

/** An indented line below one of fob's keys may have the key of another line, and becomes a line like that one. */
function assertReadable(text: string, section: Section, edited: string): void {
  const before = text.slice(section.bodyStart, section.end);
  const header = splitLines(edited)[0] ?? "";
  const found = findObstacleIn(edited.slice(header.length));
  // To botocore an indented header is more of the value above it, and so is all that follows.
  const wasHidden = text[section.start] !== "[";
  if (!found || (!wasHidden && findObstacleIn(before))) return;
  const key = parseLine(splitLines(edited)[found.line] ?? "");
  const inOld = splitLines(before).findIndex((source) => {
    const line = parseLine(source);
    return line.kind === "property" && key.kind === "property" && line.key === key.key && line.indent > 0;
  });
  throw new BreaksFile(section.line + 1 + Math.max(0, inOld), found.reason);
}

/** A property's value as a {@link Change} has it: with what is indented below it. */
export function textOfValue({ raw, nested }: Property): string {
  return raw === "" ? `\n${nested.map((line) => `  ${line.key} = ${line.raw}`).join("\n")}` : raw;
}

/** Whether every program reads this value, or block, as it is written. */
export function isPortableValue(value: string): boolean {
  if (!value.startsWith("\n")) return isPlain(value);
  return value === "\n" || value.slice(1).split("\n").every(isPortableLine);
}

const isPortableLine = (line: string): boolean => {
  const [, text] = /^ {2}\w+ = (.*)$/.exec(line) ?? [];
  return text !== undefined && isPlain(text);
};

const isPlain = (value: string): boolean =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
  value !== "" && !/[\u0000-\u001f\u007f-\u009f]|^\s|\s$|(^|\s)[#;]/.test(value);
