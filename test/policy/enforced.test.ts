// Tests the verdict on enforcement for policies as people write them. It comes from the documents, so it also covers
// actions that the table does not show.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findOpenings, isEnforced } from "../../src/policy/enforced.ts";
import { enforceMfaPolicy, listExemptions } from "../../src/policy/enforcement.ts";
import { evaluate, type PolicyDocument } from "../../src/policy/engine/evaluate.ts";
import { makeExampleUser } from "../../src/policy/engine/subject.ts";
import { listAuthMethods, prove } from "../../src/policy/proof.ts";
import { judgeProof, judgeRequirement } from "../../src/policy/verdicts.ts";

const user = makeExampleUser([]);
const without = { BoolIfExists: { "aws:MultiFactorAuthPresent": "false" } };
const needed = listExemptions().map(({ action }) => action);
const everything = policy({ Effect: "Allow", Action: "*", Resource: "*" });
const deny = { Effect: "Deny", Resource: "*", Condition: without };
const enforce = { ...deny, NotAction: needed };

function policy(...statements: readonly object[]): PolicyDocument {
  return { Version: "2012-10-17", Statement: statements as PolicyDocument["Statement"] };
}

const proofOf = (...statements: readonly object[]) =>
  prove([everything, policy(...statements)], {}, { user: user.arn, context: user.context, isExample: true });
const verdicts = (...statements: readonly object[]): string[] =>
  judgeProof(proofOf(...statements)).map(({ text }) => text);
const verdict = (...statements: readonly object[]): string | undefined => verdicts(...statements)[0];
const exempting = (...actions: readonly string[]) => ({ ...deny, NotAction: [...needed, ...actions] });

const enforced = "MFA is enforced: without it, everything is denied except what users need to set it up";
const unneeded = "MFA is NOT enforced: these are exempt, but users do not need them to set up MFA:";
const keysGetThrough = "MFA is NOT enforced for access keys: nothing is denied";

describe("MFA is enforced", () => {
  const iamOnly = { ...deny, NotAction: "iam:*" };
  test.each<[string, readonly object[]]>([
    ["by fob's policy", [enforce]],
    ["if a typo exempts nothing", [exempting("iam:ListMFADevice", "iam:EnableMFADevce")]],
    ["by two statements that exempt different things", [exempting("s3:*", "kms:*"), exempting("ec2:*")]],
    [
      "if another statement denies what one exempts",
      [exempting("s3:Get*", "kms:*"), { ...deny, Action: ["s3:*", "kms:*"] }],
    ],
    [
      "by statements for both kinds of resources",
      [
        { ...enforce, Resource: "arn:aws:s3:::*" },
        { ...enforce, Resource: undefined, NotResource: "arn:aws:s3:::*" },
      ],
    ],
    ["if a second statement narrows a pattern", [iamOnly, { ...deny, NotAction: ["iam:*MFADevices", "iam:GetUser"] }]],
    ["by *:*", [{ ...deny, Action: "*:*" }]],
    ...[
      { ArnLike: { "aws:PrincipalArn": "arn:*:iam::*:user/*" } },
      { StringLike: { "aws:PrincipalArn": ["arn:aws:iam::*:user/*", "arn:aws:iam::*:role/*"] } },
      { ArnNotLike: { "aws:PrincipalArn": ["arn:aws:iam::*:role/*", "arn:aws:sts::*:assumed-role/*"] } },
      { StringLike: { "aws:username": "*" } },
      { Null: { "aws:username": "false" } },
    ].map((more): [string, readonly object[]] => [
      `with a condition that every user meets: ${JSON.stringify(more)}`,
      [{ ...enforce, Condition: { ...without, ...more } }],
    ]),
  ])("%s", (_, statements) => {
    expect(verdict(...statements)).toBe(enforced);
    expect(judgeRequirement(proofOf(...statements), "enforced").holds).toBe(true);
  });

  test.each([
    { ArnLike: { "aws:PrincipalArn": "arn:aws:iam::*:user/eng/*" } },
    { ArnLike: { "aws:PrincipalArn": "arn:aws:iam::123456789012:user/a*" } },
    { ArnNotLike: { "aws:PrincipalArn": ["arn:aws:iam::*:role/*", "arn:aws:iam::*:user/bob"] } },
    { StringNotLike: { "aws:PrincipalArn": "*:role/*" } },
    { StringLike: { "aws:username": "a*" } },
    { StringNotLike: { "aws:username": "*-ci" } },
  ])("but not for every user with a condition that some may not meet: %j", (more) => {
    const proof = proofOf({ ...enforce, Condition: { ...without, ...more } });
    expect(judgeRequirement(proof, "enforced").holds).toBe(false);
  });

  test("with a note about what does no harm", () => {
    const [first, ...more] = verdicts(
      exempting("iam:DeleteVirtualMFADevice", "iam:ListUsers", "iam:GetAccountSummary"),
    );
    expect(first).toBe(enforced);
    expect(more.slice(0, 2)).toEqual([
      "iam:DeleteVirtualMFADevice works without MFA: AWS advises against it, but it deletes only devices that are not enabled",
      "these are exempt and not needed to set up MFA, but harmless: iam:GetAccountSummary, iam:ListUsers",
    ]);
  });
});

describe("MFA is NOT enforced", () => {
  test.each<[string, readonly object[], string]>([
    [
      "if NotResource leaves resources out",
      [{ ...enforce, Resource: undefined, NotResource: "arn:aws:s3:::*" }],
      "MFA is NOT enforced: every action works without MFA on arn:aws:s3:::*",
    ],
    [
      "if services are exempt",
      [exempting("secretsmanager:*", "kms:*", "organizations:*")],
      `${unneeded} secretsmanager:*, kms:*, organizations:*`,
    ],
    [
      "if an action of any service is exempt",
      [exempting("ec2:DescribeInstances", "*:Get*")],
      `${unneeded} ec2:DescribeInstances, *:Get*`,
    ],
    ["if more can be read than one's own user", [exempting("iam:Get*")], `${unneeded} iam:Get*`],
    ["if fob does not know an action", [exempting("iam:LaunchRocket")], `${unneeded} iam:LaunchRocket`],
    [
      "if a bare key becomes administrator",
      [exempting("iam:CreatePolicyVersion", "iam:PassRole", "iam:PutGroupPolicy", "iam:*LoginProfile")],
      "MFA is NOT enforced: dangerous actions are exempt: iam:CreatePolicyVersion and iam:PutGroupPolicy (changes permissions, including this policy), iam:PassRole (passes roles to services, which then act without MFA), iam:CreateLoginProfile and iam:UpdateLoginProfile (sets the console password of a user), iam:DeleteLoginProfile (removes the console password of a user); these are exempt, but users do not need them to set up MFA: iam:*LoginProfile",
    ],
    [
      "by a lone Bool",
      [{ ...deny, Action: "*", Condition: { Bool: { "aws:MultiFactorAuthPresent": "false" } } }],
      keysGetThrough,
    ],
    [
      "by a lone Null",
      [{ ...deny, Action: "*", Condition: { Null: { "aws:MultiFactorAuthPresent": "true" } } }],
      "MFA is NOT enforced for sign-ins and sessions without MFA: nothing is denied",
    ],
    ["for EC2 only", [{ ...deny, Action: "ec2:*" }], "MFA is NOT enforced: only this is denied: ec2:*"],
    [
      "for buckets only",
      [{ ...enforce, Resource: ["arn:aws:s3:::a", "arn:aws:s3:::b"], NotAction: "s3:ListBucket" }],
      "MFA is NOT enforced: only this is denied: everything except s3:ListBucket on arn:aws:s3:::a and arn:aws:s3:::b",
    ],
    ["if nothing is denied", [], "MFA is NOT enforced: nothing is denied"],
  ])("%s", (_, statements, text) =>
    expect(
      verdict(...(statements.length > 0 ? statements : [{ Effect: "Allow", Action: "s3:*", Resource: "*" }])),
    ).toBe(text),
  );

  test("if it depends on a key that requests need not have", () => {
    const condition = { ...without, NotIpAddress: { "aws:SourceIp": "203.0.113.0/24" } };
    expect(verdict({ ...enforce, Condition: condition })).toBe(
      "MFA is NOT always enforced: the result depends on aws:SourceIp, which these requests do not set (--context KEY=VALUE)",
    );
    expect(verdict({ ...enforce, Condition: condition }, enforce)).toBe(enforced);
  });

  test("names what is exempt in any case, too, if it depends on a key", () => {
    const depends = (key: string): string =>
      `MFA is NOT enforced: the result depends on ${key}, which these requests do not set (--context KEY=VALUE); in any case, `;
    const tag = { ...without, StringNotEquals: { "aws:PrincipalTag/mfa": "exempt" } };
    expect(verdict({ ...exempting("s3:*"), Condition: tag })).toBe(
      `${depends("aws:PrincipalTag/mfa")}these are exempt, but users do not need them to set up MFA: s3:*`,
    );
    const office = { ...without, NotIpAddress: { "aws:SourceIp": "203.0.113.0/24" } };
    expect(verdict({ ...exempting("iam:CreateUser"), Condition: office })).toMatch(
      `${depends("aws:SourceIp")}dangerous actions are exempt: iam:CreateUser`,
    );
    expect(verdict({ ...deny, Action: "s3:*", Condition: office })).toBe(
      "MFA is NOT enforced: nothing is certainly denied; more depends on aws:SourceIp, which these requests do not set (--context KEY=VALUE)",
    );
    expect(verdict({ ...enforce, Condition: { ...office, Bool: { "aws:MultiFactorAuthPresent": "false" } } })).toBe(
      "MFA is NOT enforced: with an access key, nothing is denied; signed in without MFA, the result depends on aws:SourceIp, which these requests do not set (--context KEY=VALUE)",
    );
  });
});

test("what is called enforced is denied, whatever the statements", { timeout: 60_000 }, () => {
  const actions = [
    "*",
    "iam:*",
    "iam:Get*",
    "iam:GetUser",
    "s3:*",
    "s3:Get*",
    "*:Get*",
    "s3:?etObject",
    "iam:*MFADevice",
  ];
  const resources = [
    "*",
    "arn:aws:s3:::*",
    "arn:aws:s3:::a",
    `arn:aws:iam::*:user/\${aws:username}`,
    `arn:aws:iam::*:user/\${aws:PrincipalTag/x}`,
  ];
  const conditions = [
    without,
    { Bool: { "aws:MultiFactorAuthPresent": "false" } },
    { Null: { "aws:MultiFactorAuthPresent": "true" } },
    { ...without, StringEquals: { "aws:SourceVpc": "vpc-1" } },
  ];
  const some = (from: readonly string[]) => fc.subarray([...from], { minLength: 1, maxLength: 3 });
  const statement = fc
    .tuple(fc.boolean(), fc.boolean(), some([...actions, ...needed]), some(resources), fc.constantFrom(...conditions))
    .map(([isNot, isNotResource, names, on, Condition]) => ({
      Effect: "Deny",
      [isNot ? "NotAction" : "Action"]: names,
      [isNotResource ? "NotResource" : "Resource"]: on,
      Condition,
    }));
  const requests = [
    ...[
      "iam:CreateUser",
      "iam:GetRole",
      "iam:DeactivateMFADevice",
      "s3:GetObject",
      "s3:PutObject",
      "ec2:GetX",
      "ec2:Run",
    ],
  ].flatMap((action) => ["*", "arn:aws:s3:::a", "arn:aws:s3:::b", user.arn].map((resource) => ({ action, resource })));
  const ways = listAuthMethods([]).filter(({ hasMfa }) => !hasMfa);
  let found = 0;
  fc.assert(
    fc.property(fc.array(statement, { minLength: 1, maxLength: 4 }), (statements) => {
      const policies = [everything, policy(...statements)];
      if (!findOpenings(policies, undefined, ways, user.context).every(isEnforced)) return;
      found++;
      for (const { context } of ways)
        for (const request of requests)
          expect(evaluate(policies, { ...request, context: { ...user.context, ...context } }).decision).toBe(
            "explicitDeny",
          );
    }),
    { numRuns: 1500 },
  );
  expect(found).toBeGreaterThan(20);
});

test("takes at most a few seconds for many statements", () => {
  const statements = Array.from({ length: 300 }, (_, index) => ({
    ...deny,
    ...(index % 2 === 0
      ? { Action: [`s3:A${index}*`, `ec2:*${index}`] }
      : { NotAction: [`s3:*${index}`, `s3:${index}*`] }),
    Resource: `arn:aws:s3:::${index}*`,
  }));
  const before = process.cpuUsage();
  expect(verdict(...statements)).toMatch(/^MFA is NOT enforced: only this is denied: /);
  // What other programs do on a busy machine does not count.
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1e6).toBeLessThan(6);
});

test("fob's own policies", () => {
  for (const options of [{}, { passwordChange: false }, { viaAwsService: true, maxAgeSeconds: 3600 }]) {
    const context = { ...user.context, "aws:ViaAWSService": "false" };
    const proof = prove([enforceMfaPolicy(options)], {}, { user: user.arn, context });
    expect(judgeProof(proof)[0]?.text).toBe(enforced);
  }
});

test("the policy to attach is of the user's partition", () => {
  const china = "arn:aws-cn:iam::123456789012:user/alice";
  const proof = prove([policy(enforce)], {}, { user: china, context: { "aws:username": "alice" } });
  const texts = judgeProof(proof).map(({ text }) => text);
  expect(texts.join("\n")).toContain("(fob policy show --self-manage --partition aws-cn)");
});
