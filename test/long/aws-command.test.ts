// `aws configure set` writes the same files, without a lock and in place, and may not lose anything of its own by fob.
import { appendFileSync, existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { expectNothingLost, moments } from "../helpers/meanwhile.ts";
import { isNeeded, isThere } from "../helpers/needed.ts";
import { execute, makeWorld, node, program, type Result, type World } from "../helpers/world.ts";

const configureSet = (world: World, key: string, value: string, profile: string, env: Record<string, string> = {}) =>
  execute("aws", ["configure", "set", key, value, "--profile", profile], { env: { ...world.env, ...env } });

describe.skipIf(!isThere("aws", "--version"))("the aws command", () => {
  test.each(moments)(
    "what it writes between fob's reading and its renaming stays: a new section, %s",
    async (moment) => {
      const command = "aws configure set aws_access_key_id AKIATHEIRS --profile theirs";
      await expectNothingLost("credentials", moment, command, "[theirs]\naws_access_key_id = AKIATHEIRS\n");
    },
  );

  test.each(moments)("what it writes between fob's reading and its renaming stays: a new key, %s", async (moment) => {
    const command = "aws configure set output yaml --profile kept";
    await expectNothingLost("config", moment, command, "aws_access_key_id = kept\noutput = yaml\n");
  });

  test("a session that it overwrites with what it read before comes back with the next login, without a code", async ({
    skip,
  }) => {
    const world = await makeWorld();
    const login = `${node} ${program} login work --code ${world.device.code()} && touch $HOME/between`;
    const helpers = resolve(import.meta.dirname, "../helpers");
    const between = { PYTHONPATH: helpers, PYTHONDONTWRITEBYTECODE: "1", MEANWHILE: login };
    await configureSet(world, "aws_session_token", "theirs", "work", between);
    skip(!isNeeded && !existsSync(join(world.home, "between")), "this aws command does not let anybody in between");
    expect(world.credentials()).toContain("aws_session_token = theirs\n");
    expect(world.credentials()).not.toContain("work-mfa");
    await configureSet(world, "aws_session_token", "", "work");

    const { status, stderr } = await world.fob(["login", "work"]);
    expect(stderr).toContain("no code needed");
    expect(status).toBe(0);
    expect(world.credentials()).toMatch(/\n\[work-mfa\]\naws_access_key_id = ASIA/);
    expect(world.calls("GetSessionToken")).toBe(1);
  });

  test("while it runs again and again, logins and logouts lose none of its values, and each session is there in the end", async () => {
    const world = await makeWorld();
    const before = [world.credentials(), world.config()];
    const rounds = Array.from({ length: 6 }, (_, index) => `theirs-${index}`);
    const sections = rounds.map((name) => `# mine\n[${name}]\n[profile ${name}]\n`).join("");
    for (const path of [world.credentialsPath, world.configPath]) appendFileSync(path, `\n${sections}`);
    const regions = Array.from({ length: 100 }, (_, index) => `[profile user-${index}]\nregion = eu-central-1\n`);
    appendFileSync(world.configPath, regions.join(""));

    const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
    const users: { profile: string; login: (...more: string[]) => Promise<void> }[] = [];
    const succeeds = async (run: Promise<Result>): Promise<void> => {
      const { status, stderr } = await run;
      expect(status, stderr).toBe(0);
    };
    const useFob = async (): Promise<void> => {
      const profile = `user-${users.length}`;
      const { accessKey } = world.sandbox.addUser({ name: profile, policies: [everything] });
      const device = world.sandbox.addVirtualDevice(profile);
      const env = { AWS_ACCESS_KEY_ID: accessKey.accessKeyId, AWS_SECRET_ACCESS_KEY: accessKey.secretAccessKey };
      const args = ["login", profile, "--source-env", "--serial", device.serialNumber];
      const login = (...more: string[]) => succeeds(world.fob([...args, ...more], { env }));
      users.push({ profile, login });
      await login("--code", device.code(Date.now() - 30_000));
      await succeeds(world.fob(["logout", profile]));
      await login("--code", device.code(Date.now() + 30_000));
    };
    const useAws = async (): Promise<void> => {
      for (const name of rounds) {
        await succeeds(configureSet(world, "aws_session_token", `token-${name}`, name));
        await succeeds(configureSet(world, "output", `output-${name}`, name));
      }
    };
    const aws = { isRunning: true };
    const running = useAws().finally(() => {
      aws.isRunning = false;
    });
    const worker = async (): Promise<void> => {
      do await useFob();
      while (aws.isRunning);
    };
    await Promise.all([running, worker(), worker()]);
    // The aws command may have put back what it had read before fob wrote; that needs no code.
    await Promise.all(users.map(({ login }) => login()));

    const [credentials, config] = [world.credentials(), world.config()];
    for (const name of rounds) {
      expect(credentials).toContain(`# mine\n[${name}]\naws_session_token = token-${name}\n`);
      expect(config).toContain(`[profile ${name}]\noutput = output-${name}\n`);
    }
    expect([credentials, config].map((text, index) => text.startsWith(before[index] ?? ""))).toEqual([true, true]);
    for (const { profile } of users) {
      expect(credentials.split(`\n[${profile}-mfa]\naws_access_key_id = ASIA`)).toHaveLength(2);
      expect(config.split(`\n[profile ${profile}-mfa]\nregion = eu-central-1\n`)).toHaveLength(2);
    }
    expect(world.calls("GetSessionToken")).toBe(2 * users.length);
  }, 120_000);
});
