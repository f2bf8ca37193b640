// Reads the files given to `fob policy …`; "-" is stdin.
import { createReadStream } from "node:fs";
import { describeSystemError, FobError, UsageError } from "../../../errors.ts";
import { type PolicyDocument, PolicyError, readPolicy } from "../../../policy/engine/document.ts";
import { JsonError, type JsonText, readJson } from "../../../policy/engine/json.ts";
import { quote, quoteShellWord } from "../../../text.ts";
import type { Context } from "../../context.ts";

/** The size limit of a file. Anything larger is not the right kind of file. */
interface Limit {
  readonly bytes: number;
  /** The same, for messages. */
  readonly size: string;
  readonly hint: string;
}

/** Far larger than AWS accepts. It bounds the work of every lint rule. */
const policyLimit: Limit = {
  bytes: 100_000,
  size: "100 kB",
  hint: "AWS allows at most 6,144 characters in a managed policy; name a file with a single policy",
};

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
export async function readJsonFile(path: string, context: Context, limit = policyLimit): Promise<JsonText> {
  const content = await readTextFile(path, context, limit);
  try {
    return readJson(content);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    const { line, column } = error.place;
    throw new UsageError(
      `${quote(path)} is not JSON: ${error.message} (line ${line}, column ${column})`,
      "JSON needs double quotes and does not allow trailing commas or comments",
    );
  }
}

/** @throws UsageError if the file is not JSON, FobError if it is not a valid policy */
export async function readPolicyFile(path: string, context: Context): Promise<PolicyDocument> {
  const json = await readJsonFile(path, context);
  try {
    return readPolicy(json);
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    const place = error.place === undefined ? "" : ` (line ${error.place.line}, column ${error.place.column})`;
    const hint = path === "-" ? [] : `see all problems: fob policy lint ${quoteShellWord(path)}`;
    throw new FobError(`${quote(path)} is not a valid policy: ${error.message}${place}`, hint);
  }
}
