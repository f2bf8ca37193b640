// Making the store's folders. They hold credentials and a program, so a folder that is not certainly fob's is refused.
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { FobError } from "../errors.ts";
import { assertClosed, ensureOwnFolder } from "../files/create.ts";
import { assertFolderPlace, explainFileError } from "../files/read.ts";
import { quote } from "../text.ts";

/** The store's folders: the sessions, the locks of their names, the launcher, the journals of steps, the test user's files. */
const folders = ["sessions", "locks", "bin", "journals", "canary"] as const;
export type StoreFolder = (typeof folders)[number];

/** What a file system or a desktop puts into a folder by itself. */
const ofTheSystem = ["lost+found", ".DS_Store"];

const elsewhere = ['keep fob\'s files elsewhere: export FOB_HOME="$HOME/.fob"'];

/**
 * Makes one of the store's folders, and the store itself, the user's alone. What is there keeps its mode.
 *
 * @returns its path
 * @throws FobError where the store, or that folder, is a link, another user's, open for others to write to, or full of
 * something else
 */
export function ensureStoreFolder(store: string, name: StoreFolder): string {
  const folder = join(store, name);
  const found = ensureOwnFolder(store, elsewhere);
  assertNothingElse(store);
  assertClosed(store, found, elsewhere);
  assertFolderPlace(folder, elsewhere);
  assertClosed(folder, ensureOwnFolder(folder, elsewhere), elsewhere);
  return folder;
}

/** @throws FobError for a folder that something else is in, and no sessions of this user: her home folder, say */
function assertNothingElse(store: string): void {
  try {
    const sessions = lstatSync(join(store, "sessions"), { throwIfNoEntry: false });
    if (sessions?.isDirectory() && sessions.uid === (process.geteuid?.() ?? sessions.uid)) return;
    const known: readonly string[] = [...folders, ...ofTheSystem];
    const other = readdirSync(store).find((name) => !known.includes(name));
    if (other === undefined) return;
    throw new FobError(
      `${quote(store)} contains other files (${quote(other)}), so fob does not store anything in it`,
      elsewhere,
    );
  } catch (error) {
    throw explainFileError(error, store);
  }
}
