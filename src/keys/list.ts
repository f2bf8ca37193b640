// What is known of access keys: where each is, how old it is, and when it was last used. The age and the last use are for
// AWS to tell; what it does not tell is unknown, with the reason.
import type { Connection } from "../aws/connection.ts";
import { AwsFailure } from "../aws/failures.ts";
import type { ListedKey } from "../aws/iam-changes.ts";
import { type AwsFiles, readableProfiles } from "../profiles/files.ts";
import { findKeychainId, listSources } from "../profiles/inspect.ts";
import { readStaticKeys } from "./long-term.ts";

export type Known<T> = { readonly value: T } | { readonly unknown: string };

/** The access key of a profile, without its secret. */
export interface HeldKey {
  readonly profile: string;
  readonly accessKeyId: string;
  /** The path of the AWS file that has it in plaintext, or `keychain`. */
  readonly where: string;
}

/** What AWS knows of a key. Times are milliseconds since 1970. */
export interface KeyFacts {
  readonly accessKeyId: string;
  readonly isActive: boolean;
  readonly created: number | undefined;
  /** undefined if never. */
  readonly lastUsed: Known<{ readonly at: number; readonly service: string } | undefined>;
}

/** The calls of IAM that it takes. */
export interface KeyCalls {
  readonly listAccessKeys: (aws: Connection, user: string) => Promise<ListedKey[] | undefined>;
  readonly getAccessKeyLastUsed: (
    aws: Connection,
    id: string,
  ) => Promise<{ readonly at: number; readonly service: string } | undefined>;
}

/** The access keys of all profiles, by the AWS files. */
export function listHeldKeys(files: AwsFiles): HeldKey[] {
  // A profile with half a key has none.
  const isWhole = (profile: string): boolean => {
    readStaticKeys(profile, files);
    return true;
  };
  return readableProfiles(listSources(files), isWhole).flatMap((profile): HeldKey[] => {
    const plain = readStaticKeys(profile, files);
    if (plain) return [{ profile, accessKeyId: plain.accessKeyId, where: plain.file.path }];
    const accessKeyId = findKeychainId(files, profile);
    return accessKeyId === undefined ? [] : [{ profile, accessKeyId, where: "keychain" }];
  });
}

/** All access keys of a user, as AWS has them. @throws FobError, other than for a refusal */
export async function askForKeys(aws: Connection, user: string, calls: KeyCalls): Promise<Known<readonly KeyFacts[]>> {
  const listed = await attempt(() => calls.listAccessKeys(aws, user));
  if ("unknown" in listed) return listed;
  const keys: KeyFacts[] = [];
  for (const key of listed.value ?? []) {
    const lastUsed = await attempt(() => calls.getAccessKeyLastUsed(aws, key.accessKeyId));
    keys.push({ ...key, lastUsed });
  }
  return { value: keys };
}

async function attempt<T>(work: () => Promise<T>): Promise<Known<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    if (!(error instanceof AwsFailure)) throw error;
    return { unknown: error.message };
  }
}
