// `fob rollout break-glass`: whether you can still get in when enforcement goes wrong.
import { exitCodes, UsageError } from "../../../errors.ts";
import { isBreakGlass, roleTag } from "../../../iam/parts.ts";
import { findUser, indexPolicies } from "../../../iam/policies-of.ts";
import { snapshotActions } from "../../../iam/read.ts";
import type { AccountSnapshot, Known, User } from "../../../iam/snapshot.ts";
import { listBreakGlassAdvice, listBreakGlassProblems } from "../../../rollout/break-glass.ts";
import { decideFor } from "../../../rollout/plan.ts";
import { wrapIndented } from "../../../terminal/table.ts";
import { escapeControlCharacters, formatJson, quote } from "../../../text.ts";
import { alarmPermissions, withAccount } from "../../account.ts";
import { printLeastPolicy } from "../../administrator.ts";
import { defineCommand } from "../../command.ts";
import { connectReader, readerPermissions } from "./calls.ts";
import { administratorOptions, groupOption, parseGroup } from "./options.ts";

export const rolloutBreakGlassCommand = defineCommand({
  name: "rollout break-glass",
  description:
    "Checks the break-glass user: the administrator who gets in when all others are locked out. It must not be in the " +
    "group, must be able to take users out of it, and needs a password, an MFA device and no active access key. Finds it " +
    "by the tag fob-role=break-glass, or by name. Also looks for an alarm on its sign-ins: an EventBridge rule, or a " +
    "metric filter with an alarm, that notifies a subscriber through SNS. Exits with 3 if no such user is healthy, and " +
    "prints how to make one.",
  options: {
    user: { value: "user", text: "check this user" },
    ...groupOption,
    json: { text: "print JSON" },
    printPolicy: { text: "print the policy that this command needs, and do nothing else" },
    ...administratorOptions,
  },
  common: ["noInput", "debug"],
  examples: ["fob rollout break-glass --profile admin", "fob rollout break-glass --user break-glass --json"],
  async run(_, options, context) {
    if (options.printPolicy) return printLeastPolicy(neededPermissions, context);
    const group = parseGroup(options.group);
    const { account, users } = await withAccount(options, "fob rollout break-glass", context, async (read) => {
      const { snapshot, aws } = read;
      const { findSignInAlarm } = await import("../../sign-in-alarm.ts");
      const readNow = await connectReader(aws);
      const found = await Promise.all(
        chooseUsers(snapshot, options.user).map(async (user) => {
          const now = await readNow(user);
          if (now === undefined) return [];
          const signInAlarm = await findSignInAlarm(aws, now);
          return { ...judge(now, snapshot, group, context.now()), signInAlarm };
        }),
      );
      return { account: snapshot.account, users: found.flat() };
    });
    const isHealthy = users.some(({ problems }) => problems.length === 0);
    if (options.json) context.stdout.write(formatJson({ version: 1, account, healthy: isHealthy, users }));
    else context.stdout.write(formatUsers(users, isHealthy, context.stdout.columns));
    return isHealthy ? exitCodes.done : exitCodes.notFresh;
  },
});

const neededPermissions = [...new Set([...snapshotActions, ...alarmPermissions, ...readerPermissions])].sort();

interface Judged {
  readonly user: string;
  readonly arn: string;
  /** What keeps it from being a break-glass user. */
  readonly problems: readonly string[];
  /** What would be better. */
  readonly advice: readonly string[];
  /** What tells someone of its sign-ins, in words; null if nothing does. */
  readonly signInAlarm: Known<string | null>;
}

/** @throws UsageError */
function chooseUsers(snapshot: AccountSnapshot, name: string | undefined): readonly User[] {
  if (name === undefined) return snapshot.users.filter((user) => isBreakGlass(user, []));
  const user = findUser(snapshot, name);
  if (user !== undefined) return [user];
  throw new UsageError(`no user ${quote(name)} in account ${snapshot.account}`, "aws iam list-users");
}

function judge(user: User, snapshot: AccountSnapshot, group: string, now: number): Omit<Judged, "signInAlarm"> {
  const { partition, account } = snapshot;
  const decisions = decideFor(user, indexPolicies(snapshot));
  const groupArn = `arn:${partition}:iam::${account}:group/${group}`;
  return {
    ...{ user: user.name, arn: user.arn },
    problems: listBreakGlassProblems(user, decisions, { group, groupArn, account: snapshot, now }),
    advice: listBreakGlassAdvice(user, { account: snapshot, now }),
  };
}

function formatUsers(users: readonly Judged[], isHealthy: boolean, columns: number): string {
  const lines = [
    ...(users.length === 0 ? [`No user has the tag ${roleTag}=break-glass.`] : []),
    ...users.flatMap(({ user, problems, advice, signInAlarm }) => [
      `${user}: ${problems.length === 0 ? "healthy" : "NOT healthy"}`,
      ...problems.map((text) => `  problem: ${text}`),
      ...advice.map((text) => `  better: ${text}`),
      `  ${describeAlarm(signInAlarm)}`,
    ]),
    ...(users.length === 0 ? [] : ["", "Not looked at: where the password is kept."]),
    ...(isHealthy ? [] : ["", "To make a break-glass user:", ...recipe.map((line) => `  ${line}`)]),
  ];
  return `${lines.flatMap((line) => wrapIndented(escapeControlCharacters(line), columns)).join("\n")}\n`;
}

function describeAlarm(alarm: Known<string | null>): string {
  if (!("value" in alarm)) return `not known: whether you are told of its sign-ins: ${alarm.unknown}`;
  if (alarm.value === null) return "better: an alarm on its sign-ins: none was found";
  return `alarm on its sign-ins: ${alarm.value}`;
}

/** From the emergency section of the usage notes. */
const recipe = [
  "aws iam create-user --user-name break-glass --tags Key=fob-role,Value=break-glass",
  "aws iam attach-user-policy --user-name break-glass --policy-arn arn:aws:iam::aws:policy/AdministratorAccess",
  "Set a long random password in the console, without a change at the next sign-in; keep it in a safe.",
  "Sign in as this user, and assign two MFA devices: a security key or hardware token, and a virtual device.",
  "Create no access key. Have AWS tell you of every sign-in of this user, and try the sign-in twice a year.",
];
