// Running a command as a child, where fob cannot become it: on Windows, and where Node.js was started without the shell
// script that stands around it in bin/fob (docs/decisions/exec-becomes-the-program.md).
import type { ChildProcess } from "node:child_process";
import { constants } from "node:os";
import type { Environment } from "../environment-variables.ts";
import { startProgram } from "../process.ts";

/** How it ended, as a shell's exit code; or why it could not be started. */
export type ExecOutcome = { readonly status: number } | { readonly failed: NodeJS.ErrnoException };

/** Runs a command to its end. From here on no signal ends fob before the command. */
export function runBeside([file = "", ...args]: readonly string[], env: Environment): Promise<ExecOutcome> {
  return new Promise((resolve) => {
    let child: ChildProcess;
    try {
      child = startProgram(file, args, { env, stdio: "inherit" });
    } catch (failed) {
      // What Node.js throws at once instead of telling it later.
      resolve({ failed: failed as NodeJS.ErrnoException });
      return;
    }
    // A terminal sends these to every process at it, and the console of Windows all that it has.
    for (const name of ["SIGINT", "SIGQUIT", "SIGBREAK"] as const) handleOnly(name, () => undefined);
    for (const name of ["SIGTERM", "SIGHUP"] as const) {
      handleOnly(name, () => {
        if (process.platform !== "win32") child.kill(name);
      });
    }
    // Also where it cannot be sent a signal, being another user's.
    child.on("error", (failed) => child.pid === undefined && resolve({ failed }));
    child.on("exit", (status, killedBy) => {
      resolve({ status: killedBy === null ? (status ?? 1) : 128 + constants.signals[killedBy] });
    });
  });
}

/** Handles a signal in this way alone, and at no moment in the system's. */
function handleOnly(name: NodeJS.Signals, handle: () => void): void {
  const before = process.listeners(name);
  // Not every system has every signal.
  if (name in constants.signals) process.on(name, handle);
  for (const listener of before) process.off(name, listener);
}
