// Policies with all kinds of mistakes, for property tests.
import fc from "fast-check";
import { PolicyError, parsePolicy } from "../../src/policy/engine/evaluate.ts";

export const variable = "$" + "{aws:username}";

export const actions = [
  ...["iam:ChangePassword", "iam:UpdateLoginProfile", "iam:CreateAccessKey", "iam:GetUser", "iam:EnableMFADevice"],
  ...["iam:DeactivateMFADevice", "iam:ListMFADevices", "iam:AttachUserPolicy", "iam:PutUserPolicy", "iam:TagUser"],
  ...["sts:AssumeRole", "iam:PassRole", "iam:UpdateAssumeRolePolicy", "iam:TagRole"],
];

const resource = fc.oneof(
  fc.constantFrom("*", "arn:aws:s3:::bucket/*", "arn:aws:iam:*:*:*", "arn:aws:iam", `arn:aws:iam::user/${variable}`),
  fc
    .tuple(
      fc.constantFrom("aws", "aws", "aws", "amazon", "aws-cn"),
      fc.constantFrom("*", "*", "123456789012", "1234-5678-9012", "12345", "", "ACCOUNT_ID"),
      fc.constantFrom("mfa", "mfa", "user", "user", "role", "policy", "group"),
      fc.constantFrom("", "", "*/", "team/"),
      fc.constantFrom(
        variable,
        variable,
        variable,
        `${variable}*`,
        `*${variable}`,
        "*",
        "dave",
        `&{aws:username}`,
        "$" + "{aws:usrname}",
        "$" + "{aws:userid}",
      ),
    )
    .map(([partition, account, type, path, name]) => `arn:${partition}:iam::${account}:${type}/${path}${name}`),
);
const action = fc.oneof(
  fc.constantFrom(...actions),
  fc.constantFrom("*", "iam:*", "iam:*MFA*", "iam:*AccessKey*", "iam:*LoginProfile", "iam:Tag*", "sts:*", "s3:*"),
  fc.constantFrom("iam:CreateVirtualMFADevice", "iam:DeleteVirtualMFADevice", "iam:ListVirtualMFADevices"),
  fc.constantFrom("iam:CreateAcessKey", "iam:UpdateLoginProfil", "sts:AssumeRol", "iam:AttachUserPolcy", "iam:Getusr"),
  fc.constantFrom("iam:UpdateAccountPasswordPolicy", "iam:GetAccountAuthorizationDetails", "iam:ListUsers"),
);
const present = "aws:MultiFactorAuthPresent";
const condition = fc.constantFrom<object | undefined>(
  ...[undefined, undefined, {}],
  ...[{ Bool: { [present]: "false" } }, { Bool: { [present]: "true" } }, { Null: { [present]: "true" } }],
  ...[
    { BoolIfExists: { [present]: "false" } },
    { BoolIfExists: { [present]: "true" } },
    { Null: { [present]: "false" } },
  ],
  ...[{ StringNotEquals: { [present]: "false" } }, { BoolIfExists: { [present]: ["true", "false"] } }],
  ...[{ NumericLessThanIfExists: { "aws:MultiFactorAuthAge": "3600" } }, { Bool: { "aws:MFAPresent": "true" } }],
  ...[{ NumericGreaterThan: { "aws:MultiFactorAuthAge": "3600" } }, { BoolIfExists: { "aws:MFAPresent": "false" } }],
  { Bool: { [present]: "false" }, NumericGreaterThanIfExists: { "aws:MultiFactorAuthAge": "3600" } },
  ...["12", "43200000"].map((text) => ({ NumericLessThan: { "aws:MultiFactorAuthAge": text } })),
  { Bool: { [present]: "false" }, StringNotLike: { "aws:usernam": ["ci-*"] } },
);
const oneOrMore = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | Value[]> =>
  fc.oneof(value, fc.array(value, { minLength: 1, maxLength: 4 }));
const statement = fc
  .record({
    Effect: fc.constantFrom("Allow", "Allow", "Deny"),
    actionElement: fc.constantFrom("Action", "Action", "NotAction"),
    resourceElement: fc.constantFrom("Resource", "Resource", "Resource", "NotResource"),
    actions: oneOrMore(action),
    resources: oneOrMore(resource),
    Condition: condition,
  })
  .map(({ Effect, actionElement, resourceElement, actions: list, resources, Condition }) => ({
    Effect,
    [actionElement]: list,
    [resourceElement]: resources,
    ...(Condition && { Condition }),
  }));
/** Policies that AWS accepts. */
export const policy = fc
  .record({ Version: fc.constantFrom("2012-10-17", "2012-10-17", "2008-10-17"), Statement: oneOrMore(statement) })
  .filter(isAccepted);

/** Whether AWS accepts a policy: one that it rejects allows nothing. */
export function isAccepted(json: unknown): boolean {
  try {
    parsePolicy(structuredClone(json));
    return true;
  } catch (error) {
    if (error instanceof PolicyError) return false;
    throw error;
  }
}
