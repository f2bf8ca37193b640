// How a command line is read, and what is said of one that is wrong.
import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { execute, makeWorld, node, program, temporaryFolder } from "../helpers/world.ts";

const fob = (...args: readonly string[]) =>
  execute(node, [program, ...args], { env: { PATH: process.env.PATH, HOME: temporaryFolder() } });

test.each([
  [["stauts"], 'unknown command "stauts"', "did you mean: fob status"],
  [["qqqqqq"], 'unknown command "qqqqqq"', "fob --help"],
  [["polcy", "show"], 'unknown command "polcy"', "did you mean: fob policy"],
  [["policy", "sow"], 'unknown command "policy sow"', "did you mean: fob policy show"],
  [["policy", "qqqqqq"], 'unknown command "policy qqqqqq"', "fob policy --help"],
  [["policy"], '"fob policy" needs to know what to do', "fob policy --help"],
  [["policy", "--json"], '"fob policy" needs to know what to do', "fob policy --help"],
  [["policy", "lint"], "fob policy lint needs a file", "fob policy lint --help"],
  [["--debug", "status"], 'the command comes before "--debug"', "fob --help"],
  [["help", "stauts"], 'there is no help on "stauts"', "fob help"],
  [["status", "--chekc"], 'unknown option "--chekc"', "did you mean: --check"],
  [["login", "-x"], 'unknown option "-x"', "fob login --help"],
  [["login", "--code-stdin=yes"], "--code-stdin takes no value", "fob login --help"],
  [["login", "--to"], "--to needs a value", "write it like this: --to <profile>"],
  [["login", "--to", "--force"], "--to needs a value", "write it like this: --to <profile>"],
  [["login", "work", "play"], 'too many arguments: "play"', "fob login --help"],
  [
    ["login", "work", "--profile", "play"],
    "the profile is given twice, as an argument and as --profile",
    "leave one of them out",
  ],
  [["login", "--profile="], "the profile's name is empty", "leave it out for the default one"],
  [
    ["login", "--code", "012345", "--code-stdin"],
    "--code and --code-stdin exclude each other",
    "leave one of them out",
  ],
])("%j is answered with what is wrong and what would be right", async (args, error, hint) => {
  const { status, stdout, stderr } = await fob(...args);
  expect(stderr).toBe(`fob: error: ${error}\nfob: hint: ${hint}\n`);
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
});

test("a code that stands in a misspelt option is not repeated", async () => {
  expect((await fob("login", "--cdoe=123456")).stderr).not.toContain("123456");
});

test("an option's value stands behind a blank or behind =, and nothing is an option behind --", async () => {
  for (const args of [
    ["status", "--profile", "of-nobody"],
    ["status", "--profile=of-nobody"],
    ["status", "of-nobody"],
  ]) {
    expect((await fob(...args)).stderr).toContain('no profile "of-nobody"');
  }
  expect((await fob("status", "--", "--json")).stderr).toContain('no profile "--json"');
});

test("fob, fob help and fob --help list the commands; each has its own help with examples, also after other words", async () => {
  const { stdout } = await fob();
  expect(stdout).toMatch(/^Usage: fob <command> \[options\]\n[\s\S]*\nDaily:\n {2}login \[profile\] /);
  for (const args of [["help"], ["--help"], ["-h"]]) expect(await fob(...args)).toMatchObject({ status: 0, stdout });
  for (const [, name = ""] of stdout.matchAll(/^ {2}(login|status|logout|demo) /gm)) {
    const help = await fob(name, "--help");
    expect(help).toMatchObject({ status: 0, stderr: "" });
    expect(help.stdout).toMatch(/^Usage: fob [\s\S]*--no-input[\s\S]*--debug[\s\S]*\nExamples:\n {2}fob /);
    expect((await fob("help", name)).stdout).toBe(help.stdout);
    expect((await fob(name, "of-nobody", "-h")).stdout).toBe(help.stdout);
    expect(
      Math.max(...(help.stdout.split("\nExamples:")[0] ?? "").split("\n").map((line) => line.length)),
    ).toBeLessThan(81);
  }
  const family = await fob("policy", "--help");
  expect(family.stdout).toMatch(/^Usage: fob policy <command> \[options\]\n\nCommands:\n {2}policy show /);
  for (const args of [
    ["help", "policy"],
    ["policy", "-h"],
  ])
    expect(await fob(...args)).toEqual(family);
  expect((await fob("help", "policy", "show")).stdout).toBe((await fob("policy", "show", "--help")).stdout);
  expect((await fob("help", "exit-codes")).stdout).toContain("130  cancelled\n");
});

test("a profile whose name begins with a dash is not taken for an option in hints", async () => {
  const world = await makeWorld();
  writeFileSync(world.credentialsPath, world.credentials().replace("[work]", "[-x]"));
  const { stderr } = await world.fob(["login", "--profile=-x", "--serial", world.device.serialNumber]);
  const command = /run in a terminal: fob (.*)\n/.exec(stderr)?.[1] ?? "";
  expect(command).toMatch(/^login --profile=-x --serial /);
  const pasted = await world.fob([...command.split(" "), "--code", world.device.code()]);
  expect({ status: pasted.status, stdout: pasted.stdout }).toEqual({ status: 0, stdout: "-x-mfa\n" });
});

test.each(["status", "logout", "shell-init", "completion", "demo", "policy show", "policy lint"])(
  "fob %s asks no AWS and takes no region",
  async (command) => {
    const { status, stderr } = await fob(...command.split(" "), "--region", "eu-central-1");
    expect(status).toBe(2);
    expect(stderr).toContain('unknown option "--region"');
    expect((await fob(...command.split(" "), "--help")).stdout).not.toContain("--region");
  },
);

test("options that belong to another one are not ignored without it", async () => {
  for (const option of [
    ["--region", "eu-central-1"],
    ["--profile", "work"],
    ["--resource", "*"],
  ]) {
    expect(await fob("policy", "simulate", ...option)).toMatchObject({ status: 2, stdout: "" });
  }
});
