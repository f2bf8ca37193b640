// Processes: what the system tells about them (on Linux from /proc, elsewhere from `ps`; on Windows nothing), and the one
// way in which fob starts programs.
import { execFileSync, type SpawnOptions, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { copyEnvironment, type Environment } from "./environment-variables.ts";
import { getSystemCode } from "./errors.ts";
import { startOnWindows } from "./windows-programs.ts";

export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  /** The name of the program, which may hold anything; on macOS its path. */
  readonly name: string;
  /** `R` running, `S` sleeping, `T` stopped, `Z` ended and not reaped, … */
  readonly state: string;
  readonly group: number;
  /** Only from /proc. */
  readonly session: number | undefined;
  /** The name or number of its terminal; not the same on every system for "none". */
  readonly terminal: string;
  /** The foreground group of that terminal; less than 1 without a terminal. */
  readonly foreground: number;
  /** When it started, in the system's own unit, to tell it from a later process with the same id; "" if unknown. */
  readonly started: string;
}

/** A process; undefined if it has gone, or if this system does not tell. */
export function findProcess(pid: number, platform: NodeJS.Platform = process.platform): ProcessInfo | undefined {
  if (platform === "linux") return readProcess(pid);
  return platform === "win32" ? undefined : processesFromPs(["-p", String(pid)])[0];
}

/** A process, from /proc alone: quick enough to be looked at again and again. Undefined outside Linux. */
export function readProcess(pid: number): ProcessInfo | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return undefined;
  }
}

/** Whether a process is there and has not ended. One that has ended but was not reaped (a zombie) is not running. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // It may be another user's.
    if (getSystemCode(error) === "ESRCH") return false;
  }
  return !/^[ZX]/.test(readProcess(pid)?.state ?? "");
}

/** Whether a process was stopped by Ctrl-Z or SIGSTOP, or is held by a debugger. */
export function isStopped(pid: number): boolean {
  return /^[Tt]/.test(findProcess(pid)?.state ?? "");
}

/** A process as messages name it: `process 12`, or `process 12, which is stopped`. */
export const nameProcess = (pid: number): string => `process ${pid}${isStopped(pid) ? ", which is stopped" : ""}`;

/** The command line that ends a process. One that is stopped has to be woken to hear of it. */
export const killLine = (pid: number): string => `kill ${pid}${isStopped(pid) ? `; kill -CONT ${pid}` : ""}`;

/** Whether a process is in the foreground of its terminal. */
export const isForeground = ({ group, foreground }: ProcessInfo): boolean => group === foreground && foreground > 0;

/** The processes that a process has started, those that they have started, and so on. */
export function listDescendants(ancestor: number, platform: NodeJS.Platform = process.platform): number[] {
  if (platform === "win32") return [];
  const all = platform === "linux" ? processesFromProc() : processesFromPs(["-A"]);
  // They are read one after the other, and ids are reused meanwhile: one may seem to descend from itself.
  const seen = new Set([ancestor]);
  for (const of of seen) for (const { pid, parent } of all) if (parent === of) seen.add(pid);
  return [...seen].slice(1);
}

function processesFromProc(): ProcessInfo[] {
  return listProc()
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name)))
    .filter((found) => found !== undefined);
}

/** Nothing where it cannot be read. */
function listProc(): string[] {
  try {
    return readdirSync("/proc");
  } catch {
    return [];
  }
}

/** proc_pid_stat(5). The name is in parentheses and may hold blanks and parentheses. */
export function parseStat(stat: string): ProcessInfo {
  const [start, end] = [stat.indexOf("("), stat.lastIndexOf(")")];
  const fields = stat.slice(end + 2).split(" ");
  const [state = "", parent, group, session, terminal = "", foreground] = fields;
  return {
    pid: Number(stat.slice(0, start)),
    parent: Number(parent),
    name: stat.slice(start + 1, end),
    state,
    group: Number(group),
    session: Number(session),
    terminal,
    foreground: Number(foreground),
    started: fields[19] ?? "",
  };
}

/** By absolute path: what PATH finds first may be anything. */
const psPaths = ["/bin/ps", "/usr/bin/ps"];
/** Every `ps` has these, busybox's aside. The name is last: it may hold blanks. */
const columns = "pid=,ppid=,pgid=,tpgid=,tty=,stat=,lstart=,comm=";

function processesFromPs(which: readonly string[]): ProcessInfo[] {
  const ps = psPaths.find((path) => existsSync(path));
  if (ps === undefined) return [];
  try {
    const table = execFileSync(ps, [...which, "-o", columns], {
      // The start is a local time, in words.
      env: { LC_ALL: "C", TZ: "UTC" },
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 5000,
    });
    return parseTable(table);
  } catch {
    return [];
  }
}

/** The output of `ps`, with the columns above. */
export function parseTable(table: string): ProcessInfo[] {
  const row = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(-?\d+)\s+(\S+)\s+(\S+)\s+(\w+ \w+ +\d+ [\d:]+ \d+)\s+(.*?)\s*$/;
  return table.split("\n").flatMap((line): ProcessInfo[] => {
    const [, pid, parent, group, foreground, terminal = "", state = "", started = "", name = ""] = row.exec(line) ?? [];
    if (pid === undefined) return [];
    const numbers = { pid: Number(pid), parent: Number(parent), group: Number(group), foreground: Number(foreground) };
    return [{ ...numbers, session: undefined, terminal, state, started, name }];
  });
}

/** The desktop whose programs show windows, notifications and pages. */
export interface Desktop {
  readonly env: Environment;
  readonly platform: NodeJS.Platform;
  /** Only with --debug. */
  readonly debug: (message: string) => void;
}

/**
 * Starts a program, as `spawn` of node:child_process does, and never one from the working directory in place of it. On
 * Windows also a batch file.
 */
export const startProgram = ((file: string, args: readonly string[], options: SpawnOptions) => {
  const kept = keepToPath(options);
  if (process.platform !== "win32" || options.shell) return spawn(file, args, kept);
  const env = copyEnvironment(options.env ?? process.env, process.platform);
  const start = startOnWindows(file, args, env);
  return spawn(start.file, start.args, {
    ...kept,
    windowsVerbatimArguments: start.isVerbatim,
  });
}) as typeof spawn;

const noWorkingDirectory = { NoDefaultCurrentDirectoryInExePath: "1" };

/**
 * Windows looks for a program in the working directory before it looks in PATH, and fob is started in folders that others
 * have filled. The search for the program follows the environment of the process that starts it, and what a shell starts
 * that of the shell.
 *
 * @param own the environment of this process, which is changed
 */
export function keepToPath(
  options: SpawnOptions,
  platform: NodeJS.Platform = process.platform,
  own: NodeJS.ProcessEnv = process.env,
): SpawnOptions {
  if (platform !== "win32") return options;
  Object.assign(own, noWorkingDirectory);
  return options.shell ? { ...options, env: { ...(options.env ?? own), ...noWorkingDirectory } } : options;
}
