// `fob setup`: the line in the start-up file of the user's shell.
import { detectShell, readParentName } from "../../../environment/shell.ts";
import { describeShellLine, hasShellLine, type ShellLine } from "../../../setup/shell-line.ts";
import { type Asking, askWhether } from "./asking.ts";

export interface ChosenShell {
  /** To add. */
  readonly line: ShellLine | undefined;
  /** What the user can type to add it later. */
  readonly later: string | undefined;
  /** Whether new shells have the function `mfa`. */
  readonly hasMfa: boolean;
}

/** @throws CancelledError */
export async function chooseShell(asking: Asking): Promise<ChosenShell> {
  const line = await findShellLine(asking.context);
  if (line === undefined) return { line, later: undefined, hasMfa: false };
  if (hasShellLine(line)) return { line: undefined, later: undefined, hasMfa: true };
  const wants = await askWhether(asking, `Set up ${line.shell}: ${line.text}?`);
  return wants ? { line, later: undefined, hasMfa: true } : { line: undefined, later: line.command, hasMfa: false };
}

/** Undefined for a shell whose start-up file fob does not edit. */
export async function findShellLine({ env, home }: Asking["context"]): Promise<ShellLine | undefined> {
  const shell = detectShell(env, readParentName());
  if (shell !== "bash" && shell !== "zsh" && shell !== "fish") return undefined;
  const { initText } = await import("../../../shell/shells.ts");
  return describeShellLine(shell, initText[shell], { env, home });
}
