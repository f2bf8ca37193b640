// Writing the two AWS files: one profile at a time. Nothing else writes these files.
import { type EditOutcome, editFile } from "../files/edit.ts";
import type { LockOptions } from "../files/lock.ts";
import { type Change, editSection, removeKeys } from "./edit.ts";
import { type AwsFilePaths, guarded } from "./files.ts";
import type { FileKind } from "./scan.ts";

/** Sets (or with `undefined` removes) keys of a profile; every other byte of the file stays. @throws FobError */
export function editProfile(
  paths: AwsFilePaths,
  kind: FileKind,
  profile: string,
  change: Change,
  lock: Pick<LockOptions, "signal">,
): Promise<EditOutcome> {
  const path = paths[kind];
  return editFile(path, lock, (text) => guarded(path, profile, () => editSection(text, kind, profile, change)));
}

/** Removes keys of a profile, and its section when nothing else is left in it. @throws FobError */
export function removeFromProfile(
  paths: AwsFilePaths,
  kind: FileKind,
  profile: string,
  keys: readonly string[],
  lock: Pick<LockOptions, "signal">,
): Promise<EditOutcome> {
  const path = paths[kind];
  return editFile(path, lock, (text) => guarded(path, profile, () => removeKeys(text, kind, profile, keys)));
}
