// `fob status`: the sessions, as a table or JSON, and whether they last.
import { exitCodes } from "../../errors.ts";
import { getProperty } from "../../profiles/files.ts";
import { getStatus, type State, type StatusEntry } from "../../session/status.ts";
import { formatExpiration } from "../../store/session.ts";
import { formatJson, formatOption, quote, quoteProfileArgument } from "../../text.ts";
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
      const isReplaceable = ({ state, foreign, isOtherVersion }: StatusEntry): boolean =>
        state === "unreadable" && !foreign && !isOtherVersion;
      for (const { profile } of entries.filter(isReplaceable)) {
        const isRole = getProperty(snapshot.files, profile, "role_arn") !== undefined;
        say.hint(
          isRole
            ? `remove it: fob logout ${quoteProfileArgument(profile)}`
            : `a new session takes its place: fob login ${quoteProfileArgument(profile)}`,
        );
      }
    }
    // A session that its profile has lost is of no use to programs. One that could be written nowhere has been told of.
    const stale = entries.filter((entry) => entry.state !== "valid" || isLost(entry));
    if (!options.check || stale.length === 0) return Promise.resolve(exitCodes.done);
    const minTtl = options.minTtl === undefined ? "" : ` ${formatOption("--min-ttl", options.minTtl)}`;
    for (const { profile, source, state } of stale) {
      say.error(`the session ${quote(profile)} is ${words[state]}`);
      say.hint(`fob login ${quoteProfileArgument(source ?? profile)}${minTtl}`);
    }
    return Promise.resolve(exitCodes.notFresh);
  },
});

/** Why a session does not count as fresh. */
const words: Readonly<Record<State, string>> = {
  valid: "no longer in its profile",
  expiring: "expiring",
  expired: "expired",
  unknown: "of unknown expiry",
  unreadable: "unreadable",
  missing: "missing",
};

function toJson({ issued, expiration, ...entry }: StatusEntry) {
  const time = (at: number | undefined): string | undefined => (at === undefined ? undefined : formatExpiration(at));
  return { ...entry, issued: time(issued), expiration: time(expiration) };
}
