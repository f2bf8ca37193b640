// What the SDK must not do inside fob: read the AWS files again, and talk to the user.

import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { execute, makeWorld, node, type World } from "../helpers/world.ts";
import { startProxy } from "./servers.ts";

describe("the AWS files are read by fob alone, which reads synchronously; the SDK reads with promises", () => {
  const preload = pathToFileURL(resolve(import.meta.dirname, "reads.mjs")).href;

  const watched = (world: World) => {
    const log = join(world.home, "reads");
    writeFileSync(log, "");
    return {
      env: { NODE_OPTIONS: `--import=${preload}`, FOB_TEST_READS: log },
      reads: () => [...new Set(readFileSync(log, "utf8").split("\n"))].filter((line) => line !== "").sort(),
    };
  };

  const ways = (reads: readonly string[]): string[] => [...new Set(reads.map((read) => read.split(".")[0] ?? ""))];

  test("the SDK's own reading would be seen", async () => {
    const world = await makeWorld();
    const { env, reads } = watched(world);
    const script = `new (require("@aws-sdk/client-sts").STSClient)({}).config.region().catch(() => {})`;
    await execute(node, ["-e", script], {
      env: { ...world.env, ...env },
      cwd: resolve(import.meta.dirname),
    });
    expect(reads()).toEqual(["promises.readFile"]);
  });

  // Each way leaves the SDK other things to look up.
  test.each([
    ["with a device in the config", [], {}],
    ["with a device that IAM is asked for", ["--region", "us-east-1"], { config: "[profile work]\n" }],
  ])("a login %s", async (_, args, options) => {
    const world = await makeWorld(options);
    const { env, reads } = watched(world);
    const result = await world.fob(["login", "work", "--code", world.device.code(), ...args], { env });
    expect(result.status, result.stderr).toBe(0);
    expect(ways(reads())).toEqual(["sync"]);
  });

  test("a login to AWS's own host, with settings that only the SDK would read", async () => {
    const config =
      "[default]\nretry_mode = adaptive\nmax_attempts = 9\n[profile work]\nsts_regional_endpoints = legacy\n";
    const world = await makeWorld({ config });
    const { env, reads } = watched(world);
    const proxy = await startProxy({ refuses: 403 });
    const own = { AWS_ENDPOINT_URL: undefined, HTTPS_PROXY: proxy.url, AWS_PROFILE: "work" };
    const result = await world.fob(["login", "--serial", "arn:aws:iam::123456789012:mfa/jane", "--code", "123456"], {
      env: { ...env, ...own },
    });
    expect(result.stderr).toContain("did not connect to");
    expect(ways(reads())).toEqual(["sync"]);
  });
});

test("the SDK's notice about old versions of Node.js is not shown, nor are children told to hide it", async () => {
  const world = await makeWorld();
  const seen = join(world.home, "environment");
  writeFileSync(
    world.configPath,
    `${world.config()}mfa_process = env > ${seen}; ${world.commandThatPrints(world.device.code())}\n`,
  );
  const result = await world.fob(["login", "work"]);
  expect(result.status).toBe(0);
  for (const line of result.stderr.trimEnd().split("\n")) expect(line).toMatch(/^fob: /);
  expect(readFileSync(seen, "utf8")).toContain(`HOME=${world.home}\n`);
  expect(readFileSync(seen, "utf8")).not.toContain("AWS_SDK_JS");
});
