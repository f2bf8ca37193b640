// What a power cut may not take: the content of a file is on the disk before it gets the file's name.
import { readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { expect, test } from "vitest";
import { sessionFile } from "../helpers/sessions.ts";
import { makeWorld } from "../helpers/world.ts";

test("every file that is replaced is flushed before the rename, and its folder after it", async () => {
  const world = await makeWorld();
  const log = join(world.home, "calls");
  const env = {
    CALLS_HOME: join(world.home, ".aws"),
    CALLS_LOG: log,
    NODE_OPTIONS: `--require ${resolve(import.meta.dirname, "../helpers/calls.cjs")}`,
  };
  const { status } = await world.fob(["login", "work", "--code", world.device.code()], { env });
  expect(status).toBe(0);

  const calls = readFileSync(log, "utf8").trimEnd().split("\n");
  const renamed = calls.filter((call) => call.startsWith("renameSync ")).map((call) => call.split(" "));
  const files = [sessionFile(world), world.credentialsPath, world.configPath];
  expect(renamed.map(([, , file]) => file).sort()).toEqual(files.sort());
  for (const [, temporary = "", file = ""] of renamed) {
    const own = calls.flatMap((call) => {
      const [name = "", path = "", to = ""] = call.split(" ");
      const isOfFile = path === temporary || (name === "fsyncSync" && path === dirname(file));
      return isOfFile ? `${name} ${basename(to || path)}` : [];
    });
    const rename = own.indexOf(`renameSync ${basename(file)}`);
    const written = own.lastIndexOf(`writeSync ${basename(temporary)}`);
    const flushed = own.lastIndexOf(`fsyncSync ${basename(temporary)}`);
    expect([written >= 0, flushed > written, rename > flushed]).toEqual([true, true, true]);
    expect(own.slice(rename)).toContain(`fsyncSync ${basename(dirname(file))}`);
  }
});
