// Questions on one terminal come one after the other, from however many processes.
import { isatty } from "node:tty";
import { exitCodes, FobError } from "../errors.ts";
import { type Holder, type LockOptions, LockTimeoutError, withLock } from "../files/lock.ts";
import { isStopped, killLine } from "../process.ts";
import type { Terminal } from "./tty.ts";

/** Milliseconds after which it is looked at once more who has the terminal. A lock says it after one second. */
const ROUND = 1_500;

/** The process that has the terminal is stopped: it would keep all others waiting until it is woken. */
export class TurnStopped extends FobError {}

/**
 * Asks something when no other process does on the same terminal.
 *
 * @param lock the lock of this terminal
 * @throws TurnStopped soon when the process that is asking is stopped; StillHeld after `patience`; CancelledError
 */
export async function takeTurn<T>(
  terminal: Terminal,
  lock: string,
  { signal, patience }: Pick<LockOptions, "signal" | "patience">,
  question: () => Promise<T>,
): Promise<T> {
  const end = performance.now() + patience;
  const onWait = ({ pid }: Holder): void => {
    if (isStopped(pid)) throw stoppedAt(terminal, pid);
  };
  for (;;) {
    const round = Math.max(0, Math.min(ROUND, end - performance.now()));
    try {
      return await withLock(lock, { signal, patience: round, onWait }, question);
    } catch (error) {
      if (!(error instanceof LockTimeoutError) || performance.now() >= end) throw error;
    }
  }
}

/** Said on the terminal too: a program may have taken stderr. */
function stoppedAt(terminal: Terminal, pid: number): TurnStopped {
  const message = `another fob (process ${pid}) is waiting for a code on this terminal, but is stopped`;
  const hints = ["resume it to answer: fg", `or end it: ${killLine(pid)}`];
  if (!isatty(2)) terminal.say([message, ...hints.map((hint) => `hint: ${hint}`)]);
  return new TurnStopped(message, hints, exitCodes.codeNeeded);
}
