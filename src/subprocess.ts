// Commands from the AWS config (`mfa_process`, a source's `credential_process`): run by the platform's shell.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { CancelledError, FobError } from "./errors.ts";
import { inWords } from "./terminal/duration.ts";

export interface CommandOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the command is, for messages: `the mfa_process of the profile "work"`. */
  readonly title: string;
  /** Seconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/** A code or an access key: nothing that these commands print is long. */
const MOST_OUTPUT = 65_536;

/**
 * What a command prints on stdout. Its stderr is shown as it comes; it has no stdin.
 *
 * @throws FobError when it fails, prints too much or does not end in time; the message never holds what it printed
 */
export async function commandOutput(command: string, options: CommandOptions): Promise<string> {
  const { title } = options;
  return await new Promise((resolve, reject) => {
    const child = spawn(command, { shell: true, env: options.env, stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    let isOver = false;
    const finish = (error?: FobError): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      options.signal.removeEventListener("abort", cancel);
      // Something below the shell may hold the pipe open.
      child.stdout.destroy();
      if (error) reject(error);
      else resolve(output);
    };
    const stop = (reason: FobError): void => {
      endTree(child);
      finish(reason);
    };
    const timer = setTimeout(() => {
      stop(new FobError(`${title} did not end within ${inWords(options.timeout)}`, "run it by hand to see why"));
    }, options.timeout * 1000);
    const cancel = (): void => stop(new CancelledError());
    options.signal.addEventListener("abort", cancel);
    if (options.signal.aborted) cancel();
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (output.length > MOST_OUTPUT) stop(new FobError(`${title} prints far too much`, "run it by hand to see what"));
    });
    const ended = (status: number | null, killedBy: NodeJS.Signals | null): void => {
      const how = status === null ? `was ended by ${killedBy ?? "a signal"}` : `failed with exit code ${status}`;
      finish(status === 0 ? undefined : new FobError(`${title} ${how}`, "run it by hand to see why"));
    };
    child.on("error", (error) => finish(new FobError(`cannot run ${title}: ${error.message}`)));
    child.on("close", ended);
    // What it left running in the background may keep the pipe open, but has nothing more to say.
    child.on("exit", (status, killedBy) => setTimeout(() => ended(status, killedBy), 200));
  });
}

/**
 * Ends a shell and what runs below it. A process group of its own would make that one call, but take the terminal away
 * from commands that ask on it.
 */
function endTree(shell: ChildProcess): void {
  const below = process.platform === "win32" || shell.pid === undefined ? [] : descendantsOf(shell.pid);
  const end = (signal: NodeJS.Signals): void => {
    for (const pid of below) {
      try {
        process.kill(pid, signal);
      } catch {
        // It has ended by itself.
      }
    }
    shell.kill(signal);
  };
  end("SIGTERM");
  // For those that do not listen; fob stays for that long.
  setTimeout(() => end("SIGKILL"), 500);
}

function descendantsOf(ancestor: number): number[] {
  let table: string;
  try {
    table = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return [];
  }
  const processes = table
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  const childrenOf = (parent: number): number[] =>
    processes.flatMap(([pid = 0, ppid]) => (ppid === parent ? [pid, ...childrenOf(pid)] : []));
  return childrenOf(ancestor);
}
