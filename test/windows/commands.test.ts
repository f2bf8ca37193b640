// What a person types into cmd, and what programs of Windows get.
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mayHoldSecrets } from "../helpers/leaks.ts";
import { keyIdOf } from "../helpers/sessions.ts";
import { pathForFob } from "../helpers/windows.ts";
import { execute, makeWorld, node, program, type RunOptions, type World } from "../helpers/world.ts";

const all = { shows: ["secret access key", "session token"] } as const;

async function loggedIn(): Promise<World> {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  return world;
}

/** Has cmd run a batch file; `fob` in it is the built program. */
function cmd(world: World, lines: readonly string[], options?: RunOptions) {
  const folder = join(world.home, "cmd");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "fob.cmd"), `@"${node}" "${program}" %*\r\n`);
  const file = join(folder, "typed.cmd");
  writeFileSync(file, ["@echo off", ...lines, ""].join("\r\n"));
  const env = { ...world.env, PATH: `C:\\windows\\system32;${pathForFob(folder)}`, ...options?.env };
  return execute("cmd.exe", ["/d", "/c", pathForFob(file)], { ...options, env });
}

const variablesIn = (output: string): Record<string, string> =>
  Object.fromEntries([...output.matchAll(/^(AWS_\w+)=(.*?)\r?$/gm)].map(([, name = "", value = ""]) => [name, value]));

test("cmd runs what fob env --shell cmd prints, and has the same variables as fob env --shell json", async () => {
  const world = await loggedIn();
  const printed = JSON.parse((await world.fob(["env", "work", "--shell", "json"])).stdout) as Record<string, string>;
  const script = join(world.home, "variables.cmd");
  writeFileSync(script, (await world.fob(["env", "work"])).stdout);
  mayHoldSecrets(script);
  const env = { AWS_PROFILE: "other", AWS_ENDPOINT_URL: undefined };
  const { stdout } = await cmd(world, [`call ${pathForFob(script)}`, "set AWS_"], { ...all, env });
  expect(variablesIn(stdout)).toEqual(printed);
});

test("fob behind && and || runs by its exit code, and the name of the session profile can be kept", async () => {
  const world = await loggedIn();
  const keep = `for /f %%p in ('fob login work') do set AWS_PROFILE=%%p`;
  const { stdout } = await cmd(world, [keep, "echo %AWS_PROFILE%", "call fob status --check && echo valid"]);
  expect(stdout).toContain("work-mfa\r\n");
  expect(stdout).toContain("valid\r\n");
});

test("a mfa_process with blanks and quotes is run by cmd", async () => {
  const world = await makeWorld();
  const folder = join(world.home, "my tools & more");
  mkdirSync(folder);
  writeFileSync(join(folder, "code.txt"), `${world.device.code()}\r\n`);
  mayHoldSecrets(join(folder, "code.txt"));
  appendFileSync(world.configPath, `mfa_process = type "${pathForFob(join(folder, "code.txt"))}"\n`);
  expect(await world.fob(["login", "work"])).toMatchObject({ status: 0, stdout: "work-mfa\n" });
});

test("the SDK for JavaScript runs what --install writes, also where Node.js and fob are in folders with blanks", async () => {
  const world = await makeWorld();
  await world.fob(["credential-process", "--install", "work"]);
  const line = /^credential_process = Z:\/.*\/node\.exe Z:\/.*\/bin\/fob credential-process work-mfa --endpoint-url /m;
  expect(world.config()).toMatch(line);
  await world.fob(["login", "work", "--code", world.device.code()]);
  const identity = join(import.meta.dirname, "../interop/clients/identity.mjs");
  const who = async () =>
    await execute(node, [pathForFob(identity)], { env: { ...world.env, AWS_PROFILE: "work-mfa" } });
  expect((await who()).stdout).toBe(`${keyIdOf(world)} ${world.user.arn}\n`);
  const folder = join(world.home, "my programs (ü)");
  mkdirSync(folder);
  writeFileSync(join(folder, "fob.js"), `require(${JSON.stringify(program)})`);
  const moved = world.config().replace(/Z:\/\S*\/bin\/fob/, pathForFob(join(folder, "fob.js")).replaceAll("\\", "/"));
  writeFileSync(world.configPath, moved.replace(/(Z:\/\S* \S* \S*fob\.js)/, '"$1"'));
  expect((await who()).stdout).toBe(`${keyIdOf(world)} ${world.user.arn}\n`);
});
