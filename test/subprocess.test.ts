import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { readCommandOutput } from "../src/subprocess.ts";
import { temporaryFolder } from "./helpers/world.ts";

const run = (command: string, options: { timeout?: number; signal?: AbortSignal } = {}) =>
  readCommandOutput(command, {
    env: { PATH: process.env.PATH },
    title: "the command",
    timeout: options.timeout ?? 30,
    signal: options.signal ?? new AbortController().signal,
  });

test("a command runs in a shell and what it prints comes back whole", async () => {
  expect(await run("printf '%s-' 1 2; echo 3")).toBe("1-2-3\n");
});

test("a command that takes too long is ended", async () => {
  await expect(run("sleep 600", { timeout: 0.1 })).rejects.toThrow("the command did not finish within");
});

test("what runs below a command that takes too long is ended with it", async () => {
  const file = join(temporaryFolder(), "pid");
  await expect(run(`sleep 600 & echo $! > '${file}'; wait`, { timeout: 0.3 })).rejects.toThrow("did not finish within");
  const pid = Number(readFileSync(file, "utf8"));
  // Ended, or ended and not yet collected by its new parent.
  await vi.waitFor(() => expect(stateOf(pid)).toMatch(/^Z?$/));
});

function stateOf(pid: number): string {
  return spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" })
    .stdout.trim()
    .slice(0, 1);
}

test("a command that prints without end is ended", async () => {
  await expect(run("yes")).rejects.toThrow("prints too much output");
});

test.each([
  ["exit 3", "failed with exit code 3"],
  ["kill -9 $$", "was killed by SIGKILL"],
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

test("a command that does not listen is ended all the same, without a wait", async () => {
  await expect(run("trap '' TERM; sleep 600; sleep 600", { timeout: 0.2 })).rejects.toThrow("did not finish within");
});

test("what a command leaves running in the background is not waited for", async () => {
  expect(await run("echo 123456; sleep 5 &")).toBe("123456\n");
});
