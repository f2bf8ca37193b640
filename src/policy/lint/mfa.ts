// Finds out whether a policy enforces MFA, and what prevents it: checks statements that deny requests without MFA, or
// nearly do.
import { formatDuration } from "../../duration.ts";
import { guessAges, judgeAge } from "../age-limits.ts";
import { listCovered, listOnOtherResources, type RequestSet } from "../coverage.ts";
import { servicesWithoutViaService, viaService } from "../direct-requests.ts";
import { selfManagePolicy } from "../enforcement.ts";
import type { ParsedDocument, PolicyDocument, PolicyStatement } from "../engine/document.ts";
import { type ParsedRequest, parseRequest, RequestError, testCondition } from "../engine/evaluate.ts";
import type { Entry, ParsedCondition, ParsedStatement } from "../engine/grammar.ts";
import { findOperator } from "../engine/operators.ts";
import { makeExampleUser } from "../engine/subject.ts";
import { parsePattern } from "../engine/wildcard.ts";
import { createDevice, findLockedOut, listNeededToEnroll } from "../locked-out.ts";
import { checkExempt, checkMissing, coversAction, findEnrolling, isListOfNeeded, listUseful } from "./exemptions.ts";
import { guessConditionKey, isEverything } from "./known.ts";
import {
  checkEnrollmentDenied,
  checkLockout,
  checkNamed,
  everythingElse,
  isEverywhere,
  listDeniedNeeds,
  notAction,
} from "./lockouts.ts";
import {
  addStatements,
  changeConditions,
  changeStatement,
  copyStatement,
  type Patch,
  replaceText,
  setValue,
} from "./patch.ts";
import type { Report } from "./report.ts";
import { explainNotEnforced } from "./required.ts";
import { type AboutMfa, checkRole, checkServiceControl, leavesOutRoles, onlyUsers, onlyUsersText } from "./roles.ts";
import type { RuleId } from "./rules.ts";
import { type Caller, callers, callersWithoutMfa, isHarmless, Whole } from "./whole.ts";
import { joinList, quoteText } from "./words.ts";

const present = "aws:multifactorauthpresent";
const age = "aws:multifactorauthage";

const recommended = '"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}';
const withoutMfa = { BoolIfExists: { "aws:MultiFactorAuthPresent": "false" } };

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
  /** The callers of whom some requests may meet all of its conditions. */
  readonly appliesTo: ReadonlySet<Caller>;
  /** Whether it covers all actions, or all except some. */
  readonly hasAllActions: boolean;
  /** Whether it covers, or is meant to cover, everything except some actions. */
  readonly isWide: boolean;
}

function readMfaStatement(statement: ParsedStatement, whole: Whole): MfaStatement {
  const about = (test: ParsedCondition, key: string): boolean => guessConditionKey(test.key) === key;
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
    appliesTo: new Set(allCallers.filter((caller) => whole.test(statement, caller) !== false)),
    hasAllActions,
    // All actions on some resources are not everything.
    isWide: hasAllActions && (statement.actionElement === "NotAction" || isEverywhere(statement) || !hasResource),
  };
}

/** Whether a condition key, or the likely intended one, tells about MFA. */
export function isMfaKey(key: string): boolean {
  const lower = guessConditionKey(key);
  return lower === present || lower === age;
}

/** Returns the operator whose conditions an absent key does not meet. */
export function withoutAbsent(operator: string): string {
  return operator.replace(/^ForAllValues:|IfExists$/g, "");
}

const allCallers = Object.keys(callers) as Caller[];
const callerRequests = new Map<Caller, ParsedRequest>(
  allCallers.map((caller) => [
    caller,
    parseRequest({ action: "iam:GetUser", resource: "*", context: callers[caller] }, {}),
  ]),
);

function findCallers(tests: readonly ParsedCondition[]): ReadonlySet<Caller> {
  const found = [...callerRequests].filter(([, request]) => tests.every((test) => isMetBy(test, request)));
  return new Set(found.map(([caller]) => caller));
}

function isMetBy(condition: ParsedCondition, request: ParsedRequest): boolean {
  const { operator, key } = condition;
  if (operator === undefined) return false;
  try {
    return testCondition({ ...condition, operator, lowerKey: guessConditionKey(key) }, request) === true;
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
export function checkRolePolicy(document: ParsedDocument, report: Report): void {
  const whole = readWhole(document, report);
  for (const statement of document.statements) checkRole(toAboutMfa(readMfaStatement(statement, whole)), report);
}

const readWhole = ({ statements }: ParsedDocument, { root }: Report): Whole =>
  new Whole(statements, makeExampleUser([root as PolicyDocument]));

function toAboutMfa({ statement, onPresent, onAge, others, holdsFor }: MfaStatement): AboutMfa {
  return { statement, onMfa: [...onPresent, ...onAge], others, holdsForKey: holdsFor.has("key") };
}

/** @param kind check it as a policy of this kind. @returns whether it was checked as an enforcement policy */
export function checkEnforcement(
  document: ParsedDocument,
  kind: Exclude<Kind, "role"> | undefined,
  report: Report,
): boolean {
  const whole = readWhole(document, report);
  const read = (effect: RegExp): readonly MfaStatement[] =>
    document.statements
      .filter((statement) => effect.test(String(statement.effect)))
      .map((statement) => readMfaStatement(statement, whole));
  const denies = read(/^deny$/i);
  const all = denies.filter(isAboutMfa);
  const hasWide = all.some(({ isWide, onPresent, onAge }) => isWide && onPresent.length + onAge.length > 0);
  const isMeant = hasWide || kind === "enforcement";
  const isEnforced = callersWithoutMfa.every((caller) => whole.isEnforcedFor(caller));
  const allows = read(/^Allow$/);
  const isPasswordLeftOut = allows.some(
    ({ statement, holdsFor }) =>
      !holdsFor.has("key") && statement.actions.some(({ text }) => text.toLowerCase() === "iam:changepassword"),
  );
  for (const each of allows) {
    checkAllow(each, whole, report);
    checkEnrollment(each, allows, report);
    checkAges(each, report);
  }
  const needed = findNeededBy(denies, whole);
  for (const each of all) {
    if (hasWide) checkOthers(each, whole, report);
    // A Deny of a service control policy also applies to roles, unless it leaves them out.
    const limit = kind === "scp" && !each.others.some(leavesOutRoles);
    if (limit) checkServiceControl(toAboutMfa(each), report);
    checkConditions(each, findDenied(each, whole), limit, report);
    checkEnrollmentWithoutMfa(each, needed, isPasswordLeftOut, report);
    checkScope(each, hasWide || isEnforced, whole, report);
    checkAges(each, report);
    if (each.statement.actionElement === "NotAction") checkExemptions(each, whole, report);
  }
  if (isMeant) for (const each of denies.filter((deny) => !all.includes(deny))) checkOtherDeny(each, needed, report);
  if (kind === "enforcement" && !hasWide && !isEnforced) {
    const message =
      "no statement denies everything without MFA: what other policies allow works without MFA, unless this policy denies it";
    const fix = `add a statement with "Effect": "Deny", "NotAction": […], "Resource": "*" and ${recommended}; to see one: fob policy show`;
    report.add("no-enforcement", ["Statement"], message, fix);
  }
  const isWhole = document.problems.length === 0 && !report.hasUnknown;
  if (isMeant && kind !== "scp" && isEnforced && isWhole) checkAlwaysDenied(denies, report);
  return kind === "enforcement" || all.length > 0;
}

/** Checks whether a policy that denies everything without MFA denies it with MFA, too. */
function checkAlwaysDenied(denies: readonly MfaStatement[], report: Report): void {
  // Other rules report a wrong condition on MFA.
  if (report.has((rule) => ["denies-with-mfa", "missing-mfa-condition", "age-unusable"].includes(rule))) return;
  const found = denies.filter(({ appliesTo }) => appliesTo.has("withMfa"));
  const worst = found.find(({ hasAllActions }) => hasAllActions) ?? found[0];
  const why = worst === undefined ? undefined : explainNotEnforced(report.root as PolicyDocument);
  if (worst === undefined || why === undefined) return;
  const { statement, others } = worst;
  const [test] = others;
  const fix =
    test === undefined
      ? `remove it, or let requests with MFA through: add ${recommended}`
      : `remove it, unless such requests should be denied; to check the others: fob policy simulate --policy FILE --context ${test.key}=VALUE`;
  report.add("always-denied", statement.path, why, fix);
}

function checkAllow(each: MfaStatement, whole: Whole, report: Report): void {
  const { statement, onPresent, onAge, holdsFor, hasAllActions } = each;
  if (onPresent.length + onAge.length === 0) return;
  const covered = listCovered(statement, whole.user);
  const open = callersWithoutMfa.filter(
    (caller) => holdsFor.has(caller) && !isHarmless(whole.findOpen(covered, caller)),
  );
  if (holdsFor.has("withMfa") || holdsFor.has("withOldMfa")) {
    checkAllowed(each, open, report);
    return;
  }
  if (!hasAllActions || onPresent.length === 0 || open.length === 0) return;
  const message = "this allows requests without MFA and does not allow requests with MFA";
  const path = [...statement.path, "Effect"];
  report.add("allow-instead-of-deny", path, message, 'write "Effect": "Deny"', setValue(path, "Deny"));
}

/**
 * Checks an Allow that seems to require MFA.
 *
 * @param open the callers without MFA who can use what it allows
 */
function checkAllowed({ statement, onPresent, onAge }: MfaStatement, open: readonly Caller[], report: Report): void {
  const [key, session] = callersWithoutMfa.map((caller) => open.includes(caller));
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

/** Finds the callers without MFA who are denied what a statement is about, by this statement or by others. */
function findDenied(each: MfaStatement, whole: Whole): ReadonlySet<Caller> {
  const { statement, others, holdsFor, isWide } = each;
  const covered = listCovered(statement, whole.user);
  const isDenied = (caller: Caller): boolean => {
    if (holdsFor.has(caller) || whole.isEnforcedFor(caller)) return true;
    // Statements with the same other conditions deny the same requests.
    const open = whole.findOpen(covered, caller, others);
    return isWide ? isHarmless(open) : open.length === 0;
  };
  return new Set(callersWithoutMfa.filter(isDenied));
}

/**
 * Finds what users without a device need, for each way to authenticate. Of devices, only authenticator apps need a list:
 * it is not needed if a policy leaves them out.
 */
function findNeededBy(
  denies: readonly MfaStatement[],
  whole: Whole,
): Readonly<Record<"key" | "session", readonly string[]>> {
  const isVirtualDenied = (caller: Caller): boolean =>
    denies.some(
      ({ statement }) =>
        whole.test(statement, caller) === true &&
        coversAction(statement, createDevice) &&
        findLockedOut(statement, createDevice) === "all",
    );
  return {
    key: listNeededToEnroll("key", isVirtualDenied("key")),
    session: listNeededToEnroll("console", isVirtualDenied("session")),
  };
}

type Needed = ReturnType<typeof findNeededBy>;

const listNeededIn = ({ appliesTo }: MfaStatement, needed: Needed): readonly string[] => [
  ...new Set(callersWithoutMfa.flatMap((caller) => (appliesTo.has(caller) ? needed[caller] : []))),
];

/** Checks whether a Deny about MFA lets users without a device enroll one. */
function checkEnrollmentWithoutMfa(
  each: MfaStatement,
  needed: Needed,
  isPasswordLeftOut: boolean,
  report: Report,
): void {
  const { statement, appliesTo } = each;
  // AWS rejects an empty list, which says nothing about what it was meant to have.
  if (statement.actions.length === 0 || !callersWithoutMfa.some((caller) => appliesTo.has(caller))) return;
  const names = listNeededIn(each, needed);
  const needs = listDeniedNeeds(statement, names);
  checkNamed(statement, needs, report);
  if (statement.actionElement === "Action") checkLockout(statement, needs, report);
  else {
    const useful = listDeniedNeeds(statement, listUseful(names));
    const denied = [...needs, ...useful].flatMap(({ action, whom }) => (whom === "all" ? action : []));
    checkMissing(statement, denied, names, isPasswordLeftOut, report);
  }
}

/** Checks a Deny that does not test MFA. */
function checkOtherDeny(each: MfaStatement, needed: Needed, report: Report): void {
  const { statement, appliesTo } = each;
  if (statement.actions.length === 0 || !callersWithoutMfa.some((caller) => appliesTo.has(caller))) return;
  checkEnrollmentDenied(statement, listDeniedNeeds(statement, listNeededIn(each, needed)), report);
}

function checkExemptions({ statement }: MfaStatement, whole: Whole, report: Report): void {
  const found = new Map<string, readonly RequestSet[]>();
  const findOpen = (entry: Entry): readonly RequestSet[] => {
    let open = found.get(entry.text);
    if (open === undefined) {
      const exempt = listCovered({ ...statement, actionElement: "Action", actions: [entry] }, whole.user);
      const pattern = parsePattern(entry.text.toLowerCase());
      // What a narrower exemption of another statement leaves is the fault of that one.
      open = callersWithoutMfa
        .flatMap((caller) => whole.findOpen(exempt, caller))
        .filter(({ actions }) => actions.some((glob) => glob.pattern === pattern));
      found.set(entry.text, open);
    }
    return open;
  };
  checkExempt(statement.actions, findOpen, report);
}

/**
 * @param denied the callers without MFA who are denied what the statement is about, by this statement or by others
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

/** Checks the conditions of a Deny that are not about MFA: requests that do not meet them need no MFA. */
function checkOthers(each: MfaStatement, whole: Whole, report: Report): void {
  const { statement, others, holdsFor, onPresent, onAge } = each;
  if (others.length === 0 || onPresent.length + onAge.length === 0) return;
  const held = callersWithoutMfa.filter((caller) => holdsFor.has(caller));
  const about = held.length > 0 ? held : callersWithoutMfa;
  const covered = listCovered(statement, whole.user);
  const open = about.filter((caller) => !isHarmless(whole.findOpen(covered, caller)));
  for (const test of others) {
    if (open.every((caller) => whole.isMet(test, caller))) continue;
    const { key, path } = test;
    if (test.lowerKey === viaService && about.every((caller) => whole.isMet(test, caller, false))) {
      const services = joinList(servicesWithoutViaService);
      const message = `requests to ${services} do not have ${quoteText(key)}, so they do not meet this condition and need no MFA`;
      const more = { BoolIfExists: { [key]: "false" } };
      const Condition = changeConditions(report.root, statement, [test], more);
      report.add(
        "extra-condition",
        path,
        message,
        `write ${quoteBlock(more)}`,
        changeStatement(statement, { Condition }),
      );
    } else {
      const message = `requests that do not meet the condition on ${quoteText(key)} need no MFA: all conditions of a statement must be met`;
      report.add("extra-condition", path, message, "remove it, unless such requests should need no MFA");
    }
  }
}

const quoteBlock = (block: object): string =>
  JSON.stringify(block).slice(1, -1).replaceAll(":{", ": {").replaceAll('":"', '": "');

/** @param isRest whether other statements are about the rest of the actions */
function checkScope(each: MfaStatement, isRest: boolean, whole: Whole, report: Report): void {
  const { statement, onPresent, onAge, isWide, hasAllActions, others } = each;
  const { actionElement, resourceElement, resources, path } = statement;
  if (onPresent.length + onAge.length === 0) return;
  if (isWide) {
    if (isEverywhere(statement) || resourceElement === undefined) return;
    const left = listOnOtherResources(statement, whole.user);
    if (callersWithoutMfa.every((caller) => isHarmless(whole.findOpen(left, caller)))) return;
    const message =
      resourceElement === "Resource"
        ? "this applies to these resources only: actions on other resources, or on none, need no MFA"
        : `this leaves out ${joinList(resources.map(({ text }) => quoteText(text)))}: actions on matching resources need no MFA`;
    const instead = resourceElement === "Resource" ? "" : ' instead of "NotResource"';
    // A Deny of all actions on all resources would lock users out.
    const fix = actionElement === "Action" ? `${notAction} and "Resource": "*"` : `write "Resource": "*"${instead}`;
    const patch = changeStatement(statement, everythingElse(statement));
    report.add("narrow-resource", [...path, resourceElement], message, fix, patch);
  } else if (!isRest) {
    const what = hasAllActions ? "actions on these resources" : "these actions";
    const only = others.length === 0 ? "" : `, and only requests that meet the condition on ${listKeys(others)}`;
    const message = `this denies only ${what} without MFA${only}: all other actions work without MFA`;
    const fix = "to require MFA for everything, start from: fob policy show";
    report.add("partial-enforcement", [...path, "Action"], message, fix);
  }
}

const listKeys = (tests: readonly ParsedCondition[]): string =>
  joinList([...new Set(tests.map(({ key }) => quoteText(key)))]);
