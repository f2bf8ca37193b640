import { spawnSync } from "node:child_process";
import { readFileSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { holdsBytes, readOwnBytes, readWhole, SETTLING_BEFORE_WRITING } from "../../src/files/read.ts";
import { temporaryFolder } from "./children.ts";

vi.mock("node:fs", async (original) => {
  const fs = await original<typeof import("node:fs")>();
  return { ...fs, readFileSync: vi.fn(fs.readFileSync) };
});

// Node.js asks for the size and reads no more than that.
test("a reading that was cut off, because the file grew meanwhile, is made again", () => {
  const file = join(temporaryFolder(), "credentials");
  writeFileSync(file, "[work]\nregion = mars-1\n");
  vi.mocked(readFileSync).mockReturnValueOnce("[work]\nreg");
  expect(readWhole(file)).toBe("[work]\nregion = mars-1\n");
});

test("an empty file that is not new is read at once, and so is one that is not there", () => {
  const file = join(temporaryFolder(), "credentials");
  writeFileSync(file, "");
  const yesterday = Date.now() / 1000 - 86_400;
  utimesSync(file, yesterday, yesterday);
  vi.mocked(readFileSync).mockClear();
  expect([readWhole(file), readWhole(`${file}.missing`)]).toEqual(["", undefined]);
  expect(readFileSync).toHaveBeenCalledTimes(1);
});

test("however often an empty new file is read, all of that takes a fifth of a second; who is to replace it waits longer", () => {
  const file = join(temporaryFolder(), "config");
  writeFileSync(file, "");
  const now = Date.now();
  // Exactly now: a fraction of a millisecond more would be one look more.
  utimesSync(file, now / 1000, now / 1000);
  vi.useFakeTimers({ toFake: ["Date"], now });
  const pause = vi.spyOn(Atomics, "wait").mockImplementation((...[, , , milliseconds = 0]) => {
    vi.setSystemTime(Date.now() + milliseconds);
    return "timed-out";
  });
  onTestFinished(() => {
    vi.useRealTimers();
    pause.mockRestore();
  });
  const began = Date.now();
  for (let reading = 0; reading < 10; reading++) expect(readWhole(file)).toBe("");
  expect(Date.now() - began).toBe(200);
  expect(readWhole(file, SETTLING_BEFORE_WRITING)).toBe("");
  expect(Date.now() - began).toBe(2000);
});

test("what is not a regular file is an error at once, and nothing waits for a pipe's other end; /dev/null is empty", async () => {
  const folder = temporaryFolder();
  const pipe = join(folder, "pipe");
  spawnSync("mkfifo", [pipe]);
  const socket = join(folder, "socket");
  const server = createServer();
  await new Promise<void>((done) => server.listen(socket, done));
  onTestFinished(() => void server.close());
  for (const path of [pipe, socket, folder, "/dev/zero"]) {
    expect(() => readWhole(path)).toThrow(`"${path}" is not a regular file`);
    expect(() => readOwnBytes(path)).toThrow(/" is a (named pipe|socket|folder|device), not a regular file$/);
  }
  expect(readWhole("/dev/null")).toBe("");
});

test("a long file holds other bytes if one byte differs, is missing or has been added", () => {
  const file = join(temporaryFolder(), "credentials");
  const bytes = Buffer.alloc(600_000, "a");
  const other = Buffer.from(bytes);
  other[599_999] = 0;
  writeFileSync(file, bytes);
  expect(
    [bytes, other, bytes.subarray(1), Buffer.concat([bytes, Buffer.from("a")])].map((b) => holdsBytes(file, b)),
  ).toEqual([true, false, false, false]);
  expect([
    holdsBytes(file, undefined),
    holdsBytes(`${file}.missing`, undefined),
    holdsBytes(`${file}.missing`, bytes),
  ]).toEqual([false, true, false]);
});
