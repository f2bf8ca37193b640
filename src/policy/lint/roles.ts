// Checks policies that apply to roles: those of a role, and service control policies.
//
// "The temporary credentials returned by AssumeRole do not include MFA information in the context, so you cannot check
// individual API operations for MFA": https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html
import { ABSENT, parseRequest, RequestError, testCondition, UNKNOWN } from "../engine/evaluate.ts";
import type { ParsedCondition, ParsedStatement } from "../engine/grammar.ts";
import { changeConditions, changeStatement } from "./patch.ts";
import type { Fix, Report } from "./report.ts";
import { quoteText } from "./words.ts";

/** Limits a statement to IAM users. Sessions of roles have the ARN of the role. */
export const onlyUsers = { ArnLike: { "aws:PrincipalArn": "arn:*:iam::*:user/*" } };
export const onlyUsersText = '"ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:user/*"}';

/** Whether a condition is never met by requests of roles. */
export function leavesOutRoles(condition: ParsedCondition): boolean {
  const { operator, values } = condition;
  if (operator === undefined) return false;
  const [partition = "aws"] = values.flatMap(({ text }) => /^arn:([\w-]+):/.exec(text)?.[1] ?? []);
  const context = {
    "aws:PrincipalArn": `arn:${partition}:iam::123456789012:role/fob-example-role`,
    "aws:PrincipalType": "AssumedRole",
    "aws:username": ABSENT,
    "aws:MultiFactorAuthPresent": UNKNOWN,
  } as const;
  const request = parseRequest({ action: "iam:GetUser", resource: "*", context }, { otherKeys: "unknown" });
  try {
    return testCondition({ ...condition, operator }, request) === false;
  } catch (error) {
    if (error instanceof RequestError) return false;
    throw error;
  }
}

/** A statement about MFA, and whether requests with neither key meet its conditions on MFA. */
export interface AboutMfa {
  readonly statement: ParsedStatement;
  readonly onMfa: readonly ParsedCondition[];
  readonly others: readonly ParsedCondition[];
  readonly holdsForKey: boolean;
}

/** Checks a statement of a role's policy: its conditions on MFA always have the same outcome. */
export function checkRole({ statement, onMfa, others, holdsForKey }: AboutMfa, report: Report): void {
  const [test] = onMfa;
  if (test === undefined || others.some(leavesOutRoles)) return;
  const isDeny = statement.effect === "Deny";
  const outcome = holdsForKey
    ? isDeny
      ? "this always denies them"
      : "this condition is always met and requires nothing"
    : `this never ${isDeny ? "denies" : "allows"} anything`;
  // Without a condition that is never met, an Allow would start to allow what it says.
  const remove =
    isDeny || !holdsForKey ? "remove the statement" : "remove the condition, which changes nothing, or the statement";
  const trust = 'require MFA in the trust policy of the role instead: "Bool": {"aws:MultiFactorAuthPresent": "true"}';
  report.add("roles-without-mfa", test.path, formatMessage(test, outcome), `${remove}; ${trust}`);
}

/** Checks a Deny of a service control policy, which applies to all users and roles of the accounts. */
export function checkServiceControl({ statement, onMfa, others, holdsForKey }: AboutMfa, report: Report): void {
  const [test] = onMfa;
  if (test === undefined || !holdsForKey || others.some(leavesOutRoles)) return;
  const Condition = changeConditions(report.root, statement, [], onlyUsers);
  const hasKey = others.some(({ name, lowerKey }) => name === "ArnLike" && lowerKey === "aws:principalarn");
  const fix: Fix = hasKey
    ? ["list users only, as in arn:aws:iam::*:user/*"]
    : [`add the condition ${onlyUsersText}`, changeStatement(statement, { Condition })];
  report.add("roles-without-mfa", test.path, formatMessage(test, "this always denies them"), ...fix);
}

const formatMessage = ({ key }: ParsedCondition, outcome: string): string =>
  `requests made with roles do not have ${quoteText(key)}, so ${outcome}`;
