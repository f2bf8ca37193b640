// Puts the launcher into the store.
import { join } from "node:path";
import { assertOwnFile, beginReplace } from "../files/replace.ts";
import { ensureStoreFolder } from "../store/folder.ts";
import { createLauncherScript, type Installation } from "./launcher.ts";

/** Where a store's launcher is. */
export function getLauncherPath(store: string): string {
  return join(store, "bin", "fob-credential-process");
}

/**
 * Writes the launcher into the store, in one step, over one that an older fob has written. Not for Windows.
 *
 * @returns its path
 * @throws FobError
 */
export function installLauncher(installation: Installation): string {
  const { store } = installation;
  const path = getLauncherPath(store);
  ensureStoreFolder(store, "bin");
  assertOwnFile(path);
  const replacement = beginReplace(path, 0, 0o700);
  replacement.write(Buffer.from(createLauncherScript(installation)));
  replacement.commit();
  return path;
}

/** Whether a program is in the cache of npx, which may be cleared at any time. */
export function isFromNpxCache(program: string): boolean {
  return /[\\/]_npx[\\/]/.test(program);
}
