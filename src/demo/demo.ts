// Shows fob against the local AWS: a call is denied without MFA, you enter one code, and the same call succeeds.
import type { ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bugsAddress } from "../bugs-address.ts";
import type { Environment } from "../environment-variables.ts";
import { CancelledError, FobError, throwIfCancelled } from "../errors.ts";
import { enforceMfaPolicy } from "../policy/enforcement.ts";
import { startProgram } from "../process.ts";
import { startSandbox } from "../sandbox/server.ts";
import { maskKeyId, quote } from "../text.ts";
import { callEveryday } from "./everyday-call.ts";

export interface DemoTools {
  readonly env: Environment;
  /** How to run fob: a program and its first arguments. */
  readonly fob: readonly [string, ...string[]];
  /** Whether a person can type the code. */
  readonly isOnTerminal: boolean;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Runs the demo and removes all of its files. @throws FobError if something fails, CancelledError */
export async function runDemo(tools: DemoTools): Promise<void> {
  const { print, signal } = tools;
  // The clock is stopped, so the code does not expire while you type it. Signatures stay valid for five minutes.
  const began = Date.now();
  const sandbox = await startSandbox({ now: () => began });
  const home = mkdtempSync(join(tmpdir(), "fob-demo-"));
  try {
    const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
    const { accessKey } = sandbox.addUser({ name: "ada", policies: [everything, enforceMfaPolicy()] });
    const device = sandbox.addVirtualDevice("ada");
    const files = writeAwsFiles(
      home,
      accessKey,
      tools.isOnTerminal ? undefined : formatCodeCommand(home, device.code()),
    );
    const call = (profile: string): Promise<string[]> => callEveryday({ ...files, profile, endpoint: sandbox.url });
    const fob = (...args: string[]): Promise<void> => runFob(args, home, sandbox.url, tools);

    print(`A local AWS is running at ${sandbox.url}. Ada's policies allow everything, but only with MFA.`);
    print("");
    print('1. Ada lists her buckets with her access key (profile "demo"):');
    print(`   ${await describeRejection(call("demo"))}`);
    throwIfCancelled(signal);
    print("");
    print("2. $ fob login demo");
    print(
      tools.isOnTerminal
        ? `   Her authenticator shows ${device.code()}. Type this code.`
        : "   There is no terminal, so the profile's mfa_process provides the code.",
    );
    await fob("login", "demo");
    print("");
    print("3. fob wrote this session profile (secrets are masked):");
    for (const line of maskSecrets(readFileSync(files.credentials, "utf8"), "demo-mfa")) print(`   ${line}`);
    throwIfCancelled(signal);
    print("");
    print('4. The same call succeeds with the profile "demo-mfa", made by the AWS SDK without fob:');
    print(`   ${(await call("demo-mfa")).join(", ")}`);
    throwIfCancelled(signal);
    print("");
    print("5. $ fob status");
    await fob("status");
    print("");
    print("All files were in a temporary folder, which is now deleted. Try it with your own account: fob login");
  } finally {
    await sandbox.close();
    rmSync(home, { recursive: true, force: true });
  }
}

/** Writes Ada's AWS files. They do not name her device: fob asks AWS for it. */
function writeAwsFiles(
  home: string,
  key: { accessKeyId: string; secretAccessKey: string },
  mfaProcess: string | undefined,
): { credentials: string; config: string } {
  const folder = join(home, ".aws");
  const files = { credentials: join(folder, "credentials"), config: join(folder, "config") };
  mkdirSync(folder, { mode: 0o700 });
  const keys = `aws_access_key_id = ${key.accessKeyId}\naws_secret_access_key = ${key.secretAccessKey}\n`;
  writeFileSync(files.credentials, `[demo]\n${keys}`, { mode: 0o600 });
  const command = mfaProcess === undefined ? "" : `mfa_process = ${mfaProcess}\n`;
  writeFileSync(files.config, `[profile demo]\nregion = eu-central-1\n${command}`, { mode: 0o600 });
  return files;
}

/** Returns a command that prints the device's current code, which stays valid for another minute. */
function formatCodeCommand(home: string, code: string): string {
  const file = join(home, "authenticator");
  writeFileSync(file, `${code}\n`, { mode: 0o600 });
  return `${process.platform === "win32" ? "type" : "cat"} "${file}"`;
}

async function describeRejection(call: Promise<unknown>): Promise<string> {
  const error: unknown = await call.then(
    () => new FobError("the local AWS allowed a call without MFA", `report it at ${bugsAddress}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error) || error.name !== "AccessDenied") throw error;
  return `${error.name}: ${error.message}`;
}

/** Runs fob as users do: in another process on the same terminal. */
async function runFob(args: readonly string[], home: string, endpoint: string, tools: DemoTools): Promise<void> {
  const [program, ...first] = tools.fob;
  const { PATH, TERM, LANG, NO_COLOR, SystemRoot } = tools.env;
  const given = { PATH, TERM, LANG, NO_COLOR, SystemRoot, HOME: home, USERPROFILE: home, AWS_ENDPOINT_URL: endpoint };
  const child = startProgram(program, [...first, ...args], { env: given, stdio: "inherit" });
  const stop = (): void => void child.kill();
  tools.signal.addEventListener("abort", stop);
  try {
    const status = await getStatus(child);
    throwIfCancelled(tools.signal);
    if (status === new CancelledError().exitCode) throw new CancelledError();
    if (status !== 0)
      throw new FobError(`fob ${args.join(" ")} exited with ${status ?? "a signal"}`, "try again: fob demo");
  } finally {
    tools.signal.removeEventListener("abort", stop);
  }
}

function getStatus(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.on("error", (error) => reject(new FobError(`cannot run ${quote(child.spawnfile)}: ${error.message}`)));
    child.on("close", resolve);
  });
}

/** Returns the lines of a profile's section with its secrets masked. */
function maskSecrets(credentials: string, profile: string): string[] {
  const lines = credentials
    .slice(credentials.indexOf(`[${profile}]`))
    .trimEnd()
    .split("\n");
  return lines.map((line) => {
    const [key = "", value = ""] = line.split(" = ");
    if (key === "aws_access_key_id") return `${key} = ${maskKeyId(value)}`;
    return key === "aws_secret_access_key" || key === "aws_session_token" ? `${key} = ********` : line;
  });
}
