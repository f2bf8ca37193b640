// Tests the output and exit codes of `fob policy lint`. test/policy/lint.test.ts tests its findings.
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import type { Patch } from "../../src/policy/lint/patch.ts";
import { rules } from "../../src/policy/lint/rules.ts";
import { applyPatch } from "../helpers/json-patch.ts";
import { checkSarif } from "../helpers/sarif.ts";
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
      file: "-",
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
      endColumn: 38,
      path: ["Statement", 0, "Condition", "BoolIfExists", "aws:MultiFactorAuthPresnt"],
    },
  ]);
});

test("the patches and paths of statements without a policy are those of the file", async () => {
  const Resource = `arn:aws:iam::*:mfa/\${aws:username}`;
  const Condition = { Bool: { "aws:MultiFactorAuthPresent": "false" } };
  const statements = [
    { Effect: "Deny", Action: "iam:GetUsr", Resource: "*" },
    { Effect: "Deny", NotAction: ["iam:*MFADevice", "iam:CreateAccessKey"], Resource: "arn:aws:s3:::*", Condition },
    { Effect: "Allow", Action: ["iam:DeleteVirtualMFADevice", "iam:CreateAccessKey"], Resource },
    {
      ...{ Effect: "Allow", Action: "iam:EnableMFADevice", Resource },
      Condition: { Bool: { "aws:MultiFactorAuthPresent": "true" } },
    },
  ];
  interface Printed {
    readonly patch?: Patch;
    readonly path: readonly (string | number)[];
    readonly also?: readonly Pick<Printed, "path">[];
  }
  const check = async (value: unknown) => {
    const { stdout } = await lint(["--json", "-"], { input: JSON.stringify(value) });
    return JSON.parse(stdout) as readonly Printed[];
  };
  for (const bare of [...statements, statements]) {
    const policy = { Version: "2012-10-17", Statement: bare };
    const [found, whole] = await Promise.all([bare, policy].map(check));
    expect(whole?.some(({ patch }) => patch !== undefined)).toBe(true);
    for (const [index, { patch, path, also = [] }] of found?.entries() ?? []) {
      const same = whole?.[index];
      expect(patch === undefined).toBe(same?.patch === undefined);
      if (patch !== undefined && same?.patch !== undefined)
        expect(applyPatch(bare, patch)).toEqual((applyPatch(policy, same.patch) as typeof policy).Statement);
      expect(["Statement", ...path]).toEqual(same?.path);
      expect(also.map((place) => ["Statement", ...place.path])).toEqual((same?.also ?? []).map((place) => place.path));
    }
  }
});

test("--format json is --json, and --format text is the default", async () => {
  const input = await shown("--no-password-change");
  const [json, long, both] = [["--json"], ["--format", "json"], ["--json", "--format=json"]];
  const outputs = await Promise.all([json, long, both].map((args) => lint([...args, "-"], { input })));
  expect(new Set(outputs.map(({ stdout }) => stdout)).size).toBe(1);
  expect(JSON.parse(outputs[0]?.stdout ?? "")).toHaveLength(2);
  expect((await lint(["--format", "text", "-"], { input })).stdout).toBe((await lint(["-"], { input })).stdout);
});

test("--format sarif prints what code scanning accepts, with the exit code of the text", async () => {
  const cwd = temporaryFolder();
  mkdirSync(join(cwd, "my policies"));
  const name = "my policies/größe #1%.json";
  writeFileSync(join(cwd, name), (await shown("--no-password-change")).replace("BoolIfExists", "Bool"));
  const { status, stdout, stderr } = await lint(["--format", "sarif", name], { cwd });
  expect({ status, stderr }).toEqual({ status: 3, stderr: `fob: "${name}": 1 error, 1 warning, 1 note\n` });
  const { driver, results } = checkSarif(stdout);
  const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
    homepage: string;
  };
  expect(driver.semanticVersion).toBe(manifest.version);
  expect(driver.informationUri).toBe(manifest.homepage);
  expect(driver.rules.map(({ id, level }) => [id, level])).toEqual(rules.map(({ id, level }) => [id, level]));
  expect(results.map(({ rule, level }) => [rule, level])).toEqual([
    ["missing-password-exemption", "warning"],
    ["missing-details-exemption", "note"],
    ["bool-instead-of-boolifexists", "error"],
  ]);
  expect(results[2]).toMatchObject({
    file: name,
    text: '"Bool": {"aws:MultiFactorAuthPresent": "false"} does not deny access keys: their requests do not have the condition key at all. Fix: write "BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}',
    region: { startLine: 19, startColumn: 11, endLine: 19, endColumn: 39 },
  });
});

test("--format sarif: stdin has a name, and no findings are a report too", async () => {
  expect(checkSarif((await lint(["--format=sarif", "-"], { input: await shown() })).stdout).results).toEqual([]);
  const { status, stdout } = await lint(["--format=sarif", "-"], { input: await shown("--no-password-change") });
  expect(status).toBe(0);
  expect(checkSarif(stdout).results.map(({ file }) => file)).toEqual(["stdin", "stdin"]);
});

test("--format sarif: an alert stays the same when lines and statements move", async () => {
  const policy = (...actions: string[]) =>
    JSON.stringify(
      { Version: "2012-10-17", Statement: actions.map((Action) => ({ Effect: "Allow", Action, Resource: "*" })) },
      null,
      1,
    );
  const report = async (input: string) => checkSarif((await lint(["--format=sarif", "-"], { input })).stdout).results;
  const [before] = await report(policy("iam:GetUsr"));
  const [other, moved] = await report(policy("iam:GetRol", "iam:GetUsr"));
  expect(moved?.region.startLine).toBeGreaterThan(before?.region.startLine ?? Infinity);
  expect(moved?.fingerprint).toBe(before?.fingerprint);
  expect(other).toMatchObject({ rule: before?.rule });
  expect(other?.fingerprint).not.toBe(before?.fingerprint);
  const [repeated] = await report(policy("iam:GetUsr", "iam:GetUsr", "iam:GetUsr"));
  expect(repeated?.fingerprint).toBe(before?.fingerprint);
  expect(repeated?.text).toMatch(/; also at \[line 11\]\(1\), \[line 16\]\(2\)$/);
  expect(repeated?.related.map(({ startLine }) => startLine)).toEqual([11, 16]);
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
  [["folder"], 'no policy found in the .json, .yaml, .yml and .template files in "folder"'],
  [["-", "-"], "stdin can be read only once"],
  [["--as", "art", "-"], 'invalid --as "art"\nfob: hint: choose one of: enforcement, role, scp\n'],
  [["--format", "xml", "-"], 'invalid --format "xml"\nfob: hint: choose one of: text, json, sarif\n'],
  [["--json", "--format", "sarif", "-"], "--json cannot be used with --format sarif\n"],
  [["--json", "--format=text", "-"], "--json cannot be used with --format text\n"],
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
      'error roles-without-mfa requests made with roles do not have "aws:MultiFactorAuthPresent", so this always denies them\n',
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

test("rejects a policy larger than 100 kB, and a file larger than 50 MB without reading all of it", async () => {
  const cwd = temporaryFolder();
  const text = await shown();
  writeFileSync(join(cwd, "fits.json"), text.padEnd(100_001));
  expect(await lint(["fits.json"], { cwd })).toMatchObject({ status: 0, stderr: 'fob: "fits.json": no findings\n' });
  const statement = { Effect: "Allow", Action: "s3:GetObject", Resource: "*" };
  const large = { UserName: "alice", PolicyName: "p", PolicyDocument: { Statement: Array(2_000).fill(statement) } };
  writeFileSync(join(cwd, "large.json"), JSON.stringify(large));
  expect(await lint(["large.json"], { cwd })).toMatchObject({
    status: 2,
    stdout: "",
    stderr:
      'fob: error: "user alice, policy p" in "large.json" is larger than 100 kB\nfob: hint: AWS allows at most 6,144 characters in a managed policy\n',
  });
  expect(await lint(["/dev/zero"])).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/^fob: error: "\/dev\/zero" is larger than 50 MB\nfob: hint: split it/) as string,
  });
});

test("checks every policy of an account and names it", async () => {
  const policy = JSON.parse(await shown()) as object;
  const wrong = JSON.parse((await shown()).replace("BoolIfExists", "Bool")) as object;
  const account = {
    GroupDetailList: [
      { GroupName: "RequireMFA", GroupPolicyList: [{ PolicyName: "mfa", PolicyDocument: wrong }] },
      { GroupName: "Others", GroupPolicyList: [{ PolicyName: "mfa", PolicyDocument: policy }] },
    ],
    RoleDetailList: [{ RoleName: "ci", RolePolicyList: [{ PolicyName: "mfa", PolicyDocument: policy }] }],
    Policies: [
      {
        ...{ PolicyName: "AdministratorAccess", Arn: "arn:aws:iam::aws:policy/AdministratorAccess" },
        PolicyVersionList: [{ IsDefaultVersion: true, Document: {} }],
      },
    ],
  };
  const { status, stdout, stderr } = await lint(["--json", "-"], { input: JSON.stringify(account) });
  const found = JSON.parse(stdout) as { subject: string; rule: string; file: string }[];
  expect(found.map(({ subject, rule, file }) => [file, subject, rule])).toEqual([
    ["-", "group RequireMFA, policy mfa", "bool-instead-of-boolifexists"],
    ["-", "role ci, policy mfa", "roles-without-mfa"],
  ]);
  expect({ status, stderr }).toEqual({
    status: 3,
    stderr: 'fob: not checked, a policy of AWS: "policy AdministratorAccess"\nfob: "-" (3 policies): 2 errors\n',
  });
  const forced = await lint(["--as", "enforcement", "-"], { input: JSON.stringify(account) });
  expect(forced.stdout).toMatch(
    /^-:1:\d+ error bool-instead-of-boolifexists "group RequireMFA, policy mfa": "Bool": .*\n.*\n$/,
  );
});

test.each([
  ["{}", "none.json", "has no policy that fob knows how to find"],
  [
    '{"version": 3, "terraform_version": "0.11", "lineage": "a"}',
    "a.json",
    "hint: for a Terraform state: terraform show -json",
  ],
  [
    '{"Policy": {"Arn": "arn:aws:iam::123456789012:policy/x", "DefaultVersionId": "v2"}}',
    "get-policy.json",
    "aws iam get-policy-version --policy-arn arn:aws:iam::123456789012:policy/x --version-id v2",
  ],
  ['{"Role": {"AssumeRolePolicyDocument": {}}}', "role.json", "has no policy that fob knows how to find"],
  ["Resources:\n  A: b\n", "template.yaml", "has no policy that fob knows how to find"],
  [
    "Statement:\n  - Effect: Allow\n\t  Action: '*'\n",
    "tabs.yaml",
    '"tabs.yaml" is not YAML: tabs are not allowed as indentation (line 3, column 1)\nfob: hint: indent YAML with spaces, and',
  ],
  [
    'resource "a" "b" {}',
    "main.tf",
    "fob: hint: lint the policies that Terraform creates: terraform show -json > state.json\n",
  ],
  [
    '{"GroupName": "g", "PolicyName": "p",\n "PolicyDocument": "{"}',
    "group.json",
    '"group.json" cannot be read: group g, policy p is not JSON: close brace expected (line 2, column 2)',
  ],
])("rejects a file without a policy: %j", async (text, name, message) => {
  const cwd = temporaryFolder();
  writeFileSync(join(cwd, name), text);
  const { status, stdout, stderr } = await lint([name], { cwd });
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toContain(message);
});

test("checks several files, and the JSON files of folders, and says what it did not check", async () => {
  const cwd = temporaryFolder();
  const right = await shown();
  const wrong = right.replace("BoolIfExists", "Bool");
  const bucket = { Statement: { Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: "*" } };
  for (const folder of ["a/below", "a/.hidden", "a/node_modules/x"]) mkdirSync(join(cwd, folder), { recursive: true });
  const files: Readonly<Record<string, string>> = {
    ...{ "one.json": right, "a/z.json": wrong, "a/below/B.JSON": wrong, "a/other.txt": wrong },
    ...{ "a/.hidden/h.json": wrong, "a/.h.json": wrong, "a/node_modules/x/p.json": wrong },
    ...{
      "a/package.json": '{"name": "a"}',
      "a/tsconfig.json": "{ // comment\n}",
      "a/bucket.json": JSON.stringify(bucket),
    },
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
  symlinkSync(join(cwd, "a"), join(cwd, "a", "circle"));
  symlinkSync("nowhere", join(cwd, "a", "dangling.json"));
  const { status, stdout, stderr } = await lint(["--json", "one.json", "a", "./a/z.json"], { cwd });
  const findings = JSON.parse(stdout) as { file: string; rule: string; subject?: string }[];
  expect(findings.map(({ file, rule, subject }) => [file, rule, subject])).toEqual([
    [join("a", "below", "B.JSON"), "bool-instead-of-boolifexists", undefined],
    [join("a", "z.json"), "bool-instead-of-boolifexists", undefined],
  ]);
  expect(status).toBe(3);
  expect(stderr).toBe(`fob: not checked, a trust policy or a policy of a resource: "a/bucket.json"
fob: not checked, no policy in it: "a/package.json"
fob: not checked, not JSON: "a/tsconfig.json"
fob: 3 policies in 3 files: 2 errors
`);
});

test("a broken policy in a folder is an error, and so is one that cannot be checked at all", async () => {
  const cwd = temporaryFolder();
  mkdirSync(join(cwd, "a"));
  writeFileSync(join(cwd, "a/broken.json"), `${await shown()},`);
  expect(await lint(["a"], { cwd })).toMatchObject({
    status: 2,
    stdout: "",
    stderr: expect.stringContaining('fob: error: "a/broken.json" is not JSON: ') as string,
  });
  const Policies = [
    {
      PolicyName: "P",
      Arn: "arn:aws:iam::aws:policy/P",
      PolicyVersionList: [{ IsDefaultVersion: true, Document: {} }],
    },
  ];
  expect(await lint(["-"], { input: JSON.stringify({ Policies }) })).toMatchObject({ status: 2, stdout: "" });
});

/** fob's policy with a mistake, as a policy of a template in YAML. */
const template = (policy: string) => `AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Mfa: # for all users
    Type: AWS::IAM::ManagedPolicy
    Properties:
      Groups:
        - !Ref Users
      PolicyDocument:
${policy.replace(/^/gm, " ".repeat(8)).trimEnd()}
`;

const toYaml = async (...args: readonly string[]): Promise<string> => stringify(JSON.parse(await shown(...args)));

test("reads YAML, with places, also for code scanning", async () => {
  const cwd = temporaryFolder();
  const wrong = (await toYaml()).replace("BoolIfExists", "Bool");
  writeFileSync(join(cwd, "mfa.yaml"), template(wrong));
  const { status, stdout, stderr } = await lint(["mfa.yaml"], { cwd });
  expect(stdout).toMatch(/^mfa\.yaml:27:17 error bool-instead-of-boolifexists "Mfa": "Bool": .*\n {4}write .*\n$/);
  expect({ status, stderr }).toEqual({ status: 3, stderr: 'fob: "mfa.yaml": 1 error\n' });
  const { results } = checkSarif((await lint(["--format", "sarif", "mfa.yaml"], { cwd })).stdout);
  expect(results.map(({ file, region }) => ({ file, region }))).toEqual([
    { file: "mfa.yaml", region: { startLine: 27, startColumn: 17, endLine: 27, endColumn: 43 } },
  ]);
});

test("reads YAML from stdin: a policy, and what fob exports", async () => {
  const input = (await toYaml()).replace("BoolIfExists", "Bool");
  expect((await lint(["-"], { input })).stdout).toMatch(/^-:19:9 error bool-instead-of-boolifexists "Bool": /);
  const exported = await execute(node, [program, "policy", "export", "--format", "yaml"], {
    env: { PATH: process.env.PATH },
    ...shows,
  });
  expect(await lint(["-"], { input: exported.stdout })).toMatchObject({
    status: 0,
    stderr: 'fob: "-" (2 policies): no findings\n',
  });
});

test("YAML with several documents: the message says which", async () => {
  const right = await toYaml();
  const wrong = right.replace("BoolIfExists", "Bool");
  const input = [right, "# nothing\n", wrong, template(wrong)].join("---\n");
  const { status, stdout, stderr } = await lint(["-"], { input });
  expect(stdout.split("\n").filter((line) => line.startsWith("-:"))).toEqual([
    expect.stringMatching(/^-:41:9 error bool-instead-of-boolifexists "document 3": /),
    expect.stringMatching(/^-:69:17 error bool-instead-of-boolifexists "document 4, Mfa": /),
  ]);
  expect({ status, stderr }).toEqual({ status: 3, stderr: 'fob: "-" (3 policies): 2 errors\n' });
});

test("YAML in folders: settings are not checked, whatever they are; a broken policy is an error", async () => {
  const cwd = temporaryFolder();
  mkdirSync(join(cwd, "a"));
  const files: Readonly<Record<string, string>> = {
    "mfa.yml": await toYaml(),
    "stack.template": template(await toYaml()),
    "values.yaml": "a: {{ .Values.b }}\n",
    "large.yaml": `a: Effect\n${"# comment\n".repeat(120_000)}`,
    "bucket.yaml": "Statement:\n  - {Effect: Allow, Principal: '*', Action: s3:GetObject, Resource: '*'}\n",
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, "a", name), text);
  const said = `fob: not checked, a trust policy or a policy of a resource: "a/bucket.yaml"
fob: not checked, larger than 1 MB, the limit for YAML: "a/large.yaml"
fob: not checked, no policy in it: "a/values.yaml"
fob: 2 policies in 2 files: no findings, but not everything could be checked
`;
  const hint = "fob: hint: to accept that: fob policy lint a --allow-unknown\n";
  expect(await lint(["a"], { cwd })).toMatchObject({ status: 3, stderr: said + hint });
  expect(await lint(["a", "--allow-unknown"], { cwd })).toMatchObject({ status: 0, stderr: said });
  expect(await lint(["a/large.yaml"], { cwd })).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('"a/large.yaml" is larger than 1 MB, the limit for YAML\n') as string,
  });
  writeFileSync(join(cwd, "a/broken.yaml"), "Statement: [\n");
  expect(await lint(["a"], { cwd })).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('fob: error: "a/broken.yaml" is not YAML: ') as string,
  });
});

test("says which templates it does not look into", async () => {
  const nested = { Type: "AWS::CloudFormation::Stack", Properties: { TemplateURL: "./child.yaml" } };
  const PolicyDocument = JSON.parse(await shown()) as object;
  const own = { Type: "AWS::IAM::ManagedPolicy", Properties: { PolicyDocument } };
  const cwd = temporaryFolder();
  writeFileSync(join(cwd, "main.json"), JSON.stringify({ Resources: { Child: nested, Own: own } }));
  writeFileSync(join(cwd, "only.json"), JSON.stringify({ Resources: { Child: nested } }));
  const said = 'not checked, a nested template, macro or loop: "main.json: Child, ./child.yaml"\n';
  expect(await lint(["main.json"], { cwd })).toMatchObject({
    status: 0,
    stderr: `fob: ${said}fob: "main.json": no findings\n`,
  });
  const { status, stderr } = await lint(["only.json"], { cwd });
  expect(status).toBe(2);
  expect(stderr).toContain(
    'fob: hint: name the template that has the policies, fob does not look into "Child, ./child.yaml"',
  );
});

test("what fob could not check is no pass, unless --allow-unknown accepts it", async () => {
  const policy = JSON.parse(await shown()) as { readonly Statement: readonly object[] };
  const template = (PolicyDocument: unknown) => ({
    Resources: { It: { Type: "AWS::IAM::ManagedPolicy", Properties: { PolicyDocument } } },
  });
  const plan = {
    format_version: "1.2",
    planned_values: {
      root_module: { resources: [{ type: "aws_iam_policy", address: "aws_iam_policy.mfa", values: {} }] },
    },
  };
  const either = { "Fn::If": ["IsProduction", policy.Statement[0], { Ref: "AWS::NoValue" }] };
  const inputs: readonly (readonly [unknown, RegExp])[] = [
    [
      template({ Ref: "Policy" }),
      /^-:\d+:\d+ error not-checked "It": .* only when the template is deployed, so fob does/,
    ],
    [template({ ...policy, Statement: [either] }), /error not-checked "It": /],
    [plan, /error not-checked "aws_iam_policy.mfa": the policy is known only after terraform apply/],
  ];
  for (const [value, words] of inputs) {
    const input = JSON.stringify(value);
    const { status, stdout, stderr } = await lint(["-"], { input });
    expect(stdout).toMatch(words);
    expect({ status, stderr }).toEqual({
      status: 3,
      stderr: `fob: "-": 1 error, but not everything could be checked\nfob: hint: to accept that: fob policy lint - --allow-unknown\n`,
    });
    const accepted = await lint(["-", "--allow-unknown"], { input });
    expect(accepted).toMatchObject({
      status: 0,
      stdout: stdout.replace(" error ", " warning "),
      stderr: 'fob: "-": 1 warning, but not everything could be checked\n',
    });
  }
  // What is known is still an error.
  const statement = { Effect: "Allow", Action: "iam:GetUsr", Resource: "*" };
  const wrong = template({ Version: "2012-10-17", Statement: [{ Ref: "More" }, statement] });
  const known = await lint(["--allow-unknown", "-"], { input: JSON.stringify(wrong) });
  expect(known.stdout).toContain("warning not-checked");
  expect(known.stdout).toContain("error misspelled-action");
  expect(known.status).toBe(3);
});

test("a file that is cut off, and one that is too large to read, are no pass either", async () => {
  const cwd = temporaryFolder();
  const PolicyVersionList = [{ IsDefaultVersion: true, Document: JSON.parse(await shown()) as object }];
  const Policies = [{ PolicyName: "P", Arn: "arn:aws:iam::123456789012:policy/P", PolicyVersionList }];
  writeFileSync(join(cwd, "part.json"), JSON.stringify({ Policies, IsTruncated: true }));
  mkdirSync(join(cwd, "a"));
  writeFileSync(join(cwd, "a/p.json"), await shown());
  writeFileSync(join(cwd, "a/large.json"), "");
  truncateSync(join(cwd, "a/large.json"), 50_000_001);
  for (const path of ["part.json", "a"]) {
    const { status, stderr } = await lint([path], { cwd });
    expect({ path, status }).toEqual({ path, status: 3 });
    expect(stderr).toContain(": no findings, but not everything could be checked\n");
    expect(await lint([path, "--allow-unknown"], { cwd })).toMatchObject({ status: 0, stdout: "" });
  }
});

test("--fix prints the file with everything fixed that can be, and says on stderr what is left", async () => {
  const right = await shown();
  const wrong = right.replace("BoolIfExists", "Bool").replace("sts:GetSessionToken", "sts:GetSessionTokn");
  const cwd = temporaryFolder();
  writeFileSync(join(cwd, "p.json"), wrong);
  expect(await lint(["--fix", "p.json"], { cwd })).toMatchObject({
    status: 0,
    stdout: right,
    stderr: 'fob: "p.json": fixed 2 findings\nfob: "p.json": no findings left\n',
  });
  expect(readFileSync(join(cwd, "p.json"), "utf8")).toBe(wrong);
  const { status, stdout, stderr } = await lint(["--fix", "--as", "role", "p.json"], { cwd });
  expect(status).toBe(3);
  expect(stdout).toBe(wrong.replace("GetSessionTokn", "GetSessionToken"));
  expect(stderr).toMatch(
    /^fob: "p.json": fixed 1 finding\nfob: p.json:\d+:\d+ error roles-without-mfa .*\nfob: {5}remove .*\nfob: "p.json": 1 error left\n$/,
  );
});

test("--fix of stdin without anything to fix prints it as it is", async () => {
  const input = await shown();
  expect(await lint(["--fix", "-"], { input })).toMatchObject({ status: 0, stdout: input });
});

test("--fix --write writes files in place: the rest keeps its bytes, and the file its mode", async () => {
  const cwd = temporaryFolder();
  mkdirSync(join(cwd, "a"));
  const policy = JSON.parse(await shown()) as object;
  const wrong = JSON.stringify(policy).replace("BoolIfExists", "Bool");
  const group = (text: string) =>
    `\ufeff{"GroupName": "g",\r\n\t"PolicyName": "p", "PolicyDocument": ${JSON.stringify(text)},\r\n\t"n": 1.50}\r\n`;
  const name = (file: string) => join(cwd, "a", file);
  writeFileSync(name("group.json"), group(wrong));
  writeFileSync(name("right.json"), JSON.stringify(policy));
  writeFileSync(name("utf16.json"), Buffer.from(`\ufeff${wrong}`, "utf16le"));
  chmodSync(name("group.json"), 0o644);
  symlinkSync(name("group.json"), join(cwd, "link.json"));
  const before = statSync(name("right.json")).ino;
  const { status, stdout, stderr } = await lint(["--fix", "--write", "link.json", "a/right.json", "a/utf16.json"], {
    cwd,
  });
  expect({ status, stdout, stderr }).toEqual({
    status: 0,
    stdout: "",
    stderr:
      'fob: "link.json": fixed 1 finding\nfob: "a/utf16.json": fixed 1 finding\nfob: 3 policies in 3 files: no findings left\n',
  });
  expect(readFileSync(name("group.json"), "utf8")).toBe(group(JSON.stringify(policy)));
  expect(readFileSync(name("utf16.json"), "utf16le")).toBe(`\ufeff${JSON.stringify(policy)}`);
  expect(lstatSync(join(cwd, "link.json")).isSymbolicLink()).toBe(true);
  expect(statSync(name("right.json")).ino).toBe(before);
  if (process.platform !== "win32") expect(statSync(name("group.json")).mode & 0o777).toBe(0o644);
  expect(readdirSync(join(cwd, "a")).sort()).toEqual(["group.json", "right.json", "utf16.json"]);
});

test("--fix --write --format prints the findings that are left", async () => {
  const cwd = temporaryFolder();
  const wrong = (await shown())
    .replace("BoolIfExists", "Bool")
    .replace('"iam:GetUser",', '"iam:GetUser", "s3:GetObject",');
  writeFileSync(join(cwd, "p.json"), wrong);
  const { status, stdout, stderr } = await lint(["--fix", "--write", "--json", "p.json"], { cwd });
  const left = JSON.parse(stdout) as readonly { readonly rule: string; readonly file: string }[];
  expect(left.map(({ rule, file }) => [rule, file])).toEqual([["extra-exemption", "p.json"]]);
  expect({ status, stderr }).toEqual({
    status: 3,
    stderr: 'fob: "p.json": fixed 1 finding\nfob: "p.json": 1 error left\n',
  });
  expect(readFileSync(join(cwd, "p.json"), "utf8")).toBe(wrong.replace('"Bool"', '"BoolIfExists"'));
  const sarif = await lint(["--fix", "--write", "--format", "sarif", "p.json"], { cwd });
  expect(checkSarif(sarif.stdout).results.map(({ rule }) => rule)).toEqual(["extra-exemption"]);
});

test("--fix --write changes only the policies of a YAML file, and says what is in the way of a fix", async () => {
  const cwd = temporaryFolder();
  const right = await toYaml();
  const wrong = right.replace("BoolIfExists", "Bool");
  const before = `\ufeff${template(wrong)}---\n${wrong.replace("Sid:", "Sid: &sid")}`.replaceAll("\n", "\r\n");
  writeFileSync(join(cwd, "mfa.yaml"), before);
  const { status, stdout, stderr } = await lint(["--fix", "--write", "mfa.yaml"], { cwd });
  expect(readFileSync(join(cwd, "mfa.yaml"), "utf8")).toBe(before.replace("Bool", "BoolIfExists"));
  expect({ status, stdout }).toEqual({ status: 3, stdout: "" });
  expect(stderr.split("\n")).toEqual([
    'fob: "mfa.yaml": fixed 1 finding',
    expect.stringMatching(/^fob: mfa.yaml:47:9 error bool-instead-of-boolifexists "document 2": /) as string,
    expect.stringMatching(/^fob: {5}write "BoolIfExists"/) as string,
    "fob: one fix was not made: a function, an anchor, an alias or a comment is in the way, or there are too many",
    'fob: "mfa.yaml" (2 policies): 1 error left',
    "",
  ]);
});

test("--fix --write leaves a file with bytes that are no text", async () => {
  const cwd = temporaryFolder();
  const wrong = Buffer.from((await shown()).replace("BoolIfExists", "Bool").replace("DenyAll", "Deny\u00e9"), "latin1");
  writeFileSync(join(cwd, "p.json"), wrong);
  const { status, stderr } = await lint(["--fix", "--write", "p.json"], { cwd });
  expect(status).toBe(1);
  expect(stderr).toContain('fob: error: "p.json" is not as it was read, so fob does not change it\n');
  expect(readFileSync(join(cwd, "p.json")).equals(wrong)).toBe(true);
});

test.each([
  [["--write", "one.json"], "--write requires --fix"],
  [
    ["--fix", "--json", "one.json"],
    "needs --write to print findings with --format or --json\nfob: hint: write the file, and print what is left: fob policy lint one.json --fix --json --write\n",
  ],
  [
    ["--fix", "--format", "sarif", "-"],
    "fob: hint: print the fixed file first: fob policy lint - --fix > fixed.json\n",
  ],
  [["--fix", "--write", "-"], "stdin cannot be written in place"],
  [
    ["--fix", "one.json", "two.json"],
    "--fix prints one file, but there are 2\nfob: hint: to write them in place: fob policy lint one.json two.json --fix --write\n",
  ],
])("rejects wrong usage of --fix: %j", async (args, message) => {
  const cwd = temporaryFolder();
  for (const name of ["one.json", "two.json"]) writeFileSync(join(cwd, name), '{"Version": "2012-10-17"}');
  const { status, stdout, stderr } = await lint(args, { cwd, input: await shown() });
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toContain(message);
});

test("a policy that is a text: the message says which statement has the problem", async () => {
  const statement = { Sid: "Users", Effect: "Allow", Action: "iam:GetUsr", Resource: "*" };
  const second = { ...statement, Sid: undefined, Action: "iam:GetRol" };
  const third = { ...statement, Sid: undefined, Effect: "allow", Action: "iam:GetRole" };
  const policy = JSON.stringify({ Version: "2012-10-17", Statement: [statement, second, third] });
  const resource = { address: "aws_iam_policy.it", mode: "managed", type: "aws_iam_policy", values: { policy } };
  const input = JSON.stringify({ format_version: "1.0", values: { root_module: { resources: [resource] } } });
  const { stdout } = await lint(["-"], { input });
  expect(stdout).toContain(
    ' error misspelled-action "aws_iam_policy.it": Statement[0] (Users): AWS has no action "iam:GetUsr"',
  );
  expect(stdout).toContain(
    ' error misspelled-action "aws_iam_policy.it": Statement[1]: AWS has no action "iam:GetRol"',
  );
  expect(stdout).toContain(' error malformed "aws_iam_policy.it": Statement[2]: Effect "allow" is neither');
});
