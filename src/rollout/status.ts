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
import { isBreakGlass, isMember } from "../iam/parts.ts";
import type { AccountSnapshot, User } from "../iam/snapshot.ts";
import { type JournalLine, listDone } from "../steps/journal.ts";
import { withCurrentName } from "./apply.ts";
import { makePlan, type PlannedUser } from "./plan.ts";
import type { State } from "./states.ts";

/** The format of DESIGN.md section 7, with what can be cleaned up. */
export interface RolloutStatus {
  readonly version: 1;
  readonly account: string;
  readonly group: string;
  readonly enforced: readonly string[];
  readonly ready: readonly string[];
  readonly waiting: readonly Waiting[];
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
  readonly what: Difference["kind"] | "group-missing" | "member-removed" | "member-ineffective" | "new-user";
  readonly subject: string;
  readonly detail: string;
}

/** What is unused. fob only prints the commands. */
interface CleanUp {
  readonly user: string;
  /** `access key, last used 2026-01-31` */
  readonly what: string;
  readonly commands: readonly string[];
}

export interface StatusOptions {
  readonly group: string;
  /** undefined: the one that the journal has, else the default. */
  readonly policy: PolicyVariant | undefined;
  readonly breakGlass: readonly string[];
  /** What fob did in this account, from its journal on this computer. */
  readonly journal: readonly JournalLine[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

export function judgeRollout(account: AccountSnapshot, options: StatusOptions): RolloutStatus {
  const { group: named, breakGlass, journal, now } = options;
  const policy = options.policy ?? findVariant(journal, findGroup(account, named)?.name ?? named) ?? defaultVariant;
  const plan = makePlan(account, { group: named, policy, batchSize: 3, exclude: [], include: [], breakGlass, now });
  const { group, users } = plan;
  const namesIn = (state: State): readonly string[] =>
    users.filter((user) => user.state === state).map(({ user }) => user);
  return {
    version: 1,
    account: account.account,
    group,
    enforced: namesIn("enforced"),
    ready: namesIn("ready"),
    waiting: users.flatMap(({ user, state, evidence }) => {
      const what = waitsFor[state];
      return what === undefined ? [] : [{ user, state, for: `${what} (${evidence.join("; ")})` }];
    }),
    drift: [
      ...findDifferences(account, buildEnforcement(account, group, policy)).map(({ kind, ...rest }) => ({
        what: kind,
        ...rest,
      })),
      ...findLostMembers(account, group, journal),
      ...findIneffective(users),
      ...findNewUsers(account, users, group, journal),
    ],
    cleanup: account.users.flatMap((user) => (isBreakGlass(user, breakGlass) ? [] : listUnused(user, now))),
  };
}

const waitsFor: Readonly<Partial<Record<State, string>>> = {
  "needs-device": "enroll an MFA device",
  "password-pending": "sign in and set a new password",
  "security-key-only": "enroll a virtual device, or delete the access key",
  "key-in-use": "find out what uses the access key, and give it a role",
  automation: "replace the user with a role",
  inactive: "remove the user, or wait until it is used",
  unknown: "find out what could not be read",
};

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

const day = 86_400_000;

function listUnused(user: User, now: number): readonly CleanUp[] {
  const { name, created, password, accessKeys } = user;
  if (!("value" in password) || !("value" in accessKeys)) return [];
  const isOld = (time: string | null): boolean => now - Date.parse(time ?? created) > 90 * day;
  const describe = (time: string | null): string => (time === null ? "never used" : `last used ${time.slice(0, 10)}`);
  const active = accessKeys.value.filter((key) => key.active);
  const lastSignIn = password.value?.lastUsed;
  const isPasswordIdle =
    password.value === null || (lastSignIn !== undefined && "value" in lastSignIn && isOld(lastSignIn.value));
  const idleKeys = active.filter(({ lastUsed, lastRotated }) => isOld(lastUsed ?? lastRotated));
  const keys = idleKeys.map(
    ({ lastUsed }): CleanUp => ({
      ...{ user: name, what: `access key, ${describe(lastUsed)}` },
      commands: [
        `aws iam list-access-keys --user-name ${name}`,
        `aws iam update-access-key --user-name ${name} --status Inactive --access-key-id ID`,
      ],
    }),
  );
  const isIdle = isPasswordIdle && idleKeys.length === active.length && isOld(null);
  if (!isIdle || password.value === null) return keys;
  const shown = lastSignIn !== undefined && "value" in lastSignIn ? lastSignIn.value : null;
  return [
    ...keys,
    {
      user: name,
      what: `console password, ${describe(shown)}`,
      commands: [`aws iam delete-login-profile --user-name ${name}`],
    },
  ];
}
