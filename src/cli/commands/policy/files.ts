// Files that are named on the command line of `fob policy …`; "-" is stdin.
import { createReadStream } from "node:fs";
import { FobError, UsageError } from "../../../errors.ts";
import { type PolicyDocument, PolicyError, readPolicy } from "../../../policy/engine/document.ts";
import { JsonError, type JsonText, readJson } from "../../../policy/engine/json.ts";
import { quote, quoteShellWord } from "../../../text.ts";
import type { Context } from "../../context.ts";

/** How large a file may be; what is larger is another kind of file, or none. */
interface Limit {
  readonly bytes: number;
  /** The same, as messages say it. */
  readonly size: string;
  readonly hint: string;
}

/** Far beyond what AWS takes. With it here, no rule of the linter needs to mind what it costs. */
const policyLimit: Limit = {
  bytes: 100_000,
  size: "100 kB",
  hint: "AWS takes at most 6,144 characters in a managed policy: name a file that holds one policy",
};

export const casesLimit: Limit = { bytes: 10_000_000, size: "10 MB", hint: "divide the cases into several files" };

/** The text of a file. @throws UsageError */
async function readTextFile(path: string, { stdin }: Context, { bytes, size, hint }: Limit): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  try {
    // In pieces: /dev/zero has no end.
    for await (const part of path === "-" ? stdin() : createReadStream(path)) {
      parts.push(part as Buffer);
      length += (part as Buffer).length;
      if (length > bytes) break;
    }
  } catch (error) {
    throw new UsageError(`cannot read ${quote(path)}: ${(error as Error).message}`, "name a file, or - for stdin");
  }
  if (length > bytes) throw new UsageError(`${quote(path)} is larger than ${size}`, hint);
  return decodeText(Buffer.concat(parts));
}

/** Windows PowerShell writes UTF-16. */
function decodeText(content: Buffer): string {
  return content[0] === 0xff && content[1] === 0xfe ? content.toString("utf16le") : content.toString();
}

/** A file's JSON. @throws UsageError, with line and column, when it is none */
export async function readJsonFile(path: string, context: Context, limit = policyLimit): Promise<JsonText> {
  const content = await readTextFile(path, context, limit);
  try {
    return readJson(content);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    const { line, column } = error.place;
    throw new UsageError(
      `${quote(path)} is not JSON: ${error.message} (line ${line}, column ${column})`,
      "names and texts stand in double quotes, a comma between two values and none behind the last, and no comments",
    );
  }
}

/** A file's policy. @throws UsageError when it is no JSON, FobError when it is no policy */
export async function readPolicyFile(path: string, context: Context): Promise<PolicyDocument> {
  const json = await readJsonFile(path, context);
  try {
    return readPolicy(json);
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    const place = error.place === undefined ? "" : ` (line ${error.place.line}, column ${error.place.column})`;
    const hint = path === "-" ? [] : `everything that is wrong with it: fob policy lint ${quoteShellWord(path)}`;
    throw new FobError(`${quote(path)} is no policy that AWS takes: ${error.message}${place}`, hint);
  }
}
