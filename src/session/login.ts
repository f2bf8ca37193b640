// Making sure that a session profile has a fresh session: what `fob login` does.
import { type MfaCodeProvider, patienceOf, withPersonBehind } from "../codes/sources.ts";
import { inExactWords } from "../duration.ts";
import { CancelledError, exitCodes, FobError, UsageError } from "../errors.ts";
import { obstacleTo } from "../files/replace.ts";
import { warnOfWriters } from "../keys/long-term.ts";
import { type AwsFiles, getCommand, readAwsFiles } from "../profiles/files.ts";
import { classifyProcess } from "../profiles/inspect.ts";
import { isFresh } from "../store/freshness.ts";
import { readSession, type Store } from "../store/read.ts";
import { getSpan, type Session } from "../store/session.ts";
import { cachedUnderLock, waitingFor } from "../store/under-lock.ts";
import { ofOtherVersion } from "../store/write.ts";
import { quote, quoteShellWord } from "../text.ts";
import type { SessionContext } from "./context.ts";
import type { ProfilePair } from "./profile-pair.ts";
import { requestSession } from "./request.ts";
import { findMatching, formatLoginCommand, type Resolution, resolve, resolveFromFilesOnly } from "./resolve.ts";
import {
  assertTarget,
  isSessionProfileCurrent,
  listPlaces,
  type TargetOptions,
  type Unwritten,
  unwrittenOf,
  writeSessionProfile,
} from "./session-profile.ts";
import { settingsToCopy } from "./source-settings.ts";

export interface LoginOptions {
  /** Seconds that should remain of a session that is kept, where the user does not say. */
  readonly wish: number;
  /** The same, where the user says so. */
  readonly minTtl?: number | undefined;
  /** A new session even when the old one is fresh. */
  readonly force?: boolean;
  readonly replaceLongTerm?: boolean;
  /** The caller gets the credentials itself: that programs find them in the AWS files, too, is not worth a failure. */
  readonly isServing?: boolean;
  /** A code that came with the command. */
  readonly code?: MfaCodeProvider | undefined;
  /** Milliseconds to wait for another login; without it as long as a person likes, or 30 s where there is nobody. */
  readonly patience?: number;
  /** The command line that makes the same session again, without a code in it, for hints. */
  readonly again?: string | undefined;
  /** Ends the wait for a code. */
  readonly deadline?: AbortSignal | undefined;
  /** Surrounds everything that makes a new session, under its lock; may refuse by throwing. */
  readonly guard?: Guard | undefined;
}

export type Guard = <T>(profile: string, make: () => Promise<T>) => Promise<T>;

export interface LoginOutcome {
  readonly session: Session;
  /** False when the old session is fresh. */
  readonly isNew: boolean;
  /** The AWS files as they were before. */
  readonly files: AwsFiles;
  readonly unwritten: Unwritten;
}

/**
 * Makes sure that the session profile has a fresh session; asks for a code only when it must, and last of all.
 *
 * @throws FobError: nothing is lost then, and the AWS files are as they were or as they should be
 */
export async function login(asItIs: Resolution, options: LoginOptions, context: SessionContext): Promise<LoginOutcome> {
  const { paths, store, signal, now } = context;
  const { request, snapshot } = asItIs;
  const { files, lastChange } = snapshot;
  const leavesProcess = await askForKeys(asItIs, context);
  const plan = leavesProcess ? resolve({ ...request, endpointUrl: "" }, snapshot, context) : asItIs;
  const { link, settings } = plan;
  const again = options.again ?? formatLoginCommand(request.profile, plan, options.minTtl);
  const target = (previous: Session | undefined): TargetOptions => ({
    replaceLongTerm: options.replaceLongTerm ?? false,
    takesOver: options.force ?? false,
    previous,
    now: now(),
    leavesProcess,
  });
  const isInPlace = (session: Session, now: AwsFiles): boolean =>
    isSessionProfileCurrent(session, link, now) && !(leavesProcess && classifyProcess(now, link.session) === "fob");
  const findReusable = (from: Store): Session | undefined => {
    const session = options.force ? undefined : findMatching(plan, from);
    return session && isFreshEnough(session, options, now()) ? session : undefined;
  };
  await store.recover(link.session, signal);
  assertTarget(link, files, target(readSession(snapshot.store, link.session)));
  if ((options.minTtl ?? 0) >= settings.duration) throw createTooShortError(settings.duration, link);

  const obstacle = obstacleTo(paths.credentials) ?? store.obstacle(link.session);
  const isServed = classifyProcess(files, link.session) === "fob" && !leavesProcess;
  /** Whether nothing is left to do for a session, or nothing can be done. */
  const isSettled = (session: Session, now: AwsFiles): boolean =>
    isInPlace(session, now) || (obstacle !== undefined && !leavesProcess);
  const outcomeOf = (session: Session, isNew: boolean, now: AwsFiles, chosenSerial?: string): LoginOutcome => ({
    ...{ session, isNew, files },
    unwritten: unwrittenOf(session, link, { files: now, obstacle, chosenSerial }),
  });

  const kept = findReusable(snapshot.store);
  if (kept && isSettled(kept, files)) {
    const undisputed = resolveFromFilesOnly(link.session, snapshot, context);
    if (undisputed && findMatching(undisputed, snapshot.store)) store.markVerified(link.session, lastChange, now());
    return outcomeOf(kept, false, files);
  }
  if (obstacle && (leavesProcess || !(options.isServing || isServed || livesInStore(link, context)))) {
    throw withOtherStore(obstacle);
  }
  const before = snapshot.store.read(link.session);
  if (before.state === "unreadable") {
    if (before.isOtherVersion) throw ofOtherVersion(before);
    context.warn(`the session file ${quote(before.path)} ${before.reason}, so a new session is needed`);
  }
  // A program waits also where it cannot ask, for whoever is asking now.
  const isWaiting = options.patience !== undefined;
  const source = kept ? undefined : (options.code ?? chooseCodeProvider(plan, again, context));
  if (!kept && !source && !isWaiting) throw createCodeNeededError(link, again, context);

  const settled = (): LoginOutcome | undefined => {
    const session = findReusable(store);
    if (!session) return undefined;
    const now = readAwsFiles(paths);
    return isSettled(session, now) ? outcomeOf(session, false, now) : undefined;
  };
  const make = async (): Promise<LoginOutcome> => {
    const previous = readSession(store, link.session);
    const session = findReusable(store);
    if (session) {
      const places = listPlaces(link.session, session.credentials.accessKeyId, paths, session.writtenTo);
      const copies = settingsToCopy(link, readAwsFiles(paths));
      const copiedSettings = { ...session.copiedSettings, ...copies };
      const moved = { ...session, writtenTo: places, copiedSettings };
      if (places.length > session.writtenTo.length || Object.keys(copies).length > 0) store.save(moved);
      await writeSessionProfile(moved, link, context, target(moved));
      if (leavesProcess) tellOfKeys(link, context);
      return outcomeOf(moved, false, readAwsFiles(paths));
    }
    const isTakenOver = previous !== undefined && previous.source.profile !== link.source;
    if (isTakenOver) {
      context.warn(`${quote(link.session)} was the session of the profile ${quote(previous.source.profile)} until now`);
    }
    const isInStoreAlone = obstacle !== undefined && !isServed;
    const codes = source ?? options.code ?? chooseCodeProvider(plan, again, context);
    if (!codes) throw createCodeNeededError(link, again, context);
    const ask = () => requestSession({ plan, codes, previous, isInStoreAlone, deadline: options.deadline }, context);
    const made = options.guard ? await options.guard(link.session, ask) : await ask();
    store.clearRejection(link.session);
    try {
      const chosen = { ...target(previous), chosenSerial: made.chosenSerial };
      if (!isInStoreAlone) await writeSessionProfile(made.session, link, context, chosen);
    } catch (error) {
      throw withKeptSession(error, again);
    }
    if (leavesProcess) tellOfKeys(link, context);
    return outcomeOf(made.session, true, readAwsFiles(paths), made.chosenSerial);
  };
  const waiting = waitingFor(link.session, context, options.patience ?? patienceOf(source));
  return await cachedUnderLock({ profile: link.session, find: settled, make, waiting }, store);
}

/** Where the user has named a profile that fob serves as a process, she says whether the keys are to be written there. */
async function askForKeys({ request, snapshot, link }: Resolution, context: SessionContext): Promise<boolean> {
  const isServed = classifyProcess(snapshot.files, link.session) === "fob";
  const person = request.to !== undefined && isServed ? context.prompter() : undefined;
  if (!person?.choose) return false;
  const answers = ["leave it so", "write the keys into the credentials file instead"] as const;
  const message = `Programs get the credentials of ${quote(link.session)} from fob's credential_process.`;
  return (await person.choose(message, answers, context.signal)) === answers[1];
}

/** Whether the user keeps sessions in a place of their own, whatever becomes of the AWS files. */
const livesInStore = ({ session }: ProfilePair, { env, store }: SessionContext): boolean =>
  Boolean(env.FOB_HOME) && store.obstacle(session) === undefined;

function withOtherStore({ message, hints, exitCode, cause }: FobError): FobError {
  const elsewhere = 'or keep sessions in a store of their own, for fob exec and fob env: export FOB_HOME="$HOME/.fob"';
  return new FobError(message, [...hints, elsewhere], exitCode, cause);
}

/** Says that the code was not spent for nothing. */
function withKeptSession(error: unknown, again: string): unknown {
  if (error instanceof CancelledError) return new CancelledError(`the session itself is kept: ${again}`);
  if (!(error instanceof FobError)) return error;
  const hint = `the session itself is kept; once that is mended, this needs no code: ${again}`;
  return new FobError(error.message, [...error.hints, hint], error.exitCode, error);
}

function createTooShortError(duration: number, { source }: ProfilePair): UsageError {
  return new UsageError(
    `--min-ttl asks for as much as a new session has, or more: ${inExactWords(duration)}`,
    `ask for less, or for longer sessions: fob login ${quoteShellWord(source)} --duration LENGTH --force`,
  );
}

/** Where codes come from when none came with the command; undefined where nobody can be asked. */
export function chooseCodeProvider(
  plan: Resolution,
  again: string,
  context: SessionContext,
): MfaCodeProvider | undefined {
  const { mfaProcess } = plan.settings;
  const { source } = plan.link;
  if (!mfaProcess) return context.prompter();
  return withPersonBehind(
    withWarning(context.commandProvider(mfaProcess, source), plan, context),
    context.prompter,
    again,
  );
}

/** The same command; before it runs, a warning where somebody else may have put it there. */
function withWarning(
  codes: MfaCodeProvider,
  { link, snapshot: { files } }: Resolution,
  { warn }: SessionContext,
): MfaCodeProvider {
  const owner = getCommand(files, link.session, "mfa_process") === undefined ? link.source : link.session;
  return {
    ...codes,
    ask(question) {
      warnOfWriters(files, owner, "mfa_process", warn);
      return codes.ask(question);
    },
  };
}

const tellOfKeys = ({ session }: ProfilePair, { note }: SessionContext): void =>
  note(`programs that use the profile ${quote(session)} find its keys in the credentials file now`);

function createCodeNeededError({ session }: ProfilePair, again: string, { isInBackground }: SessionContext): FobError {
  const needed = `${quote(session)} needs an MFA code`;
  if (!isInBackground()) {
    return new FobError(
      `${needed}, and nobody can be asked here; run in a terminal: ${again}`,
      [],
      exitCodes.codeNeeded,
    );
  }
  return new FobError(
    `${needed}, and fob is not in the foreground of this terminal, so it cannot ask here`,
    [`run it in the foreground: ${again}`, `with a time limit: timeout --foreground 60 ${again}`],
    exitCodes.codeNeeded,
  );
}

function isFreshEnough(session: Session, { wish, minTtl }: LoginOptions, now: number): boolean {
  return isFresh(getSpan(session), wish, minTtl, now);
}
