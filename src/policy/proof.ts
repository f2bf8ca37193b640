// Proves whether a set of policies enforces MFA without locking users out: what is allowed, for each way to authenticate.
import { sessionLength } from "../aws/limits.ts";
import { formatDuration } from "../duration.ts";
import { testStatement } from "./coverage.ts";
import {
  isDirect,
  ofEveryUser,
  servicesWithoutViaService,
  viaService,
  withoutViaService,
  withTls,
} from "./direct-requests.ts";
import { findOpenings, type Opening, withoutMfaKeys } from "./enforced.ts";
import type { PolicyDocument } from "./engine/document.ts";
import {
  type AuthorizationRequest,
  type Decision,
  type Evaluation,
  type EvaluationOptions,
  evaluate,
  listContextKeys,
  type RequestContext,
  statementsOf,
} from "./engine/evaluate.ts";
import type { Condition, Statement } from "./engine/grammar.ts";
import { mergeContexts } from "./engine/subject.ts";
import { createDevice, listNeededToEnroll } from "./locked-out.ts";
import { listIdentityConditions } from "./other-users.ts";
import { type EnrollmentWay, findOthersEnrollment, type OthersEnrollment } from "./others-enrollment.ts";

/** A way to authenticate to AWS, and the context keys of its requests. */
export interface AuthMethod {
  readonly name: string;
  readonly text: string;
  readonly context: RequestContext;
  readonly hasMfa: boolean;
  /** It uses credentials of GetSessionToken. */
  readonly isSession: boolean;
}

/**
 * The value of aws:MultiFactorAuthPresent for each way to authenticate:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-multifactorauthpresent
 *
 * @param limits from `findAgeLimits`; the old session exceeds the highest limit that can take effect
 */
export function listAuthMethods(limits: readonly number[]): readonly AuthMethod[] {
  const age = limits.find((limit) => limit < sessionLength.longest) ?? sessionLength.longest;
  const without = { "aws:MultiFactorAuthPresent": "false" };
  const withMfa = (seconds: number): RequestContext => ({
    "aws:MultiFactorAuthPresent": "true",
    "aws:MultiFactorAuthAge": String(seconds),
  });
  return [
    { name: "key", text: "with an access key", context: {}, hasMfa: false, isSession: false },
    { name: "sign-in", text: "signed in without MFA", context: without, hasMfa: false, isSession: false },
    { name: "session", text: "in a session without MFA", context: without, hasMfa: false, isSession: true },
    // A session that is denied after a minute is of no use.
    { name: "MFA", text: "in a session with MFA", context: withMfa(60), hasMfa: true, isSession: true },
    {
      name: "old MFA",
      text: `in a session with MFA older than ${formatDuration(age)}`,
      context: withMfa(Math.floor(age) + 1),
      hasMfa: true,
      isSession: true,
    },
  ];
}

/** Returns the limits that policies (including the boundary) set on the age of the code, in seconds, highest first. */
export function findAgeLimits(policies: readonly PolicyDocument[]): readonly number[] {
  const limits = policies.flatMap(statementsOf).flatMap(({ conditions }) => conditions.flatMap(readAges));
  return limits.sort((a, b) => b - a);
}

function readAges({ operator, lowerKey, values }: Condition): number[] {
  if (operator.kind !== "numeric" || lowerKey !== "aws:multifactorauthage") return [];
  return values.map(({ text }) => Number(text)).filter((age) => age > 0);
}

export type Purpose = "enroll" | "view" | "password" | "session token" | "everyday" | "dangerous";

export interface Row {
  readonly purpose: Purpose;
  readonly action: string;
  readonly resource: string;
  /** The ARN that AWS names in its errors for an action on `*`: if a Deny covers it, the action is denied. */
  readonly listed?: string;
}

/** Lists the actions that matter, on the resources of a user. @param user the user's ARN */
function listRows(user: string): readonly Row[] {
  const account = user.split(":user/")[0] ?? "";
  // Users may give their devices any name.
  const device = `${account}:mfa/phone`;
  const rows: readonly [Purpose, readonly (readonly [action: string, resource: string])[]][] = [
    [
      "enroll",
      [
        [createDevice, device],
        ["iam:EnableMFADevice", user],
        ["iam:ResyncMFADevice", user],
      ],
    ],
    [
      "view",
      [
        ["iam:GetUser", user],
        ["iam:ListMFADevices", user],
        ["iam:GetMFADevice", user],
        ["iam:ListVirtualMFADevices", "*"],
        // For the console's list of users. Users enroll on their own security credentials page.
        ["iam:ListUsers", "*"],
      ],
    ],
    [
      "password",
      [
        ["iam:ChangePassword", user],
        ["iam:GetAccountPasswordPolicy", "*"],
      ],
    ],
    [
      "session token",
      [
        ["sts:GetSessionToken", "*"],
        ["sts:GetCallerIdentity", "*"],
      ],
    ],
    [
      "everyday",
      [
        ["s3:ListAllMyBuckets", "*"],
        ["ec2:DescribeInstances", "*"],
        ["sts:AssumeRole", `${account}:role/deploy`],
      ],
    ],
    [
      "dangerous",
      [
        ["iam:DeactivateMFADevice", user],
        ["iam:DeleteVirtualMFADevice", device],
        ["iam:CreateAccessKey", user],
        ["iam:CreateLoginProfile", user],
        ["iam:UpdateLoginProfile", user],
        ["iam:AttachUserPolicy", user],
        ["iam:PutUserPolicy", user],
        ["iam:AddUserToGroup", `${account}:group/admins`],
        ["iam:RemoveUserFromGroup", `${account}:group/RequireMFA`],
        ["iam:CreateUser", `${account}:user/another`],
      ],
    ],
  ];
  const listed = new Map([
    ["iam:ListVirtualMFADevices", `${account}:mfa/`],
    ["iam:ListUsers", `${account}:user/`],
  ]);
  return rows.flatMap(([purpose, actions]) =>
    actions.map(([action, resource]) => {
      const named = listed.get(action);
      return { purpose, action, resource, ...(named === undefined ? {} : { listed: named }) };
    }),
  );
}

export interface Cell {
  readonly authMethod: AuthMethod;
  readonly request: AuthorizationRequest;
  readonly evaluation: Evaluation;
  /** Why AWS denies it, whatever the policies say. */
  readonly awsDenial: string | undefined;
}

export interface ProofRow extends Row {
  readonly cells: readonly Cell[];
}

export interface Proof extends OthersEnrollment {
  readonly authMethods: readonly AuthMethod[];
  readonly rows: readonly ProofRow[];
  /** What is not denied without MFA. */
  readonly openings: readonly Opening[];
  /** A row for creating a device that has the user's name: older policies allow no other name. */
  readonly deviceNamedLikeUser: ProofRow;
  readonly user: string;
  readonly isExample: boolean;
  /** Conditions on who makes the request. */
  readonly identityConditions: readonly string[];
  /** Limits on the age of the code, in seconds, of statements whose conditions are never met. */
  readonly deadLimits: readonly number[];
  /** Whether the policies only deny. */
  readonly onlyDenies: boolean;
  /** Finds the context keys that are not set and that a decision depends on. Takes as long as the decision itself. */
  readonly findDecidingKeys: (cell: Cell) => readonly string[];
  /** The context keys of the policies, in lower case -> as the policies write them. */
  readonly spelling: ReadonlyMap<string, string>;
  /** From `findAgeLimits`. */
  readonly limits: readonly number[];
}

/** The user whom a proof is about. */
export interface ProofUser {
  /** The ARN. */
  readonly user: string;
  /** The context keys of every request. */
  readonly context: RequestContext;
  /** Whether the user is made up: then the proof is meant for all users. */
  readonly isExample?: boolean;
}

/**
 * Evaluates every action for every way to authenticate.
 *
 * @throws RequestError if they make an invalid request
 */
export function prove(
  policies: readonly PolicyDocument[],
  options: EvaluationOptions,
  { user, context, isExample = false }: ProofUser,
): Proof {
  const all = listDocuments(policies, options);
  const limits = findAgeLimits(all);
  const authMethods = listAuthMethods(limits);
  const spelling = new Map(all.flatMap(listContextKeys).map((key) => [key.toLowerCase(), key]));
  const assumed = Object.fromEntries(
    Object.entries({ ...ofEveryUser, ...withTls }).filter(([key]) => spelling.has(key.toLowerCase())),
  );
  const decide = (request: AuthorizationRequest) => ({ request, evaluation: evaluate(policies, request, options) });
  const decideOn = ({ listed, ...row }: Row): ProofRow => ({
    ...row,
    cells: authMethods.map((authMethod) => {
      const { action, resource } = row;
      const keys = { ...mergeContexts(assumed, context), ...authMethod.context };
      const hasKey = !servicesWithoutViaService.includes(action.split(":")[0] ?? "");
      const isTested = spelling.has(viaService) && isDirect(context);
      const request = { action, resource, context: isTested && !hasKey ? withoutViaService(keys) : keys };
      const asked = decide(request);
      const decided = listed === undefined ? [asked] : [asked, decide({ ...request, resource: listed })];
      const of = (decision: Decision) => decided.find(({ evaluation }) => evaluation.decision === decision);
      const last = decided.at(-1);
      const cell = (last?.evaluation.decision === "explicitDeny" ? last : of("allowed")) ?? asked;
      return { authMethod, ...cell, awsDenial: explainAwsDenial(action, authMethod) };
    }),
  });
  const rows = listRows(user).map(decideOn);
  const sameName = user.replace(/:user\/(.*\/)?/, ":mfa/");
  const deviceNamedLikeUser = decideOn({ purpose: "enroll", action: createDevice, resource: sameName });
  const onlyDenies = policies.flatMap(statementsOf).every(({ effect }) => effect === "Deny");
  const openings = findOpenings(policies, options.boundary, authMethods, context);
  const statements = all.flatMap(statementsOf);
  return {
    ...{ authMethods, rows, openings, deviceNamedLikeUser, onlyDenies, spelling, limits, user, isExample },
    identityConditions: listIdentityConditions(statements),
    ...findOthersEnrollment(policies, options, listEnrollmentWays({ rows, authMethods })),
    deadLimits: findDeadLimits(statements, authMethods, context),
    findDecidingKeys: (cell) => findDecidingKeys(cell, policies, options).map((key) => spelling.get(key) ?? key),
  };
}

function listEnrollmentWays({ rows, authMethods }: Pick<Proof, "rows" | "authMethods">): readonly EnrollmentWay[] {
  const ways = authMethods.filter(({ hasMfa, isSession }) => !hasMfa && !isSession);
  return ways.map((way) => {
    const how = way.name === "key" ? "key" : "console";
    const needed = listNeededToEnroll(how);
    const cells = rows.flatMap((row) =>
      needed.includes(row.action) ? row.cells.filter(({ authMethod }) => authMethod === way) : [],
    );
    const create = cells.find(({ request }) => request.action === createDevice);
    return {
      how,
      requests: cells.map(({ request }) => request),
      context: create?.request.context ?? way.context,
      isVirtualDenied: create?.evaluation.decision === "explicitDeny",
    };
  });
}

/** Finds the age limits of a Deny whose conditions no session with MFA meets, whatever its age. */
function findDeadLimits(
  statements: readonly Statement[],
  authMethods: readonly AuthMethod[],
  context: RequestContext,
): readonly number[] {
  const contexts = authMethods.filter(({ hasMfa }) => hasMfa).map((method) => mergeContexts(context, method.context));
  return statements
    .filter(
      (statement) => statement.effect === "Deny" && contexts.every((keys) => testStatement(statement, keys) === false),
    )
    .flatMap(({ conditions }) => conditions.flatMap(readAges));
}

/** Lists the documents of a proof: the policies and the boundary. */
export function listDocuments(
  policies: readonly PolicyDocument[],
  { boundary }: EvaluationOptions,
): readonly PolicyDocument[] {
  return boundary === undefined ? policies : [...policies, boundary];
}

/** Whether users must not be able to do it without MFA. */
export const isGuarded = ({ purpose }: Row): boolean => purpose === "everyday" || purpose === "dangerous";

function findDecidingKeys(
  { request, evaluation }: Pick<Cell, "request" | "evaluation">,
  policies: readonly PolicyDocument[],
  options: EvaluationOptions,
): readonly string[] {
  // What is not allowed needs another policy anyway.
  if (evaluation.decision === "implicitDeny") return [];
  const known = { ...request, context: mergeContexts(withoutMfaKeys, request.context) };
  return evaluate(policies, known, { ...options, otherKeys: "unknown" }).missingContextKeys;
}

/**
 * Explains what AWS denies to sessions, whatever the policies say: "You cannot call any IAM API operations unless MFA
 * authentication information is included in the request. You cannot call any STS API except AssumeRole or
 * GetCallerIdentity." https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
 */
function explainAwsDenial(action: string, { isSession, hasMfa }: AuthMethod): string | undefined {
  if (!isSession) return undefined;
  if (action.startsWith("iam:") && !hasMfa) return "IAM rejects sessions without MFA";
  const isOpen = !action.startsWith("sts:") || ["sts:AssumeRole", "sts:GetCallerIdentity"].includes(action);
  return isOpen ? undefined : "from sessions, STS accepts only AssumeRole and GetCallerIdentity";
}
