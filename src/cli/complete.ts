// What may follow on a command line: the scripts of `fob completion` ask at every TAB.
import { type ExitCode, exitCodes } from "../errors.ts";
import { readAwsFiles } from "../profiles/files.ts";
import { getAwsFilePaths } from "../profiles/paths.ts";
import { findAuthenticator } from "../sandbox/authenticator.ts";
import { getStoreFolder } from "../store/paths.ts";
import { openStore, type Stored } from "../store/read.ts";
import { escapeControlCharacters, formatFlag } from "../text.ts";
import { type Command, listActingOptions, listOptions } from "./command.ts";
import type { Context } from "./context.ts";
import type { Listed } from "./help.ts";

/** What may be typed, and what it is. */
type Candidate = readonly [value: string, text: string];

/** What the user's files have. */
interface Names {
  readonly profiles: () => Candidate[];
  /** Of the running sandbox. */
  readonly sandboxUsers: () => Candidate[];
}

/** Stands where a file may be named: the shell knows better which there are. No profile is called so. */
const anyFile: Candidate = ["//", ""];

/**
 * Prints what the last of these words may be, which follow `fob`: one to a line, with a tab and a text where there is one.
 * A shell takes from them what begins with what has been typed.
 */
export async function complete(
  words: readonly string[],
  commands: readonly Listed[],
  context: Context,
): Promise<ExitCode> {
  // Windows PowerShell passes no empty arguments; a blank is one.
  const word = words.at(-1)?.trim() ?? "";
  const names = { profiles: () => listProfiles(context), sandboxUsers: () => listSandboxUsers(context) };
  const candidates = await listCandidates(words.slice(0, -1), word, commands, names);
  const lines = candidates
    // What would move the cursor is no use on a command line.
    .filter(([value]) => escapeControlCharacters(value) === value)
    .map(([value, text]) => `${value}${text === "" ? "" : `\t${escapeControlCharacters(text)}`}\n`);
  context.stdout.write(lines.join(""));
  return exitCodes.done;
}

async function listCandidates(
  words: readonly string[],
  word: string,
  commands: readonly Listed[],
  names: Names,
): Promise<Candidate[]> {
  const [name, ...rest] = words;
  const help: Candidate = ["help", "show help for a command"];
  if (name === undefined && word.startsWith("-")) {
    return [
      ["--help", "list the commands"],
      ["--version", "print fob's version"],
    ];
  }
  if (name === undefined) return [...listNextWords(words, commands), help];
  if (name === "help") {
    const topics: Candidate[] = rest.length === 0 ? [["exit-codes", "list the exit codes"]] : [];
    return [...listNextWords(rest, commands), ...topics];
  }
  // The last one: the longer of two names that begin alike.
  const called = commands.findLast((command) => `${words.join(" ")} `.startsWith(`${command.name} `));
  const next = listNextWords(words, commands);
  if (called === undefined) return next;
  const own = listCommandWords(await called.load(), words.slice(called.name.split(" ").length), word, names);
  return word.startsWith("-") ? own : [...next, ...own];
}

/** What comes next in the names of the commands that begin with these words. */
function listNextWords(words: readonly string[], commands: readonly Listed[]): Candidate[] {
  const before = words.map((word) => `${word} `).join("");
  const next = new Map<string, string>();
  for (const { name, summary } of commands.filter((command) => command.name.startsWith(before))) {
    const [word = "", ...more] = name.slice(before.length).split(" ");
    // `sandbox` is a command of its own beside `sandbox code`.
    if (more.length > 0 && commands.some((command) => command.name === before + word)) continue;
    const others = next.has(word) ? `${next.get(word)}, ` : "";
    next.set(word, more.length === 0 ? summary : `${others}${more.join(" ")}`);
  }
  return [...next];
}

function listCommandWords(command: Command, rest: readonly string[], word: string, names: Names): Candidate[] {
  const specs = Object.entries(listOptions(command)).map(([option, spec]) => ({ flag: formatFlag(option), ...spec }));
  const specOf = (flag: string) => specs.find((spec) => spec.flag === flag);
  const values = (kind = "", choices: readonly string[] = []): Candidate[] =>
    kind === "profile"
      ? names.profiles()
      : kind === "user" && command.name.startsWith("sandbox ")
        ? names.sandboxUsers()
        : [...choices.map((choice): Candidate => [choice, ""]), ...(/\bfile$/.test(kind) ? [anyFile] : [])];
  let named = 0;
  let isOver = false;
  const typed = rest.values();
  for (const before of typed) {
    if (isOver || !before.startsWith("-") || before === "-") named += 1;
    else if (before === "--") isOver = true;
    else {
      const spec = specOf(before);
      if (spec?.value !== undefined && typed.next().done) return values(spec.value, spec.choices);
    }
  }
  // What a shell knows better.
  if (isOver && command.runs !== undefined) return [];
  if (isOver || !word.startsWith("-")) {
    const { name, atMost = 0, choices } = command.takes ?? {};
    return named < atMost ? values(name, choices) : [];
  }
  const [, flag] = /^(--[^=]+)=/.exec(word) ?? [];
  if (flag !== undefined) {
    const spec = specOf(flag);
    return values(spec?.value, spec?.choices).map((candidate) =>
      candidate === anyFile ? candidate : [`${flag}=${candidate[0]}`, candidate[1]],
    );
  }
  const acting = new Set(Object.keys(listActingOptions(command)).map(formatFlag));
  const offered = specs.filter((spec) => acting.has(spec.flag));
  return [...offered.map(({ flag: option, text }): Candidate => [option, text]), ["--help", "show the command's help"]];
}

function describeSession(stored: Stored): string {
  if (stored.state !== "readable") return "session";
  const { roles, source } = stored.session;
  return roles.length > 0 ? `role, through ${roles.at(-1)?.sourceProfile}` : `session of ${source.profile}`;
}

/** What is wrong with the store is for other commands to say. */
function listStored(store: string): Stored[] {
  try {
    return openStore(store).list();
  } catch {
    return [];
  }
}

/** None where no sandbox is running, or several are. */
function listSandboxUsers({ env }: Context): Candidate[] {
  try {
    return findAuthenticator(env, "").users.map(({ name, devices }) => [name, devices.length > 0 ? "" : "no device"]);
  } catch {
    return [];
  }
}

/** The profiles of the AWS files, and the session profiles. */
function listProfiles({ env, home }: Context): Candidate[] {
  const paths = getAwsFilePaths(env, home);
  const { credentials, config } = readAwsFiles(paths);
  const sessions = listStored(getStoreFolder(env, paths.credentials));
  const texts = new Map([...credentials.profiles(), ...config.profiles()].map((name) => [name, ""]));
  for (const stored of sessions) {
    texts.set(stored.profile, describeSession(stored));
  }
  // What begins with a dash would be read as an option.
  return [...texts].filter(([name]) => !name.startsWith("-"));
}
