// Draws QR codes on a terminal, dark on light whatever its colors are: scanners need that.
import { encode } from "uqr";

/** Columns and rows that a drawing takes. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export interface Drawing {
  readonly lines: readonly string[];
  readonly size: Size;
}

/** Modules of the quiet zone: half of what the standard wants is enough for phones. */
const border = 2;

const white = "\u001b[97;107m";
const black = "\u001b[30;40m";
const both = "\u001b[97;40m";
const reset = "\u001b[0m";

/**
 * A text as a QR code: with half blocks two modules to a character, else with two blanks to a module.
 *
 * @param hasBlocks whether the terminal shows characters beyond ASCII
 */
export function drawOnTerminal(text: string, hasBlocks: boolean): Drawing {
  const { data } = encode(text, { ecc: "L", border });
  const width = data.length;
  if (!hasBlocks) {
    const lines = data.map((row) => row.map((isDark) => `${isDark ? black : white}  `).join("") + reset);
    return { lines, size: { columns: 2 * width, rows: width } };
  }
  const lines = data.flatMap((row, index) => {
    if (index % 2 === 1) return [];
    const below = data[index + 1];
    return `${both}${row.map((isDark, column) => block(isDark, below?.[column] ?? false)).join("")}${reset}`;
  });
  return { lines, size: { columns: width, rows: lines.length } };
}

/** What is light is drawn. */
function block(isUpperDark: boolean, isLowerDark: boolean): string {
  if (isUpperDark) return isLowerDark ? " " : "▄";
  return isLowerDark ? "▀" : "█";
}
