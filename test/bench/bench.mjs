// Measures the figures that fob promises, as ratios within one run: see README.md beside this file.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { build } from "rolldown";
import { measureSandbox } from "./sandbox.mjs";

const { values: options } = parseArgs({
  options: { check: { type: "boolean" }, json: { type: "boolean" }, pairs: { type: "string", default: "25" } },
});
const pairs = Math.max(20, Number(options.pairs));
const root = resolve(import.meta.dirname, "../..");
const program = join(root, "bin/fob");
const folder = mkdtempSync(join(tmpdir(), "fob-bench-"));

/** Bundles a file, whose source is TypeScript. @returns the path of the bundle */
async function bundle(input) {
  const file = join(folder, `${relative(root, input).replaceAll(/[\\/]/g, "-")}.mjs`);
  const resolve = { mainFields: ["module", "main"] };
  await build({ input, platform: "node", resolve, output: { file, codeSplitting: false } });
  return file;
}

/** A module of fob's. */
const moduleOf = async (source) => await import(await bundle(join(root, "src", source)));

async function sandbox() {
  const { startSandbox } = await moduleOf("sandbox/server.ts");
  return await startSandbox();
}

/** No ratio: milliseconds for 100,000 decisions of the proof table, as an audit of thousands of users takes them. */
async function decisions() {
  const { prove } = await moduleOf("policy/proof.ts");
  const policies = ["enforce-mfa-policy.max-age-12h.json", "self-manage-mfa-policy.json"].map((file) =>
    JSON.parse(readFileSync(join(root, "policies", file), "utf8")),
  );
  policies.push({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] });
  const user = "arn:aws:iam::123456789012:user/alice";
  const asked = { user, context: { "aws:username": "alice" } };
  const began = performance.now();
  let count = 0;
  while (count < 100_000) count += prove(policies, {}, asked).rows.reduce((sum, { cells }) => sum + cells.length, 0);
  return performance.now() - began;
}

/** A home folder with a user's key among so many profiles. */
function home(name, aws, profiles) {
  const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
  const user = aws.addUser({ name, policies: [everything] });
  const device = aws.addVirtualDevice(name);
  const path = join(folder, name);
  mkdirSync(join(path, ".aws"), { recursive: true, mode: 0o700 });
  const section = (profile, { accessKeyId, secretAccessKey }) =>
    `[${profile}]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n\n`;
  const others = Array.from({ length: profiles - 1 }, (_, index) => section(`other-${index}`, user.accessKey));
  writeFileSync(join(path, ".aws/credentials"), others.join("") + section("work", user.accessKey), { mode: 0o600 });
  // The config is as long as the credentials file in real life.
  const regions = Array.from(
    { length: profiles - 1 },
    (_, index) => `[profile other-${index}]\nregion = eu-central-1\noutput = json\n\n`,
  );
  const config = `[profile work]\nregion = eu-central-1\nmfa_serial = ${device.serialNumber}\n`;
  writeFileSync(join(path, ".aws/config"), regions.join("") + config, { mode: 0o600 });
  // Nothing of this machine's own environment: NODE_EXTRA_CA_CERTS alone would cost Node.js 20 about 50 ms a start.
  const env = { PATH: process.env.PATH, HOME: path, AWS_ENDPOINT_URL: aws.url, AWS_EC2_METADATA_DISABLED: "true" };
  return { path, env, device, key: user.accessKey };
}

/** Milliseconds that a command takes, from its start to its end. */
function timed(command, env) {
  return new Promise((done, fail) => {
    const began = performance.now();
    const child = spawn(command[0], command.slice(1), { env, stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.resume();
    let said = "";
    child.stderr.on("data", (text) => {
      said += text;
    });
    child.on("error", fail);
    child.on("close", (status) => {
      if (status === 0) done(performance.now() - began);
      else fail(new Error(`${command.join(" ")} ended with ${status}: ${said}`));
    });
  });
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

const ratioOf = (took) => took.measured / took.base;
const differenceOf = (took) => took.measured - took.base;

/** The median of what pairs have for a result, each measured one right after the other, in turns. */
async function compare(result, measured, base) {
  const results = [];
  const times = { measured: [], base: [] };
  for (let pair = -2; pair < pairs; pair++) {
    const order = pair % 2 === 0 ? ["measured", "base"] : ["base", "measured"];
    const took = {};
    for (const which of order) took[which] = await (which === "measured" ? measured() : base());
    // The first two rounds warm up the file cache.
    if (pair < 0) continue;
    results.push(result(took));
    times.measured.push(took.measured);
    times.base.push(took.base);
  }
  return { value: median(results), ms: median(times.measured), baseMs: median(times.base) };
}

/** A code that AWS has not seen: every login has a device of its own, since a device takes nine codes in 3 minutes. */
function logins(name, aws, profiles) {
  let count = 0;
  const base = home(`${name}-base`, aws, profiles);
  return () => {
    const user = `${name}-${count++}`;
    const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
    const key = aws.addUser({ name: user, policies: [everything] }).accessKey;
    const device = aws.addVirtualDevice(user);
    const env = { ...base.env, AWS_ACCESS_KEY_ID: key.accessKeyId, AWS_SECRET_ACCESS_KEY: key.secretAccessKey };
    return { env, device };
  };
}

const aws = await sandbox();
const rows = [];
const skipped = [];
const row = async (name, limit, measured, base) =>
  rows.push({ name, limit, ...(await compare(ratioOf, measured, base)) });
try {
  const node = process.execPath;
  const small = home("small", aws, 10);
  const empty = () => timed([node, "-e", "0"], small.env);
  await timed([node, program, "login", "work", "--code", small.device.code()], small.env);
  await row("fob --version / node -e 0", 1.25, () => timed([node, program, "--version"], small.env), empty);
  await row("fob status / node -e 0", 1.25, () => timed([node, program, "status"], small.env), empty);
  const simulate = [node, program, "policy", "simulate"];
  await row("fob policy simulate / node -e 0", 2, () => timed(simulate, small.env), empty);
  const ms = await decisions();
  rows.push({ name: "100,000 decisions of the proof table, ms", limit: 2000, value: ms, ms });

  const local = (file) => bundle(join(import.meta.dirname, file));
  const about = { bundle: local, load: moduleOf, program, env: small.env, folder, median };
  const sandboxes = await measureSandbox(about);
  rows.push(...sandboxes.rows);
  skipped.push(...sandboxes.skipped);

  // What a start-up file of a shell costs that reads a saved text: no ratio, since shells start in anything from 2 ms on.
  for (const [shell, ...bare] of [
    ["bash", "--norc", "--noprofile"],
    ["zsh", "-f"],
    ["fish", "--no-config"],
  ]) {
    const { status, stdout } = spawnSync(node, [program, "shell-init", shell], { env: small.env });
    if (status !== 0 || spawnSync(shell, ["-c", "exit 0"], { stdio: "ignore" }).status !== 0) {
      skipped.push(`start of ${shell}: it is not installed`);
      continue;
    }
    const text = join(folder, `init.${shell}`);
    writeFileSync(text, stdout);
    const start = (script) => () => timed([shell, ...bare, "-c", script], small.env);
    const took = await compare(differenceOf, start(`. ${text}`), start(":"));
    rows.push({ name: `start of ${shell}, ms more with fob's text`, limit: 5, ...took });
  }

  // A session that may be served as it is: from an endpoint for which the profile was installed.
  await timed([node, program, "credential-process", "--install", "work"], small.env);
  const ask = { ...small.env, AWS_ENDPOINT_URL: undefined };
  const installed = ["work-mfa", "--endpoint-url", aws.url];
  const launcher = join(small.path, ".aws/fob/bin/fob-credential-process");
  // The first one looks at the AWS files, which have changed, and says that the session is still right; but not within a
  // second of the change.
  await sleep(1100);
  await timed([launcher, ...installed], ask);
  await row(
    "cached answer, Node.js / node -e 0",
    1.15,
    () => timed([node, program, "credential-process", ...installed], ask),
    empty,
  );
  await row("cached answer, launcher / node -e 0", 0.2, () => timed([launcher, ...installed], ask), empty);

  const login = (next) => () => {
    const { env, device } = next();
    const args = ["login", "work", "--force", "--source-env", "--serial", device.serialNumber, "--code", device.code()];
    return timed([node, program, ...args], env);
  };
  if (spawnSync("aws", ["--version"], { stdio: "ignore" }).status === 0) {
    const next = logins("aws", aws, 10);
    const official = () => {
      const { env, device } = next();
      const args = ["--serial-number", device.serialNumber, "--token-code", device.code(), "--region", "eu-central-1"];
      return timed(["aws", "sts", "get-session-token", ...args], env);
    };
    await row("fob login --code / aws sts get-session-token", 0.5, login(logins("fob", aws, 10)), official);
  } else skipped.push("fob login --code: the aws command is not installed");
  const tenProfiles = login(logins("ten", aws, 10));
  await row("login, 10,000 profiles / 10", 1.3, login(logins("tenthousand", aws, 10_000)), tenProfiles);
  await row("login, 100,000 profiles / 10", 3, login(logins("hundredthousand", aws, 100_000)), tenProfiles);

  // No ratio: calls of STS for 200 programs that start at once and find no session.
  const cold = home("cold", aws, 10);
  const config = join(cold.path, ".aws/config");
  writeFileSync(config, `${readFileSync(config, "utf8")}mfa_process = echo ${cold.device.code()}\n`);
  const calls = () => aws.requests.filter(({ action }) => action === "GetSessionToken").length;
  const before = calls();
  const began = performance.now();
  const programs = Array.from({ length: 200 }, () => timed([node, program, "credential-process", "work"], cold.env));
  const failed = (await Promise.allSettled(programs)).filter(({ status }) => status === "rejected");
  if (failed.length > 0) throw new Error(`${failed.length} of 200 programs failed`, { cause: failed[0].reason });
  rows.push({
    name: "calls of STS for 200 cold programs",
    limit: 1,
    value: calls() - before,
    ms: performance.now() - began,
  });
} finally {
  await aws.close();
  rmSync(folder, { recursive: true, force: true });
}

if (options.json) {
  process.stdout.write(`${JSON.stringify({ node: process.version, pairs, rows, skipped }, undefined, 2)}\n`);
} else {
  process.stdout.write(`Node.js ${process.version}, median of ${pairs} pairs\n`);
  for (const { name, limit, value, ms, baseMs } of rows) {
    const verdict = value <= limit ? "ok " : "MISS";
    process.stdout.write(
      `${verdict.padEnd(5)}${name.padEnd(46)}${value.toFixed(2).padStart(6)}  (at most ${limit}${ms === undefined ? "" : `; ${ms.toFixed(0)} ms`}${baseMs === undefined ? "" : ` / ${baseMs.toFixed(0)} ms`})\n`,
    );
  }
  for (const what of skipped) process.stdout.write(`skip ${what}\n`);
}
if (options.check && rows.some(({ value, limit }) => value > limit)) process.exitCode = 3;
