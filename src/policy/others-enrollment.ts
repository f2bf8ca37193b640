// Finds what may keep other users than the example of a proof from enrolling: conditions on who they are, and a Deny that
// names them.
import { testStatement } from "./coverage.ts";
import { withoutIdentity, withoutMfaKeys } from "./enforced.ts";
import type { PolicyDocument } from "./engine/document.ts";
import {
  type AuthorizationRequest,
  type EvaluationOptions,
  evaluate,
  matchesAction,
  parseRequest,
  type RequestContext,
  statementsOf,
} from "./engine/evaluate.ts";
import type { Statement } from "./engine/grammar.ts";
import { mergeContexts } from "./engine/subject.ts";
import {
  coversAnyOne,
  createDevice,
  findLockedOut,
  type LockedOut,
  listDevices,
  listNeededToEnroll,
} from "./locked-out.ts";
import { listIdentityConditions } from "./other-users.ts";

/** A way to authenticate without MFA. */
export interface EnrollmentWay {
  readonly how: "console" | "key";
  /** What the example requests to enroll. */
  readonly requests: readonly AuthorizationRequest[];
  /** The context keys of the example's requests. */
  readonly context: RequestContext;
  /** Whether virtual devices cannot be created anyway. */
  readonly isVirtualDenied: boolean;
}

export interface OthersEnrollment {
  /** Conditions on who makes the request, of statements that decide about enrollment. */
  readonly enrollmentConditions: readonly string[];
  /** The users whom a Deny of enrollment names: `bob`, `eng/*`, `all but bob`. */
  readonly deniedUsers: readonly string[];
}

export function findOthersEnrollment(
  policies: readonly PolicyDocument[],
  options: EvaluationOptions,
  ways: readonly EnrollmentWay[],
): OthersEnrollment {
  const boundary = options.boundary === undefined ? [] : statementsOf(options.boundary);
  const denies = [...policies.flatMap(statementsOf), ...boundary]
    .filter(({ effect }) => effect === "Deny")
    .map((statement) => ({ statement, whom: ways.flatMap((way) => listWhom(statement, way)) }))
    .filter(({ whom }) => whom.length > 0);
  const deciding = [...denies.map(({ statement }) => statement), ...listDecidingAllows(policies, options, ways)];
  return {
    enrollmentConditions: listIdentityConditions(deciding),
    deniedUsers: [...new Set(denies.flatMap(({ statement, whom }) => nameUsers(statement, whom)))],
  };
}

/** Lists whom a Deny may keep from what they need to enroll any device. */
function listWhom(statement: Statement, { how, context, isVirtualDenied }: EnrollmentWay): readonly LockedOut[] {
  const ofAnybody = mergeContexts(withoutMfaKeys, withoutIdentity(context));
  if (testStatement(statement, ofAnybody) === false) return [];
  const denied = listNeededToEnroll(how, isVirtualDenied).flatMap((action) => {
    const whom = isAbout(statement, action) ? findLockedOut(statement, action) : undefined;
    // Users with a path, and devices with other names, are not about who the user is.
    return whom === undefined || whom === "paths" || whom === "otherNames" ? [] : { action, whom };
  });
  const isOfVirtual = ({ action }: { readonly action: string }): boolean =>
    action === createDevice || action === listDevices;
  const isVirtualOnly = denied.some(({ action }) => action === createDevice) && denied.every(isOfVirtual);
  return isVirtualOnly ? [] : denied.map(({ whom }) => whom);
}

const isAbout = (statement: Statement, action: string): boolean =>
  matchesAction(statement, parseRequest({ action, resource: "*", context: {} }, {}));

/** Names the users whom a Deny is about, if it is not about everyone. */
function nameUsers({ resources }: Statement, whom: readonly LockedOut[]): readonly string[] {
  const names = resources.filter((entry) => !coversAnyOne(entry)).flatMap(({ text }) => nameUser(text));
  return [
    ...(whom.includes("named") ? names : []),
    ...(whom.includes("others") ? [`all but ${[...new Set(names)].join(", ")}`] : []),
  ];
}

/** Returns the name of a user in an ARN, or the pattern for it. A device may have the user's name. */
function nameUser(arn: string): readonly string[] {
  const [, name] = /^arn:[^:]*:iam::[^:]*:(?:user|mfa)\/(.+)$/.exec(arn) ?? [];
  if (name === undefined) return [];
  return [/[*?$]/.test(name) ? name : name.slice(name.lastIndexOf("/") + 1)];
}

/** Lists the Allow statements that enrolling needs. Others may allow the same to everyone. */
function listDecidingAllows(
  policies: readonly PolicyDocument[],
  options: EvaluationOptions,
  ways: readonly EnrollmentWay[],
): readonly Statement[] {
  const requests = ways.flatMap((way) => way.requests);
  const ofBoundary = options.boundary === undefined ? [] : statementsOf(options.boundary);
  const isAllowedToAll = requests.every(
    (request) => evaluate(policies.map(withoutIdentityConditions), request, options).decision !== "implicitDeny",
  );
  return [...(isAllowedToAll ? [] : policies.flatMap(statementsOf)), ...ofBoundary].filter(
    (statement) => statement.effect === "Allow" && requests.some(({ action }) => isAbout(statement, action)),
  );
}

/** Leaves out the statements of a policy that test who makes the request. */
function withoutIdentityConditions(policy: PolicyDocument): PolicyDocument {
  const kept = statementsOf(policy).map((statement) => listIdentityConditions([statement]).length === 0);
  const left = [policy.Statement].flat().filter((_, index) => kept[index]);
  // A policy must have a statement. AWS lets everyone call this action.
  const nothing = { Effect: "Allow", Action: "sts:GetCallerIdentity", Resource: "*" } as const;
  return left.length === kept.length ? policy : { ...policy, Statement: left.length > 0 ? left : [nothing] };
}
