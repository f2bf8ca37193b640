// `npm run test:interop`: the programs are installed, and not one of their tests is left out. With `-- --all` also the
// SDKs for Java and Rust, as far as they can be built here; with `-- --write` all of them, and docs/interop.md takes over
// the versions and the results.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, join, resolve } from "node:path";
import { parseArgs } from "node:util";

const root = resolve(import.meta.dirname, "../..");
const { values } = parseArgs({ options: { all: { type: "boolean" }, write: { type: "boolean" } } });
const all = values.all || values.write;

/** A Markdown table: a row for each program, a column for each file of tests. */
function tableOf({ testResults }) {
  const files = testResults.map(({ name }) => name).sort();
  const rows = new Map();
  for (const { name: file, assertionResults } of testResults) {
    for (const { ancestorTitles, status, meta } of assertionResults) {
      const [program] = ancestorTitles;
      if (program === undefined) continue;
      const row = rows.get(program) ?? { version: "", counts: new Map() };
      rows.set(program, row);
      if (meta.userAgent) row.version = versionOf(meta.userAgent);
      const count = row.counts.get(file) ?? { ran: 0, passed: 0 };
      row.counts.set(file, count);
      if (status === "passed") count.passed++;
      if (status === "passed" || status === "failed") count.ran++;
    }
  }
  const cellOf = (count) => {
    if (count === undefined) return "–";
    return count.ran > 0 ? `${count.passed} of ${count.ran} passed` : "not run";
  };
  const lines = [
    ["program", "version", ...files.map((file) => basename(file, ".test.ts").replace("-", " "))],
    files.concat("", "").map(() => "---"),
    ...[...rows].map(([program, row]) => [program, row.version, ...files.map((file) => cellOf(row.counts.get(file)))]),
  ];
  return lines.map((line) => `| ${line.join(" | ")} |\n`).join("");
}

/** As the program tells AWS: "Boto3/1.2.3 … lang/python#3.4.5 …". */
function versionOf(userAgent) {
  const [, name, version] = /^([^/ ]+)\/(\S+)/.exec(userAgent) ?? [];
  const [, language, its] = /(?:lang|md)\/(nodejs|python|go|java|rust)[#/](\S+)/i.exec(userAgent) ?? [];
  return `${name} ${version}${language === undefined ? "" : `, ${language} ${its}`}`;
}

function installed() {
  const script = join(import.meta.dirname, "install.mjs");
  const { status, stdout } = spawnSync(process.execPath, [script, ...(all ? ["--all"] : [])], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) process.exit(1);
  return stdout.trim();
}

const PATH = [installed(), process.env.PATH].join(delimiter);
const folder = mkdtempSync(join(tmpdir(), "fob-interop-"));
try {
  const report = join(folder, "report.json");
  const vitest = [join(root, "node_modules/vitest/vitest.mjs"), "run", "--config", "vitest.long.config.mts"];
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const { status } = spawnSync(process.execPath, [...vitest, ...reporters, "test/interop"], {
    cwd: root,
    env: { ...process.env, PATH, FOB_INTEROP: all ? "all" : "needed" },
    stdio: "inherit",
  });
  process.exitCode = status ?? 1;
  if (values.write) {
    const page = join(root, "docs/interop.md");
    const table = tableOf(JSON.parse(readFileSync(report, "utf8")));
    const text = readFileSync(page, "utf8").replace(/(<!-- results -->\n)[\s\S]*(<!-- end -->)/, `$1${table}$2`);
    writeFileSync(page, text);
  }
} finally {
  rmSync(folder, { recursive: true });
}
