// Asks the operating system's keychain one thing, in a process of its own: a keychain that hangs blocks the whole process,
// and only killing that ends it. The question comes on stdin and the answer goes to stdout, so that no secret is in an
// argument list. docs/decisions/keychain.md
import type { Entry } from "@napi-rs/keyring";
import type { KeychainAnswer, KeychainQuestion } from "./keychain.ts";

async function answer({ service, account, ...asked }: KeychainQuestion): Promise<KeychainAnswer> {
  let entry: Entry;
  try {
    const { Entry: Keyring } = await import("@napi-rs/keyring");
    // Without this the secret would go to the kernel's keyring where there is no Secret Service, and be lost at a restart.
    entry = new Keyring(service, account, { linux: { store: "secret-service" } });
  } catch (error) {
    const isMissing = /Cannot find (module|native binding)|ERR_DLOPEN|MODULE_NOT_FOUND/.test(String(error));
    return { error: messageOf(error), isMissing };
  }
  try {
    if (asked.action === "get") return { secret: entry.getPassword() };
    if (asked.action === "set") entry.setPassword(asked.secret);
    else entry.deletePassword();
    return {};
  } catch (error) {
    return { error: messageOf(error) };
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function main(): Promise<void> {
  let text = "";
  for await (const chunk of process.stdin.setEncoding("utf8")) text += String(chunk);
  process.stdout.write(JSON.stringify(await answer(JSON.parse(text) as KeychainQuestion)));
}

void main();
