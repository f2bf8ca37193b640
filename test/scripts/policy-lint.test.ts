// `fob policy lint`: what it prints, where, and its exit codes. What it finds: test/policy/lint.test.ts.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { execute, node, program, type RunOptions, temporaryFolder } from "../helpers/world.ts";

/** What stands on stdin here is a policy. */
const shows = { shows: ["line of stdin"] } as const;

const lint = (args: readonly string[], options?: RunOptions) =>
  execute(node, [program, "policy", "lint", ...args], { env: { PATH: process.env.PATH }, ...shows, ...options });

const shown = async (...args: readonly string[]): Promise<string> =>
  (await execute(node, [program, "policy", "show", ...args], { env: { PATH: process.env.PATH }, ...shows })).stdout;

test("a finding is a line with its place and a line with the fix; an error makes it fail", async () => {
  const cwd = temporaryFolder();
  const text = (await shown("--no-password-change")).replace("BoolIfExists", "Bool");
  writeFileSync(join(cwd, "policy.json"), text);
  const { status, stdout, stderr } = await lint(["policy.json"], { cwd });
  expect(
    stdout,
  ).toBe(`policy.json:7:7 warning missing-password-exemption iam:ChangePassword is not exempt: a user with a first or an expired password cannot sign in far enough to enrol
    add "iam:ChangePassword" and "iam:GetAccountPasswordPolicy", or let users change their password before the policy is for them
policy.json:7:7 note missing-details-exemption iam:GetMFADevice is not exempt: the console shows an error in place of a device's details
    add "iam:GetMFADevice"
policy.json:19:11 error bool-instead-of-boolifexists access keys slip through "Bool": {"aws:MultiFactorAuthPresent": "false"}: their requests do not have the key at all
    write "BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}
`);
  expect({ status, stderr }).toEqual({ status: 3, stderr: 'fob: "policy.json": 1 error, 1 warning, 1 note\n' });
});

test("stdin is -, no finding is no output, and warnings do not make it fail", async () => {
  expect(await lint(["-"], { input: await shown() })).toMatchObject({
    status: 0,
    stdout: "",
    stderr: 'fob: "-": no findings\n',
  });
  const warned = await lint(["-"], { input: await shown("--no-password-change") });
  expect(warned).toMatchObject({ status: 0, stderr: 'fob: "-": 1 warning, 1 note\n' });
});

test("--json is a list, also of nothing", async () => {
  expect(JSON.parse((await lint(["--json", "-"], { input: await shown() })).stdout)).toEqual([]);
  const input = (await shown()).replace("aws:MultiFactorAuthPresent", "aws:MultiFactorAuthPresnt");
  const { status, stdout } = await lint(["--json", "-"], { input });
  expect(status).toBe(3);
  expect(JSON.parse(stdout)).toEqual([
    {
      rule: "misspelt-condition-key",
      level: "error",
      message: expect.stringContaining("always absent, and BoolIfExists always holds") as string,
      fix: 'write "aws:MultiFactorAuthPresent"',
      line: 22,
      column: 11,
      path: ["Statement", 0, "Condition", "BoolIfExists", "aws:MultiFactorAuthPresnt"],
    },
  ]);
});

test.each([
  ["{\n  'Version': 1}", "invalid symbol (line 2, column 3)"],
  ['{"a": [1,\n2', "expected (line 2, column 2)"],
  ['{"Version": "2012-10-17",\n "Version": "2012-10-17"}', '"Version" stands twice in one object (line 2, column 2)'],
  ["", "there is nothing in it (line 1, column 1)"],
  ["[".repeat(90_000), "nested deeper than 64 levels (line 1, column 65)"],
])("what is no JSON is refused, with the place: %j", async (input, message) => {
  const { status, stdout, stderr } = await lint(["-"], { input });
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toContain('fob: error: "-" is not JSON: ');
  expect(stderr).toContain(message);
});

test.each([
  [[], "fob policy lint needs a file"],
  [["none.json"], 'cannot read "none.json": ENOENT'],
  [["folder"], 'cannot read "folder": EISDIR'],
  [["a", "b"], 'too many arguments: "b"'],
  [["--as", "art", "-"], '"art" (from --as) is not known\nfob: hint: one of these: enforcement\n'],
  [["--partition", "aws-mars", "-"], '"aws-mars" (from --partition) is not known\nfob: hint: one of these: aws-cn, '],
])("wrong usage: %j", async (args, message) => {
  const cwd = temporaryFolder();
  mkdirSync(join(cwd, "folder"));
  const { status, stdout, stderr } = await lint(args, { cwd });
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toContain(message);
});

test("--as enforcement and --partition say what the policy is to be", async () => {
  const input = await shown("--self-manage");
  expect(await lint(["-"], { input })).toMatchObject({ status: 0, stdout: "" });
  const forced = await lint(["--as", "enforcement", "-"], { input });
  expect(forced).toMatchObject({ status: 3, stdout: expect.stringContaining("-:3:3 error no-enforcement ") as string });
  const elsewhere = await lint(["--partition=aws-us-gov", "-"], { input });
  expect(elsewhere).toMatchObject({ status: 3 });
  expect(elsewhere.stdout).toMatch(/error wrong-partition .*\n {4}write "arn:aws-us-gov:iam::\*:mfa\/\*"\n/);
});

test("names in the file cannot move the cursor", async () => {
  const input = JSON.stringify({ Version: "2012-10-17", Statement: { "\u009b2J\u202e": 1, Effect: "\u001b[2J" } });
  const { stdout } = await lint(["-"], { input });
  expect(stdout).toContain("\\x9b2J");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
  expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
});

test("a file beyond 100 kB is refused before it is read any further, white space and all", async () => {
  const cwd = temporaryFolder();
  const text = await shown();
  writeFileSync(join(cwd, "fits.json"), text.padEnd(100_000));
  writeFileSync(join(cwd, "large.json"), text.padEnd(100_001));
  expect(await lint(["fits.json"], { cwd })).toMatchObject({ status: 0, stderr: 'fob: "fits.json": no findings\n' });
  const refused = (name: string) => ({
    status: 2,
    stdout: "",
    stderr: `fob: error: "${name}" is larger than 100 kB\nfob: hint: AWS takes at most 6,144 characters in a managed policy: name a file that holds one policy\n`,
  });
  expect(await lint(["large.json"], { cwd })).toMatchObject(refused("large.json"));
  expect(await lint(["-"], { input: "[]".padEnd(100_001) })).toMatchObject(refused("-"));
  expect(await lint(["/dev/zero"])).toMatchObject(refused("/dev/zero"));
});
