// The one line scanner for the AWS files (`~/.aws/credentials`, `~/.aws/config`): reading and editing both rest on it.
//
// Texts are byte strings: one character is one byte (Node's "latin1"), so that a file in any encoding, or in none,
// survives an edit to the byte. Names and values are decoded as UTF-8 where they leave this folder.
//
// The readers out there disagree at the edges. What is said below of "botocore" (the aws command; Python's
// configparser) and of "the SDK for JavaScript" was read in their sources and is held by test/profiles/readers.ts.

import { SPACE, spaceAt, trimBytes } from "./white-space.ts";

/** Which of the two files a text comes from: they spell profile sections differently. */
export type FileKind = "credentials" | "config";

/** One `[section]`, from its header line to the next one. Offsets are into the text that was scanned. */
export interface Section {
  /** The profile that the section holds, or undefined for any other section (`[sso-session …]`, `[services …]`). */
  readonly profile: string | undefined;
  /** What stands between the brackets, trimmed and decoded. */
  readonly title: string;
  /** Line number of the header, from 1. */
  readonly line: number;
  readonly start: number;
  readonly bodyStart: number;
  readonly end: number;
}

/** One `key = value` line of a section. */
export interface Property {
  /** Lower case, as botocore reads it. */
  readonly key: string;
  /** Without an inline comment (` # …`, ` ; …`), as the SDK for JavaScript reads it. */
  readonly value: string;
  /** The whole rest of the line, as botocore reads it. */
  readonly raw: string;
  /** Line number in the file, from 1. */
  readonly line: number;
  /** The `key = value` lines of an indented block (`s3 =` and what follows it). */
  readonly nested: readonly Property[];
}

/** The text cannot be read as an AWS file. `line` counts from 1. */
export class UnparsableText extends Error {
  override readonly name = "UnparsableText";
  readonly line: number;

  constructor(line: number, reason: string) {
    super(reason);
    this.line = line;
  }
}

const decode = (bytes: string): string => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: everything that is not ASCII
  return /^[\x00-\x7f]*$/.test(bytes) ? bytes : Buffer.from(bytes, "latin1").toString("utf8");
};

export const encode = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

const BYTE_ORDER_MARK = "\u00ef\u00bb\u00bf";
const NEWLINE = 10;
const HASH = 35;
const COLON = 58;
const SEMICOLON = 59;
const EQUALS = 61;
const OPENING_BRACKET = 91;

/** Length of the byte order mark that some editors put before the first line. */
export const markLength = (text: string): number => (text.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0);

/** How often a name is looked for in a text, before every header is looked at instead. */
const MOST_LOOKS = 1000;
/** So many profiles are searched for one by one; for more, all sections are put into a table. */
const MOST_SEARCHES = 100;

/** Where the headers of sections are, in order: a number for each in each list. */
interface Headers {
  /** Line numbers, from 1. */
  readonly lines: readonly number[];
  /** Where the lines start. */
  readonly starts: readonly number[];
}

/**
 * The sections of an AWS file, in order. A file may have a hundred thousand of them and a command wants two or three: so
 * only where they are is noted, and a section is made when it is asked for.
 */
export class Sections implements Iterable<Section> {
  readonly #text: string;
  readonly #kind: FileKind;
  readonly #headers: Headers;
  readonly #ofProfiles = new Map<string, readonly Section[]>();
  #all: ReadonlyMap<string, readonly Section[]> | undefined;

  constructor(text: string, kind: FileKind, headers: Headers) {
    this.#text = text;
    this.#kind = kind;
    this.#headers = headers;
  }

  get length(): number {
    return this.#headers.starts.length;
  }

  *[Symbol.iterator](): Generator<Section> {
    for (let index = 0; index < this.length; index++) yield this.at(index);
  }

  at(index: number): Section {
    const title = decode(this.#titleAt(index));
    const start = this.#startAt(index);
    return {
      profile: parseProfileName(title, this.#kind),
      title,
      line: this.#headers.lines[index] ?? 0,
      start,
      bodyStart: this.#bodyAt(index),
      end: this.endAt(index),
    };
  }

  /** Where a section ends. */
  endAt(index: number): number {
    return this.#startAt(index + 1);
  }

  #startAt(index: number): number {
    return this.#headers.starts[index] ?? this.#text.length;
  }

  /** Where the header's bracket opens, which may be indented. */
  #bracketAt(index: number): number {
    return findOrEnd(this.#text, "[", this.#startAt(index));
  }

  #bodyAt(index: number): number {
    return endOfLine(this.#text, this.#startAt(index));
  }

  /** What stands between a header's brackets, trimmed, in bytes. */
  #titleAt(index: number): string {
    const header = this.#headerAt(index);
    return parseTitle(header.endsWith("\n") ? header.slice(0, -1) : header) ?? "";
  }

  /** The sections of a profile: more than one where it is in the file twice. */
  ofProfile(profile: string): readonly Section[] {
    const known = this.#ofProfiles.get(profile);
    if (known !== undefined) return known;
    if (this.#ofProfiles.size >= MOST_SEARCHES) {
      this.#all ??= this.#groupByProfile();
      return this.#all.get(profile) ?? [];
    }
    const found = this.#withHeader(profile).filter((section) => section.profile === profile);
    this.#ofProfiles.set(profile, found);
    return found;
  }

  #groupByProfile(): ReadonlyMap<string, readonly Section[]> {
    const groups = new Map<string, Section[]>();
    for (const section of this) {
      if (section.profile === undefined) continue;
      const group = groups.get(section.profile) ?? [];
      group.push(section);
      groups.set(section.profile, group);
    }
    return groups;
  }

  withTitle(title: string): Section | undefined {
    return this.#withHeader(title).find((section) => section.title === title);
  }

  /** The first section whose title an earlier one has, and that one. */
  findDuplicate(): readonly [earlier: Section, later: Section] | undefined {
    if (!this.#mayHaveDuplicate()) return undefined;
    const seen = new Map<string, number>();
    for (let index = 0; index < this.length; index++) {
      const title = this.#titleAt(index);
      const earlier = seen.get(title);
      if (earlier !== undefined) return [this.at(earlier), this.at(index)];
      seen.set(title, index);
    }
    return undefined;
  }

  /** Whether two titles have the same number, which a hundred thousand of them have sooner than they are compared. */
  #mayHaveDuplicate(): boolean {
    const text = this.#text;
    const hashes = Int32Array.from(this.#headers.starts);
    for (let index = 0; index < hashes.length; index++) {
      hashes[index] = hashOfPlainTitle(text, hashes[index] as number) || hashOf(this.#titleAt(index));
    }
    hashes.sort();
    for (let index = 1; index < hashes.length; index++) if (hashes[index] === hashes[index - 1]) return true;
    return false;
  }

  /** The sections with this in their header. */
  #withHeader(part: string): Section[] {
    // Bytes that are not UTF-8 are decoded to this character, and it is not in the header then.
    const bytes = part.includes("\ufffd") ? "" : encode(part);
    const found: Section[] = [];
    let next = 0;
    for (let looks = 0, at = 0; bytes !== "" && looks < MOST_LOOKS; looks++) {
      at = this.#text.indexOf(bytes, at);
      if (at < 0) return found;
      const index = this.#indexOf(at, Math.max(0, next - 1));
      const body = this.#bodyAt(index);
      const isInHeader = index >= next && at >= this.#bracketAt(index) && at < body;
      if (isInHeader) found.push(this.at(index));
      next = isInHeader ? index + 1 : Math.max(next, index);
      at = isInHeader ? body : at + 1;
    }
    // A name that is in the values of many others: then every header is looked at.
    for (let index = next; index < this.length; index++) {
      if (this.#headerAt(index).includes(bytes)) found.push(this.at(index));
    }
    return found;
  }

  /** The section that an offset is in, not before another one. */
  #indexOf(offset: number, from: number): number {
    const { starts } = this.#headers;
    let low = from;
    for (let high = this.length; high - low > 1; ) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low;
  }

  #headerAt(index: number): string {
    return this.#text.slice(this.#bracketAt(index), this.#bodyAt(index));
  }
}

/** Whether a character is ASCII and no white space. */
const isPlainAt = (text: string, index: number): boolean =>
  text.charCodeAt(index) > 0x20 && text.charCodeAt(index) < 0x7f;

function hashOf(text: string, from = 0, to = text.length): number {
  let hash = 0;
  for (let at = from; at < to; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0;
  return hash;
}

/** The hash of a header's title, if the header is as nearly all are, so that its title need not be cut out; else 0. */
function hashOfPlainTitle(text: string, start: number): number {
  if (text.charCodeAt(start) !== OPENING_BRACKET || !isPlainAt(text, start + 1)) return 0;
  const end = text.indexOf("]", start);
  if (text.charCodeAt(end + 1) !== NEWLINE || !isPlainAt(text, end - 1)) return 0;
  return hashOf(text, start + 1, end);
}

/**
 * Finds the sections of an AWS file, in one pass.
 *
 * @throws UnparsableText where the aws command could not read the file either: a line that is no header, comment,
 * property or continuation, a property before the first header, a NUL byte.
 */
export function scan(text: string, kind: FileKind): Sections {
  const last = latest[kind];
  if (last?.text === text) return last.sections;
  const sections = new Sections(text, kind, findHeaders(text));
  latest[kind] = { text, sections };
  return sections;
}

/** The latest scan of each file: between reading, deciding and editing a file seldom changes, and it may be long. */
const latest: { [Kind in FileKind]?: { readonly text: string; readonly sections: Sections } } = {};

function findHeaders(text: string): Headers {
  const nul = text.indexOf("\0");
  if (nul >= 0) throw new UnparsableText(countLine(text, nul), "contains a NUL byte");

  const lines: number[] = [];
  const starts: number[] = [];
  let line = 0;
  // The next of each at or after the line at hand: kept across lines, so that a long file is searched only once.
  let equals = -1;
  let colon = -1;
  let closing = -1;
  for (let start = markLength(text); start < text.length; ) {
    line += 1;
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    const next = newline < 0 ? text.length : newline + 1;

    let first = start;
    // As most lines begin.
    for (
      let length = isPlainAt(text, start) ? 0 : spaceAt(text, first);
      length > 0 && first < end;
      length = spaceAt(text, first)
    )
      first += length;
    const character = text.charCodeAt(first);
    if (first >= end || character === HASH || character === SEMICOLON) {
      start = next;
      continue;
    }
    if (character === OPENING_BRACKET) {
      if (closing < first) closing = findOrEnd(text, "]", first);
      if (closing >= end) throw new UnparsableText(line, `has a "[" without a "]"`);
      lines.push(line);
      starts.push(start);
    } else {
      if (starts.length === 0) throw new UnparsableText(line, "is before the first [section]");
      const isDelimiter = character === EQUALS || character === COLON;
      if (isDelimiter && first === start) throw new UnparsableText(line, "has a value without a key");
      if (equals < start) equals = findOrEnd(text, "=", start);
      if (equals >= end) {
        if (colon < start) colon = findOrEnd(text, ":", start);
        // An indented line continues the value above it.
        if (colon >= end && first === start) throw new UnparsableText(line, `is neither a [section] nor "key = value"`);
      }
    }
    start = next;
  }
  return { lines, starts };
}

/** Two sections of a file have the name of the profile that is to be read or edited. */
export class DuplicateSection extends Error {
  override readonly name = "DuplicateSection";
  readonly lines: readonly number[];

  constructor(sections: readonly Section[]) {
    super("appears more than once");
    this.lines = sections.map((section) => section.line);
  }
}

/** The section of a profile, or undefined. */
export function findSection(sections: Sections, profile: string): Section | undefined {
  const all = sections.ofProfile(profile);
  // Beside [profile default] the SDKs pass over [default].
  const prefixed = profile === "default" ? all.filter(({ title }) => title !== "default") : [];
  const found = prefixed.length > 0 ? prefixed : all;
  if (found.length > 1) throw new DuplicateSection(found);
  return found[0];
}

/** The lines of a section's body (or of any part of a text), each with its line end. */
export function splitLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** What one line of a section's body is. */
export type Line =
  | { readonly kind: "blank" }
  | { readonly kind: "comment" }
  | ({ readonly kind: "property" } & Indented & Pick<Property, "key" | "value" | "raw">)
  | ({ readonly kind: "continuation" } & Indented);

interface Indented {
  /** How many characters of white space come first: botocore compares lines by that. */
  readonly indent: number;
  /** The same in bytes. */
  readonly indentBytes: number;
}

/** Tells what a line of a section's body is. Keys come in lower case. */
export function parseLine(text: string): Line {
  const content = trimBytes(text);
  if (content === "") return { kind: "blank" };
  if (content.startsWith("#") || content.startsWith(";")) return { kind: "comment" };
  const indented = indentOf(text);
  const delimiter = content.search(/[=:]/);
  if (delimiter <= 0) return { kind: "continuation", ...indented };
  // Byte by byte: a letter that is not ASCII has several, which are no letters of their own.
  const key = trimBytes(content.slice(0, delimiter)).replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  const raw = trimBytes(content.slice(delimiter + 1));
  return { kind: "property", ...indented, key, raw, value: withoutComment(raw) };
}

function indentOf(text: string): Indented {
  let indent = 0;
  let indentBytes = 0;
  for (let length = spaceAt(text, 0); length > 0; length = spaceAt(text, indentBytes)) {
    indent += 1;
    indentBytes += length;
  }
  return { indent, indentBytes };
}

/** The properties of a section, in order. A key that stands twice comes twice. */
export function parseProperties(text: string, section: Section): Property[] {
  const properties: (Property & { nested: Property[] })[] = [];
  // How far the property is indented that botocore takes all that is indented further for a part of.
  let level = Number.POSITIVE_INFINITY;
  for (const [index, source] of splitLines(text.slice(section.bodyStart, section.end)).entries()) {
    const line = parseLine(source);
    if (line.kind !== "property") continue;
    const [key, raw, value] = [line.key, line.raw, line.value].map(decode) as [string, string, string];
    const property = { key, raw, value, line: section.line + 1 + index, nested: [] };
    const above = properties.at(-1);
    if (above?.value === "" && line.indent > level) above.nested.push(property);
    else properties.push(property);
    level = Math.min(level, line.indent);
  }
  return properties;
}

/** The title of a header line (leading blanks removed), or undefined where no bracket closes it. */
function parseTitle(header: string): string | undefined {
  // As nearly all of them are.
  if (/^\[[\w.@-]+\]\r?$/.test(header)) return header.slice(1, header.lastIndexOf("]"));
  // A comment may hold brackets too: the SDK for JavaScript cuts it off first, botocore reads on to the last bracket.
  const bare = withoutComment(trimBytes(header));
  const closing = bare.endsWith("]") ? bare.length - 1 : header.lastIndexOf("]");
  return closing < 0 ? undefined : trimBytes(header.slice(1, closing));
}

function parseProfileName(title: string, kind: FileKind): string | undefined {
  if (kind === "credentials" || title === "default") return title;
  const name = /^profile[ \t]+(?:"([^"]+)"|'([^']+)'|([^\s"'\\]+))$/.exec(title);
  return name?.[1] ?? name?.[2] ?? name?.[3];
}

const comment = new RegExp(`(?:^|${SPACE})[#;].*$`, "s");

const withoutComment = (value: string): string => trimBytes(value.replace(comment, ""));

export function findOrEnd(text: string, character: string, from: number): number {
  const index = text.indexOf(character, from);
  return index < 0 ? text.length : index;
}

/** Where the line after this one starts. */
function endOfLine(text: string, from: number): number {
  const newline = text.indexOf("\n", from);
  return newline < 0 ? text.length : newline + 1;
}

function countLine(text: string, offset: number): number {
  let line = 1;
  for (let i = 0; i < offset; i++) if (text.charCodeAt(i) === NEWLINE) line += 1;
  return line;
}
