// YAML files, as `fob policy lint` and `fob policy simulate` read and change them. Loaded only for a file in YAML.
import { isDeepStrictEqual } from "node:util";
import { isScalar, type Scalar } from "yaml";
import { type Path, readJson, SourceError } from "../engine/json.ts";
import { findEol } from "./edit-json.ts";
import { endOf, isFlow, patchYaml } from "./edit-yaml.ts";
import { type Item, readYamlDocuments } from "./read-yaml.ts";
import { json, type Language, type Part, type Source } from "./source.ts";

/**
 * Reads the documents of a file.
 *
 * @throws SourceError
 */
export function readYamlSources(text: string): readonly Source[] {
  return readYamlDocuments(text).map(({ number, root, content, placeOf }) => ({
    ...{ number, value: root.value, content, placeOf },
    partAt: (path) => cutPart(content, root, path),
    stringAt: (path) => cutString(content, root, path),
  }));
}

const yaml: Language = { read: readDocument, patch: patchYaml };

function readDocument(text: string) {
  const [document] = readYamlDocuments(text);
  if (document === undefined) throw new SourceError("the document is empty", { line: 1, column: 1 });
  return { value: document.root.value, placeOf: document.placeOf };
}

/** Finds a value that is in no other place, and is not the result of a function. */
function findOwn(root: Item, path: Path): Item | undefined {
  let item: Item | undefined = root;
  for (const step of path) {
    if (item === undefined || item.isShared) return undefined;
    item = item.members.get(step);
  }
  return item === undefined || item.hasShared || (item.node as Scalar).tag !== undefined ? undefined : item;
}

function cutPart(content: string, root: Item, path: Path): Part | undefined {
  const item = findOwn(root, path);
  if (item === undefined) return undefined;
  const [start = 0] = item.node.range ?? [];
  const end = isFlow(item.node) ? endOf(item) : endOfLine(content, endOf(item));
  const text = content.slice(start, end);
  if (isFlow(item.node) && isJsonOf(text, item.value)) {
    return { span: [start, end], text, language: json, write: (changed) => changed };
  }
  // The first line has the indentation of the others.
  const pad = " ".repeat(start - (content.lastIndexOf("\n", start - 1) + 1));
  return { span: [start, end], text: pad + text, language: yaml, write: (changed) => changed.slice(pad.length) };
}

/** The end of the line with the end of a value, which may have a comment. */
function endOfLine(content: string, end: number): number {
  const at = content.indexOf("\n", content[end - 1] === "\n" ? end - 1 : end);
  const last = at === -1 ? content.length : at;
  return content[last - 1] === "\r" ? last - 1 : last;
}

function isJsonOf(text: string, value: unknown): boolean {
  try {
    return isDeepStrictEqual(readJson(text).value, value);
  } catch (error) {
    if (error instanceof SourceError) return false;
    throw error;
  }
}

function cutString(content: string, root: Item, path: Path): Part | undefined {
  const item = findOwn(root, path);
  if (item === undefined || !isScalar(item.node) || typeof item.value !== "string") return undefined;
  const { node, value } = item;
  const [start = 0, end = 0] = node.range ?? [];
  const before = content.slice(start, end);
  // The first line shows the indentation.
  if (node.type === "BLOCK_LITERAL" && !/^\|[+-]?[ \t]*(#.*)?\r?\n +\S/.test(before)) return undefined;
  return {
    ...{ span: [start, end], text: value, language: json },
    write: (changed) => formatText(changed, node, before),
  };
}

/** Formats a text that may have several lines, in the way in which the one before is written. */
function formatText(text: string, { type }: Scalar, before: string): string {
  const eol = findEol(before);
  if (type === "BLOCK_LITERAL") {
    const [header = "", first = ""] = before.split(/\r?\n/);
    const pad = /^ */.exec(first)?.[0] ?? "";
    const lines = text.replace(/\n$/, "").split("\n");
    return (
      [header, ...lines.map((line) => (line === "" ? "" : pad + line))].join(eol) + (/\n$/.test(before) ? eol : "")
    );
  }
  const isSingle = type === "QUOTE_SINGLE" && !text.includes("\n");
  const quoted = isSingle ? `'${text.replaceAll("'", "''")}'` : JSON.stringify(text);
  return quoted + (/\n$/.test(before) ? eol : "");
}
