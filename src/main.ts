// The program's entry: decides how much of it has to be loaded.
import { version } from "../package.json";
import { guardOutput } from "./cli/output.ts";

guardOutput();
const argv = process.argv.slice(2);
if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V")) {
  process.stdout.write(`${version}\n`);
} else {
  void import("./cli/program.ts")
    .then(({ run }) => run(argv, version))
    .then((code) => {
      process.exitCode ||= code;
    });
}
