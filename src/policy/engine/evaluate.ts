// Evaluates a request as IAM does, against the caller's identity-based policies and permissions boundary, or against the
// trust policy of a role: an explicit deny overrides an allow, and anything not allowed is denied. Service control
// policies, resource control policies, resource-based policies and session policies are not evaluated.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html

import { type PolicyDocument, statementsOf, type TrustStatement } from "./document.ts";
import type { ComparedText, Condition, Statement } from "./grammar.ts";
import { type KeyValue, listVariables, resolveVariables, UNKNOWN } from "./template.ts";
import { matches, type Pattern } from "./wildcard.ts";

export type { PolicyDocument, TrustStatement } from "./document.ts";
export { PolicyError, parsePolicy, readTrustPolicy, statementsOf } from "./document.ts";
export { listVariables, UNKNOWN } from "./template.ts";

export type Decision = "allowed" | "explicitDeny" | "implicitDeny" | "unknown";

/** Marks a condition key as absent when keys that are not set count as unknown. */
export const ABSENT: unique symbol = Symbol("absent");

export type ContextValue = string | readonly string[] | typeof UNKNOWN | typeof ABSENT;

/** The request context: condition key (in any case) -> value(s). */
export type RequestContext = Readonly<Record<string, ContextValue>>;

export interface AuthorizationRequest {
  /** `service:Action`, in any case, without wildcards. */
  readonly action: string;
  /** The ARN, or `*` for an action that has no resource. */
  readonly resource: string;
  readonly context: RequestContext;
}

export interface EvaluationOptions {
  /** The permissions boundary: anything it does not allow is denied, and its denies override allows. */
  readonly boundary?: PolicyDocument | undefined;
  /**
   * The ARN of the calling user, in an account whose password policy lets users change their own password: that "gives
   * all users in your account access to the iam:ChangePassword action for only their own user and to the
   * iam:GetAccountPasswordPolicy action".
   * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_enable-user-change.html
   */
  readonly mayChangePassword?: string | undefined;
  /** How to treat context keys that the request does not set (default: "absent"). */
  readonly otherKeys?: "absent" | "unknown";
  /** Whether policies also decide actions that need no permissions, as in AWS's policy simulator. */
  readonly onlyPolicies?: boolean;
}

/** Identifies a statement: indices (from 0) of the policy and of the statement in it. */
export interface StatementReference {
  readonly policy: number | "boundary";
  readonly statement: number;
  readonly sid?: string;
}

export interface Evaluation {
  readonly decision: Decision;
  /**
   * The statements that decided: the denies, else the allows; for an unknown decision, those that may decide. Empty for
   * an implicit deny and for an action that needs no permissions.
   */
  readonly matchedStatements: readonly StatementReference[];
  /** The condition keys, in lower case and sorted, that an unknown decision depends on; otherwise empty. */
  readonly missingContextKeys: readonly string[];
  /** For an implicit deny: the permissions boundary does not allow it, whatever other policies allow. */
  readonly isOutsideBoundary?: true;
}

/**
 * Actions that need no permissions. No policy affects them, not even an explicit deny.
 * GetSessionToken: "No permissions are required", and a policy has "no effect on a user's ability to perform" it:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_getsessiontoken.html
 * GetCallerIdentity: "No permissions are required to perform this operation", even if a policy denies it:
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
 */
const needNoPermissions: readonly string[] = ["sts:getsessiontoken", "sts:getcalleridentity"];

export function needsNoPermissions(action: string): boolean {
  return needNoPermissions.includes(action.toLowerCase());
}

/**
 * Evaluates one request.
 *
 * Each condition is true, false, or unknown if it depends on a key that is {@link UNKNOWN}. They are combined with
 * Kleene's three-valued logic, so the decision is unknown only if it depends on the value. Statements are evaluated one by
 * one: two that only together cover every value of a key leave the decision unknown.
 *
 * @param policies the caller's identity-based policies; they are read once, so do not change them afterward
 * @throws PolicyError if a document is malformed or has something that AWS does not know
 * @throws RequestError if the request is invalid: a malformed action, a condition key set twice, "x" compared as a number
 */
export function evaluate(
  policies: readonly PolicyDocument[],
  request: AuthorizationRequest,
  options: EvaluationOptions = {},
): Evaluation {
  // Read first: an invalid policy is an error for every action, even for one that needs no permissions.
  const statements = policies.map(statementsOf);
  const boundary = options.boundary === undefined ? undefined : statementsOf(options.boundary);
  return evaluateStatements(statements, boundary, request, options);
}

/**
 * Evaluates one request against a role's trust policy only.
 *
 * @param names the principals that match the caller; statements without any of them do not apply
 */
export function evaluateTrust(
  trust: readonly TrustStatement[],
  names: readonly string[],
  request: AuthorizationRequest,
): Evaluation {
  const about = trust.filter(({ principals }) => principals.some((name) => names.includes(name)));
  return evaluateStatements([about], undefined, request, {});
}

/** The request is invalid. */
export class RequestError extends Error {
  override readonly name = "RequestError";
}

/** True, false, or the condition keys that it depends on. */
export type Truth = boolean | readonly string[];

function evaluateStatements(
  statements: readonly (readonly Statement[])[],
  boundary: readonly Statement[] | undefined,
  request: AuthorizationRequest,
  options: EvaluationOptions,
): Evaluation {
  const parsed = parseRequest(request, options);
  if (!options.onlyPolicies && needsNoPermissions(parsed.action))
    return { decision: "allowed", matchedStatements: [], missingContextKeys: [] };

  const own = findApplyingStatements(statements.entries(), parsed);
  const limit = boundary === undefined ? undefined : findApplyingStatements([["boundary" as const, boundary]], parsed);
  const denies = [...own.Deny.certain, ...(limit?.Deny.certain ?? [])];
  if (denies.length > 0) return { decision: "explicitDeny", matchedStatements: denies, missingContextKeys: [] };

  const isOwnPassword = isOwnPasswordAction(parsed, options.mayChangePassword);
  const isAllowed = isOwnPassword || own.Allow.certain.length > 0;
  const isWithin = limit === undefined || limit.Allow.certain.length > 0;
  const possible = [...own.Deny.possible, ...(limit?.Deny.possible ?? [])];
  const mayBeAllowed = isAllowed || own.Allow.possible.length > 0;
  const mayBeWithin = isWithin || limit.Allow.possible.length > 0;
  if (mayBeAllowed && mayBeWithin) {
    if (!isAllowed) possible.push(...own.Allow.possible);
    if (!isWithin) possible.push(...limit.Allow.possible);
  }
  if (possible.length > 0) {
    const keys = new Set(possible.flatMap(({ missingKeys }) => missingKeys));
    return {
      decision: "unknown",
      matchedStatements: possible.map(({ reference }) => reference),
      missingContextKeys: [...keys].sort(),
    };
  }
  const implicitDeny: Evaluation = { decision: "implicitDeny", matchedStatements: [], missingContextKeys: [] };
  if (!mayBeWithin) return { ...implicitDeny, isOutsideBoundary: true };
  if (!isAllowed || !isWithin) return implicitDeny;
  return {
    decision: "allowed",
    matchedStatements: [...own.Allow.certain, ...(limit?.Allow.certain ?? [])],
    missingContextKeys: [],
  };
}

/** A validated request. */
export interface ParsedRequest {
  readonly action: string;
  readonly resource: string;
  /** @param key in lower case */
  readonly lookUp: (key: string) => KeyValue;
}

/** The most characters in a resource or in a value of a condition key. */
const longest = 2048;

/** @throws RequestError */
export function parseRequest(
  { action, resource, context }: AuthorizationRequest,
  { otherKeys }: EvaluationOptions,
): ParsedRequest {
  const lower = action.toLowerCase();
  if (!/^[\w-]+:[\w-]+$/.test(lower)) {
    throw new RequestError(`invalid action ${JSON.stringify(action)}: expected "service:Action" without wildcards`);
  }
  const values = new Map<string, KeyValue>();
  for (const [key, value] of Object.entries(context)) {
    if (values.has(key.toLowerCase())) throw new RequestError(`condition key ${JSON.stringify(key)} is set twice`);
    const list = typeof value === "string" ? [value] : value === ABSENT ? undefined : value;
    values.set(key.toLowerCase(), list);
  }
  // Patterns are compared with these: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html
  if (resource.length > longest)
    throw new RequestError(`the resource has ${resource.length} characters; AWS allows at most ${longest}`);
  for (const [key, value] of values) {
    const long = Array.isArray(value) && (value as readonly string[]).find((one) => one.length > longest);
    if (typeof long === "string")
      throw new RequestError(`${key} has a value of ${long.length} characters; AWS allows at most ${longest}`);
  }
  const other = otherKeys === "unknown" ? UNKNOWN : undefined;
  return { action: lower, resource, lookUp: (key) => (values.has(key) ? values.get(key) : other) };
}

function isOwnPasswordAction({ action, resource }: ParsedRequest, user: string | undefined): boolean {
  if (user === undefined) return false;
  return action === "iam:getaccountpasswordpolicy" || (action === "iam:changepassword" && resource === user);
}

/** The statements of one effect that apply, or may apply, to the request. */
interface Applying {
  readonly certain: StatementReference[];
  readonly possible: { reference: StatementReference; missingKeys: readonly string[] }[];
}

function findApplyingStatements(
  policies: Iterable<readonly [StatementReference["policy"], readonly Statement[]]>,
  parsed: ParsedRequest,
): Record<Statement["effect"], Applying> {
  const verdict = { Deny: { certain: [], possible: [] } as Applying, Allow: { certain: [], possible: [] } as Applying };
  for (const [policy, statements] of policies) {
    for (const [statement, content] of statements.entries()) {
      const { sid, effect } = content;
      const applies = matchesAction(content, parsed) && matchesResourceAndConditions(content, parsed);
      if (applies === false) continue;
      const reference = { policy, statement, ...(sid === undefined ? {} : { sid }) };
      if (applies === true) verdict[effect].certain.push(reference);
      else verdict[effect].possible.push({ reference, missingKeys: applies });
    }
  }
  return verdict;
}

/** Whether a statement covers the action, whatever the resource. */
export function matchesAction(
  { actionElement, actionNames, actionPatterns }: Statement,
  { action }: ParsedRequest,
): boolean {
  const isNamed = actionNames.has(action) || actionPatterns.some((pattern) => matches(pattern, action));
  return isNamed === (actionElement === "Action");
}

/** The resource and all conditions must match, so one mismatch decides. */
function matchesResourceAndConditions(statement: Statement, parsed: ParsedRequest): Truth {
  const missingKeys: string[] = [];
  const resource = matchesResource(statement, parsed);
  if (resource === false) return false;
  if (resource !== true) missingKeys.push(...resource);
  for (const condition of statement.conditions) {
    const holds = testCondition(condition, parsed);
    if (holds === false) return false;
    if (holds !== true) missingKeys.push(...holds);
  }
  return missingKeys.length > 0 ? missingKeys : true;
}

/** Whether a statement covers the resource. */
export function matchesResource({ resources, resourceElement }: Statement, parsed: ParsedRequest): Truth {
  const named = some(resources, (text) => testText(text, parsed, (pattern) => matches(pattern, parsed.resource)));
  return resourceElement === "NotResource" ? not(named) : named;
}

/** Whether a condition holds for the request. */
export function testCondition(condition: Condition, parsed: ParsedRequest): Truth {
  const { operator, lowerKey, values } = condition;
  const given = parsed.lookUp(lowerKey);
  if (operator.isNull) {
    // "ForAllValues always returns true", and ForAnyValue always false:
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html
    if (operator.set !== undefined) return operator.set === "ForAllValues";
    const wanted = (isAbsent: boolean): boolean =>
      values.some(({ text }) => (text.toLowerCase() === "true") === isAbsent);
    if (given !== UNKNOWN) return wanted(given === undefined || given.length === 0);
    return wanted(true) === wanted(false) ? wanted(true) : [lowerKey];
  }
  if (given === UNKNOWN) {
    if (operator.kind !== "bool" || operator.set !== undefined) return [lowerKey];
    const outcomes = new Set([undefined, ["true"], ["false"]].map((value) => testValues(condition, value, parsed)));
    const [outcome] = outcomes;
    return outcomes.size === 1 && outcome !== undefined ? outcome : [lowerKey];
  }
  return testValues(condition, given, parsed);
}

function testValues(condition: Condition, values: readonly string[] | undefined, parsed: ParsedRequest): Truth {
  const { operator, lowerKey } = condition;
  // Sets of values may resolve "to a null dataset, such as an empty string".
  const given = operator.set === undefined ? values : values?.filter((value) => value !== "");
  if (given === undefined || given.length === 0) {
    // "If the condition key is present in the context of the request, process the key as specified in the policy. If the
    // key is not present, evaluate the condition element as true."
    if (operator.ifExists || operator.set === "ForAllValues") return true;
    // ForAnyValue "returns false" without values. Otherwise an absent key does not match, so a negated operator is true.
    return operator.set === undefined && operator.isNegated;
  }
  const holds = (value: string): Truth => testValue(condition, value, parsed);
  if (operator.set === "ForAnyValue") return some(given, holds);
  if (operator.set === "ForAllValues") return not(some(given, (value) => not(holds(value))));
  // AWS does not document how a single-valued operator treats several values.
  return given.length > 1 ? [lowerKey] : holds(given[0] ?? "");
}

/** Compares one value of the request with the values of the policy; one match is enough. */
function testValue({ operator, key, values }: Condition, value: string, parsed: ParsedRequest): Truth {
  if (!operator.kindOf.isGiven(value)) {
    throw new RequestError(`${operator.name} needs ${operator.kindOf.values}, but ${key} is ${JSON.stringify(value)}`);
  }
  const found = some(values, (text) => testText(text, parsed, (pattern) => operator.matches(value, pattern)));
  return operator.isNegated ? not(found) : found;
}

/** A variable without a value matches nothing, so a negated operator or NotResource is true. */
function testText({ template }: ComparedText, parsed: ParsedRequest, test: (pattern: Pattern) => boolean): Truth {
  const pattern = resolveVariables(template, parsed.lookUp);
  if (pattern === undefined) return false;
  return typeof pattern === "string" ? test(pattern) : pattern;
}

/** Whether the test holds for at least one item. */
function some<T>(items: readonly T[], test: (item: T) => Truth): Truth {
  const missingKeys: string[] = [];
  for (const item of items) {
    const holds = test(item);
    if (holds === true) return true;
    if (holds !== false) missingKeys.push(...holds);
  }
  return missingKeys.length > 0 ? missingKeys : false;
}

function not(truth: Truth): Truth {
  return typeof truth === "boolean" ? !truth : truth;
}

/** Lists the context keys in a document's conditions and variables, in their first spelling. */
export function listContextKeys(document: PolicyDocument): string[] {
  const keys = new Map<string, string>();
  for (const { resources, conditions } of statementsOf(document)) {
    const spellings = [
      ...resources.flatMap(({ template }) => listVariables(template)),
      ...conditions.flatMap(({ key, values }) => [key, ...values.flatMap(({ template }) => listVariables(template))]),
    ];
    for (const key of spellings) if (!keys.has(key.toLowerCase())) keys.set(key.toLowerCase(), key);
  }
  return [...keys.values()];
}
