// Tests the built program on each line of Node.js that it is made for, and on the oldest version that package.json
// promises: `npm run test:matrix`, or `npm run test:matrix -- 24`. The tests themselves run on the Node.js of this
// machine. Each Node.js is downloaded once; npm keeps it.
import { spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const { engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const given = process.argv.slice(2);
const asked = given.length > 0 ? given : [`${engines.node.replace(">=", "")}.0`, "20", "22", "24", "26"];
const vitest = join(root, "node_modules/vitest/vitest.mjs");
const tests = ["test/scripts", "test/network", "test/files"];

/**
 * The executable of a Node.js, from a package without install scripts: where those are off, the package `node` brings
 * none, and the machine's own answers in its place.
 */
function nodeOf(version) {
  const wanted = `--package=node-${process.platform}-${process.arch}@${version}`;
  const npx = spawnSync("npx", ["--yes", wanted, "--call", "node -p process.execPath"], {
    encoding: "utf8",
  });
  if (npx.status !== 0) {
    throw new Error(`no Node.js ${version}, whose first download needs the network: npx ${wanted}\n${npx.stderr}`);
  }
  const path = npx.stdout.trim();
  const is = spawnSync(path, ["-p", "process.version"], { encoding: "utf8" }).stdout?.trim();
  if (!`${is}.`.startsWith(`v${version}.`)) throw new Error(`Node.js ${version} was asked for, and ${path} is ${is}`);
  return { path, version: is };
}

/** Runs the tests with this Node.js below the built program, and prints a line. Whether all is well. */
function testOn({ path, version }) {
  const folder = mkdtempSync(join(tmpdir(), "fob-matrix-"));
  const [log, json] = [join(folder, "log"), join(folder, "report.json")];
  try {
    const output = openSync(log, "w");
    const began = performance.now();
    const reports = ["--reporter=dot", "--reporter=json", `--outputFile.json=${json}`];
    const { status } = spawnSync(process.execPath, [vitest, "run", ...reports, ...tests], {
      cwd: root,
      env: { ...process.env, FOB_TEST_NODE: path, FOB_TEST_NODE_VERSION: version },
      stdio: ["ignore", output, output],
    });
    closeSync(output);
    const seconds = Math.round((performance.now() - began) / 1000);
    const report = existsSync(json) ? JSON.parse(readFileSync(json, "utf8")) : {};
    const { numPassedTests: passed = 0, numFailedTests: failed = 0, numPendingTests: skipped = 0 } = report;
    // The program itself has said so: test/scripts/node.test.ts
    const isAsserted = report.testResults?.some(
      (file) => basename(file.name) === "node.test.ts" && file.status === "passed",
    );
    const isWell = status === 0 && failed === 0 && isAsserted;
    const asserted = isAsserted ? version : `${version}?`;
    process.stdout.write(
      `${isWell ? "ok  " : "FAIL"} ${asserted.padEnd(10)} ${passed} passed, ${failed} failed, ${skipped} skipped, ${seconds} s\n`,
    );
    if (!isWell) process.stdout.write(readFileSync(log, "utf8"));
    return isWell;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  const nodes = asked.map(nodeOf);
  process.stdout.write(`the tests run on ${process.version}, fob on:\n`);
  for (const node of nodes) if (!testOn(node)) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
