// Installs the programs that tests run with fob or have as referees, and prints the folder that they need in PATH: the
// aws command, boto3 and cfn-lint at the versions of requirements.txt, clients/go, hcl, actionlint and aws-vault, the parser
// of powershell and the validator of sarif; with --all also clients/java and clients/rust, where Maven and Cargo are. Needs
// Python and Go; what is there already is not made again.
import { spawnSync } from "node:child_process";
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { installPackages } from "../npm-packages.mjs";

const here = import.meta.dirname;
const installed = join(here, "installed");
const bin = join(installed, "bin");

function run(folder, command, ...args) {
  const { status, error } = spawnSync(command, args, { cwd: join(here, folder), stdio: ["ignore", 2, 2] });
  if (status === 0) return;
  process.stderr.write(
    `cannot install: ${[command, ...args].join(" ")}: ${error?.message ?? `exit status ${status}`}\n`,
  );
  process.exit(1);
}

const others = [
  {
    name: "the SDK for Java",
    program: join(bin, "identity-java"),
    tool: "mvn",
    build(program) {
      run("clients/java", "mvn", "--quiet", "--batch-mode", "compile", "dependency:copy-dependencies");
      const target = join(here, "clients/java/target");
      writeFileSync(program, `#!/bin/sh\nexec java -cp '${target}/classes:${target}/dependency/*' Identity\n`);
      chmodSync(program, 0o755);
    },
  },
  {
    name: "the SDK for Rust",
    program: join(bin, "identity-rust"),
    tool: "cargo",
    build() {
      run("clients/rust", "cargo", "install", "--quiet", "--locked", "--debug", "--path", ".", "--root", installed);
    },
  },
];

run(".", "python3", "-m", "venv", installed);
run(".", join(bin, "python3"), "-m", "pip", "install", "--quiet", "--requirement", "requirements.txt");
run("clients/go", "go", "build", "-o", join(bin, "identity-go"), ".");
run("hcl", "go", "build", "-o", join(bin, "hcl-json"), ".");
run("actionlint", "go", "build", "-o", join(bin, "actionlint"), "github.com/rhysd/actionlint/cmd/actionlint");
run("aws-vault", "go", "build", "-o", join(bin, "aws-vault"), "github.com/99designs/aws-vault/v7");
installPackages(join(here, "powershell"));
installPackages(join(here, "sarif"));
// What its install script does.
chmodSync(join(here, "sarif/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool"), 0o755);
for (const { name, program, tool, build } of process.argv.includes("--all") ? others : []) {
  if (spawnSync(tool, ["--version"]).status === 0) build(program);
  else {
    rmSync(program, { force: true });
    process.stderr.write(`not run: ${name}, for want of ${tool}\n`);
  }
}
console.log(bin);
