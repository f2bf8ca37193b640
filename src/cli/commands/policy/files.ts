// Reads the files given to `fob policy …`; "-" is stdin.
import { createReadStream } from "node:fs";
import { describeSystemError, UsageError } from "../../../errors.ts";
import { JsonError, type JsonText, readJson } from "../../../policy/engine/json.ts";
import { type FoundPolicy, findPolicies } from "../../../policy/input/find.ts";
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

/** @throws UsageError */
export async function readTextFile(path: string, { stdin }: Context, { bytes, size, hint }: Limit): Promise<string> {
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
  return parseJsonFile(path, await readTextFile(path, context, limit));
}

/** @throws UsageError, with line and column, if the text of the file is not JSON */
function parseJsonFile(path: string, text: string): JsonText {
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
  if (/\.(tf|hcl|tfplan)$/i.test(path)) return "lint what Terraform makes of it: terraform show -json > state.json";
  return "JSON needs double quotes and does not allow trailing commas or comments";
}

/** The policies in a file. */
export interface PolicyFile {
  readonly file: string;
  readonly json: JsonText;
  readonly policies: readonly FoundPolicy[];
}

/**
 * Finds the policies in the text of a file, which may have any of the forms that {@link findPolicies} knows.
 *
 * @throws UsageError if it is not JSON, or has a policy that is too large
 */
export function parsePolicyFile(path: string, text: string): PolicyFile {
  const file = parseJsonFile(path, text);
  const policies = reportJsonErrors(path, "cannot be read: ", () => findPolicies(file));
  for (const { name, json } of policies) {
    if (JSON.stringify(json.value ?? null).length <= largestPolicy) continue;
    throw new UsageError(
      `${name === undefined ? "the policy" : quote(name)} in ${quote(path)} is larger than 100 kB`,
      "AWS allows at most 6,144 characters in a managed policy",
    );
  }
  return { file: path, json: file, policies };
}

export function createNoPolicyError(path: string): UsageError {
  return new UsageError(`${quote(path)} has no policy that fob knows how to find`, [
    "name a policy, the output of aws iam get-policy-version, get-group-policy, get-user-policy, get-role-policy or get-account-authorization-details, a CloudFormation template in JSON, or the output of terraform show -json",
  ]);
}
