// The IAM policy documents that the evaluator understands, and the one place that decides whether a document is one:
// identity-based policies, and the trust policies of roles.
//
// Whatever is not understood is an error here. A condition that is skipped, or an operator that never matches, would
// turn a typing mistake into a policy that silently enforces nothing, or that locks everybody out.
import { nearest } from "../../nearest.ts";
import { JsonError, type JsonText, type Path, type Place, readJson } from "./json.ts";
import { findOperator, listOperatorNames, type Operator } from "./operators.ts";
import { readTemplate, type Template } from "./template.ts";
import { hasWildcard, type Pattern, parsePattern } from "./wildcard.ts";

/** A single value may stand wherever a list may: `"Action": "*"` is `"Action": ["*"]`. */
export type OneOrMore<Value> = Value | readonly Value[];

export interface PolicyStatement {
  readonly Sid?: string;
  readonly Effect: "Allow" | "Deny";
  readonly Action?: OneOrMore<string>;
  readonly NotAction?: OneOrMore<string>;
  readonly Resource?: OneOrMore<string>;
  readonly NotResource?: OneOrMore<string>;
  /** Operator -> condition key -> values. AWS takes `true` for `"true"`. */
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, OneOrMore<string | boolean | number>>>>>;
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

/** A statement as the evaluator reads it. */
export interface Statement {
  readonly sid: string | undefined;
  readonly effect: "Allow" | "Deny";
  readonly actions: Actions;
  /** The statement has `NotAction`: it is about every action but those in `actions`. */
  readonly exceptActions: boolean;
  readonly resources: readonly Template[];
  /** The statement has `NotResource`. */
  readonly exceptResources: boolean;
  readonly conditions: readonly Condition[];
}

/** Actions in lower case, whose case AWS ignores. */
export interface Actions {
  readonly names: ReadonlySet<string>;
  readonly patterns: readonly Pattern[];
}

/** A statement of a trust policy, whose resource is the role that it belongs to. */
export interface TrustStatement extends Statement {
  /** `*`, account numbers and ARNs, as the policy writes them. */
  readonly principals: readonly string[];
}

export interface Condition {
  readonly operator: Operator;
  /** The condition key as the policy spells it, and in lower case. */
  readonly key: string;
  readonly lowerKey: string;
  readonly values: readonly Template[];
}

/** What a problem is about: an element that there is not, an operator, a value that its operator cannot compare, the rest. */
export type ProblemKind = "unknown-element" | "unknown-operator" | "wrong-value" | "malformed";

/** Something that AWS would not have in a policy. */
export interface Problem {
  readonly kind: ProblemKind;
  /** Where in the document. */
  readonly path: Path;
  /** The statement or element, in words: `Statement[0] (DenyAllWithoutMFA)`. */
  readonly where: string;
  readonly message: string;
  /** What was probably meant. */
  readonly meant?: string | undefined;
  /** What to write, where the message does not say what it must be. */
  readonly fix?: string | undefined;
}

/** More than anybody reads; a large file can hold millions. */
const mostProblems = 1_000;

/** A document is malformed, or says something that AWS does not know; the message says what and where. */
export class PolicyError extends Error {
  override readonly name = "PolicyError";
  /** The place in the text, where the document was given as text. */
  readonly place: Place | undefined;

  constructor(message: string, place?: Place) {
    super(message);
    this.place = place;
  }
}

/**
 * Checks a policy document, given as JSON text or as the value parsed from it.
 *
 * @returns the same document (parsed, if it was text), known to be one that `evaluate` understands in full
 * @throws PolicyError for anything malformed or unknown, with the place: `Statement[0] (DenyAllWithoutMFA): …`
 */
export function parsePolicy(json: unknown): PolicyDocument {
  return readPolicy(readIfText(json));
}

/** Checks a policy document whose JSON has been read. Throws {@link PolicyError} as {@link parsePolicy} does. */
export function readPolicy({ value, placeOf }: Partial<JsonText>): PolicyDocument {
  refuse(readDocument(value).problems, placeOf);
  return value as PolicyDocument;
}

/** The statements of a document in the evaluator's form. Throws {@link PolicyError} as {@link parsePolicy} does. */
export function readStatements(document: unknown): readonly Statement[] {
  const { statements, problems } = readDocument(document);
  refuse(problems);
  return statements;
}

/** The statements of a document, without those that are malformed, and everything that is wrong with it. */
export function readDocument(document: unknown): { statements: readonly Statement[]; problems: readonly Problem[] } {
  const found = new Problems();
  const elements = ["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"];
  const statements = readEach(document, found, (content, at, hasVariables) => {
    const statement = readStatement(content, at, elements, hasVariables);
    return { ...statement, ...readResources(content, at, hasVariables) };
  });
  return { statements, problems: found.list };
}

/**
 * The statements of a role's trust policy, given as JSON text or as the value parsed from it. Its actions are those that
 * AssumeRole needs; of principals it may name accounts, users and roles, or everybody:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
 *
 * @throws PolicyError as {@link parsePolicy} does
 */
export function readTrustPolicy(json: unknown): readonly TrustStatement[] {
  const { value, placeOf } = readIfText(json);
  const found = new Problems();
  const elements = ["Sid", "Effect", "Principal", "Action", "Condition"];
  const statements = readEach(value, found, (content, at, hasVariables) => {
    const statement = readStatement(content, at, elements, hasVariables);
    for (const name of [content.Action].flat()) {
      if (typeof name !== "string" || trustActions.includes(name.toLowerCase())) continue;
      at.add(["Action"], `action ${show(name)} is not supported in a trust policy`);
    }
    const everything = readTemplate("*", { wildcards: true, variables: false });
    return { ...statement, resources: [everything], exceptResources: false, principals: readPrincipals(content, at) };
  });
  refuse(found.list, placeOf);
  return statements;
}

const trustActions = ["sts:assumerole", "sts:tagsession", "sts:setsourceidentity"];

function readPrincipals({ Principal: principal }: Content, at: Spot): readonly string[] {
  if (principal === "*") return ["*"];
  if (!isObject(principal)) {
    at.add(["Principal"], 'Principal must be "*" or a JSON object');
    return [];
  }
  onlyElements(principal, ["AWS"], at.within("Principal", ": Principal"));
  const listedNames = textsOf(principal.AWS, at.within("Principal", ": Principal AWS"), ["AWS"], false);
  const names = listedNames.map(({ text }) => text);
  for (const name of names) {
    if (/^(\*|\d{12}|arn:[\w-]+:iam::\d{12}:(root|(user|role)\/[!-)+-~]+))$/.test(name)) continue;
    at.add(["Principal"], `principal ${show(name)} is neither "*", an account, a user nor a role`);
  }
  return names;
}

type Content = Readonly<Record<string, unknown>>;

class Problems {
  readonly list: Problem[] = [];
  count = 0;

  add({ near, ...problem }: Problem & More): void {
    this.count += 1;
    if (this.count > mostProblems) return;
    this.list.push({ ...problem, meant: near === undefined ? undefined : nearest(...near) });
  }
}

interface More {
  readonly kind?: ProblemKind;
  readonly fix?: string;
  /** What was written, and what may be. */
  readonly near?: readonly [name: string, names: readonly string[]] | undefined;
}

/** Where reading is, and what is found wrong there. */
class Spot {
  readonly #found: Problems;
  readonly #path: Path;
  readonly where: string;

  constructor(found: Problems, path: Path, where: string) {
    this.#found = found;
    this.#path = path;
    this.where = where;
  }

  within(element: string, words: string): Spot {
    return new Spot(this.#found, [...this.#path, element], `${this.where}${words}`);
  }

  add(path: Path, message: string, more: More = {}): void {
    this.#found.add({ kind: "malformed", ...more, path: [...this.#path, ...path], where: this.where, message });
  }
}

/** Checks a document's frame, and reads each statement of it. */
function readEach<S extends Statement>(
  document: unknown,
  found: Problems,
  read: (statement: Content, at: Spot, hasVariables: boolean) => S,
): readonly S[] {
  const top = new Spot(found, [], "");
  if (!isObject(document)) {
    top.add([], "a policy document is a JSON object", {
      fix: 'write {"Version": "2012-10-17", "Statement": […]}',
    });
    return [];
  }
  if (isObject(document.PolicyVersion) && document.Statement === undefined) {
    top.add(
      ["PolicyVersion"],
      "this is what aws iam get-policy-version prints: the policy is in .PolicyVersion.Document",
      {
        fix: "take that: aws iam get-policy-version … --query PolicyVersion.Document",
      },
    );
    return [];
  }
  onlyElements(document, ["Version", "Id", "Statement"], new Spot(found, [], "policy document"));
  const { Version: version, Id: id, Statement: content } = document;
  if (version !== undefined && version !== "2012-10-17" && version !== "2008-10-17") {
    new Spot(found, [], "Version").add(["Version"], `${show(version)} is neither "2012-10-17" nor "2008-10-17"`, {
      fix: 'write "2012-10-17"',
    });
  }
  if (id !== undefined && typeof id !== "string") new Spot(found, [], "Id").add(["Id"], "must be a string");
  const list: readonly unknown[] = Array.isArray(content) ? content : [content];
  if (content === undefined || list.length === 0) {
    new Spot(found, [], "Statement").add(["Statement"], "a policy needs at least one", {
      fix: 'add "Statement": [{"Effect": …, "Action": …, "Resource": …}]',
    });
    return [];
  }
  const sids = new Set<string>();
  return list.flatMap((statement, index) => {
    const path = Array.isArray(content) ? ["Statement", index] : ["Statement"];
    const sid = isObject(statement) && typeof statement.Sid === "string" ? statement.Sid : "";
    const at = new Spot(found, path, `Statement[${index}]${sid === "" ? "" : ` (${shorten(sid)})`}`);
    if (!isObject(statement)) {
      at.add([], "must be a JSON object");
      return [];
    }
    if (sids.has(sid)) {
      at.add(["Sid"], `Sid ${show(sid)}: statement ids must be unique in a policy`, {
        fix: "give it another, or none",
      });
    }
    if (sid !== "") sids.add(sid);
    const before = found.count;
    const result = read(statement, at, version === "2012-10-17");
    return found.count === before ? [result] : [];
  });
}

function readStatement(
  statement: Content,
  at: Spot,
  elements: readonly string[],
  hasVariables: boolean,
): Omit<Statement, "resources" | "exceptResources"> {
  const { Sid: sid, Effect: effect, Action: action, NotAction: notAction } = statement;
  if (sid !== undefined && (typeof sid !== "string" || !/^[A-Za-z0-9]*$/.test(sid))) {
    at.add(["Sid"], "Sid must be a string of letters and digits");
  }
  onlyElements(statement, elements, at);
  if (effect !== "Allow" && effect !== "Deny") {
    const near = typeof effect === "string" ? ([effect, ["Allow", "Deny"]] as const) : undefined;
    at.add(["Effect"], `Effect ${show(effect)} is neither "Allow" nor "Deny"`, { near });
  }
  const element = action === undefined ? "NotAction" : "Action";
  if (action !== undefined && notAction !== undefined) {
    at.add(["NotAction"], "has both Action and NotAction", { fix: "leave one of them out" });
  }
  if (action === undefined && notAction === undefined) {
    at.add([], "has neither Action nor NotAction", { fix: 'add one of them: "Action": "service:Action" or "*"' });
  }
  const actions = action === undefined && notAction === undefined ? [] : listed(statement, element, at);
  for (const { text, path } of actions) {
    if (/^(\*|(\*|[\w-]+):[\w*?-]+)$/.test(text)) continue;
    at.add(path, `action ${show(text)} is neither "*" nor "service:Action"`);
  }
  const patterns = actions.map(({ text }) => parsePattern(text.toLowerCase()));
  return {
    sid: sid === "" ? undefined : (sid as string | undefined),
    effect: effect as "Allow" | "Deny",
    actions: {
      names: new Set<string>(patterns.filter((pattern) => !hasWildcard(pattern))),
      patterns: patterns.filter(hasWildcard),
    },
    exceptActions: action === undefined,
    conditions: readConditions(statement.Condition, at.within("Condition", ""), hasVariables),
  };
}

function readResources(
  statement: Content,
  at: Spot,
  hasVariables: boolean,
): Pick<Statement, "resources" | "exceptResources"> {
  const { Resource: resource, NotResource: notResource } = statement;
  if (resource !== undefined && notResource !== undefined) {
    at.add(["NotResource"], "has both Resource and NotResource", { fix: "leave one of them out" });
  }
  const element = resource === undefined && notResource !== undefined ? "NotResource" : "Resource";
  const resources = listed(statement, element, at);
  for (const { text, path } of resources) {
    if (text !== "*" && !/^arn:[^:]/.test(text)) at.add(path, `resource ${show(text)} is neither "*" nor an ARN`);
    if (hasVariables) checkVariables(text, path, at);
    const before = /^(?:[^:]*:){0,4}[^:]*/.exec(text)?.[0] ?? "";
    if (hasVariables && /\$\{(?![*?$]\})/.test(before)) {
      at.add(path, `resource ${show(text)}: policy variables may stand behind the fifth colon only`, {
        fix: "write * or the value itself in place of the variable",
      });
    }
  }
  return {
    resources: resources.map(({ text }) => readTemplate(completed(text), { wildcards: true, variables: hasVariables })),
    exceptResources: element === "NotResource",
  };
}

/**
 * "When you specify an incomplete ARN (one with fewer than the standard six fields) in an identity-based policy, AWS
 * automatically completes the ARN by adding wildcard characters (*) to all missing fields":
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
 */
function completed(arn: string): string {
  const missing = 6 - arn.split(":").length;
  return arn === "*" || missing <= 0 ? arn : arn + ":*".repeat(missing);
}

function readConditions(block: unknown, at: Spot, hasVariables: boolean): readonly Condition[] {
  if (block === undefined) return [];
  if (!isObject(block)) {
    at.add([], "Condition must be a JSON object");
    return [];
  }
  return Object.entries(block).flatMap(([name, keys]) => {
    const operator = findOperator(name);
    if (operator === undefined) {
      const near = [name, listOperatorNames()] as const;
      at.add([name], `condition operator ${show(name)} is not one of AWS's`, { kind: "unknown-operator", near });
      return [];
    }
    if (!isObject(keys)) {
      at.add([name], `${name} must be a JSON object of condition keys`);
      return [];
    }
    if (Object.keys(keys).length === 0) at.add([name], `${name} is about no condition key`);
    return Object.keys(keys).map((key): Condition => {
      if (key === "") at.add([name, key], `${name}: the name of a condition key is empty`);
      const values = listed(keys, key, at.within(name, `: ${name}`), true);
      for (const { text, path } of values) {
        checkValue(operator, key, text, [name, ...path], at);
        if (hasVariables && operator.kindOf.variables) checkVariables(text, [name, ...path], at);
      }
      const has = { wildcards: operator.wildcards, variables: hasVariables && operator.kindOf.variables };
      return { operator, key, lowerKey: key.toLowerCase(), values: values.map(({ text }) => readTemplate(text, has)) };
    });
  });
}

function checkValue({ name, kind, kindOf, isNull }: Operator, key: string, text: string, path: Path, at: Spot): void {
  if (kindOf.takes(text)) return;
  const what =
    isNull || kind === "bool"
      ? `is neither "true" nor "false"`
      : `is not ${kindOf.values}${kind === "ip" ? " or a CIDR range" : ""}`;
  at.add(path, `${name} ${shorten(key)}: ${show(text)} ${what}`, { kind: "wrong-value" });
}

/** What begins like a variable and does not end would be text, which matches nothing. */
function checkVariables(text: string, path: Path, at: Spot): void {
  if (text.lastIndexOf("${") <= text.lastIndexOf("}")) return;
  at.add(path, `${show(text)}: a policy variable does not end`, { fix: "write the brace that closes it" });
}

/** The strings of an element, each with its path. */
function listed(content: Content, element: string, at: Spot, scalars = false): { text: string; path: Path }[] {
  const value = content[element];
  return textsOf(value, at.within(element, `: ${element}`), [], scalars).map(({ text, path }) => ({
    text,
    path: [element, ...path],
  }));
}

/** One string or a list of them as a list, each with its path; never an empty one, which would match nothing without saying so. */
function textsOf(value: unknown, at: Spot, path: Path, scalars: boolean): { text: string; path: Path }[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (value === undefined || list.length === 0) at.add(path, "is missing or empty");
  if (value === undefined) return [];
  return list.flatMap((item, index) => {
    const itemPath = Array.isArray(value) ? [...path, index] : path;
    if (typeof item === "string") return { text: item, path: itemPath };
    if (scalars && (typeof item === "boolean" || typeof item === "number"))
      return { text: String(item), path: itemPath };
    at.add(itemPath, `${show(item)} must be a string`);
    return [];
  });
}

function onlyElements(object: object, known: readonly string[], at: Spot): void {
  for (const name of Object.keys(object).filter((element) => !known.includes(element))) {
    const fix = `leave it out; what may stand here is ${known.join(", ")}`;
    at.add([name], `element ${show(name)} is not supported`, {
      kind: "unknown-element",
      near: [name, known],
      fix,
    });
  }
}

export function isObject(value: unknown): value is Content {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value from a document for a message: not more of it than a line holds. */
function show(value: unknown): string {
  return shorten(value === undefined ? "undefined" : JSON.stringify(value));
}

function shorten(text: string): string {
  return text.length <= 100 ? text : `${text.slice(0, 99)}…`;
}

function readIfText(json: unknown): Partial<JsonText> {
  if (typeof json !== "string") return { value: json };
  try {
    return readJson(json);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new PolicyError(`a policy document is JSON: ${error.message}`, error.place);
  }
}

function refuse([first]: readonly Problem[], placeOf?: (path: Path) => Place): void {
  if (first === undefined) return;
  const { where, message, meant, path } = first;
  const instead = meant === undefined ? "" : `; ${JSON.stringify(meant)} was meant, perhaps`;
  throw new PolicyError(`${where === "" ? "" : `${where}: `}${message}${instead}`, placeOf?.(path));
}
