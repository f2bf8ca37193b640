// The text in the last line of the terminal that says what is waited for. It goes away for everything else that is written.
import { fstatSync } from "node:fs";
import { isPlain, showsUnicode } from "./abilities.ts";

/** What is shown now. */
let shown: string | undefined;
/** How many questions are open: while one is, nothing is shown. */
let questions = 0;

const clearLine = "\r\u001b[K";

/** Milliseconds after which a user wonders what happens, and after which a text that has changed is shown. */
const WONDER = 1000;
const REDRAW = 200;

export function isTerminal(descriptor: 1 | 2): boolean {
  return fstatSync(descriptor).isCharacterDevice() && (descriptor === 1 ? process.stdout : process.stderr).isTTY;
}

/** Shows a text on the terminal while some work takes longer than a second; it is gone when that is done. */
export async function showWhile<T>(text: string | (() => string), work: Promise<T>): Promise<T> {
  if (!isTerminal(2) || isPlain(process.env)) return await work;
  const draw = (): void => {
    showStatus(typeof text === "string" ? text : text());
    timer = setTimeout(draw, REDRAW);
  };
  let timer = setTimeout(draw, WONDER);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
    showStatus("");
  }
}

/** Asks something, with nothing else in the last line. */
export async function hideWhile<T>(question: () => Promise<T>): Promise<T> {
  showStatus("");
  questions += 1;
  try {
    return await question();
  } finally {
    questions -= 1;
  }
}

/** Replaces the text that is shown. A longer one than the line would stay there in part. */
function showStatus(text: string): void {
  const known = showsUnicode(process.env) ? text : text.replace("…", "...");
  const next = known.slice(0, (process.stderr.columns || Number.POSITIVE_INFINITY) - 1) || undefined;
  if (questions > 0 || next === shown) return;
  writeOnTerminal(2, next ?? "");
  shown = next;
}

/** Writes where the text is that is shown. */
export function writeOnTerminal(descriptor: 1 | 2, text: string): void {
  if (shown !== undefined) send(2, clearLine);
  shown = undefined;
  send(descriptor, text);
}

function send(descriptor: 1 | 2, text: string): void {
  const stream = descriptor === 1 ? process.stdout : process.stderr;
  // A terminal that has gone ends the process with a signal; that is enough said.
  if (stream.listenerCount("error") === 0) stream.on("error", () => undefined);
  stream.write(text);
}
