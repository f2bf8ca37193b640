// Audits for the tests of what is made of them.
import type { Audit, CheckResult } from "../../src/audit/audit.ts";
import { checks } from "../../src/audit/audit.ts";
import type { Subject } from "../../src/audit/check.ts";

export const arnOf = (name: string, account = "123456789012"): string => `arn:aws:iam::${account}:user/${name}`;

export const subject = (name: string, evidence = "no MFA device", account?: string): Subject => ({
  ...{ name, arn: arnOf(name, account), evidence },
});

/** An audit in which all checks pass, but for these. */
export function makeAudit(changes: Readonly<Record<string, Partial<CheckResult>>>, account = "123456789012"): Audit {
  const results = checks.map(
    ({ id, title, severity, remedy, controls }): CheckResult => ({
      ...{ id, title, severity, remedy, controls, result: "pass", subjects: [], reason: "13 users" },
      ...changes[id],
    }),
  );
  const count = (result: string): number => results.filter((each) => each.result === result).length;
  return {
    ...{ version: 1, account, made: "2026-01-31T09:00:00Z", reportGenerated: "2026-01-31T08:00:00Z" },
    summary: { pass: count("pass"), fail: count("fail"), unknown: count("unknown") },
    ...{ checks: results, notLookedAt: ["policies of resources"] },
  };
}
