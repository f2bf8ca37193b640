// Reads the files given to `fob policy …`; "-" is stdin.
import { createReadStream } from "node:fs";
import { describeSystemError, getSystemCode, UsageError } from "../../../errors.ts";
import { type JsonText, readJson, SourceError } from "../../../policy/engine/json.ts";
import { type FoundPolicy, findPolicies, isCutOff, listNotLookedAt } from "../../../policy/input/find.ts";
import { readJsonSource, type Source } from "../../../policy/input/source.ts";
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
export const policiesLimit: Limit = {
  bytes: 50_000_000,
  size: "50 MB",
  hint: "split it, for example: aws iam get-account-authorization-details --filter Group LocalManagedPolicy",
};

/** "Template body size in an Amazon S3 object", and what the YAML parser reads in a second. */
export const yamlLimit: Limit = {
  bytes: 1_048_576,
  size: "1 MB, the limit for YAML",
  hint: "write it as JSON, for example: aws iam get-account-authorization-details --output json > account.json",
};

/** Of a policy, without white space: far larger than AWS accepts. It bounds the work of every lint rule. */
const largestPolicy = 100_000;

export const casesLimit: Limit = { bytes: 10_000_000, size: "10 MB", hint: "split the cases into several files" };

export interface TextFile {
  readonly path: string;
  readonly text: string;
  readonly encoding: "utf8" | "utf16le";
}

/** @throws UsageError */
export async function readTextFile(path: string, { stdin }: Context, limit: Limit): Promise<TextFile> {
  const parts: Buffer[] = [];
  let length = 0;
  try {
    // In chunks: /dev/zero has no end.
    for await (const part of path === "-" ? stdin() : createReadStream(path)) {
      parts.push(part as Buffer);
      length += (part as Buffer).length;
      if (length > limit.bytes) break;
    }
  } catch (error) {
    if (getSystemCode(error) === "EISDIR")
      throw new UsageError(`${quote(path)} is a folder`, "name a file in it, or - for stdin");
    throw new UsageError(`cannot read ${quote(path)}: ${describeSystemError(error)}`, "name a file, or - for stdin");
  }
  if (length > limit.bytes) throw createSizeError(path, limit);
  const content = Buffer.concat(parts);
  // Windows PowerShell writes UTF-16.
  const encoding = content[0] === 0xff && content[1] === 0xfe ? "utf16le" : "utf8";
  return { path, text: content.toString(encoding), encoding };
}

const createSizeError = (path: string, { size, hint }: Limit): UsageError =>
  new UsageError(`${quote(path)} is larger than ${size}`, hint);

/** @throws UsageError, with line and column, if the file is not JSON */
export async function readJsonFile(path: string, context: Context, limit: Limit): Promise<JsonText> {
  const { text } = await readTextFile(path, context, limit);
  return reportSourceErrors(path, "is not JSON: ", adviseOnJson(path), () => readJson(text));
}

function reportSourceErrors<T>(path: string, what: string, hint: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    const { line, column } = error.place;
    throw new UsageError(`${quote(path)} ${what}${error.message} (line ${line}, column ${column})`, hint);
  }
}

/** @throws UsageError, with line and column, if it is neither JSON nor YAML */
async function readSources(file: TextFile): Promise<readonly Source[]> {
  const { path, text } = file;
  if (!isYaml(file)) {
    return [reportSourceErrors(path, "is not JSON: ", adviseOnJson(path), () => readJsonSource(text))];
  }
  if (text.length > yamlLimit.bytes) throw createSizeError(path, yamlLimit);
  const { readYamlSources } = await import("../../../policy/input/yaml.ts");
  return reportSourceErrors(path, "is not YAML: ", adviseOnYaml, () => readYamlSources(text));
}

/** Without a name that says it: a file with a line that starts with a key, and not with a bracket. */
export function isYaml({ path, text }: Pick<TextFile, "path" | "text">): boolean {
  if (/\.ya?ml$/i.test(path)) return true;
  if (/\.(json|tf|hcl|tfplan|tfstate)$/i.test(path)) return false;
  return !/^\ufeff?\s*[[{"]/.test(text) && /^(- +)?['"]?[A-Za-z][\w-]*['"]?:(\s|$)/m.test(text);
}

const adviseOnYaml =
  "indent YAML with spaces, and put a text in quotes if it has ': ' or ' #' or starts with one of * & ! % @ { [";

function adviseOnJson(path: string): string {
  if (/\.(tf|hcl|tfplan)$/i.test(path))
    return "lint the policies that Terraform creates: terraform show -json > state.json";
  return "JSON needs double quotes and does not allow trailing commas or comments";
}

/** The policies in a file. */
export interface PolicyFile {
  readonly source: TextFile;
  /** Several if it is YAML, separated by `---`. */
  readonly documents: readonly Source[];
  readonly policies: readonly FoundPolicy[];
}

/**
 * Finds the policies in the text of a file, which may have any of the forms that {@link findPolicies} knows.
 *
 * @throws UsageError if it is neither JSON nor YAML, or has a policy that is too large
 */
export async function parsePolicyFile(source: TextFile): Promise<PolicyFile> {
  const { path } = source;
  const documents = await readSources(source);
  const policies = reportSourceErrors(path, "cannot be read: ", adviseOnJson(path), () =>
    documents.flatMap((document) =>
      findPolicies(document).map((found) => (documents.length > 1 ? nameDocument(found) : found)),
    ),
  );
  for (const { name, json } of policies) {
    if (JSON.stringify(json.value ?? null).length <= largestPolicy) continue;
    throw new UsageError(
      `${name === undefined ? "the policy" : quote(name)} in ${quote(path)} is larger than 100 kB`,
      "AWS allows at most 6,144 characters in a managed policy",
    );
  }
  return { source, documents, policies };
}

function nameDocument(policy: FoundPolicy): FoundPolicy {
  const document = `document ${policy.source.number}`;
  return { ...policy, name: policy.name === undefined ? document : `${document}, ${policy.name}` };
}

/** Warns about details of an account. */
export function warnIfCutOff({ source: { path }, documents }: PolicyFile, { say }: Context): void {
  if (!documents.some(({ value }) => isCutOff(value))) return;
  say.warning(
    `${quote(path)} is cut off (IsTruncated or NextToken): the account has more users, groups, roles or policies`,
  );
  say.hint(
    "read all of it, without --max-items and --no-paginate: aws iam get-account-authorization-details > account.json",
  );
}

export function createNoPolicyError({ source: { path }, documents: [first] }: PolicyFile): UsageError {
  return new UsageError(`${quote(path)} has no policy that fob knows how to find`, adviseOnForm(first?.value));
}

/** Says how to get a policy from what people have in its place. */
function adviseOnForm(value: unknown): string {
  const { Policy: ofAws, terraform_version: version, lineage } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof version === "string" && lineage !== undefined) {
    return "for a Terraform state: terraform show -json > state.json && fob policy lint state.json";
  }
  const [nested] = listNotLookedAt(value);
  if (nested !== undefined) return `name the template that has the policies, fob does not look into ${quote(nested)}`;
  const { Arn: arn, DefaultVersionId: id } = (ofAws ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof arn === "string" && typeof id === "string") {
    return `get its document: aws iam get-policy-version --policy-arn ${quoteShellWord(arn)} --version-id ${quoteShellWord(id)} > policy.json`;
  }
  return "name a policy, the output of aws iam get-policy-version, get-group-policy, get-user-policy, get-role-policy or get-account-authorization-details, a CloudFormation template, the output of terraform show -json, or a Terraform state";
}
