// Asks the operating system's keychain, by a helper that can be killed. import() it: a file with a code cache does not know
// its own folder.
import { join } from "node:path";
import { installAgain } from "../credential-process/launcher.ts";
import { findProblem } from "../environment/program.ts";
import { FobError } from "../errors.ts";
import { runProgram, TimeoutError } from "../subprocess.ts";
import type { KeychainAnswer, KeychainOptions, KeychainQuestion } from "./keychain.ts";

/** Seconds: what a program waits for an answer, and what a user may take to unlock the keychain. */
const [PATIENCE, PATIENCE_OF_USER] = [3, 60];

/** Milliseconds after which the keychain is asked for something that it does not have, for which it opens no window. */
const PROBE_AFTER = 500;

/** No access key has this ID. */
const nothing = "fob-probe";

/** @throws FobError where the keychain is missing, locked, or does not answer in time */
export async function askHelper(question: KeychainQuestion, options: KeychainOptions): Promise<KeychainAnswer> {
  if (!options.isAttended()) return await ask(question, options, PATIENCE);
  // It may wait for the user, or hang.
  const hang = new AbortController();
  const over = new AbortController();
  const probing = setTimeout(() => void probe(), PROBE_AFTER);
  const probe = async (): Promise<void> => {
    const harmless: KeychainQuestion = { action: "get", service: question.service, account: nothing };
    try {
      await ask(harmless, { ...options, signal: over.signal }, PATIENCE);
    } catch (error) {
      if (error instanceof FobError && error.cause instanceof TimeoutError) hang.abort();
    }
    if (!hang.signal.aborted && !over.signal.aborted) options.note(waitingNote);
  };
  try {
    const signal = AbortSignal.any([options.signal, hang.signal]);
    return await ask(question, { ...options, signal }, PATIENCE_OF_USER);
  } catch (error) {
    if (!hang.signal.aborted || options.signal.aborted) throw error;
    throw new FobError(`the keychain did not answer within ${PATIENCE} s`, listHints(unlockHint()));
  } finally {
    clearTimeout(probing);
    over.abort();
  }
}

/** @param timeout seconds */
async function ask(
  question: KeychainQuestion,
  { env, signal }: Pick<KeychainOptions, "env" | "signal">,
  timeout: number,
): Promise<KeychainAnswer> {
  try {
    const { status, stdout, stderr } = await runProgram(process.execPath, [join(__dirname, "keychain.js")], {
      ...{ env: { ...env }, signal, title: "the keychain", input: JSON.stringify(question), timeout },
    });
    if (status !== 0) throw explain({ error: stderr.trim().split("\n").at(-1) ?? "" }, env);
    const answer = JSON.parse(stdout) as KeychainAnswer;
    if (answer.error !== undefined) throw explain(answer, env);
    return answer;
  } catch (error) {
    if (error instanceof TimeoutError) throw new FobError(error.message, listHints(unlockHint()), undefined, error);
    throw error;
  }
}

const waitingNote = "waiting for the keychain: it may ask for your password in a window; Ctrl-C ends the wait";

/** What may help, and what helps without a keychain. */
const listHints = (...hints: readonly string[]): readonly string[] => [
  ...hints,
  `${hints.length === 0 ? "" : "or "}keep the access key in the credentials file: aws configure`,
];

function unlockHint(): string {
  const again = "then run the same command again";
  if (process.platform === "darwin") return `unlock it, ${again}: security unlock-keychain`;
  if (process.platform === "linux") {
    const manager = findProblem("seahorse", process.env) === undefined ? ": seahorse" : "";
    return `unlock it in your desktop's password manager, ${again}${manager}`;
  }
  return `sign in to the desktop, ${again}`;
}

/** What is wrong with a keychain, by the words of the libraries that talk to it. */
function explain({ error = "", isMissing = false }: KeychainAnswer, env: KeychainOptions["env"]): FobError {
  if (isMissing) {
    const message = "the keychain cannot be used: the module @napi-rs/keyring is not installed";
    return new FobError(message, listHints(`without --omit=optional, ${installAgain}`));
  }
  // What the library says after two seconds without an answer.
  if (/did not receive a reply|NoReply/i.test(error)) {
    return new FobError("the keychain does not answer", listHints(unlockHint()));
  }
  if (/dismissed|\blocked\b|user (interaction|canceled)|-25308|-128\b/i.test(error)) {
    return new FobError("the keychain is locked", listHints(unlockHint()));
  }
  if (/DBus|D-Bus|org\.freedesktop\.secrets|no default|NoStorageAccess|-25307/i.test(error)) {
    // Without the desktop's bus no program can offer one.
    const start = env.DBUS_SESSION_BUS_ADDRESS
      ? ["start one that has the Secret Service: gnome-keyring-daemon --start --components=secrets"]
      : [];
    return new FobError(`there is no keychain here: ${error}`, listHints(...start));
  }
  return new FobError(`the keychain failed: ${error}`, listHints());
}
