// An address on this computer that leads a browser to a link once. The link itself would be seen in the list of processes,
// and a program that opens browsers may write down what it is given.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { formatDuration } from "../duration.ts";
import { CancelledError, FobError } from "../errors.ts";

/** How long it waits for the browser, in seconds. */
const PATIENCE = 60;

/**
 * Gives `open` an address, and leads the first who asks for it to the link.
 *
 * @throws FobError when nobody asks in time
 */
export async function redirectOnce(
  link: URL,
  open: (address: string) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const path = `/${randomBytes(16).toString("hex")}`;
  let host = "";
  let arrived: () => void;
  const arrival = new Promise<void>((done) => {
    arrived = done;
  });
  const server = createServer((request, response) => {
    // Pages of the web can make a browser ask this computer too, but not with this host and path.
    const isFirst = request.method === "GET" && request.url === path && request.headers.host === host;
    response.setHeader("Cache-Control", "no-store");
    response.setHeader("Referrer-Policy", "no-referrer");
    response.setHeader("Connection", "close");
    if (!isFirst) {
      response.writeHead(404).end();
      return;
    }
    server.close();
    response.writeHead(303, { Location: link.href }).end(arrived);
  });
  const ending = new AbortController();
  try {
    await new Promise<void>((done, fail) => {
      server.once("error", fail);
      server.listen(0, "127.0.0.1", done);
    });
    host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    // A browser may stay for as long as it is used.
    const opened = open(`http://${host}${path}`).then(() => arrival);
    await Promise.race([arrival, opened, createTimeoutError(signal, ending.signal)]);
  } finally {
    ending.abort();
    server.close();
    server.closeAllConnections();
  }
}

function createTimeoutError(signal: AbortSignal, ending: AbortSignal): Promise<never> {
  return new Promise((_, fail) => {
    const timer = setTimeout(() => {
      fail(new FobError(`no browser came within ${formatDuration(PATIENCE)}`));
    }, PATIENCE * 1000);
    const cancel = (): void => fail(new CancelledError());
    signal.addEventListener("abort", cancel);
    ending.addEventListener("abort", () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", cancel);
    });
  });
}
