// `npm run test:windows`: the built program on Node.js for Windows, under Wine, with the tests that need neither a terminal
// nor a program of Unix. `-- 22` tests that line of Node.js only, `-- 22 test/windows` also these files only. Without wine64
// it is skipped with a line, unless FOB_WINDOWS=needed, as in CI.
import { spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, watch } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { installPackages } from "../npm-packages.mjs";

const root = resolve(import.meta.dirname, "../..");
const given = process.argv.slice(2);
const lines = ["20", "22"].filter((line) => !given.some((word) => /^\d+$/.test(word)) || given.includes(line));
const files = given.filter((word) => !/^\d+$/.test(word));
/** Debian has the program alone; other systems have it in PATH. */
const wine = ["/usr/lib/wine/wine64", "/usr/bin/wine64", "/usr/bin/wine"].find((path) => existsSync(path));

/** How a program of Windows finds a file of this system. */
const windowsPath = (path) => `Z:${path.replaceAll("/", "\\")}`;

function run(file, args, options) {
  const { status, error } = spawnSync(file, args, { stdio: ["ignore", 2, 2], ...options });
  if (status !== 0) throw new Error(`${[file, ...args].join(" ")}: ${error?.message ?? `exit status ${status}`}`);
}

/** Starts the runner, and what of Windows it needs. @returns its port, and how to end it all */
async function startWindows(folder, node, key) {
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    // So that Wine reads names of files as UTF-8.
    LC_ALL: "C.UTF-8",
    WINEPREFIX: join(folder, "prefix"),
    WINEDEBUG: "-all",
    // Neither .NET nor a browser: Wine would offer to download them.
    WINEDLLOVERRIDES: "mscoree,mshtml=",
    FOB_TEST_KEY: key,
  };
  const quiet = { env, stdio: "ignore" };
  run(wine, ["wineboot", "--init"], quiet);
  // Node.js wants Windows 8.1 or later, and Wine is Windows 7.
  run(wine, ["winecfg", "-v", "win10"], quiet);
  const port = join(folder, "port");
  const started = new Promise((done) => {
    const watcher = watch(folder, () => {
      if (!existsSync(port) || !readFileSync(port, "utf8").endsWith("\n")) return;
      watcher.close();
      done();
    });
  });
  const runner = spawn(wine, [node, windowsPath(join(import.meta.dirname, "runner.cjs")), windowsPath(port)], quiet);
  const failed = new Promise((_, fail) => {
    runner.on("error", fail);
    runner.on("exit", (status) => fail(new Error(`the runner inside Wine ended with ${status}`)));
  });
  await Promise.race([started, failed]);
  failed.catch(() => undefined);
  const stop = () => {
    runner.kill();
    run(join(wine, "../wineserver"), ["--kill"], quiet);
  };
  return { port: readFileSync(port, "utf8").trim(), stop };
}

/** Runs the tests with this Node.js below the built program, and prints a line. Whether all is well. */
async function testOn(line) {
  const node = join(import.meta.dirname, `node_modules/node-${line}/bin/node.exe`);
  const { version } = JSON.parse(readFileSync(join(node, "../../package.json"), "utf8"));
  const folder = mkdtempSync(join(tmpdir(), "fob-windows-"));
  const began = performance.now();
  const key = randomUUID();
  let stop = () => undefined;
  try {
    const windows = await startWindows(folder, node, key);
    stop = windows.stop;
    const [log, json] = [join(folder, "log"), join(folder, "report.json")];
    const output = openSync(log, "w");
    const vitest = [join(root, "node_modules/vitest/vitest.mjs"), "run", "--config", "vitest.windows.config.mts"];
    const reports = ["--reporter=default", "--reporter=json", `--outputFile.json=${json}`];
    const { status } = spawnSync(process.execPath, [...vitest, ...reports, ...files], {
      cwd: root,
      env: {
        ...process.env,
        FOB_TEST_NODE: windowsPath(node),
        FOB_TEST_NODE_VERSION: `v${version}`,
        FOB_TEST_WINDOWS: `${windows.port} ${key}`,
      },
      stdio: ["ignore", output, output],
    });
    closeSync(output);
    const seconds = Math.round((performance.now() - began) / 1000);
    const report = existsSync(json) ? JSON.parse(readFileSync(json, "utf8")) : {};
    const { numPassedTests: passed = 0, numFailedTests: failed = 0, numPendingTests: skipped = 0 } = report;
    const isWell = status === 0 && failed === 0 && passed > 0;
    const counts = `${passed} passed, ${failed} failed, ${skipped} need Unix or a terminal, ${seconds} s`;
    process.stdout.write(`${isWell ? "ok  " : "FAIL"} v${version} ${counts}\n`);
    if (!isWell) process.stdout.write(readFileSync(log, "utf8"));
    return isWell;
  } finally {
    stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

if (wine === undefined) {
  const isNeeded = process.env.FOB_WINDOWS === "needed";
  process.stderr.write(`${isNeeded ? "cannot test" : "not tested"} on Windows, for want of wine64\n`);
  process.exitCode = isNeeded ? 1 : 0;
} else {
  installPackages(import.meta.dirname);
  process.stdout.write(`the tests run on ${process.version}, fob under ${basename(wine)} on:\n`);
  for (const line of lines) if (!(await testOn(line))) process.exitCode = 1;
}
