// Questions on the terminal. Heavy: import() it when something is to be asked.
import input from "@inquirer/input";
import select from "@inquirer/select";
import { readCode } from "../codes/code.ts";
import type { CodeQuestion } from "../codes/sources.ts";
import { CancelledError } from "../errors.ts";
import { neutralise, quote } from "../text.ts";
import type { Terminal } from "./tty.ts";

const theme = { prefix: { idle: "fob:", done: "fob:" } };

/**
 * Asks for a token code; the question goes away once it is answered. The digits are shown while they are typed, see
 * docs/decisions/the-code-is-shown.md.
 *
 * @throws CancelledError on Ctrl-C and when the question's signal ends it
 */
export async function askCode(terminal: Terminal, question: CodeQuestion): Promise<string> {
  const device = question.serialNumber.slice(question.serialNumber.lastIndexOf("/") + 1);
  const message = `MFA code for the profile ${quote(question.profile)} (device ${neutralise(device)}):`;
  const validate = (text: string): true | string => {
    const read = readCode(text);
    return "code" in read || read.problem;
  };
  const typed = await terminal.use((from, to) => {
    if (question.again !== undefined) to.write(`fob: ${neutralise(question.again)}\n`);
    const context = { input: from, output: to, clearPromptOnDone: true, signal: question.signal };
    return asked(input({ message, theme, validate }, context));
  });
  return typed.replace(/\s/g, "");
}

/** Lets the user choose one of several. @throws CancelledError */
export async function choose(
  terminal: Terminal,
  message: string,
  choices: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const named = choices.map((value) => ({ value, name: neutralise(value) }));
  return await terminal.use((from, to) =>
    asked(select({ message, theme, choices: named }, { input: from, output: to, clearPromptOnDone: true, signal })),
  );
}

async function asked<T>(prompt: Promise<T>): Promise<T> {
  try {
    return await prompt;
  } catch (error) {
    const name = error instanceof Error ? error.name : "";
    if (name === "ExitPromptError" || name === "AbortPromptError") throw new CancelledError();
    throw error;
  }
}
