// An account with one group, as little of AWS as steps need, and steps that fill it.
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Facts, Journal, JournaledStep } from "../../src/steps/journal.ts";
import type { Step, StepTools, Undo } from "../../src/steps/steps.ts";

export interface Account {
  readonly has: (user: string) => boolean;
  readonly add: (user: string) => void;
  readonly remove: (user: string) => void;
}

/** An account in memory. */
export function createAccount(...members: readonly string[]): Account & { readonly members: Set<string> } {
  const all = new Set(members);
  return {
    members: all,
    has: (user) => all.has(user),
    add: (user) => void all.add(user),
    remove: (user) => void all.delete(user),
  };
}

/** An account that several processes share: a folder with a file for each member. */
export function openAccount(folder: string): Account {
  const fileOf = (user: string): string => join(folder, user);
  return {
    has: (user) => existsSync(fileOf(user)),
    add: (user) => writeFileSync(fileOf(user), ""),
    remove: (user) => rmSync(fileOf(user), { force: true }),
  };
}

/** The step that adds a user to the group. */
export const addUser = (user: string, account: Account): Step => ({
  ...{ id: `add-user/${user}`, text: `add ${user} to group G`, facts: { user } },
  check: () => Promise.resolve({ state: account.has(user) ? "done" : "to do" }),
  do() {
    account.add(user);
    return Promise.resolve({ membership: `${user}@G` });
  },
  undo: (facts) => undoOf(facts, account),
});

const undoOf = ({ user = "" }: Facts, account: Account): Undo => ({
  text: `remove ${user} from group G`,
  command: `aws iam remove-user-from-group --group-name G --user-name ${user}`,
  run() {
    account.remove(user);
    return Promise.resolve();
  },
});

export const undoOfStep =
  (account: Account) =>
  ({ facts }: JournaledStep): Undo =>
    undoOf(facts, account);

/** What a run needs, with what it said and how long it slept. */
export function createTools(
  journal: Journal,
  signal = new AbortController().signal,
): StepTools & { said: string[]; slept: number[] } {
  const said: string[] = [];
  const slept: number[] = [];
  return {
    ...{ journal, signal, said, slept },
    note: (message) => void said.push(message),
    sleep: (ms) => Promise.resolve(void slept.push(ms)),
  };
}
