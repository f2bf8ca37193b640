// The audit as SARIF 2.1.0: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
import { expect, test } from "vitest";
import { applyAccepted, readAccepted } from "../../src/audit/accepted.ts";
import { checks } from "../../src/audit/audit.ts";
import { compareWithBaseline, readBaseline } from "../../src/audit/baseline.ts";
import { formatAuditSarif, formatAuditsSarif } from "../../src/cli/commands/audit/sarif.ts";
import { readSarif } from "../helpers/sarif-schema.ts";
import { arnOf, makeAudit, subject } from "./account.ts";

interface Result {
  readonly ruleId: string;
  readonly ruleIndex: number;
  readonly kind?: string;
  readonly level: string;
  readonly message: { readonly text: string };
  readonly locations: readonly { readonly logicalLocations: readonly object[] }[];
  readonly partialFingerprints: Readonly<Record<string, string>>;
}

interface Run {
  readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
  readonly automationDetails: { readonly id: string };
  readonly results: readonly Result[];
}

function report(...args: Parameters<typeof makeAudit>) {
  const text = formatAuditSarif(makeAudit(...args));
  expect(text).toMatch(/^[\n -~]*$/);
  readSarif(text);
  const [run] = (JSON.parse(text) as { readonly runs: readonly Run[] }).runs;
  if (run === undefined) throw new Error("no run");
  for (const { ruleId, ruleIndex } of run.results) expect(run.tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
  return run;
}

test("each subject that fails is a result, with a level by severity and its ARN", () => {
  const { tool, results, automationDetails } = report({
    "every-active-user-has-mfa": { result: "fail", subjects: [subject("dan"), subject("erin")] },
    "two-active-keys": { result: "fail", subjects: [subject("hal", "2 active access keys")] },
  });
  expect(tool.driver.rules.map(({ id }) => id)).toEqual(checks.map(({ id }) => id));
  expect(automationDetails.id).toBe("fob audit/123456789012/");
  expect(results.map(({ ruleId, level, kind }) => [ruleId, level, kind])).toEqual([
    ["every-active-user-has-mfa", "error", undefined],
    ["every-active-user-has-mfa", "error", undefined],
    ["two-active-keys", "note", undefined],
  ]);
  expect(results[0]?.locations).toEqual([{ logicalLocations: [{ name: "dan", fullyQualifiedName: arnOf("dan") }] }]);
  expect(results[0]?.message.text).toBe('"dan": no MFA device. Fix: fob rollout status');
});

test("what is not known is open, also beside what fails, and is no failure and no pass", () => {
  const { results } = report({
    "root-mfa": { result: "unknown", reason: "the root user: no permission" },
    "old-access-keys": { result: "fail", subjects: [subject("ben")], unknownSubjects: [subject("cleo", "not read")] },
  });
  expect(results.map(({ ruleId, kind, level }) => [ruleId, kind, level])).toEqual([
    ["root-mfa", "open", "none"],
    ["old-access-keys", undefined, "warning"],
    ["old-access-keys", "open", "none"],
  ]);
  expect(results[0]?.locations).toEqual([
    { logicalLocations: [{ name: "account 123456789012", fullyQualifiedName: "123456789012" }] },
  ]);
  expect(results[0]?.message.text).toContain("not known whether the root user has an MFA device: the root user: no");
});

test("a fingerprint is that of the check and the ARN: not of the evidence, whose ages change daily", () => {
  const fingerprint = (name: string, evidence: string, account?: string) =>
    report({ "old-access-keys": { result: "fail", subjects: [subject(name, evidence, account)] } }, account).results[0]
      ?.partialFingerprints;
  const today = fingerprint("ben", "an access key is 91 days old");
  expect(fingerprint("ben", "an access key is 92 days old")).toEqual(today);
  expect(fingerprint("cleo", "an access key is 91 days old")).not.toEqual(today);
  expect(fingerprint("ben", "an access key is 91 days old", "210987654321")).not.toEqual(today);
});

test("the report of many accounts, of a baseline and of accepted risks follows the schema of SARIF", () => {
  const audit = makeAudit({
    "old-access-keys": {
      result: "fail",
      subjects: [subject("ben"), subject("cleo")],
      unknownSubjects: [subject("dan")],
    },
    "root-mfa": { result: "fail", reason: "the root user has no MFA device" },
  });
  const before = readBaseline(makeAudit({ "old-access-keys": { result: "fail", subjects: [subject("ben")] } }));
  const risk = {
    ...{ check: "old-access-keys", arn: arnOf("cleo"), person: "Ada", reason: "moves to a role", until: "2026-12-31" },
  };
  const risks = readAccepted({ version: 1, accepted: [risk] }, false);
  const compared = compareWithBaseline(audit, before.get(audit.account));
  const applied = applyAccepted(compared, risks, Date.UTC(2026, 10, 27)).audit;
  const { runs } = readSarif(
    formatAuditsSarif({
      accounts: [
        { name: "dev", account: audit.account, audit: { value: applied } },
        { name: "prod", account: null, audit: { unknown: "no session" } },
      ],
      inactive: [{ name: "old", account: "210987654321", state: "SUSPENDED" }],
    }),
  );
  const states = runs[0]?.results.map(({ baselineState, suppressions, kind }) => [
    baselineState,
    suppressions?.length,
    kind,
  ]);
  expect(states).toEqual([
    ["new", 0, undefined],
    ["unchanged", 0, undefined],
    ["new", 1, undefined],
    ["new", 0, "open"],
  ]);
  expect(runs[1]).toMatchObject({
    automationDetails: { id: "fob audit/prod/" },
    invocations: [{ executionSuccessful: false }],
    results: [],
  });
  expect(runs[2]).toMatchObject({
    automationDetails: { id: "fob audit/210987654321/" },
    invocations: [{ executionSuccessful: true, toolExecutionNotifications: [{ level: "note" }] }],
    results: [],
  });
});

test("what the schema does not allow is found", () => {
  const text = formatAuditSarif(makeAudit({ "old-access-keys": { result: "fail", subjects: [subject("ben")] } }));
  const change = (from: string, to: string) => {
    expect(text).toContain(from);
    return () => readSarif(text.replace(from, to));
  };
  const level = '"level": "warning",\n          "message"';
  expect(change(level, level.replace("warning", "error"))).not.toThrow();
  expect(change(level, level.replace("warning", "high"))).toThrow("level must be one of");
  expect(change(level, `"severity": "high", ${level}`)).toThrow("unknown member");
  expect(change('"ruleIndex": ', '"ruleIndex": -')).toThrow("at least -1");
  expect(change('"results": [', '"results": [{},')).toThrow("must be");
});
