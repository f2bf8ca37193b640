// Tests what becomes of steps that are done, done already, blocked, refused, undone or stopped.
import { expect, test } from "vitest";
import { AwsFailure } from "../../src/aws/failures.ts";
import { CancelledError } from "../../src/errors.ts";
import { type Journal, listDone, readJournal, withJournal } from "../../src/steps/journal.ts";
import { runSteps, type Step, StepsStoppedError, undoSteps } from "../../src/steps/steps.ts";
import { temporaryFolder } from "../helpers/world.ts";
import { type Account, addUser, createAccount, createTools, undoOfStep } from "./fake-account.ts";

const name = "rollout-123456789012";
const time = Date.parse("2026-01-31T09:00:00Z");
const { signal } = new AbortController();

const open = <T>(store: string, work: (journal: Journal) => Promise<T>): Promise<T> =>
  withJournal({ store, name, signal, now: () => time }, work);
const run = (store: string, steps: readonly Step[]) => open(store, (journal) => runSteps(steps, createTools(journal)));
const undo = (store: string, account: Account) =>
  open(store, (journal) => undoSteps(listDone(journal.lines), undoOfStep(account), createTools(journal)));
const events = (store: string) => readJournal(store, name).map(({ event, step }) => `${event} ${step}`);
const stopOf = (running: Promise<unknown>): Promise<StepsStoppedError> =>
  running.then(
    () => expect.fail("the run was not stopped"),
    (thrown: unknown) => {
      expect(thrown).toBeInstanceOf(StepsStoppedError);
      return thrown as StepsStoppedError;
    },
  );

test("steps are done in order, and the journal tells before and after each what it is and how to undo it", async () => {
  const store = temporaryFolder();
  const account = createAccount();
  const done = await open(store, async (journal) => {
    const tools = createTools(journal);
    const did = await runSteps(
      ["ben", "cleo"].map((user) => addUser(user, account)),
      tools,
    );
    expect(tools.said).toEqual(["add ben to group G", "add cleo to group G"]);
    return did;
  });
  expect([...account.members]).toEqual(["ben", "cleo"]);
  expect(events(store)).toEqual([
    "begin add-user/ben",
    "done add-user/ben",
    "begin add-user/cleo",
    "done add-user/cleo",
  ]);
  const [begin, end] = readJournal(store, name);
  const line = {
    ...{ version: 1, time: "2026-01-31T09:00:00.000Z", run: expect.stringMatching(/^[\w-]{12}$/) as string },
    ...{ step: "add-user/ben", text: "add ben to group G" },
    undo: "aws iam remove-user-from-group --group-name G --user-name ben",
  };
  expect(begin).toEqual({ ...line, event: "begin", facts: { user: "ben" } });
  expect(end).toEqual({ ...line, event: "done", facts: { user: "ben", membership: "ben@G" } });
  expect(done.map(({ step, state }) => [step, state])).toEqual([
    ["add-user/ben", "done"],
    ["add-user/cleo", "done"],
  ]);
});

test("what another administrator did is not done again, not written down and not undone", async () => {
  const store = temporaryFolder();
  const account = createAccount("ben");
  expect(await run(store, [addUser("ben", account), addUser("cleo", account)])).toMatchObject([
    { step: "add-user/cleo" },
  ]);
  expect(events(store)).toEqual(["begin add-user/cleo", "done add-user/cleo"]);
  expect(await run(store, [addUser("ben", account), addUser("cleo", account)])).toEqual([]);
  await undo(store, account);
  expect([...account.members]).toEqual(["ben"]);
});

test("a blocked step stops the run before it, with the commands that undo what was done, the last first", async () => {
  const store = temporaryFolder();
  const account = createAccount();
  const blocked: Step = {
    ...addUser("dan", account),
    check: () =>
      Promise.resolve({ state: "blocked", reason: "dan has no MFA device", hints: ["ask dan"], exitCode: 3 }),
  };
  const stop = await stopOf(run(store, [addUser("ben", account), addUser("cleo", account), blocked]));
  expect(stop).toMatchObject({
    ...{ message: "cannot add dan to group G: dan has no MFA device", exitCode: 3, step: "add-user/dan" },
    hints: [
      "ask dan",
      'to undo "add cleo to group G": aws iam remove-user-from-group --group-name G --user-name cleo',
      'to undo "add ben to group G": aws iam remove-user-from-group --group-name G --user-name ben',
    ],
  });
  expect(stop.done.map(({ step }) => step)).toEqual(["add-user/ben", "add-user/cleo"]);
  expect(events(store).filter((line) => line.includes("dan"))).toEqual([]);
});

test("a change that AWS refuses counts as not made, also when another administrator makes it later", async () => {
  const store = temporaryFolder();
  const account = createAccount();
  const refused = new AwsFailure("refused", "AWS denied the request: no", ["ask an administrator"]);
  const stop = await stopOf(run(store, [{ ...addUser("ben", account), do: () => Promise.reject(refused) }]));
  expect(stop).toMatchObject({
    ...{ message: "cannot add ben to group G: AWS denied the request: no", hints: ["ask an administrator"], done: [] },
  });
  expect(readJournal(store, name).at(-1)).toMatchObject({ event: "failed", reason: "AWS denied the request: no" });
  account.add("ben");
  await run(store, [addUser("ben", account)]);
  expect(events(store)).toEqual(["begin add-user/ben", "failed add-user/ben"]);
  expect(await undo(store, account)).toEqual([]);
  expect([...account.members]).toEqual(["ben"]);
});

test.each([true, false])(
  "a change without an answer is unknown until AWS is asked again (made: %s)",
  async (isMade) => {
    const store = temporaryFolder();
    const account = createAccount();
    const lost: Step = {
      ...addUser("ben", account),
      do: () => {
        if (isMade) account.add("ben");
        throw new AwsFailure("no answer", "no answer from AWS", []);
      },
    };
    const { hints } = await stopOf(run(store, [lost]));
    expect(hints).toEqual([
      "AWS may have made the change; run the same command again, which checks that first",
      'to undo "add ben to group G": aws iam remove-user-from-group --group-name G --user-name ben',
    ]);
    expect(listDone(readJournal(store, name))).toMatchObject([{ step: "add-user/ben", state: "unknown" }]);
    await run(store, [addUser("ben", account)]);
    expect(listDone(readJournal(store, name))).toMatchObject([{ step: "add-user/ben", state: "done" }]);
    expect(await undo(store, account)).toHaveLength(1);
    expect([...account.members]).toEqual([]);
  },
);

test("what only AWS knew is learned from the check after a run that was cut off", async () => {
  const store = temporaryFolder();
  const account = createAccount();
  const step = addUser("ben", account);
  await stopOf(run(store, [{ ...step, do: () => Promise.reject(new Error("cut off")) }]));
  await run(store, [{ ...step, check: () => Promise.resolve({ state: "done", facts: { id: "AKIAEXAMPLE" } }) }]);
  expect(readJournal(store, name).at(-1)).toMatchObject({ event: "done", facts: { user: "ben", id: "AKIAEXAMPLE" } });
});

test("a step is confirmed after it was done, with patience, and also if it was done before", async () => {
  const store = temporaryFolder();
  const account = createAccount();
  let looks = 0;
  const slow: Step = {
    ...addUser("ben", account),
    confirm: () => Promise.resolve({ state: ++looks > 3 ? "done" : "to do" }),
  };
  await open(store, async (journal) => {
    const tools = createTools(journal);
    await runSteps([slow], tools);
    expect(tools.slept).toEqual([500, 1000, 2000]);
    await runSteps([slow], tools);
    expect(looks).toBe(5);
    const never: Step = { ...slow, confirm: () => Promise.resolve({ state: "to do" }) };
    expect((await stopOf(runSteps([never], tools))).message).toBe(
      '"add ben to group G" is done, but AWS does not show it',
    );
    expect(tools.slept.slice(3)).toEqual([500, 1000, 2000, 4000, 8000, 16_000]);
    expect(listDone(journal.lines)).toMatchObject([{ step: "add-user/ben", state: "unknown" }]);
    await runSteps([slow], tools);
    expect(listDone(journal.lines)).toMatchObject([{ step: "add-user/ben", state: "done" }]);
  });
});

test("a step is not done in the journal before AWS has confirmed it, so that a kill in between is found", async () => {
  const store = temporaryFolder();
  const account = createAccount();
  const states: unknown[] = [];
  const step: Step = {
    ...addUser("ben", account),
    confirm: () => {
      states.push(...listDone(readJournal(store, name)).map(({ state }) => state));
      return Promise.resolve({ state: "done" });
    },
  };
  await run(store, [step]);
  expect(states).toEqual(["unknown"]);
  expect(listDone(readJournal(store, name))).toMatchObject([{ state: "done" }]);
});

test("a step that does not hold stops the run, and its own undo is among the commands", async () => {
  const store = temporaryFolder();
  const account = createAccount();
  const bad: Step = {
    ...addUser("ben", account),
    confirm: () => Promise.resolve({ state: "blocked", reason: "ben cannot use S3 with MFA any more", hints: [] }),
  };
  const stop = await stopOf(run(store, [bad, addUser("cleo", account)]));
  expect(stop.message).toBe('"add ben to group G" is done, but ben cannot use S3 with MFA any more');
  expect(stop.hints).toEqual([
    'to undo "add ben to group G": aws iam remove-user-from-group --group-name G --user-name ben',
  ]);
  expect([...account.members]).toEqual(["ben"]);
});

test("after Ctrl-C no other step begins", async () => {
  const store = temporaryFolder();
  const account = createAccount();
  const cancel = new AbortController();
  const first: Step = {
    ...addUser("ben", account),
    confirm: () => {
      cancel.abort();
      return Promise.resolve({ state: "done" });
    },
  };
  const stop = await open(store, (journal) =>
    stopOf(runSteps([first, addUser("cleo", account)], createTools(journal, cancel.signal))),
  );
  expect(stop).toMatchObject({ message: new CancelledError().message, exitCode: 130 });
  expect(stop.hints).toHaveLength(1);
  expect([...account.members]).toEqual(["ben"]);
});

test("undo goes backwards, can be repeated, and stops with the commands for what is left", async () => {
  const store = temporaryFolder();
  const account = createAccount();
  await run(
    store,
    ["ben", "cleo", "dan"].map((user) => addUser(user, account)),
  );
  const failing: Account = {
    ...account,
    remove(user) {
      if (user === "cleo") throw new AwsFailure("refused", "AWS denied the request", []);
      account.remove(user);
    },
  };
  const stop = await stopOf(undo(store, failing));
  expect(stop.message).toBe("cannot remove cleo from group G: AWS denied the request");
  expect(stop.hints).toEqual([
    'to undo "add cleo to group G": aws iam remove-user-from-group --group-name G --user-name cleo',
    'to undo "add ben to group G": aws iam remove-user-from-group --group-name G --user-name ben',
  ]);
  expect(stop.done.map(({ step }) => step)).toEqual(["add-user/dan"]);
  expect((await undo(store, account)).map(({ step }) => step)).toEqual(["add-user/cleo", "add-user/ben"]);
  expect([...account.members]).toEqual([]);
  expect(await undo(store, account)).toEqual([]);
  // What was undone can be done again.
  await run(store, [addUser("ben", account)]);
  expect(listDone(readJournal(store, name))).toMatchObject([{ step: "add-user/ben", state: "done" }]);
});

test("a step that this version cannot undo stops the undo with the command from the journal", async () => {
  const store = temporaryFolder();
  const account = createAccount();
  await run(store, [addUser("ben", account)]);
  const stop = await open(store, (journal) =>
    stopOf(undoSteps(listDone(journal.lines), () => undefined, createTools(journal))),
  );
  expect(stop.message).toBe('cannot undo "add ben to group G": this version of fob does not know how');
  expect(stop.hints).toEqual([
    'to undo "add ben to group G": aws iam remove-user-from-group --group-name G --user-name ben',
  ]);
});

test("without a journal nothing is done, and what could not be written down after it was done is said", async () => {
  const store = temporaryFolder();
  const account = createAccount();
  const runWith = (failAt: number) =>
    open(store, (journal) => {
      let writes = 0;
      const failing: Journal = {
        lines: journal.lines,
        append(entry) {
          if (++writes === failAt) throw new Error("no space left");
          journal.append(entry);
        },
      };
      return stopOf(runSteps([addUser("ben", account)], createTools(failing)));
    });
  expect(await runWith(1)).toMatchObject({ message: "cannot add ben to group G: no space left", done: [] });
  expect([...account.members]).toEqual([]);
  expect(await runWith(2)).toMatchObject({
    message: '"add ben to group G" is done, but was not written down: no space left',
    hints: ['to undo "add ben to group G": aws iam remove-user-from-group --group-name G --user-name ben'],
  });
  await run(store, [addUser("ben", account)]);
  expect(events(store)).toEqual(["begin add-user/ben", "done add-user/ben"]);
});
