// Which profile a command works on when the user names none.
import { FobError, UsageError } from "../errors.ts";
import { findNearest } from "../nearest.ts";
import { isResolvable, listLoginCandidates } from "../session/candidates.ts";
import type { SessionContext } from "../session/context.ts";
import { getSessionProfileName } from "../session/profile-pair.ts";
import type { Snapshot } from "../session/snapshot.ts";
import { listSessionProfiles } from "../store/read.ts";
import { quote, quoteShellWord } from "../text.ts";
import type { Context } from "./context.ts";

/** What is chosen from. */
interface Choice {
  readonly snapshot: Snapshot;
  readonly sessions: SessionContext;
  /** The command is for role profiles. */
  readonly rolesOnly?: boolean;
  /** What the user typed, with this profile. */
  readonly retype: (profile: string) => string;
}

/**
 * AWS_PROFILE, else `default`, else the only profile that can be logged in to, else the one that the user picks.
 *
 * @throws UsageError where there are several and no terminal to choose on
 */
export async function chooseProfile(choice: Choice, context: Context): Promise<string> {
  const { snapshot, rolesOnly = false } = choice;
  const { env } = context;
  if (env.AWS_PROFILE) {
    assertExists(env.AWS_PROFILE, snapshot);
    return env.AWS_PROFILE;
  }
  if (!rolesOnly && isResolvable("default", snapshot)) return "default";
  return (await pick(listLoginCandidates(snapshot, { rolesOnly }), choice, context)) ?? "default";
}

/** The same for a session that exists; undefined if no session exists. */
export async function chooseSession(choice: Choice, context: Context): Promise<string | undefined> {
  const { snapshot } = choice;
  const { env } = context;
  if (env.AWS_PROFILE) {
    assertExists(env.AWS_PROFILE, snapshot);
    return env.AWS_PROFILE;
  }
  const sessions = listSessionProfiles(snapshot.store);
  if (sessions.some((session) => session === "default" || session === getSessionProfileName("default")))
    return "default";
  return await pick(sessions, choice, context);
}

async function pick(
  candidates: readonly string[],
  { sessions, retype }: Choice,
  { say }: Context,
): Promise<string | undefined> {
  const [first, ...others] = candidates;
  if (first === undefined) return undefined;
  if (candidates.includes("default")) return "default";
  if (others.length === 0) {
    say.note(`using the profile ${quote(first)}`);
    return first;
  }
  const choose = sessions.prompter()?.choose;
  if (choose) return await choose("Which profile?", candidates, sessions.signal);
  const names = candidates.slice(0, 8).map(quote).join(", ");
  const more = candidates.length > 8 ? ` and ${candidates.length - 8} more` : "";
  throw new UsageError(`choose one of ${candidates.length} profiles: ${names}${more}`, [
    retype(first),
    `or select it: export AWS_PROFILE=${quoteShellWord(first)}`,
  ]);
}

/** @throws FobError where AWS_PROFILE names nothing, which the user may have set long ago */
function assertExists(profile: string, { files, store }: Snapshot): void {
  const { credentials, config } = files;
  const isThere = credentials.has(profile) || config.has(profile) || store.read(profile).state !== "missing";
  // A header in the other file's spelling has an error of its own.
  const isMisplaced = config.titleLine(profile) ?? credentials.titleLine(`profile ${profile}`);
  if (isThere || isMisplaced !== undefined) return;
  const meant = findNearest(profile, [...new Set([...credentials.profiles(), ...config.profiles()])]);
  throw new FobError(`no profile ${quote(profile)}, which AWS_PROFILE names`, [
    ...(meant === undefined ? [] : [`did you mean: export AWS_PROFILE=${quoteShellWord(meant)}`]),
    `${meant === undefined ? "" : "or "}unset AWS_PROFILE`,
  ]);
}
