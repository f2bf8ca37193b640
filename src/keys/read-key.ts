// An access key as users have it: two lines, the file that the console offers to download, or AWS's JSON.
import { parse } from "csv-parse/sync";
import type { Credentials } from "../aws/types.ts";
import { FobError } from "../errors.ts";

/**
 * Reads an access key from a text.
 *
 * @param title what the text is, for messages
 * @throws FobError; the message shows nothing of the text
 */
export function parseAccessKey(text: string, title = "stdin"): Credentials {
  const [accessKeyId = "", secretAccessKey = "", ...rest] =
    parseJson(text) ?? parseTable(text, title) ?? splitWords(text);
  if (accessKeyId !== "" && secretAccessKey !== "" && rest.length === 0) return { accessKeyId, secretAccessKey };
  throw new FobError(`${title} has no access key`, [
    "expected two lines: the access key ID, and the secret access key",
    "or the .csv file that the console offers, which is named like NAME_accessKeys.csv",
  ]);
}

const splitWords = (text: string): string[] => text.split(/[\s,]+/).filter((word) => word !== "");

/**
 * Reads a table with a heading, as the console offers it: `Access key ID,Secret access key`, for new users with more
 * columns. Returns undefined for any other text.
 */
function parseTable(text: string, title: string): string[] | undefined {
  if (!/^[^\n]*access key id/i.test(text.replace(/^\uFEFF/, ""))) return undefined;
  let rows: Fields[];
  try {
    rows = parse(text, {
      bom: true,
      columns: (names: string[]) => names.map((name) => name.trim().toLowerCase()),
      trim: true,
    });
  } catch {
    return undefined;
  }
  const keys = rows.map((row) => [row["access key id"], row["secret access key"]].map(String));
  if (keys.length > 1) throw new FobError(`${title} has ${keys.length} access keys`, "leave one of them in the file");
  return keys[0];
}

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
