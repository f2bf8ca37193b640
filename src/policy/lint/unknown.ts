// What a template or a plan does not say yet: lint must neither guess it nor report its consequences.
import type { Content } from "../engine/grammar.ts";
import type { Path } from "../engine/json.ts";
import type { RuleId } from "./rules.ts";

/** A value that is known only after deployment. */
export interface Unknown {
  readonly path: Path;
  readonly message: string;
  readonly fix: string;
  /** Whether nothing of the value is known. */
  readonly isAll: boolean;
}

/** Rules about a single text: whatever the rest of the statement is, they hold. */
const rulesOfTexts: ReadonlySet<RuleId> = new Set<RuleId>([
  ...(["malformed", "unknown-element", "unknown-operator", "wrong-value"] as const),
  ...(["misspelled-action", "unknown-action", "wildcard-matches-nothing"] as const),
  ...(["misspelled-condition-key", "unknown-condition-key", "unknown-partition", "wrong-partition"] as const),
  ...(["wrong-iam-arn", "left-over-escape", "left-over-template"] as const),
]);

/** Whether something that was found depends on a value that is not known. */
export function dependsOn({ path, isAll }: Unknown, found: { readonly rule: RuleId; readonly path: Path }): boolean {
  // It says that no such statement is known, which is so.
  if (found.rule === "no-enforcement") return false;
  if (isWithin(found.path, path)) return true;
  const [statements, index] = path;
  const statement = typeof index === "number" ? [statements, index] : [statements];
  return isAll && !rulesOfTexts.has(found.rule) && isWithin(found.path, statement);
}

/**
 * Whether fob can judge nothing because of it: a policy, a statement, or a Deny whose actions, conditions or, if it tests
 * MFA, resources are not known. Of other statements, the rest can be checked.
 */
export function leavesUnjudged({ path, isAll }: Unknown, root: unknown): boolean {
  const [, index] = path;
  const isList = typeof index === "number";
  const element = path[isList ? 2 : 1];
  if (element === undefined || element === "Effect") return true;
  const { Statement: statements } = root as { readonly Statement?: unknown };
  const statement = (isList ? (statements as readonly unknown[])[index] : statements) as Content;
  if (!/^deny$/i.test(String(statement.Effect))) return false;
  if (/Resource$/.test(String(element))) return /MultiFactorAuth/i.test(JSON.stringify(statement.Condition ?? null));
  return isAll;
}

const isWithin = (path: Path, above: readonly unknown[]): boolean => above.every((step, index) => path[index] === step);
