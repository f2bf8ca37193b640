// Making sure that a session profile has a fresh session: what `fob login` does.

import { isDeepStrictEqual } from "node:util";
import { type MfaCodeProvider, patienceOf, withPersonBehind } from "../codes/sources.ts";
import { inExactWords } from "../duration.ts";
import { CancelledError, exitCodes, FobError, UsageError } from "../errors.ts";
import { obstacleTo } from "../files/edit.ts";
import { checkStoredKey, warnOfWriters } from "../keys/long-term.ts";
import { type AwsFiles, getCommand, readAwsFiles } from "../profiles/files.ts";
import { classifyProcess } from "../profiles/inspect.ts";
import { isFresh } from "../store/freshness.ts";
import { readSession, type Store } from "../store/read.ts";
import { getSpan, type Session } from "../store/session.ts";
import { cachedUnderLock, waitingFor } from "../store/under-lock.ts";
import { assertShortName, ofOtherVersion } from "../store/write.ts";
import { quote } from "../text.ts";
import { learnAlias } from "./account-alias.ts";
import type { SessionContext } from "./context.ts";
import type { ProfilePair } from "./profile-pair.ts";
import { requestSession } from "./request.ts";
import { findMatching, type Resolution, resolve, resolveFromFilesOnly } from "./resolve.ts";
import {
  assertTarget,
  everythingWritten,
  isSessionProfileCurrent,
  listPlaces,
  type TargetOptions,
  type Unwritten,
  unwrittenOf,
  writeSessionProfile,
} from "./session-profile.ts";
import { readAgain, takeSnapshot } from "./snapshot.ts";
import { addCopies, settingsToCopy } from "./source-settings.ts";

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
  /** Milliseconds to wait for another login; without it as long as a person likes, or 30 s without one. */
  readonly patience?: number;
  /** Whether stdin is a pipe or a file: a code may be meant to come from there. */
  readonly hasPipedStdin?: boolean;
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

/** A login under way: what the name stands for, and what can be written. */
interface Login {
  readonly resolution: Resolution;
  readonly options: LoginOptions;
  readonly context: SessionContext;
  /** The keys go into the credentials file, although fob's credential_process is in the config: that goes then. */
  readonly leavesProcess: boolean;
  /** Whether programs get the session from fob's credential_process. */
  readonly isServed: boolean;
  /** Why the credentials file or the store cannot be written, if that is so. */
  readonly obstacle: FobError | undefined;
}

/**
 * Makes sure that the session profile has a fresh session; asks for a code only when it must, and last of all.
 *
 * @throws FobError: nothing is lost then, and the AWS files are as they were or as they should be
 */
export async function login(asItIs: Resolution, options: LoginOptions, context: SessionContext): Promise<LoginOutcome> {
  const current = await prepare(asItIs, options, context);
  const { pair, snapshot } = current.resolution;
  const kept = findReusable(current, snapshot.store);
  if (kept && isSettled(current, kept, snapshot.files)) {
    markVerified(current);
    return describeOutcome(current, kept, { isNew: false });
  }
  assertWritable(current);
  warnOfUnreadable(current);
  const codes = kept ? undefined : chooseCodes(current);
  // A program waits also where it cannot ask: another process may be asking.
  if (!kept && !codes && options.patience === undefined) throw createCodeNeededError(current);
  const once = {
    profile: pair.session,
    waiting: waitingFor(pair.session, context, options.patience ?? patienceOf(codes)),
    find: () => findSettled(current),
    make: async () => (await publishKept(current)) ?? (await openSession(current, codes)),
  };
  return await cachedUnderLock(once, context.store);
}

/** Everything that is asked, or refused, before a code is. @throws FobError */
async function prepare(asItIs: Resolution, options: LoginOptions, context: SessionContext): Promise<Login> {
  const { paths, store, signal } = context;
  const { request } = asItIs;
  assertShortName(asItIs.pair.session, asItIs.formatLogin({ set: { to: "NAME" } }));
  const hasLeftovers = await store.recover(asItIs.pair.session, signal);
  const leavesProcess = await askForKeys(asItIs, context);
  const snapshot = hasLeftovers ? takeSnapshot(context) : asItIs.snapshot;
  const wanted = leavesProcess ? { ...request, endpointUrl: "" } : request;
  const resolution = leavesProcess || hasLeftovers ? resolve(wanted, snapshot, context) : asItIs;
  const { pair, settings } = resolution;
  const current: Login = {
    ...{ resolution, options, context, leavesProcess },
    isServed: classifyProcess(snapshot.files, pair.session) === "fob" && !leavesProcess,
    obstacle: obstacleTo(paths.credentials) ?? store.obstacle(pair.session),
  };
  assertTarget(pair, snapshot.files, getTarget(current, readSession(snapshot.store, pair.session)));
  if ((options.minTtl ?? 0) >= settings.duration) throw createTooShortError(resolution);
  return current;
}

/** @param previous the session that fob has there now */
function getTarget(
  { resolution, options, context, leavesProcess }: Login,
  previous: Session | undefined,
): TargetOptions {
  return {
    replaceLongTerm: options.replaceLongTerm ?? false,
    takesOver: options.force ?? false,
    previous,
    copies: previous?.copiedSettings,
    now: context.now(),
    leavesProcess,
    formatLogin: resolution.formatLogin,
  };
}

/** The session in a store, if it is the right one and fresh enough. */
function findReusable({ resolution, options, context }: Login, store: Store): Session | undefined {
  const session = options.force ? undefined : findMatching(resolution, store);
  return session && isFreshEnough(session, options, context.now()) ? session : undefined;
}

/** Whether nothing is left to do for a session, or nothing can be done. */
function isSettled({ resolution, leavesProcess, obstacle }: Login, session: Session, files: AwsFiles): boolean {
  const { pair } = resolution;
  const isLeft = leavesProcess && classifyProcess(files, pair.session) === "fob";
  return (isSessionProfileCurrent(session, pair, files) && !isLeft) || (obstacle !== undefined && !leavesProcess);
}

/** Another process may have done all of it. */
function findSettled(current: Login): LoginOutcome | undefined {
  const { paths, store } = current.context;
  const session = findReusable(current, store);
  if (!session) return undefined;
  const files = readAwsFiles(paths);
  return isSettled(current, session, files) ? describeOutcome(current, session, { isNew: false }) : undefined;
}

function describeOutcome(
  current: Login,
  session: Session,
  { isNew, serialToRemember }: { isNew: boolean; serialToRemember?: string | undefined },
): LoginOutcome {
  const { resolution, context, obstacle } = current;
  const { pair, snapshot } = resolution;
  const isWritable = obstacle === undefined && obstacleTo(context.paths.config) === undefined;
  const files = isWritable ? undefined : readForAdvice(current);
  const unwritten = files ? unwrittenOf(session, pair, { files, obstacle, serialToRemember }) : everythingWritten;
  return { session, isNew, files: snapshot.files, unwritten };
}

/** The AWS files as they are now; as they were, where they cannot be read any more: advice never fails what is done. */
function readForAdvice({ resolution, context }: Login): AwsFiles {
  try {
    return readAwsFiles(context.paths);
  } catch (error) {
    if (!(error instanceof FobError)) throw error;
    return resolution.snapshot.files;
  }
}

/** Lets programs have the session without a look at the AWS files, if nothing but those decides which one it is. */
function markVerified({ resolution, context }: Login): void {
  const { pair, snapshot } = resolution;
  const fromFiles = resolveFromFilesOnly(pair.session, snapshot, context);
  if (!fromFiles || !findMatching(fromFiles, snapshot.store)) return;
  context.store.markVerified(pair.session, snapshot.lastChange, context.now());
}

/** @throws FobError where the session can be kept nowhere that anything would find it */
function assertWritable({ resolution, options, context, leavesProcess, isServed, obstacle }: Login): void {
  const isFound = options.isServing || isServed || livesInStore(resolution.pair, context);
  if (obstacle && (leavesProcess || !isFound)) throw withOtherStore(obstacle);
}

/** @throws FobError for a session of another version of fob */
function warnOfUnreadable({ resolution: { pair, snapshot }, context }: Login): void {
  const stored = snapshot.store.read(pair.session);
  if (stored.state !== "unreadable") return;
  if (stored.isOtherVersion) throw ofOtherVersion(stored);
  context.warn(`the session file ${quote(stored.path)} ${stored.reason}; a new session is needed`);
}

const chooseCodes = ({ resolution, options, context }: Login): MfaCodeProvider | undefined =>
  options.code ?? chooseCodeProvider(resolution, context);

/** Writes a session that will do to its session profile. @returns undefined where there is no such session */
async function publishKept(current: Login): Promise<LoginOutcome | undefined> {
  const { resolution, context, leavesProcess } = current;
  const { pair } = resolution;
  const { store, paths } = context;
  const session = findReusable(current, store);
  if (!session) return undefined;
  const writtenTo = listPlaces(pair.session, session.credentials.accessKeyId, paths, session.writtenTo);
  const files = readAgain(resolution.snapshot, paths);
  const copies = settingsToCopy(pair, files, session.copiedSettings);
  const moved = { ...session, writtenTo, copiedSettings: addCopies(session.copiedSettings, copies) };
  // Before they are written: logout knows fob's keys by their ids, also in a place that held an earlier session.
  if (!isDeepStrictEqual(writtenTo, session.writtenTo) || Object.keys(copies).length > 0) store.save(moved);
  await writeSessionProfile(moved, pair, files, context, {
    ...getTarget(current, moved),
    copies: session.copiedSettings,
  });
  if (leavesProcess) tellOfKeys(pair, context);
  return describeOutcome(current, moved, { isNew: false });
}

/** Gets a session for a code, and writes it to its session profile. */
async function openSession(current: Login, chosen: MfaCodeProvider | undefined): Promise<LoginOutcome> {
  const { resolution, options, context, leavesProcess, isServed, obstacle } = current;
  const { pair } = resolution;
  const { store } = context;
  const { guard, deadline } = options;
  const codes = chosen ?? chooseCodes(current);
  if (!codes) throw createCodeNeededError(current);
  const previous = readSession(store, pair.session);
  if (previous !== undefined && previous.source.profile !== pair.source) {
    context.warn(
      `${quote(pair.session)} was the session of the profile ${quote(previous.source.profile)}; it is replaced`,
    );
  }
  const isInStoreAlone = obstacle !== undefined && !isServed;
  const request = () => requestSession({ resolution, codes, previous, isInStoreAlone, deadline }, context);
  const { session, serialToRemember } = guard ? await guard(pair.session, request) : await request();
  store.clearRejection(pair.session);
  try {
    const target = { ...getTarget(current, previous), serialToRemember };
    const files = readAgain(resolution.snapshot, context.paths);
    if (!isInStoreAlone) await writeSessionProfile(session, pair, files, context, target);
  } catch (error) {
    throw withKeptSession(error, resolution.formatLogin({ without: ["force"] }));
  }
  if (leavesProcess) tellOfKeys(pair, context);
  // Only prompts name it. A program that waits for credentials should not wait for this.
  const isForPerson = codes.canAskAgain && !options.isServing;
  const known = isForPerson ? await learnAlias(session, resolution, context) : session;
  return describeOutcome(current, known, { isNew: true, serialToRemember });
}

/** Where the user has named a profile that fob serves as a process, she says whether the keys are to be written there. */
async function askForKeys({ request, snapshot, pair }: Resolution, context: SessionContext): Promise<boolean> {
  const isServed = classifyProcess(snapshot.files, pair.session) === "fob";
  const person = request.to !== undefined && isServed ? context.prompter() : undefined;
  if (!person?.choose) return false;
  const answers = ["keep it that way", "write keys to the credentials file instead"] as const;
  const message = `Programs get the credentials of ${quote(pair.session)} from fob's credential_process.`;
  return (await person.choose(message, answers, context.signal)) === answers[1];
}

/** Whether the user keeps sessions in a place of their own, whatever becomes of the AWS files. */
const livesInStore = ({ session }: ProfilePair, { env, store }: SessionContext): boolean =>
  Boolean(env.FOB_HOME) && store.obstacle(session) === undefined;

function withOtherStore({ message, hints, exitCode, cause }: FobError): FobError {
  const elsewhere = 'or keep sessions outside ~/.aws, for fob exec and fob env: export FOB_HOME="$HOME/.fob"';
  return new FobError(message, [...hints, elsewhere], exitCode, cause);
}

/** Says that the code was not spent for nothing. */
function withKeptSession(error: unknown, again: string): unknown {
  if (error instanceof CancelledError) return new CancelledError(`the session is saved: ${again}`);
  if (!(error instanceof FobError)) return error;
  const hint = `the session is saved; fix this, then run (no code needed): ${again}`;
  return new FobError(error.message, [...error.hints, hint], error.exitCode, error);
}

function createTooShortError({ settings: { duration }, formatLogin }: Resolution): UsageError {
  return new UsageError(
    `--min-ttl must be shorter than a new session, which lasts ${inExactWords(duration)}`,
    `use a shorter --min-ttl, or longer sessions: ${formatLogin({ set: { duration: "LENGTH", force: true } })}`,
  );
}

/** Where codes come from when none came with the command; undefined if fob cannot prompt. */
export function chooseCodeProvider(resolution: Resolution, context: SessionContext): MfaCodeProvider | undefined {
  const { mfaProcess } = resolution.settings;
  const { source } = resolution.pair;
  if (!mfaProcess) return context.prompter();
  return withPersonBehind(
    withWarning(context.commandProvider(mfaProcess, source), resolution, context),
    context.prompter,
    resolution.formatLogin({ set: { code: "CODE" } }),
  );
}

/** The same command; before it runs, a warning if another user may have put it there. */
function withWarning(
  codes: MfaCodeProvider,
  { pair, snapshot: { files } }: Resolution,
  { warn }: SessionContext,
): MfaCodeProvider {
  const owner = getCommand(files, pair.session, "mfa_process") === undefined ? pair.source : pair.session;
  return {
    ...codes,
    ask(question) {
      warnOfWriters(files, owner, "mfa_process", warn);
      return codes.ask(question);
    },
  };
}

const tellOfKeys = ({ session }: ProfilePair, { note }: SessionContext): void =>
  note(`programs that use the profile ${quote(session)} now read its keys from the credentials file`);

/** @throws FobError for what no access key looks like: a code would not help */
function createCodeNeededError({ resolution, options, context }: Login): FobError {
  checkStoredKey(resolution.source, resolution.snapshot.files, resolution.formatLogin);
  const again = resolution.formatLogin();
  const needed = `${quote(resolution.pair.session)} needs an MFA code`;
  if (!context.isInBackground()) {
    return new FobError(
      `${needed}, but fob cannot prompt here; run in a terminal: ${again}`,
      options.hasPipedStdin
        ? [`to read the code from stdin: ${resolution.formatLogin({ set: { codeStdin: true } })}`]
        : [],
      exitCodes.codeNeeded,
    );
  }
  return new FobError(
    `${needed}, but fob is in the background of this terminal and cannot prompt`,
    [
      `run it in the foreground: ${again}`,
      `with a time limit: timeout --foreground 60 ${resolution.formatLogin({ isForProgram: true })}`,
    ],
    exitCodes.codeNeeded,
  );
}

function isFreshEnough(session: Session, { wish, minTtl }: LoginOptions, now: number): boolean {
  return isFresh(getSpan(session), wish, minTtl, now);
}
