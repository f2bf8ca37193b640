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

  constructor(consequence: Consequence, message: string, hints: string | readonly string[], cause: unknown) {
    super(message, hints, undefined, cause);
    this.consequence = consequence;
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
  /** The proxy for the call, without its password. */
  readonly proxy: string | undefined;
  readonly bundle: { readonly path: string; readonly from: string } | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Puts an error of an SDK call into words. Errors that are in words already pass through. */
export function awsFailure(error: unknown, context: CallContext): FobError {
  if (error instanceof FobError) return error;
  return serviceFailure(error, context) ?? networkFailure(error, context);
}

/** The parts of an SDK error that matter here. */
interface SdkError extends Error {
  $metadata?: { httpStatusCode?: number; requestId?: string };
  $response?: { statusCode?: number; headers?: Record<string, string> };
}

/** AWS (or something that speaks like it) has answered. */
function serviceFailure(error: unknown, context: CallContext): AwsFailure | undefined {
  const { $metadata, $response, name, message } = error as SdkError;
  const status = $metadata?.httpStatusCode ?? $response?.statusCode;
  if (status === undefined) return undefined;
  const final = (text: string, hints: string | string[]): AwsFailure => new AwsFailure("final", text, hints, error);
  const refused = (text: string, hints: string | string[]): AwsFailure => new AwsFailure("refused", text, hints, error);
  const { profile } = context;
  const login = `fob login ${shellWord(profile)}`;
  const key = `the access key ${maskKeyId(context.accessKeyId)} of the profile ${quote(profile)}`;
  const said = `AWS said: ${neutralise(message)}`;

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
    return refused(`AWS cannot check codes of the device ${quote(context.serialNumber ?? "")} for this user`, [
      "the serial number must be of a device of this very user: aws iam list-mfa-devices",
      `${login} --serial ARN`,
    ]);
  }
  if (/Signature (expired|not yet current)/i.test(message) || /^(RequestExpired|RequestTimeTooSkewed)/.test(name)) {
    return final(`AWS refused the request because ${clockError($response?.headers, context.now)}`, [
      "set the clock, then try again; the code was not used: sudo timedatectl set-ntp true",
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
      return final(`the credentials of the profile ${quote(profile)} have expired`, said);
    case "RegionDisabledException":
      return final(`STS is switched off for the region ${context.region} in this account`, [
        `use another region: ${login} --region us-east-1`,
      ]);
    case "Throttling":
    case "ThrottlingException":
    case "TooManyRequestsException":
    case "RequestLimitExceeded":
      return refused("AWS takes no more requests for the moment (throttling)", `wait a minute, then: ${login}`);
    case "AccessDenied":
    case "AccessDeniedException":
      return refused(`AWS denied the request: ${neutralise(message)}`, [
        "if it names an action, an administrator must allow that action for this user",
      ]);
    case "ValidationError":
    case "ValidationException":
      return refused(`AWS did not accept the request: ${neutralise(message)}`, `see what is allowed: fob login --help`);
  }
  if (status === 407) {
    return new AwsFailure(
      "nothing sent",
      `the proxy ${quote(context.proxy ?? "")} wants a user name and a password`,
      ["give them in the address: export HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"],
      error,
    );
  }
  if (context.proxy !== undefined && $metadata?.requestId === undefined && status !== 200) {
    return new AwsFailure(
      "nothing sent",
      `the proxy ${quote(context.proxy)} did not connect to AWS (HTTP ${status})`,
      ["ask its administrator to allow *.amazonaws.com, or go around it: export NO_PROXY=.amazonaws.com"],
      error,
    );
  }
  if (status >= 500) {
    return new AwsFailure(
      "server error",
      `AWS had an internal error (HTTP ${status})`,
      "https://health.aws.amazon.com/",
      error,
    );
  }
  return refused(
    `${place(context)} answered with something unexpected (HTTP ${status}): ${neutralise(`${name}: ${message}`)}`,
    "see the whole exchange: fob login --debug",
  );
}

/** Nobody has answered. */
function networkFailure(error: unknown, context: CallContext): AwsFailure {
  const { message } = error as Error;
  const code = systemCode(error) || (error instanceof Error ? error.name : "");
  const where = place(context);
  const through = context.proxy === undefined ? "" : ` (through the proxy ${quote(context.proxy)})`;
  const unsent = (text: string, hints: string | string[]): AwsFailure =>
    new AwsFailure("nothing sent", text + through, hints, error);

  switch (code) {
    case "ENOTFOUND":
      return unsent(`there is no host ${where}, or no network to ask for it`, [
        "check the network connection, then the region and the endpoint: env | grep AWS_",
      ]);
    case "EAI_AGAIN":
      return unsent(`cannot look up ${where}: the network or its name server is away`, "check the network connection");
    case "ENETUNREACH":
    case "EHOSTUNREACH":
    case "ENETDOWN":
    case "EADDRNOTAVAIL":
      return unsent(`no network to reach ${where}`, "check the network connection");
    case "ECONNREFUSED":
      return unsent(
        `${where} refuses connections`,
        context.endpoint === undefined
          ? "check the network connection, and whether a proxy is needed: export HTTPS_PROXY=http://HOST:PORT"
          : "check that something listens there: env | grep AWS_ENDPOINT_URL",
      );
  }
  if (isTrustError(code)) {
    const trusted =
      context.bundle === undefined
        ? "if a company proxy or a virus scanner reads the traffic: export AWS_CA_BUNDLE=/path/to/its-ca.pem"
        : `the certificates in ${quote(context.bundle.path)} (from ${context.bundle.from}) do not vouch for it`;
    return unsent(`the certificate of ${where} is not trusted (${code}), so somebody may be in between`, trusted);
  }
  // The handshake, not the request, was cut off; or the connection was never made.
  if (/before secure TLS connection|before receiving CONNECT|without establishing a connection/i.test(message)) {
    return unsent(`no connection to ${where}: ${neutralise(message)}`, "check the network connection and the proxy");
  }
  return new AwsFailure(
    "no answer",
    `no answer from ${where}${through}: ${neutralise(message || code)}`,
    ["check the network connection"],
    error,
  );
}

function isTrustError(code: string): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_|ERR_SSL|ERR_TLS|EPROTO|CRL_|HOSTNAME_MISMATCH/.test(code);
}

function place({ endpoint, region }: CallContext): string {
  return endpoint === undefined ? `AWS STS in ${region}` : quote(new URL(endpoint).host);
}

/** By how much this machine's clock is off, from the answer's `Date`. */
function clockError(headers: Record<string, string> | undefined, now: number): string {
  const theirs = Date.parse(headers?.date ?? "");
  const off = Math.round((now - theirs) / 1000);
  if (Number.isNaN(off)) return "this computer's clock is wrong by more than 5 minutes";
  return `this computer's clock is ${inWords(Math.abs(off))} ${off > 0 ? "ahead of" : "behind"} AWS's`;
}
