// What the rules find.
import type { JsonText, Path } from "../engine/json.ts";
import { findLevel, type Level, type RuleId } from "./rules.ts";

export interface Finding {
  readonly rule: RuleId;
  readonly level: Level;
  /** What is wrong, and the consequence. */
  readonly message: string;
  /** How to fix it. */
  readonly fix: string;
  readonly line: number;
  readonly column: number;
  readonly path: Path;
}

export class Report {
  readonly #found: Pick<Finding, "rule" | "message" | "fix" | "path">[] = [];

  add(rule: RuleId, path: Path, message: string, fix: string): void {
    this.#found.push({ rule, path, message, fix });
  }

  /** Returns all findings, sorted by place. */
  findings(json: JsonText): Finding[] {
    return this.#found
      .map(({ rule, message, fix, path }) => ({
        rule,
        level: findLevel(rule),
        message,
        fix,
        ...json.placeOf(path),
        path,
      }))
      .sort((a, b) => a.line - b.line || a.column - b.column);
  }
}
