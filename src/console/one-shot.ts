// An address on this computer that leads a browser to a link once. The link itself would be seen in the list of processes,
// and a program that opens browsers may write down what it is given. The address is seen there too, so it is of use to the
// user's own programs only: docs/decisions/the-console-address.md
import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { formatDuration } from "../duration.ts";
import { CancelledError, FobError } from "../errors.ts";
import type { Peer } from "./peer.ts";

/** How long it waits for the browser, in seconds. */
const PATIENCE = 60;

/** How long it stays after the first visitor, in milliseconds: a visitor who was faster than the browser is noticed. */
const AFTERWARDS = 1000;

export interface OneShot {
  readonly link: URL;
  /** Has the address opened in the browser. */
  readonly open: (address: string) => Promise<void>;
  /** Who is at the other end of a connection. */
  readonly identify: (connection: { clientPort: number; serverPort: number }) => Promise<Peer>;
  /** Says that another visitor came. */
  readonly warn: (message: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Gives `open` an address, and leads the user's first program that asks for it to the link.
 *
 * @throws FobError when no browser asks in time, or it cannot be told whose it is
 */
export async function redirectOnce({ link, open, identify, warn, signal }: OneShot): Promise<void> {
  const path = `/${randomBytes(16).toString("hex")}`;
  let serverPort = 0;
  let isUsed = false;
  let isAnyUnknown = false;
  let arrive: () => void;
  const arrival = new Promise<void>((done) => {
    arrive = done;
  });
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // Pages of the web can make a browser ask this computer too, but not with this host and path.
    const isOurs = request.url === path && request.headers.host === `127.0.0.1:${serverPort}`;
    response.setHeader("Cache-Control", "no-store");
    response.setHeader("Referrer-Policy", "no-referrer");
    response.setHeader("Connection", "close");
    if (request.method !== "GET" || !isOurs) {
      response.writeHead(404).end();
      return;
    }
    const { remoteAddress, remotePort: clientPort = 0 } = request.socket;
    // From another address of this computer no browser comes, and the look-up is for this one.
    const peer = remoteAddress === "127.0.0.1" ? await identify({ clientPort, serverPort }) : "other";
    if (peer === "other") {
      warn("another user of this computer requested your console link; fob refused");
      response.writeHead(403).end();
    } else if (peer === "unknown") {
      // It may be another user's that was gone at once: your browser is still to come.
      isAnyUnknown = true;
      warn("an unknown program requested your console link; fob refused");
      response.writeHead(403).end("fob cannot tell which user is asking. If this is your browser, reload the page.\n");
    } else if (isUsed) {
      warn(
        "the console link was requested twice; if your browser does not show the console, another program has the link: revoke the role's sessions",
      );
      response.writeHead(410).end("This link was already used.\n");
    } else {
      isUsed = true;
      response.writeHead(303, { Location: link.href }).end(() => arrive());
    }
  };
  const server = createServer((request, response) => void answer(request, response));
  const ending = new AbortController();
  try {
    await new Promise<void>((done, fail) => {
      server.once("error", fail);
      server.listen(0, "127.0.0.1", done);
    });
    serverPort = (server.address() as AddressInfo).port;
    // A browser may stay for as long as it is used.
    const opened = open(`http://127.0.0.1:${serverPort}${path}`).then(() => arrival);
    await Promise.race([arrival, opened, failAtEnd(signal, ending.signal, () => isAnyUnknown)]);
    await sleep(AFTERWARDS, undefined, { signal }).catch(() => undefined);
  } finally {
    ending.abort();
    server.close();
    server.closeAllConnections();
  }
}

/** Fails when the patience is over, or the user cancels. */
function failAtEnd(signal: AbortSignal, ending: AbortSignal, isAnyUnknown: () => boolean): Promise<never> {
  return new Promise((_, fail) => {
    const timer = setTimeout(() => {
      const reason = isAnyUnknown()
        ? "an unknown program requested the console link; fob refused"
        : `no browser opened the link within ${formatDuration(PATIENCE)}`;
      fail(new FobError(reason));
    }, PATIENCE * 1000);
    const cancel = (): void => fail(new CancelledError());
    signal.addEventListener("abort", cancel);
    ending.addEventListener("abort", () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", cancel);
    });
  });
}
