// Tests `fob policy simulate`: the proof that policies enforce MFA, and single decisions with their reasons.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { execute, node, program } from "../helpers/world.ts";

const folder = mkdtempSync(join(tmpdir(), "fob-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const policies = new URL("../../policies/", import.meta.url).pathname;
const enforce = join(policies, "enforce-mfa-policy.json");
const selfManage = join(policies, "self-manage-mfa-policy.json");
const withAccessKeys = join(policies, "self-manage-mfa-policy.with-access-keys.json");
const everything = file("everything.json", policy({ Effect: "Allow", Action: "*", Resource: "*" }));

function policy(...statements: readonly object[]) {
  return { Version: "2012-10-17", Statement: statements };
}

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

const simulate = (args: readonly string[], input = "") =>
  execute(node, [program, "policy", "simulate", ...args], { env: { PATH: process.env.PATH }, input });

interface Result {
  action: string;
  resource: string;
  context: Record<string, string | string[]>;
  decision: string;
  because: { policy?: string; statement?: number; sid?: string; effect?: string; why: string }[];
}

async function json(args: readonly string[]): Promise<Result[]> {
  const { status, stdout } = await simulate([...args, "--json"]);
  expect(status).toBe(0);
  return JSON.parse(stdout) as Result[];
}

/** Returns the row of an action in the proof table. */
const row = (text: string, action: string) =>
  (new RegExp(`^ +${action} +(.*)$`, "m").exec(text)?.[1] ?? "").split(/ +/);
const verdicts = (text: string) => text.split("\n").filter((line) => /^[+!-] /.test(line));

test("without options, evaluates fob's policy for a user who is allowed everything", async () => {
  const { status, stdout, stderr } = await simulate([]);
  expect(status).toBe(0);
  expect(stderr).toContain("fob: for a user who is allowed everything, with enforce-mfa-policy\n");
  expect(stderr).toContain(
    "not evaluated: service and resource control policies, resource-based policies, session policies",
  );
  expect(stdout.split("\n")[0]?.trim().split(/ {2,}/)).toEqual(["key", "sign-in", "session", "MFA", "old MFA"]);
  expect(row(stdout, "s3:ListAllMyBuckets")).toEqual(["denied", "denied", "denied", "allowed", "allowed"]);
  expect(row(stdout, "iam:DeactivateMFADevice")).toEqual(["denied", "denied", "denied", "allowed", "allowed"]);
  expect(row(stdout, "iam:ChangePassword")).toEqual(["allowed", "allowed", "refused", "allowed", "allowed"]);
  expect(row(stdout, "sts:GetCallerIdentity")).toEqual(["allowed", "allowed", "allowed", "allowed", "allowed"]);
  expect(stdout.match(/^refused .*/gm)).toEqual([
    "refused  AWS refuses it, even if a policy allows it: IAM rejects sessions without MFA; from sessions, STS accepts only AssumeRole and GetCallerIdentity",
  ]);
  expect(stdout).toContain("\nfor arn:aws:iam::123456789012:user/alice (an example; --user ARN for another):\n+ ");
  expect(verdicts(stdout)).toEqual([
    "+ MFA is enforced: without it, everything is denied except what users need to set it up",
    "+ a new user can enroll in the console",
    "+ a new user can enroll with an access key",
    "+ users with a temporary or expired password can change it without MFA",
    "+ everyday actions are allowed with MFA",
    "+ no policy limits the age of a session; AWS ends every session after at most 36 h",
  ]);
  // The table fits in a terminal of 80 columns.
  expect(Math.max(...(stdout.split("\n\n")[0] ?? "").split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
});

test("shows that a policy with Bool does not deny access keys", async () => {
  const bool = file("bool.json", readFileSync(enforce, "utf8").replaceAll("BoolIfExists", "Bool"));
  const { stdout } = await simulate(["--policy", everything, "--policy", bool]);
  expect(row(stdout, "s3:ListAllMyBuckets")).toEqual(["allowed", "denied", "denied", "allowed", "allowed"]);
  expect(verdicts(stdout)[0]).toBe("! MFA is NOT enforced for access keys: nothing is denied");
});

test("evaluates the user's own requests, or those of services with --context aws:ViaAWSService=true", async () => {
  const direct = { "aws:ViaAWSService": "false" };
  const present = { "aws:MultiFactorAuthPresent": "false" };
  const exempting = (Condition: object): string[] => {
    const exempt = file("via.json", policy({ Effect: "Deny", Action: "*", Resource: "*", Condition }));
    return ["--policy", everything, "--policy", exempt];
  };
  const args = exempting({ BoolIfExists: { ...present, ...direct } });
  expect(verdicts((await simulate(args)).stdout)[0]).toMatch(/^\+ MFA is enforced/);
  const byService = await simulate([...args, "--context", "aws:viaawsservice=true"]);
  expect(verdicts(byService.stdout)[0]).toMatch(/^! MFA is NOT enforced/);
  // Some services do not support the key, so Bool does not deny requests to them.
  const { stdout } = await simulate(exempting({ BoolIfExists: present, Bool: direct }));
  expect(row(stdout, "ec2:DescribeInstances")).toEqual(["allowed", "allowed", "allowed", "allowed", "allowed"]);
  expect(row(stdout, "s3:ListAllMyBuckets")).toEqual(["denied", "denied", "denied", "allowed", "allowed"]);
  expect(verdicts(stdout)[0]).toBe(
    "! MFA is NOT enforced: these are exempt, but users do not need them to set up MFA: ec2:*, glue:*, lakeformation:*, opsworks:*; requests to ec2, glue, lakeformation and opsworks do not have aws:ViaAWSService",
  );
});

test("names dangerous exemptions", async () => {
  const document = JSON.parse(readFileSync(enforce, "utf8")) as { Statement: { NotAction: string[] }[] };
  document.Statement[0]?.NotAction.push("iam:DeactivateMFADevice", "s3:List*");
  const { stdout } = await simulate(["--policy", everything, "--policy", file("hole.json", document)]);
  expect(verdicts(stdout)[0]).toMatch(
    /^! MFA is NOT enforced: dangerous actions are exempt: iam:DeactivateMFADevice \(.*\); these are exempt, .*: s3:List\*$/,
  );
});

test("users can enroll only with the companion policy, with or without a path", async () => {
  const alone = await simulate(["--policy", enforce]);
  expect(verdicts(alone.stdout)[1]).toMatch(
    /^\+ correct, but these policies only deny: attach self-manage-mfa-policy too/,
  );
  expect(verdicts(alone.stdout)[2]).toContain("these policies do not allow s3:ListAllMyBuckets");
  for (const user of ["alice", "team/alice"]) {
    const args = ["--policy", enforce, "--policy", selfManage, "--user", `arn:aws:iam::123456789012:user/${user}`];
    const { stdout } = await simulate(args);
    expect(
      verdicts(stdout)
        .slice(0, 4)
        .map((line) => line[0]),
    ).toEqual(["+", "+", "+", "+"]);
    expect(row(stdout, "iam:DeactivateMFADevice")).toEqual(["denied", "denied", "denied", "allowed", "allowed"]);
    expect(row(stdout, "iam:CreateAccessKey")).toEqual(["denied", "denied", "denied", "none", "none"]);
    expect(stdout).toContain(`\nfor arn:aws:iam::123456789012:user/${user}:\n`);
  }
  // The companion alone protects devices and access keys too.
  const companion = await simulate(["--policy", selfManage]);
  expect(row(companion.stdout, "iam:DeactivateMFADevice")).toEqual(["none", "none", "none", "allowed", "allowed"]);
  const keys = await simulate(["--policy", withAccessKeys]);
  expect(row(keys.stdout, "iam:CreateAccessKey")).toEqual(["none", "none", "none", "allowed", "allowed"]);
  const china = join(policies, "self-manage-mfa-policy.aws-cn.json");
  expect(verdicts((await simulate(["--policy", china, "--policy", enforce])).stdout)[1]).toBe(
    "+ a new user can enroll in the console",
  );
});

test.each(["alice", "team/alice"])("with access keys too, MFA is enforced and %s can enroll", async (name) => {
  const user = `arn:aws:iam::123456789012:user/${name}`;
  const both = ["--policy", enforce, "--policy", withAccessKeys, "--user", user];
  const { status, stdout } = await simulate([...both, "--require", "enforced,enrollable"]);
  expect({ status, stdout }).toMatchObject({ status: 0, stdout: expect.stringContaining("enforced") as string });
  expect(row((await simulate(both)).stdout, "iam:CreateAccessKey")).toEqual([
    ...["denied", "denied", "denied"],
    ...["allowed", "allowed"],
  ]);
  // Not another user's keys.
  const admin = ["--action", "iam:CreateAccessKey", "--resource", "arn:aws:iam::123456789012:user/admin"];
  const [other] = await json([...both, ...admin, "--context", "aws:MultiFactorAuthPresent=true"]);
  expect(other?.decision).toBe("implicitDeny");
});

test("evaluates the policies' own limit on the age of a session", async () => {
  const limited = join(policies, "enforce-mfa-policy.max-age-12h.json");
  const { stdout } = await simulate(["--policy", everything, "--policy", limited]);
  expect(stdout).toContain("old MFA  in a session with MFA older than 12 h\n");
  expect(row(stdout, "s3:ListAllMyBuckets")).toEqual(["denied", "denied", "denied", "allowed", "denied"]);
  expect(row(stdout, "iam:GetUser")).toEqual(["allowed", "allowed", "refused", "allowed", "allowed"]);
  expect(verdicts(stdout).at(-1)).toBe("+ old sessions are denied until the user enters a new code");

  // In one statement with the other condition it has no effect.
  const one = JSON.parse(readFileSync(enforce, "utf8")) as { Statement: { Condition: object }[] };
  Object.assign(one.Statement[0]?.Condition ?? {}, {
    NumericGreaterThanIfExists: { "aws:MultiFactorAuthAge": "3600" },
  });
  const never = await simulate(["--policy", everything, "--policy", file("never.json", one)]);
  expect(verdicts(never.stdout).at(-1)).toMatch(/^! the limit of 1 h never takes effect: /);
});

test("--json prints the proof for every action and way to authenticate, with the deciding statements", async () => {
  const results = await json(["--policy", everything, "--policy", enforce]);
  expect(results.length % 5).toBe(0);
  for (const result of results) {
    expect(Object.keys(result)).toEqual(["action", "resource", "context", "decision", "because"]);
    expect(["allowed", "explicitDeny", "implicitDeny"]).toContain(result.decision);
  }
  const [key, signedIn, , mfa] = results.filter(({ action }) => action === "s3:ListAllMyBuckets");
  expect(key?.context).not.toHaveProperty("aws:MultiFactorAuthPresent");
  expect(key?.because).toEqual([
    {
      policy: enforce,
      statement: 0,
      sid: "DenyAllWithoutMFA",
      effect: "Deny",
      why: "s3:ListAllMyBuckets is not among the 10 actions in NotAction; aws:MultiFactorAuthPresent is absent, and BoolIfExists matches an absent key",
    },
  ]);
  expect(signedIn?.because[0]?.why).toContain('aws:MultiFactorAuthPresent is "false"');
  expect(mfa).toMatchObject({ decision: "allowed", because: [{ policy: everything, statement: 0, effect: "Allow" }] });
});

test("--require exits with 3 unless MFA is enforced and users can enroll, and says why", async () => {
  const require = async (names: string, ...args: readonly string[]) => {
    const { status, stdout, stderr } = await simulate([...args, "--require", names]);
    const lines = stdout.split("\n").filter((line) => /^(enforced|enrollable): /.test(line));
    return { status, lines, error: /^fob: error: (.*)$/m.exec(stderr)?.[1] };
  };
  const both = ["--policy", enforce, "--policy", selfManage];
  expect(await require("enforced,enrollable", ...both)).toEqual({
    status: 0,
    lines: [
      "enforced: yes: MFA is enforced: without it, everything is denied except what users need to set it up",
      "enrollable: yes: a new user can enroll in the console; a new user can enroll with an access key",
    ],
    error: undefined,
  });
  // What another policy may allow is not certain.
  const alone = await require("enrollable, enforced", "--policy", enforce);
  expect(alone).toMatchObject({ status: 3, error: "required, but does not hold: enrollable" });
  expect(alone.lines[1]).toMatch(/^enrollable: NO: these policies do not let a new user enroll in the console: /);

  const bool = file("bool2.json", readFileSync(enforce, "utf8").replaceAll("BoolIfExists", "Bool"));
  const open = ["--policy", everything, "--policy", bool];
  expect(await require("enforced", ...open)).toMatchObject({
    status: 3,
    error: "required, but does not hold: enforced",
  });
  expect(await require("enrollable", ...open)).toMatchObject({ status: 0 });
  const outside = (Condition: object) => [
    "--policy",
    file("outside.json", policy({ Effect: "Deny", Action: "*", Resource: "*", Condition })),
  ];
  const abroad = [...both, ...outside({ StringNotEquals: { "aws:RequestedRegion": "eu-central-1" } })];
  const depends = await require("enrollable", ...abroad);
  expect(depends.lines[0]).toMatch(/^enrollable: NO: .* depends on aws:RequestedRegion/);
  expect(await require("enrollable", ...abroad, "--context", "aws:RequestedRegion=eu-central-1")).toMatchObject({
    status: 0,
  });
  // All requests to IAM use TLS.
  const insecure = outside({ Bool: { "aws:SecureTransport": "false" } });
  expect(await require("enforced,enrollable", ...both, ...insecure)).toMatchObject({ status: 0 });
  const listed = await simulate(["--policy", enforce, "--require", "enrollable", "--json"]);
  expect(listed.status).toBe(3);
  expect(JSON.parse(listed.stdout)).toBeInstanceOf(Array);
  expect(listed.stderr).toMatch(/^fob: enrollable: NO: /m);
});

test("explains single decisions and lists the missing keys", async () => {
  const args = [
    "--policy",
    everything,
    "--policy",
    enforce,
    "--action",
    "s3:ListAllMyBuckets",
    "--action",
    "iam:GetUser",
  ];
  const { status, stdout, stderr } = await simulate(args);
  expect(status).toBe(0);
  expect(stdout).toBe(
    `s3:ListAllMyBuckets on *: denied by a policy (explicitDeny)
  "${enforce}", statement 1 (DenyAllWithoutMFA): s3:ListAllMyBuckets is not among the 10 actions in NotAction; aws:MultiFactorAuthPresent is absent, and BoolIfExists matches an absent key

iam:GetUser on *: allowed
  "${everything}", statement 1: Action covers iam:GetUser
`,
  );
  expect(stderr).toContain(
    "the policies test these keys, but the requests do not set them: aws:MultiFactorAuthPresent\n",
  );
  const stated = await simulate([...args, "--context", "AWS:multifactorauthpresent=true"]);
  expect(stated.stdout).toContain("s3:ListAllMyBuckets on *: allowed\n");
  expect(stated.stderr).not.toContain("do not set them");
});

test("explains an implicit deny with the statements that nearly allow it", async () => {
  const user = "arn:aws:iam::123456789012:user/alice";
  const [denied] = await json([
    "--policy",
    selfManage,
    "--user",
    user,
    "--action",
    "iam:DeactivateMFADevice",
    "--resource",
    user,
  ]);
  expect(denied?.decision).toBe("implicitDeny");
  expect(denied?.because.map(({ why }) => why)).toEqual([
    "no policy allows it",
    "would allow it, but aws:MultiFactorAuthPresent is absent, and Bool does not match an absent key",
  ]);
  const [other] = await json([
    "--policy",
    selfManage,
    "--user",
    user,
    "--action",
    "iam:GetUser",
    "--resource",
    user.replace("alice", "bob"),
  ]);
  expect(other?.because.map(({ why }) => why)).toEqual(["no policy allows it", "would allow it on another resource"]);
});

test("evaluates boundaries, several values of a key, variables, the password policy, and actions that need no permissions", async () => {
  const tags = file(
    "tags.json",
    policy({
      Effect: "Allow",
      Action: "ec2:CreateTags",
      Resource: "*",
      Condition: { "ForAllValues:StringEquals": { "aws:TagKeys": ["a", "b"] } },
    }),
  );
  const decide = async (...args: readonly string[]) => (await json(args)).map(({ decision }) => decision);
  const tagged = ["--policy", tags, "--action", "ec2:CreateTags", "--context", "aws:TagKeys=a", "--context"];
  expect(await decide(...tagged, "aws:TagKeys=b")).toEqual(["allowed"]);
  expect(await decide(...tagged, "aws:tagkeys=c")).toEqual(["implicitDeny"]);

  const [limited] = await json(["--policy", everything, "--boundary", tags, "--action", "s3:GetObject"]);
  expect(limited).toMatchObject({
    decision: "implicitDeny",
    because: [{ why: "the permissions boundary does not allow it" }],
  });
  const denying = file("deny.json", policy({ Sid: "No", Effect: "Deny", Action: "s3:*", Resource: "*" }));
  const [denied] = await json(["--policy", everything, "--boundary", denying, "--action", "s3:GetObject"]);
  expect(denied).toMatchObject({ decision: "explicitDeny", because: [{ policy: "boundary", sid: "No" }] });

  const user = "arn:aws:iam::123456789012:user/team/alice";
  const own = ["--policy", selfManage, "--action", "iam:ListMFADevices", "--resource", user];
  expect(await decide(...own)).toEqual(["implicitDeny"]);
  expect(await decide(...own, "--user", user)).toEqual(["allowed"]);
  expect(await decide(...own, "--context", "aws:username=alice")).toEqual(["allowed"]);

  const nothing = file("nothing.json", policy({ Effect: "Allow", Action: "s3:GetObject", Resource: "*" }));
  const password = ["--policy", nothing, "--action", "iam:ChangePassword", "--user", user, "--resource", user];
  expect(await decide(...password)).toEqual(["implicitDeny"]);
  expect(await decide(...password, "--users-may-change-password")).toEqual(["allowed"]);
  const [free] = await json(["--policy", denying, "--action", "sts:GetSessionToken"]);
  expect(free).toMatchObject({
    decision: "allowed",
    because: [{ why: expect.stringContaining("no permission") as string }],
  });
});

test("the password policy applies to the user of the proof; missing keys are sorted and include the boundary's", async () => {
  const nothing = file("nothing.json", policy({ Effect: "Allow", Action: "s3:GetObject", Resource: "*" }));
  const { stdout } = await simulate(["--policy", nothing, "--users-may-change-password"]);
  expect(row(stdout, "iam:ChangePassword")).toEqual(["allowed", "allowed", "refused", "allowed", "allowed"]);
  const keys = (...names: readonly string[]) => ({
    StringEquals: Object.fromEntries(names.map((name) => [name, "x"])),
  });
  const conditional = file(
    "b.json",
    policy({ Effect: "Allow", Action: "*", Resource: "*", Condition: keys("z:z", "a:a") }),
  );
  const boundary = file("c.json", policy({ Effect: "Allow", Action: "*", Resource: "*", Condition: keys("m:m") }));
  const args = ["--policy", conditional, "--boundary", boundary];
  const { stderr } = await simulate([...args, "--action", "s3:GetObject"]);
  expect(stderr).toContain("the policies test these keys, but the requests do not set them: a:a, m:m, z:z\n");
  const cases = file("d.json", [
    { action: "s3:GetObject", context: { "z:z": ["x"], "m:m": "x" }, decision: "implicitDeny" },
  ]);
  expect((await simulate([...args, "--cases", cases])).stderr).toContain("do not set them: a:a\n");
  const bound = await simulate(["--policy", everything, "--boundary", nothing]);
  expect(row(bound.stdout, "iam:GetUser")).toEqual(["bound", "bound", "bound", "bound", "bound"]);
  expect(bound.stdout).toContain("bound    the permissions boundary does not allow it, even if a policy does\n");
});

test("accepts several resources and files from Windows PowerShell, and warns about misspelled keys and actions", async () => {
  const on = ["--resource", "arn:aws:s3:::a/x", "--resource", "arn:aws:s3:::b/x"];
  const results = await json(["--policy", everything, "--action", "s3:GetObject", "--action", "s3:PutObject", ...on]);
  expect(results.map(({ action, resource }) => `${action} ${resource.at(13)}`)).toEqual([
    "s3:GetObject a",
    "s3:GetObject b",
    "s3:PutObject a",
    "s3:PutObject b",
  ]);
  const wide = join(folder, "wide.json");
  writeFileSync(wide, `\ufeff${readFileSync(everything, "utf8")}`, "utf16le");
  const args = ["--policy", wide, "--policy", enforce, "--action", "s3:GetObject"];
  const { status, stderr } = await simulate([...args, "--context", "aws:MultiFactorAuthPresnt=true"]);
  expect(status).toBe(0);
  expect(stderr).toContain(
    'fob: warning: no policy tests "aws:MultiFactorAuthPresnt"\nfob: hint: did you mean: aws:MultiFactorAuthPresent\n',
  );
  // A different key, from --user.
  const org = policy({
    Effect: "Allow",
    Action: "*",
    Resource: "*",
    Condition: { StringEquals: { "aws:PrincipalOrgID": "o-x" } },
  });
  const user = ["--user", "arn:aws:iam::123456789012:user/alice", "--action", "s3:GetObject"];
  expect((await simulate(["--policy", file("org.json", org), ...user])).stderr).not.toContain("warning");
  const right = ["iam:GetUser", "s3:GetObject", "S3:listallmybuckets", "ec2:RunInstances", "kms:ReEncryptFrom"];
  const slips = [
    "iam:EnableMFADevce",
    "iam:LaunchRocket",
    "s3:getobjct",
    "s3:ListObjectsV2",
    "secretsmanager:GetSecret",
  ];
  const actions = [...right, ...slips, "lambda:Invok", "dynamodb:GetItem"];
  const slip = await simulate(actions.flatMap((action) => ["--action", action]));
  expect(slip.status).toBe(0);
  const said = slip.stderr.replaceAll(/\d{4}-\d\d-\d\d/g, "DATE").match(/(?:warning|hint|not checked): .*/g);
  expect(said).toEqual([
    'warning: there is no action "iam:EnableMFADevce" (as of DATE)',
    "hint: did you mean: iam:EnableMFADevice",
    'warning: "iam:LaunchRocket" is not in fob\'s list of iam actions, as of DATE',
    'warning: there is no action "s3:getobjct" (as of DATE)',
    "hint: did you mean: s3:GetObject",
    'warning: there is no action "s3:ListObjectsV2" (as of DATE)',
    "hint: did you mean: s3:ListBucket",
    'warning: "secretsmanager:GetSecret" is not in fob\'s list of secretsmanager actions, as of DATE',
    "hint: did you mean: secretsmanager:GetSecretValue",
    "not checked: whether AWS has these actions of lambda, dynamodb",
  ]);
});

test("--json includes what AWS denies to sessions", async () => {
  const results = (await json([])).filter(({ action }) => action === "iam:GetUser");
  const refused = (result: Result | undefined) => result?.because.at(-1)?.why.startsWith("denied anyway") ?? false;
  expect(results.map(refused)).toEqual([false, false, true, false, false]);
});

test("escapes control characters of a file in text and JSON", async () => {
  const path = file(
    "control.json",
    JSON.stringify(
      policy({
        Sid: "A",
        Effect: "Allow",
        Action: "*",
        Resource: "*",
        Condition: { StringEquals: { "a:\u009b": "\u202e" } },
      }),
    ),
  );
  const args = ["--policy", path, "--action", "s3:GetObject", "--context", "a:\u009b=\u202ex"];
  for (const more of [[], ["--json"]]) {
    const { stdout } = await simulate([...args, ...more]);
    expect(stdout).toContain("would allow it");
    expect(stdout).not.toMatch(/[\u009b\u202e]/);
  }
});

test("reads policies from stdin, with single values instead of lists", async () => {
  const text = JSON.stringify({
    Version: "2012-10-17",
    Statement: { Effect: "Allow", Action: "s3:Get*", Resource: "*" },
  });
  const { status, stdout } = await simulate(["--policy", "-", "--action", "s3:GetObject"], text);
  expect({ status, stdout }).toMatchObject({ status: 0, stdout: expect.stringContaining("allowed") as string });
});

test("--cases compares decisions with saved output, and finds changes", async () => {
  const own = ["--policy", everything, "--policy", enforce];
  const kept = file("kept.json", await json(own));
  const same = await simulate([...own, "--cases", kept]);
  expect(same).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^\d+ cases, 0 not as expected\n$/) as string,
  });

  const bool = file("bool.json", readFileSync(enforce, "utf8").replaceAll("BoolIfExists", "Bool"));
  const other = await simulate(["--policy", everything, "--policy", bool, "--cases", kept]);
  expect(other.status).toBe(3);
  expect(other.stdout).toMatch(/^case \d+, expected explicitDeny: s3:ListAllMyBuckets on \*: allowed\n/m);
  expect(other.stdout).toContain('  context of the case: {"aws:username":"alice"');
  expect(other.stderr).toContain("fob: error: not as expected: 14 of 125\n");
  const listed = await simulate(["--policy", everything, "--policy", bool, "--cases", kept, "--json"]);
  const all = JSON.parse(listed.stdout) as (Result & { expected: string })[];
  expect({ status: listed.status, count: all.length }).toEqual({ status: 3, count: 125 });
  expect(all.filter(({ decision, expected }) => decision !== expected)).toHaveLength(14);

  const short = file("short.json", [
    { name: "who am I", action: "iam:GetUser", decision: "allowed" },
    { action: "s3:GetObject", context: { "aws:MultiFactorAuthPresent": true }, decision: "allowed" },
  ]);
  expect((await simulate([...own, "--cases", short])).status).toBe(0);
  const named = file("named.json", [{ name: "who am I", action: "iam:GetUser", decision: "implicitDeny" }]);
  expect((await simulate([...own, "--cases", named])).stdout).toMatch(
    /^case 1 \(who am I\), expected implicitDeny: iam:GetUser on \*: allowed\n/,
  );
});

test.each<[readonly string[], number, string | RegExp]>([
  [["--policy", "missing.json"], 2, 'cannot read "missing.json"'],
  [["--policy", folder], 2, "is a folder"],
  [["--action", "s3:GetObject", "--context", "MultiFactorAuthPresent=true"], 2, "its prefix is missing"],
  [
    ["--policy", file("cut.json", '{\n "Version": "2012-10-17",\n "Statement": [,]}')],
    2,
    "is not JSON: value expected (line 3, column 16)",
  ],
  [
    ["--policy", file("twice.json", '{"Statement": [], "Statement": []}')],
    2,
    'duplicate key "Statement" (line 1, column 19)',
  ],
  [["--policy", file("deep.json", `{"Statement": ${"[".repeat(90_000)}`)], 2, "nested deeper than 64 levels"],
  [["--policy", file("list.json", [])], 2, "has no policy that fob knows how to find"],
  [["--boundary", file("number.json", "7")], 2, "has no policy that fob knows how to find"],
  [["--policy", file("types.json", policy({ Effect: "Allow", Action: [1], Resource: {} }))], 1, "1 must be a string"],
  [
    [
      "--policy",
      file(
        "operator.json",
        policy({
          Effect: "Deny",
          Action: "*",
          Resource: "*",
          Condition: { BoolIfExist: { "aws:MultiFactorAuthPresent": "false" } },
        }),
      ),
    ],
    1,
    /unknown condition operator "BoolIfExist" \(line 1, column \d+\)\nfob: hint: did you mean: BoolIfExists\nfob: hint: see all problems: fob policy lint /,
  ],
  [["--action", "s3:*"], 2, 'invalid action "s3:*": expected "service:Action" without wildcards'],
  [["--action", "GetObject"], 2, 'invalid action "GetObject": expected "service:Action"'],
  [["--resource", "*"], 2, "--resource requires --action"],
  [["--require", "enforce"], 2, 'invalid --require "enforce"'],
  [["--require", "enforced", "--action", "s3:GetObject"], 2, "--require cannot be used with --action or --cases"],
  [["--user", "alice", "--action", "s3:GetObject"], 2, '"alice" (from --user) is not the ARN of an IAM user'],
  [["--user", "arn:aws:iam::123456789012:role/x"], 2, "is not the ARN of an IAM user"],
  [
    ["--context", "aws:username", "--action", "s3:GetObject"],
    2,
    'invalid --context "aws:username": expected KEY=VALUE',
  ],
  [["--context", "aws:MultiFactorAuthPresent=true"], 2, "without --action, aws:MultiFactorAuthPresent cannot be set"],
  [
    ["--action", "s3:GetObject", "--context", "aws:MultiFactorAuthPresent=yes"],
    2,
    'aws:MultiFactorAuthPresent is "yes"',
  ],
  [
    [
      "--action",
      "s3:GetObject",
      "--context",
      "aws:MultiFactorAuthPresent=true",
      "--context",
      "aws:MultiFactorAuthPresent=false",
    ],
    2,
    'cannot be decided: the policies compare a single value of "aws:multifactorauthpresent", but the request has several',
  ],
  [["--cases", file("none.json", [])], 2, "the list of cases is empty"],
  [
    ["--cases", file("case.json", [{ action: "s3:GetObject", decision: "yes" }])],
    2,
    "case 1: decision must be one of allowed, explicitDeny, implicitDeny",
  ],
  [
    ["--cases", file("extra.json", [{ action: "s3:GetObject", effect: "x", decision: "allowed" }])],
    2,
    'case 1 has the unknown key "effect"',
  ],
  [
    ["--cases", file("case2.json", []), "--action", "s3:GetObject"],
    2,
    "--cases cannot be used with --action or --resource",
  ],
  [["--policy", "-", "--policy", "-"], 2, "stdin can be read only once"],
  [["--policy", file("empty.json", "")], 2, 'empty.json" is not JSON: the file is empty (line 1, column 1)'],
  [["--profile", "work"], 2, "--profile requires --account"],
  [["--cases", file("noaction.json", [{ decision: "allowed" }])], 2, "case 1 has no action"],
  [["--policy", "/dev/zero"], 2, '"/dev/zero" is larger than 50 MB'],
  [["--boundary", "/dev/zero"], 2, '"/dev/zero" is larger than 50 MB'],
  [["--cases", "/dev/zero"], 2, '"/dev/zero" is larger than 10 MB'],
  [
    ["--policy", file("string.json", JSON.stringify({ Version: "2012-10-17", Id: "x".repeat(90_000) }))],
    1,
    "a policy needs at least one",
  ],
  [["--policy", file("quotes.json", `"${'\\"'.repeat(40_000)}`)], 2, "is not JSON: unexpected end of string"],
  [
    ["--cases", file("nested.json", [{ action: "s3:GetObject", context: { a: [["b"]] }, decision: "allowed" }])],
    2,
    "case 1: context a must be a string or a list of strings",
  ],
  [
    [
      "--cases",
      file("second.json", [
        { action: "s3:Get", decision: "allowed" },
        { action: "s3:*", decision: "allowed" },
      ]),
    ],
    2,
    'case 2: invalid action "s3:*"',
  ],
  [["--action", "s3:GetObject", "--resource", "logs"], 2, '"logs" is neither "*" nor an ARN'],
  [["--context", "=x", "--action", "s3:GetObject"], 2, 'invalid --context "=x": expected KEY=VALUE'],
  [
    [
      "--policy",
      file(
        "dates.json",
        policy({
          Effect: "Deny",
          Action: "*",
          Resource: "*",
          Condition: { DateLessThan: { "aws:CurrentTime": "2026" } },
        }),
      ),
      "--context",
      "aws:CurrentTime=yes",
    ],
    2,
    'DateLessThan needs a date (2026-01-31T09:00:00Z), but aws:CurrentTime is "yes"',
  ],
  [
    [
      "--policy",
      file(
        "vpc.json",
        policy({ Effect: "Deny", Action: "*", Resource: "*", Condition: { StringEquals: { "aws:SourceVpc": "x" } } }),
      ),
      "--context",
      "aws:SourceVpc=x",
      "--context",
      "aws:SourceVpc=y",
    ],
    2,
    'cannot be decided: the policies compare a single value of "aws:sourcevpc", but the request has several',
  ],
])("%j exits with %i: %s", async (args, code, message) => {
  const { status, stdout, stderr } = await simulate(args, "");
  expect(stderr).toMatch(message);
  expect({ status, stdout }).toEqual({ status: code, stdout: "" });
});

test("reads the policies of a user from an account's details, and warns of what is not there", async () => {
  const attached = (...names: string[]) =>
    names.map((name) => ({ PolicyName: name, PolicyArn: `arn:aws:iam::aws:policy/${name}` }));
  const inline = (content: unknown) => [{ PolicyName: "own", PolicyDocument: content }];
  const account = file("account.json", {
    UserDetailList: [
      {
        ...{
          UserName: "alice",
          GroupList: ["RequireMFA"],
          AttachedManagedPolicies: attached("Everything", "Filtered"),
        },
        PermissionsBoundary: { PermissionsBoundaryArn: "arn:aws:iam::123456789012:policy/limit" },
      },
      {
        UserName: "bob",
        GroupList: [],
        UserPolicyList: inline(policy({ Effect: "Allow", Action: "s3:*", Resource: "*" })),
      },
    ],
    GroupDetailList: [{ GroupName: "RequireMFA", GroupPolicyList: inline(JSON.parse(readFileSync(enforce, "utf8"))) }],
    Policies: [
      {
        ...{ PolicyName: "Everything", Arn: "arn:aws:iam::aws:policy/Everything" },
        PolicyVersionList: [
          { IsDefaultVersion: true, Document: policy({ Effect: "Allow", Action: "*", Resource: "*" }) },
        ],
      },
    ],
  });
  const args = ["--policy", account, "--action", "s3:GetObject"];
  const alice = await simulate([...args, "--of", "user alice", "--json"]);
  expect(alice.status).toBe(0);
  expect(JSON.parse(alice.stdout)).toMatchObject([
    { decision: "explicitDeny", because: [{ policy: `${account}: group RequireMFA, policy own` }] },
  ]);
  expect(alice.stderr).toContain(
    `does not have the permissions boundary of user alice, arn:aws:iam::123456789012:policy/limit\n`,
  );
  expect(alice.stderr).toContain("does not have the policy arn:aws:iam::aws:policy/Filtered of user alice\n");
  const [bob] = await json([...args, "--of", "user bob"]);
  expect(bob?.decision).toBe("allowed");
  const [single] = await json([...args, "--of", "policy Everything"]);
  expect(single?.decision).toBe("allowed");
  for (const [more, message] of [
    [[], "has policies that are not all of one user, group or role: "],
    [["--of", "user carol"], 'has no policies of "user carol", only of "group RequireMFA", '],
  ] as const) {
    const { status, stdout, stderr } = await simulate([...args, ...more]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr).toContain("fob: hint: choose a user, group, role or policy, for example: --of 'group RequireMFA'\n");
  }
  const boundary = await simulate(["--boundary", account]);
  expect(boundary).toMatchObject({ status: 2, stdout: "" });
});

test("refuses to prove anything about users from policies of roles and service control policies", async () => {
  const fobs = JSON.parse(readFileSync(enforce, "utf8")) as { Statement: object[] };
  const document = policy({ Effect: "Allow", Action: "*", Resource: "*" }, ...fobs.Statement);
  const ofRole = file("role-policy.json", { RoleName: "r", PolicyName: "p", PolicyDocument: document });
  const managed = { Arn: "arn:aws:iam::123456789012:policy/m", PolicyName: "m" };
  const attached = { AttachedManagedPolicies: [{ PolicyArn: managed.Arn }] };
  const account = file("roles-account.json", {
    UserDetailList: [{ UserName: "u", Arn: "arn:aws:iam::123456789012:user/u", UserId: "AIDAU", ...attached }],
    RoleDetailList: [{ RoleName: "r", ...attached, RolePolicyList: [{ PolicyName: "own", PolicyDocument: document }] }],
    Policies: [{ ...managed, PolicyVersionList: [{ IsDefaultVersion: true, Document: document }] }],
  });
  const shared = file("shared-account.json", {
    ...{ UserDetailList: [{ UserName: "u", ...attached }], RoleDetailList: [{ RoleName: "r", ...attached }] },
    Policies: [{ ...managed, PolicyVersionList: [{ IsDefaultVersion: true, Document: document }] }],
  });
  const scp = file("scp-policy.json", {
    Policy: {
      PolicySummary: { Name: "mfa", Type: "SERVICE_CONTROL_POLICY" },
      Content: JSON.stringify(document),
    },
  });
  for (const [args, lint] of [
    [["--policy", ofRole], `fob policy lint --as role ${ofRole}`],
    [["--policy", ofRole, "--require", "enforced,enrollable"], `fob policy lint --as role ${ofRole}`],
    [["--policy", enforce, "--policy", ofRole, "--require", "enforced"], `fob policy lint --as role ${ofRole}`],
    [["--policy", account, "--of", "role r", "--require", "enforced"], `fob policy lint ${account}`],
    [["--policy", shared, "--of", "role r", "--require", "enforced"], `fob policy lint --as role ${shared}`],
  ] as const) {
    const { status, stdout, stderr } = await simulate(args);
    expect([args, status, stdout]).toEqual([args, 2, ""]);
    expect(stderr).toContain("is a policy of a role: requests of roles never carry aws:MultiFactorAuthPresent");
    expect(stderr).toContain(`fob: hint: ${lint}\n`);
  }
  for (const args of [[], ["--require", "enforced"], ["--action", "s3:GetObject"]]) {
    const { status, stdout, stderr } = await simulate(["--policy", scp, ...args]);
    expect([args, status, stdout]).toEqual([args, 2, ""]);
    expect(stderr).toContain("is a service control policy, not a user's policy");
    expect(stderr).toContain(`fob: hint: fob policy lint --as scp ${scp}\n`);
  }
  const [request] = await json(["--policy", ofRole, "--action", "s3:GetObject"]);
  expect(request?.decision).toBe("explicitDeny");
  const asUser = await simulate([
    "--policy",
    ofRole,
    "--action",
    "s3:GetObject",
    "--user",
    "arn:aws:iam::123456789012:user/u",
  ]);
  expect(asUser.status).toBe(2);
  expect(asUser.stderr).toContain("it is a policy of a role");
  // The same policy is the user's, too.
  expect((await simulate(["--policy", account, "--of", "user u", "--require", "enforced"])).status).toBe(0);
});

test("the user of --of makes the requests; a file that is cut off proves nothing", async () => {
  const fobs = JSON.parse(readFileSync(enforce, "utf8")) as { Statement: object[] };
  const user = (name: string, ...statements: object[]) => ({
    ...{ UserName: name, Path: "/team/", Arn: `arn:aws:iam::111122223333:user/team/${name}`, UserId: `AIDA${name}` },
    Tags: [{ Key: "team", Value: "red" }],
    UserPolicyList: [{ PolicyName: "own", PolicyDocument: policy(...statements) }],
  });
  const allow = { Effect: "Allow", Action: "*", Resource: "*" };
  // Exempts bob, and the team red from reading.
  const denies = fobs.Statement.map((statement) => ({
    ...statement,
    Condition: {
      ...(statement as { Condition: object }).Condition,
      StringNotEquals: { "aws:username": "bob", "aws:userid": "AIDAbob", "aws:PrincipalTag/team": "red" },
    },
  }));
  const users = [user("bob", allow, ...denies), user("carol", allow, ...fobs.Statement)];
  const account = file("team.json", { UserDetailList: users });
  const bob = await simulate(["--policy", account, "--of", "user bob", "--require", "enforced"]);
  expect(bob.status).toBe(3);
  expect(bob.stdout).toContain("MFA is NOT enforced: nothing is denied");
  expect(bob.stderr).toContain("fob: requests are those of arn:aws:iam::111122223333:user/team/bob\n");
  const [request] = await json(["--policy", account, "--of", "user bob", "--action", "s3:GetObject"]);
  expect(request).toMatchObject({
    decision: "allowed",
    context: {
      ...{ "aws:username": "bob", "aws:userid": "AIDAbob", "aws:PrincipalTag/team": "red" },
      "aws:PrincipalArn": "arn:aws:iam::111122223333:user/team/bob",
    },
  });
  const alone = file("bob.json", { UserDetailList: users.slice(0, 1) });
  const named = ["--user", "arn:aws:iam::111122223333:user/team/bob"];
  for (const args of [[], named]) {
    const [same] = await json(["--policy", alone, "--action", "s3:GetObject", ...args]);
    expect(same).toEqual({ ...request, because: same?.because });
  }
  const two = await simulate(["--policy", alone, "--policy", file("carol.json", { UserDetailList: users.slice(1) })]);
  expect(two).toMatchObject({ status: 2, stdout: "" });
  expect(two.stderr).toContain("these are policies of different users");

  const carol = ["--of", "user carol", "--require", "enforced"];
  expect((await simulate(["--policy", account, ...carol])).status).toBe(0);
  for (const mark of [{ IsTruncated: true, Marker: "x" }, { NextToken: "x" }]) {
    const part = file("part.json", { UserDetailList: users, ...mark });
    const required = await simulate(["--policy", part, ...carol]);
    expect(required.status).toBe(3);
    expect(required.stdout).toContain("enforced: NO: not known: a file is cut off");
    const shown = await simulate(["--policy", part, ...carol.slice(0, 2)]);
    expect(shown.status).toBe(0);
    for (const { stderr } of [required, shown]) {
      expect(stderr).toContain(`fob: warning: "${part}" is cut off`);
      expect(stderr).toContain("fob: hint: read all of it, without --max-items and --no-paginate");
    }
    const linted = await execute(node, [program, "policy", "lint", part], { env: { PATH: process.env.PATH } });
    expect(linted.stderr).toContain(`fob: warning: "${part}" is cut off`);
  }
});

test("does not guess what a template does not say", async () => {
  const content = policy({ Effect: "Deny", Action: "*", Resource: { "Fn::Sub": "arn:aws:s3:::$" + "{Bucket}" } });
  const template = (PolicyDocument: unknown) => ({
    Resources: { It: { Type: "AWS::IAM::ManagedPolicy", Properties: { PolicyDocument } } },
  });
  const { status, stdout, stderr } = await simulate(["--policy", file("unknown.json", template(content))]);
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toContain(
    '/unknown.json" cannot be evaluated: "arn:aws:s3:::$' + '{Bucket}" has a value only when the template is deployed',
  );
  const known = file("known.json", template(policy({ Effect: "Allow", Action: "s3:*", Resource: "*" })));
  expect((await json(["--policy", known, "--action", "s3:GetObject"]))[0]?.decision).toBe("allowed");
});

test("reads YAML: templates, and the document of several that is chosen", async () => {
  const statement = "Statement: {Effect: Allow, Action: s3:*, Resource: !Sub 'arn:aws:s3:::logs/*'}\n";
  const template = `Resources:\n  It:\n    Type: AWS::IAM::ManagedPolicy\n    Properties:\n      PolicyDocument:\n        ${statement}`;
  const request = ["--action", "s3:GetObject", "--resource", "arn:aws:s3:::logs/a"];
  expect((await json(["--policy", file("it.yaml", template), ...request]))[0]?.decision).toBe("allowed");
  const deny = "Statement:\n- Effect: Deny\n  Action: s3:*\n  Resource: '*'\n";
  const both = file("both.yml", `${template}---\n${deny}`);
  const { status, stderr } = await simulate(["--policy", both, ...request]);
  expect(status).toBe(2);
  expect(stderr).toContain("choose a user, group, role or policy, for example: --of 'document 1, It'\n");
  expect((await json(["--policy", both, "--of", "document 2", ...request]))[0]?.decision).toBe("explicitDeny");
});

test("evaluates a policy with 600 statements and hostile wildcards quickly", async () => {
  const statements = Array.from({ length: 600 }, (_, index) => ({
    Sid: `S${index}`,
    Effect: "Allow",
    Action: `s3:${"*a".repeat(20)}`,
    Resource: `arn:aws:s3:::${"a*".repeat(20)}${index}`,
  }));
  const large = file("large.json", policy(...statements));
  const args = [
    "--policy",
    large,
    "--action",
    `s3:${"a".repeat(60)}b`,
    "--resource",
    `arn:aws:s3:::${"a".repeat(500)}`,
  ];
  expect((await simulate(args)).stdout).toContain("not allowed (implicitDeny)");
});
