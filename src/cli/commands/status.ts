// `fob status`: the sessions, as a table or JSON, and whether they last.
import { lstatSync } from "node:fs";
import { basename } from "node:path";
import { exitCodes } from "../../errors.ts";
import { getProperty } from "../../profiles/files.ts";
import type { Snapshot } from "../../session/snapshot.ts";
import { getStatus, type State, type StatusEntry } from "../../session/status.ts";
import { encodeFileName } from "../../store/paths.ts";
import type { Unreadable } from "../../store/read.ts";
import { formatExpiration } from "../../store/session.ts";
import { formatJson, formatOption, quote, quoteProfileArgument, quoteShellWord } from "../../text.ts";
import { defineCommand } from "../command.ts";
import { getDefaultProfile, parseMinTtl } from "../options.ts";
import { findRenewal, formatCandidates, isLost, render, sayNone, snapshotNow } from "../session-table.ts";

export const statusCommand = defineCommand({
  name: "status",
  description:
    "Shows sessions and the time left: those that fob created and those that other tools wrote to the AWS files.",
  takes: {
    name: "profile",
    atMost: Number.POSITIVE_INFINITY,
    text: "source or session profiles (default: every session)",
  },
  options: {
    check: { text: "exit with 3 if a session needs renewal (default profile: AWS_PROFILE, else default)" },
    minTtl: { value: "length", text: "count a session as valid if at least this much time is left (default: 15m)" },
    long: { text: "also show when each session expires and where it is stored" },
    json: { text: "print JSON" },
  },
  examples: ["fob status", "fob status work --json", "fob status --check --min-ttl 30m work || fob login work"],
  run(profiles, options, context) {
    const { say, stdout } = context;
    const asked = options.check && profiles.length === 0 ? [getDefaultProfile(context)] : profiles;
    const snapshot = snapshotNow(context);
    const entries = getStatus(asked, snapshot, {
      now: context.now(),
      minTtl: parseMinTtl(options.minTtl),
      typed: context.typed,
    });
    if (options.json) stdout.write(formatJson(entries.map(toJson)));
    else if (entries.length > 0) {
      const table = { long: options.long, renewal: findRenewal(snapshot) };
      const others = stdout.isTerminal && asked.length === 0 ? formatCandidates(snapshot, entries) : "";
      stdout.write(render(entries, context.now(), context, table) + others);
    } else sayNone(snapshot, context);
    if (!options.check) {
      for (const { unreadable } of entries) {
        if (!unreadable || unreadable.isOtherVersion) continue;
        const removal = findRemoval(unreadable, snapshot);
        const login = `fob login ${quoteProfileArgument(unreadable.profile)}`;
        say.hint(removal === undefined ? `a new session takes its place: ${login}` : `remove it: ${removal}`);
      }
    }
    // A session that its profile has lost is of no use to programs. One that could be written nowhere has been told of.
    const stale = entries.filter((entry) => entry.state !== "valid" || isLost(entry));
    if (!options.check || stale.length === 0) return Promise.resolve(exitCodes.done);
    const minTtl = options.minTtl === undefined ? "" : ` ${formatOption("--min-ttl", options.minTtl)}`;
    for (const { profile, source, state, unreadable } of stale) {
      say.error(`the session ${quote(profile)} ${words[state]}`);
      const removal = unreadable && findRemoval(unreadable, snapshot);
      if (removal !== undefined) say.hint(`remove it first: ${removal}`);
      say.hint(`fob login ${quoteProfileArgument(source ?? profile)}${minTtl}`);
    }
    return Promise.resolve(exitCodes.notFresh);
  },
});

/** The command that removes what is in the place of a session file, where a login does not replace it. */
function findRemoval(
  { profile, path, isInTheWay, isOtherVersion }: Unreadable,
  { files }: Snapshot,
): string | undefined {
  // It has no name that a session of fob's has.
  if (basename(path) !== encodeFileName(profile)) {
    const isFolder = lstatSync(path, { throwIfNoEntry: false })?.isDirectory();
    return `rm ${isFolder ? "-r " : ""}${quoteShellWord(path)}`;
  }
  const isRole = getProperty(files, profile, "role_arn") !== undefined;
  return isRole || isInTheWay || isOtherVersion ? `fob logout ${quoteProfileArgument(profile)}` : undefined;
}

/** Why a session does not count as fresh. */
const words: Readonly<Record<State, string>> = {
  valid: "is no longer in its profile",
  expiring: "expires soon",
  expired: "has expired",
  unknown: "has no expiration",
  unreadable: "cannot be read",
  missing: "does not exist",
};

function toJson({ issued, expiration, ...entry }: StatusEntry) {
  const time = (at: number | undefined): string | undefined => (at === undefined ? undefined : formatExpiration(at));
  return { ...entry, unreadable: undefined, issued: time(issued), expiration: time(expiration) };
}
