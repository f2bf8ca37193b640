// Programs that nobody here wrote get their credentials from fob, by the command that --install writes.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { endsIn, sessionFile } from "../helpers/sessions.ts";
import { execute, makeWorld, node, onTerminal, type World } from "../helpers/world.ts";

const clients = resolve(import.meta.dirname, "clients");
const build = mkdtempSync(join(tmpdir(), "fob-interop-"));
afterAll(() => rmSync(build, { recursive: true }));

const has = (...command: readonly string[]): boolean =>
  spawnSync(command[0] ?? "", command.slice(1), { stdio: "ignore" }).status === 0;

/** Each prints an access key id and the user's ARN. */
const programs: { name: string; isThere: boolean; command: readonly string[] }[] = [
  { name: "the SDK for JavaScript", isThere: true, command: [node, join(clients, "identity.mjs")] },
  { name: "boto3", isThere: has("python3", "-c", "import boto3"), command: ["python3", join(clients, "identity.py")] },
  {
    name: "the aws command",
    isThere: has("aws", "--version"),
    command: ["aws", "sts", "get-caller-identity", "--query", "Arn", "--output", "text"],
  },
  { name: "the SDK for Go", isThere: has("go", "version"), command: [join(build, "identity")] },
];

beforeAll(() => {
  if (!has("go", "version")) return;
  const { status, stderr } = spawnSync("go", ["build", "-o", join(build, "identity"), "."], {
    cwd: join(clients, "go"),
    encoding: "utf8",
  });
  expect(stderr.replace(/^go: downloading .*\n/gm, "")).toBe("");
  expect(status).toBe(0);
}, 300_000);

async function installed(): Promise<World> {
  const world = await makeWorld();
  expect((await world.fob(["credential-process", "--install", "work"])).status).toBe(0);
  return world;
}

const envOf = (world: World) => ({
  ...world.env,
  AWS_PROFILE: "work-mfa",
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
});
const keyIdOf = (world: World): string =>
  /"AccessKeyId":"(\w+)"/.exec(readFileSync(sessionFile(world), "utf8"))?.[1] ?? "no session";
const run = (world: World, [file = "", ...args]: readonly string[]) => execute(file, args, { env: envOf(world) });
const login = (world: World) => world.fob(["login", "work", "--code", world.device.code()]);

// `npm run test:interop` wants them all.
const isNeeded = process.env.FOB_INTEROP === "all";

describe.each(programs.filter(({ isThere }) => isThere || isNeeded))("$name", ({ command }) => {
  const [file = "", ...args] = command;

  test("gets a fresh session", async () => {
    const world = await installed();
    await login(world);
    const { stdout, stderr } = await run(world, command);
    expect(stderr).toBe("");
    expect(stdout).toContain(`user/${world.user.name}`);
  });

  test("makes fob ask on the terminal where there is none", async () => {
    const world = await installed();
    const started = onTerminal(file, args, { env: envOf(world) });
    await started.shows("MFA code");
    started.type(`${world.device.code()}\r`);
    expect((await started.ended).screen).toContain(`user/${world.user.name}`);
    expect(world.calls("GetSessionToken")).toBe(1);
  });

  test("takes a refusal for an answer, also where it runs the command twice", async () => {
    const world = await installed();
    const started = onTerminal(file, args, { env: envOf(world) });
    await started.shows("MFA code");
    started.type("\u0003");
    // A second question would wait for ever.
    expect((await started.ended).status).not.toBe(0);
  });

  test("fails at once where nobody can be asked", async () => {
    const world = await installed();
    const { status, stdout } = await run(world, command);
    expect(stdout).not.toContain("user/");
    expect(status).not.toBe(0);
  });

  test.each([14, 9])("works on with %i minutes left although nobody can be asked", async (minutes) => {
    const world = await installed();
    await login(world);
    endsIn(world, minutes * 60);
    const { stdout } = await run(world, command);
    expect(stdout).toContain(`user/${world.user.name}`);
    expect(keyIdOf(world)).toMatch(/^ASIA/);
  });

  test("gets nothing when no time is left", async () => {
    const world = await installed();
    await login(world);
    endsIn(world, 0);
    expect((await run(world, command)).stdout).not.toContain("user/");
  });
});
