// What the rules find.
import type { JsonText, Path, Place } from "../engine/json.ts";
import type { Patch } from "./patch.ts";
import { findLevel, type Level, type RuleId } from "./rules.ts";

export interface Finding {
  readonly rule: RuleId;
  readonly level: Level;
  /** What is wrong, and the consequence. */
  readonly message: string;
  /** How to fix it. */
  readonly fix: string;
  /** The fix as a JSON Patch of the document, if it can be applied without a decision. */
  readonly patch?: Patch;
  readonly line: number;
  readonly column: number;
  readonly path: Path;
}

/** What to do, and the patch that does it. */
export type Fix = readonly [text: string, patch?: Patch | undefined];

/** What a placeholder in a text causes. */
const causedByTemplates: ReadonlySet<RuleId> = new Set<RuleId>([
  "malformed",
  "wrong-value",
  "unknown-partition",
  "wrong-iam-arn",
  "incomplete-arn",
]);

export class Report {
  readonly #found: Pick<Finding, "rule" | "message" | "fix" | "patch" | "path">[] = [];
  /** The document. */
  readonly root: unknown;

  constructor(root: unknown) {
    this.root = root;
  }

  add(rule: RuleId, path: Path, message: string, ...[fix, patch]: Fix): void {
    this.#found.push({ rule, path, message, fix, ...(patch === undefined ? {} : { patch }) });
  }

  /** Returns all findings, sorted by place. */
  findings(json: JsonText): Finding[] {
    const templates = new Set(
      this.#found.filter(({ rule }) => rule === "left-over-template").map(({ path }) => JSON.stringify(path)),
    );
    return this.#found
      .filter(({ rule, path }) => !causedByTemplates.has(rule) || !templates.has(JSON.stringify(path)))
      .map(({ rule, message, fix, patch, path }) => ({
        rule,
        level: findLevel(rule),
        message,
        fix,
        ...(patch === undefined ? {} : { patch }),
        ...(json.placeOf(path) satisfies Place),
        path,
      }))
      .sort((a, b) => a.line - b.line || a.column - b.column);
  }
}
