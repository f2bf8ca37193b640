// Audits many accounts, a few at the same time. One that cannot be read is unknown, and the others go on.
import type { AccountAudit, AccountsReport } from "../../../audit/accounts.ts";
import type { Audit } from "../../../audit/audit.ts";
import type { AuditedPeople } from "../../../audit/people.ts";
import { type Access, type Connection, withAws } from "../../../aws/connection.ts";
import type { MemberAccount } from "../../../aws/organizations.ts";
import { CancelledError, FobError, UsageError } from "../../../errors.ts";
import type { AccountSnapshot } from "../../../iam/snapshot.ts";
import { mapAtOnce } from "../../../parallel.ts";
import { showWhile } from "../../../terminal/status-line.ts";
import { quote } from "../../../text.ts";
import { createReader, withAccount } from "../../account.ts";
import { type AdministratorOptions, announceCaller, askAsAdministrator } from "../../administrator.ts";
import type { Context } from "../../context.ts";

/** What is made of an account that was read. */
export interface Looked {
  readonly audit: Audit;
  readonly people?: AuditedPeople;
}

export interface AuditedAccount {
  readonly snapshot: AccountSnapshot;
  readonly aws: Connection;
}

export type MakeAudit = (account: AuditedAccount) => Promise<Looked>;

/** So many accounts are read at the same time. */
const atOnce = 5;

/** @throws UsageError */
export function parseProfiles(text: string): readonly string[] {
  const names = text.split(",").map((name) => name.trim());
  if (!names.includes("")) return [...new Set(names)];
  throw new UsageError("--profiles has an empty name", "separate the names with commas: fob audit --profiles dev,prod");
}

/** A profile that would need a code is unknown: nothing is asked between accounts. @throws CancelledError */
export async function auditProfiles(
  profiles: readonly string[],
  options: AdministratorOptions,
  makeAudit: MakeAudit,
  context: Context,
): Promise<AccountsReport> {
  const accounts = await auditEach(profiles, async (profile) => {
    const own = { ...options, profile, noInput: true, isQuiet: true };
    return await tryAudit(profile, null, () => withAccount(own, "fob audit", context, makeAudit));
  });
  return { accounts: joinProfiles(accounts) };
}

/** Profiles of one account are one entry: of several audits, the one that knows most. */
function joinProfiles(accounts: readonly AccountAudit[]): readonly AccountAudit[] {
  const joined = new Map<string, AccountAudit>();
  for (const each of accounts) {
    const key = each.account ?? `profile ${each.name}`;
    const first = joined.get(key);
    if (first === undefined) joined.set(key, each);
    else {
      const [best] = [first, each].toSorted((a, b) => countUnknown(a) - countUnknown(b));
      joined.set(key, { ...(best ?? first), name: `${first.name}, ${each.name}` });
    }
  }
  return [...joined.values()];
}

const countUnknown = ({ audit }: AccountAudit): number =>
  "value" in audit ? audit.value.summary.unknown : Number.POSITIVE_INFINITY;

/**
 * Audits the active accounts of the caller's organization, each with a role in it. The caller's own account is read with
 * the caller's own credentials, since the role is hardly in it; no other account is.
 *
 * @throws FobError if the accounts cannot be listed
 */
export async function auditOrganization(
  role: string,
  options: AdministratorOptions,
  makeAudit: MakeAudit,
  context: Context,
): Promise<AccountsReport> {
  return await askAsAdministrator({ ...options, isQuiet: true }, "fob audit", context, async (aws) => {
    const { listAccounts } = await import("../../../aws/organizations.ts");
    const caller = await announceCaller(aws, context);
    const all = await showWhile("Listing the accounts…", listAccounts(aws));
    const open = all.filter(({ state }) => state === "ACTIVE");
    const inactive = all.filter(({ state }) => state !== "ACTIVE").map(({ id, ...each }) => ({ ...each, account: id }));
    if (open.length === 0)
      throw new FobError("the organization has no active account", "aws organizations list-accounts");
    if (inactive.length > 0)
      context.say.note(`${inactive.length} of ${all.length} accounts are not active, and not looked at`);
    const accounts = await auditEach(open, async (account) => {
      const audit = (connection: Connection) => auditMember(connection, account, makeAudit, context);
      if (account.id === caller.account) return await tryAudit(account.name, account.id, () => audit(aws));
      return await tryAudit(account.name, account.id, () =>
        withRole(aws, caller.arn, { account, role }, context, audit),
      );
    });
    return { accounts, inactive };
  });
}

async function auditEach<T>(
  items: readonly T[],
  audit: (item: T) => Promise<AccountAudit>,
): Promise<readonly AccountAudit[]> {
  let done = 0;
  const all = mapAtOnce(items, atOnce, async (item) => {
    const found = await audit(item);
    done++;
    return found;
  });
  return await showWhile(() => `Auditing accounts: ${done} of ${items.length}…`, all);
}

/** Whatever goes wrong with one account says nothing of the others. */
async function tryAudit(name: string, account: string | null, work: () => Promise<Looked>): Promise<AccountAudit> {
  try {
    const { audit, ...rest } = await work();
    return { name, account: audit.account, audit: { value: audit }, ...rest };
  } catch (error) {
    if (error instanceof CancelledError) throw error;
    const [hint] = error instanceof FobError ? error.hints : [];
    const message = error instanceof Error ? error.message : String(error);
    return { name, account, audit: { unknown: hint === undefined ? message : `${message} (${hint})` } };
  }
}

/** Reads an account, if it is the one that the credentials are for. @throws FobError */
async function auditMember(
  aws: Connection,
  { id }: MemberAccount,
  makeAudit: MakeAudit,
  context: Context,
): Promise<Looked> {
  const { getCallerIdentity } = await import("../../../aws/sts.ts");
  const { account, arn } = await getCallerIdentity(aws);
  if (arn === undefined || account !== id)
    throw new FobError(`the credentials are of the account ${account}, not ${id}`);
  const read = await createReader(aws, arn, context);
  return await makeAudit({ snapshot: await read(), aws });
}

/** Does some work with the credentials of a role in another account, and no others. @throws FobError */
async function withRole<T>(
  aws: Connection,
  callerArn: string,
  { account: { id }, role }: { readonly account: MemberAccount; readonly role: string },
  { signal, say, now }: Context,
  work: (aws: Connection) => Promise<T>,
): Promise<T> {
  const { assumeRole } = await import("../../../aws/sts.ts");
  const [, partition = "aws"] = callerArn.split(":");
  const arn = `arn:${partition}:iam::${id}:role/${role}`;
  const request = { arn, sessionName: "fob-audit", duration: 3600, tags: [], transitiveTags: [] };
  const { accessKeyId, secretAccessKey, sessionToken } = await assumeRole(aws, request);
  // No profile has them.
  const access: Access = {
    ...aws.access,
    sessionProfile: undefined,
    credentials: { accessKeyId, secretAccessKey, sessionToken },
    arn,
  };
  return await withAws(access, { signal, debug: say.debug, now }, work);
}

/** @throws UsageError */
export function parseRole(name: string): string {
  if (/^[\w+=,.@/-]{1,512}$/.test(name)) return name;
  throw new UsageError(
    `${quote(name)} (from --organization-role) is not a name of a role`,
    "give its name without the ARN, for example: OrganizationAccountAccessRole",
  );
}
