// What sessions there are, and how long they last.
import { findCustomEndpointHost } from "../aws/endpoints.ts";
import { guessAccount } from "../keys/account-of-key.ts";
import {
  type AwsFiles,
  getEndpointUrl,
  getProperty,
  type Properties,
  readAwsFiles,
  readableProfiles,
} from "../profiles/files.ts";
import { classifyKeys, classifyProcess } from "../profiles/inspect.ts";
import { defaultMinTtl, getSecondsLeft, isFresh } from "../store/freshness.ts";
import { isRoleSession, type Stored, type Unreadable } from "../store/read.ts";
import { expiryIn, expiryKeys, type Place, type Session } from "../store/session.ts";
import type { TypedCommand } from "../typed-command.ts";
import { type Known, resolveProfilePair, resolveSessionProfile } from "./profile-pair.ts";
import { findSessionOfRole } from "./role-sessions.ts";

export type State = "valid" | "expiring" | "expired" | "unknown" | "unreadable" | "missing";

export type Mode = "keys" | "process";

export interface StatusEntry {
  /** The session profile. */
  readonly profile: string;
  readonly state: State;
  /** Whether another tool wrote it. */
  readonly foreign: boolean;
  readonly source?: string | undefined;
  /** How programs get it: from the credentials file, or from fob. */
  readonly mode: Mode;
  /** Milliseconds since 1970. */
  readonly issued?: number | undefined;
  /** Milliseconds since 1970. */
  readonly expiration?: number | undefined;
  /** Seconds; 0 once it has expired. */
  readonly secondsLeft?: number | undefined;
  readonly writtenTo: readonly (Place & { readonly isThere: boolean })[];
  /** The role, where the credentials are of one. */
  readonly role?: string | undefined;
  readonly account?: string | undefined;
  /** The account's alias, where AWS told it. */
  readonly accountAlias?: string | undefined;
  /** What the access key ID seems to say of a session of another tool, where nothing else tells the account. Only to be shown. */
  readonly likelyAccount?: string | undefined;
  readonly user?: string | undefined;
  readonly serialNumber?: string | undefined;
  /** The STS endpoint, where it is not AWS's own. */
  readonly endpoint?: string | undefined;
  /** Whether another version of fob made it, and this one cannot read it. */
  readonly isOtherVersion?: boolean | undefined;
  /** Why it is unreadable. */
  readonly reason?: string | undefined;
  /** What is wrong with its file, where it is fob's. */
  readonly unreadable?: Unreadable | undefined;
}

/** When a session counts as valid. */
export interface Limits {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Seconds that should remain, where the user said so. */
  readonly minTtl: number | undefined;
  /** What the user typed, for hints. */
  readonly typed: TypedCommand;
}

/** The sessions of these profiles; without any, every session that there is. @throws FobError for an unknown profile */
export function getStatus(profiles: readonly string[], known: Known, limits: Limits): StatusEntry[] {
  if (profiles.length > 0) return profiles.map((profile) => describeProfile(profile, known, limits));
  // Expired roles are assumed again without a prompt.
  const isOver = (stored: Stored): boolean =>
    isRoleSession(stored) && describeStored(stored, known, limits).state === "expired";
  const own = sortBySession(known.store.list().filter((stored) => !isOver(stored)));
  const names = new Set(own.map(({ profile }) => profile));
  const others = new Set(
    [known.files.credentials, known.files.config]
      .flatMap((file) => file.profilesWith([...expiryKeys, ...tokenKeys, "credential_process"]))
      .filter((profile) => !names.has(profile)),
  );
  return [
    ...own.map((stored) => describeStored(stored, known, limits)),
    ...[...others].flatMap((profile) => describeOther(profile, known, limits) ?? []),
  ];
}

/** Sorts roles below the session that they were assumed with. */
function sortBySession(stored: readonly Stored[]): Stored[] {
  const roles = stored.filter(isRoleSession);
  const sessions = stored.filter((entry) => !isRoleSession(entry));
  const isBelow = (role: Stored, { profile }: Stored): boolean => findSessionOfRole(role, sessions) === profile;
  const orphans = roles.filter((role) => findSessionOfRole(role, sessions) === undefined);
  return [...sessions.flatMap((session) => [session, ...roles.filter((role) => isBelow(role, session))]), ...orphans];
}

/** A profile without a session in the store: another tool wrote one, or fob starts one when the profile is used. */
function describeOther(profile: string, known: Known, limits: Limits): StatusEntry | undefined {
  const foreign = describeForeign(profile, known, limits);
  if (foreign) return foreign;
  try {
    return getMode(profile, known.files) === "process" ? describeProfile(profile, known, limits) : undefined;
  } catch {
    // Its source has gone, say. What the other profiles have is of more use than that.
    return { profile, mode: "process", state: "missing", foreign: false, writtenTo: [] };
  }
}

/** How a profile's programs get its session. Most files have no `credential_process` at all, and that is soon seen. */
function getMode(profile: string, files: AwsFiles): Mode {
  const isMentioned = [files.config, files.credentials].some((file) => file.mentions("credential_process"));
  const isServed = (name: string): boolean => classifyProcess(files, name) === "fob";
  return isMentioned && readableProfiles([profile], isServed).length > 0 ? "process" : "keys";
}

function describeProfile(profile: string, known: Known, limits: Limits): StatusEntry {
  const stored = known.store.read(profile);
  if (stored.state !== "missing") return describeStored(stored, known, limits);
  const foreign = describeForeign(profile, known, limits);
  if (foreign) return foreign;
  // A role is assumed with its session, which needs no code while the session is valid.
  if (getProperty(known.files, profile, "role_arn") !== undefined) {
    const session = resolveSessionProfile(profile, known, limits.typed);
    if (session !== profile) return describeProfile(session, known, limits);
  }
  const pair = resolveProfilePair(profile, known, limits.typed);
  const linked = known.store.read(pair.session);
  if (linked.state !== "missing") return describeStored(linked, known, limits);
  const mode = getMode(pair.session, known.files);
  return { profile: pair.session, source: pair.source, mode, state: "missing", foreign: false, writtenTo: [] };
}

function describeStored(stored: Stored, known: Known, limits: Limits): StatusEntry {
  const { profile } = stored;
  const mode = isRoleSession(stored) ? "process" : getMode(profile, known.files);
  if (stored.state === "missing") return { profile, mode, state: "missing", foreign: false, writtenTo: [] };
  if (stored.state === "unreadable") {
    const reason = `${stored.path} ${stored.reason}`;
    const isOtherVersion = stored.isOtherVersion || undefined;
    return {
      ...{ profile, mode, state: "unreadable", foreign: false, isOtherVersion, reason, writtenTo: [] },
      unreadable: stored,
    };
  }
  const { session } = stored;
  const { expiration } = session.credentials;
  // Beside fob's credential_process there is only the expiry, for prompts.
  const isPlace = ({ file, profile: name }: Place): boolean =>
    mode === "keys" || file !== known.files.credentials.path || name !== profile;
  return {
    profile,
    state: getState({ issued: session.issued, expiration }, limits),
    foreign: false,
    mode,
    source: session.roles.at(-1)?.sourceProfile ?? session.source.profile,
    role: session.roles.at(-1)?.arn,
    issued: session.issued,
    expiration,
    secondsLeft: getTimeLeft(expiration, limits.now),
    writtenTo: session.writtenTo
      .filter(isPlace)
      .map(({ file, profile: name }) => ({
        file,
        profile: name,
        isThere: isThere(session, { file, profile: name }, known.files),
      }))
      // A place that once held the session is worth a word only as long as it does.
      .filter(({ file, isThere: holds }, index) => holds || file === known.files.credentials.path || index === 0),
    account: session.account,
    accountAlias: session.accountAlias || undefined,
    user: session.user,
    serialNumber: session.serialNumber,
    endpoint: findCustomEndpointHost(session.endpoint) === undefined ? undefined : session.endpoint,
  };
}

const tokenKeys = ["aws_session_token", "aws_security_token"] as const;

/** A session that another tool left in the AWS files, with the expiry that it wrote beside it, if it wrote one. */
function describeForeign(profile: string, { files }: Known, limits: Limits): StatusEntry | undefined {
  let found: { properties: Properties; file: string; hasExpiry: boolean } | undefined;
  try {
    if (getMode(profile, files) === "process") return undefined;
    found = [files.credentials, files.config].flatMap((file) => {
      const properties = file.properties(profile);
      if (properties === undefined || classifyKeys(properties) === "long-term") return [];
      const hasExpiry = expiryKeys.some((key) => properties.get(key)?.value);
      return hasExpiry || classifyKeys(properties) === "temporary" ? { properties, file: file.path, hasExpiry } : [];
    })[0];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { profile, mode: "keys", state: "unreadable", foreign: true, reason, writtenTo: [] };
  }
  if (!found) return undefined;
  const { properties, file, hasExpiry } = found;
  const writtenTo = [{ file, profile, isThere: true }];
  const about = {
    profile,
    mode: "keys",
    foreign: true,
    writtenTo,
    ...findAccount(profile, properties, files),
  } as const;
  const expiration = expiryIn(properties);
  if (expiration === undefined) {
    const reason = hasExpiry ? "its expiration is invalid" : "it has no expiration";
    return { ...about, state: hasExpiry ? "unreadable" : "unknown", reason };
  }
  // When it was issued is not known: long enough ago for the whole margin.
  const span = { issued: Number.NEGATIVE_INFINITY, expiration };
  return { ...about, state: getState(span, limits), expiration, secondsLeft: getTimeLeft(expiration, limits.now) };
}

/** Settings that are the number of the account: https://docs.aws.amazon.com/sdkref/latest/guide/feature-account-endpoints.html. */
const accountKeys = ["aws_account_id", "sso_account_id"] as const;

/** Settings that are an ARN in the account: those that saml2aws and aws-mfa write, then those of role profiles and of users. */
const arnKeys = ["x_principal_arn", "assumed_role_arn", "role_arn", "mfa_serial"] as const;

/** The account of another tool's session. */
function findAccount(
  profile: string,
  properties: Properties,
  files: AwsFiles,
): Pick<StatusEntry, "account" | "likelyAccount"> {
  const inConfig = files.config.properties(profile);
  const get = (key: string): string => properties.get(key)?.value ?? inConfig?.get(key)?.value ?? "";
  const account = [...accountKeys.map(get), ...arnKeys.map((key) => get(key).split(":")[4])];
  const configured = account.find((text) => text !== undefined && /^\d{12}$/.test(text));
  if (configured !== undefined) return { account: configured };
  // What another service calls an access key ID tells no account of AWS's.
  if (getEndpointUrl(files, profile, "sts") !== undefined) return {};
  return { likelyAccount: guessAccount(properties.get("aws_access_key_id")?.value ?? "") };
}

function getState(span: { issued: number; expiration: number }, { now, minTtl }: Limits): State {
  if (getSecondsLeft(span, now) <= 0) return "expired";
  return isFresh(span, defaultMinTtl.use, minTtl, now) ? "valid" : "expiring";
}

const getTimeLeft = (expiration: number, now: number): number =>
  Math.max(0, Math.floor(getSecondsLeft({ expiration }, now)));

/** Whether a place still holds the session: its keys, or (beside fob's credential_process) its expiry alone. */
function isThere(session: Session, place: Place, files: AwsFiles): boolean {
  let properties: Properties | undefined;
  try {
    const here =
      place.file === files.credentials.path
        ? files
        : readAwsFiles({ config: files.config.path, credentials: place.file });
    properties = here.credentials.properties(place.profile);
  } catch {
    // What cannot be read cannot be used either.
    return false;
  }
  const keyId = properties?.get("aws_access_key_id")?.value;
  return keyId === undefined
    ? expiryKeys.some((key) => properties?.has(key))
    : keyId === session.credentials.accessKeyId;
}
