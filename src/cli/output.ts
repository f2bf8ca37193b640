// The two streams that fob writes. Node.js takes longer to make its objects for them than most commands take, so they
// are made only for terminals, which need them (for colors, and on Windows for letters beyond ASCII).
import { writeSync } from "node:fs";
import { FobError, getSystemCode, StdoutClosedError } from "../errors.ts";
import { isPlain, showsUnicode } from "../terminal/abilities.ts";
import { isTerminal, writeOnTerminal } from "../terminal/status-line.ts";
import { wrapWords } from "../terminal/table.ts";
import { escapeControlCharacters } from "../text.ts";

/** Where a command's data goes. */
export interface Output {
  readonly isTerminal: boolean;
  /** Whether it shows colors, and NO_COLOR does not turn them off. */
  readonly hasColors: boolean;
  /** How wide the terminal is; Infinity elsewhere. */
  readonly columns: number;
  /** @throws FobError where it cannot be written, so that the command fails */
  write(text: string): void;
}

export const stdout: Output = {
  get isTerminal() {
    return isTerminal(1);
  },
  get hasColors() {
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
      throw new FobError(`cannot write to stdout: ${(error as Error).message}`, "check for a full disk: df");
    }
  },
};

/** What a line on stderr is. `done` says that a command has done what it was asked to, `next` what to do with that. */
export type LineKind = "note" | "aside" | "error" | "hint" | "warning" | "debug" | "done" | "next";

const plain: Readonly<Record<LineKind, string>> = {
  note: "",
  aside: "",
  error: "error: ",
  hint: "hint: ",
  warning: "warning: ",
  debug: "debug: ",
  done: "",
  next: "hint: ",
};

const red = "\u001b[31m";
const green = "\u001b[32m";
const yellow = "\u001b[33m";
const dim = "\u001b[2m";
const reset = "\u001b[0m";

const colored: Readonly<Record<LineKind, (text: string) => string>> = {
  note: (text) => `fob: ${text}`,
  aside: (text) => `${dim}${text}${reset}`,
  error: (text) => `fob: ${red}error:${reset} ${text}`,
  hint: (text) => `${dim}hint: ${text}${reset}`,
  warning: (text) => `fob: ${yellow}warning:${reset} ${text}`,
  debug: (text) => `${dim}fob: debug: ${text}${reset}`,
  done: (text) => (showsUnicode(process.env) ? `${green}✓${reset} ${text}` : `${green}${text}${reset}`),
  next: (text) => `Use it: ${text}`,
};

/** Writes a line on stderr, control characters made visible. */
export function writeLine(text: string, kind: LineKind = "note"): void {
  try {
    write(2, `${formatLine(escapeControlCharacters(text), kind)}\n`);
  } catch {
    // There is nowhere left to say it.
  }
}

/** What the commands in hints begin with. */
const programs =
  /(?:^|: )((?:fob|aws|cat|chmod|cp|df|eval|exit|export|kill|ls|mkdir|npm|rm|set|sudo|timeout|type|unset|ykman|\$)[ {].*|exit|df)$/;

/** Breaks a line between words, where the terminal would break it within one. A command stays in one piece, to be pasted. */
function formatLine(text: string, kind: LineKind): string {
  const format = (words: string): string => (stderr.hasColors ? colored[kind](words) : `fob: ${plain[kind]}${words}`);
  // Screen readers want whole lines.
  const columns = isTerminal(2) && !isPlain(process.env) ? process.stderr.columns : 0;
  if (columns === 0 || kind === "debug" || kind === "next") return format(text);
  const command = text.startsWith(" ") ? text : (programs.exec(text)?.[1] ?? "");
  const joined = text.slice(0, text.length - command.length) + command.replaceAll(" ", "\0");
  return wrapWords(format(joined), columns).join("\n").replaceAll("\0", " ");
}

export const stderr = {
  get isTerminal(): boolean {
    return isTerminal(2);
  },
  /** Whether it is a terminal that shows colors, and NO_COLOR does not turn them off. */
  get hasColors(): boolean {
    return isTerminal(2) && process.stderr.hasColors();
  },
};

function write(descriptor: 1 | 2, text: string): void {
  if (isTerminal(descriptor)) {
    writeOnTerminal(descriptor, text);
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
