// Works out which requests statements leave open, from the documents themselves: samples would miss what they do not try.
//
// Sets of requests are kept as patterns. Where a set cannot be worked out exactly, it is taken to be larger: something may
// be called open that is not, but nothing is called denied that is not.
import type { PolicyDocument } from "./engine/document.ts";
import {
  type ParsedRequest,
  parseRequest,
  type RequestContext,
  RequestError,
  statementsOf,
  type Truth,
  testCondition,
} from "./engine/evaluate.ts";
import type { Statement } from "./engine/grammar.ts";
import { resolveVariables } from "./engine/template.ts";
import { areDisjoint, covers, type Pattern, parsePattern } from "./engine/wildcard.ts";
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
  readonly denies: readonly Statement[];
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

/** Works out what the policies and the boundary leave open. */
export function findCoverage(
  policies: readonly PolicyDocument[],
  boundary: PolicyDocument | undefined,
  context: CoverageContext,
): Coverage {
  const [forConditions, forResources] = [parseContext(context.conditions), parseContext(context.resources)];
  const documents = [...policies, ...(boundary === undefined ? [] : [boundary])];
  const denies = documents
    .flatMap(statementsOf)
    .filter(({ effect }) => effect === "Deny")
    .map((statement) => ({ statement, holds: testConditions(statement, forConditions) }));
  const certain = denies.filter(({ holds }) => holds === true).map(({ statement }) => statement);
  const possible = denies.filter(({ holds }) => holds !== false);
  const allows = (boundary === undefined ? [] : statementsOf(boundary))
    .filter(({ effect }) => effect === "Allow")
    .map((statement) => ({ statement, holds: testConditions(statement, forConditions) }));
  const within = (isIn: (holds: Truth) => boolean): readonly RequestSet[] =>
    boundary === undefined
      ? [everything]
      : allows.filter(({ holds }) => isIn(holds)).flatMap(({ statement }) => listAllowed(statement, forResources));
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

/** Lists what the policies may allow of the requests. */
export function listPartsAllowed(
  set: RequestSet,
  policies: readonly PolicyDocument[],
  { conditions, resources }: CoverageContext,
): readonly RequestSet[] {
  const [forConditions, forResources] = [parseContext(conditions), parseContext(resources)];
  return policies
    .flatMap(statementsOf)
    .filter((statement) => statement.effect === "Allow" && testConditions(statement, forConditions) !== false)
    .flatMap((statement) => listAllowed(statement, forResources).flatMap((allowed) => intersect(set, allowed) ?? []));
}

/** Whether requests with these keys, and others, may meet the conditions of a statement. */
export function mayHold(statement: Statement, context: RequestContext): boolean {
  return testConditions(statement, parseContext(context)) !== false;
}

function parseContext(context: RequestContext): ParsedRequest {
  return parseRequest({ action: "iam:GetUser", resource: "*", context }, { otherKeys: "unknown" });
}

function testConditions({ conditions }: Statement, parsed: ParsedRequest): Truth {
  const missing: string[] = [];
  for (const condition of conditions) {
    const holds = testOne(condition, parsed);
    if (holds === false) return false;
    if (holds !== true) missing.push(...holds);
  }
  return missing.length > 0 ? missing : true;
}

function testOne(condition: Statement["conditions"][number], parsed: ParsedRequest): Truth {
  try {
    const holds = testCondition(condition, parsed);
    return typeof holds !== "boolean" && holdsForEveryUser(condition) ? true : holds;
  } catch (error) {
    // For example, "true" compared as a number.
    if (error instanceof RequestError) return [condition.lowerKey];
    throw error;
  }
}

/** Whether it covers all actions, or all except some. */
function isWide({ actionElement, actions }: Statement): boolean {
  return actionElement === "NotAction" || actions.some(({ text }) => isEverything(text));
}

/** Above this number, sets are no longer reduced. Policies that people write have only a few. */
const most = 200;

function subtract(
  from: readonly RequestSet[],
  denies: readonly Statement[],
  parsed: ParsedRequest,
): readonly RequestSet[] {
  let open = from;
  // Statements that leave little open come first, which keeps the number of sets low.
  for (const deny of [...denies].sort((a, b) => Number(isWide(b)) - Number(isWide(a)))) {
    const left = listLeft(deny, parsed);
    if (open.length * left.length > most) continue;
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
function listLeft(statement: Statement, parsed: ParsedRequest): readonly RequestSet[] {
  const { actionElement, resourceElement } = statement;
  const actions = listActions(statement);
  const byAction =
    actionElement === "NotAction"
      ? actions.map((action) => ({ ...everything, actions: [action] }))
      : actions.some(({ text }) => isEverything(text))
        ? []
        : [{ ...everything, notActions: actions }];
  const resources = listResources(statement, parsed, resourceElement === "NotResource");
  const byResource =
    resourceElement === "NotResource"
      ? resources.map((resource) => (isEveryResource(resource) ? everything : { ...everything, resources: [resource] }))
      : resources.some(isEveryResource)
        ? []
        : [{ ...everything, notResources: resources }];
  return [...byAction, ...byResource];
}

/** What an Allow allows. */
function listAllowed(statement: Statement, parsed: ParsedRequest): readonly RequestSet[] {
  const { actionElement, resourceElement } = statement;
  const actions = listActions(statement);
  const byAction: readonly Partial<RequestSet>[] =
    actionElement === "NotAction"
      ? [{ notActions: actions }]
      : actions.map((action) => (isEverything(action.text) ? {} : { actions: [action] }));
  const resources = listResources(statement, parsed, resourceElement !== "NotResource");
  const byResource: readonly Partial<RequestSet>[] =
    resourceElement === "NotResource"
      ? [{ notResources: resources }]
      : resources.map((resource) => (isEveryResource(resource) ? {} : { resources: [resource] }));
  return byAction.flatMap((action) => byResource.map((resource) => ({ ...everything, ...action, ...resource })));
}

function listActions({ actions }: Statement): readonly Glob[] {
  return actions.map(({ text }) => ({ text, pattern: parsePattern(text.toLowerCase()) }));
}

/** @param atMost whether resources that depend on unknown keys may be any; otherwise they count as none */
function listResources({ resources }: Statement, parsed: ParsedRequest, atMost: boolean): readonly Glob[] {
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
