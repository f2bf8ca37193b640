// The long-term credentials of a source profile.
import type { Credentials } from "../aws/aws.ts";
import { FobError, UsageError } from "../errors.ts";
import { type AwsFiles, commandOf } from "../profiles/files.ts";
import { commandOutput } from "../subprocess.ts";
import { quote, shellWord } from "../text.ts";
import { processKind } from "./link.ts";
import type { Source } from "./session.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Where a source's long-term credentials are, without fetching them: enough to compare with a session's. */
export function sourceOfCredentials(
  profile: string,
  files: AwsFiles,
  env: Environment,
  fromEnvironment: boolean,
): Source {
  // Temporary credentials in the environment are not the source's.
  const inEnvironment = env.AWS_SESSION_TOKEN ? undefined : env.AWS_ACCESS_KEY_ID;
  const accessKeyId = fromEnvironment ? inEnvironment : staticKeys(profile, files)?.accessKeyId;
  return { profile, from: fromEnvironment ? "environment" : "profile", accessKeyId };
}

/**
 * Fetches the long-term credentials of a source: from the AWS files, from its own `credential_process`, or from the
 * environment where that was asked for.
 *
 * @throws FobError where there are none, or only temporary ones
 */
export async function longTermCredentials(
  source: Source,
  { files, env, signal }: { files: AwsFiles; env: Environment; signal: AbortSignal },
): Promise<Credentials> {
  const { profile } = source;
  if (source.from === "environment") return environmentKeys(env);
  const keys = staticKeys(profile, files);
  if (keys) return refuseTemporary(keys, profile);
  const command = commandOf(files, profile, "credential_process");
  if (command === undefined) {
    throw new FobError(
      `the profile ${quote(profile)} has no access key`,
      `put one in: aws configure --profile ${shellWord(profile)}`,
    );
  }
  if (processKind(files, profile) === "fob") {
    throw new FobError(
      `the profile ${quote(profile)} gets its credentials from fob itself, so it cannot be a source`,
      "name the profile that holds the long-term access key: fob login PROFILE",
    );
  }
  const title = `the credential_process of the profile ${quote(profile)}`;
  const printed = await commandOutput(command, { env, title, timeout: 60, signal });
  return refuseTemporary(fromProcessJson(printed, title), profile);
}

/** The access key in the AWS files, the credentials file first, as the SDKs look. @throws FobError for half a key */
function staticKeys(profile: string, files: AwsFiles): Credentials | undefined {
  for (const file of [files.credentials, files.config]) {
    const properties = file.properties(profile);
    const value = (key: string): string | undefined => properties?.get(key)?.value || undefined;
    const [accessKeyId, secretAccessKey] = [value("aws_access_key_id"), value("aws_secret_access_key")];
    if (accessKeyId && secretAccessKey) {
      return { accessKeyId, secretAccessKey, sessionToken: value("aws_session_token") ?? value("aws_security_token") };
    }
    if (accessKeyId || secretAccessKey) {
      throw new FobError(
        `the profile ${quote(profile)} in ${quote(file.path)} has ${accessKeyId ? "an access key id, but no secret access key" : "a secret access key, but no access key id"}`,
        `put both in again: aws configure --profile ${shellWord(profile)}`,
      );
    }
  }
  return undefined;
}

function environmentKeys(env: Environment): Credentials {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (!accessKeyId || !secretAccessKey) {
    throw new UsageError(
      "--source-env: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set",
      "leave --source-env out to use a profile of the AWS files",
    );
  }
  if (env.AWS_SESSION_TOKEN || accessKeyId.startsWith("ASIA")) {
    throw new FobError(
      "the environment holds temporary credentials, and STS gives no session to those",
      "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN",
    );
  }
  return { accessKeyId, secretAccessKey };
}

function fromProcessJson(text: string, title: string): Credentials {
  const broken = (problem: string): FobError =>
    new FobError(`${title} ${problem}`, 'run it by hand to see what it prints; it should be {"Version": 1, …}');
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw broken("printed no JSON");
  }
  const { Version, AccessKeyId, SecretAccessKey, SessionToken } = (answer ?? {}) as Record<string, unknown>;
  if (Version !== 1) throw broken("printed something other than version 1 of the format");
  if (typeof AccessKeyId !== "string" || typeof SecretAccessKey !== "string") throw broken("printed no access key");
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: typeof SessionToken === "string" ? SessionToken : undefined,
  };
}

function refuseTemporary(keys: Credentials, profile: string): Credentials {
  if (!keys.sessionToken && !keys.accessKeyId.startsWith("ASIA")) return keys;
  throw new FobError(
    `the profile ${quote(profile)} holds temporary credentials, and STS gives no session to those`,
    "name the profile that holds the long-term access key: fob login PROFILE",
  );
}
