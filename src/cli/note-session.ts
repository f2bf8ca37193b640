// What is said of a session once it is there.
import { getUserName } from "../aws/arn.ts";
import { formatClockTime, formatDuration } from "../duration.ts";
import type { LoginOutcome } from "../session/login.ts";
import { getSecondsLeft } from "../store/freshness.ts";
import type { Session } from "../store/session.ts";
import { escapeControlCharacters, quote, quoteProfileArgument } from "../text.ts";
import type { Context } from "./context.ts";

/** Says until when a session is good. */
export function noteSession(outcome: LoginOutcome, { now, say }: Pick<Context, "now" | "say">): void {
  say.note(formatOutcome(outcome, now()));
  hintAtUnwritten(outcome, say);
}

/** The same after a login, perhaps for a role profile: on a terminal it says who is signed in. */
export function noteLogin(
  outcome: LoginOutcome,
  { now, say }: Pick<Context, "now" | "say">,
  roleProfile: string | undefined,
): void {
  const { session, isNew } = outcome;
  const until = formatClockTime(session.credentials.expiration, now());
  const left = `${formatTimeLeft(outcome, now())}${isNew ? "" : " left"}`;
  const role = roleProfile === undefined ? "" : ` for ${quote(roleProfile)}`;
  say.done(
    `${isNew ? "Signed in" : "Still signed in"}${describeIdentity(session)}${role} until ${until} (${left})`,
    `${formatOutcome(outcome, now())}${role === "" ? "" : `,${role}`}`,
  );
  hintAtUnwritten(outcome, say);
}

function formatOutcome(outcome: LoginOutcome, now: number): string {
  const { session, isNew } = outcome;
  const until = formatClockTime(session.credentials.expiration, now);
  return `${quote(session.profile)} is valid until ${until} (${formatTimeLeft(outcome, now)})${isNew ? "" : ", no code needed"}`;
}

/** A new session has the length that was asked for; the second that it took to get it is not worth a word. */
function formatTimeLeft({ session, isNew }: LoginOutcome, now: number): string {
  const seconds = getSecondsLeft(session.credentials, now);
  return formatDuration(isNew ? Math.round(seconds / 60) * 60 : seconds);
}

/** Says what to do with a session that could not be written everywhere. */
function hintAtUnwritten({ session, unwritten }: LoginOutcome, say: Context["say"]): void {
  const name = quoteProfileArgument(session.profile);
  if (unwritten.credentials) {
    say.warning(
      `programs cannot find the session in the profile ${quote(session.profile)}: ${unwritten.credentials.message}`,
    );
    say.hint(`run them with it: fob exec ${name} -- COMMAND`);
    say.hint(`or load it into your shell: eval "$(fob env ${name})"`);
    say.hint(`or in a config that you can edit: credential_process = fob credential-process ${name}`);
  }
  if (unwritten.configLines.length > 0) {
    say.hint(`the config cannot be written; add to [profile ${escapeControlCharacters(session.profile)}]:`);
    for (const line of unwritten.configLines) say.hint(`  ${escapeControlCharacters(line)}`);
  }
}

/** Whose session it is, as far as AWS has told. */
function describeIdentity({ user, account }: Session): string {
  const name = user === undefined ? undefined : escapeControlCharacters(getUserName(user));
  if (name !== undefined) return ` as ${name}${account === undefined ? "" : ` (${account})`}`;
  return account === undefined ? "" : ` to ${account}`;
}
