// What the next program that asks is told after one that has failed.
import { expect, test, vi } from "vitest";
import { limitAsking } from "../../src/credential-process/serve.ts";
import { CancelledError, exitCodes, FobError } from "../../src/errors.ts";
import type { SessionContext } from "../../src/session/context.ts";

/** The rejections that are kept when opening a session fails in this way. */
async function failWith(error: unknown): Promise<unknown[]> {
  const keepRejection = vi.fn();
  const context = {
    store: { readRejection: () => undefined, keepRejection },
    now: () => Date.parse("2026-01-01T00:00:00Z"),
    signal: new AbortController().signal,
  } as unknown as SessionContext;
  const program = { deadline: new AbortController().signal, patience: 1000 };
  const { guard } = limitAsking({ profile: "work", program }, "fob login work", context);
  await expect(guard?.("work", () => Promise.reject(error as Error))).rejects.toBe(error);
  return keepRejection.mock.calls;
}

test("an internal error is not kept for the programs that ask next", async () => {
  for (const error of [new TypeError("x is not a function"), new RangeError("Invalid time value"), "a text"]) {
    expect(await failWith(error)).toEqual([]);
  }
});

test("a canceled prompt is kept as a code that is needed, and any other failure as it is", async () => {
  const canceled = { message: "cancelled", hints: ["fob login work"], exitCode: exitCodes.codeNeeded };
  expect(await failWith(new CancelledError())).toEqual([["work", canceled]]);
  const failure = { message: "no answer", hints: ["check the network"], exitCode: exitCodes.failed };
  expect(await failWith(new FobError("no answer", "check the network"))).toEqual([["work", failure]]);
});
