import type { Command } from "commander";
import { type ExitCode, exitCodes, UsageError } from "../errors.ts";
import { awsFilePaths } from "../profiles/files.ts";
import { logout } from "../session/logout.ts";
import { storeFolder } from "../session/store.ts";
import { openWritableStore } from "../session/store-writer.ts";
import type { Context } from "./context.ts";
import { action, type CommonOptions, declareCommon, defaultProfile } from "./options.ts";

interface LogoutOptions extends CommonOptions {
  readonly all?: boolean;
}

export function declareLogout(program: Command, exit: (code: ExitCode) => void): void {
  const command = program
    .command("logout")
    .summary("remove sessions from every place they were written to")
    .description("Removes sessions from every place that fob wrote them to, and nothing else.")
    .argument("[profile...]", "source or session profiles (default: AWS_PROFILE, else default)")
    .option("--all", "every session that fob made");
  declareCommon(command, ["fob logout work", "fob logout --all"]).action(action(exit, run));
}

async function run(profiles: readonly string[], options: LogoutOptions, context: Context): Promise<ExitCode> {
  const { env, home, say } = context;
  if (options.all && profiles.length > 0)
    throw new UsageError("--all and a profile exclude each other", "fob logout --all");
  const paths = awsFilePaths(env, home);
  await logout(options.all ? "all" : profiles.length > 0 ? profiles : [defaultProfile(context)], {
    ...context,
    ...say,
    warn: say.warning,
    paths,
    store: openWritableStore(storeFolder(env, paths.credentials)),
  });
  return exitCodes.done;
}
