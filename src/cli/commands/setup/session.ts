// `fob setup`: the session profile, and how programs get the session from it.
import { realpathSync } from "node:fs";
import { isFromNpxCache } from "../../../credential-process/write-launcher.ts";
import { FobError } from "../../../errors.ts";
import { getProperty } from "../../../profiles/files.ts";
import { classifyOwnKeys, classifyProcess } from "../../../profiles/inspect.ts";
import { isNewName } from "../../../profiles/names.ts";
import { getSessionProfileName, type ProfilePair } from "../../../session/profile-pair.ts";
import { assertTarget } from "../../../session/session-profile.ts";
import { readSession } from "../../../store/read.ts";
import { formatCommand } from "../../../typed-command.ts";
import { type Asking, askFor, chooseOne } from "./asking.ts";

/** The name of the session profile. @throws FobError for one that cannot be written; CancelledError */
export async function chooseSession(
  source: string,
  linked: string | undefined,
  others: readonly string[],
  asking: Asking,
): Promise<string> {
  const byRule = getSessionProfileName(source);
  const given = asking.team?.session ?? linked ?? (asking.team && byRule);
  if (given !== undefined) {
    assertSession({ source, session: given }, asking);
    return given;
  }
  if (others.length > 0) {
    const names = [byRule, ...others.filter((name) => name !== byRule)];
    const choices = names.map((name) => [others.includes(name) ? name : `${name} (new)`, name] as const);
    const chosen = await chooseOne(asking, "Which profile should hold the session, for programs to use?", choices);
    if (chosen !== undefined) return chosen;
  }
  const problem = (answer: string): string | undefined => {
    const session = answer || byRule;
    if (!isNewName(session)) return "use letters, digits and . _ -";
    if (session === source) return "that profile has the access key; choose another name";
    try {
      assertSession({ source, session }, asking);
      return undefined;
    } catch (error) {
      if (error instanceof FobError) return error.message;
      throw error;
    }
  };
  // The usual name may be taken.
  const enter = problem("") === undefined ? ` (Enter: ${byRule})` : "";
  return (await askFor(asking, `Name of the session profile, which programs use${enter}:`, problem)) || byRule;
}

/** @throws FobError where a session may not be written there */
function assertSession(pair: ProfilePair, { snapshot, sessions, context }: Asking): void {
  assertTarget(pair, snapshot.files, {
    ...{ replaceLongTerm: false, takesOver: true, copies: undefined, now: sessions.now() },
    previous: readSession(snapshot.store, pair.session),
    formatLogin: (changes) =>
      formatCommand({ ...context.typed, name: "login", named: [pair.source], options: {} }, changes),
  });
}

/** The session profile that a source has already, if any. */
export function findLinked({ source, session }: ProfilePair, { snapshot }: Asking): string | undefined {
  const isStored = readSession(snapshot.store, session)?.source.profile === source;
  const isLinked = getProperty(snapshot.files, session, "fob_source_profile") === source;
  const isServed = classifyProcess(snapshot.files, session) === "fob";
  return isStored || isLinked || isServed ? session : undefined;
}

/** Whether the session profile has the session of another tool, which the first login replaces. */
export function isForeign(session: string, { snapshot }: Pick<Asking, "snapshot">): boolean {
  return classifyOwnKeys(snapshot.files, session) === "temporary" && readSession(snapshot.store, session) === undefined;
}

/** Whether programs are to get the session from fob's credential_process. @throws CancelledError */
export async function chooseMode(session: string, asking: Asking): Promise<boolean> {
  const { snapshot, team, context } = asking;
  const isServed = classifyProcess(snapshot.files, session) === "fob";
  if (isServed || readSession(snapshot.store, session) !== undefined || isForeign(session, asking)) return false;
  if (isFromNpxCache(realpathSync(process.argv[1] ?? ""))) {
    if (team?.mode === "process") context.say.warning("fob runs from npx's cache, so credential_process is left out");
    return false;
  }
  if (team?.mode !== undefined) return team.mode === "process";
  for (const line of explanation) context.say.note(line);
  const chosen = await chooseOne(asking, "How should programs get the session?", [
    ["keys in the credentials file", false],
    ["credential_process", true],
  ]);
  return chosen ?? false;
}

const explanation = [
  "keys in the credentials file: every program finds them, until they expire and you log in again",
  "credential_process: programs get them from fob, which asks you for a code when they have expired",
];
