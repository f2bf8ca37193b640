import type { Command } from "commander";
import { CancelledError, type ExitCode, exitCodes } from "../errors.ts";
import { findTerminal } from "../terminal/tty.ts";
import type { Context } from "./context.ts";
import { action, type CommonOptions, declareCommon } from "./options.ts";

export function declareDemo(program: Command, exit: (code: ExitCode) => void): void {
  const command = program
    .command("demo")
    .summary("the whole story on a local AWS, in a minute, without an account")
    .description(
      "Starts a local AWS that enforces MFA, logs in to it, and shows what fob does; nothing is left behind.",
    );
  declareCommon(command, ["fob demo"]).action((options: CommonOptions) => action(exit, run)([], options));
}

async function run(_: readonly string[], options: CommonOptions, context: Context): Promise<ExitCode> {
  const { env, signal, stdout } = context;
  const { demo } = await import("../demo/demo.ts");
  try {
    await demo({
      env,
      signal,
      fob: [process.execPath, process.argv[1] ?? "fob"],
      isOnTerminal: options.input && findTerminal() !== undefined,
      print: (line) => void stdout.write(`${line}\n`),
    });
  } catch (error) {
    // The login that was cancelled has said so.
    if (error instanceof CancelledError) return error.exitCode;
    throw error;
  }
  return exitCodes.done;
}
