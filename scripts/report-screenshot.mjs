// Writes docs/audit-report.png: the HTML report of the sandbox's scenario team-enforced, in Chromium, which must be installed.
// With a folder as argument it writes the whole page into that instead: light and dark, wide and narrow, to be looked at.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [target] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "fob-screenshot-"));
try {
  const script = `
    fob() { "${process.execPath}" "${join(root, "bin/fob")}" "$@"; }
    fob sandbox code ada | fob login ada --code-stdin >/dev/null
    fob audit --profile ada --format html
    test $? = 3`;
  const sandbox = [join(root, "bin/fob"), "sandbox", "--scenario", "team-enforced", "--", "sh", "-c", script];
  const { status, stdout, stderr } = spawnSync(process.execPath, sandbox, { cwd: folder, encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  const page = join(folder, "audit.html");
  writeFileSync(page, stdout);
  // Chromium refuses to run as root in its own sandbox.
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const browser = await chromium.launch({ executablePath: findChromium(), args });
  const shoot = async (file, { height, ...options }, fullPage) => {
    const context = await browser.newContext({ ...options, viewport: { width: options.width, height } });
    const opened = await context.newPage();
    await opened.goto(pathToFileURL(page).href);
    await opened.screenshot({ path: file, fullPage });
    await context.close();
  };
  if (target === undefined) {
    await shoot(join(root, "docs/audit-report.png"), { width: 1280, height: 1160, colorScheme: "light" }, false);
  } else {
    for (const colorScheme of ["light", "dark"]) {
      for (const width of [1280, 400]) {
        await shoot(join(target, `${colorScheme}-${width}.png`), { width, height: 900, colorScheme }, true);
      }
    }
  }
  await browser.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function findChromium() {
  const { stdout } = spawnSync("sh", ["-c", "command -v chromium || command -v google-chrome"], { encoding: "utf8" });
  if (stdout.trim() === "") throw new Error("chromium is not installed: apt-get install chromium");
  return stdout.trim();
}
