// Removing sessions from every place that fob wrote them to, and nothing else.
import { existsSync } from "node:fs";
import { formatClockTime } from "../duration.ts";
import { CancelledError, type ExitCode, exitCodes, FobError } from "../errors.ts";
import { type AwsFiles, getProperty, readAwsFiles } from "../profiles/files.ts";
import { classifyOwnKeys, classifyProcess } from "../profiles/inspect.ts";
import { getSessionsFolder } from "../store/paths.ts";
import { isRoleSession, type Stored } from "../store/read.ts";
import type { Session } from "../store/session.ts";
import { waitingFor } from "../store/under-lock.ts";
import { quote, quoteProfileArgument, quoteShellWord } from "../text.ts";
import type { SessionContext } from "./context.ts";
import { type Known, resolveProfilePair, resolveSessionProfile } from "./profile-pair.ts";
import { findSessionOfRole } from "./role-sessions.ts";
import { removeCopiedSettings, removeFromPlace } from "./session-profile.ts";

/** Says an error that keeps no other session. */
type ReportError = (error: FobError) => void;

/**
 * Removes the sessions of these profiles (either of a session's two), or all of them. One that cannot be removed does not
 * keep the others; it stays in the store, so that it can be tried again.
 *
 * @returns the exit code of the first that failed
 * @throws FobError for a name that stands for no session, before anything is removed
 */
export async function logout(
  profiles: readonly string[] | "all",
  context: SessionContext,
  reportError: ReportError,
): Promise<ExitCode> {
  const { store } = context;
  if (profiles === "all") {
    const found = store.list();
    if (found.length === 0) context.note("no sessions");
    const isOthers = (stored: Stored): boolean => stored.state === "unreadable" && stored.isOtherVersion;
    for (const { profile } of found.filter(isOthers)) {
      context.warn(
        `${quote(profile)} is from another version of fob and was not removed; to remove it: fob logout ${quoteProfileArgument(profile)}`,
      );
    }
    const everything = found.filter((stored) => !isOthers(stored));
    // What they hold is known of these alone.
    const isReadable = ({ state }: Stored): boolean => state === "readable";
    const inOrder = [...everything.filter(isReadable), ...everything.filter((stored) => !isReadable(stored))];
    return await removeEach(
      inOrder.map(({ profile }) => profile),
      context,
      reportError,
    );
  }
  const files = readAwsFiles(context.paths);
  const sessions = new Set(profiles.map((name) => resolveProfile(name, { files, store }, context)));
  return await removeEach([...sessions], context, reportError);
}

async function removeEach(
  profiles: readonly string[],
  context: SessionContext,
  reportError: ReportError,
  seen = new Set<string>(),
): Promise<ExitCode> {
  let code: ExitCode = exitCodes.done;
  const failed = (failure: ExitCode): void => {
    if (code === exitCodes.done) code = failure;
  };
  for (const profile of profiles) {
    if (seen.has(profile)) continue;
    seen.add(profile);
    try {
      const roles = await removeUnderLock(profile, context);
      // Without the session, programs could go on with its roles.
      failed(await removeEach(roles, context, reportError, seen));
    } catch (error) {
      if (!(error instanceof FobError) || error instanceof CancelledError) throw error;
      const again = `the session ${quote(profile)} was not removed; try again: fob logout ${quoteProfileArgument(profile)}`;
      reportError(new FobError(error.message, [...error.hints, again], error.exitCode, error));
      failed(error.exitCode);
    }
  }
  return code;
}

/** @returns the role profiles whose credentials were assumed with the session, also while its lock was waited for */
async function removeUnderLock(profile: string, context: SessionContext): Promise<readonly string[]> {
  const { store } = context;
  const work = async (): Promise<readonly string[]> => {
    const stored = store.read(profile);
    const sessions = store.list().filter((other) => !isRoleSession(other));
    const source = isRoleSession(stored) ? undefined : findSource(stored, context);
    await remove(profile, context);
    const belongs = (role: Stored): boolean => {
      if (role.state !== "readable" || !isRoleSession(role)) return false;
      const session = findSessionOfRole(role, sessions);
      return session === profile || (session === undefined && role.session.source.profile === source);
    };
    return store
      .list()
      .filter(belongs)
      .map((role) => role.profile);
  };
  // Where there is no store there is no login under way, and a lock would make one.
  if (!existsSync(getSessionsFolder(store.folder))) return await work();
  return (await store.locked(profile, waitingFor(profile, context), work)) ?? [];
}

/** The source of a session profile, if it can still be told. */
function findSource(stored: Stored, { paths, store, typed }: SessionContext): string | undefined {
  if (stored.state === "readable") return stored.session.source.profile;
  try {
    return resolveProfilePair(stored.profile, { files: readAwsFiles(paths), store }, typed).source;
  } catch (error) {
    if (!(error instanceof FobError)) throw error;
    return undefined;
  }
}

function resolveProfile(profile: string, { files, store }: Known, { typed }: SessionContext): string {
  const isMissing = store.read(profile).state === "missing";
  if (getProperty(files, profile, "role_arn") !== undefined || isRoleSession(store.read(profile))) return profile;
  if (isMissing && classifyOwnKeys(files, profile) === "temporary") {
    throw new FobError(
      `the session in the profile ${quote(profile)} is from another tool, so fob does not remove it`,
      "remove it with the tool that wrote it",
    );
  }
  return resolveSessionProfile(profile, { files, store }, typed);
}

async function remove(profile: string, context: SessionContext): Promise<void> {
  const { store } = context;
  const stored = store.read(profile);
  if (stored.state === "readable") await cleanPlaces(stored.session, context);
  store.remove(profile);
  store.clearRejection(profile);
  if (stored.state === "readable") tellOfSession(stored.session, context);
  if (stored.state === "unreadable")
    context.note(`removed the session file ${quote(stored.path)}, which ${stored.reason}`);
  try {
    adviseAfter(stored, readAwsFiles(context.paths), context);
  } catch (error) {
    // What the AWS files say beyond that is advice: the session has been removed.
    if (!(error instanceof FobError)) throw error;
    if (stored.state === "missing") context.note(`there is no session ${quote(profile)}`);
  }
}

/** Takes a session out of every place that it can be taken out of. @throws FobError for the first where it cannot */
async function cleanPlaces(session: Session, context: SessionContext): Promise<void> {
  const failures: FobError[] = [];
  for (const place of session.writtenTo) {
    try {
      if ((await removeFromPlace(place, context)) === "foreign") {
        const where = `${quote(place.profile)} in ${quote(place.file)}`;
        context.warn(`${where} has credentials from another tool; fob did not remove them`);
      }
    } catch (error) {
      if (!(error instanceof FobError) || error instanceof CancelledError) throw error;
      failures.push(error);
    }
  }
  try {
    await removeCopiedSettings(session, context);
  } catch (error) {
    if (!(error instanceof FobError) || error instanceof CancelledError) throw error;
    // They are no secrets.
    context.warn(
      `settings copied from ${quote(session.source.profile)} are still in ${quote(session.profile)}: ${error.message}`,
    );
  }
  const [first, ...others] = failures;
  if (first === undefined) return;
  const more = others.flatMap(({ message, hints }) => [`also: ${message}`, ...hints]);
  throw new FobError(first.message, [...first.hints, ...more], first.exitCode, first);
}

function tellOfSession({ profile, credentials, roles }: Session, context: SessionContext): void {
  const { expiration } = credentials;
  const now = context.now();
  const until = expiration > now ? `; AWS accepts its credentials until ${formatClockTime(expiration, now)}` : "";
  const what = roles.length > 0 ? "credentials of the role profile" : "session";
  context.note(`removed the ${what} ${quote(profile)}${until}`);
}

/** Says what the AWS files still hold, and what programs will do. */
function adviseAfter({ profile, state }: Stored, files: AwsFiles, context: SessionContext): void {
  const hasTemporary = classifyOwnKeys(files, profile) === "temporary";
  if (state === "missing") {
    const isRole = getProperty(files, profile, "role_arn") !== undefined;
    context.note(`there ${isRole ? "are no credentials of the role profile" : "is no session"} ${quote(profile)}`);
    if (hasTemporary)
      context.warn(`the profile ${quote(profile)} has credentials from another tool; fob did not remove them`);
    return;
  }
  // A damaged session file no longer tells what fob wrote where.
  if (state === "unreadable" && hasTemporary) {
    context.warn(
      `the profile ${quote(profile)} still has temporary credentials; remove them by hand: \${EDITOR:-vi} ${quoteShellWord(files.credentials.path)}`,
    );
  }
  if (classifyProcess(files, profile) === "fob") {
    context.note(`the next program that uses the profile ${quote(profile)} will prompt you for a code`);
  }
}
