// A copy of a file beside it, before it is changed.
import { randomBytes } from "node:crypto";
import { readWhole } from "./read.ts";
import { resolveFile, writeNew } from "./replace.ts";

/** Copies a file beside itself, 0600 from its first byte. @returns the path of the copy @throws FobError */
export function backUp(path: string): string {
  const copy = `${resolveFile(path)}.fob-backup-${randomBytes(4).toString("hex")}`;
  writeNew(copy, Buffer.from(readWhole(path) ?? "", "latin1"));
  return copy;
}
