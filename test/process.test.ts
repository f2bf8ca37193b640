import { spawn } from "node:child_process";
import * as files from "node:fs";
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import {
  findProcess,
  isRunning,
  isStopped,
  keepToPath,
  listDescendants,
  parseStat,
  parseTable,
} from "../src/process.ts";
import { temporaryFolder } from "./helpers/world.ts";

vi.mock("node:fs", { spy: true });
afterEach(() => vi.resetAllMocks());

function start(command: string) {
  const child = spawn("sh", ["-c", command], { stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child.pid ?? 0;
}

const platforms = ["linux", "darwin"] as const;

test.each(platforms)("a process is found as the system has it, the way of %s", (platform) => {
  const pid = start("exec sleep 60");
  const found = findProcess(pid, platform);
  expect(found).toMatchObject({ pid, parent: process.pid });
  expect(found?.group).toBe(findProcess(process.pid, platform)?.group);
  expect(found?.started).not.toBe("");
  expect(findProcess(2 ** 22 + 1, platform)).toBeUndefined();
});

test.each(platforms)(
  "what a process has started, and what that has, are its descendants, the way of %s",
  async (way) => {
    const pid = start("sleep 60 & sh -c 'sleep 60; :'; :");
    await vi.waitFor(() => expect(listDescendants(pid, way)).toHaveLength(3), 5000);
  },
);

test("a stopped process is stopped and running; one that ended and was not reaped is not running", async () => {
  const pid = start("exec sleep 60");
  expect([isRunning(pid), isStopped(pid)]).toEqual([true, false]);
  process.kill(pid, "SIGSTOP");
  await vi.waitFor(() => expect([isRunning(pid), isStopped(pid)]).toEqual([true, true]));
  // The shell becomes a program that reaps no children.
  const parent = start("sleep 0.1 & exec sleep 60");
  await vi.waitFor(() => expect(listDescendants(parent)).toHaveLength(1));
  const [zombie = 0] = listDescendants(parent);
  await vi.waitFor(() => expect(findProcess(zombie)?.state).toBe("Z"), 5000);
  expect(isRunning(zombie)).toBe(false);
  expect(isRunning(2 ** 22 + 1)).toBe(false);
});

test("a program's name may hold what separates the fields", async () => {
  const program = join(temporaryFolder(), "a) Z 1 (b");
  symlinkSync("/bin/sleep", program);
  const child = spawn(program, ["60"]);
  onTestFinished(() => void child.kill("SIGKILL"));
  await vi.waitFor(() => {
    const found = parseStat(readFileSync(`/proc/${child.pid}/stat`, "utf8"));
    expect(found).toMatchObject({ pid: child.pid, name: "a) Z 1 (b", parent: process.pid });
  });
});

test("ps of macOS: rows with paths, without a terminal, and what is no row", () => {
  const table = `  501     1   501     0 ??       Ss   Thu Nov  6 14:39:42 2026     /Applications/My App.app/x
  502   501   502   502 ttys003  T+   Thu Nov 26 14:39:42 2026     -zsh
Aborted\n`;
  const [first, second, ...rest] = parseTable(table);
  expect(first).toMatchObject({ pid: 501, parent: 1, foreground: 0, name: "/Applications/My App.app/x", state: "Ss" });
  expect(second).toMatchObject({ group: 502, foreground: 502, terminal: "ttys003", state: "T+", name: "-zsh" });
  expect(second?.started).toBe("Thu Nov 26 14:39:42 2026");
  expect(rest).toEqual([]);
});

test("on Windows no program of the working directory is started, by fob or by a shell that it starts", () => {
  const own = {};
  const options = { env: { PATH: "x" } };
  expect(keepToPath(options, "win32", own)).toEqual(options);
  expect(own).toEqual({ NoDefaultCurrentDirectoryInExePath: "1" });
  expect(keepToPath({ ...options, shell: true }, "win32", own).env).toEqual({ PATH: "x", ...own });
  const untouched = {};
  expect(keepToPath({ ...options, shell: true }, "linux", untouched)).toEqual({ ...options, shell: true });
  expect(untouched).toEqual({});
});

test("every program is started in that one way, and ps is the system's own", () => {
  const root = join(import.meta.dirname, "../src");
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  const starting = files.filter((file) => {
    const text = readFileSync(join(root, file), "utf8");
    return /^import (?!type ).*"(?:node:)?child_process"|(?<!module\.)require\(|import\("node:child/m.test(text);
  });
  expect(starting).toEqual(["process.ts"]);
});

test("a ps that PATH finds first is not run", () => {
  const folder = temporaryFolder();
  const trace = join(folder, "was-run");
  writeFileSync(join(folder, "ps"), `#!/bin/sh\necho > ${trace}\n`, { mode: 0o755 });
  vi.stubEnv("PATH", `${folder}:${process.env.PATH}`);
  onTestFinished(() => void vi.unstubAllEnvs());
  expect(findProcess(process.pid, "darwin")).toBeDefined();
  expect(existsSync(trace)).toBe(false);
});

test("processes whose ids were reused while they were read, so that they descend from each other, are listed once", () => {
  const parents: Readonly<Record<string, number>> = { 11: 13, 12: 11, 13: 12, 14: 14, 15: 1 };
  vi.mocked(files.readdirSync).mockReturnValue(Object.keys(parents) as never);
  vi.mocked(files.readFileSync).mockImplementation((path) => {
    const [pid = ""] = /\d+/.exec(String(path)) ?? [];
    return `${pid} (name) S ${parents[pid]} 1 1 0 -1`;
  });
  expect(listDescendants(11, "linux")).toEqual([12, 13]);
  expect(listDescendants(14, "linux")).toEqual([]);
});

test("a /proc that cannot be read tells of no descendants", () => {
  vi.mocked(files.readdirSync).mockImplementation(() => {
    throw Object.assign(new Error("EACCES"), { code: "EACCES" });
  });
  expect(listDescendants(process.pid, "linux")).toEqual([]);
});
