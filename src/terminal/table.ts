// Tables, bars and colours, for terminals.
import { stripVTControlCharacters } from "node:util";
import type { Environment } from "../environment-variables.ts";

/** A table with a heading; columns as wide as they need to be. Cells may be coloured. */
export function formatTable(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [heading, ...rows];
  const widths = heading.map((_, column) => Math.max(...cells.map((row) => measureWidth(row[column] ?? ""))));
  return cells
    .map((row) => {
      const padded = row.map(
        (cell, column) => cell + " ".repeat(Math.max(0, (widths[column] ?? 0) - measureWidth(cell))),
      );
      return `${padded.join("  ").trimEnd()}\n`;
    })
    .join("");
}

const measureWidth = (cell: string): number => stripVTControlCharacters(cell).length;

/** Text of which no line is wider than a terminal, escape sequences aside. */
export function fitToWidth(text: string, columns: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what this looks for
  const parts = /\u001b\[[0-9;]*m|./gu;
  const cut = (line: string): string => {
    let width = 0;
    return (line.match(parts) ?? []).filter((part) => part.length > 2 || ++width <= columns).join("");
  };
  return text.split("\n").map(cut).join("\n");
}

/** A small bar for a part (0 to 1) of a whole. */
export function formatBar(part: number, env: Environment): string {
  const isUtf8 = /utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || "");
  const [full, empty] = isUtf8 ? ["█", "░"] : ["#", "-"];
  const length = 8;
  const filled = part <= 0 ? 0 : Math.max(1, Math.round(part * length));
  return full.repeat(filled) + empty.repeat(length - filled);
}
