// What goes wrong on the way to AWS: a table from the codes of Node.js and OpenSSL to words.
import { getSystemCode } from "../errors.ts";
import { escapeControlCharacters, quote } from "../text.ts";
import {
  AnswerTooLong,
  AwsFailure,
  type CallContext,
  CutAnswer,
  formatEnterKey,
  ProxyRefusal,
  type TransportError,
} from "./failures.ts";

/** Where the request went, as messages say it, and what is known of how it failed. */
interface Way extends CallContext {
  readonly error: TransportError;
  readonly code: string;
  /** The other side: AWS's host, or the proxy where that has failed itself. */
  readonly target: string;
  /** What this computer looks up and connects to. */
  readonly peer: string;
}

type Hints = string | readonly string[];

const checkNetwork = "check the network connection";
const needsProxy = "check the network connection, and whether a proxy is needed: export HTTPS_PROXY=http://HOST:PORT";
const signInPage = "if this network has a sign-in page, open any web page in a browser first";
const whichEndpoint = "check the endpoint: env | grep AWS_ENDPOINT_URL; grep -n endpoint_url ~/.aws/config";

/** What is said where nothing was sent, and what the user can do. */
type Explanation = readonly [text: (way: Way) => string, hints: (way: Way) => Hints];

const byCode: Readonly<Record<string, Explanation>> = {
  ENOTFOUND: [
    ({ peer }) => `cannot find ${peer}: the name is wrong, or you are offline`,
    (way) => [checkNetwork, settingsOr(way, `check the region: ${way.formatLogin({ set: { region: "REGION" } })}`)],
  ],
  EAI_AGAIN: [({ peer }) => `cannot look up ${peer}: no DNS server answered`, () => checkNetwork],
  ...Object.fromEntries(
    ["ENETUNREACH", "EHOSTUNREACH", "ENETDOWN", "EADDRNOTAVAIL"].map((code): [string, Explanation] => [
      code,
      [({ peer }) => `could not reach ${peer}: no network`, () => checkNetwork],
    ]),
  ),
  ECONNREFUSED: [
    ({ peer }) => `could not connect to ${peer} (connection refused)`,
    (way) => settingsOr(way, needsProxy),
  ],
  CERT_HAS_EXPIRED: [({ target }) => `the certificate of ${target} has expired`, () => checkClock],
  CERT_NOT_YET_VALID: [({ target }) => `the certificate of ${target} is not valid yet`, () => checkClock],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    ({ target }) => `the certificate of ${target} is for another host, so someone may be intercepting the connection`,
    (way) => [signInPage, settingsOr(way, checkNetwork)],
  ],
};

const checkClock = "check this computer's clock: date; if it is right, tell the administrator of the host or the proxy";

/** Puts a request without an answer into words. */
export function explainTransport(error: TransportError, context: CallContext): AwsFailure {
  const { cause } = error;
  const way = wayOf(error, context);
  if (cause instanceof ProxyRefusal) return unsent(way, ...refusedBy(cause, way));
  if (cause instanceof AnswerTooLong || cause instanceof CutAnswer) return brokenAnswer(cause, way);
  const known = Object.hasOwn(byCode, way.code) ? byCode[way.code] : undefined;
  if (known && error.isUnsent) return unsent(way, known[0](way), known[1](way));
  if (way.code === "ERR_INVALID_CHAR") {
    return new AwsFailure(
      "final",
      `the access key of the profile ${quote(context.profile)} contains a character that access keys never have`,
      `enter it again: ${formatEnterKey(context)}`,
      error,
    );
  }
  if (isTlsError(way.code) && error.isUnsent) {
    const text = `${way.target} did not complete the TLS handshake (${tlsReason(cause)})`;
    return unsent(way, text, settingsOr(way, signInPage));
  }
  if (isTrustError(way.code)) {
    const text = `the certificate of ${way.target} is not trusted (${way.code}), so someone may be intercepting the connection`;
    return unsent(way, text, howToTrust(context));
  }
  if (error.isUnsent) {
    const isLate = error.isTimeout || way.code === "ETIMEDOUT";
    const text = `could not connect to ${way.target}${isLate ? " (timed out)" : reasonOf(error, way.code)}`;
    return unsent(way, text, [checkNetwork, settingsOr(way, needsProxy)]);
  }
  const limit = /exceeded the configured (\d+) ms requestTimeout/.exec(error.message)?.[1];
  const reason = limit === undefined ? reasonOf(error, way.code) : ` within ${Number(limit) / 1000} s`;
  return new AwsFailure("no answer", `no answer from ${way.target}${reason}`, checkNetwork, error);
}

function wayOf(error: TransportError, context: CallContext): Way {
  const host = quote(error.host);
  const proxy = error.proxy === undefined ? undefined : `the proxy ${quote(error.proxy)}`;
  const target = error.isFromProxy && proxy !== undefined ? proxy : `${host}${proxy ? ` (through ${proxy})` : ""}`;
  return { ...context, error, code: getSystemCode(error.cause), target, peer: proxy ?? host };
}

function unsent({ error }: Way, text: string, hints: Hints): AwsFailure {
  return new AwsFailure("nothing sent", `${text}; nothing was sent`, hints, error);
}

/** The setting that may be wrong, or something else where none is set. */
function settingsOr({ error, endpoint }: Way, other: string): string {
  if (error.proxy !== undefined) return "check the proxy: env | grep -i _proxy";
  return endpoint === undefined ? other : whichEndpoint;
}

function refusedBy({ status }: ProxyRefusal, { error, peer }: Way): readonly [text: string, hints: Hints] {
  if (status === 407) {
    return [
      `${peer} requires a user name and password, or rejected the ones you set (HTTP 407)`,
      "set them in the URL (write @ as %40): export HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT",
    ];
  }
  return [
    `${peer} did not connect to ${quote(error.host)} (HTTP ${status})`,
    "ask its administrator to allow *.amazonaws.com, or bypass it: export NO_PROXY=$NO_PROXY,.amazonaws.com",
  ];
}

function brokenAnswer(cause: AnswerTooLong | CutAnswer, way: Way): AwsFailure {
  if (cause instanceof AnswerTooLong) {
    const text = `the answer from ${way.target} is too long to be from AWS (more than ${cause.limit / 2 ** 20} MB)`;
    return new AwsFailure("no answer", text, settingsOr(way, signInPage), way.error);
  }
  const text = `the connection to ${way.target} closed before the response was complete${reasonOf(cause, getSystemCode(cause.cause))}`;
  return new AwsFailure("no answer", text, checkNetwork, way.error);
}

function howToTrust({ bundle }: CallContext): string {
  return bundle === undefined
    ? "if a company proxy or a virus scanner reads the traffic: export AWS_CA_BUNDLE=/path/to/its-ca.pem"
    : `the certificates in ${quote(bundle.path)} (from ${bundle.from}) do not include its issuer; ask your network administrator for the right ones`;
}

/** Why a connection ended, as far as a user can do something with it. */
function reasonOf({ message }: Error, code: string): string {
  return /^(ECONNRESET|EPIPE)$/.test(code)
    ? ": the connection was cut"
    : `: ${escapeControlCharacters(message || code)}`;
}

/** The other side does not speak TLS, or not as it should. */
function isTlsError(code: string): boolean {
  return code === "EPROTO" || code.startsWith("ERR_SSL");
}

/** OpenSSL's reason, without its place in OpenSSL's source. */
function tlsReason(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException;
  return escapeControlCharacters(/:SSL routines:[^:]*:([^:]+)/.exec(message)?.[1] ?? code ?? "");
}

function isTrustError(code: string): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS|CRL_|HOSTNAME_MISMATCH/.test(code);
}
