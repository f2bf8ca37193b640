// Where fob keeps the secrets of long-term access keys: in the operating system's keychain, each under its key's id.
import { isAbsolute } from "node:path";
import type { Environment } from "../environment-variables.ts";
import { CancelledError, FobError, UsageError } from "../errors.ts";
import { quote } from "../text.ts";
import { createFileKeychain } from "./file-keychain.ts";

/** Secrets of access keys, by the ids of the keys. @throws FobError where it is missing, locked or does not answer */
export interface Keychain {
  /** For messages: `the keychain`. */
  readonly title: string;
  readonly get: (accessKeyId: string) => Promise<string | undefined>;
  readonly set: (accessKeyId: string, secret: string) => Promise<void>;
  /** What is not there is no error. */
  readonly remove: (accessKeyId: string) => Promise<void>;
}

/** What the helper is asked. `account` is the id of the access key. */
export type KeychainQuestion = { readonly service: string; readonly account: string } & (
  | { readonly action: "get" | "remove" }
  | { readonly action: "set"; readonly secret: string }
);

/** What it answers. */
export interface KeychainAnswer {
  readonly secret?: string | null;
  readonly error?: string;
  /** The module that knows keychains is not installed. */
  readonly isMissing?: boolean;
}

export interface KeychainOptions {
  readonly env: Environment;
  readonly signal: AbortSignal;
  readonly note: (message: string) => void;
  /** Whether a user sits there, who can answer the window of a keychain that is locked. */
  readonly isAttended: () => boolean;
}

/** The variable that names another keychain: the name of its entries, or the absolute path of a file. */
const keychainVariable = "FOB_KEYCHAIN";

/** Nothing is loaded or asked until a key is needed. @throws UsageError for a FOB_KEYCHAIN that is neither */
export function openKeychain(options: KeychainOptions): Keychain {
  const name = options.env[keychainVariable] || "fob";
  if (isAbsolute(name)) return createFileKeychain(name, options.signal);
  const ask = async (question: Omit<KeychainQuestion, "service"> & { readonly secret?: string }) => {
    assertName(name);
    const { askHelper } = await import("./ask-keychain.ts");
    return await askHelper({ ...question, service: name } as KeychainQuestion, options);
  };
  return {
    title: "the keychain",
    get: async (account) => (await ask({ action: "get", account })).secret ?? undefined,
    async set(account, secret) {
      await ask({ action: "set", account, secret });
    },
    async remove(account) {
      await ask({ action: "remove", account });
    },
  };
}

function assertName(name: string): void {
  if (/^[\w.-]{1,64}$/.test(name)) return;
  throw new UsageError(
    `${keychainVariable} is ${quote(name)}, which is neither a name nor an absolute path`,
    `unset ${keychainVariable}`,
  );
}

/**
 * Keeps a secret, and makes sure that it can be had again: the plaintext may be removed after that.
 *
 * @throws FobError; CancelledError
 */
export async function keepSecret(
  keychain: Keychain,
  accessKeyId: string,
  secret: string,
  signal: AbortSignal,
): Promise<void> {
  await keychain.set(accessKeyId, secret);
  if ((await keychain.get(accessKeyId)) === secret) return;
  if (signal.aborted) throw new CancelledError();
  throw new FobError(
    `${keychain.title} took the secret access key, but does not return it`,
    "the access key is where it was; look at the keychain in your desktop's password manager",
  );
}
