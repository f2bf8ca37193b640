// What CloudTrail tells of the access keys of users: the last-used service of a key hides every use before the last one.
import type { EventQuery, TrailEvent } from "../aws/cloudtrail.ts";
import { describeAgo } from "../duration.ts";
import { isBreakGlass, isMember } from "../iam/parts.ts";
import type { AccessKey, KeyHistory, Known, User } from "../iam/snapshot.ts";
import { findInUse, historyDays, inUseDays, leavesOpen, wasUsed } from "./states.ts";

/** Finds the latest event of a region that matches; unknown if it could not be looked up. */
export type FindEvent = (
  query: EventQuery,
  isMatch: (event: TrailEvent) => boolean,
) => Promise<Known<TrailEvent | undefined>>;

/** The access keys of a user, with their IDs and the regions that they were last used in. */
type ReadUser = Pick<User, "name" | "accessKeys">;

const day = 86_400_000;

/** Whether CloudTrail can tell that a user, who has a device and is not in the group, is not ready. */
export function needsHistory(
  user: User,
  { group, breakGlass, now }: { readonly group: string; readonly breakGlass: readonly string[]; readonly now: number },
): boolean {
  const { accessKeys, devices } = user;
  if (isMember(user, group) || isBreakGlass(user, breakGlass)) return false;
  if (!("value" in devices) || devices.value.length === 0 || !("value" in accessKeys)) return false;
  return findInUse(accessKeys.value, now) === undefined && accessKeys.value.some((key) => wasUsed(key, now));
}

/**
 * Reads what CloudTrail knows of the keys of a user, in these regions and those that the keys were last used in: an event
 * is only in the history of its region.
 */
export async function readKeyHistory(
  { name, accessKeys }: ReadUser,
  { find, regions, now }: { readonly find: FindEvent; readonly regions: readonly string[]; readonly now: number },
): Promise<KeyHistory | undefined> {
  if (!("value" in accessKeys)) return undefined;
  const keys = accessKeys.value.filter((key) => wasUsed(key, now));
  if (keys.length === 0) return undefined;
  const regionsOf = (given: readonly AccessKey[]): readonly string[] => [
    ...new Set([...regions, ...given.flatMap(({ lastUsedRegion }) => lastUsedRegion ?? [])]),
  ];
  const uses = keys
    .filter((key) => leavesOpen(key, now))
    .flatMap((key) =>
      regionsOf([key]).map((region) =>
        key.id === undefined
          ? Promise.resolve({ unknown: "the ID of the access key is not known" })
          : find(
              { region, attribute: "AccessKeyId", value: key.id, since: now - inUseDays * day },
              ({ source, isOwn }) => !isOwn && !/^(iam|sts)\./.test(source),
            ),
      ),
    );
  const federations = regionsOf(keys).map((region) =>
    find(
      { region, attribute: "EventName", value: "GetFederationToken", since: now - historyDays * day },
      ({ user }) => user === name,
    ),
  );
  return {
    regions: regionsOf(keys),
    use: join(await Promise.all(uses), now),
    federation: join(await Promise.all(federations), now),
  };
}

/** The latest of the events, in words. One that was found counts, whatever is not known besides. */
function join(found: readonly Known<TrailEvent | undefined>[], now: number): Known<string | null> {
  const events = found.flatMap((each) => ("value" in each && each.value !== undefined ? [each.value] : []));
  const [latest] = events.toSorted((a, b) => b.time - a.time);
  if (latest !== undefined) {
    return { value: `${latest.source.replace(/\..*$/, "")}:${latest.name} ${describeAgo(now - latest.time)}` };
  }
  return found.find((each) => "unknown" in each) ?? { value: null };
}
