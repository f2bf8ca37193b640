// How a command line is read, and what is said of one that is wrong.
import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { version } from "../../package.json";
import { someOf } from "../helpers/broad.ts";
import { execute, makeWorld, node, program, temporaryFolder } from "../helpers/world.ts";

const fob = (...args: readonly string[]) =>
  execute(node, [program, ...args], { env: { PATH: process.env.PATH, HOME: temporaryFolder() } });

test.each([
  [["stauts"], 'unknown command "stauts"', "did you mean: fob status"],
  [["qqqqqq"], 'unknown command "qqqqqq"', "fob --help"],
  [["polcy", "show"], 'unknown command "polcy"', "did you mean: fob policy"],
  [["policy", "sow"], 'unknown command "policy sow"', "did you mean: fob policy show"],
  [["policy", "qqqqqq"], 'unknown command "policy qqqqqq"', "fob policy --help"],
  [["policy"], '"fob policy" needs a subcommand: show, lint, simulate, export', "fob policy --help"],
  [["policy", "--json"], '"fob policy" needs a subcommand: show, lint, simulate, export', "fob policy --help"],
  [["constructor"], 'unknown command "constructor"', "fob --help"],
  [["list"], 'unknown command "list"', "did you mean: fob status"],
  [["version", "--json"], 'unknown command "version"', "did you mean: fob --version"],
  [["ls"], 'unknown command "ls"', "did you mean: fob status"],
  [["policy", "lint"], "fob policy lint needs a file", "fob policy lint --help"],
  [["--verison"], 'unknown option "--verison"', "did you mean: fob --version"],
  [["--debug", "status", "work"], '"--debug" must come after the command', "like this: fob status --debug work"],
  [["--code=123456", "login"], '"--code" must come after the command', "fob --help"],
  [["--code", "123456", "login"], '"--code" must come after the command', "fob --help"],
  [["help", "staus"], 'unknown command "staus"', "did you mean: fob help status"],
  [["help", "qqqqqq"], 'unknown command "qqqqqq"', "fob help"],
  [["status", "--chekc"], 'unknown option "--chekc"', "did you mean: --check"],
  [["login", "-x"], 'unknown option "-x"', "fob login --help"],
  [["login", "--code-stdin=yes"], "--code-stdin takes no value", "fob login --help"],
  [["login", "--to"], "--to needs a value", "usage: --to <profile>"],
  [["login", "--to", "--force"], "--to needs a value", "usage: --to <profile>"],
  [["login", "work", "play"], 'too many arguments: "play"', "fob login --help"],
  [
    ["login", "work", "--profile", "play"],
    "the profile is given twice, as an argument and as --profile",
    "use one or the other",
  ],
  [["login", "--profile="], "the profile name is empty", "leave it out to use the default profile"],
  [
    ["login", "--code", "012345", "--code-stdin"],
    "--code and --code-stdin cannot be used together",
    "use one or the other",
  ],
])("%j is answered with what is wrong and what would be right", async (args, error, hint) => {
  const { status, stdout, stderr } = await fob(...args);
  expect(stderr).toBe(`fob: error: ${error}\nfob: hint: ${hint}\n`);
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
});

test("a code that is in a misspelled option is not repeated", async () => {
  expect((await fob("login", "--cdoe=123456")).stderr).not.toContain("123456");
});

test("an option's value stands behind a blank or behind =, and nothing is an option behind --", async () => {
  for (const args of [
    ["status", "--profile", "unknown"],
    ["status", "--profile=unknown"],
    ["status", "unknown"],
  ]) {
    expect((await fob(...args)).stderr).toContain('no profile "unknown"');
  }
  expect((await fob("status", "--", "--json")).stderr).toContain('no profile "--json"');
});

test("fob, fob help and fob --help list the commands; each has its own help with examples, also after other words", async () => {
  const { stdout } = await fob();
  expect(stdout).toMatch(/^Usage: fob <command> \[options\]\n[\s\S]*\nDaily:\n {2}login \[profile\] /);
  for (const args of [["help"], ["--help"], ["-h"]]) expect(await fob(...args)).toMatchObject({ status: 0, stdout });
  const shown = [...stdout.matchAll(/^ {2}(login|status|logout|doctor) /gm)].map(([, name = ""]) => name);
  expect(shown).toEqual(["login", "status", "logout", "doctor"]);
  expect(stdout).toMatch(/^ {2}sandbox .*, demo /m);
  for (const name of shown) {
    const help = await fob(name, "--help");
    expect(help).toMatchObject({ status: 0, stderr: "" });
    expect(help.stdout).toMatch(/^Usage: fob [\s\S]*\n {2}-h, --help [\s\S]*\nExamples:\n {2}fob /);
    expect((await fob("help", name)).stdout).toBe(help.stdout);
    expect((await fob(name, "unknown", "-h")).stdout).toBe(help.stdout);
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

test.each(["-v", "-V", "--version", "version"])("fob %s prints the version", async (word) => {
  expect(await fob(word)).toEqual({ status: 0, signal: null, stdout: `${version}\n`, stderr: "" });
});

test.each([
  [["work"], "fob login work"],
  [["work", "--duration", "8h"], "fob login work --duration 8h"],
  [["work", "--", "aws", "s3 ls"], "fob exec work -- aws 's3 ls'"],
  [["work", "123456"], "fob login work"],
  [["work", "--code=123456"], "fob login work"],
  [["status-page"], "fob login status-page"],
])("a profile in place of a command leads to the command: fob %j", async (args, meant) => {
  const world = await makeWorld();
  writeFileSync(world.configPath, `${world.config()}[profile status-page]\n`);
  const { status, stderr } = await world.fob(args);
  expect({ status, stderr }).toEqual({
    status: 2,
    stderr: `fob: error: unknown command "${args[0] ?? ""}"\nfob: hint: did you mean: ${meant}\n`,
  });
});

test("AWS files that cannot be read do not hide that a command is unknown", async () => {
  const world = await makeWorld();
  writeFileSync(world.configPath, "broken\n");
  expect((await world.fob(["stauts"])).stderr).toContain("did you mean: fob status");
});

test.each([[["123456"]], [["123", "456"]]])(
  "a code as an argument leads to its option, and is not repeated",
  async (code) => {
    const { status, stdout, stderr } = await fob("login", "work", ...code);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain("fob: hint: did you mean: fob login work --code CODE\n");
    expect(stderr).toContain("fob login work --code-stdin\n");
    expect(stderr).not.toMatch(/123|456/);
  },
);

test("help and completion offer --no-input and --debug where they make a difference; every command takes them", async () => {
  const words = ["status", "logout", "shell-init", "completion", "demo", "login", "refresh", "env", "exec", "console"];
  const all = [...words, "credential-process", "policy show", "policy lint", "policy simulate", "policy export"];
  const names = someOf(all, 6);
  const listing = async (option: string) => {
    const found = await Promise.all(
      names.map(async (name) => {
        const help = (await fob(...name.split(" "), "--help")).stdout.includes(`  ${option} `);
        const offered = (await fob("complete", ...name.split(" "), "--")).stdout.includes(`${option}\t`);
        expect(offered, name).toBe(help);
        return help ? [name] : [];
      }),
    );
    return found.flat();
  };
  const making = ["login", "refresh", "env", "exec", "console", "credential-process", "policy simulate"];
  const among = (expected: readonly string[]) => expected.filter((name) => names.includes(name));
  expect(await listing("--no-input")).toEqual(among(["demo", ...making]));
  expect(await listing("--debug")).toEqual(among(making));
  expect((await fob("status", "--no-input", "--debug")).status).toBe(0);
});
