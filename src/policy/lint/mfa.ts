// Finds out whether a policy enforces MFA, and what prevents it: checks statements that deny requests without MFA, or
// nearly do.
import { formatDuration } from "../../duration.ts";
import { guessAges, judgeAge } from "../age-limits.ts";
import { listExemptions, selfManagePolicy } from "../enforcement.ts";
import type { ParsedDocument, PolicyStatement } from "../engine/document.ts";
import { type ParsedRequest, parseRequest, RequestError, testCondition } from "../engine/evaluate.ts";
import type { Entry, ParsedCondition, ParsedStatement } from "../engine/grammar.ts";
import { findOperator } from "../engine/operators.ts";
import { holdsForEveryUser } from "../other-users.ts";
import {
  checkExempt,
  checkMissing,
  coversAction,
  findEnrolling,
  findNeeded,
  isListOfNeeded,
  isVirtual,
} from "./exemptions.ts";
import { guessKey, isEverything, isKnownKey } from "./known.ts";
import {
  addBeside,
  addStatements,
  changeConditions,
  changeStatement,
  copyStatement,
  type Patch,
  renameKey,
  replaceEntries,
  replaceText,
  setValue,
} from "./patch.ts";
import type { Fix, Report } from "./report.ts";
import { covers, someone } from "./resources.ts";
import { type AboutMfa, checkRole, checkServiceControl, leavesOutRoles, onlyUsers, onlyUsersText } from "./roles.ts";
import type { RuleId } from "./rules.ts";
import { joinList, quoteText } from "./words.ts";

const present = "aws:multifactorauthpresent";
const age = "aws:multifactorauthage";

/**
 * The callers that these keys distinguish: requests with an access key have neither key; requests in a session without
 * MFA, such as a console session, have the first key with the value false.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-multifactorauthpresent
 */
const callers = {
  key: makeCaller({}),
  session: makeCaller({ [present]: "false" }),
  withMfa: makeCaller({ [present]: "true", [age]: "1" }),
  withOldMfa: makeCaller({ [present]: "true", [age]: "4000000000" }),
};
type Caller = keyof typeof callers;

function makeCaller(context: Readonly<Record<string, string>>): ParsedRequest {
  return parseRequest({ action: "iam:GetUser", resource: "*", context }, {});
}

const recommended = '"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}';
const withoutMfa = { BoolIfExists: { "aws:MultiFactorAuthPresent": "false" } };

// Whether to exempt the password is a decision of its own.
const exempt = listExemptions({ passwordChange: false }).map(({ action }) => action);
const notAction = `write "NotAction": [${exempt.map(quoteText).join(", ")}]`;

/** A statement about MFA. */
interface MfaStatement {
  readonly statement: ParsedStatement;
  readonly onPresent: readonly ParsedCondition[];
  readonly onAge: readonly ParsedCondition[];
  readonly others: readonly ParsedCondition[];
  /** Whether requests that meet the condition on aws:MultiFactorAuthPresent, if any, can have an age. */
  readonly ageCounts: boolean;
  /** The callers that meet its conditions on MFA, without the condition on the age if that has no effect. */
  readonly holdsFor: ReadonlySet<Caller>;
  /** Whether it covers all actions, or all except some. */
  readonly hasAllActions: boolean;
  /** Whether it covers, or is meant to cover, everything except some actions. */
  readonly isWide: boolean;
}

function readMfaStatement(statement: ParsedStatement): MfaStatement {
  const about = (test: ParsedCondition, key: string): boolean => guessConditionKey(test) === key;
  const onPresent = statement.conditions.filter((test) => about(test, present));
  const onAge = statement.conditions.filter((test) => about(test, age));
  const ageCounts = onAge.length === 0 || onPresent.length === 0 || findCallers(onPresent).has("withOldMfa");
  const hasAllActions =
    statement.actionElement === "NotAction" || statement.actions.some(({ text }) => isEverything(text));
  const hasResource = statement.resourceElement === "Resource";
  return {
    statement,
    ageCounts,
    onPresent,
    onAge,
    others: statement.conditions.filter((test) => !about(test, present) && !about(test, age)),
    holdsFor: findCallers(ageCounts ? [...onPresent, ...onAge] : onPresent),
    hasAllActions,
    // All actions on some resources are not everything.
    isWide: hasAllActions && (statement.actionElement === "NotAction" || isEverywhere(statement) || !hasResource),
  };
}

function isEverywhere({ resourceElement, resources }: ParsedStatement): boolean {
  return resourceElement === "Resource" && resources.some(({ text }) => /^\*+$/.test(text));
}

/** Returns the condition key in lower case, or the likely intended one: another rule reports misspelled keys. */
function guessConditionKey({ key }: Pick<ParsedCondition, "key">): string {
  const meant = isKnownKey(key) ? undefined : guessKey(key);
  return (meant?.isSure ? meant.name : key).toLowerCase();
}

/** Whether a condition key, or the likely intended one, tells about MFA. */
export function isMfaKey(key: string): boolean {
  const lower = guessConditionKey({ key });
  return lower === present || lower === age;
}

/** Returns the operator whose conditions an absent key does not meet. */
export function withoutAbsent(operator: string): string {
  return operator.replace(/^ForAllValues:|IfExists$/g, "");
}

function findCallers(tests: readonly ParsedCondition[]): ReadonlySet<Caller> {
  const names = Object.keys(callers) as Caller[];
  return new Set(names.filter((name) => tests.every((test) => isMetBy(test, callers[name]))));
}

function isMetBy(condition: ParsedCondition, caller: ParsedRequest): boolean {
  const { operator } = condition;
  if (operator === undefined) return false;
  try {
    return testCondition({ ...condition, operator, lowerKey: guessConditionKey(condition) }, caller) === true;
  } catch (error) {
    // For example, "true" compared as a number.
    if (error instanceof RequestError) return false;
    throw error;
  }
}

/** Whether a statement denies requests without MFA, or nearly does, or exempts what users need to set up MFA. */
function isAboutMfa({ statement, onPresent, onAge }: MfaStatement): boolean {
  if (onPresent.length > 0 || onAge.length > 0) return true;
  if (statement.actionElement !== "NotAction") return false;
  return findEnrolling(statement.actions.filter(({ text }) => /^iam:.*mfa/i.test(text))).length > 0;
}

/** What a policy is for: "enforcement" for users and groups, a policy of a role, or a service control policy. */
export type Kind = "enforcement" | "role" | "scp";

/** Checks the statements of a role's policy that test MFA. */
export function checkRolePolicy({ statements }: ParsedDocument, report: Report): void {
  for (const each of statements.map(readMfaStatement)) checkRole(toAboutMfa(each), report);
}

function toAboutMfa({ statement, onPresent, onAge, others, holdsFor }: MfaStatement): AboutMfa {
  return { statement, onMfa: [...onPresent, ...onAge], others, holdsForKey: holdsFor.has("key") };
}

/** @param kind check it as a policy of this kind. @returns whether it was checked as an enforcement policy */
export function checkEnforcement(
  { statements }: ParsedDocument,
  kind: Exclude<Kind, "role"> | undefined,
  report: Report,
): boolean {
  const denies = statements.filter(({ effect }) => /^deny$/i.test(String(effect))).map(readMfaStatement);
  const all = denies.filter(isAboutMfa);
  const hasWide = all.some(({ isWide, onPresent, onAge }) => isWide && onPresent.length + onAge.length > 0);
  const together = findCoverage(all);
  const isExpected = (test: ParsedCondition): boolean => isByService(test) || (kind === "scp" && leavesOutRoles(test));
  const complete = all.filter((each) => isComplete(each, isExpected));
  const denied = new Set(complete.flatMap(({ holdsFor }) => [...holdsFor]));
  const allows = statements.filter(({ effect }) => effect === "Allow").map(readMfaStatement);
  const isPasswordLeftOut = allows.some(
    ({ statement, holdsFor }) =>
      !holdsFor.has("key") && statement.actions.some(({ text }) => text.toLowerCase() === "iam:changepassword"),
  );
  for (const each of allows) {
    checkAllow(each, denied, report);
    checkEnrollment(each, allows, report);
    checkAges(each, report);
  }
  for (const each of all) {
    for (const test of each.others) if (!isExpected(test)) checkOther(test, each, report);
    // A Deny of a service control policy also applies to roles, unless it leaves them out.
    const limit = kind === "scp" && !each.others.some(leavesOutRoles);
    if (limit) checkServiceControl(toAboutMfa(each), report);
    checkConditions(each, new Set([...together(each), ...denied]), limit, report);
    checkScope(each, hasWide, report);
    checkAges(each, report);
    if (each.statement.actionElement !== "NotAction") continue;
    // Callers denied only for the age of their code have MFA already.
    const isForOld = each.holdsFor.size === 1 && each.holdsFor.has("withOldMfa");
    // AWS rejects an empty list, which says nothing about what it was meant to have.
    const isEmpty = each.statement.actions.length === 0;
    if (!isForOld && !isEmpty) checkMissing(each.statement, isPasswordLeftOut, report);
    checkExempt(each.statement.actions, report);
  }
  if (kind === "enforcement" && !hasWide) {
    const message =
      "no statement denies everything without MFA: what other policies allow works without MFA, unless this policy denies it";
    const fix = `add a statement with "Effect": "Deny", "NotAction": […], "Resource": "*" and ${recommended}; to see one: fob policy show`;
    report.add("no-enforcement", ["Statement"], message, fix);
  }
  return kind === "enforcement" || all.length > 0;
}

/** @param denied the callers denied by other statements, whatever this one allows */
function checkAllow(each: MfaStatement, denied: ReadonlySet<Caller>, report: Report): void {
  const { statement, onPresent, holdsFor, hasAllActions } = each;
  if (holdsFor.has("withMfa") || holdsFor.has("withOldMfa")) {
    checkAllowed(each, denied, report);
    return;
  }
  if (!hasAllActions || onPresent.length === 0) return;
  if (!holdsFor.has("key") && !holdsFor.has("session")) return;
  const message = "this allows requests without MFA and does not allow requests with MFA";
  const path = [...statement.path, "Effect"];
  report.add("allow-instead-of-deny", path, message, 'write "Effect": "Deny"', setValue(path, "Deny"));
}

/** Checks an Allow that seems to require MFA. */
function checkAllowed(
  { statement, onPresent, onAge, holdsFor }: MfaStatement,
  denied: ReadonlySet<Caller>,
  report: Report,
): void {
  const [key, session] = (["key", "session"] as const).map((caller) => holdsFor.has(caller) && !denied.has(caller));
  const [test] = [...onPresent, ...onAge];
  if (test?.operator === undefined || (!key && !session)) return;
  // The fix of the unknown operator is the same.
  if (findOperator(test.name) === undefined && withoutAbsent(test.operator.name) !== test.operator.name) return;
  // Users without a device need these without MFA.
  if (statement.actionElement === "Action" && isListOfNeeded(statement.actions)) return;
  const isPresent = onPresent.length > 0;
  const why = isPresent
    ? `their ${key ? "requests do not have the condition key at all" : 'condition key is "false", not absent'}`
    : "they have no age";
  const who = key && session ? "requests" : key ? "access keys" : "sessions without MFA, such as console sessions";
  const message = `${quoteCondition(test)} also allows ${who}${key ? " without MFA" : ""}: ${why}`;
  // An age limit holds only with MFA, so the other conditions can stay.
  const name = withoutAbsent(test.operator.name);
  const more = isPresent
    ? { Bool: { "aws:MultiFactorAuthPresent": "true" } }
    : { [name]: { [test.key]: test.values.map(({ text }) => text) } };
  const fix = isPresent ? 'write "Bool": {"aws:MultiFactorAuthPresent": "true"}' : `write ${quoteText(name)}`;
  const Condition = changeConditions(report.root, statement, isPresent ? onPresent : [test], more);
  report.add("allow-without-mfa", test.path, message, fix, changeStatement(statement, { Condition }));
}

/** Checks that users without a device may enroll one, if a statement is about that. */
function checkEnrollment(
  { statement, onPresent, onAge, holdsFor }: MfaStatement,
  allows: readonly MfaStatement[],
  report: Report,
): void {
  if (onPresent.length + onAge.length === 0 || holdsFor.has("key") || holdsFor.has("session")) return;
  if (holdsFor.size === 0 || statement.actionElement !== "Action") return;
  const named = statement.actions.filter(({ text }) => /^iam:.*mfa/i.test(text));
  const isAllowed = (action: string): boolean =>
    allows.some((other) => other.holdsFor.has("key") && coversAction(other.statement, action));
  const missing = findEnrolling(named).filter((action) => !isAllowed(action));
  if (missing.length === 0) return;
  const [partition = "aws"] = statement.resources.flatMap(({ text }) => /^arn:([\w-]+):/.exec(text)?.[1] ?? []);
  const added = selfManagePolicy({ partition }).Statement as readonly PolicyStatement[];
  const statements = missing.flatMap((action) => {
    const found = added.find(({ Action, Condition }) => Condition === undefined && [Action].flat().includes(action));
    return found === undefined ? [] : { Effect: "Allow", Action: action, Resource: found.Resource };
  });
  const message = `this allows ${joinList(missing)} only with MFA: users without a device cannot enroll their first one`;
  const where = statements.map(
    ({ Action, Resource }) => `${quoteText(Action)} on ${joinList([Resource ?? "*"].flat().map(quoteText))}`,
  );
  report.add(
    "enrollment-needs-mfa",
    [...statement.path, "Action"],
    message,
    `also allow without the condition: ${where.join("; ")}`,
    addStatements(report.root, statements),
  );
}

/** Finds the callers denied by any statement with the same scope: two statements may deny access keys and sessions together. */
function findCoverage(all: readonly MfaStatement[]): (each: MfaStatement) => ReadonlySet<Caller> {
  const scopeOf = ({ statement, others }: MfaStatement): string => {
    const { actionElement, actions, resourceElement, resources } = statement;
    const texts = (entries: readonly Entry[]): string[] => entries.map(({ text }) => text.toLowerCase()).sort();
    const tests = others.map(({ name, key, values }) => [name, key.toLowerCase(), texts(values)]);
    return JSON.stringify([actionElement, texts(actions), resourceElement, texts(resources), tests]);
  };
  const scopes = new Map(all.map((each) => [each, scopeOf(each)]));
  const byScope = new Map<string, Set<Caller>>();
  for (const [each, scope] of scopes) {
    byScope.set(scope, new Set([...(byScope.get(scope) ?? []), ...each.holdsFor]));
  }
  return (each) => byScope.get(scopes.get(each) ?? "") ?? new Set();
}

/** Whether it denies everything except some actions to all callers who meet its conditions on MFA. */
function isComplete(
  { statement, isWide, others }: MfaStatement,
  isExpected: (test: ParsedCondition) => boolean,
): boolean {
  return isWide && isEverywhere(statement) && others.every(isExpected);
}

/**
 * @param denied the callers denied by this statement, or by others that deny at least as much
 * @param limit whether to limit a new condition to users
 */
function checkConditions(each: MfaStatement, denied: ReadonlySet<Caller>, limit: boolean, report: Report): void {
  const { statement, onPresent, onAge, others, ageCounts, holdsFor } = each;
  const [first] = [...onPresent, ...onAge];
  const right = limit ? { ...withoutMfa, ...onlyUsers } : withoutMfa;
  const rightText = limit ? `${recommended}, ${onlyUsersText}` : recommended;
  if (first === undefined) {
    if (others.length > 0) return;
    const message = "this has no condition, so it denies everything except these actions even with MFA";
    const patch = changeStatement(statement, { Condition: right });
    report.add("missing-mfa-condition", statement.path, message, `add "Condition": {${rightText}}`, patch);
    return;
  }
  // An unknown operator gives no hint of the intended condition.
  if ([...onPresent, ...onAge].some(({ operator }) => operator === undefined)) return;
  const write = `write ${rightText}`;
  const change = (without: readonly ParsedCondition[], more: Parameters<typeof changeConditions>[3]): Patch =>
    changeStatement(statement, { Condition: changeConditions(report.root, statement, without, more) });
  const patch = change([...onPresent, ...onAge], right);

  if (!ageCounts) {
    const outcome =
      findCallers([...onPresent, ...onAge]).size === 0
        ? "the statement denies nothing"
        : "the limit on aws:MultiFactorAuthAge has no effect";
    const message = `${outcome}: both conditions must be met, but requests that meet the one on aws:MultiFactorAuthPresent have no MFA and no age`;
    report.add(
      "age-never-counts",
      onAge[0]?.path ?? statement.path,
      message,
      "move aws:MultiFactorAuthAge to a statement of its own",
      [
        ...change(onAge, {}),
        ...addStatements(report.root, [
          {
            ...copyStatement(report.root, statement),
            Condition: changeConditions(report.root, statement, onPresent, {}),
          },
        ]),
      ],
    );
  }
  if (holdsFor.has("withMfa")) {
    const path = first.path;
    const all = holdsFor.has("key") && holdsFor.has("session");
    const who = all ? "all requests, with or without MFA" : "requests with MFA and not those without";
    report.add(
      "denies-with-mfa",
      path,
      `${quoteCondition(first)} in a Deny denies ${who}`,
      fixInverted(onPresent, write),
      onPresent.length > 0 ? patch : change(onAge, withOldMfa),
    );
  } else if (holdsFor.size === 0) {
    const what =
      onPresent.length + onAge.length > 1
        ? "these conditions are never met together"
        : `${quoteCondition(first)} is never met`;
    report.add("condition-never-holds", first.path, `${what}, so the statement denies nothing`, write, patch);
  } else if (onPresent.length === 0) {
    // Another statement may deny requests without MFA.
    if (denied.has("key") || denied.has("session")) return;
    const message = `${quoteCondition(first)} does not deny requests without MFA: they have no age`;
    report.add(
      "age-without-ifexists",
      first.path,
      message,
      `write ${quoteText(`${first.operator?.name ?? ""}IfExists`)}`,
      change([first], {
        [`${first.operator?.name ?? ""}IfExists`]: { [first.key]: first.values.map(({ text }) => text) },
      }),
    );
  } else if (!denied.has("key")) {
    const message = `${quoteCondition(first)} does not deny access keys: their requests do not have the condition key at all`;
    report.add("bool-instead-of-boolifexists", first.path, message, write, patch);
  } else if (!denied.has("session")) {
    const message = `${quoteCondition(first)} does not deny sessions without MFA, such as console sessions: their condition key is "false", not absent`;
    report.add("null-instead-of-boolifexists", first.path, message, write, patch);
  }
}

const ageRules = {
  "no effect": "age-never-reached",
  unusable: "age-unusable",
  short: "age-too-short",
} as const satisfies Readonly<Record<string, RuleId>>;

/** Checks the limits that statements set on the age of the code. */
function checkAges({ statement, onAge, ageCounts }: MfaStatement, report: Report): void {
  // Another rule reports an age without effect.
  if (!ageCounts) return;
  const limits = onAge.flatMap((test) => findAgeLimit(test, statement.effect) ?? []);
  for (const limit of limits) {
    const age = Number(limit.text);
    const problem = judgeAge(age);
    if (problem === undefined) continue;
    const has = `aws:MultiFactorAuthAge is in seconds: ${limit.text} is ${formatDuration(age)}`;
    const meant = guessAges(age);
    const instead = meant.map((seconds) => `${quoteText(String(seconds))} for ${formatDuration(seconds)}`).join(" or ");
    if (problem === "no effect") {
      const message = `${has}, but AWS ends every session after at most 36 h, so the limit has no effect`;
      const [first] = meant;
      // It only lowers the limit.
      const patch = first === undefined ? undefined : replaceText(limit, String(first));
      const fix =
        instead === "" ? 'remove the limit, or write a lower one, such as "43200" for 12 h' : `write ${instead}`;
      report.add(ageRules[problem], limit.path, message, fix, patch);
    } else if (problem === "unusable") {
      const message = `${has}, and users need a new code after that`;
      const fix = instead === "" ? 'write "900" (15 min, the shortest session in AWS) or more' : `write ${instead}`;
      report.add(ageRules[problem], limit.path, message, fix);
    } else {
      const message = `${has}, but the shortest session in AWS is 15 min`;
      const minutes = instead === "" ? "" : `if you meant ${limit.text} min, write ${instead}; `;
      report.add(ageRules[problem], limit.path, message, `${minutes}ignore this if you want such a short limit`);
    }
  }
}

/** Finds the value that limits the age: codes may not be older. */
function findAgeLimit({ operator, values }: ParsedCondition, effect: unknown): Entry | undefined {
  const relation = effect === "Allow" ? /^NumericLessThan/ : /^NumericGreaterThan/;
  if (operator?.kind !== "numeric" || operator.set !== undefined || !relation.test(operator.name)) return undefined;
  // One of the values is enough to meet the condition.
  const ages = values.filter(({ text }) => Number(text) > 0).sort((a, b) => Number(a.text) - Number(b.text));
  return effect === "Allow" ? ages.at(-1) : ages[0];
}

const withOldMfa = { NumericGreaterThanIfExists: { "aws:MultiFactorAuthAge": "43200" } };

function fixInverted(onPresent: readonly ParsedCondition[], write: string): string {
  return onPresent.length > 0 ? write : 'write "NumericGreaterThanIfExists": {"aws:MultiFactorAuthAge": "43200"}';
}

function quoteCondition(test: ParsedCondition): string {
  return `${quoteText(test.name)}: {${quoteText(test.key)}: ${formatValues(test)}}`;
}

function formatValues({ values }: ParsedCondition): string {
  const texts = values.map(({ text }) => quoteText(text));
  return texts.length === 1 ? texts.join("") : `[${joinList(texts)}]`;
}

/** Whether a condition is the one that `fob policy show --via-aws-service` adds: requests of AWS services need no MFA. */
function isByService({ name, key, values }: ParsedCondition): boolean {
  const isAsked = /^Bool(IfExists)?$/.test(name) && key.toLowerCase() === "aws:viaawsservice";
  return isAsked && values.every(({ text }) => text.toLowerCase() === "false");
}

function checkOther(test: ParsedCondition, { onPresent, onAge }: MfaStatement, report: Report): void {
  if (onPresent.length + onAge.length === 0 || holdsForEveryUser(test)) return;
  const { key, path } = test;
  const message = `requests that do not meet the condition on ${quoteText(key)} need no MFA: all conditions of a statement must be met`;
  report.add("extra-condition", path, message, "remove it, unless such requests should need no MFA");
}

/** Whom a Deny keeps from an action that enrollment needs: everyone, users with a path, or all users but some. */
type LockedOut = "all" | "named" | "others" | "paths" | "otherNames" | undefined;

function findLockedOut({ resourceElement, resources }: ParsedStatement, action: string): LockedOut {
  const isCovered = (resource: string): boolean => resources.some((entry) => covers(entry, resource));
  const isOfUser = action !== "iam:CreateVirtualMFADevice" && action !== "iam:ListVirtualMFADevices";
  const type = isOfUser ? "user/" : "mfa/";
  const own = `${type}${someone}`;
  // AWS names the resource mfa/ when it denies iam:ListVirtualMFADevices.
  const any = isOfUser ? own : action === "iam:ListVirtualMFADevices" ? type : `${type}${someone}-2`;
  const named = resources.some((entry) => entry.text.includes(`:${type}`) && !coversAnyOne(entry));
  if (resourceElement !== "NotResource") {
    // Users can give a device another name than the one denied.
    return isCovered(any) || isCovered(own) ? "all" : named && isOfUser ? "named" : undefined;
  }
  if (isCovered(any)) return isOfUser && !isCovered(`user/team/${someone}`) ? "paths" : undefined;
  if (isCovered(own)) return "otherNames";
  return named ? "others" : "all";
}

/** Whether a resource is not limited to users or devices that it names. */
function coversAnyOne(entry: Entry): boolean {
  return [`user/${someone}`, `mfa/${someone}`].some((resource) => covers(entry, resource));
}

/** Checks whether a Deny without MFA covers what users need to set it up. */
function checkLockout(statement: ParsedStatement, report: Report): void {
  const { actions, resources, path, resourceElement } = statement;
  const needed = findNeeded(actions).map((action) => ({ action, whom: findLockedOut(statement, action) }));
  const of = (...whom: readonly LockedOut[]): string[] =>
    needed.filter((each) => each.whom !== undefined && whom.includes(each.whom)).map(({ action }) => action);
  const at = [...path, "Action"];
  const all = of("all");
  if (all.length > 0 && all.every(isVirtual)) {
    const message = `this denies ${joinList(all)} without MFA, so users can only enroll passkeys and hardware tokens`;
    const [fix] = leaveOut(statement, all);
    report.add("only-passkeys", at, message, `${fix}, unless users should not have authenticator apps`);
  } else if (all.length > 0) checkDenied(statement, all, report);

  const named = of("named");
  const namedEntries = resources.filter((entry) => /:(user|mfa)\//.test(entry.text) && !coversAnyOne(entry));
  const names = joinList(namedEntries.map(({ text }) => quoteText(text)));
  if (named.length > 0) {
    const message = `this denies ${joinList(named)} without MFA for ${names}: these users cannot set up MFA and stay locked out`;
    report.add("named-users", at, message, ...leaveOut(statement, named));
  }
  const others = of("others");
  if (others.length > 0) {
    const [, partition = "aws", , , account = "*"] = namedEntries[0]?.text.split(":") ?? [];
    const right = ["mfa/*", `user/\${aws:username}`, `user/*/\${aws:username}`]
      .map((resource) => `arn:${partition}:iam::${account}:${resource}`)
      .filter((text) => !resources.some((entry) => entry.text === text));
    const then = others.every(isVirtual)
      ? "other users can only enroll passkeys and hardware tokens"
      : "all others cannot set up MFA and stay locked out";
    const message = `this denies ${joinList(others)} without MFA for all users and devices except ${names}: ${then}`;
    const fix = `write ${joinList(right.map(quoteText))} instead of the names`;
    report.add("named-users", [...path, "NotResource"], message, fix, replaceEntries(resources, namedEntries, right));
  }
  if (resourceElement === "NotResource") checkLeftOut(statement, of("paths"), of("otherNames"), report);
}

/** Checks whether a Deny leaves out users with a path, and devices with any name. */
function checkLeftOut(
  { resources }: ParsedStatement,
  withPath: readonly string[],
  withName: readonly string[],
  report: Report,
): void {
  const [user, device] = [`user/${someone}`, `mfa/${someone}`].map((own) =>
    resources.find((entry) => entry.text !== "*" && covers(entry, own)),
  );
  if (user !== undefined && withPath.length > 0) {
    const message = `${quoteText(user.text)} misses users with a path: for user/team/alice, this denies ${joinList(withPath)} without MFA`;
    const more = user.text.replace(/:user\/.*$/s, `:user/*/\${aws:username}`);
    report.add("misses-user-paths", user.path, message, `also add ${quoteText(more)}`, addBeside(user, [more]));
  }
  if (device !== undefined && withName.length > 0) {
    const message = `${quoteText(device.text)} matches only devices with the user's name: for any other name, this denies ${joinList(withName)} without MFA`;
    const more = device.text.replace(/:mfa\/.*$/s, ":mfa/*");
    const fix = `write ${quoteText(more)}: AWS enables a device for one user only`;
    report.add("misses-named-devices", device.path, message, fix, replaceEntries(resources, [device], [more]));
  }
}

/** Reports a Deny that covers actions that all users need. */
function checkDenied(statement: ParsedStatement, needed: readonly string[], report: Report): void {
  const { actions, path, resourceElement } = statement;
  const at = [...path, "Action"];
  const add = (message: string, ...fix: Fix): void => report.add("action-instead-of-notaction", at, message, ...fix);
  if (needed.length > 1 && resourceElement === "Resource" && isListOfNeeded(actions)) {
    const message = "this denies only what users need to set up MFA, and nothing else";
    add(message, 'write "NotAction"', renameKey(at, "NotAction"));
    return;
  }
  const message = `this also denies ${joinList(needed)}: users without MFA cannot set it up and stay locked out`;
  // A Deny of all actions on all resources would lock users out.
  const whole = isEverywhere(statement) ? notAction : `${notAction} and "Resource": "*"`;
  if (actions.some(({ text }) => isEverything(text))) {
    add(message, whole, changeStatement(statement, everythingElse(statement)));
  } else if (actions.some(({ text }) => /^iam:\*+$/i.test(text))) {
    // "NotAction" would require MFA for all other services, too.
    const fix = `to require MFA for IAM only, replace "iam:*" with the actions or patterns that need it, such as "iam:Put*"; to require it for everything, ${whole}`;
    add(message, fix);
  } else add(message, ...leaveOut(statement, needed));
}

/** Removes actions from a list. */
function leaveOut({ actions }: ParsedStatement, names: readonly string[]): Fix {
  const fix = `remove ${joinList(names.map(quoteText))}`;
  if (actions.some(({ text }) => /[*?]/.test(text))) return [`${fix}; replace the pattern with action names`];
  const lower = new Set(names.map((name) => name.toLowerCase()));
  const old = actions.filter(({ text }) => lower.has(text.toLowerCase()));
  if (old.length === actions.length) return [`${fix}, which is the whole statement`];
  return [fix, replaceEntries(actions, old, [])];
}

/** The elements of a statement about everything but what users need. */
function everythingElse({ actionElement, resourceElement }: ParsedStatement): Readonly<Record<string, unknown>> {
  return {
    ...(actionElement === "Action" ? { Action: null, NotAction: exempt } : {}),
    ...(resourceElement === "NotResource" ? { NotResource: null } : {}),
    Resource: "*",
  };
}

function checkScope(
  { statement, holdsFor, onPresent, onAge, isWide, hasAllActions }: MfaStatement,
  hasWide: boolean,
  report: Report,
): void {
  const { actionElement, resourceElement, resources, path } = statement;
  if (onPresent.length + onAge.length === 0) return;
  if (actionElement === "Action" && (holdsFor.has("key") || holdsFor.has("session"))) checkLockout(statement, report);
  if (isWide) {
    if (isEverywhere(statement) || resourceElement === undefined) return;
    const message =
      resourceElement === "Resource"
        ? "this applies to these resources only: actions on other resources, or on none, need no MFA"
        : `this leaves out ${joinList(resources.map(({ text }) => quoteText(text)))}: actions on matching resources need no MFA`;
    const instead = resourceElement === "Resource" ? "" : ' instead of "NotResource"';
    // A Deny of all actions on all resources would lock users out.
    const fix = actionElement === "Action" ? `${notAction} and "Resource": "*"` : `write "Resource": "*"${instead}`;
    const patch = changeStatement(statement, everythingElse(statement));
    report.add("narrow-resource", [...path, resourceElement], message, fix, patch);
  } else if (!hasWide) {
    const what = hasAllActions ? "actions on these resources" : "these actions";
    const message = `this denies only ${what} without MFA: all other actions work without MFA`;
    const fix = "to require MFA for everything, start from: fob policy show";
    report.add("partial-enforcement", [...path, "Action"], message, fix);
  }
}
