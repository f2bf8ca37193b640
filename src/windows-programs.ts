// How Windows starts a program by its name. A shell there takes npm for npm.cmd; the system itself looks for programs alone,
// and Node.js starts no batch file, because only cmd can run one, and cmd reads a command line in its own way.
import { statSync } from "node:fs";
import { win32 } from "node:path";
import type { Environment } from "./environment-variables.ts";

/** What to start in place of a command. */
export interface WindowsStart {
  readonly file: string;
  readonly args: readonly string[];
  /** Whether the arguments are a command line already. */
  readonly isVerbatim: boolean;
}

/** Others need the program that opens them. */
const runnable = [".COM", ".EXE", ".BAT", ".CMD"];

/** The file that a shell would start, and undefined without one. A name alone is never a file of the working directory. */
export function findOnWindows(name: string, env: Environment): string | undefined {
  if (name === "") return undefined;
  if (/[\\/:]/.test(name)) return findWithExtension(name, env);
  for (const folder of (env.PATH ?? "").split(";")) {
    const found = win32.isAbsolute(folder) ? findWithExtension(win32.join(folder, name), env) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function findWithExtension(path: string, env: Environment): string | undefined {
  const known = (env.PATHEXT || runnable.join(";")).split(";").filter((end) => runnable.includes(end.toUpperCase()));
  const isComplete = runnable.includes(win32.extname(path).toUpperCase());
  return [...(isComplete ? [path] : []), ...known.map((end) => `${path}${end.toLowerCase()}`)].find(isFile);
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** @throws Error for an argument that cmd would cut off */
export function startOnWindows(name: string, args: readonly string[], env: Environment): WindowsStart {
  const file = findOnWindows(name, env) ?? name;
  if (!/\.(bat|cmd)$/i.test(file)) return { file, args, isVerbatim: false };
  const line = [`"${win32.normalize(file)}"`, ...args.map(quoteForBatchFile)].join(" ");
  // With another pair of quotes around it all, which cmd removes.
  return { file: env.ComSpec || "cmd.exe", args: ["/e:on", "/v:off", "/d", "/c", `"${line}"`], isVerbatim: true };
}

/**
 * A word as a batch file passes it on, as Rust's standard library writes it: cmd reads a doubled quote as the end and the
 * beginning of a quoted text, and programs as a quote. So everything else stays within quotes.
 */
function quoteForBatchFile(word: string): string {
  if (/[\0\r\n]/.test(word)) throw new Error("a batch file takes no line break in an argument");
  if (/^[\w#$*+./:?@\\-]+$/.test(word) && !word.endsWith("\\")) return word;
  // A backslash counts only in front of a quote, for programs.
  const escaped = word.replace(/(\\*)"/g, '$1$1""').replace(/\\+$/, "$&$&");
  // cmd expands %NAME% even within quotes. After each %, this puts %cd:~,%: an empty part of a variable that always exists.
  return `"${escaped.replaceAll("%", "%%cd:~,%")}"`;
}
