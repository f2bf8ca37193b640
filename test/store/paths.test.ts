import { expect, test } from "vitest";
import { encodeFileName } from "../../src/store/paths.ts";

test("no name of a profile is a file that a system takes for another one", () => {
  const names = [
    "work",
    "Work",
    "work.",
    "work%2e",
    ".work",
    "a/b",
    "a\\b",
    "a:b",
    "a b",
    "ü",
    "con",
    "con.txt",
    "CON",
  ];
  const files = names.map(encodeFileName);
  expect(new Set(files.map((file) => file.toLowerCase())).size).toBe(names.length);
  // What Windows refuses, shortens or takes for a device.
  for (const file of files) expect(file).not.toMatch(/[^a-z0-9_@+=%.-]|^\.|\.$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/);
  expect(["team.prod", "console", "com10", "work-mfa"].map(encodeFileName)).toEqual([
    ...["team.prod", "console", "com10", "work-mfa"],
  ]);
});
