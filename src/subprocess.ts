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
    let failure: FobError | undefined;
    const stop = (reason: FobError): void => {
      failure ??= reason;
      endTree(child);
      // Whatever is left may hold the pipe open.
      child.stdout.destroy();
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
    const finish = (error: FobError | undefined): void => {
      clearTimeout(timer);
      options.signal.removeEventListener("abort", cancel);
      if (error) reject(error);
      else resolve(output);
    };
    child.on("error", (error) => finish(failure ?? new FobError(`cannot run ${title}: ${error.message}`)));
    child.on("close", (status, killedBy) => {
      if (failure || status === 0) {
        finish(failure);
        return;
      }
      const how = status === null ? `was ended by ${killedBy ?? "a signal"}` : `failed with exit code ${status}`;
      finish(new FobError(`${title} ${how}`, "run it by hand to see why; its own messages are above"));
    });
  });
}

/**
 * Ends a shell and what runs below it. A process group of its own would make that one call, but take the terminal away
 * from commands that ask on it.
 */
function endTree(shell: ChildProcess): void {
  if (process.platform !== "win32" && shell.pid !== undefined) {
    for (const pid of descendantsOf(shell.pid)) {
      try {
        process.kill(pid, "SIGTERM");
      } catch {
        // It has ended by itself.
      }
    }
  }
  shell.kill("SIGTERM");
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
