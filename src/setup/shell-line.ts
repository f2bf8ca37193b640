// The line in a shell's start-up file that takes on what `fob shell-init` prints, as its help says to write it.
import { appendFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Environment } from "../environment-variables.ts";
import { FobError } from "../errors.ts";
import { ensureFolder } from "../files/create.ts";
import { explainFileError, readWhole } from "../files/read.ts";
import { assertOwnFile, beginReplace, resolveFile } from "../files/replace.ts";
import { quoteShellWord } from "../text.ts";

export interface ShellLine {
  readonly shell: "bash" | "zsh" | "fish";
  /** What it does. */
  readonly text: string;
  /** The command line that does the same. */
  readonly command: string;
  /** The file that holds fob's script, and the script. */
  readonly script: { readonly path: string; readonly content: string };
  /** The start-up file, and the line in it; fish reads a whole folder. */
  readonly start: { readonly path: string; readonly line: string } | undefined;
}

/** @param content what `fob shell-init` prints for the shell */
export function describeShellLine(
  shell: ShellLine["shell"],
  content: string,
  { env, home }: { readonly env: Environment; readonly home: string },
): ShellLine {
  const shown = (path: string): string =>
    path.startsWith(`${home}/`) ? `~/${quoteShellWord(path.slice(home.length + 1))}` : quoteShellWord(path);
  if (shell === "fish") {
    const folder = join(env.XDG_CONFIG_HOME || join(home, ".config"), "fish", "conf.d");
    return {
      shell,
      text: "write fob's functions for fish to conf.d/fob.fish in fish's folder: mfa, a prompt segment and completion",
      command: `mkdir -p ${shown(folder)} && fob shell-init fish > ${shown(join(folder, "fob.fish"))}`,
      script: { path: join(folder, "fob.fish"), content },
      start: undefined,
    };
  }
  const name = `.fob.${shell}`;
  const start = shell === "zsh" ? join(env.ZDOTDIR || home, ".zshrc") : join(home, ".bashrc");
  return {
    shell,
    text: `add a line to .${shell}rc that reads ~/${name}: mfa, a prompt segment and completion`,
    command: `fob shell-init ${shell} > ~/${name} && echo '. ~/${name}' >> ${shown(start)}`,
    script: { path: join(home, name), content },
    start: { path: start, line: `. ~/${name}` },
  };
}

const read = (path: string): string | undefined => {
  const bytes = readWhole(path);
  return bytes === undefined ? undefined : Buffer.from(bytes, "latin1").toString("utf8");
};

/** Whether the shell takes it on: the line is there, or another one that runs `fob shell-init`. */
export function hasShellLine({ shell, script, start }: ShellLine): boolean {
  if (!start) return read(script.path) !== undefined;
  const lines = (read(start.path) ?? "").split("\n").map((line) => line.trim());
  const isThere = lines.includes(start.line) && read(script.path) !== undefined;
  return isThere || lines.some((line) => !line.startsWith("#") && line.includes(`fob shell-init ${shell}`));
}

/** Writes the script, and then the line, unless it is there. The start-up file keeps its mode. @throws FobError */
export function addShellLine({ script, start }: ShellLine): void {
  const path = resolveFile(script.path);
  ensureFolder(dirname(path));
  assertOwnFile(path);
  const replacement = beginReplace(path);
  replacement.write(Buffer.from(script.content));
  replacement.commit();
  if (!start) return;
  const text = read(start.path) ?? "";
  if (text.split("\n").some((line) => line.trim() === start.line)) return;
  try {
    appendFileSync(start.path, `${text === "" || text.endsWith("\n") ? "" : "\n"}${start.line}\n`, { mode: 0o600 });
  } catch (error) {
    const { message, hints } = explainFileError(error, start.path);
    throw new FobError(message, [...hints, `or add this line to the start-up file of your shell: ${start.line}`]);
  }
}
