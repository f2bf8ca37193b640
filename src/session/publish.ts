// Writing a session to its session profile, and taking it away again.
import { copyFileSync } from "node:fs";
import { dirname } from "node:path";
import { FobError } from "../errors.ts";
import type { EditOutcome } from "../files/edit.ts";
import { explained } from "../files/read.ts";
import { assertReplaceable, realFile } from "../files/replace.ts";
import type { Change } from "../profiles/edit.ts";
import { type AwsFilePaths, type AwsFiles, propertyValue } from "../profiles/files.ts";
import { editProfile, removeFromProfile } from "../profiles/write.ts";
import { quote, shellWord } from "../text.ts";
import { isFob, type Link, ownKeys, sessionName } from "./link.ts";
import { expirationText, type Place, type Session } from "./session.ts";

/** Everything that fob writes into a session profile of the credentials file. */
const sessionKeys = [
  "aws_access_key_id",
  "aws_secret_access_key",
  "aws_session_token",
  // botocore prefers this one, which older tools wrote, to the token above.
  "aws_security_token",
  // The expiry under both names that prompts and tools read.
  "expiration",
  "x_security_token_expires",
] as const;

/** Settings of a profile with which programs would get other credentials, whatever the credentials file says. */
const otherWays = ["role_arn", "sso_session", "sso_start_url", "login_session", "web_identity_token_file"] as const;

/**
 * Makes sure, before a code is asked for, that the session profile may be written.
 *
 * @throws FobError where it holds long-term credentials (unless those are to be replaced) or gets its own in another way
 */
export function assertTarget(link: Link, files: AwsFiles, replaceLongTerm: boolean): void {
  const { session, source } = link;
  const elsewhere = `write the session to another profile: fob login ${shellWord(source)} --to NAME`;
  const process = propertyValue(files, session, "credential_process");
  if (process !== undefined && !isFob(process)) {
    throw new FobError(
      `the profile ${quote(session)} has a credential_process of its own, which programs would no longer run`,
      [elsewhere, `or remove that line from ${quote(files.config.path)}`],
    );
  }
  const other = otherWays.find((key) => propertyValue(files, session, key) !== undefined);
  if (other !== undefined) {
    throw new FobError(`the profile ${quote(session)} has ${other}, with which programs would not use the session`, [
      elsewhere,
      `or remove that line from ${quote(files.config.path)}`,
    ]);
  }
  if (ownKeys(files, session) === "long-term" && !replaceLongTerm) {
    throw new FobError(`the profile ${quote(session)} holds long-term credentials, which fob does not overwrite`, [
      elsewhere,
      `or, with a backup of the file: fob login ${shellWord(source)} --to ${shellWord(session)} --replace-long-term`,
    ]);
  }
  for (const file of [files.credentials, files.config]) assertReplaceable(realFile(file.path));
}

/** Where a session goes. */
export function placesOf(profile: string, paths: AwsFilePaths): Place[] {
  return [{ file: paths.credentials, profile }];
}

/** Whether the session profile holds the session already, in every detail. */
export function isPublished(session: Session, files: AwsFiles): boolean {
  const properties = files.credentials.properties(session.profile);
  const isThere = Object.entries(credentialsChange(session, files)).every(
    ([key, value]) => properties?.get(key)?.raw === value,
  );
  const config = configChange(session, files, undefined);
  return isThere && Object.keys(config).length === 0;
}

export interface PublishTools {
  readonly paths: AwsFilePaths;
  readonly signal: AbortSignal;
  readonly warn: (message: string) => void;
}

/**
 * Writes a session to its session profile, and what programs need beside it (a region) to the config.
 *
 * @param chosenSerial the device, where the user chose it from several: it is remembered
 * @throws FobError; the session is in the store then, so this can be done again without a code
 */
export async function publish(
  session: Session,
  files: AwsFiles,
  tools: PublishTools,
  options: { chosenSerial?: string | undefined; replaceLongTerm: boolean },
): Promise<void> {
  const { paths, warn } = tools;
  if (ownKeys(files, session.profile) === "long-term" && options.replaceLongTerm) {
    warn(`the long-term credentials of ${quote(session.profile)} are kept in ${quote(backUp(paths.credentials))}`);
  }
  const tell = (path: string, { tightenedFrom }: EditOutcome): void => {
    if (tightenedFrom === undefined) return;
    warn(`others could read ${quote(path)} (mode ${tightenedFrom.toString(8)}); it is yours alone now (600)`);
  };
  const credentials = credentialsChange(session, files);
  tell(paths.credentials, await editProfile(paths, "credentials", session.profile, credentials, tools));
  const config = configChange(session, files, options.chosenSerial);
  if (Object.keys(config).length > 0) {
    tell(paths.config, await editProfile(paths, "config", session.profile, config, tools));
  }
}

/**
 * Takes a session out of a place, if what is there is fob's.
 *
 * @returns what was found there
 */
export async function unpublish(
  session: Session,
  place: Place,
  files: AwsFiles,
  tools: PublishTools,
): Promise<"removed" | "gone" | "foreign"> {
  const properties = files.credentials.properties(place.profile);
  if (!properties || !sessionKeys.some((key) => properties.has(key))) return "gone";
  const keyId = properties.get("aws_access_key_id")?.value;
  const isOurs = keyId === undefined || keyId === session.credentials.accessKeyId || keyId === session.previousKeyId;
  if (!isOurs) return "foreign";
  const paths = { ...tools.paths, credentials: place.file };
  await removeFromProfile(paths, "credentials", place.profile, sessionKeys, tools);
  return "removed";
}

/** What the credentials file should say of the session profile. */
function credentialsChange({ profile, credentials }: Session, files: AwsFiles): Change {
  const expiry = expirationText(credentials.expiration);
  const process = propertyValue(files, profile, "credential_process");
  // SDKs prefer static keys to a credential_process, for ever: beside one there must be none.
  const isServed = process !== undefined && isFob(process);
  const key = (value: string): string | undefined => (isServed ? undefined : value);
  return {
    aws_access_key_id: key(credentials.accessKeyId),
    aws_secret_access_key: key(credentials.secretAccessKey),
    aws_session_token: key(credentials.sessionToken),
    aws_security_token: undefined,
    expiration: expiry,
    x_security_token_expires: expiry,
  };
}

/** What is missing from the config for the session profile to be usable and to be found again. */
function configChange({ profile, source }: Session, files: AwsFiles, chosenSerial: string | undefined): Change {
  const change: Record<string, string> = {};
  const region = propertyValue(files, source.profile, "region");
  if (region !== undefined && propertyValue(files, profile, "region") === undefined) change.region = region;
  const isNamed = sessionName(source.profile) === profile;
  if (!isNamed && propertyValue(files, profile, "fob_source_profile") !== source.profile) {
    change.fob_source_profile = source.profile;
  }
  if (chosenSerial !== undefined) change.fob_mfa_serial = chosenSerial;
  return change;
}

/** Copies a file beside itself, 0600. @returns the copy's path */
function backUp(path: string): string {
  const file = realFile(path);
  const stamp = new Date().toISOString().replace(/[:.]/g, "").slice(0, 15);
  const copy = `${file}.fob-backup-${stamp}`;
  try {
    copyFileSync(file, copy);
    return copy;
  } catch (error) {
    throw explained(error, dirname(copy));
  }
}
