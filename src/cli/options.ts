// Options that several commands share.
import { type Command, Option } from "commander";
import { type ExitCode, UsageError } from "../errors.ts";
import { parseDuration } from "../terminal/duration.ts";
import { quote } from "../text.ts";
import { type Context, processContext } from "./context.ts";

/** What every command has. */
export interface CommonOptions {
  readonly profile?: string;
  readonly input: boolean;
  readonly debug?: boolean;
  readonly region?: string;
}

/** Declares the options that every command has, and its examples. */
export function declareCommon(command: Command, examples: readonly string[]): Command {
  return command
    .addOption(new Option("--profile <name>", "the profile, instead of the argument"))
    .addOption(new Option("--region <region>", "the region whose STS is asked"))
    .addOption(new Option("--no-input", "never ask anything; fail instead"))
    .addOption(new Option("--debug", "say what is done, secrets masked"))
    .addHelpText("after", `\nExamples:\n${examples.map((example) => `  ${example}`).join("\n")}`);
}

/** Runs a command's action, and keeps its exit code for the one who asked. */
export function action<Options extends CommonOptions>(
  exit: (code: ExitCode) => void,
  run: (profiles: readonly string[], options: Options, context: Context) => Promise<ExitCode>,
) {
  return async (argument: string | readonly string[] | undefined, options: Options): Promise<void> => {
    const named = typeof argument === "string" ? [argument] : [...(argument ?? [])];
    if (options.profile !== undefined && named.length > 0) {
      throw new UsageError("the profile is given twice, as an argument and as --profile", "leave one of them out");
    }
    const profiles = options.profile === undefined ? named : [options.profile];
    if (profiles.includes("")) throw new UsageError("the profile's name is empty", "leave it out for the default one");
    exit(await run(profiles, options, processContext({ debug: options.debug ?? false })));
  };
}

/** The profile that a command works on when none is named. */
export function defaultProfile({ env }: Context): string {
  return env.AWS_PROFILE || "default";
}

/** `--min-ttl` in seconds. @throws UsageError */
export function minTtlOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = parseDuration(text);
  if (seconds !== undefined) return seconds;
  throw new UsageError(`${quote(text)} (from --min-ttl) is not a length of time`, "write it like this: 1h, 15m or 900");
}
