// What an account has in its regions, as JSON: plain data, in which maps are written as `{"map": {…}}`.

import { ShapeError } from "../shape.ts";
import type { Account } from "./account.ts";
import { makeRegion } from "./region.ts";
import type { SavedRegion } from "./saved-account.ts";

export function saveRegions(account: Account): SavedRegion[] {
  return account.regions().map(({ name, ...content }) => ({ name, content: toPlain(content) }));
}

/** Members that a region has lost or got since the file was written are left as they are in a new one. @throws ShapeError */
export function loadRegions(account: Account, saved: readonly SavedRegion[]): void {
  for (const { name, content } of saved) {
    const found = fromPlain(content);
    if (!isObject(found)) throw new ShapeError(`the region ${name} must have an object as its content`);
    const empty = makeRegion(name) as unknown as Readonly<Record<string, unknown>>;
    for (const [member, value] of Object.entries(found)) {
      if (!(member in empty))
        throw new ShapeError(`the region ${name} has an unknown member ${JSON.stringify(member)}`);
      if (empty[member] instanceof Map !== value instanceof Map)
        throw new ShapeError(`${member} of the region ${name} must ${value instanceof Map ? "not " : ""}be a map`);
    }
    Object.assign(account.inRegion(name), found);
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Map);

function toPlain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toPlain);
  if (value instanceof Map) {
    return { map: mapMembers(Object.fromEntries(value as ReadonlyMap<string, unknown>), toPlain) };
  }
  return isObject(value) ? mapMembers(value, toPlain) : value;
}

function fromPlain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromPlain);
  if (!isObject(value)) return value;
  const { map, ...rest } = value;
  if (isObject(map) && Object.keys(rest).length === 0) return new Map(Object.entries(mapMembers(map, fromPlain)));
  return mapMembers(value, fromPlain);
}

const mapMembers = (value: object, map: (member: unknown) => unknown): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(value).map(([name, member]) => [name, map(member)]));
