// What a profile name stands for: which session, with which key, device and endpoint; and which stored session is that one.
import { hasSerialNumber } from "../aws/arn.ts";
import { isInPartition } from "../aws/partitions.ts";
import { checkStoredKey, describeSource } from "../keys/long-term.ts";
import type { AwsFiles } from "../profiles/files.ts";
import { readSession, type Store } from "../store/read.ts";
import type { RememberedOptions, Session, Source } from "../store/session.ts";
import { type FormatLogin, formatLogin as formatLoginOf, type GivenOptions } from "../typed-command.ts";
import type { SessionContext } from "./context.ts";
import { type ProfilePair, resolveProfilePair } from "./profile-pair.ts";
import { readSettings, type SessionOptions, type Settings } from "./settings.ts";
import type { Snapshot } from "./snapshot.ts";

export interface ResolveRequest extends SessionOptions {
  /** The source profile or the session profile. */
  readonly profile: string;
  readonly to?: string | undefined;
  /** Seconds that have to remain, where the user said so, for hints. */
  readonly minTtl?: number | undefined;
  /** Take the long-term credentials from the environment. */
  readonly fromEnvironment?: boolean;
  /** What the user does not say now is as she said it when she opened the session that is in the store. */
  readonly isRenewal?: boolean;
}

/** What a command works on, found out once, when it begins. */
export interface Resolution {
  readonly request: ResolveRequest;
  readonly snapshot: Snapshot;
  readonly pair: ProfilePair;
  readonly source: Source;
  readonly settings: Settings;
  readonly asked: RememberedOptions;
  /** The command line that makes the same session, for hints: without a code in it. */
  readonly formatLogin: FormatLogin;
}

/** @throws FobError, UsageError; nothing has been asked then */
export function resolve(
  request: ResolveRequest,
  snapshot: Snapshot,
  { env, home, typed }: Pick<SessionContext, "env" | "home" | "typed">,
): Resolution {
  const { files, store } = snapshot;
  const pair = resolveProfilePair(request.profile, { files, store }, typed, {
    to: request.to,
    fromEnvironment: request.fromEnvironment ?? false,
    hasEnvironmentKey: describeSource("", "environment", { files, env }).accessKeyId !== undefined,
  });
  const before = request.isRenewal ? readSession(store, pair.session) : undefined;
  const asked: RememberedOptions = {
    serial: request.serial ?? before?.asked.serial,
    duration: request.duration ?? before?.asked.duration,
    region: request.region ?? before?.asked.region,
  };
  const fromEnvironment = request.fromEnvironment ?? before?.source.from === "environment";
  const formatLogin: FormatLogin = (changes) =>
    formatLoginOf(
      typed,
      { profile: request.profile, options: listLoginOptions(asked, fromEnvironment, request) },
      changes,
    );
  const wishes = { ...asked, endpointUrl: request.endpointUrl };
  const source = describeSource(pair.source, fromEnvironment ? "environment" : "profile", { files, env });
  const settings = explainByKey(source, files, formatLogin, () =>
    readSettings(pair, files, { env, home, formatLogin }, wishes),
  );
  return { request, snapshot, pair, source, settings, asked, formatLogin };
}

/** A key that was put in one prompt late has its secret in the next setting: then what is wrong is the key. */
function explainByKey<T>(source: Source, files: AwsFiles, formatLogin: FormatLogin, read: () => T): T {
  try {
    return read();
  } catch (error) {
    checkStoredKey(source, files, formatLogin);
    throw error;
  }
}

/**
 * The resolution that a program is served by without a look at its environment and options: what the AWS files ask for, and
 * what the login asked for. Undefined where they ask for nothing that can be had.
 */
export function resolveFromFilesOnly(
  profile: string,
  snapshot: Snapshot,
  { home, typed }: Pick<SessionContext, "home" | "typed">,
): Resolution | undefined {
  try {
    return resolve({ profile, isRenewal: true }, snapshot, { home, typed, env: {} });
  } catch {
    return undefined;
  }
}

/** The session in a store, if it is the one that this resolution would make: of that key, device, endpoint and partition. */
export function findMatching({ pair, source, settings }: Resolution, store: Store): Session | undefined {
  const session = readSession(store, pair.session);
  return session && isSame(session, source, settings) ? session : undefined;
}

/** The options of the login that makes the same session, where another command than `login` was typed. */
function listLoginOptions(
  { serial, duration, region }: RememberedOptions,
  sourceEnv: boolean,
  { minTtl }: ResolveRequest,
): GivenOptions {
  return { serial, duration, region, sourceEnv, minTtl: minTtl === undefined ? undefined : formatLength(minTtl) };
}

function formatLength(seconds: number): string {
  if (seconds % 60 !== 0) return String(seconds);
  return seconds % 3600 === 0 ? `${seconds / 3600}h` : `${seconds / 60}m`;
}

/** Whether a session is of this key, device and endpoint, and of the partition of a configured region. */
export function isSame(session: Session, source: Source, { endpoints, device, region }: Settings): boolean {
  return (
    session.source.profile === source.profile &&
    session.source.from === source.from &&
    (source.accessKeyId === undefined || session.source.accessKeyId === source.accessKeyId) &&
    session.endpoint === endpoints.sts &&
    (device === undefined || hasSerialNumber(device, session.serialNumber)) &&
    // The key already tells the partition. The quick answer to programs does not look at the variables either.
    (region === undefined || region.isFromEnvironment || isInPartition(region.region, session.partition))
  );
}
