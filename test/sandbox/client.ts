// A client of AWS for invalid requests: it signs a request, lets the test change it, and sends it.

import { request as httpRequest } from "node:http";
import { connect, type Socket } from "node:net";
import type { Service } from "../../src/sandbox/errors.ts";
import type { AccessKey } from "../../src/sandbox/server.ts";
import { computeSignature, formatTimestamp, type HttpRequest } from "../../src/sandbox/sigv4.ts";

export interface Key extends AccessKey {
  readonly sessionToken?: string;
}

export interface Draft {
  method: string;
  target: string;
  headers: Record<string, string>;
  body: string;
}

export interface Answer {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  body: string;
  /** The error's code and message from the XML. */
  code: string | undefined;
  message: string | undefined;
}

interface SignOptions {
  readonly service?: Service;
  readonly atMs: number;
  readonly region?: string;
  readonly unsigned?: readonly string[];
}

/** Signs the draft by adding headers. Later changes make the signature invalid. */
export function sign(draft: Draft, url: string, key: Key, options: SignOptions): Draft {
  const { service = "sts", region = "us-east-1", unsigned = [] } = options;
  const timestamp = formatTimestamp(options.atMs);
  draft.headers = { host: new URL(url).host, "x-amz-date": timestamp, ...draft.headers };
  if (key.sessionToken !== undefined) draft.headers["x-amz-security-token"] = key.sessionToken;
  const signedHeaders = Object.keys(draft.headers)
    .filter((name) => !unsigned.includes(name))
    .sort();
  const date = timestamp.slice(0, 8);
  const scope = { date, region, service, terminator: "aws4_request", signedHeaders };
  const value = computeSignature(wire(draft), scope, service, timestamp, key.secretAccessKey);
  const credential = `${key.accessKeyId}/${date}/${region}/${service}/aws4_request`;
  draft.headers.authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signedHeaders.join(";")}, Signature=${value}`;
  return draft;
}

/** Signs the draft in the query. Later changes make the signature invalid. */
export function presign(draft: Draft, url: string, key: Key, { atMs, service = "sts" }: SignOptions): Draft {
  const timestamp = formatTimestamp(atMs);
  const date = timestamp.slice(0, 8);
  const { host = new URL(url).host } = draft.headers;
  draft.headers = { host, ...draft.headers };
  const signedHeaders = Object.keys(draft.headers).sort();
  const parts = {
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": `${key.accessKeyId}/${date}/us-east-1/${service}/aws4_request`,
    "X-Amz-Date": timestamp,
    "X-Amz-Expires": "60",
    "X-Amz-SignedHeaders": signedHeaders.join(";"),
    ...(key.sessionToken === undefined ? {} : { "X-Amz-Security-Token": key.sessionToken }),
  };
  draft.target += `${draft.target.includes("?") ? "&" : "?"}${new URLSearchParams(parts).toString()}`;
  const scope = { date, region: "us-east-1", service, terminator: "aws4_request", signedHeaders, expires: "60" };
  const value = computeSignature(wire(draft), scope, service, timestamp, key.secretAccessKey);
  draft.target += `&X-Amz-Signature=${value}`;
  return draft;
}

export function send({ method, target, headers, body }: Draft, url: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { method, path: target, headers: { ...headers, "content-length": Buffer.byteLength(body) } };
    const request = httpRequest(url, { ...options, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        const [, code] = /<Code>(.*)<\/Code>/.exec(text) ?? [];
        const [, message] = /<Message>(.*)<\/Message>/s.exec(text) ?? [];
        const unescaped = message?.replace(/&#(\d+);/g, (_, number: string) => String.fromCharCode(Number(number)));
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text, code, message: unescaped });
      });
    });
    request.on("error", reject);
    request.end(body);
  });
}

export function post(parameters: Record<string, string>): Draft {
  const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
  return { method: "POST", target: "/", headers, body: new URLSearchParams(parameters).toString() };
}

function wire({ method, target, headers, body }: Draft): HttpRequest {
  const lists = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
  return { method, target, headers: lists, body: Buffer.from(body) };
}

/** The bytes of a request. */
export function format({ method, target, headers, body }: Draft): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${target} HTTP/1.1\r\n${lines.join("")}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** Opens a connection and sends the bytes; collects what comes back. */
export function connectTo(url: string, bytes: string | Buffer = "") {
  const { hostname, port } = new URL(url);
  const chunks: Buffer[] = [];
  const socket: Socket = connect(Number(port), hostname);
  if (bytes.length > 0) socket.write(bytes);
  socket.on("data", (chunk) => chunks.push(chunk)).on("error", () => undefined);
  const closed = new Promise<string>((resolve) => {
    socket.once("close", () => resolve(Buffer.concat(chunks).toString("latin1")));
  });
  return { socket, closed };
}

/** Sends the bytes and no more, and returns all that comes back. */
export function sendRaw(url: string, bytes: string | Buffer): Promise<string> {
  const { socket, closed } = connectTo(url, bytes);
  socket.end();
  return closed;
}
