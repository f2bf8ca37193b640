// `fob env`: what shells and programs get from it, and that a terminal gets nothing.
import { spawnSync } from "node:child_process";
import { appendFileSync } from "node:fs";
import { expect, test } from "vitest";
import { endsIn } from "../helpers/sessions.ts";
import { run, testIn, withFob } from "../helpers/shells.ts";
import { skipOnWindows } from "../helpers/windows.ts";
import { execute, makeWorld, type World } from "../helpers/world.ts";

const both = ["secret access key", "session token"] as const;

async function loggedIn(options?: Parameters<typeof makeWorld>[0]): Promise<World> {
  const world = await makeWorld(options);
  await world.fob(["login", "work", "--code", world.device.code()]);
  return world;
}

const variables = async (world: World, ...args: readonly string[]): Promise<Record<string, string>> =>
  JSON.parse((await world.fob(["env", "--shell", "json", ...args])).stdout) as Record<string, string>;

test("the session's credentials, their end, the account and the profile's region, and nothing on stderr", async () => {
  const world = await loggedIn();
  const { status, stdout, stderr } = await world.fob(["env", "work", "--shell", "json"]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(JSON.parse(stdout)).toEqual({
    AWS_ACCESS_KEY_ID: expect.stringMatching(/^ASIA\w{16}$/) as string,
    AWS_SECRET_ACCESS_KEY: expect.stringMatching(/^\S{40}$/) as string,
    AWS_SESSION_TOKEN: expect.stringMatching(/^\S{100,}$/) as string,
    AWS_CREDENTIAL_EXPIRATION: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string,
    AWS_ACCOUNT_ID: world.sandbox.account,
    AWS_REGION: "eu-central-1",
    AWS_DEFAULT_REGION: "eu-central-1",
  });
  expect((await world.fob(["env", "work-mfa", "--shell", "json"])).stdout).toBe(stdout);
  const selected = await world.fob(["env", "--shell", "json"], { env: { AWS_PROFILE: "work-mfa" } });
  expect(selected.stdout).toBe(stdout);
});

test("the region: --region, else the profile's, else the environment's, and not one that only the login was to use", async () => {
  const world = await makeWorld();
  await world.fob(["login", "work", "--region", "eu-west-3", "--code", world.device.code()]);
  expect(await variables(world, "work", "--region", "us-east-2")).toMatchObject({
    AWS_REGION: "us-east-2",
    AWS_DEFAULT_REGION: "us-east-2",
  });
  // What an earlier fob env has left does not count.
  const left = { AWS_REGION: "us-west-1" };
  const json = ["env", "work", "--shell", "json"];
  expect(JSON.parse((await world.fob(json, { env: left })).stdout)).toMatchObject({ AWS_REGION: "eu-central-1" });

  const without = await loggedIn({ config: "" });
  expect(await variables(without, "work")).not.toHaveProperty("AWS_REGION");
  expect(JSON.parse((await without.fob(json, { env: left })).stdout)).toMatchObject({
    AWS_DEFAULT_REGION: "us-west-1",
  });
});

const stale = {
  ...{ AWS_PROFILE: "play", AWS_DEFAULT_PROFILE: "play", AWS_SECURITY_TOKEN: "old", AWS_SESSION_EXPIRATION: "old" },
  ...{ AWS_CREDENTIAL_SCOPE: "old", AWS_WEB_IDENTITY_TOKEN_FILE: "/old", AWS_ACCESS_KEY: "old", AWS_SECRET_KEY: "old" },
};
const isThere = (name: string): boolean => spawnSync(name, ["-c", "exit 0"]).status === 0;
const show = "env | grep ^AWS_ | sort";

testIn(
  ["bash", "zsh", "fish"],
  "takes over what is meant for it without being named, on the line of the help",
  async (shell) => {
    const world = await loggedIn();
    const wanted = await variables(world, "work");
    const help = (await world.fob(["env", "--help"])).stdout;
    const line = shell === "fish" ? "fob env work-mfa | source" : 'eval "$(fob env work-mfa)"';
    expect(help).toContain(line);
    // SHELL is another one.
    const env = withFob({ ...world.env, ...stale, SHELL: shell === "fish" ? "/bin/bash" : "/usr/bin/fish" });
    const { stdout, stderr } = await run(shell, `${line}; ${show}`, { env, shows: both });
    expect(stderr).toBe("");
    expect(environmentIn(stdout)).toEqual({ ...wanted, AWS_ENDPOINT_URL: world.sandbox.url });
    // And again, out of that environment.
    const again = await run(shell, `${line}; ${line}; fob status --json; ${show}`, { env, shows: both });
    expect(environmentIn(again.stdout)).toMatchObject(wanted);
  },
);

test.skipIf(!isThere("dash"))("dash, as sh", async () => {
  const world = await loggedIn();
  const env = withFob({ ...world.env, ...stale });
  const { stdout } = await execute("dash", ["-c", `eval "$(fob env work)"; ${show}`], { env, shows: both });
  expect(environmentIn(stdout)).toEqual({ ...(await variables(world, "work")), AWS_ENDPOINT_URL: world.sandbox.url });
});

function environmentIn(stdout: string): Record<string, string> {
  return Object.fromEntries(
    [...stdout.matchAll(/^(AWS_\w+)=(.*)$/gm)].map(([, name = "", value = ""]) => [name, value]),
  );
}

test("on a terminal it asks for nothing and shows nothing but the line that was meant", async () => {
  const world = await makeWorld();
  const none = { shows: [], env: { SHELL: "/usr/bin/fish" } };
  for (const [args, ...hints] of [
    [
      ["env", "work", "--shell", "bash"],
      'eval "$(fob env work --shell bash)"',
      "or: fob env work --shell bash --reveal",
    ],
    [["env"], "fob env | source", "or: fob env --reveal"],
    [["env", "--profile", "work", "--region", "eu-west-1"], "fob env work --region eu-west-1 | source"],
    [["env", "work", "--shell", "pwsh"], "fob env work --shell pwsh | Out-String | Invoke-Expression"],
    [["env", "work", "--shell", "dotenv"], "(umask 077 && fob env work --shell dotenv > .env)"],
  ] as const) {
    const { status, screen } = await world.fobOnTerminal(args, none).ended;
    expect(screen).toContain("fob: error: this would print secrets on your terminal\n");
    for (const hint of hints) expect(screen).toContain(`hint: ${hint}\n`);
    expect(status).toBe(2);
  }
});

test("the line is typed at the prompt of a shell, which asks for the code and shows no secret", async () => {
  const world = await makeWorld();
  const terminal = world.shellOnTerminal('eval "$(fob env work)"; echo "key $AWS_ACCESS_KEY_ID"');
  await terminal.shows(/Code for .*\(work\)/);
  terminal.type(`${world.device.code()}\r`);
  await terminal.shows("key ASIA");
  expect((await terminal.ended).status).toBe(0);
});

test("--reveal shows them on a terminal", async () => {
  const world = await loggedIn();
  const { status, screen } = await world.fobOnTerminal(["env", "work", "--shell", "zsh", "--reveal"]).ended;
  expect(status).toBe(0);
  expect(screen).toContain(
    `\nexport AWS_SECRET_ACCESS_KEY='${(await variables(world, "work")).AWS_SECRET_ACCESS_KEY}'\n`,
  );
});

test("the shell that cannot be told, and a format that there is not", async () => {
  skipOnWindows("a shell that cannot be told");
  const world = await loggedIn();
  // Its parent, the test's Node.js, is no shell.
  const untold = await world.fob(["env", "work"], { env: { SHELL: "/usr/bin/nu" } });
  expect(untold).toMatchObject({ status: 2, stdout: "" });
  expect(untold.stderr).toBe(
    "fob: error: cannot tell which shell you use\nfob: hint: for example: fob env --shell bash\n",
  );
  const unknown = await world.fob(["env", "work", "--shell", "elvish"]);
  expect(unknown).toMatchObject({ status: 2, stdout: "" });
  expect(unknown.stderr).toContain('unknown format "elvish": choose bash, zsh, ');
});

test("ini is a section that may go into a credentials file, dotenv what docker takes", async () => {
  const world = await loggedIn();
  const { stdout } = await world.fob(["env", "work", "--shell", "ini"]);
  expect(stdout).toMatch(/^\[work-mfa\]\naws_access_key_id = ASIA\w+\n[^[]*\nregion = eu-central-1\n$/);
  expect((await world.fob(["env", "work", "--shell", "dotenv"])).stdout).toMatch(/^(AWS_\w+=[^\s"'#]+\n){7}$/);
});

test("without a fresh session and a terminal fob does not prompt, and credentials that still last are better than none", async () => {
  const world = await loggedIn();
  endsIn(world, 600);
  const { status, stdout, stderr } = await world.fob(["env", "work", "--shell", "bash"]);
  expect(status).toBe(0);
  expect(stdout).toContain("export AWS_SESSION_TOKEN=");
  expect(stderr).toMatch(/^fob: warning: "work-mfa" needs an MFA code, .* expire in 9 min\n$/);
  endsIn(world, 30);
  // So that a command behind && is not run.
  expect(await world.fob(["env", "work", "--shell", "bash"])).toMatchObject({ status: 4, stdout: "false\n" });
});

// eval "$(fob env …)" && terraform apply
test.each([
  [["work", "--regoin", "x"]],
  [["work", "--region"]],
  [["work", "play"]],
  [["work", "--shell", "bsh"]],
  [["work", "--shell"]],
  [["work", "--region", "no region"]],
])("a command behind && is not run where the command line is wrong: fob env %j", async (args) => {
  const world = await makeWorld();
  const env = { SHELL: "/bin/bash" };
  expect(await world.fob(["env", ...args], { env })).toMatchObject({ status: 2, stdout: "false\n" });
});

test("what is no shell reads no command: where it fails, it gets nothing", async () => {
  const world = await makeWorld();
  for (const format of [["--shell", "json"], ["--shell=dotenv"]]) {
    const outcome = await world.fob(["env", "work", ...format, "--regoin"], { env: { SHELL: "/bin/bash" } });
    expect(outcome).toMatchObject({ status: 2, stdout: "" });
  }
});

test("Ctrl-C at the question is no answer, although the old credentials still last", async () => {
  const world = await loggedIn();
  endsIn(world, 600);
  const terminal = world.shellOnTerminal('text=$(fob env work --shell bash); echo "exit $?, <$text>"');
  await terminal.shows("Code for");
  terminal.type("\u0003");
  await terminal.shows("exit 130, <false>");
  await terminal.ended;
});

test("a session that was made with the keys of the environment is found again in the environment that replaces them", async () => {
  const world = await makeWorld({ credentials: "" });
  const { accessKeyId, secretAccessKey } = world.user.accessKey;
  const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  await world.fob(["login", "work", "--source-env", "--code", world.device.code()], { env: keys });
  const env = await variables(world, "work");
  expect((await world.fob(["env", "work", "--shell", "json"], { env })).stdout).toContain(env.AWS_SESSION_TOKEN);
});

test("completion knows the formats", async () => {
  const world = await makeWorld();
  appendFileSync(world.configPath, "[profile json]\n");
  const complete = async (...words: readonly string[]) => (await world.fob(["complete", ...words])).stdout.split("\n");
  expect(await complete("env", "--shell", "")).toContain("dotenv");
  expect(await complete("env", "--shell=d")).toContain("--shell=dotenv");
  expect(await complete("env", "")).toEqual(["work", "json", ""]);
});

testIn(["bash", "fish"], "a command behind it runs where it has worked, and only there", async (shell) => {
  const line = shell === "fish" ? "fob env work | source; and echo went on" : 'eval "$(fob env work)" && echo went on';
  const world = await makeWorld();
  const typed = () => execute(shell, ["-c", line], { env: { ...withFob(world.env), SHELL: shell } });
  expect((await typed()).stdout).not.toContain("went on");
  await world.fob(["login", "work", "--code", world.device.code()]);
  expect((await typed()).stdout).toContain("went on");
});
