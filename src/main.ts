// The program's entry.
import { version } from "../package.json";
import { stdout } from "./cli/output.ts";
import { run } from "./cli/program.ts";
import { quickAnswer } from "./cli/quick.ts";

const argv = process.argv.slice(2);
const answer = quickAnswer(argv, version);
if (answer !== undefined) {
  stdout.write(`${answer}\n`);
  end(0);
} else {
  void run(argv).then(end);
}

/** Ends the process, unless something that went wrong with the output has decided on the exit code before. */
function end(code: number): void {
  process.exitCode ||= code;
  // Everything has been written by then (only Windows writes to terminals later); to wait until Node.js has tidied
  // itself up takes a millisecond.
  if (process.platform !== "win32") process.exit();
}
