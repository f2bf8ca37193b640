import { spawnSync } from "node:child_process";
import { readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { readWhole } from "../../src/files/read.ts";
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
  expect(readFileSync).toHaveBeenCalledTimes(2);
});

test("what comes through a pipe is read once: it does not come again", () => {
  const pipe = join(temporaryFolder(), "config");
  spawnSync("mkfifo", [pipe]);
  const page = "x".repeat(4096);
  vi.mocked(readFileSync).mockReturnValueOnce(page).mockReturnValueOnce("more");
  expect(readWhole(pipe)).toBe(page);
});
