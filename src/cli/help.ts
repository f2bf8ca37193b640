// What --help prints.
import { exitCodes } from "../errors.ts";
import { type ArgumentSpec, type Command, formatFlag, listOptions } from "./command.ts";

/** A command as the list of all commands shows it. */
export interface Listed {
  readonly name: string;
  readonly group: string;
  readonly takes: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

type Row = readonly [left: string, right: string];

/** The list of all commands. */
export function formatOverview(commands: readonly Listed[]): string {
  const rows = commands.map(({ group, name, takes, summary }) => ({
    group,
    row: [`${name} ${takes}`, summary] as Row,
  }));
  const help: Row = ["help [topic]", "help for a command, or the topic exit-codes"];
  const groups = [...new Set(commands.map(({ group }) => group))];
  const width = measureWidth([...rows.map(({ row }) => row), help]);
  return [
    "Usage: fob <command> [options]\n",
    "Type one MFA code, work all day: temporary AWS credentials in a named profile.\n",
    ...groups.map((group) =>
      formatSection(
        group,
        rows.filter((row) => row.group === group).map(({ row }) => row),
        width,
      ),
    ),
    formatSection("Help", [help, ["--help, --version", "this list, or a command's own help; fob's version"]], width),
  ].join("\n");
}

/** The list of the commands whose names begin with the same word. */
export function formatFamilyHelp(name: string, commands: readonly Listed[]): string {
  const rows = commands.map(({ name: command, takes, summary }): Row => [`${command} ${takes}`, summary]);
  return `Usage: fob ${name} <command> [options]\n\n${formatSection("Commands", rows, measureWidth(rows))}`;
}

/** Everything about one command. */
export function formatCommandHelp(command: Command): string {
  const { name, description, takes, runs, examples } = command;
  const options = Object.entries(listOptions(command)).map(
    ([option, { text, value, many }]): Row => [
      `${formatFlag(option)}${value === undefined ? "" : ` <${value}>`}${many ? "..." : ""}`,
      text,
    ],
  );
  options.push(["-h, --help", "show this help"]);
  const named: Row[] = takes === undefined ? [] : [[takes.name, takes.text]];
  if (runs !== undefined) named.push(["command", runs]);
  return [
    `Usage: fob ${name} [options]${takes === undefined ? "" : ` ${formatArgument(takes)}`}${runs === undefined ? "" : " -- <command...>"}\n`,
    `${wrapText(description, 80).join("\n")}\n`,
    ...(named.length === 0 ? [] : [formatSection("Arguments", named, measureWidth(options))]),
    formatSection("Options", options, measureWidth(options)),
    `Examples:\n${examples.map((example) => `  ${example}\n`).join("")}`,
  ].join("\n");
}

function formatArgument({ name, atLeast = 0, atMost, choices }: ArgumentSpec): string {
  const argument = `${name}${atMost > 1 ? "..." : ""}`;
  return choices === undefined && atLeast === 0 ? `[${argument}]` : `<${argument}>`;
}

export const exitCodesHelp = `Exit codes of fob:

  ${exitCodes.done}    done
  ${exitCodes.failed}    failed
  ${exitCodes.usage}    wrong usage
  ${exitCodes.notFresh}    a session is not fresh, or a check did not pass
  ${exitCodes.codeNeeded}    a code is needed and nobody can be asked
  ${exitCodes.cancelled}  cancelled

fob exec has its command's own, and as a shell does:

  126  the command cannot be executed
  127  the command does not exist
  128  and more: a signal has ended the command, 128 + the signal's number
`;

const measureWidth = (rows: readonly Row[]): number => Math.max(...rows.map(([left]) => left.length));

function formatSection(title: string, rows: readonly Row[], width: number): string {
  const lines = rows.flatMap(([left, right]) =>
    wrapText(right, 76 - width).map((line, index) => `  ${(index === 0 ? left : "").padEnd(width)}  ${line}\n`),
  );
  return `${title}:\n${lines.join("")}`;
}

/** Text in lines of at most so many characters. */
function wrapText(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line === "") lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
