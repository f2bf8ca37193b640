// What the credential report says of users, confirmed by calls about each: the report may be four hours old.
import type { Connection } from "../aws/connection.ts";
import { formatUtcTime } from "../duration.ts";
import { toDevice } from "./devices.ts";
import { isBreakGlass } from "./parts.ts";
import { type AccountCalls, lookUpFor, toListedKeys } from "./read.ts";
import { toPassword } from "./read-user.ts";
import { type AccountSnapshot, type Known, mapKnown, type Password } from "./snapshot.ts";

/** What was not asked about, because AWS throttled the calls before, is unknown for that reason. */
const notAsked: Known<never> = { unknown: "not asked" };

export interface ConfirmCalls extends Pick<AccountCalls, "listMfaDevices" | "listAccessKeys" | "getLoginProfile"> {
  readonly getUser: (
    aws: Connection,
    user: string,
  ) => Promise<{ readonly passwordLastUsed: Date | undefined } | undefined>;
}

/**
 * Reads devices, access keys and whether there is a password of every user; and when it was used, of those of whom the
 * report has no use within `usedDays`, and of break-glass users. Only the report says when a password was changed. What AWS
 * refuses is unknown, even if the report has it.
 */
export async function confirmUsers(
  aws: Connection,
  snapshot: AccountSnapshot,
  calls: ConfirmCalls,
  { breakGlass, usedDays }: { readonly breakGlass: readonly string[]; readonly usedDays: number },
): Promise<AccountSnapshot> {
  const ask = <T>(what: string, call: (aws: Connection, user: string) => Promise<T>, users = snapshot.users) =>
    lookUpFor(
      what,
      users.map(({ name }) => name),
      (user) => call(aws, user),
      aws,
    );
  const devices = await ask("MFA devices", calls.listMfaDevices);
  const accessKeys = await ask("access keys", calls.listAccessKeys);
  const passwords = await ask("passwords", calls.getLoginProfile);
  const withPassword = snapshot.users.flatMap((user) => {
    const profile = passwords.get(user.name) ?? notAsked;
    return "value" in profile && profile.value !== undefined
      ? [{ ...user, password: { value: toPassword(user, profile.value.resetRequired) } }]
      : [];
  });
  const oldest = aws.now() - usedDays * 86_400_000;
  const doubtful = withPassword.filter((user) => {
    const { lastUsed } = user.password.value;
    const isRecent = "value" in lastUsed && lastUsed.value !== null && Date.parse(lastUsed.value) >= oldest;
    return !isRecent || isBreakGlass(user, breakGlass);
  });
  const uses = await ask("the use of passwords", calls.getUser, doubtful);
  const byName = new Map(withPassword.map(({ name, password }) => [name, password.value]));
  return {
    ...snapshot,
    users: snapshot.users.map((user) => ({
      ...user,
      devices: mapKnown(devices.get(user.name) ?? notAsked, (serialNumbers) => serialNumbers.map(toDevice)),
      mayHaveMoreDevices: false,
      accessKeys: mapKnown(accessKeys.get(user.name) ?? notAsked, toListedKeys),
      password: mapKnown(passwords.get(user.name) ?? notAsked, () => {
        const password = byName.get(user.name);
        return password === undefined ? null : confirmUse(password, uses.get(user.name));
      }),
    })),
  };
}

/** @param found undefined if it was not asked */
const confirmUse = (
  password: Password,
  found: Known<{ readonly passwordLastUsed: Date | undefined } | undefined> | undefined,
): Password =>
  found === undefined
    ? password
    : { ...password, lastUsed: mapKnown(found, (user) => formatUse(user?.passwordLastUsed)) };

const formatUse = (time: Date | undefined): string | null =>
  time === undefined ? null : formatUtcTime(time.getTime());
