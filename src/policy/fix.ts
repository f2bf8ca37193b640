// Fixes everything in the policies of a file that can be fixed safely: `fob policy lint --fix`.
import { toDocumentAsGiven } from "./input/as-given.ts";
import { PatchError } from "./input/edit-json.ts";
import { extractPolicy, type FoundPolicy, readExtracted } from "./input/find.ts";
import type { Part } from "./input/source.ts";
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
 * @param content of the file that has the policies
 * @param optionsFor how to lint a policy
 */
export function fixPolicies(
  content: string,
  policies: readonly FoundPolicy[],
  optionsFor: (policy: FoundPolicy) => LintOptions,
): FixedFile {
  const fixed = policies.flatMap((policy) => {
    const part = policy.json.value === undefined ? undefined : extractPolicy(policy);
    return part === undefined ? [] : [{ part, ...fixPolicy(part, policy, optionsFor(policy)) }];
  });
  return {
    content: replaceParts(
      content,
      fixed.filter(({ count }) => count > 0),
    ),
    count: fixed.reduce((total, { count }) => total + count, 0),
  };
}

/** Every byte outside of the parts stays as it is. */
function replaceParts(content: string, changes: readonly { readonly part: Part; readonly text: string }[]): string {
  // From the end, so that the places before stay the same.
  return [...changes]
    .sort((a, b) => b.part.span[0] - a.part.span[0])
    .reduce((before, { part, text }) => {
      const [start, end] = part.span;
      return before.slice(0, start) + part.write(text) + before.slice(end);
    }, content);
}

/** Fixes of a policy come to an end long before; two that undo each other would not. */
const most = 1_000;

function fixPolicy(given: Part, policy: FoundPolicy, options: LintOptions): { text: string; count: number } {
  let part: Pick<Part, "language" | "text"> = given;
  let count = 0;
  while (count < most) {
    const { json, unknown, functions } = readExtracted(part, policy);
    const patches = lint(json, { ...options, unknown }).flatMap((finding) => choosePatch(finding, policy, functions));
    const before = part;
    const after = findFirst(patches, (patch) => applyIfSafe(before, patch, policy, functions));
    if (after === undefined) break;
    part = { ...part, text: after };
    count += 1;
  }
  return { text: part.text, count };
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
