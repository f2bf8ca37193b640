// Accepted risks: what an entry covers, until when, and what is said of entries that cover nothing.
import { expect, test } from "vitest";
import { applyAccepted, readAccepted } from "../../src/audit/accepted.ts";
import { prepareAudit } from "../../src/audit/audit.ts";
import { getRemaining, listFound } from "../../src/audit/found.ts";
import { formatAuditHtml } from "../../src/cli/commands/audit/html/report.ts";
import { formatAudit, formatAuditMarkdown } from "../../src/cli/commands/audit/text.ts";
import { arnOf, makeAudit, subject } from "./account.ts";
import { makeAccount } from "./account-of.ts";

const id = "old-access-keys";
const now = Date.UTC(2026, 10, 27, 12);
const entry = (change: object = {}) => ({
  ...{ check: id, arn: arnOf("ben"), person: "Ada Lovelace", reason: "moves to a role", until: "2026-12-31" },
  ...change,
});
const read = (entries: readonly object[], isMany = false) => readAccepted({ version: 1, accepted: entries }, isMany);

function apply(result: Parameters<typeof makeAudit>[0][string], entries: readonly object[], at = now, check = id) {
  const { audit, problems } = applyAccepted(makeAudit({ [check]: result }), read(entries), at);
  const found = audit.checks.find((each) => each.id === check);
  if (found === undefined) throw new Error("no check");
  const accepted = listFound(found).flatMap((each) => (each.accepted === undefined ? [] : each.name));
  return { problems, accepted, remaining: getRemaining(found), counts: audit.accepted, result: found.result };
}

const ben = { result: "fail", subjects: [subject("ben")] } as const;
const both = { result: "fail", subjects: [subject("ben"), subject("cleo")] } as const;

test("what someone accepts does not count, and what is beside it does", () => {
  expect(apply(ben, [entry()])).toMatchObject({
    ...{ remaining: "pass", result: "fail", accepted: ["ben"], problems: [], counts: { accepted: 1, expired: 0 } },
  });
  expect(apply(both, [entry()])).toMatchObject({ remaining: "fail", accepted: ["ben"] });
});

test("it counts again from the day after the end date, and is named", () => {
  const at = (time: string) => apply(ben, [entry({ until: "2026-11-30" })], Date.parse(time));
  expect(at("2026-11-30T23:59:59Z")).toMatchObject({ remaining: "pass", counts: { accepted: 1, expired: 0 } });
  expect(at("2026-12-01T00:00:00Z")).toMatchObject({
    ...{ remaining: "fail", accepted: ["ben"], counts: { accepted: 0, expired: 1 } },
  });
});

test("what is not known is accepted only by an entry that says so", () => {
  const unknown = { result: "unknown", subjects: [subject("ben")] } as const;
  expect(apply(unknown, [entry()])).toMatchObject({ remaining: "unknown", accepted: [], problems: [] });
  expect(apply(unknown, [entry({ result: "unknown" })])).toMatchObject({ remaining: "pass", accepted: ["ben"] });
  expect(apply(ben, [entry({ result: "unknown" })])).toMatchObject({ remaining: "fail", accepted: [] });
});

test("to accept what fails does not make what is not known beside it a pass", () => {
  expect(apply({ ...ben, unknownSubjects: [subject("cleo")] }, [entry()])).toMatchObject({ remaining: "unknown" });
});

test("an entry is for one account and one thing in it", () => {
  const name = (change: object) => entry({ arn: undefined, ...change });
  expect(apply(ben, [name({ name: "ben" })])).toMatchObject({ remaining: "pass" });
  expect(apply(ben, [name({ name: "ben", account: "210987654321" })])).toMatchObject({
    remaining: "fail",
    problems: [],
  });
  expect(apply(ben, [entry({ arn: arnOf("ben", "210987654321") })])).toMatchObject({ remaining: "fail", problems: [] });
  const twice = { result: "fail", subjects: [subject("ben"), { ...subject("ben"), arn: arnOf("eng/ben") }] } as const;
  expect(apply(twice, [name({ name: "ben" })])).toMatchObject({
    ...{ remaining: "fail", accepted: [] },
    problems: [`${id} of ben is accepted, but there are 2 of that name: add the ARN`],
  });
});

test("an inline policy, which has the ARN of its group, is accepted by its name too", () => {
  const arn = "arn:aws:iam::123456789012:group/dev";
  const policies = { result: "fail", subjects: ["a", "b"].map((name) => ({ name, arn, evidence: "x" })) } as const;
  expect(apply(policies, [entry({ check: "policy-sound", arn })], now, "policy-sound")).toMatchObject({
    ...{ accepted: [], remaining: "fail" },
    problems: [`policy-sound of ${arn} is accepted, but more than one thing can have this ARN: add the name`],
  });
  expect(apply(policies, [entry({ check: "policy-sound", arn, name: "a" })], now, "policy-sound").accepted).toEqual([
    "a",
  ]);
});

test("a failure of the account as a whole is accepted by the account's number", () => {
  const root = { result: "fail", reason: "the root user has no MFA device" } as const;
  const whole = entry({ check: "root-mfa", arn: undefined, account: "123456789012" });
  expect(apply(root, [whole], now, "root-mfa")).toMatchObject({ remaining: "pass", problems: [] });
  expect(apply(ben, [{ ...whole, check: id }])).toMatchObject({ remaining: "fail" });
});

test("the next command is that of what counts, not of what someone accepts", () => {
  const command = (name: string) => `aws iam list-mfa-devices --user-name ${name}`;
  const subjects = ["ben", "cleo"].map((name) => ({ ...subject(name), remedy: command(name) }));
  const { audit } = applyAccepted(makeAudit({ [id]: { result: "fail", subjects } }), read([entry()]), now);
  const [table, markdown] = [formatAudit(audit, now, 200), formatAuditMarkdown(audit)];
  const { snapshot, options } = makeAccount([]);
  const page = formatAuditHtml(audit, prepareAudit(snapshot, options));
  expect(table).toContain(`next: ${command("cleo")}\n`);
  expect(markdown).toContain(`Next: \`${command("cleo")}\`\n`);
  expect(markdown).toContain(`- cleo: no MFA device: \`${command("cleo")}\`\n`);
  expect(page).toContain(`<p class="next">Next: <code>${command("cleo")}</code></p>`);
  for (const text of [table, markdown, page]) expect(text).not.toContain(command("ben"));
  const all = applyAccepted(audit, read([entry(), entry({ arn: arnOf("cleo") })]), now).audit;
  for (const text of [formatAudit(all, now, 200), formatAuditMarkdown(all)]) {
    expect(text).toContain("cleo: no MFA device");
    expect(text).not.toContain(command("cleo"));
  }
});

test("an entry that matches nothing is said", () => {
  expect(apply({ result: "pass" }, [entry()]).problems).toEqual([
    `${id} of ${arnOf("ben")} is accepted, but there is no such failure`,
  ]);
});

test.each([
  [entry({ because: "x" }), 'accepted[0] has an unknown member "because"'],
  [entry({ person: undefined }), "accepted[0].person must be a text"],
  [entry({ reason: "  " }), "accepted[0].reason must be said"],
  [entry({ until: undefined }), "accepted[0].until must be a text"],
  [entry({ until: "soon" }), "accepted[0].until must be a date such as 2027-01-31"],
  [entry({ until: "2027-02-31" }), "accepted[0].until is a date that does not exist: 2027-02-31"],
  [entry({ check: "no-such-check" }), "accepted[0].check must be one of: every-active-user-has-mfa, "],
  [entry({ arn: undefined }), "accepted[0] has no arn and no name"],
  [entry({ result: "pass" }), "accepted[0].result must be one of: fail, unknown"],
])("an entry that does not say all, or something else, is refused (%#)", (value, message) => {
  expect(() => read([JSON.parse(JSON.stringify(value)) as object])).toThrow(message);
});

test("so are a file of another form, the same entry twice, and a name that could be any account's", () => {
  expect(() => readAccepted([], false)).toThrow("it must be an object");
  expect(() => readAccepted({ accepted: [] }, false)).toThrow("it has no version");
  expect(() => readAccepted({ version: 1, accepted: [], more: 1 }, false)).toThrow('it has an unknown member "more"');
  expect(() => read([entry(), entry({ until: "2027-01-01" })])).toThrow("accepted[1] is there twice");
  expect(() => read([entry({ arn: undefined, name: "ben" })], true)).toThrow("needs an account beside it");
});
