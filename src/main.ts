// The program's entry.
import { version } from "../package.json";
import { stdout } from "./cli/output.ts";
import { report, run } from "./cli/program.ts";
import { findQuickAnswer } from "./cli/quick.ts";

const argv = process.argv.slice(2);
const answer = findQuickAnswer(argv, version);
if (answer !== undefined) end(print(answer));
else void run(argv).then(end);

function print(text: string): number {
  try {
    stdout.write(`${text}\n`);
    return 0;
  } catch (error) {
    return report(error, argv);
  }
}

function end(code: number): void {
  process.exitCode = code;
  // Everything has been written by then (only Windows writes to terminals later); to wait until Node.js has tidied
  // itself up takes a millisecond.
  if (process.platform !== "win32") process.exit();
}
