// Reads the files given to `fob policy …`; "-" is stdin.
import { createReadStream } from "node:fs";
import { describeSystemError, FobError, UsageError } from "../../../errors.ts";
import { type PolicyDocument, PolicyError, readPolicy } from "../../../policy/engine/document.ts";
import { JsonError, type JsonText, readJson } from "../../../policy/engine/json.ts";
import { type FoundPolicy, findPolicies, listAbsent } from "../../../policy/input/find.ts";
import { quote, quoteShellWord } from "../../../text.ts";
import type { Context } from "../../context.ts";

/** The size limit of a file. Anything larger is not the right kind of file. */
interface Limit {
  readonly bytes: number;
  /** The same, for messages. */
  readonly size: string;
  readonly hint: string;
}

/** The authorization details of thousands of users and roles have as much. */
const policiesLimit: Limit = {
  bytes: 50_000_000,
  size: "50 MB",
  hint: "split it, for example: aws iam get-account-authorization-details --filter Group LocalManagedPolicy",
};

/** Of a policy, without white space: far larger than AWS accepts. It bounds the work of every lint rule. */
const largestPolicy = 100_000;

export const casesLimit: Limit = { bytes: 10_000_000, size: "10 MB", hint: "split the cases into several files" };

/** @throws UsageError */
async function readTextFile(path: string, { stdin }: Context, { bytes, size, hint }: Limit): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  try {
    // In chunks: /dev/zero has no end.
    for await (const part of path === "-" ? stdin() : createReadStream(path)) {
      parts.push(part as Buffer);
      length += (part as Buffer).length;
      if (length > bytes) break;
    }
  } catch (error) {
    throw new UsageError(`cannot read ${quote(path)}: ${describeSystemError(error)}`, "name a file, or - for stdin");
  }
  if (length > bytes) throw new UsageError(`${quote(path)} is larger than ${size}`, hint);
  return decodeText(Buffer.concat(parts));
}

/** Windows PowerShell writes UTF-16. */
function decodeText(content: Buffer): string {
  return content[0] === 0xff && content[1] === 0xfe ? content.toString("utf16le") : content.toString();
}

/** @throws UsageError, with line and column, if the file is not JSON */
export async function readJsonFile(path: string, context: Context, limit: Limit): Promise<JsonText> {
  const content = await readTextFile(path, context, limit);
  return reportJsonErrors(path, "is not JSON: ", () => readJson(content));
}

function reportJsonErrors<T>(path: string, what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    const { line, column } = error.place;
    throw new UsageError(`${quote(path)} ${what}${error.message} (line ${line}, column ${column})`, adviseOn(path));
  }
}

function adviseOn(path: string): string {
  if (/\.ya?ml$/i.test(path)) {
    return `convert YAML to JSON, for example: cfn-flip ${quoteShellWord(path)} > template.json`;
  }
  if (/\.(tf|hcl|tfplan)$/i.test(path)) return "lint what Terraform makes of it: terraform show -json > state.json";
  return "JSON needs double quotes and does not allow trailing commas or comments";
}

/**
 * Finds the policies in a file, which may have any of the forms that {@link findPolicies} knows.
 *
 * @throws UsageError if the file cannot be read, is not JSON, or has a policy that is too large
 */
export async function readPolicies(path: string, context: Context): Promise<readonly FoundPolicy[]> {
  return findInFile(path, await readJsonFile(path, context, policiesLimit));
}

function findInFile(path: string, json: JsonText): readonly FoundPolicy[] {
  const policies = reportJsonErrors(path, "cannot be read: ", () => findPolicies(json));
  for (const { name, json } of policies) {
    if (JSON.stringify(json.value ?? null).length <= largestPolicy) continue;
    throw new UsageError(
      `${name === undefined ? "the policy" : quote(name)} in ${quote(path)} is larger than 100 kB`,
      "AWS allows at most 6,144 characters in a managed policy",
    );
  }
  return policies;
}

/** @throws UsageError */
export function rejectWithoutPolicy(path: string): never {
  throw new UsageError(`${quote(path)} has no policy that fob knows how to find`, [
    "name a policy, the output of aws iam get-policy-version, get-group-policy, get-user-policy, get-role-policy or get-account-authorization-details, a CloudFormation template in JSON, or the output of terraform show -json",
  ]);
}

/** A policy of a principal, and its name in messages. */
export interface NamedPolicy {
  readonly name: string;
  readonly policy: PolicyDocument;
}

/**
 * Reads the policies of a principal from a file.
 *
 * @param of the principal or the policy to choose, if the file has policies of several: `user alice`
 * @throws UsageError if it is not clear which policies these are, FobError if one is not valid
 */
export async function readPrincipalPolicies(
  path: string,
  of: string | undefined,
  context: Context,
): Promise<readonly NamedPolicy[]> {
  const json = await readJsonFile(path, context, policiesLimit);
  const all = findInFile(path, json);
  if (all.length === 0) rejectWithoutPolicy(path);
  const chosen = choosePolicies(path, of, all);
  if (of !== undefined) {
    for (const absent of listAbsent(json.value, of)) context.say.warning(`${quote(path)} does not have ${absent}`);
  }
  return chosen.map((found) => ({
    name: found.name === undefined ? path : `${path}: ${found.name}`,
    policy: readFoundPolicy(path, found),
  }));
}

function choosePolicies(path: string, of: string | undefined, all: readonly FoundPolicy[]): readonly FoundPolicy[] {
  const owners = [...new Set(all.flatMap((policy) => policy.of ?? []))];
  const shared = owners.some((owner) => all.every((policy) => policy.of?.includes(owner)));
  // One policy needs no choice.
  if (all.length === 1 || (of === undefined && shared)) return all;
  const chosen = all.filter((policy) => policy.name === of || (of !== undefined && policy.of?.includes(of)));
  if (chosen.length > 0) return chosen;
  const names = [...owners, ...all.flatMap(({ name }) => name ?? [])].sort();
  const listed = names.slice(0, 10).map(quote).join(", ");
  const rest = names.length > 10 ? ` and ${names.length - 10} more` : "";
  const [first = ""] = names;
  throw new UsageError(
    of === undefined
      ? `${quote(path)} has policies that are not all of one user, group or role: ${listed}${rest}`
      : `${quote(path)} has no policies of ${quote(of)}, only of ${listed}${rest}`,
    `choose a user, group, role or policy, for example: --of ${quoteShellWord(first)}`,
  );
}

/** @throws FobError if it is not a valid policy, or not known yet */
function readFoundPolicy(path: string, { name, json, unknown }: FoundPolicy): PolicyDocument {
  const what = name === undefined ? quote(path) : `${quote(name)} in ${quote(path)}`;
  const [first] = unknown;
  if (first !== undefined) {
    const { line, column } = json.placeOf(first.path);
    throw new FobError(`${what} cannot be evaluated: ${first.message} (line ${line}, column ${column})`, first.fix);
  }
  try {
    return readPolicy(json);
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    const place = error.place === undefined ? "" : ` (line ${error.place.line}, column ${error.place.column})`;
    const hint = path === "-" ? [] : `see all problems: fob policy lint ${quoteShellWord(path)}`;
    throw new FobError(`${what} is not a valid policy: ${error.message}${place}`, hint);
  }
}
