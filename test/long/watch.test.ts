// `fob refresh --watch` through what a day brings: the end of a session, sleep, a clock that is set, no network.
import { writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { endsIn } from "../helpers/sessions.ts";
import { makeWorld, type OnTerminal, type World } from "../helpers/world.ts";

const clock = resolve(import.meta.dirname, "../helpers/clock.cjs");
const tokenOf = (world: World): string | undefined => /aws_session_token = (\S+)/.exec(world.credentials())?.[1];

/** Logs in, gives the profile a `mfa_process`, and starts a watcher whose clock can be set. */
async function watch(world: World, env: Record<string, string> = {}) {
  await world.fob(["login", "work", "--code", world.device.code(Date.now() - 30_000)], { env });
  const command = `mfa_process = ${world.commandThatPrints(world.device.code())}\n`;
  writeFileSync(world.configPath, world.config().replace("[profile work]\n", `[profile work]\n${command}`));
  const file = join(world.home, "clock");
  /** Seconds by which it is wrong. */
  const setClock = (seconds: number): void => writeFileSync(file, String(seconds));
  setClock(0);
  const preload = { NODE_OPTIONS: `--require ${clock}`, CLOCK: file };
  const run = world.fobOnTerminal(["refresh", "--watch"], { env: { ...env, ...preload } });
  await run.shows(/work-mfa +work +\d+ +valid/);
  return { run, setClock };
}

async function end(run: OnTerminal): Promise<void> {
  run.type("\u0003");
  expect((await run.ended).status).toBe(130);
}

test("with a mfa_process it renews by itself, also when the session has run out while the computer slept", async () => {
  const world = await makeWorld();
  const { run } = await watch(world);
  const old = tokenOf(world);
  endsIn(world, -3600);
  await run.shows('"work-mfa" is valid until');
  await run.shows(/work-mfa +work +\d+ +valid/);
  expect(tokenOf(world)).not.toBe(old);
  expect(world.calls("GetSessionToken")).toBe(2);
  await end(run);
}, 60_000);

test("a clock that is set forward and back neither ends it nor makes it ask too early", async () => {
  const world = await makeWorld();
  const { run, setClock } = await watch(world);
  setClock(-7200);
  await run.shows(/work-mfa +work +\d+ +valid +\S+ 13 h/);
  setClock(7200);
  await run.shows(/work-mfa +work +\d+ +valid +\S+ 9 h/);
  expect(world.calls("GetSessionToken")).toBe(1);
  await end(run);
}, 60_000);

test("while the network is away it says so once, and it renews when it is back", async () => {
  const world = await makeWorld();
  const way = await wayTo(world.sandbox.url);
  const { run, setClock } = await watch(world, { AWS_ENDPOINT_URL: way.url });
  way.close();
  endsIn(world, 600);
  await run.shows("fob: error:");
  await run.shows(/work-mfa +work +\d+ +expiring/);
  const tries = way.tries();
  // A minute later it tries again, in vain, and has nothing new to say.
  setClock(61);
  await expect.poll(way.tries, { timeout: 30_000 }).toBeGreaterThan(tries);
  way.open();
  setClock(122);
  await run.shows('"work-mfa" is valid until');
  expect(run.screen().match(/fob: error:/g)).toHaveLength(1);
  await end(run);
}, 120_000);

/** An address that leads to a server, or nowhere. */
async function wayTo(server: string) {
  let isOpen = true;
  let tries = 0;
  const gate = createServer((from) => {
    from.on("error", () => undefined);
    tries += 1;
    if (!isOpen) {
      from.destroy();
      return;
    }
    const to = connect(Number(new URL(server).port), "127.0.0.1").on("error", () => undefined);
    from.pipe(to).pipe(from);
  });
  await new Promise<void>((done) => gate.listen(0, "127.0.0.1", done));
  onTestFinished(() => {
    gate.close();
  });
  return {
    url: `http://127.0.0.1:${(gate.address() as AddressInfo).port}`,
    open() {
      isOpen = true;
    },
    close() {
      isOpen = false;
    },
    tries: () => tries,
  };
}
