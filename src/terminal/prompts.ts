// Questions on the terminal. Heavy: import() it when something is to be asked.
import type { WriteStream } from "node:tty";
import input from "@inquirer/input";
import search from "@inquirer/search";
import { CancelledError } from "../errors.ts";
import { escapeControlCharacters } from "../text.ts";
import { showsUnicode } from "./abilities.ts";
import { wrapWords } from "./table.ts";
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
    for (const line of before?.split("\n") ?? [])
      to.write(`${wrapWords(`fob: ${escapeControlCharacters(line)}`, getColumns(to)).join("\n")}\n`);
    const wrapped = wrapQuestion(message, getColumns(to) - answerWidth);
    return runPrompt(
      input({ message: wrapped, theme, validate }, { input: from, output: to, clearPromptOnDone: true, signal }),
    );
  });
}

/** Columns for a code with a blank on each side. */
const answerWidth = 8;

/** How wide a terminal is; some do not tell. */
const getColumns = ({ columns }: WriteStream): number => columns || Number.POSITIVE_INFINITY;

/** A question in lines as wide as the terminal, with room for the prefix that it gets. */
function wrapQuestion(message: string, columns: number): string {
  const { prefix } = theme;
  return wrapWords(`${prefix.idle} ${message}`, columns)
    .join("\n")
    .slice(prefix.idle.length + 1);
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
  const icon = showsUnicode(process.env) ? {} : { icon: { cursor: ">" } };
  return await terminal.use((from, to) => {
    const columns = getColumns(to);
    const keysHelpTip = () => wrapWords("type to filter, up and down to move, Enter to select", columns).join("\n");
    const wrapped = wrapQuestion(message, columns);
    const question = { message: wrapped, source, theme: { ...theme, ...icon, style: { keysHelpTip } } };
    return runPrompt(search(question, { input: from, output: to, clearPromptOnDone: true, signal }));
  });
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
