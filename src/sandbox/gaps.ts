// What a copy of an account does not have or cannot decide, in words.
import type { Known, Password } from "../iam/snapshot.ts";
import { escapeControlCharacters } from "../text.ts";
import type { PolicyGaps } from "./load-account.ts";
import type { SavedAccount } from "./saved-account.ts";

/** Returns a line for each kind of thing that is unknown in the file, or not modeled in its policies. */
export function describeGaps(saved: SavedAccount, { problems, keys }: PolicyGaps): string[] {
  const { users, alias, passwordPolicy, root } = saved;
  const ofPasswords = (part: (password: Password) => Known<unknown>) =>
    users.flatMap(({ name, password }) =>
      "value" in password && password.value !== null ? { name, known: part(password.value) } : [],
    );
  return [
    ...describeUnknown("the account's alias", alias),
    ...describeUnknown("the password policy", passwordPolicy),
    ...describeUnknown("the root user's keys and MFA device", root),
    ...groupUnknown(
      users.map(({ name, devices }) => ({ name, known: devices })),
      "MFA devices",
      "have none in the sandbox",
    ),
    ...groupUnknown(
      users.map(({ name, accessKeys }) => ({ name, known: accessKeys })),
      "access keys",
      "have none in the sandbox",
    ),
    ...groupUnknown(
      users.map(({ name, password }) => ({ name, known: password })),
      "passwords",
      "have none in the sandbox",
    ),
    ...groupUnknown(
      ofPasswords(({ resetRequired }) => resetRequired),
      "need for a new password",
      "need none in the sandbox",
    ),
    ...groupUnknown(
      ofPasswords(({ lastChanged }) => lastChanged),
      "age of the password",
      "have had theirs since the user was made",
    ),
    ...problems.map((problem) => `cannot evaluate ${problem}; requests that it is about are refused`),
    ...(keys.length === 0
      ? []
      : [`not modeled in policies: ${keys.join(", ")}; requests whose decision depends on them are refused`]),
  ].map(escapeControlCharacters);
}

const describeUnknown = (what: string, known: Known<unknown>): string[] =>
  "unknown" in known ? [`unknown: ${what} (${known.unknown}), so the sandbox has none`] : [];

const namesShown = 3;

/** One line for all: thousands of users may have a reason each. The first one is shown. */
function groupUnknown(
  users: readonly { readonly name: string; readonly known: Known<unknown> }[],
  what: string,
  here: string,
): string[] {
  const unknown = users.flatMap(({ name, known }) => ("unknown" in known ? { name, reason: known.unknown } : []));
  const [first] = unknown;
  if (first === undefined) return [];
  const names = unknown.slice(0, namesShown).map(({ name }) => name);
  const others = unknown.length - names.length;
  const shown = `${names.join(", ")}${others > 0 ? ` and ${others} more` : ""}`;
  return [`unknown: ${what} of ${shown} (${first.reason}), so they ${here}`];
}
