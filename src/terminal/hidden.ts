// A question whose answer is not shown.
import { StringDecoder } from "node:string_decoder";
import { CancelledError } from "../errors.ts";
import { escapeControlCharacters } from "../text.ts";
import type { Terminal } from "./tty.ts";

/** Asks for a line without showing what is typed. @throws CancelledError on Ctrl-C, and when the signal ends it */
export async function askHidden(terminal: Terminal, message: string, signal: AbortSignal): Promise<string> {
  return await terminal.use(async (from, to) => {
    const input = from as typeof from & { setRawMode(mode: boolean): void };
    const decoder = new StringDecoder("utf8");
    const cancel = (): void => void from.destroy();
    input.setRawMode(true);
    signal.addEventListener("abort", cancel);
    try {
      if (signal.aborted) throw new CancelledError();
      to.write(`fob: ${escapeControlCharacters(message)} `);
      let typed = "";
      for await (const bytes of from) {
        for (const character of decoder.write(bytes as Buffer)) {
          if (character === "\r" || character === "\n") return typed;
          if (character === "\u0003") throw new CancelledError();
          // Backspace and Ctrl-U.
          if (character === "\u007f" || character === "\b") typed = typed.slice(0, -1);
          else if (character === "\u0015") typed = "";
          else typed += character;
        }
      }
      throw new CancelledError();
    } catch (error) {
      throw signal.aborted ? new CancelledError() : error;
    } finally {
      signal.removeEventListener("abort", cancel);
      to.write("\n");
    }
  });
}
