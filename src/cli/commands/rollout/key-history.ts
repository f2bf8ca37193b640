// Asks CloudTrail about the access keys of users, as the administrator.
import { type EventQuery, searchEvents, TooManyEvents, type TrailEvent } from "../../../aws/cloudtrail.ts";
import type { Connection } from "../../../aws/connection.ts";
import { AwsFailure } from "../../../aws/failures.ts";
import { getDefaultRegion, getPartition } from "../../../aws/partitions.ts";
import { readKeys } from "../../../iam/read-user.ts";
import type { AccountSnapshot, KeyHistory, Known, User } from "../../../iam/snapshot.ts";
import { tryCall } from "../../../iam/try-call.ts";
import { type FindEvent, readKeyHistory } from "../../../rollout/key-history.ts";

/** Reads the history of a user's keys. Calls of GetFederationToken are looked up once for all users. */
export function connectHistory(aws: Connection): (user: User) => Promise<KeyHistory | undefined> {
  const failed = new Map<string, Searched>();
  const shared = new Map<string, ReturnType<typeof searchEvents>>();
  const queues = new Map<string, Promise<unknown>>();
  const searchFor = (query: EventQuery): ReturnType<typeof searchEvents> => {
    if (query.attribute === "AccessKeyId") return searchEvents(aws, query);
    const search = shared.get(query.region) ?? searchEvents(aws, query);
    shared.set(query.region, search);
    return search;
  };
  const find: FindEvent = (query, isMatch) => {
    const { region } = query;
    // One after the other: CloudTrail takes two look-ups a second in a region.
    const next = (queues.get(region) ?? Promise.resolve()).then(async () => {
      const { found, isFinal } = failed.get(region) ?? (await trySearch(() => searchFor(query)(isMatch), region));
      if (isFinal) failed.set(region, { found, isFinal });
      return found;
    });
    queues.set(
      region,
      next.catch(() => undefined),
    );
    return next;
  };
  const { region } = aws.access;
  const regions = [...new Set([getDefaultRegion(getPartition(region)) ?? region, region])];
  return (user) => readKeyHistory(user, { find, regions, now: aws.now() });
}

interface Searched {
  readonly found: Known<TrailEvent | undefined>;
  /** Whether other searches in the region would fail, too. */
  readonly isFinal: boolean;
}

/** Whatever goes wrong there, the rollout goes on: what is not known is no pass. */
async function trySearch(search: () => Promise<TrailEvent | undefined>, region: string): Promise<Searched> {
  try {
    return { found: { value: await search() }, isFinal: false };
  } catch (error) {
    if (!(error instanceof AwsFailure)) throw error;
    const unknown = `CloudTrail in ${region}: ${error.message}`;
    return { found: { unknown }, isFinal: !(error instanceof TooManyEvents) };
  }
}

/** About those of the first four batches: CloudTrail takes two look-ups a second, and more users would have to wait. */
const mostLookedAt = 10;

/**
 * Looks at CloudTrail for the plan: only about users who would be ready, and of many users only the first ones. The guards
 * look at the users of each batch.
 */
export async function addHistories(
  snapshot: AccountSnapshot,
  aws: Connection,
  isAskedFor: (user: User) => boolean,
): Promise<AccountSnapshot> {
  const { getAccessKeyLastUsed, listAccessKeys } = await import("../../../aws/iam-changes.ts");
  const chosen = snapshot.users.filter(isAskedFor).slice(0, mostLookedAt);
  const readHistory = connectHistory(aws);
  const found = await aws.keepProgress(async () => {
    if (chosen.length > 0) aws.progress = "Looking in CloudTrail for what access keys were used for…";
    return await Promise.all(
      chosen.map(async (user) => {
        const accessKeys = await tryCall(() => readKeys(aws, user.name, { getAccessKeyLastUsed, listAccessKeys }));
        return [user.name, await readHistory({ ...user, accessKeys })] as const;
      }),
    );
  });
  const histories = new Map(found);
  return {
    ...snapshot,
    users: snapshot.users.map((user) => ({ ...user, keyHistory: histories.get(user.name) })),
  };
}
