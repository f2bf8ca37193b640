// Signals that would give away what is in memory, while fob waits.
import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import { someOf } from "../helpers/broad.ts";
import { posixShells } from "../helpers/shells.ts";
import { execute, makeWorld, program, type World } from "../helpers/world.ts";

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

/** An AWS that takes calls and does not answer them. */
async function startSilentAws(): Promise<{ url: string; called: Promise<unknown> }> {
  const server = createServer();
  const called = new Promise((heard) => server.once("connection", (line) => line.once("data", heard)));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, called };
}

/** The processes of a group that have not ended. */
function listGroup(group: number): string[] {
  const { stdout } = spawnSync("ps", ["-A", "-o", "pgid=,stat=,args="], { encoding: "utf8" });
  return stdout.split("\n").filter((line) => new RegExp(`^ *${group} +[^Z]`).test(line));
}

test.each(
  someOf(posixShells, 1).flatMap((shell) =>
    (
      [
        ["the shell", 1, ":"],
        ["all", -1, ":"],
        ["the shell, with four more descriptors,", 1, "exec 3</dev/null 5</dev/null 6>&1 7<&0"],
        ["the shell, without stdin,", 1, "exec <&-"],
      ] as const
    ).map(([name, whom, before]) => [name, shell.join(" "), whom, before, shell] as const),
  ),
)("SIGTERM to %s of fob exec in %s while AWS is slow: 130, and nothing is left", async (_, __, whom, before, shell) => {
  const world = await makeWorld();
  appendFileSync(world.configPath, `mfa_process = ${world.commandThatPrints(world.device.code())}\n`);
  const aws = await startSilentAws();
  const folder = join(world.home, "temporary");
  mkdirSync(folder);
  const env = { ...world.env, AWS_ENDPOINT_URL: aws.url, XDG_RUNTIME_DIR: folder, TMPDIR: folder };
  const script = `echo $$ >"$HOME/pid"; ${before}; exec "$@"`;
  const command = [...shell, program, "exec", "work", "--", "touch", join(world.home, "ran")];
  const running = execute("sh", ["-c", script, "-", ...command], { env });
  await aws.called;
  const fob = Number(readFileSync(join(world.home, "pid"), "utf8"));
  expect(listGroup(fob).length).toBeGreaterThan(1);
  expect(readdirSync(folder)).toEqual([]);
  process.kill(whom * fob, "SIGTERM");
  expect(await running).toMatchObject({ status: 130, signal: null, stdout: "", stderr: cancelled });
  expect(listGroup(fob)).toEqual([]);
  expect(existsSync(join(world.home, "ran"))).toBe(false);
});
