// The AWS files and the session store as a command finds them. A command takes one snapshot when it begins and passes it
// on; it reads again only under a lock, where what is there at that moment decides (docs/decisions/decided-under-the-lock.md).
import { type AwsFiles, readAwsFiles } from "../profiles/files.ts";
import { type AwsFilePaths, fingerprint, readChanges } from "../profiles/paths.ts";
import { openStore, readStored, type Store, type Stored } from "../store/read.ts";

export interface Snapshot {
  readonly files: AwsFiles;
  /** When the AWS files had changed before they were read, in milliseconds since 1970, and the last of these times. */
  readonly changes: readonly number[];
  readonly lastChange: number;
  /** The AWS files' state before they were read, if it could be told. */
  readonly fingerprint: string | undefined;
  /** When it was taken, in milliseconds since 1970, by the system's clock, as file systems have it. */
  readonly takenAt: number;
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
  const changes = readChanges(paths);
  const print = fingerprint(paths);
  const takenAt = Date.now();
  const seen = new Map<string, Stored>();
  const readOnce: typeof readStored = (path, profile) => {
    const stored = seen.get(path) ?? readStored(path, profile);
    seen.set(path, stored);
    return stored;
  };
  return {
    changes,
    lastChange: Math.max(...changes),
    fingerprint: print,
    takenAt,
    files: readAwsFiles(paths),
    store: openStore(store.folder, readOnce),
  };
}

/** The time between two changes of a file that its times tell apart for certain, in milliseconds: FAT's are two seconds. */
const COARSE = 2000;
/** The same where they have fractions of a millisecond: Linux sets them by a clock that ticks every 10 ms at most. */
const FINE = 20;

/** The AWS files as they are now, without reading those again that have not changed for certain. @throws FobError */
export function readAgain(snapshot: Snapshot, paths: AwsFilePaths): AwsFiles {
  const { files, changes, takenAt } = snapshot;
  const isCertain = changes.every((at) => takenAt - at > (Number.isInteger(at) ? COARSE : FINE));
  const isSame = snapshot.fingerprint !== undefined && fingerprint(paths) === snapshot.fingerprint;
  return isCertain && isSame ? files : readAwsFiles(paths);
}
