// The quick answer: a session file that may be served as it is. The launcher (src/credential-process/) decides in the same way.
import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Environment } from "../environment-variables.ts";
import { type AwsFilePaths, readLastChange } from "../profiles/paths.ts";
import { parseHeader } from "./format.ts";
import { encodeFileName, getSessionsFolder } from "./paths.ts";
import type { Session } from "./session.ts";

/**
 * The JSON for `credential_process`, if the session file is this user's, of that very profile and endpoint, still fresh,
 * and no older than the AWS files; else undefined, and it takes a closer look.
 *
 * @param now milliseconds since 1970
 * @param endpoint the one that the profile was installed for, if that is not AWS's own
 */
export function findCachedAnswer(
  profile: string,
  folder: string,
  paths: AwsFilePaths,
  env: Environment,
  now: number,
  endpoint: string | undefined,
): string | undefined {
  // Variables that have a say in which session is the right one.
  const isElsewhere = [env.AWS_ENDPOINT_URL, env.AWS_ENDPOINT_URL_STS].some((url) => url && url !== endpoint);
  if (isElsewhere || env.AWS_MFA_SERIAL) return undefined;
  const path = join(getSessionsFolder(folder), encodeFileName(profile));
  try {
    const found = lstatSync(path);
    if (!found.isFile() || found.uid !== (process.geteuid?.() ?? found.uid)) return undefined;
    if (readLastChange(paths) > found.mtimeMs) return undefined;
    const [first = "", second, third = "", ...rest] = readFileSync(path, "utf8").split("\n");
    const header = parseHeader(first);
    const { installedFor } = JSON.parse(third) as Pick<Session, "installedFor">;
    const isOfEndpoint = installedFor === (endpoint ?? "");
    const isInTime = header?.profile === profile && header.servedUntil > now / 1000;
    const isServed = isInTime && isOfEndpoint && rest.length === 1;
    return isServed ? second : undefined;
  } catch {
    return undefined;
  }
}
