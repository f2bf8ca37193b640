// What the credential report says of users, confirmed by calls about each: the report may be four hours old.
import type { Connection } from "../aws/connection.ts";
import { toDevice } from "./devices.ts";
import { type AccountCalls, lookUpFor, toListedKeys } from "./read.ts";
import { toPassword } from "./read-user.ts";
import { type AccountSnapshot, type Known, mapKnown } from "./snapshot.ts";

/** What was not asked about, because AWS throttled the calls before, is unknown for that reason. */
const notAsked: Known<never> = { unknown: "not asked" };

/**
 * Reads devices, access keys and whether there is a password of every user. Only the report says when a password was used
 * and changed. What AWS refuses is unknown, even if the report has it.
 */
export async function confirmUsers(
  aws: Connection,
  snapshot: AccountSnapshot,
  calls: Pick<AccountCalls, "listMfaDevices" | "listAccessKeys" | "getLoginProfile">,
): Promise<AccountSnapshot> {
  const names = snapshot.users.map(({ name }) => name);
  const ask = <T>(what: string, call: (aws: Connection, user: string) => Promise<T>) =>
    lookUpFor(what, names, (user) => call(aws, user), aws);
  const devices = await ask("MFA devices", calls.listMfaDevices);
  const accessKeys = await ask("access keys", calls.listAccessKeys);
  const passwords = await ask("passwords", calls.getLoginProfile);
  return {
    ...snapshot,
    users: snapshot.users.map((user) => ({
      ...user,
      devices: mapKnown(devices.get(user.name) ?? notAsked, (serialNumbers) => serialNumbers.map(toDevice)),
      mayHaveMoreDevices: false,
      accessKeys: mapKnown(accessKeys.get(user.name) ?? notAsked, toListedKeys),
      password: mapKnown(passwords.get(user.name) ?? notAsked, (profile) =>
        profile === undefined ? null : toPassword(user, profile.resetRequired),
      ),
    })),
  };
}
