// Moves long-term credentials into the keychain and out of it. At each moment a key is in at least one place: it is put
// into the new one, read back, and named in the config before the old one loses it.
import { AwsFailure } from "../aws/failures.ts";
import type { Credentials } from "../aws/types.ts";
import { CancelledError, FobError } from "../errors.ts";
import { backUp } from "../files/backup.ts";
import type { EditOutcome } from "../files/edit.ts";
import { assertReplaceable, resolveFile } from "../files/replace.ts";
import type { Change } from "../profiles/edit.ts";
import { type AwsFiles, getProperty, type Properties, readAwsFiles, readableProfiles } from "../profiles/files.ts";
import {
  classifyOwnKeys,
  classifyProcess,
  createNoKeyError,
  findKeychainId,
  keychainKey,
  keyKind,
  listSources,
} from "../profiles/inspect.ts";
import type { AwsFilePaths } from "../profiles/paths.ts";
import type { FileKind } from "../profiles/scan.ts";
import { editProfile, removeFromProfile } from "../profiles/write.ts";
import { formatOption, maskKeyId, quote, quoteProfileArgument, quoteShellWord } from "../text.ts";
import { checkKeyShape } from "./key-shape.ts";
import { type Keychain, keepSecret } from "./keychain.ts";
import { readStaticKeys } from "./long-term.ts";

export interface MoveTools {
  readonly paths: AwsFilePaths;
  readonly keychain: Keychain;
  readonly signal: AbortSignal;
  /** Makes sure that AWS knows an access key, for a profile that gets it. @throws FobError */
  readonly prove: (profile: string, key: Credentials) => Promise<void>;
}

/**
 * Makes sure that a profile can get a key in the keychain.
 *
 * @param another the command line for another profile, for hints
 * @throws FobError
 */
export function assertCanAdd(files: AwsFiles, profile: string, another = "fob keys add PROFILE"): void {
  const named = quoteProfileArgument(profile);
  const known = findKeychainId(files, profile);
  const own = classifyOwnKeys(files, profile);
  if (own === "long-term" && known === undefined) {
    throw new FobError(
      `the profile ${quote(profile)} has an access key in the AWS files`,
      `move it to the keychain: fob keys import ${named}`,
    );
  }
  if (own === "temporary") {
    throw new FobError(
      `the profile ${quote(profile)} has temporary credentials, which programs would use instead`,
      `name another profile: ${another}`,
    );
  }
  const other = ["role_arn", "sso_session", "sso_start_url", "login_session", "credential_process"].find(
    (key) => getProperty(files, profile, key) !== undefined,
  );
  if (other === undefined) return;
  throw new FobError(
    `the profile ${quote(profile)} has ${other}, which gives it other credentials`,
    `name another profile: ${another}`,
  );
}

/**
 * Keeps a new access key of a profile in the keychain.
 *
 * @param again the command with which it is entered again
 * @returns the id of the key that the profile had there before, if that was another
 * @throws FobError
 */
export async function addKey(
  profile: string,
  key: Credentials,
  again: string,
  tools: MoveTools,
): Promise<string | undefined> {
  const before = findKeychainId(readAwsFiles(tools.paths), profile);
  checkKeyShape(key, quote(profile), again);
  if (keyKind(key.accessKeyId, key.sessionToken) === "temporary") {
    throw new FobError("this is a temporary access key, but a session needs a long-term one", again);
  }
  readAwsFiles(tools.paths).config.assertEditable(profile, { [keychainKey]: key.accessKeyId });
  assertReplaceable(resolveFile(tools.paths.config));
  await keepKey(profile, key, again, tools);
  await nameKey(profile, { old: before, next: key.accessKeyId }, tools);
  return before === key.accessKeyId ? undefined : before;
}

/**
 * Keeps the secret. It replaces another secret of the same key, which AWS never shows again: then AWS has to accept this
 * one first.
 *
 * @param again the command with which it is entered again; undefined where it is in a file
 */
async function keepKey(
  profile: string,
  key: Credentials,
  again: string | undefined,
  { keychain, prove, signal }: MoveTools,
): Promise<void> {
  const kept = await keychain.get(key.accessKeyId);
  if (kept === key.secretAccessKey) return;
  if (kept !== undefined) {
    try {
      await prove(profile, key);
    } catch (error) {
      if (error instanceof CancelledError || !(error instanceof FobError)) throw error;
      const id = maskKeyId(key.accessKeyId);
      const message = `${keychain.title} has another secret of ${id}, and keeps it: ${error.message}`;
      const isRejected = error instanceof AwsFailure && error.consequence === "final";
      const hints = again === undefined || !isRejected ? error.hints : `enter the right one: ${again}`;
      throw new FobError(message, hints, error.exitCode, error);
    }
  }
  await keepSecret(keychain, key.accessKeyId, key.secretAccessKey, signal);
}

/** Writes into the config which key of the keychain is the profile's, unless that has changed meanwhile. @throws FobError */
async function nameKey(
  profile: string,
  { old, next }: { readonly old: string | undefined; readonly next: string },
  { paths, signal }: Pick<MoveTools, "paths" | "signal">,
): Promise<EditOutcome> {
  const decide = (properties: Properties | undefined): Change => {
    const named = properties?.get(keychainKey)?.value;
    if (named !== old && named !== next) {
      const is = named === undefined ? "no access key" : "another access key";
      throw new FobError(`the profile ${quote(profile)} has ${is} now`, "fob keys list");
    }
    return { [keychainKey]: next };
  };
  return await editProfile(paths, "config", profile, decide, { signal });
}

/** The access key of a profile in the AWS files. @throws FobError where it has none that could be moved */
export function readKeyToImport(files: AwsFiles, profile: string): Credentials {
  const keys = readStaticKeys(profile, files);
  if (keys === undefined) {
    if (findKeychainId(files, profile) !== undefined) {
      throw new FobError(
        `the access key of ${quote(profile)} is in the keychain already`,
        `fob login ${quoteProfileArgument(profile)}`,
      );
    }
    if (classifyProcess(files, profile) === "none") throw createNoKeyError(files, profile);
    throw new FobError(
      `the profile ${quote(profile)} has no access key in the AWS files: its credential_process gives it`,
      `enter the key under another name: fob keys add PROFILE`,
    );
  }
  if (classifyOwnKeys(files, profile) !== "long-term") {
    const owners = listSources(files).map(quote).join(", ");
    throw new FobError(
      `the profile ${quote(profile)} has temporary credentials`,
      owners === "" ? "fob keys add PROFILE" : `profiles with long-term credentials: ${owners}`,
    );
  }
  return checkKeyShape(keys, quote(profile), `aws configure ${formatOption("--profile", profile)}`);
}

export interface Imported {
  readonly accessKeyId: string;
  /** The file that had it. */
  readonly from: FileKind;
  /** A copy of the file, which holds the secret. */
  readonly backup: string | undefined;
  /** Other profiles that have the same key in the AWS files. */
  readonly others: readonly string[];
  /** Role profiles for which programs took the key from this profile. */
  readonly roles: readonly string[];
}

/** Moves the access key of a profile from the AWS files to the keychain. @throws FobError */
export async function importKey(profile: string, keepsBackup: boolean, tools: MoveTools): Promise<Imported> {
  const { paths, signal } = tools;
  const files = readAwsFiles(paths);
  const { accessKeyId, secretAccessKey } = readKeyToImport(files, profile);
  const from = readStaticKeys(profile, files)?.file.kind ?? "credentials";
  files.config.assertEditable(profile, { [keychainKey]: accessKeyId });
  files.credentials.assertEditable(profile, { aws_access_key_id: undefined });
  for (const path of [paths.config, paths[from]]) assertReplaceable(resolveFile(path));
  await keepKey(profile, { accessKeyId, secretAccessKey }, undefined, tools);
  await nameKey(profile, { old: findKeychainId(files, profile), next: accessKeyId }, tools);
  const backup = keepsBackup ? backUp(paths[from]) : undefined;
  const isSame = (properties: Properties | undefined): boolean =>
    properties?.get("aws_access_key_id")?.value === accessKeyId &&
    properties.get("aws_secret_access_key")?.value === secretAccessKey;
  // What another program has written there meanwhile stays.
  const decide = (properties: Properties | undefined): readonly string[] => (isSame(properties) ? keyLines : []);
  try {
    for (const kind of ["credentials", "config"] as const) {
      await removeFromProfile(paths, kind, profile, decide, { signal });
    }
  } catch (error) {
    if (backup === undefined || !(error instanceof FobError)) throw error;
    const hint = `the backup holds the secret: rm ${quoteShellWord(backup)}`;
    throw new FobError(error.message, [...error.hints, hint], error.exitCode, error);
  }
  const left = readAwsFiles(paths);
  const others = readableProfiles(listSources(left), (name) => readStaticKeys(name, left)?.accessKeyId === accessKeyId);
  return { accessKeyId, from, backup, others, roles: listRolesOf(left, profile) };
}

const listRolesOf = (files: AwsFiles, source: string): readonly string[] =>
  readableProfiles(
    files.config.profilesWith(["role_arn"]),
    (name) => getProperty(files, name, "source_profile") === source,
  );

/** The token is one of an older session: AWS refuses it with a long-term key. */
const keyLines = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_security_token"];

/** The profiles that name a key of the keychain, whatever else they have. @throws FobError for one that cannot be read */
export const listNaming = (files: AwsFiles, accessKeyId: string): string[] => {
  const names = [files.config, files.credentials].flatMap((file) => file.profilesWith([keychainKey]));
  return [...new Set(names)].filter((name) => findKeychainId(files, name) === accessKeyId);
};

/** Names another key for all profiles that have this one in the keychain; for the profile itself last. @throws FobError */
export async function renameKey(
  profile: string,
  old: string,
  next: string,
  tools: Pick<MoveTools, "paths" | "signal">,
): Promise<void> {
  const files = readAwsFiles(tools.paths);
  const elsewhere = files.credentials.profilesWith([keychainKey])[0];
  if (elsewhere !== undefined) {
    throw new FobError(
      `the profile ${quote(elsewhere)} has ${keychainKey} in ${quote(files.credentials.path)}`,
      `move the line to ${quote(files.config.path)}`,
    );
  }
  const others = listNaming(files, old).filter((name) => name !== profile);
  for (const name of [...others, profile]) await nameKey(name, { old, next }, tools);
}

export interface Removed {
  readonly accessKeyId: string;
  /** Other profiles that use the key, so that its secret stays. */
  readonly users: readonly string[];
}

/** Forgets the key of a profile, and its secret unless another profile uses it. @throws FobError */
export async function removeKey(
  profile: string,
  { paths, keychain, signal }: Pick<MoveTools, "paths" | "keychain" | "signal">,
): Promise<Removed> {
  const files = readAwsFiles(paths);
  const accessKeyId = findKeychainId(files, profile);
  if (accessKeyId === undefined) {
    throw new FobError(`the profile ${quote(profile)} has no access key in the keychain`, "fob keys list");
  }
  const users = listNaming(files, accessKeyId).filter((name) => name !== profile);
  if (users.length === 0) await keychain.remove(accessKeyId);
  const decide = (properties: Properties | undefined): readonly string[] =>
    properties?.get(keychainKey)?.value === accessKeyId ? [keychainKey] : [];
  for (const kind of ["config", "credentials"] as const) {
    await removeFromProfile(paths, kind, profile, decide, { signal });
  }
  return { accessKeyId, users };
}

/** Deletes the secret of a key that no profile uses. @throws FobError if a profile uses it, or the keychain has no such key */
export async function removeSecret(
  accessKeyId: string,
  { paths, keychain }: Pick<MoveTools, "paths" | "keychain">,
): Promise<void> {
  const [owner] = listNaming(readAwsFiles(paths), accessKeyId);
  if (owner !== undefined) {
    throw new FobError(`the profile ${quote(owner)} uses the access key ${maskKeyId(accessKeyId)}`, "fob keys list");
  }
  if ((await keychain.get(accessKeyId)) === undefined) {
    throw new FobError(`${keychain.title} does not have the access key ${maskKeyId(accessKeyId)}`, "fob keys list");
  }
  await keychain.remove(accessKeyId);
}
