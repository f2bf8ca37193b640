// The session store: one file per session, the truth from which session profiles are written.
//
// Line 1: `fob1`, the second since 1970 until which the file may be served as it is, the session profile.
// Line 2: exactly the JSON that credential_process prints.
// Line 3: what else is known, as JSON.
// So a shell can decide on line 1, print line 2, and need not understand either.
import { chmodSync, lstatSync, readdirSync, unlinkSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { FobError, systemCode, UsageError } from "../errors.ts";
import { ensureFolder, readBytes } from "../files/edit.ts";
import { type LockOptions, withLock } from "../files/lock.ts";
import { assertReplaceable, beginReplace, explained, type Replacement, sweepTemporaries } from "../files/replace.ts";
import { quote } from "../text.ts";
import { margin, wanted } from "./freshness.ts";
import { expirationText, type Session } from "./session.ts";

/** What the store has under a session profile's name. */
export type Stored =
  | { readonly state: "missing"; readonly profile: string }
  | { readonly state: "unreadable"; readonly profile: string; readonly path: string; readonly reason: string }
  | { readonly state: "readable"; readonly profile: string; readonly session: Session };

export interface Store {
  readonly folder: string;
  read(profile: string): Stored;
  /** All that is there, by name. */
  list(): Stored[];
  /** Runs `work` while no other process of fob makes or removes this session. */
  locked<T>(profile: string, options: Omit<LockOptions, "patience">, work: () => Promise<T>): Promise<T>;
  /** Makes sure of the disk space for a session before a code is spent on it. Only under its lock. @throws FobError */
  reserve(profile: string): Reservation;
  /** Only under its lock. @throws FobError */
  write(session: Session): void;
  /** Only under its lock. @throws FobError */
  remove(profile: string): void;
}

export interface Reservation {
  /** @throws FobError */
  fill(session: Session): void;
  /** Gives the space back. Nothing to do after `fill`. */
  abandon(): void;
}

/** More than a session file needs: AWS's session tokens are a kilobyte or so, at most 4 KB. */
const RESERVED_BYTES = 16_384;

/**
 * Where the store is: `FOB_HOME`, else `fob/` beside the credentials file in use.
 *
 * @throws UsageError for a relative FOB_HOME, which would be another store in every folder
 */
export function storeFolder(env: Readonly<Record<string, string | undefined>>, credentialsPath: string): string {
  const home = env.FOB_HOME;
  if (!home) return join(dirname(credentialsPath), "fob");
  if (isAbsolute(home)) return home;
  throw new UsageError(`FOB_HOME is ${quote(home)}, which is not an absolute path`, 'export FOB_HOME="$HOME/.fob"');
}

export function openStore(folder: string): Store {
  const sessions = join(folder, "sessions");
  const pathOf = (profile: string): string => join(sessions, fileName(profile));
  const write = (session: Session, replacement: Replacement): void => {
    replacement.write(Buffer.from(serialise(session)));
    replacement.commit();
  };
  return {
    folder,
    read: (profile) => readStored(pathOf(profile), profile),
    list() {
      let names: string[];
      try {
        names = readdirSync(sessions).filter((name) => !name.startsWith("."));
      } catch (error) {
        if (systemCode(error) === "ENOENT") return [];
        throw explained(error, sessions);
      }
      return names.sort().map((name) => readStored(join(sessions, name), profileOf(name)));
    },
    async locked(profile, options, work) {
      makePrivate(folder);
      makePrivate(sessions);
      const lock = join(sessions, `.${fileName(profile)}.lock`);
      return await withLock(lock, { ...options, patience: Number.POSITIVE_INFINITY }, work);
    },
    reserve(profile) {
      const path = pathOf(profile);
      assertReplaceable(path);
      sweepTemporaries(path);
      const replacement = beginReplace(path, RESERVED_BYTES);
      return { fill: (session) => write(session, replacement), abandon: replacement.abandon };
    },
    write(session) {
      write(session, beginReplace(pathOf(session.profile)));
    },
    remove(profile) {
      try {
        unlinkSync(pathOf(profile));
      } catch (error) {
        if (systemCode(error) !== "ENOENT") throw explained(error, pathOf(profile));
      }
    },
  };
}

/** The JSON of the SDKs' credential_process contract. https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html */
export function processJson(session: Session): string {
  const { credentials, account } = session;
  return JSON.stringify({
    Version: 1,
    AccessKeyId: credentials.accessKeyId,
    SecretAccessKey: credentials.secretAccessKey,
    SessionToken: credentials.sessionToken,
    Expiration: expirationText(credentials.expiration),
    ...(account === undefined ? {} : { AccountId: account }),
  });
}

function serialise(session: Session): string {
  // What line 2 says already is not said again.
  const { credentials, ...rest } = session;
  const about = { ...rest, account: undefined };
  const span = { issued: session.issued, expiration: credentials.expiration };
  const servedUntil = Math.floor(credentials.expiration / 1000 - margin(span, wanted.use, undefined));
  return `fob1 ${servedUntil} ${session.profile}\n${processJson(session)}\n${JSON.stringify(about)}\n`;
}

function readStored(path: string, profile: string): Stored {
  const unreadable = (reason: string): Stored => ({ state: "unreadable", profile, path, reason });
  try {
    const found = lstatSync(path);
    if (!found.isFile()) return unreadable("is not a regular file");
    const user = process.geteuid?.();
    if (user !== undefined && found.uid !== user) return unreadable(`belongs to another user (uid ${found.uid})`);
    const text = Buffer.from(readBytes(path) ?? "", "latin1").toString("utf8");
    const session = parse(text);
    if (typeof session === "string") return unreadable(session);
    if (session.profile !== profile) return unreadable(`is of another profile, ${quote(session.profile)}`);
    return { state: "readable", profile, session };
  } catch (error) {
    if (systemCode(error) === "ENOENT") return { state: "missing", profile };
    return unreadable(error instanceof Error ? error.message : String(error));
  }
}

/** The session, or what is wrong with the text. */
function parse(text: string): Session | string {
  const [first = "", second = "", third, rest] = text.split("\n");
  const header = /^fob1 (\d+) (.+)$/.exec(first);
  if (!header) return first.startsWith("fob") ? "was written by another version of fob" : "is not a session file";
  if (third === undefined || rest === undefined) return "is cut off";
  try {
    const answer = JSON.parse(second) as Record<string, unknown>;
    const about = JSON.parse(third) as Omit<Session, "credentials" | "account">;
    const expiration = Date.parse(String(answer.Expiration));
    const [accessKeyId, secretAccessKey, sessionToken] = [
      answer.AccessKeyId,
      answer.SecretAccessKey,
      answer.SessionToken,
    ];
    const isWhole =
      typeof accessKeyId === "string" &&
      typeof secretAccessKey === "string" &&
      typeof sessionToken === "string" &&
      Number.isFinite(expiration) &&
      Number.isFinite(about.issued) &&
      typeof about.serialNumber === "string" &&
      typeof about.source.profile === "string" &&
      Array.isArray(about.writtenTo) &&
      about.profile === header[2];
    if (!isWhole) return "lacks something that every session has";
    const account = typeof answer.AccountId === "string" ? answer.AccountId : undefined;
    return { ...about, account, credentials: { accessKeyId, secretAccessKey, sessionToken, expiration } };
  } catch {
    return "is damaged";
  }
}

/**
 * A profile's file: its name, with everything percent-encoded that some file system or shell might take for something
 * else, capitals included, since `Work` and `work` are one file on some.
 */
function fileName(profile: string): string {
  return [...Buffer.from(profile)]
    .map((byte, index) => {
      const character = String.fromCharCode(byte);
      const isPlain = /[a-z0-9_@+=-]/.test(character) || (character === "." && index > 0);
      return isPlain ? character : `%${byte.toString(16).padStart(2, "0")}`;
    })
    .join("");
}

function profileOf(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function makePrivate(folder: string): void {
  ensureFolder(folder);
  try {
    if (process.platform !== "win32" && (lstatSync(folder).mode & 0o077) !== 0) chmodSync(folder, 0o700);
  } catch (error) {
    throw new FobError(
      `others can read ${quote(folder)}, and that cannot be changed`,
      `chmod 700 ${folder}`,
      undefined,
      error,
    );
  }
}
