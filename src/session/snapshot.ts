// The AWS files and the session store as a command finds them. A command takes one snapshot when it begins and passes it
// on; it reads again only under a lock, where what is there at that moment decides (docs/decisions/decided-under-the-lock.md).
import { type AwsFiles, readAwsFiles } from "../profiles/files.ts";
import { type AwsFilePaths, readLastChange } from "../profiles/paths.ts";
import { openStore, readStored, type Store, type Stored } from "../store/read.ts";

export interface Snapshot {
  readonly files: AwsFiles;
  /** When the AWS files had last changed before they were read, in milliseconds since 1970. */
  readonly lastChange: number;
  /** Reads each session file when it is first asked for, and then no more. */
  readonly store: Store;
}

/** Where all that is. */
export interface SnapshotPlaces {
  readonly paths: AwsFilePaths;
  readonly store: Pick<Store, "folder">;
}

/** @throws FobError for an AWS file that cannot be read or parsed */
export function takeSnapshot({ paths, store }: SnapshotPlaces): Snapshot {
  // First, so that a change that comes in between counts as one.
  const lastChange = readLastChange(paths);
  const seen = new Map<string, Stored>();
  const readOnce: typeof readStored = (path, profile) => {
    const stored = seen.get(path) ?? readStored(path, profile);
    seen.set(path, stored);
    return stored;
  };
  return { lastChange, files: readAwsFiles(paths), store: openStore(store.folder, readOnce) };
}
