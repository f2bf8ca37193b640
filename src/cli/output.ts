/** What happens when stdout or stderr cannot be written to, instead of a stack trace. */
export function guardOutput(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    // Whoever reads it has read enough.
    if (error.code !== "EPIPE") process.stderr.write(`fob: error: cannot write to stdout: ${error.message}\n`);
    process.exitCode = 1;
  });
  // There is nowhere left to say it.
  process.stderr.on("error", () => undefined);
}
