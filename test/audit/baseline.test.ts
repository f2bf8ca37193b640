// What is new since an earlier audit, and what of it counts.
import { expect, test } from "vitest";
import { type Audit, auditAccount } from "../../src/audit/audit.ts";
import { compareWithBaseline, readBaseline } from "../../src/audit/baseline.ts";
import { getRemaining, listFound } from "../../src/audit/found.ts";
import type { AccountSnapshot } from "../../src/iam/snapshot.ts";
import { makeAudit, subject } from "./account.ts";
import { makeAccount, makeUser } from "./account-of.ts";

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
    [id]: { result: "fail", subjects: [subject("cleo", "91 days old")], unknownSubjects: [subject("ben")] },
  });
  expect(compare(old(92, "ben", "cleo"), beside)).toMatchObject({ new: 1, known: 1, news: ["ben"], remaining: "fail" });
});

test("what is not known counts, also if it was not known before, and nothing is fixed by it", () => {
  const unknown = makeAudit({ [id]: { result: "unknown", subjects: [subject("ben")] } });
  expect(compare(unknown, unknown)).toMatchObject({ new: 0, known: 0, fixed: [], remaining: "unknown" });
  expect(compare(unknown, old(91, "ben", "cleo"))).toMatchObject({ fixed: [], remaining: "unknown" });
  const partly = makeAudit({
    [id]: { result: "fail", subjects: [subject("dan", "92 days old")], unknownSubjects: [subject("ben")] },
  });
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

/** What of two audits of an account is new, by check. */
function listNew(now: AccountSnapshot, before: AccountSnapshot): readonly string[] {
  const accounts = readBaseline(JSON.parse(JSON.stringify(auditOf(before))));
  const { checks } = compareWithBaseline(auditOf(now), accounts.get("123456789012"));
  return checks
    .filter((check) => listFound(check).some((found) => found.result === "fail" && found.new))
    .map((check) => check.id);
}

function auditOf(snapshot: AccountSnapshot): Audit {
  const { options } = makeAccount([]);
  return auditAccount(snapshot, { ...options, now: Date.parse(snapshot.made) });
}

const [today, lastWeek] = ["2026-11-27T00:00:00Z", "2026-11-20T00:00:00Z"];
const key = (made: string, lastUsed = "2026-11-19T10:00:00Z") => ({
  ...{ active: true, lastRotated: made, lastUsed, lastUsedService: "s3" },
});
const [olderKey, oldKey] = [key("2026-01-02T10:00:00Z"), key("2026-08-26T10:00:00Z")];
const withKeys = (made: string, ...keys: ReturnType<typeof key>[]) =>
  makeAccount([makeUser("ben", { accessKeys: { value: keys } })], { made }).snapshot;

test("a key that only grew older is known, and another one that is old by now is new", () => {
  expect(listNew(withKeys(today, olderKey), withKeys(lastWeek, olderKey))).toEqual([]);
  // It was 86 days old.
  expect(listNew(withKeys(today, olderKey, oldKey), withKeys(lastWeek, olderKey, oldKey))).toEqual(["old-access-keys"]);
  expect(listNew(withKeys(today, key("2026-03-01T10:00:00Z")), withKeys(lastWeek, olderKey))).toEqual([
    "old-access-keys",
  ]);
});

test("one who gets more to sign in with is new, and one who has less to answer for is not", () => {
  const both = withKeys(today, olderKey);
  const only = withKeys(today);
  expect(listNew(both, only)).toContain("every-active-user-has-mfa");
  const unused = (made: string, lastUsed: string) =>
    withKeys(made, key("2026-11-01T00:00:00Z", lastUsed), key("2026-11-01T00:00:00Z", "2026-01-01T00:00:00Z"));
  expect(listNew(unused(today, "2026-11-26T00:00:00Z"), unused(lastWeek, "2026-01-01T00:00:00Z"))).toEqual([]);
});

const weak = (operator: string, exempt: readonly string[]) => ({
  ...{ Effect: "Deny", NotAction: exempt, Resource: "*" },
  Condition: { [operator]: { "aws:MultiFactorAuthPresent": "false" } },
});
const withPolicy = (made: string, ...statements: readonly object[]) => {
  const document = JSON.stringify({ Version: "2012-10-17", Statement: statements });
  const group = { name: "RequireMFA", arn: "arn:aws:iam::123456789012:group/RequireMFA", id: "AGPA1", path: "/" };
  return makeAccount([], {
    made,
    groups: [{ ...group, inlinePolicies: [{ name: "own", document }], attachedPolicies: [] }],
  }).snapshot;
};
const enough = ["iam:CreateVirtualMFADevice", "iam:EnableMFADevice", "iam:GetUser", "iam:ListMFADevices"];

test("a policy that failed before is new with a second error, also with the same in a second place", () => {
  const one = [weak("Bool", enough)];
  expect(listNew(withPolicy(today, ...one), withPolicy(lastWeek, ...one))).toEqual([]);
  expect(listNew(withPolicy(today, weak("Bool", [...enough, "iam:GetUsr"])), withPolicy(lastWeek, ...one))).toEqual([
    "policy-sound",
  ]);
  expect(listNew(withPolicy(today, ...one, ...one), withPolicy(lastWeek, ...one))).toEqual(["policy-sound"]);
  expect(listNew(withPolicy(today, ...one), withPolicy(lastWeek, weak("Bool", [...enough, "iam:GetUsr"])))).toEqual([]);
});

const withRoot = (made: string, passwordLastUsed: string) =>
  makeAccount([], {
    made,
    root: { value: { hasMfa: true, hasPassword: true, passwordLastUsed, activeAccessKeys: 0 } },
  }).snapshot;

test("a sign-in of the root user since the baseline is new, also on the same day", () => {
  const before = withRoot(lastWeek, "2026-11-19T10:00:00Z");
  expect(listNew(withRoot(today, "2026-11-19T10:00:00Z"), before)).toEqual([]);
  expect(listNew(withRoot(today, "2026-11-19T11:00:00Z"), before)).toEqual(["root-unused"]);
});

const opened = { result: "fail", subjects: [subject("ben", "MFA is not enforced: s3:*")] } as const;

test.each([
  "MFA is not enforced: s3:*; asked about 8 requests without MFA, AWS's simulator allows 6, as fob does",
  "MFA is not enforced: s3:*; what AWS's simulator says is not known: no permission",
])("that AWS's simulator was asked too makes nothing new: %s", (evidence) => {
  const asked = { result: "fail", subjects: [subject("ben", evidence)] } as const;
  expect(compare(makeAudit({ [id]: asked }), makeAudit({ [id]: opened })).news).toEqual([]);
  expect(compare(makeAudit({ [id]: opened }), makeAudit({ [id]: asked })).news).toEqual([]);
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
