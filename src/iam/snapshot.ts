// A snapshot of an IAM account: plain data that rollout, audit and the policy commands reason about. It serializes to JSON.
//
// What could not be read is unknown, with the reason. It is never left out, since what is left out looks like "none".

/** What was read, or why it could not be read. */
export type Known<T> = { readonly value: T } | { readonly unknown: string };

export const mapKnown = <T, U>(known: Known<T>, map: (value: T) => U): Known<U> =>
  "value" in known ? { value: map(known.value) } : known;

export const flatMapKnown = <T, U>(known: Known<T>, map: (value: T) => Known<U>): Known<U> =>
  "value" in known ? map(known.value) : known;

export interface AccountSnapshot extends Identities<User> {
  readonly version: 1;
  /** Twelve digits. */
  readonly account: string;
  readonly partition: string;
  /** When it was read: `2026-01-31T09:00:00Z`. */
  readonly made: string;
  /** The account's alias; null if it has none. */
  readonly alias: Known<string | null>;
  /** https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html */
  readonly summary: Known<Readonly<Record<string, number>>>;
  /** null if the account has none and IAM's default applies. */
  readonly passwordPolicy: Known<PasswordPolicy | null>;
  /** When the credential report was generated. AWS makes a new one every four hours at most. */
  readonly reportGenerated: Known<string>;
  readonly root: Known<RootUser>;
  /** The serial numbers of virtual devices that were created and belong to no user. */
  readonly unassignedVirtualDevices: Known<readonly string[]>;
}

/** Who there is, with all policies. */
export interface Identities<U extends UserIdentity = UserIdentity> {
  readonly users: readonly U[];
  readonly groups: readonly Group[];
  readonly roles: readonly Role[];
  /** Customer managed policies, and AWS managed policies that are attached to something. */
  readonly managedPolicies: readonly ManagedPolicy[];
}

export interface PasswordPolicy {
  /** Whether it lets all users change their own password. */
  readonly allowUsersToChangePassword: boolean;
  /** Whether only an administrator can set a new password when one has expired. */
  readonly hardExpiry: boolean;
  /** Days after which a password expires; null if it does not. */
  readonly maxAgeDays: number | null;
  readonly minimumLength: number;
  /** The characters of which a password needs at least one each. */
  readonly requires: readonly CharacterClass[];
}

export type CharacterClass = "Symbols" | "Numbers" | "UppercaseCharacters" | "LowercaseCharacters";

/** Of the credential report. The account's summary also says whether there is a device and an access key, live. */
export interface RootUser {
  readonly hasMfa: boolean;
  readonly hasPassword: boolean;
  /** null if it was not used. */
  readonly passwordLastUsed: string | null;
  readonly activeAccessKeys: number;
  /** The last use of an access key, active or not; null if none was used, undefined if that was not read. */
  readonly accessKeyLastUsed?: string | null | undefined;
}

interface Named {
  readonly name: string;
  readonly arn: string;
  /** `AIDA…`, `AGPA…`, `AROA…` or `ANPA…` */
  readonly id: string;
  readonly path: string;
}

/** A policy with its document, as AWS keeps it: the text of the JSON. */
export interface InlinePolicy {
  readonly name: string;
  readonly document: string;
}

export interface ManagedPolicy extends Named {
  readonly defaultVersion: string;
  /** The document of the default version. */
  readonly document: string;
}

/** What has policies. */
interface Holder extends Named {
  readonly inlinePolicies: readonly InlinePolicy[];
  /** The ARNs of managed policies. */
  readonly attachedPolicies: readonly string[];
}

export type Group = Holder;

export interface Role extends Holder {
  /** The text of the JSON. */
  readonly trustPolicy: string;
  /** The ARN of the managed policy. */
  readonly boundary: string | null;
  readonly tags: Readonly<Record<string, string>>;
}

export interface UserIdentity extends Holder {
  readonly created: string;
  readonly groups: readonly string[];
  /** The ARN of the managed policy. */
  readonly boundary: string | null;
  readonly tags: Readonly<Record<string, string>>;
}

export interface User extends UserIdentity {
  readonly devices: Known<readonly Device[]>;
  /** Whether the account has devices that are in no user's list, and this user may have one of them. */
  readonly mayHaveMoreDevices?: boolean | undefined;
  readonly accessKeys: Known<readonly AccessKey[]>;
  readonly password: Known<Password | null>;
  /** What CloudTrail tells of the access keys, where it was looked at. */
  readonly keyHistory?: KeyHistory | undefined;
}

/** What access keys were used for, in words, from CloudTrail's events; null if they were not. */
export interface KeyHistory {
  /** The regions that were looked at. */
  readonly regions: readonly string[];
  /** The latest use beyond IAM and STS within 30 days. */
  readonly use: Known<string | null>;
  /** The latest call of GetFederationToken within 90 days. */
  readonly federation: Known<string | null>;
}

export type DeviceKind = "virtual" | "hardware" | "security key" | "unknown";

export interface Device {
  readonly serialNumber: string;
  /** A passkey is a security key too: IAM does not tell them apart. */
  readonly kind: DeviceKind;
}

/** An access key, from the credential report, or looked up if the user is not in that. */
export interface AccessKey {
  /** Absent if it is from the report, which does not have key IDs. */
  readonly id?: string | undefined;
  readonly active: boolean;
  /** When it was created, or made active again. */
  readonly lastRotated: string | null;
  /** null if it was not used. */
  readonly lastUsed: string | null;
  /** The service that it was last used for, as in `s3`; null if it was not used. */
  readonly lastUsedService: string | null;
  /** The region that it was last used in, where AWS says it; as in `us-east-1` for global services. */
  readonly lastUsedRegion?: string | undefined;
}

export interface Password {
  /** null if it was not used, or not since 2014. */
  readonly lastUsed: Known<string | null>;
  readonly lastChanged: Known<string | null>;
  /** Whether the user must set a new password at the next sign-in. */
  readonly resetRequired: Known<boolean>;
}
