// What a power cut may not take: the content of a file is on the disk before it gets the file's name.
import { appendFileSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { expect, test } from "vitest";
import { sessionFile } from "../helpers/sessions.ts";
import { keysOf, makeWorld, type World } from "../helpers/world.ts";

/** The file-system calls of a login on files in `~/.aws`, each as its function and the files. */
async function callsOfLogin(world: World, ...args: string[]): Promise<string[][]> {
  const log = join(world.home, "calls");
  const env = {
    CALLS_HOME: join(world.home, ".aws"),
    CALLS_LOG: log,
    NODE_OPTIONS: `--require ${resolve(import.meta.dirname, "../helpers/calls.cjs")}`,
  };
  const { status } = await world.fob(["login", "work", ...args, "--code", world.device.code()], { env });
  expect(status).toBe(0);
  return readFileSync(log, "utf8")
    .trimEnd()
    .split("\n")
    .map((call) => call.split(" "));
}

test("every file that is replaced is flushed before the rename, and its folder after it", async () => {
  const world = await makeWorld();
  const calls = await callsOfLogin(world);
  const renamed = calls.filter(([name]) => name === "renameSync");
  const files = [sessionFile(world), world.credentialsPath, world.configPath];
  expect(renamed.map(([, , file]) => file).sort()).toEqual(files.sort());
  for (const [, temporary = "", file = ""] of renamed) {
    const own = calls.flatMap(([name = "", path = "", to = ""]) => {
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

test("the backup of --replace-long-term is flushed before the file that it is of is replaced", async () => {
  const world = await makeWorld();
  appendFileSync(
    world.credentialsPath,
    keysOf("work-mfa", { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "x" }),
  );
  const calls = (await callsOfLogin(world, "--replace-long-term")).map((call) => call.join(" "));
  const backup = calls.find((call) => /^openSync .*fob-backup-\w+$/.test(call))?.split(" ")[1] ?? "";
  const written = calls.lastIndexOf(`writeSync ${backup}`);
  const flushed = calls.lastIndexOf(`fsyncSync ${backup}`);
  const folder = calls.indexOf(`fsyncSync ${dirname(backup)}`, flushed);
  const replaced = calls.findIndex((call) => call.startsWith("renameSync ") && call.endsWith(world.credentialsPath));
  expect([written >= 0, flushed > written, folder > flushed, replaced > folder]).toEqual([true, true, true, true]);
});
