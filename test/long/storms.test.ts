import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { age } from "../files/children.ts";
import { meanwhile } from "../helpers/meanwhile.ts";
import { keysOf, makeWorld } from "../helpers/world.ts";

test("200 logins at once into different profiles of one file: all are there, and nothing else has changed", async () => {
  const world = await makeWorld();
  const others = `# kept\n${keysOf("other", world.user.accessKey)}\r\n[odd ]\nkey : value ; kept\n`;
  writeFileSync(world.credentialsPath, others, { mode: 0o600 });
  const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
  const users = Array.from({ length: 200 }, (_, index) => {
    const name = `user-of-the-storm-${index}`;
    const { accessKey } = world.sandbox.addUser({ name, policies: [everything] });
    return { profile: `p${index}`, accessKey, device: world.sandbox.addVirtualDevice(name) };
  });
  const results = await Promise.all(
    users.map(({ profile, accessKey, device }) =>
      world.fob(["login", profile, "--source-env", "--serial", device.serialNumber, "--code-stdin"], {
        env: { AWS_ACCESS_KEY_ID: accessKey.accessKeyId, AWS_SECRET_ACCESS_KEY: accessKey.secretAccessKey },
        // Good for a minute either way, which is how long the storm may take.
        input: `${device.code(Date.now() + 45_000)}\n`,
      }),
    ),
  );
  const failed = results.filter(({ status }) => status !== 0);
  expect(failed.map(({ stderr }) => stderr)).toEqual([]);

  const text = world.credentials();
  expect(text.startsWith(others)).toBe(true);
  const sections = text.slice(others.length).split("\n[").slice(1);
  expect(sections.map((section) => section.slice(0, section.indexOf("]"))).sort()).toEqual(
    users.map(({ profile }) => `${profile}-mfa`).sort(),
  );
  for (const { profile } of users) {
    const stored = readFileSync(join(world.home, ".aws/fob/sessions", `${profile}-mfa`), "utf8").split("\n")[1] ?? "";
    const { SessionToken } = JSON.parse(stored) as { SessionToken: string };
    expect(text).toContain(`aws_session_token = ${SessionToken}\n`);
  }
}, 240_000);

test("a login that is stopped at its prompt keeps others waiting, who can give up, and goes on when it is woken", async () => {
  const world = await makeWorld();
  const first = world.fobOnTerminal(["login", "work"]);
  await first.shows("Code for");
  first.kill("SIGSTOP");
  const second = world.fobOnTerminal(["login", "work"]);
  await second.shows("waiting for another fob");
  second.type("\u0003");
  expect((await second.ended).status).toBe(130);
  first.kill("SIGCONT");
  first.type(`${world.device.code()}\r`);
  expect((await first.ended).status).toBe(0);
});

test("a login that is stopped while it replaces a file keeps others waiting, who can give up, and goes on when it is woken", async () => {
  const world = await makeWorld();
  appendFileSync(world.credentialsPath, keysOf("second", world.user.accessKey));
  const lock = join(world.home, ".aws/.credentials.fob.lock");
  const codes = [-30_000, 0].map((shift) => world.device.code(Date.now() + shift));
  const login = (profile: string, code = ""): string[] => ["login", profile, "--code", code];
  const stopping = meanwhile("^renameSync .*[.]tmp .*/credentials$", "touch stopping; kill -STOP $PROGRAM");
  const first = world.fobOnTerminal(login("work", codes[0]), { env: stopping });
  const isThere = (name: string) =>
    vi.waitFor(() => expect(existsSync(join(world.home, ".aws", name))).toBe(true), 9_000);
  await isThere("stopping");
  age(lock, 3600);
  const before = world.credentials();

  const serial = ["--serial", world.device.serialNumber];
  const second = world.fobOnTerminal([...login("second", codes[1]), ...serial]);
  await isThere("fob/sessions/second-mfa");
  second.type("\u0003");
  const { status, screen } = await second.ended;
  expect(screen).toContain("cancelled; the session is saved: fob login second");
  expect(status).toBe(130);
  expect(world.credentials()).toBe(before);

  const third = world.fob(["login", "second", ...serial]);
  await isThere("fob/locks/session-second-mfa");
  first.kill("SIGCONT");
  expect([(await first.ended).status, (await third).status]).toEqual([0, 0]);
  expect(
    world
      .credentials()
      .match(/^\[.*\]$/gm)
      ?.sort(),
  ).toEqual(["[second-mfa]", "[second]", "[work-mfa]", "[work]"]);
  expect(world.calls("GetSessionToken")).toBe(2);
});
