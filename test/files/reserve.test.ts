import { readdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { reserveFile } from "../../src/files/reserve.ts";
import { temporaryFolder } from "./children.ts";

const only = (folder: string): string => join(folder, readdirSync(folder)[0] ?? "");

test("a reservation takes the space at once, under no name that is read, and gives it back when nothing comes", () => {
  const folder = temporaryFolder();
  const reservation = reserveFile(join(folder, "secret"));
  expect(only(folder)).toMatch(/\/\.secret\.fob-[0-9a-f]+\.tmp$/);
  const { size, mode } = statSync(only(folder));
  expect([size >= 4096, mode & 0o777]).toEqual([true, 0o600]);
  reservation.abandon();
  expect(readdirSync(folder)).toEqual([]);
});

test("what comes is kept, whatever it is, and even where the reserved space is lost", () => {
  for (const isLost of [false, true]) {
    const folder = temporaryFolder();
    const file = join(folder, "secret");
    const reservation = reserveFile(file);
    if (isLost) rmSync(only(folder));
    reservation.fill(Buffer.from([0, 255, 10]));
    reservation.abandon();
    expect([...readFileSync(file)]).toEqual([0, 255, 10]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(["secret"]);
  }
});

test("what is no file of fob's is refused before anything is asked for", () => {
  const folder = temporaryFolder();
  symlinkSync("elsewhere", join(folder, "secret"));
  expect(() => reserveFile(join(folder, "secret"))).toThrow("is not a regular file");
  expect(readdirSync(folder)).toEqual(["secret"]);
});
