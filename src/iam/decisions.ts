// What the evaluator decides about a user of a snapshot, with all policies of the user.
import { findCoverage, listPartsAllowed, type RequestSet } from "../policy/coverage.ts";
import { servicesWithoutViaService, withoutViaService } from "../policy/direct-requests.ts";
import { describeOpening, findOpenings, isEnforced } from "../policy/enforced.ts";
import type { PolicyDocument } from "../policy/engine/document.ts";
import {
  ABSENT,
  type AuthorizationRequest,
  type Decision,
  evaluate,
  type RequestContext,
  statementsOf,
} from "../policy/engine/evaluate.ts";
import { describeUser, mergeContexts } from "../policy/engine/subject.ts";
import { matches } from "../policy/engine/wildcard.ts";
import { type AuthMethod, listAuthMethods } from "../policy/proof.ts";
import { createResultCache, type ResultCache, type ResultInput } from "../policy/result-cache.ts";
import { indexPolicies, type PoliciesOfUser } from "./policies-of.ts";
import { type Identities, type Known, mapKnown, type UserIdentity } from "./snapshot.ts";

/** How a user authenticates: with an access key, in the console without MFA, or in a session with MFA. */
export type Method = "key" | "sign-in" | "MFA";

const methods: ReadonlyMap<string, AuthMethod> = new Map(listAuthMethods([]).map((method) => [method.name, method]));
const methodOf = (name: Method): AuthMethod => methods.get(name) as AuthMethod;
const withoutMfa = [methodOf("key"), methodOf("sign-in")];

/** Requests with an access key do not have these keys. */
const noMfa: RequestContext = { "aws:MultiFactorAuthPresent": ABSENT, "aws:MultiFactorAuthAge": ABSENT };

/** What a user's policies decide; other policies can be tried in addition. */
export interface UserDecisions {
  readonly user: UserIdentity;
  /** Decides one request. What depends on keys that such requests may have is "unknown". */
  decide(
    request: Pick<AuthorizationRequest, "action" | "resource">,
    method: Method,
    more?: readonly PolicyDocument[],
  ): Decision;
  /** Says what works without MFA although users do not need it to set MFA up; undefined if nothing does. */
  findOpening(more?: readonly PolicyDocument[]): string | undefined;
  /** Whether the policies allow an action on some resource, or may do so. */
  mayAllow(action: string, method: Method): boolean;
  /** Lists what the policies allow, as patterns: `s3:Get*`, `iam:GetUser on arn:…`. */
  listAllowed(method: Method, more?: readonly PolicyDocument[]): readonly string[];
}

/** Returns what the policies of a user decide; unknown if one of them is not known. */
export type DecisionsOf = (user: UserIdentity) => Known<UserDecisions>;

/** Prepares to decide about many users. */
export function indexDecisions(identities: Pick<Identities, "groups" | "managedPolicies">): DecisionsOf {
  const policiesOf = indexPolicies(identities);
  const cache = createResultCache();
  return (user) => mapKnown(policiesOf(user), (policies) => decideAbout(user, policies, cache));
}

/**
 * @param found the policies that decide about the user
 * @param cache of those who decide about many users
 */
export function decideAbout(
  user: UserIdentity,
  { policies, boundary: limit }: PoliciesOfUser,
  cache: ResultCache = createResultCache(),
): UserDecisions {
  const own = policies.map(({ document }) => document);
  // The user makes the request, not an AWS service on the user's behalf.
  const identity = mergeContexts(describeUser(user)?.context ?? {}, { "aws:ViaAWSService": "false" });
  const withoutKeys = mergeContexts(noMfa, identity);
  const contexts = new Map<Method, RequestContext>();
  const contextOf = (method: Method): RequestContext => {
    const context = contexts.get(method) ?? mergeContexts(withoutKeys, methodOf(method).context);
    contexts.set(method, context);
    return context;
  };
  const boundary = limit?.document;
  return {
    user,
    decide({ action, resource }, method, more = []) {
      const hasKey = !servicesWithoutViaService.includes(action.split(":")[0] ?? "");
      const context = hasKey ? contextOf(method) : withoutViaService(contextOf(method));
      return evaluate([...own, ...more], { action, resource, context }, { boundary, otherKeys: "unknown" }).decision;
    },
    findOpening(more = []) {
      // What is not denied does not depend on what policies allow, but on what a boundary allows.
      const denying = [...own, ...more].filter((document) =>
        statementsOf(document).some(({ effect }) => effect === "Deny"),
      );
      return cache("opening", { policies: denying, boundary, context: identity }, describeOpenings);
    },
    mayAllow: (action, method) =>
      findAllowed({ policies: own, boundary, context: contextOf(method) }).some((set) => hasAction(set, action)),
    listAllowed: (method, more = []) =>
      cache("allowed", { policies: [...own, ...more], boundary, context: contextOf(method) }, listAllowed),
  };
}

function describeOpenings({ policies, boundary, context }: ResultInput): string | undefined {
  const openings = findOpenings(policies, boundary, withoutMfa, context);
  const open = openings.filter((opening) => !isEnforced(opening));
  const texts = open.map((opening) => describeOpening(opening, (keys) => `depends on ${keys.join(", ")}`));
  return texts.length === 0 ? undefined : [...new Set(texts)].join("; ");
}

const listAllowed = (input: ResultInput): readonly string[] => [...new Set(findAllowed(input).map(formatSet))].sort();

function findAllowed({ policies, boundary, context }: ResultInput): readonly RequestSet[] {
  const about = { conditions: context, resources: context };
  const all = policies.flatMap(statementsOf);
  const limit = boundary === undefined ? undefined : statementsOf(boundary);
  return findCoverage(all, limit, about).open.flatMap((set) => listPartsAllowed(set, all, about));
}

function hasAction({ actions, notActions }: RequestSet, action: string): boolean {
  const isIn = ({ pattern }: RequestSet["actions"][number]): boolean => matches(pattern, action.toLowerCase());
  return actions.every(isIn) && !notActions.some(isIn);
}

function formatSet({ actions, notActions, resources, notResources }: RequestSet): string {
  // The narrowest pattern is the last one: a statement's, within another's.
  const list = (globs: RequestSet["actions"]): string => globs.map(({ text }) => text).join(" and ");
  const except = notActions.length === 0 ? "" : ` except ${list(notActions)}`;
  const narrowed = resources.filter(({ text }) => text !== "*");
  const on = narrowed.length === 0 ? "" : ` on ${list(narrowed)}`;
  const elsewhere = notResources.length === 0 ? "" : ` on other resources than ${list(notResources)}`;
  return `${actions.length === 0 ? "*" : list(actions)}${except}${on}${elsewhere}`;
}
