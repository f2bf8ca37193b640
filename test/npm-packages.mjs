// Packages of npm that only some tests need. They are downloaded when those run, at the versions and with the checksums of
// a package-lock.json.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Downloads what the folder's package-lock.json names, unless it is there. Runs no script of a package. @throws Error */
export function installPackages(folder) {
  const packagesIn = (name) => {
    const path = join(folder, name);
    const { packages } = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : { packages: {} };
    return Object.entries(packages).flatMap(([place, { integrity }]) =>
      place === "" ? [] : [`${place} ${integrity}`],
    );
  };
  if (packagesIn("node_modules/.package-lock.json").join() === packagesIn("package-lock.json").join()) return;
  // --force: also packages that are for another system.
  const args = ["ci", "--force", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const { status, error } = spawnSync("npm", args, { cwd: folder, stdio: ["ignore", 2, 2] });
  if (status !== 0) throw new Error(`npm ci in ${folder}: ${error?.message ?? `exit status ${status}`}`);
}
