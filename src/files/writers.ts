// Which other users can write a file: its content may be theirs.
import { type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import { getSystemCode } from "../errors.ts";
import { quote, quoteShellWord } from "../text.ts";
import { resolveFile } from "./replace.ts";

/**
 * Who else can write a file, or put another in its place, in words; undefined where that is the user and root alone.
 * Windows tells nothing of that in a file's mode.
 *
 * @throws FobError for a circle of links
 */
export function otherWritersOf(path: string, user = process.geteuid?.()): string | undefined {
  if (user === undefined) return undefined;
  const file = resolveFile(path);
  const ofFile = otherWriters(file, user, false);
  if (ofFile !== undefined) return ofFile;
  // Behind a link there are two folders, and either decides what the path leads to.
  for (const folder of new Set([dirname(path), dirname(file)])) {
    const ofFolder = otherWriters(folder, user, true);
    if (ofFolder !== undefined) return `is in the folder ${quote(folder)}, which ${ofFolder}`;
  }
  return undefined;
}

function otherWriters(path: string, user: number, isFolder: boolean): string | undefined {
  let found: Stats | undefined;
  try {
    found = statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    return `cannot be checked (${getSystemCode(error)})`;
  }
  if (!found) return undefined;
  if (found.uid !== user && found.uid !== 0) return `belongs to another user (uid ${found.uid})`;
  // In a sticky folder they can make files, but not replace the user's.
  if (!isWritable(found) || (isFolder && (found.mode & 0o1000) !== 0)) return undefined;
  const mode = (found.mode & 0o777).toString(8);
  return `others can write (mode ${mode}; to keep them out: chmod go-w ${quoteShellWord(path)})`;
}

/** A group with its owner's own number is that user's alone, as most Linux systems make it, with a umask of 002. */
const isWritable = ({ mode, uid, gid }: Stats): boolean =>
  (mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && gid !== uid);
