// The built program in several PID namespaces (containers) that share a home folder, and with a wrong clock.
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { cannotUnshare, holderOf, signsOfLife, withOwnPids } from "../files/children.ts";
import { withFob } from "../helpers/shells.ts";
import { execute, makeWorld, node, onTerminal, program, temporaryFolder } from "../helpers/world.ts";

test("a login in a container makes those in others wait, whatever their clocks say; one code is enough for all", async ({
  skip,
}) => {
  skip(cannotUnshare !== false, String(cannotUnshare));
  const world = await makeWorld();
  // With a terminal of its own in there, so that it can see that it is in the foreground.
  const inContainer = ["script", "-qec", `${node} ${program} login work`, "/dev/null"];
  const [file = "", ...args] = withOwnPids(inContainer);
  const first = onTerminal(file, args, { env: world.env });
  await first.shows("Code for");
  const lock = join(world.home, ".aws/fob/locks/session-work-mfa");

  const others = [-3600, 0, 3600].map((shift) => {
    const CLOCK = join(world.home, `clock${shift}`);
    writeFileSync(CLOCK, String(shift));
    const NODE_OPTIONS = `--require ${resolve(import.meta.dirname, "../helpers/clock.cjs")}`;
    const options = { env: { ...world.env, CLOCK, NODE_OPTIONS } };
    // One of them lives where the holder's process id is another process.
    return shift === 0 ? onTerminal(file, args, options) : world.fobOnTerminal(["login", "work"], options);
  });
  await Promise.all(others.map((other) => other.shows("waiting for another fob")));
  // Longer than it takes to see that a holder gives no sign of life.
  const { id } = holderOf(lock);
  await signsOfLife(lock, 4);
  expect(holderOf(lock).id).toBe(id);

  first.type(`${world.device.code()}\r`);
  const ends = await Promise.all([first, ...others].map((run) => run.ended));
  expect(ends.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
  expect(world.calls("GetSessionToken")).toBe(1);
  expect(world.credentials().match(/^\[.*\]$/gm)).toEqual(["[work]", "[work-mfa]"]);
});

test("twelve logins in as many containers write one file one after the other, and nothing is lost", async ({
  skip,
}) => {
  skip(cannotUnshare !== false, String(cannotUnshare));
  const world = await makeWorld();
  const before = world.credentials();
  const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
  const profiles = Array.from({ length: 12 }, (_, index) => `container-${index}`);
  const runs = profiles.map((profile) => {
    const { accessKey } = world.sandbox.addUser({ name: profile, policies: [everything] });
    const device = world.sandbox.addVirtualDevice(profile);
    const keys = { AWS_ACCESS_KEY_ID: accessKey.accessKeyId, AWS_SECRET_ACCESS_KEY: accessKey.secretAccessKey };
    const login = ["login", profile, "--source-env", "--serial", device.serialNumber, "--code-stdin"];
    const [file = "", ...args] = withOwnPids([node, program, ...login]);
    return execute(file, args, { env: { ...world.env, ...keys }, input: `${device.code(Date.now() + 30_000)}\n` });
  });
  const results = await Promise.all(runs);
  expect(results.filter(({ status }) => status !== 0).map(({ stderr }) => stderr)).toEqual([]);
  const text = world.credentials();
  expect(text.startsWith(before)).toBe(true);
  expect(text.match(/^\[container.*\]$/gm)?.sort()).toEqual(profiles.map((profile) => `[${profile}-mfa]`).sort());
  for (const profile of profiles) {
    const stored = readFileSync(join(world.home, ".aws/fob/sessions", `${profile}-mfa`), "utf8").split("\n")[1] ?? "";
    const { SessionToken } = JSON.parse(stored) as { SessionToken: string };
    expect(text).toContain(`aws_session_token = ${SessionToken}\n`);
  }
});

test("containers in which the folder is bound to paths of their own share its sessions, by keys and by fob on the PATH", async ({
  skip,
}) => {
  skip(cannotUnshare !== false, String(cannotUnshare));
  const world = await makeWorld();
  const env = withFob(world.env);
  /** A container with a home of its own, where the host's is not to be seen. */
  const container = () => {
    const home = temporaryFolder();
    const bound =
      'mkdir -p "$2/.aws"; mount --bind "$1/.aws" "$2/.aws"; mount -t tmpfs none "$1"; HOME=$2; export HOME; shift 2; exec "$@"';
    return (...command: readonly string[]) => {
      const [file = "", ...args] = withOwnPids(["sh", "-ec", bound, "sh", world.home, home, ...command]);
      return execute(file, args, { env, shows: ["secret access key", "session token"] });
    };
  };
  const [one, two] = [container(), container()];
  const code = world.device.code();
  expect(await one("fob", "login", "work", "--code", code)).toMatchObject({ status: 0, stdout: "work-mfa\n" });
  const shown = await two("fob", "status", "work", "--json");
  expect(JSON.parse(shown.stdout)).toMatchObject([{ profile: "work-mfa" }]);
  expect(await two("fob", "login", "work")).toMatchObject({ status: 0, stdout: "work-mfa\n" });
  expect((await world.fob(["login", "work"])).status).toBe(0);
  expect(world.calls("GetSessionToken")).toBe(1);

  // What the page with the recipes advises.
  await world.fob(["credential-process", "--install", "work"]);
  const line = /^credential_process = (.*)$/m.exec(world.config())?.[1] ?? "";
  expect((await one("sh", "-c", line)).stderr).toMatch(/fob-credential-process.*not found/);
  const [first, second] = [
    await one("fob", "credential-process", "work-mfa"),
    await two("fob", "credential-process", "work-mfa"),
  ];
  expect(first.stdout).toContain('"SessionToken"');
  expect(second.stdout).toBe(first.stdout);
});
