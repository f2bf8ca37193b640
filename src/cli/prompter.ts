// How fob prompts: on the terminal, else in a window.
import { createHash } from "node:crypto";
import { readCode } from "../codes/code.ts";
import { createGraphicalPrompt } from "../codes/graphical.ts";
import { formatQuestion, type LendTerminal } from "../codes/sources.ts";
import type { Environment } from "../environment-variables.ts";
import { getHost, type LockOptions, LockTimeoutError } from "../files/lock.ts";
import type { Prompter } from "../session/context.ts";
import { ensureStoreFolder } from "../store/folder.ts";
import { terminalLock } from "../store/paths.ts";
import { isPlain } from "../terminal/abilities.ts";
import type { Terminal } from "../terminal/tty.ts";
import { TurnStopped, takeTurn } from "../terminal/turn.ts";
import type { Context } from "./context.ts";

/** The terminal where there is one, else a window; undefined where neither can be had. @param store its folder */
export function choosePrompter(terminal: Terminal | undefined, store: string, context: Context): Prompter | undefined {
  return createTerminalPrompter(terminal, store, context.env) ?? createWindowPrompter(context);
}

/** A window on the desktop, which can ask for a code but not let the user choose. */
const createWindowPrompter = ({ env, say }: Context): Prompter | undefined =>
  // No user sits there.
  env.CI || env.SSH_CONNECTION
    ? undefined
    : createGraphicalPrompt({ env, platform: process.platform, debug: say.debug });

/** Milliseconds for which a command waits for its turn at the terminal: it may not need one. */
const TURN_PATIENCE = 20_000;

/** The terminal for commands: each in its turn, and without it when a question stays unanswered there. */
export function lendTerminal(find: () => Terminal | undefined, store: string): LendTerminal {
  return async (signal, work) => {
    const terminal = find();
    if (!terminal) return await work(undefined);
    try {
      return await inTurn(terminal, store, { signal, patience: TURN_PATIENCE }, () => terminal.lend(work));
    } catch (error) {
      if (error instanceof LockTimeoutError || error instanceof TurnStopped) return await work(undefined);
      throw error;
    }
  };
}

/** Programs may want several sessions at once: on one terminal the questions come one after the other. */
async function inTurn<T>(
  terminal: Terminal,
  store: string,
  waiting: LockOptions,
  question: () => Promise<T>,
): Promise<T> {
  if (terminal.name === "") return await question();
  // Other machines and containers with the same home folder have other terminals, with the same names.
  const place = createHash("sha256").update(`${getHost()} ${terminal.name}`).digest("hex").slice(0, 12);
  ensureStoreFolder(store, "locks");
  return await takeTurn(terminal, terminalLock(store, place), waiting, question);
}

function createTerminalPrompter(terminal: Terminal | undefined, store: string, env: Environment): Prompter | undefined {
  if (!terminal) return undefined;
  const prompts = () => (isPlain(env) ? import("../terminal/plain-prompts.ts") : import("../terminal/prompts.ts"));
  const ask = <T>(signal: AbortSignal, question: () => Promise<T>): Promise<T> =>
    inTurn(terminal, store, { signal, patience: Number.POSITIVE_INFINITY }, question);
  return {
    canAskAgain: true,
    async ask({ again, signal, ...question }) {
      const message = `${formatQuestion(question)}:`;
      const problem = (text: string): string | undefined => {
        const read = readCode(text);
        return "code" in read ? undefined : read.problem;
      };
      const { askLine } = await prompts();
      const typed = await ask(signal, () => askLine(terminal, { message, before: again, problem, signal }));
      return typed.replace(/\s/g, "");
    },
    async choose(message, choices, signal) {
      const { choose } = await prompts();
      return await ask(signal, () => choose(terminal, message, choices, signal));
    },
  };
}
