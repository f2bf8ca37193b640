import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Installation } from "../../src/credential-process/launcher.ts";
import { getLauncherPath, installLauncher, isFromNpxCache } from "../../src/credential-process/write-launcher.ts";
import { node, temporaryFolder } from "../helpers/world.ts";
import { always, answer } from "./shells.ts";

function installation(): Installation {
  const folder = temporaryFolder();
  const paths = { config: join(folder, "config"), credentials: join(folder, "credentials") };
  return { store: join(folder, "fob"), paths, node: node, program: join(folder, "fob.js") };
}

const modeOf = (path: string): number => statSync(path).mode & 0o777;

test("a launcher runs by itself, and is its owner's alone", () => {
  const made = installation();
  const path = installLauncher(made);
  expect(path).toBe(getLauncherPath(made.store));
  expect([made.store, join(made.store, "bin"), path].map(modeOf)).toEqual([0o700, 0o700, 0o700]);
  mkdirSync(join(made.store, "sessions"));
  writeFileSync(join(made.store, "sessions", "work"), `fob1 ${always} work\n${answer}\n{"installedFor":""}\n`);
  expect(execFileSync(path, ["work"], { encoding: "utf8", env: {} })).toBe(`${answer}\n`);
});

test("installing again replaces an old launcher, leaves the modes of its folders, and nothing else behind", () => {
  const made = installation();
  const path = installLauncher(made);
  for (const loose of [made.store, join(made.store, "bin"), path]) chmodSync(loose, 0o755);
  installLauncher({ ...made, node: "/another/node" });
  expect(readFileSync(path, "utf8")).toContain("fob_node='/another/node'");
  expect([made.store, join(made.store, "bin"), path].map(modeOf)).toEqual([0o755, 0o755, 0o700]);
  expect(readdirSync(join(made.store, "bin"))).toEqual(["fob-credential-process"]);
});

test("what is no file of fob's is not replaced", () => {
  const made = installation();
  mkdirSync(join(made.store, "bin"), { recursive: true });
  writeFileSync(made.program, "the user's own");
  symlinkSync(made.program, getLauncherPath(made.store));
  expect(() => installLauncher(made)).toThrow("is not a regular file");
  expect(readFileSync(made.program, "utf8")).toBe("the user's own");
});

test.each([
  ["/home/alice/.npm/_npx/0c8a/node_modules/aws-fob/bin/fob", true],
  ["C:\\Users\\Alice\\AppData\\Local\\npm-cache\\_npx\\0c8a\\node_modules\\aws-fob\\bin\\fob", true],
  ["/usr/lib/node_modules/aws-fob/bin/fob", false],
  ["/home/my_npx/node_modules/aws-fob/bin/fob", false],
])("%s is in the cache of npx: %s", (program, isThere) => {
  expect(isFromNpxCache(program)).toBe(isThere);
});
