// The manual page says what --help says.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { someOf } from "../helpers/broad.ts";
import { execute, node, program } from "../helpers/world.ts";

const root = resolve(import.meta.dirname, "../..");
const page = resolve(root, "man/fob.1");
const env = { PATH: process.env.PATH, HOME: tmpdir(), LC_ALL: "C.UTF-8", MANWIDTH: "80" };

test("man/fob.1 is what scripts/man-page.mjs writes: if not, npm run man", async () => {
  const check = await execute(node, [resolve(root, "scripts/man-page.mjs"), "--check"], { env });
  expect(check).toEqual({ status: 0, signal: null, stdout: "", stderr: "" });
});

test("it has every command with its options, as --help lists them", async () => {
  const text = readFileSync(page, "utf8").replaceAll("\\-", "-");
  const fob = async (...args: string[]) => (await execute(node, [program, ...args], { env })).stdout;
  const top = await fob("complete", "");
  const names = top.split("\n").flatMap((line) => line.split("\t")[0] || []);
  for (const name of someOf(
    names.filter((word) => word !== "help"),
    3,
  )) {
    const members = (await fob("complete", name, "")).split("\n").flatMap((line) => line.split("\t")[0] || []);
    for (const command of name === "policy" ? members.map((member) => `policy ${member}`) : [name]) {
      const section = text.split("\n.SS ").find((part) => part.startsWith(`fob ${command}\n`)) ?? "";
      const help = await fob(...command.split(" "), "--help");
      const options = [...help.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, option = ""]) => option);
      for (const option of options) expect(section, `${command} ${option}`).toContain(`\n\\fB${option}`);
    }
  }
  expect(names).toContain("login");
});

const has = (command: string): boolean => spawnSync(command, ["--version"]).error === undefined;

test.runIf(has("groff"))("groff has nothing to say against it, and shows examples as they are typed", async () => {
  const { stdout, stderr, status } = await execute("groff", ["-man", "-ww", "-Tutf8", "-P-bcou", page], { env });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toContain("fob exec work-mfa -- sh -c 'aws s3 ls | wc -l'");
  expect(stdout).toContain("~/.aws/credentials");
});

test.runIf(has("man"))("man has nothing to say against it", async () => {
  const { stdout, stderr, status } = await execute("man", ["--warnings", "-l", page], { env });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toContain("\nNAME\n       fob - MFA sessions for AWS");
});
