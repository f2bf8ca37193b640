// The IAM policy documents that the evaluator understands, and the one place that decides whether a document is one:
// identity-based policies, and the trust policies of roles.
//
// Whatever is not understood is an error here. A condition that is skipped, or an operator that never matches, would
// turn a typing mistake into a policy that silently enforces nothing, or that locks everybody out.

/**
 * The condition operators that are supported, each also with `IfExists`, of
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
const comparisons = [
  "Bool",
  "StringEquals",
  "StringNotEquals",
  "StringLike",
  "StringNotLike",
  "ArnEquals",
  "ArnLike",
  "NumericLessThan",
  "NumericLessThanEquals",
  "NumericGreaterThan",
  "NumericGreaterThanEquals",
] as const;

export type Comparison = (typeof comparisons)[number];

/** A single value may stand wherever a list may: `"Action": "*"` is `"Action": ["*"]`. */
export type OneOrMore<Value> = Value | readonly Value[];

export interface PolicyStatement {
  readonly Sid?: string;
  readonly Effect: "Allow" | "Deny";
  readonly Action?: OneOrMore<string>;
  readonly NotAction?: OneOrMore<string>;
  readonly Resource: OneOrMore<string>;
  /** Operator -> condition key -> values. AWS takes `true` for `"true"`. */
  readonly Condition?: {
    readonly [Operator in "Bool" | "BoolIfExists"]?: Readonly<Record<string, OneOrMore<string | boolean>>>;
  };
}

/**
 * An identity-based policy, as described by
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
 */
export interface PolicyDocument {
  readonly Version?: "2012-10-17" | "2008-10-17";
  readonly Id?: string;
  readonly Statement: OneOrMore<PolicyStatement>;
}

/** A statement as the evaluator reads it: lists everywhere, names in lower case where AWS ignores case. */
export interface Statement {
  readonly sid: string | undefined;
  readonly effect: "Allow" | "Deny";
  readonly actions: readonly string[];
  /** The statement has `NotAction`: it is about every action but those in `actions`. */
  readonly exceptActions: boolean;
  readonly resources: readonly string[];
  readonly conditions: readonly Condition[];
}

/** A statement of a trust policy, whose resource is the role that it belongs to. */
export interface TrustStatement extends Statement {
  /** `*`, account numbers and ARNs, as the policy writes them. */
  readonly principals: readonly string[];
}

export interface Condition {
  readonly comparison: Comparison;
  /** Whether a request without the key meets it, whatever the comparison. */
  readonly ifExists: boolean;
  /** The condition key as the policy spells it. */
  readonly key: string;
  readonly values: readonly string[];
}

/** A document is malformed, or says something that the evaluator does not support; the message says what and where. */
export class PolicyError extends Error {
  override readonly name = "PolicyError";
}

/**
 * Checks a policy document, given as JSON text or as the value parsed from it.
 *
 * @returns the same document (parsed, if it was text), known to be one that `evaluate` understands in full
 * @throws PolicyError for anything malformed or unsupported, with the place: `Statement[0] (DenyAllWithoutMFA): …`
 */
export function parsePolicy(json: unknown): PolicyDocument {
  const document = typeof json === "string" ? parseJson(json) : json;
  readStatements(document);
  return document as PolicyDocument;
}

/** The statements of a document in the evaluator's form. Throws {@link PolicyError} as {@link parsePolicy} does. */
export function readStatements(document: unknown): readonly Statement[] {
  return readEach(document, (statement, where) => {
    const elements = ["Sid", "Effect", "Action", "NotAction", "Resource", "Condition"];
    const resources = readResources(statement.Resource, where);
    return { ...readStatement(statement, where, elements, ["Bool"]), resources };
  });
}

/**
 * The statements of a role's trust policy, given as JSON text or as the value parsed from it. Its actions are those that
 * AssumeRole needs; of principals it may name accounts, users and roles, or everybody:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
 *
 * @throws PolicyError as {@link parsePolicy} does
 */
export function readTrustPolicy(json: unknown): readonly TrustStatement[] {
  return readEach(typeof json === "string" ? parseJson(json) : json, (content, where) => {
    const statement = readStatement(content, where, ["Sid", "Effect", "Principal", "Action", "Condition"], comparisons);
    const other = statement.actions.find((name) => !trustActions.includes(name));
    if (other !== undefined) throw new PolicyError(`${where}: action "${other}" is not supported in a trust policy`);
    return { ...statement, resources: ["*"], principals: readPrincipals(content.Principal, where) };
  });
}

const trustActions = ["sts:assumerole", "sts:tagsession", "sts:setsourceidentity"];

function readPrincipals(principal: unknown, where: string): readonly string[] {
  if (principal === "*") return ["*"];
  if (!isObject(principal)) throw new PolicyError(`${where}: Principal must be "*" or a JSON object`);
  onlyElements(principal, ["AWS"], `${where}: Principal`);
  const names = strings(principal.AWS, `${where}: Principal AWS`);
  const other = names.find((name) => !/^(\*|\d{12}|arn:[\w-]+:iam::\d{12}:(root|(user|role)\/[!-)+-~]+))$/.test(name));
  if (other === undefined) return names;
  throw new PolicyError(`${where}: principal ${JSON.stringify(other)} is neither "*", an account, a user nor a role`);
}

type Content = Readonly<Record<string, unknown>>;

/** Checks a document's frame, and reads each statement of it. */
function readEach<S extends Statement>(
  document: unknown,
  read: (statement: Content, where: string) => S,
): readonly S[] {
  if (!isObject(document)) throw new PolicyError("a policy document is a JSON object");
  onlyElements(document, ["Version", "Id", "Statement"], "policy document");
  const { Version: version, Id: id, Statement: content } = document;
  if (version !== undefined && version !== "2012-10-17" && version !== "2008-10-17") {
    throw new PolicyError(`Version: ${JSON.stringify(version)} is neither "2012-10-17" nor "2008-10-17"`);
  }
  if (id !== undefined && typeof id !== "string") throw new PolicyError("Id: must be a string");
  const list: readonly unknown[] = Array.isArray(content) ? content : [content];
  if (content === undefined || list.length === 0) throw new PolicyError("Statement: a policy needs at least one");
  const statements = list.map((statement, index) => {
    if (!isObject(statement)) throw new PolicyError(`Statement[${index}]: must be a JSON object`);
    return read(statement, `Statement[${index}]${typeof statement.Sid === "string" ? ` (${statement.Sid})` : ""}`);
  });
  const sids = statements.flatMap(({ sid }) => sid ?? []);
  const twice = sids.find((sid, index) => sids.indexOf(sid) !== index);
  if (twice !== undefined) throw new PolicyError(`Sid "${twice}": statement ids must be unique in a policy`);
  return statements;
}

function readStatement(
  statement: Content,
  where: string,
  elements: readonly string[],
  supported: readonly Comparison[],
): Omit<Statement, "resources"> {
  const { Sid: sid, Effect: effect, Action: action, NotAction: notAction } = statement;
  if (sid !== undefined && (typeof sid !== "string" || !/^[A-Za-z0-9]*$/.test(sid))) {
    throw new PolicyError(`${where}: Sid must be a string of letters and digits`);
  }
  onlyElements(statement, elements, where);
  if (effect !== "Allow" && effect !== "Deny") {
    throw new PolicyError(`${where}: Effect ${JSON.stringify(effect)} is neither "Allow" nor "Deny"`);
  }
  if (action !== undefined && notAction !== undefined) {
    throw new PolicyError(`${where}: has both Action and NotAction`);
  }
  if (action === undefined && notAction === undefined) {
    throw new PolicyError(`${where}: has neither Action nor NotAction`);
  }
  const actions = strings(action ?? notAction, `${where}: ${action === undefined ? "NotAction" : "Action"}`);
  for (const name of actions) {
    if (!/^(\*|(\*|[\w-]+):[\w*?-]+)$/.test(name)) {
      throw new PolicyError(`${where}: action ${JSON.stringify(name)} is neither "*" nor "service:Action"`);
    }
  }
  return {
    sid: sid === "" ? undefined : sid,
    effect,
    actions: actions.map((name) => name.toLowerCase()),
    exceptActions: action === undefined,
    conditions: readConditions(statement.Condition, where, supported),
  };
}

function readResources(given: unknown, where: string): readonly string[] {
  const resources = strings(given, `${where}: Resource`);
  for (const resource of resources) {
    noVariable(resource, `${where}: Resource`);
    if (resource !== "*" && !resource.startsWith("arn:")) {
      throw new PolicyError(`${where}: resource ${JSON.stringify(resource)} is neither "*" nor an ARN`);
    }
  }
  return resources;
}

function readConditions(block: unknown, where: string, supported: readonly Comparison[]): readonly Condition[] {
  if (block === undefined) return [];
  if (!isObject(block)) throw new PolicyError(`${where}: Condition must be a JSON object`);
  return Object.entries(block).flatMap(([name, keys]) => {
    const comparison = supported.find((known) => name === known || name === `${known}IfExists`);
    if (comparison === undefined) {
      throw new PolicyError(`${where}: condition operator ${JSON.stringify(name)} is not supported`);
    }
    if (!isObject(keys)) throw new PolicyError(`${where}: ${name} must be a JSON object of condition keys`);
    return Object.entries(keys).map(([key, given]) => {
      const values = strings(given, `${where}: ${name} ${key}`, true);
      for (const value of values) {
        noVariable(value, `${where}: ${name} ${key}`);
        if (comparison === "Bool" && !/^(true|false)$/i.test(value)) {
          throw new PolicyError(`${where}: ${name} ${key}: ${JSON.stringify(value)} is neither "true" nor "false"`);
        }
        if (comparison.startsWith("Numeric") && !/^-?\d+(\.\d+)?$/.test(value)) {
          throw new PolicyError(`${where}: ${name} ${key}: ${JSON.stringify(value)} is not a number`);
        }
        if (comparison.startsWith("Arn") && !/^arn(:.*){5}$/.test(value)) {
          throw new PolicyError(`${where}: ${name} ${key}: ${JSON.stringify(value)} is not an ARN`);
        }
      }
      return { comparison, ifExists: name !== comparison, key, values };
    });
  });
}

/** One string or a list of them as a list; never an empty one, which would match nothing without saying so. */
function strings(value: unknown, where: string, scalars = false): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (value === undefined || list.length === 0) throw new PolicyError(`${where}: is missing or empty`);
  return list.map((item) => {
    if (typeof item === "string") return item;
    if (scalars && (typeof item === "boolean" || typeof item === "number")) return String(item);
    throw new PolicyError(`${where}: ${JSON.stringify(item)} must be a string`);
  });
}

function noVariable(text: string, where: string): void {
  if (text.includes("${"))
    throw new PolicyError(`${where}: policy variables are not supported: ${JSON.stringify(text)}`);
}

function onlyElements(object: object, known: readonly string[], where: string): void {
  const other = Object.keys(object).find((name) => !known.includes(name));
  if (other !== undefined) throw new PolicyError(`${where}: element ${JSON.stringify(other)} is not supported`);
}

function isObject(value: unknown): value is Content {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new PolicyError(`a policy document is JSON: ${(error as Error).message}`);
  }
}
