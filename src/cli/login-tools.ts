// What opening a session uses of the world, for every command that may open one.
import { readCode } from "../codes/code.ts";
import { graphicalPrompt } from "../codes/graphical.ts";
import { codeFromCommand, questionText } from "../codes/sources.ts";
import { awsFilePaths } from "../profiles/paths.ts";
import { secondsLeft } from "../session/freshness.ts";
import type { LoginOutcome, LoginTools, Person } from "../session/login.ts";
import { storeFolder } from "../session/store-paths.ts";
import { openWritableStore } from "../session/store-writer.ts";
import { clockTime, inWords } from "../terminal/duration.ts";
import { findTerminal, type Terminal } from "../terminal/tty.ts";
import { quote } from "../text.ts";
import type { Context } from "./context.ts";

/** @param again the command line that makes the same session again, without a code in it */
export function loginTools(
  context: Context,
  options: { readonly noInput?: boolean | undefined },
  again: string,
): LoginTools {
  const { env, home, say } = context;
  const paths = awsFilePaths(env, home);
  return {
    ...context,
    ...say,
    warn: say.warning,
    paths,
    store: openWritableStore(storeFolder(env, paths.credentials)),
    connect: async (access) => (await import("../aws/clients.ts")).connect(access),
    codeFromCommand: (command, of) => codeFromCommand(command, of, env),
    person: () => (options.noInput ? undefined : (personAt(findTerminal()) ?? inWindow(context))),
    again,
  };
}

/** Says until when a session is good. */
export function tell({ session, isNew }: LoginOutcome, { now, say }: Context): void {
  const { expiration } = session.credentials;
  const seconds = secondsLeft({ expiration }, now());
  // A new session has the length that was asked for; the second that it took to get it is not worth a word.
  const left = inWords(isNew ? Math.round(seconds / 60) * 60 : seconds);
  say.note(
    `${quote(session.profile)} is good until ${clockTime(expiration, now())} (${left})${isNew ? "" : ", no code needed"}`,
  );
}

/** Somebody at a desktop, who can be asked for a code but not to choose. */
const inWindow = ({ env, say }: Context): Person | undefined =>
  // Nobody sits there.
  env.CI || env.SSH_CONNECTION ? undefined : graphicalPrompt({ env, platform: process.platform, debug: say.debug });

function personAt(terminal: Terminal | undefined): Person | undefined {
  if (!terminal) return undefined;
  const prompts = () => import("../terminal/prompts.ts");
  return {
    canAskAgain: true,
    ask: async ({ again, signal, ...question }) => {
      const message = `${questionText(question)}:`;
      const problem = (text: string): string | undefined => {
        const read = readCode(text);
        return "code" in read ? undefined : read.problem;
      };
      const typed = await (await prompts()).askLine(terminal, { message, before: again, problem, signal });
      return typed.replace(/\s/g, "");
    },
    choose: async (message, choices, signal) => (await prompts()).choose(terminal, message, choices, signal),
  };
}
