// The formats of an audit: of one account, and of many.
import { type AccountsReport, toReport } from "../../../audit/accounts.ts";
import type { Audit } from "../../../audit/audit.ts";
import type { AuditInput } from "../../../audit/check.ts";
import { formatCsv } from "../../../csv.ts";
import { formatJson } from "../../../text.ts";
import { formatAudits, formatAuditsMarkdown, listAllRows } from "./many.ts";
import { formatAuditSarif, formatAuditsSarif } from "./sarif.ts";
import { formatAudit, formatAuditMarkdown, listRows } from "./text.ts";

export const formats = ["table", "json", "csv", "markdown", "html", "sarif"] as const;

/** An audit, and what it was made from. */
export interface MadeAudit {
  readonly audit: Audit;
  readonly input: AuditInput;
}

interface Surroundings {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly columns: number;
}

interface Writer {
  readonly one: (made: MadeAudit, surroundings: Surroundings) => string | Promise<string>;
  readonly many: (report: AccountsReport, surroundings: Surroundings) => string | Promise<string>;
  /** Whether it shows users. */
  readonly hasPeople?: boolean;
}

export const writers: Readonly<Record<(typeof formats)[number], Writer>> = {
  table: {
    one: ({ audit }, { now, columns }) => formatAudit(audit, now, columns),
    many: (report, { now, columns }) => formatAudits(report, now, columns),
  },
  json: { one: ({ audit }) => formatJson(audit), many: (report) => formatJson(toReport(report)) },
  csv: { one: ({ audit }) => formatCsv(listRows(audit)), many: (report) => formatCsv(listAllRows(report)) },
  markdown: { one: ({ audit }) => formatAuditMarkdown(audit), many: formatAuditsMarkdown },
  html: {
    one: async ({ audit, input }) => (await import("./html/report.ts")).formatAuditHtml(audit, input),
    many: async (report, { now }) => (await import("./html/many.ts")).formatAuditsHtml(report, now),
    hasPeople: true,
  },
  sarif: { one: ({ audit }) => formatAuditSarif(audit), many: formatAuditsSarif },
};
