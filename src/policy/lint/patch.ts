// Fixes as JSON Patch (RFC 6902). A finding has a patch only if it never allows a request about another user or role:
// what needs a decision stays a text.
import { type Content, type Entry, isObject, type ParsedCondition, type ParsedStatement } from "../engine/grammar.ts";
import type { Path } from "../engine/json.ts";

export type Change =
  | { readonly op: "add" | "replace"; readonly path: string; readonly value: unknown }
  | { readonly op: "remove"; readonly path: string }
  | { readonly op: "move"; readonly from: string; readonly path: string };

export type Patch = readonly Change[];

/** Writes a path as a JSON Pointer (RFC 6901). */
function toPointer(path: Path): string {
  return path.map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** @param pointer `/Statement/0/Effect` */
export function parsePointer(pointer: string): readonly string[] {
  const [, ...steps] = pointer.split("/");
  return steps.map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

export function setValue(path: Path, value: unknown): Patch {
  return [{ op: "add", path: toPointer(path), value }];
}

export function replaceText({ path }: Pick<Entry, "path">, text: string): Patch {
  return [{ op: "replace", path: toPointer(path), value: text }];
}

/** Renames an element, an operator or a condition key. */
export function renameKey(path: Path, name: string): Patch {
  return [{ op: "move", from: toPointer(path), path: toPointer([...path.slice(0, -1), name]) }];
}

/** Adds texts to the list of an entry, or makes a list of it. */
export function addBeside({ path, text }: Entry, texts: readonly string[]): Patch {
  if (typeof path.at(-1) !== "number") return [{ op: "replace", path: toPointer(path), value: [text, ...texts] }];
  const end = toPointer([...path.slice(0, -1), "-"]);
  return texts.map((value) => ({ op: "add", path: end, value }));
}

/** Adds texts to a list of actions or resources; undefined if there is nothing in it. */
export function addToList(entries: readonly Entry[], texts: readonly string[]): Patch | undefined {
  const [first] = entries;
  return first && addBeside(first, texts);
}

/** Replaces some entries of a list with others; undefined if nothing would be left. */
export function replaceEntries(
  all: readonly Entry[],
  old: readonly Entry[],
  texts: readonly string[],
): Patch | undefined {
  const [first] = all;
  if (first === undefined || all.length + texts.length <= old.length) return undefined;
  if (typeof first.path.at(-1) !== "number") return [{ op: "replace", path: toPointer(first.path), value: texts }];
  const end = toPointer([...first.path.slice(0, -1), "-"]);
  return [
    ...texts.map((value): Change => ({ op: "add", path: end, value })),
    // From the end, because removing an entry moves those behind it.
    ...old.map(({ path }): Change => ({ op: "remove", path: toPointer(path) })).reverse(),
  ];
}

/** Replaces elements of a statement: null removes one. */
export function changeStatement({ path }: ParsedStatement, elements: Readonly<Record<string, unknown>>): Patch {
  return Object.entries(elements).map(([name, value]) =>
    value === null
      ? { op: "remove", path: toPointer([...path, name]) }
      : { op: "add", path: toPointer([...path, name]), value },
  );
}

function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, step) => (value as Readonly<Record<string, unknown>>)[String(step)], root);
}

/** Adds statements to a policy. */
export function addStatements(root: unknown, statements: readonly unknown[]): Patch {
  const given = (root as Content).Statement;
  if (Array.isArray(given)) return statements.map((value) => ({ op: "add", path: "/Statement/-", value }));
  return [{ op: "replace", path: "/Statement", value: [given, ...statements] }];
}

/** Moves actions of a statement to a copy of it with other elements, or changes it if it has no other actions. */
export function splitStatement(
  root: unknown,
  statement: ParsedStatement,
  moved: readonly Entry[],
  elements: Readonly<Record<string, unknown>>,
): Patch {
  if (moved.length === statement.actions.length) return changeStatement(statement, elements);
  const left = replaceEntries(statement.actions, moved, []) ?? [];
  const copy = { ...copyStatement(root, statement), Action: moved.map(({ text }) => text), ...elements };
  // In a policy of one statement, that statement becomes the first of a list.
  if (statement.path.length > 1) return [...left, ...addStatements(root, [copy])];
  const rest = statement.actions.filter((entry) => !moved.includes(entry)).map(({ text }) => text);
  const first = { ...(valueAt(root, statement.path) as Content), Action: rest };
  return [{ op: "replace", path: "/Statement", value: [first, copy] }];
}

/** Copies a statement without its Sid, which must be unique, and without other elements. */
export function copyStatement(root: unknown, { path }: ParsedStatement, without?: string): Content {
  const elements = Object.entries(valueAt(root, path) as Content);
  return Object.fromEntries(elements.filter(([name]) => name !== "Sid" && name !== without));
}

/** Returns the condition block of a statement, without some conditions and with others. */
export function changeConditions(
  root: unknown,
  { path }: ParsedStatement,
  without: readonly ParsedCondition[],
  more: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): Content {
  const given = valueAt(root, [...path, "Condition"]);
  const block: Record<string, Record<string, unknown>> = {};
  for (const [name, keys] of Object.entries(isObject(given) ? given : {})) {
    const left = Object.entries(keys as Content).filter(
      ([key]) => !without.some((test) => test.name === name && test.key === key),
    );
    if (left.length > 0) block[name] = Object.fromEntries(left);
  }
  for (const [name, keys] of Object.entries(more)) block[name] = { ...block[name], ...keys };
  return block;
}
