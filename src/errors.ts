// What can go wrong, and the exit code for it.
/**
 * The exit codes of every command. `fob help exit-codes` prints this table.
 */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  notFresh: 3,
  codeNeeded: 4,
  cancelled: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/**
 * An error that the user can do something about: what happened, and what to do next.
 *
 * The message and the hints are lower case, without a full stop, with names and paths quoted; a hint is a command that
 * can be pasted, where there is one. Neither ever holds a secret.
 */
export class FobError extends Error {
  override readonly name: string = "FobError";
  readonly hints: readonly string[];
  readonly exitCode: ExitCode;

  constructor(
    message: string,
    hints: string | readonly string[] = [],
    exitCode: ExitCode = exitCodes.failed,
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.hints = typeof hints === "string" ? [hints] : hints;
    this.exitCode = exitCode;
  }
}

/** The command line itself is wrong: exit code 2. */
export class UsageError extends FobError {
  override readonly name = "UsageError";

  constructor(message: string, hints: string | readonly string[] = []) {
    super(message, hints, exitCodes.usage);
  }
}

/** The user pressed Ctrl-C, or the process was told to end: exit code 130. */
export class CancelledError extends FobError {
  override readonly name = "CancelledError";

  /** @param note what the user should know of what was under way */
  constructor(note?: string) {
    super(note === undefined ? "cancelled" : `cancelled; ${note}`, [], exitCodes.cancelled);
  }
}

/** The program that reads stdout has read enough: nothing to say, and exit code 1. */
export class StdoutClosedError extends FobError {
  override readonly name = "StdoutClosedError";

  constructor() {
    super("stdout is closed");
  }
}

/** The user has closed one question, and may want the rest all the same. */
export class RefusedError extends CancelledError {}

/** Throws {@link CancelledError} when the user has asked to stop. */
export function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new CancelledError();
}

/** What comes of some work, unless the signal comes first. @throws CancelledError then: the work's own end is ignored */
export async function raceSignal<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  if (!signal) return await work;
  return await new Promise((resolve, reject) => {
    const cancel = (): void => reject(new CancelledError());
    signal.addEventListener("abort", cancel);
    if (signal.aborted) cancel();
    void work.then(resolve, reject).finally(() => signal.removeEventListener("abort", cancel));
  });
}

/** The `code` of a Node.js system error (`ENOENT`, `ECONNREFUSED`), or "" when it has none. */
export function getSystemCode(error: unknown): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === "string" ? code : "";
}

/** What the system says of an error, in its own words, without the call and the path that messages name already. */
export function describeSystemError(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const code = getSystemCode(error);
  if (message.startsWith("spawn ") && code === "ENOENT") return "not found";
  return message.startsWith(`${code}: `) ? message.replace(/, \w+(?: '.*')?$/s, "").slice(code.length + 2) : message;
}
