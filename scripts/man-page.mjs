// Writes man/fob.1 from what the commands declare; with --check it only says whether the page is up to date.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "rolldown";
import { texts } from "./texts.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const page = join(root, "man/fob.1");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

const folder = mkdtempSync(join(tmpdir(), "fob-man-"));
try {
  await build({
    cwd: root,
    input: "src/cli/man-page.ts",
    platform: "node",
    resolve: { mainFields: ["module", "main"] },
    ...texts,
    logLevel: "silent",
    output: { dir: folder, format: "esm", entryFileNames: "[name].mjs", chunkFileNames: "[name]-[hash].mjs" },
  });
  const { formatManPage } = await import(pathToFileURL(join(folder, "man-page.mjs")).href);
  const text = await formatManPage(version);
  if (!process.argv.includes("--check")) {
    mkdirSync(dirname(page), { recursive: true });
    writeFileSync(page, text);
  } else if (readFileSync(page, "utf8") !== text) {
    process.stderr.write("man/fob.1 is out of date: npm run man\n");
    process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
