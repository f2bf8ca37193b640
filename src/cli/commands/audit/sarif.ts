// An audit as SARIF: for programs that collect findings of many tools.
import { homepage, version } from "../../../../package.json";
import type { Audit } from "../../../audit/audit.ts";
import { auditRules, listAuditFindings } from "../../../audit/findings.ts";
import { formatSarifRuns } from "../../../sarif.ts";

const help = "`docs/audit.md` of fob says when each check holds.";

export function formatAuditSarif(audit: Audit): string {
  const run = { findings: listAuditFindings(audit), category: `fob audit/${audit.account}` };
  // No finding has a file.
  return formatSarifRuns([run], { version, homepage, rules: auditRules, help, folder: "/" });
}
