// `fob demo`: the whole story in a minute, against the local AWS.
import { CancelledError, exitCodes } from "../../errors.ts";
import { hangText } from "../../terminal/table.ts";
import { findTerminal } from "../../terminal/tty.ts";
import { defineCommand } from "../command.ts";

export const demoCommand = defineCommand({
  name: "demo",
  description: "Starts a local AWS that requires MFA, logs in to it, and shows each step. Leaves nothing behind.",
  options: {},
  common: ["noInput"],
  examples: ["fob demo"],
  async run(_, options, context) {
    const { env, signal, stdout } = context;
    const { runDemo: demo } = await import("../../demo/demo.ts");
    try {
      await demo({
        env,
        signal,
        fob: [process.execPath, process.argv[1] ?? "fob"],
        isOnTerminal: !options.noInput && findTerminal() !== undefined,
        print: (line) => stdout.write(`${hangText(/^ */.exec(line)?.[0] ?? "", line.trimStart(), stdout.columns)}\n`),
      });
    } catch (error) {
      // The login that was cancelled has said so.
      if (error instanceof CancelledError) return error.exitCode;
      throw error;
    }
    return exitCodes.done;
  },
});
