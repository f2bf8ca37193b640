// The credentials of any profile that fob serves: a session's, or a role's, assumed with its session.
import { parseDevice } from "../aws/arn.ts";
import { withAws } from "../aws/connection.ts";
import { AwsFailure } from "../aws/failures.ts";
import { roleLength } from "../aws/limits.ts";
import { patienceOf } from "../codes/sources.ts";
import {
  type AskingLimits,
  limitAsking,
  orStale,
  type ServeRequest,
  serveSession,
} from "../credential-process/serve.ts";
import { formatDuration, inExactWords } from "../duration.ts";
import { FobError, UsageError } from "../errors.ts";
import { getProperty } from "../profiles/files.ts";
import type { SessionContext } from "../session/context.ts";
import { chooseCodeProvider } from "../session/login.ts";
import { buildAccess, buildRoleRequest, getAccount, requestSession, type Wanted } from "../session/request.ts";
import { findMatching, isSame, type Resolution, resolve, resolveFromFilesOnly } from "../session/resolve.ts";
import { type Snapshot, takeSnapshot } from "../session/snapshot.ts";
import { settingVariables } from "../session/source-settings.ts";
import { defaultMinTtl, isFresh } from "../store/freshness.ts";
import type { Store } from "../store/read.ts";
import { getSpan, type Role, type Session } from "../store/session.ts";
import { cachedUnderLock, waitingFor } from "../store/under-lock.ts";
import { formatOption, quote } from "../text.ts";
import { resolveRoleChain } from "./chain.ts";

/**
 * The credentials of a profile: of its session, asked for once however many programs want it; or of its role, which never
 * asks for a code of its own as long as a session will do.
 *
 * @throws FobError
 */
export async function getCredentials(
  request: ServeRequest,
  snapshot: Snapshot,
  context: SessionContext,
): Promise<Session> {
  const chain = resolveRoleChain(request.profile, snapshot.files);
  return chain.length === 0
    ? await serveSession(request, snapshot, context)
    : await getRoleCredentials(chain, { snapshot, request }, context);
}

/** What programs that use a profile need to know beside the credentials. */
export interface ProgramSettings {
  /** The option's, the role profile's own, else the session's. */
  readonly region: string | undefined;
  /** What the profiles say of endpoints, certificates and output, as variables. */
  readonly variables: Readonly<Record<string, string>>;
}

export function programSettings(
  { profile, region }: ServeRequest,
  snapshot: Snapshot,
  context: SessionContext,
): ProgramSettings {
  const { files } = snapshot;
  const chain = resolveRoleChain(profile, files);
  const [first] = chain;
  const { settings, pair } = resolve({ profile: first?.sourceProfile ?? profile }, snapshot, context);
  const roles = chain.map((role) => role.profile).reverse();
  return {
    region: region ?? (first && getProperty(files, profile, "region")) ?? settings.region?.region,
    variables: settingVariables([...roles, pair.session, pair.source], files, context.env),
  };
}

/** What a program wants, and what was there when that was found out. */
interface Occasion {
  readonly snapshot: Snapshot;
  readonly request: ServeRequest;
}

async function getRoleCredentials(
  chain: readonly Role[],
  occasion: Occasion,
  context: SessionContext,
): Promise<Session> {
  const [first] = chain;
  const role = chain.at(-1);
  if (!first || !role) throw new TypeError("a chain of roles has at least one");
  const { request, snapshot } = occasion;
  const { lastChange } = snapshot;
  const { store, now } = context;
  const resolution = resolveRoleRequest(chain, occasion, context);
  const isLong = (role.duration ?? roleLength.default) > roleLength.default;
  const isDirect = isLong && chain.length === 1 && !store.isTooLong(role, now());
  if ((request.minTtl ?? 0) >= (isDirect ? (role.duration ?? roleLength.default) : roleLength.default))
    throw createRoleTooShortError(role, isDirect);
  const again = resolution.formatLogin();
  const limits = limitAsking(request, again, context);
  // An hour that a program had to be content with is not what a person has asked for who can be asked now.
  const isTooLittle = ({ isChained }: Session): boolean =>
    isChained && isDirect && !request.program && chooseCodeProvider(resolution, context)?.canAskAgain === true;
  const stored = (): Session | undefined => findStoredRole(chain, resolution, store);
  const fresh = (from: Store): Session | undefined => {
    const session = findStoredRole(chain, resolution, from);
    const isEnough = session && isFresh(getSpan(session), defaultMinTtl.use, request.minTtl, now());
    return isEnough && !isTooLittle(session) ? session : undefined;
  };
  const kept = fresh(snapshot.store);
  if (kept) {
    const undisputed = resolveFromFilesOnly(first.sourceProfile, snapshot, context);
    if (undisputed && findStoredRole(chain, undisputed, snapshot.store))
      store.markVerified(role.profile, lastChange, now());
    return kept;
  }
  const codes = chooseCodeProvider(resolution, context);
  const waiting = waitingFor(role.profile, context, request.program?.patience ?? patienceOf(codes));
  const makeChained = async (): Promise<Session> => {
    if ((request.minTtl ?? 0) >= roleLength.default) throw createRoleTooShortError(role, false);
    // Since the snapshot was taken, another fob may have ended the session that it is asked for with.
    const renewed = { ...occasion, snapshot: takeSnapshot(context) };
    const session = await assumeChained(chain, resolution, renewed, context);
    if (isLong) context.warn(whyAnHour(role, store.isTooLong(role, now())));
    return session;
  };
  const make = async (): Promise<Session> => {
    const directly =
      isDirect && codes ? await assumeWithCode(role, { resolution, codes, limits }, occasion, context) : undefined;
    const session = directly ?? (await makeChained());
    // What has changed in the AWS files meanwhile is newer than this.
    store.setDate(role.profile, lastChange);
    store.clearRejection(role.profile);
    return session;
  };
  // Where nothing can be kept, a code of its own would be asked for at every call.
  const isKept = store.obstacle(role.profile) === undefined;
  return await orStale(stored, request, again, context, () =>
    isKept ? cachedUnderLock({ profile: role.profile, find: () => fresh(store), make, waiting }, store) : makeChained(),
  );
}

function createRoleTooShortError({ profile, duration = roleLength.default }: Role, isDirect: boolean): UsageError {
  const why = isDirect ? "duration_seconds is" : "AWS limits role chaining to";
  return new UsageError(
    `--min-ttl is longer than the credentials of ${quote(profile)} can last: ${why} ${inExactWords(isDirect ? duration : roleLength.default)}`,
    "use a shorter --min-ttl, or set a longer duration_seconds in the profile, which needs a code of its own",
  );
}

/** The resolution for the session, with what the role profile says of the STS that is asked for the role. */
function resolveRoleRequest(
  chain: readonly Role[],
  { snapshot, request }: Occasion,
  context: SessionContext,
): Resolution {
  const { files } = snapshot;
  const profile = chain.at(-1)?.profile ?? "";
  const resolution = resolve(
    { ...request, profile: chain[0]?.sourceProfile ?? "", isRenewal: true },
    snapshot,
    context,
  );
  const own = getProperty(files, profile, "region");
  const region =
    request.region === undefined && own !== undefined
      ? { region: own, from: `region of the profile ${quote(profile)}` }
      : resolution.settings.region;
  const sts = getProperty(files, profile, "sts_regional_endpoints");
  const usesGlobalSts = sts === undefined ? resolution.settings.usesGlobalSts : sts.toLowerCase() === "legacy";
  return { ...resolution, settings: { ...resolution.settings, region, usesGlobalSts } };
}

/** The credentials in the store, if they are of exactly these roles, assumed with exactly that session. */
function findStoredRole(chain: readonly Role[], resolution: Resolution, store: Store): Session | undefined {
  const found = store.read(chain.at(-1)?.profile ?? "");
  if (found.state !== "readable") return undefined;
  const { session } = found;
  const isOfChain = JSON.stringify(session.roles) === JSON.stringify(chain);
  return isOfChain && isSame(session, resolution.source, resolution.settings) ? session : undefined;
}

/**
 * Asks for the role with a code of its own, where a session cannot give it for as long as its profile says: AWS counts a
 * session as one role before it, and ends what comes after within the hour. Undefined where a program would rather have
 * that hour than nothing, or AWS does not give this role for that long at all.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
 */
async function assumeWithCode(
  role: Role,
  { resolution, codes, limits }: Pick<Wanted, "resolution" | "codes"> & { readonly limits: AskingLimits },
  { request: { program } }: Occasion,
  context: SessionContext,
): Promise<Session | undefined> {
  const length = formatDuration(role.duration ?? roleLength.default);
  const why = `the role of ${quote(role.profile)} lasts ${length}; AWS allows more than an hour only with its own MFA code`;
  const { guard, deadline } = limits;
  const make = async () =>
    (await requestSession({ resolution, codes, role: { role, why }, deadline }, context)).session;
  try {
    return guard ? await guard(role.profile, make) : await make();
  } catch (error) {
    if (isAboutLength(error)) {
      context.note(`the role of ${quote(role.profile)} cannot last ${length}; using the session instead, for 1 h`);
      context.store.rememberTooLong(role, context.now());
      return undefined;
    }
    const session = findMatching(resolution, context.store);
    const hasSession = session !== undefined && isFresh(getSpan(session), defaultMinTtl.use, undefined, context.now());
    const isUnanswered = error instanceof FobError && !(error instanceof AwsFailure);
    if (program && hasSession && isUnanswered && !context.signal.aborted) return undefined;
    throw createRoleRejectedError(error, role);
  }
}

/** Asks for the last role with the credentials of the profile before it. */
async function assumeChained(
  chain: readonly Role[],
  resolution: Resolution,
  occasion: Occasion,
  context: SessionContext,
): Promise<Session> {
  const role = chain.at(-1);
  if (!role) throw new TypeError("a chain of roles has at least one");
  const { store, now } = context;
  const before = chain.slice(0, -1);
  const parent =
    before.length > 0
      ? await getRoleCredentials(before, occasion, context)
      : await serveSession({ ...occasion.request, profile: role.sourceProfile }, occasion.snapshot, context);
  const access = buildAccess(parent.credentials, parseDevice(parent.serialNumber), resolution);
  const asked = buildRoleRequest(role, parent.user, parent.source.profile);
  const { assumeRole } = await import("../aws/sts.ts");
  const asking = withAws(access, context, (aws) =>
    assumeRole(aws, { ...asked, duration: Math.min(asked.duration, roleLength.default) }),
  );
  const credentials = await asking.catch((error: unknown) => {
    throw createRoleRejectedError(error, role);
  });
  const session: Session = {
    ...parent,
    ...{ profile: role.profile, credentials, roles: chain, isChained: true, writtenTo: [], issued: now() },
    copiedSettings: undefined,
    account: getAccount(role.arn),
  };
  if (store.obstacle(role.profile) === undefined) store.save(session);
  return session;
}

/** Whether AWS gives a role, but only for less than was asked for. */
function isAboutLength(error: unknown): boolean {
  return (
    error instanceof AwsFailure && error.consequence === "refused" && /DurationSeconds exceeds/.test(error.message)
  );
}

/** Why a role lasts for less than its profile says, and what changes that. */
function whyAnHour({ profile, duration = roleLength.default }: Role, isTooLong: boolean): string {
  const hour = `the credentials of ${quote(profile)} last for 1 h, not ${formatDuration(duration)}`;
  return isTooLong
    ? `${hour}, which is longer than the role's maximum session duration; to fix it: ${hourInConfig(profile)}`
    : `${hour}: AWS limits role chaining to one hour`;
}

const hourInConfig = (profile: string): string =>
  `aws configure set duration_seconds 3600 ${formatOption("--profile", profile)}`;

/** Says which role of a chain it was, and where to look. */
function createRoleRejectedError(error: unknown, { profile, arn, sourceProfile: by }: Role): unknown {
  if (!(error instanceof AwsFailure) || error.consequence !== "refused") return error;
  const hints = isAboutLength(error)
    ? [hourInConfig(profile)]
    : [
        "check role_arn and external_id: AWS says the same of a role that does not exist",
        "the role's trust policy must allow your user",
        `${quote(by)} needs sts:AssumeRole on ${arn}`,
      ];
  return new FobError(`the role profile ${quote(profile)}: ${error.message}`, hints, undefined, error);
}
