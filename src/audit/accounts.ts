// The audits of many accounts: one report.
import type { Known } from "../iam/snapshot.ts";
import type { Audit } from "./audit.ts";

/** One of many accounts. */
export interface AccountAudit {
  /** Its profile, or its name in the organization. */
  readonly name: string;
  /** Twelve digits; null if that is not known. */
  readonly account: string | null;
  /** Not known if the account could not be read. */
  readonly audit: Known<Audit>;
}

/** The report as `fob audit --json` prints it. */
export const toReport = (accounts: readonly AccountAudit[]) => ({
  version: 1,
  accounts: accounts.map(({ name, account, audit }) =>
    "value" in audit ? { name, ...audit.value } : { name, account, unknown: audit.unknown },
  ),
});
