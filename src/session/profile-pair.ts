// Which source profile and which session profile belong together.
import { maskSetting, quoteSetting } from "../aws/secrets.ts";
import { FobError, UsageError } from "../errors.ts";
import { findNearest } from "../nearest.ts";
import { isPortableValue } from "../profiles/edit.ts";
import { type AwsFiles, getProperty, placeOfSetting, readableProfiles } from "../profiles/files.ts";
import {
  classifyOwnKeys,
  classifyProcess,
  createNoKeyError,
  findBrowserError,
  findBrowserSourceError,
  type OwnKeys,
} from "../profiles/inspect.ts";
import { isPortableName } from "../profiles/names.ts";
import { isRoleSession, readSession, type Store } from "../store/read.ts";
import type { Session } from "../store/session.ts";
import { escapeControlCharacters, quote, quoteProfileArgument, quoteShellWord } from "../text.ts";
import { formatCommand, formatLogin, type TypedCommand } from "../typed-command.ts";
import type { Snapshot } from "./snapshot.ts";

/** A source profile and its session profile: two names of one session. */
export interface ProfilePair {
  readonly source: string;
  readonly session: string;
}

/** What there is to find them in. */
export type Known = Pick<Snapshot, "files" | "store">;

/**
 * Finds the two profiles from the name of either, and from `--to`.
 *
 * @param typed what the user typed, for hints
 * @param options.hasEnvironmentKey there are long-term credentials in the environment
 * @param options.fromEnvironment the long-term credentials are not in the source profile at all
 * @throws FobError with the nearest name, or with what the profile is instead
 */
export function resolveProfilePair(
  profile: string,
  known: Known,
  typed: TypedCommand,
  options: { to?: string | undefined; fromEnvironment?: boolean; hasEnvironmentKey?: boolean } = {},
): ProfilePair {
  const source = resolveSource(profile, known, typed, options);
  const session = options.to ?? (source === profile ? resolveSession(source, known, typed) : profile);
  return checkPair({ source, session }, typed);
}

/**
 * The session profile that a name stands for: of a session in the store, else by its pair; for a role profile the session
 * that its credentials come by.
 *
 * @throws FobError
 */
export function resolveSessionProfile(
  profile: string,
  known: Known,
  typed: TypedCommand,
  before: readonly string[] = [],
): string {
  const { files, store } = known;
  const stored = store.read(profile);
  if (stored.state !== "missing" && !isRoleSession(stored)) return profile;
  const by = getSourceOfRole(files, profile);
  const leadsOn = by !== undefined && by !== "" && !before.includes(by) && by !== profile;
  return leadsOn
    ? resolveSessionProfile(by, known, typed, [...before, profile])
    : resolveProfilePair(profile, known, typed).session;
}

/** The name rule: the session profile of a source. aws-mfa's users keep their keys in `<name>-long-term`. */
export function getSessionProfileName(source: string): string {
  return source.endsWith("-long-term") ? source.slice(0, -"-long-term".length) : `${source}-mfa`;
}

function checkPair(pair: ProfilePair, typed: TypedCommand): ProfilePair {
  const formatLoginTo = (to: string): string =>
    formatLogin(typed, { profile: pair.source, options: {} }, { profile: pair.source, set: { to } });
  if (pair.source === pair.session) {
    throw new UsageError(
      `the session profile cannot be ${quote(pair.source)} itself: its long-term credentials would be lost`,
      `leave --to out, or name another profile: ${formatLoginTo(`${pair.source}-mfa`)}`,
    );
  }
  if (!isPortableValue(pair.source)) {
    throw new FobError(
      `the profile name ${quote(pair.source)} contains characters that some programs misread`,
      "rename it in the AWS files, e.g. work or team-1: letters, digits and -@+.%:/_",
    );
  }
  if (!isPortableName(pair.session)) {
    throw new UsageError(
      `${quote(pair.session)} cannot be used as a session profile name: some tools cannot read it`,
      `choose one without spaces, quotes or brackets: ${formatLoginTo("NAME")}`,
    );
  }
  return pair;
}

function resolveSource(
  profile: string,
  { files, store }: Known,
  typed: TypedCommand,
  { fromEnvironment = false, hasEnvironmentKey = false }: { fromEnvironment?: boolean; hasEnvironmentKey?: boolean },
): string {
  const own = classifyOwnKeys(files, profile);
  if (own === "long-term") return profile;
  const stored = readSession(store, profile);
  if (stored) return stored.source.profile;
  const configured = getConfiguredSource(profile, files);
  if (configured !== undefined) return configured;
  const named = findSourceByName(profile, (name) => isSource(name, files) || isSourceOfOne(name, store));
  if (named !== undefined) return named;
  if (isSource(profile, files) || isSourceOfOne(profile, store)) return profile;
  if (fromEnvironment) return findSourceByName(profile, () => profile.endsWith("-mfa")) ?? profile;
  throw createNotASourceError(profile, own, files, { typed, hasEnvironmentKey });
}

function listSessions(store: Store): Session[] {
  return store.list().flatMap((entry) => (entry.state === "readable" && !isRoleSession(entry) ? entry.session : []));
}

const isSourceOfOne = (profile: string, store: Store): boolean =>
  listSessions(store).some(({ source }) => source.profile === profile);

/** The source profile by the name rule, where `exists` says that there is one. */
function findSourceByName(session: string, exists: (source: string) => boolean): string | undefined {
  const candidates = [session.endsWith("-mfa") ? session.slice(0, -"-mfa".length) : "", `${session}-long-term`];
  return candidates.find((source) => source !== "" && exists(source));
}

function isSource(profile: string, files: AwsFiles): boolean {
  return classifyOwnKeys(files, profile) === "long-term" || classifyProcess(files, profile) === "foreign";
}

function getConfiguredSource(profile: string, files: AwsFiles): string | undefined {
  const own = getNamedProfile(files, profile, "fob_source_profile");
  if (own !== undefined) return own;
  // With a role, source_profile means something else.
  return getProperty(files, profile, "role_arn") ? undefined : getNamedProfile(files, profile, "source_profile");
}

/** @throws FobError for what looks like a part of an access key and names no profile: tables and commands repeat names */
function getNamedProfile(
  files: AwsFiles,
  profile: string,
  key: "fob_source_profile" | "source_profile",
): string | undefined {
  const name = getProperty(files, profile, key);
  if (name === undefined || maskSetting(name) === name) return name;
  if (files.credentials.has(name) || files.config.has(name)) return name;
  const { path, line } = placeOfSetting(files, profile, key);
  throw new FobError(
    `${key} of the profile ${quote(profile)} is ${quoteSetting(name)}, and there is no such profile`,
    `\${EDITOR:-vi} +${line} ${quoteShellWord(path)}`,
  );
}

/** The source_profile of a role profile. @throws FobError */
const getSourceOfRole = (files: AwsFiles, profile: string): string | undefined =>
  getProperty(files, profile, "role_arn") && getNamedProfile(files, profile, "source_profile");

/** The session profile of a source: the one that is linked to it already, else by the name rule. */
function resolveSession(source: string, known: Known, typed: TypedCommand): string {
  const [only = "", ...others] = listSessionProfiles(source, known);
  if (others.length === 0) return only;
  throw new FobError(
    `the profile ${quote(source)} has several session profiles: ${[only, ...others].map(quote).join(", ")}`,
    `choose one: ${formatCommand(typed, { profile: only, instead: source })}`,
  );
}

/** The session profiles that are linked to a source; at least one, by the name rule. */
export function listSessionProfiles(source: string, { files, store }: Known): readonly string[] {
  const byName = getSessionProfileName(source);
  // As most are: then no other session file is read.
  if (readSession(store, byName)?.source.profile === source) return [byName];
  const sessions = listSessions(store).map(({ profile, source: by }) => ({ profile, source: by.profile }));
  return chooseSessionProfiles(source, files, sessions);
}

/** @param sessions those in the store, with the names of their sources */
export function chooseSessionProfiles(
  source: string,
  files: AwsFiles,
  sessions: readonly { readonly profile: string; readonly source: string | undefined }[],
): readonly string[] {
  const byName = getSessionProfileName(source);
  const linked = new Set([
    ...sessions.filter((session) => session.source === source).map(({ profile }) => profile),
    ...readableProfiles(
      files.config.profilesWith(["fob_source_profile"]),
      (profile) => getProperty(files, profile, "fob_source_profile") === source,
    ),
  ]);
  return linked.size === 0 || linked.has(byName) ? [byName] : [...linked].sort();
}

function createNotASourceError(
  profile: string,
  own: OwnKeys,
  files: AwsFiles,
  { typed, hasEnvironmentKey }: { typed: TypedCommand; hasEnvironmentKey: boolean },
): FobError {
  const asked = `the profile ${quote(profile)}`;
  const by = getSourceOfRole(files, profile);
  const inBrowser = findBrowserError(files, profile) ?? (by && findBrowserSourceError(files, profile, by));
  if (inBrowser) return inBrowser;
  const nameAnother = `use the profile with the long-term access key: ${formatCommand(typed, { profile: "PROFILE", instead: profile })}`;
  if (getProperty(files, profile, "role_arn")) {
    return new FobError(`${asked} is a role profile`, [
      `log in with its source profile: fob login ${quoteProfileArgument(by ?? "PROFILE")}`,
      `then use it: export AWS_PROFILE=${quoteShellWord(profile)}`,
    ]);
  }
  if (own === "temporary") {
    return new FobError(`${asked} has temporary credentials, but a session needs a long-term access key`, nameAnother);
  }
  if (classifyProcess(files, profile) === "fob") {
    return new FobError(`${asked} gets its credentials from fob, so it cannot be a source profile`, nameAnother);
  }
  if (files.credentials.has(profile) || files.config.has(profile)) {
    return createNoKeyError(files, profile);
  }
  const misplaced = findMisplacedHeader(files, profile);
  if (misplaced) return misplaced;
  const names = [...new Set([...files.credentials.profiles(), ...files.config.profiles()])];
  const meant = findNearest(profile, names);
  // A command that acts with credentials is not hinted for another identity.
  const isHarmless = ["login", "status", "logout", "refresh"].includes(typed.name);
  if (meant !== undefined) {
    return new FobError(
      `no profile ${quote(profile)}`,
      isHarmless
        ? `did you mean: ${formatCommand(typed, { profile: meant, instead: profile })}`
        : `did you mean: ${quoteShellWord(meant)}`,
    );
  }
  const allInBrowser = findBrowserOnlyError(files, profile, names);
  if (allInBrowser) return allInBrowser;
  const isNew = profile !== "default" && isPortableName(profile);
  const setUp = `set up your access key and device: fob setup${isNew ? ` ${quoteProfileArgument(profile)}` : ""}`;
  const where =
    names.length === 0
      ? `: neither ${quote(files.credentials.path)} nor ${quote(files.config.path)} has any`
      : ` in ${quote(files.credentials.path)}`;
  return new FobError(`no profile ${quote(profile)}${where}`, [
    ...(hasEnvironmentKey
      ? [
          `use the access key in the environment: ${formatLogin(typed, { profile, options: {} }, { set: { sourceEnv: true } })}`,
        ]
      : []),
    typed.name === "login" || names.length === 0 ? setUp : "list your sessions: fob status",
    ...(names.length > 0 ? [`your profiles: ${names.slice(0, 8).map(quote).join(", ")}`] : []),
  ]);
}

/** The error for a profile that does not exist, where all that do sign in in the browser: an access key may not be wanted. */
function findBrowserOnlyError(files: AwsFiles, profile: string, names: readonly string[]): FobError | undefined {
  const inBrowser = readableProfiles(names, (name) => findBrowserError(files, name) !== undefined);
  const [first] = inBrowser;
  if (first === undefined || inBrowser.length < names.length) return undefined;
  const only = names.length === 1 ? "your only profile" : "none of your profiles has an access key:";
  return new FobError(
    `no profile ${quote(profile)}; ${only} ${findBrowserError(files, first)?.message ?? ""}`,
    findBrowserError(files, first)?.hints ?? [],
  );
}

/** The two files spell the headers of profiles differently: `[profile work]` in the config, `[work]` in the credentials file. */
function findMisplacedHeader({ credentials, config }: AwsFiles, profile: string): FobError | undefined {
  const spellings = [
    { file: config, line: config.titleLine(profile), header: `[profile ${profile}]` },
    { file: credentials, line: credentials.titleLine(`profile ${profile}`), header: `[${profile}]` },
  ];
  for (const { file, line, header } of spellings) {
    if (line === undefined) continue;
    return new FobError(
      `no profile ${quote(profile)}: line ${line} of ${quote(file.path)} should be ${escapeControlCharacters(header)}`,
      `\${EDITOR:-vi} +${line} ${quoteShellWord(file.path)}`,
    );
  }
  return undefined;
}
