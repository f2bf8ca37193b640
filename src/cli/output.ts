import { neutralise } from "../text.ts";

/** A line of fob's on stderr, control characters made visible. */
export function writeLine(text: string): void {
  process.stderr.write(`fob: ${neutralise(text)}\n`);
}

/** What happens when stdout or stderr cannot be written to, instead of a stack trace. */
export function guardOutput(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    // Whoever reads it has read enough.
    if (error.code !== "EPIPE") writeLine(`error: cannot write to stdout: ${error.message}`);
    process.exitCode = 1;
  });
  // There is nowhere left to say it.
  process.stderr.on("error", () => undefined);
}
