// Credentials for programs that wait: what `fob credential-process` answers.
import type { CodeQuestion, CodeSource } from "../codes/sources.ts";
import { CancelledError, exitCodes, FobError } from "../errors.ts";
import { StillHeld } from "../files/lock.ts";
import { inWords } from "../terminal/duration.ts";
import { quote } from "../text.ts";
import { secondsLeft, wanted } from "./freshness.ts";
import { type LoginTools, login } from "./login.ts";
import { type Plan, type PlanRequest, planOf } from "./plan.ts";
import type { Session } from "./session.ts";

export type ServeRequest = Pick<PlanRequest, "profile" | "endpointUrl" | "region">;

export interface ServeTools extends LoginTools {
  /** Ends the waiting for somebody's answer: programs wait for a minute at most. */
  readonly deadline: AbortSignal;
  /** The same for the lock, in milliseconds. */
  readonly patience: number;
}

/** Seconds for which old credentials have to last to be worth more than an error. */
const WORTH_SERVING = 60;
/** Milliseconds for which nobody is asked again: programs run a failing process twice. */
const REFUSED_FOR = 10_000;

/**
 * The session of a profile: the one in the store while it is fresh, else a new one. However many programs ask at once,
 * one person is asked once. Old credentials that last for more than a minute are better than none.
 *
 * @throws FobError where there is nothing to serve
 */
export async function serve(request: ServeRequest, tools: ServeTools): Promise<Session> {
  const { store, now, warn, debug } = tools;
  const began = now();
  const renewal = { ...request, isRenewal: true };
  const plan = planOf(renewal, tools);
  const guard = async <T>(session: string, make: () => Promise<T>): Promise<T> => {
    const refusal = store.refusal(session);
    const isRecent = refusal && refusal.at < now() + REFUSED_FOR && refusal.at > Math.min(began, now() - REFUSED_FOR);
    if (isRecent) {
      throw new FobError(`${refusal.message} (a moment ago)`, tools.again, exitCodes.codeNeeded);
    }
    try {
      return await make();
    } catch (error) {
      // Who is told to end has not refused anything.
      if (!tools.signal.aborted) store.refuse(session, messageOf(inTime(error, tools)));
      throw error;
    }
  };
  try {
    const outcome = await login(
      {
        ...renewal,
        wish: wanted.use,
        patience: tools.patience,
      },
      {
        ...tools,
        guard,
        // The waiting for an answer ends then, and not a call of AWS that has a code in it.
        person: () => until(tools.deadline, tools.person()),
        codeFromCommand: (command, of) => until(tools.deadline, tools.codeFromCommand(command, of)),
        // It appears in the middle of another program's output.
        note: debug,
      },
    );
    return outcome.session;
  } catch (error) {
    if (tools.signal.aborted) throw error;
    return oldOr(inTime(error, tools), plan, now(), warn);
  }
}

/** The session that there is, with a warning; or the error. It may be new: kept, but not to be written everywhere. */
function oldOr(error: unknown, plan: Plan, now: number, warn: (message: string) => void): Session {
  const session = plan.matching();
  const left = session ? secondsLeft(session.credentials, now) : 0;
  if (!session || left <= WORTH_SERVING) throw error;
  warn(`${messageOf(error)}; the credentials of ${quote(session.profile)} last another ${inWords(left)}`);
  return session;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The same source of codes, with an end to its patience. */
function until<Source extends CodeSource | undefined>(deadline: AbortSignal, source: Source): Source {
  if (!source) return source;
  const ask = (question: CodeQuestion): Promise<string> =>
    source.ask({ ...question, signal: AbortSignal.any([question.signal, deadline]) });
  return { ...source, ask };
}

/** What really happened to a question that was taken back, or is still somebody else's. */
function inTime(error: unknown, { again, deadline }: ServeTools): unknown {
  const isOver = error instanceof StillHeld || (deadline.aborted && error instanceof CancelledError);
  if (!isOver) return error;
  return new FobError("nobody answered in time; programs wait for less than a minute", again, exitCodes.codeNeeded);
}
