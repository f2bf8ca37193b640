// `fob refresh`: renews sessions, once or for as long as it is watched.
import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { exitCodes } from "../errors.ts";
import { readAwsFiles } from "../profiles/files.ts";
import { awsFilePaths } from "../profiles/paths.ts";
import { type RefreshTools, refresh, sessionsOf, watch } from "../session/refresh.ts";
import { statusOf } from "../session/status.ts";
import { openStore } from "../session/store.ts";
import { storeFolder } from "../session/store-paths.ts";
import { neutralise, shellWord } from "../text.ts";
import { defineCommand } from "./command.ts";
import type { Context } from "./context.ts";
import { loginTools, tell } from "./login-tools.ts";
import { minTtlOf } from "./options.ts";
import { render } from "./session-table.ts";

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
    const againFor = (profile: string): string => `fob login ${shellWord(profile)}`;
    const tools: RefreshTools = {
      ...loginTools(context, options, "fob refresh"),
      error(error) {
        say.error(error.message);
        error.hints.map(say.hint);
      },
      done: (outcome) => tell(outcome, context),
      againFor,
    };
    const minTtl = minTtlOf(options.minTtl);
    const sessions = sessionsOf(profiles, tools);
    if (sessions.length === 0) {
      say.note("there are no sessions yet");
      say.hint("fob login");
      return exitCodes.done;
    }
    if (!options.watch) return await refresh(sessions, minTtl, tools);
    const table = liveTable(profiles, context);
    return await watch(profiles, minTtl, {
      ...tools,
      done(outcome) {
        tools.done(outcome);
        table.leave();
      },
      show: () => table.draw(),
      alert(message) {
        table.leave();
        callForUser(message, context);
      },
      sleep: (milliseconds) => sleep(milliseconds, undefined, { signal: tools.signal }).catch(() => undefined),
    });
  },
});

/** The table of `fob status`, drawn over the one before; on a terminal only. */
function liveTable(profiles: readonly string[], context: Context): { draw(): void; leave(): void } {
  const { env, home, now, stdout } = context;
  const paths = awsFilePaths(env, home);
  let lines = 0;
  return {
    draw() {
      if (!stdout.isTerminal) return;
      const tools = { files: readAwsFiles(paths), store: openStore(storeFolder(env, paths.credentials)), now: now() };
      const text = render(statusOf(profiles, { ...tools, minTtl: undefined }), now(), context);
      stdout.write(lines > 0 ? `\u001b[${lines}A\u001b[J${text}` : text);
      lines = text.split("\n").length - 1;
    },
    /** Something else has been written below it. */
    leave() {
      lines = 0;
    },
  };
}

/** Rings the terminal's bell, and sends a notification where there is a desktop that shows one. */
function callForUser(message: string, { env, say, stdout }: Context): void {
  if (stdout.isTerminal) stdout.write("\u0007");
  const text = neutralise(message);
  // The text is an argument of its own: nothing in it is a script or an option.
  const [command, ...args] =
    process.platform === "darwin"
      ? ["osascript", "-e", 'on run argv\ndisplay notification (item 1 of argv) with title "fob"\nend run', text]
      : ["notify-send", "--app-name=fob", "--", "fob", text];
  if (process.platform === "win32") return;
  const child = spawn(command, args, { env, stdio: "ignore", detached: true });
  child.on("error", (error) => say.debug(`no notification: ${error.message}`));
  child.unref();
}
