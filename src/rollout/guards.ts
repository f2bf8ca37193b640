// The guards: what must hold for a user before the user is put under the enforcement policy, and for a batch as a whole.
// docs/administrators.md says which lockout each of them prevents.
import { sessionLength } from "../aws/limits.ts";
import type { Finding } from "../findings.ts";
import type { Method, UserDecisions } from "../iam/decisions.ts";
import {
  buildClosest,
  type Difference,
  documentsOf,
  type Enforcement,
  findDifferences,
  getVariantOptions,
} from "../iam/enforcement.ts";
import { decideOnMembers, findAutomation, isAdministrator, isBreakGlass, roleTag } from "../iam/parts.ts";
import { findPasswordDue } from "../iam/password-due.ts";
import type { AccountSnapshot, Known, User } from "../iam/snapshot.ts";
import { listNeededToEnroll, resourceToEnroll } from "../policy/locked-out.ts";
import { formatCommand } from "../typed-command.ts";
import { listBreakGlassProblems } from "./break-glass.ts";
import type { Batch, PlannedUser } from "./plan.ts";
import { findInUse, judgeFederation, judgeInactivity, judgeKeyUse } from "./states.ts";

export const guardIds = ["G1", "G2", "G3", "G4", "G5", "G6", "G7", "G8", "G9", "G10", "G11", "G12", "G13"] as const;
export type GuardId = (typeof guardIds)[number];

/** A guard refuses. */
export interface Refusal extends Finding {
  readonly rule: GuardId;
  /** The user's name; the group's for what is about the whole batch. */
  readonly subject: string;
  /** Whether `--override USER:GUARD` lets the user pass. */
  readonly canOverride: boolean;
}

/** The account as it is now, and what is about to be done. */
export interface Situation {
  readonly account: AccountSnapshot;
  readonly decisionsOf: (user: User) => Known<UserDecisions>;
  readonly enforcement: Enforcement;
  readonly batch: Batch;
  /** The user as the plan has it. */
  readonly planned: (name: string) => PlannedUser | undefined;
  /** Names of break-glass users, besides those with the tag. */
  readonly breakGlass: readonly string[];
  readonly caller: { readonly arn: string; readonly hasMfa: boolean };
  /** Milliseconds since 1970. */
  readonly now: number;
}

type Check = (user: User, situation: Situation) => Omit<Refusal, "rule" | "level" | "subject"> | undefined;

/** What the user does. */
const enrollFirst = "the user enrolls a device first: fob device enroll";

/** What to do if AWS denied a read. */
const lookUpFix = "see which permissions you need: fob rollout apply --print-policy";

const refuse = (message: string, fix: string, canOverride = true) => ({ message, fix, canOverride });

/** What must hold for each user of the batch. */
const ofUser: Readonly<Partial<Record<GuardId, Check>>> = {
  G1: checkDevice,
  G2: checkPassword,
  G3: checkAutomation,
  G4: checkSecurityKeys,
  G5: checkLeftoverDevice,
  G6: checkCaller,
  G8: checkOtherAdministrator,
  G9: checkQuota,
  G11: checkFederation,
  G12: checkPlan,
  G13: checkKeyUse,
};

/** Checks every guard for a user. An empty list: the user can be put into the group. */
export function checkUser(user: User, situation: Situation): readonly Refusal[] {
  return Object.entries(ofUser).flatMap(([id, check]): Refusal[] => {
    const refusal = check(user, situation);
    return refusal === undefined ? [] : [{ rule: id as GuardId, level: "error", subject: user.name, ...refusal }];
  });
}

/** Checks the guards that are about the batch as a whole. None of them can be overridden. */
export function checkBatch(situation: Situation): readonly Refusal[] {
  const { batch, enforcement, account } = situation;
  const about = (rule: GuardId, message: string, fix: string): Refusal => ({
    ...{ rule, level: "error", subject: enforcement.group, message, fix, canOverride: false },
  });
  const problems = describeBreakGlass(situation);
  const size = batch.users.length;
  const planned = suggestVariant(situation);
  return [
    ...(problems.isHealthy
      ? []
      : [about("G7", `no healthy break-glass user: ${problems.text}`, "fob rollout break-glass")]),
    ...(size > 5 ? [about("G10", `the batch has ${size} users, and at most 5 are safe`, "fob rollout plan")] : []),
    ...findDifferences(account, enforcement).map((difference) =>
      about("G12", difference.detail, planned ?? suggestRepair(difference, situation)),
    ),
  ];
}

/** Why the caller may not be able to take users out of the group again; undefined if it can, or is not a user of the account. */
export function describeCaller({ account, caller, decisionsOf, enforcement }: Situation): string | undefined {
  const user = account.users.find(({ arn }) => arn === caller.arn);
  if (user === undefined) return undefined;
  const decisions = decisionsOf(user);
  const doubt = `it is not known whether you (${user.name}) can remove users from group ${enforcement.group}`;
  if (!("value" in decisions)) return doubt;
  const decision = decideOnMembers(decisions.value, enforcement.groupArn, caller.hasMfa ? "MFA" : "key");
  if (decision === "allowed") return undefined;
  return decision === "unknown" ? doubt : `you (${user.name}) cannot remove users from group ${enforcement.group}`;
}

/** The plan with the variant of the policy that the group has; undefined if it has none of them. */
function suggestVariant({ account, enforcement: { group } }: Situation): string | undefined {
  const closest = buildClosest(account, group);
  const { maxAgeSeconds } = closest.variant;
  const isOption =
    maxAgeSeconds === null || (maxAgeSeconds >= sessionLength.shortest && maxAgeSeconds < sessionLength.longest);
  if (!isOption || findDifferences(account, closest).length > 0) return undefined;
  const options = { group, ...getVariantOptions(closest.variant), out: "plan.json" };
  const command = formatCommand({ name: "rollout plan", named: [], options });
  return `make the plan with the variant of fob's policy that the group has: ${command}`;
}

/** Names of groups, and ARNs of policies, have no characters that a shell would read. */
function suggestRepair({ kind, subject }: Difference, { account, enforcement }: Situation): string {
  const { group, policies, variant } = enforcement;
  const otherGroup = "or choose another group: fob rollout plan --group NAME --out plan.json";
  const users = `see who has it: aws iam list-entities-for-policy --policy-arn ${subject}`;
  switch (kind) {
    case "policy-changed": {
      const index = policies.findIndex(({ arn }) => arn === subject);
      if (index < 0) return `${users}; then delete it: aws iam delete-policy --policy-arn ${subject}`;
      const partition = account.partition === "aws" ? undefined : account.partition;
      const options = index === 0 ? { selfManage: true, partition } : getVariantOptions(variant);
      const show = formatCommand({ name: "policy show", named: [], options });
      return `${users}; then make it fob's: aws iam create-policy-version --policy-arn ${subject} --policy-document "$(${show})" --set-as-default`;
    }
    case "policy-detached":
      return `see who is in the group: aws iam get-group --group-name ${group}; ${otherGroup}`;
    case "policy-added": {
      const inline = /^inline policy (.*)$/.exec(subject)?.[1];
      const detach =
        inline === undefined
          ? `aws iam detach-group-policy --group-name ${group} --policy-arn ${subject}`
          : `aws iam delete-group-policy --group-name ${group} --policy-name ${inline}`;
      return `take it off the group: ${detach}; ${otherGroup}`;
    }
  }
}

/** Without a device a user is refused even if enrolling would work: until then the user cannot work. */
function checkDevice(user: User, situation: Situation): ReturnType<Check> {
  const { devices } = user;
  if (!("value" in devices)) return refuse(`MFA devices are not known: ${devices.unknown}`, lookUpFix);
  if (devices.value.length > 0) return undefined;
  const problem = findEnrollProblem(user, situation);
  const could =
    problem === undefined ? "could enroll one, but not work until then" : `could not enroll one: ${problem}`;
  return refuse(`no MFA device, and ${could}`, enrollFirst);
}

/** Why a user under the policy could not enroll a device; undefined if the user could. */
function findEnrollProblem(user: User, { decisionsOf, enforcement }: Situation): string | undefined {
  const { password } = user;
  const decisions = decisionsOf(user);
  if (!("value" in decisions)) return decisions.unknown;
  const findMissing = (method: Method, actions: readonly string[]): readonly string[] =>
    actions.filter((action) => {
      const request = { action, resource: resourceToEnroll(user, action) };
      return decisions.value.decide(request, method, documentsOf(enforcement)) !== "allowed";
    });
  const ways: (readonly string[])[] = [];
  if ("value" in password && password.value !== null) ways.push(findMissing("sign-in", listNeededToEnroll("console")));
  if (hasActiveKey(user)) ways.push(findMissing("key", listNeededToEnroll("key")));
  if (ways.some((missing) => missing.length === 0)) return undefined;
  const missing = [...new Set(ways.flat())];
  return missing.length === 0 ? "there is no known way to sign in" : `not allowed without MFA: ${missing.join(", ")}`;
}

const hasActiveKey = ({ accessKeys }: User): boolean =>
  "value" in accessKeys && accessKeys.value.some(({ active }) => active);

function checkPassword(user: User, { account, decisionsOf, enforcement, now }: Situation): ReturnType<Check> {
  const problem = findPasswordDue(user, decisionsOf(user), account, documentsOf(enforcement), now);
  return (
    problem && refuse(problem.text, problem.isKnown ? "the user sets a new password first: fob password" : lookUpFix)
  );
}

/** The calls of the last 90 days in a region, as CloudTrail has them. */
const lookUpCalls = (user: string): string =>
  `aws cloudtrail lookup-events --lookup-attributes AttributeKey=Username,AttributeValue=${user}`;

function checkAutomation(user: User): ReturnType<Check> {
  const found = findAutomation(user);
  if (!("value" in found)) return refuse(found.unknown, lookUpFix);
  if (found.value === null) return undefined;
  const fix = `give the program a role instead of a user; see what it calls: ${lookUpCalls(user.name)}`;
  const why = found.value === "tag" ? `tag ${roleTag} is automation` : "an active access key and no console password";
  return refuse(`${why}: programs type no codes`, fix);
}

function checkSecurityKeys({ devices, accessKeys }: User): ReturnType<Check> {
  if (!("value" in devices) || devices.value.length === 0) return undefined;
  if (!devices.value.every(({ kind }) => kind === "security key")) return undefined;
  const usesKey = !("value" in accessKeys) || accessKeys.value.some(({ active }) => active);
  if (!usesKey) return undefined;
  return refuse(
    "only security keys, and an access key: STS takes no codes of security keys, so the key stops working",
    "the user enrolls a virtual device too: fob device enroll",
  );
}

/** A virtual device of the user's name that no user has: the console would offer that name, and AWS refuses it. */
function checkLeftoverDevice({ name, arn, devices }: User, { account }: Situation): ReturnType<Check> {
  if (!("value" in devices) || devices.value.length > 0) return undefined;
  const left = account.unassignedVirtualDevices;
  if (!("value" in left)) return refuse(`unassigned devices are not known: ${left.unknown}`, lookUpFix);
  const device = arn.replace(/:user\/.*$/, `:mfa/${name}`);
  if (!left.value.includes(device)) return undefined;
  return refuse(
    `${device} is left from a failed enrollment, so that a device of this name cannot be created`,
    `aws iam delete-virtual-mfa-device --serial-number ${device}`,
  );
}

function checkCaller({ arn, devices }: User, { caller }: Situation): ReturnType<Check> {
  if (arn !== caller.arn) return undefined;
  const canOpen = "value" in devices && devices.value.some(({ kind }) => kind !== "security key");
  if (!canOpen) {
    const fix = "enroll a virtual device first: fob device enroll";
    return refuse("this is you, and you have no device that STS takes codes of", fix, false);
  }
  if (caller.hasMfa) return undefined;
  return refuse("this is you, and your session has no MFA: the rollout would stop halfway", "fob login");
}

/** Someone else must be able to take an administrator out of the group again, besides the break-glass user. */
function checkOtherAdministrator(user: User, situation: Situation): ReturnType<Check> {
  const { account, batch, enforcement, decisionsOf, breakGlass } = situation;
  if (!isAdministrator(decisionsOf(user), enforcement.groupArn)) return undefined;
  const isThere = account.users.some(
    (each) =>
      !batch.users.includes(each.name) && !isBreakGlass(each, breakGlass) && isAbleAdministrator(each, situation),
  );
  if (isThere) return undefined;
  const hasDevice = "value" in user.devices && user.devices.value.length > 0;
  const policy = `arn:${account.partition}:iam::aws:policy/AdministratorAccess`;
  return refuse(
    "no other administrator outside this batch is known to get in and to be able to take users out of the group",
    `make a second administrator first: aws iam attach-user-policy --user-name NAME --policy-arn ${policy}`,
    hasDevice,
  );
}

/**
 * Whether it is certain that a user can take others out of the group, in a way that the user has: with an access key or a
 * password, and with MFA now or once the user is under the policy too.
 */
function isAbleAdministrator(user: User, situation: Situation): boolean {
  const { decisionsOf, enforcement, account, now } = situation;
  const { devices, password } = user;
  if (!("value" in devices)) return false;
  const hasKey = hasActiveKey(user);
  const hasPassword = "value" in password && password.value !== null;
  if (!hasKey && !hasPassword) return false;
  const decisions = decisionsOf(user);
  if (!("value" in decisions)) return false;
  const is = (method: Method): boolean => decideOnMembers(decisions.value, enforcement.groupArn, method) === "allowed";
  const hasCodes = devices.value.some(({ kind }) => kind === "virtual" || kind === "hardware");
  const canSignIn = hasPassword && findPasswordDue(user, decisions, account, [], now) === undefined;
  const isAble =
    (hasKey && (is("key") || (hasCodes && is("MFA")))) ||
    (canSignIn && is(devices.value.length > 0 ? "MFA" : "sign-in"));
  return isAble && (devices.value.length > 0 || findEnrollProblem(user, situation) === undefined);
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
function checkQuota({ name, groups }: User, { account, enforcement }: Situation): ReturnType<Check> {
  if (groups.includes(enforcement.group)) return undefined;
  const quota = "value" in account.summary ? (account.summary.value.GroupsPerUserQuota ?? 10) : 10;
  if (groups.length < quota) return undefined;
  return refuse(
    `is in ${groups.length} groups, and AWS allows ${quota}`,
    `take the user out of a group: aws iam list-groups-for-user --user-name ${name}`,
    false,
  );
}

/** The user is still the one of the plan, not a break-glass user by now, and someone who works. */
function checkPlan(user: User, { planned, breakGlass, now }: Situation): ReturnType<Check> {
  const fix = "make a new plan: fob rollout plan --out plan.json";
  if (isBreakGlass(user, breakGlass)) return refuse("is a break-glass user", fix, false);
  const { arn, id } = planned(user.name) ?? {};
  if (arn !== user.arn || id !== user.id) return refuse("is not the user of the plan", fix, false);
  // Where access keys or the password are not known, or a program has them, G3 refuses.
  const program = findAutomation(user);
  const inactivity = "value" in program && program.value === null ? judgeInactivity(user, now) : undefined;
  if (inactivity === undefined) return undefined;
  if ("unknown" in inactivity) return refuse(inactivity.unknown, lookUpFix);
  return inactivity.value === null ? undefined : refuse(`is inactive: ${inactivity.value}`, fix);
}

/** What uses a key for more than IAM and STS stops: those two are what a login needs. */
function checkKeyUse(user: User, { now }: Situation): ReturnType<Check> {
  const { accessKeys } = user;
  if (!("value" in accessKeys)) return refuse(`access keys are not known: ${accessKeys.unknown}`, lookUpFix);
  const fix = `find out what uses the key, and give it a role: ${lookUpCalls(user.name)}`;
  const use = findInUse(accessKeys.value, now);
  if (use !== undefined) return refuse(`${use}: what uses it stops`, fix);
  const history = judgeKeyUse(user, now);
  if (history === undefined) return undefined;
  if ("unknown" in history) {
    return refuse(`what the access key was used for before is not known: ${history.unknown}`, lookUpFix);
  }
  return history.value === null ? undefined : refuse(`in CloudTrail ${history.value}: what uses the key stops`, fix);
}

/** With an access key, GetFederationToken is denied then; a session can never call it. */
function checkFederation(user: User, { decisionsOf, now }: Situation): ReturnType<Check> {
  const history = judgeFederation(user, now);
  if (history === undefined) return undefined;
  if ("value" in history) {
    if (history.value === null) return undefined;
    return refuse(
      `in CloudTrail ${history.value}: it stops working, with MFA too`,
      `give what calls GetFederationToken a role, and AssumeRole: ${lookUpCalls(user.name)}`,
    );
  }
  const decisions = decisionsOf(user);
  if ("value" in decisions && !decisions.value.mayAllow("sts:GetFederationToken", "key")) return undefined;
  return refuse(`whether it calls GetFederationToken is not known: ${history.unknown}`, lookUpFix);
}

/** The health of the break-glass users: at least one must be able to undo everything. */
function describeBreakGlass({ account, breakGlass, batch, enforcement, decisionsOf, now }: Situation): {
  readonly isHealthy: boolean;
  readonly text: string;
} {
  const users = account.users.filter((user) => isBreakGlass(user, breakGlass));
  if (users.length === 0) return { isHealthy: false, text: `no user has the tag ${roleTag}=break-glass` };
  const judged = users.map((user) => ({
    user: user.name,
    problems: [
      ...(batch.users.includes(user.name) ? ["is in the batch"] : []),
      ...listBreakGlassProblems(user, decisionsOf(user), { ...enforcement, account, now }),
    ],
  }));
  const text = judged.map(({ user, problems }) => `${user}: ${problems.join(", ")}`).join("; ");
  return { isHealthy: judged.some(({ problems }) => problems.length === 0), text };
}
