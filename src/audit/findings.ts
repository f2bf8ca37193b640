// An audit as findings, for the formats of other programs: one for each subject that fails or is not known.
import type { Finding, Level } from "../findings.ts";
import { type Audit, type CheckResult, checks } from "./audit.ts";
import type { Severity, Subject } from "./check.ts";

const levels: Readonly<Record<Severity, Level>> = { high: "error", medium: "warning", low: "note" };

/** The checks as rules: sentences. */
export const auditRules = checks.map(({ id, title, severity, remedy }) => ({
  id,
  level: levels[severity],
  text: `Holds if ${title}. Next: ${remedy}.`,
}));

export function listAuditFindings({ account, checks: results }: Audit): readonly Finding[] {
  return results.flatMap((check) => {
    const { result, subjects, unknownSubjects = [], reason } = check;
    if (result === "pass") return [];
    const whole: Subject = { name: `account ${account}`, arn: account, evidence: reason };
    return [
      ...(subjects.length === 0 ? [whole] : subjects).map((subject) => toFinding(check, subject, result === "unknown")),
      ...unknownSubjects.map((subject) => toFinding(check, subject, true)),
    ];
  });
}

function toFinding({ id, severity, title, remedy }: CheckResult, subject: Subject, isOpen: boolean): Finding {
  const { name, arn, evidence } = subject;
  return {
    ...{ rule: id, level: levels[severity], fix: remedy, subject: name, identity: arn === "" ? name : arn },
    message: isOpen ? `not known whether ${title}: ${evidence}` : evidence,
    ...(isOpen ? { isOpen } : {}),
  };
}
