// Says why a program that the user named cannot be run.
import type { ProgramProblem } from "../environment/program.ts";
import { quote, quoteShellWord } from "../text.ts";
import { formatCommand } from "../typed-command.ts";
import type { Context } from "./context.ts";

/** Whether a word is a line for a shell, such as `aws s3 ls | wc -l` in quotes, and not just a misspelled name. */
const isForShell = (word: string): boolean => /[\s|&;<>()$`*?~=]/.test(word);

/** Says why the program cannot be run. @returns the exit code of shells */
export function reportStartProblem(
  program: string,
  { exitCode, reason }: ProgramProblem,
  { say, typed }: Context,
): number {
  const isMissing = exitCode === 127;
  const retype = (...behind: string[]): string => formatCommand({ ...typed, behind });
  say.error(isMissing ? `${quote(program)}: command not found` : `cannot run ${quote(program)}: ${reason}`);
  const shell = process.platform === "win32" ? ["cmd", "/c"] : ["sh", "-c"];
  if (isMissing && isForShell(program)) say.hint(`let a shell run it: ${retype(...shell, program)}`);
  else if (!isMissing) say.hint(`check the file: ls -l ${quoteShellWord(program)}`);
  return exitCode;
}

/** The same for what the system said when it was started. */
export function reportFailedStart(program: string, { code, message }: NodeJS.ErrnoException, context: Context): number {
  return reportStartProblem(program, { exitCode: code === "ENOENT" ? 127 : 126, reason: message }, context);
}
