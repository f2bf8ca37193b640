// `fob completion`: completion for a shell's start-up file.
import { exitCodes } from "../../errors.ts";
import { completionText, findShell, shellList, shells } from "../../shell/shells.ts";
import { defineCommand } from "../command.ts";

export const completionCommand = defineCommand({
  name: "completion",
  description:
    "Prints a script that completes commands, options and profiles in your shell. fob shell-init includes it. The " +
    "script runs fob complete WORD... at every TAB, which prints the candidates for the last word, one per line.",
  takes: { name: "shell", atMost: 1, text: shellList, choices: shells },
  options: {},
  examples: [
    'eval "$(fob completion bash)"',
    'eval "$(fob completion zsh)"',
    "fob completion fish | source",
    "fob completion powershell | Out-String | Invoke-Expression",
    "fob complete login --to ''",
  ],
  run([shell], _, { stdout }) {
    stdout.write(completionText[findShell(shell, "fob completion")]);
    return Promise.resolve(exitCodes.done);
  },
});
