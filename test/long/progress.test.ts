// You see what fob waits for, and nothing of it is left on the terminal.
import { createServer, request as forward } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { scenarios } from "../../src/sandbox/scenarios.ts";
import { renderScreen } from "../helpers/screen.ts";
import { makeWorld, type World } from "../helpers/world.ts";

/** The local AWS behind a line on which every answer takes as long; seconds are a twentieth for the program. */
async function slowDown(world: World): Promise<Record<string, string>> {
  const server = createServer((incoming, answer) => {
    const { method, url = "/", headers } = incoming;
    const to = forward(new URL(url, world.sandbox.url), { method, headers }, (response) => {
      void sleep(400).then(() => {
        answer.writeHead(response.statusCode ?? 500, response.headers);
        response.pipe(answer);
      });
    });
    // A program that is ended hangs up.
    for (const side of [incoming, to]) side.on("error", () => undefined);
    incoming.pipe(to);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const fast = resolve(import.meta.dirname, "../helpers/fast-timers.cjs");
  const { port } = server.address() as AddressInfo;
  return { AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`, NODE_OPTIONS: `--require ${fast}` };
}

test("what fob waits for is on the terminal after a second, and gone when it is done", async () => {
  const world = await makeWorld({ config: "[profile work]\nregion = eu-central-1\n" });
  const env = await slowDown(world);
  const run = world.fobOnTerminal(["login", "work"], { env });
  await run.shows("Asking AWS…");
  await run.shows("Code for");
  run.type(`${world.device.code()}\r`);
  await run.shows("Checking the code…");
  const { status } = await run.ended;
  expect(status).toBe(0);
  for (const text of ["Asking AWS…", "Checking the code…"]) expect(run.raw()).toContain(`${text}\r\u001b[K`);
});

test("it is not shown where stderr is no terminal, nor where the terminal cannot take it back", async () => {
  const world = await makeWorld();
  const env = await slowDown(world);
  const { stderr } = await world.fob(["login", "work", "--code", world.device.code()], { env });
  expect(stderr).not.toContain("…");
  const args = ["login", "work", "--force", "--code", world.device.code(Date.now() + 30_000)];
  const { screen } = await world.fobOnTerminal(args, { env: { ...env, TERM: "dumb" } }).ended;
  expect(screen).toMatch(/is valid until/);
  expect(screen).not.toMatch(/Checking|Asking/);
});

test("how many users have been read is on the terminal, and gone when all are", async () => {
  const world = await makeWorld();
  for (let number = 0; number < 250; number++) world.sandbox.addUser({ name: `user-${number}` });
  const env = await slowDown(world);
  await world.fob(["login", "work", "--code", world.device.code()], { env });
  const args = ["policy", "simulate", "--account", "--user", "user-7", "--profile", "work", "--action", "iam:GetUser"];
  const run = world.fobOnTerminal(args, { env });
  await run.shows("Reading the account: 100 users…");
  await run.shows("Reading the account: 200 users…");
  await run.ended;
  const shown = renderScreen(run.raw(), 200);
  expect(shown).toContain(`as ${world.user.arn} in 123456789012`);
  expect(shown).not.toMatch(/Reading|Asking/);
});

test("nothing is drawn over a question, and what was waited for before is not shown again", async () => {
  const world = await makeWorld({ fill: scenarios.team });
  const env = await slowDown(world);
  await world.fob(["login", "work", "--code", world.device.code()], { env });
  const run = world.fobOnTerminal(["rollout", "canary", "--no-console", "--profile", "work"], { env });
  await run.shows("Reading passwords: ");
  await run.shows("to do it:");
  // Longer than it takes until a text is drawn again.
  await sleep(1000);
  const asked = renderScreen(run.raw(), 200);
  run.type("123456789012\r");
  await run.shows("create the policy");
  const before = run.screen().length;
  await run.shows("create the group");
  expect(run.screen().slice(before)).not.toContain("Reading");
  run.kill("SIGTERM");
  await run.ended;
  expect(asked).toMatch(/\nfob: Type the account number \(123456789012\) to do it:\s*$/);
});
