// Running a command in fob's place: it has fob's streams, terminal and process group, and how it ends is how fob ends.
//
// fob stays beside it as its parent, because Node.js cannot replace its process (docs/decisions/exec-stays.md). What is
// typed at the terminal reaches both, as they are one group; what is sent to fob alone, fob passes on.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { isAtTerminal } from "../terminal/tty.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** How it ended; or why it could not be started. */
export type Outcome =
  | { readonly status: number }
  | { readonly killedBy: NodeJS.Signals }
  | { readonly failed: NodeJS.ErrnoException };

/** Runs a command to its end. From here on no signal ends fob before the command. */
export async function runInPlace([file = "", ...args]: readonly string[], env: Environment): Promise<Outcome> {
  // Windows would look for it in the working directory first, of whoever has started fob there.
  if (process.platform === "win32") process.env.NoDefaultCurrentDirectoryInExePath = "1";
  // Node.js has another error for that.
  if (file === "") return { failed: Object.assign(new Error("it has no name"), { code: "ENOENT" }) };
  let child: ChildProcess | undefined;
  // Before it is there: what is sent meanwhile is passed on as soon as it is.
  standBeside(() => child);
  try {
    child = spawn(file, args, { env, stdio: "inherit" });
    return await endOf(child);
  } catch (error) {
    // What Node.js throws at once instead of telling it later.
    return { failed: error as NodeJS.ErrnoException };
  }
}

function endOf(child: ChildProcess): Promise<Outcome> {
  return new Promise((resolve) => {
    child.on("error", (failed) => {
      // Also where it cannot be sent a signal, being another user's.
      if (child.pid === undefined) resolve({ failed });
    });
    child.on("exit", (status, killedBy) => resolve(killedBy === null ? { status: status ?? 1 } : { killedBy }));
  });
}

/** From the keyboard: who is in the terminal's foreground has got it with the command. */
const typed = ["SIGINT", "SIGQUIT"] as const;
const passedOn = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGWINCH", "SIGCONT"] as const;

function standBeside(child: () => ChildProcess | undefined): void {
  if (process.platform === "win32") {
    // The console sends its events to every process on it.
    for (const name of ["SIGINT", "SIGBREAK", "SIGHUP"] as const) instead(name, () => undefined);
    return;
  }
  for (const name of typed) {
    instead(name, () => {
      if (!isAtTerminal()) child()?.kill(name);
    });
  }
  for (const name of passedOn) instead(name, () => void child()?.kill(name));
  let isStopping = false;
  const stop = async (): Promise<void> => {
    if (isStopping) return;
    isStopping = true;
    const command = child();
    if (command && (await stops(command))) {
      process.once("SIGCONT", () => instead("SIGTSTP", onStop));
      process.off("SIGTSTP", onStop);
      process.kill(process.pid, "SIGTSTP");
    }
    isStopping = false;
  };
  const onStop = (): void => void stop();
  instead("SIGTSTP", onStop);
}

/** Handles a signal in this way alone, and at no moment in the system's. */
function instead(name: NodeJS.Signals, handle: () => void): void {
  const before = process.listeners(name);
  process.on(name, handle);
  for (const listener of before) process.off(name, listener);
}

/** Ctrl-Z: where the command stops, fob does, and the shell goes on; where it has other plans for it, fob stays too. */
async function stops(child: ChildProcess): Promise<boolean> {
  for (let looks = 0; looks < 50 && child.exitCode === null && child.signalCode === null; looks++) {
    if (isStopped(child.pid)) return true;
    // By now it would have stopped, if it had got the signal too.
    if (looks === 5) child.kill("SIGTSTP");
    await sleep(20);
  }
  return false;
}

function isStopped(pid: number | undefined): boolean {
  try {
    if (process.platform === "linux") return /\) [Tt]/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
    return execFileSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }).startsWith("T");
  } catch {
    return false;
  }
}

/** These write the memory of the process to a file, and there are secrets in it. */
const dumps = [
  "SIGQUIT",
  "SIGILL",
  "SIGTRAP",
  "SIGABRT",
  "SIGBUS",
  "SIGFPE",
  "SIGSEGV",
  "SIGXCPU",
  "SIGXFSZ",
  "SIGSYS",
];

/** Ends fob by the signal that has ended the command. @returns the exit code where that is not possible */
export async function endBy(signal: NodeJS.Signals): Promise<number> {
  if (!dumps.includes(signal) && process.platform !== "win32") {
    // Then it is the system again that decides what it does, and not Node.js.
    if (signal !== "SIGKILL") instead(signal, () => undefined);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    await sleep(1000);
  }
  return 128 + constants.signals[signal];
}
