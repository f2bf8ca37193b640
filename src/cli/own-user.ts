// The IAM user of a profile, who looks after devices and a password of their own. What the enforcement policy leaves open
// without MFA works with the access key.
import { getUserName, isRoot, parseDevice } from "../aws/arn.ts";
import { type Connection, withAws } from "../aws/connection.ts";
import type { Credentials } from "../aws/types.ts";
import { FobError } from "../errors.ts";
import { fetchLongTermCredentials } from "../keys/long-term.ts";
import { withoutProperties, withProperties } from "../profiles/files.ts";
import { resolveRoleChain } from "../roles/chain.ts";
import { getCredentials } from "../roles/credentials.ts";
import type { SessionContext } from "../session/context.ts";
import { resolveProfilePair } from "../session/profile-pair.ts";
import { buildAccess } from "../session/request.ts";
import { findMatching, type Resolution, resolve } from "../session/resolve.ts";
import { serialKeys } from "../session/settings.ts";
import { type Snapshot, takeSnapshot } from "../session/snapshot.ts";
import { getSecondsLeft } from "../store/freshness.ts";
import { quote } from "../text.ts";
import { formatCommand } from "../typed-command.ts";
import { chooseProfile } from "./choose-profile.ts";
import type { ArgumentSpec } from "./command.ts";
import type { Context } from "./context.ts";
import { createSessionContext } from "./session-context.ts";

export interface UserOptions {
  readonly region?: string | undefined;
  readonly noInput?: boolean | undefined;
}

/** What the commands take: a profile. */
export const ownProfile = {
  name: "profile",
  atMost: 1,
  text: "a profile of yours (default: AWS_PROFILE, else default, else you choose)",
} as const satisfies ArgumentSpec;

/** The profile of a user, and the access key's source. */
export interface OwnProfile {
  /** The source profile. */
  readonly source: string;
  readonly resolution: Resolution;
  readonly sessions: SessionContext;
  readonly region: string | undefined;
}

/** The user, as AWS knows them. */
export interface OwnUser {
  readonly name: string;
  readonly arn: string;
  readonly account: string;
  /** Whether the calls are made with a session that was opened with a code. */
  readonly hasMfa: boolean;
}

/** Seconds that a session has to last for a command. */
const enough = 60;

/** The profile that is named, else the one that a login would take; of a role profile its source. @throws FobError */
export async function findOwnProfile(
  named: string | undefined,
  { region, noInput }: UserOptions,
  context: Context,
): Promise<OwnProfile> {
  const sessions = createSessionContext(context, { noInput });
  const snapshot = takeSnapshot(sessions);
  const retype = (profile: string): string => formatCommand(context.typed, { profile });
  const chosen = named ?? (await chooseProfile({ snapshot, sessions, retype }, context));
  const profile = resolveRoleChain(chosen, snapshot.files)[0]?.sourceProfile ?? chosen;
  return describeOwnProfile(profile, region, snapshot, sessions);
}

/** The source or session profile of this name, by these files. @throws FobError */
export function describeOwnProfile(
  profile: string,
  region: string | undefined,
  snapshot: Snapshot,
  sessions: SessionContext,
): OwnProfile {
  const resolution = resolveWithoutDevice(profile, region, snapshot, sessions);
  return { source: resolution.pair.source, resolution, sessions, region };
}

/** A device that is configured and that STS does not take is no reason not to look after devices. */
function resolveWithoutDevice(
  profile: string,
  region: string | undefined,
  snapshot: Snapshot,
  sessions: SessionContext,
): Resolution {
  const withoutSerial = { ...sessions, env: { ...sessions.env, AWS_MFA_SERIAL: undefined } };
  const { session, source } = resolveProfilePair(profile, snapshot, sessions.typed);
  const files = [session, source].reduce((all, name) => withoutProperties(all, name, serialKeys), snapshot.files);
  return resolve({ profile, region }, { ...snapshot, files }, withoutSerial);
}

/**
 * Does some work as the user: with a session if one is open, else with the access key.
 *
 * @param needsSession opens a session if none is, which asks for a code
 * @throws FobError
 */
export async function askAsUser<T>(
  { source, resolution, sessions, region }: OwnProfile,
  { command, needsSession = false }: { readonly command: string; readonly needsSession?: boolean },
  work: (aws: Connection, user: OwnUser) => Promise<T>,
): Promise<T> {
  const { files } = resolution.snapshot;
  const stored = needsSession
    ? await getCredentials({ profile: source, region }, takeSnapshot(sessions), sessions)
    : findMatching(resolution, resolution.snapshot.store);
  const session = stored && getSecondsLeft(stored.credentials, sessions.now()) > enough ? stored : undefined;
  const { formatLogin } = resolution;
  const credentials =
    session?.credentials ?? (await fetchLongTermCredentials(resolution.source, { ...sessions, files, formatLogin }));
  const device = session && parseDevice(session.serialNumber);
  const access = { ...buildAccess(credentials, device, resolution), command };
  return await withAws(access, sessions, async (aws) => work(aws, await identify(aws, source, session !== undefined)));
}

/** The profile as it will be with an access key. */
export function describeWithKey(
  profile: string,
  { accessKeyId, secretAccessKey }: Credentials,
  region: string | undefined,
  snapshot: Snapshot,
  sessions: SessionContext,
): OwnProfile {
  const values = { aws_access_key_id: accessKeyId, aws_secret_access_key: secretAccessKey };
  const files = withProperties(snapshot.files, profile, values);
  return describeOwnProfile(profile, region, { ...snapshot, files }, sessions);
}

/** Asks AWS with an access key, and not with a session. @throws FobError unless AWS knows it */
export async function proveKey(profile: string, key: Credentials, command: string, sessions: SessionContext) {
  const { resolution } = describeWithKey(profile, key, undefined, takeSnapshot(sessions), sessions);
  const { getCallerIdentity } = await import("../aws/sts.ts");
  await withAws({ ...buildAccess(key, undefined, resolution), command }, sessions, getCallerIdentity);
}

async function identify(aws: Connection, profile: string, hasMfa: boolean): Promise<OwnUser> {
  const { getCallerIdentity } = await import("../aws/sts.ts");
  const { arn = "", account = "" } = await getCallerIdentity(aws);
  if (/^arn:[\w-]+:iam::\d{12}:user\//.test(arn)) return { name: getUserName(arn), arn, account, hasMfa };
  throw new FobError(
    isRoot(arn)
      ? `the access key of the profile ${quote(profile)} belongs to the root user, not to an IAM user`
      : `the profile ${quote(profile)} is not an IAM user's: AWS says it is ${quote(arn)}`,
    "name a profile with the access key of an IAM user: aws configure list-profiles",
  );
}
