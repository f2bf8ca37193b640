// Role profiles in the AWS config: which role, and the source of its credentials.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html
import { roleLength } from "../aws/limits.ts";
import { isRegion } from "../aws/partitions.ts";
import { quoteSetting } from "../aws/secrets.ts";
import { parseDuration } from "../duration.ts";
import { FobError } from "../errors.ts";
import { findNearest } from "../nearest.ts";
import { type Advice, formatEditor } from "../profiles/advice.ts";
import { type AwsFiles, getProperty, placeOfSetting, readableProfiles } from "../profiles/files.ts";
import { classifyOwnKeys, findBrowserSourceError } from "../profiles/inspect.ts";
import type { Role } from "../store/session.ts";
import { escapeControlCharacters, formatOption, quote, quoteShellWord } from "../text.ts";

/** An `mfa_serial` in a role profile, with which most programs ask for a code of their own, or refuse. */
export interface SerialInRole {
  readonly profile: string;
  readonly serial: string;
  /** The file in which it stands. */
  readonly path: string;
  /** From 1. */
  readonly line: number;
}

/** With these lines programs would ask for a code again. */
export const adviseOnSerial = ({ profile, serial, path }: SerialInRole): Advice => ({
  message: `programs that use the role profile ${quote(profile)} will ask for another code`,
  fix: `remove this line in ${quote(path)}: mfa_serial = ${escapeControlCharacters(serial)}`,
});

/** How programs get a role by a session, where its source was an access key: what to do, one after the other. */
export function listSourceFixes(role: string, session: string, files: AwsFiles): readonly string[] {
  const { path, line } = placeOfSetting(files, role, "mfa_serial");
  const hasSerial = getProperty(files, role, "mfa_serial") !== undefined;
  return [
    `aws configure set source_profile ${quoteShellWord(session)} ${formatOption("--profile", role)}`,
    ...(hasSerial ? [`remove its mfa_serial: ${formatEditor(path, line)}`] : []),
  ];
}

/** Those in the role profiles that lead to a session profile. */
export function findSerialsInRoles(isSession: (profile: string) => boolean, files: AwsFiles): SerialInRole[] {
  return [files.config, files.credentials].flatMap((file) =>
    readableProfiles(file.profilesWith(["mfa_serial"]), (profile) => {
      const [first] = resolveRoleChain(profile, files);
      return first !== undefined && isSession(first.sourceProfile);
    }).flatMap((profile) => {
      const found = file.properties(profile)?.get("mfa_serial");
      return found?.value ? { profile, serial: found.value, path: file.path, line: found.line } : [];
    }),
  );
}

/**
 * The roles that a profile stands for, from the one that the user asks for to the profile's own; none where it is no role
 * profile.
 *
 * @throws FobError for a chain that leads nowhere or round in a circle
 */
export function resolveRoleChain(profile: string, files: AwsFiles): readonly Role[] {
  const chain: Role[] = [];
  for (let name = profile; ; ) {
    const role = readRole(name, files);
    if (!role) return chain;
    chain.unshift(role);
    // Such a profile holds the keys with which it asks for its role.
    if (role.sourceProfile === name && classifyOwnKeys(files, name) !== "none") return chain;
    if (chain.some((later) => later.profile === role.sourceProfile)) throw createLoopError(role, chain);
    name = role.sourceProfile;
  }
}

function createLoopError(role: Role, chain: readonly Role[]): FobError {
  const way = [role.sourceProfile, ...chain.map(({ profile }) => profile)].reverse();
  return new FobError(
    `the source_profile of ${quote(role.profile)} leads back to ${quote(role.sourceProfile)}: ${way.map(quote).join(" from ")}`,
    `one of them must be the profile of your session: aws configure set source_profile PROFILE ${formatOption("--profile", role.profile)}`,
  );
}

function readRole(profile: string, files: AwsFiles): Role | undefined {
  const value = (key: string): string | undefined => getProperty(files, profile, key);
  const arn = value("role_arn");
  if (arn === undefined || value("web_identity_token_file") !== undefined) return undefined;
  const wrong = (key: string, text: string, rule: string): FobError =>
    new FobError(
      `${key} of the profile ${quote(profile)} is ${quoteSetting(text)}, but must be ${rule}`,
      `aws configure set ${key} VALUE ${formatOption("--profile", profile)}`,
    );
  if (!/^arn:[\w-]+:iam::\d{12}:role\/[!-~]+$/.test(arn)) {
    throw wrong("role_arn", arn, "the ARN of a role, like arn:aws:iam::123456789012:role/NAME");
  }
  const by = value("source_profile");
  if (by === undefined) throw createMissingSourceError(profile, value("credential_source"));
  assertProfileExists(by, profile, files);
  const inBrowser = findBrowserSourceError(files, profile, by);
  if (inBrowser) throw inBrowser;
  const length = value("duration_seconds");
  const duration = length === undefined ? undefined : parseDuration(length);
  if (
    length !== undefined &&
    (duration === undefined || duration < roleLength.shortest || duration > roleLength.longest)
  ) {
    throw wrong("duration_seconds", length, `a number from ${roleLength.shortest} to ${roleLength.longest}`);
  }
  const region = value("region");
  if (region !== undefined && !isRegion(region)) throw wrong("region", region, "a region, like eu-central-1");
  const sessionName = value("role_session_name");
  if (sessionName !== undefined && !/^[\w+=,.@-]{2,64}$/.test(sessionName)) {
    throw wrong("role_session_name", sessionName, "2 to 64 letters, digits and _+=,.@-");
  }
  return {
    ...{ profile, arn, sourceProfile: by, duration, sessionName },
    externalId: value("external_id"),
    // As aws-vault's users have them: key=value,key=value
    sourceIdentity: value("source_identity"),
    tags: parseList(value("session_tags")).map((tag) => {
      const [, key, text] = /^([^=]+?)\s*=\s*(.*)$/.exec(tag) ?? [];
      if (key === undefined) throw wrong("session_tags", tag, "in the form key=value,key=value");
      return [key, text ?? ""] as const;
    }),
    transitiveTags: parseList(value("transitive_session_tags")),
  };
}

const parseList = (text: string | undefined): string[] =>
  (text ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");

function createMissingSourceError(profile: string, elsewhere: string | undefined): FobError {
  return new FobError(
    elsewhere === undefined
      ? `the role profile ${quote(profile)} has no source_profile`
      : `the role profile ${quote(profile)} gets its credentials from ${quoteSetting(elsewhere)}, not from a user's session`,
    `set the profile of your session: aws configure set source_profile PROFILE ${formatOption("--profile", profile)}`,
  );
}

function assertProfileExists(source: string, profile: string, files: AwsFiles): void {
  if (files.credentials.has(source) || files.config.has(source)) return;
  // A session profile without a login so far is in neither file.
  if (source.endsWith("-mfa") && classifyOwnKeys(files, source.slice(0, -"-mfa".length)) === "long-term") return;
  const meant = findNearest(source, [...files.credentials.profiles(), ...files.config.profiles()]) ?? "PROFILE";
  throw new FobError(
    `the source_profile of ${quote(profile)} is ${quoteSetting(source)}, which does not exist`,
    `aws configure set source_profile ${quoteShellWord(meant)} ${formatOption("--profile", profile)}`,
  );
}
