// A keychain that is a file: that of a sandbox, which must not touch the user's own. It is not encrypted.
import { FobError } from "../errors.ts";
import { editFile } from "../files/edit.ts";
import { readWhole } from "../files/read.ts";
import { quote } from "../text.ts";
import type { Keychain } from "./keychain.ts";

type Secrets = Readonly<Record<string, string>>;

/** @param path absolute; the file is made with the first secret, 0600 */
export function createFileKeychain(path: string, signal: AbortSignal): Keychain {
  const change = async (edit: (secrets: Secrets) => Secrets): Promise<void> => {
    await editFile(path, { signal }, (text) => `${JSON.stringify(edit(parse(path, text)), undefined, 2)}\n`);
  };
  return {
    title: `the keychain file ${quote(path)}`,
    get: (id) => Promise.resolve().then(() => parse(path, readWhole(path) ?? "")[id]),
    set: (id, secret) => change((secrets) => ({ ...secrets, [id]: secret })),
    remove: (id) => change((secrets) => Object.fromEntries(Object.entries(secrets).filter(([key]) => key !== id))),
  };
}

function parse(path: string, text: string): Secrets {
  try {
    const parsed = new Map(Object.entries(JSON.parse(text || "{}") as Record<string, unknown>));
    if (![...parsed.values()].every((secret) => typeof secret === "string")) throw new Error("not text");
    return Object.fromEntries(parsed) as Secrets;
  } catch {
    throw new FobError(`${quote(path)} (from FOB_KEYCHAIN) is not a keychain file`, "unset FOB_KEYCHAIN");
  }
}
