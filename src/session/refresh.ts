// Renewing sessions that run out: once, or for as long as --watch runs.
import { formatQuestion } from "../codes/sources.ts";
import { CancelledError, type ExitCode, exitCodes, FobError, RefusedError } from "../errors.ts";
import { getProperty, readAwsFiles } from "../profiles/files.ts";
import { classifyOwnKeys } from "../profiles/inspect.ts";
import { defaultMinTtl, isFresh } from "../store/freshness.ts";
import { isRoleSession, readSession } from "../store/read.ts";
import { getSpan } from "../store/session.ts";
import { quote, quoteProfileArgument } from "../text.ts";
import { type Prompter, type SessionContext, showNothing } from "./context.ts";
import { type LoginOutcome, login } from "./login.ts";
import { resolveSessionProfile } from "./profile-pair.ts";
import { resolve } from "./resolve.ts";
import { type Snapshot, takeSnapshot } from "./snapshot.ts";

export interface RefreshOptions {
  /** Seconds that should remain; an hour where the user does not say. */
  readonly minTtl: number | undefined;
  readonly region: string | undefined;
}

/** What is told of what becomes of each session. */
export interface RefreshReporter {
  readonly failed: (error: FobError) => void;
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
  options: RefreshOptions,
  reporter: RefreshReporter,
  context: SessionContext,
): Promise<ExitCode> {
  let code: ExitCode = exitCodes.done;
  for (const profile of profiles.length > 0 ? profiles : listRenewable(context)) {
    try {
      // Each with a snapshot of its own: the one before may have taken an hour.
      reporter.done(await renew(profile, options, takeSnapshot(context), context));
    } catch (error) {
      const failure = describeFailure(error);
      reporter.failed(failure);
      if (code === exitCodes.done) code = failure.exitCode;
    }
  }
  return code;
}

/** @param named the session profile, or what leads to it */
async function renew(
  named: string,
  { minTtl, region }: RefreshOptions,
  snapshot: Snapshot,
  context: SessionContext,
): Promise<LoginOutcome> {
  const profile = resolveSession(named, snapshot, context);
  if (classifyOwnKeys(snapshot.files, profile) === "long-term" && readSession(snapshot.store, profile)) {
    throw new FobError(
      `the session profile ${quote(profile)} now has a long-term access key, so fob does not renew its session`,
      [`remove the session: fob logout ${quoteProfileArgument(profile)}`, "or move the key to another profile"],
    );
  }
  const resolution = resolve({ profile, region, minTtl, isRenewal: true }, snapshot, context);
  return await login(resolution, { minTtl, wish: defaultMinTtl.login }, context);
}

/** What has gone wrong with one session. @throws CancelledError where the user gives up altogether */
function describeFailure(error: unknown): FobError {
  const isFailure = error instanceof FobError && (!(error instanceof CancelledError) || error instanceof RefusedError);
  if (!isFailure) throw error;
  return error;
}

export interface WatchReporter extends RefreshReporter {
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
export async function watch(
  profiles: readonly string[],
  options: RefreshOptions,
  reporter: WatchReporter,
  context: SessionContext,
): Promise<never> {
  try {
    return await watchUntilCancelled(profiles, options, reporter, context);
  } catch (error) {
    throw error instanceof CancelledError ? new CancelledError("fob no longer renews sessions") : error;
  }
}

async function watchUntilCancelled(
  profiles: readonly string[],
  options: RefreshOptions,
  reporter: WatchReporter,
  context: SessionContext,
): Promise<never> {
  const { sleep, signal } = context;
  const failures = createFailureLog(reporter, context);
  const underWay = new Map<string, Promise<void>>();
  let questions = 0;
  const prompter = (): Prompter | undefined =>
    surroundQuestions(context.prompter(), async <T>(question: string, ask: () => Promise<T>) => {
      reporter.alert(question);
      questions += 1;
      return await ask().finally(() => {
        questions -= 1;
      });
    });
  const renewing = async (profile: string): Promise<void> => {
    try {
      // What is waited for would be shown over the question for another session.
      const quiet = { ...context, prompter, showWhile: showNothing };
      reporter.done(await renew(profile, options, takeSnapshot(context), quiet));
      failures.clear(profile);
    } catch (error) {
      failures.add(profile, describeFailure(error));
    } finally {
      underWay.delete(profile);
    }
  };
  for (;;) {
    try {
      for (const profile of listWatched(profiles, context)) {
        const isDue =
          !underWay.has(profile) && failures.mayTryAgain(profile) && !isFreshEnough(profile, options, context);
        if (isDue) underWay.set(profile, renewing(profile));
      }
      // It would be drawn over the question.
      if (questions === 0) reporter.show();
      failures.clear("");
    } catch (error) {
      // Such as an AWS file that is being edited.
      failures.add("", describeFailure(error));
    }
    await Promise.race([sleep(TICK, signal), ...underWay.values()]);
    if (signal.aborted) throw new CancelledError();
  }
}

/** The sessions in the store. A damaged file under a role profile's name held the credentials of the role. */
function listRenewable({ store, paths }: SessionContext): string[] {
  const sessions = store.list().filter((stored) => !isRoleSession(stored));
  const damaged = sessions.filter(({ state }) => state === "unreadable");
  // --watch asks every ten seconds, and the AWS files may be large.
  const files = damaged.length > 0 ? readAwsFiles(paths) : undefined;
  const ofRoles = damaged.filter(({ profile }) => files && getProperty(files, profile, "role_arn") !== undefined);
  return sessions.filter((stored) => !ofRoles.includes(stored)).map(({ profile }) => profile);
}

function listWatched(profiles: readonly string[], context: SessionContext): string[] {
  if (profiles.length === 0) return listRenewable(context);
  const snapshot = takeSnapshot(context);
  return [...new Set(profiles.map((profile) => resolveSession(profile, snapshot, context)))];
}

function resolveSession(profile: string, { files, store }: Snapshot, { typed }: SessionContext): string {
  return resolveSessionProfile(profile, { files, store }, typed);
}

function isFreshEnough(profile: string, { minTtl }: RefreshOptions, { store, now }: SessionContext): boolean {
  const stored = store.read(profile);
  if (stored.state !== "readable") return false;
  return isFresh(getSpan(stored.session), defaultMinTtl.login, minTtl, now());
}

/** What has failed, by profile. It is said once, not every minute. */
function createFailureLog({ failed: report, alert }: WatchReporter, { now }: SessionContext) {
  const failed = new Map<string, { readonly at: number; readonly message: string }>();
  return {
    add(profile: string, failure: FobError): void {
      const isNew = failed.get(profile)?.message !== failure.message;
      failed.set(profile, { at: now(), message: failure.message });
      if (!isNew) return;
      report(failure);
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

/** The same prompter, with something around each question. */
function surroundQuestions(
  prompter: Prompter | undefined,
  around: <T>(question: string, ask: () => Promise<T>) => Promise<T>,
): Prompter | undefined {
  if (!prompter) return undefined;
  const { choose } = prompter;
  return {
    ...prompter,
    ask: (question) => around(formatQuestion(question), () => prompter.ask(question)),
    ...(choose && {
      choose: (message, choices, signal) => around(message, () => choose(message, choices, signal)),
    }),
  };
}
