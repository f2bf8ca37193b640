// Looking for a program as a shell does, before anything is asked for its sake.
import { accessSync, closeSync, constants, existsSync, openSync, readSync, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import type { Environment } from "../environment-variables.ts";
import { getSystemCode } from "../errors.ts";
import { findOnWindows } from "../windows-programs.ts";

/** Why a program cannot be run: no such program (exit code 127), or one that the system does not run (126). */
export interface ProgramProblem {
  readonly exitCode: 126 | 127;
  readonly reason: string;
}

const missing: ProgramProblem = { exitCode: 127, reason: "not found" };

/** The environment with the absolute folders of PATH alone: no program of the working directory is run. */
export function withAbsolutePath(env: Environment): Environment {
  const folders = (env.PATH ?? "").split(delimiter).filter((folder) => isAbsolute(folder));
  return { ...env, PATH: folders.join(delimiter) };
}

/** What keeps a program from being run; undefined if nothing does. */
export function findProblem(
  name: string,
  env: Environment,
  platform: NodeJS.Platform = process.platform,
): ProgramProblem | undefined {
  if (platform === "win32") {
    if (findOnWindows(name, env) !== undefined) return undefined;
    const isThere = /[\\/]/.test(name) && existsSync(name);
    return isThere ? { exitCode: 126, reason: "it is neither a program nor a batch file" } : missing;
  }
  const { PATH: path } = env;
  // `exec` in a shell would take the second for an option.
  if (name === "" || name.startsWith("-")) return missing;
  if (name.includes("/")) return problemOf(name);
  // Without a PATH, each shell has one of its own.
  if (path === undefined) return undefined;
  let problem = missing;
  for (const folder of path.split(":")) {
    const found = problemOf(join(folder || ".", name));
    if (found === undefined) return undefined;
    // What cannot be run is passed over, but is said if there is no other.
    if (found.exitCode === 126 && problem === missing && !found.reason.startsWith("ENOTDIR")) problem = found;
  }
  return problem;
}

function problemOf(file: string): ProgramProblem | undefined {
  try {
    if (statSync(file).isDirectory()) return { exitCode: 126, reason: "it is a directory" };
    accessSync(file, constants.X_OK);
  } catch (error) {
    return getSystemCode(error) === "ENOENT" ? missing : { exitCode: 126, reason: (error as Error).message };
  }
  const interpreter = interpreterOf(file);
  // No more than that: it may be a script in turn, and even this one.
  return interpreter !== undefined && isMissing(interpreter)
    ? { exitCode: 126, reason: `its interpreter ${interpreter} does not exist` }
    : undefined;
}

function isMissing(file: string): boolean {
  try {
    statSync(file);
    return false;
  } catch (error) {
    return getSystemCode(error) === "ENOENT";
  }
}

/** The program that a script names in its first line. */
function interpreterOf(file: string): string | undefined {
  const start = Buffer.alloc(256);
  try {
    const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      readSync(descriptor, start, 0, start.length, 0);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // It may be run without being readable.
    return undefined;
  }
  return /^#![ \t]*(\/[^\s\0]*)/.exec(start.toString("latin1"))?.[1];
}
