// Finds the policies in JSON and YAML as people have it: a policy document or its statements, what AWS's API returns, a
// CloudFormation template, the output of `terraform show -json`.
import { findNearest } from "../../nearest.ts";
import { isObject } from "../engine/grammar.ts";
import { type JsonText, type Path, readJson, SourceError } from "../engine/json.ts";
import type { Unknown } from "../lint/lint.ts";
import { findInAwsOutput } from "./aws-output.ts";
import type { Candidate } from "./candidate.ts";
import { findInTemplate, resolveFunctions } from "./cloudformation.ts";
import type { Part, Source } from "./source.ts";
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
  /** The document that has it. */
  readonly source: Source;
}

/** How a file has a policy: itself, only its statements, a text with JSON in it, or that URL-encoded. */
export type Form = "document" | "statements" | "text" | "encoded text";

/**
 * Finds all identity-based and service control policies. Trust policies of roles are neither.
 *
 * @returns an empty list if the file has no policy
 * @throws SourceError, with its place in the file, if the text of a policy is not JSON
 */
export function findPolicies(source: Source): readonly FoundPolicy[] {
  const { value } = source;
  const itself = { name: undefined, unknown: [], path: [], source };
  if (isDocument(value)) return [{ ...itself, json: source, form: "document" }];
  if (isStatement(value) || (Array.isArray(value) && value.length > 0 && value.every(isStatement))) {
    return [{ ...itself, json: completeStatements(source), form: "statements" }];
  }
  // `terraform output -json` and `--query` print the text of a policy.
  const text = typeof value === "string" ? [{ path: [], name: "" }] : undefined;
  const candidates = text ?? findInAwsOutput(value) ?? findInTerraform(value) ?? findInTemplate(value) ?? [];
  return candidates.flatMap((candidate) => openPolicy(source, candidate) ?? []);
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

function completeStatements({ value, placeOf }: JsonText): JsonText {
  return { value: { Version: "2012-10-17", Statement: value }, placeOf: ([, ...path]) => placeOf(path) };
}

/** Returns undefined if there is no policy. */
function openPolicy(source: Source, { path, name, absent, ...rest }: Candidate): FoundPolicy | undefined {
  const found = { ...rest, source, path, form: "document" as const, name: name === "" ? undefined : name };
  const given = valueAt(source.value, path);
  if (given === undefined || given === null) {
    const json = { value: undefined, placeOf: () => source.placeOf(path) };
    return absent && { ...found, json, unknown: [absent] };
  }
  if (typeof given === "string") {
    const { value } = readText(given, name, source, path);
    const form = isEncoded(given) ? "encoded text" : "text";
    return { ...found, form, json: { value, placeOf: () => source.placeOf(path) }, unknown: [] };
  }
  const unknown: Unknown[] = [];
  const value = rest.hasFunctions ? resolveFunctions(given, unknown) : given;
  return { ...found, json: { value, placeOf: (below) => source.placeOf([...path, ...below]) }, unknown };
}

function readText(text: string, name: string, source: Source, path: Path): JsonText {
  try {
    return readJson(decodePolicy(text));
  } catch (error) {
    if (!(error instanceof SourceError || error instanceof URIError)) throw error;
    const what = name === "" ? "the policy in this text" : name;
    throw new SourceError(`${what} is not JSON: ${error.message}`, source.placeOf(path));
  }
}

/** "Policies returned by this operation are URL-encoded compliant with RFC 3986", in raw answers of the API. */
const decodePolicy = (text: string): string => (isEncoded(text) ? decodeURIComponent(text) : text);

const isEncoded = (text: string): boolean => /^\s*%7B/i.test(text);

/** Returns the part of the file that is the policy alone; undefined if it cannot be changed alone. */
export function extractPolicy({ path, form, source }: FoundPolicy): Part | undefined {
  if (form === "document" || form === "statements") return source.partAt(path);
  const part = source.stringAt(path);
  if (part === undefined || form === "text") return part;
  return { ...part, text: decodePolicy(part.text), write: (text) => part.write(encodeText(text)) };
}

/** Reads the text of a policy alone again. Throws {@link SourceError}. */
export function readExtracted(
  { language, text }: Pick<Part, "language" | "text">,
  { form, hasFunctions }: FoundPolicy,
): Pick<FoundPolicy, "json" | "unknown"> & { readonly functions: readonly string[] } {
  const json = language.read(text);
  if (form === "statements") return { json: completeStatements(json), unknown: [], functions: [] };
  if (form !== "document" || !hasFunctions) return { json, unknown: [], functions: [] };
  const unknown: Unknown[] = [];
  const functions: string[] = [];
  const value = resolveFunctions(json.value, unknown, functions);
  return { json: { value, placeOf: json.placeOf }, unknown, functions };
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
