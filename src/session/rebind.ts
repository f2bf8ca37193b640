// Sessions after their access key was replaced by another of the same user: AWS still accepts them.
import type { Session } from "../store/session.ts";
import { waitingFor } from "../store/under-lock.ts";
import type { SessionContext } from "./context.ts";

/** Binds the sessions of one access key to another, those of roles too. @throws FobError */
export async function rebindSessions(old: string, next: string, context: SessionContext): Promise<void> {
  const { store } = context;
  const find = (profile: string): Session | undefined => {
    const stored = store.read(profile);
    return stored.state === "readable" && stored.session.source.accessKeyId === old ? stored.session : undefined;
  };
  for (const { profile } of store.list()) {
    if (!find(profile)) continue;
    await store.locked(profile, waitingFor(profile, context), () => {
      const session = find(profile);
      if (session) store.annotate({ ...session, source: { ...session.source, accessKeyId: next } });
      return Promise.resolve();
    });
  }
}
