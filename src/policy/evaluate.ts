// How IAM decides on a request from the identity-based policies of its caller, or from the trust policy of a role: an
// explicit deny wins over an allow, and what nothing allows is denied.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html

import type { Comparison, Condition, PolicyDocument, Statement, TrustStatement } from "./document.ts";
import { readStatements } from "./document.ts";
import { matchesWildcard } from "./wildcard.ts";

export type { PolicyDocument, TrustStatement } from "./document.ts";
export { PolicyError, parsePolicy, readTrustPolicy } from "./document.ts";

export type Decision = "allowed" | "explicitDeny" | "implicitDeny" | "unknown";

/** Stands for the value of a condition key that may have any value, or be absent: the caller cannot tell. */
export const UNKNOWN: unique symbol = Symbol("unknown");

export type ContextValue = string | readonly string[] | typeof UNKNOWN;

/** The request context: condition key (in any case) -> value(s). A key that is not in it is absent from the request. */
export type Context = Readonly<Record<string, ContextValue>>;

export interface AuthorizationRequest {
  /** `service:Action`, in any case, without wildcards. */
  readonly action: string;
  /** The ARN, or `*` for an action that has no resource. */
  readonly resource: string;
  readonly context: Context;
}

/** Where a statement stands: indices from 0 into the policies that were given and into their statements. */
export interface StatementReference {
  readonly policy: number;
  readonly statement: number;
  readonly sid?: string;
}

export interface Evaluation {
  readonly decision: Decision;
  /**
   * The statements that decided: the denies, else the allows; of an unknown decision those that may decide. Empty for
   * an implicit deny, and for an action that needs no permissions.
   */
  readonly because: readonly StatementReference[];
  /** The condition keys, in lower case and sorted, on which an unknown decision hangs; otherwise empty. */
  readonly hangsOn: readonly string[];
}

/**
 * Actions that need no permissions, so that no policy has an effect on them, not even an explicit deny.
 * GetSessionToken: "No permissions are required", and a policy has "no effect on a user's ability to perform" it:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_getsessiontoken.html
 * GetCallerIdentity: "No permissions are required to perform this operation", also with a policy that denies it:
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
 */
const needNoPermissions: readonly string[] = ["sts:getsessiontoken", "sts:getcalleridentity"];

/**
 * Decides on one request.
 *
 * Each condition is true, false, or unknown where it hangs on a key that is {@link UNKNOWN}; they are combined by
 * Kleene's three-valued logic, so what does not hang on the value is decided. Statements are taken one by one: two that
 * only together cover every value of a key leave the decision unknown.
 *
 * @param policies the caller's identity-based policies; not to be changed afterwards, they are read once
 * @throws PolicyError when a document is malformed or says something that is not supported
 * @throws Error when the request is not one: no such action, or one condition key twice
 */
export function evaluate(policies: readonly PolicyDocument[], request: AuthorizationRequest): Evaluation {
  // Read first: a policy that cannot be evaluated is an error for every action, also for one that needs no permissions.
  return decide(policies.map(statementsOf), request);
}

/**
 * Decides on one request from a role's trust policy alone.
 *
 * @param names under which the caller may be named there; a statement that names none of them is not about it
 */
export function evaluateTrust(
  trust: readonly TrustStatement[],
  names: readonly string[],
  request: AuthorizationRequest,
): Evaluation {
  return decide([trust.filter(({ principals }) => principals.some((name) => names.includes(name)))], request);
}

function decide(statements: readonly (readonly Statement[])[], request: AuthorizationRequest): Evaluation {
  const action = request.action.toLowerCase();
  if (!/^[\w-]+:[\w-]+$/.test(action)) {
    throw new Error(`action ${JSON.stringify(request.action)} is not of the form "service:Action"`);
  }
  if (needNoPermissions.includes(action)) return { decision: "allowed", because: [], hangsOn: [] };
  const context = readContext(request.context);

  const applies = { Deny: new Verdict(), Allow: new Verdict() };
  for (const [policy, list] of statements.entries()) {
    for (const [index, statement] of list.entries()) {
      if (!isAbout(statement, action, request.resource)) continue;
      const reference = { policy, statement: index, ...(statement.sid === undefined ? {} : { sid: statement.sid }) };
      applies[statement.effect].add(reference, statement.conditions, context);
    }
  }
  const { Deny: deny, Allow: allow } = applies;
  if (deny.certain.length > 0) return { decision: "explicitDeny", because: deny.certain, hangsOn: [] };
  const allowed = allow.certain.length > 0;
  const possible = allowed ? deny.possible : [...deny.possible, ...allow.possible];
  if (possible.length > 0) {
    const keys = new Set(possible.flatMap(({ hangsOn }) => hangsOn));
    return { decision: "unknown", because: possible.map(({ reference }) => reference), hangsOn: [...keys].sort() };
  }
  if (allowed) return { decision: "allowed", because: allow.certain, hangsOn: [] };
  return { decision: "implicitDeny", because: [], hangsOn: [] };
}

/** The statements of one effect that apply to the request, or may apply to it. */
class Verdict {
  readonly certain: StatementReference[] = [];
  readonly possible: { reference: StatementReference; hangsOn: string[] }[] = [];

  /** All conditions of a statement must hold, so one that is false settles it whatever the others are. */
  add(
    reference: StatementReference,
    conditions: readonly Condition[],
    context: ReadonlyMap<string, ContextValue>,
  ): void {
    const hangsOn: string[] = [];
    for (const condition of conditions) {
      const key = condition.key.toLowerCase();
      const holds = conditionHolds(condition, context.get(key));
      if (holds === false) return;
      if (holds === "unknown") hangsOn.push(key);
    }
    if (hangsOn.length > 0) this.possible.push({ reference, hangsOn });
    else this.certain.push(reference);
  }
}

function isAbout(statement: Statement, action: string, resource: string): boolean {
  const named = statement.actions.some((pattern) => matchesWildcard(pattern, action));
  return named !== statement.exceptActions && statement.resources.some((pattern) => matchesWildcard(pattern, resource));
}

/** One operator on one key: the value of the request against one value of the policy. */
type Matches = (value: string, wanted: string) => boolean;

const isEqual: Matches = (value, wanted) => value === wanted;
const isLike: Matches = (value, wanted) => matchesWildcard(wanted, value);
/** "Each of the six colon-delimited components of the ARN is checked separately"; ArnEquals and ArnLike are the same. */
const isLikeArn: Matches = (value, wanted) => {
  const [parts, patterns] = [value, wanted].map((arn) => arn.match(/^(.*?):(.*?):(.*?):(.*?):(.*?):(.*)$/s)?.slice(1));
  return patterns?.every((pattern, index) => parts !== undefined && isLike(parts[index] ?? "", pattern)) ?? false;
};

const comparisons: Readonly<Record<Comparison, Matches>> = {
  Bool: (value, wanted) => value.toLowerCase() === wanted.toLowerCase(),
  StringEquals: isEqual,
  StringNotEquals: isEqual,
  StringLike: isLike,
  StringNotLike: isLike,
  ArnEquals: isLikeArn,
  ArnLike: isLikeArn,
  NumericLessThan: (value, wanted) => Number(value) < Number(wanted),
  NumericLessThanEquals: (value, wanted) => Number(value) <= Number(wanted),
  NumericGreaterThan: (value, wanted) => Number(value) > Number(wanted),
  NumericGreaterThanEquals: (value, wanted) => Number(value) >= Number(wanted),
};

function conditionHolds(condition: Condition, value: ContextValue | undefined): boolean | "unknown" {
  const { comparison, ifExists, values } = condition;
  const isNegated = comparison.includes("Not");
  const holds = (candidate: string | undefined) => {
    // "If the condition key is present in the context of the request, process the key as specified in the policy. If the
    // key is not present, evaluate the condition element as true." Without IfExists an absent key does not match, which
    // is what a negated operator asks for.
    if (candidate === undefined) return ifExists || isNegated;
    return values.some((wanted) => comparisons[comparison](candidate, wanted)) !== isNegated;
  };
  if (value === UNKNOWN) {
    if (comparison !== "Bool") return "unknown";
    const outcomes = new Set([undefined, "true", "false"].map(holds));
    return outcomes.size === 1 ? holds(undefined) : "unknown";
  }
  if (value === undefined || typeof value === "string") return holds(value);
  // AWS does not say what a single-valued operator makes of several values, so nor does this.
  return value.length > 1 ? "unknown" : holds(value[0]);
}

function readContext(context: Context): ReadonlyMap<string, ContextValue> {
  const values = new Map<string, ContextValue>();
  for (const [key, value] of Object.entries(context)) {
    if (values.has(key.toLowerCase())) throw new Error(`condition key ${JSON.stringify(key)} is given twice`);
    values.set(key.toLowerCase(), value);
  }
  return values;
}

/** Documents in the evaluator's form: thousands of users share the same few documents. */
const read = new WeakMap<PolicyDocument, readonly Statement[]>();

function statementsOf(document: PolicyDocument): readonly Statement[] {
  let statements = read.get(document);
  if (statements === undefined) {
    statements = readStatements(document);
    read.set(document, statements);
  }
  return statements;
}
