// Reads JSON and records the line and column of each value, for messages.
import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";
import type { Region } from "../../findings.ts";

/** The keys and indices that lead to a value: `["Statement", 0, "Effect"]`. */
export type Path = readonly (string | number)[];

/** Both count from 1; columns count UTF-16 units. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** The text is not valid JSON or YAML; the message says why. */
export class SourceError extends Error {
  override readonly name = "SourceError";
  readonly place: Place;

  constructor(message: string, place: Place) {
    super(message);
    this.place = place;
  }
}

export interface JsonText {
  readonly value: unknown;
  /**
   * Returns where a value is: of an object's member its name, of an element of a list its text or its first bracket. If
   * the path does not exist, returns the nearest parent.
   */
  readonly placeOf: (path: Path) => Region;
}

/** A whole text. */
export interface JsonSource extends JsonText {
  /** Without the byte order mark. */
  readonly content: string;
  /** Returns the offsets in the content where a value starts and ends; undefined if the path does not exist. */
  readonly spanOf: (path: Path) => readonly [start: number, end: number] | undefined;
}

/** Policies need six levels. Deeper text is rejected before recursive code reads it. */
export const deepest = 64;

/**
 * Reads JSON text, and rejects duplicate names in an object: "Individual elements must not contain multiple instances of
 * the same key", https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 *
 * @throws SourceError
 */
export function readJson(text: string): JsonSource {
  // Editors on Windows add a byte order mark.
  const content = text.replace(/^\ufeff/, "");
  if (content.trim() === "") throw new SourceError("the file is empty", { line: 1, column: 1 });
  rejectDepth(content);
  const errors: ParseError[] = [];
  const tree = parseTree(content, errors, { disallowComments: true });
  const [error] = errors;
  if (error) throw new SourceError(describeError(error), findPlace(content, error.offset));
  if (tree === undefined) throw new SourceError("value expected", { line: 1, column: 1 });
  rejectDuplicateNames(content, tree);
  const placeAtOffset = indexLines(content);
  return {
    content,
    value: parseStrictly(content),
    spanOf(path) {
      const node = findNodeAtLocation(tree, [...path]);
      return node && [node.offset, node.offset + node.length];
    },
    placeOf(path) {
      let node = tree;
      for (const step of path) {
        const child = findNodeAtLocation(node, [step]);
        if (child === undefined) break;
        node = child;
      }
      const [start, end] = findSpan(node);
      const place = placeAtOffset(start);
      return { ...place, endColumn: place.column + end - start };
    },
  };
}

/** Returns the offsets of what stands for a value in one line. */
function findSpan(node: Node): readonly [start: number, end: number] {
  const { parent, offset, length, type } = node;
  const name = parent?.type === "property" ? parent.children?.[0] : undefined;
  if (name !== undefined) return [name.offset, name.offset + name.length];
  return [offset, offset + (type === "object" || type === "array" ? 1 : length)];
}

/** Returns a function that finds places in a text; it counts the lines only once. */
export function indexLines(content: string): (offset: number) => Place {
  const starts = [0];
  for (let at = content.indexOf("\n"); at !== -1; at = content.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    let [line, after] = [0, starts.length];
    while (after - line > 1) {
      const middle = (line + after) >> 1;
      if ((starts[middle] ?? 0) <= offset) line = middle;
      else after = middle;
    }
    return { line: line + 1, column: offset - (starts[line] ?? 0) + 1 };
  };
}

function parseStrictly(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch (error) {
    // The other parser accepts a little more. Node.js gives the position only in the message, whose text depends on its version.
    const { message } = error as Error;
    throw new SourceError(
      lowerFirstLetter(message),
      findPlace(content, Number(/position (\d+)/.exec(message)?.[1] ?? 0)),
    );
  }
}

/** Turns `CommaExpected` into "comma expected". */
function describeError({ error }: ParseError): string {
  return printParseErrorCode(error)
    .replace(/\B[A-Z]/g, (letter) => ` ${letter}`)
    .toLowerCase();
}

export const lowerFirstLetter = (message: string): string => message.charAt(0).toLowerCase() + message.slice(1);

/** Reads character by character: a regular expression overflows on strings of megabytes, which files of cases may have. */
function rejectDepth(content: string): void {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < content.length; at++) {
    const character = content[at];
    if (isInString && character === "\\") at += 1;
    else if (character === '"') isInString = !isInString;
    else if (isInString) continue;
    else if (character === "[" || character === "{") depth += 1;
    else if (character === "]" || character === "}") depth -= 1;
    if (depth > deepest) throw new SourceError(`nested deeper than ${deepest} levels`, findPlace(content, at));
  }
}

function rejectDuplicateNames(content: string, node: Node): void {
  const names = new Set<unknown>();
  for (const child of node.children ?? []) {
    rejectDuplicateNames(content, child);
    if (node.type !== "object") continue;
    const name: unknown = child.children?.[0]?.value;
    if (names.has(name)) {
      throw new SourceError(`duplicate key ${JSON.stringify(name)}`, findPlace(content, child.offset));
    }
    names.add(name);
  }
}

function findPlace(content: string, offset: number): Place {
  return indexLines(content)(offset);
}
