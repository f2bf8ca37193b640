// What start-up files of shells take from fob. The texts are files beside this one.
import { UsageError } from "../errors.ts";
import { quote } from "../text.ts";
import completionBash from "./completion.bash";
import completionFish from "./completion.fish";
import completionPowershell from "./completion.ps1";
import completionZsh from "./completion.zsh";
import initBash from "./init.bash";
import initFish from "./init.fish";
import initPowershell from "./init.ps1";
import initZsh from "./init.zsh";
import session from "./session.sh";

export const shells = ["bash", "zsh", "fish", "powershell"] as const;

/** For messages and help. */
export const shellList = "bash, zsh, fish or powershell";

export type Shell = (typeof shells)[number];

/** The shell that was named, for `command`. @throws UsageError */
export function findShell(name: string | undefined, command: string): Shell {
  const asked = name === "pwsh" ? "powershell" : name;
  const shell = shells.find((candidate) => candidate === asked);
  if (shell !== undefined) return shell;
  throw new UsageError(
    name === undefined ? `which shell? ${shellList}` : `unknown shell ${quote(name)}: choose ${shellList}`,
    `for example: ${command} bash`,
  );
}

/** Completion of fob's command lines. */
export const completionText: Readonly<Record<Shell, string>> = {
  bash: completionBash,
  zsh: completionZsh,
  fish: completionFish,
  powershell: completionPowershell,
};

/** The function `mfa`, the segment of a prompt, and completion. */
export const initText: Readonly<Record<Shell, string>> = {
  bash: getText("bash", session, initBash, completionBash),
  zsh: getText("zsh", session, initZsh, completionZsh),
  fish: getText("fish", initFish, completionFish),
  powershell: getText("powershell", initPowershell, completionPowershell),
};

function getText(shell: Shell, ...parts: readonly string[]): string {
  return [`# From: fob shell-init ${shell}\n`, ...parts].join("\n");
}
