import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { commandOutput } from "../src/subprocess.ts";

const run = (command: string, options: { timeout?: number; signal?: AbortSignal } = {}) =>
  commandOutput(command, {
    env: { PATH: process.env.PATH },
    title: "the command",
    timeout: options.timeout ?? 30,
    signal: options.signal ?? new AbortController().signal,
  });

test("a command runs in a shell and what it prints comes back whole", async () => {
  expect(await run("printf '%s-' 1 2; echo 3")).toBe("1-2-3\n");
});

test("a command that takes too long is ended", async () => {
  await expect(run("sleep 600", { timeout: 0.1 })).rejects.toThrow("the command did not end within");
});

test("a command that something below it keeps open is ended too", async () => {
  await expect(run("sleep 2 & wait", { timeout: 0.1 })).rejects.toThrow("did not end within");
});

test("a command that prints without end is ended", async () => {
  await expect(run("yes")).rejects.toThrow("prints far too much");
});

test.each([
  ["exit 3", "failed with exit code 3"],
  ["kill -9 $$", "was ended by SIGKILL"],
  ["no-such-command-here 2>/dev/null", "failed with exit code 127"],
])("%s: the error says how it ended, and what to do", async (command, how) => {
  await expect(run(command)).rejects.toMatchObject({
    message: `the command ${how}`,
    hints: [expect.stringContaining("by hand")],
  });
});

test("the signal ends it", async () => {
  const cancel = new AbortController();
  const running = run("sleep 600", { signal: cancel.signal });
  await sleep(0);
  cancel.abort();
  await expect(running).rejects.toThrow("cancelled");
});
