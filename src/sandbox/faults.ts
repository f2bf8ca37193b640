// Faults that are switched on for operations of the local AWS, by tests and by `fob sandbox fault`.
//
// The errors are AWS's: https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html and
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; "Rate exceeded" is as users quote it. That IAM's reads
// are behind its changes for a while: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html

import { object, oneOf, optional, type Read, ShapeError, text, wholeNumber } from "../shape.ts";
import { Account, type Credential } from "./account.ts";
import { AwsError, authenticationError, type Service } from "./errors.ts";
import { loadAccount } from "./load-account.ts";
import { saveAccount } from "./save-account.ts";

/**
 * What happens to a request:
 *
 * - `delay`: it is answered later;
 * - `throttle`: AWS's error for too many requests;
 * - `error`: an internal error of AWS's, HTTP status 500;
 * - `drop`: the connection is closed, and nothing has been done;
 * - `drop-answer`: it is done, and the connection is closed without an answer;
 * - `stale`: List and Get operations of IAM answer as of some time ago.
 */
export const faultKinds = ["delay", "throttle", "error", "drop", "drop-answer", "stale"] as const;

export type FaultKind = (typeof faultKinds)[number];

export interface Fault {
  /** `iam:ListUsers`, in any case; `*` stands for any text, as in `iam:*`. */
  readonly operation: string;
  readonly kind: FaultKind;
  /** How long an answer is delayed, or how old it is. */
  readonly ms?: number | undefined;
  /** For how many requests it is. Default: all. */
  readonly times?: number | undefined;
  /** Until when, in ms since 1970. Default: until it is switched off. */
  readonly untilMs?: number | undefined;
}

const positive: Read<number> = (value, at) => {
  const number = wholeNumber(value, at);
  if (number < 1) throw new ShapeError(`${at} must be at least 1`);
  return number;
};

const readMembers = object<Fault>({
  operation: text([/^[\w:*-]{1,200}$/, "an operation like iam:ListUsers"]),
  kind: oneOf(faultKinds),
  ms: optional(positive),
  times: optional(positive),
  untilMs: optional(positive),
});

/** @throws ShapeError */
export function readFault(json: unknown): Fault {
  const fault = readMembers(json, "the fault");
  const needsTime = fault.kind === "delay" || fault.kind === "stale";
  if (needsTime !== (fault.ms !== undefined))
    throw new ShapeError(`${fault.kind} ${needsTime ? "needs" : "has no"} ms`);
  return fault;
}

/** Whether a pattern like `iam:List*` is about an operation like `iam:ListUsers`. */
export function isAbout(pattern: string, operation: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[-:]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "i").test(operation);
}

/** What happens to one request. */
export interface Strike {
  readonly delayMs: number;
  readonly kinds: ReadonlySet<FaultKind>;
}

export class Faults {
  #active: (Fault & { left: number })[] = [];
  readonly #account: Account;
  /** The account before changes, oldest first. */
  #past: { readonly ms: number; readonly account: Account }[] = [];

  constructor(account: Account) {
    this.#account = account;
  }

  add(fault: Fault): void {
    this.#active.push({ ...fault, left: fault.times ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.#active = [];
    this.#past = [];
  }

  /** Lists the faults that are on, with the number of requests that are left. */
  list(): readonly Fault[] {
    this.#active = this.#active.filter(({ left, untilMs = Number.POSITIVE_INFINITY }) => {
      return left > 0 && untilMs > this.#account.now();
    });
    return this.#active.map(({ left, ...fault }) => ({ ...fault, times: Number.isFinite(left) ? left : undefined }));
  }

  /** Counts a request. Stale reads are counted when they are made: {@link readFrom}. */
  strike(operation: string): Strike {
    const found = this.#take(operation, (kind) => kind !== "stale");
    const delayMs = found.reduce((sum, { kind, ms = 0 }) => sum + (kind === "delay" ? ms : 0), 0);
    return { delayMs, kinds: new Set(found.map(({ kind }) => kind)) };
  }

  /** Returns the account as a List or Get operation of IAM sees it. */
  readFrom(operation: string): Account {
    if (!isReplicatedRead(operation)) return this.#account;
    const [stale] = this.#take(operation, (kind) => kind === "stale");
    const asOf = this.#account.now() - (stale?.ms ?? 0);
    return this.#past.find(({ ms }) => ms > asOf)?.account ?? this.#account;
  }

  /** Notes how the account is before an operation of IAM may change it. */
  beforeChange(operation: string): void {
    const longest = Math.max(0, ...this.list().map(({ kind, ms = 0 }) => (kind === "stale" ? ms : 0)));
    if (longest === 0 || isReplicatedRead(operation)) return;
    const now = this.#account.now();
    this.#past = this.#past.filter(({ ms }) => ms > now - longest);
    // Ten states are exact enough, however many changes there are.
    if (now - (this.#past.at(-1)?.ms ?? 0) < longest / 10) return;
    this.#past.push({ ms: now, account: copyOf(this.#account) });
  }

  #take(operation: string, isWanted: (kind: FaultKind) => boolean): readonly Fault[] {
    this.list();
    const found = this.#active.filter((fault) => isWanted(fault.kind) && isAbout(fault.operation, operation));
    for (const fault of found) fault.left--;
    return found;
  }
}

/** Reports and jobs are not entities: AWS makes them when it is asked. */
export const isReplicatedRead = (operation: string): boolean =>
  /^iam:(get|list)/i.test(operation) && !/report|lastaccessed/i.test(operation);

/** Without sessions: the caller of a read is not taken from it. */
function copyOf(account: Account): Account {
  const copy = new Account(account.id, account.partition, () => account.now());
  loadAccount(copy, saveAccount(account));
  return copy;
}

/** Returns the caller as it is in an earlier state of the account. Throws AWS's error if it was not there yet. */
export function findCallerIn(past: Account, caller: Credential): Credential {
  const { name, arn, role } = caller.principal;
  if (name !== undefined) {
    const principal = past.findUser(name);
    if (principal?.arn === arn) return { ...caller, principal };
  } else if (role !== undefined) {
    const before = past.findRole(role.arn);
    if (before !== undefined)
      return { ...caller, principal: { ...caller.principal, holder: before.holder, role: before } };
  } else return { ...caller, principal: past.root };
  throw authenticationError("unknownKey", "iam");
}

/** The error of a request that is to fail; undefined for one that is not. */
export function createFaultError({ kinds }: Strike, service: Service | "signin"): AwsError | undefined {
  if (kinds.has("throttle")) {
    return service === "s3"
      ? new AwsError("SlowDown", 503, "Please reduce your request rate.")
      : new AwsError("Throttling", 400, "Rate exceeded");
  }
  if (!kinds.has("error")) return undefined;
  if (service === "s3")
    return new AwsError("InternalError", 500, "We encountered an internal error. Please try again.");
  const message = "The request processing has failed because of an unknown error, exception or failure.";
  return new AwsError(service === "iam" ? "ServiceFailure" : "InternalFailure", 500, message);
}
