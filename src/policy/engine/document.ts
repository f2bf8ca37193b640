// Reads and validates the policy documents that the evaluator understands: identity-based policies and the trust policies
// of roles.
//
// Anything unknown is an error. If a condition were skipped, or an operator never matched, a typo would silently make a
// policy enforce nothing, or lock everyone out.
import {
  type Content,
  checkElements,
  isObject,
  type ParsedStatement,
  type Problem,
  quoteValue,
  readFrame,
  readResources,
  readStatement,
  readTexts,
  type Spot,
  type Statement,
} from "./grammar.ts";
import { type JsonText, type Path, type Place, readJson, SourceError } from "./json.ts";
import { readTemplate } from "./template.ts";

/** Policies accept a single value in place of a list: `"Action": "*"` means `"Action": ["*"]`. */
export type OneOrMore<Value> = Value | readonly Value[];

export interface PolicyStatement {
  readonly Sid?: string;
  readonly Effect: "Allow" | "Deny";
  readonly Action?: OneOrMore<string>;
  readonly NotAction?: OneOrMore<string>;
  readonly Resource?: OneOrMore<string>;
  readonly NotResource?: OneOrMore<string>;
  /** Operator -> condition key -> values. AWS accepts `true` for `"true"`. */
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

/** What could be read from a document, and all of its problems. */
export interface ParsedDocument {
  readonly version: unknown;
  readonly statements: readonly ParsedStatement[];
  readonly problems: readonly Problem[];
}

/** A statement of a trust policy. Its resource is the role itself. */
export interface TrustStatement extends Statement {
  /** `*`, account IDs and ARNs, as written in the policy. */
  readonly principals: readonly string[];
}

/** A document is malformed or has something that AWS does not know; the message says what and where. */
export class PolicyError extends Error {
  override readonly name = "PolicyError";
  /** The place in the text, if the document was given as text. */
  readonly place: Place | undefined;
  /** What was probably meant, for something that AWS does not know. */
  readonly meant: string | undefined;

  constructor(message: string, place?: Place, meant?: string) {
    super(message);
    this.place = place;
    this.meant = meant;
  }
}

/**
 * Checks a policy document, given as JSON text or as the value parsed from it.
 *
 * @returns the same document (parsed, if it was text), which `evaluate` understands completely
 * @throws PolicyError for anything malformed or unknown, with the place: `Statement[0] (DenyAllWithoutMFA): …`
 */
export function parsePolicy(json: unknown): PolicyDocument {
  return readPolicy(readIfText(json));
}

/** Checks a policy document whose JSON has been read. Throws {@link PolicyError} like {@link parsePolicy}. */
export function readPolicy({ value, placeOf }: Partial<JsonText>): PolicyDocument {
  rejectProblems(parseDocument(value), placeOf);
  return value as PolicyDocument;
}

/** Returns the statements of a document. Throws {@link PolicyError} like {@link parsePolicy}. */
export function statementsOf(document: PolicyDocument): readonly Statement[] {
  const parsed = parseDocument(document);
  rejectProblems(parsed);
  return parsed.statements;
}

/** A cache: thousands of users share a few documents. */
const parsedDocuments = new WeakMap<object, ParsedDocument>();

/** Reads a document once and caches the result, so callers must not change the document afterward. */
export function parseDocument(document: unknown): ParsedDocument {
  if (!isObject(document)) return readDocument(document);
  let parsed = parsedDocuments.get(document);
  if (parsed === undefined) {
    parsed = readDocument(document);
    parsedDocuments.set(document, parsed);
  }
  return parsed;
}

function readDocument(document: unknown): ParsedDocument {
  const problems: Problem[] = [];
  const elements = ["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"];
  const statements = readFrame(document, problems, (content, at, hasVariables) => ({
    ...readStatement(content, at, elements, hasVariables),
    ...readResources(content, at, hasVariables),
  }));
  return { version: isObject(document) ? document.Version : undefined, statements, problems };
}

/**
 * Returns the statements of a role's trust policy, given as JSON text or as the value parsed from it. Actions are limited
 * to those that AssumeRole needs, and principals to accounts, users, roles and "*":
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
 *
 * @throws PolicyError like {@link parsePolicy}
 */
export function readTrustPolicy(json: unknown): readonly TrustStatement[] {
  const { value, placeOf } = readIfText(json);
  const problems: Problem[] = [];
  const elements = ["Sid", "Effect", "Principal", "Action", "Condition"];
  const statements = readFrame(value, problems, (content, at, hasVariables) => {
    const statement = readStatement(content, at, elements, hasVariables);
    for (const name of [content.Action].flat()) {
      if (typeof name !== "string" || trustActions.includes(name.toLowerCase())) continue;
      at.add(["Action"], `action ${quoteValue(name)} is not supported in a trust policy`);
    }
    const principals = readPrincipals(content, at);
    return { ...statement, resourceElement: "Resource" as const, resources: [everything], principals };
  });
  const parsed = { statements, problems };
  rejectProblems(parsed, placeOf);
  return parsed.statements;
}

const trustActions = ["sts:assumerole", "sts:tagsession", "sts:setsourceidentity"];
const everything = { text: "*", path: [], template: readTemplate("*", { wildcards: true, variables: false }) };

function readPrincipals({ Principal: principal }: Content, at: Spot): readonly string[] {
  if (principal === "*") return ["*"];
  if (!isObject(principal)) {
    at.add(["Principal"], 'Principal must be "*" or a JSON object');
    return [];
  }
  const below = at.within(["Principal"], ": Principal");
  checkElements(principal, ["AWS"], below);
  const names = readTexts(principal, "AWS", below).map(({ text }) => text);
  for (const name of names) {
    if (/^(\*|\d{12}|arn:[\w-]+:iam::\d{12}:(root|(user|role)\/[!-)+-~]+))$/.test(name)) continue;
    at.add(["Principal"], `principal ${quoteValue(name)} is not "*", an account, a user or a role`);
  }
  return names;
}

function readIfText(json: unknown): Partial<JsonText> {
  if (typeof json !== "string") return { value: json };
  try {
    return readJson(json);
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    throw new PolicyError(`invalid JSON: ${error.message}`, error.place);
  }
}

/** @throws PolicyError for the first problem */
function rejectProblems<S extends ParsedStatement>(
  parsed: { readonly statements: readonly S[]; readonly problems: readonly Problem[] },
  placeOf?: (path: Path) => Place,
): asserts parsed is { readonly statements: readonly (S & Statement)[]; readonly problems: readonly never[] } {
  const [first] = parsed.problems;
  if (first === undefined) return;
  const { where, message, meant, path } = first;
  throw new PolicyError(`${where === "" ? "" : `${where}: `}${message}`, placeOf?.(path), meant);
}
