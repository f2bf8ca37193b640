// Finds the policies in JSON as people have it: a policy document or its statements, what AWS's API returns, a
// CloudFormation template, the output of `terraform show -json`.
import { findNearest } from "../../nearest.ts";
import { isObject } from "../engine/grammar.ts";
import { JsonError, type JsonText, type Path, readJson } from "../engine/json.ts";
import type { Unknown } from "../lint/lint.ts";
import { findInAwsOutput } from "./aws-output.ts";
import type { Candidate } from "./candidate.ts";
import { findInTemplate, resolveFunctions } from "./cloudformation.ts";
import { findInTerraform, knownAfterApply } from "./terraform.ts";

export { listAbsent } from "./aws-output.ts";

/** A policy in a file. */
export interface FoundPolicy extends Omit<Candidate, "name" | "path"> {
  /** For messages: `group RequireMFA, policy enforce-mfa`. Undefined if the file is the policy itself. */
  readonly name: string | undefined;
  /** The document, with places in the file. Of a document in a text, everything is at the place of the text. */
  readonly json: JsonText;
  /** What in the document is known only after deployment. Lint and simulate must not guess it. */
  readonly unknown: readonly Unknown[];
}

/**
 * Finds all identity-based and service control policies. Trust policies of roles are neither.
 *
 * @returns an empty list if the file has no policy
 * @throws JsonError, with its place in the file, if the text of a policy is not JSON
 */
export function findPolicies(file: JsonText): readonly FoundPolicy[] {
  const { value } = file;
  if (isDocument(value)) return [{ name: undefined, json: file, unknown: [] }];
  if (isStatement(value) || (Array.isArray(value) && value.length > 0 && value.every(isStatement))) {
    return [{ name: undefined, json: completeStatements(file), unknown: [] }];
  }
  // `terraform output -json` and `--query` print the text of a policy.
  const itself = typeof value === "string" ? [{ path: [], name: "" }] : undefined;
  const candidates = itself ?? findInAwsOutput(value) ?? findInTerraform(value) ?? findInTemplate(value) ?? [];
  return candidates.map((candidate) => openPolicy(file, candidate));
}

/** Also of a document with a misspelled element: lint says which. */
function isDocument(value: unknown): boolean {
  if (!isObject(value) || isStatement(value)) return false;
  if (/^20(08|12)-\d\d-\d\d$/.test(String(value.Version))) return true;
  return Object.keys(value).some((name) => name === "Statement" || findNearest(name, ["Statement"]) !== undefined);
}

const isStatement = (value: unknown): boolean =>
  isObject(value) && value.Statement === undefined && value.Effect !== undefined;

/** Whether a document is about a resource: a trust policy or a bucket policy. It names principals. */
export function isResourceBased({ value }: JsonText): boolean {
  const statements: readonly unknown[] = isObject(value) ? [value.Statement].flat() : [];
  return statements.some((each) => isObject(each) && (each.Principal ?? each.NotPrincipal) !== undefined);
}

function completeStatements(file: JsonText): JsonText {
  return { value: { Version: "2012-10-17", Statement: file.value }, placeOf: ([, ...path]) => file.placeOf(path) };
}

function openPolicy(file: JsonText, { path, name, ...rest }: Candidate): FoundPolicy {
  const found = { ...rest, name: name === "" ? undefined : name };
  const given = valueAt(file.value, path);
  if (given === undefined || given === null) {
    return { ...found, json: { value: undefined, placeOf: () => file.placeOf(path) }, unknown: [knownAfterApply] };
  }
  if (typeof given === "string") {
    const { value } = readText(given, name, file, path);
    return { ...found, json: { value, placeOf: () => file.placeOf(path) }, unknown: [] };
  }
  const unknown: Unknown[] = [];
  const value = rest.hasFunctions ? resolveFunctions(given, unknown) : given;
  return { ...found, json: { value, placeOf: (below) => file.placeOf([...path, ...below]) }, unknown };
}

function readText(text: string, name: string, file: JsonText, path: Path): JsonText {
  try {
    return readJson(decodePolicy(text));
  } catch (error) {
    if (!(error instanceof JsonError || error instanceof URIError)) throw error;
    const what = name === "" ? "the policy in this text" : name;
    throw new JsonError(`${what} is not JSON: ${error.message}`, file.placeOf(path));
  }
}

/** "Policies returned by this operation are URL-encoded compliant with RFC 3986", in raw answers of the API. */
const decodePolicy = (text: string): string => (/^\s*%7B/i.test(text) ? decodeURIComponent(text) : text);

function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, step) =>
      typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[step] : undefined,
    root,
  );
}
