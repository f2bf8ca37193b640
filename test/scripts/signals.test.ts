// Signals that would give away what is in memory, while fob waits.
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { makeWorld, type World } from "../helpers/world.ts";

/** A world in which no code comes. */
async function makeWaitingWorld(): Promise<World> {
  const world = await makeWorld();
  appendFileSync(world.configPath, "mfa_process = echo $PPID > $HOME/pid; exec sleep 600\n");
  return world;
}

/** The process id of the fob that waits for a code. */
async function waitingFob({ home }: World): Promise<number> {
  const file = join(home, "pid");
  await vi.waitFor(() => expect(existsSync(file) && readFileSync(file, "utf8")).toMatch(/^\d+\n$/), 9_000);
  return Number(readFileSync(file, "utf8"));
}

/** All that fob says. */
const cancelled = expect.stringMatching(/^fob: warning: the code goes to .*\nfob: cancelled\n$/) as string;

test.each([
  ["login", "work"],
  ["credential-process", "work-mfa"],
  ["env", "work", "--shell", "bash"],
  ["exec", "work", "--", "true"],
])("SIGQUIT while fob %s waits: cancelled, and no core file", async (...args) => {
  const world = await makeWaitingWorld();
  const running = world.fob(args);
  process.kill(await waitingFob(world), "SIGQUIT");
  expect(await running).toMatchObject({ status: 130, signal: null, stderr: cancelled });
});

test("SIGUSR1 while fob waits: no debugger, and it goes on waiting", async () => {
  const world = await makeWaitingWorld();
  const running = world.fob(["login", "work"]);
  const fob = await waitingFob(world);
  process.kill(fob, "SIGUSR1");
  await sleep(500);
  process.kill(fob, "SIGTERM");
  expect(await running).toMatchObject({ status: 130, stderr: cancelled });
});

test("at the question, SIGUSR1 does nothing and SIGQUIT cancels it", async () => {
  const world = await makeWorld();
  const running = world.fobOnTerminal(["login", "work"]);
  await running.shows("Code for");
  running.kill("SIGUSR1");
  await sleep(500);
  running.kill("SIGQUIT");
  const { status, screen } = await running.ended;
  expect(status).toBe(130);
  expect(screen).toMatch(/fob: cancelled\n$/);
  expect(screen).not.toContain("Debugger");
});

test("SIGQUIT to all that fob exec is made of, while it asks: 130, and no core file", async () => {
  const world = await makeWorld();
  const running = world.fobOnTerminal(["exec", "work", "--", "true"]);
  await running.shows("Code for");
  process.kill(-running.pid, "SIGQUIT");
  expect((await running.ended).status).toBe(130);
});
