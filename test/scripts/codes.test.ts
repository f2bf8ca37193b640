import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { knowSecret } from "../helpers/secrets.ts";
import { skipOnWindows } from "../helpers/windows.ts";
import { keysOf, makeWorld, type World } from "../helpers/world.ts";

/** A world whose profile `work` gets its codes from a command. */
async function withProcess(command: (world: World) => string): Promise<World> {
  const world = await makeWorld();
  writeFileSync(world.configPath, `${world.config()}mfa_process = ${command(world)}\n`, { mode: 0o600 });
  return world;
}

test("a code can come on stdin", async () => {
  const world = await makeWorld();
  const { status, stdout } = await world.fob(["login", "work", "--code-stdin"], { input: `${world.device.code()}\n` });
  expect({ status, stdout }).toEqual({ status: 0, stdout: "work-mfa\n" });
});

test("stdin is not read unless that was asked for", async () => {
  const world = await makeWorld();
  expect((await world.fob(["login", "work"], { input: `${world.device.code()}\n` })).status).toBe(4);
});

test("what comes on stdin and is no code is not sent", async () => {
  const world = await makeWorld();
  for (const input of ["", "hello\n", "12345\n", "ccccccbcgujhingjrdejhgfnuetrgigvejhhgbkugded\n"]) {
    const { status, stderr } = await world.fob(["login", "work", "--code-stdin"], { input });
    expect(status).toBe(1);
    expect(stderr).toContain("fob: error: no code on stdin");
  }
  expect(world.calls("GetSessionToken")).toBe(0);
});

test("--code-stdin on a terminal is wrong usage", async () => {
  const world = await makeWorld();
  const { status, screen } = await world.fobOnTerminal(["login", "work", "--code-stdin"]).ended;
  expect(status).toBe(2);
  expect(screen).toContain("stdin is a terminal");
});

test("a wrong code that cannot be asked again fails at once", async () => {
  const world = await makeWorld();
  const wrong = world.device.code() === "000000" ? "000001" : "000000";
  const { status, stderr } = await world.fob(["login", "work", "--code", wrong]);
  expect(status).toBe(1);
  expect(stderr).toContain("fob: error: AWS rejected that code");
  expect(world.calls("GetSessionToken")).toBe(1);
});

test("a configured mfa_process gives the code, by the shell, and its stderr is shown", async () => {
  const world = await withProcess((w) => `echo touch it>&2 && ${w.commandThatPrints(` ${w.device.code()} \n`)}`);
  const { status, stderr } = await world.fob(["login", "work"]);
  expect(stderr).toMatch(/touch it ?\r?\n/);
  expect(status).toBe(0);
});

test("--code comes before mfa_process, and mfa_process before the terminal", async () => {
  const world = await withProcess((w) => `echo it ran >&2; ${w.commandThatPrints(w.device.code())}`);
  const { stderr } = await world.fob(["login", "work", "--code", world.device.code(Date.now() - 30_000)]);
  expect(stderr).not.toContain("it ran");
  const { status, screen } = await world.fobOnTerminal(["login", "work", "--force"]).ended;
  expect(status).toBe(0);
  expect(screen).toContain("it ran");
  expect(screen).not.toContain("Code for");
});

/** A command that asks on its stdin and stderr before it prints the code. */
const asking = (world: World): string =>
  `printf 'PIN: ' >&2; read -r pin; test "$pin" = 4711 && ${world.commandThatPrints(world.device.code())}`;

test.each([
  ["login", "fob login work </dev/null >/dev/null 2>&1"],
  ["credential-process", "fob credential-process work-mfa </dev/null >/dev/null 2>&1"],
])("an mfa_process can ask on the terminal under %s, whatever fob's own streams are", async (_, command) => {
  const world = await withProcess(asking);
  const run = world.shellOnTerminal(`${command}; echo ended with $?`);
  await run.shows("PIN: ");
  run.type("4711\r");
  await run.shows("ended with 0");
});

test("with --no-input, an mfa_process cannot prompt", async () => {
  const world = await withProcess(asking);
  const { status, screen } = await world.fobOnTerminal(["login", "work", "--no-input"]).ended;
  expect(status).toBe(1);
  expect(screen).toContain('the mfa_process of the profile "work" failed');
  expect(screen).toContain("hint: enter the code yourself: fob login work --code CODE\n");
  expect(screen).not.toContain("Code for");
});

test("an mfa_process of a background job is not stopped by the terminal", async () => {
  const world = await withProcess((w) => `cat; ${w.commandThatPrints(w.device.code())}`);
  const run = world.shellOnTerminal("set -m; fob login work & wait $!; echo ended with $?");
  await run.shows("ended with 0");
});

test("Ctrl-C at an mfa_process that asks on the terminal cancels, and asks no more", async () => {
  const world = await withProcess((w) => `trap 'exit 130' INT; ${asking(w)}`);
  const run = world.fobOnTerminal(["login", "work"]);
  await run.shows("PIN: ");
  run.type("\u0003");
  const { status, screen } = await run.ended;
  expect(status).toBe(130);
  expect(screen).not.toContain("Code for");
});

test.each([
  ["fails", () => "exit 7", "failed with exit code 7"],
  [
    "prints no code",
    (w: World) => w.commandThatPrints("12345"),
    "printed no code: a code has six digits; it printed 5",
  ],
])("when an mfa_process %s, you are asked on the terminal, as often as without one", async (_, command, why) => {
  const world = await withProcess(command);
  const wrong = world.device.code() === "000000" ? "000001" : "000000";
  const run = world.fobOnTerminal(["login", "work"]);
  await run.shows(`the mfa_process of the profile "work" ${why}`);
  await run.shows("Code for");
  run.type(`${wrong}\r`);
  await run.shows("AWS rejected that code");
  await run.shows("Code for");
  run.type(`${world.device.code()}\r`);
  expect((await run.ended).status).toBe(0);
});

test("when an mfa_process fails where you cannot be asked, the error tells how to give the code", async () => {
  const world = await withProcess(() => "exit 7");
  for (const args of [
    ["login", "work", "--duration", "8h"],
    ["refresh", "work"],
  ]) {
    const { status, stderr } = await world.fob(args);
    expect(status).toBe(1);
    expect(stderr).toContain("failed with exit code 7\nfob: hint: run it by hand to see why\n");
    const again = args[0] === "login" ? "fob login work --duration 8h" : "fob login work-mfa";
    expect(stderr).toContain(`fob: hint: enter the code yourself: ${again} --code CODE\n`);
  }
});

/** A world with a second profile of the same user and device, whose command prints these codes in turn, the last one again and again. */
async function withTwoProfiles(codes: (world: World) => readonly string[]): Promise<{ world: World; env: object }> {
  skipOnWindows("sh");
  const world = await makeWorld();
  const [count, CLOCK] = [join(world.home, "count"), join(world.home, "clock")];
  writeFileSync(CLOCK, "0");
  const prints = codes(world).map((code, index, all) => {
    const pattern = index === all.length - 1 ? "*" : String(index);
    return `${pattern}) ${world.commandThatPrints(code)} ;;`;
  });
  const script = join(world.home, "codes.sh");
  writeFileSync(
    script,
    // Whenever it runs, half a second of the code's 30 is left.
    `date +%s.%N | awk '{ printf "%.3f", 29.5 - $1 % 30 }' >${CLOCK}
    n=$(cat ${count} 2>/dev/null || echo 0); echo $((n + 1)) >${count}; case $n in ${prints.join(" ")} esac\n`,
  );
  appendFileSync(world.credentialsPath, `\n${keysOf("other", world.user.accessKey)}`);
  const device = `mfa_serial = ${world.device.serialNumber}\nmfa_process = sh ${script}\n`;
  writeFileSync(world.configPath, `[profile work]\n${device}[profile other]\nregion = eu-central-1\n${device}`);
  const preload = resolve(import.meta.dirname, "../helpers/clock.cjs");
  return { world, env: { AWS_REGION: "eu-central-1", CLOCK, NODE_OPTIONS: `--require ${preload}` } };
}

test("a code of a command that another session has used: the command is run again when the device shows the next", async () => {
  const now = Date.now();
  const { world, env } = await withTwoProfiles(({ device }) => {
    const code = device.code(now);
    return [code, code, device.code(now + 30_000)];
  });
  const { status, stderr } = await world.fob(["refresh", "work", "other"], { env: { ...env } });
  expect(stderr).toMatch(
    /fob: AWS rejected the code for "other-mfa", which "work-mfa" already used; waiting 1 s for the next one\n/,
  );
  expect(status).toBe(0);
  expect(world.calls("GetSessionToken")).toBe(3);
});

test("a command whose codes are wrong is run twice, and the error names the session", async () => {
  const wrong = ({ device }: World): string => (device.code() === "000000" ? "000001" : "000000");
  const { world, env } = await withTwoProfiles((made) => [wrong(made), wrong(made).replace(/.$/, "2")]);
  const { status, stderr } = await world.fob(["login", "other"], { env: { ...env } });
  expect(status).toBe(1);
  expect(stderr).toContain('fob: AWS rejected the code for "other-mfa"; waiting 1 s for the next one\n');
  expect(stderr).toContain('fob: error: AWS rejected two codes in a row for "other-mfa"\n');
  expect(stderr).toContain(`prints the codes of the device "${world.device.serialNumber}"`);
  expect(world.calls("GetSessionToken")).toBe(2);
});

test("a command that prints the refused code again is not run again and again", async () => {
  const { world, env } = await withTwoProfiles(({ device }) => [device.code() === "000000" ? "000001" : "000000"]);
  const { status, stderr } = await world.fob(["login", "other"], { env: { ...env } });
  expect(status).toBe(1);
  expect(stderr).toContain('printed the same code again, which AWS rejected for "other-mfa"');
  expect(world.calls("GetSessionToken")).toBe(1);
});

test("Ctrl-C ends the wait for the next code", async () => {
  const world = await withProcess((w) => w.commandThatPrints(w.device.code() === "000000" ? "000001" : "000000"));
  const run = world.fobOnTerminal(["login", "work"]);
  await run.shows("for the next one");
  run.type("\u0003");
  const { status, screen } = await run.ended;
  expect(status).toBe(130);
  expect(screen).toContain("fob: cancelled\n");
});

test("what an mfa_process prints is not shown when it is no code", async () => {
  const password = "the-master-password";
  const world = await withProcess((w) => w.commandThatPrints(password));
  knowSecret("password", password);
  const { status, stderr } = await world.fob(["login", "work"]);
  expect(status).toBe(1);
  expect(stderr).toContain("printed no code");
});

test("an mfa_process has no stdin to wait for", async () => {
  skipOnWindows("cat");
  const world = await withProcess((w) => `cat; ${w.commandThatPrints(w.device.code())}`);
  expect((await world.fob(["login", "work"], { input: "never read\n" })).status).toBe(0);
});

test("Ctrl-C ends an mfa_process that waits", async () => {
  const world = await withProcess(() => "echo waiting >&2; exec sleep 600");
  const run = world.fobOnTerminal(["login", "work"]);
  await run.shows("waiting");
  run.kill("SIGINT");
  expect((await run.ended).status).toBe(130);
});

test("a mfa_process that does not listen ends with fob all the same", async () => {
  const fileOf = (world: World): string => join(world.home, "pid");
  const world = await withProcess(
    (made) => `trap '' TERM INT HUP; echo $$ >${fileOf(made)}; while :; do sleep 0.1; done`,
  );
  const read = (): string => (existsSync(fileOf(world)) ? readFileSync(fileOf(world), "utf8") : "");
  const run = world.fobOnTerminal(["login", "work"]);
  await expect.poll(read).toMatch(/\d\n/);
  run.kill("SIGTERM");
  expect((await run.ended).status).toBe(130);
  // Ended, or ended and not yet collected by its new parent.
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", read().trim()], { encoding: "utf8" });
  expect(stdout).toMatch(/^(Z.*)?\s*$/);
});
