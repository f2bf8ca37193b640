import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, utimesSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { build } from "rolldown";
import { onTestFinished } from "vitest";
import type { Holder } from "../../src/files/lock.ts";
import { node } from "../helpers/world.ts";

/** A folder that goes when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "fob-files-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Bundles a program of the tests, once for a test file. */
export async function buildChild(folder: string, input = join(import.meta.dirname, "child.ts")): Promise<string> {
  const outfile = join(folder, "child.mjs");
  await build({ input, platform: "node", output: { file: outfile } });
  return outfile;
}

export interface Child {
  readonly pid: number;
  /** The next line that it says. */
  line(): Promise<string>;
  tell(line: string): void;
  /** Resolves when it has ended. */
  readonly ended: Promise<unknown>;
  kill(signal?: NodeJS.Signals): void;
}

export function startChild(program: string, ...args: readonly string[]): Child {
  return startCommand([node, program, ...args]);
}

/** Starts the child by a longer command line, or with more in its environment. */
export function startCommand([file = "", ...args]: readonly string[], env: Record<string, string> = {}): Child {
  const child: ChildProcessWithoutNullStreams = spawn(file, args, { env: { ...process.env, ...env } });
  child.stderr.pipe(process.stderr);
  const ended = once(child, "close");
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    pid: child.pid ?? 0,
    line: async () => String((await lines.next()).value),
    tell: (line) => void child.stdin.write(`${line}\n`),
    ended,
    kill: (signal = "SIGKILL") => void child.kill(signal),
  };
}

export const holderOf = (lock: string): Holder => JSON.parse(readFileSync(lock, "utf8")) as Holder;

/** Leaves a lock behind, as its holder would. */
export function leave(lock: string, holder: unknown, secondsAgo = 0): void {
  writeFileSync(lock, JSON.stringify(holder));
  age(lock, secondsAgo);
}

/** Lets a lock's last sign of life be so long ago. */
export function age(lock: string, secondsAgo: number): void {
  const time = Date.now() / 1000 - secondsAgo;
  utimesSync(lock, time, time);
}

/** Resolves when a lock's holder has given so many more signs of life. */
export function signsOfLife(lock: string, count: number): Promise<void> {
  const last = (): number | undefined => statSync(lock, { throwIfNoEntry: false })?.mtimeMs;
  const seen = new Set([last()]);
  return new Promise((done, fail) => {
    const watcher = watch(lock, () => {
      seen.add(last());
      if (!seen.has(undefined) && seen.size <= count) return;
      watcher.close();
      if (seen.has(undefined)) fail(new Error(`the lock ${lock} has gone`));
      else done();
    });
  });
}

/**
 * Lets eight processes find the lock of a killed process at the same moment, once a round.
 *
 * @returns the rounds in which two of them were in at once
 */
export async function contend(program: string, folder: string, rounds: number): Promise<number[]> {
  const lock = join(folder, "dead");
  const dead = startChild(program, "hold", lock);
  await dead.line();
  dead.kill();
  await dead.ended;
  const left = holderOf(lock);
  rmSync(lock);
  const children = Array.from({ length: 8 }, () => startChild(program, "contend"));
  await Promise.all(children.map((child) => child.line()));
  const bad: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const path = join(folder, `lock-${round}`);
    leave(path, { ...left, id: `${left.id}${round}` });
    const soon = Date.now() + 15;
    for (const child of children) child.tell(`${soon} ${path}`);
    const answers = await Promise.all(children.map((child) => child.line()));
    if (answers.some((answer) => answer !== "alone")) bad.push(round);
  }
  return bad;
}

/** How a shell can get a mount table of its own here; undefined where it cannot. */
export const ownMounts = [["-m"], ["-Urm"]].find(
  (flags) => spawnSync("unshare", [...flags, "sh", "-c", "mount -t tmpfs -o size=64k none /mnt"]).status === 0,
);

/** How a command can get process ids of its own here; undefined where it cannot. It is killed with its parent. */
const ownPids = [["unshare"], ["unshare", "-Ur"]]
  .map((command) => [...command, "--pid", "--fork", "--mount-proc", "--kill-child", "--"])
  .find(([file = "", ...flags]) => spawnSync(file, [...flags, "true"]).status === 0);

export const cannotUnshare =
  ownPids === undefined && "unshare (util-linux) is not permitted to make a PID namespace here";

/** A command line in a PID namespace of its own, where its process id is `pid`, or a small number. */
export function withOwnPids(command: readonly string[], pid?: number): string[] {
  const script = `${pid === undefined ? "" : `echo ${pid - 1} > /proc/sys/kernel/ns_last_pid; `}"$@"; exit $?`;
  return [...(ownPids ?? []), "sh", "-ec", script, "sh", ...command];
}

/** Runs a shell script that may mount; nothing of that is seen outside it. `$1` and on are the arguments. */
export function withMounts(script: string, ...args: readonly string[]): string {
  const flags = ownMounts ?? [];
  const { status, stdout, stderr } = spawnSync("unshare", [...flags, "sh", "-ec", script, "sh", ...args], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${status ?? "killed"}: ${stderr}`);
  return stdout;
}
