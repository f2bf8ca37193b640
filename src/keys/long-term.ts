// The long-term credentials of a source profile.
import type { Credentials } from "../aws/types.ts";
import type { Environment } from "../environment-variables.ts";
import { FobError, UsageError } from "../errors.ts";
import { otherWritersOf } from "../files/writers.ts";
import { adviseOnOldToken, formatEditor } from "../profiles/advice.ts";
import { type AwsFile, type AwsFiles, getCommand, placeOfSetting } from "../profiles/files.ts";
import {
  classifyProcess,
  createNoKeyError,
  findKeychainId,
  keychainKey,
  keyKind,
  tokenIn,
} from "../profiles/inspect.ts";
import type { Property } from "../profiles/scan.ts";
import type { Source } from "../store/session.ts";
import { readCommandOutput } from "../subprocess.ts";
import { formatOption, maskKeyId, quote, quoteProfileArgument } from "../text.ts";
import type { FormatLogin } from "../typed-command.ts";
import { checkKeyShape } from "./key-shape.ts";
import type { Keychain } from "./keychain.ts";

/** What looking for long-term credentials uses of the world. */
export interface KeyContext {
  readonly files: AwsFiles;
  readonly env: Environment;
  readonly signal: AbortSignal;
  readonly warn: (message: string) => void;
  readonly keychain: Keychain;
  /** For hints. */
  readonly formatLogin: FormatLogin;
}

/** A kind of place that long-term credentials may be in. */
interface KeyPlace {
  /** The access key's id, if that can be told without running, unlocking or asking anything. */
  readonly id: (profile: string, context: Pick<KeyContext, "files" | "env">) => string | undefined;
  /** May run a command, or ask the user. @throws FobError where there are none, or only temporary ones */
  readonly fetch: (profile: string, context: KeyContext) => Promise<Credentials>;
}

const places: Readonly<Record<Source["from"], KeyPlace>> = {
  environment: {
    // Temporary credentials in the environment are not the source's.
    id: (_, { env: { AWS_ACCESS_KEY_ID: id, AWS_SESSION_TOKEN: token } }) =>
      id && keyKind(id, token) === "long-term" ? id : undefined,
    fetch: (_, { env, warn }) => Promise.resolve().then(() => readEnvironmentKeys(env, warn)),
  },
  profile: {
    id: (profile, { files }) => readStaticKeys(profile, files)?.accessKeyId ?? findKeychainId(files, profile),
    fetch: fetchFromProfile,
  },
};

/** Where a source's long-term credentials are, without fetching them: enough to compare with a session's. */
export function describeSource(
  profile: string,
  from: Source["from"],
  context: Pick<KeyContext, "files" | "env">,
): Source {
  return { profile, from, accessKeyId: places[from].id(profile, context) };
}

/** Fetches the long-term credentials of a source. @throws FobError where there are none, or only temporary ones */
export async function fetchLongTermCredentials({ profile, from }: Source, context: KeyContext): Promise<Credentials> {
  return await places[from].fetch(profile, context);
}

/** From the AWS files, from the keychain, or from the profile's own `credential_process`. */
async function fetchFromProfile(
  profile: string,
  { files, env, signal, warn, keychain, formatLogin }: KeyContext,
): Promise<Credentials> {
  const keys = readStaticKeys(profile, files);
  if (keys) {
    const longTerm = refuseTemporary(keys, profile, formatLogin);
    checkKeyShape(longTerm, quote(profile), formatConfigure(profile));
    if (keys.token) {
      const { message, fix } = adviseOnOldToken(keys.file, keys.token, profile);
      warn(`${message}; ${fix}`);
    }
    return longTerm;
  }
  const inKeychain = findKeychainId(files, profile);
  if (inKeychain !== undefined) return await fetchFromKeychain(inKeychain, profile, keychain);
  const command = getCommand(files, profile, "credential_process");
  if (command === undefined) throw createNoKeyError(files, profile);
  if (classifyProcess(files, profile) === "fob") {
    throw new FobError(
      `the profile ${quote(profile)} gets its credentials from fob, so it cannot be a source profile`,
      nameAnother(formatLogin),
    );
  }
  const title = `the credential_process of the profile ${quote(profile)}`;
  warnOfWriters(files, profile, "credential_process", warn);
  const printed = await readCommandOutput(command, { env, title, timeout: 60, signal });
  const key = refuseTemporary(parseProcessJson(printed, title), profile, formatLogin);
  // The command itself may hold a secret.
  const { path, line } = placeOfSetting(files, profile, "credential_process");
  return checkKeyShape(key, title, formatEditor(path, line));
}

async function fetchFromKeychain(accessKeyId: string, profile: string, keychain: Keychain): Promise<Credentials> {
  const again = `fob keys add ${quoteProfileArgument(profile)}`;
  const secretAccessKey = await keychain.get(accessKeyId);
  if (secretAccessKey !== undefined) return checkKeyShape({ accessKeyId, secretAccessKey }, quote(profile), again);
  throw new FobError(
    `${keychain.title} has no secret for ${maskKeyId(accessKeyId)}, the ${keychainKey} of the profile ${quote(profile)}`,
    `enter the access key again: ${again}`,
  );
}

/** Looks at the access key in the AWS files, if the source has one there. @throws FobError for what no key looks like */
export function checkStoredKey({ profile, from }: Source, files: AwsFiles, formatLogin: FormatLogin): void {
  const keys = from === "profile" ? readStaticKeys(profile, files) : undefined;
  if (keys) checkKeyShape(refuseTemporary(keys, profile, formatLogin), quote(profile), formatConfigure(profile));
}

const formatConfigure = (profile: string): string => `aws configure ${formatOption("--profile", profile)}`;

/** Says, before a command of a profile is run, that another user may have put it there. */
export function warnOfWriters(files: AwsFiles, profile: string, key: string, warn: KeyContext["warn"]): void {
  const { path: file } = placeOfSetting(files, profile, key);
  const writers = otherWritersOf(file);
  if (writers === undefined) return;
  warn(`fob runs the ${key} of the profile ${quote(profile)} from ${quote(file)}, which ${writers}`);
}

export interface StaticKeys extends Credentials {
  readonly file: AwsFile;
  readonly token: Property | undefined;
}

/** The access key in the AWS files, the credentials file first, as the SDKs look. @throws FobError for half a key */
export function readStaticKeys(profile: string, files: AwsFiles): StaticKeys | undefined {
  for (const file of [files.credentials, files.config]) {
    const properties = file.properties(profile);
    const value = (key: string): string | undefined => properties?.get(key)?.value || undefined;
    const [accessKeyId, secretAccessKey] = [value("aws_access_key_id"), value("aws_secret_access_key")];
    if (accessKeyId && secretAccessKey) {
      const token = tokenIn(properties);
      return { accessKeyId, secretAccessKey, sessionToken: token?.value, token, file };
    }
    if (accessKeyId || secretAccessKey) {
      throw new FobError(
        `the profile ${quote(profile)} in ${quote(file.path)} has ${accessKeyId ? "an access key id, but no secret access key" : "a secret access key, but no access key id"}`,
        `enter both again: aws configure ${formatOption("--profile", profile)}`,
      );
    }
  }
  return undefined;
}

function readEnvironmentKeys(env: Environment, warn: KeyContext["warn"]): Credentials {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (!accessKeyId || !secretAccessKey) {
    throw new UsageError(
      "--source-env needs both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
      "leave out --source-env to use a profile",
    );
  }
  if (keyKind(accessKeyId, env.AWS_SESSION_TOKEN) === "temporary") {
    throw new FobError(
      "your environment has temporary credentials, but a session needs a long-term access key",
      "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN",
    );
  }
  if (env.AWS_SESSION_TOKEN) {
    warn("AWS_SESSION_TOKEN is the token of an older session; remove it: unset AWS_SESSION_TOKEN");
  }
  const again = "export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…";
  return checkKeyShape({ accessKeyId, secretAccessKey }, "the environment", again);
}

function parseProcessJson(text: string, title: string): Credentials {
  const broken = (problem: string): FobError =>
    new FobError(`${title} ${problem}`, 'run it by hand to see what it prints; it should be {"Version": 1, …}');
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw broken("did not print JSON");
  }
  const { Version, AccessKeyId, SecretAccessKey, SessionToken } = (answer ?? {}) as Record<string, unknown>;
  if (Version !== 1) throw broken('did not print "Version": 1');
  if (typeof AccessKeyId !== "string" || typeof SecretAccessKey !== "string")
    throw broken("did not print an access key");
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: typeof SessionToken === "string" ? SessionToken : undefined,
  };
}

/** The access key without a token: beside a long-term key it is an older session's. */
function refuseTemporary(
  { accessKeyId, secretAccessKey, sessionToken }: Credentials,
  profile: string,
  formatLogin: FormatLogin,
): Credentials {
  if (keyKind(accessKeyId, sessionToken) === "long-term") return { accessKeyId, secretAccessKey };
  throw new FobError(
    `the profile ${quote(profile)} has temporary credentials, but a session needs a long-term access key`,
    nameAnother(formatLogin),
  );
}

const nameAnother = (formatLogin: FormatLogin): string =>
  `use the profile with the long-term access key: ${formatLogin({ profile: "PROFILE" })}`;
