// How far the rollout is, what the others wait for, and what has changed that should not have.

import {
  buildEnforcement,
  type Difference,
  defaultVariant,
  findDifferences,
  findGroup,
  findVariant,
  type PolicyVariant,
} from "../iam/enforcement.ts";
import { findAutomation, isBreakGlass, isMember } from "../iam/parts.ts";
import type { AccountSnapshot, User } from "../iam/snapshot.ts";
import { type JournalLine, listDone } from "../steps/journal.ts";
import { formatRemoval, withCurrentName } from "./apply.ts";
import { type CleanUp, listUnused } from "./clean-up.ts";
import { makePlan, type PlannedUser } from "./plan.ts";
import type { State } from "./states.ts";

/** The format of DESIGN.md section 7, with what can be cleaned up. */
export interface RolloutStatus {
  readonly version: 1;
  readonly account: string;
  readonly group: string;
  readonly enforced: readonly string[];
  readonly ready: readonly string[];
  /** Those of the ready users who come first, as a plan would have them. */
  readonly next: readonly string[];
  readonly waiting: readonly Waiting[];
  /** What to send to those who must enroll a device. */
  readonly send: readonly { readonly to: readonly string[]; readonly text: readonly string[] }[];
  readonly drift: readonly Drift[];
  readonly cleanup: readonly CleanUp[];
}

interface Waiting {
  readonly user: string;
  readonly state: State;
  /** What must happen first. */
  readonly for: string;
}

export interface Drift {
  readonly what:
    | Difference["kind"]
    | "automation-enforced"
    | "break-glass-enforced"
    | "group-missing"
    | "member-ineffective"
    | "member-removed"
    | "new-user";
  readonly subject: string;
  readonly detail: string;
  /** What corrects it, where a command does. */
  readonly command?: string;
}

export interface StatusOptions {
  readonly group: string;
  /** undefined: the one that the journal has, else the default. */
  readonly policy: PolicyVariant | undefined;
  readonly breakGlass: readonly string[];
  /** What fob did in this account, from its journal on this computer. */
  readonly journal: readonly JournalLine[];
  /** What the commands end with: ` --profile admin`. */
  readonly asProfile: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** The batches that status looks ahead to are of the size that plan has without an option. */
const batchSize = 3;

export function judgeRollout(account: AccountSnapshot, options: StatusOptions): RolloutStatus {
  const { group: named, breakGlass, journal, asProfile, now } = options;
  const policy = options.policy ?? findVariant(journal, findGroup(account, named)?.name ?? named) ?? defaultVariant;
  const plan = makePlan(account, { group: named, policy, batchSize, exclude: [], include: [], breakGlass, now });
  const { group, users } = plan;
  const namesIn = (state: State): readonly string[] =>
    users.filter((user) => user.state === state).map(({ user }) => user);
  const enforced = namesIn("enforced");
  const members = account.users.filter((user) => isMember(user, group));
  const misplaced = members.flatMap((user) => findMisplaced(user, group, options));
  const people = members.filter(({ name }) => !misplaced.some(({ subject }) => subject === name));
  const stuck = people.filter(({ devices }) => "value" in devices && devices.value.length === 0);
  return {
    version: 1,
    account: account.account,
    group,
    enforced,
    ready: namesIn("ready"),
    next: findNext(users, enforced.length > 0),
    waiting: [
      ...people.flatMap(findOpen),
      ...users.flatMap(({ user, state, evidence }) => {
        const what = (waitsFor as Partial<Record<State, string>>)[state];
        return what === undefined ? [] : [{ user, state, for: `${what} (${evidence.join("; ")})` }];
      }),
    ],
    send: [
      { to: stuck.map(({ name }) => name), text: stuckText(account.account) },
      { to: namesIn("needs-device"), text: enrollText(account.account) },
    ].filter(({ to }) => to.length > 0),
    drift: [
      ...findDifferences(account, buildEnforcement(account, group, policy)).map(({ kind, ...rest }) => ({
        what: kind,
        ...rest,
      })),
      ...findLostMembers(account, group, journal),
      ...misplaced,
      ...findIneffective(users),
      ...findNewUsers(account, users, group, journal),
    ],
    cleanup: account.users.flatMap((user) => (isBreakGlass(user, breakGlass) ? [] : listUnused(user, asProfile, now))),
  };
}

/** Members whom no plan would have: break-glass users, and programs. */
function findMisplaced(user: User, group: string, { breakGlass, asProfile }: StatusOptions): readonly Drift[] {
  const { name } = user;
  const about = { subject: name, command: `${formatRemoval(name, group)}${asProfile}` };
  if (isBreakGlass(user, breakGlass)) {
    const detail = `${name} is a break-glass user, and in group ${group}: without its device no one gets in any more`;
    return [{ what: "break-glass-enforced", ...about, detail }];
  }
  const program = findAutomation(user);
  if (!("value" in program) || program.value === null) return [];
  const why = program.value === "tag" ? "by its tag" : "with an access key and no console password";
  const detail = `${name} is an automation user ${why}, and in group ${group}: programs type no codes`;
  return [{ what: "automation-enforced", ...about, detail }];
}

/** Members who cannot work, and those of whom it is not known whether they can. */
function findOpen(user: User): readonly Waiting[] {
  const { name, devices } = user;
  const about = { user: name, state: "enforced" } as const;
  const program = findAutomation(user);
  if (!("value" in devices)) {
    return [{ ...about, for: `${waitsFor.unknown} (MFA devices are not known: ${devices.unknown})` }];
  }
  if (devices.value.length === 0) return [{ ...about, for: `${waitsFor["needs-device"]} (cannot work until then)` }];
  return "value" in program ? [] : [{ ...about, for: `${waitsFor.unknown} (${program.unknown})` }];
}

/** One user first, then a few at a time, administrators last. */
function findNext(users: readonly PlannedUser[], hasBegun: boolean): readonly string[] {
  const ready = users.filter(({ state }) => state === "ready");
  const others = ready.filter(({ isAdministrator }) => !isAdministrator);
  const chosen = others.length === 0 ? ready.slice(0, 1) : others.slice(0, hasBegun ? batchSize : 1);
  return chosen.map(({ user }) => user);
}

const waitsFor = {
  "needs-device": "enroll an MFA device",
  "password-pending": "sign in and set a new password",
  "security-key-only": "enroll a virtual device, or delete the access key",
  "key-in-use": "find out what uses the access key, and give it a role",
  automation: "replace the user with a role",
  inactive: "remove the user, or wait until it is used",
  unknown: "find out what could not be read",
} as const satisfies Partial<Record<State, string>>;

/** Users whom fob put into the group, and who are no longer there. */
function findLostMembers(account: AccountSnapshot, group: string, journal: readonly JournalLine[]): readonly Drift[] {
  const added = listDone(journal)
    .map((step) => withCurrentName(step, account.users))
    .flatMap(({ facts }) => (facts.group === group ? (facts.user ?? []) : []));
  if (added.length > 0 && findGroup(account, group) === undefined) {
    return [{ what: "group-missing", subject: group, detail: `group ${group} does not exist any more` }];
  }
  return added.flatMap((name): Drift[] => {
    const user = account.users.find((each) => each.name === name);
    if (user !== undefined && isMember(user, group)) return [];
    const detail = user === undefined ? `${name} does not exist any more` : `${name} is no longer in group ${group}`;
    return [{ what: "member-removed", subject: name, detail }];
  });
}

const findIneffective = (users: readonly PlannedUser[]): readonly Drift[] =>
  users
    .filter(({ state }) => state === "enforced-ineffective")
    .map(({ user, evidence }) => ({
      what: "member-ineffective",
      subject: user,
      detail: `${user} is ${evidence.join("; ")}`,
    }));

/** Users who came after the rollout began, and who are not in the group. */
function findNewUsers(
  account: AccountSnapshot,
  planned: readonly PlannedUser[],
  group: string,
  [first]: readonly JournalLine[],
): readonly Drift[] {
  if (first === undefined) return [];
  const states = new Map(planned.map(({ user, state }) => [user, state]));
  return account.users
    .filter((user) => user.created > first.time && !isMember(user, group) && states.get(user.name) !== "break-glass")
    .map(({ name, created }) => ({
      what: "new-user",
      subject: name,
      detail: `${name} was created ${created.slice(0, 10)}, after the rollout began, and is not in group ${group}`,
    }));
}

/** A text for those who must enroll. */
const enrollText = (account: string): readonly string[] => [
  `We are about to require MFA in AWS account ${account}. Please add an MFA device to your user:`,
  ...enrollSteps,
];

/** A text for those who are under the policy without a device. */
const stuckText = (account: string): readonly string[] => [
  `AWS account ${account} requires MFA, and your user has no MFA device. AWS denies you everything else until you add one:`,
  ...enrollSteps,
];

const enrollSteps = [
  "1. Sign in at https://console.aws.amazon.com, and open your name, then Security credentials.",
  "2. Choose Assign MFA device, then Authenticator app, and follow the steps.",
  "3. Sign out and in again. Then tell us.",
  "A security key alone is not enough if you use an access key.",
];
