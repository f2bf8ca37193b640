// Tests the command line of `fob policy export`, and the commands in its documentation.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { execute, node, program } from "../helpers/world.ts";

const fob = (args: readonly string[], env: Record<string, string> = {}) =>
  execute(node, [program, "policy", ...args], { env: { PATH: process.env.PATH, ...env } });
const exported = async (...args: readonly string[]): Promise<string> => (await fob(["export", ...args])).stdout;

interface Calls {
  readonly notes: readonly string[];
  readonly region: string;
  readonly calls: readonly { readonly parameters: { readonly PolicyDocument?: string } }[];
}

test("prints JSON by default, and the notes on stderr too", async () => {
  const { status, stdout, stderr } = await fob(["export"]);
  const { notes } = JSON.parse(stdout) as Calls;
  expect(notes.length).toBeGreaterThan(1);
  expect({ status, stderr }).toEqual({ status: 0, stderr: notes.map((note) => `fob: hint: ${note}\n`).join("") });
});

test.each([
  [[], []],
  [[], ["--with-access-keys"]],
  [
    ["--no-password-change", "--max-age", "12h", "--via-aws-service"],
    ["--partition", "aws-us-gov"],
  ],
])("exports the policies of fob policy show, with %j %j", async (variant, companion) => {
  const { calls } = JSON.parse(await exported(...variant, ...companion)) as Calls;
  const documents = calls.flatMap(({ parameters }) => parameters.PolicyDocument ?? []);
  const shown = [await fob(["show", "--self-manage", ...companion]), await fob(["show", ...variant])];
  expect(documents.map((document) => JSON.parse(document) as object)).toEqual(
    shown.map(({ stdout }) => JSON.parse(stdout) as object),
  );
});

test("uses --region, else the region of the environment if it is in the partition, else the partition's default", async () => {
  const region = async (args: readonly string[], env?: Record<string, string>): Promise<string> =>
    (JSON.parse((await fob(["export", ...args], env)).stdout) as Calls).region;
  const env = { AWS_REGION: "eu-west-1", AWS_DEFAULT_REGION: "us-gov-east-1" };
  expect(await region([])).toBe("us-east-1");
  expect(await region([], env)).toBe("eu-west-1");
  expect(await region(["--region", "eu-north-1"], env)).toBe("eu-north-1");
  expect(await region(["--partition", "aws-us-gov"], env)).toBe("us-gov-east-1");
  expect(await region(["--partition", "aws-cn"], env)).toBe("cn-north-1");
});

test.each([
  [["--format", "pulumi"], 'unknown format "pulumi": expected json, cloudformation, yaml, terraform or sh'],
  [["--region", "cn-north-1"], '"cn-north-1" (from --region) is not a region of the aws partition'],
  [["--region", "Mars"], '"Mars" (from --region) is not a region of the aws partition'],
  [["--format", "terraform", "--region", "eu-west-1"], "--region cannot be used with --format terraform"],
  [["--partition", "aws-mars"], 'unknown partition "aws-mars"'],
  [["--organization", "--format", "sh"], "--organization cannot be used with --format sh"],
  [["--with-recorder", "--format", "sh"], "--with-recorder cannot be used with --format sh"],
])("rejects %j: %s", async (args, message) => {
  const { status, stdout, stderr } = await fob(["export", ...args]);
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toContain(`fob: error: ${message}\nfob: hint: `);
});

test.each([
  ["cfn", "cloudformation"],
  ["CloudFormation", "cloudformation"],
  ["yml", "yaml"],
  ["tf", "terraform"],
  ["hcl", "terraform"],
  ["shell", "sh"],
  ["bash", "sh"],
])("understands --format %s as %s", async (name, format) => {
  expect(await exported("--format", name)).toBe(await exported("--format", format));
});

test.each([
  [["--format", "terrafrom", "--max-age", "12h"], "did you mean: fob policy export --format terraform --max-age 12h"],
  [["--format", "cfm"], "did you mean: fob policy export --format cloudformation"],
  [["--format", "jsn"], "did you mean: fob policy export --format json"],
  [
    ["--format", "tf", "--organization", "--partition", "aws-cn"],
    "deploy this in each account: fob policy export --format tf --partition aws-cn",
  ],
  [
    ["--format", "sh", "--organization"],
    "use another format: fob policy export --format cloudformation --organization",
  ],
])("for %j the hint is a command that works: %s", async (args, hint) => {
  const { status, stderr } = await fob(["export", ...args]);
  expect({ status, stderr }).toEqual({
    status: 2,
    stderr: expect.stringContaining(`\nfob: hint: ${hint}\n`) as string,
  });
  const [, advised = ""] = /fob policy (.*)/.exec(hint) ?? [];
  expect((await fob(advised.split(" "))).status).toBe(0);
});

test("every command in the documentation and in the help works", async () => {
  const page = readFileSync(new URL("../../docs/enforcement-as-code.md", import.meta.url), "utf8");
  const help = await exported("--help");
  const commands = [...`${page}\n${help}`.matchAll(/^ *fob policy (export[^|>\n]*)/gm)].map(([, words = ""]) =>
    words.trim().split(" "),
  );
  expect(commands.length).toBeGreaterThan(6);
  for (const words of commands) {
    const { status, stdout } = await fob(words);
    expect(status, words.join(" ")).toBe(0);
    const start = words.includes("yaml")
      ? "AWSTemplateFormatVersion: "
      : words.includes("terraform")
        ? "# "
        : words.includes("sh")
          ? "#!/bin/sh\n"
          : "{\n";
    expect(stdout.startsWith(start), words.join(" ")).toBe(true);
  }
  for (const [option] of page.matchAll(/(?<=`)--[a-z-]+/g)) expect(help).toContain(`  ${option} `);
});
