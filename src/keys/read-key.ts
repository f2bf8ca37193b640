// An access key as users have it: two lines, the file that the console offers to download, or AWS's JSON.
import type { Credentials } from "../aws/types.ts";
import { FobError } from "../errors.ts";

/**
 * Reads an access key from a text.
 *
 * @param title what the text is, for messages
 * @throws FobError; the message shows nothing of the text
 */
export function parseAccessKey(text: string, title = "stdin"): Credentials {
  const [accessKeyId = "", secretAccessKey = "", ...rest] = parseJson(text) ?? splitWords(text);
  if (accessKeyId !== "" && secretAccessKey !== "" && rest.length === 0) return { accessKeyId, secretAccessKey };
  throw new FobError(`${title} has no access key`, [
    "expected two lines: the access key ID, and the secret access key",
    "or the .csv file that the console offers: fob keys add PROFILE --stdin <rootkey.csv",
  ]);
}

/** Without the first line of the console's file: `Access key ID,Secret access key`. */
const splitWords = (text: string): string[] =>
  text
    .replace(/^\uFEFF/, "")
    .replace(/^[^\n]*access key[^\n]*\n/i, "")
    .split(/[\s,]+/)
    .filter((word) => word !== "");

type Fields = Readonly<Record<string, unknown>>;

/** Reads the JSON that `aws iam create-access-key` or a credential_process prints. Skips temporary keys. */
function parseJson(text: string): string[] | undefined {
  try {
    const { AccessKey, ...own } = JSON.parse(text) as Fields & { readonly AccessKey?: Fields };
    const key: Fields = AccessKey ?? (own.SessionToken ? {} : own);
    return [key.AccessKeyId, key.SecretAccessKey].flatMap((each) => (typeof each === "string" ? [each] : []));
  } catch {
    return undefined;
  }
}
