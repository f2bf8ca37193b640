// Whom `fob rollout undo` takes out of the group, by what the journal has.
import { expect, test } from "vitest";
import { chooseAdded } from "../../src/rollout/journaled.ts";
import type { JournalLine } from "../../src/steps/journal.ts";

const line = (user: string, batch: string, more: Record<string, string> = {}): JournalLine => ({
  ...{ version: 1, time: "2026-01-31T09:00:00Z", run: "x", event: "done", step: `add-user/${user}`, text: "" },
  facts: { user, id: `AIDA${user}`, group: "RequireMFA", batch, ...more },
});
const monday = { plan: "2026-01-26T09:00:00Z" };
const friday = { plan: "2026-01-30T09:00:00Z" };
const groups = ["requiremfa"];

const choose = (lines: readonly JournalLine[], choice: { user?: string; batch?: string }, users = [] as never[]) =>
  chooseAdded(lines, users, { groups, ...choice }).map(({ facts }) => facts.user);

test("a batch is one of the plan that was applied last, also when that one is undone already", () => {
  const lines = [line("ben", "1", monday), line("cleo", "2", monday), line("ivy", "1", friday)];
  expect(choose(lines, { batch: "1" })).toEqual(["ivy"]);
  expect(choose(lines, { batch: "2" })).toEqual([]);
  const undone: JournalLine = { ...line("ivy", "1", friday), event: "undone" };
  expect(choose([...lines, undone], { batch: "1" })).toEqual([]);
  expect(choose([...lines, undone], {})).toEqual(["ben", "cleo"]);
});

test("if the journal has plans, a batch from before plans were journaled is not the latest one's", () => {
  const lines = [line("ben", "1"), line("ivy", "1", friday)];
  expect(choose(lines, { batch: "1" })).toEqual(["ivy"]);
  expect(choose(lines.slice(0, 1), { batch: "1" })).toEqual(["ben"]);
});

test("a user is found by the journaled and by the current name, in these groups only", () => {
  const lines = [line("ben", "1", friday), line("ivy", "2", { ...friday, group: "Other" })];
  const users = [{ id: "AIDAben", name: "zoe" }];
  for (const user of ["BEN", "zoe"]) {
    expect(chooseAdded(lines, users, { groups, user }).map(({ facts }) => facts.user)).toEqual(["zoe"]);
  }
  expect(choose(lines, { user: "ivy" })).toEqual([]);
});
