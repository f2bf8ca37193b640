// The command line that the user typed, as hints repeat it: the same command with all its options, and with what is
// better about it.
import { formatFlag, formatOption, quoteProfileArgument, quoteShellWord } from "./text.ts";

/** What was given, by the options' names in code. */
export type GivenOptions = Readonly<Record<string, string | readonly string[] | boolean | undefined>>;

/** A command line of fob's, understood. */
export interface TypedCommand {
  /** `login`, `policy show`. */
  readonly name: string;
  /** The profiles, or the other words that are no options. */
  readonly named: readonly string[];
  readonly options: GivenOptions;
  /** The words behind `--`, of a command that runs another one. */
  readonly behind?: readonly string[] | undefined;
  /** What the user typed in place of `fob NAME`: the shell function `mfa`, which selects the profile too. */
  readonly as?: string | undefined;
}

/** How a hint differs from what was typed. */
export interface CommandChanges {
  /** Another profile. */
  readonly profile?: string;
  /** The one that it takes the place of, where several were named; without it, of all. */
  readonly instead?: string;
  /** Options to add or to give another value, by their names in code. */
  readonly set?: GivenOptions;
  /** Options to leave out. */
  readonly without?: readonly string[];
  /** For another program to run, which knows no shell function. */
  readonly isForProgram?: boolean;
}

/** Where a code came from: it is a secret and is used up, and the pipe is not there the next time. */
const ofCode = ["code", "codeStdin"] as const;

/** What is pasted is pasted by a person, who can be asked and wants the session. */
const ofRun = ["noInput", "debug"] as const;

/** The same command line for a hint, changed. It holds no code. */
export function formatCommand(
  { name, named, options, behind, as }: TypedCommand,
  changes: CommandChanges = {},
): string {
  const { profile, instead, set = {}, without = [], isForProgram = false } = changes;
  const isNamed = instead !== undefined && named.includes(instead);
  const names =
    profile === undefined ? named : isNamed ? named.map((each) => (each === instead ? profile : each)) : [profile];
  // A command that takes a profile has it among its names; others only have the option.
  const gone = [...without, ...ofCode, ...(names.length > 0 ? ["profile"] : [])];
  const left = Object.entries(options).filter(([option]) => !gone.includes(option));
  const given = { ...Object.fromEntries(left), ...set };
  return [
    as === undefined || isForProgram ? `fob ${name}` : as,
    ...names.map(quoteProfileArgument),
    ...Object.entries(given).flatMap(([option, value]) => formatGiven(option, value)),
    ...(behind === undefined || behind.length === 0 ? [] : ["--", ...behind.map(quoteShellWord)]),
  ].join(" ");
}

/** A login as hints advise it, changed: the one that was typed, else, of another command, one of this profile. */
export function formatLogin(
  typed: TypedCommand,
  { profile, options }: { readonly profile: string; readonly options: GivenOptions },
  changes?: CommandChanges,
): string {
  const login = typed.name === "login" ? typed : { name: "login", named: [profile], options };
  return formatCommand(login, { ...changes, without: [...(changes?.without ?? []), ...ofRun] });
}

/** The login that makes the session of a resolution, changed. */
export type FormatLogin = (changes?: CommandChanges) => string;

function formatGiven(option: string, value: GivenOptions[string]): string[] {
  const flag = formatFlag(option);
  if (typeof value === "string") return [formatOption(flag, value)];
  if (typeof value === "boolean" || value === undefined) return value ? [flag] : [];
  return value.map((each) => formatOption(flag, each));
}
