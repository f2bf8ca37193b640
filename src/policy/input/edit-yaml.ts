// Applies JSON Patches (RFC 6902) to the text of a YAML document: only the lines that change are written anew, so that
// comments, quotes and indentation stay.
import { isDeepStrictEqual } from "node:util";
import { type CST, isMap, isScalar, isSeq, type Node, type Scalar } from "yaml";
import { isObject } from "../engine/grammar.ts";
import type { Patch } from "../lint/patch.ts";
import { applyPatch, PatchError } from "./apply-patch.ts";
import { findEol, formatInLine } from "./edit-json.ts";
import { type Item, readYamlDocuments } from "./read-yaml.ts";
import { findStyle, formatBlock, formatKey, formatScalar, type Style } from "./yaml-style.ts";

/**
 * @param text of one document without anchors, aliases and merge keys
 * @throws PatchError if a change is not possible, or only with the loss of a comment or of a function
 */
export function patchYaml(text: string, patch: Patch): string {
  const eol = findEol(text);
  const content = text.endsWith("\n") ? text : text + eol;
  const root = readRoot(content);
  const target = applyPatch(root.value, patch);
  const listed = listStatement(content, root, target);
  const item = listed === content ? root : readRoot(listed);
  const edits = new Edits(listed, eol, findStyle(item));
  changeValue(item, target, { kind: "root" }, edits);
  const after = edits.apply();
  if (!isDeepStrictEqual(readRoot(after).value, target)) throw new PatchError("the text would not say that");
  return text.endsWith("\n") ? after : after.replace(/\r?\n$/, "");
}

function readRoot(text: string): Item {
  const [document, ...more] = readYamlDocuments(text);
  if (document === undefined || more.length > 0) throw new PatchError("this is not one document");
  return document.root;
}

/** Where a value is. */
type Slot =
  | { readonly kind: "root" }
  | { readonly kind: "member"; readonly key: Scalar }
  | { readonly kind: "element"; readonly dash: number }
  | { readonly kind: "flow" };

class Edits {
  readonly content: string;
  readonly eol: string;
  readonly style: Style;
  readonly #edits: { readonly start: number; readonly end: number; readonly text: string }[] = [];

  constructor(content: string, eol: string, style: Style) {
    this.content = content;
    this.eol = eol;
    this.style = style;
  }

  replace(start: number, end: number, text: string): void {
    this.#edits.push({ start, end, text });
  }

  insert(at: number, text: string): void {
    this.replace(at, at, text);
  }

  /** @throws PatchError if two overlap */
  apply(): string {
    let after = "";
    let done = 0;
    for (const { start, end, text } of this.#edits.sort((a, b) => a.start - b.start || a.end - b.end)) {
      if (start < done) throw new PatchError("two changes overlap");
      after += this.content.slice(done, start) + text;
      done = end;
    }
    return after + this.content.slice(done);
  }

  lineStart(offset: number): number {
    return this.content.lastIndexOf("\n", offset - 1) + 1;
  }

  columnOf(offset: number): number {
    return offset - this.lineStart(offset);
  }

  /** The start of the line, if there are only blanks before. */
  firstOf(offset: number): number | undefined {
    const start = this.lineStart(offset);
    return this.content.slice(start, offset).trim() === "" ? start : undefined;
  }

  /** The start of the line after a value. */
  lineAfter(end: number): number {
    if (this.content[end - 1] === "\n") return end;
    const at = this.content.indexOf("\n", end);
    return at === -1 ? this.content.length : at + 1;
  }

  /** Joins lines, each but the first with an indentation. */
  join(lines: readonly string[], column: number): string {
    return lines.join(this.eol + " ".repeat(column));
  }

  /** A block text ends with its last line break. */
  breakAfter(end: number): string {
    return this.content[end - 1] === "\n" ? this.eol : "";
  }
}

/** Changes the text of an item so that it has a value. */
function changeValue(item: Item, target: unknown, slot: Slot, edits: Edits): void {
  if (isDeepStrictEqual(item.value, target)) return;
  const { node } = item;
  if ((node as Scalar).tag !== undefined) throw new PatchError("a function is in the way");
  if (isMap(node) && isObject(target)) changeMap(item, target, slot, edits);
  else if (isSeq(node) && Array.isArray(target)) changeList(item, target, slot, edits);
  else replaceValue(item, target, slot, edits);
}

/** Replaces all of a value. */
function replaceValue(item: Item, target: unknown, slot: Slot, edits: Edits): void {
  const { node } = item;
  const [start, end] = [startOf(node), endOf(item)];
  const isContainer = isObject(target) ? Object.keys(target).length > 0 : Array.isArray(target) && target.length > 0;
  if (!isScalar(node) && /(^|\s)#/.test(edits.content.slice(start, end))) {
    throw new PatchError("a comment would be lost");
  }
  if (slot.kind === "flow" || isFlow(node) || (isScalar(node) && !isContainer)) {
    const text = isContainer
      ? formatInLine(target)
      : formatScalar(target, isScalar(node) ? node : undefined, edits.style, slot.kind === "flow");
    edits.replace(start, end, text + edits.breakAfter(end));
    return;
  }
  if (slot.kind === "member") {
    const [keyStart, keyEnd] = slot.key.range ?? [0, 0];
    const colon = edits.content.indexOf(":", keyEnd);
    // The name stays: it may change, too.
    const [first = "", ...more] = formatBlock({ k: target }, edits.style);
    const lines = [first.slice("k:".length), ...more];
    edits.replace(colon + 1, end, edits.join(lines, edits.columnOf(keyStart)) + edits.breakAfter(end));
    return;
  }
  const [from, lines] =
    slot.kind === "element"
      ? [slot.dash, formatBlock([target], edits.style)]
      : [start, formatBlock(target, edits.style)];
  edits.replace(from, end, edits.join(lines, edits.columnOf(from)) + edits.breakAfter(end));
}

function changeMap(item: Item, target: Readonly<Record<string, unknown>>, slot: Slot, edits: Edits): void {
  const members = [...item.members] as (readonly [string, Item])[];
  const gone = members.filter(([name]) => !Object.hasOwn(target, name));
  const added = Object.keys(target).filter((name) => !item.members.has(name));
  // The only member keeps its comments, whatever becomes of it.
  const isRenaming =
    gone.length === added.length &&
    (members.length === 1 ||
      gone.every(([, { value }], index) => isDeepStrictEqual(value, target[added[index] ?? ""])));
  const names = new Map(gone.map(([name], index) => [name, added[index] ?? ""]));
  if (isRenaming) {
    for (const [name, { key }] of gone) {
      const [start, end] = key?.range ?? [0, 0];
      edits.replace(start, end, formatKey(names.get(name) ?? "", key));
    }
  } else if (gone.length === members.length) {
    replaceValue(item, target, slot, edits);
    return;
  } else {
    const cells = members.map(([, member]) => ({ start: startOf(member.key ?? member.node), end: endOf(member) }));
    const isGone = members.map((member) => gone.includes(member));
    const inserted = added.map((name): readonly [number, unknown] => [members.length, { [name]: target[name] }]);
    changeCells({ item, cells, isGone, inserted }, edits);
  }
  for (const [name, member] of members) {
    const now = Object.hasOwn(target, name) ? name : isRenaming ? names.get(name) : undefined;
    if (now === undefined) continue;
    const { key } = member;
    changeValue(member, target[now], isFlow(item.node) || !key ? { kind: "flow" } : { kind: "member", key }, edits);
  }
}

function changeList(item: Item, target: readonly unknown[], slot: Slot, edits: Edits): void {
  const elements = [...item.members.values()];
  const steps = align(elements, target);
  const pairs = steps.filter(({ kind }) => kind === "pair");
  if (pairs.length === 0) {
    replaceValue(item, target, slot, edits);
    return;
  }
  const dashes = isFlow(item.node) ? undefined : findDashes(item.node);
  const cells = elements.map((element, index) => ({
    start: dashes?.[index] ?? startOf(element.node),
    end: endOf(element),
  }));
  const isGone = elements.map((_, index) => !pairs.some(({ old }) => old === index));
  const inserted = steps.flatMap(({ kind, old, now }): (readonly [number, unknown])[] =>
    kind === "add" ? [[old, [target[now]]]] : [],
  );
  changeCells({ item, cells, isGone, inserted }, edits);
  for (const { old, now } of pairs) {
    const element = elements[old];
    const dash = dashes?.[old];
    if (element === undefined) continue;
    changeValue(element, target[now], dash === undefined ? { kind: "flow" } : { kind: "element", dash }, edits);
  }
}

interface Step {
  readonly kind: "pair" | "add";
  /** Of the element, or of the one that it is added before. */
  readonly old: number;
  /** In the new list. */
  readonly now: number;
}

/** Pairs the elements of a list with those of another one: equal ones as long as the order allows it. */
function align(elements: readonly Item[], target: readonly unknown[]): readonly Step[] {
  const olds = elements.map(({ value }) => JSON.stringify(value));
  const news = target.map((value) => JSON.stringify(value));
  const [leftOld, leftNew] = [countTexts(olds), countTexts(news)];
  const steps: Step[] = [];
  let [old, now] = [0, 0];
  while (old < olds.length || now < news.length) {
    const [a, b] = [olds[old], news[now]];
    const isGone = a !== undefined && (leftNew.get(a) ?? 0) === 0;
    const isNew = b !== undefined && (leftOld.get(b) ?? 0) === 0;
    if (isNew && !isGone) steps.push({ kind: "add", old, now });
    else if (isNew || !isGone) steps.push({ kind: "pair", old, now });
    if (a !== undefined && (isGone || !isNew)) {
      count(leftOld, a, -1);
      old += 1;
    }
    if (b !== undefined && (isNew || !isGone)) {
      count(leftNew, b, -1);
      now += 1;
    }
  }
  return steps;
}

function countTexts(texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) count(counts, text, 1);
  return counts;
}

const count = (counts: Map<string, number>, text: string, more: number): unknown =>
  counts.set(text, (counts.get(text) ?? 0) + more);

interface Cells {
  /** The mapping or list. */
  readonly item: Item;
  /** Where its members or elements are: from the name or the dash to the end of the value. */
  readonly cells: readonly { readonly start: number; readonly end: number }[];
  readonly isGone: readonly boolean[];
  /** What is added before which cell, in a mapping or list of one. */
  readonly inserted: readonly (readonly [before: number, value: unknown])[];
}

/** Removes and adds members or elements. */
function changeCells(change: Cells, edits: Edits): void {
  if (isFlow(change.item.node)) changeFlow(change, edits);
  else changeBlock(change, edits);
}

function changeBlock({ item, cells, isGone, inserted }: Cells, edits: Edits): void {
  const { content } = edits;
  for (const [index, { start, end }] of cells.entries()) {
    if (!isGone[index]) continue;
    const first = edits.firstOf(start);
    const after = edits.lineAfter(end);
    const next = cells[index + 1]?.start;
    if (first !== undefined) edits.replace(first, after, "");
    else if (next !== undefined && content.slice(after, next).trim() === "") edits.replace(start, next, "");
    else throw new PatchError("there is something else in the line");
  }
  const column = edits.columnOf(cells[0]?.start ?? 0);
  const pad = " ".repeat(column);
  for (const [index, value] of inserted) {
    const text = edits.join(formatCell(value, item, edits), column) + edits.eol;
    const before = cells[index - 1];
    const start = cells[0]?.start ?? 0;
    const first = edits.firstOf(start);
    if (before !== undefined) edits.insert(edits.lineAfter(before.end), pad + text);
    else if (first !== undefined) edits.insert(first, pad + text);
    else edits.insert(start, text + pad);
  }
}

/** @param value a list or an object of one, as the block of that */
function formatCell(value: unknown, { members }: Item, { style }: Edits): readonly string[] {
  const [only] = Array.isArray(value) ? (value as readonly unknown[]) : [];
  if (typeof only !== "string") return formatBlock(value, style);
  const like = [...members.values()].map(({ node }) => node).findLast((node) => isScalar(node));
  return [`- ${formatScalar(only, like, style, false)}`];
}

function changeFlow({ item, cells, isGone, inserted }: Cells, edits: Edits): void {
  for (const [index, { start }] of cells.entries()) {
    if (!isGone[index] || isGone[index - 1]) continue;
    const kept = isGone.indexOf(false, index);
    const next = kept === -1 ? undefined : cells[kept];
    const [before, last] = [cells[index - 1], cells.at(-1)];
    if (next !== undefined) edits.replace(start, next.start, "");
    else if (before !== undefined && last !== undefined) edits.replace(before.end, last.end, "");
  }
  for (const [index, value] of inserted) {
    const text = formatFlowCell(value, item, edits.style);
    const [before, first] = [cells[index - 1], cells[0]];
    const start = before?.start ?? first?.start ?? 0;
    const previous = cells[index - 2]?.end ?? startOf(item.node);
    const isOwnLine = edits.content.slice(previous, start).includes("\n");
    const gap = isOwnLine ? edits.eol + " ".repeat(edits.columnOf(start)) : " ";
    if (before === undefined) edits.insert(start, `${text},${gap}`);
    else edits.insert(before.end, `,${gap}${text}`);
  }
}

function formatFlowCell(value: unknown, { members }: Item, style: Style): string {
  const [only] = Array.isArray(value) ? (value as readonly unknown[]) : [];
  if (typeof only !== "string") return formatInLine(value).slice(1, -1);
  const like = [...members.values()].map(({ node }) => node).findLast((node) => isScalar(node));
  return formatScalar(only, like, style, true);
}

/** Makes a list of a single statement if there are to be more. */
function listStatement(content: string, root: Item, target: unknown): string {
  const statement = isMap(root.node) ? root.members.get("Statement") : undefined;
  const isList = Array.isArray(target);
  const item = isList ? root : isObject(target) && Array.isArray(target.Statement) ? statement : undefined;
  if (item === undefined || !isMap(item.node) || item.members.size === 0) return content;
  const edits = new Edits(content, findEol(content), findStyle(root));
  const [start, end] = [startOf(item.node), endOf(item)];
  if (isFlow(item.node)) {
    edits.insert(start, "[");
    edits.insert(end, "]");
    return edits.apply();
  }
  edits.insert(start, "- ");
  const after = edits.lineAfter(end);
  for (let line = edits.lineAfter(start); line < after; line = edits.lineAfter(line + 1)) {
    if (!/[\r\n]/.test(content.charAt(line))) edits.insert(line, "  ");
  }
  return edits.apply();
}

const startOf = ({ range }: Node): number => range?.[0] ?? 0;

/** Where a value ends, without the blanks and comments after it. */
function endOf({ node, members }: Item): number {
  const last = [...members.values()].at(-1);
  return last === undefined || isScalar(node) || isFlow(node) ? (node.range?.[1] ?? 0) : endOf(last);
}

export const isFlow = (node: Node): boolean => (isMap(node) || isSeq(node)) && node.flow === true;

/** Where the elements of a block list start. */
function findDashes(node: Node): readonly number[] {
  const { items = [] } = (node.srcToken ?? {}) as Partial<CST.BlockSequence>;
  return items.flatMap(({ start }) => start.find(({ type }) => type === "seq-item-ind")?.offset ?? []);
}

export { endOf };
