// Formats the proof of `fob policy simulate` as a table.
import { styleText } from "node:util";
import type { Cell, Proof } from "../../../policy/proof.ts";
import type { Verdict } from "../../../policy/verdicts.ts";
import { formatTable, hangText, measureWidth } from "../../../terminal/table.ts";
import type { Output } from "../../output.ts";

const words = { allowed: "allowed", explicitDeny: "denied", implicitDeny: "none", unknown: "unknown" } as const;
const colors = { allowed: "green", explicitDeny: "red", implicitDeny: "yellow", unknown: "yellow" } as const;

const marks = {
  good: { mark: "+", color: "green" },
  bad: { mark: "!", color: "red" },
  note: { mark: "-", color: "yellow" },
} as const;

const outside = "bound";
const refused = "refused";

/** Returns the table, its legend and the verdicts. */
export function formatProof(
  { rows, authMethods: ways, user, isExample }: Proof,
  verdicts: readonly Verdict[],
  { hasColors, columns }: Output,
): string {
  const colored = (color: "green" | "red" | "yellow", text: string): string =>
    hasColors ? styleText(color, text, { validateStream: false }) : text;
  const cellText = ({ evaluation: { decision, isOutsideBoundary }, awsDenial }: Cell): string => {
    if (awsDenial !== undefined && decision === "allowed") return colored("red", refused);
    return colored(colors[decision], isOutsideBoundary ? outside : words[decision]);
  };
  const table = layOut(
    ways.map(({ name }) => name),
    rows.map(({ purpose, action, cells }) => ({ purpose, action, cells: cells.map(cellText) })),
    columns,
  );
  const width = Math.max(...ways.map(({ name }) => name.length));
  const awsDenials = [...new Set(rows.flatMap(({ cells }) => cells.flatMap(({ awsDenial }) => awsDenial ?? [])))];
  const isBounded = rows.some(({ cells }) => cells.some(({ evaluation }) => evaluation.isOutsideBoundary));
  const meanings: readonly (readonly [string, string])[] = [
    ...ways.map(({ name, text }) => [name, text] as const),
    ["denied", "a policy denies it, even if another policy allows it"],
    ["none", "none of these policies allows it; another policy may"],
    ...(isBounded ? [[outside, "the permissions boundary does not allow it, even if a policy does"] as const] : []),
    [refused, `AWS refuses it, even if a policy allows it: ${awsDenials.join("; ")}`],
  ];
  const legend = meanings.map(([word, text]) => hangText(`${word.padEnd(width)}  `, text, columns));
  const lines = verdicts.map(({ kind, text }) =>
    hangText(`${colored(marks[kind].color, marks[kind].mark)} `, text, columns),
  );
  const about = `for ${user}${isExample ? " (an example; --user ARN for another)" : ""}:`;
  return `${table}\n${legend.join("\n")}\n\n${about}\n${lines.join("\n")}\n`;
}

interface TableRow {
  readonly purpose: string;
  readonly action: string;
  readonly cells: readonly string[];
}

/** The table; on a narrow terminal the action is on a line of its own. */
function layOut(heading: readonly string[], rows: readonly TableRow[], columns: number): string {
  const withPurposes = (format: (row: TableRow) => readonly (readonly string[])[]): (readonly string[])[] =>
    rows.flatMap((row, index) => [
      ...(rows[index - 1]?.purpose === row.purpose ? [] : [[row.purpose]]),
      ...format(row),
    ]);
  const wide = formatTable(
    ["", ...heading],
    withPurposes(({ action, cells }) => [[`  ${action}`, ...cells]]),
  );
  if (measureWidth(wide.slice(0, wide.indexOf("\n"))) <= columns) return wide;
  const cellWidth = Math.max(...[heading, ...rows.map(({ cells }) => cells)].flat().map(measureWidth));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell) => cell + " ".repeat(cellWidth - measureWidth(cell)))
      .join(" ")
      .trimEnd();
  const lines = withPurposes(({ action, cells }) => [[`  ${action}`], [line(cells)]]);
  return `${[line(heading), ...lines.flat()].join("\n")}\n`;
}
