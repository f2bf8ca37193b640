// Making files where the file system does not play along.
import * as files from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { openNew } from "../../src/files/create.ts";
import { temporaryFolder } from "../helpers/world.ts";

vi.mock("node:fs", { spy: true });
afterEach(() => vi.resetAllMocks());

test("where a file cannot be given a mode (FAT, CIFS) none is left, on the disk or open", () => {
  const path = join(temporaryFolder(), "file");
  let descriptor = -1;
  vi.mocked(files.fchmodSync).mockImplementation((given) => {
    descriptor = given;
    throw Object.assign(new Error("EPERM: operation not permitted"), { code: "EPERM" });
  });
  expect(() => openNew(path)).toThrow("EPERM");
  expect(files.existsSync(path)).toBe(false);
  expect(() => files.fstatSync(descriptor)).toThrow("EBADF");
});
