// Commands from the AWS config (`mfa_process`, a source's `credential_process`), run by the platform's shell, and programs
// that fob knows.
import type { ChildProcess, ChildProcessByStdio } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { formatDuration } from "./duration.ts";
import type { Environment } from "./environment-variables.ts";
import { CancelledError, describeSystemError, FobError } from "./errors.ts";
import { listDescendants, startProgram } from "./process.ts";
import type { TerminalDescriptors } from "./terminal/tty.ts";

export interface CommandOptions {
  readonly env: Environment;
  /** What the command is, for messages: `the mfa_process of the profile "work"`. */
  readonly title: string;
  /** Seconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/** How a program ended. */
export interface Ended {
  /** Its exit code; null where a signal ended it. */
  readonly status: number | null;
  readonly killedBy: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program took longer than it may, and was ended for that. */
export class TimeoutError extends FobError {}

/** A code or an access key: nothing that these commands print is long. */
const MOST_OUTPUT = 65_536;

/**
 * What a command prints on stdout. Its stdin and stderr are the terminal, if it gets one; without one it has no stdin, and
 * its stderr is fob's.
 *
 * @throws FobError when it fails, prints too much or does not end in time; the message never holds what it printed
 * @throws CancelledError when Ctrl-C at the terminal ends it
 */
export async function readCommandOutput(
  command: string,
  options: CommandOptions & { readonly terminal?: TerminalDescriptors | undefined },
): Promise<string> {
  const { input = "ignore", output = "inherit" } = options.terminal ?? {};
  const stdio: [typeof input, "pipe", typeof output] = [input, "pipe", output];
  const child = startProgram(command, [], { shell: true, env: options.env, stdio }) as ChildProcessByStdio<
    null,
    Readable,
    null
  >;
  const ended = await awaitEnd(child, options);
  // It may hear of Ctrl-C before fob does.
  const isInterrupted = ended.killedBy === "SIGINT" || ended.status === 130;
  if (options.terminal && isInterrupted) throw new CancelledError();
  if (ended.status !== 0) throw new FobError(`${options.title} ${describeEnd(ended)}`, formatByHandHint("why"));
  return ended.stdout;
}

/**
 * Runs a program without a shell and without fob's stdin; it may end as it likes.
 *
 * @param input what it gets on its own stdin; without it that is at its end
 * @throws FobError when it cannot be started or prints too much; TookTooLong when it does not end in time
 */
export async function runProgram(
  file: string,
  args: readonly string[],
  options: CommandOptions & { readonly input?: string | undefined },
): Promise<Ended> {
  const child = startProgram(file, args, { env: options.env, stdio: ["pipe", "pipe", "pipe"] });
  // It may end without reading.
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input ?? "");
  return await awaitEnd(child, options);
}

/** In words, to go behind the program's name. */
export function describeEnd({ status, killedBy }: Ended): string {
  return status === null ? `was killed by ${killedBy ?? "a signal"}` : `failed with exit code ${status}`;
}

const formatByHandHint = (what: string): string => `run it by hand to see ${what}`;

async function awaitEnd(
  child: ChildProcessByStdio<Writable | null, Readable, Readable | null>,
  options: CommandOptions,
): Promise<Ended> {
  const { title } = options;
  return await new Promise((resolve, reject) => {
    const printed = { stdout: "", stderr: "" };
    let isOver = false;
    let isStopped = false;
    const finish = (result: FobError | Omit<Ended, "stdout" | "stderr">): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      options.signal.removeEventListener("abort", cancel);
      // Something below it may hold the pipes open.
      child.stdout.destroy();
      child.stderr?.destroy();
      if (result instanceof FobError) reject(result);
      else resolve({ ...result, ...printed });
    };
    const stop = (reason: FobError): void => {
      if (isStopped) return;
      isStopped = true;
      // Not before it has ended: fob itself may end with this.
      void endTree(child).then(() => finish(reason));
    };
    const timer = setTimeout(() => {
      stop(
        new TimeoutError(`${title} did not finish within ${formatDuration(options.timeout)}`, formatByHandHint("why")),
      );
    }, options.timeout * 1000);
    const cancel = (): void => stop(new CancelledError());
    options.signal.addEventListener("abort", cancel);
    if (options.signal.aborted) cancel();
    for (const name of ["stdout", "stderr"] as const) {
      child[name]?.setEncoding("utf8").on("data", (text: string) => {
        printed[name] += text;
        if (printed[name].length > MOST_OUTPUT)
          stop(new FobError(`${title} prints too much output`, formatByHandHint("what")));
      });
    }
    const ended = (status: number | null, killedBy: NodeJS.Signals | null): void => {
      if (!isStopped) finish({ status, killedBy });
    };
    child.on("error", (error) => finish(new FobError(`cannot run ${title}: ${describeSystemError(error)}`)));
    child.on("close", ended);
    // What it left running in the background may keep the pipes open, but has nothing more to say.
    child.on("exit", (status, killedBy) => setTimeout(() => ended(status, killedBy), 200));
  });
}

/**
 * Ends a program and what runs below it. A process group of its own would make that one call, but take the terminal away
 * from commands that ask on it.
 */
async function endTree({ pid }: ChildProcess): Promise<void> {
  if (pid === undefined) return;
  const tree = [pid, ...listDescendants(pid)];
  /** @returns whether any of them is there to get it */
  const send = (signal: NodeJS.Signals | 0): boolean => tree.map((member) => isSent(member, signal)).includes(true);
  send("SIGTERM");
  // Half a second for those that do not listen.
  for (let looks = 0; looks < 25 && send(0); looks++) await sleep(20);
  send("SIGKILL");
}

/** Whether a process is there to get a signal. */
function isSent(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
