// What sessions use of the world, from the command line.
import { setTimeout as sleep } from "node:timers/promises";
import { createCommandProvider } from "../codes/sources.ts";
import { openKeychain } from "../keys/keychain.ts";
import { getAwsFilePaths } from "../profiles/paths.ts";
import type { SessionContext } from "../session/context.ts";
import { getStoreFolder } from "../store/paths.ts";
import { openWritableStore } from "../store/write.ts";
import { showWhile } from "../terminal/status-line.ts";
import { findTerminal, isInBackground } from "../terminal/tty.ts";
import type { Context } from "./context.ts";
import { choosePrompter, lendTerminal } from "./prompter.ts";

export function createSessionContext(
  context: Context,
  options: { readonly noInput?: boolean | undefined },
): SessionContext {
  const { env, home, say } = context;
  const paths = getAwsFilePaths(env, home);
  const store = openWritableStore(getStoreFolder(env, paths.credentials));
  const terminal = () => (options.noInput ? undefined : findTerminal());
  return {
    ...context,
    ...say,
    showWhile,
    warn: say.warning,
    paths,
    store,
    keychain: openKeychain({
      ...{ env, note: say.note, isAttended: () => terminal() !== undefined },
      get signal() {
        return context.signal;
      },
    }),
    sleep: (milliseconds, signal) => sleep(milliseconds, undefined, { signal }).catch(() => undefined),
    commandProvider: (command, of) => createCommandProvider(command, of, env, lendTerminal(terminal, store.folder)),
    isInBackground: () => !options.noInput && isInBackground(),
    prompter: () => (options.noInput ? undefined : choosePrompter(terminal(), store.folder, context)),
  };
}
