// Fixes everything in the policies of a file that can be fixed safely: `fob policy lint --fix`.
import type { JsonSource } from "./engine/json.ts";
import { toDocumentAsGiven } from "./input/as-given.ts";
import { PatchError, patchText } from "./input/edit.ts";
import { extractPolicy, type FoundPolicy, readExtracted, replacePolicies } from "./input/find.ts";
import { type Finding, type LintOptions, lint } from "./lint/lint.ts";
import type { Patch } from "./lint/patch.ts";

export interface FixedFile {
  readonly content: string;
  /** How many findings were fixed. */
  readonly count: number;
}

/**
 * Applies the patches of all findings, one after the other, until no finding has one. Outside of the policies the file
 * stays as it is.
 *
 * @param optionsFor how to lint a policy
 */
export function fixPolicies(
  file: JsonSource,
  policies: readonly FoundPolicy[],
  optionsFor: (policy: FoundPolicy) => LintOptions,
): FixedFile {
  const texts = new Map<FoundPolicy, string>();
  let total = 0;
  for (const policy of policies.filter(({ json }) => json.value !== undefined)) {
    const { text, count } = fixPolicy(extractPolicy(file, policy), policy, optionsFor(policy));
    if (count > 0) texts.set(policy, text);
    total += count;
  }
  return { content: replacePolicies(file, texts), count: total };
}

/** Fixes of a policy come to an end long before; two that undo each other would not. */
const most = 1_000;

function fixPolicy(given: string, policy: FoundPolicy, options: LintOptions): { text: string; count: number } {
  let text = given;
  let count = 0;
  while (count < most) {
    const { json, unknown, functions } = readExtracted(text, policy);
    const patches = lint(json, { ...options, unknown }).flatMap((finding) => choosePatch(finding, policy, functions));
    const after = findFirst(patches, (patch) => applyIfSafe(text, patch, policy, functions));
    if (after === undefined) break;
    text = after;
    count += 1;
  }
  return { text, count };
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
  text: string,
  patch: Patch,
  policy: FoundPolicy,
  functions: readonly string[],
): string | undefined {
  const after = applyIfPossible(text, patch);
  if (after === undefined) return undefined;
  const left = readExtracted(after, policy).functions;
  const isSame = left.length === functions.length && left.every((each, index) => each === functions[index]);
  return isSame && after !== text ? after : undefined;
}

function applyIfPossible(text: string, patch: Patch): string | undefined {
  try {
    return patchText(text, patch);
  } catch (error) {
    if (error instanceof PatchError) return undefined;
    throw error;
  }
}
