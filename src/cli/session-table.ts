// Sessions as a person reads them.
import { styleText } from "node:util";
import { sessionLength } from "../aws/limits.ts";
import { formatClockTime, formatDuration } from "../duration.ts";
import { listSources } from "../profiles/inspect.ts";
import { getAwsFilePaths } from "../profiles/paths.ts";
import { type Snapshot, takeSnapshot } from "../session/snapshot.ts";
import type { StatusEntry } from "../session/status.ts";
import { getStoreFolder } from "../store/paths.ts";
import { formatBar, formatTable } from "../terminal/table.ts";
import { escapeControlCharacters, quoteProfileArgument } from "../text.ts";
import type { Context } from "./context.ts";
import { getDefaultProfile } from "./options.ts";

/** The AWS files and the store, as they are now. */
export function snapshotNow({ env, home }: Context): Snapshot {
  const paths = getAwsFilePaths(env, home);
  return takeSnapshot({ paths, store: { folder: getStoreFolder(env, paths.credentials) } });
}

/** Says that there are no sessions, and how to open one. */
export function sayNone({ files }: Snapshot, context: Context): void {
  const { say } = context;
  const sources = listSources(files);
  const own = getDefaultProfile(context);
  const [first] = sources;
  say.note("there are no sessions");
  if (first === undefined) say.hint("put your access key in: aws configure --profile work");
  else say.hint(sources.includes(own) ? "fob login" : `fob login ${quoteProfileArgument(first)}`);
}

const colours = {
  valid: "green",
  expiring: "yellow",
  expired: "red",
  unknown: "yellow",
  unreadable: "red",
  missing: "red",
} as const;

/** A table on a terminal; lines of tab-separated fields elsewhere, without a heading. */
export function render(entries: readonly StatusEntry[], now: number, { env, home, stdout }: Context): string {
  const { isTerminal } = stdout;
  const rows = entries.map((entry) => {
    const { profile, source, state, expiration, secondsLeft: left } = entry;
    const time =
      left === undefined
        ? ""
        : left > 0
          ? formatDuration(left)
          : `${formatDuration((now - (expiration ?? now)) / 1000)} ago`;
    return [
      profile,
      entry.foreign ? "(another tool)" : (source ?? ""),
      state,
      isTerminal && left !== undefined ? `${formatBar(getFraction(entry), env)} ${time}` : time,
      expiration === undefined ? "" : formatClockTime(expiration, now),
      describePlace(entry, home),
    ].map(escapeControlCharacters);
  });
  if (!isTerminal) return rows.map((row) => `${row.join("\t")}\n`).join("");
  for (const [index, row] of rows.entries()) {
    const state = entries[index]?.state;
    if (state !== undefined && stdout.hasColours) row[2] = styleText(colours[state], state);
  }
  return formatTable(["PROFILE", "SOURCE", "STATE", "TIME LEFT", "UNTIL", "WRITTEN TO"], rows);
}

function getFraction({ issued, expiration, secondsLeft: left }: StatusEntry): number {
  // A session whose start is not known counts as one of STS's default 12 hours.
  const whole = issued === undefined || expiration === undefined ? sessionLength.default : (expiration - issued) / 1000;
  return Math.min(1, (left ?? 0) / whole);
}

function describePlace({ role, mode, writtenTo, reason, endpoint }: StatusEntry, home: string): string {
  const short = (path: string): string => (path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path);
  return [
    ...(role !== undefined ? [role] : mode === "process" ? ["credential_process"] : []),
    ...writtenTo.map((place) => `${short(place.file)}${place.isThere ? "" : " (no longer there)"}`),
    ...(reason === undefined ? [] : [reason]),
    ...(endpoint === undefined ? [] : [`from ${new URL(endpoint).host}, not AWS`]),
  ].join(", ");
}
