// What all calls to AWS have in common, whichever service they are for: a limit, an end when the user cancels, one log, no
// secret in what goes wrong, and failures in words. The SDK is loaded by the modules of the services, not by this one.
import { CancelledError, FobError, raceSignal, throwIfCancelled } from "../errors.ts";
import type { FormatLogin } from "../typed-command.ts";
import type { Endpoints, OtherService } from "./endpoints.ts";
import { explainFailure } from "./explain.ts";
import { NoAnswer, TransportError } from "./failures.ts";
import type { Network } from "./network.ts";
import { getStsRegion } from "./partitions.ts";
import { hideSecrets, looksLikeKeyId } from "./secrets.ts";
import type { Credentials, Mfa } from "./types.ts";

/** How and as whom to talk to AWS. */
export interface Access {
  /** The profile that the credentials are for, in messages. */
  readonly profile: string;
  /** The profile in which other programs find these credentials; undefined where none has them. */
  readonly sessionProfile?: string | undefined;
  readonly credentials: Credentials;
  readonly region: string;
  /** Whether STS's global endpoint is asked, where the region is one of those that had no other at first. */
  readonly usesGlobalSts: boolean;
  /** URLs instead of AWS's own. */
  readonly endpoints: Endpoints;
  /** The URL of another service instead of AWS's own. */
  readonly findEndpoint?: ((service: OtherService) => string | undefined) | undefined;
  readonly useFips: boolean;
  readonly useDualstack: boolean;
  readonly network: Network;
  /** Where the serial number of the MFA device is configured; undefined where AWS told it. */
  readonly serialFrom?: string | undefined;
  /** Whether the profile's access key is in fob's keychain. */
  readonly hasKeyInKeychain?: boolean | undefined;
  /** The login that the calls are for, or whose session makes them, for hints. */
  readonly formatLogin: FormatLogin;
  /** The command, where it is not there to open a session: `fob policy simulate`. */
  readonly command?: string | undefined;
  /** The ARN of what the calls are for: its partition is where the credentials should be known. */
  readonly arn?: string | undefined;
}

/** What calls use of the world. */
export interface AwsTools {
  /** Ends every call under way. */
  readonly signal: AbortSignal;
  readonly debug: (message: string) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Tells the user what they are waiting for; left out where the caller tells it. */
  readonly showWhile?: ShowWhile | undefined;
}

/** Shows a text, which may change meanwhile, to the user until some work that takes longer than a moment is done. */
export type ShowWhile = <T>(text: string | (() => string), work: Promise<T>) => Promise<T>;

/**
 * How often a call may be sent: a read as often as the SDK likes to, and one of the many that read an account more often,
 * since AWS throttles them; a write once, and once more if nothing of it was sent.
 * Calls with a code are like writes, because AWS takes a code only once.
 */
export type CallKind = "read" | "bulk read" | "write" | "with a code";

export interface Call {
  readonly service: keyof Endpoints | OtherService;
  /** Where it goes, of a service that is not in `Endpoints`. */
  readonly region?: string;
  readonly endpoint?: string | undefined;
  /** As policies name it: `sts:AssumeRole`. */
  readonly name: string;
  readonly kind: CallKind;
  /** The code that goes with it. */
  readonly mfa?: Mfa | undefined;
  /** Other secrets in it, which no message may show: passwords. */
  readonly secrets?: readonly string[] | undefined;
  /** The ARN of what it is about. */
  readonly arn?: string | undefined;
}

/** Milliseconds that a call may take, with all its attempts. Those have limits of their own: http.ts. */
const timeouts: Readonly<Record<CallKind, number>> = {
  read: 30_000,
  "bulk read": 120_000,
  write: 30_000,
  "with a code": 30_000,
};

/** Connects to AWS with the first call, does some work, and closes the connections; the process could not end before. */
export async function withAws<T>(access: Access, tools: AwsTools, work: (aws: Connection) => Promise<T>): Promise<T> {
  const aws = new Connection(access, tools);
  try {
    const working = work(aws);
    return await (tools.showWhile?.(() => aws.progress, working) ?? working);
  } finally {
    aws.close();
  }
}

/** A connection to AWS, which modules of services make their calls with. */
export class Connection {
  readonly access: Access;
  readonly now: () => number;
  readonly debug: (message: string) => void;
  /** What the user is shown while waiting. Empty: nothing, as for a prompt. */
  progress = "Asking AWS…";
  readonly #signal: AbortSignal;
  readonly #closed = new AbortController();
  readonly #shared = new Map<string, { destroy(): void }>();

  constructor(access: Access, { signal, debug, now }: AwsTools) {
    this.access = access;
    this.now = now;
    this.debug = debug;
    this.#signal = AbortSignal.any([signal, this.#closed.signal]);
  }

  /** Does some work that says how far it is; what is shown afterwards is what was shown before. */
  async keepProgress<T>(work: () => Promise<T>): Promise<T> {
    const before = this.progress;
    try {
      return await work();
    } finally {
      this.progress = before;
    }
  }

  /** What several calls use: made by the first of them, and destroyed when the connection closes. */
  shared<T extends { destroy(): void }>(name: string, make: () => T): T {
    const shared = (this.#shared.get(name) as T | undefined) ?? make();
    this.#shared.set(name, shared);
    return shared;
  }

  /**
   * Makes a call.
   *
   * @throws AwsFailure, or another FobError for what is wrong on this computer; CancelledError when the user cancels
   */
  async call<T>(call: Call, send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    throwIfCancelled(this.#signal);
    const limit = new AbortController();
    // A timer of its own: what AbortSignal.timeout() starts does not keep the process alive.
    const timeout = timeouts[call.kind];
    const timer = setTimeout(() => limit.abort(), timeout);
    const signal = AbortSignal.any([this.#signal, limit.signal]);
    try {
      return await sendOnce(call, () => this.#attempt(call, raceSignal(signal, send(signal))));
    } catch (error) {
      if (this.#signal.aborted) throw new CancelledError(call.mfa && "the code may have been used");
      throw explainFailure(limit.signal.aborted ? new NoAnswer(timeout) : error, this.#contextOf(call));
    } finally {
      clearTimeout(timer);
    }
  }

  /** The region as the SDK knows it. */
  regionFor(service: Call["service"]): string {
    const { region, usesGlobalSts } = this.access;
    return service === "sts" ? getStsRegion(region, usesGlobalSts) : region;
  }

  /** Ends calls that are under way, too. */
  close(): void {
    this.#closed.abort();
    for (const shared of this.#shared.values()) shared.destroy();
  }

  /** Logs what becomes of an attempt, and takes secrets out of what went wrong. */
  async #attempt<T>({ service, name, mfa, secrets = [], region }: Call, answer: Promise<T>): Promise<T> {
    const began = performance.now();
    const log = (outcome: string): void =>
      this.debug(
        `${name} in ${region ?? this.regionFor(service)}: ${outcome} after ${Math.round(performance.now() - began)} ms`,
      );
    try {
      const given = await answer;
      log("ok");
      return given;
    } catch (error) {
      // Fob's own words hold none, but names of files that look like one.
      if (!(error instanceof FobError)) hideSecrets(error, [...this.#secrets(mfa), ...secrets]);
      log(error instanceof Error ? `${error.name}: ${error.message}` : "failed");
      throw error;
    }
  }

  #secrets(mfa: Mfa | undefined): string[] {
    const { accessKeyId, secretAccessKey, sessionToken } = this.access.credentials;
    // Where the two are swapped, the id is the secret.
    const id = looksLikeKeyId(accessKeyId) ? undefined : accessKeyId;
    return [id, secretAccessKey, sessionToken, mfa?.tokenCode].filter((secret) => secret !== undefined);
  }

  #contextOf({ service, name, mfa, arn, endpoint, region }: Call) {
    const {
      profile,
      credentials,
      region: configured,
      endpoints,
      network,
      serialFrom,
      hasKeyInKeychain,
      command,
      formatLogin,
      arn: purpose,
    } = this.access;
    return {
      ...{
        profile,
        region: region ?? configured,
        serialFrom,
        hasKeyInKeychain,
        command,
        formatLogin,
        permission: name,
      },
      endpoint: endpoint ?? new Map<string, string | undefined>(Object.entries(endpoints)).get(service),
      ...{ accessKeyId: credentials.accessKeyId, bundle: network.bundle, now: this.now },
      ...{ serialNumber: mfa?.serialNumber, arn: arn ?? mfa?.serialNumber ?? purpose },
    };
  }
}

/** Sends what must not be repeated a second time only if nothing was sent the first time. */
async function sendOnce<T>({ kind }: Call, send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    const mayRepeat = kind !== "read" && kind !== "bulk read" && error instanceof TransportError && error.isUnsent;
    if (!mayRepeat) throw error;
    return await send();
  }
}
