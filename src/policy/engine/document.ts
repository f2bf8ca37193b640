// The IAM policy documents that the evaluator understands, and the one place that decides whether a document is one:
// identity-based policies, and the trust policies of roles.
//
// Whatever is not understood is an error here. A condition that is skipped, or an operator that never matches, would
// turn a typing mistake into a policy that silently enforces nothing, or that locks everybody out.
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
import { JsonError, type JsonText, type Path, type Place, readJson } from "./json.ts";
import { readTemplate } from "./template.ts";

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

/** A document as it was read: what is in it, as far as it can be read, and everything that is wrong with it. */
export interface ParsedDocument {
  readonly version: unknown;
  readonly statements: readonly ParsedStatement[];
  readonly problems: readonly Problem[];
}

/** A statement of a trust policy, whose resource is the role that it belongs to. */
export interface TrustStatement extends Statement {
  /** `*`, account numbers and ARNs, as the policy writes them. */
  readonly principals: readonly string[];
}

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
  rejectProblems(parseDocument(value), placeOf);
  return value as PolicyDocument;
}

/** The statements of a document in the evaluator's form. Throws {@link PolicyError} as {@link parsePolicy} does. */
export function statementsOf(document: PolicyDocument): readonly Statement[] {
  const parsed = parseDocument(document);
  rejectProblems(parsed);
  return parsed.statements;
}

/** Documents that have been read: thousands of users share the same few. */
const parsedDocuments = new WeakMap<object, ParsedDocument>();

/** What a document says. It is read once, so it is not to be changed afterwards. */
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
 * The statements of a role's trust policy, given as JSON text or as the value parsed from it. Its actions are those that
 * AssumeRole needs; of principals it may name accounts, users and roles, or everybody:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
 *
 * @throws PolicyError as {@link parsePolicy} does
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
    at.add(["Principal"], `principal ${quoteValue(name)} is neither "*", an account, a user nor a role`);
  }
  return names;
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

/** What has no problems is what the evaluator takes. @throws PolicyError */
function rejectProblems<S extends ParsedStatement>(
  parsed: { readonly statements: readonly S[]; readonly problems: readonly Problem[] },
  placeOf?: (path: Path) => Place,
): asserts parsed is { readonly statements: readonly (S & Statement)[]; readonly problems: readonly never[] } {
  const [first] = parsed.problems;
  if (first === undefined) return;
  const { where, message, meant, path } = first;
  const instead = meant === undefined ? "" : `; ${JSON.stringify(meant)} was meant, perhaps`;
  throw new PolicyError(`${where === "" ? "" : `${where}: `}${message}${instead}`, placeOf?.(path));
}
