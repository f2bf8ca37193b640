// Credentials for programs that wait: what `fob credential-process` answers.

import { formatDuration } from "../duration.ts";
import { CancelledError, exitCodes, FobError } from "../errors.ts";
import { LockTimeoutError } from "../files/lock.ts";
import type { SessionContext } from "../session/context.ts";
import { type Guard, login } from "../session/login.ts";
import { findMatching, type ResolveRequest, resolve } from "../session/resolve.ts";
import type { Snapshot } from "../session/snapshot.ts";
import { defaultMinTtl, getSecondsLeft } from "../store/freshness.ts";
import type { Rejection } from "../store/read.ts";
import type { Session } from "../store/session.ts";
import { quote } from "../text.ts";

export interface ServeRequest extends Pick<ResolveRequest, "profile" | "endpointUrl" | "region" | "minTtl"> {
  /** Where a program waits for the answer, and not a person who has typed a command. */
  readonly program?: WaitingProgram | undefined;
}

export interface WaitingProgram {
  /** Ends the wait for an answer: programs wait for a minute at most. */
  readonly deadline: AbortSignal;
  /** The same for the lock, in milliseconds. */
  readonly patience: number;
}

/** Seconds for which old credentials have to last to be worth more than an error. */
const WORTH_SERVING = 60;
/** Milliseconds for which fob does not prompt again: programs run a failing process twice. */
const REFUSED_FOR = 10_000;

/**
 * The session of a profile: the one in the store while it is fresh, else a new one. However many programs ask at once,
 * one person is asked once. Old credentials that last for more than a minute are better than none.
 *
 * @throws FobError where there is nothing to serve
 */
export async function serveSession(
  request: ServeRequest,
  snapshot: Snapshot,
  context: SessionContext,
): Promise<Session> {
  const { minTtl, program } = request;
  const resolution = resolve({ ...request, isRenewal: true }, snapshot, context);
  const limits = limitAsking(request, resolution.formatLogin(), context);
  const options = { minTtl, wish: defaultMinTtl.use, isServing: true, ...limits };
  const findStale = () => findMatching(resolution, context.store);
  return await orStale(findStale, request, limits.again, context, async () => {
    const patience = program === undefined ? {} : { patience: program.patience };
    return (await login(resolution, { ...options, ...patience }, context)).session;
  });
}

/**
 * What `make` makes; where it fails, the credentials that there are, with a warning, while they last. They may be new: kept,
 * but not to be written everywhere.
 */
export async function orStale(
  there: () => Session | undefined,
  { minTtl, program }: ServeRequest,
  again: string,
  { signal, now, warn }: SessionContext,
  make: () => Promise<Session>,
): Promise<Session> {
  try {
    return await make();
  } catch (error) {
    if (signal.aborted) throw error;
    // A person who gives up, or has said how long they must last, does not want the old ones.
    if (!program && (error instanceof CancelledError || minTtl !== undefined)) throw error;
    const session = there();
    const left = session ? getSecondsLeft(session.credentials, now()) : 0;
    const reason = explainTimeout(error, again, program);
    if (!session || left <= WORTH_SERVING) throw reason;
    warn(`${getMessage(reason)}; the credentials of ${quote(session.profile)} expire in ${formatDuration(left)}`);
    return session;
  }
}

/** How new credentials are asked for. */
export interface AskingLimits {
  /** The command line that makes the same session, for hints. */
  readonly again: string;
  readonly deadline?: AbortSignal;
  readonly guard?: Guard;
}

/** Where a program waits, the user is asked for no longer than it does, and not again after a refusal. */
export function limitAsking({ program }: ServeRequest, again: string, context: SessionContext): AskingLimits {
  const { store, now, signal } = context;
  if (!program) return { again };
  const began = now();
  return {
    again,
    deadline: program.deadline,
    guard: async (profile, make) => {
      const rejection = store.readRejection(profile);
      const isRecent =
        rejection && rejection.at < now() + REFUSED_FOR && rejection.at > Math.min(began, now() - REFUSED_FOR);
      if (isRecent)
        throw new FobError(
          `${rejection.message} (a moment ago; fob will prompt again in ten seconds)`,
          rejection.hints,
          rejection.exitCode,
        );
      try {
        return await make();
      } catch (error) {
        // Who is told to end has not refused anything.
        const reason = explainTimeout(error, again, program);
        // An error of fob's own says nothing about the next time.
        if (!signal.aborted && reason instanceof FobError) store.keepRejection(profile, toRejection(reason, again));
        throw error;
      }
    },
  };
}

const getMessage = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** For those who ask next: a question that was closed is a code that is needed. */
function toRejection(error: FobError, again: string): Omit<Rejection, "at"> {
  const { message, hints, exitCode } = error;
  if (error instanceof CancelledError) return { message, hints: [again], exitCode: exitCodes.codeNeeded };
  return { message, hints, exitCode };
}

/** What really happened to a prompt that was taken back, or that another process still shows. */
function explainTimeout(error: unknown, again: string, program: WaitingProgram | undefined): unknown {
  const isOver = error instanceof LockTimeoutError || (program?.deadline.aborted && error instanceof CancelledError);
  if (!program || !isOver) return error;
  return new FobError("no code was entered in time; programs wait less than a minute", again, exitCodes.codeNeeded);
}
