// How `fob setup` asks.
import type { SessionContext } from "../../../session/context.ts";
import type { Snapshot } from "../../../session/snapshot.ts";
import type { Team } from "../../../setup/team-file.ts";
import type { Terminal } from "../../../terminal/tty.ts";
import type { Context } from "../../context.ts";
import { askOnTerminal, askYesNo, chooseOnTerminal } from "../../questions.ts";

/** What the questions use. */
export interface Asking {
  readonly context: Context;
  readonly sessions: SessionContext;
  readonly snapshot: Snapshot;
  readonly team: Team | undefined;
  readonly terminal: Terminal;
}

/** Asks for a line. @throws CancelledError */
export async function askFor(
  { terminal, context }: Asking,
  message: string,
  problem: (answer: string) => string | undefined,
  before?: string,
): Promise<string> {
  return await askOnTerminal(terminal, { message, before, problem: (answer) => problem(answer.trim()) }, context);
}

/** Asks a yes-or-no question; Enter is yes. @throws CancelledError */
export const askWhether = ({ terminal, context }: Asking, message: string): Promise<boolean> =>
  askYesNo(terminal, message, context);

/** Lets the user choose one of several; each is shown as its text. @throws CancelledError */
export async function chooseOne<T>(
  { terminal, context }: Asking,
  message: string,
  choices: readonly (readonly [text: string, value: T])[],
): Promise<T | undefined> {
  const texts = choices.map(([text]) => text);
  const chosen = await chooseOnTerminal(terminal, message, texts, context);
  return choices.find(([text]) => text === chosen)?.[1];
}
