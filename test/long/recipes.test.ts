// What the page with the recipes says to type and to write into files, as it stands there.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { expect, test } from "vitest";
import { isThere, succeeds } from "../helpers/needed.ts";
import { endsIn } from "../helpers/sessions.ts";
import { run, testIn, withFob } from "../helpers/shells.ts";
import { execute, makeWorld, node, onTerminal, program, type World } from "../helpers/world.ts";

const page = readFileSync(join(resolve(program, "../.."), "docs/recipes.md"), "utf8");
const both = ["secret access key", "session token"] as const;

/** The blocks of a section, without their indentation. */
function blocks(section: string, language: "sh" | "json"): readonly string[] {
  const text = page.split(/^## /m).find((part) => part.startsWith(`${section}\n`)) ?? "";
  const fence = new RegExp(`^( *)\`\`\`${language}\\n([^]*?)\\n *\`\`\`$`, "gm");
  return [...text.matchAll(fence)].map(([, indent = "", block = ""]) => block.replaceAll(`\n${indent}`, "\n").trim());
}

/** The block of a section that begins so. */
function block(section: string, beginning: string, language: "sh" | "json" = "sh"): string {
  const found = blocks(section, language).find((text) => text.startsWith(beginning));
  if (found === undefined) throw new Error(`${section} has no block that begins with ${beginning}`);
  return found;
}

async function loggedIn(): Promise<World> {
  const world = await makeWorld();
  await world.fob(["login", "work", "--code", world.device.code(Date.now() - 30_000)]);
  return world;
}

/** A program that a recipe needs, which shows what it has been given. */
function standIn(world: World, name: string, script: string): Record<string, string> {
  const env = withFob(world.env);
  const file = join(env.PATH?.split(":")[0] ?? "", name);
  writeFileSync(file, `#!/bin/sh\n${script}`);
  chmodSync(file, 0o755);
  return env;
}

testIn(["bash", "zsh"], "Docker: the file of variables has what a container needs, without quotes", async (shell) => {
  const world = await loggedIn();
  const env = standIn(world, "docker", 'cat "$4"; shift 4; echo "$@"\n');
  const { stdout, stderr } = await run(shell, block("Docker", "docker run --rm --env-file"), { env, shows: both });
  expect(stderr).toBe("");
  expect(stdout).toMatch(/^(AWS_\w+=[^\s"'#]+\n){7}amazon\/aws-cli sts get-caller-identity\n$/);
});

testIn(["bash", "zsh", "fish"], "Docker: the variables that it is to pass on are there", async (shell) => {
  const world = await loggedIn();
  const show =
    'for name in "$@"; do case $name in AWS_*) printenv "$name" >/dev/null && echo "$name is there" ;; esac; done\n';
  const { stdout } = await run(shell, block("Docker", "fob exec"), { env: standIn(world, "docker", show) });
  const names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"];
  expect(stdout).toBe(names.map((name) => `${name} is there\n`).join(""));
});

test("Dev Containers: the settings are JSON, and mount the folder", () => {
  const settings = JSON.parse(block("Dev Containers", "{", "json")) as { mounts: readonly string[] };
  expect(settings.mounts).toEqual([expect.stringMatching(/^type=bind,source=.*\/\.aws,target=\/home\/node\/\.aws$/)]);
});

const claude = (beginning: string): string =>
  Object.values(JSON.parse(block("Claude Code", beginning, "json")) as Record<string, string>)[0] ?? "";

test("Claude Code: awsAuthRefresh does not read the terminal, and says what to do", async () => {
  const world = await makeWorld();
  const command = claude('{\n  "awsAuthRefresh"');
  const terminal = onTerminal("bash", ["--norc", "-c", command], { env: withFob(world.env) });
  const { status, screen } = await terminal.ended;
  expect(screen).toContain("fob cannot prompt here; run in a terminal: fob login work");
  expect(status).toBe(4);

  const process = world.commandThatPrints(world.device.code());
  writeFileSync(world.configPath, world.config().replace("[profile work]", `$&\nmfa_process = ${process}`));
  expect((await run("bash", command, { env: withFob(world.env) })).status).toBe(0);
  expect(world.credentials()).toContain("[work-mfa]");
});

test("Claude Code: awsCredentialExport gets JSON, and older versions theirs", async ({ skip }) => {
  const world = await loggedIn();
  const env = withFob(world.env);
  const command = claude('{\n  "awsCredentialExport"');
  const { stdout } = await run("bash", command, { env, shows: both });
  const keys = ["AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"];
  expect(Object.keys(JSON.parse(stdout) as object)).toEqual(expect.arrayContaining(keys));

  skip(!succeeds("jq", "--version"), "jq is not installed");
  const older = /`(fob credential-process .* \| jq .*)`/.exec(page)?.[1] ?? "";
  const wrapped = await run("bash", older, { env, shows: both });
  expect(JSON.parse(wrapped.stdout)).toEqual({ Credentials: JSON.parse(stdout) as object });
});

test("direnv: the line for programs that know no profiles, in the shell that reads it", async () => {
  const world = await loggedIn();
  const env = { ...withFob(world.env), SHELL: "/usr/bin/fish" };
  const line = blocks("direnv", "sh").find((text) => text.startsWith("eval")) ?? "";
  const { stdout } = await run("bash", `${line}\necho "$AWS_ACCESS_KEY_ID"`, { env });
  expect(stdout).toMatch(/^ASIA\w{16}\n$/);
});

test.skipIf(!succeeds("direnv", "version"))("direnv: takes the profile from .envrc", async () => {
  const world = await loggedIn();
  const cwd = join(world.home, "project");
  mkdirSync(cwd);
  const script = `${block("direnv", "echo")}\neval "$(direnv export bash)"\necho "$AWS_PROFILE"`;
  const { stdout } = await run("bash", script, { env: withFob(world.env), cwd });
  expect(stdout).toBe("work-mfa\n");
});

test("Codespaces: an access key that is only in the environment", async () => {
  const world = await makeWorld({ credentials: "", config: "" });
  const { accessKeyId, secretAccessKey } = world.user.accessKey;
  const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  const script = `${block("GitHub Codespaces", "fob login")}\necho "now $AWS_ACCESS_KEY_ID"`;
  const env = { ...withFob(world.env), ...keys };
  const terminal = onTerminal("bash", ["--norc", "-c", script], { env });
  await terminal.shows(/Code for .*\(work\)/);
  terminal.type(`${world.device.code()}\r`);
  await terminal.shows("now ASIA");
  expect((await terminal.ended).status).toBe(0);
});

test("cron: the table that is written, and its line in cron's environment", async () => {
  const world = await loggedIn();
  const table = join(world.home, "table");
  const env = standIn(world, "crontab", `if [ "$1" = -l ]; then exit 1; else cat >'${table}'; fi\n`);
  const PATH = `${env.PATH?.split(":")[0]}:${dirname(node)}:/usr/bin:/bin`;
  expect((await run("bash", block("cron", "("), { env: { ...env, PATH } })).stderr).toBe("");
  const [first, line = ""] = readFileSync(table, "utf8").split("\n");
  expect(first).toBe(`PATH=${PATH}`);
  const command = line.replace("*/15 * * * * ", "");
  const cron = { PATH, HOME: world.home, SHELL: "/bin/sh", AWS_ENDPOINT_URL: world.sandbox.url };
  const job = () => execute("/bin/sh", ["-c", command], { env: cron });
  const log = () => readFileSync(join(world.home, ".fob-refresh.log"), "utf8");

  expect(await job()).toMatchObject({ status: 0, stdout: "", stderr: "" });
  endsIn(world, 600);
  expect(await job()).toMatchObject({ status: 4, stdout: "", stderr: "" });
  expect(log()).toContain("needs an MFA code");
  const process = world.commandThatPrints(world.device.code());
  writeFileSync(world.configPath, world.config().replace("[profile work]", `$&\nmfa_process = ${process}`));
  expect(await job()).toMatchObject({ status: 0, stdout: "", stderr: "" });
  expect(log()).toContain('"work-mfa" is valid until');
});

test("cron: a job that needs credentials ends with 4 before its command is run", async () => {
  const world = await makeWorld();
  const env = standIn(world, "aws", "echo run\n");
  const { status, stdout } = await run("bash", block("cron", "fob exec"), { env });
  expect({ status, stdout }).toEqual({ status: 4, stdout: "" });
});

test.skipIf(!isThere("aws", "--version"))("EKS: aws eks get-token makes a token of the session", async () => {
  const world = await loggedIn();
  const env = { ...world.env, AWS_PROFILE: "work-mfa", AWS_EC2_METADATA_DISABLED: "true" };
  const { stdout } = await execute("aws", ["eks", "get-token", "--cluster-name", "demo"], { env, shows: both });
  const { token } = (JSON.parse(stdout) as { status: { token: string } }).status;
  const link = Buffer.from(token.replace(/^k8s-aws-v1\./, ""), "base64url").toString();
  expect(link).toMatch(/Action=GetCallerIdentity&.*X-Amz-Credential=ASIA/);
});

test.skipIf(!isThere("aws", "--version"))(
  "Docker: a credential process that is found where fob is, whatever the folder is called",
  async () => {
    const world = await loggedIn();
    const env = withFob(world.env);
    const { status, stderr } = await run("bash", block("Docker", "fob credential-process"), { env });
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(world.config()).toMatch(/^credential_process = fob credential-process work-mfa$/m);
    const identity = ["sts", "get-caller-identity", "--profile", "work-mfa", "--query", "Arn", "--output", "text"];
    const asked = await execute("aws", identity, { env: { ...env, AWS_EC2_METADATA_DISABLED: "true" } });
    expect(asked).toMatchObject({ stdout: `${world.user.arn}\n`, stderr: "" });
  },
);
