// The program's entry: decides how much of it has to be loaded.
import { version } from "../package.json";
import { stdout } from "./cli/output.ts";
import { run } from "./cli/program.ts";

const argv = process.argv.slice(2);
if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V")) {
  stdout.write(`${version}\n`);
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
