// The two AWS files as the rest of fob sees them: profiles with properties. Nothing else reads these files.
import { FobError } from "../errors.ts";
import { readWhole } from "../files/read.ts";
import { quote, quoteShellWord } from "../text.ts";
import { findObstacle, type Obstacle } from "./aws-command.ts";
import { BreaksFile, type Change, editSection, Unwritable } from "./edit.ts";
import type { AwsFilePaths } from "./paths.ts";
import {
  DuplicateSection,
  type FileKind,
  findOrEnd,
  findSection,
  type Property,
  parseProperties,
  type Section,
  type Sections,
  scan,
  UnparsableText,
} from "./scan.ts";
import { trimBytes } from "./white-space.ts";

/** A profile's properties by key. */
export type Properties = ReadonlyMap<string, Property>;

/** One of the two files, as it was when it was read. A file that is not there has no profiles. */
export interface AwsFile {
  readonly kind: FileKind;
  readonly path: string;
  /** The line of the section with this between its brackets, from 1. */
  titleLine(title: string): number | undefined;
  /** The names of its profiles, in order. */
  profiles(): string[];
  has(profile: string): boolean;
  /** The properties of a profile by key, or undefined where the file has no such profile. @throws FobError */
  properties(profile: string): Properties | undefined;
  /** Profiles that hold one of these keys. Reads only the sections where a key may stand. */
  profilesWith(keys: readonly string[]): string[];
  /** Whether a key stands anywhere in the file. Much faster than to look where. */
  mentions(key: string): boolean;
  /** The line of a profile's header, from 1. */
  headerLine(profile: string): number | undefined;
  /** The same of all its headers: more than one where it is in the file twice. */
  headerLines(profile: string): readonly number[];
  /** Makes sure that the profile can be changed in this way, without doing it. @throws FobError */
  assertEditable(profile: string, change: Change): void;
  /** Why the aws command cannot read the file, as far as these profiles and the file as a whole go. */
  obstacle(profiles: readonly string[]): Obstacle | undefined;
  /** A property of a section that is no profile, e.g. `[services local]`. */
  section(title: string): Properties | undefined;
}

export type AwsFiles = Readonly<Record<FileKind, AwsFile>>;

/** Reads both files. @throws FobError for a file that cannot be read or parsed; it is never taken for an empty one. */
export function readAwsFiles(paths: AwsFilePaths): AwsFiles {
  return { credentials: readAwsFile("credentials", paths), config: readAwsFile("config", paths) };
}

/** Reads one of them. @throws FobError */
export function readAwsFile(kind: FileKind, paths: AwsFilePaths): AwsFile {
  const path = paths[kind];
  const text = readWhole(path) ?? "";
  const sections = explainParseErrors(path, "", () => scan(text, kind));
  const found = new Map<string, Section | undefined>();
  const find = (profile: string): Section | undefined => {
    if (!found.has(profile))
      found.set(
        profile,
        explainParseErrors(path, profile, () => findSection(sections, profile)),
      );
    return found.get(profile);
  };
  const mapped = (section: Section | undefined): Properties | undefined =>
    section && new Map(parseProperties(text, section).map((property) => [property.key, property]));
  return {
    kind,
    path,
    profiles: () => [...sections].flatMap((section) => section.profile ?? []),
    has: (profile) => sections.ofProfile(profile).length > 0,
    properties: (profile) => mapped(find(profile)),
    mentions: (key) => mentions(text, [key]),
    profilesWith: (keys) => [
      ...new Set(findSectionsMentioning(text, sections, keys).flatMap((found) => found.profile ?? [])),
    ],
    headerLine: (profile) => sections.ofProfile(profile)[0]?.line,
    headerLines: (profile) => sections.ofProfile(profile).map(({ line }) => line),
    assertEditable: (profile, change) =>
      void explainParseErrors(path, profile, () => editSection(text, kind, profile, change)),
    obstacle: (profiles) =>
      findObstacle(
        text,
        sections,
        profiles.flatMap((profile) => find(profile) ?? []),
      ),
    titleLine: (title) => sections.withTitle(title)?.line,
    section: (title) => mapped(sections.withTitle(title)),
  };
}

/** The files as if a profile had these properties too, before any that it has. Nothing of it is written. */
export function withProperties(files: AwsFiles, profile: string, values: Readonly<Record<string, string>>): AwsFiles {
  if (Object.keys(values).length === 0) return files;
  const { credentials } = files;
  const added = Object.entries(values).map(([key, value]): [string, Property] => [
    key,
    { key, value, raw: value, line: 0, nested: [] },
  ]);
  const properties = new Map([...(credentials.properties(profile) ?? []), ...added]);
  return {
    ...files,
    credentials: {
      ...credentials,
      has: (name) => name === profile || credentials.has(name),
      properties: (name) => (name === profile ? properties : credentials.properties(name)),
    },
  };
}

/** The files as if a profile did not have these properties. Nothing of it is written. */
export function withoutProperties(files: AwsFiles, profile: string, keys: readonly string[]): AwsFiles {
  const without = (file: AwsFile): AwsFile => ({
    ...file,
    properties: (name) => {
      const all = file.properties(name);
      return name === profile && all ? new Map([...all].filter(([key]) => !keys.includes(key))) : all;
    },
  });
  return { credentials: without(files.credentials), config: without(files.config) };
}

const mentions = (text: string, keys: readonly string[]): boolean => new RegExp(keys.join("|"), "i").test(text);

/** Sections in which a line begins with one of the keys; both lists are in order, so one pass finds them. */
function findSectionsMentioning(text: string, sections: Sections, keys: readonly string[]): Section[] {
  const found: Section[] = [];
  let next = 0;
  let last = -1;
  // The longest first: one key may begin with another.
  const longestFirst = [...keys].sort((a, b) => b.length - a.length);
  // The key is looked for first: to try each line takes ten times as long.
  for (const { 0: key, index } of text.matchAll(new RegExp(longestFirst.join("|"), "gi"))) {
    if (!isKeyAt(text, index, key.length)) continue;
    while (next < sections.length && sections.endAt(next) <= index) next += 1;
    if (next === last || next >= sections.length) continue;
    found.push(sections.at(next));
    last = next;
  }
  return found;
}

/** Whether a word is the key of its line. Without a regular expression: one for all white space takes 4 ms to compile. */
function isKeyAt(text: string, start: number, length: number): boolean {
  const before = text.slice(text.lastIndexOf("\n", start) + 1, start);
  const after = text.slice(start + length, findOrEnd(text, "\n", start));
  return trimBytes(before) === "" && /^[=:]/.test(trimBytes(after));
}

/**
 * Those profiles of which this holds. One that cannot be read, because it is there twice say, is not among them: what is
 * wrong with a profile matters to those who use it.
 */
export function readableProfiles(profiles: readonly string[], holds: (profile: string) => boolean): string[] {
  return profiles.filter((profile) => {
    try {
      return holds(profile);
    } catch (error) {
      if (error instanceof FobError) return false;
      throw error;
    }
  });
}

/** A property's value in a profile: of the credentials file before the config, as the SDKs have it. */
export function getProperty(files: AwsFiles, profile: string, key: string): string | undefined {
  return (
    files.credentials.properties(profile)?.get(key)?.value ||
    files.config.properties(profile)?.get(key)?.value ||
    undefined
  );
}

/** A command in a profile, whole: what follows a ` #` or ` ;` is the shell's to understand. */
export function getCommand(files: AwsFiles, profile: string, key: string): string | undefined {
  return (
    files.credentials.properties(profile)?.get(key)?.raw || files.config.properties(profile)?.get(key)?.raw || undefined
  );
}

/** The file that holds such a command, and its line, from 1. */
export function placeOfSetting(files: AwsFiles, profile: string, key: string): { path: string; line: number } {
  const inCredentials = files.credentials.properties(profile)?.get(key);
  const { path } = inCredentials?.raw ? files.credentials : files.config;
  const property = inCredentials?.raw ? inCredentials : files.config.properties(profile)?.get(key);
  return { path, line: property?.line ?? 1 };
}

/**
 * The URL that a profile has for a service: in the `services` section that it names, else its `endpoint_url`.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
 */
export function getEndpointUrl(files: AwsFiles, profile: string, service: string): string | undefined {
  const services = getProperty(files, profile, "services");
  const own = services === undefined ? undefined : files.config.section(`services ${services}`)?.get(service)?.nested;
  return own?.find(({ key }) => key === "endpoint_url")?.value ?? getProperty(files, profile, "endpoint_url");
}

/** The URLs of single services in the `services` section that a profile names, by the names that variables have for them. */
export function endpointUrlsOf(files: AwsFiles, profile: string): (readonly [service: string, url: string])[] {
  const services = getProperty(files, profile, "services");
  const properties = services === undefined ? undefined : files.config.section(`services ${services}`);
  return [...(properties ?? [])].flatMap(([service, { nested }]) => {
    const url = nested.find(({ key }) => key === "endpoint_url")?.value;
    return url ? [[service, url] as const] : [];
  });
}

/** Runs a step on a file's text and puts its errors into words. */
export function explainParseErrors<T>(path: string, profile: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    const editor = (line: number): string => `\${EDITOR:-vi} +${line} ${quoteShellWord(path)}`;
    if (error instanceof UnparsableText) {
      throw new FobError(
        `line ${error.line} of ${quote(path)} ${error.message}, so fob does not change the file`,
        `open it there: ${editor(error.line)}`,
      );
    }
    if (error instanceof DuplicateSection) {
      const lines = error.lines.join(" and ");
      throw new FobError(
        `${quote(path)} has the profile ${quote(profile)} more than once, on lines ${lines}; programs read different ones`,
        `keep one of them: ${editor(error.lines.at(-1) ?? 1)}`,
      );
    }
    if (error instanceof BreaksFile) {
      throw new FobError(
        `line ${error.line} of ${quote(path)} would lose its indent, and aws could not read the file: it ${error.message}`,
        `remove that line, or the other one: ${editor(error.line)}`,
      );
    }
    if (error instanceof Unwritable) {
      throw new FobError(
        `${error.message} cannot be written to ${quote(profile)} in ${quote(path)}: programs would misread it`,
        "use letters, digits and -@+.%:/_ only",
      );
    }
    throw error;
  }
}
