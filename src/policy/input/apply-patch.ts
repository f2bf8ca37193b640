// Applies JSON Patches (RFC 6902) to values.
import { type Change, type Patch, parsePointer } from "../lint/patch.ts";

/** The change is not possible; nothing was changed. */
export class PatchError extends Error {
  override readonly name = "PatchError";
}

/**
 * Returns a changed copy of a value of JSON.
 *
 * @throws PatchError if a place does not exist, or if a new name is already there: the other member would be lost
 */
export function applyPatch(value: unknown, patch: Patch): unknown {
  return patch.reduce<unknown>(applyChange, structuredClone(value));
}

function applyChange(root: unknown, change: Change): unknown {
  const steps = parsePointer(change.path);
  const name = steps.at(-1);
  if (name === undefined) {
    if (!("value" in change)) throw new PatchError("the document cannot be removed or renamed");
    return change.value;
  }
  const parent = steps.slice(0, -1).reduce(step, root);
  if (Array.isArray(parent)) changeList(parent, name, change);
  else if (typeof parent === "object" && parent !== null) changeObject(parent, name, change);
  else throw new PatchError(`${change.path} does not exist`);
  return root;
}

function step(value: unknown, name: string): unknown {
  if (typeof value === "object" && value !== null && Object.hasOwn(value, name)) {
    return (value as Readonly<Record<string, unknown>>)[name];
  }
  throw new PatchError(`${name} does not exist`);
}

function changeList(list: unknown[], name: string, change: Change): void {
  const index = name === "-" ? list.length : Number(name);
  if (change.op === "move") throw new PatchError("this is no renaming");
  if (change.op === "add") list.splice(index, 0, change.value);
  else {
    if (index >= list.length) throw new PatchError(`${change.path} does not exist`);
    list.splice(index, 1, ...(change.op === "replace" ? [change.value] : []));
  }
}

function changeObject(object: object, name: string, change: Change): void {
  const old = change.op === "move" ? (parsePointer(change.from).at(-1) ?? "") : name;
  const has = Object.hasOwn(object, old);
  if (change.op === "move" && Object.hasOwn(object, name)) throw new PatchError(`${name} exists already`);
  if (change.op !== "add" && !has) throw new PatchError(`${change.path} does not exist`);
  const value: unknown = "value" in change ? change.value : step(object, old);
  if (change.op === "remove" || change.op === "move") Reflect.deleteProperty(object, old);
  if (change.op === "remove") return;
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}
