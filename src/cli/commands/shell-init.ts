// `fob shell-init`: mfa, a prompt segment and completion for a shell's start-up file.
import { exitCodes } from "../../errors.ts";
import { findShell, initText, shellList, shells } from "../../shell/shells.ts";
import { defineCommand } from "../command.ts";

export const shellInitCommand = defineCommand({
  name: "shell-init",
  description:
    "Prints text for your shell's start-up file, with which: mfa [PROFILE] logs in and selects the session profile in " +
    "this shell, and mfa - goes back; your prompt can show the time left, by $fob_segment (bash, zsh) or fob_prompt " +
    "(fish, PowerShell); commands, options and profiles are completed. It holds no secret. Saved to a file, as below, " +
    "it costs the start of a shell next to nothing.",
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
