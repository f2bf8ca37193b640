// Tests the output and exit codes of `fob policy lint`. test/policy/lint.test.ts tests its findings.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { execute, node, program, type RunOptions, temporaryFolder } from "../helpers/world.ts";

/** stdin is a policy here. */
const shows = { shows: ["line of stdin"] } as const;

const lint = (args: readonly string[], options?: RunOptions) =>
  execute(node, [program, "policy", "lint", ...args], { env: { PATH: process.env.PATH }, ...shows, ...options });

const shown = async (...args: readonly string[]): Promise<string> =>
  (await execute(node, [program, "policy", "show", ...args], { env: { PATH: process.env.PATH }, ...shows })).stdout;

test("prints each finding with its place and a fix, and exits with 3 if there is an error", async () => {
  const cwd = temporaryFolder();
  const text = (await shown("--no-password-change")).replace("BoolIfExists", "Bool");
  writeFileSync(join(cwd, "policy.json"), text);
  const { status, stdout, stderr } = await lint(["policy.json"], { cwd });
  expect(
    stdout,
  ).toBe(`policy.json:7:7 warning missing-password-exemption iam:ChangePassword is not exempt: a user with a temporary or expired password cannot sign in to enroll a device
    have users change their password before the policy applies to them, or add "iam:ChangePassword" and "iam:GetAccountPasswordPolicy"
policy.json:7:7 note missing-details-exemption iam:GetMFADevice is not exempt: the console shows an error instead of the device details
    add "iam:GetMFADevice"
policy.json:19:11 error bool-instead-of-boolifexists "Bool": {"aws:MultiFactorAuthPresent": "false"} does not deny access keys: their requests do not have the condition key at all
    write "BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}
`);
  expect({ status, stderr }).toEqual({ status: 3, stderr: 'fob: "policy.json": 1 error, 1 warning, 1 note\n' });
});

test("reads stdin for -, prints nothing without findings, and exits with 0 for warnings", async () => {
  expect(await lint(["-"], { input: await shown() })).toMatchObject({
    status: 0,
    stdout: "",
    stderr: 'fob: "-": no findings\n',
  });
  const warned = await lint(["-"], { input: await shown("--no-password-change") });
  expect(warned).toMatchObject({ status: 0, stderr: 'fob: "-": 1 warning, 1 note\n' });
});

test("prints a finding once, with all of its places", async () => {
  const statement = { Effect: "Allow", Action: "iam:GetUsr", Resource: "*" };
  const policy = { Version: "2012-10-17", Statement: Array.from({ length: 25 }, () => statement) };
  const { stdout, stderr } = await lint(["-"], { input: JSON.stringify(policy, null, 1) });
  expect(stdout).toMatch(
    /^-:6:4 error misspelled-action .*\n {4}write "iam:GetUser"\n {4}also at 11:4, 16:4, .* and 4 more places\n$/,
  );
  expect(stderr).toBe('fob: "-": 1 error\n');
});

test("--json prints a list, even without findings", async () => {
  expect(JSON.parse((await lint(["--json", "-"], { input: await shown() })).stdout)).toEqual([]);
  const input = (await shown()).replace("aws:MultiFactorAuthPresent", "aws:MultiFactorAuthPresnt");
  const { status, stdout } = await lint(["--json", "-"], { input });
  expect(status).toBe(3);
  expect(JSON.parse(stdout)).toEqual([
    {
      rule: "misspelled-condition-key",
      level: "error",
      message: expect.stringContaining("always absent, and BoolIfExists is always met") as string,
      fix: 'write "aws:MultiFactorAuthPresent"',
      patch: [
        {
          op: "move",
          from: "/Statement/0/Condition/BoolIfExists/aws:MultiFactorAuthPresnt",
          path: "/Statement/0/Condition/BoolIfExists/aws:MultiFactorAuthPresent",
        },
      ],
      line: 22,
      column: 11,
      path: ["Statement", 0, "Condition", "BoolIfExists", "aws:MultiFactorAuthPresnt"],
    },
  ]);
});

test.each([
  ["{\n  'Version': 1}", "invalid symbol (line 2, column 3)"],
  ['{"a": [1,\n2', "expected (line 2, column 2)"],
  ['{"Version": "2012-10-17",\n "Version": "2012-10-17"}', 'duplicate key "Version" (line 2, column 2)'],
  ["", "the file is empty (line 1, column 1)"],
  ["[".repeat(90_000), "nested deeper than 64 levels (line 1, column 65)"],
])("rejects invalid JSON and names the place: %j", async (input, message) => {
  const { status, stdout, stderr } = await lint(["-"], { input });
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toContain('fob: error: "-" is not JSON: ');
  expect(stderr).toContain(message);
});

test.each([
  [[], "fob policy lint needs a file"],
  [["none.json"], 'cannot read "none.json": no such file or directory'],
  [["folder"], 'cannot read "folder": illegal operation on a directory'],
  [["a", "b"], 'too many arguments: "b"'],
  [["--as", "art", "-"], 'invalid --as "art"\nfob: hint: choose one of: enforcement, role, scp\n'],
  [["--partition", "aws-mars", "-"], 'invalid --partition "aws-mars"\nfob: hint: choose one of: aws-cn, '],
])("rejects wrong usage: %j", async (args, message) => {
  const cwd = temporaryFolder();
  mkdirSync(join(cwd, "folder"));
  const { status, stdout, stderr } = await lint(args, { cwd });
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toContain(message);
});

test("--as enforcement and --partition require it of the policy", async () => {
  const input = await shown("--self-manage");
  expect(await lint(["-"], { input })).toMatchObject({ status: 0, stdout: "" });
  const forced = await lint(["--as", "enforcement", "-"], { input });
  expect(forced).toMatchObject({ status: 3, stdout: expect.stringContaining("-:3:3 error no-enforcement ") as string });
  const elsewhere = await lint(["--partition=aws-us-gov", "-"], { input });
  expect(elsewhere).toMatchObject({ status: 3 });
  expect(elsewhere.stdout).toMatch(/error wrong-partition .*\n {4}write "arn:aws-us-gov:iam::\*:mfa\/\*"\n/);
});

test("--as role and --as scp say what a Deny without MFA does to roles", async () => {
  const input = await shown();
  for (const kind of ["role", "scp"]) {
    const { status, stdout } = await lint(["--as", kind, "-"], { input });
    expect(status).toBe(3);
    expect(stdout).toContain(
      'error roles-without-mfa requests of roles never have "aws:MultiFactorAuthPresent", so this denies them for good\n',
    );
  }
});

test("escapes control characters of the file", async () => {
  const input = JSON.stringify({ Version: "2012-10-17", Statement: { "\u009b2J\u202e": 1, Effect: "\u001b[2J" } });
  const { stdout } = await lint(["-"], { input });
  expect(stdout).toContain("\\x9b2J");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
  expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
});

test("rejects a file larger than 100 kB, including white space, without reading all of it", async () => {
  const cwd = temporaryFolder();
  const text = await shown();
  writeFileSync(join(cwd, "fits.json"), text.padEnd(100_000));
  writeFileSync(join(cwd, "large.json"), text.padEnd(100_001));
  expect(await lint(["fits.json"], { cwd })).toMatchObject({ status: 0, stderr: 'fob: "fits.json": no findings\n' });
  const refused = (name: string) => ({
    status: 2,
    stdout: "",
    stderr: `fob: error: "${name}" is larger than 100 kB\nfob: hint: AWS allows at most 6,144 characters in a managed policy; name a file with a single policy\n`,
  });
  expect(await lint(["large.json"], { cwd })).toMatchObject(refused("large.json"));
  expect(await lint(["-"], { input: "[]".padEnd(100_001) })).toMatchObject(refused("-"));
  expect(await lint(["/dev/zero"])).toMatchObject(refused("/dev/zero"));
});
