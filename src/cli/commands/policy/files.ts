// Reads the files given to `fob policy …`; "-" is stdin.
import { createReadStream } from "node:fs";
import { describeSystemError, getSystemCode, UsageError } from "../../../errors.ts";
import { JsonError, type JsonSource, type JsonText, readJson } from "../../../policy/engine/json.ts";
import { type FoundPolicy, findPolicies, isCutOff, listNotLookedAt } from "../../../policy/input/find.ts";
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

/** Of a policy, without white space: far larger than AWS accepts. It bounds the work of every lint rule. */
const largestPolicy = 100_000;

export const casesLimit: Limit = { bytes: 10_000_000, size: "10 MB", hint: "split the cases into several files" };

export interface TextFile {
  readonly path: string;
  readonly text: string;
  readonly encoding: "utf8" | "utf16le";
}

/** @throws UsageError */
export async function readTextFile(path: string, { stdin }: Context, { bytes, size, hint }: Limit): Promise<TextFile> {
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
    if (getSystemCode(error) === "EISDIR")
      throw new UsageError(`${quote(path)} is a folder`, "name a file in it, or - for stdin");
    throw new UsageError(`cannot read ${quote(path)}: ${describeSystemError(error)}`, "name a file, or - for stdin");
  }
  if (length > bytes) throw new UsageError(`${quote(path)} is larger than ${size}`, hint);
  const content = Buffer.concat(parts);
  // Windows PowerShell writes UTF-16.
  const encoding = content[0] === 0xff && content[1] === 0xfe ? "utf16le" : "utf8";
  return { path, text: content.toString(encoding), encoding };
}

/** @throws UsageError, with line and column, if the file is not JSON */
export async function readJsonFile(path: string, context: Context, limit: Limit): Promise<JsonText> {
  return parseJsonFile(await readTextFile(path, context, limit));
}

/** @throws UsageError, with line and column, if the text of the file is not JSON */
function parseJsonFile({ path, text }: Pick<TextFile, "path" | "text">): JsonSource {
  return reportJsonErrors(path, "is not JSON: ", () => readJson(text));
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
  if (/\.(tf|hcl|tfplan)$/i.test(path))
    return "lint the policies that Terraform creates: terraform show -json > state.json";
  return "JSON needs double quotes and does not allow trailing commas or comments";
}

/** The policies in a file. */
export interface PolicyFile {
  readonly source: TextFile;
  readonly json: JsonSource;
  readonly policies: readonly FoundPolicy[];
}

/**
 * Finds the policies in the text of a file, which may have any of the forms that {@link findPolicies} knows.
 *
 * @throws UsageError if it is not JSON, or has a policy that is too large
 */
export function parsePolicyFile(source: TextFile): PolicyFile {
  const { path } = source;
  const file = parseJsonFile(source);
  const policies = reportJsonErrors(path, "cannot be read: ", () => findPolicies(file));
  for (const { name, json } of policies) {
    if (JSON.stringify(json.value ?? null).length <= largestPolicy) continue;
    throw new UsageError(
      `${name === undefined ? "the policy" : quote(name)} in ${quote(path)} is larger than 100 kB`,
      "AWS allows at most 6,144 characters in a managed policy",
    );
  }
  return { source, json: file, policies };
}

/** @param account the content of a file, perhaps the details of an account */
export function warnIfCutOff(path: string, account: unknown, { say }: Context): void {
  if (!isCutOff(account)) return;
  say.warning(
    `${quote(path)} is cut off (IsTruncated or NextToken): the account has more users, groups, roles or policies`,
  );
  say.hint(
    "read all of it, without --max-items and --no-paginate: aws iam get-account-authorization-details > account.json",
  );
}

/** @param value what is in the file instead */
export function createNoPolicyError(path: string, value?: unknown): UsageError {
  return new UsageError(`${quote(path)} has no policy that fob knows how to find`, adviseOnForm(value));
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
  return "name a policy, the output of aws iam get-policy-version, get-group-policy, get-user-policy, get-role-policy or get-account-authorization-details, a CloudFormation template in JSON, the output of terraform show -json, or a Terraform state";
}
