// An audit as findings, for the formats of other programs: one for each subject that fails or is not known.
import type { Finding, Level } from "../findings.ts";
import { type Audit, type CheckResult, checks } from "./audit.ts";
import type { Severity } from "./check.ts";
import { describeNotes, type Found, listFound } from "./found.ts";

const levels: Readonly<Record<Severity, Level>> = { high: "error", medium: "warning", low: "note" };

/** The checks as rules: sentences. */
export const auditRules = checks.map(({ id, title, severity, remedy }) => ({
  id,
  level: levels[severity],
  text: `Holds if ${title}. Next: ${remedy}.`,
}));

export function listAuditFindings(audit: Audit): readonly Finding[] {
  return audit.checks.flatMap((check) => listFound(check).map((found) => toFinding(check, found, audit)));
}

function toFinding({ id, severity, title, remedy }: CheckResult, found: Found, { account, accepted }: Audit): Finding {
  const { name, arn, evidence, result, remedy: fix = remedy } = found;
  const isExpired = found.accepted?.expired === true;
  const why = result === "unknown" ? `not known whether ${title}: ${evidence}` : evidence;
  return {
    ...{ rule: id, level: levels[severity], fix, subject: name === "" ? `account ${account}` : name },
    identity: arn === "" ? name || account : arn,
    message: isExpired ? `${why} (${describeNotes(found)})` : why,
    ...(result === "unknown" ? { isOpen: true } : {}),
    ...(found.new === undefined ? {} : { isNew: found.new }),
    ...(accepted === undefined ? {} : { accepted: found.accepted && !isExpired ? describeNotes(found) : "" }),
  };
}
