// Checks of the break-glass user: the administrator who gets in when all others are locked out.
import { decideOnMembers, isBreakGlass, isMember, lastTestTag, roleTag } from "../iam/parts.ts";
import { findBreakGlassPasswordProblem } from "../iam/password-due.ts";
import type { Device, Password, User } from "../iam/snapshot.ts";
import {
  type AuditInput,
  type Check,
  fails,
  type Judgement,
  joinJudgements,
  judge,
  judgeDevices,
  judgeEach,
  type Outcome,
} from "./check.ts";
import { day, daysSince, formatAgo, isDay } from "./days.ts";
import { formatLookUp } from "./remedy.ts";
import { deactivate } from "./users.ts";

const remedy = "fob rollout break-glass";

const listUsers = ({ snapshot, breakGlass }: AuditInput): readonly User[] =>
  snapshot.users.filter((user) => isBreakGlass(user, breakGlass));

/** Without use. AWS's history of events goes back as far: who signed in can be found there. */
const unusedDays = 90;
/** From one test of the sign-in to the next, at most. AWS names no number. */
const testedDays = 365;

/** Passes if there is no break-glass user: break-glass-exists fails then. */
function judgeUsers(input: AuditInput, find: (user: User) => Judgement): Outcome {
  const users = listUsers(input);
  const outcome = judgeEach(users, "break-glass user", find);
  return outcome.result === "pass" && users.length > 0 ? { ...outcome, reason: listNames(users) } : outcome;
}

const listNames = (users: readonly User[]): string => users.map(({ name }) => name).join(", ");

/** One user who gets in is enough: the others are in the reason. */
function requireOne(input: AuditInput, find: (user: User) => Judgement): Outcome {
  const users = listUsers(input);
  // No one can be locked out.
  if (input.snapshot.users.length === 0) return judgeEach([], "user", find);
  if (users.length === 0) return { result: "fail", subjects: [], reason: `no user has the tag ${roleTag}=break-glass` };
  const others = users.flatMap((user) => {
    const judgement = find(user);
    if (judgement === undefined) return [];
    return `${user.name}: ${"fails" in judgement ? judgement.fails : judgement.unknown}`;
  });
  if (others.length === users.length) {
    const outcome = judgeUsers(input, find);
    // One of those who are not known may get in.
    const { unknownSubjects, ...rest } = outcome;
    if (outcome.result !== "fail" || unknownSubjects === undefined) return outcome;
    return { ...rest, result: "unknown", subjects: [...unknownSubjects, ...outcome.subjects] };
  }
  if (others.length === 0) return judgeUsers(input, find);
  const reason = `${users.length - others.length} of ${users.length}; not ${others.join("; ")}`;
  return { result: "pass", subjects: [], reason };
}

export const breakGlassChecks: readonly Check[] = [
  {
    id: "break-glass-exists",
    title: "there is a break-glass user who can undo the enforcement",
    severity: "high",
    remedy,
    controls: {},
    look: (input) => requireOne(input, (user) => judgeAccess(user, input)),
  },
  {
    id: "break-glass-strong",
    title:
      "the break-glass user has two MFA devices, one of them not virtual, and policies of its own that undo enforcement",
    severity: "high",
    remedy,
    controls: {},
    look: (input) =>
      judgeUsers(input, (user) => joinJudgements([judgeDevices(user, judgeStrength), judgeOwnPolicies(user, input)])),
  },
  {
    id: "break-glass-keys-inactive",
    title: "the break-glass user has no active access key",
    severity: "high",
    remedy: "aws iam list-access-keys --user-name USER",
    controls: {},
    look: (input) =>
      judgeUsers(input, ({ accessKeys }) =>
        judge(accessKeys, "access keys", (keys) => {
          const key = keys.find(({ active }) => active);
          return key && fails("an active access key", deactivate(key));
        }),
      ),
  },
  {
    id: "break-glass-unused",
    title: `the break-glass user was not used for ${unusedDays} days, but for a test`,
    severity: "medium",
    remedy: formatLookUp("break-glass", "aws"),
    controls: {},
    look: (input) => judgeUsers(input, (user) => judgeUse(user, input)),
  },
  {
    id: "break-glass-tested",
    title: `a test of the break-glass user's sign-in within ${testedDays} days is on record`,
    severity: "medium",
    remedy: `sign in to the console with it; then: aws iam tag-user --user-name USER --tags Key=${lastTestTag},Value=$(date +%F)`,
    controls: {},
    look: (input) => judgeUsers(input, (user) => judgeTest(user, input)),
  },
  {
    id: "break-glass-monitored",
    title: "you are told when the break-glass user signs in",
    severity: "medium",
    remedy,
    controls: {},
    look: (input) =>
      judgeUsers(input, ({ arn }) =>
        judge(input.signInAlarms.get(arn) ?? { unknown: "not looked at" }, "alarms", (alarm) =>
          alarm === null ? fails("no alarm on its sign-ins was found") : undefined,
        ),
      ),
  },
];

function judgeStrength(devices: readonly Device[]): Judgement {
  if (devices.length === 0) return fails("no MFA device");
  if (devices.length === 1) return fails("one MFA device, which can be lost");
  const others = devices.filter(({ kind }) => kind !== "virtual");
  if (others.length === 0) return fails("virtual MFA devices only");
  return others.every(({ kind }) => kind === "unknown")
    ? { unknown: "the kind of an MFA device is not known" }
    : undefined;
}

function judgeAccess(user: User, input: AuditInput): Judgement {
  const { group } = input.enforcement;
  return joinJudgements([
    isMember(user, group) ? fails(`in group ${group}`) : undefined,
    judgeAdministrator(user, input),
    judgePasswordDue(user, input),
  ]);
}

function judgePasswordDue(user: User, { decisionsOf, snapshot, now }: AuditInput): Judgement {
  const problem = findBreakGlassPasswordProblem(user, decisionsOf(user), snapshot, now);
  if (problem === undefined) return undefined;
  return problem.isKnown ? fails(problem.text) : { unknown: problem.text };
}

const judgeAdministrator = (user: User, { decisionsOf, enforcement }: AuditInput): Judgement =>
  judge(decisionsOf(user), "policies", (decisions) => {
    const decision = decideOnMembers(decisions, enforcement.groupArn);
    if (decision === "unknown") return { unknown: "whether it can take users out of the group depends on the request" };
    return decision === "allowed" ? undefined : fails("its policies do not let it take users out of the group");
  });

/**
 * Without its groups, which someone else may change. MFA may be enforced by a group's policy, by one of a user, or by a
 * wrong version of a policy.
 */
const judgeOwnPolicies = (user: User, { decisionsOf, enforcement: { groupArn }, snapshot }: AuditInput): Judgement =>
  judge(decisionsOf({ ...user, groups: [] }), "policies", (decisions) => {
    const account = `arn:${snapshot.partition}:iam::${snapshot.account}`;
    const undoing = [
      ...["iam:RemoveUserFromGroup", "iam:DetachGroupPolicy", "iam:DeleteGroupPolicy"].map((action) => ({
        ...{ action, resource: groupArn },
      })),
      ...["iam:DetachUserPolicy", "iam:DeleteUserPolicy"].map((action) => ({
        ...{ action, resource: `${account}:user/ada` },
      })),
      { action: "iam:SetDefaultPolicyVersion", resource: `${account}:policy/RequireMFA` },
    ];
    const decided = undoing.map((request) => ({ ...request, decision: decisions.decide(request, "MFA") }));
    const missing = decided.filter(({ decision }) => decision !== "allowed" && decision !== "unknown");
    if (missing.length > 0)
      return fails(`its own policies do not allow ${missing.map(({ action }) => action).join(", ")}`);
    const open = decided.filter(({ decision }) => decision === "unknown");
    return open.length === 0
      ? undefined
      : {
          unknown: `whether its own policies allow ${open.map(({ action }) => action).join(", ")} depends on the request`,
        };
  });

/** The day of the tag, as the time at which it began in UTC; null without the tag. */
function readLastTest({ tags }: User): number | null | "invalid" {
  const text = tags[lastTestTag];
  if (text === undefined) return null;
  return isDay(text) ? Date.parse(text) : "invalid";
}

/** Whether a sign-in was on the day of a test or next to it: days differ between time zones. */
const isNear = (time: number, test: number): boolean => time >= test - day && time < test + 2 * day;

/** Only the last sign-in is known: one before a test cannot be seen. */
function judgeUse(user: User, { now, snapshot: { partition } }: AuditInput): Judgement {
  const test = readLastTest(user);
  const remedy = formatLookUp(user.name, partition);
  const ofPassword = judgePassword(user, ({ lastUsed }) =>
    judge(lastUsed, "use of the password", (used) => {
      if (used === null) return undefined;
      const days = daysSince(used, now);
      if (days >= unusedDays || (typeof test === "number" && isNear(Date.parse(used), test))) return undefined;
      return fails(`signed in ${formatAgo(days)} (${used}), and that was no test by the tag ${lastTestTag}`, remedy);
    }),
  );
  const ofKeys = judge(user.accessKeys, "access keys", (keys) => {
    const [last] = keys.flatMap(({ lastUsed }) => lastUsed ?? []).toSorted((a, b) => Date.parse(b) - Date.parse(a));
    if (last === undefined) return undefined;
    const days = daysSince(last, now);
    return days < unusedDays ? fails(`an access key was used ${formatAgo(days)} (${last})`, remedy) : undefined;
  });
  return joinJudgements([ofPassword, ofKeys]);
}

const judgePassword = (user: User, find: (password: Password) => Judgement): Judgement =>
  judge(user.password, "console password", (password) => (password === null ? undefined : find(password)));

/** A test that left no sign-in was none. */
function judgeTest(user: User, { now, snapshot, confirmed }: AuditInput): Judgement {
  const { tags } = user;
  const test = readLastTest(user);
  if (test === null) return fails(`no test is on record: it has no tag ${lastTestTag}`);
  if (test === "invalid") return fails(`the tag ${lastTestTag} is not a date such as 2026-10-01`);
  if (test > now + day) return fails(`the tag ${lastTestTag} is in the future`);
  const days = (now - test) / day;
  // The tag says the day, not the hour.
  if (days >= testedDays + 1) return fails(`last tested ${formatAgo(days)} (${tags[lastTestTag]})`);
  return judge(user.password, "console password", (password) => {
    if (password === null) return fails("no console password, so there is no sign-in to try");
    return judge(password.lastUsed, "use of the password", (used) => {
      if (used !== null && Date.parse(used) >= test - day) return undefined;
      const { reportGenerated } = snapshot;
      const read = confirmed ?? ("value" in reportGenerated ? reportGenerated.value : undefined);
      if (read === undefined || Date.parse(read) < test + (confirmed === undefined ? 2 * day : 0)) {
        return { unknown: "the credential report may be older than the test, and has no sign-in of that day" };
      }
      const last =
        used === null
          ? "its password was never used"
          : `it last signed in ${formatAgo(daysSince(used, now))} (${used})`;
      return fails(`last tested ${formatAgo(days)} by the tag (${tags[lastTestTag]}), but ${last}`);
    });
  });
}
