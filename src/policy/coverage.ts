// Works out which requests statements leave open, from the documents themselves: samples would miss what they do not try.
//
// Sets of requests are kept as patterns. Where a set cannot be worked out exactly, it is taken to be larger: something may
// be called open that is not, but nothing is called denied that is not.

import { isDirect, servicesWithoutViaService, viaService, withoutViaService } from "./direct-requests.ts";
import {
  type ParsedRequest,
  parseRequest,
  type RequestContext,
  RequestError,
  type Truth,
  testCondition,
} from "./engine/evaluate.ts";
import type { ParsedCondition, ParsedStatement } from "./engine/grammar.ts";
import { resolveVariables } from "./engine/template.ts";
import { areDisjoint, covers, matches, type Pattern, parsePattern } from "./engine/wildcard.ts";
import { isEverything } from "./lint/known.ts";
import { holdsForEveryUser } from "./other-users.ts";

/** A pattern of actions (in lower case) or resources, and how the policy writes it. */
export interface Glob {
  readonly text: string;
  readonly pattern: Pattern;
}

/** The requests whose action and resource match all patterns and none of the excluded ones. */
export interface RequestSet {
  readonly actions: readonly Glob[];
  readonly notActions: readonly Glob[];
  readonly resources: readonly Glob[];
  readonly notResources: readonly Glob[];
}

const everything: RequestSet = { actions: [], notActions: [], resources: [], notResources: [] };

/** What policies leave open, whatever other policies allow. */
export interface Coverage {
  /** Not denied by statements whose conditions certainly hold. Empty: everything is denied. */
  readonly open: readonly RequestSet[];
  /** The statements that deny, in the order of the policies. */
  readonly denies: readonly ParsedStatement[];
  /** Not denied if all statements deny whose conditions may hold. */
  readonly openAtBest: readonly RequestSet[];
  /** The context keys, in lower case, that those further statements depend on. */
  readonly keys: readonly string[];
}

/** The context keys of the requests. Keys that are not set have unknown values. */
export interface CoverageContext {
  /** For conditions. */
  readonly conditions: RequestContext;
  /** For the variables of resources. */
  readonly resources: RequestContext;
}

/** Works out what the statements of policies and of a boundary leave open. */
export function findCoverage(
  statements: readonly ParsedStatement[],
  boundary: readonly ParsedStatement[] | undefined,
  context: CoverageContext,
): Coverage {
  const coverage = findCoverageOfMost(statements, boundary, context);
  const tested = [...statements, ...(boundary ?? [])].some(({ conditions }) =>
    conditions.some(({ lowerKey }) => lowerKey === viaService),
  );
  if (!tested || !isDirect(context.conditions)) return coverage;
  const without = { ...context, conditions: withoutViaService(context.conditions) };
  const { open, openAtBest, keys } = findCoverageOfMost(statements, boundary, without);
  const add = (all: readonly RequestSet[], more: readonly RequestSet[]): readonly RequestSet[] =>
    removeCovered([...all, ...intersectAll(ofServicesWithoutKey, more)]);
  return {
    ...coverage,
    open: add(coverage.open, open),
    openAtBest: add(coverage.openAtBest, openAtBest),
    keys: [...new Set([...coverage.keys, ...keys])].sort(),
  };
}

const ofServicesWithoutKey = servicesWithoutViaService.map((service) => {
  const text = `${service}:*`;
  return { ...everything, actions: [{ text, pattern: parsePattern(text) }] };
});

/** For services whose requests have all keys. */
function findCoverageOfMost(
  statements: readonly ParsedStatement[],
  boundary: readonly ParsedStatement[] | undefined,
  context: CoverageContext,
): Coverage {
  const [forConditions, forResources] = [parseContext(context.conditions), parseContext(context.resources)];
  const denies = [...statements, ...(boundary ?? [])]
    .filter(({ effect }) => effect === "Deny")
    .map((statement) => ({ statement, holds: testConditions(statement, forConditions) }));
  const certain = denies.filter(({ holds }) => holds === true).map(({ statement }) => statement);
  const possible = denies.filter(({ holds }) => holds !== false);
  const allows = (boundary ?? [])
    .filter(({ effect }) => effect === "Allow")
    .map((statement) => ({ statement, holds: testConditions(statement, forConditions) }));
  const within = (isIn: (holds: Truth) => boolean): readonly RequestSet[] =>
    boundary === undefined
      ? [everything]
      : allows.filter(({ holds }) => isIn(holds)).flatMap(({ statement }) => listCoveredSets(statement, forResources));
  const conditional = [...possible, ...allows].filter(({ holds }) => typeof holds !== "boolean");
  const wide = conditional.filter(({ statement }) => statement.effect === "Allow" || isWide(statement));
  const keys = (wide.length > 0 ? wide : conditional).flatMap(({ holds }) => (typeof holds === "boolean" ? [] : holds));
  const open = subtract(
    within((holds) => holds !== false),
    certain,
    forResources,
  );
  return {
    open,
    denies: certain,
    openAtBest:
      conditional.length === 0
        ? open
        : subtract(
            within((holds) => holds === true),
            possible.map(({ statement }) => statement),
            forResources,
          ),
    keys: [...new Set(keys)].sort(),
  };
}

/** Lists what the statements may allow of the requests. */
export function listPartsAllowed(
  set: RequestSet,
  statements: readonly ParsedStatement[],
  { conditions, resources }: CoverageContext,
): readonly RequestSet[] {
  const [forConditions, forResources] = [parseContext(conditions), parseContext(resources)];
  return statements
    .filter((statement) => statement.effect === "Allow" && testConditions(statement, forConditions) !== false)
    .flatMap((statement) => intersectAll([set], listCoveredSets(statement, forResources)));
}

/** Whether requests with these keys, and others, meet the conditions of a statement. */
export function testStatement(statement: ParsedStatement, context: RequestContext): Truth {
  return testConditions(statement, parseContext(context));
}

/** Whether requests with these keys, and others, meet a condition. */
export function testOneCondition(condition: ParsedCondition, context: RequestContext): Truth {
  return testOne(condition, parseContext(context));
}

/** Lists the requests that a statement is about, whatever its conditions. @param context for its resources */
export function listCovered(statement: ParsedStatement, context: RequestContext): readonly RequestSet[] {
  return listCoveredSets(statement, parseContext(context));
}

/** Lists the requests with the actions of a statement, but with other resources. @param context for its resources */
export function listOnOtherResources(statement: ParsedStatement, context: RequestContext): readonly RequestSet[] {
  const ofActions = narrowToActions(statement).map((actions) => ({ ...everything, ...actions }));
  return intersectAll(ofActions, listLeftByResource(statement, parseContext(context)));
}

/** Whether a set has an action, in lower case, on some resources at least. */
export function hasAction({ actions, notActions }: RequestSet, action: string): boolean {
  return (
    actions.every(({ pattern }) => matches(pattern, action)) &&
    !notActions.some(({ pattern }) => matches(pattern, action))
  );
}

/** Lists the requests that are in both lists. */
export function intersectAll(some: readonly RequestSet[], others: readonly RequestSet[]): readonly RequestSet[] {
  return some.flatMap((one) => others.flatMap((other) => intersect(one, other) ?? []));
}

function parseContext(context: RequestContext): ParsedRequest {
  return parseRequest({ action: "iam:GetUser", resource: "*", context }, { otherKeys: "unknown" });
}

function testConditions({ conditions }: ParsedStatement, parsed: ParsedRequest): Truth {
  const missing: string[] = [];
  for (const condition of conditions) {
    const holds = testOne(condition, parsed);
    if (holds === false) return false;
    if (holds !== true) missing.push(...holds);
  }
  return missing.length > 0 ? missing : true;
}

function testOne(condition: ParsedCondition, parsed: ParsedRequest): Truth {
  const { operator, lowerKey } = condition;
  if (operator === undefined) return [lowerKey];
  try {
    const holds = testCondition({ ...condition, operator }, parsed);
    return typeof holds !== "boolean" && holdsForEveryUser(condition) ? true : holds;
  } catch (error) {
    // For example, "true" compared as a number.
    if (error instanceof RequestError) return [lowerKey];
    throw error;
  }
}

/** Whether it covers all actions, or all except some. */
function isWide({ actionElement, actions }: ParsedStatement): boolean {
  return actionElement === "NotAction" || actions.some(({ text }) => isEverything(text));
}

/** Above this number, sets are no longer reduced. Policies that people write have only a few. */
const most = 200;

/** The same while nothing else is denied. A policy of 6,144 characters, which AWS allows, has fewer different patterns. */
const mostAtFirst = 1_300;

/** Above this number, the resources of a statement are taken to be any. */
const mostCovered = 200;

function subtract(
  from: readonly RequestSet[],
  denies: readonly ParsedStatement[],
  parsed: ParsedRequest,
): readonly RequestSet[] {
  let open = from;
  // Statements that leave little open come first, which keeps the number of sets low.
  for (const deny of [...denies].sort((a, b) => Number(isWide(b)) - Number(isWide(a)))) {
    const left = listLeft(deny, parsed);
    if (open.length * left.length > (open.length === 1 ? mostAtFirst : most)) continue;
    open = removeCovered(open.flatMap((set) => leave(set, left)));
  }
  return open;
}

/** The parts of a set that a Deny leaves open. */
function leave(set: RequestSet, left: readonly RequestSet[]): readonly RequestSet[] {
  const parts = left.flatMap((part) => intersect(set, part) ?? []);
  return parts.some((part) => isWithin(set, part)) ? [set] : parts;
}

/** What a Deny does not deny. */
function listLeft(statement: ParsedStatement, parsed: ParsedRequest): readonly RequestSet[] {
  const { actionElement } = statement;
  const actions = [...new Map(listActions(statement).map((glob) => [glob.text.toLowerCase(), glob])).values()];
  const byAction =
    actionElement === "NotAction"
      ? actions.map((action) => ({ ...everything, actions: [action] }))
      : actions.some(({ text }) => isEverything(text))
        ? []
        : [{ ...everything, notActions: actions }];
  return [...byAction, ...listLeftByResource(statement, parsed)];
}

function listLeftByResource(statement: ParsedStatement, parsed: ParsedRequest): readonly RequestSet[] {
  const { resourceElement } = statement;
  const resources = listResources(statement, parsed, resourceElement === "NotResource");
  if (resourceElement !== "NotResource")
    return resources.some(isEveryResource) ? [] : [{ ...everything, notResources: resources }];
  return resources.map((resource) =>
    isEveryResource(resource) ? everything : { ...everything, resources: [resource] },
  );
}

/** What a statement is about: what an Allow allows. */
function listCoveredSets(statement: ParsedStatement, parsed: ParsedRequest): readonly RequestSet[] {
  const { resourceElement } = statement;
  const resources = listResources(statement, parsed, resourceElement !== "NotResource");
  const byAction = narrowToActions(statement);
  const isTooMuch = byAction.length * resources.length > mostCovered;
  const byResource: readonly Partial<RequestSet>[] =
    resourceElement === "NotResource"
      ? [{ notResources: resources }]
      : isTooMuch
        ? [{}]
        : resources.map((resource) => (isEveryResource(resource) ? {} : { resources: [resource] }));
  return byAction.flatMap((action) => byResource.map((resource) => ({ ...everything, ...action, ...resource })));
}

function narrowToActions(statement: ParsedStatement): readonly Partial<RequestSet>[] {
  const actions = listActions(statement);
  return statement.actionElement === "NotAction"
    ? [{ notActions: actions }]
    : actions.map((action) => (isEverything(action.text) ? {} : { actions: [action] }));
}

function listActions({ actions }: ParsedStatement): readonly Glob[] {
  return actions.map(({ text }) => ({ text, pattern: parsePattern(text.toLowerCase()) }));
}

/** @param atMost whether resources that depend on unknown keys may be any; otherwise they count as none */
function listResources({ resources }: ParsedStatement, parsed: ParsedRequest, atMost: boolean): readonly Glob[] {
  return resources.flatMap(({ template }) => {
    const pattern = resolveVariables(template, parsed.lookUp);
    if (pattern === undefined) return [];
    if (typeof pattern === "string") return { text: template.text, pattern };
    return atMost ? { text: "*", pattern: parsePattern("*") } : [];
  });
}

export const isEveryResource = ({ text }: Pick<Glob, "text">): boolean => /^\*+$/.test(text);

/** Returns undefined for the empty set. */
function intersect(a: RequestSet, b: RequestSet): RequestSet | undefined {
  const actions = intersectGlobs(a.actions, b.actions, [...a.notActions, ...b.notActions]);
  if (actions === undefined) return undefined;
  const resources = intersectGlobs(a.resources, b.resources, [...a.notResources, ...b.notResources]);
  if (resources === undefined) return undefined;
  return {
    actions: actions.all,
    notActions: actions.none,
    resources: resources.all,
    notResources: resources.none,
  };
}

function intersectGlobs(
  a: readonly Glob[],
  b: readonly Glob[],
  not: readonly Glob[],
): { readonly all: readonly Glob[]; readonly none: readonly Glob[] } | undefined {
  const all = [...a, ...b].reduce<readonly Glob[]>((kept, glob) => {
    if (kept.some(({ pattern }) => covers(glob.pattern, pattern))) return kept;
    return [...kept.filter(({ pattern }) => !covers(pattern, glob.pattern)), glob];
  }, []);
  if (all.some((one, index) => all.slice(index + 1).some((other) => areDisjoint(one.pattern, other.pattern))))
    return undefined;
  if (all.some(({ pattern }) => not.some((excluded) => covers(excluded.pattern, pattern)))) return undefined;
  const none = not.filter(({ pattern }) => !all.some((one) => areDisjoint(one.pattern, pattern)));
  const once = new Map(none.map((glob) => [glob.pattern, glob]));
  return { all, none: [...once.values()] };
}

/** Leaves out sets that are certainly part of others. */
export function removeCovered(sets: readonly RequestSet[]): readonly RequestSet[] {
  return sets.reduce<readonly RequestSet[]>((kept, set) => {
    if (kept.some((other) => isWithin(set, other))) return kept;
    return [...kept.filter((other) => !isWithin(other, set)), set];
  }, []);
}

/** Whether a set is certainly part of another. */
export function isWithin(inner: RequestSet, outer: RequestSet): boolean {
  return (
    isWithinGlobs(inner.actions, inner.notActions, outer.actions, outer.notActions) &&
    isWithinGlobs(inner.resources, inner.notResources, outer.resources, outer.notResources)
  );
}

function isWithinGlobs(
  inner: readonly Glob[],
  innerNot: readonly Glob[],
  outer: readonly Glob[],
  outerNot: readonly Glob[],
): boolean {
  return (
    outer.every(({ pattern }) => inner.some((glob) => covers(pattern, glob.pattern))) &&
    outerNot.every(
      ({ pattern }) =>
        innerNot.some((glob) => covers(glob.pattern, pattern)) ||
        inner.some((glob) => areDisjoint(glob.pattern, pattern)),
    )
  );
}
