// Calls about single users, for those whom the bulk calls leave open.
import { AwsFailure } from "../aws/failures.ts";
import type { Known } from "./snapshot.ts";
import { tryCall } from "./try-call.ts";

/** AWS throttles callers that ask for more at the same time. */
const AT_ONCE = 8;

/**
 * Asks about users, a few at the same time. Once AWS has throttled a call for longer than it is repeated, or has not
 * answered it, the other users are unknown for the same reason: to ask about thousands would take hours.
 *
 * @param show is told how many users have been asked about
 */
export async function lookUp<T>(
  users: readonly string[],
  ask: (user: string) => Promise<T>,
  show: (done: number) => void,
): Promise<ReadonlyMap<string, Known<T>>> {
  const found = new Map<string, Known<T>>();
  const rest = users.values();
  let stopped: string | undefined;
  const askNext = async (): Promise<void> => {
    for (const user of rest) {
      const reason = stopped;
      found.set(user, reason === undefined ? await tryCall(() => watch(ask(user))) : { unknown: reason });
      show(found.size);
    }
  };
  const watch = async (answer: Promise<T>): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof AwsFailure && error.consequence !== "refused") stopped ??= error.message;
      throw error;
    }
  };
  if (users.length > 0) show(0);
  await Promise.all(Array.from({ length: AT_ONCE }, askNext));
  return found;
}
