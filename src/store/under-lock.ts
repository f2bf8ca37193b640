// Making credentials once, however many processes want them.
import { findPid, type Holder, type LockOptions, SCRIPT_PATIENCE } from "../files/lock.ts";
import { killLine, nameProcess } from "../process.ts";
import { quote } from "../text.ts";
import type { WritableStore } from "./write.ts";

export interface MadeOnce<T> {
  /** The session profile or the role profile, whose lock it is. */
  readonly profile: string;
  /** What there is already, if it will do. It is looked for again while the lock is another's, and under the lock. */
  readonly find: () => T | undefined;
  /** Makes it and keeps it in the store. */
  readonly make: () => Promise<T>;
  readonly waiting: LockOptions;
}

/** What there is, else what `make` makes: one process at a time makes it, and the others find it. */
export async function cachedUnderLock<T>(
  { profile, find, make, waiting }: MadeOnce<T>,
  store: WritableStore,
): Promise<T> {
  for (;;) {
    const made = await store.locked(
      profile,
      waiting,
      async () => find() ?? (await make()),
      () => find() !== undefined,
    );
    const outcome = made ?? find();
    if (outcome !== undefined) return outcome;
    // It was found while another process held the lock, and was removed in that very moment.
  }
}

/** How to wait for another fob that makes or removes a session, and what to say then. */
export function waitingFor(
  profile: string,
  { signal, note }: { readonly signal: AbortSignal; readonly note: (message: string) => void },
  patience = SCRIPT_PATIENCE,
): LockOptions {
  const onWait = (holder: Holder): void => {
    const pid = findPid(holder);
    const name = pid === undefined ? "" : ` (${nameProcess(pid)})`;
    const instead =
      pid === undefined || patience !== Number.POSITIVE_INFINITY
        ? ""
        : `; to be prompted here instead: ${killLine(pid)}`;
    note(`waiting for another fob${name} that is getting credentials for ${quote(profile)}${instead}`);
  };
  return { signal, patience, onWait };
}
