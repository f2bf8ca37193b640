// Finds problems in a policy, with their places and fixes: `fob policy lint`.

import { formatCount } from "../../text.ts";
import { type ParsedDocument, parseDocument } from "../engine/document.ts";
import type { Problem, ProblemKind } from "../engine/grammar.ts";
import type { JsonText } from "../engine/json.ts";
import { checkEnforcement, checkRolePolicy, isMfaKey, type Kind, withoutAbsent } from "./mfa.ts";
import { renameKey, setValue } from "./patch.ts";
import { type Finding, Report } from "./report.ts";
import {
  checkFields,
  checkOwnResources,
  checkPartitions,
  checkTypes,
  isNarrow,
  isWidenedByResources,
} from "./resources.ts";
import { checkSpelling } from "./spelling.ts";
import type { Unknown } from "./unknown.ts";

export type { Kind } from "./mfa.ts";
export type { Finding } from "./report.ts";
export type { Unknown } from "./unknown.ts";

export interface LintOptions {
  /** Checks it as a policy of this kind, whatever it looks like. */
  readonly as?: Kind | undefined;
  /** The partition of the account that uses the policy. */
  readonly partition?: string | undefined;
  /** What in the document is known only after deployment. */
  readonly unknown?: readonly Unknown[];
}

/** Returns the findings, sorted by place. */
export function lint(json: JsonText, options: LintOptions = {}): Finding[] {
  const report = new Report(json.value, options.unknown);
  const document = parseDocument(json.value);
  const mfaTests = findMfaTests(document);
  for (const problem of document.problems) addProblem(correct(problem, mfaTests), report);
  for (const statement of document.statements) {
    checkSpelling(statement, report);
    checkFields(statement, report);
    checkTypes(statement, report);
    checkOwnResources(statement, document, report);
  }
  checkPartitions(document, options.partition, report);
  const { as } = options;
  let isForUsers = false;
  if (as === "role") checkRolePolicy(document, report);
  else isForUsers = checkEnforcement(document, as, report) && as !== "scp";
  if (document.statements.length > 0) checkVersion(json.value, document, report);
  checkSize(JSON.stringify(json.value ?? null).length, isForUsers ? "users" : as, report);
  return report.findings(json);
}

/** A condition on MFA that a problem may be about. */
interface MfaTest {
  readonly isAllow: boolean;
  readonly isBool: boolean;
}

/** Finds conditions on MFA by their place, and by that of their operator. */
function findMfaTests({ statements }: ParsedDocument): ReadonlyMap<string, MfaTest> {
  const tests = statements.flatMap(({ effect, conditions }) =>
    conditions
      .filter(({ key }) => isMfaKey(key))
      .flatMap(({ path, operator }) => {
        const found = { isAllow: effect === "Allow", isBool: operator?.kind === "bool" };
        return [path, path.slice(0, -1)].map((each) => [JSON.stringify(each), found] as const);
      }),
  );
  return new Map(tests);
}

/** Suggests operators and values of conditions on MFA that do not let requests without MFA through. */
function correct(problem: Problem, tests: ReadonlyMap<string, MfaTest>): Problem {
  const { kind, path, meant } = problem;
  if (kind === "unknown-operator") {
    // An absent key meets conditions with IfExists and ForAllValues: an Allow would then allow access keys.
    const isAllow = tests.get(JSON.stringify(path))?.isAllow ?? false;
    return isAllow && meant !== undefined ? { ...problem, meant: withoutAbsent(meant) } : problem;
  }
  if (kind !== "wrong-value") return problem;
  const test = [path, path.slice(0, -1)].flatMap((each) => tests.get(JSON.stringify(each)) ?? [])[0];
  return test?.isBool ? { ...problem, fix: `write ${test.isAllow ? '"true"' : '"false"'}` } : problem;
}

function addProblem({ kind, path, where, message, meant, fix }: Problem, report: Report): void {
  const instead = meant === undefined ? fix : `write ${JSON.stringify(meant)}`;
  const isName = kind === "unknown-operator" || kind === "unknown-element";
  // A correct "Allow" starts to allow what the statement says.
  const patch =
    meant === undefined || meant === "Allow" ? undefined : isName ? renameKey(path, meant) : setValue(path, meant);
  report.add(kind, path, where === "" ? message : `${where}: ${message}`, instead ?? fixes[kind], patch);
}

const fixes: Readonly<Record<ProblemKind, string>> = {
  malformed: "see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html",
  "unknown-element": "remove it",
  "unknown-operator":
    "see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html",
  "wrong-value": "change the value, or use an operator for this type of value",
};

/**
 * "If you do not include a Version element, the value defaults to 2008-10-17, but newer features, such as policy
 * variables, will not work with your policy": https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
 */
function checkVersion(value: unknown, { version, statements }: ParsedDocument, report: Report): void {
  if (version !== undefined && version !== "2008-10-17") return;
  // Variables could match anything in a statement that is not limited to the user's own resources.
  const isSafe = statements.every(
    (statement) =>
      (!isWidenedByResources(statement) ||
        statement.resources.every(({ text }) => !text.includes("${") || isNarrow(text))) &&
      statement.conditions.every(({ values }) => values.every(({ text }) => !text.includes("${"))),
  );
  const path = version === undefined ? [] : ["Version"];
  const has = version === undefined ? "has no Version" : `has version ${JSON.stringify(version)}`;
  const fix = version === undefined ? 'add "Version": "2012-10-17"' : 'write "2012-10-17"';
  const patch = setValue(["Version"], "2012-10-17");
  if (/\$\{[^{}]+\}/.test(JSON.stringify(value))) {
    const message = `the policy ${has}, so its variables are plain text`;
    report.add("variables-without-version", path, message, fix, isSafe ? patch : undefined);
  } else {
    report.add("old-version", path, `the policy ${has}, so variables and newer features do not work`, fix, patch);
  }
}

/**
 * "IAM doesn't count white space when calculating the size of a policy against these limits":
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
 */
const limits = { managed: 6_144, user: 2_048, group: 5_120, role: 10_240 };

const divide = "split it into several policies, or shorten it";

function checkSize(size: number, whose: "users" | Kind | undefined, report: Report): void {
  const has = `the policy has ${formatCount(size)} characters without white space`;
  const most = whose === "users" ? limits.managed : limits.role;
  if (size > most) {
    const what = whose === "users" ? "a policy for users or groups may have at most" : "AWS allows at most";
    report.add("too-large", [], `${has}: ${what} ${formatCount(most)}`, divide);
  } else if (size > limits.managed && whose !== "scp") {
    const message = `${has}: a managed policy may have at most ${formatCount(limits.managed)}, so only an inline policy of a role is possible`;
    report.add("too-large-for-managed", [], message, divide);
  } else if (size > limits.user && whose !== "role" && whose !== "scp") {
    const group = size > limits.group ? ` or of a group (${formatCount(limits.group)} in total)` : "";
    const message = `${has}: too many for an inline policy of a user (${formatCount(limits.user)} in total)${group}`;
    report.add("too-large-for-inline", [], message, "make it a managed policy");
  }
}
