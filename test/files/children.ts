import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { build } from "rolldown";
import { onTestFinished } from "vitest";
import { node } from "../helpers/world.ts";

/** A folder that goes when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "fob-files-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Bundles child.ts, once for a test file. */
export async function buildChild(folder: string): Promise<string> {
  const outfile = join(folder, "child.mjs");
  await build({ input: join(import.meta.dirname, "child.ts"), platform: "node", output: { file: outfile } });
  return outfile;
}

export interface Child {
  readonly pid: number;
  /** The next line that it says. */
  line(): Promise<string>;
  tell(line: string): void;
  /** Resolves when it has ended. */
  readonly ended: Promise<unknown>;
  kill(): void;
}

export function startChild(program: string, ...args: readonly string[]): Child {
  const child: ChildProcessWithoutNullStreams = spawn(node, [program, ...args]);
  child.stderr.pipe(process.stderr);
  const ended = once(child, "close");
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    pid: child.pid ?? 0,
    line: async () => String((await lines.next()).value),
    tell: (line) => void child.stdin.write(`${line}\n`),
    ended,
    kill: () => void child.kill("SIGKILL"),
  };
}

/** How a shell can get a mount table of its own here; undefined where it cannot. */
export const ownMounts = [["-m"], ["-Urm"]].find(
  (flags) => spawnSync("unshare", [...flags, "sh", "-c", "mount -t tmpfs -o size=64k none /mnt"]).status === 0,
);

/** Runs a shell script that may mount; nothing of that is seen outside it. `$1` and on are the arguments. */
export function withMounts(script: string, ...args: readonly string[]): string {
  const flags = ownMounts ?? [];
  const { status, stdout, stderr } = spawnSync("unshare", [...flags, "sh", "-ec", script, "sh", ...args], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${status ?? "killed"}: ${stderr}`);
  return stdout;
}
