// What the proof says of policies that are nearly right.
import { describe, expect, test } from "vitest";
import { enforceMfaPolicy, selfManagePolicy } from "../../src/policy/enforcement.ts";
import { type PolicyDocument, UNKNOWN } from "../../src/policy/engine/evaluate.ts";
import { makeExampleUser, mergeContexts, parseUserArn } from "../../src/policy/engine/subject.ts";
import { findAgeLimits, judgeProof, listAuthMethods, prove } from "../../src/policy/proof.ts";

const allowAll = { Effect: "Allow", Action: "*", Resource: "*" } as const;
const everything = policy(allowAll);
const mfaFalse = { BoolIfExists: { "aws:MultiFactorAuthPresent": "false" } };
const deny = { ...allowAll, Effect: "Deny" } as const;

function policy(...statements: readonly object[]): PolicyDocument {
  return { Version: "2012-10-17", Statement: statements as PolicyDocument["Statement"] };
}

/** The verdicts on policies, each with + or !. */
function verdicts(policies: readonly PolicyDocument[], boundary?: PolicyDocument): string[] {
  const user = makeExampleUser(policies);
  const context = mergeContexts(user.context, { "aws:ViaAWSService": "false" });
  const proof = prove(policies, { boundary }, { user: user.arn, context });
  return judgeProof(proof).map(({ isGood, text }) => `${isGood ? "+" : "!"} ${text}`);
}

describe("whether MFA is enforced", () => {
  const enforced = "+ MFA is enforced: without it everything is denied but what is exempt";
  const firstOf = (statements: readonly object[], boundary?: PolicyDocument) =>
    verdicts([everything, policy(...statements)], boundary)[0];

  test("it is, also in two statements, and where services may call in the user's name", () => {
    expect(verdicts([everything, enforceMfaPolicy()])[0]).toBe(enforced);
    expect(verdicts([everything, enforceMfaPolicy({ viaAwsService: true, maxAgeSeconds: 3600 })])[0]).toBe(enforced);
    const present = { ...deny, Condition: { Bool: { "aws:MultiFactorAuthPresent": "false" } } };
    const absent = { ...deny, Condition: { Null: { "aws:MultiFactorAuthPresent": "true" } } };
    expect(firstOf([present, absent])).toBe(enforced);
  });

  test.each<[string, readonly object[], RegExp]>([
    [
      "another condition lets callers slip through",
      [{ ...deny, Condition: { ...mfaFalse, NotIpAddress: { "aws:SourceIp": "203.0.113.0/24" } } }],
      /^! MFA is NOT always enforced: it hangs on aws:SourceIp, of which these requests say nothing \(--context KEY=VALUE\)$/,
    ],
    ["it denies always", [deny], /^! these actions are denied with MFA as without it: nobody can work$/],
    [
      "it denies a list of actions",
      [{ ...deny, Action: ["iam:*", "s3:ListAllMyBuckets", "ec2:*", "sts:*"], Condition: mfaFalse }],
      /^! MFA is NOT enforced for every action: those above are denied without it, others are not$/,
    ],
    [
      "a dangerous action is exempt",
      [{ Effect: "Deny", NotAction: ["iam:CreateAccessKey"], Resource: "*", Condition: mfaFalse }],
      /^! MFA is NOT enforced: everyday and dangerous actions are not denied with an access key: iam:CreateAccessKey; signed in without MFA: iam:CreateAccessKey$/,
    ],
  ])("it is not: %s", (_, statements, verdict) => expect(firstOf(statements)).toMatch(verdict));

  test("an Allow that asks for MFA denies nothing", () => {
    const allow = policy({ ...allowAll, Condition: { Bool: { "aws:MultiFactorAuthPresent": "true" } } });
    expect(verdicts([allow])[0]).toBe(
      "! MFA is NOT enforced: nothing is denied without it, only not allowed by these policies; another may allow it",
    );
  });

  test("what is denied is not said to be only not allowed", () => {
    const hole = policy({ Effect: "Deny", NotAction: ["iam:DeactivateMFADevice"], Resource: "*", Condition: mfaFalse });
    const power = policy({ Effect: "Allow", NotAction: "iam:*", Resource: "*" });
    expect(verdicts([power, hole])[0]).toBe(
      "! MFA is NOT enforced: everyday and dangerous actions are not denied with an access key: iam:DeactivateMFADevice; signed in without MFA: iam:DeactivateMFADevice; these policies do not allow them, others may",
    );
  });

  test("a denial that says nothing of MFA, and hangs on another key", () => {
    const office = { ...deny, Condition: { NotIpAddress: { "aws:SourceIp": "203.0.113.0/24" } } };
    expect(verdicts([everything, enforceMfaPolicy(), policy(office)])[0]).toBe(
      "! these actions are denied with MFA as without it: it hangs on aws:SourceIp, of which these requests say nothing (--context KEY=VALUE)",
    );
  });

  test("what a boundary does not allow without MFA, no other policy allows", () => {
    const boundary = policy({ ...allowAll, Condition: { Bool: { "aws:MultiFactorAuthPresent": "true" } } });
    expect(verdicts([everything], boundary)[0]).toBe(enforced);
    expect(verdicts([everything], policy({ ...allowAll, Action: "s3:*" }))[4]).toBe(
      "! with MFA, these are denied all the same: ec2:DescribeInstances, sts:AssumeRole",
    );
  });
});

test("who can enrol, and change a password", () => {
  const [, console, key, password, work] = verdicts([enforceMfaPolicy(), selfManagePolicy()]);
  expect([console, key, password].map((verdict) => verdict?.[0])).toEqual(["+", "+", "+"]);
  expect(work).toMatch(
    /^\+ with MFA, these policies do not allow s3:ListAllMyBuckets, .*; the user's other policies may$/,
  );
  // With an access key alone: the console says that there is no MFA, a key says nothing.
  const onlyKeys = policy({ ...deny, Condition: { Bool: { "aws:MultiFactorAuthPresent": "false" } } });
  const byWay = verdicts([everything, onlyKeys]);
  expect(byWay[1]).toMatch(/^! a new user can NOT enrol in the console: not allowed are iam:CreateVirtualMFADevice, /);
  expect(byWay[2]).toBe("+ a new user can enrol with an access key");
  expect(verdicts([everything, enforceMfaPolicy({ passwordChange: false })])[3]).toMatch(/^! a first or an expired/);
});

describe("old sessions", () => {
  const aged = (operator: string, seconds: string, action = "*") =>
    policy({ ...deny, Action: action, Condition: { [operator]: { "aws:MultiFactorAuthAge": seconds } } });
  const last = (...policies: readonly PolicyDocument[]) => verdicts([everything, ...policies]).at(-1);

  test.each<[string, readonly PolicyDocument[], string]>([
    ["no limit", [], "+ no policy limits the age of a session, which AWS ends after 36 h at most"],
    ["12 h", [aged("NumericGreaterThan", "43200")], "+ an old session is denied until a new code is typed"],
    ["half a second", [aged("NumericGreaterThan", "0.5")], "+ an old session is denied until a new code is typed"],
    [
      "1 h for IAM, 12 h for all",
      [aged("NumericGreaterThan", "3600", "iam:*"), aged("NumericGreaterThan", "43200")],
      "+ an old session is denied until a new code is typed; ask about lower limits (1 h) with --action",
    ],
    [
      "some actions",
      [aged("NumericGreaterThan", "3600", "s3:*")],
      "! a session older than 1 h may still do this: ec2:DescribeInstances, sts:AssumeRole, iam:DeactivateMFADevice, iam:DeleteVirtualMFADevice, iam:CreateAccessKey, iam:CreateLoginProfile, iam:UpdateLoginProfile, iam:AttachUserPolicy, iam:PutUserPolicy, iam:AddUserToGroup, iam:RemoveUserFromGroup, iam:CreateUser",
    ],
    [
      "a week",
      [aged("NumericGreaterThan", "604800")],
      "! a limit of 168 h never counts: AWS ends sessions after 36 h at most",
    ],
  ])("%s", (_, policies, verdict) => expect(last(...policies)).toBe(verdict));

  test("the old session is a second older than the limit, so that what begins there is seen", () => {
    const [, , , , old] = listAuthMethods(findAgeLimits([aged("NumericGreaterThan", "43200")]));
    expect(old).toMatchObject({
      text: "in a session with MFA older than 12 h",
      context: { "aws:MultiFactorAuthAge": "43201" },
    });
  });

  test("an Allow with a limit, and one in the boundary", () => {
    const young = { ...allowAll, Condition: { NumericLessThan: { "aws:MultiFactorAuthAge": "3600" } } };
    expect(verdicts([policy(young)]).at(-1)).toBe(
      "+ an old session is not allowed by these policies; the user's other policies may allow it",
    );
    expect(verdicts([everything], policy(young)).at(-1)).toBe("+ an old session is denied until a new code is typed");
  });

  test("thousands of limits", () => {
    const many = Array.from({ length: 200_000 }, (_, index) => String(index + 1));
    expect(
      listAuthMethods(
        findAgeLimits([
          aged("NumericGreaterThan", "1"),
          policy({ ...deny, Condition: { NumericEquals: { "aws:MultiFactorAuthAge": many } } }),
        ]),
      ),
    ).toHaveLength(5);
  });
});

test("a user's ARN, with and without a path, and what is stated later comes first", () => {
  expect(parseUserArn("arn:aws-cn:iam::123456789012:user/a/b/li")?.context).toMatchObject({ "aws:username": "li" });
  for (const arn of [
    "alice",
    "arn:aws:iam::123456789012:role/x",
    "arn:aws:iam::1:user/x",
    "arn:aws:iam::123456789012:user/",
  ]) {
    expect(parseUserArn(arn)).toBeUndefined();
  }
  expect(mergeContexts({ "aws:username": "alice", other: "x" }, { "AWS:UserName": UNKNOWN })).toEqual({
    other: "x",
    "AWS:UserName": UNKNOWN,
  });
});
