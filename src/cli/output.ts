// The two streams that fob writes. Node.js takes longer to make its objects for them than most commands take, so they
// are made only for terminals, which need them (for colours, and on Windows for letters beyond ASCII).
import { fstatSync, writeSync } from "node:fs";
import { FobError, getSystemCode, StdoutClosedError } from "../errors.ts";
import { escapeControlCharacters } from "../text.ts";

/** Where a command's data goes. */
export interface Output {
  readonly isTerminal: boolean;
  /** Whether it shows colours, and nobody has forbidden them (NO_COLOR). */
  readonly hasColours: boolean;
  /** How wide the terminal is; Infinity elsewhere. */
  readonly columns: number;
  /** @throws FobError where it cannot be written, so that the command fails */
  write(text: string): void;
}

export const stdout: Output = {
  get isTerminal() {
    return isTerminal(1);
  },
  get hasColours() {
    return isTerminal(1) && process.stdout.hasColors();
  },
  get columns() {
    return (isTerminal(1) && process.stdout.columns) || Number.POSITIVE_INFINITY;
  },
  write(text) {
    try {
      write(1, text);
    } catch (error) {
      if (getSystemCode(error) === "EPIPE") throw new StdoutClosedError();
      throw new FobError(`cannot write to stdout: ${(error as Error).message}`, "see whether the disk is full: df");
    }
  },
};

/** A line of fob's on stderr, control characters made visible. */
export function writeLine(text: string): void {
  try {
    write(2, `fob: ${escapeControlCharacters(text)}\n`);
  } catch {
    // There is nowhere left to say it.
  }
}

function write(descriptor: 1 | 2, text: string): void {
  if (isTerminal(descriptor)) {
    const stream = descriptor === 1 ? process.stdout : process.stderr;
    // A terminal that has gone ends the process with a signal; that is enough said.
    if (stream.listenerCount("error") === 0) stream.on("error", () => undefined);
    stream.write(text);
    return;
  }
  let rest: Uint8Array = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      // A full pipe that another program has set to non-blocking: its reader needs a moment.
      if (getSystemCode(error) !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

function isTerminal(descriptor: 1 | 2): boolean {
  return fstatSync(descriptor).isCharacterDevice() && (descriptor === 1 ? process.stdout : process.stderr).isTTY;
}
