import { writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { keysOf, makeWorld, temporaryFolder } from "../helpers/world.ts";

test("a login asks for the code on the terminal and writes the session profile", async () => {
  const world = await makeWorld();
  const before = world.credentials();
  const run = world.fobOnTerminal(["login", "work"]);
  await run.shows(/Code for .*\(work\)/);
  run.type(`${world.device.code()}\r`);
  const { status, screen } = await run.ended;
  expect(status).toBe(0);
  expect(screen).toMatch(/✓ Signed in as user-\w+ \(\d{12}\) until (tomorrow )?\d\d:\d\d \(12 h\)\n/);
  expect(screen).toMatch(/\nUse it: export AWS_PROFILE=work-mfa\n$/);
  const [own, written = ""] = world.credentials().split("\n[work-mfa]\n");
  expect(own).toBe(before);
  expect(written).toMatch(
    /^aws_access_key_id = ASIA\w{16}\naws_secret_access_key = \S+\naws_session_token = \S+==\nexpiration = (\S+Z)\nx_security_token_expires = \1\n$/,
  );
  expect(world.config()).toContain("\n[profile work-mfa]\nregion = eu-central-1\n");
});

test("stdout holds the session profile's name and nothing else", async () => {
  const world = await makeWorld();
  const { status, stdout } = await world.fob(["login", "work", "--code", world.device.code()]);
  expect({ status, stdout }).toEqual({ status: 0, stdout: "work-mfa\n" });
});

test("the hint to select the profile is left out when it is selected already, or when something else reads its name", async () => {
  const world = await makeWorld();
  const { stderr } = await world.fob(["login", "work", "--code", world.device.code()]);
  const { screen } = await world.fobOnTerminal(["login"], { env: { AWS_PROFILE: "work-mfa" } }).ended;
  expect(stderr).toMatch(/^fob: warning: .*\nfob: "work-mfa" is valid until .* \(12 h\)\n$/);
  expect(screen).toMatch(/^✓ Still signed in as user-\w+ \(\d{12}\) until .* \(11 h 59 min left\)\n$/);
});

test("a wrong code is asked again, with AWS's reason in plain words", async () => {
  const world = await makeWorld();
  const run = world.fobOnTerminal(["login", "work"]);
  await run.shows("Code for");
  const right = world.device.code();
  run.type(`${right === "000000" ? "000001" : "000000"}\r`);
  await run.shows("AWS rejected that code");
  await run.shows("Code for");
  run.type(`${right}\r`);
  expect((await run.ended).status).toBe(0);
  expect(world.calls("GetSessionToken")).toBe(2);
});

test("after three wrong codes it gives up, and the files are as they were", async () => {
  const world = await makeWorld();
  const before = [world.credentials(), world.config()];
  const run = world.fobOnTerminal(["login", "work"]);
  const wrong = ["111111", "222222", "333333", "444444"].filter((code) => code !== world.device.code());
  for (const [index, code] of wrong.slice(0, 3).entries()) {
    if (index > 0) await run.shows("AWS rejected that code");
    await run.shows("Code for");
    run.type(`${code}\r`);
  }
  const { status, screen } = await run.ended;
  expect(status).toBe(1);
  expect(screen).toContain("fob: error: AWS rejected that code");
  expect([world.credentials(), world.config()]).toEqual(before);
});

test("Ctrl-Z does nothing at the prompt: a stopped login would keep others waiting", async () => {
  const world = await makeWorld();
  const run = world.fobOnTerminal(["login", "work"]);
  await run.shows("Code for");
  run.type(`\u001a${world.device.code()}\r`);
  expect((await run.ended).status).toBe(0);
});

test("a rejected answer is taken out of the field", async () => {
  const world = await makeWorld();
  const run = world.fobOnTerminal(["login", "work"]);
  await run.shows("Code for");
  run.type("abc\r");
  await run.shows("a code has six digits");
  run.type(`${world.device.code()}\r`);
  expect((await run.ended).status).toBe(0);
});

test("a code that was sent already is not sent again", async () => {
  const world = await makeWorld();
  const run = world.fobOnTerminal(["login", "work"]);
  const wrong = world.device.code() === "123123" ? "321321" : "123123";
  await run.shows("Code for");
  run.type(`${wrong}\r`);
  await run.shows("AWS rejected that code");
  await run.shows("Code for");
  run.type(`${wrong}\r`);
  await run.shows("that code was already used");
  await run.shows("Code for");
  expect(world.calls("GetSessionToken")).toBe(1);
  run.type("\u0003");
  expect((await run.ended).status).toBe(130);
});

test("what is not six digits is refused at the prompt and never sent", async () => {
  const world = await makeWorld();
  const run = world.fobOnTerminal(["login", "work"]);
  await run.shows("Code for");
  run.type("12345\r");
  await run.shows("a code has six digits; you typed 5");
  run.type("ccccccbcgujhingjrdejhgfnuetrgigvejhhgbkugded\r");
  await run.shows("that is a Yubico OTP");
  run.type("\u0003");
  await run.ended;
  expect(world.calls("GetSessionToken")).toBe(0);
});

test("a code may begin with a zero and be typed with blanks", async () => {
  const world = await makeWorld();
  let user = world.user;
  let device = world.device;
  for (let count = 0; !device.code().startsWith("0"); count++) {
    const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
    user = world.sandbox.addUser({ name: `zero-${count}`, policies: [everything] });
    device = world.sandbox.addVirtualDevice(`zero-${count}`);
  }
  writeFileSync(world.credentialsPath, keysOf("work", user.accessKey), { mode: 0o600 });
  const code = device.code();
  const run = world.fobOnTerminal(["login", "work", "--serial", device.serialNumber]);
  await run.shows("Code for");
  run.type(`${code.slice(0, 3)} ${code.slice(3)}\r`);
  expect((await run.ended).status).toBe(0);
});

test("Ctrl-C at the prompt ends with 130 and leaves the files alone", async () => {
  const world = await makeWorld();
  const before = [world.credentials(), world.config()];
  const run = world.fobOnTerminal(["login", "work"]);
  await run.shows("Code for");
  run.type("12\u0003");
  const { status, screen } = await run.ended;
  expect(status).toBe(130);
  expect(screen).toContain("fob: cancelled");
  expect([world.credentials(), world.config()]).toEqual(before);
});

test.each(["SIGTERM", "SIGHUP", "SIGINT"] as const)("%s at the prompt ends with 130", async (signal) => {
  const world = await makeWorld();
  const run = world.fobOnTerminal(["login", "work"]);
  await run.shows("Code for");
  run.kill(signal);
  expect((await run.ended).status).toBe(130);
});

test("without a terminal it says on one line what to do, and ends with 4 at once", async () => {
  const world = await makeWorld();
  const { status, stdout, stderr } = await world.fob(["login", "work"]);
  expect(status).toBe(4);
  expect(stdout).toBe("");
  expect(stderr.trimEnd().split("\n")).toEqual([
    'fob: error: "work-mfa" needs an MFA code, but fob cannot prompt here; run in a terminal: fob login work',
  ]);
  expect(world.sandbox.requests).toEqual([]);
});

test("--no-input asks nothing even on a terminal", async () => {
  const world = await makeWorld();
  expect((await world.fobOnTerminal(["login", "work", "--no-input"]).ended).status).toBe(4);
});

test("a background job counts as having no terminal, and is not stopped", async () => {
  const world = await makeWorld();
  const run = world.shellOnTerminal("set -m; fob login work & wait $!; echo ended with $?");
  await run.shows("ended with 4");
  await run.ended;
});

test("the prompt appears on the terminal although stdin, stdout and stderr are files", async () => {
  const world = await makeWorld();
  const folder = temporaryFolder();
  writeFileSync(join(folder, "in"), "000000\n");
  const run = world.shellOnTerminal("fob login work <in >out 2>err; echo ended with $?; cat out", { cwd: folder });
  await run.shows("Code for");
  run.type(`${world.device.code()}\r`);
  await run.shows("ended with 0");
  await run.shows("work-mfa");
  await run.ended;
});

test("a fresh session is kept: no code, no call, the name on stdout", async () => {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  const calls = world.sandbox.requests.length;
  const before = world.credentials();
  const again = await world.fob(["login", "work"]);
  expect(again).toMatchObject({ status: 0, stdout: "work-mfa\n" });
  expect(again.stderr).toContain("no code needed");
  expect(world.sandbox.requests.length).toBe(calls);
  expect(world.credentials()).toBe(before);
});

test("--force and a long --min-ttl open a new session although the old one is fresh", async () => {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code(Date.now() - 30_000)]);
  const first = world.credentials();
  expect((await world.fob(["login", "work", "--min-ttl", "12h30m", "--duration", "13h"])).status).toBe(4);
  expect((await world.fob(["login", "work", "--min-ttl", "12h"])).stderr).toContain(
    "must be shorter than a new session, which lasts 12 h",
  );
  const forced = await world.fob(["login", "work", "--force", "--code", world.device.code()]);
  expect(forced.status).toBe(0);
  expect(world.credentials()).not.toBe(first);
});

test("another access key, device or endpoint is another session", async () => {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  const second = world.sandbox.addVirtualDevice(world.user.name, "second");
  expect((await world.fob(["login", "work", "--serial", second.serialNumber])).status).toBe(4);
  const elsewhere = { AWS_ENDPOINT_URL_STS: "http://127.0.0.1:1" };
  expect((await world.fob(["login", "work"], { env: elsewhere })).status).toBe(4);
  const other = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "x".repeat(40) };
  writeFileSync(world.credentialsPath, keysOf("work", other), { mode: 0o600 });
  expect((await world.fob(["login", "work"])).status).toBe(4);
});

test("what was lost from the session profile is written again without a code", async () => {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  const written = world.credentials();
  writeFileSync(world.credentialsPath, keysOf("work", world.user.accessKey), { mode: 0o600 });
  expect(await world.fob(["login", "work"])).toMatchObject({ status: 0, stdout: "work-mfa\n" });
  expect(world.credentials()).toBe(written);
});

test("two logins at once on two terminals ask once", async () => {
  const world = await makeWorld();
  const first = world.fobOnTerminal(["login", "work"]);
  await first.shows("Code for");
  const second = world.fobOnTerminal(["login", "work"]);
  await second.shows(/waiting for another fob \(process \d+\)/);
  first.type(`${world.device.code()}\r`);
  expect((await first.ended).status).toBe(0);
  const { status, screen } = await second.ended;
  expect(status).toBe(0);
  expect(screen).toContain("Still signed in as");
  expect(screen).not.toContain("Code for");
  expect(world.calls("GetSessionToken")).toBe(1);
});

test("a key that AWS does not take is found out while the code is typed, and the prompt goes away", async () => {
  const world = await makeWorld();
  world.sandbox.setAccessKeyStatus(world.user.accessKey.accessKeyId, "Inactive");
  const run = world.fobOnTerminal(["login", "work"]);
  await run.shows("AWS rejected the access key");
  expect((await run.ended).status).toBe(1);
  expect(world.calls("GetSessionToken")).toBe(0);
});

test("a session length is checked before anything is asked", async () => {
  const world = await makeWorld();
  const example = "use a duration like 12h, 90m or 43200";
  for (const [length, why, hint = example] of [
    ["14m", "is 14 min, but sessions last 15 min to 36 h"],
    ["899", "is 14 min 59 s, but sessions last 15 min to 36 h"],
    ["36h1s", "is 36 h 1 s, but"],
    ["12", "is 12 s, but", "did you mean: 12h"],
    ["30", "is 30 s, but", "did you mean: 30h or 30m"],
    ["90", "is 1 min 30 s, but", "did you mean: 90m"],
    ["37h", "is 37 h"],
    ["soon", "is not a duration"],
  ]) {
    const run = world.fobOnTerminal(["login", "work", "--duration", length ?? ""]);
    const { status, screen } = await run.ended;
    expect(status).toBe(2);
    expect(screen).toContain(why);
    expect(screen).toContain(`hint: ${hint}`);
  }
  expect(world.sandbox.requests).toEqual([]);
});

test.each([
  ["90m", 90],
  ["43200", 720],
  ["1h30m", 90],
])("a session lasts as long as --duration %s says", async (length, minutes) => {
  const world = await makeWorld();
  await world.fob(["login", "work", "--duration", length, "--code", world.device.code()]);
  const expiration = /^expiration = (.+)$/m.exec(world.credentials())?.[1] ?? "";
  expect(Math.round((Date.parse(expiration) - Date.now()) / 60_000)).toBe(minutes);
});

test("Ctrl-C ends at once, although AWS does not answer", async () => {
  const world = await makeWorld();
  const { createServer } = await import("node:net");
  const silent = createServer(() => undefined).listen(0, "127.0.0.1");
  await new Promise((listening) => silent.once("listening", listening));
  onTestFinished(() => void silent.close());
  const { port } = silent.address() as AddressInfo;
  const run = world.fobOnTerminal(["login", "work"], { env: { AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` } });
  await run.shows("Code for");
  run.type("\u0003");
  // A call without an answer would end with an error after 20 s.
  const { status, screen } = await run.ended;
  expect({ status, screen }).toEqual({ status: 130, screen: expect.stringMatching(/fob: cancelled\n$/) as string });
});

test("a login that cannot prompt does not wait for another one's prompt", async () => {
  const world = await makeWorld();
  const run = world.fobOnTerminal(["login", "work"]);
  await run.shows("Code for");
  expect((await world.fob(["login", "work"])).status).toBe(4);
});

test("the hint names the very session that was asked for", async () => {
  const world = await makeWorld();
  const { stderr } = await world.fob(["login", "work", "--to", "team", "--duration", "8h", "--force", "--no-input"]);
  expect(stderr).toContain("run in a terminal: fob login work --to team --duration 8h --force\n");
});

test("wrong usage ends with 2", async () => {
  const world = await makeWorld();
  for (const args of [
    ["login", "--nonsense"],
    ["login", "work", "--profile", "work"],
    ["login", "work", "--code", "12345"],
    ["login", "work", "--code", "654321", "--code-stdin"],
    ["login", "work", "--min-ttl", "soon"],
    ["login", "work", "--serial", "arn:aws:iam::12:mfa/x"],
    ["login", "work", "--region", "evil.example/"],
    ["login", "work", "--to", "work"],
    ["login", "work", "--to", "my team"],
    ["logn"],
  ]) {
    const { status, stderr } = await world.fob(args);
    expect({ args, status }).toEqual({ args, status: 2 });
    expect(stderr).toMatch(/^fob: error: /);
  }
});

test("Ctrl-D at the question is Ctrl-C", async () => {
  const world = await makeWorld();
  const run = world.fobOnTerminal(["login", "work"]);
  await run.shows("Code for");
  run.type("\u0004");
  expect((await run.ended).status).toBe(130);
});

test("credentials in the environment, which programs would take instead, are named, with the line that removes them", async () => {
  const world = await makeWorld();
  const env = { AWS_ACCESS_KEY_ID: "ASIAIOSFODNN7EXAMPLE", AWS_SESSION_TOKEN: "token" };
  const args = ["login", "work", "--code", world.device.code()];
  const { status, stderr } = await world.fob(args, { env });
  expect(status).toBe(0);
  expect(stderr).toContain("warning: your environment contains AWS keys, which override AWS_PROFILE\n");
  expect(stderr).toContain("hint: unset AWS_ACCESS_KEY_ID AWS_SESSION_TOKEN\n");
  expect((await world.fob(["logout", "work"], { env })).stderr).toContain("hint: unset AWS_ACCESS_KEY_ID");
});
