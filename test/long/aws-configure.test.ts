// `aws configure` over a session writes a long-term key and leaves the session's token and expiry beside it. AWS shows a
// secret access key once, so such a key must never be lost.
import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { isThere } from "../helpers/needed.ts";
import { execute, makeWorld, type World } from "../helpers/world.ts";

const hasAws = isThere("aws", "--version");

/** Runs `aws configure` as a user does, with a new key of hers. @returns what the credentials file holds then */
async function configure(world: World, profile: string): Promise<string> {
  const { accessKeyId, secretAccessKey } = world.sandbox.addUser({ name: `second-${profile}` }).accessKey;
  const input = `${accessKeyId}\n${secretAccessKey}\n\n\n`;
  const { status } = await execute("aws", ["configure", "--profile", profile], { env: world.env, input });
  expect(status).toBe(0);
  expect(section(world, profile)).toMatch(new RegExp(`${accessKeyId}[^]*aws_session_token = \\S+`));
  return world.credentials();
}

const section = (world: World, profile: string): string =>
  world.credentials().split(`[${profile}]\n`)[1]?.split("\n[")[0] ?? "";

const ways: Readonly<Record<string, readonly string[]>> = {
  login: ["login", "work", "--no-input"],
  "login --force": ["login", "work", "--force", "--code", "123456"],
  "login with the session's name": ["login", "work-mfa", "--no-input"],
  exec: ["exec", "work", "--no-input", "--", "true"],
  refresh: ["refresh", "--no-input"],
  "refresh of one": ["refresh", "work", "--min-ttl", "11h", "--no-input"],
  "credential-process": ["credential-process", "work", "--no-input"],
  "credential-process --install": ["credential-process", "--install", "work"],
  logout: ["logout", "work"],
  "logout of the session": ["logout", "work-mfa"],
  "logout --all": ["logout", "--all"],
  status: ["status"],
};

test.skipIf(!hasAws)(
  "a key that aws configure has put over a session is lost in no command",
  { timeout: 60_000 },
  async () => {
    const world = await makeWorld();
    await world.fob(["login", "work", "--code", world.device.code()]);
    const before = await configure(world, "work-mfa");
    for (const [name, args] of Object.entries(ways)) {
      await world.fob(args);
      expect({ name, file: world.credentials() }).toEqual({ name, file: before });
    }
  },
);

test.skipIf(!hasAws)("it is refused as a target, with what to do instead", async () => {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  await configure(world, "work-mfa");
  for (const args of [
    ["login", "work"],
    ["credential-process", "work", "--install"],
  ]) {
    const { status, stderr } = await world.fob(args);
    expect({ args, status }).toEqual({ args, status: 1 });
    expect(stderr).toContain('the profile "work-mfa" has long-term credentials, which fob does not overwrite');
  }
  expect(world.calls("GetSessionToken")).toBe(1);
});

test.skipIf(!hasAws)("as a source it is used without the token, which the command that fob names removes", async () => {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code()]);
  writeFileSync(world.credentialsPath, world.credentials().replace("[work-mfa]", "[home]"));
  await configure(world, "home");
  const device = world.sandbox.addVirtualDevice("second-home");
  const line =
    1 +
    world
      .credentials()
      .split("\n")
      .findIndex((text) => text.startsWith("aws_session_token"));
  const warning = `warning: line ${line} of "${world.credentialsPath}" is the token of an older session; remove it: `;
  const login = () => world.fob(["login", "home", "--force", "--serial", device.serialNumber, "--code", device.code()]);
  const first = await login();
  expect({ status: first.status, stdout: first.stdout }).toEqual({ status: 0, stdout: "home-mfa\n" });
  expect(first.stderr).toContain(warning);
  const command = first.stderr.split(warning)[1]?.split("\n")[0] ?? "";
  await execute("sh", ["-c", command], { env: world.env });
  expect((await world.fob(["login", "home", "--serial", device.serialNumber])).stderr).not.toContain("older session");
  expect(readFileSync(world.credentialsPath, "utf8")).toMatch(/\[home\][^[]*\naws_session_token =\s*\n/);
});

test.skipIf(!hasAws)(
  "refresh says that the session profile holds a long-term key, and asks for no other session",
  async () => {
    const world = await makeWorld();
    await world.fob(["login", "work", "--duration", "15m", "--code", world.device.code()]);
    const before = await configure(world, "work-mfa");
    const { status, stderr } = await world.fob(["refresh", "--no-input", "--min-ttl", "14m59s"]);
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr:
        'fob: error: the session profile "work-mfa" now has a long-term access key, so fob does not renew its session\n' +
        "fob: hint: remove the session: fob logout work-mfa\nfob: hint: or move the key to another profile\n",
    });
    expect(world.credentials()).toBe(before);
  },
);
