// The audits of many accounts: one report.
import type { Known } from "../iam/snapshot.ts";
import type { Audit } from "./audit.ts";
import type { AuditedPeople } from "./people.ts";

export interface AccountsReport {
  readonly accounts: readonly AccountAudit[];
  /** Of an organization: accounts that are not active, and were not looked at. */
  readonly inactive?: readonly InactiveAccount[];
}

/** One of many accounts. */
export interface AccountAudit {
  /** Its profile, or its name in the organization. */
  readonly name: string;
  /** Twelve digits; null if that is not known. */
  readonly account: string | null;
  /** Not known if the account could not be read. */
  readonly audit: Known<Audit>;
  /** For the formats that show users. */
  readonly people?: AuditedPeople;
}

export interface InactiveAccount {
  readonly name: string;
  /** Twelve digits. */
  readonly account: string;
  /** As AWS Organizations calls it: `SUSPENDED` */
  readonly state: string;
}

/** The report as `fob audit --json` prints it. */
export const toReport = ({ accounts, inactive }: AccountsReport) => ({
  version: 1,
  accounts: accounts.map(({ name, account, audit }) =>
    "value" in audit ? { name, ...audit.value } : { name, account, unknown: audit.unknown },
  ),
  ...(inactive === undefined ? {} : { inactive }),
});
