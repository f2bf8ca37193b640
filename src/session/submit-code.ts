// Exchanging token codes for credentials: the access key is checked while the user types, and each code is sent once.
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Device, isRoot } from "../aws/arn.ts";
import type { Connection, ShowWhile } from "../aws/connection.ts";
import { AwsFailure } from "../aws/failures.ts";
import type { Mfa, TemporaryCredentials } from "../aws/types.ts";
import { untilNextCode } from "../codes/next-code.ts";
import type { CodeOwner, MfaCodeProvider } from "../codes/sources.ts";
import { formatDuration } from "../duration.ts";
import { FobError, raceSignal, throwIfCancelled } from "../errors.ts";
import { quote } from "../text.ts";
import type { FormatLogin } from "../typed-command.ts";
import type { ProfilePair } from "./profile-pair.ts";

export interface CodeSubmission {
  readonly pair: ProfilePair;
  /** For hints. */
  readonly formatLogin: FormatLogin;
  /** The session profile, or the role profile, that the code is for. */
  readonly wantedFor: string;
  readonly device: Device;
  /** Asks AWS, with a code. */
  readonly send: (mfa: Mfa, identity: Identity | undefined) => Promise<TemporaryCredentials>;
  /** What the user should know before the prompt; "" for nothing. */
  readonly why: string;
  readonly codes: MfaCodeProvider;
  readonly owner: CodeOwner;
  readonly showWhile: ShowWhile;
  readonly aws: Connection;
  readonly signal: AbortSignal;
  /** After it no code is asked for or sent. */
  readonly deadline: AbortSignal | undefined;
  /** The profile that has got its credentials for a code of this device just now, as far as fob knows. */
  readonly lastServed: () => string | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Resolves after so many milliseconds, or when the signal ends it. */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly note: (message: string) => void;
  readonly debug: (message: string) => void;
}

/** Whose access key it is, as far as AWS has told. */
export interface Identity {
  readonly account: string | undefined;
  readonly arn: string | undefined;
}

const MOST_CODES = 3;

/** Asks for codes until AWS takes one. @throws FobError */
export async function submitCode(
  conversation: CodeSubmission,
): Promise<{ given: TemporaryCredentials; identity: Identity | undefined }> {
  const { device, send, why, codes, owner, signal, deadline, showWhile, debug } = conversation;
  // The key is checked while the user types; when it turns out to be useless, the question is taken back.
  const useless = new AbortController();
  let uselessBecause: Error | undefined;
  const checking = checkKey(conversation).catch((error: unknown) => {
    uselessBecause = error instanceof Error ? error : new Error(String(error));
    useless.abort();
    return undefined;
  });
  const question = {
    ...owner,
    signal: AbortSignal.any([signal, useless.signal, ...(deadline ? [deadline] : [])]),
  };
  const used = new Set<string>();
  let again = why || undefined;
  let hasWaited = false;
  for (;;) {
    const code = await codes.ask({ ...question, again }).catch((error: unknown) => {
      throw uselessBecause ?? error;
    });
    const cameAt = conversation.now();
    const identity = await showWhile("Checking the access key…", raceSignal(deadline, checking));
    if (uselessBecause !== undefined) throw uselessBecause;
    throwIfCancelled(signal);
    if (used.has(code)) {
      if (!codes.canAskAgain) throw sameCodeAgain(conversation);
      again = "that code was already used; wait for the next one";
      continue;
    }
    used.add(code);
    try {
      const sent = send({ serialNumber: device.serialNumber, tokenCode: code }, identity);
      return { given: await showWhile("Checking the code…", sent), identity };
    } catch (error) {
      if (!(error instanceof AwsFailure)) throw error;
      if (error.consequence === "wrong code" && codes.givesNextCode) {
        if (hasWaited) throw refusedTwice(error, conversation);
        hasWaited = true;
        await waitForNextCode(cameAt, question.signal, conversation);
        continue;
      }
      const needsAnother = error.consequence === "wrong code" || mayBeSpent(error);
      if (!needsAnother || !codes.canAskAgain || used.size >= MOST_CODES) throw withSpentCode(error);
      again = `${withSpentCode(error).message}; type the next code`;
      debug(`asking again: ${error.message}`);
    }
  }
}

/**
 * Waits until a command prints another code: AWS takes each code of a device once, and refuses a second one within its
 * 30 s as it refuses a wrong one.
 *
 * @throws CancelledError
 */
async function waitForNextCode(
  cameAt: number,
  signal: AbortSignal,
  { wantedFor, lastServed, now, sleep, note }: CodeSubmission,
): Promise<void> {
  const wait = untilNextCode(cameAt, now());
  const other = lastServed();
  const used = other === undefined ? "" : `, which ${quote(other)} already used`;
  note(
    `AWS rejected the code for ${quote(wantedFor)}${used}; waiting ${formatDuration(Math.ceil(wait / 1000))} for the next one`,
  );
  await sleep(wait, signal);
  throwIfCancelled(signal);
}

function refusedTwice(error: AwsFailure, { wantedFor, device }: CodeSubmission): FobError {
  return new FobError(
    `AWS rejected two codes in a row for ${quote(wantedFor)}`,
    [`check that the mfa_process prints the codes of the device ${quote(device.serialNumber)}`, ...error.hints],
    undefined,
    error,
  );
}

function sameCodeAgain({ wantedFor, pair }: CodeSubmission): FobError {
  return new FobError(
    `the mfa_process of the profile ${quote(pair.source)} printed the same code again, which AWS rejected for ${quote(wantedFor)}`,
    "run it by hand: it must print a new code every 30 s",
  );
}

const mayBeSpent = ({ consequence }: AwsFailure): boolean =>
  consequence === "no answer" || consequence === "server error";

/** Says that a code may be spent, where that is so. */
function withSpentCode(error: AwsFailure): FobError {
  if (!mayBeSpent(error)) return error;
  const hints = ["try again with the next code", ...error.hints];
  return new FobError(`${error.message}; the code may have been used`, hints, undefined, error);
}

/**
 * Finds out whether AWS knows the access key, and whose it is, while the user types: a disabled key, a wrong clock or
 * a missing network should not cost a code.
 *
 * @throws FobError where a code would be wasted; a service that does not answer this call is not held against it
 */
async function checkKey(submission: CodeSubmission): Promise<Identity | undefined> {
  const { aws, pair, device } = submission;
  // The question appears first; loading the SDK takes longer than showing it.
  await nextTurn();
  const { getCallerIdentity } = await import("../aws/sts.ts");
  try {
    const identity = await getCallerIdentity(aws);
    if (identity.arn !== undefined && isRoot(identity.arn)) throw createRootRejectedError(pair);
    if (device.kind === "arn" && identity.account !== undefined && identity.account !== device.account) {
      throw createWrongAccountError(submission, device.account, identity.account);
    }
    return identity;
  } catch (error) {
    const isHarmless =
      error instanceof AwsFailure && ["refused", "throttled", "server error"].includes(error.consequence);
    if (isHarmless) return undefined;
    throw error;
  }
}

function createWrongAccountError(
  { pair, formatLogin }: Pick<CodeSubmission, "pair" | "formatLogin">,
  ofDevice: string,
  ofKey: string,
): FobError {
  return new FobError(
    `the MFA device is in the account ${ofDevice}, but the access key of the profile ${quote(pair.source)} is in ${ofKey}`,
    `use a device in that account: ${formatLogin({ set: { serial: `arn:aws:iam::${ofKey}:mfa/NAME` } })}`,
  );
}

function createRootRejectedError(pair: ProfilePair): FobError {
  return new FobError(
    `the access key of the profile ${quote(pair.source)} belongs to the root user; fob does not create root sessions, because no policy can limit them`,
    [
      "create an IAM user for daily work, and delete the root user's access key: https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-best-practices.html",
    ],
  );
}
