// Judges from the documents whether policies enforce MFA: which statements deny everything without it, what they exempt,
// and which of that is dangerous.
import {
  type Coverage,
  type CoverageContext,
  findCoverage,
  hasAction,
  isEveryResource,
  isWithin,
  listPartsAllowed,
  type RequestSet,
  removeCovered,
} from "./coverage.ts";
import { findDanger } from "./dangers.ts";
import { ofEveryUser } from "./direct-requests.ts";
import type { PolicyDocument } from "./engine/document.ts";
import { ABSENT, type RequestContext, statementsOf } from "./engine/evaluate.ts";
import type { ParsedCondition, ParsedStatement } from "./engine/grammar.ts";
import { mergeContexts } from "./engine/subject.ts";
import { listVariables } from "./engine/template.ts";
import { findActions, guessSureAction, isEverything, isKnownService, splitAction } from "./lint/known.ts";
import { joinList } from "./lint/words.ts";
import { isIdentityKey } from "./other-users.ts";
import type { AuthMethod } from "./proof.ts";
import { isNeeded, isTolerated } from "./tolerated.ts";

export { tolerable } from "./tolerated.ts";

/** What is not denied in one way to authenticate without MFA. */
export interface Opening {
  readonly authMethod: AuthMethod;
  readonly coverage: Coverage;
  /** All actions work, at least on some resources. */
  readonly everywhere: readonly RequestSet[];
  /** Exempt actions and patterns, as the policy writes them, that users do not need without MFA. */
  readonly beyond: readonly string[];
  /** The dangerous ones among their actions, with what each does. */
  readonly dangerous: readonly { readonly action: string; readonly danger: string }[];
  /** Exempt actions that users do not need either, but that do not break enforcement. */
  readonly tolerated: readonly string[];
  /** What these policies themselves allow of it, beyond what users need without MFA. */
  readonly allowed: Found;
  /** The context keys, in lower case, that decide whether less is open. */
  readonly dependsOn: readonly string[];
  /** What is open whatever these keys are. */
  readonly inAnyCase: Found;
  /** If everything else is denied to this user: the context keys, in lower case, that decide it for others. */
  readonly othersDependOn: readonly string[];
}

/** The context keys of requests without MFA, unless the way to authenticate says otherwise. */
export const withoutMfaKeys: RequestContext = {
  "aws:MultiFactorAuthPresent": ABSENT,
  "aws:MultiFactorAuthAge": ABSENT,
  ...ofEveryUser,
};

/**
 * Works out what is not denied, for each way to authenticate without MFA.
 *
 * @param context the user's context keys, and others that all requests have
 */
export function findOpenings(
  policies: readonly PolicyDocument[],
  boundary: PolicyDocument | undefined,
  authMethods: readonly AuthMethod[],
  context: RequestContext,
): readonly Opening[] {
  const statements = policies.flatMap(statementsOf);
  const limit = boundary === undefined ? undefined : statementsOf(boundary);
  const isAboutIdentity = [...statements, ...(limit ?? [])].some(({ conditions }) => conditions.some(testsIdentity));
  // Sessions without MFA have the same keys as sign-ins without MFA.
  const ways = authMethods.filter(({ hasMfa, isSession }) => !hasMfa && !isSession);
  return ways.map((authMethod) => {
    const keys = mergeContexts(mergeContexts(withoutMfaKeys, context), authMethod.context);
    const about: CoverageContext = { conditions: keys, resources: keys };
    const coverage = findCoverage(statements, limit, about);
    const found = classify(coverage.open);
    const inAnyCase = classify(coverage.openAtBest);
    const isClosed = isEnforced(found);
    const atFault = coverage.open.filter((set) => !isClosed && !isEnforced(classify([set])));
    return {
      authMethod,
      coverage,
      ...found,
      allowed: classify(removeCovered(atFault.flatMap((set) => listPartsAllowed(set, statements, about)))),
      dependsOn: isSmaller(inAnyCase, found) ? coverage.keys : [],
      inAnyCase,
      othersDependOn: isClosed && isAboutIdentity ? findOthersKeys(statements, limit, keys) : [],
    };
  });
}

/** Whether a condition tests who makes the request, by its key or in a variable. */
function testsIdentity({ lowerKey, values }: ParsedCondition): boolean {
  const variables = values.flatMap(({ template }) => listVariables(template));
  return [lowerKey, ...variables].some((key) => isIdentityKey(key.toLowerCase()));
}

/** If everything else is denied to this user: finds the keys that decide it for others. */
function findOthersKeys(
  statements: readonly ParsedStatement[],
  boundary: readonly ParsedStatement[] | undefined,
  keys: RequestContext,
): readonly string[] {
  const anybody = findCoverage(statements, boundary, { conditions: withoutIdentity(keys), resources: keys });
  return isEnforced(classify(anybody.open)) ? [] : anybody.keys.filter(isIdentityKey);
}

/** Leaves out the context keys that tell who makes the request. */
export function withoutIdentity(context: RequestContext): RequestContext {
  return Object.fromEntries(Object.entries(context).filter(([key]) => !isIdentityKey(key.toLowerCase())));
}

export type Found = Pick<Opening, "everywhere" | "beyond" | "dangerous" | "tolerated">;

/** Whether the first, a part of the second, leaves less open that matters. */
function isSmaller(part: Found, whole: Found): boolean {
  if (isOpenOnAll(whole)) return !isOpenOnAll(part);
  return describeExempt(part) !== describeExempt(whole);
}

/** Whether all actions work, or all but some, on any resource. */
const isOpenOnAll = ({ everywhere }: Found): boolean => everywhere.some(({ resources }) => resources.length === 0);

/** Whether nothing works but what users need to set up MFA, and what does no harm. */
export const isEnforced = ({ everywhere, beyond }: Pick<Opening, "everywhere" | "beyond">): boolean =>
  everywhere.length + beyond.length === 0;

/** Finds out which requests users need to set up MFA, and which of the others are dangerous. */
export function classify(open: readonly RequestSet[]): Found {
  const everywhere = open.filter(({ actions }) => actions.length === 0);
  const beyond = new Set<string>();
  const dangerous = new Map<string, string>();
  const tolerated = new Set<string>();
  for (const set of open.filter(({ actions }) => actions.length > 0)) {
    const names = listNames(set);
    const [first] = set.actions;
    const text = set.actions.map((glob) => glob.text).join(" and ");
    if (names === undefined) beyond.add(text);
    for (const name of names ?? []) {
      const danger = isTolerated(name) ? undefined : findDanger(name);
      if (danger !== undefined) dangerous.set(name, danger);
      if (isTolerated(name)) tolerated.add(name);
      // A literal name is written as AWS does.
      else if (!isNeeded(name)) beyond.add(/[*?]/.test(first?.text ?? "") ? text : name);
    }
  }
  return {
    everywhere,
    beyond: [...beyond],
    dangerous: [...dangerous].map(([action, danger]) => ({ action, danger })),
    tolerated: [...tolerated].sort(),
  };
}

/** Lists the actions of a set, or undefined if fob does not know them all. */
function listNames(set: RequestSet): readonly string[] | undefined {
  const [first] = set.actions;
  const text = first?.text ?? "*";
  if (!isKnownService(splitAction(text)?.service ?? "")) return undefined;
  const found = findActions(text);
  // A typo of an action that AWS has exempts nothing; the linter reports it.
  if (found.length === 0) return /[*?]/.test(text) || guessSureAction(text) !== undefined ? [] : undefined;
  return found.filter(({ lowerName }) => hasAction(set, lowerName)).map(({ name }) => name);
}

/**
 * Describes what is not denied.
 *
 * @param describeKeys describes that a result depends on context keys, in lower case
 */
export function describeOpening(opening: Opening, describeKeys: (keys: readonly string[]) => string): string {
  const { coverage, dependsOn, inAnyCase } = opening;
  if (dependsOn.length > 0) {
    const result = `the result ${describeKeys(dependsOn)}`;
    return isEnforced(inAnyCase) ? result : `${result}; in any case, ${describeExempt(inAnyCase)}`;
  }
  if (!isOpenOnAll(opening)) return describeExempt(opening);
  const certainly = coverage.keys.length > 0 ? "certainly " : "";
  const denied =
    coverage.denies.length === 0
      ? `nothing is ${certainly}denied`
      : `only this is ${certainly}denied: ${joinList(coverage.denies.map(describeDeny), 6)}`;
  const more = coverage.keys.length > 0 ? `; more ${describeKeys(coverage.keys)}` : "";
  return `${denied}${more}${describeAllowed(opening)}`;
}

/** Describes what policies allow of what they do not deny; nothing if they allow all of it. */
function describeAllowed({ everywhere, allowed }: Opening): string {
  const isAll = everywhere.every((set) => allowed.everywhere.some((part) => isWithin(set, part)));
  return isAll || isEnforced(allowed) ? "" : `; ${describeFound(allowed, worksWithoutMfa)}`;
}

interface Words {
  readonly dangerous: string;
  readonly others: string;
}
const isExempt: Words = {
  dangerous: "dangerous actions are exempt",
  others: "these are exempt, but users do not need them to set up MFA",
};
const worksWithoutMfa: Words = {
  dangerous: "dangerous actions work without MFA",
  others: "these work without MFA, but users do not need them to set up MFA",
};

const describeExempt = (found: Found): string => describeFound(found, isExempt);

function describeFound({ everywhere, beyond, dangerous }: Found, words: Words): string {
  const parts: string[] = [];
  for (const [except, sets] of groupByException(everywhere)) {
    const resources = [...new Set(sets.flatMap((set) => set.resources.map(({ text }) => text)))];
    const on = resources.length === 0 ? "" : ` on ${joinList(resources, 6)}`;
    parts.push(`every action${except} works without MFA${on}`);
  }
  const others = beyond.filter((text) => !dangerous.some(({ action }) => action === text));
  if (dangerous.length > 0) parts.push(`${words.dangerous}: ${describeDangers(dangerous)}`);
  if (others.length > 0) parts.push(`${words.others}: ${others.join(", ")}`);
  return parts.join("; ");
}

/** Groups sets of all actions by the actions that they do not have: ` except iam:*`. */
function groupByException(sets: readonly RequestSet[]): ReadonlyMap<string, readonly RequestSet[]> {
  const groups = new Map<string, RequestSet[]>();
  for (const set of sets) {
    const names = joinList([...new Set(set.notActions.map(({ text }) => text))], 6);
    const except = names === "" ? "" : ` except ${names}`;
    groups.set(except, [...(groups.get(except) ?? []), set]);
  }
  return groups;
}

function describeDangers(dangerous: Opening["dangerous"]): string {
  const byDanger = new Map<string, string[]>();
  for (const { action, danger } of dangerous) byDanger.set(danger, [...(byDanger.get(danger) ?? []), action]);
  const dangers = [...byDanger];
  const most = dangers.length > listedDangers ? dangers.sort(([, a], [, b]) => b.length - a.length) : dangers;
  const listed = most.slice(0, listedDangers).map(([danger, actions]) => `${joinList(actions)} (${danger})`);
  const rest = most.slice(listedDangers).flatMap(([, actions]) => actions).length;
  return `${listed.join(", ")}${rest === 0 ? "" : ` and ${rest} more actions`}`;
}

/** Policies that exempt nearly everything open dozens of ways around MFA. */
const listedDangers = 4;

/** Describes what a statement denies. */
function describeDeny({ actionElement, actions, resourceElement, resources }: ParsedStatement): string {
  const names = joinList(actions.map(({ text }) => text));
  const isAll = actions.some(({ text }) => isEverything(text));
  const what = actionElement === "NotAction" ? `everything except ${names}` : isAll ? "everything" : names;
  const list = joinList(resources.map(({ text }) => text));
  if (resourceElement === "NotResource") return `${what} on other resources than ${list}`;
  return resources.some(isEveryResource) ? what : `${what} on ${list}`;
}
