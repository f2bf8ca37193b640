// Proves whether a set of policies enforces MFA without locking users out: what is allowed, for each way to authenticate.
import { formatDuration } from "../duration.ts";
import type { PolicyDocument } from "./engine/document.ts";
import {
  ABSENT,
  type AuthorizationRequest,
  type Evaluation,
  type EvaluationOptions,
  evaluate,
  listContextKeys,
  type RequestContext,
  statementsOf,
} from "./engine/evaluate.ts";
import type { Condition } from "./engine/grammar.ts";
import { mergeContexts } from "./engine/subject.ts";

/** A way to authenticate to AWS, and the context keys of its requests. */
export interface AuthMethod {
  readonly name: string;
  readonly text: string;
  readonly context: RequestContext;
  readonly hasMfa: boolean;
  /** It uses credentials of GetSessionToken. */
  readonly isSession: boolean;
}

/** Sessions of GetSessionToken last at most 36 hours. */
const longest = 129_600;

/**
 * The value of aws:MultiFactorAuthPresent for each way to authenticate:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-multifactorauthpresent
 *
 * @param limits from `findAgeLimits`; the old session exceeds the highest limit that can take effect
 */
export function listAuthMethods(limits: readonly number[]): readonly AuthMethod[] {
  const age = limits.find((limit) => limit < longest) ?? longest;
  const without = { "aws:MultiFactorAuthPresent": "false" };
  const withMfa = (seconds: number): RequestContext => ({
    "aws:MultiFactorAuthPresent": "true",
    "aws:MultiFactorAuthAge": String(seconds),
  });
  return [
    { name: "key", text: "with an access key", context: {}, hasMfa: false, isSession: false },
    { name: "sign-in", text: "signed in without MFA", context: without, hasMfa: false, isSession: false },
    { name: "session", text: "in a session without MFA", context: without, hasMfa: false, isSession: true },
    { name: "MFA", text: "in a session with MFA", context: withMfa(1), hasMfa: true, isSession: true },
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
        ["iam:CreateVirtualMFADevice", device],
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
  return rows.flatMap(([purpose, actions]) => actions.map(([action, resource]) => ({ purpose, action, resource })));
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

export interface Proof {
  readonly authMethods: readonly AuthMethod[];
  readonly rows: readonly ProofRow[];
  /** A row for an action that no policy names. */
  readonly unnamed: ProofRow;
  /** Context keys that the denials of everyday and dangerous actions depend on. */
  readonly onlyIf: { readonly withoutMfa: readonly string[]; readonly withMfa: readonly string[] };
  /** From `findAgeLimits`. */
  readonly limits: readonly number[];
}

/**
 * Evaluates every action for every way to authenticate.
 *
 * @param context further context keys of every request
 * @throws RequestError if they make an invalid request
 */
export function prove(
  policies: readonly PolicyDocument[],
  options: EvaluationOptions,
  { user, context }: { user: string; context: RequestContext },
): Proof {
  const all = listDocuments(policies, options);
  const limits = findAgeLimits(all);
  const authMethods = listAuthMethods(limits);
  const decideOn = (row: Row): ProofRow => ({
    ...row,
    cells: authMethods.map((authMethod) => {
      const { action, resource } = row;
      const request = { action, resource, context: { ...context, ...authMethod.context } };
      const evaluation = evaluate(policies, request, options);
      return { authMethod, request, evaluation, awsDenial: explainAwsDenial(action, authMethod) };
    }),
  });
  const rows = listRows(user).map(decideOn);
  const unnamed = decideOn({ purpose: "everyday", action: "fob:AnyOther", resource: "*" });
  const spelling = new Map(all.flatMap(listContextKeys).map((key) => [key.toLowerCase(), key]));
  const cells = rows.filter(isGuarded).flatMap((row) => row.cells);
  const keysOfDenials = (hasMfa: boolean): readonly string[] => {
    const denials = cells.filter(({ authMethod }) => authMethod.hasMfa === hasMfa);
    const keys = new Set(denials.flatMap((cell) => findDecidingKeys(cell, policies, options)));
    return [...keys].sort().map((key) => spelling.get(key) ?? key);
  };
  const [withoutMfa, withMfa] = [keysOfDenials(false), keysOfDenials(true)];
  return { authMethods, rows, unnamed, onlyIf: { withoutMfa, withMfa }, limits };
}

/** Lists the documents of a proof: the policies and the boundary. */
export function listDocuments(
  policies: readonly PolicyDocument[],
  { boundary }: EvaluationOptions,
): readonly PolicyDocument[] {
  return boundary === undefined ? policies : [...policies, boundary];
}

const isGuarded = ({ purpose }: Row): boolean => purpose === "everyday" || purpose === "dangerous";

/** Returns the keys that a denial depends on: with other values of them, the request may not be denied. */
function findDecidingKeys(
  { request, evaluation }: Cell,
  policies: readonly PolicyDocument[],
  options: EvaluationOptions,
): readonly string[] {
  if (evaluation.decision !== "explicitDeny") return [];
  const mfa: RequestContext = { "aws:MultiFactorAuthPresent": ABSENT, "aws:MultiFactorAuthAge": ABSENT };
  const known = { ...request, context: mergeContexts(mfa, request.context) };
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
  return isOpen ? undefined : "STS rejects sessions, except for AssumeRole and GetCallerIdentity";
}

/** One conclusion from the table. */
export interface Verdict {
  readonly isGood: boolean;
  readonly text: string;
}

export function judgeProof(proof: Proof): readonly Verdict[] {
  const { rows } = proof;
  return [
    judgeEnforcement(proof),
    ...judgeEnrollment(rows),
    judgePassword(rows),
    judgeEveryday(rows),
    judgeOldSessions(proof),
  ];
}

/** Whether it is denied whatever other policies allow. */
const isDenied = ({ evaluation: { decision, isOutsideBoundary } }: Cell): boolean =>
  decision === "explicitDeny" || isOutsideBoundary === true;
const isAllowed = ({ evaluation, awsDenial }: Cell): boolean =>
  evaluation.decision === "allowed" && awsDenial === undefined;
const joinActions = (rows: readonly Row[]): string => rows.map(({ action }) => action).join(", ");
const hasCell = (row: ProofRow, name: string, is: (cell: Cell) => boolean): boolean =>
  row.cells.some((cell) => cell.authMethod.name === name && is(cell));

function judgeEnforcement({ authMethods, rows, unnamed, onlyIf }: Proof): Verdict {
  const guarded = rows.filter(isGuarded);
  const open = authMethods
    .filter(({ hasMfa }) => !hasMfa)
    .map((authMethod): Open => {
      const judged = guarded.filter((row) => hasCell(row, authMethod.name, ({ awsDenial }) => awsDenial === undefined));
      return { authMethod, judged, found: judged.filter((row) => !hasCell(row, authMethod.name, isDenied)) };
    })
    .filter(({ found }) => found.length > 0);
  if (open.length > 0) return { isGood: false, text: `MFA is NOT enforced: ${describeOpen(open)}` };
  if (guarded.every((row) => hasCell(row, "MFA", isDenied))) {
    const why = onlyIf.withMfa.length > 0 ? `the result ${describeMissingKeys(onlyIf.withMfa)}` : "users cannot work";
    return { isGood: false, text: `everyday and dangerous actions are denied even with MFA: ${why}` };
  }
  if (onlyIf.withoutMfa.length > 0) {
    return { isGood: false, text: `MFA is NOT always enforced: the result ${describeMissingKeys(onlyIf.withoutMfa)}` };
  }
  if (!unnamed.cells.every((cell) => cell.authMethod.hasMfa || isDenied(cell))) {
    const text = "MFA is NOT enforced for every action: the actions above are denied without it, others are not";
    return { isGood: false, text };
  }
  return { isGood: true, text: "MFA is enforced: everything except the exempt actions is denied without it" };
}

const describeMissingKeys = (keys: readonly string[]): string =>
  `depends on ${keys.join(", ")}, which these requests do not set (--context KEY=VALUE)`;

interface Open {
  readonly authMethod: AuthMethod;
  /** Rows that policies decide, not AWS itself. */
  readonly judged: readonly ProofRow[];
  /** Those that are not denied. */
  readonly found: readonly ProofRow[];
}

/** Describes what is not denied, for each way to authenticate. */
function describeOpen(open: readonly Open[]): string {
  const isAll = ({ found, judged }: Open): boolean => found.length === judged.length;
  const isNothing = open.every(
    ({ authMethod, found }) => !found.some((row) => hasCell(row, authMethod.name, isAllowed)),
  );
  if (isNothing && open.every(isAll)) {
    return "these policies do not allow actions without it, but they do not deny them either; other policies may allow them";
  }
  const list = open.map((each) => `${each.authMethod.text}: ${isAll(each) ? "all" : joinActions(each.found)}`);
  const more = isNothing ? "; these policies do not allow them, but other policies may" : "";
  return `everyday and dangerous actions are not denied ${list.join("; ")}${more}`;
}

/** What the console and the command line call to enroll a first device. */
const neededToEnroll = [
  ...["iam:CreateVirtualMFADevice", "iam:EnableMFADevice"],
  ...["iam:GetUser", "iam:ListMFADevices", "iam:ListVirtualMFADevices"],
];

/** Whether a user who has no device yet can get one, with a password or with an access key. */
function judgeEnrollment(rows: readonly ProofRow[]): Verdict[] {
  const needed = rows.filter(({ action }) => neededToEnroll.includes(action));
  return ["sign-in", "key"].map((name) => {
    const failing = needed.filter((row) => !hasCell(row, name, isAllowed));
    const how = name === "key" ? "with an access key" : "in the console";
    if (failing.length === 0) return { isGood: true, text: `a new user can enroll ${how}` };
    return { isGood: false, text: `a new user can NOT enroll ${how}: missing ${joinActions(failing)}` };
  });
}

function judgePassword(rows: readonly ProofRow[]): Verdict {
  const isGood = rows.some((row) => row.action === "iam:ChangePassword" && hasCell(row, "sign-in", isAllowed));
  return isGood
    ? { isGood, text: "users with a temporary or expired password can change it without MFA" }
    : { isGood, text: "users with a temporary or expired password are locked out: they can NOT change it without MFA" };
}

function judgeEveryday(rows: readonly ProofRow[]): Verdict {
  const everyday = rows.filter(({ purpose }) => purpose === "everyday");
  const denied = everyday.filter((row) => hasCell(row, "MFA", isDenied));
  const open = everyday.filter((row) => !hasCell(row, "MFA", isAllowed));
  if (denied.length > 0)
    return { isGood: false, text: `these everyday actions are denied even with MFA: ${joinActions(denied)}` };
  if (open.length === 0) return { isGood: true, text: "everyday actions are allowed with MFA" };
  return {
    isGood: true,
    text: `these policies do not allow ${joinActions(open)} with MFA, but the user's other policies may`,
  };
}

function judgeOldSessions({ rows, limits }: Proof): Verdict {
  const [most] = limits;
  if (most === undefined) {
    return { isGood: true, text: "no policy limits the age of a session; AWS ends every session after at most 36 h" };
  }
  if (most >= longest) {
    return {
      isGood: false,
      text: `a limit of ${formatDuration(most)} has no effect: AWS ends every session after at most 36 h`,
    };
  }
  const guarded = rows.filter(isGuarded);
  const allowed = guarded.filter((row) => hasCell(row, "old MFA", isAllowed));
  if (allowed.length > 0) {
    return {
      isGood: false,
      text: `a session older than ${formatDuration(most)} is still allowed ${joinActions(allowed)}`,
    };
  }
  const lower = [...new Set(limits.filter((limit) => limit < most))];
  const others =
    lower.length > 0
      ? `; use --action to check lower limits (${lower.slice(0, 3).map(formatDuration).join(", ")})`
      : "";
  if (guarded.every((row) => hasCell(row, "old MFA", isDenied))) {
    return { isGood: true, text: `old sessions are denied until the user enters a new code${others}` };
  }
  return {
    isGood: true,
    text: "these policies do not allow old sessions, but the user's other policies may",
  };
}
