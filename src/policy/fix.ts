// Fixes everything in the policies of a file that can be fixed safely: `fob policy lint --fix`.
import { PatchError } from "./input/apply-patch.ts";
import { toDocumentAsGiven } from "./input/as-given.ts";
import { extractPolicy, type FoundPolicy, readExtracted } from "./input/find.ts";
import type { Part } from "./input/source.ts";
import { type Finding, type LintOptions, lint } from "./lint/lint.ts";
import type { Patch } from "./lint/patch.ts";

export interface FixedFile {
  readonly content: string;
  /** How many findings were fixed. */
  readonly count: number;
  /** The policies as they are then. */
  readonly values: readonly unknown[];
}

/**
 * Applies the patches of all findings, one after the other, until no finding has one. Outside of the policies the file
 * stays as it is.
 *
 * @param content of the file that has the policies
 * @param optionsFor how to lint a policy
 */
export function fixPolicies(
  content: string,
  policies: readonly FoundPolicy[],
  optionsFor: (policy: FoundPolicy) => LintOptions,
): FixedFile {
  const fixed = policies.map((policy) => fixPolicy(policy, optionsFor(policy)));
  return {
    content: replaceParts(content, fixed),
    count: fixed.reduce((total, { count }) => total + count, 0),
    values: fixed.map(({ value }) => value),
  };
}

interface FixedPolicy {
  /** What was fixed, and its text then. */
  readonly change?: readonly [part: Part, text: string];
  readonly count: number;
  readonly value: unknown;
}

/** Every byte outside of the parts stays as it is. */
function replaceParts(content: string, fixed: readonly FixedPolicy[]): string {
  // From the end, so that the places before stay the same.
  return fixed
    .flatMap(({ change }) => (change === undefined ? [] : [change]))
    .sort(([a], [b]) => b.span[0] - a.span[0])
    .reduce(
      (before, [{ span, write }, text]) => before.slice(0, span[0]) + write(text) + before.slice(span[1]),
      content,
    );
}

/**
 * How often a policy is fixed: each time, all of it is checked again. Fixes of policies that AWS accepts come to an end
 * long before; two that undo each other, and those of a hostile policy, would not.
 */
const countAtMost = ({ length }: string): number => Math.min(1_000, Math.max(10, Math.floor(1_000_000 / length)));

function fixPolicy(policy: FoundPolicy, options: LintOptions): FixedPolicy {
  let { value } = policy.json;
  let count = 0;
  const part = value === undefined ? undefined : extractPolicy(policy);
  if (part === undefined) return { count, value };
  const { language } = part;
  let { text } = part;
  const most = countAtMost(text);
  while (count < most) {
    const before = { language, text };
    const { json, unknown, functions } = readExtracted(before, policy);
    const patches = lint(json, { ...options, unknown }).flatMap((finding) => choosePatch(finding, policy, functions));
    const after = findFirst(patches, (patch) => applyIfSafe(before, patch, policy, functions));
    if (after === undefined) break;
    text = after;
    count += 1;
  }
  ({ value } = readExtracted({ language, text }, policy).json);
  return { count, value, ...(count > 0 ? { change: [part, text] } : {}) };
}

function findFirst<Item, Result>(items: readonly Item[], find: (item: Item) => Result | undefined): Result | undefined {
  for (const item of items) {
    const result = find(item);
    if (result !== undefined) return result;
  }
  return undefined;
}

/** Returns the patch for the text of a policy, if there is one. */
function choosePatch(finding: Finding, { form }: FoundPolicy, functions: readonly string[]): Patch[] {
  const { patch } = toDocumentAsGiven(finding, form);
  if (patch === undefined) return [];
  // What a function returns must not become a text of the policy.
  const values = JSON.stringify(patch.map((change) => ("value" in change ? change.value : null)));
  return functions.some((text) => values.includes(JSON.stringify(text).slice(1, -1))) ? [] : [patch];
}

/** Returns undefined if the patch is not possible, or would change or remove a function of a template. */
function applyIfSafe(
  { language, text }: Pick<Part, "language" | "text">,
  patch: Patch,
  policy: FoundPolicy,
  functions: readonly string[],
): string | undefined {
  const after = applyIfPossible({ language, text }, patch);
  if (after === undefined) return undefined;
  const left = readExtracted({ language, text: after }, policy).functions;
  const isSame = left.length === functions.length && left.every((each, index) => each === functions[index]);
  return isSame && after !== text ? after : undefined;
}

function applyIfPossible({ language, text }: Pick<Part, "language" | "text">, patch: Patch): string | undefined {
  try {
    return language.patch(text, patch);
  } catch (error) {
    if (error instanceof PatchError) return undefined;
    throw error;
  }
}
