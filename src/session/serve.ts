// Credentials for programs that wait: what `fob credential-process` answers.
import { CancelledError, exitCodes, FobError } from "../errors.ts";
import { inWords } from "../terminal/duration.ts";
import { quote } from "../text.ts";
import { secondsLeft, wanted } from "./freshness.ts";
import { type LoginTools, login } from "./login.ts";
import { type Plan, planOf } from "./plan.ts";
import type { Session } from "./session.ts";

export interface ServeTools extends LoginTools {
  /** Ends the waiting for somebody's answer: programs wait for a minute at most. */
  readonly deadline: AbortSignal;
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
export async function serve(profile: string, endpointUrl: string | undefined, tools: ServeTools): Promise<Session> {
  const { env, store, now, warn, debug } = tools;
  const began = now();
  const isFromEnvironment = store.list().some((entry) => {
    return entry.state === "readable" && entry.profile === profile && entry.session.source.from === "environment";
  });
  const request = { profile, to: undefined, fromEnvironment: isFromEnvironment, endpointUrl };
  const plan = planOf(request, tools);
  const guard = async <T>(session: string, make: () => Promise<T>): Promise<T> => {
    const refusal = store.refusal(session);
    if (refusal && (refusal.at >= began || Math.abs(now() - refusal.at) < REFUSED_FOR)) {
      throw new FobError(`${refusal.message} (a moment ago)`, tools.again, exitCodes.codeNeeded);
    }
    try {
      return await make();
    } catch (error) {
      // Who is told to end has not refused anything.
      if (!tools.signal.aborted) store.refuse(session, messageOf(error));
      throw error;
    }
  };
  try {
    const outcome = await login(
      {
        ...request,
        wish: wanted.use,
        minTtl: undefined,
        force: false,
        replaceLongTerm: false,
        code: undefined,
        patience: Number.POSITIVE_INFINITY,
      },
      {
        ...tools,
        guard,
        signal: AbortSignal.any([tools.signal, tools.deadline]),
        // It appears in the middle of another program's output.
        note: debug,
        env,
      },
    );
    return outcome.session;
  } catch (error) {
    if (tools.signal.aborted) throw error;
    const reason = tools.deadline.aborted && error instanceof CancelledError ? nobodyAnswered(tools) : error;
    return oldOr(reason, plan, now(), warn);
  }
}

/** The old session, with a warning; or the error. */
function oldOr(error: unknown, plan: Plan, now: number, warn: (message: string) => void): Session {
  const session = plan.matching();
  const left = session ? secondsLeft(session.credentials, now) : 0;
  if (!session || left <= WORTH_SERVING) throw error;
  warn(`${messageOf(error)}; the old credentials of ${quote(session.profile)} last another ${inWords(left)}`);
  return session;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function nobodyAnswered({ again }: ServeTools): FobError {
  return new FobError("nobody answered in time; programs wait for less than a minute", again, exitCodes.codeNeeded);
}
