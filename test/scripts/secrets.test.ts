// Every run of fob, in every test, is searched for secrets (test/helpers/leaks.ts). Here are runs with --debug that no
// other test makes, and leaks, which have to be found. What AWS and proxies refuse is in test/network, with --debug too.
import { appendFileSync, chmodSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { bugs } from "../../package.json";
import { mayHoldSecrets, takeLeaks } from "../helpers/leaks.ts";
import { knowSecret } from "../helpers/secrets.ts";
import { isWindows, skipOnWindows } from "../helpers/windows.ts";
import { execute, makeWorld, onTerminal, type RunOptions, type World } from "../helpers/world.ts";

describe("--debug says no secret", () => {
  /** Logs in, and expects an exit code. */
  const expectLogin = async (world: World, status: number, args: readonly string[], options?: RunOptions) => {
    const result = await world.fob(["login", "work", "--debug", ...args], options);
    expect(result.status, result.stderr).toBe(status);
    return result;
  };
  const configure = (world: World, line: string): void => appendFileSync(world.configPath, `${line}\n`);

  test("of a code on stdin, nor of what is none", async () => {
    const world = await makeWorld();
    await expectLogin(world, 1, ["--code-stdin"], { input: `${world.device.code()} and more\n` });
    const { stderr } = await expectLogin(world, 0, ["--code-stdin"], { input: `${world.device.code()}\n` });
    expect(stderr).toContain("fob: debug: sts:GetSessionToken");
  });

  test("of codes on a terminal", async () => {
    const world = await makeWorld();
    const run = world.fobOnTerminal(["login", "work", "--debug"]);
    await run.shows("Code for");
    run.type(`${world.device.code(0)}\r`);
    await run.shows("fob: debug: asking again");
    await run.shows("Code for");
    run.type(`${world.device.code()}\r`);
    expect(await run.ended).toMatchObject({ status: 0 });
  });

  test.each([
    ["a code", 0, (code: string) => code],
    ["more than a code", 1, (code: string) => `${code} is the code`],
  ])("of an mfa_process that prints %s", async (_, status, text) => {
    const world = await makeWorld();
    configure(world, `mfa_process = ${world.commandThatPrints(text(world.device.code()))}`);
    await expectLogin(world, status, []);
  });

  test.each([
    ["an access key", 0, "}"],
    ["half of one", 1, ""],
  ])("of a credential_process that prints %s", async (_, status, end) => {
    const world = await makeWorld({ credentials: "" });
    const { accessKeyId, secretAccessKey } = world.user.accessKey;
    const answer = `{"Version": 1, "AccessKeyId": "${accessKeyId}", "SecretAccessKey": "${secretAccessKey}"${end}`;
    configure(world, `credential_process = ${world.commandThatPrints(answer)}`);
    await expectLogin(world, status, ["--code", world.device.code()]);
  });

  test("of keys in the environment", async () => {
    const world = await makeWorld({ credentials: "" });
    const { accessKeyId, secretAccessKey } = world.user.accessKey;
    const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
    await expectLogin(world, 0, ["--source-env", "--code", world.device.code()], { env });
  });

  test("of a line that does not parse", async () => {
    const world = await makeWorld();
    appendFileSync(world.credentialsPath, `aws_secret_access_key ${world.user.accessKey.secretAccessKey}\n`);
    const { stderr } = await expectLogin(world, 1, []);
    expect(stderr).toContain("line 4");
  });

  test("of a session that cannot be written, or removed", async () => {
    const world = await makeWorld();
    const preload = `--require ${resolve(import.meta.dirname, "../helpers/faults.cjs")}`;
    const fault = { FAULT: "EIO", FAULT_CALLS: "^renameSync$", FAULT_HOME: world.home, NODE_OPTIONS: preload };
    const env = { ...fault, FAULT_AT: "2" };
    await expectLogin(world, 1, ["--code", world.device.code()], { env });
    await expectLogin(world, 0, []);
    expect((await world.fob(["logout", "work", "--debug"], { env: fault })).status).toBe(1);
    expect((await world.fob(["logout", "--all", "--debug"])).status).toBe(0);
  });

  test("of an unexpected error, with its stack", async () => {
    const world = await makeWorld();
    const script = `const { stringify } = JSON;
      JSON.stringify = (value) => {
        if (value?.SecretAccessKey) throw new TypeError("broken");
        return stringify(value);
      };`;
    const env = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(script)}` };
    const { stderr } = await expectLogin(world, 1, ["--code", world.device.code()], { env });
    expect(stderr).toContain(`fob: error: internal error: broken\nfob: hint: report it at ${bugs.url}, `);
    expect(stderr).toMatch(/\nfob: debug: TypeError: broken\\x0a +at /);
  });

  test("in status and in the demo", async () => {
    const world = await makeWorld();
    await expectLogin(world, 0, ["--code", world.device.code()]);
    for (const args of [["status"], ["status", "--json"], ["status", "--check", "work"], ["demo"]]) {
      expect((await world.fob([...args, "--debug"])).status).toBe(0);
    }
  });
});

describe("a secret that is seen somewhere is found", () => {
  test.each<[string, (secret: string) => string]>([
    ["in the middle of a text", (secret) => `key=${secret}.`],
    ["in a URL", encodeURIComponent],
    ["in a header", (secret) => Buffer.from(`jane:${secret} and more`).toString("base64")],
    ["in hex", (secret) => Buffer.from(secret).toString("hex")],
    ["in part: its beginning", (secret) => `${secret.slice(0, 16)}…`],
    ["in part: its end", (secret) => `…${secret.slice(-16)}`],
  ])("%s", async (_, written) => {
    const world = await makeWorld();
    const env = { PATH: world.env.PATH, TEXT: written(world.user.accessKey.secretAccessKey) };
    await execute("printenv", ["TEXT"], { env });
    expect(takeLeaks()).toEqual(['the stdout of "TEXT" holds a secret access key']);
  });

  test("of every kind, on stderr and on a terminal", async () => {
    const world = await makeWorld();
    await world.fob(["login", "work", "--code", world.device.code()]);
    const token = /aws_session_token = (.+)/.exec(world.credentials())?.[1] ?? "";
    knowSecret("password", "the-password");
    const env = { PATH: world.env.PATH, TEXT: `${token} ${world.device.base32Secret} ${world.device.code()}` };
    await execute("sh", ["-c", "printenv TEXT >&2"], { env: { ...env, PROXY: "http://jane:s3%40ret@proxy" } });
    await onTerminal("sh", ["-c", "echo the-password; echo s3@ret"], { env }).ended;
    // The order is that in which the secrets were made known.
    expect(takeLeaks().sort()).toEqual([
      'the screen of "-c echo the-password; echo s3@ret" holds a password',
      'the stderr of "-c printenv TEXT >&2" holds a code',
      'the stderr of "-c printenv TEXT >&2" holds a device seed',
      'the stderr of "-c printenv TEXT >&2" holds a session token',
    ]);
  });

  test("on the screen, but for the answer to fob's question", async () => {
    const world = await makeWorld();
    const question = `Code for alice @ 123456789012 (work): ${world.device.code()}`;
    const say = (text: string) => onTerminal("sh", ["-c", 'echo "$TEXT"'], { env: { ...world.env, TEXT: text } }).ended;
    await say(question);
    expect(takeLeaks()).toEqual([]);
    await say(`${question}, that is ${world.device.code()}`);
    expect(takeLeaks()).toEqual(['the screen of "-c echo "$TEXT"" holds a code']);
  });

  test("in an argument list that fob makes", async () => {
    const world = await makeWorld();
    appendFileSync(world.configPath, `mfa_process = echo ${world.device.code()}\n`);
    mayHoldSecrets(world.configPath);
    await world.fob(["login", "work"]);
    const shell = isWindows ? "C:\\windows\\system32\\cmd.exe" : "sh";
    expect(takeLeaks()).toEqual([`the argument list of ${shell}, started by "fob login work", holds a code`]);
  });

  test("in a file that is not there for it, or that others can read", async () => {
    skipOnWindows("a mode");
    const world = await makeWorld();
    const [own, left] = [join(world.home, "own"), join(world.home, "left")];
    for (const file of [own, left]) writeFileSync(file, world.user.accessKey.secretAccessKey, { mode: 0o600 });
    mayHoldSecrets(own);
    chmodSync(world.credentialsPath, 0o640);
    expect(takeLeaks().sort()).toEqual([
      `the file ${world.credentialsPath} (mode 640) holds a secret access key`,
      `the file ${left} (mode 600) holds a secret access key`,
    ]);
  });
});
