// Real shells, in which `fob` is the built program.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { delimiter, join } from "node:path";
import { test } from "vitest";
import { skipOnWindows } from "./windows.ts";
import { execute, node, onTerminal, program, type Result, type RunOptions, temporaryFolder } from "./world.ts";

export type Shell = "bash" | "zsh" | "fish";

/** How each shell is started without the files of this machine. */
const bare: Readonly<Record<Shell, readonly string[]>> = {
  bash: ["--norc", "--noprofile"],
  zsh: ["-f"],
  fish: ["--no-config"],
};

function isInstalled(shell: Shell): boolean {
  try {
    execFileSync(shell, ["-c", "exit 0"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const installed = new Set((["bash", "zsh", "fish"] as const).filter((shell) => shell === "bash" || isInstalled(shell)));

/** A test in each of these shells; where one is not installed, its name says so and it is skipped. */
export function testIn(shells: readonly Shell[], name: string, body: (shell: Shell) => Promise<void>): void {
  for (const shell of shells) {
    if (installed.has(shell)) test(`${shell}: ${name}`, () => body(shell));
    else test.skip(`${shell} is not installed: ${name}`, () => undefined);
  }
}

/** The environment, with a PATH on which `fob` stands first. */
export function withFob(env: Readonly<Record<string, string>>): Record<string, string> {
  skipOnWindows("a shell with fob in its PATH");
  const bin = join(temporaryFolder(), "bin");
  mkdirSync(bin);
  symlinkSync(program, join(bin, "fob"));
  symlinkSync(node, join(bin, "node"));
  return { ...env, PATH: [bin, env.PATH].join(delimiter) };
}

/** Runs a script in a shell, without a terminal. */
export function run(shell: Shell, script: string, options: RunOptions): Promise<Result> {
  return execute(shell, [...bare[shell], "-c", script], options);
}

/** An interactive shell on a terminal. */
export function interactive(shell: Shell, options: RunOptions): ReturnType<typeof onTerminal> {
  return onTerminal(shell, [...bare[shell], "-i"], options);
}

/** Whatever /bin/sh may be: the words that start each of these that is installed. */
export const posixShells: readonly (readonly [string, ...string[]])[] = (
  [["dash"], ["bash"], ["busybox", "sh"], ["ksh"], ["mksh"], ["zsh", "--emulate", "sh"]] as const
).filter(([shell]) => spawnSync(shell, ["-c", "true"]).error === undefined);

/** How a shell takes on the text of `fob shell-init`. */
export const takeOn: Readonly<Record<Shell, string>> = {
  bash: 'eval "$(fob shell-init bash)"',
  zsh: 'eval "$(fob shell-init zsh)"',
  fish: "fob shell-init fish | source",
};
