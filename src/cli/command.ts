// What a command is: data, which the parser and the help read.
import type { Environment } from "../environment-variables.ts";
import type { GivenOptions } from "../typed-command.ts";
import type { Context } from "./context.ts";

/** What an option is for, and what its value is; a switch has none. */
export interface OptionSpec {
  readonly text: string;
  readonly value?: string;
  /** It may be given several times, and every value counts. Of other options the last one does. */
  readonly many?: true;
  /** All that the value may be, where it must be one of a few; the command checks that. */
  readonly choices?: readonly string[];
}

/** Options by their names in code: `minTtl` is `--min-ttl`. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** What may be given for declared options. */
export type Values<Specs extends OptionSpecs> = {
  readonly [Name in keyof Specs]?:
    | (Specs[Name] extends { readonly value: string }
        ? Specs[Name] extends { readonly many: true }
          ? readonly string[]
          : string
        : boolean)
    | undefined;
};

/** What every command takes, so that a script can pass it to any of them. */
export const commonOptions = {
  noInput: { text: "never prompt; fail instead" },
  debug: { text: "print what fob does, with secrets masked" },
} as const satisfies OptionSpecs;

/** Of commands that ask AWS, or print what programs ask it with. */
export const regionOption = {
  region: { value: "region", text: "use this AWS region" },
} as const satisfies OptionSpecs;

type Common = Values<typeof commonOptions>;

/** What stands behind the command's name and is no option. A profile may be given as `--profile` instead. */
export interface ArgumentSpec {
  readonly name: "profile" | "shell" | "file" | "user" | "operation";
  /** How many must be given: 0 where there is a default. */
  readonly atLeast?: number;
  readonly atMost: number;
  readonly text: string;
  /** All that it may be, where it must be one of a few; the command checks that. */
  readonly choices?: readonly string[];
}

export interface Command {
  /** One word, or two where several commands share the first: `policy show`. */
  readonly name: string;
  readonly description: string;
  readonly takes?: ArgumentSpec;
  /** It runs a command, which stands behind the first `--`: this is what the help says of it. */
  readonly runs?: string;
  readonly options: OptionSpecs;
  /** The common options that make a difference: --no-input where it may prompt, --debug where it says what it does. */
  readonly common?: readonly (keyof typeof commonOptions)[];
  readonly examples: readonly string[];
  /** @returns one of fob's exit codes, or that of the command that it has run */
  run(named: readonly string[], options: GivenOptions, context: Context, command: Behind): Promise<number>;
  /** What it prints on a stdout that is no terminal when it fails, also for a command line that is not understood. */
  formatFailure?(argv: readonly string[], env: Environment): string;
}

/** The words behind the first `--`, of a command that `runs` one. Undefined without a `--`: then no word has been read. */
export type Behind = readonly string[] | undefined;

interface Declared<Specs extends OptionSpecs> extends Omit<Command, "options" | "run"> {
  readonly options: Specs;
  run(named: readonly string[], options: Values<Specs> & Common, context: Context, command: Behind): Promise<number>;
}

/** A command whose `run` sees just the options that it declares; the parser gives it no others. */
export function defineCommand<const Specs extends OptionSpecs>(command: Declared<Specs>): Command {
  return command;
}

/** All options that a command takes. */
export function listOptions(command: Command): OptionSpecs {
  const profile: OptionSpecs =
    command.takes?.name === "profile"
      ? { profile: { value: "profile", text: "the profile, as an option instead of an argument" } }
      : {};
  return { ...command.options, ...profile, ...commonOptions };
}

/** The options that make a difference to a command, in the order in which the help lists them. */
export function listActingOptions(command: Command): OptionSpecs {
  const idle = Object.keys(commonOptions).filter((name) => !command.common?.some((common) => common === name));
  return Object.fromEntries(Object.entries(listOptions(command)).filter(([name]) => !idle.includes(name)));
}
