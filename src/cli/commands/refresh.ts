// `fob refresh`: renews sessions, once or for as long as it is watched.

import { formatDuration } from "../../duration.ts";
import type { SessionContext } from "../../session/context.ts";
import type { LoginOutcome } from "../../session/login.ts";
import { type RefreshOptions, type RefreshReporter, refresh, watch } from "../../session/refresh.ts";
import { getStatus } from "../../session/status.ts";
import { defaultMinTtl } from "../../store/freshness.ts";
import { listSessionProfiles } from "../../store/read.ts";
import { notify } from "../../terminal/notify.ts";
import { fitToWidth } from "../../terminal/table.ts";
import { defineCommand, regionOption } from "../command.ts";
import { type Context, sayError } from "../context.ts";
import { noteSession } from "../note-session.ts";
import { parseMinTtl } from "../options.ts";
import { createSessionContext } from "../session-context.ts";
import { render, sayNone, snapshotNow } from "../session-table.ts";

export const refreshCommand = defineCommand({
  name: "refresh",
  description:
    "Renews sessions that are about to expire. With --watch, keeps running, and when a session needs a code, rings the " +
    "terminal bell, sends a desktop notification, and prompts.",
  takes: {
    name: "profile",
    atMost: Number.POSITIVE_INFINITY,
    text: "source or session profiles (default: every session)",
  },
  options: {
    minTtl: { value: "length", text: "renew sessions that expire sooner than this (default: 1h)" },
    watch: { text: "keep running, and renew sessions before they expire" },
    ...regionOption,
  },
  common: ["noInput", "debug"],
  examples: [
    "fob refresh",
    "fob refresh work --min-ttl 8h",
    "fob refresh --watch",
    "fob refresh --no-input   # for cron",
  ],
  async run(profiles, options, context) {
    const { say } = context;
    const sessions = createSessionContext(context, options);
    const reporter: RefreshReporter = {
      failed: (error) => sayError(error, say),
      done(outcome) {
        // cron sends a letter for every line.
        if (outcome.isNew || !options.noInput) noteSession(outcome, context);
      },
    };
    const refreshOptions = { minTtl: parseMinTtl(options.minTtl), region: options.region };
    if (profiles.length === 0 && listSessionProfiles(sessions.store).length === 0) {
      sayNone(snapshotNow(context), context);
    }
    if (options.watch) return await watchSessions(profiles, refreshOptions, reporter, sessions, context);
    return await refresh(profiles, refreshOptions, reporter, sessions);
  },
});

async function watchSessions(
  profiles: readonly string[],
  options: RefreshOptions,
  reporter: RefreshReporter,
  sessions: SessionContext,
  context: Context,
): Promise<never> {
  const { env, say, stdout } = context;
  const table = createLiveTable(profiles, context);
  const { minTtl } = options;
  const limit = `${formatDuration(minTtl ?? defaultMinTtl.login)} is left${minTtl === undefined ? " (a quarter for short sessions)" : ""}`;
  say.note(`renewing sessions when less than ${limit}; press Ctrl-C to stop`);
  const watching = {
    ...reporter,
    done(outcome: LoginOutcome) {
      reporter.done(outcome);
      table.leave();
    },
    show: () => table.draw(),
    alert(message: string) {
      table.leave();
      if (stdout.isTerminal) stdout.write("\u0007");
      notify(message, { env, platform: process.platform, debug: say.debug });
    },
  };
  return await watch(profiles, options, watching, sessions);
}

/** The table of `fob status`, drawn over the one before; on a terminal only. */
function createLiveTable(profiles: readonly string[], context: Context): { draw(): void; leave(): void } {
  const { now, stdout, typed } = context;
  let lines = 0;
  return {
    draw() {
      if (!stdout.isTerminal) return;
      const entries = getStatus(profiles, snapshotNow(context), { now: now(), minTtl: undefined, typed });
      const text = fitToWidth(render(entries, now(), context), stdout.columns);
      const up = lines > 0 ? `\u001b[${lines}A\u001b[J` : "";
      stdout.write(`${up}${text}`);
      lines = text.split("\n").length - 1;
    },
    /** Something else has been written below it. */
    leave() {
      lines = 0;
    },
  };
}
