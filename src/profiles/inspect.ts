// What a profile holds: whose keys, whose credential_process.
import { basename, isAbsolute } from "node:path";
import { FobError } from "../errors.ts";
import { formatOption, quote, quoteProfileArgument, quoteShellWord } from "../text.ts";
import { type AwsFiles, getCommand, getProperty, type Properties, readableProfiles } from "./files.ts";
import type { Property } from "./scan.ts";

/** What the keys of a profile are, without judging whether AWS knows them. */
export type OwnKeys = "long-term" | "temporary" | "none";

/** What the keys among these properties are. */
export function classifyKeys(properties: Properties | undefined): OwnKeys {
  const accessKeyId = properties?.get("aws_access_key_id")?.value;
  return accessKeyId ? keyKind(accessKeyId, tokenIn(properties)?.value) : "none";
}

/** The session token among these properties; `aws_security_token` is its old name. */
export function tokenIn(properties: Properties | undefined): Property | undefined {
  return ["aws_session_token", "aws_security_token"].map((key) => properties?.get(key)).find((found) => found?.value);
}

/** Whether aws_security_token is of another session than the keys beside it: boto3 would take it all the same. */
export function isStaleToken(properties: Properties | undefined): boolean {
  const [old, session] = ["aws_security_token", "aws_session_token"].map((key) => properties?.get(key)?.value);
  if (!old) return false;
  return classifyKeys(properties) === "long-term" || (Boolean(session) && session !== old);
}

/**
 * Whether an access key is long-term or temporary. AWS tells by the id: `aws configure` over a session writes a long-term
 * key and leaves the session's token beside it. Only other services' ids need a look at the token.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
 */
export function keyKind(accessKeyId: string, sessionToken: string | undefined): "long-term" | "temporary" {
  if (accessKeyId.startsWith("AKIA")) return "long-term";
  return sessionToken || accessKeyId.startsWith("ASIA") ? "temporary" : "long-term";
}

/** What the keys of a profile are: those in the credentials file, else those in the config, else in the keychain. */
export function classifyOwnKeys(files: AwsFiles, profile: string): OwnKeys {
  const kinds = [files.credentials, files.config].map((file) => classifyKeys(file.properties(profile)));
  const inKeychain = findKeychainId(files, profile) === undefined ? "none" : "long-term";
  return kinds.find((kind) => kind !== "none") ?? inKeychain;
}

/** The key of a profile that names an access key whose secret is in the keychain. Programs other than fob ignore it. */
export const keychainKey = "fob_access_key_id";

/** The id of a profile's access key, where the secret is in the keychain. */
export const findKeychainId = (files: AwsFiles, profile: string): string | undefined =>
  getProperty(files, profile, keychainKey);

/** Whose `credential_process` a profile has. */
export function classifyProcess(files: AwsFiles, profile: string): "fob" | "foreign" | "none" {
  const command = getCommand(files, profile, "credential_process");
  if (command === undefined) return "none";
  return isFob(command) ? "fob" : "foreign";
}

/** The program of a profile's credential_process that is fob's own, where it has an absolute path. */
export function findOwnProgram(files: AwsFiles, profile: string): string | undefined {
  if (classifyProcess(files, profile) !== "fob") return undefined;
  const [program = ""] = splitWords(getCommand(files, profile, "credential_process") ?? "");
  return isAbsolute(program) ? program : undefined;
}

/** The endpoint that a session profile was installed for, where that is not AWS's own. */
export function findInstalledEndpoint(files: AwsFiles, profile: string): string | undefined {
  const command = getCommand(files, profile, "credential_process");
  if (command === undefined || !isFob(command)) return undefined;
  const words = splitWords(command);
  const index = words.indexOf("--endpoint-url");
  if (index >= 0) return words[index + 1];
  return words.find((word) => word.startsWith("--endpoint-url="))?.slice("--endpoint-url=".length);
}

function splitWords(command: string): string[] {
  const words = command.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
  return words.map((word) => word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"));
}

/** Whether a command is fob itself: its launcher, the program, or the program as Node.js or npx run it. */
function isFob(command: string): boolean {
  const programs = splitWords(command)
    .filter((word) => !word.startsWith("-"))
    .map((word) => basename(word.replaceAll("\\", "/")));
  const [first = "", second = ""] = programs.map((name) =>
    name.replace(/\.(js|cmd|exe)$/i, "").replace(/@[\w.^~-]+$/, ""),
  );
  const isNamed = (name: string): boolean => ["fob", "aws-fob", "fob-credential-process"].includes(name);
  return isNamed(first) || (["node", "npx"].includes(first) && isNamed(second));
}

/** The profiles that hold long-term credentials. */
export function listSources(files: AwsFiles): string[] {
  const keys = ["aws_access_key_id", keychainKey];
  const keyed = [files.credentials, files.config].flatMap((file) => file.profilesWith(keys));
  return readableProfiles([...new Set(keyed)], (profile) => classifyOwnKeys(files, profile) === "long-term");
}

/** A key of a profile that was meant for an access key, and that no program reads: `accessKeyId`, `export AWS_ACCESS_KEY_ID`. */
interface MisspelledKey {
  readonly path: string;
  readonly line: number;
  readonly spelled: string;
  readonly meant: "aws_access_key_id" | "aws_secret_access_key";
}

function findMisspelledKey(files: AwsFiles, profile: string): MisspelledKey | undefined {
  for (const { path, ...file } of [files.credentials, files.config]) {
    for (const { key, line } of file.properties(profile)?.values() ?? []) {
      const letters = key.replace(/^(?:export|set|setx|\$env:)\s*/, "").replace(/[^a-z]/g, "");
      const [, word] = /^(?:aws)?(access|secret)(?:access)?key(?:id)?$/.exec(letters) ?? [];
      const meant = word === "access" ? "aws_access_key_id" : "aws_secret_access_key";
      if (word !== undefined && key !== meant) return { path, line, spelled: key, meant };
    }
  }
  return undefined;
}

/** How a profile signs in where AWS asks for MFA itself, and the command for it. */
interface BrowserSignIn {
  readonly text: string;
  readonly command: string;
}

/**
 * How a profile signs in where its credentials come by the browser; undefined for any other. A long-term access key in
 * such a profile would be used instead.
 * https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sso.html
 */
function findBrowserSignIn(files: AwsFiles, profile: string): BrowserSignIn | undefined {
  if (classifyOwnKeys(files, profile) === "long-term" || classifyProcess(files, profile) !== "none") return undefined;
  const has = (key: string): boolean => getProperty(files, profile, key) !== undefined;
  const of = formatOption("--profile", profile);
  if (has("sso_session") || has("sso_start_url")) {
    return {
      text: `${quote(profile)} signs in through IAM Identity Center, which asks for MFA`,
      command: `aws sso login ${of}`,
    };
  }
  if (!has("login_session")) return undefined;
  return {
    text: `${quote(profile)} signs in with aws login, which asks for MFA in the browser`,
    command: `aws login ${of}`,
  };
}

/** The error for a profile that signs in in the browser; undefined for any other. */
export function findBrowserError(files: AwsFiles, profile: string): FobError | undefined {
  const signIn = findBrowserSignIn(files, profile);
  return signIn && new FobError(signIn.text, signIn.command);
}

/** The same for a role profile with such a source: AWS's own programs get the role then, without a session of fob's. */
export function findBrowserSourceError(files: AwsFiles, role: string, source: string): FobError | undefined {
  const signIn = findBrowserSignIn(files, source);
  return (
    signIn &&
    new FobError(`the source_profile of the role profile ${quote(role)} is ${quote(source)}, and ${signIn.text}`, [
      signIn.command,
      `then use the role without fob: export AWS_PROFILE=${quoteShellWord(role)}`,
    ])
  );
}

/** The error for a profile that has no access key. */
export function createNoKeyError(files: AwsFiles, profile: string): FobError {
  const inBrowser = findBrowserError(files, profile);
  if (inBrowser) return inBrowser;
  const misspelled = findMisspelledKey(files, profile);
  if (!misspelled) {
    return new FobError(
      `the profile ${quote(profile)} has no access key`,
      `set up your access key and device: fob setup ${quoteProfileArgument(profile)}`,
    );
  }
  const { path, line, spelled, meant } = misspelled;
  return new FobError(
    `the profile ${quote(profile)} has no access key: programs do not read ${quote(spelled)} on line ${line} of ${quote(path)}`,
    `rename it to ${meant}: \${EDITOR:-vi} +${line} ${quoteShellWord(path)}`,
  );
}
