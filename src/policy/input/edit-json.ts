// Applies JSON Patches (RFC 6902) to the text of a document, so that the rest keeps its format: indentation, order, numbers.
import { type Node, parseTree } from "jsonc-parser";
import { type Change, type Patch, parsePointer } from "../lint/patch.ts";
import { PatchError } from "./apply-patch.ts";

/**
 * @throws PatchError if a place does not exist, or if a new name is already there: the other member would be lost
 */
export function patchText(text: string, patch: Patch): string {
  return patch.reduce(applyChange, text);
}

function applyChange(text: string, change: Change): string {
  const tree = parseTree(text);
  if (tree === undefined) throw new PatchError("no JSON");
  const at = locate(tree, change.path);
  switch (change.op) {
    case "remove":
      return remove(text, at);
    case "move":
      return rename(text, locate(tree, change.from), at);
    case "replace":
      return replace(text, at, change.value);
    case "add":
      return at.parent?.type === "array" || at.node === undefined
        ? insert(text, at, change.value)
        : replace(text, at, change.value);
  }
}

/** A place in the tree, which may have nothing yet. */
interface Location {
  readonly parent: Node | undefined;
  readonly name: string;
  readonly node: Node | undefined;
}

function locate(tree: Node, pointer: string): Location {
  let at: Location = { parent: undefined, name: "", node: tree };
  for (const name of parsePointer(pointer)) {
    if (at.node === undefined) throw new PatchError(`${pointer} does not exist`);
    at = { parent: at.node, name, node: findChild(at.node, name) };
  }
  return at;
}

function findChild({ type, children = [] }: Node, name: string): Node | undefined {
  if (type === "array") return name === "-" ? undefined : children[Number(name)];
  return children.find((property) => property.children?.[0]?.value === name)?.children?.[1];
}

/** The element of a list, or the member of an object with its name. */
const wholeOf = (node: Node): Node => (node.parent?.type === "property" ? node.parent : node);

function replace(text: string, { node, parent }: Location, value: unknown): string {
  if (node === undefined) throw new PatchError("there is nothing to replace");
  const isContainer = (node.children ?? []).length > 0;
  const isLong = isContainer ? isMultiline(text, node) : parent === undefined || isMultiline(text, parent);
  return splice(text, node, format(text, node.offset, value, isLong));
}

function insert(text: string, { parent, name }: Location, value: unknown): string {
  if (parent === undefined) throw new PatchError("there is nothing to insert into");
  const { children = [], type } = parent;
  const index = type === "array" && name !== "-" ? Number(name) : children.length;
  const isLong = isMultiline(text, parent);
  const label = type === "array" ? "" : `${JSON.stringify(name)}:${isSpaced(text) ? " " : ""}`;
  const last = children[Math.min(index, children.length) - 1];
  const next = children[index];
  if (last === undefined && next === undefined) {
    const open = text.slice(parent.offset, parent.offset + 1);
    const content = `${open}${label}${format(text, parent.offset, value, false)}${open === "[" ? "]" : "}"}`;
    return splice(text, parent, content);
  }
  const beside = last ?? next;
  const offset = beside?.offset ?? parent.offset;
  const gap = isLong ? findEol(text) + indentationAt(text, offset) : isSpaced(text) ? " " : "";
  const content = label + format(text, offset, value, isLong);
  if (last !== undefined) return splice(text, { offset: last.offset + last.length, length: 0 }, `,${gap}${content}`);
  return splice(text, { offset, length: 0 }, `${content},${gap}`);
}

function remove(text: string, { node }: Location): string {
  if (node === undefined) throw new PatchError("there is nothing to remove");
  const whole = wholeOf(node);
  const siblings = whole.parent?.children ?? [];
  const index = siblings.indexOf(whole);
  const [last, next] = [siblings[index - 1], siblings[index + 1]];
  const end = whole.offset + whole.length;
  if (next !== undefined) return splice(text, { offset: whole.offset, length: next.offset - whole.offset }, "");
  const offset = last === undefined ? whole.offset : last.offset + last.length;
  return splice(text, { offset, length: end - offset }, "");
}

/** Moves a member to another name of the same object, without moving it. */
function rename(text: string, from: Location, to: Location): string {
  const [key] = (from.node && wholeOf(from.node).children) ?? [];
  if (key === undefined || from.parent !== to.parent) throw new PatchError("this is no renaming");
  if (to.node !== undefined) throw new PatchError(`${to.name} exists already`);
  return splice(text, key, JSON.stringify(to.name));
}

const splice = (text: string, { offset, length }: Pick<Node, "offset" | "length">, content: string): string =>
  text.slice(0, offset) + content + text.slice(offset + length);

/** Whether the elements of a list or the members of an object have lines of their own. */
function isMultiline(text: string, { offset, children = [] }: Node): boolean {
  const [first] = children;
  return text.slice(offset, first?.offset ?? offset).includes("\n");
}

export const findEol = (text: string): string => (text.includes("\r\n") ? "\r\n" : "\n");

/** Whether there are blanks behind colons. */
const isSpaced = (text: string): boolean => /":\s/.test(text);

/** The indentation of the line with an offset. A document inside of another starts on a line of that. */
function indentationAt(text: string, offset: number): string {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  const line = start === 0 ? text.slice(text.lastIndexOf("\n") + 1) : text.slice(start);
  return /^[ \t]*/.exec(line)?.[0] ?? "";
}

/** What one more level adds to the indentation. */
function findUnit(text: string): string {
  const [, inner = ""] = /\n([ \t]+)\S/.exec(text) ?? [];
  const outer = indentationAt(text, 0);
  return inner.startsWith(outer) && inner.length > outer.length ? inner.slice(outer.length) : "  ";
}

function format(text: string, offset: number, value: unknown, isLong: boolean): string {
  if (!isSpaced(text)) return JSON.stringify(value);
  const unit = findUnit(text);
  if (!isLong) return formatInLine(value);
  const lines = JSON.stringify(value, null, unit).split("\n");
  return lines.join(findEol(text) + indentationAt(text, offset));
}

/** Formats a value as JSON in one line, with a blank after each comma and colon. */
export function formatInLine(value: unknown): string {
  // Texts have no line breaks of their own.
  return JSON.stringify(value, null, 1)
    .replace(/([[{])\n\s*/g, "$1")
    .replace(/\n\s*([\]}])/g, "$1")
    .replace(/\n\s*/g, " ");
}
