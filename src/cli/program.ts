// The command line: which commands there are, and the one map from errors to exit codes.
import { Command, CommanderError } from "commander";
import { CancelledError, type ExitCode, exitCodes, FobError, UsageError } from "../errors.ts";
import { quote } from "../text.ts";
import { writeLine } from "./output.ts";

type Declare = (program: Command, exit: (code: ExitCode) => void) => void;

/** The commands, as `--help` groups them. Only what is asked for is loaded. */
const commands: readonly { name: string; group: string; load: () => Promise<Declare> }[] = [
  { name: "login", group: "Daily:", load: async () => (await import("./login.ts")).declareLogin },
  { name: "status", group: "Daily:", load: async () => (await import("./status.ts")).declareStatus },
  { name: "logout", group: "Daily:", load: async () => (await import("./logout.ts")).declareLogout },
  { name: "demo", group: "Try it:", load: async () => (await import("./demo.ts")).declareDemo },
];

/** Runs a command line (without Node's and the program's own names). @returns the exit code */
export async function run(argv: readonly string[], version: string): Promise<ExitCode> {
  let code: ExitCode = exitCodes.done;
  const program = programOf(version);
  try {
    const asked = commands.filter(({ name }) => name === argv[0]);
    for (const { group, load } of asked.length > 0 ? asked : commands) {
      program.commandsGroup(group);
      const declare = await load();
      declare(program, (result) => {
        code = result;
      });
    }
    declareHelp(program);
    if (argv.length === 0) program.outputHelp();
    else await program.parseAsync([...argv], { from: "user" });
    return code;
  } catch (error) {
    return report(error, argv);
  }
}

function programOf(version: string): Command {
  return new Command("fob")
    .description("Type one MFA code, work all day: temporary AWS credentials in a named profile.")
    .version(version)
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ outputError: () => undefined });
}

/** `fob help`, of a command or a topic. */
function declareHelp(program: Command): void {
  program.commandsGroup("Help:");
  program
    .command("help")
    .summary("help for a command, or the topic exit-codes")
    .argument("[topic]", "a command, or exit-codes")
    .action((topic: string | undefined) => {
      const command = program.commands.find((candidate) => candidate.name() === topic);
      if (topic === undefined) program.outputHelp();
      else if (command) command.outputHelp();
      else if (topic === "exit-codes") process.stdout.write(exitCodesHelp);
      else throw new UsageError(`there is no help on ${quote(topic)}`, "fob help");
    });
}

const exitCodesHelp = `Exit codes of fob:

  ${exitCodes.done}    done
  ${exitCodes.failed}    failed
  ${exitCodes.usage}    wrong usage
  ${exitCodes.notFresh}    a session is not fresh (status --check)
  ${exitCodes.codeNeeded}    a code is needed and nobody can be asked
  ${exitCodes.cancelled}  cancelled
`;

/** Says what went wrong. @returns the exit code for it */
function report(error: unknown, argv: readonly string[]): ExitCode {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitCodes.done;
    return report(usageError(error, argv), argv);
  }
  if (error instanceof CancelledError) {
    writeLine(error.message);
    return error.exitCode;
  }
  if (error instanceof FobError) {
    writeLine(`error: ${error.message}`);
    for (const hint of error.hints) writeLine(`hint: ${hint}`);
    return error.exitCode;
  }
  writeLine(`error: this should not happen: ${error instanceof Error ? error.message : String(error)}`);
  writeLine("hint: please report it, with the lines that --debug adds");
  if (argv.includes("--debug") && error instanceof Error) writeLine(`debug: ${error.stack ?? ""}`);
  return exitCodes.failed;
}

/** What commander says, as fob says it. */
function usageError({ message }: CommanderError, argv: readonly string[]): UsageError {
  const [problem = "", suggestion] = message.replace(/^error: /, "").split("\n(Did you mean ");
  const name = commands.find((command) => command.name === argv[0])?.name;
  const help = name === undefined ? "fob --help" : `fob ${name} --help`;
  return new UsageError(
    problem.replace(/\. Expected/, ", expected").replace(/\.$/, ""),
    suggestion === undefined ? help : `did you mean: ${suggestion.replace(/\?\)$/, "")}`,
  );
}
