// What is said of a session once it is there.
import { formatClockTime, formatDuration } from "../duration.ts";
import type { LoginOutcome } from "../session/login.ts";
import { getSecondsLeft } from "../store/freshness.ts";
import { escapeControlCharacters, quote, quoteProfileArgument } from "../text.ts";
import type { Context } from "./context.ts";

/** Says until when a session is good. */
export function noteSession({ session, isNew, unwritten }: LoginOutcome, { now, say }: Context): void {
  const { expiration } = session.credentials;
  const seconds = getSecondsLeft({ expiration }, now());
  // A new session has the length that was asked for; the second that it took to get it is not worth a word.
  const left = formatDuration(isNew ? Math.round(seconds / 60) * 60 : seconds);
  say.note(
    `${quote(session.profile)} is good until ${formatClockTime(expiration, now())} (${left})${isNew ? "" : ", no code needed"}`,
  );
  const name = quoteProfileArgument(session.profile);
  if (unwritten.credentials) {
    say.warning(`programs do not find it in the profile ${quote(session.profile)}: ${unwritten.credentials.message}`);
    say.hint(`run them with it: fob exec ${name} -- COMMAND`);
    say.hint(`or put it into your shell: eval "$(fob env ${name})"`);
    say.hint(
      `or let them ask for it, in a config that you can write: credential_process = fob credential-process ${name}`,
    );
  }
  if (unwritten.configLines.length > 0) {
    say.hint(`the config cannot be written; put below [profile ${escapeControlCharacters(session.profile)}]:`);
    for (const line of unwritten.configLines) say.hint(`  ${escapeControlCharacters(line)}`);
  }
}
