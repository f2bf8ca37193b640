// Lengths of time of options for which a second may be too long.
import { parseDuration } from "../duration.ts";
import { UsageError } from "../errors.ts";
import { quote } from "../text.ts";

/** Reads `500ms`, `5s`, `2m`. @throws UsageError */
export function readMilliseconds(flag: string, text: string): number {
  const [, milliseconds] = /^(\d{1,9})ms$/.exec(text.trim()) ?? [];
  const seconds = parseDuration(text);
  const read = milliseconds === undefined ? seconds && seconds * 1000 : Number(milliseconds);
  if (read === undefined) throw new UsageError(`invalid ${flag} ${quote(text)}`, `for example: ${flag} 5s`);
  return read;
}
