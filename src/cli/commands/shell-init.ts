// `fob shell-init`: mfa, a prompt segment and completion for a shell's start-up file.
import { exitCodes } from "../../errors.ts";
import { findShell, initText, shellList, shells } from "../../shell/shells.ts";
import { defineCommand } from "../command.ts";

export const shellInitCommand = defineCommand({
  name: "shell-init",
  description:
    "Prints a script for your shell's startup file. It adds the function mfa, which logs in and selects the session " +
    "profile in the current shell (mfa - goes back), completion, and $fob_segment (bash, zsh) or fob_prompt (fish, " +
    "PowerShell), which show the time left in your prompt. It contains no secrets. Save it to a file, as in the " +
    "examples, and your shell starts as fast as before.",
  takes: { name: "shell", atMost: 1, text: shellList, choices: shells },
  options: {},
  examples: [
    "fob shell-init bash > ~/.fob.bash && echo '. ~/.fob.bash' >> ~/.bashrc",
    "fob shell-init zsh > ~/.fob.zsh && echo '. ~/.fob.zsh' >> ~/.zshrc",
    "mkdir -p ~/.config/fish/conf.d && fob shell-init fish > ~/.config/fish/conf.d/fob.fish",
    "fob shell-init powershell | Out-String | Invoke-Expression",
  ],
  run([shell], _, { stdout }) {
    stdout.write(initText[findShell(shell, "fob shell-init")]);
    return Promise.resolve(exitCodes.done);
  },
});
