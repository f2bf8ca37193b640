// What would be published: publint has nothing to say against it, it is small, brings nothing else along, and runs.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { publint } from "publint";
import { formatMessage } from "publint/utils";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const limit = 1_500_000;
const installScripts = ["preinstall", "install", "postinstall", "prepare"];

// There npm is a batch file, as fob is then.
const shell = process.platform === "win32";

const folder = mkdtempSync(join(tmpdir(), "fob-package-"));
const problems = [];
try {
  const args = ["pack", "--silent", "--json", "--pack-destination", folder];
  const printed = JSON.parse(execFileSync("npm", args, { cwd: root, encoding: "utf8", shell }));
  // npm 12 prints an object by package name where npm 11 prints a list.
  const [packed] = Object.values(printed);
  const tarball = readFileSync(join(folder, packed.filename));
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

  const { messages } = await publint({ pack: { tarball: Uint8Array.from(tarball).buffer }, strict: true });
  problems.push(...messages.map((message) => formatMessage(message, manifest)));
  if (tarball.length > limit) problems.push(`it is larger than ${limit} bytes`);
  for (const name of installScripts) if (manifest.scripts[name]) problems.push(`it has an install script, ${name}`);
  if (!packed.files.some(({ path }) => path === "dist/iam-actions.LICENSE.txt")) problems.push("a license is missing");
  if (Object.keys(manifest.dependencies ?? {}).length > 0) problems.push("it has dependencies: bundle them");

  // --offline: whatever it needed besides itself would be missing.
  const install = ["install", "--silent", "--offline", "--global", "--prefix", folder, join(folder, packed.filename)];
  execFileSync("npm", install, { shell });
  const program = shell ? join(folder, "fob.cmd") : join(folder, "bin", "fob");
  const version = execFileSync(program, ["--version"], { encoding: "utf8", shell }).trim();
  if (version !== manifest.version) problems.push(`once installed, it says that it is ${version}`);
  process.stdout.write(`${packed.filename}: ${tarball.length} bytes in ${packed.files.length} files\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const problem of problems) process.stderr.write(`problem: ${problem}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
