// Tables, bars and colors, for terminals.
import { stripVTControlCharacters } from "node:util";
import type { Environment } from "../environment-variables.ts";

/** A table with a heading; columns as wide as they need to be. Cells may be colored. */
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

/** How many columns a text takes on a terminal: letters of Chinese, Japanese and Korean take two. */
export function measureWidth(text: string): number {
  const plain = stripVTControlCharacters(text);
  return /^[ -~]*$/.test(plain) ? plain.length : Array.from(plain).length + (plain.match(wideLetters)?.length ?? 0);
}

const wideLetters = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\uff01-\uff60]/gu;

/** A name that takes at most so many columns; what is cut off shows as dots. */
export function shorten(name: string, columns: number): string {
  if (measureWidth(name) <= columns) return name;
  const letters = Array.from(name);
  while (letters.length > 0 && measureWidth(letters.join("")) > columns - 2) letters.pop();
  return `${letters.join("")}..`;
}

/** Text in lines of at most so many columns, broken between words; a longer word is broken where the line ends. */
export function wrapText(text: string, columns: number): string[] {
  return fillLines(
    text.split(" ").flatMap((long) => breakWord(long, columns)),
    columns,
  );
}

/** The same, but a longer word stays whole: the terminal wraps it, and it can still be copied as one. So does "12 h". */
export const wrapWords = (text: string, columns: number): string[] =>
  fillLines(text.split(/ (?!(?:h|min|s)\b)/), columns);

/** The same for a line that is indented: all of its lines are. */
export function wrapIndented(line: string, columns: number): string[] {
  const text = line.trimStart();
  return hangText(" ".repeat(line.length - text.length), text, columns).split("\n");
}

/** Text beside a first word, in lines as wide as the terminal, below one another. */
export function hangText(first: string, text: string, columns: number): string {
  const indent = measureWidth(first);
  return first + wrapWords(text, columns - indent).join(`\n${" ".repeat(indent)}`);
}

function fillLines(words: readonly string[], columns: number): string[] {
  const lines = [""];
  for (const word of words) {
    const line = lines.at(-1) ?? "";
    if (line === "") lines[lines.length - 1] = word;
    else if (measureWidth(line) + 1 + measureWidth(word) <= columns) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function breakWord(word: string, columns: number): string[] {
  if (measureWidth(word) <= columns) return [word];
  const parts = [""];
  for (const letter of word) {
    const part = parts.at(-1) ?? "";
    if (part !== "" && measureWidth(part + letter) > columns) parts.push(letter);
    else parts[parts.length - 1] = part + letter;
  }
  return parts;
}

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
