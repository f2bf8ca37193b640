import { writeSync } from "node:fs";
import { afterEach, expect, test, vi } from "vitest";
import { stdout, writeLine } from "../../src/cli/output.ts";

vi.mock("node:fs", async (original) => {
  const fs = await original<typeof import("node:fs")>();
  const pipe = { isCharacterDevice: () => false };
  return { ...fs, fstatSync: () => pipe, writeSync: vi.fn() };
});

afterEach(() => {
  vi.mocked(writeSync).mockReset();
  process.exitCode = undefined;
});

/** What a descriptor has taken, when it takes so many bytes at a time, and every second time has no room at all. */
function pipeThatIsFull(room: number): () => string {
  let taken = "";
  let calls = 0;
  vi.mocked(writeSync).mockImplementation((_descriptor, bytes) => {
    calls += 1;
    if (calls % 2 === 1) throw Object.assign(new Error("resource temporarily unavailable"), { code: "EAGAIN" });
    const part = Buffer.from(bytes as unknown as Uint8Array).subarray(0, room);
    taken += part.toString("latin1");
    return part.length;
  });
  return () => taken;
}

// A program that shares the pipe, as npm does, may have set it to non-blocking.
test("a full pipe that does not block is waited for, and nothing is lost or doubled", () => {
  const taken = pipeThatIsFull(7);
  stdout.write("export AWS_ACCESS_KEY_ID=ASIAIOSFODNN7EXAMPLE\n");
  expect(taken()).toBe("export AWS_ACCESS_KEY_ID=ASIAIOSFODNN7EXAMPLE\n");
  expect(process.exitCode).toBeUndefined();
});

test("so is one for stderr", () => {
  const taken = pipeThatIsFull(7);
  writeLine("hint: fob login work");
  expect(taken()).toBe("fob: hint: fob login work\n");
});

test("any other failure ends the command, with a hint", () => {
  vi.mocked(writeSync).mockImplementation(() => {
    throw Object.assign(new Error("no space left"), { code: "ENOSPC" });
  });
  expect(() => stdout.write("data\n")).toThrow(
    expect.objectContaining({ message: "cannot write to stdout: no space left", exitCode: 1 }),
  );
});
