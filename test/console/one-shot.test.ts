// The address that leads a browser to the console link, and what asks there.
import { get } from "node:http";
import { expect, test, vi } from "vitest";
import { redirectOnce } from "../../src/console/one-shot.ts";
import type { Peer } from "../../src/console/peer.ts";

/** Asks as a browser does. @returns the status */
const ask = (address: string): Promise<number | undefined> =>
  new Promise((done, fail) => {
    get(address, { agent: false }, (response) => done(response.resume().statusCode)).on("error", fail);
  });

interface Visit {
  /** Whose program each of those is that ask, one after the other. */
  readonly peers: readonly Peer[];
  readonly afterwards?: () => void;
}

/** What those that ask get, what the user reads, and how it ends. */
async function visit({ peers, afterwards }: Visit) {
  const [statuses, warnings]: [unknown[], string[]] = [[], []];
  const left = [...peers];
  const end = redirectOnce({
    link: new URL("https://signin.example/"),
    async open(address) {
      while (left.length > 0) statuses.push(await ask(address));
      afterwards?.();
    },
    identify: () => Promise.resolve(left.shift() ?? "unknown"),
    warn: (message) => warnings.push(message),
    signal: new AbortController().signal,
  });
  const outcome = await end.then(
    () => "done",
    (error: unknown) => (error as Error).message,
  );
  return { statuses, warnings, outcome };
}

// Another user's program that asks and is gone at once can no longer be told from others.
test("whose program cannot be told gets nothing, you are warned, and the browser is waited for", async () => {
  expect(await visit({ peers: ["unknown", "own"] })).toEqual({
    statuses: [403, 303],
    warnings: ["an unknown program requested your console link; fob refused"],
    outcome: "done",
  });
});

test("when no other comes in time, that is the reason", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const afterwards = (): void => void vi.advanceTimersByTime(60_000);
  const seen = [await visit({ peers: ["unknown"], afterwards }), await visit({ peers: ["other"], afterwards })];
  vi.useRealTimers();
  expect(seen.map(({ outcome }) => outcome)).toEqual([
    "an unknown program requested the console link; fob refused",
    "no browser opened the link within 1 min",
  ]);
});
