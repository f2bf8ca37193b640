// Several processes at one terminal, and processes that may not use theirs.
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { findProcess, listDescendants } from "../../src/process.ts";
import { keysOf, makeWorld, type OnTerminal, type World } from "../helpers/world.ts";

/** A world with the profiles `work` and `second`, on whose terminal a shell with job control runs commands. */
async function makeTwoProfiles(): Promise<World> {
  const world = await makeWorld();
  appendFileSync(world.credentialsPath, keysOf("second", world.user.accessKey));
  appendFileSync(world.configPath, `[profile second]\nmfa_serial = ${world.device.serialNumber}\n`);
  return world;
}

/** Stops the fob that asks, and waits until the shell knows. @returns its process id */
async function stopAtQuestion(shell: OnTerminal): Promise<number> {
  await shell.shows("Code for");
  const [fob = Number.NaN] = listDescendants(shell.pid);
  process.kill(fob, "SIGSTOP");
  await shell.shows("Stopped");
  return fob;
}

test("a fob that is stopped at its question: the next one says so at once, and the hint ends it", async () => {
  const world = await makeTwoProfiles();
  const shell = world.shellOnTerminal(
    'set -m; fob login work; fob login second; echo ended with $?; read line; eval "$line"; wait; fob login second',
  );
  const stopped = await stopAtQuestion(shell);
  await shell.shows(`another fob (process ${stopped}) is waiting for a code on this terminal, but is stopped`);
  await shell.shows("ended with 4");
  const [, hint = ""] = /hint: or end it: (.*)\n/.exec(shell.screen()) ?? [];
  shell.type(`${hint}\n`);
  await vi.waitFor(() => expect(findProcess(stopped)?.state ?? "Z").toBe("Z"), 5000);
  await shell.shows(/Code for .*\(second\)/);
});

test("a fob that is stopped at its question and woken by fg gets its answer", async () => {
  const world = await makeTwoProfiles();
  const shell = world.shellOnTerminal("set -m; fob login work; fob login second; fg; echo ended with $?");
  await stopAtQuestion(shell);
  await shell.shows("hint: resume it to answer: fg");
  await shell.shows("/bin/fob");
  shell.type(`${world.device.code()}\r`);
  await shell.shows("ended with 0");
});

test("a fob that is stopped, and a program that has taken stderr: it is said on the terminal all the same", async () => {
  const world = await makeTwoProfiles();
  const shell = world.shellOnTerminal(
    "fob login work & until test -e $HOME/go; do sleep 0.1; done; fob credential-process second-mfa 2>$HOME/err >/dev/null; echo ended with $?",
  );
  await shell.shows("Code for");
  const stopped = listDescendants(shell.pid).find((pid) => isLogin(pid, "work")) ?? Number.NaN;
  process.kill(stopped, "SIGSTOP");
  writeFileSync(join(world.home, "go"), "");
  await shell.shows(`another fob (process ${stopped}) is waiting for a code on this terminal, but is stopped`);
  await shell.shows("ended with 4");
  expect(readFileSync(join(world.home, "err"), "utf8")).toContain("but is stopped");
  process.kill(stopped, "SIGKILL");
});

test("a fob that is stopped at its question: another login to the same session waits for it, and says so", async () => {
  const world = await makeTwoProfiles();
  const shell = world.shellOnTerminal("set -m; fob login work; fob login work; echo ended with $?");
  const stopped = await stopAtQuestion(shell);
  await shell.shows(
    `waiting for another fob (process ${stopped}, which is stopped) that is getting credentials for "work-mfa"`,
  );
  await shell.shows(`to be prompted here instead: kill ${stopped}; kill -CONT ${stopped}\n`);
  process.kill(stopped, "SIGTERM");
  process.kill(stopped, "SIGCONT");
  await shell.shows(/Code for .*\(work\)/);
});

const isLogin = (pid: number, profile: string): boolean =>
  readFileSync(`/proc/${pid}/cmdline`, "utf8").endsWith(`\0login\0${profile}\0`);

test("a fob that is stopped while another one waits for its turn: the other one says so", async () => {
  const world = await makeTwoProfiles();
  // Without job control both are in the foreground.
  const shell = world.shellOnTerminal("fob login work & fob login second & wait -n; echo ended with $?; read line");
  await shell.shows("Code for");
  const asked = /\((\w+)\):/.exec(shell.screen())?.[1] ?? "";
  const stopped = listDescendants(shell.pid).find((pid) => isLogin(pid, asked)) ?? Number.NaN;
  await sleep(2000);
  process.kill(stopped, "SIGSTOP");
  await shell.shows(`another fob (process ${stopped}) is waiting for a code on this terminal, but is stopped`);
  await shell.shows("ended with 4");
  process.kill(stopped, "SIGKILL");
});

test.each([
  ["timeout 20 bash -c 'fob login work'", "hint: with a time limit: timeout --foreground 60 fob login work\n"],
  // As the function mfa does, which timeout cannot run.
  ["timeout 20 bash -c 'fob mfa-login work'", "hint: with a time limit: timeout --foreground 60 fob login work\n"],
  ["set -m; fob login work & wait $!", "hint: run it in the foreground: fob login work\n"],
])("%s: there is a terminal, and fob says why it does not ask there", async (command, hint) => {
  const world = await makeWorld();
  const shell = world.shellOnTerminal(`export -f fob; ${command}; echo ended with $?`);
  await shell.shows("fob is in the background of this terminal and cannot prompt");
  await shell.shows("ended with 4");
  expect(shell.screen()).toContain(hint);
});

test("with --no-input no terminal is spoken of", async () => {
  const world = await makeWorld();
  const shell = world.shellOnTerminal("set -m; fob login work --no-input & wait $!");
  await shell.shows("fob cannot prompt here; run in a terminal: fob login work");
  expect((await shell.ended).screen).not.toContain("foreground");
});
