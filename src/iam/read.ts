// Reads a snapshot of an account. Bulk calls first; a call about one user only if these leave something open about the user.

import type { Connection } from "../aws/connection.ts";
import { AwsFailure } from "../aws/failures.ts";
import type { AuthorizationDetails, ListedKey } from "../aws/iam-account.ts";
import { formatUtcTime } from "../duration.ts";
import { formatCount } from "../text.ts";
import { parseCredentialReport, type ReportRow, rootRow } from "./credential-report.ts";
import { readDevices } from "./devices.ts";
import { lookUp } from "./look-ups.ts";
import { readPasswordPolicy } from "./password-rules.ts";
import {
  type AccessKey,
  type AccountSnapshot,
  flatMapKnown,
  type Group,
  type Identities,
  type InlinePolicy,
  type Known,
  type ManagedPolicy,
  mapKnown,
  type Password,
  type Role,
  type RootUser,
  type User,
  type UserIdentity,
} from "./snapshot.ts";
import { tryCall } from "./try-call.ts";

/** What a snapshot is read with. Without the last four, users are unknown whom the bulk calls leave open. */
export const snapshotActions: readonly string[] = [
  ...["iam:GenerateCredentialReport", "iam:GetAccountAuthorizationDetails", "iam:GetAccountPasswordPolicy"],
  ...["iam:GetAccountSummary", "iam:GetCredentialReport", "iam:ListAccountAliases", "iam:ListVirtualMFADevices"],
  ...["iam:GetAccessKeyLastUsed", "iam:GetLoginProfile", "iam:ListAccessKeys", "iam:ListMFADevices"],
];

/** The calls that a snapshot is made from. */
export type AccountCalls = typeof import("../aws/iam-account.ts") &
  Pick<typeof import("../aws/iam.ts"), "getAccountAlias" | "listMfaDevices">;

export interface ReadOptions {
  /** The ARN of the caller: it has the account and the partition. */
  readonly callerArn: string;
  readonly calls: AccountCalls;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Ends early, without an error, when the user cancels. */
  readonly sleep: (milliseconds: number) => Promise<void>;
}

/**
 * Reads the account. Without `iam:GetAccountAuthorizationDetails` there is nothing to show, so that failure is thrown; what
 * else is refused is unknown in the snapshot.
 *
 * @throws FobError
 */
export async function readAccount(aws: Connection, options: ReadOptions): Promise<AccountSnapshot> {
  const { callerArn, calls, now } = options;
  let total: number | undefined;
  let hasReport = false;
  const [summary, report, identities, virtual, alias, passwordPolicy] = await Promise.all([
    tryCall(async () => {
      const counts = await calls.getAccountSummary(aws);
      total = counts.Users;
      return counts;
    }),
    tryCall(() => readReport(aws, options)).finally(() => (hasReport = true)),
    readIdentities(aws, calls, () => total).finally(() => {
      if (!hasReport) aws.progress = "Waiting for the credential report…";
    }),
    tryCall(() => calls.listVirtualMfaDevices(aws)),
    tryCall(async () => (await calls.getAccountAlias(aws)) ?? null),
    tryCall(async () => readPasswordPolicy(await calls.getPasswordPolicy(aws))),
  ]);
  const [, partition = "", , , account = ""] = callerArn.split(":");
  const rows = new Map(
    identities.users.map((user) => [user.name, flatMapKnown(report, (read) => findRow(user, read))]),
  );
  const root = flatMapKnown(report, ({ rows: all }) =>
    toKnown(all.get(rootRow), "the credential report has no row for the root user"),
  );
  const devices = await readDevices(
    identities.users,
    { virtual, rows, root, devicesInUse: mapKnown(summary, (counts) => counts.MFADevicesInUse) },
    (users) => lookUpFor("MFA devices", users, (user) => calls.listMfaDevices(aws, user), aws),
  );
  const passwords = await readPasswords(rows, (users) =>
    lookUpFor("passwords", users, (user) => calls.getLoginProfile(aws, user), aws),
  );
  const accessKeys = await readAccessKeys(rows, (users) =>
    lookUpFor("access keys", users, (user) => calls.listAccessKeys(aws, user), aws),
  );
  return {
    version: 1,
    account,
    partition,
    made: formatTime(new Date(now())),
    alias,
    summary,
    passwordPolicy,
    reportGenerated: mapKnown(report, ({ generated }) => generated),
    root: mapKnown(root, toRoot),
    unassignedVirtualDevices: mapKnown(virtual, (all) =>
      all.flatMap(({ SerialNumber, User }) =>
        SerialNumber === undefined || User?.Arn !== undefined ? [] : SerialNumber,
      ),
    ),
    ...identities,
    users: identities.users.map(
      (user): User => ({
        ...user,
        ...(devices.get(user.name) ?? { devices: { unknown: "the user's devices were not read" } }),
        accessKeys: accessKeys.get(user.name) ?? { unknown: "the user's access keys were not read" },
        password: passwords.get(user.name) ?? { unknown: "the user's password was not read" },
      }),
    ),
  };
}

/** Looks something up about users, and shows how far it is. */
export function lookUpFor<T>(
  what: string,
  users: readonly string[],
  ask: (user: string) => Promise<T>,
  aws: Connection,
) {
  return lookUp(users, ask, (done) => {
    aws.progress = `Reading ${what}: ${formatCount(done)} of ${formatCount(users.length)} users…`;
  });
}

/**
 * Reads who there is, with all policies, and nothing else.
 *
 * @param countUsers returns how many users there are, once that is known, for the user who waits
 * @throws FobError
 */
export async function readIdentities(
  aws: Connection,
  { getAuthorizationDetails }: Pick<AccountCalls, "getAuthorizationDetails">,
  countUsers: () => number | undefined = () => undefined,
): Promise<Identities> {
  let count = 0;
  const pages = await getAuthorizationDetails(aws, (page) => {
    const identities = toIdentities(page);
    count += identities.users.length;
    const total = countUsers();
    const known = total === undefined ? "" : ` of ${formatCount(total)}`;
    aws.progress = `Reading the account: ${formatCount(count)}${known} users…`;
    return identities;
  });
  return {
    users: pages.flatMap(({ users }) => users),
    groups: pages.flatMap(({ groups }) => groups),
    roles: pages.flatMap(({ roles }) => roles),
    managedPolicies: pages.flatMap(({ managedPolicies }) => managedPolicies),
  };
}

const toIdentities = (page: AuthorizationDetails): Identities => ({
  users: (page.UserDetailList ?? []).map(toUser),
  groups: (page.GroupDetailList ?? []).map((group) => toHolder(group, group.GroupPolicyList)),
  roles: (page.RoleDetailList ?? []).map(toRole),
  managedPolicies: (page.Policies ?? []).flatMap(toManagedPolicy),
});

const toKnown = <T>(value: T | undefined, otherwise: string): Known<T> =>
  value === undefined ? { unknown: otherwise } : { value };

/** How often and how long (ms) a report is waited for: two minutes in all. One of 52 users took two seconds. */
const waits = [500, 1000, 2000, 4000, ...Array.from({ length: 14 }, () => 8000)];

interface Report {
  /** By user. */
  readonly rows: ReadonlyMap<string, ReportRow>;
  readonly generated: string;
}

/** A user who was created since the report may have the name of one who was deleted since. */
function findRow({ name, created }: UserIdentity, { rows, generated }: Report): Known<ReportRow> {
  if (created > generated) return { unknown: "the user was created after the credential report" };
  return toKnown(rows.get(name), "the credential report has no row for the user");
}

async function readReport(aws: Connection, { calls, sleep }: ReadOptions): Promise<Report> {
  for (const wait of waits) {
    const isThere = await calls.generateCredentialReport(aws);
    // It may expire between the two calls; then AWS has to make another one.
    const report = isThere ? await calls.getCredentialReport(aws) : undefined;
    if (report !== undefined) {
      const rows = new Map(parseCredentialReport(report.text).map((row) => [row.user, row]));
      return { rows, generated: formatTime(report.generated) };
    }
    await sleep(wait);
  }
  throw new AwsFailure("no answer", "AWS did not finish the credential report within two minutes", "try again later");
}

/** What AWS says of the password of a user who has one. */
type LoginProfile = { readonly resetRequired: boolean } | undefined;

/**
 * A user whose password was used after it was last changed has set it, unless an administrator has asked for a change
 * since. Of others it has to be asked whether they must set a new one first.
 */
async function readPasswords(
  rows: ReadonlyMap<string, Known<ReportRow>>,
  askAbout: (users: readonly string[]) => Promise<ReadonlyMap<string, Known<LoginProfile>>>,
): Promise<ReadonlyMap<string, Known<Password | null>>> {
  const settled = new Map(
    [...rows].map(([user, row]) => [user, "value" in row ? settlePassword(row.value) : undefined]),
  );
  const profiles = await askAbout([...rows.keys()].filter((user) => settled.get(user) === undefined));
  return new Map(
    [...rows].map(([user, row]) => {
      const profile = profiles.get(user) ?? { unknown: "the user's password was not read" };
      return [user, settled.get(user) ?? toPassword(row, profile)];
    }),
  );
}

/** Returns undefined if the report does not say whether the user must set a new password. */
function settlePassword({
  hasPassword,
  passwordLastUsed: lastUsed,
  passwordLastChanged: lastChanged,
}: ReportRow): Known<Password | null> | undefined {
  if (hasPassword === false) return { value: null };
  const isSet = lastUsed !== null && lastChanged !== null && lastUsed > lastChanged;
  return isSet
    ? { value: { lastUsed: { value: lastUsed }, lastChanged: { value: lastChanged }, resetRequired: { value: false } } }
    : undefined;
}

function toPassword(row: Known<ReportRow>, profile: Known<LoginProfile>): Known<Password | null> {
  if ("value" in profile && profile.value === undefined) return { value: null };
  if ("unknown" in row && "unknown" in profile) return profile;
  return {
    value: {
      lastUsed: mapKnown(row, ({ passwordLastUsed }) => passwordLastUsed),
      lastChanged: mapKnown(row, ({ passwordLastChanged }) => passwordLastChanged),
      resetRequired: mapKnown(profile, (found) => found?.resetRequired === true),
    },
  };
}

/** Access keys are looked up of users who are not in the report. */
async function readAccessKeys(
  rows: ReadonlyMap<string, Known<ReportRow>>,
  askAbout: (users: readonly string[]) => Promise<ReadonlyMap<string, Known<readonly ListedKey[]>>>,
): Promise<ReadonlyMap<string, Known<readonly AccessKey[]>>> {
  const reported = [...rows].flatMap(([user, row]) =>
    "value" in row ? [[user, mapKnown(row, (found) => found.accessKeys)] as const] : [],
  );
  const listed = await askAbout([...rows].filter(([, row]) => "unknown" in row).map(([user]) => user));
  return new Map([...reported, ...[...listed].map(([user, keys]) => [user, mapKnown(keys, toListedKeys)] as const)]);
}

export const toListedKeys = (keys: readonly ListedKey[]): AccessKey[] =>
  keys.map(({ id, active, created, lastUsed, lastUsedService, lastUsedRegion }) => ({
    ...{ id, active, lastRotated: created === undefined ? null : formatTime(created) },
    lastUsed: lastUsed === undefined ? null : formatTime(lastUsed),
    lastUsedService: lastUsed === undefined ? null : (lastUsedService ?? null),
    lastUsedRegion: lastUsed === undefined ? undefined : lastUsedRegion,
  }));

const toRoot = ({ hasMfa, hasPassword, passwordLastUsed, accessKeys }: ReportRow): RootUser => ({
  ...{ hasMfa, hasPassword: hasPassword ?? true, passwordLastUsed },
  activeAccessKeys: accessKeys.filter(({ active }) => active).length,
  accessKeyLastUsed:
    accessKeys
      .flatMap(({ lastUsed }) => lastUsed ?? [])
      .toSorted()
      .at(-1) ?? null,
});

interface HolderDetail {
  readonly Path?: string | undefined;
  readonly Arn?: string | undefined;
  readonly UserName?: string | undefined;
  readonly UserId?: string | undefined;
  readonly GroupName?: string | undefined;
  readonly GroupId?: string | undefined;
  readonly RoleName?: string | undefined;
  readonly RoleId?: string | undefined;
  readonly AttachedManagedPolicies?: readonly { readonly PolicyArn?: string | undefined }[] | undefined;
}

function toHolder(
  detail: HolderDetail,
  inline: readonly { PolicyName?: string | undefined; PolicyDocument?: string | undefined }[] = [],
): Group {
  return {
    name: detail.UserName ?? detail.GroupName ?? detail.RoleName ?? "",
    arn: detail.Arn ?? "",
    id: detail.UserId ?? detail.GroupId ?? detail.RoleId ?? "",
    path: detail.Path ?? "/",
    inlinePolicies: inline.map(
      ({ PolicyName, PolicyDocument }): InlinePolicy => ({ name: PolicyName ?? "", document: decode(PolicyDocument) }),
    ),
    attachedPolicies: (detail.AttachedManagedPolicies ?? []).flatMap(({ PolicyArn }) => PolicyArn ?? []),
  };
}

function toUser(user: NonNullable<AuthorizationDetails["UserDetailList"]>[number]): UserIdentity {
  return {
    ...toHolder(user, user.UserPolicyList),
    created: formatTime(user.CreateDate),
    groups: user.GroupList ?? [],
    boundary: user.PermissionsBoundary?.PermissionsBoundaryArn ?? null,
    tags: toTags(user.Tags),
  };
}

function toRole(role: NonNullable<AuthorizationDetails["RoleDetailList"]>[number]): Role {
  return {
    ...toHolder(role, role.RolePolicyList),
    trustPolicy: decode(role.AssumeRolePolicyDocument),
    boundary: role.PermissionsBoundary?.PermissionsBoundaryArn ?? null,
    tags: toTags(role.Tags),
  };
}

type ManagedPolicyDetail = NonNullable<AuthorizationDetails["Policies"]>[number];

/** A policy without its document is left out, and so those who have it have policies that are not known. */
function toManagedPolicy(policy: ManagedPolicyDetail): ManagedPolicy[] {
  const {
    PolicyName = "",
    Arn = "",
    PolicyId = "",
    Path = "/",
    DefaultVersionId = "",
    PolicyVersionList = [],
  } = policy;
  const version = PolicyVersionList.find(({ VersionId }) => VersionId === DefaultVersionId);
  if (version?.Document === undefined) return [];
  const document = decode(version.Document);
  return [{ name: PolicyName, arn: Arn, id: PolicyId, path: Path, defaultVersion: DefaultVersionId, document }];
}

const toTags = (
  tags: readonly { Key?: string | undefined; Value?: string | undefined }[] = [],
): Record<string, string> => Object.fromEntries(tags.map(({ Key, Value }) => [Key ?? "", Value ?? ""]));

/** IAM returns documents URL-encoded (RFC 3986). */
const decode = (document = ""): string => decodeURIComponent(document);

const formatTime = (time: Date | undefined): string => (time === undefined ? "" : formatUtcTime(time.getTime()));
