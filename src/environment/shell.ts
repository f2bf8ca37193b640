// Which shell to print variables for when none is named, and how that shell loads them.
import { win32 } from "node:path";
import type { Environment } from "../environment-variables.ts";
import { findProcess } from "../process.ts";
import { type Format, formats } from "./formats.ts";

/** Shells that read what another one reads. */
const others: Readonly<Record<string, Format>> = {
  sh: "bash",
  dash: "bash",
  ash: "bash",
  ksh: "bash",
  mksh: "bash",
  pwsh: "powershell",
};

/** The format of that name, or of a shell. */
export function formatNamed(name: string): Format | undefined {
  return formats.find((format) => format === name) ?? others[name];
}

/**
 * The shell that has started this process, else the user's own; undefined where neither is one that is known.
 *
 * @param parent the name of the process that has started this one
 */
export function detectShell(
  env: Environment,
  parent: string | undefined,
  platform: NodeJS.Platform = process.platform,
): Format | undefined {
  const named = [parent, env.SHELL].map((path) => path && findShell(path)).find((format) => format !== undefined);
  if (named || platform !== "win32") return named || undefined;
  // PowerShell adds the user's own modules and its own to those of the system.
  return (env.PSModulePath ?? "").split(";").length > 2 ? "powershell" : "cmd";
}

/** A shell by its path, or by its name as `ps` has it: a login shell's begins with a dash. */
function findShell(path: string): Format | undefined {
  const name = win32.basename(path.trim()).replace(/^-|\.exe$/gi, "");
  const format = formatNamed(name.toLowerCase());
  return format && !["dotenv", "json", "ini"].includes(format) ? format : undefined;
}

/** The name of the process that has started this one, where the system tells it. */
export function readParentName(platform: NodeJS.Platform = process.platform): string | undefined {
  return findProcess(process.ppid, platform)?.name;
}

/** A line that has a shell take over what a command prints, or a file keep it. */
export function formatLine(format: Format, command: string): string {
  switch (format) {
    case "bash":
    case "zsh":
      return `eval "$(${command})"`;
    case "fish":
      return `${command} | source`;
    case "powershell":
      return `${command} | Out-String | Invoke-Expression`;
    case "cmd":
      return `for /f "delims=" %i in ('${command}') do @%i`;
    case "dotenv":
      return `(umask 077 && ${command} > .env)`;
    case "json":
      return `${command} | jq --raw-output .AWS_CREDENTIAL_EXPIRATION`;
    case "ini":
      return `(umask 077 && ${command} > session.ini)`;
  }
}
