// What stands between fob and AWS in these tests, all of it on loopback: a front of the local AWS (with TLS, or with a
// script of its own for what AWS rarely does), and a proxy.

import {
  createServer as createHttpServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { createServer as createHttpsServer } from "node:https";
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { onTestFinished } from "vitest";
import type { Certificate } from "./certificates.ts";

/** A request as the front has read it. */
export interface Exchange {
  readonly action: string;
  /** The token code in it, "" without one. */
  readonly code: string;
  /** The user that it is about, "" where it names none. */
  readonly userName: string;
  readonly host: string;
  /** How many requests for this action there were before. */
  readonly before: number;
}

/** What the front does with a request that it has read to the end. */
export type Reply =
  | "forward"
  /** Ends the connection without a word. */
  | "hang up"
  /** Never answers. */
  | "silence"
  /** Ends the connection in the middle of the answer. */
  | "half an answer"
  /** Begins an answer, and never goes on. */
  | "a stall"
  /** Answers without an end. */
  | "an endless answer"
  | { readonly status: number; readonly body?: string; readonly headers?: Record<string, string> };

/** An error as STS words it. */
export function refusal(status: number, code: string, message: string): Reply {
  const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>`;
  const namespace = "https://sts.amazonaws.com/doc/2011-06-15/";
  const body = `<ErrorResponse xmlns="${namespace}">${error}<RequestId>1</RequestId></ErrorResponse>`;
  return { status, body, headers: { "content-type": "text/xml", "x-amzn-requestid": "1" } };
}

export interface Front {
  readonly url: string;
  readonly port: number;
  readonly exchanges: readonly Exchange[];
  /** The token codes that arrived, in order. */
  codes(): string[];
  /** TCP connections so far. */
  connections(): number;
  /** Resolves when a request for this action has arrived. */
  has(action: string): Promise<void>;
  /** Resolves when every request has been answered, and there was one. */
  quiet(): Promise<void>;
  /** Ends all connections, as servers and firewalls do after a while, and waits until the client has done so too. */
  endConnections(): Promise<void>;
}

export interface FrontOptions {
  /** The AWS behind it. */
  readonly to?: string;
  /** Speaks TLS with it. */
  readonly certificate?: Certificate;
  readonly reply?: (exchange: Exchange) => Reply;
  /** Lets one request through each connection. */
  readonly onceEach?: boolean;
  /** Whether a connection is let in, before a byte of it is read; "reset" ends it with a RST, "cut" with a FIN. */
  readonly admit?: (before: number) => "in" | "cut" | "reset";
}

export async function startFront(options: FrontOptions): Promise<Front> {
  const { to, certificate, reply = () => "forward", admit = () => "in", onceEach = false } = options;
  const exchanges: Exchange[] = [];
  let answered = 0;
  const waiting: (() => void)[] = [];
  const wakeAll = (): void => {
    for (const wake of waiting.splice(0)) wake();
  };
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await new Promise<void>((wake) => waiting.push(wake));
  };
  const handler = (request: IncomingMessage, response: ServerResponse): void => {
    response.on("close", () => {
      answered += 1;
      wakeAll();
    });
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      const { search } = new URL(request.url ?? "", "http://front");
      const parameters = new URLSearchParams([...new URLSearchParams(search), ...new URLSearchParams(body.toString())]);
      const action = parameters.get("Action") ?? "";
      const before = exchanges.filter((earlier) => earlier.action === action).length;
      const exchange = {
        action,
        code: parameters.get("TokenCode") ?? "",
        userName: parameters.get("UserName") ?? "",
        host: request.headers.host ?? "",
        before,
      };
      exchanges.push(exchange);
      wakeAll();
      const does = reply(exchange);
      if (onceEach) response.setHeader("connection", "close");
      if (does === "hang up") return void request.socket.destroy();
      if (does === "silence") return;
      if (does === "half an answer") {
        response.writeHead(200, { "content-length": 1000 });
        response.write("<GetSessionTokenResponse>", () => request.socket.destroy());
        return;
      }
      if (does === "a stall") return void response.writeHead(200, { "content-length": 1000 }).write("<a>");
      if (does === "an endless answer") {
        const more = (): void => {
          while (!response.destroyed && response.write("<a>".repeat(10_000)));
        };
        return void response.writeHead(200).on("drain", more).write("<a>", more);
      }
      if (does !== "forward") return void response.writeHead(does.status, does.headers).end(does.body ?? "");
      if (to === undefined) throw new Error("there is no AWS behind this front");
      const { method, url: path, headers } = request;
      httpRequest(to, { method, path, headers, agent: false }, (answer) => {
        // Those are for this connection alone.
        for (const name of ["connection", "keep-alive"]) Reflect.deleteProperty(answer.headers, name);
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      }).end(body);
    });
  };
  const server = certificate ? createHttpsServer(certificate, handler) : createHttpServer(handler);
  let connections = 0;
  const sockets = new Set<Socket>();
  // Fob's half of a handshake that it gives up.
  server.on("tlsClientError", () => undefined);
  const door = createTcpServer((socket) => {
    socket.on("error", () => undefined);
    const entry = admit(connections);
    connections += 1;
    if (entry === "cut") socket.end().destroySoon();
    else if (entry === "reset") socket.resetAndDestroy();
    else {
      sockets.add(socket.once("close", () => sockets.delete(socket)));
      server.emit("connection", socket);
    }
  });
  const port = await listen(door);
  onTestFinished(() => server.closeAllConnections());
  return {
    url: `${certificate ? "https" : "http"}://127.0.0.1:${port}`,
    port,
    exchanges,
    codes: () => exchanges.flatMap(({ code }) => code || []),
    connections: () => connections,
    has: (action) => until(() => exchanges.some((exchange) => exchange.action === action)),
    quiet: () => until(() => answered > 0 && answered === exchanges.length),
    async endConnections() {
      await Promise.all([...sockets].map((socket) => new Promise((done) => socket.end().once("close", done))));
    },
  };
}

export interface Proxy {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly url: string;
  /** The first lines of what it was asked, without the version: `CONNECT sts.eu-central-1.amazonaws.com:443`. */
  readonly asked: readonly string[];
  /** Resolves when it has been asked for the first time. */
  readonly isAsked: Promise<void>;
  /** The `Proxy-Authorization` that came with each, decoded; "" for none. */
  readonly presented: readonly string[];
}

export interface ProxyOptions {
  /** Where all tunnels lead, whatever host they are for; without it no tunnel is made. */
  readonly to?: number;
  /** What it answers instead. */
  readonly refuses?: number | "cut" | "reset" | "silence";
}

/** A proxy that tunnels (CONNECT), and passes plain requests (with a whole URL) on. */
export async function startProxy({ to, refuses }: ProxyOptions): Promise<Proxy> {
  const asked: string[] = [];
  const presented: string[] = [];
  let wake: () => void;
  const isAsked = new Promise<void>((done) => {
    wake = done;
  });
  const note = (request: IncomingMessage): void => {
    asked.push(`${request.method ?? ""} ${request.url ?? ""}`);
    const [, credentials = ""] = (request.headers["proxy-authorization"] ?? "").split(" ");
    presented.push(Buffer.from(credentials, "base64").toString());
    wake();
  };
  const server = createHttpServer((request, response) => {
    note(request);
    if (typeof refuses === "number") return void response.writeHead(refuses).end("<html>refused</html>");
    if (refuses !== undefined) return void request.socket.destroy();
    const { method, headers } = request;
    const onward = httpRequest(request.url ?? "", { method, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  });
  server.on("connect", (request: IncomingMessage, socket: Socket, head: Buffer) => {
    note(request);
    socket.on("error", () => undefined);
    if (refuses === "silence") return;
    if (refuses === "cut") socket.destroySoon();
    else if (refuses === "reset") socket.resetAndDestroy();
    else if (refuses !== undefined || to === undefined) {
      socket.end(`HTTP/1.1 ${refuses ?? 403} No\r\ncontent-length: 7\r\n\r\n<html/>`);
    } else tunnelTo(to, socket, head);
  });
  const tunnelTo = (port: number, socket: Socket, head: Buffer): void => {
    const tunnel = connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      tunnel.write(head);
      socket.pipe(tunnel).pipe(socket);
    });
    tunnel.on("error", () => socket.destroy());
    socket.on("close", () => tunnel.destroy());
  };
  const port = await listen(server);
  return { host: `127.0.0.1:${port}`, url: `http://127.0.0.1:${port}`, asked, isAsked, presented };
}

/** A TLS port that passes everything on to a proxy; its URL. */
export async function startTls(certificate: Certificate, { host }: Proxy): Promise<string> {
  const server = createTlsServer(certificate, (socket) => {
    const onward = connect(Number(host.split(":")[1]), "127.0.0.1");
    socket.pipe(onward).pipe(socket);
    socket.on("error", () => onward.destroy());
    onward.on("error", () => socket.destroy());
  });
  return `https://localhost:${await listen(server)}`;
}

/** Listens on a free port until the test ends. */
function listen(server: TcpServer): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return new Promise((done) => {
    server.listen(0, "127.0.0.1", () => done((server.address() as AddressInfo).port));
  });
}

/** A port on which no server listens. */
export async function freePort(): Promise<number> {
  const server = createTcpServer();
  const port = await new Promise<number>((done) => {
    server.listen(0, "127.0.0.1", () => done((server.address() as AddressInfo).port));
  });
  await new Promise((done) => server.close(done));
  return port;
}
