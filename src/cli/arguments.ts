// Reading a command line, by what its command declares.
import { UsageError } from "../errors.ts";
import { findNearest } from "../nearest.ts";
import { formatFlag, quote } from "../text.ts";
import { formatCommand, type GivenOptions, type TypedCommand } from "../typed-command.ts";
import { type Behind, type Command, listOptions } from "./command.ts";

/** A command line, understood. */
export type Arguments =
  | { readonly help: true }
  | {
      readonly help: false;
      readonly named: readonly string[];
      readonly options: GivenOptions;
      readonly command: Behind;
    };

/** Reads what follows a command's name. @throws UsageError */
export function parseArguments(command: Command, argv: readonly string[]): Arguments {
  if (command.runs === undefined || argv.includes("--")) return parseWords(command, argv);
  if (argv.some(isHelpFlag)) return { help: true };
  try {
    return parseWords(command, argv);
  } catch (error) {
    // Without --, fob's options and those of the command cannot be told apart.
    const isOption = command.takes === undefined && argv[0]?.startsWith("-");
    if (error instanceof UsageError && !isOption) return { help: false, named: argv, options: {}, command: undefined };
    throw error;
  }
}

function parseWords(command: Command, argv: readonly string[]): Arguments {
  const specs = listOptions(command);
  const help = `fob ${command.name} --help`;
  const named: string[] = [];
  const options: Record<string, string | string[] | boolean> = {};
  let behind: Behind = command.runs === undefined ? undefined : [];
  const rest = argv.values();
  for (const word of rest) {
    if (word === "--" && command.runs !== undefined) behind = [...rest];
    else if (word === "--") named.push(...rest);
    else if (!word.startsWith("-") || word === "-") named.push(word);
    else if (isHelpFlag(word)) return { help: true };
    else {
      const [, flag = "", value] = /^(--?[^=]*)(?:=(.*))?$/s.exec(word) ?? [];
      const name = Object.keys(specs).find((candidate) => formatFlag(candidate) === flag);
      if (name === undefined) throw createUnknownOptionError(flag, Object.keys(specs), help);
      const { value: kind, many } = specs[name] ?? {};
      const given =
        kind === undefined ? readSwitch(flag, value, help) : requireValue(flag, kind, value ?? takeValue(rest));
      const before = options[name];
      options[name] = many && typeof given === "string" ? [...(Array.isArray(before) ? before : []), given] : given;
    }
  }
  return { help: false, named: checkNames(command, named, options, help), options, command: behind };
}

const isHelpFlag = (word: string): boolean => word === "--help" || word === "-h";

function readSwitch(flag: string, value: string | undefined, help: string): true {
  if (value !== undefined) throw new UsageError(`${flag} takes no value`, help);
  return true;
}

/** The next word, unless it is an option: `--to --force` has forgotten the value; who means it writes `--to=--force`. */
function takeValue(rest: Iterator<string, undefined>): string | undefined {
  const word = rest.next().value;
  return word?.startsWith("-") && word !== "-" ? undefined : word;
}

function requireValue(flag: string, kind: string, value: string | undefined): string {
  if (value === undefined) throw new UsageError(`${flag} needs a value`, `usage: ${flag} <${kind}>`);
  return value;
}

function createUnknownOptionError(flag: string, names: readonly string[], help: string): UsageError {
  const meant = findNearest(flag, [...names.map(formatFlag), "--help"]);
  return new UsageError(`unknown option ${quote(flag)}`, meant === undefined ? help : `did you mean: ${meant}`);
}

/** Whether these words are a code, of a command that takes one as an option. */
const isCode = (command: Command, words: readonly string[]): boolean =>
  "code" in command.options && /^\d{6}$/.test(words.join(""));

/** Does not repeat the code. */
function createStrayCodeError(typed: TypedCommand): UsageError {
  return new UsageError("the MFA code is not an argument", [
    `did you mean: ${formatCommand(typed, { set: { code: "CODE" } })}`,
    `to read it from a pipe: ${formatCommand(typed, { set: { codeStdin: true } })}`,
    `to be prompted: ${formatCommand(typed)}`,
  ]);
}

/** What was named, as arguments or as `--profile`. */
function checkNames(
  command: Command,
  named: readonly string[],
  options: GivenOptions,
  help: string,
): readonly string[] {
  const { name, atLeast = 0, atMost = 0 } = command.takes ?? {};
  const option = name === "profile" ? options.profile : undefined;
  if (named.length > atMost && isCode(command, named.slice(atMost)))
    throw createStrayCodeError({ name: command.name, named: named.slice(0, atMost), options });
  if (named.length > atMost) throw new UsageError(`too many arguments: ${quote(named[atMost] ?? "")}`, help);
  if (typeof option === "string" && named.length > 0) {
    throw new UsageError("the profile is given twice, as an argument and as --profile", "use one or the other");
  }
  const all = typeof option === "string" ? [option] : named;
  if (all.length < atLeast) throw new UsageError(`fob ${command.name} needs a ${name}`, help);
  if (name === "profile" && all.includes("")) {
    throw new UsageError("the profile name is empty", "leave it out to use the default profile");
  }
  return all;
}
