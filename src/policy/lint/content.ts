// A policy as the rules look at it: its texts with their paths. What the grammar has otherwise is left out here; the grammar
// itself (../document.ts) says so.
import { nearest } from "../../nearest.ts";
import { isObject } from "../engine/document.ts";
import type { Path } from "../engine/json.ts";
import { findOperator, listOperatorNames, type Operator } from "../engine/operators.ts";

/** A text, and where it stands. */
export interface Entry {
  readonly text: string;
  readonly path: Path;
}

export interface Test {
  /** The condition operator as it is written. */
  readonly name: string;
  /** What it means, or was probably meant to be. */
  readonly operator: Operator | undefined;
  /** The condition key. */
  readonly key: Entry;
  readonly values: readonly Entry[];
}

export interface Statement {
  readonly path: Path;
  readonly effect: unknown;
  /** Undefined where it has neither. */
  readonly actionElement: "Action" | "NotAction" | undefined;
  readonly actions: readonly Entry[];
  readonly resourceElement: "Resource" | "NotResource" | undefined;
  readonly resources: readonly Entry[];
  readonly tests: readonly Test[];
}

export interface Content {
  readonly version: unknown;
  readonly statements: readonly Statement[];
}

export function readContent(document: unknown): Content {
  if (!isObject(document)) return { version: undefined, statements: [] };
  const { Version: version, Statement: content } = document;
  const list: readonly unknown[] = Array.isArray(content) ? content : [content];
  const statements = list.flatMap((statement, index) => {
    if (!isObject(statement)) return [];
    return readStatement(statement, Array.isArray(content) ? ["Statement", index] : ["Statement"]);
  });
  return { version, statements };
}

function readStatement(statement: Readonly<Record<string, unknown>>, path: Path): Statement {
  const [actionElement] = (["Action", "NotAction"] as const).filter((element) => statement[element] !== undefined);
  const [resourceElement] = (["Resource", "NotResource"] as const).filter(
    (element) => statement[element] !== undefined,
  );
  const block = statement.Condition;
  const tests = Object.entries(isObject(block) ? block : {}).flatMap(([name, keys]) => {
    const operator = findOperator(name) ?? findOperator(nearest(name, listOperatorNames()) ?? "");
    return Object.entries(isObject(keys) ? keys : {}).map(([key, value]): Test => {
      const at = [...path, "Condition", name, key];
      return { name, operator, key: { text: key, path: at }, values: entriesOf(value, at) };
    });
  });
  return {
    path,
    effect: statement.Effect,
    actionElement,
    actions: actionElement === undefined ? [] : entriesOf(statement[actionElement], [...path, actionElement]),
    resourceElement,
    resources: resourceElement === undefined ? [] : entriesOf(statement[resourceElement], [...path, resourceElement]),
    tests,
  };
}

/** The texts of a value or of a list of them. */
function entriesOf(value: unknown, path: Path): Entry[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.flatMap((item, index) => {
    if (typeof item !== "string" && typeof item !== "boolean" && typeof item !== "number") return [];
    return { text: String(item), path: Array.isArray(value) ? [...path, index] : path };
  });
}
