// The same questions in plain lines, which nothing redraws: for screen readers, and terminals without cursor movement.
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { WriteStream } from "node:tty";
import { CancelledError } from "../errors.ts";
import { escapeControlCharacters } from "../text.ts";
import type { LineQuestion } from "./prompts.ts";
import type { Terminal } from "./tty.ts";

/** Asks for a line. @throws CancelledError on Ctrl-C, at the end of the input, and when the question's signal ends it */
export async function askLine(terminal: Terminal, question: LineQuestion): Promise<string> {
  const { message, before, problem, signal } = question;
  return await terminal.use(async (from, to) => {
    for (const line of before?.split("\n") ?? []) to.write(`fob: ${escapeControlCharacters(line)}\n`);
    return await readAnswer(from, to, signal, `fob: ${message} `, problem);
  });
}

/** Lets the user choose one of several by its number. @throws CancelledError */
export async function choose(
  terminal: Terminal,
  message: string,
  choices: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const find = (answer: string): string | undefined => choices[Number(answer.trim()) - 1];
  return await terminal.use(async (from, to) => {
    to.write(`fob: ${message}\n`);
    choices.forEach((choice, index) => void to.write(`${index + 1}. ${escapeControlCharacters(choice)}\n`));
    const problem = (answer: string) =>
      find(answer) === undefined ? `type a number from 1 to ${choices.length}` : undefined;
    const answer = await readAnswer(from, to, signal, "fob: Number: ", problem);
    return find(answer) ?? "";
  });
}

/** Reads lines until one is an answer. */
async function readAnswer(
  from: Readable,
  to: WriteStream,
  signal: AbortSignal,
  message: string,
  problem: LineQuestion["problem"],
): Promise<string> {
  const lines = createInterface({ input: from, terminal: false });
  const cancel = (): void => lines.close();
  signal.addEventListener("abort", cancel);
  try {
    if (!signal.aborted) to.write(message);
    for await (const line of lines) {
      if (signal.aborted) break;
      const wrong = problem(line);
      if (wrong === undefined) return line;
      to.write(`fob: ${escapeControlCharacters(wrong)}\n${message}`);
    }
    to.write("\n");
    throw new CancelledError();
  } finally {
    signal.removeEventListener("abort", cancel);
    lines.close();
  }
}
