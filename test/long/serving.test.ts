// Programs that wait for one session, each with a terminal of its own: what happens to the others when the one that asks
// is killed, is refused, gets no answer, or when a clock is set.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { dirname, join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { holderOf, signsOfLife } from "../files/children.ts";
import { endsIn, sessionFile, sessionLines } from "../helpers/sessions.ts";
import { keysOf, makeWorld, type OnTerminal, type World } from "../helpers/world.ts";
import { startFront } from "../network/servers.ts";

const serve = ["credential-process", "work-mfa", "--debug", "--reveal"];
const preloaded = (name: string, env: Record<string, string>): Record<string, string> => ({
  NODE_OPTIONS: `--require ${resolve(import.meta.dirname, `../helpers/${name}.cjs`)}`,
  ...env,
});

const ask = (world: World, env?: Record<string, string>): OnTerminal => world.fobOnTerminal(serve, env ? { env } : {});
const lockOf = (world: World): string => join(world.home, ".aws/fob/locks/session-work-mfa");
const stored = (world: World): string => readFileSync(sessionFile(world), "utf8").split("\n")[1] ?? "";
const answerOn = (screen: string): string => /^\{"Version".*$/m.exec(screen)?.[0] ?? "";
const next = (world: World, turn: number): string => `${world.device.code(Date.now() + 30_000 * turn)}\r`;

/** Those that wait while another process prompts. */
async function waiting(world: World, count: number, env?: Record<string, string>): Promise<OnTerminal[]> {
  const others = Array.from({ length: count }, () => ask(world, env));
  await Promise.all(others.map((other) => other.shows("waiting for another fob")));
  return others;
}

/** The first of them that asks. */
const asking = (runs: readonly OnTerminal[]): Promise<OnTerminal> =>
  Promise.any(runs.map((run) => run.shows("Code for").then(() => run)));

/** All of them answer with the session in the store, and so many of them have asked. */
async function assertAnswered(world: World, runs: readonly OnTerminal[], asked: number): Promise<void> {
  const ends = await Promise.all(runs.map((run) => run.ended));
  expect(ends.map(({ screen, status }) => [status, answerOn(screen)])).toEqual(runs.map(() => [0, stored(world)]));
  expect(ends.filter(({ screen }) => screen.includes("Code for"))).toHaveLength(asked);
  expect(world.credentials()).toBe([before(world), ...sessionLines(stored(world)), ""].join("\n"));
  expect(readdirSync(dirname(sessionFile(world)))).toEqual(["work-mfa"]);
}

const before = ({ user }: World): string => keysOf("work", user.accessKey);

test("when the one that asks is killed, another one asks at once, and the answer to it is everybody's", async () => {
  const world = await makeWorld();
  const first = ask(world);
  await first.shows("Code for");
  const others = await waiting(world, 3);
  const killed = performance.now();
  first.kill("SIGKILL");
  const second = await asking(others);
  expect(performance.now() - killed).toBeLessThan(10_000);
  second.type(next(world, 0));
  await assertAnswered(world, others, 1);
  expect(world.calls("GetSessionToken")).toBe(1);
});

test("on one terminal as well the next one asks when the one that asks is killed", async () => {
  const world = await makeWorld();
  const one = "fob credential-process work-mfa --debug 2>said-$i </dev/null | sha256sum >answer-$i";
  const run = world.shellOnTerminal(`for i in 1 2 3 4; do ${one} & done; wait`, { cwd: world.home });
  const all = (name: string) => [1, 2, 3, 4].map((index) => readFileSync(join(world.home, `${name}-${index}`), "utf8"));
  await run.shows("Code for");
  const isWaiting = () => all("said").filter((said) => said.includes("waiting for another fob")).length;
  await expect.poll(isWaiting, { timeout: 20_000 }).toBe(3);
  process.kill(holderOf(lockOf(world)).pid, "SIGKILL");
  await run.shows("Code for");
  run.type(next(world, 0));
  expect((await run.ended).status).toBe(0);
  const hash = (text: string): string => `${createHash("sha256").update(text).digest("hex")}  -\n`;
  const answer = hash(`${stored(world)}\n`);
  expect(all("answer").sort()).toEqual([answer, answer, answer, hash("")].sort());
  expect(world.calls("GetSessionToken")).toBe(1);
});

test("waiting processes may be killed: no other notices, and no lock is left", async () => {
  const world = await makeWorld();
  const first = ask(world);
  await first.shows("Code for");
  const { id } = holderOf(lockOf(world));
  const [one, two, ...others] = await waiting(world, 4);
  for (const killed of [one, two]) {
    killed?.kill("SIGKILL");
    await killed?.ended;
  }
  await signsOfLife(lockOf(world), 1);
  expect(holderOf(lockOf(world)).id).toBe(id);
  first.type(next(world, 0));
  await assertAnswered(world, [first, ...others], 1);
  expect(world.calls("GetSessionToken")).toBe(1);
});

test("killed before AWS's answer has reached it, the one that asks leaves the question to the next one", async () => {
  const world = await makeWorld();
  const asked: OnTerminal[] = [];
  const front = await startFront({
    to: world.sandbox.url,
    reply({ action, before: earlier }) {
      if (action === "GetSessionToken" && earlier === 0) asked[0]?.kill("SIGKILL");
      return "forward";
    },
  });
  const env = { AWS_ENDPOINT_URL: front.url };
  const first = ask(world, env);
  asked.push(first);
  await first.shows("Code for");
  const others = await waiting(world, 2, env);
  first.type(next(world, -1));
  const second = await asking(others);
  expect(world.credentials()).toBe(before(world));
  second.type(next(world, 0));
  await assertAnswered(world, others, 1);
  expect(world.calls("GetSessionToken")).toBe(2);
});

test.each([
  ["before it has put the session in its place", "^renameSync$", "1"],
  ["before it has written the credentials", "^renameSync$", "2"],
])(
  "killed %s, the one that asks has not asked for nothing: all others answer with that session",
  async (_, at, call) => {
    const world = await makeWorld();
    const first = ask(
      world,
      preloaded("faults", { FAULT_HOME: world.home, FAULT: "kill", FAULT_CALLS: at, FAULT_AT: call }),
    );
    await first.shows("Code for");
    const others = await waiting(world, 2);
    first.type(next(world, 0));
    expect(answerOn((await first.ended).screen)).toBe("");
    await assertAnswered(world, others, 0);
    expect(world.calls("GetSessionToken")).toBe(1);
  },
);

const hour = 3600;

function clockOf(world: World, name: string, seconds: number) {
  const CLOCK = join(world.home, `clock-${name}`);
  const set = (to: number): void => writeFileSync(CLOCK, String(to));
  set(seconds);
  return { set, env: preloaded("clock", { CLOCK }) };
}

test("a session that has expired by this computer's clock is not served, and is served again when the clock is right", async () => {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  await world.fob(["credential-process", "--install", "work"]);
  const file = readFileSync(sessionFile(world), "utf8");
  const answer = `${stored(world)}\n`;
  const clock = clockOf(world, "one", 0);
  // The second of them is answered by a look at the session file alone.
  for (const args of [[], ["--endpoint-url", world.sandbox.url]]) {
    const answerAt = async (seconds: number) => {
      clock.set(seconds);
      return await world.fob(["credential-process", "work-mfa", ...args], { env: clock.env });
    };
    expect(await answerAt(13 * hour)).toMatchObject({ status: 4, stdout: "" });
    expect(await answerAt(12 * hour - 600)).toMatchObject({
      status: 0,
      stdout: answer,
      stderr: expect.stringMatching(/^fob: warning: .* expire in \d+ min\n$/) as string,
    });
    for (const seconds of [-hour, -10_000 * hour, 0]) {
      expect(await answerAt(seconds)).toMatchObject({ status: 0, stdout: answer, stderr: "" });
    }
  }
  // fob could prompt, but AWS takes no request from a clock that is hours wrong: no code is asked for in vain.
  clock.set(13 * hour);
  const asked = await world.fobOnTerminal(serve, { env: clock.env }).ended;
  expect(asked).toMatchObject({ status: 1, screen: expect.stringMatching(/error: .*clock/) as string });
  expect(readFileSync(sessionFile(world), "utf8")).toBe(file);
  expect(world.calls("GetSessionToken")).toBe(1);
});

test("a clock that is set during a prompt ends no prompt, no wait and no lock", async () => {
  const world = await makeWorld();
  const clock = clockOf(world, "first", 0);
  const first = ask(world, clock.env);
  await first.shows("Code for");
  const { id } = holderOf(lockOf(world));
  const clocks = [-6 * hour, 6 * hour].map((seconds) => clockOf(world, String(seconds), seconds));
  const others = (await Promise.all(clocks.map(({ env }) => waiting(world, 1, env)))).flat();
  for (const seconds of [6 * hour, -6 * hour, 0]) {
    clock.set(seconds);
    for (const { set } of clocks) set(-seconds);
    await signsOfLife(lockOf(world), 2);
    expect(holderOf(lockOf(world)).id).toBe(id);
  }
  first.type(next(world, 0));
  await assertAnswered(world, [first, ...others], 1);
  expect(world.calls("GetSessionToken")).toBe(1);
});

test("a refusal counts for all who wait and for ten seconds, and not because a clock is set back", async () => {
  const world = await makeWorld();
  const first = ask(world);
  await first.shows("Code for");
  const others = await waiting(world, 3);
  first.type("\u0003");
  expect((await first.ended).status).toBe(130);
  const soon = ask(world, clockOf(world, "soon", 3).env);
  for (const { status, screen } of await Promise.all([...others, soon].map((other) => other.ended))) {
    expect(status).toBe(4);
    expect(screen).toMatch(
      /^fob: error: cancelled \(a moment ago; fob will prompt again in ten seconds\)\nhint: fob login work-mfa\n$/m,
    );
    expect(screen).not.toContain("Code for");
  }
  for (const seconds of [11, -60]) {
    const later = ask(world, clockOf(world, String(seconds), seconds).env);
    await later.shows("Code for");
    later.type("\u0003");
    await later.ended;
  }
});

test("a login that waits asks when a program's question is refused", async () => {
  const world = await makeWorld();
  const first = ask(world);
  await first.shows("Code for");
  const login = world.fobOnTerminal(["login", "work"]);
  await login.shows("waiting for another fob");
  first.type("\u0003");
  await login.shows("Code for");
  login.type(next(world, 0));
  expect((await login.ended).status).toBe(0);
});

test("without an answer it ends within a minute of its start: with an error, or with credentials that are old", async () => {
  const worlds = await Promise.all([makeWorld(), makeWorld(), makeWorld()]);
  const [unanswered, old, held] = worlds;
  await old.fob(["login", "work", "--code", old.device.code()]);
  const oldAnswer = endsIn(old, 600);
  const login = held.fobOnTerminal(["login", "work"]);
  // No device is chosen; the source's own command does not end; AWS does not say which devices there are.
  const withoutDevice = { config: "[profile work]\nregion = eu-central-1\n" };
  const choosing = await makeWorld(withoutDevice);
  choosing.sandbox.addVirtualDevice(choosing.user.name, "second");
  const process = "[profile work]\nregion = eu-central-1\ncredential_process = sleep 600\n";
  const hanging = await makeWorld({ credentials: "", config: process });
  const silent = await makeWorld(withoutDevice);
  const unheard = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void unheard.close());
  await once(unheard, "listening");
  const url = `http://127.0.0.1:${(unheard.address() as AddressInfo).port}`;
  const stuck = [timed(choosing), timed(hanging), timed(silent, { AWS_ENDPOINT_URL: url })];

  const alone = timed(unanswered);
  const renewing = timed(old);
  await Promise.all([login, alone.run, renewing.run].map((run) => run.shows("Code for")));
  const [beside, behind] = [timed(unanswered), timed(held)];
  await Promise.all([beside, behind].map(({ run }) => run.shows("waiting for another fob")));

  const ends = await Promise.all([alone, beside, renewing, behind].map(({ end }) => end));
  expect(ends.map(({ status }) => status)).toEqual([4, 4, 0, 4]);
  for (const { seconds } of ends) expect(seconds).toBeLessThan(60);
  for (const { seconds } of [ends[0], ends[2], ends[3]].filter((end) => end !== undefined)) {
    expect(seconds).toBeGreaterThan(50);
  }
  const [chosen, given, listed] = await Promise.all(stuck.map(({ end }) => end));
  for (const { seconds } of [chosen, given, listed].filter((end) => end !== undefined)) {
    expect(seconds).toBeLessThan(60);
  }
  // What AWS does not answer is said after 20 s.
  expect([chosen?.status, given?.status, listed?.status]).toEqual([4, 4, 1]);
  const [first, second, third, fourth] = ends.map(({ screen }) => screen);
  expect(first).toMatch(/^fob: error: no code was entered in time; .*\nhint: fob login work-mfa\n$/m);
  expect(second).toMatch(/^fob: error: no code was entered in time; .*\nhint: fob login work-mfa\n$/m);
  expect(third).toMatch(/^fob: warning: no code was entered in time; .* expire in \d+ min\n/m);
  expect(answerOn(third ?? "")).toBe(oldAnswer);
  expect(fourth).toMatch(/^fob: error: no code was entered in time; .*\nhint: fob login work-mfa\n$/m);

  login.type(next(held, 0));
  expect((await login.ended).status).toBe(0);
  for (const world of worlds) expect(existsSync(lockOf(world))).toBe(false);
}, 120_000);

/** One that asks or waits, and how long it has lasted in the end. */
function timed(world: World, env?: Record<string, string>) {
  const began = performance.now();
  const run = ask(world, env);
  const end = run.ended.then((ended) => ({ ...ended, seconds: (performance.now() - began) / 1000 }));
  return { run, end };
}
