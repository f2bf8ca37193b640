// Bundles src/main.ts into dist/ as a few CommonJS files that load one another only when they are needed.
//
// CommonJS, because Node.js starts it faster than ES modules; several files, because parsing the SDK and the prompts
// for an answer that needs neither costs more than everything else; few, because opening a file costs as much as
// parsing 30 kB. So what the quick commands need is one file, and everything else is grouped by when it is needed.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";
import { texts } from "./texts.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
rmSync(join(root, "dist"), { recursive: true, force: true });

await build({
  cwd: root,
  // The helper that asks the keychain is a program of its own. docs/decisions/keychain.md
  input: { fob: "src/main.ts", keychain: "src/keys/keychain-helper.ts" },
  external: ["@napi-rs/keyring"],
  platform: "node",
  resolve: { mainFields: ["module", "main"] },
  ...texts,
  logLevel: "warn",
  onLog(level, log, handle) {
    if (log.code === "UNRESOLVED_IMPORT") throw new Error(`${log.message}\nrun npm ci first`);
    handle(level, log);
  },
  output: {
    dir: "dist",
    format: "cjs",
    minify: true,
    comments: false,
    // The loader of ES modules costs a start-up several milliseconds.
    dynamicImportInCjs: false,
    chunkFileNames: "[name].js",
    // Each with all that it imports, except what an earlier one has.
    codeSplitting: {
      groups: [
        { name: "fob", test: /src[\\/]main\.ts$/ },
        // With the partitions, which both login and policy simulate need.
        { name: "program", test: /src[\\/](cli[\\/]program|aws[\\/]partitions)\.ts$/ },
        {
          name: "login",
          test: /src[\\/](cli[\\/]commands|cli|session|credential-process)[\\/](login|logout|serve|parent-process|env|exec)\.ts$/,
        },
        { name: "simulate", test: /src[\\/]cli[\\/]commands[\\/]policy[\\/]simulate\.ts$/ },
        { name: "shells", test: /src[\\/]cli[\\/]commands[\\/](shell-init|completion)\.ts$/ },
        { name: "prompts", test: /src[\\/]terminal[\\/]prompts\.ts$/ },
        { name: "aws", test: /src[\\/]aws[\\/]sts\.ts$/ },
        { name: "aws-iam", test: /src[\\/]aws[\\/]iam\.ts$/ },
        { name: "aws-rest", test: /node_modules[\\/]@(aws-sdk|smithy)[\\/]/ },
      ],
    },
  },
});

// The code of login and of the quick commands, compiled: by runs of them, so that what they call is in it.
// docs/decisions/code-cache.md
const home = mkdtempSync(join(tmpdir(), "fob-build-"));
try {
  const credentials = join(home, ".aws/credentials");
  const keep = (names, section, ...args) => {
    writeFileSync(credentials, section.join("\n"));
    const caches = names.map((name) => join(root, `dist/${name}.js.cache`));
    for (const cache of caches) writeFileSync(cache, "");
    const preload = ["--require", join(root, "scripts/keep-code.cjs")];
    // Without SystemRoot nothing connects on Windows.
    const env = { PATH: process.env.PATH, HOME: home, USERPROFILE: home, SystemRoot: process.env.SystemRoot };
    spawnSync(process.execPath, [...preload, join(root, "bin/fob"), ...args], { env, stdio: "ignore" });
    for (const cache of caches) if (statSync(cache).size === 0) throw new Error(`${cache} is empty`);
  };
  mkdirSync(dirname(credentials), { mode: 0o700 });
  const key = ["aws_access_key_id = AKIAEXAMPLEEXAMPLE00", `aws_secret_access_key = ${"example/".repeat(5)}`];
  // Nothing listens on that port: the call is made, and fails at once.
  const nowhere = ["region = us-east-1", "endpoint_url = http://127.0.0.1:1"];
  const login = ["login", "work", "--serial", "arn:aws:iam::123456789012:mfa/example", "--code", "000000"];
  keep(["login", "aws"], ["[work]", ...key, ...nowhere], ...login);
  const session = ["aws_session_token = token", "expiration = 2020-01-01T00:00:00Z"];
  keep(["program"], ["[work]", "[work-mfa]", ...key, ...session], "status");
  keep(["simulate"], [], "policy", "simulate");
} finally {
  rmSync(home, { recursive: true, force: true });
}

// What AWS knows comes from a package whose license requires its notice in every copy.
const notice = "iam-actions.LICENSE.txt";
copyFileSync(join(root, "src/policy/lint", notice), join(root, "dist", notice));

// npm starts programs on Windows with what their first line names, and there is no sh.
if (process.platform === "win32") {
  const entry = join(root, "bin/fob");
  writeFileSync(entry, readFileSync(entry, "utf8").replace(/^#!.*/, "#!/usr/bin/env node"));
}
