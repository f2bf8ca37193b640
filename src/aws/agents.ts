// Connections to AWS, direct or through a proxy. What a library for proxies does not tell is told here: whether a
// failed request can have left this computer, because a token code in it would be spent.
import { type ClientRequest, request as httpRequest } from "node:http";
import { Agent, request as httpsRequest, type RequestOptions } from "node:https";
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { ProxyRefusal } from "./failures.ts";

/** Errors of connections over which nothing was sent. */
const early = new WeakSet();

function markUnsent(error: Error): Error {
  early.add(error);
  return error;
}

/** Errors of connections to a proxy itself, not to what is behind it. */
const atProxy = new WeakSet();

/** Whether it was the proxy itself with which no TLS connection could be made. */
export function isOfProxy(error: unknown): boolean {
  return error instanceof Error && atProxy.has(error);
}

/** Whether a request failed before anything of it was sent. When in doubt: false. */
export function isUnsent(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (early.has(error)) return true;
  if (error instanceof AggregateError) return error.errors.every(isUnsent);
  const { syscall } = error as NodeJS.ErrnoException;
  return syscall === "connect" || syscall === "getaddrinfo" || /did not establish a connection/.test(error.message);
}

export interface Trust {
  /** Certificates instead of the built-in ones. */
  readonly ca?: string;
  /** Whom the certificate has to be for, where that is not the host of the request. */
  readonly servername?: string;
}

/** The name that the certificate of a server has to be for; "" for an address, which Node.js then compares itself. */
export function serverNameOf(url: URL): string {
  const { hostname } = getAddress(url);
  return isIP(hostname) === 0 ? hostname : "";
}

type Options = RequestOptions & { readonly socket?: Duplex };
type Done = (error: Error | null, stream: Duplex) => void;

/** Connects with TLS, whatever `NODE_TLS_REJECT_UNAUTHORIZED` says. */
export class SecureAgent extends Agent {
  constructor(trust: Trust) {
    super({ keepAlive: true, rejectUnauthorized: true, ...trust });
  }

  override createConnection(options: Options, done?: Done): Duplex | null | undefined {
    const socket = super.createConnection(options, done);
    if (socket instanceof TLSSocket) {
      // Only a server whose certificate is trusted is sent anything.
      socket.prependOnceListener("error", (error: Error) => {
        if (!socket.authorized) markUnsent(error);
      });
    }
    return socket;
  }
}

/** Connects through a tunnel of a proxy: https://www.rfc-editor.org/rfc/rfc9110#name-connect */
export class TunnelAgent extends SecureAgent {
  readonly #proxy: URL;
  readonly #trust: Trust;
  readonly #asking = new Set<ClientRequest>();

  constructor(proxy: URL, trust: Trust) {
    super(trust);
    this.#proxy = proxy;
    this.#trust = trust;
  }

  override createConnection(options: Options, done: (error: Error | null, stream?: Duplex | null) => void): undefined {
    const { host, port } = options;
    const target = `${host?.includes(":") ? `[${host}]` : host}:${port}`;
    const request = this.#proxy.protocol === "https:" ? httpsRequest : httpRequest;
    const asking = request({
      ...getAddress(this.#proxy),
      ...this.#trust,
      rejectUnauthorized: true,
      // Else Node.js takes it from the Host header, which names AWS.
      servername: serverNameOf(this.#proxy),
      method: "CONNECT",
      path: target,
      headers: { host: target, ...buildProxyAuthorization(this.#proxy) },
      agent: false,
    });
    this.#asking.add(asking);
    asking
      .once("connect", ({ statusCode = 0 }, socket, head) => {
        if (statusCode < 200 || statusCode > 299) {
          socket.destroy();
          done(markUnsent(new ProxyRefusal(statusCode)));
          return;
        }
        socket.unshift(head);
        done(null, super.createConnection({ ...options, socket }));
      })
      .once("error", (error) => {
        if (asking.socket instanceof TLSSocket && !asking.socket.authorized) atProxy.add(error);
        done(markUnsent(error));
      })
      .once("close", () => this.#asking.delete(asking))
      .end();
    return undefined;
  }

  override destroy(): void {
    for (const asking of this.#asking) asking.destroy();
    super.destroy();
  }
}

/** What a request for plain http needs to go through a proxy: https://www.rfc-editor.org/rfc/rfc9112#name-absolute-form */
export function routeThroughProxy<T extends { path: string; headers: Record<string, string> }>(
  request: T,
  target: URL,
  proxy: URL,
): T {
  const { hostname, port } = getAddress(proxy);
  const headers = { ...request.headers, ...buildProxyAuthorization(proxy) };
  return { ...request, protocol: proxy.protocol, hostname, port, path: `${target.origin}${request.path}`, headers };
}

function getAddress(url: URL): { hostname: string; port: number } {
  const port = Number(url.port || (url.protocol === "https:" ? 443 : 80));
  return { hostname: url.hostname.replace(/^\[|\]$/g, ""), port };
}

function buildProxyAuthorization({ username, password }: URL): Record<string, string> {
  if (!username && !password) return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(credentials).toString("base64")}` };
}
