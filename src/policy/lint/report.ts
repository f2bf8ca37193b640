// What the rules find.
import type { Finding as GeneralFinding, Region } from "../../findings.ts";
import type { JsonText, Path, Place } from "../engine/json.ts";
import type { Patch } from "./patch.ts";
import { findLevel, type RuleId } from "./rules.ts";
import { dependsOn, leavesUnjudged, type Unknown } from "./unknown.ts";

export interface Finding extends Omit<GeneralFinding, keyof Region>, Region {
  readonly rule: RuleId;
  /** The fix as a JSON Patch of the document, if it can be applied without a decision. */
  readonly patch?: Patch;
  readonly path: Path;
  readonly also?: readonly Where[];
}

export interface Where extends Region {
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
  readonly #found: Found[] = [];
  /** The document. */
  readonly root: unknown;
  readonly #unknown: readonly Unknown[];

  /** @param unknown what in the document is not known: nothing is found that depends on it */
  constructor(root: unknown, unknown: readonly Unknown[] = []) {
    this.root = root;
    this.#unknown = unknown;
  }

  add(rule: RuleId, path: Path, message: string, ...[fix, patch]: Fix): void {
    this.#found.push({ rule, path, message, fix, ...(patch === undefined ? {} : { patch }) });
  }

  /** Whether a value in the document is not known. */
  get hasUnknown(): boolean {
    return this.#unknown.length > 0;
  }

  /** Whether something was found that a rule among these is about. */
  has(isAbout: (rule: RuleId) => boolean): boolean {
    return this.#found.some(({ rule }) => isAbout(rule));
  }

  /** Returns all findings, sorted by place. What has the same problem and the same fix is one finding. */
  findings(json: JsonText): Finding[] {
    const templates = new Set(
      this.#found.filter(({ rule }) => rule === "left-over-template").map(({ path }) => JSON.stringify(path)),
    );
    const groups = new Map<string, Located[]>();
    const known = this.#found.filter((found) => !this.#unknown.some((unknown) => dependsOn(unknown, found)));
    const unknown = this.#unknown.map((each): Found => {
      const rule = leavesUnjudged(each, this.root) ? "not-checked" : "unknown-value";
      return { rule, path: each.path, message: each.message, fix: each.fix };
    });
    for (const found of [...known, ...unknown]) {
      const { rule, path, message, fix } = found;
      if (causedByTemplates.has(rule) && templates.has(JSON.stringify(path))) continue;
      const key = JSON.stringify([rule, message, fix]);
      const located = { ...found, ...json.placeOf(path) };
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [located]);
      else group.push(located);
    }
    return [...groups.values()].flatMap(merge).sort(byPlace);
  }
}

type Found = Pick<Finding, "rule" | "message" | "fix" | "patch" | "path">;
type Located = Found & Region;

const byPlace = (a: Place, b: Place): number => a.line - b.line || a.column - b.column;

function merge(group: readonly Located[]): Finding[] {
  const [first, ...more] = [...group].sort(byPlace);
  if (first === undefined) return [];
  const { rule, message, fix } = first;
  const patch = mergePatches([first, ...more]);
  const also = more.map(pickPlace);
  return [
    {
      ...{ rule, level: findLevel(rule), message, fix },
      ...(patch === undefined ? {} : { patch }),
      ...pickPlace(first),
      ...(also.length === 0 ? {} : { also }),
    },
  ];
}

const pickPlace = ({ line, column, endColumn, path }: Located): Where => ({ line, column, endColumn, path });

/** Joins patches of several lists. Of the same text twice in one list, it changes the first. */
function mergePatches(group: readonly Located[]): Patch | undefined {
  const byList = new Map(group.map((each) => [JSON.stringify(each.path.slice(0, -1)), each] as const).reverse());
  const patches = [...byList.values()].map(({ patch }) => patch);
  return patches.includes(undefined) ? undefined : patches.flatMap((patch) => patch ?? []);
}
