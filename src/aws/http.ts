// How requests to AWS are sent, and their answers read: through a proxy or not, and never for longer or more than AWS needs.
// Heavy: loaded with the modules of the services.
import { Agent as HttpAgent, validateHeaderValue } from "node:http";
import type { Readable } from "node:stream";
import { HttpResponse } from "@smithy/core/protocols";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { isOfProxy, isUnsent, routeThroughProxy, SecureAgent, serverNameOf, TunnelAgent } from "./agents.ts";
import type { CallKind, Connection } from "./connection.ts";
import { AnswerTooLong, CutAnswer, ProxyRefusal, TransportError } from "./failures.ts";
import { readBundle } from "./network.ts";

const CONNECT_TIMEOUT = 10_000;
/** Until an answer begins, in milliseconds. */
const ANSWER_TIMEOUT = 20_000;
/** Bytes: no answer about one user is near that. */
const MOST_OF_AN_ANSWER = 1024 * 1024;
/** The same about an account: the credential report has about 250 for each of 5,000 users and more. */
const MOST_OF_A_BULK_ANSWER = 16 * MOST_OF_AN_ANSWER;

type Handle = NodeHttpHandler["handle"];

/** The request handler of a connection, which all its clients of a limit share, so that they share sockets. */
export function requestHandler(aws: Connection, kind: CallKind) {
  const limit = kind === "bulk read" ? MOST_OF_A_BULK_ANSWER : MOST_OF_AN_ANSWER;
  return aws.shared(`http ${limit}`, () => makeHandler(aws, limit));
}

/** Whether a proxy is in the way is decided for each request: it depends on the host, which only the SDK knows. */
function makeHandler({ access: { network }, debug }: Connection, limit: number) {
  const handlers = new Map<string, NodeHttpHandler>();
  let trust: { ca?: string } | undefined;
  const readTrust = (): { ca?: string } => {
    trust ??= network.bundle ? { ca: readBundle(network.bundle) } : {};
    return trust;
  };
  const handlerFor = (target: URL, proxy: URL | undefined): NodeHttpHandler => {
    const way = `${target.protocol} ${proxy?.href ?? ""}`;
    let handler = handlers.get(way);
    if (!handler) {
      if (proxy) debug(`${target.host} through the proxy ${proxy.host}`);
      handler = new NodeHttpHandler({
        ...agentFor(target, proxy, readTrust()),
        connectionTimeout: CONNECT_TIMEOUT,
        requestTimeout: ANSWER_TIMEOUT,
        throwOnRequestTimeout: true,
      });
      handlers.set(way, handler);
    }
    return handler;
  };
  return {
    metadata: { handlerProtocol: "http/1.1" },
    async handle(...[request, options]: Parameters<Handle>): ReturnType<Handle> {
      const port = request.port === undefined ? "" : `:${request.port}`;
      const target = new URL(`${request.protocol}//${request.hostname}${port}`);
      const proxy = network.findProxy(target);
      const handler = handlerFor(target, proxy);
      const isPassedOn = proxy !== undefined && target.protocol === "http:";
      const sent = isPassedOn ? routeThroughProxy(request, target, proxy) : request;
      try {
        // The handler would fail for these too, but leave timers that keep the process alive for half a minute.
        for (const [name, value] of Object.entries(sent.headers)) validateHeaderValue(name, value);
        const { response } = await handler.handle(sent, options);
        // In this form the proxy's own answers look like the other side's.
        if (isPassedOn && response.statusCode === 407) throw new ProxyRefusal(response.statusCode);
        const { statusCode, headers } = response;
        return {
          response: new HttpResponse({
            statusCode,
            headers,
            body: await readBody(response.body as Readable, limit),
          }),
        };
      } catch (error) {
        const isFromProxy = isOfProxy(error) || (isPassedOn && proxy.protocol === "https:");
        throw new TransportError(error, {
          ...{ host: target.host, proxy: proxy?.host, isFromProxy },
          isUnsent: error instanceof ProxyRefusal || isUnsent(error),
        });
      }
    },
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
    destroy() {
      for (const handler of handlers.values()) handler.destroy();
    },
  };
}

async function readBody(body: Readable, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      // Leaving the loop destroys the stream, and with it the connection.
      if (size > limit) throw new AnswerTooLong(limit);
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof AnswerTooLong ? error : new CutAnswer(error);
  }
  return Buffer.concat(chunks);
}

function agentFor(target: URL, proxy: URL | undefined, trust: { ca?: string }) {
  const isSecure = target.protocol === "https:";
  if (isSecure && proxy) return { httpsAgent: new TunnelAgent(proxy, trust) };
  if (isSecure) return { httpsAgent: new SecureAgent(trust) };
  // A plain request through a proxy connects only to that, whatever its Host header says.
  if (proxy?.protocol === "https:") {
    return { httpsAgent: new SecureAgent({ ...trust, servername: serverNameOf(proxy) }) };
  }
  return { httpAgent: new HttpAgent({ keepAlive: true }) };
}
