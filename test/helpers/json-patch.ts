// Applies JSON Patches, as `fob policy lint --json` prints them: RFC 6902, without "copy" and "test".
import type { Change, Patch } from "../../src/policy/lint/patch.ts";

type Container = Record<string, unknown> | unknown[];

export function applyPatch(document: unknown, patch: Patch): unknown {
  // A clone keeps values that two places share, and a change would show in both.
  return patch.reduce<unknown>(applyChange, JSON.parse(JSON.stringify(document)));
}

function applyChange(document: unknown, change: Change): unknown {
  if (change.op === "move") {
    const value = read(document, change.from);
    return applyChange(applyChange(document, { op: "remove", path: change.from }), {
      op: "add",
      path: change.path,
      value,
    });
  }
  const steps = parse(change.path);
  const name = steps.pop();
  if (name === undefined) return change.op === "remove" ? null : change.value;
  const parent = steps.reduce<unknown>(step, document) as Container;
  if (change.op !== "add" && !Object.hasOwn(parent, name)) throw new Error(`${change.path} does not exist`);
  if (Array.isArray(parent)) {
    const index = name === "-" ? parent.length : Number(name);
    parent.splice(index, change.op === "add" ? 0 : 1, ...(change.op === "remove" ? [] : [change.value]));
  } else if (change.op === "remove") Reflect.deleteProperty(parent, name);
  else parent[name] = change.value;
  return document;
}

const parse = (pointer: string): string[] =>
  pointer
    .split("/")
    .slice(1)
    .map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));

function step(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) throw new Error(`no ${name}`);
  return (value as Record<string, unknown>)[name];
}

const read = (document: unknown, pointer: string): unknown => parse(pointer).reduce(step, document);
