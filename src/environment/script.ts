// What `fob exec` prints to the shell script in bin/fob, which then becomes the command.
import { readFileSync } from "node:fs";
import type { Environment } from "../environment-variables.ts";
import { quoteShellLiteral } from "../text.ts";
import { formatVariables } from "./formats.ts";
import type { Variables } from "./variables.ts";

/** What the shell becomes. */
export interface Becoming {
  readonly command: readonly [string, ...string[]];
  /** Whether the command is not in the shell's arguments. */
  readonly isShell: boolean;
  readonly profile: string;
  readonly variables: Variables;
}

/**
 * The lines with which a POSIX shell becomes a command, with these variables.
 *
 * @param functions functions of bash, by the variables' names: no shell can set those, so `env` does
 */
export function scriptOf(
  { command: [program], isShell, profile, variables }: Becoming,
  functions: Readonly<Record<string, string>>,
): string {
  const words = Object.entries(functions).map(([name, value]) => quoteShellLiteral(`${name}=${value}`));
  const command = words.length === 0 ? "exec" : `exec /usr/bin/env ${words.join(" ")}`;
  const set = isShell ? `set -- ${quoteShellLiteral(program)}\n` : "";
  return `${formatVariables("bash", variables, profile)}${set}${command} "$@"\n`;
}

export interface LostVariables {
  /** Functions that bash has exported: `BASH_FUNC_name%%`. */
  readonly functions: Readonly<Record<string, string>>;
  /** The names of the others. */
  readonly others: readonly string[];
}

/** What a shell was given, but does not pass on: dash and busybox drop variables whose names they could not set. */
export function lostVariables(shell: number, env: Environment): LostVariables {
  const lost = initialEnvironment(shell).filter(([name]) => env[name] === undefined && /[^\w]|^\d/.test(name));
  const isFunction = (name: string): boolean => /^BASH_FUNC_.*%%$/s.test(name);
  return {
    functions: Object.fromEntries(lost.filter(([name]) => isFunction(name))),
    others: lost.map(([name]) => name).filter((name) => !isFunction(name)),
  };
}

/** Only Linux tells it; the shells of other systems pass everything on. */
function initialEnvironment(pid: number): readonly (readonly [name: string, value: string])[] {
  try {
    const entries = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    return entries.flatMap((entry) => {
      const [, name, value] = /^([^=]+)=(.*)$/s.exec(entry) ?? [];
      return name === undefined ? [] : [[name, value ?? ""] as const];
    });
  } catch {
    return [];
  }
}
