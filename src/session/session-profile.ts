// Writing a session to its session profile, and taking it away again. What may be written is decided on what the file
// holds at that moment, under its lock: a prompt may have been open for an hour.
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { formatClockTime } from "../duration.ts";
import { CancelledError, FobError } from "../errors.ts";
import { type EditOutcome, obstacleTo } from "../files/edit.ts";
import { listLeftovers, resolveFile, writeNew } from "../files/replace.ts";
import type { Change } from "../profiles/edit.ts";
import { type AwsFiles, getProperty, type Properties, readAwsFiles } from "../profiles/files.ts";
import { classifyKeys, classifyOwnKeys, classifyProcess, findKeychainId } from "../profiles/inspect.ts";
import type { AwsFilePaths } from "../profiles/paths.ts";
import { editProfile, removeFromProfile } from "../profiles/write.ts";
import {
  expiryIn,
  expiryKeys,
  formatExpiration,
  type Place,
  type Session,
  type WrittenPlace,
} from "../store/session.ts";
import { quote } from "../text.ts";
import type { FormatLogin } from "../typed-command.ts";
import type { SessionContext } from "./context.ts";
import { getSessionProfileName, type ProfilePair } from "./profile-pair.ts";
import { serialKeys } from "./settings.ts";
import { type CopiedSettings, settingsToCopy, unchangedSettings } from "./source-settings.ts";

/** Everything that fob writes into a session profile of the credentials file. */
export const sessionKeys = [
  "aws_access_key_id",
  "aws_secret_access_key",
  "aws_session_token",
  // botocore prefers this one, which older tools wrote, to the token above.
  "aws_security_token",
  // The expiry, under both names that prompts and tools read.
  ...expiryKeys,
] as const;

/** Settings of a profile with which programs would get other credentials, whatever the credentials file says. */
const otherWays = ["role_arn", "sso_session", "sso_start_url", "login_session", "web_identity_token_file"] as const;

export interface TargetOptions {
  readonly replaceLongTerm: boolean;
  /** The session that fob has there, if any: its keys may be replaced. */
  readonly previous: Session | undefined;
  /** The settings of the source as they were copied before. */
  readonly copies: CopiedSettings | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Another tool's session is left alone, also where the profile has the name of one of fob's. */
  readonly isOnlyOwn?: boolean;
  /** The user wants a new session, whatever is there: also in the place of one whose end nothing tells. */
  readonly takesOver?: boolean;
  /** The keys go into the credentials file, although fob's credential_process is in the config: that is removed. */
  readonly leavesProcess?: boolean;
  /** For hints. */
  readonly formatLogin: FormatLogin;
}

/**
 * Makes sure that the session profile may be written: before a code is asked for, and again before it is written.
 *
 * @throws FobError where it holds long-term credentials (unless those are to be replaced), another tool's session, or
 * gets its credentials in another way
 */
export function assertTarget(pair: ProfilePair, files: AwsFiles, options: TargetOptions): void {
  const { session } = pair;
  const elsewhere = formatElsewhereHint(pair, options);
  const inConfig = (key: string): FobError =>
    new FobError(`the profile ${quote(session)} has ${key}, so programs would not use the session`, [
      elsewhere,
      `or remove that line from ${quote(files.config.path)}`,
    ]);
  if (classifyProcess(files, session) === "foreign") throw inConfig("its own credential_process");
  const other = otherWays.find((key) => getProperty(files, session, key) !== undefined);
  if (other !== undefined) throw inConfig(other);
  if (findKeychainId(files, session) !== undefined) {
    throw new FobError(`the profile ${quote(session)} has its long-term credentials in the keychain`, elsewhere);
  }
  if (classifyOwnKeys(files, session) === "long-term" && !options.replaceLongTerm)
    throw createLongTermError(pair, options);
  assertOwn(pair, files.credentials.properties(session), options);
  if (obstacleTo(files.credentials.path) === undefined) files.credentials.assertEditable(session, anySession);
  const change = configToWrite(pair, files, undefined, options.copies);
  if (change) files.config.assertEditable(session, change);
}

/** A stand-in for the values that a session will have. */
const anySession: Change = {
  aws_access_key_id: "ASIA",
  aws_secret_access_key: "x",
  aws_session_token: "x",
  aws_security_token: undefined,
  ...Object.fromEntries(expiryKeys.map((key) => [key, "x"])),
};

/** @throws FobError where the section holds a session that another tool has written and that still runs */
function assertOwn(pair: ProfilePair, properties: Properties | undefined, options: TargetOptions): void {
  const { previous, now, isOnlyOwn = false } = options;
  const keyId = properties?.get("aws_access_key_id")?.value;
  // An expiry beside a long-term key was left by the session that the key has replaced.
  if (classifyKeys(properties) === "long-term") return;
  const isKnown = previous?.writtenTo.some(({ keyIds }) => keyIds.includes(keyId ?? ""));
  if (keyId === undefined || isKnown) return;
  if (classifyKeys(properties) === "temporary" && !expiryKeys.some((key) => properties?.get(key)?.value)) {
    if (options.takesOver) return;
    throw withoutExpiry(pair, options);
  }
  const expiry = expiryIn(properties);
  // A profile named by the rule is fob's, even where its store has gone; aws-mfa's users change over to fob.
  const isFobs = !isOnlyOwn && (pair.session === getSessionProfileName(pair.source) || properties?.has("assumed_role"));
  if (expiry === undefined || expiry <= now || isFobs) return;
  throw new FobError(
    `the profile ${quote(pair.session)} has a session from another tool, valid until ${formatClockTime(expiry, now)}`,
    [formatElsewhereHint(pair, options), "or remove it first with that tool"],
  );
}

/** fob always writes the expiry: what lacks it is another tool's, whatever the profile's name is. */
function withoutExpiry({ source, session }: ProfilePair, { formatLogin }: TargetOptions): FobError {
  const to = session === getSessionProfileName(source) ? {} : { to: session };
  return new FobError(`the profile ${quote(session)} has a session from another tool, with no expiration`, [
    formatElsewhereHint({ source, session }, { formatLogin }),
    `or replace it: ${formatLogin({ profile: source, set: { ...to, force: true } })}`,
  ]);
}

function createLongTermError(pair: ProfilePair, { formatLogin }: TargetOptions): FobError {
  const overwrite = { profile: pair.source, set: { to: pair.session, replaceLongTerm: true } };
  return new FobError(`the profile ${quote(pair.session)} has long-term credentials, which fob does not overwrite`, [
    formatElsewhereHint(pair, { formatLogin }),
    `or back up the file and overwrite them: ${formatLogin(overwrite)}`,
  ]);
}

const formatElsewhereHint = ({ source }: ProfilePair, { formatLogin }: Pick<TargetOptions, "formatLogin">): string =>
  `write the session to another profile: ${formatLogin({ profile: source, set: { to: "NAME" } })}`;

/** Where a session goes: the places that held the one before it, and the present credentials file. */
export function listPlaces(
  profile: string,
  keyId: string,
  paths: AwsFilePaths,
  previous: readonly WrittenPlace[],
): WrittenPlace[] {
  const here = (place: Place): boolean => place.file === paths.credentials && place.profile === profile;
  const known = previous.find(here)?.keyIds ?? [];
  const keyIds = [...new Set([keyId, ...known])].slice(0, 10);
  return [{ file: paths.credentials, profile, keyIds }, ...previous.filter((place) => !here(place))];
}

/** What a session profile lacks, because a file cannot be written. */
export interface Unwritten {
  /** Why the credentials file does not hold the session. */
  readonly credentials: FobError | undefined;
  /** Lines for the profile's section in the config. */
  readonly configLines: readonly string[];
}

export const everythingWritten: Unwritten = { credentials: undefined, configLines: [] };

/** What a session's profile lacks for programs to use it, by the AWS files as they are now. */
export function unwrittenOf(
  session: Session,
  pair: ProfilePair,
  {
    files,
    obstacle,
    serialToRemember,
  }: { files: AwsFiles; obstacle: FobError | undefined; serialToRemember: string | undefined },
): Unwritten {
  // Programs that ask fob need no more than that.
  const isServed = classifyProcess(files, session.profile) === "fob";
  const credentials = isServed || isSessionProfileCurrent(session, pair, files) ? undefined : obstacle;
  const change = computeConfigChange(pair, files, serialToRemember, session.copiedSettings);
  const lacking = credentials === undefined ? Object.entries(change) : [];
  return {
    credentials,
    configLines: lacking.flatMap(([key, value]) => (value === undefined ? [] : [`${key} = ${value}`])),
  };
}

/** Whether nothing is left to do: the session profile holds the session, and no killed process's copy lies beside it. */
export function isSessionProfileCurrent(session: Session, pair: ProfilePair, files: AwsFiles): boolean {
  const properties = files.credentials.properties(session.profile);
  const isServed = classifyProcess(files, session.profile) === "fob";
  const isThere = Object.entries(computeCredentialsChange(session, isServed)).every(
    ([key, value]) => properties?.get(key)?.raw === value,
  );
  const isRecorded = session.writtenTo.some(({ file }) => file === files.credentials.path);
  const isComplete =
    isThere && isRecorded && configToWrite(pair, files, undefined, session.copiedSettings) === undefined;
  return isComplete && listLeftovers(resolveFile(files.credentials.path)).length === 0;
}

/**
 * Writes a session to its session profile, and what programs need beside it (a region) to the config.
 *
 * @param files as they are now; what decides is read again under the file's lock
 * @param options.serialToRemember the device that AWS took a code of, where no profile names it: it is remembered
 * @throws FobError; the session is in the store then, so this can be done again without a code
 */
export async function writeSessionProfile(
  session: Session,
  pair: ProfilePair,
  files: AwsFiles,
  context: SessionContext,
  options: TargetOptions & { serialToRemember?: string | undefined },
): Promise<void> {
  const { paths, warn, debug } = context;
  assertTarget(pair, files, options);
  const tell = (path: string, { tightenedFrom }: EditOutcome): void => {
    if (tightenedFrom === undefined) return;
    warn(`others could read ${quote(path)} (mode ${tightenedFrom.toString(8)}); only you can now (600)`);
  };
  const backup = backUpOnce(paths.credentials);
  const isServed = classifyProcess(files, session.profile) === "fob" && !options.leavesProcess;
  const decide = (properties: Properties | undefined, bytes: string): Change => {
    assertOwn(pair, properties, options);
    if (classifyKeys(properties) === "long-term") {
      if (!options.replaceLongTerm) throw createLongTermError(pair, options);
      backup.keep(bytes);
    }
    return computeCredentialsChange(session, isServed);
  };
  const isOnlyForPrompts = isServed && classifyOwnKeys(files, session.profile) === "none";
  if (!isOnlyForPrompts || obstacleTo(paths.credentials) === undefined) {
    try {
      tell(paths.credentials, await editProfile(paths, "credentials", session.profile, decide, context));
    } catch (error) {
      backup.remove();
      throw error;
    }
  }
  if (backup.path !== undefined) warn(`backed up the credentials file to ${quote(backup.path)}`);

  const { serialToRemember, copies } = options;
  if (configToWrite(pair, files, serialToRemember, copies) !== undefined) {
    const change = () => computeConfigChange(pair, readAwsFiles(paths), serialToRemember, copies);
    const isNeeded = configToWrite(pair, files, undefined, copies) !== undefined;
    try {
      tell(paths.config, await editProfile(paths, "config", session.profile, change, context));
    } catch (error) {
      // That the device is remembered is not worth a failure.
      if (isNeeded || !(error instanceof FobError) || error instanceof CancelledError) throw error;
      debug(`fob could not save the MFA device: ${error.message}`);
    }
  }
  if (options.leavesProcess) {
    for (const kind of ["config", "credentials"] as const) {
      await removeFromProfile(paths, kind, session.profile, () => ["credential_process"], context);
    }
  }
}

/** Writes the command into the config by which programs get the session from fob. @throws FobError */
export async function writeCredentialProcess(
  pair: ProfilePair,
  command: string,
  context: SessionContext,
  options: TargetOptions,
): Promise<void> {
  const { paths } = context;
  const change = (): Change => {
    const files = readAwsFiles(paths);
    assertTarget(pair, files, options);
    return { ...computeConfigChange(pair, files, undefined, options.copies), credential_process: command };
  };
  await editProfile(paths, "config", pair.session, change, context);
}

/** Takes temporary keys out of a profile of the credentials file, no matter which tool wrote them: SDKs prefer them to a process. */
export async function removeTemporaryKeys(profile: string, context: SessionContext): Promise<void> {
  if (classifyKeys(readAwsFiles(context.paths).credentials.properties(profile)) !== "temporary") return;
  const decide = (properties: Properties | undefined): readonly string[] =>
    classifyKeys(properties) === "temporary" ? sessionKeys : [];
  await removeFromProfile(context.paths, "credentials", profile, decide, context);
}

/**
 * Takes a session out of a place, if what is there is fob's.
 *
 * @returns what was found there
 */
export async function removeFromPlace(
  place: WrittenPlace,
  context: SessionContext,
): Promise<"removed" | "gone" | "foreign"> {
  let outcome: "removed" | "gone" | "foreign" = "gone";
  const decide = (properties: Properties | undefined): readonly string[] => {
    const isThere = sessionKeys.some((key) => properties?.has(key));
    const keyId = properties?.get("aws_access_key_id")?.value;
    // Beside fob's credential_process there are no keys, only the expiry.
    const isOurs = keyId === undefined ? !properties?.has("aws_secret_access_key") : place.keyIds.includes(keyId);
    outcome = !isThere ? "gone" : isOurs ? "removed" : "foreign";
    return outcome === "removed" ? sessionKeys : [];
  };
  const paths = { ...context.paths, credentials: place.file };
  await removeFromProfile(paths, "credentials", place.profile, decide, context);
  return outcome;
}

/**
 * Takes the settings of the source that were copied with a session out of the config, where they still are as copied. A
 * profile that fob serves as a process goes on without a session, and keeps them.
 */
export async function removeCopiedSettings(
  { profile, copiedSettings = {} }: Session,
  context: SessionContext,
): Promise<void> {
  if (Object.keys(copiedSettings).length === 0) return;
  const files = readAwsFiles(context.paths);
  const isThere = unchangedSettings(copiedSettings, files.config.properties(profile)).length > 0;
  if (!isThere || classifyProcess(files, profile) === "fob") return;
  const decide = (properties: Properties | undefined) => unchangedSettings(copiedSettings, properties);
  await removeFromProfile(context.paths, "config", profile, decide, context);
}

/** What the credentials file should say of a session profile, which may be served by fob's credential_process. */
function computeCredentialsChange({ credentials }: Session, isServed: boolean): Change {
  const expiry = formatExpiration(credentials.expiration);
  // SDKs always prefer static keys to a credential_process, so there must be no keys beside one.
  const key = (value: string): string | undefined => (isServed ? undefined : value);
  return {
    aws_access_key_id: key(credentials.accessKeyId),
    aws_secret_access_key: key(credentials.secretAccessKey),
    aws_session_token: key(credentials.sessionToken),
    aws_security_token: undefined,
    ...Object.fromEntries(expiryKeys.map((key) => [key, expiry])),
  };
}

/** What is missing from the config for the session profile to be usable and to be found again. */
function computeConfigChange(
  { source, session }: ProfilePair,
  files: AwsFiles,
  serialToRemember: string | undefined,
  copies: CopiedSettings | undefined,
): Change {
  const change: Record<string, string> = {};
  const linked = getProperty(files, session, "fob_source_profile");
  const isNamed = getSessionProfileName(source) === session;
  if (linked !== source && (linked !== undefined || !isNamed)) change.fob_source_profile = source;
  if (serialToRemember !== undefined && findSerial({ source, session }, files) !== serialToRemember) {
    change.fob_mfa_serial = serialToRemember;
  }
  return { ...settingsToCopy({ source, session }, files, copies), ...change };
}

/** The device that the profiles name, as a login takes it from them. */
function findSerial({ source, session }: ProfilePair, files: AwsFiles): string | undefined {
  const configured = [session, source].flatMap((profile) => serialKeys.map((key) => getProperty(files, profile, key)));
  return configured.find((serial) => serial !== undefined);
}

/** The same, where the config can be written: nothing in it is worth failing for. */
function configToWrite(
  pair: ProfilePair,
  files: AwsFiles,
  serialToRemember: string | undefined,
  copies: CopiedSettings | undefined,
): Change | undefined {
  const change = computeConfigChange(pair, files, serialToRemember, copies);
  const isWanted = Object.keys(change).length > 0 && obstacleTo(files.config.path) === undefined;
  return isWanted ? change : undefined;
}

interface Backup {
  /** Where the copy is, if one was made. */
  readonly path: string | undefined;
  /** Keeps these bytes beside the file, in place of those that were kept before. @throws FobError */
  keep(bytes: string): void;
  remove(): void;
}

/** One copy of a file beside it, however often the edit has to begin again. */
function backUpOnce(file: string): Backup {
  let path: string | undefined;
  const remove = (): void => {
    if (path !== undefined) rmSync(path, { force: true });
    path = undefined;
  };
  return {
    get path() {
      return path;
    },
    keep(bytes) {
      remove();
      const copy = `${resolveFile(file)}.fob-backup-${randomBytes(4).toString("hex")}`;
      writeNew(copy, Buffer.from(bytes, "latin1"));
      path = copy;
    },
    remove,
  };
}
