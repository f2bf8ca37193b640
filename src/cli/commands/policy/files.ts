// Files that are named on the command line of `fob policy …`; "-" is stdin.
import { createReadStream } from "node:fs";
import { FobError, UsageError } from "../../../errors.ts";
import { type PolicyDocument, PolicyError, readPolicy } from "../../../policy/engine/document.ts";
import { JsonError, type JsonText, readJson } from "../../../policy/engine/json.ts";
import { quote, shellWord } from "../../../text.ts";
import type { Context } from "../../context.ts";

/** Bytes. AWS takes 6,144 characters of a policy; what is larger than this is another kind of file. */
const largest = 10_000_000;

/** The text of a file. @throws UsageError */
async function readTextFile(path: string, { stdin }: Context): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  try {
    // In pieces: /dev/zero has no end.
    for await (const part of path === "-" ? stdin() : createReadStream(path)) {
      parts.push(part as Buffer);
      length += (part as Buffer).length;
      if (length > largest) break;
    }
  } catch (error) {
    throw new UsageError(`cannot read ${quote(path)}: ${(error as Error).message}`, "name a file, or - for stdin");
  }
  if (length <= largest) return decodeText(Buffer.concat(parts));
  throw new UsageError(`${quote(path)} is larger than 10 MB`, "AWS takes policies of 6,144 characters");
}

/** Windows PowerShell writes UTF-16. */
function decodeText(content: Buffer): string {
  return content[0] === 0xff && content[1] === 0xfe ? content.toString("utf16le") : content.toString();
}

/** A file's JSON. @throws UsageError, with line and column, when it is none */
export async function readJsonFile(path: string, context: Context): Promise<JsonText> {
  const content = await readTextFile(path, context);
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
    const hint = path === "-" ? [] : `everything that is wrong with it: fob policy lint ${shellWord(path)}`;
    throw new FobError(`${quote(path)} is no policy that AWS takes: ${error.message}${place}`, hint);
  }
}
