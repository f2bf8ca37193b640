import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import { CancelledError, FobError } from "../../src/errors.ts";
import { getHost, type Holder, type LockOptions, withLock, withLockUnless } from "../../src/files/lock.ts";
import { readProcess } from "../../src/process.ts";
import { isBroad } from "../helpers/broad.ts";
import { node } from "../helpers/world.ts";
import {
  age,
  buildChild,
  type Child,
  contend,
  holderOf,
  leave,
  startChild,
  startCommand,
  temporaryFolder,
} from "./children.ts";

const build = mkdtempSync(join(tmpdir(), "fob-child-"));
const program = await buildChild(build);
afterAll(() => rmSync(build, { recursive: true }));

let folder: string;
let lock: string;
beforeEach(() => {
  folder = temporaryFolder();
  lock = join(folder, "lock");
});

const preload = (name: string): string => `--require ${resolve(import.meta.dirname, `../helpers/${name}.cjs`)}`;

const { signal } = new AbortController();
const patient: LockOptions = { signal, patience: 20_000 };
const impatient: LockOptions = { signal, patience: 0 };

async function startHolder(path = lock): Promise<Child> {
  const child = startChild(program, "hold", path);
  expect(await child.line()).toBe("held");
  return child;
}

/** What the lock of this process looks like, from inside. */
const ownHolder = (): Promise<Holder> => withLock(lock, patient, () => holderOf(lock));

test("of eight processes only one is in at a time, and each gets its turn", async () => {
  const file = join(folder, "number");
  writeFileSync(file, "0");
  const children = Array.from({ length: 8 }, () => startChild(program, "count", lock, file, "25"));
  await Promise.all(children.map((child) => child.ended));
  expect(readFileSync(file, "utf8")).toBe("200");
  expect(readdirSync(folder)).toEqual(["number"]);
});

test("the lock of a killed process holds no other up", async () => {
  const holder = await startHolder();
  holder.kill();
  await holder.ended;
  expect(existsSync(lock)).toBe(true);
  expect(await withLock(lock, impatient, () => "in")).toBe("in");
  expect(readdirSync(folder)).toEqual([]);
});

// A hundred rounds are in test/long/locks.test.ts.
test.skipIf(!isBroad)("of eight that find the lock of a killed process, never two are in at once", async () => {
  expect(await contend(program, folder, 12)).toEqual([]);
  expect(readdirSync(folder)).toEqual([]);
});

// Names that grew with every one of them were too long after ten, and then nothing could take the lock again.
test.skipIf(!isBroad)(
  "a lock is broken all the same after twelve processes were killed while they broke it",
  async () => {
    const dead = await startHolder();
    dead.kill();
    await dead.ended;
    const { id } = holderOf(lock);
    const fault = { FAULT_HOME: folder, FAULT: "kill", FAULT_CALLS: "^unlinkSync$", FAULT_AT: "1" };
    for (let breaker = 0; breaker < 12; breaker++) {
      await startCommand([node, program, "hold", lock], { ...fault, NODE_OPTIONS: preload("faults") }).ended;
    }
    expect(holderOf(lock).id).toBe(id);
    expect(await withLock(lock, impatient, () => "in")).toBe("in");
    // Drafts of processes that were killed stay for a minute.
    expect(readdirSync(folder).filter((name) => !name.endsWith(".tmp"))).toEqual([]);
  },
);

test("where far too many were killed, the error names what to remove, and then the lock is broken", async () => {
  const me = await ownHolder();
  const hashOf = (text: string, digits: number): string =>
    createHash("sha256").update(text).digest("hex").slice(0, digits);
  const dead = (path: string, id: string): void => leave(path, { ...me, id, started: "before" });
  dead(lock, "0");
  for (let breaker = 0; breaker < 150; breaker++) {
    dead(join(folder, `.fob-lock-${hashOf("lock", 12)}-${hashOf(String(breaker), 16)}.break`), String(breaker + 1));
  }
  const error = await withLock(lock, patient, () => "in").catch((thrown: unknown) => thrown as FobError);
  const [hint = ""] = error instanceof FobError ? error.hints : [];
  expect(hint).toMatch(/^remove the leftover files: rm .*\.break$/);
  spawnSync("sh", ["-c", hint.replace("remove the leftover files: ", "")]);
  expect(readdirSync(folder)).toEqual(["lock"]);
  expect(await withLock(lock, impatient, () => "in")).toBe("in");
});

test("with the longest of names, a lock is taken, and broken", async () => {
  const long = join(folder, "x".repeat(255));
  const dead = await startHolder(long);
  dead.kill();
  await dead.ended;
  expect(await withLock(long, impatient, () => "in")).toBe("in");
});

test.skipIf(process.platform !== "linux")(
  "a killed process that its parent has not reaped (a zombie) holds no lock",
  async () => {
    // The shell makes itself a program that never waits for its child.
    const script = '"$1" "$2" hold "$3" </dev/zero & exec sleep 60';
    const parent = startCommand(["sh", "-c", script, "sh", node, program, lock]);
    expect(await parent.line()).toBe("held");
    const { pid } = holderOf(lock);
    process.kill(pid, "SIGKILL");
    await vi.waitFor(() => expect(readProcess(pid)?.state).toBe("Z"));
    expect(await withLock(lock, impatient, () => "in")).toBe("in");
    parent.kill();
    await parent.ended;
  },
);

test("a name that is taken by what is no lock is an error that says what to remove, at once", async () => {
  const makers: Record<string, (path: string) => void> = {
    dangling: (path) => symlinkSync(join(folder, "nowhere"), path),
    circle: (path) => symlinkSync(path, path),
    pipe: (path) => void spawnSync("mkfifo", [path]),
    folder: (path) => mkdirSync(path),
  };
  for (const [name, make] of Object.entries(makers)) {
    const path = join(folder, name);
    make(path);
    await expect(withLock(path, patient, () => "in")).rejects.toMatchObject({
      message: expect.stringMatching(/^".*" is a (symbolic link|named pipe|folder), not a regular file$/) as string,
      hints: [`if nothing else needs it, remove it: ${name === "folder" ? "rm -r" : "rm"} ${path}`],
    });
    // Nor is there a way around it by breaking a lock.
    const dead = join(folder, `dead-${name}`);
    leave(dead, { id: "dead", pid: 2 ** 22 + 1, host: getHost(), boot: (await ownHolder()).boot, started: "1" });
    expect(await withLock(dead, impatient, () => "in")).toBe("in");
  }
  expect(readdirSync(folder).sort()).toEqual(Object.keys(makers).sort());
});

test.skipIf(process.getuid?.() !== 0)("another user's file at a lock's name is an error (as root only)", async () => {
  writeFileSync(lock, "");
  chownSync(lock, 12_345, 12_345);
  await expect(withLock(lock, patient, () => "in")).rejects.toMatchObject({
    message: `"${lock}" belongs to another user (uid 12345)`,
    hints: [`if they are not running fob, remove it: rm ${lock}`],
  });
});

describe("where the file system knows no hard links", () => {
  const withoutLinks = (fault: string): Record<string, string> => ({
    FAULT_HOME: folder,
    FAULT: fault,
    FAULT_CALLS: "^linkSync$",
    NODE_OPTIONS: preload("faults"),
  });

  test("of eight processes only one is in at a time, and each gets its turn", async () => {
    const file = join(folder, "number");
    writeFileSync(file, "0");
    const count = [node, program, "count", lock, file, "10"];
    const children = Array.from({ length: 8 }, () => startCommand(count, withoutLinks("EPERM")));
    await Promise.all(children.map((child) => child.ended));
    expect(readFileSync(file, "utf8")).toBe("80");
    expect(readdirSync(folder)).toEqual(["number"]);
  });

  test("however it says so", async () => {
    const file = join(folder, "number");
    writeFileSync(file, "0");
    for (const fault of ["EACCES", "ENOSYS", "ENOTSUP", "EMLINK"]) {
      await startCommand([node, program, "count", lock, file, "1"], withoutLinks(fault)).ended;
    }
    expect(readFileSync(file, "utf8")).toBe("4");
  });

  test("a dead lock is broken, and files are replaced and made", async () => {
    const holder = startCommand([node, program, "hold", lock], withoutLinks("EPERM"));
    expect(await holder.line()).toBe("held");
    holder.kill();
    await holder.ended;
    await startCommand([node, program, "count", lock, join(folder, "0"), "0"], withoutLinks("EPERM")).ended;
    for (const text of ["a", "b"]) {
      const edit = startCommand([node, program, "edit", join(folder, "file"), text], withoutLinks("EPERM"));
      expect(await edit.line()).toBe('{"changed":true}');
    }
    expect(readFileSync(join(folder, "file"), "utf8")).toBe("ab");
    expect(await withLock(lock, impatient, () => "in")).toBe("in");
    expect(readdirSync(folder)).toEqual(["file"]);
  });
});

test("a living holder is waited for", async () => {
  const holder = await startHolder();
  // The first try has been made, in vain, when withLock returns.
  const waiting = withLock(lock, patient, () => existsSync(`${lock}.done`));
  holder.tell("let go");
  expect(await waiting).toBe(true);
});

test("who waits is told once for whom, after a second, and can give up", async () => {
  const holder = await startHolder();
  const controller = new AbortController();
  const waitedFor: number[] = [];
  const onWait = ({ pid }: Holder): void => {
    waitedFor.push(pid);
    controller.abort();
  };
  const waiting = withLock(lock, { signal: controller.signal, patience: Number.POSITIVE_INFINITY, onWait }, () => "in");
  await expect(waiting).rejects.toThrow(CancelledError);
  expect(waitedFor).toEqual([holder.pid]);
  expect(holderOf(lock).pid).toBe(holder.pid);
  expect(readdirSync(folder)).toEqual(["lock"]);
});

test("when patience runs out, the error names the process", async () => {
  const holder = await startHolder();
  await expect(withLock(lock, impatient, () => "in")).rejects.toMatchObject({
    message: expect.stringContaining(`another fob (process ${holder.pid}) has held the lock`) as string,
    hints: [`answer its prompt in the other window, or end it: kill ${holder.pid}`],
  });
});

test.skipIf(!isBroad)(
  "the lock of another machine is broken after a minute of silence, not before; no process here is to be killed for it",
  async () => {
    const foreign = { id: "f", pid: process.pid, host: "elsewhere", boot: "b", started: "1" };
    const young = join(folder, "young");
    leave(young, foreign, 40);
    leave(lock, foreign, 70);
    const refused = expect(withLock(young, { signal, patience: 6_000 }, () => "in")).rejects.toMatchObject({
      hints: [
        `it runs on another machine or in a container, or ran before a restart; check: cat ${young}`,
        `if no fob is running there, remove it: rm ${young}`,
      ],
    });
    // Whose clock was an hour ahead, or whose machine's clock has been set since.
    const ahead = join(folder, "ahead");
    leave(ahead, foreign, -3600);
    const all = [lock, ahead].map((path) => withLock(path, patient, () => "in"));
    expect(await Promise.all(all)).toEqual(["in", "in"]);
    await refused;
  },
);

// It looks more and more rarely while the work may be done by another: a hundred looks took 21 s.
test.skipIf(!isBroad)(
  "who looks rarely breaks the lock of another machine as fast, and never one that shows a sign of life meanwhile",
  async () => {
    const foreign = { id: "f", pid: process.pid, host: "elsewhere", boot: "b", started: "1" };
    const woken = join(folder, "woken");
    for (const path of [lock, woken]) leave(path, foreign, 3600);
    // A machine that has slept for an hour gives its next sign within a heartbeat.
    setTimeout(() => age(woken, 0), 1_800);
    const refused = expect(withLock(woken, { signal, patience: 5_000 }, () => "in")).rejects.toThrow(
      "has held the lock",
    );
    const broken = withLockUnless(
      lock,
      patient,
      () => false,
      () => "in",
    );
    expect(await Promise.race([broken, refused])).toBe("in");
    await refused;
  },
);

test.skipIf(!isBroad)("a lock file that is torn or not a lock holds no process up for more than a minute", async () => {
  const torn = ["", "null", "5", "{}", '{"id"'].map((text, index) => {
    const path = join(folder, `torn-${index}`);
    writeFileSync(path, text);
    return path;
  });
  for (const path of torn) {
    await expect(withLock(path, impatient, () => "in")).rejects.toMatchObject({
      message: `the lock "${path}" does not say which process holds it`,
      hints: [`if no fob is running there, remove it: rm ${path}`],
    });
    age(path, 70);
  }
  const all = torn.map((path) => withLock(path, patient, () => "in"));
  expect(await Promise.all(all)).toEqual(torn.map(() => "in"));
});

test.skipIf(!existsSync("/proc/self/stat"))(
  "a process that has got a dead holder's id is not taken for it",
  async () => {
    leave(lock, { ...(await ownHolder()), id: "before", started: "1" });
    expect(await withLock(lock, impatient, () => "in")).toBe("in");
    // The very same process is alive, for every caller.
    leave(lock, { ...(await ownHolder()), id: "living" });
    await expect(withLock(lock, impatient, () => "in")).rejects.toThrow(`process ${process.pid}`);
  },
);

test("the lock goes when the work fails, and only if it is still the same", async () => {
  const failing = withLock(lock, patient, () => {
    throw new Error("no");
  });
  await expect(failing).rejects.toThrow("no");
  expect(existsSync(lock)).toBe(false);
  await withLock(lock, patient, (held) => {
    leave(lock, { id: "another", pid: 1, host: "elsewhere", boot: "", started: "" });
    expect(held.isHeld()).toBe(false);
  });
  expect(holderOf(lock).id).toBe("another");
});

test("what killed processes have left beside a lock is swept, when it is old; never what belongs to another lock", async () => {
  const prefix = `.fob-lock-${createHash("sha256").update("lock").digest("hex").slice(0, 12)}-`;
  const old = [`${prefix}0123456789abcdef.tmp`, `${prefix}0123456789abcdef.break`];
  const others = ["lock-0123456789abcdef.tmp", "lock.break.x", "lock-x", ".fob-lock-000000000000-0123456789abcdef.tmp"];
  for (const name of [...old, ...others]) leave(join(folder, name), {}, 3600);
  const young = `${prefix}fedcba9876543210.tmp`;
  leave(join(folder, young), {});
  await withLock(lock, patient, () => undefined);
  expect(readdirSync(folder).sort()).toEqual([...others, young].sort());
});
