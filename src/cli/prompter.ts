// What opening a session uses of the world, for every command that may open one.
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { readCode } from "../codes/code.ts";
import { createGraphicalPrompt } from "../codes/graphical.ts";
import { createCommandProvider, formatQuestion, type LendTerminal } from "../codes/sources.ts";
import { formatClockTime, formatDuration } from "../duration.ts";
import { getHost, type LockOptions, LockTimeoutError } from "../files/lock.ts";
import { getAwsFilePaths } from "../profiles/paths.ts";
import type { LoginOutcome, LoginTools } from "../session/login.ts";
import type { Prompter } from "../session/request.ts";
import { ensureStoreFolder } from "../store/folder.ts";
import { getSecondsLeft } from "../store/freshness.ts";
import { getStoreFolder, terminalLock } from "../store/paths.ts";
import { openWritableStore } from "../store/write.ts";
import { findTerminal, isInBackground, type Terminal } from "../terminal/tty.ts";
import { TurnStopped, takeTurn } from "../terminal/turn.ts";
import { escapeControlCharacters, quote, quoteShellWord } from "../text.ts";
import type { Context } from "./context.ts";

/** @param again the command line that makes the same session again, without a code in it, where it is one for that */
export function createLoginContext(
  context: Context,
  options: { readonly noInput?: boolean | undefined },
  again?: string,
): LoginTools {
  const { env, home, say } = context;
  const paths = getAwsFilePaths(env, home);
  const store = openWritableStore(getStoreFolder(env, paths.credentials));
  const terminal = () => (options.noInput ? undefined : findTerminal());
  return {
    ...context,
    ...say,
    warn: say.warning,
    paths,
    store,
    sleep: (milliseconds, signal) => sleep(milliseconds, undefined, { signal }).catch(() => undefined),
    codeFromCommand: (command, of) => createCommandProvider(command, of, env, lendingOf(terminal, store.folder)),
    isInBackground: () => !options.noInput && isInBackground(),
    person: () =>
      options.noInput ? undefined : (createTerminalPrompter(terminal(), store.folder) ?? createWindowPrompter(context)),
    again,
  };
}

/** Says until when a session is good. */
export function noteSession({ session, isNew, unwritten }: LoginOutcome, { now, say }: Context): void {
  const { expiration } = session.credentials;
  const seconds = getSecondsLeft({ expiration }, now());
  // A new session has the length that was asked for; the second that it took to get it is not worth a word.
  const left = formatDuration(isNew ? Math.round(seconds / 60) * 60 : seconds);
  say.note(
    `${quote(session.profile)} is good until ${formatClockTime(expiration, now())} (${left})${isNew ? "" : ", no code needed"}`,
  );
  const name = quoteShellWord(session.profile);
  if (unwritten.credentials) {
    say.warning(`programs do not find it in the profile ${quote(session.profile)}: ${unwritten.credentials.message}`);
    say.hint(`run them with it: fob exec ${name} -- COMMAND`);
    say.hint(`or put it into your shell: eval "$(fob env ${name})"`);
    say.hint(
      `or let them ask for it, in a config that you can write: credential_process = fob credential-process ${name}`,
    );
  }
  if (unwritten.configLines.length > 0) {
    say.hint(`the config cannot be written; put below [profile ${escapeControlCharacters(session.profile)}]:`);
    for (const line of unwritten.configLines) say.hint(`  ${escapeControlCharacters(line)}`);
  }
}

/** Somebody at a desktop, who can be asked for a code but not to choose. */
const createWindowPrompter = ({ env, say }: Context): Prompter | undefined =>
  // Nobody sits there.
  env.CI || env.SSH_CONNECTION
    ? undefined
    : createGraphicalPrompt({ env, platform: process.platform, debug: say.debug });

/** Milliseconds for which a command waits for its turn at the terminal: it may not need one. */
const TURN_PATIENCE = 20_000;

/** The terminal for commands: each in its turn, and without it when a question stays unanswered there. */
function lendingOf(find: () => Terminal | undefined, store: string): LendTerminal {
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

function createTerminalPrompter(terminal: Terminal | undefined, store: string): Prompter | undefined {
  if (!terminal) return undefined;
  const prompts = () => import("../terminal/prompts.ts");
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
