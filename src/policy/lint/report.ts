// What the rules find.
import type { JsonText, Path } from "../engine/json.ts";
import { type Level, levelOf, type RuleId } from "./rules.ts";

export interface Finding {
  readonly rule: RuleId;
  readonly level: Level;
  /** What is wrong, and what comes of it. */
  readonly message: string;
  /** What to write instead. */
  readonly mend: string;
  readonly line: number;
  readonly column: number;
  readonly path: Path;
}

export class Report {
  readonly #found: Pick<Finding, "rule" | "message" | "mend" | "path">[] = [];

  add(rule: RuleId, path: Path, message: string, mend: string): void {
    this.#found.push({ rule, path, message, mend });
  }

  /** All of them, by place. */
  findings(json: JsonText): Finding[] {
    return this.#found
      .map(({ rule, message, mend, path }) => ({
        rule,
        level: levelOf(rule),
        message,
        mend,
        ...json.placeOf(path),
        path,
      }))
      .sort((a, b) => a.line - b.line || a.column - b.column);
  }
}
