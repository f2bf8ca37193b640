// Many programs that need a session at the same moment.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sessionFile } from "../helpers/sessions.ts";
import { makeWorld, type World } from "../helpers/world.ts";

/** Starts 200 at once; what they answer is kept as a hash. */
const twoHundred = `for i in $(seq 200); do fob credential-process work-mfa 2>error-$i </dev/null | sha256sum >answer-$i & done; wait`;

function assertAnswered(world: World): void {
  const answer = `${readFileSync(sessionFile(world), "utf8").split("\n")[1] ?? ""}\n`;
  const hash = createHash("sha256").update(answer).digest("hex");
  const read = (name: string) =>
    Array.from({ length: 200 }, (_, index) => readFileSync(join(world.home, `${name}-${index + 1}`), "utf8"));
  expect(new Set(read("answer"))).toEqual(new Set([`${hash}  -\n`]));
  expect([...new Set(read("error"))].join("")).toMatch(/^(fob: warning: the code goes to .*\n)?$/);
  expect(world.calls("GetSessionToken")).toBe(1);
}

test("200 programs that need a session at once, on a terminal: one question, one call of STS, one answer", async () => {
  const world = await makeWorld();
  const run = world.shellOnTerminal(twoHundred, { cwd: world.home });
  await run.shows("Code for");
  run.type(`${world.device.code()}\r`);
  expect((await run.ended).status).toBe(0);
  assertAnswered(world);
}, 120_000);

test("200 programs that need a session at once, without a terminal: one run of mfa_process, one call of STS", async () => {
  const world = await makeWorld();
  const counting = `echo run >> ${join(world.home, "runs")}; ${world.commandThatPrints(world.device.code())}`;
  writeFileSync(world.configPath, `${world.config()}mfa_process = ${counting}\n`);
  const run = world.shellOnTerminal(`export -f fob; setsid -w bash -c '${twoHundred}'`, { cwd: world.home });
  expect((await run.ended).status).toBe(0);
  assertAnswered(world);
  expect(readFileSync(join(world.home, "runs"), "utf8")).toBe("run\n");
}, 120_000);
