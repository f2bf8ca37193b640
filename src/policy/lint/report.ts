// What the rules find.
import type { JsonText, Path } from "../json.ts";
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

/** Of one rule; nobody reads more, and a large file can hold millions. */
const most = 1_000;

export class Report {
  readonly #found = new Map<RuleId, Pick<Finding, "rule" | "message" | "mend" | "path">[]>();
  #omitted = 0;

  add(rule: RuleId, path: Path, message: string, mend: string): void {
    const found = this.#found.get(rule) ?? [];
    this.#found.set(rule, found);
    if (found.length < most) found.push({ rule, path, message, mend });
    else this.#omitted += 1;
  }

  /** How many findings were too many. */
  get omitted(): number {
    return this.#omitted;
  }

  /** All of them, by place. */
  findings(json: JsonText): Finding[] {
    return [...this.#found.values()]
      .flat()
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
