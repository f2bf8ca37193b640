// What a terminal shows of what a program wrote to it: lines wrap, and what is erased is gone. It knows the escape
// sequences that fob and its prompts use, and throws an Error at any other.
import { measureWidth } from "../../src/terminal/table.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what this reads
const tokens = /\u001b\[([?0-9;]*)([A-Za-z])|[\s\S]/gu;

/**
 * Everything that a terminal of so many columns shows, also what has scrolled away. @param written with escape sequences
 */
export function renderScreen(written: string, columns: number): string {
  const screen = new Screen(columns);
  for (const [token, values = "", command] of written.matchAll(tokens)) {
    if (command === undefined) screen.put(token);
    else screen.control(command, values);
  }
  return screen.text();
}

class Screen {
  /** A cell holds one letter; the second of a wide letter holds none. */
  readonly #rows: string[][] = [[]];
  #row = 0;
  #column = 0;
  readonly columns: number;

  constructor(columns: number) {
    this.columns = columns;
  }

  text(): string {
    const rows = this.#rows.map((row) => row.join("").trimEnd());
    return rows.join("\n").trimEnd();
  }

  put(letter: string): void {
    if (letter === "\r") this.#column = 0;
    else if (letter === "\n") this.#moveTo(this.#row + 1);
    else if (letter === "\b") this.#column = Math.max(0, this.#column - 1);
    else if (letter === "\u0007") return;
    else if (letter < " ") throw new Error(`the screen does not know ${JSON.stringify(letter)}`);
    else this.#write(letter);
  }

  control(command: string, values: string): void {
    const [first = 0] = values.split(";").map(Number);
    const count = Math.max(1, first);
    const row = this.#rows[this.#row] ?? [];
    if (command === "A") this.#row = Math.max(0, this.#row - count);
    else if (command === "B") this.#moveTo(this.#row + count);
    else if (command === "C") this.#column = Math.min(this.columns - 1, this.#column + count);
    else if (command === "D") this.#column = Math.max(0, Math.min(this.columns - 1, this.#column) - count);
    else if (command === "G") this.#column = count - 1;
    else if (command === "K" && first === 0) row.length = Math.min(row.length, this.#column);
    else if (command === "K" && first === 2) row.length = 0;
    else if (command === "J" && first === 0) {
      row.length = Math.min(row.length, this.#column);
      this.#rows.length = this.#row + 1;
    } else if (command !== "m" && !values.startsWith("?"))
      throw new Error(`the screen does not know ESC [ ${values} ${command}`);
  }

  #write(letter: string): void {
    const width = measureWidth(letter);
    // The cursor stays behind the last column until the next letter comes.
    if (this.#column + width > this.columns) {
      this.#column = 0;
      this.#moveTo(this.#row + 1);
    }
    const row = this.#rows[this.#row] ?? [];
    while (row.length < this.#column) row.push(" ");
    row[this.#column] = letter;
    if (width === 2) row[this.#column + 1] = "";
    this.#column += width;
  }

  #moveTo(row: number): void {
    this.#row = row;
    while (this.#rows.length <= row) this.#rows.push([]);
  }
}
