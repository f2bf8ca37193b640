// Verifies requests signed with Signature Version 4.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { AwsError, authenticationError, notModeled, type Service } from "./errors.ts";

/** A request as received. */
export interface HttpRequest {
  readonly method: string;
  /** Path and query as sent, still encoded. */
  readonly target: string;
  /** Lower-case name -> values in the order received. */
  readonly headers: NodeJS.Dict<string[]>;
  readonly body: Buffer;
}

/** What a request says of its signature, in the `Authorization` header or in the query, not yet checked. */
export interface Authorization extends SignedParts {
  readonly accessKeyId: string;
  /** In the format of `X-Amz-Date`. */
  readonly timestamp: string;
  readonly token: string | undefined;
  readonly signature: string;
}

/** What a signature covers besides the request itself. */
export interface SignedParts {
  /** The credential scope: `YYYYMMDD`, region, service, `aws4_request`. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly terminator: string;
  readonly signedHeaders: readonly string[];
  /** The seconds for which a signature in the query is valid, as given; undefined for one in the header. */
  readonly expires?: string | undefined;
}

/** Credentials for signing requests. Session credentials have a token and expire (ms since 1970). */
export interface SigningKey {
  readonly secretAccessKey: string;
  readonly active: boolean;
  readonly session?: { readonly token: string; readonly expiresMs: number } | undefined;
}

/**
 * How far the client's clock may be off, in minutes. IAM's guide says that a request must arrive within five minutes of
 * its timestamp; messages from STS with 15 minutes have been observed too. S3 documents 15 minutes.
 */
const getClockWindow = (service: Service): number => (service === "s3" ? 15 : 5);

const algorithmName = "AWS4-HMAC-SHA256";

/**
 * The parameters of a signature in the query.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
 */
const queryNames = ["Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature", "Security-Token"].map(
  (name) => `X-Amz-${name}`,
);

export const isAboutSignature = (parameter: string): boolean => queryNames.includes(parameter);

/** Reads what the request says of its signature. Throws the errors of IAM and STS, because the service is not yet known. */
export function readAuthorization(request: HttpRequest, query: ReadonlyMap<string, string>): Authorization {
  const [header] = request.headers.authorization ?? [];
  if (query.has("Signature")) throw notModeled("Signature Version 2");
  if (![...query.keys()].some(isAboutSignature)) {
    const timestamp = readHeader(request, "x-amz-date") ?? "";
    return { ...parseHeader(header), timestamp, token: readHeader(request, "x-amz-security-token") };
  }
  if (header !== undefined) {
    const detail =
      "Only one auth mechanism allowed; use the X-Amz-Algorithm query parameter or the Authorization header";
    throw authenticationError("incomplete", "sts", detail);
  }
  const get = (name: string): string => query.get(`X-Amz-${name}`) ?? "";
  const absent = ["Algorithm", "Credential", "SignedHeaders", "Date", "Signature"].find((name) => get(name) === "");
  if (absent !== undefined) {
    const detail = `AWS query-string parameters must include 'X-Amz-${absent}'. Re-examine the query-string parameters.`;
    throw authenticationError("incomplete", "sts", detail);
  }
  checkAlgorithm(get("Algorithm"));
  const parts = parseParts(get("Credential"), get("SignedHeaders"));
  const token = query.get("X-Amz-Security-Token");
  return { ...parts, signature: get("Signature"), timestamp: get("Date"), token, expires: get("Expires") };
}

function checkAlgorithm(name: string): void {
  if (name === algorithmName) return;
  throw authenticationError("incomplete", "sts", `Unsupported AWS 'algorithm' (only ${algorithmName} for now). `);
}

function parseHeader(header: string | undefined): Omit<Authorization, "timestamp" | "token"> {
  if (header === undefined) throw authenticationError("missing", "sts");
  const [, algorithm = "", rest = ""] = /^(\S*)\s*(.*)$/s.exec(header) ?? [];
  checkAlgorithm(algorithm);
  const names = ["Credential", "Signature", "SignedHeaders"];
  const pairs = rest.split(",").map((part) => splitOnce(part.trim(), "="));
  const valuesOf = (name: string): string[] => pairs.flatMap(([key, value]) => (key === name && value ? [value] : []));
  const wrong = names.filter((name) => valuesOf(name).length !== 1);
  if (wrong.length > 0) {
    const detail = wrong.map((name) => `Authorization header requires '${name}' parameter. `).join("");
    throw authenticationError("incomplete", "sts", detail);
  }
  const [[credential = ""] = [], [signature = ""] = [], [signedHeaders = ""] = []] = names.map(valuesOf);
  return { ...parseParts(credential, signedHeaders), signature };
}

function parseParts(credential: string, signedHeaders: string): SignedParts & { readonly accessKeyId: string } {
  const scope = credential.split("/");
  const [accessKeyId = "", date = "", region = "", service = "", terminator = ""] = scope;
  if (scope.length !== 5) {
    const detail = "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term";
    throw authenticationError("incomplete", "sts", detail);
  }
  return { accessKeyId, date, region, service, terminator, signedHeaders: signedHeaders.toLowerCase().split(";") };
}

/**
 * Checks that the request was recently signed with a known key, and is unchanged.
 *
 * @param find returns the key for an access key ID, if it exists
 * @returns that key
 * @throws AwsError with the message of the service
 */
export function authenticate<Key extends SigningKey>(
  request: HttpRequest,
  authorization: Authorization,
  service: Service,
  find: (accessKeyId: string) => Key | undefined,
  nowMs: number,
): Key {
  const key = find(authorization.accessKeyId);
  const { token } = authorization;
  // AWS returns the same error for a session without its token, an unknown key and an inactive key.
  if (!key?.active || (key.session !== undefined && token === undefined)) {
    throw authenticationError("unknownKey", service);
  }
  if (token !== undefined && !isSameText(token, key.session?.token ?? "")) {
    throw authenticationError("wrongToken", service);
  }
  checkTime(authorization, service, nowMs);
  checkSignedHeaders(request, authorization, service);
  const expected = computeSignature(request, authorization, service, authorization.timestamp, key.secretAccessKey);
  if (!isSameText(authorization.signature, expected)) throw authenticationError("signature", service);
  if (key.session !== undefined && nowMs >= key.session.expiresMs) throw authenticationError("expiredToken", service);
  return key;
}

/** Returns the expected signature in lower-case hexadecimal; `timestamp` is in the format of `X-Amz-Date`. */
export function computeSignature(
  request: HttpRequest,
  scope: SignedParts,
  service: Service,
  timestamp: string,
  secretAccessKey: string,
): string {
  const [path, query] = splitOnce(request.target, "?");
  const canonicalRequest = [
    request.method,
    service === "s3" ? encodePath(decode(path)) : encodePath(normalizePath(path)),
    buildCanonicalQuery(query),
    ...scope.signedHeaders.map((name) => `${name}:${readHeader(request, name) ?? ""}`),
    "",
    scope.signedHeaders.join(";"),
    scope.expires === undefined || service !== "s3" ? readPayloadHash(request, service) : unsignedPayload,
  ].join("\n");
  const names = [scope.date, scope.region, scope.service, scope.terminator];
  const stringToSign = ["AWS4-HMAC-SHA256", timestamp, names.join("/"), sha256(canonicalRequest)].join("\n");
  const signingKey = names.reduce<string | Buffer>((key, name) => hmac(key, name), `AWS4${secretAccessKey}`);
  return hmac(signingKey, stringToSign).toString("hex");
}

/** Formats a time (ms since 1970) for signatures and their errors: `20260131T090000Z`. */
export function formatTimestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d+/g, "");
}

function checkTime(authorization: Authorization, service: Service, nowMs: number): void {
  const { date, terminator, timestamp, expires } = authorization;
  const ms = Date.parse(timestamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  if (Number.isNaN(ms) || formatTimestamp(ms) !== timestamp) {
    throw authenticationError(
      "incomplete",
      service,
      "Date must be in ISO-8601 'basic format', in an 'X-Amz-Date' header.",
    );
  }
  if (terminator !== "aws4_request") {
    const detail = `Credential should be scoped with a valid terminator: 'aws4_request', not '${terminator}'.`;
    throw authenticationError("scope", service, detail);
  }
  const day = timestamp.slice(0, 8);
  if (date !== day) {
    const problem = "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP";
    throw authenticationError("scope", service, `${problem}: '${date}' != '${day}', from '${timestamp}'.`);
  }
  const minutes = getClockWindow(service);
  const isOfS3 = service === "s3" && expires !== undefined;
  const [earliest, latest, now] = [
    nowMs - (isOfS3 ? readExpires(expires) : minutes * 60_000),
    nowMs + minutes * 60_000,
    nowMs,
  ].map(formatTimestamp) as [string, string, string];
  if (isOfS3 && timestamp < earliest) throw new AwsError("AccessDenied", 403, "Request has expired");
  if (timestamp < earliest) {
    const detail = `Signature expired: ${timestamp} is now earlier than ${earliest} (${now} - ${minutes} min.)`;
    throw authenticationError("clock", service, detail);
  }
  if (timestamp > latest) {
    const detail = `Signature not yet current: ${timestamp} is still later than ${latest} (${now} + ${minutes} min.)`;
    throw authenticationError("clock", service, detail);
  }
}

/**
 * Reads X-Amz-Expires, in ms. STS does not look at it (inferred: the tokens of Amazon EKS have 60 seconds and are valid for
 * longer). https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 */
function readExpires(text: string): number {
  const seconds = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (seconds >= 1 && seconds <= 604_800) return seconds * 1000;
  const message = "X-Amz-Expires must be a number of seconds, and at most a week (604800 seconds)";
  throw new AwsError("AuthorizationQueryParametersError", 400, message);
}

/** Unsigned headers can be changed in transit, so `host` and AWS's own headers must be signed. */
function checkSignedHeaders(request: HttpRequest, { signedHeaders }: Authorization, service: Service): void {
  const needed = ["host", ...Object.keys(request.headers).filter((name) => name.startsWith("x-amz-"))];
  const unsigned = needed.find((name) => !signedHeaders.includes(name));
  if (unsigned !== undefined) {
    const name = unsigned === "host" ? "'Host' or ':authority'" : `'${unsigned}'`;
    throw authenticationError("unsignedHeader", service, `${name} must be a 'SignedHeader' in the AWS Authorization.`);
  }
}

/**
 * Returns the body's SHA-256, always computed here. S3 clients also send it, and may leave the body unsigned:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
function readPayloadHash(request: HttpRequest, service: Service): string {
  const hash = sha256(request.body);
  if (service !== "s3") return hash;
  const given = readHeader(request, "x-amz-content-sha256");
  if (given === unsignedPayload) return given;
  if (given === undefined) {
    throw new AwsError("InvalidRequest", 400, "Missing required header for this request: x-amz-content-sha256");
  }
  if (given.startsWith("STREAMING-")) throw notModeled("uploads signed in chunks");
  if (given !== hash) {
    const message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
    throw new AwsError("XAmzContentSHA256Mismatch", 400, message);
  }
  return hash;
}

const unsignedPayload = "UNSIGNED-PAYLOAD";

/** Without the signature itself. Sorts by name, then by value: NUL sorts before any character, so "a=1" comes before "a-b=1". */
function buildCanonicalQuery(query: string): string {
  const pairs = query.split("&").filter((pair) => pair !== "" && !pair.startsWith("X-Amz-Signature="));
  const encoded = pairs.map((pair) => splitOnce(pair, "=").map(reencode).join("\0"));
  return encoded.sort().join("&").replaceAll("\0", "=");
}

/** Returns a header's value for signing: trimmed, inner spaces collapsed, several values joined by commas. */
function readHeader(request: HttpRequest, name: string): string | undefined {
  return request.headers[name]?.map((value) => value.trim().replace(/ +/g, " ")).join(",");
}

function normalizePath(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") segments.pop();
    else if (segment !== "" && segment !== ".") segments.push(segment);
  }
  return `/${segments.join("/")}${segments.length > 0 && path.endsWith("/") ? "/" : ""}`;
}

function encodePath(path: string): string {
  return path.split("/").map(encode).join("/");
}

function reencode(text: string): string {
  return encode(decode(text.replaceAll("+", " ")));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AwsError("MalformedQueryString", 400, "The request URI is not validly percent-encoded");
  }
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}

function isSameText(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(sha256(a)), Buffer.from(sha256(b)));
}

function sha256(data: string | Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}

function hmac(key: string | Buffer, data: string): Buffer {
  return createHmac("sha256", key).update(data).digest();
}
