// What goes wrong between here and AWS, in plain words. One list, used for every call.
import { FobError, systemCode } from "../errors.ts";
import { inWords } from "../terminal/duration.ts";
import { maskKeyId, neutralise, quote, shellWord } from "../text.ts";

/** What the failure means for whoever made the call. */
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
  /** Whether it is certain that nothing of the request was sent. */
  readonly isUnsent: boolean;

  constructor(cause: unknown, way: { host: string; proxy: string | undefined; isUnsent: boolean }) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    ({ host: this.host, proxy: this.proxy, isUnsent: this.isUnsent } = way);
  }
}

/** A proxy would not make a tunnel. */
export class ProxyRefusal extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`the proxy answered HTTP ${status}`);
    this.status = status;
  }
}

/** What the call was made with, for the messages. */
export interface CallContext {
  /** The source profile. */
  readonly profile: string;
  readonly accessKeyId: string;
  readonly region: string;
  /** The endpoint where it is not AWS's own. */
  readonly endpoint: string | undefined;
  readonly serialNumber?: string | undefined;
  /** Where the serial number is configured; undefined where AWS told it. */
  readonly serialFrom?: string | undefined;
  /** The proxy for the call, without its password. */
  readonly proxy: string | undefined;
  readonly bundle: { readonly path: string; readonly from: string } | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** A call that opens no session: what allows it, `iam:SimulateCustomPolicy`, and the command that makes it. */
  readonly call?: { readonly permission: string; readonly command: string } | undefined;
}

/** Puts an error of an SDK call into words. Errors that are in words already pass through. */
export function awsFailure(error: unknown, context: CallContext): FobError {
  if (error instanceof FobError) return error;
  return serviceFailure(error, context) ?? networkFailure(error, context);
}

function deniedHints(message: string, { call, profile, accessKeyId }: CallContext): string[] {
  if (call === undefined) return ["if it names an action, an administrator must allow that action for this user"];
  // The policy that enforces MFA denies nearly everything to a long-term access key.
  const isWithoutMfa = accessKeyId.startsWith("AKIA") && /explicit deny/.test(message);
  if (!isWithoutMfa) return [`an administrator must allow ${call.permission} for this user or role`];
  return [
    `if a policy asks for MFA, use a session instead of the access key: fob login ${shellWord(profile)}`,
    `otherwise the policy that denies ${call.permission} to this user must be changed by an administrator`,
  ];
}

/** The parts of an SDK error that matter here. */
interface SdkError extends Error {
  $metadata?: { httpStatusCode?: number; requestId?: string };
  /** Whose fault it is, where AWS says so. */
  $fault?: string;
  $response?: { statusCode?: number; headers?: Record<string, string> };
}

/** AWS (or something that speaks like it) has answered. */
function serviceFailure(error: unknown, context: CallContext): AwsFailure | undefined {
  const { $metadata, $response, $fault, name, message } = error as SdkError;
  const status = $metadata?.httpStatusCode ?? $response?.statusCode;
  // With a system's code the answer began, and then the connection ended.
  if (status === undefined || systemCode(error)) return undefined;
  const final = (text: string, hints: string | string[]): AwsFailure => new AwsFailure("final", text, hints, error);
  const refused = (text: string, hints: string | string[]): AwsFailure => new AwsFailure("refused", text, hints, error);
  const { profile } = context;
  const login = `fob login ${shellWord(profile)}`;
  const again = context.call === undefined ? `then: ${login}` : "then try again";
  const key = `the access key ${maskKeyId(context.accessKeyId)} of the profile ${quote(profile)}`;

  // By the text before the code: STS answers a wrong code with a plain AccessDenied.
  if (/invalid MFA one time pass code/i.test(message)) {
    return new AwsFailure(
      "wrong code",
      "AWS did not accept that code",
      ["wait until the device shows the next code, and check that it is the device's code for this account", login],
      error,
    );
  }
  if (/unable to validate MFA code/i.test(message)) {
    const from = context.serialFrom === undefined ? "" : ` (from ${context.serialFrom})`;
    return refused(`AWS cannot check codes of the device ${quote(context.serialNumber ?? "")}${from} for this user`, [
      `the serial number must be of a device of this very user: aws iam list-mfa-devices --profile ${shellWord(profile)}`,
      `${login} --serial ARN`,
    ]);
  }
  if (/Signature (expired|not yet current)/i.test(message) || /^(RequestExpired|RequestTimeTooSkewed)/.test(name)) {
    return final(`AWS refused the request because ${clockError($response?.headers, context.now())}`, [
      "set the clock (on Linux: sudo timedatectl set-ntp true), then try again; the code was not used",
    ]);
  }
  if (/session credentials/i.test(message) && /GetSessionToken/.test(message)) {
    return final(`the profile ${quote(profile)} holds temporary credentials, and STS gives no session to those`, [
      "name the profile that holds the long-term access key: fob login PROFILE",
    ]);
  }
  switch (name) {
    case "InvalidClientTokenId":
    case "InvalidAccessKeyId":
    case "UnrecognizedClientException":
      return final(`AWS does not know ${key}, or it is disabled`, [
        "see whether it is still active: IAM console, Users, Security credentials, Access keys",
        `put a new key in with: aws configure --profile ${shellWord(profile)}`,
        `if the account has not enabled the region ${context.region}: ${login} --region us-east-1`,
      ]);
    case "SignatureDoesNotMatch":
    case "IncompleteSignature":
      return final(`the secret access key does not belong to ${key}`, [
        `put both in again: aws configure --profile ${shellWord(profile)}`,
      ]);
    case "ExpiredToken":
    case "ExpiredTokenException":
      return final(
        `the credentials of the profile ${quote(profile)} have expired`,
        "name the profile that holds the long-term access key: fob login PROFILE",
      );
    case "RegionDisabledException":
      return final(`STS is switched off for the region ${context.region} in this account`, [
        `use another region: ${login} --region us-east-1`,
      ]);
    case "Throttling":
    case "ThrottlingException":
    case "TooManyRequestsException":
    case "RequestLimitExceeded":
      return refused("AWS takes no more requests for the moment (throttling)", `wait a minute, ${again}`);
    case "AccessDenied":
    case "AccessDeniedException":
      return refused(`AWS denied the request: ${neutralise(message)}`, deniedHints(message, context));
    case "ValidationError":
    case "ValidationException":
    case "InvalidInputException":
      return refused(
        `AWS did not accept the request: ${neutralise(message)}`,
        `see what is allowed: ${context.call?.command ?? "fob login"} --help`,
      );
    // Comes with HTTP 500, and is about the policies that were sent.
    case "PolicyEvaluationException":
      return refused(
        `AWS could not evaluate the policies: ${neutralise(message)}`,
        "see what is wrong with them: fob policy lint FILE",
      );
  }
  // Only plain http goes through a proxy in the form in which the proxy's own answers look like the other side's.
  if (status === 407 && context.proxy !== undefined) {
    return proxyRefused(status, context.proxy, place(context), error);
  }
  if (status >= 500) {
    const hint =
      context.endpoint === undefined
        ? "see whether AWS has a problem: https://health.aws.amazon.com/"
        : "see what is set: env | grep -i -e _proxy -e AWS_ENDPOINT_URL";
    return new AwsFailure("server error", `${place(context)} had an internal error (HTTP ${status})`, hint, error);
  }
  if ($fault !== undefined && name !== "Unknown") {
    return refused(
      `AWS refused the request: ${neutralise(`${name}: ${message}`)}`,
      "see what it means: https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html",
    );
  }
  return new AwsFailure(
    status < 400 ? "final" : "refused",
    `something that is not AWS answered for ${place(context)} (HTTP ${status})`,
    [
      "if this network has a sign-in page, open any web page in a browser first",
      "see what is set: env | grep -i -e _proxy -e AWS_ENDPOINT_URL",
    ],
    error,
  );
}

/** Nobody has answered. */
function networkFailure(error: unknown, context: CallContext): AwsFailure {
  if (!(error instanceof TransportError)) {
    if (error instanceof Error && systemCode(error)) {
      const reason = cutOff(error, systemCode(error));
      const text = `the answer from ${place(context)} did not come to its end${reason}`;
      return new AwsFailure("no answer", text, "check the network connection", error);
    }
    const message = neutralise(error instanceof Error ? error.message : String(error));
    const hint = "see where it happens: fob login --debug";
    return new AwsFailure("no answer", `the request to ${place(context)} failed: ${message}`, hint, error);
  }
  const { host, proxy, cause } = error;
  const target = quote(host);
  const through = proxy === undefined ? "" : ` (through the proxy ${quote(proxy)})`;
  // With a proxy, that is what this computer looks up and connects to.
  const peer = proxy === undefined ? target : `the proxy ${quote(proxy)}`;
  const unsent = (text: string, hints: string | string[]): AwsFailure =>
    new AwsFailure("nothing sent", `${text}; nothing was sent`, hints, error);
  const network = "check the network connection";
  const endpoint = "see which endpoint is set: env | grep AWS_ENDPOINT_URL; grep -n endpoint_url ~/.aws/config";
  const settings = (own: string): string => {
    if (proxy !== undefined) return "see which proxy is set: env | grep -i _proxy";
    return context.endpoint === undefined ? own : endpoint;
  };

  if (cause instanceof ProxyRefusal && proxy !== undefined) return proxyRefused(cause.status, proxy, target, error);
  const code = systemCode(cause);
  switch (code) {
    case "ENOTFOUND":
      return unsent(`cannot find ${peer}: the name is wrong, or there is no network`, [
        network,
        settings(`check the region: fob login ${shellWord(context.profile)} --region REGION`),
      ]);
    case "EAI_AGAIN":
      return unsent(`cannot look up ${peer}: no name server answers`, network);
    case "ENETUNREACH":
    case "EHOSTUNREACH":
    case "ENETDOWN":
    case "EADDRNOTAVAIL":
      return unsent(`there is no network to reach ${peer}`, network);
    case "ECONNREFUSED":
      return unsent(`${peer} refuses connections`, settings(needsProxy));
    case "CERT_HAS_EXPIRED":
    case "CERT_NOT_YET_VALID":
      return unsent(
        `the certificate of ${target}${through} ${code === "CERT_HAS_EXPIRED" ? "has expired" : "is not valid yet"}`,
        "check this computer's clock: date; if that is right, tell whoever runs the host or the proxy",
      );
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return unsent(`the certificate of ${target}${through} is for another host, so somebody may be in between`, [
        "if this network has a sign-in page, open any web page in a browser first",
        settings(network),
      ]);
    case "ERR_INVALID_CHAR":
      return new AwsFailure(
        "final",
        `the access key of the profile ${quote(context.profile)} holds a character that no access key has`,
        `put it in again: aws configure --profile ${shellWord(context.profile)}`,
        error,
      );
  }
  if (isTlsError(code) && error.isUnsent) {
    return unsent(`${target}${through} does not answer with TLS as it should (${tlsReason(cause)})`, [
      settings("if this network has a sign-in page, open any web page in a browser first"),
    ]);
  }
  if (isTrustError(code)) {
    const trusted =
      context.bundle === undefined
        ? "if a company proxy or a virus scanner reads the traffic: export AWS_CA_BUNDLE=/path/to/its-ca.pem"
        : `the certificates in ${quote(context.bundle.path)} (from ${context.bundle.from}) do not vouch for it; ask whoever runs the network for the right ones`;
    return unsent(
      `the certificate of ${target}${through} is not trusted (${code}), so somebody may be in between`,
      trusted,
    );
  }
  if (error.isUnsent) {
    const reason = /did not establish/.test(error.message) || code === "ETIMEDOUT" ? " in time" : cutOff(error, code);
    return unsent(`no connection to ${target}${through}${reason}`, [network, settings(needsProxy)]);
  }
  const limit = /exceeded the configured (\d+) ms requestTimeout/.exec(error.message)?.[1];
  const reason = limit === undefined ? cutOff(error, code) : ` within ${Number(limit) / 1000} s`;
  return new AwsFailure("no answer", `no answer from ${target}${through}${reason}`, network, error);
}

const needsProxy = "check the network connection, and whether a proxy is needed: export HTTPS_PROXY=http://HOST:PORT";

/** Why a connection ended, as far as somebody who is not a programmer can do something with it. */
function cutOff({ message }: Error, code: string): string {
  return /^(ECONNRESET|EPIPE)$/.test(code) ? ": the connection was cut" : `: ${neutralise(message || code)}`;
}

/** A proxy would not connect. */
function proxyRefused(status: number, proxy: string, target: string, cause: unknown): AwsFailure {
  const [message, hint] =
    status === 407
      ? [
          `the proxy ${quote(proxy)} wants a user name and a password, or others than those given`,
          "give them in the address, special characters as %40: export HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT",
        ]
      : [
          `the proxy ${quote(proxy)} did not connect to ${target} (HTTP ${status})`,
          "ask its administrator to allow *.amazonaws.com, or go around it: export NO_PROXY=$NO_PROXY,.amazonaws.com",
        ];
  return new AwsFailure("nothing sent", `${message}; nothing was sent`, hint, cause);
}

/** The other side does not speak TLS, or not as it should. */
function isTlsError(code: string): boolean {
  return code === "EPROTO" || code.startsWith("ERR_SSL");
}

/** OpenSSL's reason, without where it stands in OpenSSL's source. */
function tlsReason(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException;
  return neutralise(/:SSL routines:[^:]*:([^:]+)/.exec(message)?.[1] ?? code ?? "");
}

function isTrustError(code: string): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS|CRL_|HOSTNAME_MISMATCH/.test(code);
}

function place({ endpoint, region }: CallContext): string {
  return endpoint === undefined ? `AWS in ${region}` : quote(new URL(endpoint).host);
}

/** By how much this machine's clock is off, from the answer's `Date`. */
function clockError(headers: Record<string, string> | undefined, now: number): string {
  const theirs = Date.parse(headers?.date ?? "");
  const off = Math.round((now - theirs) / 1000);
  if (Number.isNaN(off)) return "this computer's clock is wrong by more than 5 minutes";
  return `this computer's clock is ${inWords(Math.abs(off))} ${off > 0 ? "ahead of" : "behind"} AWS's`;
}
