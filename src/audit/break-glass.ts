// Checks of the break-glass user: the administrator who gets in when all others are locked out.
import { decideOnMembers, isBreakGlass, isMember, lastTestTag, roleTag } from "../iam/parts.ts";
import { findBreakGlassPasswordProblem } from "../iam/password-due.ts";
import type { Password, User } from "../iam/snapshot.ts";
import { quoteShellWord } from "../text.ts";
import {
  type AuditInput,
  type Check,
  fails,
  type Judgement,
  joinJudgements,
  judge,
  judgeEach,
  type Outcome,
} from "./check.ts";

const remedy = "fob rollout break-glass";

const listUsers = ({ snapshot, breakGlass }: AuditInput): readonly User[] =>
  snapshot.users.filter((user) => isBreakGlass(user, breakGlass));

const day = 86_400_000;
/** Without use. */
const unusedDays = 90;
/** From one test of the sign-in to the next, at most. */
const testedDays = 365;

/** An account without a break-glass user fails all of these checks. */
function judgeUsers(input: AuditInput, find: (user: User) => Judgement): Outcome {
  const users = listUsers(input);
  if (users.length > 0) return judgeEach(users, "break-glass user", find);
  return { result: "fail", subjects: [], reason: `no user has the tag ${roleTag}=break-glass` };
}

/** One user who gets in is enough: the others are in the reason. */
function requireOne(input: AuditInput, find: (user: User) => Judgement): Outcome {
  const users = listUsers(input);
  const others = users.flatMap((user) => {
    const judgement = find(user);
    if (judgement === undefined) return [];
    return `${user.name}: ${"fails" in judgement ? judgement.fails : judgement.unknown}`;
  });
  if (others.length === 0 || others.length === users.length) return judgeUsers(input, find);
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
    title: "the break-glass user has two MFA devices, one of them not virtual, and its own administrator policy",
    severity: "high",
    remedy,
    controls: {},
    look: (input) =>
      judgeUsers(input, (user) =>
        joinJudgements([
          judge(user.devices, "MFA devices", (devices) => {
            if (devices.length === 0) return fails("no MFA device");
            if (devices.length === 1) return fails("one MFA device, which can be lost");
            return devices.every(({ kind }) => kind === "virtual") ? fails("virtual MFA devices only") : undefined;
          }),
          judgeAdministrator({ ...user, groups: [] }, "its own policies do", input),
        ]),
      ),
  },
  {
    id: "break-glass-keys-inactive",
    title: "the break-glass user has no active access key",
    severity: "high",
    remedy: "aws iam update-access-key --user-name USER --access-key-id ID --status Inactive",
    controls: {},
    look: (input) =>
      judgeUsers(input, ({ accessKeys }) =>
        judge(accessKeys, "access keys", (keys) =>
          keys.some(({ active }) => active) ? fails("an active access key") : undefined,
        ),
      ),
  },
  {
    id: "break-glass-unused",
    title: `the break-glass user was not used for ${unusedDays} days, but for a test`,
    severity: "medium",
    remedy: "aws cloudtrail lookup-events --lookup-attributes AttributeKey=Username,AttributeValue=break-glass",
    controls: {},
    look: (input) => judgeUsers(input, (user) => judgeUse(user, input.now)),
  },
  {
    id: "break-glass-tested",
    title: `a test of the break-glass user's sign-in within ${testedDays} days is on record`,
    severity: "medium",
    remedy: `aws iam tag-user --user-name USER --tags Key=${lastTestTag},Value=$(date +%F)`,
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

function judgeAccess(user: User, input: AuditInput): Judgement {
  const { group } = input.enforcement;
  return joinJudgements([
    isMember(user, group) ? fails(`in group ${group}`) : undefined,
    judgeAdministrator(user, "its policies do", input),
    judgePasswordDue(user, input),
  ]);
}

function judgePasswordDue(user: User, { decisionsOf, snapshot, now }: AuditInput): Judgement {
  const problem = findBreakGlassPasswordProblem(user, decisionsOf(user), snapshot, now);
  if (problem === undefined) return undefined;
  return problem.isKnown ? fails(problem.text) : { unknown: problem.text };
}

const judgeAdministrator = (user: User, whose: string, { decisionsOf, enforcement }: AuditInput): Judgement =>
  judge(decisionsOf(user), "policies", (decisions) => {
    const decision = decideOnMembers(decisions, enforcement.groupArn);
    if (decision === "unknown") return { unknown: "whether it can take users out of the group depends on the request" };
    return decision === "allowed" ? undefined : fails(`${whose} not let it take users out of the group`);
  });

/** The day of the tag, as the time at which it began in UTC; null without the tag. */
function readLastTest({ tags }: User): number | null | "invalid" {
  const text = tags[lastTestTag];
  if (text === undefined) return null;
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  // Date.parse takes February 30 for a day of March.
  return Number.isNaN(time) || !new Date(time).toISOString().startsWith(text) ? "invalid" : time;
}

const countDays = (time: number, now: number): number => Math.floor((now - time) / day);

/** Whether a sign-in was on the day of a test or next to it: days differ between time zones. */
const isNear = (time: number, test: number): boolean => time >= test - day && time < test + 2 * day;

/** Only the last sign-in is known: one before a test cannot be seen. */
function judgeUse(user: User, now: number): Judgement {
  const test = readLastTest(user);
  const remedy = `aws cloudtrail lookup-events --lookup-attributes ${quoteShellWord(`AttributeKey=Username,AttributeValue=${user.name}`)}`;
  const ofPassword = judgePassword(user, ({ lastUsed }) =>
    judge(lastUsed, "use of the password", (used) => {
      if (used === null) return undefined;
      const time = Date.parse(used);
      const days = countDays(time, now);
      if (days >= unusedDays || (typeof test === "number" && isNear(time, test))) return undefined;
      return fails(`signed in ${days} days ago (${used}), and that was no test by the tag ${lastTestTag}`, remedy);
    }),
  );
  const ofKeys = judge(user.accessKeys, "access keys", (keys) => {
    const [last] = keys.flatMap(({ lastUsed }) => lastUsed ?? []).toSorted((a, b) => Date.parse(b) - Date.parse(a));
    const days = last === undefined ? unusedDays : countDays(Date.parse(last), now);
    return days < unusedDays ? fails(`an access key was used ${days} days ago (${last})`, remedy) : undefined;
  });
  return joinJudgements([ofPassword, ofKeys]);
}

const judgePassword = (user: User, find: (password: Password) => Judgement): Judgement =>
  judge(user.password, "console password", (password) => (password === null ? undefined : find(password)));

/** A test that left no sign-in was none. */
function judgeTest(user: User, { now, snapshot }: AuditInput): Judgement {
  const { tags } = user;
  const test = readLastTest(user);
  if (test === null) return fails(`no test is on record: it has no tag ${lastTestTag}`);
  if (test === "invalid") return fails(`the tag ${lastTestTag} is no date like 2026-10-01`);
  if (test > now + day) return fails(`the tag ${lastTestTag} is a day to come`);
  const days = countDays(test, now);
  if (days > testedDays) return fails(`last tested ${days} days ago (${tags[lastTestTag]})`);
  return judge(user.password, "console password", (password) => {
    if (password === null) return fails("no console password, so there is no sign-in to try");
    return judge(password.lastUsed, "use of the password", (used) => {
      if (used !== null && Date.parse(used) >= test - day) return undefined;
      const { reportGenerated } = snapshot;
      if (!("value" in reportGenerated) || Date.parse(reportGenerated.value) < test + 2 * day) {
        return { unknown: "the credential report may be older than the test, and has no sign-in of that day" };
      }
      const last =
        used === null
          ? "its password was never used"
          : `it last signed in ${countDays(Date.parse(used), now)} days ago (${used})`;
      return fails(`last tested ${days} days ago by the tag (${tags[lastTestTag]}), but ${last}`);
    });
  });
}
