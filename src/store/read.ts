// The session store, read.
import { lstatSync, readdirSync, type Stats } from "node:fs";
import { dirname, join } from "node:path";
import { type ExitCode, getSystemCode } from "../errors.ts";
import { assertFolderPlace, describeOddity, explainFileError, readBytes } from "../files/read.ts";
import { quote } from "../text.ts";
import { otherVersion, parseSession } from "./format.ts";
import { encodeFileName, getSessionsFolder } from "./paths.ts";
import type { Session } from "./session.ts";

/** What the store has under a session profile's name. */
export type Stored =
  | { readonly state: "missing"; readonly profile: string }
  | Unreadable
  | { readonly state: "readable"; readonly profile: string; readonly session: Session };

export interface Unreadable {
  readonly state: "unreadable";
  readonly profile: string;
  readonly path: string;
  readonly reason: string;
  /** Whether another version of fob has made it, from a source that this one does not know: it is not this one's to replace. */
  readonly isOtherVersion: boolean;
  /** Whether it is no file of this user's at all: a new session cannot take its place. */
  readonly isInTheWay: boolean;
}

/** A rejection that programs get again for a moment instead of a new prompt. */
export interface Rejection {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly message: string;
  readonly hints: readonly string[];
  readonly exitCode: ExitCode;
}

export interface Store {
  readonly folder: string;
  readonly read: (profile: string) => Stored;
  /** All that is there, by name, roles too. */
  readonly list: () => Stored[];
}

/** The sessions themselves: the credentials of roles come from them. */
export function listSessionProfiles(store: Store): string[] {
  return store.list().flatMap((stored) => (isRoleSession(stored) ? [] : stored.profile));
}

/** The session of a session profile, if the store has one; not the credentials of a role. */
export function readSession(store: Store, profile: string): Session | undefined {
  const stored = store.read(profile);
  return stored.state === "readable" && !isRoleSession(stored) ? stored.session : undefined;
}

/** Whether it is of a role, and not a session itself. */
export const isRoleSession = (stored: Stored): boolean =>
  stored.state === "readable" && stored.session.roles.length > 0;

/** @param readFile how a session file is read */
export function openStore(folder: string, readFile = readStored): Store {
  const sessions = getSessionsFolder(folder);
  return {
    folder,
    read: (profile) => readFile(join(sessions, encodeFileName(profile)), profile),
    list() {
      let names: string[];
      try {
        names = readdirSync(sessions).filter((name) => !name.startsWith("."));
      } catch (error) {
        if (getSystemCode(error) === "ENOENT") return [];
        if (getSystemCode(error) === "ENOTDIR") assertFolderPlace(sessions);
        throw explainFileError(error, sessions);
      }
      return names.sort().map((name) => readFile(join(sessions, name), decodeProfile(name)));
    },
  };
}

/** What a session file holds, under whatever name it stands. */
export function readStored(path: string, profile: string): Stored {
  const unreadable = (reason: string, { isOtherVersion = false, isInTheWay = false } = {}): Stored => {
    return { state: "unreadable", profile, path, reason, isOtherVersion, isInTheWay };
  };
  try {
    const found = lstatSync(path);
    const intruder = describeIntruder(found);
    if (intruder !== undefined) return unreadable(intruder, { isInTheWay: true });
    const text = Buffer.from(readBytes(path) ?? "", "latin1").toString("utf8");
    const session = parseSession(text);
    if (typeof session === "string") return unreadable(session, { isOtherVersion: session === otherVersion });
    if (session.profile !== profile) return unreadable(`belongs to another profile, ${quote(session.profile)}`);
    return { state: "readable", profile, session };
  } catch (error) {
    // Then no session is there, and none can be put there.
    if (getSystemCode(error) === "ENOTDIR") {
      assertFolderPlace(dirname(path));
      throw explainFileError(error, path);
    }
    if (/^(ENOENT|ENAMETOOLONG)$/.test(getSystemCode(error))) return { state: "missing", profile };
    return unreadable(error instanceof Error ? error.message : String(error));
  }
}

/** What is wrong with what is in the place of a session file and is no file of this user's; else undefined. */
export function describeIntruder(found: Stats): string | undefined {
  if (!found.isFile()) return describeOddity(found, "a regular file");
  return found.uid === (process.geteuid?.() ?? found.uid) ? undefined : `belongs to another user (uid ${found.uid})`;
}

function decodeProfile(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
