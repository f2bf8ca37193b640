// Where the session store is, and a session in it.
import { dirname, isAbsolute, join, resolve } from "node:path";
import type { Environment } from "../environment-variables.ts";
import { UsageError } from "../errors.ts";
import { quote } from "../text.ts";

/**
 * Where the store is: `FOB_HOME`, else `fob/` beside the credentials file in use.
 *
 * @throws UsageError for a relative FOB_HOME, which would be another store in every folder
 */
export function getStoreFolder(env: Environment, credentialsPath: string): string {
  const home = env.FOB_HOME;
  if (!home) return join(dirname(credentialsPath), "fob");
  // Without a slash at its end, with which a symbolic link would be followed.
  if (isAbsolute(home)) return resolve(home);
  throw new UsageError(`FOB_HOME is ${quote(home)}, which is not an absolute path`, 'export FOB_HOME="$HOME/.fob"');
}

export const getSessionsFolder = (folder: string): string => join(folder, "sessions");

/** The lock of a session or a role: in a folder of its own, so that no session can have the name of a lock. */
export const sessionLock = (folder: string, profile: string): string =>
  join(folder, "locks", `session-${encodeFileName(profile)}`);

/** The journal of steps that change something: `rollout-123456789012`. */
export const journalFile = (folder: string, name: string): string =>
  join(folder, "journals", `${encodeFileName(name)}.jsonl`);

/** The lock of a journal: held while its steps are run. */
export const journalLock = (folder: string, name: string): string =>
  join(folder, "locks", `journal-${encodeFileName(name)}`);

/** The lock of a terminal, on which one question is asked at a time. @param id hexadecimal */
export const terminalLock = (folder: string, id: string): string => join(folder, "locks", `terminal-${id}`);

/**
 * A profile's file: its name, with everything percent-encoded that some file system or shell might take for something
 * else, capitals included, since `Work` and `work` are one file on some.
 */
export function encodeFileName(profile: string): string {
  const bytes = Buffer.from(profile);
  const isDevice = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/.test(profile);
  return [...bytes]
    .map((byte, index) => {
      const character = String.fromCharCode(byte);
      // Windows takes con.txt for the console, and leaves out a dot at the end.
      const isDot = character === "." && index > 0 && index < bytes.length - 1;
      const isPlain = (/[a-z0-9_@+=-]/.test(character) && !(isDevice && index === 0)) || isDot;
      return isPlain ? character : `%${byte.toString(16).padStart(2, "0")}`;
    })
    .join("");
}
