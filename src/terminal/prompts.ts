// Questions on the terminal. Heavy: import() it when something is to be asked.
import input from "@inquirer/input";
import search from "@inquirer/search";
import { CancelledError } from "../errors.ts";
import { escapeControlCharacters } from "../text.ts";
import { showsUnicode } from "./abilities.ts";
import { wrapText } from "./table.ts";
import type { Terminal } from "./tty.ts";

const theme = { prefix: { idle: "fob:", done: "fob:" }, validationFailureMode: "clear" as const };

export interface LineQuestion {
  readonly message: string;
  /** Lines to show above the question. */
  readonly before?: string | undefined;
  /** What is wrong with an answer; undefined accepts it. */
  readonly problem: (answer: string) => string | undefined;
  /** Ends the question. */
  readonly signal: AbortSignal;
}

/**
 * Asks for a line; the question goes away once it is answered. What is typed is shown, see
 * docs/decisions/the-code-is-shown.md.
 *
 * @throws CancelledError on Ctrl-C and when the question's signal ends it
 */
export async function askLine(terminal: Terminal, question: LineQuestion): Promise<string> {
  const { message, before, problem, signal } = question;
  const validate = (answer: string): true | string => problem(answer) ?? true;
  return await terminal.use((from, to) => {
    for (const line of before?.split("\n") ?? []) to.write(`fob: ${escapeControlCharacters(line)}\n`);
    const question = { message: wrapMessage(message, to.columns), theme, validate };
    return runPrompt(input(question, { input: from, output: to, clearPromptOnDone: true, signal }));
  });
}

/** Columns that a code takes behind the question. */
const CODE = " 123456".length;

/** Breaks a question between words, where the prompt would break it anywhere. Some terminals do not tell their columns. */
function wrapMessage(message: string, columns: number): string {
  const width = columns > 2 * CODE ? columns - CODE : Number.POSITIVE_INFINITY;
  const lines = wrapText(`${theme.prefix.idle} ${message}`, width);
  return lines.join("\n").slice(theme.prefix.idle.length + 1);
}

/** Lets the user choose one of several; typing filters them. @throws CancelledError */
export async function choose(
  terminal: Terminal,
  message: string,
  choices: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const named = choices.map((value) => ({ value, name: escapeControlCharacters(value) }));
  const source = (typed = "") => {
    const wanted = typed.trim().toLowerCase();
    return named.filter(({ name }) => name.toLowerCase().includes(wanted));
  };
  const style = { keysHelpTip: () => "type to filter, up and down to move, Enter to select" };
  const icon = showsUnicode(process.env) ? {} : { icon: { cursor: ">" } };
  const question = { message, source, theme: { ...theme, ...icon, style } };
  return await terminal.use((from, to) =>
    runPrompt(search(question, { input: from, output: to, clearPromptOnDone: true, signal })),
  );
}

async function runPrompt<T>(prompt: Promise<T>): Promise<T> {
  try {
    return await prompt;
  } catch (error) {
    const name = error instanceof Error ? error.name : "";
    if (name === "ExitPromptError" || name === "AbortPromptError") throw new CancelledError();
    throw error;
  }
}
