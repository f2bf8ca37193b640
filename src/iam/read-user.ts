// A user as it is now, by calls about this user: the credential report may be hours old.
import type { Connection } from "../aws/connection.ts";
import { formatUtcTime } from "../duration.ts";
import { toDevice } from "./devices.ts";
import { type AccessKey, type Known, mapKnown, type Password, type User } from "./snapshot.ts";
import { tryCall } from "./try-call.ts";

export interface UserCalls
  extends Pick<typeof import("../aws/iam-changes.ts"), "getAccessKeyLastUsed" | "listAccessKeys" | "listGroupsForUser">,
    Pick<typeof import("../aws/iam.ts"), "listMfaDevices">,
    Pick<typeof import("../aws/iam-account.ts"), "getLoginProfile"> {}

/**
 * Reads what may have changed since the snapshot; the policies are those of the snapshot.
 *
 * @returns undefined if the user is gone
 * @throws FobError if the user's groups cannot be read
 */
export async function readUser(aws: Connection, user: User, calls: UserCalls): Promise<User | undefined> {
  const [groups, devices, accessKeys, profile] = await Promise.all([
    calls.listGroupsForUser(aws, user.name),
    tryCall(() => calls.listMfaDevices(aws, user.name)),
    tryCall(() => readKeys(aws, user.name, calls)),
    tryCall(() => calls.getLoginProfile(aws, user.name)),
  ]);
  if (groups === undefined) return undefined;
  return {
    ...user,
    groups,
    devices: mapKnown(devices, (serialNumbers) => serialNumbers.map(toDevice)),
    mayHaveMoreDevices: false,
    accessKeys: accessKeys,
    password: mapKnown(profile, (found) => (found === undefined ? null : toPassword(user, found.resetRequired))),
  };
}

/** The access keys of a user, with their IDs. */
export async function readKeys(
  aws: Connection,
  user: string,
  calls: Pick<UserCalls, "getAccessKeyLastUsed" | "listAccessKeys">,
): Promise<readonly AccessKey[]> {
  const keys = (await calls.listAccessKeys(aws, user)) ?? [];
  return await Promise.all(
    keys.map(async ({ accessKeyId, isActive }): Promise<AccessKey> => {
      const use = await calls.getAccessKeyLastUsed(aws, accessKeyId);
      return {
        ...{ id: accessKeyId, active: isActive, lastRotated: null },
        lastUsed: use === undefined ? null : formatUtcTime(use.at),
        ...{ lastUsedService: use?.service ?? null, lastUsedRegion: use?.region },
      };
    }),
  );
}

/** Only the report says when a password was used and changed. */
export function toPassword({ password }: User, resetRequired: boolean): Password {
  const unknown: Known<null> = { unknown: "the user had no password when the credential report was made" };
  const reported = "value" in password ? password.value : null;
  return {
    lastUsed: reported?.lastUsed ?? unknown,
    lastChanged: reported?.lastChanged ?? unknown,
    resetRequired: { value: resetRequired },
  };
}
