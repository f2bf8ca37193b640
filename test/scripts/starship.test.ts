// Starship shows the time left without configuration, from what fob writes into the AWS files: by its own rules, which are
// written down again here, and by the real program where it is on the PATH.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { execute, makeWorld, type World } from "../helpers/world.ts";

type Environment = Readonly<Record<string, string | undefined>>;

interface Prompt {
  readonly name: string;
  readonly isThere: boolean;
  /** What it shows of AWS, in Starship's own format; "" for nothing. */
  readonly shows: (env: Environment) => Promise<string>;
}

type Sections = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** An INI file, read plainly. */
function read(path: string): Sections {
  const [, ...parts] = (existsSync(path) ? readFileSync(path, "utf8") : "").split(/^\[(.*)\]$/m);
  const titles = parts.filter((_, index) => index % 2 === 0);
  const properties = (text = "") =>
    new Map([...text.matchAll(/^([^=\n]+?) *= *(.*)$/gm)].map(([, key = "", value = ""]) => [key, value]));
  return new Map(titles.map((title, index) => [title, properties(parts[2 * index + 1])]));
}

/** The module `aws` of Starship 1.27, without what fob's profiles never have (SSO, roles). */
function byTheRules(env: Environment): string {
  const first = (names: readonly string[], values: (name: string) => string | undefined): string | undefined =>
    names.map(values).find((value) => value !== undefined);
  const variable = (...names: string[]): string | undefined => first(names, (name) => env[name]);
  const file = (name: string): string => join(env.HOME ?? "", ".aws", name);
  const config = read(variable("AWS_CONFIG_FILE") ?? file("config"));
  const credentials = read(variable("AWS_SHARED_CREDENTIALS_FILE", "AWS_CREDENTIALS_FILE") ?? file("credentials"));
  const profile = variable("AWSU_PROFILE", "AWS_VAULT", "AWSUME_PROFILE", "AWS_PROFILE", "AWS_SSO_PROFILE");
  const settings = config.get(profile === undefined ? "default" : `profile ${profile}`);
  const keys = credentials.get(profile ?? "default");
  const region = variable("AWS_REGION", "AWS_DEFAULT_REGION") ?? settings?.get("region");
  const isShown = settings?.has("credential_process") || keys?.has("aws_access_key_id");
  if ((profile === undefined && region === undefined) || !isShown) return "";
  // The first that is there counts, also where it cannot be read. A time without its zone cannot.
  const expiry =
    variable("AWS_CREDENTIAL_EXPIRATION", "AWS_SESSION_EXPIRATION", "AWSUME_EXPIRATION") ??
    first(["expiration", "x_security_token_expires"], (key) => keys?.get(key));
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$/.test(expiry ?? "")
    ? Date.parse(expiry ?? "")
    : Number.NaN;
  const left = Math.floor(at / 1000) - Math.floor(Date.now() / 1000);
  const time = `${Math.floor(left / 3600)}h${Math.floor(left / 60) % 60}m${left % 60}s`;
  const parts = [profile, region && `(${region})`, Number.isNaN(left) ? undefined : `[${left > 0 ? time : "X"}]`];
  return `on ☁️  ${parts.filter((part) => part !== undefined).join(" ")}`;
}

const prompts: readonly Prompt[] = [
  { name: "by Starship's rules", isThere: true, shows: (env) => Promise.resolve(byTheRules(env)) },
  {
    name: "in the real Starship",
    isThere: spawnSync("starship", ["--version"], { stdio: "ignore" }).status === 0,
    async shows(env) {
      const { stdout, status } = await execute("starship", ["module", "aws"], { env: { ...env, STARSHIP_SHELL: "" } });
      expect(status).toBe(0);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: colors are what this removes
      return stdout.replace(/\u001b\[[0-9;]*m/g, "").trim();
    },
  },
];

const fresh = /^on ☁️ {2}work-mfa \(eu-central-1\) \[(12h0m0s|11h59m\d+s)\]$/;
const expired = "on ☁️  work-mfa (eu-central-1) [X]";

const selected = (world: World): Environment => ({ ...world.env, AWS_PROFILE: "work-mfa" });

/** Logs in when it was so many hours ago, to AWS and to fob. */
async function loginAgo(world: World, hours: number): Promise<void> {
  const then = () => Date.now() - hours * 3_600_000;
  world.sandbox.setClock(then);
  const CLOCK = join(world.home, "clock");
  writeFileSync(CLOCK, String(-hours * 3600));
  const NODE_OPTIONS = `--require ${resolve(import.meta.dirname, "../helpers/clock.cjs")}`;
  const code = world.device.code(then());
  const { status } = await world.fob(["login", "work", "--force", "--code", code], { env: { CLOCK, NODE_OPTIONS } });
  expect(status).toBe(0);
  world.sandbox.setClock(Date.now);
}

for (const { name, isThere, shows } of prompts) {
  test.skipIf(!isThere)(`${name}: the time left of a session, its end, and nothing after a logout`, async () => {
    const world = await makeWorld();
    expect(await shows(selected(world))).toBe("");
    await loginAgo(world, 13);
    expect(await shows(selected(world))).toBe(expired);
    await world.fob(["login", "work", "--code", world.device.code()]);
    expect(await shows(selected(world))).toMatch(fresh);
    await world.fob(["logout", "work"]);
    expect(await shows(selected(world))).toBe("");
  });

  test.skipIf(!isThere)(`${name}: the same after --install, also of a session that a program has renewed`, async () => {
    const world = await makeWorld();
    await world.fob(["login", "work", "--code", world.device.code()]);
    await world.fob(["credential-process", "--install", "work"]);
    expect(await shows(selected(world))).toMatch(fresh);
    await loginAgo(world, 13);
    expect(await shows(selected(world))).toBe(expired);
    const process = `mfa_process = ${world.commandThatPrints(world.device.code(Date.now() + 30_000))}`;
    writeFileSync(world.configPath, world.config().replace("[profile work]\n", `[profile work]\n${process}\n`));
    const [, command = ""] = /^credential_process = (.*)$/m.exec(world.config()) ?? [];
    const program = { env: world.env, shows: ["secret access key", "session token"] as const };
    expect((await execute("sh", ["-c", command], program)).status).toBe(0);
    expect(await shows(selected(world))).toMatch(fresh);
    await world.fob(["logout", "work"]);
    // The profile is still one of fob's; a time is not said any more.
    expect(await shows(selected(world))).toBe("on ☁️  work-mfa (eu-central-1)");
  });
}
