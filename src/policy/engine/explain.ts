// Why a decision is what it is, in half sentences.

import type { Condition, PolicyDocument, Statement } from "./document.ts";
import {
  type Asked,
  type AuthorizationRequest,
  type Circumstances,
  conditionHolds,
  type Evaluation,
  isAbout,
  isOnResource,
  needsNoPermissions,
  readRequest,
  statementsOf,
} from "./evaluate.ts";
import { UNKNOWN } from "./template.ts";

/** One reason; of a statement, where it is one that decided. */
export interface Reason {
  /** The index of the policy among those that were given. */
  readonly policy?: number | "boundary";
  /** Its index in the policy. */
  readonly statement?: number;
  readonly sid?: string;
  readonly effect?: "Allow" | "Deny";
  readonly why: string;
}

/** Why `evaluate` of the same policies, request and circumstances came to this. */
export function explain(
  policies: readonly PolicyDocument[],
  request: AuthorizationRequest,
  circumstances: Circumstances,
  { decision, because }: Evaluation,
): Reason[] {
  const asked = readRequest(request, circumstances);
  if (!circumstances.onlyPolicies && needsNoPermissions(request.action)) {
    return [{ why: "AWS asks for no permission for it, and no policy can deny it" }];
  }
  const { boundary } = circumstances;
  const statementAt = (policy: number | "boundary", index: number): Statement | undefined => {
    const document = policy === "boundary" ? boundary : policies[policy];
    return document === undefined ? undefined : statementsOf(document)[index];
  };
  const reasons = because.map(({ policy, statement, sid }): Reason => {
    const content = statementAt(policy, statement);
    return {
      policy,
      statement,
      ...(sid === undefined ? {} : { sid }),
      ...(content === undefined ? {} : { effect: content.effect }),
      why: content === undefined ? "" : [aboutAction(content, request), ...conditionsOf(content, asked)].join("; "),
    };
  });
  if (decision === "implicitDeny") return whyNot(policies, boundary, asked);
  if (decision === "allowed" && !reasons.some(({ policy }) => policy !== "boundary")) {
    return [{ why: "the account's password policy lets users change their own password" }, ...reasons];
  }
  return reasons;
}

/** What an implicit deny lacks, with the statements that allow it but for something. */
function whyNot(policies: readonly PolicyDocument[], boundary: PolicyDocument | undefined, asked: Asked): Reason[] {
  const near = (document: PolicyDocument, policy: number | "boundary"): Reason[] =>
    statementsOf(document).flatMap((content, statement) => {
      if (content.effect !== "Allow" || !isAbout(content, asked)) return [];
      const why = missing(content, asked);
      if (why === undefined) return [];
      const { sid } = content;
      return { policy, statement, ...(sid === undefined ? {} : { sid }), effect: "Allow" as const, why };
    });
  const allows = (document: PolicyDocument): boolean =>
    statementsOf(document).some(
      (content) => content.effect === "Allow" && isAbout(content, asked) && missing(content, asked) === undefined,
    );
  const isOutside = boundary !== undefined && !allows(boundary);
  const limit = isOutside ? [{ why: "the permissions boundary does not allow it" }, ...near(boundary, "boundary")] : [];
  if (isOutside && policies.some(allows)) return limit;
  return [...limit, { why: "no policy allows it" }, ...policies.flatMap(near)];
}

/** What keeps a statement that is about the action from applying; undefined where nothing does. */
function missing(statement: Statement, asked: Asked): string | undefined {
  if (isOnResource(statement, asked) === false) return "would allow it on another resource";
  const condition = statement.conditions.find((each) => conditionHolds(each, asked) === false);
  return condition === undefined ? undefined : `would allow it, but ${inWords(condition, asked)}`;
}

function aboutAction({ actions, exceptActions }: Statement, { action }: AuthorizationRequest): string {
  const count = actions.names.size + actions.patterns.length;
  if (!exceptActions) return `its Action covers ${action}`;
  return `${action} is not among the ${count === 1 ? "one action" : `${count} actions`} of its NotAction`;
}

function conditionsOf({ conditions }: Statement, asked: Asked): string[] {
  return conditions.map((condition) => inWords(condition, asked));
}

/** What a condition makes of the request. */
function inWords(condition: Condition, asked: Asked): string {
  const { operator, key, lowerKey, values } = condition;
  const given = asked.lookUp(lowerKey);
  if (given === UNKNOWN) return `${key} is not known`;
  const holds = conditionHolds(condition, asked);
  if (given === undefined || given.length === 0) {
    return `${key} is absent, ${operator.isNull || holds === false ? "which" : "and"} ${operator.name} ${holds === true ? "counts as a match" : "does not match"}`;
  }
  const shown = given.map((value) => JSON.stringify(value)).join(", ");
  if (typeof holds !== "boolean") return `${key} is ${shown}, and what it must be is not known`;
  const wanted = values.map(({ text }) => JSON.stringify(text)).join(", ");
  return `${key} is ${shown}${holds ? "" : `, not what ${operator.name} ${wanted} asks for`}`;
}
