// Reads the elements of a policy, for the evaluator and the linter: each statement with the places of its texts, and every
// violation of AWS's grammar.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
import { findNearest } from "../../nearest.ts";
import type { Path } from "./json.ts";
import { findOperator, listOperatorNames, type Operator } from "./operators.ts";
import { readTemplate, type Template } from "./template.ts";
import { hasWildcard, type Pattern, parsePattern } from "./wildcard.ts";

/** A text as written in the policy, and where. */
export interface Entry {
  readonly text: string;
  readonly path: Path;
}

/** A text to compare requests with. */
export interface ComparedText extends Entry {
  readonly template: Template;
}

/** What could be read of a statement: the linter also checks statements that AWS rejects. */
export interface ParsedStatement {
  readonly path: Path;
  readonly sid: string | undefined;
  readonly effect: unknown;
  /** Undefined if it has neither. */
  readonly actionElement: "Action" | "NotAction" | undefined;
  readonly actions: readonly Entry[];
  /** The actions in lower case (AWS ignores case): those without wildcards, and patterns. */
  readonly actionNames: ReadonlySet<string>;
  readonly actionPatterns: readonly Pattern[];
  readonly resourceElement: "Resource" | "NotResource" | undefined;
  readonly resources: readonly ComparedText[];
  readonly conditions: readonly ParsedCondition[];
}

export interface ParsedCondition {
  /** The operator as written. */
  readonly name: string;
  /** The operator's meaning; for an unknown name, the likely meaning. */
  readonly operator: Operator | undefined;
  /** The condition key as written, and in lower case. */
  readonly key: string;
  readonly lowerKey: string;
  readonly path: Path;
  readonly values: readonly ComparedText[];
}

/** A statement without problems, ready for the evaluator. */
export interface Statement extends ParsedStatement {
  readonly effect: "Allow" | "Deny";
  readonly conditions: readonly Condition[];
}

export interface Condition extends ParsedCondition {
  readonly operator: Operator;
}

export type ProblemKind = "unknown-element" | "unknown-operator" | "wrong-value" | "malformed";

/** Something in a policy that AWS rejects or that cannot work. */
export interface Problem {
  readonly kind: ProblemKind;
  /** Where in the document. */
  readonly path: Path;
  /** The statement or element, for messages: `Statement[0] (DenyAllWithoutMFA)`. */
  readonly where: string;
  readonly message: string;
  /** The likely intended name. */
  readonly meant?: string | undefined;
  /** What to write, if the message does not say so. */
  readonly fix?: string | undefined;
}

type More = Partial<Pick<Problem, "kind" | "meant" | "fix">>;

export type Content = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Content {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The current place in the document; collects the problems found there. */
export class Spot {
  readonly #problems: Problem[];
  readonly path: Path;
  readonly where: string;

  constructor(problems: Problem[], path: Path, where: string) {
    this.#problems = problems;
    this.path = path;
    this.where = where;
  }

  /** A part of this place. @param words appended to its name in messages */
  within(steps: Path, words: string): Spot {
    return new Spot(this.#problems, [...this.path, ...steps], `${this.where}${words}`);
  }

  add(steps: Path, message: string, more: More = {}): void {
    this.addTo({ path: [...this.path, ...steps] }, message, more);
  }

  /** Adds a problem at a text with its own place. */
  addTo({ path }: Pick<Entry, "path">, message: string, more: More = {}): void {
    this.#problems.push({ kind: "malformed", ...more, path, where: this.where, message });
  }
}

/** Checks the top level of a document, and reads each statement. */
export function readFrame<S>(
  document: unknown,
  problems: Problem[],
  read: (statement: Content, at: Spot, hasVariables: boolean) => S,
): readonly S[] {
  const top = new Spot(problems, [], "");
  if (!isObject(document)) {
    top.add([], "a policy document must be a JSON object", {
      fix: 'write {"Version": "2012-10-17", "Statement": […]}',
    });
    return [];
  }
  checkElements(document, ["Version", "Id", "Statement"], top.within([], "policy document"));
  const { Version: version, Id: id, Statement: content } = document;
  if (version !== undefined && version !== "2012-10-17" && version !== "2008-10-17") {
    const message = `${quoteValue(version)} is neither "2012-10-17" nor "2008-10-17"`;
    top.within(["Version"], "Version").add([], message, { fix: 'write "2012-10-17"' });
  }
  if (id !== undefined && typeof id !== "string") top.within(["Id"], "Id").add([], "must be a string");
  const list: readonly unknown[] = Array.isArray(content) ? content : [content];
  if (content === undefined || list.length === 0) {
    top.within(["Statement"], "Statement").add([], "a policy needs at least one statement", {
      fix: 'add "Statement": [{"Effect": …, "Action": …, "Resource": …}]',
    });
    return [];
  }
  const sids = new Set<string>();
  return list.flatMap((statement, index) => {
    const sid = isObject(statement) && typeof statement.Sid === "string" ? statement.Sid : "";
    const words = `Statement[${index}]${sid === "" ? "" : ` (${shorten(sid)})`}`;
    const at = top.within(Array.isArray(content) ? ["Statement", index] : ["Statement"], words);
    if (!isObject(statement)) {
      at.add([], "must be a JSON object");
      return [];
    }
    if (sids.has(sid)) {
      const message = `Sid ${quoteValue(sid)} is used twice, but must be unique in a policy`;
      at.add(["Sid"], message, { fix: "change or remove one of them" });
    }
    if (sid !== "") sids.add(sid);
    return [read(statement, at, version === "2012-10-17")];
  });
}

/** Reads what statements of all policies have in common. @param elements the allowed elements */
export function readStatement(
  statement: Content,
  at: Spot,
  elements: readonly string[],
  hasVariables: boolean,
): Omit<ParsedStatement, "resourceElement" | "resources"> {
  const { Sid: sid, Effect: effect } = statement;
  if (sid !== undefined && (typeof sid !== "string" || !/^[A-Za-z0-9]*$/.test(sid))) {
    at.add(["Sid"], "Sid must be a string of letters and digits");
  }
  checkElements(statement, elements, at);
  if (effect !== "Allow" && effect !== "Deny") {
    const meant = typeof effect === "string" ? findNearest(effect, ["Allow", "Deny"]) : undefined;
    at.add(["Effect"], `Effect ${quoteValue(effect)} is neither "Allow" nor "Deny"`, { meant });
  }
  return {
    path: at.path,
    sid: typeof sid === "string" && sid !== "" ? sid : undefined,
    effect,
    ...readActions(statement, at),
    conditions: readConditions(statement.Condition, at.within(["Condition"], ""), hasVariables),
  };
}

function readActions(
  statement: Content,
  at: Spot,
): Pick<ParsedStatement, "actionElement" | "actions" | "actionNames" | "actionPatterns"> {
  const [actionElement, other] = (["Action", "NotAction"] as const).filter((name) => statement[name] !== undefined);
  if (other !== undefined) at.add([other], "has both Action and NotAction", { fix: "remove one of them" });
  if (actionElement === undefined) {
    at.add([], "has neither Action nor NotAction", { fix: 'add one of them: "Action": "service:Action" or "*"' });
  }
  const actions = actionElement === undefined ? [] : readTexts(statement, actionElement, at);
  for (const action of actions) {
    if (/^(\*|(\*|[\w-]+):[\w*?-]+)$/.test(action.text)) continue;
    at.addTo(action, `action ${quoteValue(action.text)} is neither "*" nor "service:Action"`);
  }
  const patterns = actions.map(({ text }) => parsePattern(text.toLowerCase()));
  return {
    actionElement,
    actions,
    actionNames: new Set<string>(patterns.filter((pattern) => !hasWildcard(pattern))),
    actionPatterns: patterns.filter(hasWildcard),
  };
}

export function readResources(
  statement: Content,
  at: Spot,
  hasVariables: boolean,
): Pick<ParsedStatement, "resourceElement" | "resources"> {
  const [resourceElement, other] = (["Resource", "NotResource"] as const).filter(
    (name) => statement[name] !== undefined,
  );
  if (other !== undefined) at.add([other], "has both Resource and NotResource", { fix: "remove one of them" });
  const resources = readTexts(statement, resourceElement ?? "Resource", at);
  for (const resource of resources) {
    const { text } = resource;
    if (text !== "*" && !/^arn:[^:]/.test(text))
      at.addTo(resource, `resource ${quoteValue(text)} is neither "*" nor an ARN`);
    if (hasVariables) checkVariables(resource, at);
    const before = /^(?:[^:]*:){0,4}[^:]*/.exec(text)?.[0] ?? "";
    if (hasVariables && /\$\{(?![*?$]\})/.test(before)) {
      at.addTo(resource, `resource ${quoteValue(text)}: policy variables are allowed only after the fifth colon`, {
        fix:
          text.replace(/\$\{[^{}]*\}/g, "").split(":").length < 6
            ? "add the missing fields before the variable: an ARN is arn:partition:service:region:account:resource"
            : "replace the variable with its value",
      });
    }
  }
  const has = { wildcards: true, variables: hasVariables };
  return {
    resourceElement,
    resources: resources.map((entry) => ({ ...entry, template: readTemplate(completeArn(entry.text), has) })),
  };
}

/**
 * "When you specify an incomplete ARN (one with fewer than the standard six fields) in an identity-based policy, AWS
 * automatically completes the ARN by adding wildcard characters (*) to all missing fields":
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
 */
function completeArn(arn: string): string {
  const missing = 6 - arn.split(":").length;
  return arn === "*" || missing <= 0 ? arn : arn + ":*".repeat(missing);
}

function readConditions(block: unknown, at: Spot, hasVariables: boolean): readonly ParsedCondition[] {
  if (block === undefined) return [];
  if (!isObject(block)) {
    at.add([], "Condition must be a JSON object");
    return [];
  }
  return Object.entries(block).flatMap(([name, keys]) => {
    const known = findOperator(name);
    const meant = known === undefined ? findNearest(name, listOperatorNames()) : undefined;
    if (known === undefined) {
      const message = `unknown condition operator ${quoteValue(name)}`;
      at.add([name], message, { kind: "unknown-operator", meant });
    }
    if (!isObject(keys)) {
      at.add([name], `${name} must be a JSON object of condition keys`);
      return [];
    }
    if (Object.keys(keys).length === 0) at.add([name], `${name} has no condition key`);
    const operator = known ?? findOperator(meant ?? "");
    return Object.keys(keys).map((key): ParsedCondition => {
      if (key === "") at.add([name, key], `${name}: the name of a condition key is empty`);
      const entries = readTexts(keys, key, at.within([name], `: ${name}`), true);
      const has = {
        wildcards: operator?.wildcards ?? false,
        variables: hasVariables && (operator?.kindOf.variables ?? false),
      };
      if (known !== undefined) for (const entry of entries) checkValue(known, key, entry, at);
      if (known !== undefined && has.variables) for (const entry of entries) checkVariables(entry, at);
      const values = entries.map((entry) => ({ ...entry, template: readTemplate(entry.text, has) }));
      return { name, operator, key, lowerKey: key.toLowerCase(), path: [...at.path, name, key], values };
    });
  });
}

function checkValue({ name, kind, kindOf, isNull }: Operator, key: string, entry: Entry, at: Spot): void {
  if (kindOf.takes(entry.text)) return;
  const what =
    isNull || kind === "bool"
      ? `is neither "true" nor "false"`
      : `is not ${kindOf.values}${kind === "ip" ? " or a CIDR range" : ""}`;
  at.addTo(entry, `${name} ${shorten(key)}: ${quoteValue(entry.text)} ${what}`, { kind: "wrong-value" });
}

/** A variable without its closing brace would be plain text, which matches nothing. */
function checkVariables(entry: Entry, at: Spot): void {
  const { text } = entry;
  if (text.lastIndexOf("${") <= text.lastIndexOf("}")) return;
  at.addTo(entry, `${quoteValue(text)}: a policy variable has no closing brace`, { fix: "add the closing brace" });
}

/**
 * Reads one string or a list of strings. An empty list is an error: it would silently match nothing.
 *
 * @param scalars whether to accept `true` and 5 for `"true"` and `"5"`, as in conditions
 */
export function readTexts(content: Content, element: string, whole: Spot, scalars = false): Entry[] {
  const at = whole.within([element], `: ${element}`);
  const value = content[element];
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (value === undefined || list.length === 0) at.add([], "is missing or empty");
  if (value === undefined) return [];
  return list.flatMap((item, index) => {
    const below = Array.isArray(value) ? [index] : [];
    const isText = typeof item === "string" || (scalars && (typeof item === "boolean" || typeof item === "number"));
    if (isText) return { text: String(item), path: [...at.path, ...below] };
    at.add(below, `${quoteValue(item)} must be a string`);
    return [];
  });
}

export function checkElements(object: object, known: readonly string[], at: Spot): void {
  for (const name of Object.keys(object).filter((element) => !known.includes(element))) {
    at.add([name], `element ${quoteValue(name)} is not supported`, {
      kind: "unknown-element",
      meant: findNearest(name, known),
      fix: `remove it; the allowed elements are ${known.join(", ")}`,
    });
  }
}

/** Quotes a value from a document for a message, shortened to fit on a line. */
export function quoteValue(value: unknown): string {
  return shorten(value === undefined ? "undefined" : JSON.stringify(value));
}

function shorten(text: string): string {
  return text.length <= 100 ? text : `${text.slice(0, 99)}…`;
}
