// Checks of the break-glass user: the administrator who gets in when all others are locked out.
import { decideOnMembers, isBreakGlass, isMember, roleTag } from "../iam/parts.ts";
import type { User } from "../iam/snapshot.ts";
import { type AuditInput, type Check, fails, type Judgement, judge, judgeEach, type Outcome } from "./check.ts";

const remedy = "fob rollout break-glass";

const listUsers = ({ snapshot, breakGlass }: AuditInput): readonly User[] =>
  snapshot.users.filter((user) => isBreakGlass(user, breakGlass));

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

/** The first that fails, then the first that is not known. */
const firstOf = (...judgements: readonly Judgement[]): Judgement =>
  judgements.find((each) => each !== undefined && "fails" in each) ?? judgements.find((each) => each !== undefined);

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
        firstOf(
          judge(user.devices, "MFA devices", (devices) => {
            if (devices.length === 0) return fails("no MFA device");
            if (devices.length === 1) return fails("one MFA device, which can be lost");
            return devices.every(({ kind }) => kind === "virtual") ? fails("virtual MFA devices only") : undefined;
          }),
          judgeAdministrator({ ...user, groups: [] }, "its own policies do", input),
        ),
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
  return firstOf(
    isMember(user, group) ? fails(`in group ${group}`) : undefined,
    judgeAdministrator(user, "its policies do", input),
    judge(user.password, "console password", (password) => {
      if (password === null) return fails("no console password");
      return judge(password.resetRequired, "password", (isRequired) =>
        isRequired ? fails("must change the password first") : undefined,
      );
    }),
  );
}

const judgeAdministrator = (user: User, whose: string, { decisionsOf, enforcement }: AuditInput): Judgement =>
  judge(decisionsOf(user), "policies", (decisions) => {
    const decision = decideOnMembers(decisions, enforcement.groupArn);
    if (decision === "unknown") return { unknown: "whether it can take users out of the group depends on the request" };
    return decision === "allowed" ? undefined : fails(`${whose} not let it take users out of the group`);
  });
