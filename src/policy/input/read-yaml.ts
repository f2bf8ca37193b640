// Reads YAML, with the short forms of CloudFormation's functions as their long forms. It never takes long: aliases
// stand for a limited number of values.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseAllDocuments,
  type Scalar,
  type YAMLError,
  type YAMLMap,
} from "yaml";
import type { Region } from "../../findings.ts";
import { deepest, indexLines, lowerFirstLetter, type Path, type Place, SourceError } from "../engine/json.ts";

/** A value, and the node that has it. */
export interface Item {
  readonly value: unknown;
  readonly node: Node;
  /** The name of a member. */
  readonly key?: Scalar;
  readonly members: ReadonlyMap<string | number, Item>;
  /** Whether it is, or may be, in another place too: it has an anchor, or is there by an alias or a merge key. */
  readonly isShared: boolean;
  /** Whether it or a part of it is shared. */
  readonly hasShared: boolean;
}

/** The parts of a file that `---` separates. */
export interface YamlDocument {
  /** Which one it is, from 1. */
  readonly number: number;
  readonly root: Item;
  readonly content: string;
  readonly placeOf: (path: Path) => Region;
}

/** How many values the aliases of a file may stand for, all together. */
const mostAliased = 100_000;

/**
 * Reads the documents of a file that are not empty.
 *
 * Numbers, `true`, `false` and `null` without quotes are values of JSON; everything else is text: a date, `yes`, and a
 * number that JSON would write in another way, such as an account ID with a leading zero.
 *
 * @throws SourceError
 */
export function readYamlDocuments(text: string): readonly YamlDocument[] {
  const content = text.replace(/^\ufeff/, "");
  const placeAt = indexLines(content);
  const documents = parse(content);
  const [error] = documents.flatMap(({ errors }) => errors).sort((a, b) => a.pos[0] - b.pos[0]);
  if (error !== undefined) throw new SourceError(describeError(error), placeAt(error.pos[0]));
  const reader = new Reader(placeAt);
  const found = documents.flatMap(({ contents }, index) => {
    // An empty document has an empty text or nothing.
    if (contents === null || (isScalar(contents) && contents.source === "" && contents.tag === undefined)) return [];
    const root = reader.readDocument(contents);
    return [
      { number: index + 1, root, content, placeOf: (path: Path) => findRegion(content, locate(root, path), placeAt) },
    ];
  });
  if (found.length === 0) throw new SourceError("the file is empty", { line: 1, column: 1 });
  return found;
}

/** What the library finds is kept: a file may have a million errors, and their stack traces would take half a minute. */
function parse(content: string): readonly Pick<Document.Parsed, "contents" | "errors">[] {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    const documents = parseAllDocuments(content, {
      // All scalars are texts; the reader decides. The library compares each key with all others: the reader does not.
      ...{ schema: "failsafe", uniqueKeys: false, merge: false, resolveKnownTags: false },
      ...{ keepSourceTokens: true, prettyErrors: false, logLevel: "silent" },
    });
    return "empty" in documents ? [{ contents: null, errors: documents.errors }] : documents;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

const describeError = ({ code, message }: YAMLError): string =>
  code === "RESOURCE_EXHAUSTION" ? tooDeep : lowerFirstLetter(message.replace(/\s+/g, " "));

const tooDeep = `nested deeper than ${deepest} levels`;

/** Returns the item at a path, or the nearest above it. */
function locate(root: Item, path: Path): Item {
  let item = root;
  for (const step of path) {
    const member = item.members.get(step);
    if (member === undefined) break;
    item = member;
  }
  return item;
}

/** What stands for a value in one line. */
function findRegion(content: string, { key, node }: Item, placeAt: (offset: number) => Place): Region {
  const [start, end] = (key ?? node).range ?? [0, 0];
  const [line = ""] = content.slice(start, end).split(/\r?\n/, 1);
  const place = placeAt(start);
  const isText = key !== undefined || isScalar(node) || isAlias(node);
  return { ...place, endColumn: place.column + Math.max(isText ? line.trimEnd().length : 1, 1) };
}

/** A text that a reader of another YAML or JSON might take for a number is one only if both write it alike. */
function resolvePlain(text: string): unknown {
  if (/^(|~|null|Null|NULL)$/.test(text)) return null;
  if (/^(true|True|TRUE|false|False|FALSE)$/.test(text)) return text.toLowerCase() === "true";
  return /^-?\d/.test(text) && String(Number(text)) === text ? Number(text) : text;
}

const coreTag = "tag:yaml.org,2002:";

class Reader {
  readonly #placeAt: (offset: number) => Place;
  readonly #anchors = new Map<string, Node>();
  /** An anchor may be set again later. */
  readonly #targets = new Map<Alias, Node>();
  /** The aliases around the current value. */
  readonly #open = new Set<Node>();
  #aliased = 0;

  constructor(placeAt: (offset: number) => Place) {
    this.#placeAt = placeAt;
  }

  readDocument(node: Node): Item {
    this.#anchors.clear();
    return this.#read(node, 0);
  }

  #read(node: Node, depth: number, key?: Scalar): Item {
    if (this.#open.size > 0 && ++this.#aliased > mostAliased) {
      this.#fail(`the aliases stand for more than ${mostAliased.toLocaleString("en-US")} values`, node);
    }
    if (isAlias(node)) return this.#readAlias(node, depth, key);
    const isAnchor = "anchor" in node && typeof node.anchor === "string";
    if (isAnchor && this.#open.size === 0) this.#anchors.set(node.anchor as string, node);
    const item = this.#readTagged(node, depth);
    return { ...item, ...(key && { key }), isShared: isAnchor, hasShared: item.hasShared || isAnchor };
  }

  #readAlias(alias: Alias, depth: number, key: Scalar | undefined): Item {
    const target = this.#targets.get(alias) ?? this.#anchors.get(alias.source);
    if (target === undefined) this.#fail(`there is no anchor &${alias.source} before this alias`, alias);
    this.#targets.set(alias, target);
    if (this.#open.has(target)) this.#fail(`*${alias.source} is a part of itself`, alias);
    this.#open.add(target);
    const item = this.#read(target, depth, key);
    this.#open.delete(target);
    return { ...item, isShared: true, hasShared: true };
  }

  #readTagged(node: Node, depth: number): Item {
    const { tag } = node as { readonly tag?: string };
    const name = tag === undefined || tag.startsWith(coreTag) || tag === "!" ? undefined : findFunction(tag);
    if (name === null) this.#fail(`unknown tag ${tag}`, node);
    const item = this.#readContent(node, depth + (name === undefined ? 0 : 1));
    return name === undefined ? item : { ...item, value: { [name]: item.value }, members: new Map([[name, item]]) };
  }

  #readContent(node: Node, depth: number): Item {
    const own = { node, isShared: false, hasShared: false };
    if (isScalar(node)) return { ...own, value: this.#resolve(node), members: new Map() };
    if (depth >= deepest) this.#fail(tooDeep, node);
    const { tag } = node as { readonly tag?: string };
    if (tag?.startsWith(coreTag) && tag !== coreTag + (isMap(node) ? "map" : "seq")) {
      this.#fail(`unknown tag !!${tag.slice(coreTag.length)}`, node);
    }
    const members = isMap(node) ? this.#readMap(node, depth) : this.#readList(node, depth);
    const items = [...members];
    const value: unknown = isMap(node)
      ? Object.fromEntries(items.map(([name, member]) => [name, member.value]))
      : items.map(([, member]) => member.value);
    return { ...own, value, members, hasShared: items.some(([, { hasShared }]) => hasShared) };
  }

  #resolve(node: Scalar): unknown {
    const { tag, type, value } = node;
    const text = typeof value === "string" ? value : "";
    if (tag === undefined || !tag.startsWith(coreTag))
      return type === "PLAIN" && tag !== "!" ? resolvePlain(text) : text;
    const wanted = tag.slice(coreTag.length);
    if (wanted === "str") return text;
    const resolved = resolvePlain(text);
    const types: Readonly<Record<string, string>> = { int: "number", float: "number", bool: "boolean", null: "object" };
    if (types[wanted] === undefined) this.#fail(`unknown tag !!${wanted}`, node);
    if (typeof resolved !== types[wanted]) this.#fail(`${JSON.stringify(text)} is no !!${wanted}`, node);
    return resolved;
  }

  #readList(node: Node, depth: number): ReadonlyMap<string | number, Item> {
    const nodes = isSeq(node) ? (node.items as Node[]) : [];
    return new Map(nodes.map((each, index) => [index, this.#read(each, depth + 1)]));
  }

  #readMap(map: YAMLMap, depth: number): ReadonlyMap<string | number, Item> {
    const members = new Map<string | number, Item>();
    const merged: Item[] = [];
    for (const { key, value } of map.items as Pair<Node, Node | null>[]) {
      const name = this.#readName(key);
      if (members.has(name)) this.#fail(`duplicate key ${JSON.stringify(name)}`, key);
      // A name without a value, in braces, has no node of its own.
      const item = this.#read(value ?? key, depth + 1, key as Scalar);
      if (name === "<<" && (key as Scalar).type === "PLAIN") merged.push(...this.#listMerged(item));
      else members.set(name, value === null ? { ...item, value: null } : item);
    }
    // The first one wins.
    for (const item of merged) {
      for (const [name, member] of item.members) {
        if (!members.has(name)) members.set(name, { ...member, isShared: true, hasShared: true });
      }
    }
    return members;
  }

  #readName(key: Node): string {
    const { tag, anchor } = key as Scalar;
    const name = isScalar(key) && typeof key.value === "string" ? key.value : "";
    const isText = isScalar(key) && tag === undefined && anchor === undefined && (name !== "" || key.type !== "PLAIN");
    if (!isText) this.#fail("a key must be a text, without tag and anchor", key);
    return name;
  }

  #listMerged(item: Item): readonly Item[] {
    const items = isSeq(item.node) ? [...item.members.values()] : [item];
    for (const { node } of items) if (!isMap(node)) this.#fail("<< needs a mapping, or a list of mappings", node);
    return items;
  }

  #fail(message: string, { range }: Node): never {
    throw new SourceError(message, this.#placeAt(range?.[0] ?? 0));
  }
}

/** Those that a template may have, in the short form: `!Sub` is `Fn::Sub`. */
const functions: ReadonlySet<string> = new Set([
  ...["And", "Base64", "Cidr", "Contains", "EachMemberEquals", "EachMemberIn", "Equals", "FindInMap", "ForEach"],
  ...["GetAtt", "GetAZs", "GetStackOutput", "If", "ImportValue", "Join", "Length", "Not", "Or", "RefAll", "Select"],
  ...["Split", "Sub", "ToJsonString", "Transform", "ValueOf", "ValueOfAll"],
]);

/** Returns the name of the long form; null if there is no such function. */
function findFunction(tag: string): string | null {
  const name = tag.slice(1);
  if (name === "Ref" || name === "Condition") return name;
  return functions.has(name) ? `Fn::${name}` : null;
}
