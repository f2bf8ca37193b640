// Writing the two AWS files: one profile at a time. Nothing else writes these files.
import { statSync } from "node:fs";
import { type EditOutcome, editFile } from "../files/edit.ts";
import type { LockOptions } from "../files/lock.ts";
import { explainFileError } from "../files/read.ts";
import { type Change, editSection, removeKeys } from "./edit.ts";
import { explainParseErrors, type Properties } from "./files.ts";
import type { AwsFilePaths } from "./paths.ts";
import { type FileKind, findSection, parseProperties, scan } from "./scan.ts";

/**
 * What should become of a profile, decided on what the file holds of it at that moment, under the file's lock. May be
 * called again when another program writes in between; may throw to leave everything as it is.
 */
export type Decide<T> = (properties: Properties | undefined, bytes: string) => T;

/** Sets (or with `undefined` removes) keys of a profile; every other byte of the file stays. @throws FobError */
export function editProfile(
  paths: AwsFilePaths,
  kind: FileKind,
  profile: string,
  decide: Decide<Change>,
  lock: Pick<LockOptions, "signal">,
): Promise<EditOutcome> {
  const path = paths[kind];
  return editFile(path, lock, (text) =>
    explainParseErrors(path, profile, () =>
      editSection(text, kind, profile, decide(findProperties(text, kind, profile), text)),
    ),
  );
}

/**
 * Removes keys of a profile, and its section when nothing else is left in it. Where the file has gone there is nothing to
 * remove, and its folder, which may have gone too, is not made again.
 *
 * @throws FobError
 */
export async function removeFromProfile(
  paths: AwsFilePaths,
  kind: FileKind,
  profile: string,
  decide: Decide<readonly string[]>,
  lock: Pick<LockOptions, "signal">,
): Promise<EditOutcome> {
  const path = paths[kind];
  if (isGone(path)) return { changed: false };
  return await editFile(path, lock, (text) =>
    explainParseErrors(path, profile, () =>
      removeKeys(text, kind, profile, decide(findProperties(text, kind, profile), text)),
    ),
  );
}

/** @throws FobError for what cannot be looked at: it may be there all the same */
function isGone(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) === undefined;
  } catch (error) {
    throw explainFileError(error, path);
  }
}

function findProperties(text: string, kind: FileKind, profile: string): Properties | undefined {
  const section = findSection(scan(text, kind), profile);
  return section && new Map(parseProperties(text, section).map((property) => [property.key, property]));
}
