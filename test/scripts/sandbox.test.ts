// `fob sandbox`: a local AWS apart from the user's files, sessions and variables, which leaves nothing behind.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { CreateVirtualMFADeviceCommand, EnableMFADeviceCommand, IAMClient } from "@aws-sdk/client-iam";
import { fromIni } from "@aws-sdk/credential-providers";
import { expect, test } from "vitest";
import { callEveryday } from "../../src/demo/everyday-call.ts";
import { totp } from "../../src/sandbox/totp.ts";
import { mayHoldSecrets } from "../helpers/leaks.ts";
import { run, testIn, withFob } from "../helpers/shells.ts";
import { makeWorld, type OnTerminal, onTerminal, program, temporaryFolder } from "../helpers/world.ts";

/** A home of a user with keys, sessions and variables of a real account, and a folder for the sandboxes' files. */
async function makeHome() {
  const world = await makeWorld();
  const folder = temporaryFolder();
  const env = withFob({
    ...world.env,
    ...{ TMPDIR: folder, SHELL: "/bin/bash", AWS_PROFILE: "work", AWS_REGION: "us-east-1", AWS_VAULT: "work" },
    ...{ AWS_ENDPOINT_URL_STS: world.sandbox.url, AWS_ODD_VARIABLE: "odd", ASSUMED_ROLE: "work" },
    ...{ AWS_ACCESS_KEY_ID: world.user.accessKey.accessKeyId },
    ...{ AWS_SECRET_ACCESS_KEY: world.user.accessKey.secretAccessKey },
  });
  const before = [world.credentials(), world.config()];
  /** Whether the user's files and account are as they were. */
  const expectUntouched = (): void => {
    expect([world.credentials(), world.config()]).toEqual(before);
    expect(readdirSync(world.home)).toEqual([".aws"]);
    expect(world.sandbox.requests).toEqual([]);
  };
  const fob = (...args: string[]) => world.fob(args, { env });
  return { world, folder, env, fob, expectUntouched };
}

type Home = Awaited<ReturnType<typeof makeHome>>;

/** Starts a sandbox on a terminal, which runs until it is stopped. */
async function startOnTerminal({ env }: Home, ...args: string[]): Promise<OnTerminal & { exports(): string }> {
  const started = onTerminal(program, ["sandbox", ...args], { env });
  await started.shows(/^export FOB_SANDBOX=.*\n/m);
  return { ...started, exports: () => started.screen().slice(started.screen().indexOf("\nunset ")) };
}

test("what fob sandbox prints leads another shell there: log in with a code of ben's device, call AWS", async () => {
  const home = await makeHome();
  const sandbox = await startOnTerminal(home);
  const [name = ""] = readdirSync(home.folder);
  expect(statSync(join(home.folder, name)).mode & 0o077).toBe(0);
  const script = [
    sandbox.exports(),
    "set -e",
    "fob sandbox code ben | fob login ben --code-stdin",
    'echo "$AWS_ENDPOINT_URL $AWS_SHARED_CREDENTIALS_FILE $AWS_CONFIG_FILE"',
    "env | cut -d= -f1 | grep AWS | sort | tr '\\n' ' '",
  ];
  const env = { ...home.env, AWS_ONLY_HERE: "it's" };
  const { status, stdout, stderr } = await run("bash", script.join("\n"), { env });
  expect({ status, stderr }).toMatchObject({ status: 0 });
  const [session, places = "", names] = stdout.trimEnd().split("\n");
  expect(session).toBe("ben-mfa");
  const [endpoint = "", credentials = "", config = ""] = places.split(" ");
  const call = (profile: string) => callEveryday({ credentials, config, endpoint, profile });
  expect(await call("ben-mfa")).toEqual(["invoices", "team-photos"]);
  expect(names).toBe("AWS_CONFIG_FILE AWS_EC2_METADATA_DISABLED AWS_ENDPOINT_URL AWS_SHARED_CREDENTIALS_FILE");
  sandbox.type("\u0003");
  expect((await sandbox.ended).status).toBe(130);
  expect(readdirSync(home.folder)).toEqual([]);
  await expect(call("ben-mfa")).rejects.toThrow();
  home.expectUntouched();
});

testIn(["fish", "zsh"], "takes over what fob sandbox prints for it", async (shell) => {
  const home = await makeHome();
  const sandbox = onTerminal(program, ["sandbox", "--shell", shell], { env: home.env });
  await sandbox.shows(/FOB_SANDBOX.*\n/);
  const lines = sandbox
    .screen()
    .split("\n")
    .filter((line) => !line.startsWith("fob: "));
  const script = `${lines.join("\n")}\nenv | cut -d= -f1 | grep AWS | sort | tr '\\n' ' '; fob sandbox code ben`;
  const env = { ...home.env, AWS_ONLY_HERE: "it's" };
  const { status, stdout } = await run(shell, script, { env, shows: ["code"] });
  expect(status).toBe(0);
  expect(stdout).toMatch(
    /^AWS_CONFIG_FILE AWS_EC2_METADATA_DISABLED AWS_ENDPOINT_URL AWS_SHARED_CREDENTIALS_FILE \d{6}\n$/,
  );
  sandbox.kill("SIGTERM");
  await sandbox.ended;
});

test("behind a proxy, requests to the sandbox go around it", async () => {
  const home = await makeHome();
  const env = {
    ...home.env,
    HTTP_PROXY: "http://127.0.0.1:9",
    http_proxy: "http://127.0.0.1:9",
    NO_PROXY: "example.com",
  };
  const script = "fob sandbox code ben | fob login ben --code-stdin && echo $NO_PROXY";
  const { stdout } = await home.world.fob(["sandbox", "--", "sh", "-c", script], { env });
  expect(stdout).toBe("ben-mfa\nexample.com,127.0.0.1\n");
});

test("a command runs in the sandbox, and its exit code is fob's", async () => {
  const home = await makeHome();
  const inside = "env | grep -E '^AWS|^ASSUMED' | cut -d= -f1 | sort | tr '\\n' ' '; fob status; exit 7";
  const { status, stdout } = await home.fob("sandbox", "--", "sh", "-c", inside);
  expect(status).toBe(7);
  expect(stdout.split("\n")[0]).toMatch(
    /^AWS_CONFIG_FILE AWS_EC2_METADATA_DISABLED AWS_ENDPOINT_URL AWS_SHARED_CREDENTIALS_FILE/,
  );
  expect(readdirSync(home.folder)).toEqual([]);
  home.expectUntouched();
});

test("a command that cannot be run: the shell's exit code, before anything starts", async () => {
  const home = await makeHome();
  const missing = await home.fob("sandbox", "--", "no-such-program");
  expect(missing).toMatchObject({ status: 127, stdout: "" });
  expect(missing.stderr).toBe('fob: error: "no-such-program": command not found\n');
  expect(readdirSync(home.folder)).toEqual([]);
});

test("in team-enforced an access key alone is denied, and a session with MFA is not", async () => {
  const home = await makeHome();
  const script = `fob sandbox code ben | fob login ben --code-stdin >&2
    echo "$AWS_ENDPOINT_URL $AWS_SHARED_CREDENTIALS_FILE $AWS_CONFIG_FILE"; echo ready; read line`;
  const sandbox = onTerminal(program, ["sandbox", "--scenario", "team-enforced", "--", "bash", "-c", script], {
    env: home.env,
  });
  await sandbox.shows(/^ready$/m);
  const [, endpoint = "", credentials = "", config = ""] = /^(http\S+) (\S+) (\S+)$/m.exec(sandbox.screen()) ?? [];
  const call = (profile: string) => callEveryday({ credentials, config, endpoint, profile });
  expect(await call("ben-mfa")).toEqual(["invoices", "team-photos"]);
  await expect(call("ben")).rejects.toThrow("explicit deny");
  await expect(call("dan")).rejects.toThrow("explicit deny");
  expect(await call("ivy")).toEqual(["invoices", "team-photos"]);
  sandbox.type("\r");
  expect((await sandbox.ended).status).toBe(0);
});

test("Ctrl-C in a shell in the sandbox is the shell's, and leaving the shell ends the sandbox", async () => {
  const home = await makeHome();
  const sandbox = onTerminal(program, ["sandbox", "--", "bash", "--norc", "-i"], { env: { ...home.env, PS1: "in> " } });
  await sandbox.shows("in> ");
  sandbox.type("sh -c 'echo at work; exec sleep 60'\r");
  await sandbox.shows(/^at work$/m);
  sandbox.type("\u0003");
  await sandbox.shows("in> ");
  sandbox.type("fob login finn; exit 5\r");
  await sandbox.shows("security key");
  expect((await sandbox.ended).status).toBe(5);
  expect(readdirSync(home.folder)).toEqual([]);
});

test("a device that is created in the sandbox has codes too, before and after it is enabled", async () => {
  const home = await makeHome();
  const script = 'echo "$AWS_ENDPOINT_URL $AWS_SHARED_CREDENTIALS_FILE $AWS_CONFIG_FILE"; read line';
  const sandbox = onTerminal(program, ["sandbox", "--", "bash", "-c", script], { env: home.env });
  const line = /^(http\S+) (\S+) (\S+)$/m;
  await sandbox.shows(line);
  const [, endpoint = "", filepath = "", configFilepath = ""] = line.exec(sandbox.screen()) ?? [];
  const credentials = fromIni({ profile: "ada", filepath, configFilepath, ignoreCache: true });
  const iam = new IAMClient({ endpoint, region: "us-east-1", credentials });
  const code = (...args: string[]) => home.world.fob(["sandbox", "code", ...args], { env: home.env, shows: ["code"] });
  expect((await code("dan")).status).toBe(1);
  const created = await iam.send(new CreateVirtualMFADeviceCommand({ VirtualMFADeviceName: "dan" }));
  const { SerialNumber, Base32StringSeed = new Uint8Array() } = created.VirtualMFADevice ?? {};
  const seed = Buffer.from(Base32StringSeed).toString();
  const shown = (await code("dan")).stdout.trim();
  const now = Date.now();
  expect([totp(seed, now), totp(seed, now - 30_000)]).toContain(shown);
  const codes = { AuthenticationCode1: totp(seed, now - 30_000), AuthenticationCode2: totp(seed, now) };
  await iam.send(new EnableMFADeviceCommand({ UserName: "dan", SerialNumber, ...codes }));
  expect(await code("dan", "--serial", SerialNumber ?? "")).toMatchObject({ status: 0 });
  expect((await code("dan", "--serial", "phone")).stderr).toContain(`fob sandbox code dan --serial ${SerialNumber}\n`);
  iam.destroy();
  sandbox.type("\r");
  expect((await sandbox.ended).status).toBe(0);
});

test("SIGTERM ends the command, and nothing is left behind", async () => {
  const home = await makeHome();
  const sandbox = onTerminal(program, ["sandbox", "--", "sh", "-c", "echo ready; exec sleep 60"], { env: home.env });
  await sandbox.shows(/^ready$/m);
  expect(readdirSync(home.folder)).toHaveLength(1);
  sandbox.kill("SIGTERM");
  expect((await sandbox.ended).status).toBe(143);
  expect(readdirSync(home.folder)).toEqual([]);
});

test.each(["SIGTERM", "SIGHUP"] as const)("%s without a command: 130, and nothing is left behind", async (signal) => {
  const home = await makeHome();
  const sandbox = await startOnTerminal(home, "--scenario", "empty");
  sandbox.kill(signal);
  expect((await sandbox.ended).status).toBe(130);
  expect(readdirSync(home.folder)).toEqual([]);
});

test("fob sandbox code finds the only running sandbox, and says what it cannot find", async () => {
  const home = await makeHome();
  expect(await home.fob("sandbox", "code", "ben")).toMatchObject({
    status: 1,
    stderr: "fob: error: no sandbox is running\nfob: hint: start one: fob sandbox\n",
  });
  const sandbox = await startOnTerminal(home);
  const shown = { env: home.env, shows: ["code"] } as const;
  const code = (...args: string[]) => home.world.fob(["sandbox", "code", ...args], shown);
  expect(await code("BEN")).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\d{6}\n$/) as string });
  expect((await code("finn")).stderr).toBe('fob: error: "finn" has no device that shows codes\n');
  expect((await code("ivyy")).stderr).toBe(
    'fob: error: the sandbox has no user "ivyy"\nfob: hint: did you mean: fob sandbox code ivy\n',
  );
  expect((await code("ivy", "--serial", "ivy-phone")).status).toBe(0);
  const token = /code cleo --serial (GAHT\d{8})/.exec((await code("cleo", "--serial", "phone")).stderr)?.[1] ?? "";
  expect((await code("cleo", "--serial", token)).stdout).not.toBe((await code("cleo")).stdout);

  const other = await startOnTerminal(home);
  const several = await code("ben");
  expect(several.stderr).toMatch(
    /^fob: error: 2 sandboxes are running\n(fob: hint: for one of them: FOB_SANDBOX=.*\n){2}$/,
  );
  const [, own = ""] = /^export FOB_SANDBOX='(.*)'$/m.exec(other.exports()) ?? [];
  const within = { ...shown, env: { ...home.env, FOB_SANDBOX: own } };
  expect((await home.world.fob(["sandbox", "code", "ben"], within)).status).toBe(0);

  // A sandbox that was killed leaves its file, but not its codes.
  other.kill("SIGKILL");
  await other.ended;
  expect((await code("ben")).status).toBe(0);
  expect((await home.world.fob(["sandbox", "code", "ben"], within)).stderr).toContain("has stopped");
  sandbox.kill("SIGTERM");
  await sandbox.ended;
  mayHoldSecrets(own);
  expect(readdirSync(home.folder).map((name) => join(home.folder, name, "authenticator.json"))).toEqual([own]);
  // The next one removes it.
  await home.fob("sandbox", "--", "true");
  expect(readdirSync(home.folder)).toEqual([]);
});

test.each([
  [["aws", "s3", "ls"], "put the command after --", "fob sandbox -- aws s3 ls"],
  [["cod", "ben"], 'unknown command "sandbox cod"', "did you mean: fob sandbox code ben"],
  [["--scenario", "teem"], 'unknown scenario "teem"', "choose one of: team, team-enforced, 5000-users, empty"],
  [["--scenaria", "team"], 'unknown option "--scenaria"', "did you mean: --scenario"],
  [["--shell", "tcsh"], 'fob sandbox cannot print variables for "tcsh"', "choose one of: bash, zsh, fish, powershell"],
])("wrong usage: fob sandbox %j", async (args, error, hint) => {
  const home = await makeHome();
  const { status, stderr } = await home.fob("sandbox", ...args);
  expect(status).toBe(2);
  expect(stderr).toContain(`fob: error: ${error}\nfob: hint: ${hint}\n`);
});
