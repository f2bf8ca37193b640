// Asks the operating system's keychain, by a helper that can be killed. import() it: a file with a code cache does not know
// its own folder.
import { join } from "node:path";
import { FobError } from "../errors.ts";
import { runProgram, TimeoutError } from "../subprocess.ts";
import type { KeychainAnswer, KeychainOptions, KeychainQuestion } from "./keychain.ts";

/** Seconds: what a program waits for an answer, and what a user may take to unlock the keychain. */
const [PATIENCE, PATIENCE_OF_USER] = [3, 60];

/** @throws FobError where the keychain is missing, locked, or does not answer in time */
export async function askHelper(question: KeychainQuestion, options: KeychainOptions): Promise<KeychainAnswer> {
  const { env, signal, note } = options;
  const isAttended = options.isAttended();
  const waiting = isAttended ? setTimeout(() => note(waitingNote), PATIENCE * 1000) : undefined;
  try {
    const { status, stdout, stderr } = await runProgram(process.execPath, [join(__dirname, "keychain.js")], {
      ...{ env: { ...env }, signal, title: "the keychain", input: JSON.stringify(question) },
      timeout: isAttended ? PATIENCE_OF_USER : PATIENCE,
    });
    if (status !== 0) throw explain({ error: stderr.trim().split("\n").at(-1) ?? "" });
    const answer = JSON.parse(stdout) as KeychainAnswer;
    if (answer.error !== undefined) throw explain(answer);
    return answer;
  } catch (error) {
    if (error instanceof TimeoutError) {
      throw new FobError(error.message, [unlockHint(), fileHint]);
    }
    throw error;
  } finally {
    clearTimeout(waiting);
  }
}

const waitingNote = "waiting for the keychain: it may ask for your password in a window; Ctrl-C ends the wait";

const fileHint = "or keep the access key in the credentials file: aws configure --profile PROFILE";

function unlockHint(): string {
  const again = "then run the same command again";
  if (process.platform === "darwin") return `unlock it, ${again}: security unlock-keychain`;
  if (process.platform === "linux") return `unlock it in your desktop's password manager, ${again}: seahorse`;
  return `sign in to the desktop, ${again}`;
}

/** What is wrong with a keychain, by the words of the libraries that talk to it. */
function explain({ error = "", isMissing = false }: KeychainAnswer): FobError {
  if (isMissing) {
    return new FobError("the keychain cannot be used: the module @napi-rs/keyring is not installed", [
      "install fob again with it: npm install --global --include=optional aws-fob",
      fileHint,
    ]);
  }
  if (/dismissed|locked|user (interaction|canceled)|-25308|-128\b/i.test(error)) {
    return new FobError("the keychain is locked", [unlockHint(), fileHint]);
  }
  if (/DBus|D-Bus|org\.freedesktop\.secrets|no default|NoStorageAccess|-25307/i.test(error)) {
    return new FobError(`there is no keychain here: ${error}`, [
      "start one that has the Secret Service: gnome-keyring-daemon --start --components=secrets",
      fileHint,
    ]);
  }
  return new FobError(`the keychain failed: ${error}`, fileHint);
}
