// The one place where the program meets the outside world.
import { isAbsolute } from "node:path";
import { copyEnvironment, type Environment } from "../environment-variables.ts";
import { CancelledError, FobError } from "../errors.ts";
import type { TypedCommand } from "../typed-command.ts";
import { type Output, stderr, stdout, writeLine } from "./output.ts";

/** What every command is given. */
export interface Context {
  /** A copy: what fob sets for itself is not passed to children. */
  readonly env: Environment;
  /** An absolute path. @throws FobError where there is no such home folder */
  readonly home: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Ends what is under way: Ctrl-C, or a request to end. Read it before waiting: that is when signals are handled. */
  readonly signal: AbortSignal;
  readonly stdout: Output;
  /** Opening it takes Node.js longer than most of what fob does. */
  readonly stdin: () => NodeJS.ReadStream;
  /** Lines on stderr: `fob: …`. Control characters are made visible. */
  readonly say: Say;
  /** What the user typed, for hints. */
  readonly typed: TypedCommand;
}

export interface Say {
  readonly note: (message: string) => void;
  /** What only a person wants to know: nothing where stderr is not a terminal. */
  readonly aside: (message: string) => void;
  readonly error: (message: string) => void;
  readonly hint: (message: string) => void;
  readonly warning: (message: string) => void;
  /** Says that a command has done what it was asked to: on a terminal with colors one text, elsewhere the other. */
  readonly done: (shown: string, note: string) => void;
  /** The command that uses what was done. */
  readonly next: (command: string) => void;
  /** Only with --debug. */
  readonly debug: (message: string) => void;
}

/** Says an error that does not end the command, with what to do. */
export function sayError(error: FobError, say: Say): void {
  say.error(error.message);
  for (const hint of error.hints) say.hint(hint);
}

export async function processContext(options: { debug: boolean; typed: TypedCommand }): Promise<Context> {
  let signal: AbortSignal | undefined;
  const home = await homeFolder();
  return {
    env: copyEnvironment(process.env, process.platform),
    get home() {
      if (home !== undefined) return home;
      throw new FobError(
        "HOME is not set to an absolute path, and the system does not list a home folder for this user",
        "export HOME=/the/path/of/your/home",
      );
    },
    typed: options.typed,
    now: Date.now,
    get signal() {
      signal ??= endSignal();
      return signal;
    },
    stdout,
    stdin: () => process.stdin,
    say: {
      note: (message) => writeLine(message),
      aside: (message) => {
        if (stderr.isTerminal) writeLine(message, "aside");
      },
      error: (message) => writeLine(message, "error"),
      hint: (message) => writeLine(message, "hint"),
      warning: (message) => writeLine(message, "warning"),
      done: (shown, note) => writeLine(stderr.hasColors ? shown : note, "done"),
      next: (command) => writeLine(command, "next"),
      debug: (message) => {
        if (options.debug) writeLine(message, "debug");
      },
    },
  };
}

/** Never below the working directory: files there would decide which commands fob runs. */
async function homeFolder(): Promise<string | undefined> {
  const { env, platform } = process;
  // The module takes a while to load.
  if (platform !== "win32" && env.HOME && isAbsolute(env.HOME)) return env.HOME;
  const { homedir, userInfo } = await import("node:os");
  for (const find of [homedir, () => userInfo().homedir]) {
    try {
      const home = find();
      if (isAbsolute(home)) return home;
    } catch {
      // The system does not know this user, as in a container.
    }
  }
  return undefined;
}

function endSignal(): AbortSignal {
  const cancelled = new AbortController();
  // Not `once`: a second Ctrl-C ends the process at once, whatever it is waiting for. Each kind of signal counts by itself,
  // because after Ctrl-C on a terminal the shell in bin/fob sends SIGHUP too. A terminal that is closed sends SIGHUP twice,
  // once by itself and once by its shell: neither is a user who has lost patience.
  // SIGQUIT too: the system would write a core file, with the keys in memory.
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const) {
    let isFirst = true;
    process.on(name, () => {
      if (!isFirst && name !== "SIGHUP") process.exit(new CancelledError().exitCode);
      isFirst = false;
      cancelled.abort();
    });
  }
  // Node.js would open a debugger on a port of 127.0.0.1, which every user of the machine can reach.
  process.on("SIGUSR1", () => undefined);
  return cancelled.signal;
}
