// Sessions as a person reads them.
import { sep } from "node:path";
import { styleText } from "node:util";
import { sessionLength } from "../aws/limits.ts";
import { formatClockTime, formatDuration } from "../duration.ts";
import type { Environment } from "../environment-variables.ts";
import { listSources } from "../profiles/inspect.ts";
import { getAwsFilePaths } from "../profiles/paths.ts";
import { getSessionProfileName } from "../session/profile-pair.ts";
import { type Snapshot, takeSnapshot } from "../session/snapshot.ts";
import type { StatusEntry } from "../session/status.ts";
import { getStoreFolder } from "../store/paths.ts";
import { readSession } from "../store/read.ts";
import { formatBar, formatTable, measureWidth, shorten, wrapText } from "../terminal/table.ts";
import { escapeControlCharacters, quoteProfileArgument } from "../text.ts";
import type { Context } from "./context.ts";
import { getDefaultProfile } from "./options.ts";

/** The AWS files and the store, as they are now. */
export function snapshotNow({ env, home }: Context): Snapshot {
  const paths = getAwsFilePaths(env, home);
  return takeSnapshot({ paths, store: { folder: getStoreFolder(env, paths.credentials) } });
}

/** Says that no session exists, and how to start one. */
export function sayNone({ files }: Snapshot, context: Context): void {
  const { say } = context;
  const sources = listSources(files);
  say.note("no sessions");
  if (sources.length === 0) say.hint("set up your access key and device: fob setup");
  else if (sources.includes(getDefaultProfile(context))) say.hint("fob login");
  else for (const line of listLogins(sources)) say.hint(line);
}

const colors = {
  valid: "green",
  expiring: "yellow",
  expired: "red",
  unknown: "yellow",
  unreadable: "red",
  missing: "red",
} as const;

/** What a table of sessions shows beyond the rest. */
export interface TableOptions {
  /** Until when each session lasts, and where it is written. */
  readonly long?: boolean | undefined;
  /** The command that starts an entry's session anew, for entries that need one. */
  readonly renewal?: (entry: StatusEntry) => string | undefined;
}

/** A table on a terminal, no wider than that; lines of tab-separated fields elsewhere, without a heading. */
export function render(
  entries: readonly StatusEntry[],
  now: number,
  context: Context,
  options: TableOptions = {},
): string {
  return context.stdout.isTerminal
    ? formatSessionTable(entries, now, context, options)
    : entries.map((entry) => formatFields(entry, now, context)).join("");
}

function formatFields(entry: StatusEntry, now: number, { home }: Context): string {
  const { profile, state, expiration } = entry;
  const until = expiration === undefined ? "" : formatClockTime(expiration, now);
  const fields = [profile, describeSource(entry), state, describeTime(entry, now), until, describePlace(entry, home)];
  return `${fields.map(escapeControlCharacters).join("\t")}\n`;
}

function formatSessionTable(
  entries: readonly StatusEntry[],
  now: number,
  context: Context,
  options: TableOptions,
): string {
  const { stdout } = context;
  const [heading = "", ...rows] = formatTable(...chooseColumns(entries, now, context)).split("\n");
  const lines = entries.flatMap((entry, index) => [
    rows[index] ?? "",
    ...describeBelow(entry, now, context, options)
      .flatMap((note) => wrapText(escapeControlCharacters(note), Math.max(stdout.columns - 2, 1)))
      .map((line) => `  ${line}`),
    ...formatRenewal(options.renewal?.(entry), stdout.columns),
  ]);
  return [heading, ...lines].map((line) => `${line}\n`).join("");
}

/** The command stays in one piece, so that it can be pasted. */
function formatRenewal(command: string | undefined, columns: number): readonly string[] {
  if (command === undefined) return [];
  const line = `  renew it: ${command}`;
  return measureWidth(line) <= columns ? [line] : ["  renew it:", `  ${command}`];
}

type Column = "PROFILE" | "SOURCE" | "ACCOUNT" | "STATE" | "TIME LEFT";

/** The columns that fit the terminal, best first: what is left out first is easiest to guess from the rest. */
const layouts: readonly { readonly columns: readonly Column[]; readonly hasBar: boolean }[] = [
  { columns: ["PROFILE", "SOURCE", "ACCOUNT", "STATE", "TIME LEFT"], hasBar: true },
  { columns: ["PROFILE", "SOURCE", "ACCOUNT", "STATE", "TIME LEFT"], hasBar: false },
  { columns: ["PROFILE", "ACCOUNT", "STATE", "TIME LEFT"], hasBar: false },
  { columns: ["PROFILE", "SOURCE", "STATE", "TIME LEFT"], hasBar: false },
  { columns: ["PROFILE", "STATE", "TIME LEFT"], hasBar: false },
];

function chooseColumns(
  entries: readonly StatusEntry[],
  now: number,
  { env, stdout }: Context,
): [heading: readonly Column[], rows: readonly (readonly string[])[]] {
  const tables = layouts.map(({ columns, hasBar }) => {
    const cellsOf = entries.map((entry) => formatCells(entry, now, hasBar ? env : undefined));
    const widths = columns.map((column) =>
      Math.max(...[column, ...cellsOf.map((cells) => cells[column])].map(measureWidth)),
    );
    const width = widths.reduce((sum, each) => sum + each + 2, -2);
    return { columns, cellsOf, spare: stdout.columns - width, profile: widths[0] ?? 0 };
  });
  const chosen = tables.find(({ spare }) => spare >= 0) ?? tables.at(-1);
  if (chosen === undefined) return [[], []];
  const { columns, cellsOf, spare, profile } = chosen;
  const longest = Math.max(profile + Math.min(spare, 0), "PROFILE".length);
  const rows = cellsOf.map((cells, index) =>
    columns.map((column) => {
      const state = entries[index]?.state;
      if (column === "PROFILE") return shorten(cells[column], longest);
      return column === "STATE" && state && stdout.hasColors ? styleText(colors[state], state) : cells[column];
    }),
  );
  return [columns, rows];
}

function formatCells(entry: StatusEntry, now: number, barIn: Environment | undefined): Record<Column, string> {
  const time = describeTime(entry, now);
  const hasBar = barIn !== undefined && entry.secondsLeft !== undefined && entry.secondsLeft > 0;
  return {
    PROFILE: escapeControlCharacters(entry.profile),
    SOURCE: escapeControlCharacters(describeSource(entry)),
    ACCOUNT: escapeControlCharacters(entry.account ?? entry.likelyAccount ?? ""),
    STATE: entry.state,
    "TIME LEFT": hasBar ? `${formatBar(getFraction(entry), barIn)} ${time}` : time,
  };
}

const describeSource = ({ foreign, source }: StatusEntry): string => (foreign ? "(another tool)" : (source ?? ""));

function describeTime({ expiration, secondsLeft: left }: StatusEntry, now: number): string {
  if (left === undefined) return "";
  return left > 0 ? formatDuration(left) : `${formatDuration((now - (expiration ?? now)) / 1000)} ago`;
}

/** What has to be known of a session beyond its row. */
function describeBelow(entry: StatusEntry, now: number, { home }: Context, { long }: TableOptions): readonly string[] {
  const { expiration, reason, accountAlias } = entry;
  if (long) {
    const until = expiration === undefined ? [] : [`until ${formatClockTime(expiration, now)}`];
    const place = describePlace(entry, home);
    const alias = accountAlias === undefined ? [] : [`account alias ${accountAlias}`];
    return [...until, ...alias, ...(place === "" ? [] : [place])];
  }
  const lost = entry.writtenTo.filter(({ isThere }) => !isThere);
  return [
    ...lost.map(({ file }) => `no longer in ${shortenPath(file, home)}`),
    ...(reason === undefined ? [] : [shortenPath(reason, home)]),
    ...describeEndpoint(entry),
  ];
}

function getFraction({ issued, expiration, secondsLeft: left }: StatusEntry): number {
  // A session whose start is not known counts as one of STS's default 12 hours.
  const whole = issued === undefined || expiration === undefined ? sessionLength.default : (expiration - issued) / 1000;
  return Math.min(1, (left ?? 0) / whole);
}

function describePlace(entry: StatusEntry, home: string): string {
  const { role, mode, writtenTo, reason } = entry;
  return [
    ...(role !== undefined ? [role] : mode === "process" ? ["credential_process"] : []),
    ...writtenTo.map((place) => `${shortenPath(place.file, home)}${place.isThere ? "" : " (no longer there)"}`),
    ...(reason === undefined ? [] : [reason]),
    ...describeEndpoint(entry),
  ].join(", ");
}

const shortenPath = (path: string, home: string): string =>
  path.startsWith(home + sep) ? `~${path.slice(home.length)}` : path;

const describeEndpoint = ({ endpoint }: StatusEntry): string[] =>
  endpoint === undefined ? [] : [`from ${new URL(endpoint).host}, not AWS`];

/** At most so many profiles are listed that could be logged in to. */
const few = 3;

/** The profiles with a long-term key and no session of fob's, as lines below the table; nothing when there are none. */
export function formatCandidates({ files }: Snapshot, entries: readonly StatusEntry[]): string {
  const taken = new Set(entries.map(({ source }) => source));
  const candidates = listSources(files).filter((profile) => !taken.has(profile));
  if (candidates.length === 0) return "";
  const lines = ["no session yet:", ...listLogins(candidates).map((line) => `  ${line}`)];
  return `\n${lines.map((line) => `${line}\n`).join("")}`;
}

function listLogins(profiles: readonly string[]): string[] {
  const commands = profiles.slice(0, few).map((profile) => `fob login ${quoteProfileArgument(profile)}`);
  return profiles.length > few ? [...commands, `and ${profiles.length - few} more`] : commands;
}

/**
 * The command that opens the session of an entry anew, as it was opened: undefined where it lasts, or is another tool's.
 * A renewal repeats the options of the login.
 */
export function findRenewal({ store }: Snapshot): (entry: StatusEntry) => string | undefined {
  return (entry) => {
    const { profile, source, foreign, state } = entry;
    if (foreign || !(isLost(entry) || ["expiring", "expired", "missing"].includes(state))) return undefined;
    const session = readSession(store, profile);
    const hasOptions = session !== undefined && Object.values(session.asked).some((value) => value !== undefined);
    if (hasOptions || session?.source.from === "environment") return `fob refresh ${quoteProfileArgument(profile)}`;
    const isByRule = source !== undefined && getSessionProfileName(source) === profile;
    return `fob login ${quoteProfileArgument(isByRule ? source : profile)}`;
  };
}

/** Whether a session is in none of the places it was written to, so that programs do not find it. */
export function isLost({ mode, writtenTo }: StatusEntry): boolean {
  return mode === "keys" && writtenTo.length > 0 && !writtenTo.some(({ isThere }) => isThere);
}
