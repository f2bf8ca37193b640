// The access keys in a file that the user names: the console's .csv, AWS's JSON, two lines, or an AWS credentials file.
import type { Credentials } from "../aws/types.ts";
import { FobError } from "../errors.ts";
import { readNamedFile } from "../files/read.ts";
import { readAwsFiles } from "../profiles/files.ts";
import { listSources } from "../profiles/inspect.ts";
import { quote } from "../text.ts";
import { readStaticKeys } from "./long-term.ts";
import { parseAccessKey } from "./read-key.ts";

interface FoundKey {
  /** Undefined where the file has no profiles. */
  readonly profile: string | undefined;
  readonly key: Credentials;
}

/** Bytes: credentials files of hundreds of profiles are shorter. */
const MOST = 1_000_000;

/** @returns at least one @throws FobError; the message shows nothing of the file */
export function readKeyFile(path: string): FoundKey[] {
  const text = readNamedFile(
    path,
    MOST,
    () => new FobError(`${quote(path)} is too large for an access key`, "name another file"),
  );
  if (!/^\s*\[/m.test(text) || !/aws_access_key_id/i.test(text)) {
    return [{ profile: undefined, key: parseAccessKey(text, quote(path)) }];
  }
  const files = readAwsFiles({ credentials: path, config: path });
  const found = listSources(files).flatMap((profile): FoundKey[] => {
    const keys = readStaticKeys(profile, files);
    return keys ? [{ profile, key: { accessKeyId: keys.accessKeyId, secretAccessKey: keys.secretAccessKey } }] : [];
  });
  if (found.length > 0) return found;
  throw new FobError(`${quote(path)} has no profile with a long-term access key`, "name another file");
}
