// The command line: which commands there are, and the one map from errors to exit codes.
import { Command, CommanderError } from "commander";
import { CancelledError, type ExitCode, exitCodes, FobError } from "../errors.ts";
import { neutralise } from "../text.ts";
import { declareDemo } from "./demo.ts";
import { declareLogin } from "./login.ts";
import { declareLogout } from "./logout.ts";
import { declareStatus } from "./status.ts";

/** Runs a command line (without Node's and the program's own names). @returns the exit code */
export async function run(argv: readonly string[], version: string): Promise<ExitCode> {
  let code: ExitCode = exitCodes.done;
  const program = programOf(version, (result) => {
    code = result;
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return code;
  } catch (error) {
    return report(error);
  }
}

function programOf(version: string, exit: (code: ExitCode) => void): Command {
  const program = new Command("fob")
    .description("Type one MFA code, work all day: temporary AWS credentials in a named profile.")
    .version(version)
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeErr: (text) => process.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, "fob: error: ")),
    })
    .configureHelp({ sortSubcommands: false })
    .action(() => program.outputHelp());
  program.commandsGroup("Daily:");
  declareLogin(program, exit);
  declareStatus(program, exit);
  declareLogout(program, exit);
  program.commandsGroup("Try it:");
  declareDemo(program, exit);
  return program;
}

/** Says what went wrong. @returns the exit code for it */
function report(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  const line = (text: string): void => void process.stderr.write(`fob: ${neutralise(text)}\n`);
  if (error instanceof CancelledError) {
    line("cancelled");
    return error.exitCode;
  }
  if (error instanceof FobError) {
    line(`error: ${error.message}`);
    for (const hint of error.hints) line(`hint: ${hint}`);
    return error.exitCode;
  }
  line(`error: this should not happen: ${error instanceof Error ? error.message : String(error)}`);
  line("hint: please report it, with what you did: fob --version");
  if (process.argv.includes("--debug") && error instanceof Error) line(`debug: ${error.stack ?? ""}`);
  return exitCodes.failed;
}
