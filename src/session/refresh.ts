// Renewing sessions that run out: once, or for as long as somebody watches.
import { CancelledError, type ExitCode, exitCodes, FobError } from "../errors.ts";
import { readAwsFiles } from "../profiles/files.ts";
import { quote } from "../text.ts";
import { isFresh, wanted } from "./freshness.ts";
import { sessionNamed } from "./link.ts";
import { type LoginOutcome, type LoginTools, login } from "./login.ts";
import type { Person } from "./obtain.ts";
import type { Session } from "./session.ts";
import { sessionProfiles } from "./store.ts";

export interface RefreshWishes {
  /** Seconds that should remain; an hour where the user does not say. */
  readonly minTtl: number | undefined;
  readonly region: string | undefined;
}

export interface RefreshTools extends LoginTools {
  readonly error: (error: FobError, profile: string) => void;
  readonly done: (outcome: LoginOutcome) => void;
  /** The command line for one session. */
  readonly againFor: (profile: string) => string;
}

/** The sessions that these profiles name; without any, every session in the store. */
export function sessionsOf(profiles: readonly string[], { store, paths }: RefreshTools): string[] {
  if (profiles.length === 0) return sessionProfiles(store);
  const files = readAwsFiles(paths);
  return [...new Set(profiles.map((profile) => sessionNamed(profile, { files, store, command: "fob refresh" })))];
}

/**
 * Renews these sessions where too little of them remains.
 *
 * @returns the exit code of the first that failed
 * @throws CancelledError when the user gives up
 */
export async function refresh(
  sessions: readonly string[],
  wishes: RefreshWishes,
  tools: RefreshTools,
): Promise<ExitCode> {
  let code: ExitCode = exitCodes.done;
  for (const profile of sessions) {
    try {
      tools.done(await renew(profile, wishes, tools));
    } catch (error) {
      if (!(error instanceof FobError) || error instanceof CancelledError) throw error;
      tools.error(error, profile);
      if (code === exitCodes.done) code = error.exitCode;
    }
  }
  return code;
}

function renew(profile: string, wishes: RefreshWishes, tools: RefreshTools): Promise<LoginOutcome> {
  const request = { profile, ...wishes, isRenewal: true, wish: wanted.login };
  return login(request, { ...tools, again: tools.againFor(profile) });
}

export interface WatchTools extends RefreshTools {
  /** Shows how things stand. */
  readonly show: () => void;
  /** Calls for the user, who may be looking at something else. */
  readonly alert: (message: string) => void;
  /** Resolves after so many milliseconds, or when it is cancelled. */
  readonly sleep: (milliseconds: number) => Promise<void>;
}

/** Milliseconds between two looks at the clock, which may be set; and the computer may have slept. */
const TICK = 10_000;
/** Milliseconds after which a failed renewal is tried again: the network may be back, or the user. */
const RETRY = 60_000;

/** Renews sessions in time, until it is cancelled. @throws CancelledError */
export async function watch(profiles: readonly string[], wishes: RefreshWishes, tools: WatchTools): Promise<never> {
  const failed = new Map<string, { readonly at: number; readonly message: string }>();
  const told: RefreshTools = {
    ...tools,
    person: () => calling(tools.person(), tools.alert),
    error(error, profile) {
      // Once, not every minute.
      if (failed.get(profile)?.message !== error.message) {
        tools.error(error, profile);
        tools.alert(error.message);
      }
      failed.set(profile, { at: tools.now(), message: error.message });
    },
  };
  for (;;) {
    try {
      for (const profile of sessionsOf(profiles, tools)) {
        const now = tools.now();
        const triedAgo = Math.abs(now - (failed.get(profile)?.at ?? Number.NEGATIVE_INFINITY));
        if (triedAgo < RETRY || !isDue(profile, wishes, now, tools)) continue;
        if ((await refresh([profile], wishes, told)) === exitCodes.done) failed.delete(profile);
      }
      tools.show();
    } catch (error) {
      // An AWS file that somebody is editing just now, say.
      if (!(error instanceof FobError) || error instanceof CancelledError) throw error;
      told.error(error, "");
    }
    await tools.sleep(TICK);
    if (tools.signal.aborted) throw new CancelledError();
  }
}

/** The same person, called before each question. */
function calling(person: Person | undefined, alert: (message: string) => void): Person | undefined {
  if (!person) return undefined;
  return {
    ...person,
    ask(question) {
      alert(`${quote(question.profile)} needs an MFA code`);
      return person.ask(question);
    },
  };
}

function isDue(profile: string, { minTtl }: RefreshWishes, now: number, { store }: RefreshTools): boolean {
  const stored = store.read(profile);
  if (stored.state !== "readable") return true;
  const { issued, credentials }: Session = stored.session;
  return !isFresh({ issued, expiration: credentials.expiration }, wanted.login, minTtl, now);
}
