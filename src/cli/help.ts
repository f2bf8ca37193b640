// What --help prints.
import { exitCodes } from "../errors.ts";
import { wrapText } from "../terminal/table.ts";
import { formatFlag } from "../text.ts";
import { type ArgumentSpec, type Command, listActingOptions, type OptionSpec } from "./command.ts";

/** A command as the list of all commands shows it. */
export interface Listed {
  readonly name: string;
  readonly group: string;
  readonly takes: string;
  readonly summary: string;
  /** In the list of all commands it has no row of its own: that of this command names both. */
  readonly inRowOf?: string;
  readonly load: () => Promise<Command>;
}

type Row = readonly [left: string, right: string];

/** Wider lines are hard to read. */
const widest = 100;

/** The width of help text on a terminal of so many columns; 80 if stdout is not a terminal. */
const fitText = (columns: number): number => (Number.isFinite(columns) ? Math.min(columns, widest) : 80);

/** The list of all commands; one line for those of a family. */
export function formatOverview(
  commands: readonly Listed[],
  families: Readonly<Record<string, string>>,
  columns: number,
): string {
  const rows = new Map<string, { readonly group: string; readonly row: Row }>();
  for (const { group, name, takes, summary, inRowOf } of commands) {
    if (inRowOf !== undefined) continue;
    const [first = ""] = name.split(" ");
    const family = families[first];
    const usage = commands.some((command) => command.name === first) ? `${first} [command]` : `${first} <command>`;
    const others = commands.flatMap((command) => (command.inRowOf === first ? [`, ${command.name}`] : [])).join("");
    const row: Row =
      family === undefined ? [`${name}${others} ${takes}`.trimEnd(), summary] : [`${usage}${others}`, family];
    rows.set(family === undefined ? name : first, { group, row });
  }
  // On a terminal of 30 rows every row counts.
  const help: readonly Row[] = [["help [command], -v", "show help, also for exit-codes; -v: version"]];
  const all = [...rows.values(), ...help.map((row) => ({ group: "Learn", row }))];
  const sections = [...new Set(all.map(({ group }) => group))].map((group): [string, Row[]] => [
    group,
    all.filter((row) => row.group === group).map(({ row }) => row),
  ]);
  return [
    "Usage: fob <command> [options]",
    ...wrapText("Type one MFA code, work all day: temporary AWS credentials in a named profile.", fitText(columns)),
    "",
    formatSections(sections, columns),
  ].join("\n");
}

/** The list of the commands whose names begin with the same word. */
export function formatFamilyHelp(name: string, commands: readonly Listed[], columns: number): string {
  const rows = commands.map(({ name: command, takes, summary }): Row => [`${command} ${takes}`.trimEnd(), summary]);
  return `Usage: fob ${name} <command> [options]\n\n${formatSections([["Commands", rows]], columns)}`;
}

/** Everything about one command. */
export function formatCommandHelp(command: Command, columns: number): string {
  const { description, takes, runs, examples } = command;
  const options = Object.entries(listActingOptions(command)).map(
    ([option, spec]): Row => [formatOptionUsage(option, spec), spec.text],
  );
  options.push(["-h, --help", "show this help"]);
  const named: Row[] = takes === undefined ? [] : [[takes.name, takes.text]];
  if (runs !== undefined) named.push(["command", runs]);
  const sections: [string, Row[]][] = named.length === 0 ? [] : [["Arguments", named]];
  return [
    `${wrapText(`Usage: ${formatUsage(command)}`, fitText(columns)).join("\n")}\n`,
    `${wrapText(description, fitText(columns)).join("\n")}\n`,
    formatSections([...sections, ["Options", options]], columns),
    `Examples:\n${examples.map((example) => `  ${example}\n`).join("")}`,
  ].join("\n");
}

/** `fob login [options] [profile]` */
export function formatUsage({ name, takes, runs }: Command): string {
  const argument = takes === undefined ? "" : ` ${formatArgument(takes)}`;
  return `fob ${name} [options]${argument}${runs === undefined ? "" : " [-- <command...>]"}`;
}

/** `--duration <length>` */
export function formatOptionUsage(option: string, { value, many }: OptionSpec): string {
  return `${formatFlag(option)}${value === undefined ? "" : ` <${value}>`}${many ? "..." : ""}`;
}

function formatArgument({ name, atLeast = 0, atMost, choices }: ArgumentSpec): string {
  const argument = `${name}${atMost > 1 ? "..." : ""}`;
  return choices === undefined && atLeast === 0 ? `[${argument}]` : `<${argument}>`;
}

/** What each exit code means; those that `fob exec` adds come last. */
export const exitCodeRows: { readonly own: readonly Row[]; readonly ofExec: readonly Row[] } = {
  own: [
    [`${exitCodes.done}`, "done"],
    [`${exitCodes.failed}`, "failed"],
    [`${exitCodes.usage}`, "invalid usage"],
    [`${exitCodes.notFresh}`, "a session needs renewal, or a check failed"],
    [`${exitCodes.codeNeeded}`, "a code is needed, and fob cannot prompt for it"],
    [`${exitCodes.cancelled}`, "cancelled"],
  ],
  ofExec: [
    ["126", "the command cannot be run"],
    ["127", "the command was not found"],
    ["128 + N", "signal N ended the command"],
  ],
};

export const execExitCodes = "fob exec exits with its command's code, or like a shell:";

function formatCodes(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(([code]) => code.length));
  return rows.map(([code, text]) => `  ${code.padEnd(width)}  ${text}\n`).join("");
}

export const exitCodesHelp = [
  "Exit codes of fob:\n",
  formatCodes(exitCodeRows.own),
  `${execExitCodes}\n`,
  formatCodes(exitCodeRows.ofExec),
].join("\n");

/** Columns between the two of a section, and before them. */
const gap = 2;
/** Texts in fewer columns than this go below what they explain. */
const narrowest = 30;

/** Sections whose texts begin in one column. */
function formatSections(
  sections: readonly (readonly [title: string, rows: readonly Row[]])[],
  columns: number,
): string {
  const left = Math.max(...sections.flatMap(([, rows]) => rows.map(([usage]) => usage.length)));
  const right = fitText(columns) - left - 2 * gap;
  const formatRow = ([usage, text]: Row): string => {
    if (right < narrowest) {
      const below = wrapText(text, fitText(columns) - 3 * gap);
      return [usage, ...below.map((line) => `${" ".repeat(2 * gap)}${line}`)].map((line) => `  ${line}\n`).join("");
    }
    return wrapText(text, right)
      .map((line, index) => `  ${(index === 0 ? usage : "").padEnd(left)}  ${line}\n`)
      .join("");
  };
  return sections.map(([title, rows]) => `${title}:\n${rows.map(formatRow).join("")}`).join("\n");
}
