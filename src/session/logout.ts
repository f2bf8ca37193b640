// Removing sessions from every place that fob wrote them to, and nothing else.
import { FobError } from "../errors.ts";
import type { Holder } from "../files/lock.ts";
import { type AwsFiles, propertyValue, readAwsFiles } from "../profiles/files.ts";
import type { AwsFilePaths } from "../profiles/paths.ts";
import { clockTime } from "../terminal/duration.ts";
import { quote, shellWord } from "../text.ts";
import { linkOf, ownKeys, processKind, sessionNamed } from "./link.ts";
import { unpublish } from "./publish.ts";
import type { Session } from "./session.ts";
import { isOfRole, type Store, type Stored } from "./store.ts";
import type { WritableStore } from "./store-writer.ts";

export interface LogoutTools {
  readonly paths: AwsFilePaths;
  readonly store: WritableStore;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly signal: AbortSignal;
  readonly note: (message: string) => void;
  readonly warn: (message: string) => void;
}

/**
 * Removes the sessions of these profiles (either of a session's two), or all of them.
 *
 * @throws FobError; a session whose places could not all be cleaned stays in the store, so that it can be tried again
 */
export async function logout(profiles: readonly string[] | "all", tools: LogoutTools): Promise<void> {
  const { store } = tools;
  const everything = (): string[] => store.list().map(({ profile }) => profile);
  if (profiles === "all") {
    if (everything().length === 0) tools.note("there are no sessions");
    for (const profile of everything()) await removeUnderLock(profile, tools);
    return;
  }
  const files = readAwsFiles(tools.paths);
  for (const profile of new Set(profiles.map((name) => sessionProfile(name, files, store)))) {
    const source = sourceOf(profile, files, store);
    await removeUnderLock(profile, tools);
    // After that nobody can get new ones by way of it.
    for (const role of rolesOf(source, store)) await removeUnderLock(role, tools);
  }
}

async function removeUnderLock(profile: string, tools: LogoutTools): Promise<void> {
  const { store, signal, note } = tools;
  const onWait = ({ pid }: Holder): void =>
    note(`waiting for another fob (process ${pid}) that is logging in to ${quote(profile)}`);
  await store.locked(profile, { signal, patience: 30_000, onWait }, () => remove(profile, tools));
}

/** The source of a session profile; undefined for a role profile. */
function sourceOf(profile: string, files: AwsFiles, store: Store): string | undefined {
  const stored = store.read(profile);
  if (isOfRole(stored) || propertyValue(files, profile, "role_arn") !== undefined) return undefined;
  return stored.state === "readable"
    ? stored.session.source.profile
    : linkOf(profile, { files, store, command: "fob logout" }).source;
}

/** The role profiles whose credentials came by way of a source. */
function rolesOf(source: string | undefined, store: Store): string[] {
  const isBySource = (stored: Stored): boolean =>
    isOfRole(stored) && stored.state === "readable" && stored.session.source.profile === source;
  return store
    .list()
    .filter(isBySource)
    .map(({ profile }) => profile);
}

function sessionProfile(profile: string, files: AwsFiles, store: Store): string {
  const isMissing = store.read(profile).state === "missing";
  if (propertyValue(files, profile, "role_arn") !== undefined || isOfRole(store.read(profile))) return profile;
  if (isMissing && ownKeys(files, profile) === "temporary") {
    throw new FobError(
      `the session in the profile ${quote(profile)} is another tool's, so fob leaves it alone`,
      "remove it with the tool that wrote it",
    );
  }
  return sessionNamed(profile, { files, store, command: "fob logout" });
}

async function remove(profile: string, tools: LogoutTools): Promise<void> {
  const stored = tools.store.read(profile);
  if (stored.state === "missing") {
    const files = readAwsFiles(tools.paths);
    const isRole = propertyValue(files, profile, "role_arn") !== undefined;
    tools.note(`there ${isRole ? "are no credentials of the role profile" : "is no session"} ${quote(profile)}`);
    if (ownKeys(files, profile) === "temporary") {
      tools.warn(`the profile ${quote(profile)} holds credentials that fob did not write; they stay`);
    }
    return;
  }
  if (stored.state === "readable") await removeEverywhere(stored.session, tools);
  else warnOfLeftovers(stored, tools);
  tools.store.remove(profile);
  tools.store.forgetRefusal(profile);
  if (processKind(readAwsFiles(tools.paths), profile) === "fob") {
    tools.note(`the next program that uses the profile ${quote(profile)} makes fob ask for a new one`);
  }
}

async function removeEverywhere(session: Session, tools: LogoutTools): Promise<void> {
  for (const place of session.writtenTo) {
    const outcome = await unpublish(place, tools);
    if (outcome === "foreign") {
      tools.warn(`${quote(place.profile)} in ${quote(place.file)} holds credentials that fob did not write; they stay`);
    }
  }
  const { expiration } = session.credentials;
  const now = tools.now();
  const until = expiration > now ? `; AWS still honours its credentials until ${clockTime(expiration, now)}` : "";
  const what = session.roles.length > 0 ? "credentials of the role profile" : "session";
  tools.note(`removed the ${what} ${quote(session.profile)}${until}`);
}

/** A damaged session file no longer tells what fob wrote where. */
function warnOfLeftovers(stored: Stored & { state: "unreadable" }, tools: LogoutTools): void {
  tools.note(`removed the session file ${quote(stored.path)}, which ${stored.reason}`);
  const files = readAwsFiles(tools.paths);
  if (ownKeys(files, stored.profile) !== "temporary") return;
  tools.warn(
    `the profile ${quote(stored.profile)} still holds temporary credentials; remove them by hand: \${EDITOR:-vi} ${shellWord(files.credentials.path)}`,
  );
}
