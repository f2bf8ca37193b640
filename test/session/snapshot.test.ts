// Files that have certainly not changed are not read again; all others are.
import { renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readAgain, takeSnapshot } from "../../src/session/snapshot.ts";
import { temporaryFolder } from "../helpers/world.ts";

const minutesAgo = (minutes: number): number => Date.now() / 1000 - minutes * 60;

/** A snapshot of two files that were written some minutes ago. */
function makeSnapshot() {
  const folder = temporaryFolder();
  const paths = { credentials: join(folder, "credentials"), config: join(folder, "config") };
  writeFileSync(paths.credentials, "[a]\nregion = x\n");
  writeFileSync(paths.config, "[profile a]\nregion = x\n");
  utimesSync(paths.config, minutesAgo(9), minutesAgo(9));
  // The times of the change itself cannot be set, so it is the clock that is later.
  const snapshot = { ...takeSnapshot({ paths, store: { folder } }), takenAt: Date.now() + 60_000 };
  return { paths, snapshot };
}

test("files that have not changed are not read again", () => {
  const { paths, snapshot } = makeSnapshot();
  expect(readAgain(snapshot, paths)).toBe(snapshot.files);
});

test("a change just before the snapshot may hide another one, so the files are read again", () => {
  const { paths, snapshot } = makeSnapshot();
  expect(readAgain({ ...snapshot, takenAt: snapshot.lastChange + 5 }, paths)).not.toBe(snapshot.files);
});

test("the file with the coarser times decides for itself, also beside a newer one", () => {
  const { paths, snapshot } = makeSnapshot();
  const takenAt = 1_700_000_010_000;
  const taken = (coarse: number) => ({ ...snapshot, takenAt, changes: [takenAt - coarse, takenAt - 100.5] });
  expect(readAgain(taken(1000), paths)).not.toBe(snapshot.files);
  expect(readAgain(taken(3000), paths)).toBe(snapshot.files);
});

test.each<[string, (path: string) => void]>([
  ["removed", (path) => rmSync(path)],
  ["written in place", (path) => writeFileSync(path, "[profile a]\nregion = y\n")],
  ["replaced by an older one", (path) => replaceByOlder(path)],
])("a file that is %s is noticed, also where the other one is newer", (_, change) => {
  const { paths, snapshot } = makeSnapshot();
  change(paths.config);
  expect(readAgain(snapshot, paths)).not.toBe(snapshot.files);
});

function replaceByOlder(path: string): void {
  writeFileSync(`${path}.old`, "[profile b]\nregion = x\n");
  utimesSync(`${path}.old`, minutesAgo(99), minutesAgo(99));
  renameSync(`${path}.old`, path);
}
