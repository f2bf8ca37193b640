// A keychain that waits for its user is given time, and one that hangs is not.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { askHelper } from "../../src/keys/ask-keychain.ts";
import { runProgram, TimeoutError } from "../../src/subprocess.ts";

vi.mock("../../src/subprocess.ts", async (load) => ({ ...(await load<object>()), runProgram: vi.fn() }));

beforeEach(() => {
  vi.mocked(runProgram).mockReset();
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A helper that answers after so many seconds: the probe, and the question. */
function answerAfter(seconds: { readonly probe: number; readonly question: number }): void {
  vi.mocked(runProgram).mockImplementation((_, __, { input, timeout, signal }) => {
    const { account } = JSON.parse(String(input)) as { account: string };
    const takes = account === "fob-probe" ? seconds.probe : seconds.question;
    return new Promise((resolve, reject) => {
      const stdout = JSON.stringify({ secret: "secret" });
      if (takes < timeout) setTimeout(() => resolve({ status: 0, killedBy: null, stdout, stderr: "" }), takes * 1000);
      else setTimeout(() => reject(new TimeoutError("too long")), timeout * 1000);
      signal.addEventListener("abort", () => reject(new Error("aborted")));
    });
  });
}

function ask() {
  const notes: string[] = [];
  const options = { env: {}, signal: new AbortController().signal, note: (text: string) => void notes.push(text) };
  const answer = askHelper({ action: "get", service: "fob", account: "AKIA" }, { ...options, isAttended: () => true });
  return { answer: answer.catch((error: unknown) => String(error)), notes };
}

test.each([
  [
    "DBus error: Did not receive a reply. Possible causes: the message bus security policy blocked it",
    "does not answer",
  ],
  ["Platform failure: the item is locked", "is locked"],
  ["DBus error: Failed to connect", "there is no keychain here"],
])("what the library says in words: %s", async (error, words) => {
  const stdout = JSON.stringify({ error });
  vi.mocked(runProgram).mockResolvedValue({ status: 0, killedBy: null, stdout, stderr: "" });
  expect(await ask().answer).toContain(words);
});

test("one that answers at once is not probed", async () => {
  answerAfter({ probe: 0, question: 0.1 });
  const { answer, notes } = ask();
  await vi.advanceTimersByTimeAsync(5000);
  expect(await answer).toEqual({ secret: "secret" });
  expect([vi.mocked(runProgram).mock.calls.length, notes]).toEqual([1, []]);
});

test("one whose user is to unlock it, also on a slow machine, is waited for, and the user reads why", async () => {
  answerAfter({ probe: 2.5, question: 40 });
  const { answer, notes } = ask();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await answer).toEqual({ secret: "secret" });
  expect(notes).toEqual([expect.stringContaining("it may ask for your password in a window")]);
});

test("one that does not answer the probe is given up, and the user reads nothing of a window", async () => {
  answerAfter({ probe: 60, question: 60 });
  const { answer, notes } = ask();
  await vi.advanceTimersByTimeAsync(3600);
  expect(await answer).toContain("the keychain did not answer within 3 s");
  expect(notes).toEqual([]);
});
