// The proof that a set of policies enforces MFA and locks nobody out: what may be done, by way of calling.
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

/** A way of calling AWS, and what requests say of it. */
export interface AuthMethod {
  readonly name: string;
  readonly text: string;
  readonly context: RequestContext;
  readonly hasMfa: boolean;
  /** It has the credentials of GetSessionToken. */
  readonly isSession: boolean;
}

/** Sessions of GetSessionToken last for 36 hours at most. */
const longest = 129_600;

/**
 * What aws:MultiFactorAuthPresent is for each way of calling:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-multifactorauthpresent
 *
 * @param limits what `ageLimitsOf` the policies are: the old session is older than all that can count
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

/** The limits that policies, the boundary among them, set to the age of the code, in seconds, the highest first. */
export function findAgeLimits(policies: readonly PolicyDocument[]): readonly number[] {
  const limits = policies.flatMap(statementsOf).flatMap(({ conditions }) => conditions.flatMap(readAges));
  return limits.sort((a, b) => b - a);
}

function readAges({ operator, lowerKey, values }: Condition): number[] {
  if (operator.kind !== "numeric" || lowerKey !== "aws:multifactorauthage") return [];
  return values.map(({ text }) => Number(text)).filter((age) => age > 0);
}

export type Purpose = "enrol" | "view" | "password" | "session token" | "everyday" | "dangerous";

export interface Row {
  readonly purpose: Purpose;
  readonly action: string;
  readonly resource: string;
}

/** The actions that matter, on the resources of a user. @param user the user's ARN */
function listRows(user: string): readonly Row[] {
  const account = user.split(":user/")[0] ?? "";
  // Users may give their devices any name.
  const device = `${account}:mfa/phone`;
  const rows: readonly [Purpose, readonly (readonly [action: string, resource: string])[]][] = [
    [
      "enrol",
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
  /** AWS refuses it whatever the policies say: why. */
  readonly refused: string | undefined;
}

export interface ProofRow extends Row {
  readonly cells: readonly Cell[];
}

export interface Proof {
  readonly authMethods: readonly AuthMethod[];
  readonly rows: readonly ProofRow[];
  /** The same for an action that no policy names. */
  readonly unnamed: ProofRow;
  /** Keys on which it hangs that everyday and dangerous actions are denied. */
  readonly onlyIf: { readonly withoutMfa: readonly string[]; readonly withMfa: readonly string[] };
  /** What `ageLimitsOf` the policies are. */
  readonly limits: readonly number[];
}

/**
 * Decides on every action by every way of calling.
 *
 * @param context what every request says besides
 * @throws RequestError when that makes no request
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
      return { authMethod, request, evaluation, refused: explainAwsRefusal(action, authMethod) };
    }),
  });
  const rows = listRows(user).map(decideOn);
  const unnamed = decideOn({ purpose: "everyday", action: "fob:AnyOther", resource: "*" });
  const spelt = new Map(all.flatMap(listContextKeys).map((key) => [key.toLowerCase(), key]));
  const cells = rows.filter(isGuarded).flatMap((row) => row.cells);
  const keysOfDenials = (hasMfa: boolean): readonly string[] => {
    const denials = cells.filter(({ authMethod }) => authMethod.hasMfa === hasMfa);
    const keys = new Set(denials.flatMap((cell) => findDecidingKeys(cell, policies, options)));
    return [...keys].sort().map((key) => spelt.get(key) ?? key);
  };
  const [withoutMfa, withMfa] = [keysOfDenials(false), keysOfDenials(true)];
  return { authMethods, rows, unnamed, onlyIf: { withoutMfa, withMfa }, limits };
}

/** What a proof is about: the policies, and the boundary. */
export function listDocuments(
  policies: readonly PolicyDocument[],
  { boundary }: EvaluationOptions,
): readonly PolicyDocument[] {
  return boundary === undefined ? policies : [...policies, boundary];
}

const isGuarded = ({ purpose }: Row): boolean => purpose === "everyday" || purpose === "dangerous";

/** The keys on which a denial hangs: it may be one only because requests that say nothing of them were looked at. */
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
 * What AWS refuses to sessions, whatever the policies say: "You cannot call any IAM API operations unless MFA
 * authentication information is included in the request. You cannot call any STS API except AssumeRole or
 * GetCallerIdentity." https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
 */
function explainAwsRefusal(action: string, { isSession, hasMfa }: AuthMethod): string | undefined {
  if (!isSession) return undefined;
  if (action.startsWith("iam:") && !hasMfa) return "AWS lets no session without MFA call IAM";
  const isOpen = !action.startsWith("sts:") || ["sts:AssumeRole", "sts:GetCallerIdentity"].includes(action);
  return isOpen ? undefined : "AWS lets sessions call nothing of STS but AssumeRole and GetCallerIdentity";
}

/** One thing that the table shows, in words. */
export interface Verdict {
  readonly isGood: boolean;
  readonly text: string;
}

/** What the table comes to. */
export function judgeProof(proof: Proof): readonly Verdict[] {
  const { rows } = proof;
  return [
    judgeEnforcement(proof),
    ...judgeEnrolment(rows),
    judgePassword(rows),
    judgeEveryday(rows),
    judgeOldSessions(proof),
  ];
}

/** Denied for good: no other policy could allow it. */
const isDenied = ({ evaluation: { decision, isOutsideBoundary } }: Cell): boolean =>
  decision === "explicitDeny" || isOutsideBoundary === true;
const isAllowed = ({ evaluation, refused }: Cell): boolean =>
  evaluation.decision === "allowed" && refused === undefined;
const joinActions = (rows: readonly Row[]): string => rows.map(({ action }) => action).join(", ");
const hasCell = (row: ProofRow, name: string, is: (cell: Cell) => boolean): boolean =>
  row.cells.some((cell) => cell.authMethod.name === name && is(cell));

function judgeEnforcement({ authMethods, rows, unnamed, onlyIf }: Proof): Verdict {
  const guarded = rows.filter(isGuarded);
  const open = authMethods
    .filter(({ hasMfa }) => !hasMfa)
    .map((authMethod): Open => {
      const judged = guarded.filter((row) => hasCell(row, authMethod.name, ({ refused }) => refused === undefined));
      return { authMethod, judged, found: judged.filter((row) => !hasCell(row, authMethod.name, isDenied)) };
    })
    .filter(({ found }) => found.length > 0);
  if (open.length > 0) return { isGood: false, text: `MFA is NOT enforced: ${describeOpen(open)}` };
  if (guarded.every((row) => hasCell(row, "MFA", isDenied))) {
    const why = onlyIf.withMfa.length > 0 ? `it ${describeMissingKeys(onlyIf.withMfa)}` : "nobody can work";
    return { isGood: false, text: `these actions are denied with MFA as without it: ${why}` };
  }
  if (onlyIf.withoutMfa.length > 0) {
    return { isGood: false, text: `MFA is NOT always enforced: it ${describeMissingKeys(onlyIf.withoutMfa)}` };
  }
  if (!unnamed.cells.every((cell) => cell.authMethod.hasMfa || isDenied(cell))) {
    const text = "MFA is NOT enforced for every action: those above are denied without it, others are not";
    return { isGood: false, text };
  }
  return { isGood: true, text: "MFA is enforced: without it everything is denied but what is exempt" };
}

const describeMissingKeys = (keys: readonly string[]): string =>
  `hangs on ${keys.join(", ")}, of which these requests say nothing (--context KEY=VALUE)`;

interface Open {
  readonly authMethod: AuthMethod;
  /** What policies decide on, not AWS itself. */
  readonly judged: readonly ProofRow[];
  /** What of it is not denied. */
  readonly found: readonly ProofRow[];
}

/** What is not denied, by way of calling. */
function describeOpen(open: readonly Open[]): string {
  const isAll = ({ found, judged }: Open): boolean => found.length === judged.length;
  const isNothing = open.every(
    ({ authMethod, found }) => !found.some((row) => hasCell(row, authMethod.name, isAllowed)),
  );
  if (isNothing && open.every(isAll)) {
    return "nothing is denied without it, only not allowed by these policies; another may allow it";
  }
  const list = open.map((each) => `${each.authMethod.text}: ${isAll(each) ? "all of them" : joinActions(each.found)}`);
  const more = isNothing ? "; these policies do not allow them, others may" : "";
  return `everyday and dangerous actions are not denied ${list.join("; ")}${more}`;
}

/** What the console and the command line call on the way to a first device. */
const neededToEnrol = [
  ...["iam:CreateVirtualMFADevice", "iam:EnableMFADevice"],
  ...["iam:GetUser", "iam:ListMFADevices", "iam:ListVirtualMFADevices"],
];

/** Whether a user who has no device yet can get one, with a password or with an access key. */
function judgeEnrolment(rows: readonly ProofRow[]): Verdict[] {
  const needed = rows.filter(({ action }) => neededToEnrol.includes(action));
  return ["sign-in", "key"].map((name) => {
    const failing = needed.filter((row) => !hasCell(row, name, isAllowed));
    const how = name === "key" ? "with an access key" : "in the console";
    if (failing.length === 0) return { isGood: true, text: `a new user can enrol ${how}` };
    return { isGood: false, text: `a new user can NOT enrol ${how}: not allowed are ${joinActions(failing)}` };
  });
}

function judgePassword(rows: readonly ProofRow[]): Verdict {
  const isGood = rows.some((row) => row.action === "iam:ChangePassword" && hasCell(row, "sign-in", isAllowed));
  return isGood
    ? { isGood, text: "a first or an expired password can be changed without MFA" }
    : { isGood, text: "a first or an expired password can NOT be changed without MFA: who has one is locked out" };
}

function judgeEveryday(rows: readonly ProofRow[]): Verdict {
  const everyday = rows.filter(({ purpose }) => purpose === "everyday");
  const denied = everyday.filter((row) => hasCell(row, "MFA", isDenied));
  const open = everyday.filter((row) => !hasCell(row, "MFA", isAllowed));
  if (denied.length > 0)
    return { isGood: false, text: `with MFA, these are denied all the same: ${joinActions(denied)}` };
  if (open.length === 0) return { isGood: true, text: "with MFA, everyday actions are allowed" };
  return {
    isGood: true,
    text: `with MFA, these policies do not allow ${joinActions(open)}; the user's other policies may`,
  };
}

function judgeOldSessions({ rows, limits }: Proof): Verdict {
  const [most] = limits;
  if (most === undefined) {
    return { isGood: true, text: "no policy limits the age of a session, which AWS ends after 36 h at most" };
  }
  if (most >= longest) {
    return {
      isGood: false,
      text: `a limit of ${formatDuration(most)} never counts: AWS ends sessions after 36 h at most`,
    };
  }
  const guarded = rows.filter(isGuarded);
  const allowed = guarded.filter((row) => hasCell(row, "old MFA", isAllowed));
  if (allowed.length > 0) {
    return {
      isGood: false,
      text: `a session older than ${formatDuration(most)} may still do this: ${joinActions(allowed)}`,
    };
  }
  const lower = [...new Set(limits.filter((limit) => limit < most))];
  const others =
    lower.length > 0
      ? `; ask about lower limits (${lower.slice(0, 3).map(formatDuration).join(", ")}) with --action`
      : "";
  if (guarded.every((row) => hasCell(row, "old MFA", isDenied))) {
    return { isGood: true, text: `an old session is denied until a new code is typed${others}` };
  }
  return {
    isGood: true,
    text: "an old session is not allowed by these policies; the user's other policies may allow it",
  };
}
