// What commands for users ask on the terminal.
import { readCode } from "../codes/code.ts";
import { untilNextCode } from "../codes/next-code.ts";
import { formatDuration } from "../duration.ts";
import { exitCodes, FobError, throwIfCancelled } from "../errors.ts";
import type { SessionContext } from "../session/context.ts";
import { isPlain } from "../terminal/abilities.ts";
import { findTerminal, type Terminal } from "../terminal/tty.ts";
import type { Context } from "./context.ts";

export interface Question {
  readonly message: string;
  /** Lines above it. */
  readonly before?: string | undefined;
  readonly problem: (answer: string) => string | undefined;
}

/** The terminal. @throws FobError without one, with what to type instead */
export function needTerminal(
  { noInput }: { readonly noInput?: boolean | undefined },
  what: string,
  instead: string | readonly string[],
): Terminal {
  const terminal = noInput ? undefined : findTerminal();
  if (terminal) return terminal;
  throw new FobError(`without a terminal fob cannot ask ${what}`, instead, exitCodes.codeNeeded);
}

/** Asks for a line, which is shown. @throws CancelledError */
export async function askOnTerminal(terminal: Terminal, question: Question, { env, signal }: Context): Promise<string> {
  const { askLine } = await (isPlain(env) ? import("../terminal/plain-prompts.ts") : import("../terminal/prompts.ts"));
  return (await askLine(terminal, { ...question, signal })).trim();
}

/** Lets the user choose one of several texts. @throws CancelledError */
export async function chooseOnTerminal(
  terminal: Terminal,
  message: string,
  choices: readonly string[],
  { env, signal }: Context,
): Promise<string> {
  const { choose } = await (isPlain(env) ? import("../terminal/plain-prompts.ts") : import("../terminal/prompts.ts"));
  return await choose(terminal, message, choices, signal);
}

/** Asks a yes-or-no question; Enter is yes. @throws CancelledError */
export async function askYesNo(terminal: Terminal, message: string, context: Context): Promise<boolean> {
  const problem = (answer: string): string | undefined =>
    /^\s*(y|yes|n|no)?\s*$/i.test(answer) ? undefined : "type y or n";
  return !/^n/i.test(await askOnTerminal(terminal, { message: `${message} [Y/n]`, problem }, context));
}

/** Asks for two codes that a device shows one after the other, and counts down to the second. @throws CancelledError */
export async function askTwoCodes(
  terminal: Terminal,
  { owner, problem }: { readonly owner: string; readonly problem: string | undefined },
  sessions: Pick<SessionContext, "now" | "sleep" | "showWhile">,
  context: Context,
): Promise<[string, string]> {
  const isCode = (answer: string): string | undefined => {
    const read = readCode(answer);
    return "code" in read ? undefined : read.problem;
  };
  const ask = async (message: string, before: string | undefined, check: typeof isCode): Promise<string> =>
    (await askOnTerminal(terminal, { message, before, problem: check }, context)).replace(/\s/g, "");
  const first = await ask(`Code for ${owner} (the first of two):`, problem, isCode);
  await countDown(untilNextCode(sessions.now(), sessions.now()), "The next code appears in", sessions, context);
  const isOther = (answer: string): string | undefined =>
    isCode(answer) ??
    (answer.replace(/\s/g, "") === first ? "that is the first code again; wait for the next" : undefined);
  return [first, await ask(`Code for ${owner} (the next one):`, undefined, isOther)];
}

/** Waits so many milliseconds, and shows how many seconds are left. @throws CancelledError */
export async function countDown(
  milliseconds: number,
  text: string,
  { now, sleep, showWhile }: Pick<SessionContext, "now" | "sleep" | "showWhile">,
  { signal }: Context,
): Promise<void> {
  const end = now() + milliseconds;
  const left = (): string => formatDuration(Math.max(1, Math.ceil((end - now()) / 1000)));
  await showWhile(() => `${text} ${left()}…`, sleep(milliseconds, signal));
  throwIfCancelled(signal);
}
