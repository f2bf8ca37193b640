// Reads a request: its body up to AWS's size, and its form. What programs could read in two ways is refused.
import type { IncomingMessage } from "node:http";
import { malformedHttp, tooLarge } from "./connections.ts";
import { AwsError, notModeled } from "./errors.ts";
import type { HttpRequest } from "./sigv4.ts";

/** Policies make requests long: AWS's simulator accepts 131,072 characters, each of which may take three bytes here. */
const mostBytes = 1024 * 1024;

/** Headers of which a second one would say something else. */
const single = [
  "authorization",
  "content-type",
  "expect",
  "host",
  "x-amz-date",
  "x-amz-security-token",
  "x-amz-target",
];

/** Reads a request to its end. Throws AwsError, perhaps before that. */
export async function readRequest(request: IncomingMessage): Promise<HttpRequest> {
  const { method = "", url: target = "", headersDistinct: headers } = request;
  checkHeaders(headers, request.httpVersionMajor);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > mostBytes) break;
      chunks.push(chunk);
    }
  } catch {
    throw new AwsError("RequestAbortedException", 400, "The request was aborted before a reply was sent");
  }
  if (size > mostBytes) throw tooLarge("body");
  return { method, target, headers, body: Buffer.concat(chunks) };
}

function checkHeaders(headers: NodeJS.Dict<string[]>, httpVersion: number): void {
  const repeated = single.find((name) => (headers[name]?.length ?? 0) > 1);
  if (repeated !== undefined) throw malformedHttp(`the header ${repeated} is repeated`);
  if (httpVersion >= 1 && headers.host === undefined) throw malformedHttp("the header host is missing");
  const [expectation] = headers.expect ?? [];
  if (expectation !== undefined && expectation.toLowerCase() !== "100-continue")
    throw malformedHttp("unknown expectation");
  for (const [name, usual] of [
    ["transfer-encoding", "chunked"],
    ["content-encoding", "identity"],
  ] as const) {
    const other = headers[name]?.find((value) => value.toLowerCase() !== usual);
    if (other !== undefined) throw notModeled(`the ${name} '${other}'`);
  }
  if (Number(headers["content-length"]?.[0] ?? 0) > mostBytes) throw tooLarge("body");
}

/** Reads the query of a request. Throws MalformedQueryString. */
export function readQuery({ target }: HttpRequest): ReadonlyMap<string, string> {
  if (!target.startsWith("/")) throw malformedQuery("the request target is not a path");
  const at = target.indexOf("?");
  return toMap(at < 0 ? [] : readForm(target.slice(at + 1)));
}

/** Reads the parameters of the query and of the form in the body. Throws MalformedQueryString. */
export function readParameters(
  { method, body }: HttpRequest,
  query: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  if (method !== "POST" && method !== "GET") throw notModeled("this HTTP method here");
  return toMap([...query, ...readForm(readText(body))]);
}

/** AWS does not document which of two values counts. */
function toMap(pairs: readonly (readonly [string, string])[]): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (const [name, value] of pairs) {
    if (map.has(name)) throw malformedQuery(`the parameter ${name} is repeated`);
    map.set(name, value);
  }
  return map;
}

/** Returns the pairs of an URL-encoded form. */
function readForm(text: string): [string, string][] {
  return text
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const at = pair.indexOf("=");
      const [name, value] = at < 0 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
      return [decode(name), decode(value)];
    });
}

function readText(body: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw malformedQuery("the body is not in UTF-8");
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw malformedQuery("it is not validly percent-encoded");
  }
}

/** The code is as AWS's pages of common errors had it; the messages are inferred. */
const malformedQuery = (reason: string): AwsError =>
  new AwsError("MalformedQueryString", 400, `The query string contains a syntax error: ${reason}`);
