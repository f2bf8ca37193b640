// The program's entry: decides how much of it has to be loaded.
import { version } from "../package.json";
import { stdout } from "./cli/output.ts";
import { run } from "./cli/program.ts";

const argv = process.argv.slice(2);
if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V")) {
  stdout.write(`${version}\n`);
} else {
  void run(argv).then((code) => {
    process.exitCode ||= code;
  });
}
