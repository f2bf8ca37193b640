// The proof that a set of policies enforces MFA and locks nobody out: what may be done, by way of calling.
import { inWords } from "../terminal/duration.ts";
import type { Condition, PolicyDocument } from "./document.ts";
import {
  type AuthorizationRequest,
  type Circumstances,
  type Context,
  type Evaluation,
  evaluate,
  statementsOf,
} from "./evaluate.ts";

/** A way of calling AWS, and what requests say of it. */
export interface Way {
  readonly name: string;
  readonly text: string;
  readonly context: Context;
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
 * @param limit the age of the code, in seconds, that the policies set a limit at
 */
export function waysOf(limit: number = longest): readonly Way[] {
  const without = { "aws:MultiFactorAuthPresent": "false" };
  const withMfa = (age: number): Context => ({
    "aws:MultiFactorAuthPresent": "true",
    "aws:MultiFactorAuthAge": String(age),
  });
  return [
    { name: "key", text: "an access key", context: {}, hasMfa: false, isSession: false },
    { name: "sign-in", text: "signed in without MFA", context: without, hasMfa: false, isSession: false },
    { name: "session", text: "a session without MFA", context: without, hasMfa: false, isSession: true },
    { name: "MFA", text: "a session with MFA", context: withMfa(1), hasMfa: true, isSession: true },
    {
      name: "old MFA",
      text: `a session with MFA, older than ${inWords(limit)}`,
      context: withMfa(limit + 1),
      hasMfa: true,
      isSession: true,
    },
  ];
}

/** The limit that the policies set to the age of the code, in seconds; the lowest, where there are several. */
export function ageLimitOf(policies: readonly PolicyDocument[]): number | undefined {
  const limits = policies.flatMap(statementsOf).flatMap(({ conditions }) => conditions.flatMap(ageOf));
  return limits.length === 0 ? undefined : Math.min(...limits);
}

function ageOf({ operator, lowerKey, values }: Condition): number[] {
  if (operator.kind !== "numeric" || lowerKey !== "aws:multifactorauthage") return [];
  return values.map(({ text }) => Number(text)).filter((age) => age >= 1);
}

export type Purpose = "enrol" | "view" | "password" | "session token" | "everyday" | "dangerous";

export interface Row {
  readonly purpose: Purpose;
  readonly action: string;
  readonly resource: string;
}

/** The actions that matter, on the resources of a user. @param user the user's ARN */
export function rowsOf(user: string): readonly Row[] {
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
  readonly way: Way;
  readonly request: AuthorizationRequest;
  readonly evaluation: Evaluation;
  /** AWS refuses it whatever the policies say: why. */
  readonly refused: string | undefined;
}

export interface ProofRow extends Row {
  readonly cells: readonly Cell[];
}

/** Decides on every action by every way of calling. @param context what every request says besides */
export function prove(
  policies: readonly PolicyDocument[],
  circumstances: Circumstances,
  { rows, ways, context }: { rows: readonly Row[]; ways: readonly Way[]; context: Context },
): readonly ProofRow[] {
  return rows.map((row) => ({
    ...row,
    cells: ways.map((way) => {
      const { action, resource } = row;
      const request = { action, resource, context: { ...context, ...way.context } };
      const evaluation = evaluate(policies, request, circumstances);
      return { way, request, evaluation, refused: refusedAnyway(action, way) };
    }),
  }));
}

/**
 * What AWS refuses to sessions, whatever the policies say: "You cannot call any IAM API operations unless MFA
 * authentication information is included in the request. You cannot call any STS API except AssumeRole or
 * GetCallerIdentity." https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
 */
function refusedAnyway(action: string, { isSession, hasMfa }: Way): string | undefined {
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

/** What the table comes to. @param limit what `ageLimitOf` the policies is */
export function verdictsOf(table: readonly ProofRow[], limit: number | undefined): readonly Verdict[] {
  return [enforced(table), ...enrolment(table), password(table), withMfa(table), age(table, limit)];
}

const isAllowed = ({ evaluation, refused }: Cell): boolean =>
  evaluation.decision === "allowed" && refused === undefined;
const names = (rows: readonly Row[]): string => rows.map(({ action }) => action).join(", ");

function enforced(table: readonly ProofRow[]): Verdict {
  const guarded = table.filter(({ purpose }) => purpose === "everyday" || purpose === "dangerous");
  const notDenied = (way: string): ProofRow[] =>
    guarded.filter(({ cells }) =>
      cells.some((cell) => cell.way.text === way && cell.evaluation.decision !== "explicitDeny"),
    );
  const ways = [
    ...new Set(table.flatMap(({ cells }) => cells.filter(({ way }) => !way.hasMfa).map(({ way }) => way.text))),
  ];
  const leaks = ways.map((way) => ({ way, rows: notDenied(way) })).filter(({ rows }) => rows.length > 0);
  if (leaks.length === 0)
    return { isGood: true, text: "MFA is enforced: without it, everyday and dangerous actions are denied" };
  const list = leaks.map(
    ({ way, rows }) => `with ${way}: ${rows.length === guarded.length ? "all of them" : names(rows)}`,
  );
  return {
    isGood: false,
    text: `MFA is NOT enforced: everyday and dangerous actions are not denied ${list.join("; ")}`,
  };
}

/** What the console and the command line call on the way to a first device. */
const neededToEnrol = [
  ...["iam:CreateVirtualMFADevice", "iam:EnableMFADevice"],
  ...["iam:GetUser", "iam:ListMFADevices", "iam:ListVirtualMFADevices"],
];

/** Whether a user who has no device yet can get one, with a password or with an access key. */
function enrolment(table: readonly ProofRow[]): Verdict[] {
  const rows = table.filter(({ action }) => neededToEnrol.includes(action));
  return ["sign-in", "key"].map((name) => {
    const failing = rows.filter(({ cells }) => !cells.some((cell) => cell.way.name === name && isAllowed(cell)));
    const who = name === "key" ? "with an access key" : "in the console";
    if (failing.length === 0) return { isGood: true, text: `a new user can enrol ${who}` };
    return { isGood: false, text: `a new user can NOT enrol ${who}, for want of ${names(failing)}` };
  });
}

function password(table: readonly ProofRow[]): Verdict {
  const change = table.find(({ action }) => action === "iam:ChangePassword");
  const cell = change?.cells.find(({ way }) => way.name === "sign-in");
  const isGood = cell !== undefined && isAllowed(cell);
  return isGood
    ? { isGood, text: "a first or an expired password can be changed without MFA" }
    : { isGood, text: "a first or an expired password can NOT be changed without MFA: who has one is locked out" };
}

function withMfa(table: readonly ProofRow[]): Verdict {
  const cells = table.filter(({ purpose }) => purpose === "everyday");
  const decided = (decision: string): ProofRow[] =>
    cells.filter((row) =>
      row.cells.some(({ way, evaluation }) => way.name === "MFA" && evaluation.decision === decision),
    );
  const [denied, open] = [decided("explicitDeny"), decided("implicitDeny")];
  if (denied.length > 0) return { isGood: false, text: `with MFA, these are denied all the same: ${names(denied)}` };
  if (open.length === 0) return { isGood: true, text: "with MFA, everyday actions are allowed" };
  return { isGood: true, text: `with MFA, these policies do not allow ${names(open)}; the user's other policies may` };
}

function age(table: readonly ProofRow[], limit: number | undefined): Verdict {
  const everyday = table.filter(({ purpose }) => purpose === "everyday");
  const open = everyday.filter(({ cells }) =>
    cells.some((cell) => cell.way.name === "old MFA" && cell.evaluation.decision !== "explicitDeny"),
  );
  if (limit === undefined)
    return { isGood: true, text: "no policy limits the age of a session, which AWS ends after 36 h at most" };
  if (open.length === 0) return { isGood: true, text: "an old session is denied until a new code is typed" };
  return { isGood: false, text: `a session beyond the limit is NOT denied: ${names(open)}` };
}
