// What fob hints must work when it is pasted: after each test the commands in what fob has printed are parsed by fob's own
// tables, and have to be about the profile that the command was about, with the options that it had.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A run of fob, with what it was given. */
export interface PrintedBy {
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv | undefined;
  readonly text: () => string;
}

const runs = new Set<PrintedBy>();

export const searchHints = (run: PrintedBy): void => void runs.add(run);

/** Which of the hinted commands are wrong, in words. Everything that was noted for this test is forgotten then. */
export async function takeWrongHints(): Promise<string[]> {
  const noted = [...runs];
  runs.clear();
  const wrong: string[] = [];
  for (const run of noted) {
    for (const hint of findCommands(run.text())) wrong.push(...(await findProblem(hint, run)));
  }
  return [...new Set(wrong)];
}

interface Hinted {
  readonly line: string;
  readonly words: readonly string[];
}

/** These are about another profile: that is what they are for. */
const ofOthers = /did you mean|use the profile with|choose one of|SOURCE|PROFILE/;

/** The lines that end with a command of fob's. */
function findCommands(text: string): Hinted[] {
  return text.split("\n").flatMap((line) => {
    const [, hint] = /^(?:fob: )?hint: (.*)$/.exec(line.trim()) ?? [];
    const [, said] = /^fob: (?:error: |warning: )?(.*)$/.exec(line.trim()) ?? [];
    const only = hint !== undefined && /^fob [a-z]/.test(hint) ? hint : undefined;
    const command =
      only ?? /^.*(?::| =|then) (?:timeout --foreground 60 )?(fob [a-z-].*)$/.exec(hint ?? said ?? "")?.[1];
    // What a shell makes of it is for the tests of those hints.
    if (command === undefined || /\$\(|[|<>]|; /.test(command)) return [];
    const words = splitWords(command);
    return words === undefined ? [] : [{ line, words: words.slice(1) }];
  });
}

/** A command line's words, as a shell splits them; undefined where a quote is open. */
function splitWords(command: string): string[] | undefined {
  const words: string[] = [];
  let rest = command.trim();
  while (rest !== "") {
    const [word] = /^(?:'[^']*'|"[^"]*"|\\.|[^\s'"\\])+/s.exec(rest) ?? [];
    if (word === undefined) return undefined;
    words.push(
      word.replace(
        /'([^']*)'|"([^"]*)"|\\(.)/gs,
        (_, single?: string, double?: string, escaped?: string) => single ?? double ?? escaped ?? "",
      ),
    );
    rest = rest.slice(word.length).trimStart();
  }
  return words;
}

async function findProblem({ line, words }: Hinted, run: PrintedBy): Promise<string[]> {
  const wrong = (problem: string) => [`${JSON.stringify(line)} of "fob ${run.args.join(" ")}" ${problem}`];
  if (words[0] === "help" || words[0] === "--version") return [];
  // These print something about the command, and do nothing else.
  if (["--help", "--print-policy"].includes(words.at(-1) ?? "")) return [];
  // Vitest does not load the shells' texts; and a family of commands explains itself.
  if (["shell-init", "completion"].includes(words[0] ?? "") || words.join() === "policy") return [];
  const hinted = await parse(words).catch((error: unknown) => String(error));
  if (typeof hinted === "string") return wrong(`does not parse: ${hinted}`);
  if (hinted === undefined) return [];
  const typed = await parse(run.args).catch(() => undefined);
  const lost = typed === undefined ? [] : findLost(typed, hinted).filter((option) => !mayGo[option]?.test(line));
  if (lost.length > 0) return wrong(`has lost --${lost.join(", --")}`);
  if (ofOthers.test(line)) return [];
  // Without a name, a command may be about every session, or lets the user choose.
  const profile = typed?.named[0] ?? run.env?.AWS_PROFILE;
  const [other] = hinted.named;
  if (typed === undefined || !typed.takesOne || profile === undefined || other === undefined) return [];
  // `fob keys remove` also takes the ID of a key.
  const isSame = findRelated(profile, run.env).has(getBase(other)) || /^AKIA[A-Z0-9]{16}$/.test(other);
  return isSame ? [] : wrong(`is about the profile "${other}"`);
}

async function parse(words: readonly string[]) {
  // Most tests print no hints.
  const { commands } = await import("../../src/cli/program.ts");
  const { parseArguments } = await import("../../src/cli/arguments.ts");
  const found = commands.find(({ name }) => words.slice(0, name.split(" ").length).join(" ") === name);
  if (found === undefined) throw new Error("there is no such command");
  const command = await found.load();
  const given = parseArguments(command, words.slice(found.name.split(" ").length));
  if (given.help) return undefined;
  const { name } = found;
  return {
    name,
    options: given.options,
    named: command.takes?.name === "profile" ? given.named : [],
    takesOne: command.takes?.atMost === 1,
  };
}

/** Where a code came from, and what only that run was for. */
const ofRun = new Set(["code", "codeStdin", "noInput", "debug", "profile"]);

/** Hints that do not repeat an option, because they say what is needed without it. */
const mayGo: Readonly<Record<string, RegExp>> = {
  force: /\(no code needed\)/,
  // One of them, which the hint is about.
  all: /: fob logout \S/,
  // Where AWS does not have it.
  organization: /deploy this in each account: /,
};

/** The options that were typed and that a hint of the same command does not repeat. */
function findLost(typed: CommandLine, hinted: CommandLine): string[] {
  if (typed.name !== hinted.name) return [];
  const given = Object.entries(typed.options).filter(([, value]) => value !== undefined && value !== false);
  return given.flatMap(([option]) => (ofRun.has(option) || hinted.options[option] !== undefined ? [] : [option]));
}

type CommandLine = Pick<NonNullable<Awaited<ReturnType<typeof parse>>>, "name" | "options">;

/** The profiles of one session, by their sources' names: a source, its session profile, and the roles that it leads to. */
function findRelated(profile: string, env: NodeJS.ProcessEnv | undefined): Set<string> {
  const path = env?.AWS_CONFIG_FILE ?? join(env?.HOME ?? "/nowhere", ".aws", "config");
  const config = existsSync(path) ? readFileSync(path, "utf8") : "";
  const links = [...config.matchAll(/^\[(?:profile )?([^\]]+)\]([^[]*)/gm)].flatMap(([, name = "", body = ""]) =>
    [...body.matchAll(/^(?:fob_)?source_profile *= *(.*)$/gm)].map(([, by = ""]) => [
      getBase(name),
      getBase(by.trim()),
    ]),
  );
  const related = new Set([getBase(profile)]);
  for (const name of related) {
    for (const link of links.filter((pair) => pair.includes(name))) for (const other of link) related.add(other);
  }
  return related;
}

/** The name rule, backwards. */
const getBase = (profile: string): string => profile.replace(/-(?:mfa|long-term)$/, "");
