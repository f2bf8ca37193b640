// `fob refresh`: renews sessions, once or for as long as it is watched.
import { setTimeout as sleep } from "node:timers/promises";
import { wanted } from "../session/freshness.ts";
import { type RefreshTools, type RefreshWishes, refresh, sessionsOf, watch } from "../session/refresh.ts";
import { inWords } from "../terminal/duration.ts";
import { notify } from "../terminal/notify.ts";
import { shellWord } from "../text.ts";
import { defineCommand } from "./command.ts";
import type { Context } from "./context.ts";
import { loginTools, tell } from "./login-tools.ts";
import { minTtlOf } from "./options.ts";
import { entriesOf, render, sayNone } from "./session-table.ts";

export const refreshCommand = defineCommand({
  name: "refresh",
  description:
    "Renews the sessions that run out. With --watch it stays and renews them in time: it rings the bell, sends a " +
    "desktop notification, and asks.",
  takes: {
    name: "profile",
    atMost: Number.POSITIVE_INFINITY,
    text: "source or session profiles (default: every session)",
  },
  options: {
    minTtl: { value: "length", text: "renew what lasts for less than this (default: 1h)" },
    watch: { text: "stay, and renew in time" },
  },
  examples: [
    "fob refresh",
    "fob refresh work --min-ttl 8h",
    "fob refresh --watch",
    "fob refresh --no-input   # for cron",
  ],
  async run(profiles, options, context) {
    const { say } = context;
    const minTtl = options.minTtl === undefined ? "" : ` --min-ttl ${shellWord(options.minTtl)}`;
    const tools: RefreshTools = {
      ...loginTools(context, options, "fob refresh"),
      error(error) {
        say.error(error.message);
        error.hints.map(say.hint);
      },
      done: (outcome) => tell(outcome, context),
      againFor: (profile) => `fob login ${shellWord(profile)}${minTtl}`,
    };
    const wishes = { minTtl: minTtlOf(options.minTtl), region: options.region };
    if (options.watch) return await watchSessions(profiles, wishes, tools, context);
    const sessions = sessionsOf(profiles, tools);
    if (sessions.length === 0) sayNone(context);
    return await refresh(sessions, wishes, tools);
  },
});

async function watchSessions(
  profiles: readonly string[],
  wishes: RefreshWishes,
  tools: RefreshTools,
  context: Context,
): Promise<never> {
  const { env, say, stdout } = context;
  const table = liveTable(profiles, context);
  if (sessionsOf(profiles, tools).length === 0) sayNone(context);
  say.note(
    `a session is renewed when less than ${inWords(wishes.minTtl ?? wanted.login)} of it is left; Ctrl-C ends this`,
  );
  return await watch(profiles, wishes, {
    ...tools,
    done(outcome) {
      tools.done(outcome);
      table.leave();
    },
    show: () => table.draw(),
    alert(message) {
      table.leave();
      if (stdout.isTerminal) stdout.write("\u0007");
      notify(message, { env, platform: process.platform, debug: say.debug });
    },
    sleep: (milliseconds) => sleep(milliseconds, undefined, { signal: tools.signal }).catch(() => undefined),
  });
}

/** The table of `fob status`, drawn over the one before; on a terminal only. */
function liveTable(profiles: readonly string[], context: Context): { draw(): void; leave(): void } {
  const { now, stdout } = context;
  let lines = 0;
  return {
    draw() {
      if (!stdout.isTerminal) return;
      const text = render(entriesOf(profiles, undefined, context), now(), context);
      const up = lines > 0 ? `\u001b[${lines}A\u001b[J` : "";
      // What is too long for the terminal is cut off, so that a line of text is a line there.
      stdout.write(`${up}\u001b[?7l${text}\u001b[?7h`);
      lines = text.split("\n").length - 1;
    },
    /** Something else has been written below it. */
    leave() {
      lines = 0;
    },
  };
}
