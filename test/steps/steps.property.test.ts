// Tests that the journal and an account agree, whatever is refused, gets no answer, is killed, repeated, undone, or done
// by another administrator.
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { AwsFailure } from "../../src/aws/failures.ts";
import { type JournaledStep, listDone, readJournal, withJournal } from "../../src/steps/journal.ts";
import { runSteps, type Step, StepsStoppedError, type Undo, undoSteps } from "../../src/steps/steps.ts";
import { numRunsOf } from "../helpers/broad.ts";
import { temporaryFolder } from "../helpers/world.ts";
import { addUser, createTools } from "./fake-account.ts";

const users = ["ada", "ben", "cleo", "dan", "erin"];
const name = "rollout-123456789012";
const { signal } = new AbortController();

/** What AWS does with a change, and what fob hears of it. */
const outcomes = ["made", "made", "made", "refused", "made without an answer", "lost", "blocked"] as const;
type Outcome = (typeof outcomes)[number];

interface Action {
  readonly what: "run" | "undo" | "another administrator adds" | "another administrator removes";
  readonly users: readonly string[];
  readonly outcomes: readonly Outcome[];
  /** Where the process is killed: at which part of what it adds to the journal, and on which side of a change there. */
  readonly kill: { readonly at: number; readonly isAfterChange: boolean } | null;
}

const actions = fc.array(
  fc.record<Action>({
    what: fc.constantFrom(
      "run",
      "run",
      "run",
      "undo",
      "undo",
      "another administrator adds",
      "another administrator removes",
    ),
    users: fc.shuffledSubarray(users, { minLength: 2 }),
    outcomes: fc.array(fc.constantFrom(...outcomes), { minLength: users.length, maxLength: users.length }),
    kill: fc.option(fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), isAfterChange: fc.boolean() })),
  }),
  { minLength: 1, maxLength: 10 },
);

/** Who has made each user a member of the group. */
type Members = ReadonlyMap<string, "fob" | "another">;

class World {
  readonly store = temporaryFolder();
  members: Members = new Map();
  /** Each change that fob has made in this action: the journal's length at that moment, and who was a member then. */
  changes: { readonly length: number; readonly before: Members; readonly after: Members }[] = [];

  readonly lines = () => readJournal(this.store, name);
  readonly file = () => join(this.store, `journals/${name}.jsonl`);
  readonly length = () => statSync(this.file(), { throwIfNoEntry: false })?.size ?? 0;

  set(user: string, by: "fob" | "another" | undefined): void {
    const members = new Map(this.members);
    if (by === undefined) members.delete(user);
    else members.set(user, by);
    this.members = members;
  }

  /** Makes a change of fob's, or not, as AWS will. */
  change(user: string, by: "fob" | undefined, outcome: Outcome): void {
    if (outcome === "refused") throw new AwsFailure("refused", "denied", []);
    if (outcome === "lost") throw new AwsFailure("no answer", "lost", []);
    const before = this.members;
    if (by === undefined || !before.has(user)) this.set(user, by);
    this.changes.push({ length: this.length(), before, after: this.members });
    if (outcome === "made without an answer") throw new AwsFailure("no answer", "lost", []);
  }

  step(user: string, outcome: Outcome): Step {
    const account = { has: (each: string) => this.members.has(each), add: () => undefined, remove: () => undefined };
    return {
      ...addUser(user, account),
      check: () => {
        if (outcome === "blocked") return Promise.resolve({ state: "blocked", reason: "a guard" });
        return Promise.resolve({ state: this.members.has(user) ? "done" : "to do" });
      },
      do: async () => {
        await Promise.resolve();
        this.change(user, "fob", outcome);
        return {};
      },
    };
  }

  undo(user: string, outcome: Outcome): Undo {
    return {
      ...{ text: `remove ${user}`, command: "aws iam remove-user-from-group" },
      run: async () => {
        await Promise.resolve();
        this.change(user, undefined, outcome);
      },
    };
  }

  async act({ what, users: named, outcomes: wanted, kill }: Action): Promise<void> {
    const outcomeOf = (user: string): Outcome => wanted[users.indexOf(user)] ?? "made";
    if (what === "another administrator adds") {
      for (const user of named.filter((each) => !this.members.has(each))) this.set(user, "another");
    } else if (what === "another administrator removes") for (const user of named) this.set(user, undefined);
    else await this.actAsFob(what, named, outcomeOf, kill);
  }

  private async actAsFob(
    what: "run" | "undo",
    named: readonly string[],
    outcomeOf: (user: string) => Outcome,
    kill: Action["kill"],
  ): Promise<void> {
    const before = this.members;
    this.changes = [];
    let start = 0;
    await withJournal({ store: this.store, name, signal, now: Date.now }, async (journal) => {
      start = readFileSync(this.file()).lastIndexOf("\n") + 1;
      const tools = createTools(journal);
      const userOf = ({ facts }: JournaledStep): string => facts.user ?? "";
      try {
        if (what === "run") {
          const steps = named.map((user) => this.step(user, outcomeOf(user)));
          await runSteps(steps, tools);
        } else {
          const done = listDone(journal.lines).filter((step) => named.includes(userOf(step)));
          await undoSteps(done, (step) => this.undo(userOf(step), outcomeOf(userOf(step))), tools);
        }
      } catch (error) {
        expect(error).toBeInstanceOf(StepsStoppedError);
      }
    });
    if (kill) this.rewind(before, start, kill);
  }

  /** Puts all back to what it was at a moment of the last action, as if fob had been killed then. */
  private rewind(before: Members, start: number, { at, isAfterChange }: NonNullable<Action["kill"]>): void {
    const bytes = readFileSync(this.file());
    const length = start + Math.round(at * (bytes.length - start));
    writeFileSync(this.file(), bytes.subarray(0, length));
    this.members = before;
    for (const change of this.changes) {
      if (change.length < length || (change.length === length && isAfterChange)) this.members = change.after;
    }
  }
}

test("the journal knows every change that fob made, and undo leaves what fob did not begin", async () => {
  const property = fc.asyncProperty(actions, async (list) => {
    const world = new World();
    for (const action of list) {
      await world.act(action);
      // Whatever fob has made, it can undo.
      const known = listDone(world.lines()).map(({ facts }) => facts.user);
      for (const [user, by] of world.members) if (by === "fob") expect(known).toContain(user);
    }

    // Running again continues: all is done, and what fob did is written down as done.
    const made: Action = { what: "run", users, outcomes: [], kill: null };
    await world.act(made);
    expect([...world.members.keys()].sort()).toEqual(users);
    const all = listDone(world.lines());
    expect(all.filter(({ state }) => state === "unknown")).toEqual([]);
    const lines = world.lines().length;
    await world.act(made);
    expect(world.lines()).toHaveLength(lines);

    // Undo takes what fob did, and nothing that it did not begin.
    const begun = new Set(all.map(({ facts }) => facts.user));
    await world.act({ ...made, what: "undo" });
    expect(listDone(world.lines())).toEqual([]);
    expect([...world.members.keys()].sort()).toEqual(users.filter((user) => !begun.has(user)));
    expect([...world.members.values()]).not.toContain("fob");
  });
  await fc.assert(property, { numRuns: numRunsOf(200) });
}, 120_000);
