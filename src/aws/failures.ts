// What goes wrong between here and AWS. In words: service-failures.ts, after an answer of AWS; network-failures.ts, where
// no answer came.
import { FobError } from "../errors.ts";
import { formatOption, quoteProfileArgument } from "../text.ts";
import type { FormatLogin } from "../typed-command.ts";

/** What the failure means for the caller. */
export type Consequence =
  /** STS looked at the code and did not take it. */
  | "wrong code"
  /** The request never left, so the same one can be made again. */
  | "nothing sent"
  /** The request may have reached AWS: a code in it may be spent. */
  | "no answer"
  /** AWS had it and failed: a code in it may be spent. */
  | "server error"
  /** AWS would not do just this; it says nothing of other calls. */
  | "refused"
  /** AWS had too many calls for a while, also when this one was repeated. */
  | "throttled"
  /** Every other call would fail in the same way. */
  | "final";

export class AwsFailure extends FobError {
  override readonly name = "AwsFailure";
  readonly consequence: Consequence;

  constructor(consequence: Consequence, message: string, hints: string | readonly string[], cause?: unknown) {
    super(message, hints, undefined, cause);
    this.consequence = consequence;
  }
}

/** A request that got no answer, with what only its connection knows. */
export class TransportError extends Error {
  override readonly name = "TransportError";
  /** The host (and port) that the request was for. */
  readonly host: string;
  /** The proxy that it went through, without its password. */
  readonly proxy: string | undefined;
  /** Whether it was the proxy that failed, and not what is behind it. */
  readonly isFromProxy: boolean;
  /** Whether it is certain that nothing of the request was sent. */
  readonly isUnsent: boolean;

  constructor(
    cause: unknown,
    way: { host: string; proxy: string | undefined; isFromProxy: boolean; isUnsent: boolean },
  ) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    ({ host: this.host, proxy: this.proxy, isFromProxy: this.isFromProxy, isUnsent: this.isUnsent } = way);
  }

  /** Whether a limit of fob's was reached, for a connection or for an answer. */
  get isTimeout(): boolean {
    return this.message.includes("@smithy/node-http-handler") && (this.cause as Error).name === "TimeoutError";
  }
}

/** A proxy would not make a tunnel, or not pass a request on. */
export class ProxyRefusal extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`the proxy answered HTTP ${status}`);
    this.status = status;
  }
}

/** An answer began and did not come to its end. */
export class CutAnswer extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** An answer is longer than any of AWS's. */
export class AnswerTooLong extends Error {
  readonly limit: number;

  constructor(limit: number) {
    super(`the answer has more than ${limit} bytes`);
    this.limit = limit;
  }
}

/** A whole call took too long; in milliseconds. */
export class NoAnswer extends Error {
  readonly limit: number;

  constructor(limit: number) {
    super(`no answer within ${limit} ms`);
    this.limit = limit;
  }
}

/** What the call was made with, for the messages. */
export interface CallContext {
  /** The profile that the call was made for. */
  readonly profile: string;
  readonly accessKeyId: string;
  readonly region: string;
  /** The endpoint where it is not AWS's own. */
  readonly endpoint: string | undefined;
  readonly serialNumber?: string | undefined;
  /** Where the serial number is configured; undefined where AWS told it. */
  readonly serialFrom?: string | undefined;
  /** Whether the profile's access key is in fob's keychain. */
  readonly hasKeyInKeychain?: boolean | undefined;
  /** The ARN of what the call is about. */
  readonly arn?: string | undefined;
  readonly bundle: { readonly path: string; readonly from: string } | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** What allows the call: `iam:SimulateCustomPolicy`. */
  readonly permission: string;
  /** The login that the call is for, or whose session makes it, for hints. */
  readonly formatLogin: FormatLogin;
  /** The command, where it is not there to open a session. */
  readonly command?: string | undefined;
}

/** The command with which the user enters the access key again. */
export const formatEnterKey = ({ profile, hasKeyInKeychain }: CallContext): string =>
  hasKeyInKeychain
    ? `fob keys add ${quoteProfileArgument(profile)}`
    : `aws configure ${formatOption("--profile", profile)}`;
