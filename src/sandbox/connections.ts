// What the local AWS accepts as a connection: how long clients may take, how many there may be, and AWS's error for bytes
// that are not a request. Node.js's strict parser finds these, such as a body with two lengths.
import { randomUUID } from "node:crypto";
import { type IncomingMessage, type Server, type ServerOptions, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { AwsError, notModeled } from "./errors.ts";
import { sts } from "./sts.ts";
import { writeQueryError } from "./xml.ts";

/** AWS does not document its own. */
export interface ConnectionLimits {
  /** ms until all headers of a request are there. */
  readonly headersMs: number;
  /** ms until the whole request is there. */
  readonly requestMs: number;
  readonly connections: number;
}

export const usualLimits: ConnectionLimits = { headersMs: 10_000, requestMs: 30_000, connections: 500 };

export function toServerOptions({ headersMs, requestMs }: ConnectionLimits): ServerOptions {
  return {
    ...{ headersTimeout: headersMs, requestTimeout: requestMs, maxHeaderSize: 16_384 },
    connectionsCheckingInterval: Math.ceil(headersMs / 5),
    // Node.js would answer without an error of AWS.
    requireHostHeader: false,
  };
}

/** Answers what is not a request, and closes connections that take too long, or the oldest of too many. */
export function limitConnections(server: Server, { connections }: ConnectionLimits): void {
  /** Without a complete request, in the order of their latest answers. */
  const waiting = new Set<Socket>();
  let open = 0;
  server.on("connection", (socket: Socket) => {
    open++;
    waiting.add(socket);
    socket.once("close", () => {
      open--;
      waiting.delete(socket);
    });
    const [oldest = socket] = waiting;
    if (open > connections) refuse(oldest, timedOut());
  });
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    request.once("end", () => waiting.delete(socket));
    response.once("close", () => {
      if (!socket.destroyed) waiting.add(socket);
    });
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => refuse(socket, explain(error)));
  server.on("connect", (_, socket: Duplex) => refuse(socket, notModeled("the HTTP method CONNECT")));
}

/** The codes are those of https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html; the messages are inferred. */
export const malformedHttp = (reason: string): AwsError =>
  new AwsError("MalformedHttpRequestException", 400, `Problems with the request at the HTTP level: ${reason}`);

const timedOut = (): AwsError => new AwsError("RequestTimeoutException", 408, "Reading the request timed out.");

export const tooLarge = (what: string): AwsError =>
  new AwsError("RequestEntityTooLarge", 413, `The request ${what} is too large`);

function explain({ code, message }: NodeJS.ErrnoException): AwsError {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return timedOut();
  if (code === "HPE_HEADER_OVERFLOW") return tooLarge("header");
  return malformedHttp(message.replace(/^Parse Error:? ?/, "") || "it ends too early");
}

/** Sends an error outside of Node.js's responses, and closes the connection. */
function refuse(socket: Duplex, error: AwsError): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const requestId = randomUUID();
  const body = writeQueryError(error, sts.namespace, requestId);
  const lines = [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? ""}`,
    ...["content-type: text/xml", `content-length: ${Buffer.byteLength(body)}`, "connection: close"],
    `x-amzn-requestid: ${requestId}`,
  ];
  socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
}
