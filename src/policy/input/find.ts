// Finds the policies in JSON as people have it: a policy document or its statements, what AWS's API returns, a
// CloudFormation template, the output of `terraform show -json`.
import { findNearest } from "../../nearest.ts";
import { isObject } from "../engine/grammar.ts";
import { JsonError, type JsonSource, type JsonText, type Path, readJson } from "../engine/json.ts";
import type { Unknown } from "../lint/lint.ts";
import { findInAwsOutput } from "./aws-output.ts";
import type { Candidate } from "./candidate.ts";
import { findInTemplate, resolveFunctions } from "./cloudformation.ts";
import { findInTerraform } from "./terraform.ts";

export { findUserDetails, isCutOff, listAbsent } from "./aws-output.ts";
export { listNotLookedAt } from "./cloudformation.ts";

/** A policy in a file. */
export interface FoundPolicy extends Omit<Candidate, "name" | "absent"> {
  /** For messages: `group RequireMFA, policy enforce-mfa`. Undefined if the file is the policy itself. */
  readonly name: string | undefined;
  /** The document, with places in the file. Of a document in a text, everything is at the place of the text. */
  readonly json: JsonText;
  /** What in the document is known only after deployment. Lint and simulate must not guess it. */
  readonly unknown: readonly Unknown[];
  readonly form: Form;
}

/** How a file has a document: itself, only its statements, a text with JSON in it, or that URL-encoded. */
export type Form = "document" | "statements" | "text" | "encoded text";

/**
 * Finds all identity-based and service control policies. Trust policies of roles are neither.
 *
 * @returns an empty list if the file has no policy
 * @throws JsonError, with its place in the file, if the text of a policy is not JSON
 */
export function findPolicies(file: JsonText): readonly FoundPolicy[] {
  const { value } = file;
  if (isDocument(value)) return [{ name: undefined, json: file, unknown: [], path: [], form: "document" }];
  if (isStatement(value) || (Array.isArray(value) && value.length > 0 && value.every(isStatement))) {
    return [{ name: undefined, json: completeStatements(file), unknown: [], path: [], form: "statements" }];
  }
  // `terraform output -json` and `--query` print the text of a policy.
  const itself = typeof value === "string" ? [{ path: [], name: "" }] : undefined;
  const candidates = itself ?? findInAwsOutput(value) ?? findInTerraform(value) ?? findInTemplate(value) ?? [];
  return candidates.flatMap((candidate) => openPolicy(file, candidate) ?? []);
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

/** Returns undefined if there is no policy. */
function openPolicy(file: JsonText, { path, name, absent, ...rest }: Candidate): FoundPolicy | undefined {
  const found = { ...rest, path, form: "document" as const, name: name === "" ? undefined : name };
  const given = valueAt(file.value, path);
  if (given === undefined || given === null) {
    const json = { value: undefined, placeOf: () => file.placeOf(path) };
    return absent && { ...found, json, unknown: [absent] };
  }
  if (typeof given === "string") {
    const { value } = readText(given, name, file, path);
    const form = isEncoded(given) ? "encoded text" : "text";
    return { ...found, form, json: { value, placeOf: () => file.placeOf(path) }, unknown: [] };
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
const decodePolicy = (text: string): string => (isEncoded(text) ? decodeURIComponent(text) : text);

const isEncoded = (text: string): boolean => /^\s*%7B/i.test(text);

/** Returns the text of a found policy alone, as {@link replacePolicies} takes it. */
export function extractPolicy(file: JsonSource, { path, form }: FoundPolicy): string {
  const text = file.content.slice(...(file.spanOf(path) ?? [0, 0]));
  return form === "document" || form === "statements" ? text : decodePolicy(JSON.parse(text) as string);
}

/** Reads the text of a policy alone again. Throws {@link JsonError}. */
export function readExtracted(
  text: string,
  { form, hasFunctions }: FoundPolicy,
): Pick<FoundPolicy, "json" | "unknown"> & { readonly functions: readonly string[] } {
  const json = readJson(text);
  if (form === "statements") return { json: completeStatements(json), unknown: [], functions: [] };
  if (form !== "document" || !hasFunctions) return { json, unknown: [], functions: [] };
  const unknown: Unknown[] = [];
  const functions: string[] = [];
  const value = resolveFunctions(json.value, unknown, functions);
  return { json: { value, placeOf: json.placeOf.bind(json) }, unknown, functions };
}

/** Returns the content of a file with other texts of some policies. Every other byte stays as it is. */
export function replacePolicies(file: JsonSource, texts: ReadonlyMap<FoundPolicy, string>): string {
  const changes = [...texts].map(([{ path, form }, text]) => ({ span: file.spanOf(path) ?? [0, 0], form, text }));
  let { content } = file;
  // From the end, so that the places before stay the same.
  for (const { span, form, text } of changes.sort((a, b) => b.span[0] - a.span[0])) {
    content = content.slice(0, span[0]) + store(text, form) + content.slice(span[1]);
  }
  return content;
}

function store(text: string, form: Form): string {
  if (form === "document" || form === "statements") return text;
  return JSON.stringify(form === "text" ? text : encodeText(text));
}

/** RFC 3986 reserves more than encodeURIComponent encodes. */
const encodeText = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);

function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, step) =>
      typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[step] : undefined,
    root,
  );
}
