// The figures of `fob audit` for 5,000 users: its memory, its own work, its calls, and its HTML report in Chromium.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

/** What is measured about a run. The least of so many runs is the processor's time. */
const rounds = 3;

/**
 * @param bench.ask sends a request to IAM as the administrator, and returns the answer's body
 * @param bench.sdkMs what a program that makes the calls of reading an account, and does nothing else, uses of the processor
 * @param bench.breakGlass how many users have the tag of break-glass users: fob looks for a second device of them
 * @returns rows without what is compared, and what could not be measured
 */
export async function measureAudit({ aws, program, env, folder, ask, sdkMs, breakGlass }) {
  const { accessKeyId, secretAccessKey } = aws.keys.ada;
  const administrator = {
    ...{ ...env, AWS_ENDPOINT_URL: aws.url, AWS_REGION: "eu-central-1" },
    ...{ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
  };
  const run = (...options) => runAudit(program, administrator, folder, options);
  const runs = [];
  for (let round = 0; round < rounds; round++) runs.push(await run("--json"));
  const cpuMs = Math.min(...runs.map((each) => each.cpuMs));
  const page = await run("--format", "html");
  const { calls } = await run("--debug");
  const expected = await countCalls(ask, breakGlass);
  const bulk = ["GetAccountAuthorizationDetails", "ListVirtualMFADevices"].reduce((sum, name) => sum + calls(name), 0);
  const lookUps = ["ListMFADevices", "GetLoginProfile"].reduce((sum, name) => sum + calls(name), 0);
  const file = join(folder, "audit.html");
  writeFileSync(file, page.stdout);
  const sorted = await measureSorting(file);
  return {
    rows: [
      {
        ...{ name: "5,000 users: ms of fob audit, without the SDK", limit: 2000 },
        ...{ value: cpuMs - sdkMs, ms: cpuMs, baseMs: sdkMs },
      },
      {
        ...{ name: "5,000 users: MB of fob audit's memory", limit: 200 },
        value: Math.max(...[...runs, page].map(({ megabytes }) => megabytes)),
      },
      { name: "5,000 users: bulk calls of fob audit / pages", limit: 1, value: bulk / expected.pages },
      { name: "5,000 users: look-ups / users left open", limit: 1, value: lookUps / expected.open },
      { name: "5,000 users: MB of the HTML report", limit: 5, value: Buffer.byteLength(page.stdout) / 1e6 },
      ...(sorted === undefined ? [] : [{ name: "5,000 users: ms to sort the report", limit: 200, value: sorted }]),
    ],
    skipped: sorted === undefined ? ["sorting of the HTML report: chromium is not installed"] : [],
  };
}

/** Runs it as a user does. A file that Node.js loads first writes down, at the end, what it has used. */
async function runAudit(program, env, folder, options) {
  const [watch, usage] = [join(folder, "usage.cjs"), join(folder, "usage.json")];
  writeFileSync(watch, `process.on("exit", () => (${writeUsage.toString()})(${JSON.stringify(usage)}));`);
  const child = spawn(process.execPath, ["--require", watch, program, "audit", ...options], {
    ...{ env, stdio: ["ignore", "pipe", "pipe"] },
  });
  const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => readAll(stream));
  const [status] = await once(child, "close");
  // Not all holds in this account.
  if (status !== 3) throw new Error(`fob audit ended with ${status}: ${await stderr}`);
  const said = await stderr;
  return {
    ...{ stdout: await stdout, ...JSON.parse(readFileSync(usage, "utf8")) },
    /** How often IAM was asked for it. */
    calls: (operation) => said.split(`iam:${operation} `).length - 1,
  };
}

/** Runs in the program that is measured. Linux hands down the peak that getrusage tells, so its own is read elsewhere. */
function writeUsage(file) {
  const fs = require("node:fs");
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  const peak =
    process.platform === "linux" ? /VmHWM:\s*(\d+)/.exec(fs.readFileSync("/proc/self/status", "utf8"))[1] : maxRSS;
  const used = { cpuMs: (userCPUTime + systemCPUTime) / 1000, megabytes: (Number(peak) * 1024) / 1e6 };
  fs.writeFileSync(file, JSON.stringify(used));
}

async function readAll(stream) {
  let text = "";
  for await (const part of stream.setEncoding("utf8")) text += part;
  return text;
}

/** The pages of the bulk calls, and the users of whom these leave something open: a device, or a password to change. */
async function countCalls(ask, breakGlass) {
  const [details, devices] = [await readPages(ask, "GetAccountAuthorizationDetails", 100), []];
  devices.push(...(await readPages(ask, "ListVirtualMFADevices", 1000)));
  const holders = new Set(devices.join("").match(/(?<=<UserName>)[^<]+/g));
  await ask({ Action: "GenerateCredentialReport" });
  const answer = await ask({ Action: "GetCredentialReport" });
  const report = Buffer.from(/<Content>([^<]*)</.exec(answer)?.[1] ?? "", "base64").toString();
  const [head, ...lines] = report.trimEnd().split("\n");
  const columns = head.split(",");
  const users = lines.map((line) => Object.fromEntries(line.split(",").map((cell, index) => [columns[index], cell])));
  const withDevice = users.filter(({ user, mfa_active: has }) => has === "true" && !holders.has(user));
  const withPassword = users.filter(({ password_enabled: has }) => has === "true");
  // A time, or words such as N/A.
  const unset = withPassword.filter(({ password_last_used: used, password_last_changed: changed }) => {
    return !(/^\d/.test(used) && used > changed);
  });
  return { pages: details.length + devices.length, open: withDevice.length + unset.length + breakGlass };
}

async function readPages(ask, action, MaxItems) {
  const pages = [];
  let marker;
  do {
    pages.push(await ask({ Action: action, MaxItems, ...(marker === undefined ? {} : { Marker: marker }) }));
    marker = /<Marker>([^<]+)</.exec(pages.at(-1))?.[1];
  } while (marker !== undefined);
  return pages;
}

/**
 * What sorting by a column takes at most, style, layout and painting included, in milliseconds of the page's own thread:
 * each column up and down.
 */
async function measureSorting(file) {
  const { status, stdout } = spawnSync("sh", ["-c", "command -v chromium || command -v google-chrome"]);
  if (status !== 0) return undefined;
  // Chromium refuses to run as root in its own sandbox.
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const browser = await chromium.launch({ executablePath: stdout.toString().trim(), args });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    await page.goto(pathToFileURL(file).href);
    const devTools = await page.context().newCDPSession(page);
    await devTools.send("Performance.enable", { timeDomain: "threadTicks" });
    const used = async () => {
      const { metrics } = await devTools.send("Performance.getMetrics");
      const readMs = (wanted) => metrics.find(({ name }) => name === wanted).value * 1000;
      // Without what measuring takes.
      return readMs("TaskDuration") - readMs("DevToolsCommandDuration");
    };
    const columns = await page.locator("#users thead button").count();
    const times = [];
    for (let click = 0; click < 2 * columns; click++) {
      const before = await used();
      // From a task of the page, and until the picture is there.
      await page.evaluate(
        (column) =>
          new Promise((done) => {
            const paint = () => requestAnimationFrame(() => requestAnimationFrame(done));
            setTimeout(() => {
              document.querySelectorAll("#users thead button")[column].click();
              paint();
            });
          }),
        Math.floor(click / 2),
      );
      times.push((await used()) - before);
    }
    if (times.length === 0) throw new Error("the report has no columns to sort by");
    return Math.max(...times);
  } finally {
    await browser.close();
  }
}
