// What is wrong with the AWS files and is no error: said after a login, and by `fob doctor`.
import { formatOption, quote, quoteShellWord } from "../text.ts";
import type { Obstacle } from "./aws-command.ts";
import type { AwsFile } from "./files.ts";
import type { Property } from "./scan.ts";

/** In the style of messages: lower case, no full stop. */
export interface Advice {
  readonly message: string;
  /** What to do, as a command that can be pasted where there is one. */
  readonly fix: string;
}

/** The command that opens a file at a line. */
export const formatEditor = (path: string, line: number): string => `\${EDITOR:-vi} +${line} ${quoteShellWord(path)}`;

/** The aws command finds no profile at all in a file that it cannot read. */
export function adviseOnObstacle(path: string, { line, reason, fix, isOtherSection }: Obstacle): Advice {
  const effect = isOtherSection ? "and the SDKs read different sections of" : "cannot read";
  return {
    message: `aws ${effect} ${quote(path)}: line ${line} ${reason}`,
    fix: `${fix}: ${formatEditor(path, line)}`,
  };
}

/** AWS refuses a long-term key with a token, so every other program that uses the profile fails. */
export function adviseOnOldToken({ kind, path }: AwsFile, { key, line }: Property, profile: string): Advice {
  return {
    message: `line ${line} of ${quote(path)} is the token of an older session`,
    fix: `remove it: ${kind === "credentials" ? `aws configure set ${key} '' ${formatOption("--profile", profile)}` : formatEditor(path, line)}`,
  };
}
