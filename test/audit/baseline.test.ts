// What is new since an earlier audit, and what of it counts.
import { expect, test } from "vitest";
import type { Audit } from "../../src/audit/audit.ts";
import { compareWithBaseline, readBaseline } from "../../src/audit/baseline.ts";
import { getRemaining } from "../../src/audit/found.ts";
import { makeAudit, subject } from "./account.ts";

const id = "old-access-keys";
const old = (days: number, ...names: string[]) =>
  makeAudit({ [id]: { result: "fail", subjects: names.map((name) => subject(name, `${days} days old`)) } });

/** Compares with the baseline as it is read from a file. */
function compare(now: Audit, before: Audit) {
  const accounts = readBaseline(JSON.parse(JSON.stringify(before)));
  const audit = compareWithBaseline(now, accounts.get(now.account));
  const check = audit.checks.find((each) => each.id === id);
  if (check === undefined) throw new Error("no check");
  const news = check.subjects.flatMap((each) => (each.new ? each.name : []));
  return { ...audit.baseline, news, remaining: getRemaining(check), check };
}

test("what the baseline has does not count, though its evidence is another day's", () => {
  expect(compare(old(92, "ben", "cleo"), old(91, "ben", "cleo"))).toMatchObject({
    ...{ new: 0, known: 2, fixed: [], news: [], remaining: "pass" },
    check: { result: "fail" },
  });
});

test("what it does not have is new and counts, and what is gone is fixed", () => {
  expect(compare(old(92, "ben", "dan"), old(91, "ben", "cleo"))).toMatchObject({
    ...{ new: 1, known: 1, news: ["dan"], remaining: "fail", made: "2026-01-31T09:00:00Z" },
    fixed: [{ check: id, name: "cleo" }],
  });
});

test("what was not known then and fails now is new", () => {
  const before = makeAudit({ [id]: { result: "unknown", subjects: [subject("ben")] } });
  expect(compare(old(92, "ben"), before)).toMatchObject({ new: 1, known: 0, remaining: "fail" });
  const beside = makeAudit({
    [id]: { result: "fail", subjects: [subject("cleo")], unknownSubjects: [subject("ben")] },
  });
  expect(compare(old(92, "ben", "cleo"), beside)).toMatchObject({ new: 1, known: 1, news: ["ben"], remaining: "fail" });
});

test("what is not known counts, also if it was not known before, and nothing is fixed by it", () => {
  const unknown = makeAudit({ [id]: { result: "unknown", subjects: [subject("ben")] } });
  expect(compare(unknown, unknown)).toMatchObject({ new: 0, known: 0, fixed: [], remaining: "unknown" });
  expect(compare(unknown, old(91, "ben", "cleo"))).toMatchObject({ fixed: [], remaining: "unknown" });
  const partly = makeAudit({ [id]: { result: "fail", subjects: [subject("dan")], unknownSubjects: [subject("ben")] } });
  expect(compare(partly, old(91, "ben", "cleo", "dan"))).toMatchObject({
    ...{ new: 0, known: 1, remaining: "unknown", fixed: [{ name: "cleo" }] },
  });
});

test("a check that fails for the account as a whole is not the one that fails for someone", () => {
  const whole = makeAudit({ [id]: { result: "fail", reason: "no user has the tag" } });
  expect(compare(whole, whole)).toMatchObject({ known: 1, new: 0, remaining: "pass", fixed: [] });
  expect(compare(whole, old(91, "ben"))).toMatchObject({ new: 1, remaining: "fail", fixed: [] });
  expect(compare(old(91, "ben"), whole)).toMatchObject({ new: 1, remaining: "fail", fixed: [] });
});

test("what someone accepted then is new when that person no longer does", () => {
  const acceptance = { person: "Ada", reason: "r", until: "2027-01-31", expired: false };
  const before = makeAudit({ [id]: { result: "fail", subjects: [{ ...subject("ben"), accepted: acceptance }] } });
  expect(compare(old(92, "ben"), before)).toMatchObject({ new: 1, remaining: "fail" });
});

test("a check that the baseline does not have is new", () => {
  const before = old(91, "ben");
  expect(compare(old(92, "ben"), { ...before, checks: before.checks.filter((each) => each.id !== id) })).toMatchObject({
    ...{ new: 1, remaining: "fail" },
  });
});

test.each([
  [[], "it must be an object"],
  [{}, "it has no version"],
  [{ ...old(1), version: 2 }, "its version is 2, not 1"],
  [{ ...old(1), account: 123456789012 }, "account must be a text"],
  [{ ...old(1), made: "yesterday" }, "made must be a time such as 2026-01-31T09:00:00Z"],
  [{ version: 1, users: [] }, "account must be a text"],
  [{ ...old(1), checks: [{ id, result: "ok", subjects: [] }] }, "checks[0].result must be one of: pass, fail, unknown"],
  [{ version: 1, accounts: [old(1), { ...old(1), checks: {} }] }, "accounts[1].checks must be a list"],
])("what is no audit is no baseline (%#)", (value, message) => {
  expect(() => readBaseline(value)).toThrow(message);
});

test("an audit of many accounts is a baseline for each that it could read", () => {
  const failed = { account: "210987654321", unknown: "no permission" };
  const accounts = readBaseline({ version: 1, accounts: [failed, makeAudit({}, "111122223333"), old(1, "ben")] });
  expect([...accounts.keys()]).toEqual(["111122223333", "123456789012"]);
});
