// Fixes the policies in files, for `fob policy lint --fix`.
import { isDeepStrictEqual } from "node:util";
import { UsageError } from "../../../errors.ts";
import { rewriteFile } from "../../../files/replace.ts";
import { fixPolicies } from "../../../policy/fix.ts";
import type { FoundPolicy } from "../../../policy/input/find.ts";
import type { LintOptions } from "../../../policy/lint/lint.ts";
import { quote } from "../../../text.ts";
import { formatCommand } from "../../../typed-command.ts";
import type { Context } from "../../context.ts";
import { type PolicyFile, parsePolicyFile } from "./files.ts";
import { leaveOutAws } from "./folders.ts";

/**
 * Fixes files, and writes them in place or prints the only one.
 *
 * @returns the files as they are then
 * @throws UsageError if there are several to print or if stdin is to be written, FobError if a file cannot be written
 */
export async function fixFiles(
  files: readonly PolicyFile[],
  options: LintOptions,
  write: boolean,
  context: Context,
): Promise<readonly PolicyFile[]> {
  if (write && files.some(({ source }) => source.path === "-")) {
    throw new UsageError("stdin cannot be written in place", "leave out --write; fob prints the fixed policy then");
  }
  if (!write && files.length > 1) {
    throw new UsageError(
      `--fix prints one file, but there are ${files.length}`,
      `to write them in place: ${formatCommand(context.typed, { set: { write: true } })}`,
    );
  }
  const all: PolicyFile[] = [];
  for (const file of files) {
    const fixed = await fixFile(file, options);
    if (!write) context.stdout.write(fixed.source.text);
    else if (fixed.count > 0) rewrite(file, fixed);
    const count = `${fixed.count} finding${fixed.count === 1 ? "" : "s"}`;
    if (fixed.count > 0) context.say.note(`${quote(file.source.path)}: fixed ${count}`);
    all.push(fixed);
  }
  return all;
}

async function fixFile(file: PolicyFile, options: LintOptions): Promise<PolicyFile & { readonly count: number }> {
  const [bom, given] = splitBom(file.source.text);
  const { content, count, values } = fixPolicies(given, file.policies, (policy) => optionsFor(policy, options));
  const fixed = leaveOutAws(await parsePolicyFile({ ...file.source, text: bom + content }));
  const found = fixed.policies.map(({ json }) => json.value);
  if (!isDeepStrictEqual(found, values))
    throw new Error(`the fixed ${quote(file.source.path)} would not have the fixed policies`);
  return { ...fixed, count };
}

/** Splits off the byte order mark. */
const splitBom = (text: string): readonly [bom: string, content: string] =>
  text.startsWith("\ufeff") ? ["\ufeff", text.slice(1)] : ["", text];

function rewrite({ source }: PolicyFile, fixed: PolicyFile): void {
  const { path, text, encoding } = source;
  rewriteFile(path, Buffer.from(text, encoding), Buffer.from(fixed.source.text, encoding));
}

/** Of a policy: its kind follows from where it was found, unless --as says so. */
export const optionsFor = ({ kind, unknown }: FoundPolicy, { as, partition }: LintOptions): LintOptions => ({
  as: as ?? kind,
  partition,
  unknown,
});
