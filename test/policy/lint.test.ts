// Tests what `fob policy lint` finds and what it accepts, including the examples of docs/policy-rules.md: each rule has a
// wrong example and a right one.
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { enforceMfaPolicy } from "../../src/policy/enforcement.ts";
import { parseDocument, parsePolicy, statementsOf } from "../../src/policy/engine/document.ts";
import { readJson } from "../../src/policy/engine/json.ts";
import { type Finding, type LintOptions, lint } from "../../src/policy/lint/lint.ts";
import { type Rule, rules } from "../../src/policy/lint/rules.ts";
import { someOf } from "../helpers/broad.ts";
import { applyPatch } from "../helpers/json-patch.ts";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const find = (text: string, options: LintOptions = {}): Finding[] => lint(readJson(text), options);
const idsOf = (findings: readonly Finding[]): string[] => findings.map(({ rule }) => rule);
const [base] = [enforceMfaPolicy({ passwordChange: false }).Statement].flat();

/** Completes a part of a statement or of a policy to a whole policy, based on the enforcement policy by default. */
function policyOf(part: string): string {
  const given = JSON.parse(`{${part}}`) as Record<string, unknown>;
  if (given.Statement !== undefined) return JSON.stringify(given);
  const isWhole = "Effect" in given && ("Action" in given || "NotAction" in given);
  const statement: Record<string, unknown> = isWhole ? given : { ...base, ...given };
  if ("Action" in given) delete statement.NotAction;
  return JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
}

describe("docs/policy-rules.md", () => {
  const sections = read("docs/policy-rules.md")
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const [name = "", ...lines] = section.split(/^## /m)[0]?.split("\n") ?? [];
      const text = lines.join("\n");
      return { name, text: text.replaceAll(/\s+/g, " "), examples: [...text.matchAll(/```text\n(.*)\n```/g)] };
    });
  test("the table lists every rule with its level, and what it breaks", () => {
    const rows = [...read("docs/policy-rules.md").matchAll(/^\| \[(.*)\]\(#(.*)\) \| (\w+) \| (\w* ?)\|$/gm)];
    expect(rows.map(([, ...row]) => row.map((cell) => cell.trim()))).toEqual(
      rules.map(({ id, level, breaks }: Rule) => [id, id, level, breaks ?? ""]),
    );
  });

  /** Rules that have no short example. */
  const long = ["not-checked", "unknown-value", "too-large", "too-large-for-managed", "too-large-for-inline"];

  test("every rule has a section with its level and text, and there are no other sections", () => {
    expect(sections.map(({ name }) => name)).toEqual(rules.map(({ id }) => id));
    for (const { id, level, text } of rules) {
      const section = sections.find(({ name }) => name === id);
      expect(section?.text).toContain(`${level.charAt(0).toUpperCase()}${level.slice(1)}. ${text}`);
      expect(section?.examples).toHaveLength(long.includes(id) ? 0 : 2);
    }
  });

  test.each(sections.filter(({ name }) => !long.includes(name)))("$name", ({ name, examples }) => {
    // A part of a statement would seem to belong into the statement above it.
    const isStatement = examples.map(([, example = ""]) => example.includes('"Effect"'));
    expect(isStatement[1]).toBe(isStatement[0]);
    const [bad = "", good = ""] = examples.map(([, example = ""]) => policyOf(example));
    const options = {
      as: ({ "no-enforcement": "enforcement", "roles-without-mfa": "scp" } as const)[name],
      partition: name === "wrong-partition" ? "aws-cn" : undefined,
    };
    const findings = find(bad, options);
    expect(idsOf(findings)).toContain(name);
    expect(idsOf(find(good, options))).not.toContain(name);
    for (const { message, fix } of findings) {
      expect(message).toMatch(/^.{20,}[^.]$/);
      expect(fix).toMatch(/^[a-z].{3,}[^.]$/);
    }
  });
});

test.each(readdirSync(new URL("../../policies/", import.meta.url)).filter((file) => file.endsWith(".json")))(
  "accepts policies/%s",
  (file) => {
    const findings = find(read(`policies/${file}`)).filter(({ level }) => level !== "note");
    expect(idsOf(findings)).toEqual(file.includes("no-password-change") ? ["missing-password-exemption"] : []);
  },
);

const withMfa = '"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}';
const own = `"arn:aws:iam::*:user/\${aws:username}"`;

describe("AWS's own examples", () => {
  const user = `arn:aws:iam::*:user/\${aws:username}`;
  const deny = (NotAction: string[], Condition: object) => ({ Effect: "Deny", NotAction, Resource: "*", Condition });
  const allow = (Action: string[], Resource: string | string[], Condition?: object) => ({
    ...{ Effect: "Allow", Action, Resource },
    ...(Condition && { Condition }),
  });
  const policy = (...Statement: object[]) => JSON.stringify({ Version: "2012-10-17", Statement });
  const onlyWithMfa = { Bool: { "aws:MultiFactorAuthPresent": "true" } };
  const unlessMfa = { BoolIfExists: { "aws:MultiFactorAuthPresent": "false" } };
  const enroll = [
    "iam:CreateVirtualMFADevice",
    "iam:EnableMFADevice",
    "iam:ListMFADevices",
    "iam:ListVirtualMFADevices",
  ];
  const always = ["missing-password-exemption", "missing-details-exemption"];

  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_aws_my-sec-creds-self-manage.html
  const selfManage = policy(
    allow(["iam:GetAccountPasswordPolicy", "iam:GetAccountSummary", "iam:ListVirtualMFADevices"], "*"),
    allow(["iam:ChangePassword", "iam:GetUser"], user),
    allow(["iam:CreateVirtualMFADevice", "iam:DeleteVirtualMFADevice"], `arn:aws:iam::*:mfa/\${aws:username}`),
    allow(["iam:DeactivateMFADevice", "iam:EnableMFADevice", "iam:ListMFADevices", "iam:ResyncMFADevice"], user),
    deny([...enroll, "iam:GetUser", "iam:ResyncMFADevice", "sts:GetSessionToken"], unlessMfa),
  );
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_iam_mfa-selfmanage.html
  const mfaSelfManage = policy(
    allow(["iam:ListUsers", "iam:ListVirtualMFADevices"], "*"),
    allow(["iam:CreateVirtualMFADevice"], "arn:aws:iam::*:mfa/*"),
    allow(["iam:EnableMFADevice", "iam:GetMFADevice", "iam:ListMFADevices", "iam:ResyncMFADevice"], user),
    allow(["iam:DeactivateMFADevice"], [user], onlyWithMfa),
    deny([...enroll, "iam:ListUsers", "iam:ResyncMFADevice"], unlessMfa),
  );
  // https://repost.aws/knowledge-center/mfa-iam-user-aws-cli, which explains only some of its problems.
  const knowledgeCenter = policy(
    deny([...enroll, "iam:DeleteVirtualMFADevice", "iam:ResyncMFADevice", "iam:ListUsers", "sts:GetSessionToken"], {
      Bool: { "aws:MultiFactorAuthPresent": "false", "aws:ViaAWSService": "false" },
    }),
  );

  test.each([
    ["self-manage", selfManage, ["misses-named-devices", "misses-user-paths", ...always]],
    [
      "iam_mfa-selfmanage",
      mfaSelfManage,
      ["misses-user-paths", "missing-exemption", "missing-session-exemption", ...always],
    ],
    [
      "mfa-iam-user-aws-cli",
      knowledgeCenter,
      ["missing-exemption", "tolerated-exemption", "bool-instead-of-boolifexists", "extra-condition", ...always],
    ],
  ])("finds the problems of %s", (_, text, rulesFound) => {
    expect([...new Set(idsOf(find(text)))].sort()).toEqual([...rulesFound].sort());
  });
});

describe("finds", () => {
  test.each<[part: string, rule: string, words: string, fix: string]>([
    // Grammar.
    ['"Effect": "Deney"', "malformed", 'Effect "Deney" is neither', 'write "Deny"'],
    ['"NotAction": []', "malformed", "missing or empty", "see https://docs.aws.amazon.com/"],
    ['"Action": "*", "NotResource": "*"', "malformed", "has both Resource and NotResource", "remove one of them"],
    ['"Principal": "*"', "unknown-element", '"Principal" is not supported', "remove it"],
    ['"Condition": {"StringEqual": {"a:b": "c"}}', "unknown-operator", '"StringEqual"', 'write "StringEquals"'],
    // An Allow with IfExists or ForAllValues would also allow access keys.
    ...[
      ["BoolIfExist", "MultiFactorAuthPresent", "true", "Bool"],
      ["ForAllValues:Boool", "MultiFactorAuthPresent", "true", "Bool"],
      ["NumericLessThanIfExist", "MultiFactorAuthAge", "3600", "NumericLessThan"],
    ].map(([operator, key, value, fix]): [string, string, string, string] => [
      `"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"${operator}": {"aws:${key}": "${value}"}}`,
      "unknown-operator",
      `"${operator}"`,
      `write "${fix}"`,
    ]),
    ['"Condition": {"BoolIfExist": {"aws:MultiFactorAuthPresent": "false"}}', "unknown-operator", "", "BoolIfExists"],
    ['"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "yes"}}', "wrong-value", '"yes"', 'write "false"'],
    [
      '"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": ["yes"]}}',
      "wrong-value",
      '"yes"',
      'write "true"',
    ],
    [
      `"Effect": "Allow", "Action": "iam:GetUser", "Resource": "arn:aws:iam::user/\${aws:username}"`,
      "malformed",
      "after the fifth colon",
      "add the missing fields before the variable",
    ],
    // Actions.
    [
      '"Effect": "Allow", "Action": "iam:getusr", "Resource": "*"',
      "misspelled-action",
      "matches nothing",
      '"iam:GetUser"',
    ],
    ['"Effect": "Allow", "Action": "iaam:GetUser", "Resource": "*"', "misspelled-action", "iaam", '"iam:GetUser"'],
    // Actions of another service.
    ['"NotAction": ["iam:GetSessionToken"]', "misspelled-action", "exempts nothing", 'write "sts:GetSessionToken"'],
    ['"NotAction": ["sts:listmfadevices"]', "misspelled-action", "exempts nothing", 'write "iam:ListMFADevices"'],
    // Less similar names may be newer than the list.
    [
      '"NotAction": ["iam:EnableMFADeviceForAll"]',
      "unknown-action",
      "if it is misspelled, it exempts nothing",
      'or write "iam:EnableMFADevice" if you meant that',
    ],
    [
      '"Effect": "Allow", "Action": "s3:GetObjct", "Resource": "*"',
      "unknown-action",
      "is not in fob's list of s3 actions",
      'or write "s3:GetObject" if you meant that',
    ],
    [
      '"Effect": "Allow", "Action": "s3:ListBuckets", "Resource": "*"',
      "unknown-action",
      "if it is misspelled, it matches nothing",
      'or write "s3:ListAllMyBuckets" if you meant that',
    ],
    [
      '"Effect": "Allow", "Action": "kms:Dcr*", "Resource": "*"',
      "unknown-action",
      "list of kms actions",
      "check it in",
    ],
    ['"NotAction": ["iam:EnableMFADeviceForAll"]', "missing-exemption", "iam:EnableMFADevice is not exempt", "add"],
    ['"NotAction": ["iam:DeactivateTheMFADevice"]', "unknown-action", "deactivates a user's device", "remove"],
    [
      '"Condition": {"StringEquals": {"aws:SourceVpceName": "x"}}',
      "unknown-condition-key",
      "is not in fob's list of condition keys",
      ', or write "aws:SourceVpc',
    ],
    [
      `"Resource": "arn:aws:s3:::b/\${aws:usernames12}"`,
      "unknown-condition-key",
      "is not in fob's list of condition keys",
      `, or write "\${aws:username}" if`,
    ],
    [
      '"NotAction": ["iam:DeactivateMFADevices"]',
      "misspelled-action",
      "if you meant iam:DeactivateMFADevice, it deactivates a user's device",
      'remove "iam:DeactivateMFADevices"',
    ],
    [
      '"NotAction": ["iam:GetRoles"]',
      "misspelled-action",
      "if you meant iam:GetRole, it works without MFA then",
      'remove "iam:GetRoles"',
    ],
    ['"NotAction": "sts:GetSesionToken"', "misspelled-action", "exempts nothing", '"sts:GetSessionToken"'],
    [
      '"Effect": "Allow", "Action": "signin:*Foo?", "Resource": "*"',
      "wildcard-matches-nothing",
      "no action of signin",
      "name the actions",
    ],
    // Keys.
    [
      '"Condition": {"Bool": {"aws:MFAPresent": "false"}}',
      "misspelled-condition-key",
      "Bool is never met",
      '"aws:MultiFactorAuthPresent"',
    ],
    [
      '"Condition": {"BoolIfExists": {"MultiFactorAuthPresent": "false"}}',
      "misspelled-condition-key",
      "BoolIfExists is always met",
      '"aws:Mul',
    ],
    ['"Condition": {"Null": {"asw:SourceIp": "true"}}', "misspelled-condition-key", "always absent", '"aws:SourceIp"'],
    [
      '"Condition": {"StringEquals": {"aws:PrincipalTag/": "a"}}',
      "misspelled-condition-key",
      "never met",
      '"aws:PrincipalTag/TAG"',
    ],
    [
      '"Condition": {"StringEquals": {"aws:PrincipalTag": "a"}}',
      "misspelled-condition-key",
      "never met",
      '"aws:PrincipalTag/TAG"',
    ],
    [
      '"Condition": {"StringEquals": {"aws:PrincpalTag/a/b": "a"}}',
      "misspelled-condition-key",
      "never",
      '"aws:PrincipalTag/a/b"',
    ],
    [
      '"Condition": {"StringEquals": {"iam:PasedToService": "a"}}',
      "misspelled-condition-key",
      "never",
      '"iam:PassedToService"',
    ],
    [
      `"Resource": "arn:aws:iam::*:user/\${aws:usrname}"`,
      "misspelled-condition-key",
      "policy variable",
      `user/\${aws:username}`.slice(5),
    ],
    [`"Condition": {"StringLike": {"aws:userid": "\${aws:usrid}"}}`, "misspelled-condition-key", "usrid", "aws:userid"],
    // Resources.
    [
      `"Effect": "Allow", "Action": ["iam:GetUser", "iam:CreateVirtualMFADevice"], "Resource": ${own}`,
      "wrong-resource",
      "applies to mfa/*",
      '"arn:aws:iam::*:mfa/*"',
    ],
    [
      '"Effect": "Allow", "Action": "iam:EnableMFADevice", "Resource": "arn:aws-cn:iam::*:mfa/*"',
      "wrong-resource",
      "user/*",
      '"arn:aws-cn:iam::*:user/$' + '{aws:username}" and "arn:aws-cn:iam::*:user/*/$' + '{aws:username}"',
    ],
    [
      '"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:s3:::role/a"',
      "wrong-resource",
      "role/*",
      'names what it is for: "arn:aws:iam::ACCOUNT:role/NAME"',
    ],
    [
      '"Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws-us:iam::1:user/a"}}',
      "unknown-partition",
      "aws-us",
      "arn:aws",
    ],
    ...[
      ["arn:aws:iam:::user/a", "has no account", "arn:aws:iam::*:user/a"],
      ["arn:aws:iam::user/a", "has no account", "arn:aws:iam::*:user/a"],
      ["arn:aws:iam::user/$" + "{aws:username}", "has no account", "arn:aws:iam::*:user/$" + "{aws:username}"],
      ["arn:aws:iam::1234-5678-9012:user/a:b", "twelve digits", "arn:aws:iam::123456789012:user/a:b"],
      ["arn:aws:iam:eu-west-1:123456789012:user/a", "has a region", "arn:aws:iam::123456789012:user/a"],
    ].map(([arn = "", words = "", fix = ""]): [string, string, string, string] => [
      ...([`"Resource": "${arn}"`, "wrong-iam-arn"] as const),
      ...([words, `write "${fix}"`] as const),
    ]),
    ...[
      ["arn:aws:s3::b/*", 'as "arn:aws:s3::b/*:*"', "arn:aws:s3:::b/*"],
      ["arn:aws:sqs:eu-west-1:queue", 'as "arn:aws:sqs:eu-west-1:queue:*"', "arn:aws:sqs:eu-west-1:*:queue"],
      ["arn:aws:iam", "has 3 of six fields", "arn:aws:iam:*:*:*"],
      ["arn:aws:iam::123456789012", "has 5 of six fields", "arn:aws:iam::123456789012:*"],
    ].map(([arn = "", words = "", fix = ""]): [string, string, string, string] => [
      ...([`"Resource": "${arn}"`, "incomplete-arn"] as const),
      ...([words, `write "${fix}"`] as const),
    ]),
    ...[`$\${aws:username}`, "&{aws:username}", "@{aws:username}", "$aws:username"].map(
      (escaped): [string, string, string, string] => [
        ...([`"Resource": "arn:aws:iam::*:user/${escaped}"`, "left-over-escape"] as const),
        ...(["as plain text", 'write "arn:aws:iam::*:user/$' + '{aws:username}"'] as const),
      ],
    ),
    [
      '"Resource": "arn:aws:s3:::homes/$aws:username/*"',
      "left-over-escape",
      '"$aws:username" is',
      `homes/\${aws:username}/*"`,
    ],
    // Placeholders of templates, with no second finding for what they cause.
    ...[
      `arn:aws:iam::123456789012:user/\${var.user_name}`,
      `arn:aws:iam::123456789012:user/\${local.name}`,
      `arn:aws:iam::123456789012:user/$\${var.name}`,
      `arn:aws:iam::123456789012:user/\${module.users[\\"a:b\\"].name}`,
      `arn:aws:iam::\${data.aws_caller_identity.current.account_id}:user/x`,
      `arn:\${AWS::Partition}:iam::\${AWS::AccountId}:user/x`,
      `\${aws_s3_bucket.b.arn}/*`,
      "arn:aws:s3:::#{bucket}/*",
      "arn:aws:iam::{{account}}:user/x",
      "arn:aws:iam::123456789012:user/<USERNAME>",
      "arn:aws:iam::<ACCOUNT-ID>:user/x",
    ].map((arn): [string, string, string, string] => [
      ...([`"Effect": "Allow", "Action": "iam:GetUser", "Resource": "${arn}"`, "left-over-template"] as const),
      ...(["this text matches nothing", "replace it with its value"] as const),
    ]),
    [
      `"Condition": {"IpAddress": {"aws:SourceIp": "\${var.cidr}"}}`,
      "left-over-template",
      `"\${var.cidr}" is a template placeholder`,
      "replace it with its value",
    ],
    [
      `"Effect": "Allow", "Action": "\${var.action}", "Resource": "*"`,
      "left-over-template",
      `\${var.action}`,
      "its value",
    ],
    [
      `"Resource": "arn:aws:iam::*:user/\${!aws:username}"`,
      "misspelled-condition-key",
      "!aws",
      'write "arn:aws:iam::*:user/$' + '{aws:username}"',
    ],
    [
      `"Effect": "Allow", "Action": "iam:GetUser", "Resource": "arn:aws:iam::*:user/*/\${aws:username}"`,
      "misses-user-paths",
      "without a path",
      'add "arn:aws:iam::*:user/$' + '{aws:username}"',
    ],
    [
      `"Effect": "Allow", "Action": "iam:CreateVirtualMFADevice", "Resource": "arn:aws:iam::*:mfa/\${aws:username}-*"`,
      "misses-named-devices",
      "any name",
      'write "arn:aws:iam::*:mfa/*"',
    ],
    // What prevents a policy from enforcing MFA.
    [
      '"Condition": {"StringEquals": {"aws:MultiFactorAuthPresent": "false"}}',
      "bool-instead-of-boolifexists",
      "does not deny access keys",
      withMfa,
    ],
    [
      '"Condition": {"StringNotEquals": {"aws:MultiFactorAuthPresent": "false"}}',
      "denies-with-mfa",
      "requests with MFA",
      withMfa,
    ],
    [
      '"Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": ["true", "false"]}}',
      "denies-with-mfa",
      "all requests, with or without MFA",
      withMfa,
    ],
    ['"Condition": {"Null": {"aws:MultiFactorAuthPresent": "false"}}', "denies-with-mfa", "requests with MFA", withMfa],
    ['"Condition": {"Bool": {"aws:MFAPresent": "false"}}', "bool-instead-of-boolifexists", "access keys", withMfa],
    [
      '"Condition": {"NumericLessThanIfExists": {"aws:MultiFactorAuthAge": "43200"}}',
      "denies-with-mfa",
      "all requests",
      "NumericGreaterThanIfExists",
    ],
    [
      '"Condition": {"NumericEquals": {"aws:MultiFactorAuthPresent": "0"}}',
      "condition-never-holds",
      "denies nothing",
      withMfa,
    ],
    [
      `"Condition": {${withMfa}, "NumericGreaterThan": {"aws:MultiFactorAuthAge": "1"}}`,
      "age-never-counts",
      "denies nothing",
      "statement of its own",
    ],
    // What does not require MFA, although it seems to.
    ...[
      [
        '"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}',
        "access keys without MFA",
        'write "Bool": {"aws:Multi',
      ],
      [
        '"StringNotEquals": {"aws:MultiFactorAuthPresent": "false"}',
        "access keys without MFA",
        'write "Bool": {"aws:Mu',
      ],
      [
        '"Null": {"aws:MultiFactorAuthPresent": "false"}',
        "sessions without MFA",
        'write "Bool": {"aws:MultiFactorAuth',
      ],
      ['"NumericLessThanIfExists": {"aws:MultiFactorAuthAge": "60"}', "requests without MFA", '"NumericLessThan"'],
      ['"BoolIfExists": {"aws:MFAPresent": "true"}', "access keys without MFA", 'write "Bool": {"aws:MultiFactorAuth'],
    ].map(([test = "", words = "", fix = ""]): [string, string, string, string] => [
      ...([
        `"Effect": "Allow", "Action": "ec2:*", "Resource": "*", "Condition": {${test}}`,
        "allow-without-mfa",
      ] as const),
      ...([`also allows ${words}`, fix] as const),
    ]),
    [
      '"Effect": "Allow", "Action": ["iam:*MFADevice"], "Resource": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}',
      "enrollment-needs-mfa",
      "this allows iam:CreateVirtualMFADevice and iam:EnableMFADevice only with MFA",
      '"iam:CreateVirtualMFADevice" on "arn:aws:iam::*:mfa/*"; "iam:EnableMFADevice" on "arn:aws:iam::*:user/$' +
        '{aws:username}" and "arn:aws:iam::*:user/*/$' +
        '{aws:username}"',
    ],
    ['"Action": "*"', "action-instead-of-notaction", "stay locked out", '"NotAction": ["iam:CreateVirtualMFADevice"'],
    [
      '"Action": ["iam:EnableMFADevice", "iam:DeleteVirtualMFADevice"]',
      "action-instead-of-notaction",
      "also denies iam:EnableMFADevice",
      'remove "iam:EnableMFADevice"',
    ],
    [
      '"Action": ["iam:*MFADevice"]',
      "action-instead-of-notaction",
      "stay locked out",
      'remove "iam:CreateVirtualMFADevice" and "iam:EnableMFADevice"; replace the pattern',
    ],
    [
      `"Action": "iam:*", "Resource": "arn:aws:iam::123456789012:user/*"`,
      "action-instead-of-notaction",
      "stay locked out",
      'to require MFA for IAM only, replace "iam:*" with the actions or patterns that need it, such as "iam:Put*"; to require it for everything, write "NotAction": [',
    ],
    // Names in NotResource lock all others out; patterns, users with a path and devices with another name.
    [
      `"Effect": "Deny", "Action": "iam:*", "NotResource": ${own}, "Condition": {${withMfa}}`,
      "only-passkeys",
      "this denies iam:CreateVirtualMFADevice without MFA",
      "replace the pattern with action names, unless",
    ],
    [
      `"Effect": "Deny", "Action": "iam:*", "NotResource": ${own}, "Condition": {${withMfa}}`,
      "misses-user-paths",
      "for user/team/alice, this denies iam:EnableMFADevice, iam:GetUser and iam:ListMFADevices without MFA",
      'also add "arn:aws:iam::*:user/*/$' + '{aws:username}"',
    ],
    [
      `"Effect": "Deny", "Action": "iam:Create*", "NotResource": "arn:aws:iam::123456789012:mfa/\${aws:username}", "Condition": {${withMfa}}`,
      "misses-named-devices",
      "for any other name, this denies iam:CreateVirtualMFADevice without MFA",
      'write "arn:aws:iam::123456789012:mfa/*"',
    ],
    // The second statement of the policy in AWS's blog of 2015, filled in for one user.
    ...["bob", "alice", "b*"].map((name): [string, string, string, string] => [
      `"Effect": "Deny", "Action": ["iam:CreateVirtualMFADevice", "iam:EnableMFADevice"], "NotResource": ["arn:aws:iam::123456789012:mfa/*", "arn:aws:iam::123456789012:user/${name}"], "Condition": {${withMfa}}`,
      "named-users",
      `this denies iam:EnableMFADevice without MFA for all users and devices except "arn:aws:iam::123456789012:user/${name}": all others`,
      'write "arn:aws:iam::123456789012:user/$' + '{aws:username}" and "arn:aws:iam::123456789012:user/*/$',
    ]),
    [
      '"Action": ["iam:EnableMFADevice", "iam:DeleteUser"], "Resource": "arn:aws:iam::*:user/alice"',
      "named-users",
      'this denies iam:EnableMFADevice without MFA for "arn:aws:iam::*:user/alice": these users',
      'remove "iam:EnableMFADevice"',
    ],
    [
      '"Action": ["iam:CreateVirtualMFADevice", "iam:EnableMFADevice"]',
      "action-instead-of-notaction",
      "this denies only what users need to set up MFA, and nothing else",
      'write "NotAction"',
    ],
    [
      `"Effect": "Deny", "Action": "*", "NotResource": ["arn:aws:iam::*:mfa/*", ${own}], "Condition": {${withMfa}}`,
      "narrow-resource",
      'this leaves out "arn:aws:iam::*:mfa/*" and',
      '"sts:GetSessionToken"] and "Resource": "*"',
    ],
    [
      '"Action": "iam:EnableMFADevice"',
      "action-instead-of-notaction",
      "this also denies iam:EnableMFADevice",
      'remove "iam:EnableMFADevice"',
    ],
    [
      '"Effect": "deny", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}',
      "bool-instead-of-boolifexists",
      "does not deny access keys",
      withMfa,
    ],
    [
      `"Condition": {${withMfa}, "Bool": {"aws:SecureTransport": "false"}}`,
      "extra-condition",
      'do not meet the condition on "aws:SecureTransport" need no MFA',
      "remove it",
    ],
    // Some services do not have the key.
    ...["Bool", "StringEquals", "Null"].map((operator): [string, string, string, string] => [
      ...([`"Condition": {${withMfa}, "${operator}": {"aws:ViaAWSService": "false"}}`, "extra-condition"] as const),
      ...(["requests to ec2, glue, lakeformation and opsworks do not have", '"BoolIfExists": {"aws:ViaAWS'] as const),
    ]),
    [
      '"Action": "*", "Resource": "arn:aws:s3:::secret/*"',
      "partial-enforcement",
      "only actions on these resources",
      "show",
    ],
    ['"NotAction": ["iam:CreateVirtualMFADevice"]', "missing-useful-exemption", "iam:ResyncMFADevice is not", "add"],
    // The console needs it, says AWS: a user with a password could not enroll.
    ['"NotAction": ["iam:CreateVirtualMFADevice"]', "missing-exemption", "iam:GetUser is not exempt", "add"],
    ['"Action": ["s3:*", "iam:*"]', "action-instead-of-notaction", "iam:EnableMFADevice", 'replace "iam:*"'],
    [
      `"Effect": "Deny", "NotAction": "iam:*MFA*", "NotResource": ${own}, "Condition": {${withMfa}}`,
      "narrow-resource",
      "actions on matching resources need no MFA",
      'write "Resource": "*" instead of "NotResource"',
    ],
    [
      '"Condition": {"NumericGreaterThanIfExists": {"aws:MultiFactorAuthAge": "1"}, "Bool": {"aws:SecureTransport": "true"}}',
      "extra-condition",
      "aws:SecureTransport",
      "remove it, unless such requests should need no MFA",
    ],
    [
      `"Condition": {${withMfa}, "Bool": {"aws:ViaAWSService": "true"}}`,
      "extra-condition",
      "aws:ViaAWSService",
      "remove it",
    ],
    [
      '"NotAction": ["iam:ListMFADevices"]',
      "missing-exemption",
      "iam:EnableMFADevice is not exempt: a user",
      'add "iam:EnableMFADevice"',
    ],
    // Passkeys and hardware tokens need no virtual device.
    [
      '"NotAction": ["iam:EnableMFADevice", "iam:ListMFADevices"]',
      "only-passkeys",
      "iam:CreateVirtualMFADevice is not exempt, so users can only enroll passkeys and hardware tokens",
      'add "iam:CreateVirtualMFADevice" and "iam:ListVirtualMFADevices", unless',
    ],
    [
      '"Action": ["iam:CreateVirtualMFADevice", "s3:*"]',
      "only-passkeys",
      "this denies iam:CreateVirtualMFADevice without MFA, so users can only enroll passkeys",
      'remove "iam:CreateVirtualMFADevice"',
    ],
    ['"NotAction": ["iam:*MFADevice*"]', "missing-exemption", "iam:GetUser is not exempt", 'add "iam:GetUser"'],
    [
      '"NotAction": ["iam:*MFADevice*"]',
      "dangerous-exemption",
      "iam:DeactivateMFADevice deactivates",
      "name the actions",
    ],
    [
      '"NotAction": ["iam:*"]',
      "dangerous-exemption",
      '"iam:*" exempts iam:DeactivateMFADevice, iam:',
      "name the actions",
    ],
    ['"NotAction": ["iam:CreateAccessKey"]', "dangerous-exemption", "access key", 'remove "iam:CreateAccessKey"'],
    ['"NotAction": ["iam:PutUserPolicy"]', "dangerous-exemption", "changes permissions", "remove"],
    ['"NotAction": ["iam:UpdateLoginProfile"]', "dangerous-exemption", "password", "remove"],
    ['"NotAction": ["iam:RemoveUserFromGroup"]', "dangerous-exemption", "group that enforces MFA", "remove"],
    ['"NotAction": ["sts:AssumeRole"]', "dangerous-exemption", "role", "remove"],
    ['"NotAction": ["iam:Tag*"]', "wildcard-exemption", "iam:TagPolicy", 'remove "iam:Tag*"'],
  ])("%s: %s", (part, rule, words, fix) => {
    const found = find(policyOf(part)).filter((finding) => finding.rule === rule);
    expect(found.map(({ message }) => message).join("\n")).toContain(words);
    expect(found.map((finding) => finding.fix).join("\n")).toContain(fix);
  });
});

test.each([
  ...["iam:DeactivateMFADevice"],
  ...["iam:CreateAccessKey", "iam:UpdateAccessKey"],
  ...["iam:CreateLoginProfile", "iam:UpdateLoginProfile", "iam:DeleteLoginProfile"],
  ...["iam:AddUserToGroup", "iam:RemoveUserFromGroup"],
  ...["iam:AttachUserPolicy", "iam:AttachGroupPolicy", "iam:AttachRolePolicy"],
  ...["iam:DetachUserPolicy", "iam:DetachGroupPolicy", "iam:DetachRolePolicy"],
  ...["iam:PutUserPolicy", "iam:PutGroupPolicy", "iam:PutRolePolicy"],
  ...["iam:DeleteUserPolicy", "iam:DeleteGroupPolicy", "iam:DeleteRolePolicy"],
  ...["iam:CreatePolicy", "iam:DeletePolicy"],
  ...["iam:CreatePolicyVersion", "iam:DeletePolicyVersion", "iam:SetDefaultPolicyVersion"],
  ...["iam:PutUserPermissionsBoundary", "iam:DeleteUserPermissionsBoundary"],
  ...["iam:PutRolePermissionsBoundary", "iam:DeleteRolePermissionsBoundary"],
  ...[
    "iam:CreateRole",
    "iam:AcquireRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:PassRole",
    "iam:AddRoleToInstanceProfile",
  ],
  ...["iam:AcceptDelegationRequest", "iam:AssociateDelegationRequest", "iam:SendDelegationToken"],
  ...["iam:UpdateAccountEmailAddress", "iam:EnableOrganizationsRootSessions", "iam:UploadCloudFrontPublicKey"],
  ...["signin:PutResourcePermissionStatement", "sts:GetDelegatedAccessToken", "sts:GetWebIdentityToken"],
  ...["iam:CreateSAMLProvider", "iam:UpdateSAMLProvider", "iam:CreateOpenIDConnectProvider"],
  ...["iam:UpdateOpenIDConnectProviderThumbprint", "iam:AddClientIDToOpenIDConnectProvider"],
  ...["iam:UpdateAccountPasswordPolicy", "iam:DeleteAccountPasswordPolicy"],
  ...["iam:CreateUser", "iam:UpdateUser", "iam:DeleteUser", "iam:CreateGroup", "iam:UpdateGroup", "iam:DeleteGroup"],
  ...["iam:CreateServiceSpecificCredential", "iam:ResetServiceSpecificCredential"],
  ...["iam:UpdateServiceSpecificCredential", "iam:UploadSSHPublicKey", "iam:UpdateSSHPublicKey"],
  ...["iam:UploadSigningCertificate", "iam:UpdateSigningCertificate"],
  ...["sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity", "sts:AssumeRoot"],
  "sts:GetFederationToken",
])("finds that exempting %s is dangerous", (action) => {
  const fine = [base?.NotAction ?? []].flat();
  const found = find(policyOf(`"NotAction": ${JSON.stringify([...fine, action])}`));
  const [danger] = found.filter(({ rule }) => rule === "dangerous-exemption");
  expect(danger?.message).toContain(`"${action}" works without MFA: it `);
  expect(danger?.fix).toBe(`remove "${action}"`);
});

test("removing a password is not called setting one", () => {
  const exempt = (action: string) =>
    find(policyOf(`"NotAction": ["iam:EnableMFADevice", "${action}"]`)).find(
      ({ rule }) => rule === "dangerous-exemption",
    );
  expect(exempt("iam:DeleteLoginProfile")?.message).toContain("it removes the console password of a user");
  expect(exempt("iam:UpdateLoginProfile")?.message).toContain("it sets the console password of a user");
});

test.each([
  // The verb stays, and the noun may differ.
  ["iam:DeactivateVirtualMFADevice", "iam:DeactivateMFADevice"],
  ["iam:EnableVirtualMFADevice", "iam:EnableMFADevice"],
  ["iam:CreateMFADevice", "iam:CreateVirtualMFADevice"],
  ["iam:GetVirtualMFADevices", "iam:ListVirtualMFADevices"],
  ["iam:CreatVirtualMFADevice", "iam:CreateVirtualMFADevice"],
  ["iam:listmfadevice", "iam:ListMFADevices"],
  // A verb of the same meaning, or a part of the noun.
  ["iam:DisableMFADevice", "iam:DeactivateMFADevice"],
  ["iam:ActivateMFADevice", "iam:EnableMFADevice"],
  ["iam:CreateSSHPublicKey", "iam:UploadSSHPublicKey"],
  ["iam:SetPassword", "iam:ChangePassword"],
  ["iam:EnableMFA", "iam:EnableMFADevice"],
  // Not the opposite, and not something else with the same noun.
  ["iam:RemoveMFADevice", undefined],
  ["iam:UpdateUserPolicy", undefined],
])("guesses that %s is meant to be %s", (name, meant) => {
  const [found] = find(policyOf(`"Effect": "Allow", "Action": "${name}", "Resource": "*"`));
  if (meant === undefined) expect(found?.fix).toBe("check it in AWS's service authorization reference");
  else expect(found?.fix).toContain(`write "${meant}"`);
});

test("the same problem in several places is one finding, and its patch changes all of them", () => {
  const old = { NumericGreaterThanIfExists: { "aws:MultiFactorAuthAge": "3600" } };
  const NotAction = [...[base?.NotAction ?? []].flat(), "iam:*", "iam:CreateAccessKey"];
  const Statement = [
    { ...base, NotAction },
    { ...base, Sid: "Old", NotAction, Condition: old },
  ];
  const before = { Version: "2012-10-17", Statement };
  const findings = lint(readJson(JSON.stringify(before, null, 1)));
  expect(new Set(idsOf(findings)).size).toBe(findings.length - 1);
  const [pattern, key] = findings.filter(({ rule }) => rule === "dangerous-exemption");
  const at = (statement: number, index: number) => ["Statement", statement, "NotAction", index];
  expect(pattern).toMatchObject({ path: at(0, 7), line: 15, also: [{ path: at(1, 7), line: 36, column: 5 }] });
  expect(key).toMatchObject({ path: at(0, 8), also: [{ path: at(1, 8) }] });
  const after = applyPatch(before, pattern?.patch ?? []) as typeof before;
  expect(after.Statement.map((each) => each.NotAction.includes("iam:*"))).toEqual([false, false]);
});

test("does not add what the policy leaves out on purpose", () => {
  const change = { Effect: "Allow", Action: "iam:ChangePassword", Resource: "*" };
  const withMfaOnly = { ...change, Condition: { Bool: { "aws:MultiFactorAuthPresent": "true" } } };
  const fixOf = (...Statement: object[]) =>
    find(JSON.stringify({ Version: "2012-10-17", Statement })).find(
      ({ rule }) => rule === "missing-password-exemption",
    );
  const before = "have users change their password before the policy applies to them";
  expect(fixOf(base ?? {}, withMfaOnly)?.fix).toBe(before);
  expect(fixOf(base ?? {}, change)?.fix).toBe(
    `${before}, or add "iam:ChangePassword" and "iam:GetAccountPasswordPolicy"`,
  );
  expect(fixOf(base ?? {})).not.toHaveProperty("patch");
  for (const part of [
    '"Action": "*"',
    '"NotAction": ["iam:*MFA*", "s3:*"]',
    '"Action": "*", "Resource": "arn:aws:s3:::*"',
  ]) {
    for (const { rule, fix, patch } of find(policyOf(part))) {
      expect(JSON.stringify(patch ?? [])).not.toContain("ChangePassword");
      if (rule !== "missing-password-exemption") expect(fix).not.toContain("ChangePassword");
    }
  }
});

describe("accepts", () => {
  const fine = idsOf(find(policyOf("")));

  test.each([
    // Names in any case, of other services, and with variable parts.
    '"NotAction": ["IAM:createvirtualmfadevice", "iam:ENABLEmfadevice", "iam:GetUser", "iam:ListMFADevices", "iam:ListVirtualMFADevices", "iam:ResyncMFADevice", "sts:GetSessionToken"]',
    '"NotAction": ["iam:CreateVirtualMFADevice", "iam:EnableMFADevice", "iam:GetUser", "iam:List*MFADevices", "iam:ResyncMFADevice", "sts:GetSessionToken"]',
    '"Condition": {"BoolIfExists": {"AWS:multifactorauthpresent": "FALSE"}}',
    '"Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": false}}',
    '"Condition": {"StringEqualsIfExists": {"aws:MultiFactorAuthPresent": "false"}}',
    '"Condition": {"ForAllValues:Bool": {"aws:MultiFactorAuthPresent": "false"}}',
    '"Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false", "aws:ViaAWSService": "false"}}',
  ])("an enforcement policy with %s", (part) => {
    expect(idsOf(find(policyOf(part)))).toEqual(fine);
  });

  test.each([
    '"Effect": "Allow", "Action": ["lambda:Mistake", "ses:GetUserr", "*"], "Resource": "*"',
    '"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"StringEquals": {"okta:mfa": "x", "aws:PrincipalTag/MFA": "x"}}',
    '"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"ArnLike": {"aws:SignInSessionArn": "*"}}',
    `"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b/\${aws:PrincipalTag/team, 'none'}/\${*}\${saml:sub}"`,
    // A Deny that exempts IAM, but not because of MFA.
    '"Effect": "Deny", "NotAction": ["iam:*", "sts:*"], "Resource": "*", "Condition": {"StringNotEquals": {"aws:RequestedRegion": "eu-central-1"}}',
    '"Effect": "Deny", "NotAction": ["iam:ListMFADevices", "sts:*"], "Resource": "*", "Condition": {"StringNotEquals": {"aws:RequestedRegion": "eu-central-1"}}',
    // Allows requests with a recent code, with an old one, or none at all.
    '"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}, "NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}}',
    '"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}, "NumericGreaterThan": {"aws:MultiFactorAuthAge": "3600"}}',
    '"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}, "Null": {"aws:MultiFactorAuthPresent": "true"}}',
    // Allows requests with MFA.
    '"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}',
    // Enrolls devices, which needs to work without MFA.
    '"Effect": "Allow", "Action": ["iam:EnableMFADevice", "iam:List*MFADevices"], "Resource": "*", "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}',
    `"Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::*:role/\${aws:PrincipalTag/a, 'b:c:d:e:f'}"`,
    // Needed only without MFA.
    '"Effect": "Allow", "Action": "iam:EnableMFADevice", "Resource": "*", "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}',
    // Resources that may match the actions. AWS names user/ and mfa/ when it denies a list.
    '"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "arn:aws:iam::*:user/"',
    '"Effect": "Allow", "Action": "iam:ListVirtualMFADevices", "Resource": "arn:aws:iam::*:mfa/*"',
    '"Effect": "Allow", "Action": "*", "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]',
    '"Effect": "Allow", "Action": "*:*", "Resource": "arn:aws:s3:::b"',
    '"Effect": "Allow", "Action": ["iam:*", "sts:AssumeRole"], "Resource": ["arn:*:iam::123456789012:ro*"]',
    '"Effect": "Allow", "Action": "iam:CreateVirtualMFADevice", "Resource": ["arn:aws:iam::*:user/a", "arn:aws:iam::*:mfa/*"]',
    '"Effect": "Allow", "Action": "iam:GetUser", "Resource": ["arn:aws:iam:*", "arn:aws:i*", "arn:aws:iam::*", "arn:aws:iam:*:aws:user/a", "arn:aws:iam::*:user/a:b"]',
    `"Effect": "Allow", "Action": "iam:CreateVirtualMFADevice", "Resource": ["arn:aws:iam::*:mfa/\${aws:username}", "arn:aws:iam::*:mfa/*"]`,
    `"Effect": "Allow", "Action": "iam:GetUser", "Resource": "arn:aws:iam::*:user/*\${aws:username}"`,
    '"Effect": "Allow", "Action": "iam:CreateVirtualMFADevice", "Resource": "arn:aws:iam::*:mfa/phones/*"',
  ])("another policy with %s", (part) => {
    expect(find(policyOf(part))).toEqual([]);
  });

  test("an Allow that is not limited to MFA if another statement denies everything without MFA", () => {
    const allow = {
      ...{ Effect: "Allow", Action: "ec2:*", Resource: "*" },
      Condition: { BoolIfExists: { "aws:MultiFactorAuthPresent": "true" } },
    };
    const ids = (...Statement: object[]) => idsOf(find(JSON.stringify({ Version: "2012-10-17", Statement })));
    expect(ids(allow, base ?? {})).toEqual(fine);
    const onlyKeys = { ...base, Condition: { Null: { "aws:MultiFactorAuthPresent": "true" } } };
    expect(ids(allow, onlyKeys)).not.toContain("allow-without-mfa");
    const onlySessions = { ...base, Condition: { Bool: { "aws:MultiFactorAuthPresent": "false" } } };
    expect(ids(allow, onlySessions)).toContain("allow-without-mfa");
    expect(ids(allow, { ...base, Resource: "arn:aws:s3:::*" })).toContain("allow-without-mfa");
  });

  test("enrollment of further devices with MFA if another statement allows the first one", () => {
    const Condition = { Bool: { "aws:MultiFactorAuthPresent": "true" } };
    const manage = { Effect: "Allow", Action: ["iam:EnableMFADevice", "iam:DeactivateMFADevice"], Resource: "*" };
    const Statement = [
      { ...manage, Condition },
      { ...manage, Action: "iam:Enable*" },
    ];
    expect(find(JSON.stringify({ Version: "2012-10-17", Statement }))).toEqual([]);
    const [needs] = find(JSON.stringify({ Version: "2012-10-17", Statement: Statement.slice(0, 1) }));
    expect(needs).toMatchObject({ rule: "enrollment-needs-mfa" });
  });

  test("a policy for passkeys and hardware tokens, with a warning", () => {
    const passkeys = ["iam:EnableMFADevice", "iam:GetUser", "iam:ListMFADevices", "iam:ResyncMFADevice"];
    const found = find(policyOf(`"NotAction": ${JSON.stringify([...passkeys, "sts:GetSessionToken"])}`));
    expect(found.filter(({ level }) => level === "error")).toEqual([]);
    expect(idsOf(found).sort()).toEqual([...fine, "only-passkeys"].sort());
    // Users can choose another name for a device.
    const named = '"Action": "iam:CreateVirtualMFADevice", "Resource": "arn:aws:iam::*:mfa/bob"';
    expect(idsOf(find(policyOf(named)))).toEqual(["partial-enforcement"]);
  });

  test("a second finding for the same mistake", () => {
    for (const arn of [
      `arn:\${AWS::Partition}:iam::\${AWS::AccountId}:user/x`,
      `\${bucket.arn}/*`,
      "arn:aws:iam::<ID>:user/x",
    ]) {
      const part = `"Effect": "Allow", "Action": ["iam:GetUser", "s3:*"], "Resource": "${arn}"`;
      expect(idsOf(find(policyOf(part)))).toEqual(["left-over-template"]);
    }
    const ids = (part: string) => idsOf(find(policyOf(`"Effect": "Allow", ${part}`)));
    expect(ids('"Action": "s3:*", "Resource": [5]')).toEqual(["malformed"]);
    expect(ids('"Action": [null], "Resource": "*"')).toEqual(["malformed"]);
    expect(idsOf(find(policyOf('"NotAction": []')))).toEqual(["malformed"]);
    expect(idsOf(find(policyOf('"NotAction": [7]'), { as: "enforcement" }))).toEqual(["malformed"]);
    const condition = '"Condition": {"IpAddress": {"aws:SourceIp": [null]}}';
    expect(ids(`"Action": "s3:*", "Resource": "*", ${condition}`)).toEqual(["malformed"]);
  });

  test("two statements that together deny access keys and sessions without MFA, with an age limit in addition", () => {
    const statement = (condition: object) => ({ ...base, Sid: undefined, Condition: condition });
    const [bool, none, old] = [
      { Bool: { "aws:MultiFactorAuthPresent": "false" } },
      { Null: { "aws:MultiFactorAuthPresent": "true" } },
      { NumericGreaterThan: { "aws:MultiFactorAuthAge": "3600" } },
    ];
    const ids = (...conditions: object[]) =>
      idsOf(
        find(JSON.stringify({ Version: "2012-10-17", Statement: conditions.map(statement) })).filter(
          ({ level }) => level === "error",
        ),
      );
    expect(ids(bool, none, old)).toEqual([]);
    expect(ids(bool, old)).toEqual(["bool-instead-of-boolifexists"]);
    expect(ids(old)).toEqual(["age-without-ifexists"]);
    expect(ids(none)).toEqual(["null-instead-of-boolifexists"]);
    const present = { Bool: { "aws:MultiFactorAuthPresent": "true" } };
    expect(ids({ BoolIfExists: { "aws:MultiFactorAuthPresent": "false" } }, { ...present, ...old })).toEqual([]);
  });

  test("further Deny statements in addition to one that denies everything without MFA", () => {
    const more = (statement: object) =>
      idsOf(
        find(
          JSON.stringify({
            Version: "2012-10-17",
            Statement: [
              base,
              { Effect: "Deny", Condition: { Bool: { "aws:MultiFactorAuthPresent": "false" } }, ...statement },
            ],
          }),
        ),
      );
    const iam = (resource: string) => `arn:aws:iam::*:${resource}`;
    // The second statement of AWS's older example, for all IAM actions.
    const ownUsers = [iam(`user/\${aws:username}`), iam(`user/*/\${aws:username}`)];
    expect(more({ Action: "iam:*", NotResource: [iam("mfa/*"), ...ownUsers] })).toEqual(fine);
    expect(more({ Action: "*", Resource: "arn:aws:s3:::secret/*" })).toEqual(fine);
    expect(more({ Action: "s3:*", Resource: "*" })).toEqual(fine);
    const apart = (Statement: object[]) => idsOf(find(JSON.stringify({ Version: "2012-10-17", Statement })));
    const narrow = {
      Effect: "Deny",
      Action: "s3:*",
      Resource: "*",
      Condition: { Bool: { "aws:MultiFactorAuthPresent": "false" } },
    };
    const others = [
      { ...base, Resource: "arn:aws:s3:::*" },
      { ...base, Condition: { ...base?.Condition, IpAddress: { "aws:SourceIp": "192.0.2.0/24" } } },
      { ...base, Action: "ec2:*", NotAction: undefined },
    ];
    for (const other of others) expect(apart([other, narrow])).toContain("bool-instead-of-boolifexists");
    const viaService = { BoolIfExists: { ...base?.Condition?.BoolIfExists, "aws:ViaAWSService": "false" } };
    expect(apart([{ ...base, Condition: viaService }, narrow])).not.toContain("bool-instead-of-boolifexists");
  });

  test("two narrow statements as one only if they deny the same requests", () => {
    const secret = { Effect: "Deny", Action: ["s3:*", "ec2:*"], Resource: ["arn:aws:s3:::a", "arn:aws:s3:::b"] };
    const byIp = (range: string) => ({ NotIpAddress: { "aws:SourceIp": range } });
    const some = byIp("192.0.2.0/24");
    const bool = { ...secret, Condition: { Bool: { "aws:MultiFactorAuthPresent": "false" }, ...some } };
    const none = { ...secret, Condition: { Null: { "aws:MultiFactorAuthPresent": "true" }, ...some } };
    const errors = (...Statement: object[]) =>
      idsOf(find(JSON.stringify({ Version: "2012-10-17", Statement })).filter(({ level }) => level === "error"));
    const mixed = { Action: ["EC2:*", "s3:*"], Resource: ["arn:aws:s3:::b", "arn:aws:s3:::a"] };
    expect(errors(bool, { ...none, ...mixed })).toEqual([]);
    const isNull = { Null: { "aws:MultiFactorAuthPresent": "true" } };
    // Of each, the other denies only a part, or only requests that meet another condition.
    for (const other of [
      { Resource: undefined, NotResource: secret.Resource },
      { Condition: { ...isNull, ...byIp("198.51.100.0/24") } },
      { Condition: { ...isNull, IpAddress: some.NotIpAddress } },
      { Condition: { ...isNull, NotIpAddress: { "aws:VpcSourceIp": "192.0.2.0/24" } } },
    ]) {
      expect(errors(bool, { ...none, ...other })).toEqual([
        "bool-instead-of-boolifexists",
        "null-instead-of-boolifexists",
      ]);
    }
    // The first denies all that the second is about.
    for (const other of [{ Action: ["s3:*", "ec2:Run*"] }, { Resource: "arn:aws:s3:::a" }])
      expect(errors(bool, { ...none, ...other })).toEqual(["bool-instead-of-boolifexists"]);
    // The second denies all that the first is about, but not only for some addresses.
    expect(errors(bool, { ...none, Condition: isNull })).toEqual(["null-instead-of-boolifexists"]);
  });

  test("an exemption that another statement narrows: the narrower one is at fault", () => {
    const find2 = (...lists: readonly (readonly string[])[]) =>
      find(
        JSON.stringify({
          Version: "2012-10-17",
          Statement: lists.map((more) => ({
            ...base,
            Sid: undefined,
            NotAction: [...[base?.NotAction ?? []].flat(), ...more],
          })),
        }),
      ).flatMap(({ rule, level, path }) => (level === "error" ? `${rule} ${path.join(".")}` : []));
    expect(find2(["iam:*", "s3:*"], ["iam:Tag*"])).toEqual(["wildcard-exemption Statement.1.NotAction.7"]);
    expect(find2(["iam:*"], ["s3:*"])).toEqual([]);
    expect(find2(["s3:*"], ["s3:Get*", "S3:*"])).toEqual([
      "wildcard-exemption Statement.0.NotAction.7",
      "wildcard-exemption Statement.1.NotAction.7",
      "wildcard-exemption Statement.1.NotAction.8",
    ]);
  });

  test("gaps in a Deny that does not test MFA", () => {
    const part = '"Resource": "arn:aws:s3:::*", "Condition": {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}';
    expect(idsOf(find(policyOf(part)))).toEqual([]);
  });

  test("conditions with an unknown operator, apart from the operator", () => {
    const part = '"Condition": {"Whenever": {"aws:MultiFactorAuthPresent": "false"}}';
    expect(idsOf(find(policyOf(part))).sort()).toEqual([...fine, "unknown-operator"].sort());
  });

  test("nothing wrong because of another problem", () => {
    const part =
      '"Action": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}, "NumericGreaterThan": {"aws:MultiFactorAuthAge": "1"}}';
    // As long as the statement denies nothing, it locks no user out.
    expect(idsOf(find(policyOf(part))).sort()).toEqual(["age-never-counts", "bool-instead-of-boolifexists"]);
  });

  test("fewer exemptions in a Deny of old codes, because users with a code are enrolled", () => {
    const old = { NumericGreaterThan: { "aws:MultiFactorAuthAge": "3600" } };
    const second = { ...base, Sid: "Old", NotAction: "sts:GetSessionToken", Condition: old };
    const found = idsOf(find(JSON.stringify({ Version: "2012-10-17", Statement: [base, second] })));
    expect(found).not.toContain("missing-exemption");
    expect(found).not.toContain("age-without-ifexists");
    expect(found.filter((id) => id === "missing-password-exemption")).toHaveLength(1);
    const both = { ...second, Condition: { ...old, Bool: { "aws:MultiFactorAuthPresent": "true" } } };
    expect(idsOf(find(JSON.stringify({ Version: "2012-10-17", Statement: [base, both] })))).toEqual(found);
  });
});

describe("the age of the code", () => {
  const age = "aws:MultiFactorAuthAge";
  const aged = (Condition: object, Effect = "Deny"): Finding[] => {
    const whole = { ...base, Condition };
    const allow = { Effect, Action: "s3:*", Resource: "*", Condition };
    const Statement = [base, Effect === "Deny" ? { ...whole, Sid: "Old" } : allow];
    return find(JSON.stringify({ Version: "2012-10-17", Statement })).filter(({ rule }) => rule.startsWith("age-"));
  };
  test.each([
    ["12", "age-unusable", "12 is 12 s", 'write "43200" for 12 h'],
    ["30", "age-unusable", "30 is 30 s", 'write "108000" for 30 h or "1800" for 30 min'],
    ["0.5", "age-unusable", "0.5 is 0 s", 'write "900" (15 min, the shortest session in AWS) or more'],
    [
      "60",
      "age-too-short",
      "60 is 1 min",
      'if you meant 60 min, write "3600" for 1 h; ignore this if you want such a short limit',
    ],
    [
      "300",
      "age-too-short",
      "300 is 5 min",
      'if you meant 300 min, write "18000" for 5 h; ignore this if you want such a short limit',
    ],
    [
      "129600",
      "age-never-reached",
      "129600 is 36 h",
      'remove the limit, or write a lower one, such as "43200" for 12 h',
    ],
    ["43200000", "age-never-reached", "43200000 is 12000 h", 'write "43200" for 12 h'],
  ])("of %s is a finding: %s", (text, rule, has, fix) => {
    const both = [
      ...aged({ NumericGreaterThanIfExists: { [age]: text } }),
      ...aged({ NumericLessThanEquals: { [age]: text } }, "Allow"),
    ];
    expect(both.map((finding) => [finding.rule, finding.fix])).toEqual([
      [rule, fix],
      [rule, fix],
    ]);
    for (const { message } of both) expect(message).toContain(`aws:MultiFactorAuthAge is in seconds: ${has}`);
  });

  test("a patch only lowers a limit", () => {
    for (const text of ["12", "60", "129600"]) {
      expect(aged({ NumericGreaterThan: { [age]: text } })[0]).not.toHaveProperty("patch");
    }
    const [finding] = aged({ NumericGreaterThan: { [age]: 43_200_000 } });
    const path = "/Statement/1/Condition/NumericGreaterThan/aws:MultiFactorAuthAge";
    expect(finding?.patch).toEqual([{ op: "replace", path, value: "43200" }]);
  });

  test("counts where it limits: the lowest of a Deny, the highest of an Allow", () => {
    for (const text of ["900", "43200", "86400", "129599"]) {
      expect(aged({ NumericGreaterThan: { [age]: text } })).toEqual([]);
      expect(aged({ NumericLessThan: { [age]: [text, "12"] } }, "Allow")).toEqual([]);
      expect(aged({ NumericGreaterThan: { [age]: [text, "43200000"] } })).toEqual([]);
    }
    expect(aged({ NumericGreaterThan: { [age]: ["3600", "12"] } })).toMatchObject([
      { rule: "age-unusable", path: ["Statement", 1, "Condition", "NumericGreaterThan", age, 1] },
    ]);
    // Not a limit.
    expect(aged({ NumericGreaterThan: { [age]: "12" } }, "Allow")).toEqual([]);
  });
});

test("actions of other services have no error: a list ages, and most services have none", () => {
  const names = ["s3:GetObjct", "s3:Gt*", "ec2:RunInstnces", "kms:reencrypt*", "S3:getobject", "lambda:Invok", "ec2:*"];
  const statement = { Effect: "Allow", Action: names, Resource: "*" };
  const found = find(JSON.stringify({ Version: "2012-10-17", Statement: [statement] }));
  expect(found.map(({ rule, level, path }) => [rule, level, path.at(-1)])).toEqual([
    ["unknown-action", "warning", 0],
    ["unknown-action", "warning", 1],
    ["unknown-action", "warning", 2],
  ]);
});

test("the evaluator and the linter share one parsed document", () => {
  const policy = parsePolicy(read("policies/enforce-mfa-policy.json"));
  expect(statementsOf(policy)).toBe(parseDocument(policy).statements);
  const wrong = { Version: "2012-10-17", Statement: [{ Effect: "Deny", Action: "s3:*" }, 1] };
  expect(parseDocument(wrong)).toMatchObject({
    statements: [{ path: ["Statement", 0], effect: "Deny", actions: [{ text: "s3:*" }], resourceElement: undefined }],
    problems: [{ path: ["Statement", 0, "Resource"] }, { path: ["Statement", 1] }],
  });
  expect(() => statementsOf(wrong as never)).toThrow("Statement[0]: Resource: is missing or empty");
});

test("findings have their places, even in a malformed policy, and are in the order of the file", () => {
  const text = `{
  "Statement": [
    { "Effect": "Permit", "Action": "s3:*", "Resource": "*" },
    {
      "Effect": "Deny", "NotAction": ["iam:GetUser",
        "iam:DeactivateMFADevice"], "Resource": "*",
      "Condition": { "Bool": { "aws:MultiFactorAuthPresent": "false" } }
    }
  ]
}`;
  const findings = find(text);
  expect(
    findings.filter(({ rule }) => !["missing-exemption", "missing-useful-exemption"].includes(rule)),
  ).toMatchObject([
    { rule: "old-version", line: 1, column: 1, path: [] },
    { rule: "malformed", line: 3, column: 7, path: ["Statement", 0, "Effect"] },
    { rule: "missing-session-exemption", line: 5, column: 25 },
    { rule: "missing-password-exemption", line: 5, column: 25 },
    { rule: "missing-details-exemption", line: 5, column: 25 },
    { rule: "dangerous-exemption", line: 6, column: 9, path: ["Statement", 1, "NotAction", 1] },
    { rule: "bool-instead-of-boolifexists", line: 7, column: 32 },
  ]);
});

test("checks the size without white space: the limit for users and groups if the policy enforces MFA, else that for roles", () => {
  const sized = (size: number, more: object): string => {
    const text = (length: number): string => JSON.stringify({ Version: "2012-10-17", Id: "x".repeat(length), ...more });
    return text(size - text(0).length).replaceAll(",", `,${" ".repeat(100)}\n`);
  };
  const enforcing = { Statement: base };
  const other = { Statement: { Effect: "Allow", Action: "s3:*", Resource: "*" } };
  const sizes = (text: string) => idsOf(find(text)).filter((id) => id.startsWith("too-large"));
  expect(sizes(sized(2_048, other))).toEqual([]);
  expect(sizes(sized(2_049, other))).toEqual(["too-large-for-inline"]);
  expect(sizes(sized(6_144, enforcing))).toEqual(["too-large-for-inline"]);
  expect(sizes(sized(6_145, enforcing))).toEqual(["too-large"]);
  expect(sizes(sized(6_145, other))).toEqual(["too-large-for-managed"]);
  expect(sizes(sized(10_240, other))).toEqual(["too-large-for-managed"]);
  expect(sizes(sized(10_241, other))).toEqual(["too-large"]);
});

test("checks partition and enforcement options", () => {
  const policy = read("policies/self-manage-mfa-policy.json");
  expect(idsOf(find(policy, { partition: "aws" }))).toEqual([]);
  const findings = find(policy, { partition: "aws-us-gov" });
  expect(new Set(idsOf(findings))).toEqual(new Set(["wrong-partition"]));
  expect(findings[0]?.fix).toBe('write "arn:aws-us-gov:iam::*:mfa/*"');
  expect(idsOf(find(policy, { as: "enforcement" }))).toEqual(["no-enforcement"]);
  expect(idsOf(find(policyOf(""), { as: "enforcement" }))).toEqual(idsOf(find(policyOf(""))));
});

test("an unknown operator of an Allow that requires MFA has one finding", () => {
  const part =
    '"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"BoolIfExist": {"aws:MultiFactorAuthPresent": true}}';
  const findings = find(policyOf(part));
  expect(idsOf(findings)).toEqual(["unknown-operator"]);
  const fixed = applyPatch(JSON.parse(policyOf(part)), findings[0]?.patch ?? []);
  expect(fixed).toMatchObject({ Statement: [{ Condition: { Bool: { "aws:MultiFactorAuthPresent": true } } }] });
});

describe("policies that apply to roles", () => {
  const statement = (Effect: string, Condition: object) => ({ Effect, Action: "s3:*", Resource: "*", Condition });
  const ofRole = (Statement: object) =>
    find(JSON.stringify({ Version: "2012-10-17", Statement }), { as: "role" }).map(({ message }) => message);
  const present = "aws:MultiFactorAuthPresent";

  test.each([
    ["Deny", { BoolIfExists: { [present]: "false" } }, "this always denies them"],
    ["Deny", { Null: { [present]: "true" } }, "this always denies them"],
    ["Deny", { Bool: { [present]: "false" } }, "this never denies anything"],
    ["Allow", { Bool: { [present]: "true" } }, "this never allows anything"],
    ["Allow", { BoolIfExists: { [present]: "true" } }, "this condition is always met and requires nothing"],
  ])("of a role: %s %j", (effect, condition, outcome) => {
    expect(ofRole(statement(effect, condition))).toEqual([
      `requests made with roles do not have "${present}", so ${outcome}`,
    ]);
  });

  test.each([
    ["Bool", "remove the statement; require MFA"],
    ["BoolIfExists", "remove the condition, which changes nothing, or the statement; require MFA"],
  ])("the fix of a role's Allow with %s allows no more", (operator, fix) => {
    const Statement = statement("Allow", { [operator]: { [present]: "true" } });
    const [found] = find(JSON.stringify({ Version: "2012-10-17", Statement }), { as: "role" });
    expect(found?.fix).toMatch(new RegExp(`^${fix}`));
  });

  test("of a role: an age limit, and nothing about MFA", () => {
    const age = { NumericGreaterThanIfExists: { "aws:MultiFactorAuthAge": "3600" } };
    expect(ofRole(statement("Deny", age))).toEqual([
      'requests made with roles do not have "aws:MultiFactorAuthAge", so this always denies them',
    ]);
    expect(ofRole(statement("Deny", { Bool: { "aws:SecureTransport": "false" } }))).toEqual([]);
    const ofUsers = { BoolIfExists: { [present]: "false" }, StringEquals: { "aws:PrincipalType": "User" } };
    expect(ofRole(statement("Deny", ofUsers))).toEqual([]);
    // Nothing about enrollment: a role has no devices.
    expect(ofRole({ ...base })).toHaveLength(1);
  });

  const scp = (condition: object) =>
    find(JSON.stringify({ Version: "2012-10-17", Statement: [{ ...base, Condition: condition }] }), { as: "scp" });
  const without = { BoolIfExists: { [present]: "false" } };
  const users = { "aws:PrincipalArn": "arn:*:iam::*:user/*" };

  test.each([
    { ArnLike: users },
    { StringLike: { "aws:PrincipalArn": "arn:aws:iam::*:user/*" } },
    { ArnNotLike: { "aws:PrincipalArn": "arn:aws-cn:iam::*:role/*" } },
    { StringEquals: { "aws:PrincipalType": "User" } },
    { StringNotEquals: { "aws:PrincipalType": ["AssumedRole", "FederatedUser"] } },
    { Null: { "aws:username": "false" } },
  ])("a service control policy that leaves out roles: %j", (limit) => {
    const errors = scp({ ...without, ...limit }).filter(({ rule }) => !rule.startsWith("missing-"));
    expect(idsOf(errors)).toEqual([]);
  });

  test.each([
    { ArnNotLike: { "aws:PrincipalArn": "arn:aws:iam::*:role/admin" } },
    { ArnLike: { "aws:PrincipalArn": ["arn:aws:iam::*:user/*", "arn:aws:iam::*:role/*"] } },
    { StringNotEquals: { "aws:PrincipalTag/team": "ops" } },
    { Bool: { "aws:ViaAWSService": "false" } },
  ])("a service control policy that does not leave out all roles: %j", (limit) => {
    expect(idsOf(scp({ ...without, ...limit }))).toContain("roles-without-mfa");
  });

  test("the fixes of a service control policy leave out roles", () => {
    const right = { ...without, ArnLike: users };
    const conditions = [without, { Bool: { [present]: "false" } }, { Bool: { [present]: "true" } }];
    for (const condition of conditions) {
      const before = { Version: "2012-10-17", Statement: [{ ...base, Condition: condition }] };
      const [found] = find(JSON.stringify(before), { as: "scp" }).filter(({ level }) => level === "error");
      expect(found?.fix).toContain('"ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:user/*"}');
      expect(applyPatch(before, found?.patch ?? [])).toMatchObject({ Statement: [{ Condition: right }] });
    }
  });
});

describe("hostile files up to the size limit", () => {
  const many = (count: number, item: (index: number) => unknown) =>
    Array.from({ length: count }, (_, index) => item(index));
  const statements = (list: unknown) => JSON.stringify({ Version: "2012-10-17", Statement: list });
  const hostile: [string, string, string[]][] = [
    ["40,000 invalid statements", statements(many(40_000, () => 1)), ["too-large", "malformed"]],
    [
      "4,000 keys of one operator",
      statements({
        ...base,
        Condition: { Bool: Object.fromEntries(many(4_000, (i) => [`aws:X${i}`, "x"]) as [string, string][]) },
      }),
      ["too-large", "wrong-value"],
    ],
    [
      "8,000 unknown operators",
      statements({ ...base, Condition: Object.fromEntries(many(8_000, (i) => [`B${i}`, 1]) as [string, number][]) }),
      ["too-large", "unknown-operator"],
    ],
    [
      "long names",
      statements({
        ...base,
        ["x".repeat(20_000)]: 1,
        NotAction: `iam:${"x".repeat(20_000)}`,
        Condition: { [`Bool${"x".repeat(20_000)}`]: { [`aws:${"x".repeat(20_000)}`]: "x" } },
      }),
      ["too-large", "unknown-element", "unknown-operator"],
    ],
    [
      "700 statements with different problems",
      statements(
        many(700, (i) => ({
          Effect: "Deny",
          NotAction: [`iam:GetUsr${i}`],
          Resource: "*",
          Condition: { [`Bool${i}`]: { [`aws:SourceIp${i}`]: "false" } },
        })),
      ),
      ["unknown-operator", "misspelled-condition-key"],
    ],
    [
      "2,800 misspelled actions",
      statements({ ...base, NotAction: many(2_800, (i) => `iam:CreateVirtualDevices${i}`) }),
      ["missing-exemption"],
    ],
    ["8,000 patterns", statements({ ...base, NotAction: many(8_000, (i) => `*:*${i}`) }), ["wildcard-exemption"]],
    [
      "6,000 patterns of IAM",
      statements({ ...base, NotAction: many(6_000, (i) => `iam:*e*${i}`) }),
      ["wildcard-matches-nothing"],
    ],
    ["1,000 times everything", statements({ ...base, NotAction: many(1_000, () => "*") }), ["dangerous-exemption"]],
    [
      "400 exemptions, one of them dangerous",
      statements({ ...base, NotAction: [...many(400, (i) => `a${i}:B`), "iam:CreateAccessKey"] }),
      ["dangerous-exemption"],
    ],
    ["24,000 times everything", statements({ ...base, NotAction: many(24_000, () => "*") }), ["dangerous-exemption"]],
    [
      "90,000 stars",
      statements({
        ...base,
        NotAction: `iam:${"*".repeat(45_000)}`,
        Resource: `arn:aws:iam::*:user/\${aws:username}${"*".repeat(45_000)}`,
      }),
      ["dangerous-exemption"],
    ],
    ["90,000 braces", statements({ ...base, Resource: `arn:aws:s3:::${"${".repeat(45_000)}}` }), ["narrow-resource"]],
    [
      "a wildcard of 90 kB",
      statements({ ...base, NotAction: `iam:${"*a".repeat(45_000)}` }),
      ["wildcard-matches-nothing"],
    ],
    [
      "2,000 actions on 1,000 resources",
      statements({
        Effect: "Allow",
        Action: many(2_000, () => "iam:GetUser"),
        Resource: many(1_000, (i) => `arn:aws:iam::*:mfa/\${aws:username}${i}`),
      }),
      ["wrong-resource"],
    ],
    [
      "400 statements that deny parts of what two exempt",
      statements([
        { ...base, NotAction: many(150, (i) => `s3:A${i}*`) },
        { ...base, NotAction: many(150, (i) => `s3:B${i}*`), Resource: many(1_000, (i) => `arn:aws:s3:::${i}`) },
        ...many(400, (i) => ({
          ...{ Effect: "Deny", Action: `s3:*${i}`, NotResource: `arn:aws:s3:::${i}*` },
          Condition: { Null: { "aws:MultiFactorAuthPresent": "true" } },
        })),
      ]),
      ["too-large", "wildcard-exemption"],
    ],
    [
      "values of the wrong type",
      statements([
        null,
        1,
        "x",
        [],
        {
          Effect: {},
          Action: [[1], {}, null, true],
          Resource: 5,
          Condition: { Bool: [1], Null: { "aws:MultiFactorAuthPresent": [{}, null] } },
        },
      ]),
      ["malformed"],
    ],
    ["no policy", "[]", ["malformed"]],
    ["null", "null", ["malformed"]],
  ];
  test.each(someOf(hostile, 2))("checks %s quickly", (_, text, some) => {
    expect(text.length).toBeLessThanOrEqual(100_000);
    // What takes more than linear time does not end before the test does.
    const findings = find(text);
    expect([...new Set(idsOf(findings))]).toEqual(expect.arrayContaining(some));
    for (const { message, fix } of findings) expect(Math.max(message.length, fix.length)).toBeLessThan(1_500);
  });
});
