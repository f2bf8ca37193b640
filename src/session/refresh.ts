// Renewing sessions that run out: once, or for as long as somebody watches.
import { CancelledError, type ExitCode, exitCodes, FobError, RefusedError } from "../errors.ts";
import { defaultMinTtl, isFresh } from "../store/freshness.ts";
import { listSessionProfiles } from "../store/read.ts";
import { getSpan } from "../store/session.ts";
import { quote } from "../text.ts";
import { type LoginOutcome, type LoginTools, login } from "./login.ts";
import { resolveSessionProfile } from "./profile-pair.ts";
import type { Prompter } from "./request.ts";
import { resolve } from "./resolve.ts";
import { type Snapshot, takeSnapshot } from "./snapshot.ts";

export interface RefreshWishes {
  /** Seconds that should remain; an hour where the user does not say. */
  readonly minTtl: number | undefined;
  readonly region: string | undefined;
}

export interface RefreshTools extends LoginTools {
  readonly error: (error: FobError) => void;
  readonly done: (outcome: LoginOutcome) => void;
}

/**
 * Renews the sessions that these profiles name (without any, every session in the store) where too little of them remains.
 *
 * @returns the exit code of the first that failed
 * @throws CancelledError when the user gives up
 */
export async function refresh(
  profiles: readonly string[],
  wishes: RefreshWishes,
  tools: RefreshTools,
): Promise<ExitCode> {
  let code: ExitCode = exitCodes.done;
  for (const profile of profiles.length > 0 ? profiles : listSessionProfiles(tools.store)) {
    try {
      tools.done(await renew(resolveSession(profile, takeSnapshot(tools)), wishes, tools));
    } catch (error) {
      const failure = describeFailure(error);
      tools.error(failure);
      if (code === exitCodes.done) code = failure.exitCode;
    }
  }
  return code;
}

/** Each with a snapshot of its own: the one before may have taken an hour. */
async function renew(profile: string, { minTtl, region }: RefreshWishes, tools: RefreshTools): Promise<LoginOutcome> {
  const plan = resolve({ profile, region, isRenewal: true }, takeSnapshot(tools), tools);
  return await login(plan, { minTtl, wish: defaultMinTtl.login }, tools);
}

/** What has gone wrong with one session. @throws CancelledError where the user gives up altogether */
function describeFailure(error: unknown): FobError {
  const isFailure = error instanceof FobError && (!(error instanceof CancelledError) || error instanceof RefusedError);
  if (!isFailure) throw error;
  return error;
}

export interface WatchTools extends RefreshTools {
  /** Shows how things stand. */
  readonly show: () => void;
  /** Calls for the user, who may be looking at something else. */
  readonly alert: (message: string) => void;
}

/** Milliseconds between two looks at the clock, which may be set; and the computer may have slept. */
const TICK = 10_000;
/** Milliseconds after which a failed renewal is tried again: the network may be back, or the user. */
const RETRY = 60_000;

/** Renews sessions in time, each by itself: a question for one does not hold up another. @throws CancelledError */
export async function watch(profiles: readonly string[], wishes: RefreshWishes, tools: WatchTools): Promise<never> {
  try {
    return await watchUntilCancelled(profiles, wishes, tools);
  } catch (error) {
    throw error instanceof CancelledError ? new CancelledError("no session is renewed any more") : error;
  }
}

async function watchUntilCancelled(
  profiles: readonly string[],
  wishes: RefreshWishes,
  tools: WatchTools,
): Promise<never> {
  const failures = createFailureLog(tools);
  const underWay = new Map<string, Promise<void>>();
  let questions = 0;
  const person = (): Prompter | undefined =>
    asking(tools.person(), async (question, ask) => {
      tools.alert(question);
      questions += 1;
      return await ask().finally(() => {
        questions -= 1;
      });
    });
  const renewing = async (profile: string): Promise<void> => {
    try {
      tools.done(await renew(profile, wishes, { ...tools, person }));
      failures.clear(profile);
    } catch (error) {
      failures.add(profile, describeFailure(error));
    } finally {
      underWay.delete(profile);
    }
  };
  for (;;) {
    try {
      for (const profile of listWatched(profiles, tools)) {
        const isDue = !underWay.has(profile) && failures.mayTryAgain(profile) && !isFreshEnough(profile, wishes, tools);
        if (isDue) underWay.set(profile, renewing(profile));
      }
      // It would be drawn over the question.
      if (questions === 0) tools.show();
      failures.clear("");
    } catch (error) {
      // An AWS file that somebody is editing just now, say.
      failures.add("", describeFailure(error));
    }
    await Promise.race([tools.sleep(TICK, tools.signal), ...underWay.values()]);
    if (tools.signal.aborted) throw new CancelledError();
  }
}

function listWatched(profiles: readonly string[], tools: WatchTools): string[] {
  if (profiles.length === 0) return listSessionProfiles(tools.store);
  const snapshot = takeSnapshot(tools);
  return [...new Set(profiles.map((profile) => resolveSession(profile, snapshot)))];
}

function resolveSession(profile: string, { files, store }: Snapshot): string {
  return resolveSessionProfile(profile, { files, store, command: "fob refresh" });
}

function isFreshEnough(profile: string, { minTtl }: RefreshWishes, { store, now }: WatchTools): boolean {
  const stored = store.read(profile);
  if (stored.state !== "readable") return false;
  return isFresh(getSpan(stored.session), defaultMinTtl.login, minTtl, now());
}

/** What has failed, by profile. It is said once, not every minute. */
function createFailureLog({ error, alert, now }: WatchTools) {
  const failed = new Map<string, { readonly at: number; readonly message: string }>();
  return {
    add(profile: string, failure: FobError): void {
      const isNew = failed.get(profile)?.message !== failure.message;
      failed.set(profile, { at: now(), message: failure.message });
      if (!isNew) return;
      error(failure);
      alert(failure.message);
    },
    clear: (profile: string): void => void failed.delete(profile),
    mayTryAgain(profile: string): boolean {
      const last = failed.get(profile);
      // The clock may have been set.
      return last === undefined || Math.abs(now() - last.at) >= RETRY;
    },
  };
}

/** The same person, with something around each question. */
function asking(
  person: Prompter | undefined,
  around: (question: string, ask: () => Promise<string>) => Promise<string>,
): Prompter | undefined {
  if (!person) return undefined;
  return {
    ...person,
    ask: (question) => around(`${quote(question.profile)} needs an MFA code`, () => person.ask(question)),
  };
}
