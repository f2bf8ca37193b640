// Explains decisions.

import { type PolicyDocument, statementsOf } from "./document.ts";
import {
  type AuthorizationRequest,
  type Evaluation,
  type EvaluationOptions,
  matchesAction,
  matchesResource,
  needsNoPermissions,
  type ParsedRequest,
  parseRequest,
  testCondition,
} from "./evaluate.ts";
import type { Condition, Statement } from "./grammar.ts";
import { UNKNOWN } from "./template.ts";

/** One reason for a decision, usually a statement. */
export interface Reason {
  /** The index of the policy. */
  readonly policy?: number | "boundary";
  /** The index of the statement in the policy. */
  readonly statement?: number;
  readonly sid?: string;
  readonly effect?: "Allow" | "Deny";
  readonly why: string;
}

/** Explains what `evaluate` returned for the same policies, request and options. */
export function explain(
  policies: readonly PolicyDocument[],
  request: AuthorizationRequest,
  options: EvaluationOptions,
  { decision, matchedStatements }: Evaluation,
): Reason[] {
  const parsed = parseRequest(request, options);
  if (!options.onlyPolicies && needsNoPermissions(request.action)) {
    return [{ why: "this action needs no permissions, and no policy can deny it" }];
  }
  const { boundary } = options;
  const statementAt = (policy: number | "boundary", index: number): Statement | undefined => {
    const document = policy === "boundary" ? boundary : policies[policy];
    return document === undefined ? undefined : statementsOf(document)[index];
  };
  const reasons = matchedStatements.map(({ policy, statement, sid }): Reason => {
    const content = statementAt(policy, statement);
    return {
      policy,
      statement,
      ...(sid === undefined ? {} : { sid }),
      ...(content === undefined ? {} : { effect: content.effect }),
      why:
        content === undefined
          ? ""
          : [describeAction(content, request), ...describeConditions(content, parsed)].join("; "),
    };
  });
  if (decision === "implicitDeny") return explainImplicitDeny(policies, boundary, parsed);
  if (decision === "allowed" && !reasons.some(({ policy }) => policy !== "boundary")) {
    return [{ why: "the account's password policy lets users change their own password" }, ...reasons];
  }
  return reasons;
}

/** Explains an implicit deny, with the statements that nearly allow the request. */
function explainImplicitDeny(
  policies: readonly PolicyDocument[],
  boundary: PolicyDocument | undefined,
  parsed: ParsedRequest,
): Reason[] {
  const near = (document: PolicyDocument, policy: number | "boundary"): Reason[] =>
    statementsOf(document).flatMap((content, statement) => {
      if (content.effect !== "Allow" || !matchesAction(content, parsed)) return [];
      const why = findObstacle(content, parsed);
      if (why === undefined) return [];
      const { sid } = content;
      return { policy, statement, ...(sid === undefined ? {} : { sid }), effect: "Allow" as const, why };
    });
  const allows = (document: PolicyDocument): boolean =>
    statementsOf(document).some(
      (content) =>
        content.effect === "Allow" && matchesAction(content, parsed) && findObstacle(content, parsed) === undefined,
    );
  const isOutside = boundary !== undefined && !allows(boundary);
  const limit = isOutside ? [{ why: "the permissions boundary does not allow it" }, ...near(boundary, "boundary")] : [];
  if (isOutside && policies.some(allows)) return limit;
  return [...limit, { why: "no policy allows it" }, ...policies.flatMap(near)];
}

/** Returns why a statement that covers the action does not apply; undefined if it may apply. */
function findObstacle(statement: Statement, parsed: ParsedRequest): string | undefined {
  if (matchesResource(statement, parsed) === false) return "would allow it on another resource";
  const condition = statement.conditions.find((each) => testCondition(each, parsed) === false);
  return condition === undefined ? undefined : `would allow it, but ${describeCondition(condition, parsed)}`;
}

function describeAction(
  { actionElement, actionNames, actionPatterns }: Statement,
  { action }: AuthorizationRequest,
): string {
  const count = actionNames.size + actionPatterns.length;
  if (actionElement === "Action") return `Action covers ${action}`;
  return `${action} is not among the ${count === 1 ? "one action" : `${count} actions`} in NotAction`;
}

function describeConditions({ conditions }: Statement, parsed: ParsedRequest): string[] {
  return conditions.map((condition) => describeCondition(condition, parsed));
}

/** Describes how a condition applies to the request. */
function describeCondition(condition: Condition, parsed: ParsedRequest): string {
  const { operator, key, lowerKey, values } = condition;
  const given = parsed.lookUp(lowerKey);
  if (given === UNKNOWN) return `${key} is unknown`;
  const holds = testCondition(condition, parsed);
  if (given === undefined || given.length === 0) {
    return `${key} is absent, and ${operator.name} ${holds === true ? "matches" : "does not match"} an absent key`;
  }
  const shown = given.map((value) => JSON.stringify(value)).join(", ");
  if (typeof holds !== "boolean") return `${key} is ${shown}, but the value to compare it with is unknown`;
  const wanted = values.map(({ text }) => JSON.stringify(text)).join(", ");
  return `${key} is ${shown}${holds ? "" : `, but the policy requires ${operator.name} ${wanted}`}`;
}
