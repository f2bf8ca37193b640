// An audit as SARIF: for programs that collect findings of many tools.
import { homepage, version } from "../../../../package.json";
import type { AccountsReport } from "../../../audit/accounts.ts";
import type { Audit } from "../../../audit/audit.ts";
import { auditRules, listAuditFindings } from "../../../audit/findings.ts";
import { formatSarifRuns, type SarifRun } from "../../../sarif.ts";
import { describeInactive } from "./many.ts";

const help = "`docs/audit.md` of fob says when each check holds.";

export const formatAuditSarif = (audit: Audit): string => formatRuns([toRun(audit)]);

/** One run for each account. */
export const formatAuditsSarif = ({ accounts, inactive = [] }: AccountsReport): string =>
  formatRuns([
    ...accounts.map(({ name, account, audit }): SarifRun => {
      if ("value" in audit) return toRun(audit.value);
      return { findings: [], category: `fob audit/${account ?? name}`, failure: `${name}: ${audit.unknown}` };
    }),
    ...inactive.map((each): SarifRun => {
      return { findings: [], category: `fob audit/${each.account}`, note: `${each.name}: ${describeInactive(each)}` };
    }),
  ]);

const toRun = (audit: Audit): SarifRun => ({
  ...{ findings: listAuditFindings(audit), category: `fob audit/${audit.account}` },
});

// No finding has a file.
const formatRuns = (runs: readonly SarifRun[]): string =>
  formatSarifRuns(runs, { version, homepage, rules: auditRules, help, folder: "/" });
