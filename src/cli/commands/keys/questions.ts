// What the commands for access keys ask on the terminal.
import { exitCodes, FobError } from "../../../errors.ts";
import { isPlain } from "../../../terminal/abilities.ts";
import { findTerminal, type Terminal } from "../../../terminal/tty.ts";
import type { Context } from "../../context.ts";

interface Options {
  readonly noInput?: boolean | undefined;
}

/** The terminal. @throws FobError without one, with what to type instead */
export function needTerminal({ noInput }: Options, what: string, instead: string): Terminal {
  const terminal = noInput ? undefined : findTerminal();
  if (terminal) return terminal;
  throw new FobError(`without a terminal fob cannot ask ${what}`, instead, exitCodes.codeNeeded);
}

/** Asks for a line, which is shown. @throws CancelledError */
export async function askShown(
  terminal: Terminal,
  message: string,
  problem: (answer: string) => string | undefined,
  { env, signal }: Context,
): Promise<string> {
  const { askLine } = await (isPlain(env)
    ? import("../../../terminal/plain-prompts.ts")
    : import("../../../terminal/prompts.ts"));
  return (await askLine(terminal, { message, problem, signal })).trim();
}
