// `fob credential-process --install`
import { realpathSync } from "node:fs";
import { install } from "../credential-process/install.ts";
import { installAgain } from "../credential-process/launcher.ts";
import { isFromNpxCache } from "../credential-process/write-launcher.ts";
import { FobError } from "../errors.ts";
import { quote, quoteShellWord } from "../text.ts";
import { formatCommand } from "../typed-command.ts";
import type { Context } from "./context.ts";
import type { ServingOptions } from "./parent-process.ts";
import { createSessionContext } from "./session-context.ts";

export async function installProfile(profile: string, options: ServingOptions, context: Context): Promise<void> {
  const { env, say } = context;
  const program = realpathSync(process.argv[1] ?? "");
  if (isFromNpxCache(program)) {
    throw new FobError("this fob runs from npx's cache, which can be cleared at any time", [
      installAgain,
      `then: ${formatCommand(context.typed, { profile, set: { install: true } })}`,
    ]);
  }
  const sessions = createSessionContext(context, options);
  const session = await install({ profile, endpointUrl: options.endpointUrl ?? "", region: options.region }, sessions, {
    store: sessions.store.folder,
    paths: sessions.paths,
    node: process.execPath,
    program,
  });
  say.note(
    `programs that use the profile ${quote(session)} now get credentials from fob, which renews the session when needed`,
  );
  if (env.AWS_PROFILE !== session) say.hint(`export AWS_PROFILE=${quoteShellWord(session)}`);
}
