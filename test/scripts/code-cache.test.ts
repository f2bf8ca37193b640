// What a start costs: the code cache that the build makes is used, and a program without a usable one works as well.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Script } from "node:vm";
import { expect, test } from "vitest";
import { execute, makeWorld, node, program, temporaryFolder } from "../helpers/world.ts";

const root = dirname(dirname(program));
const wrap = (file: string): string => `(function (exports, require, module) {${readFileSync(file, "utf8")}\n})`;

const cached = readdirSync(join(root, "dist")).flatMap((file) => /^(.*)\.js\.cache$/.exec(file)?.[1] ?? []);

test.skipIf(process.env.FOB_TEST_NODE !== undefined).each(cached)("V8 accepts the code cache of %s.js", (name) => {
  const filename = join(root, `dist/${name}.js`);
  const cachedData = readFileSync(`${filename}.cache`);
  expect(new Script(wrap(filename), { filename, cachedData }).cachedDataRejected).toBe(false);
});

test.each([
  ["missing", undefined],
  ["empty", ""],
  ["of another version", "another version"],
])("fob works with a code cache that is %s", async (_, content) => {
  const world = await makeWorld();
  const copy = temporaryFolder();
  mkdirSync(join(copy, "bin"));
  for (const name of ["bin/fob", "dist", "package.json"])
    cpSync(join(root, name), join(copy, name), { recursive: true });
  for (const name of cached) {
    const cache = join(copy, `dist/${name}.js.cache`);
    if (content === undefined) rmSync(cache);
    else writeFileSync(cache, content);
  }
  const { status, stdout } = await execute(node, [join(copy, "bin/fob"), "login", "work", "--code-stdin"], {
    env: world.env,
    input: world.device.code(),
  });
  expect({ status, stdout }).toEqual({ status: 0, stdout: "work-mfa\n" });
});

test("fob status loads no slow module of Node.js", async () => {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  const preload = join(temporaryFolder(), "list.cjs");
  writeFileSync(preload, 'process.on("exit", () => console.error(process.moduleLoadList.join()));');
  const { status, stderr } = await world.fob(["status"], { env: { NODE_OPTIONS: `--require ${preload}` } });
  expect(status).toBe(0);
  expect(stderr).toContain("NativeModule fs");
  expect(stderr).not.toMatch(/NativeModule (crypto|child_process|http|net|readline)\b(?!\/)/);
});
