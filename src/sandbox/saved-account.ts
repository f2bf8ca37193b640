// An account in a file: the snapshot of src/iam/snapshot.ts, and what a sandbox needs beyond it. What is absent is
// generated or empty. `fob sandbox` reads these files for --scenario and --load, and writes them for --save.
import type {
  AccessKey,
  AccountSnapshot,
  Device,
  Group,
  InlinePolicy,
  Known,
  ManagedPolicy,
  Password,
  PasswordPolicy,
  Role,
  RootUser,
  User,
} from "../iam/snapshot.ts";
import {
  flag,
  list,
  object,
  oneOf,
  optional,
  orNull,
  type Read,
  ShapeError,
  table,
  text,
  wholeNumber,
  withDefault,
} from "../shape.ts";
import type { CharacterClass } from "./account.ts";
import type { AccountEvent, EventIdentity, SignIn } from "./events.ts";

/** The version of what this file adds to the snapshot. */
const ownVersion = 1;

/** Times are as in `2026-01-31T09:00:00Z`. */
export interface SavedAccount extends AccountSnapshot {
  /** Absent in a snapshot that no sandbox has saved. */
  readonly sandbox: typeof ownVersion | undefined;
  readonly created: string | undefined;
  readonly passwordPolicy: Known<SavedPasswordPolicy | null>;
  readonly root: Known<SavedRoot>;
  readonly users: readonly SavedUser[];
  readonly groups: readonly SavedGroup[];
  readonly roles: readonly SavedRole[];
  readonly managedPolicies: readonly SavedPolicy[];
  /** Virtual devices that no user has, with their seeds. */
  readonly unassignedDevices: readonly SavedDevice[];
  /** AWS Config, alarms and trails, as `toPlain` writes them. */
  readonly regions: readonly SavedRegion[];
  /** What CloudTrail has recorded, oldest first. */
  readonly events: readonly AccountEvent[];
}

export interface SavedRegion {
  readonly name: string;
  readonly content: unknown;
}

interface SavedPasswordPolicy extends PasswordPolicy {
  readonly requires: readonly CharacterClass[];
}

export interface SavedRoot extends RootUser {
  readonly accessKeys: readonly SavedKey[] | undefined;
  readonly devices: readonly SavedDevice[] | undefined;
  readonly password: SavedPassword | undefined;
}

/** The latest use of a service. */
export interface SavedUse {
  readonly service: string;
  readonly time: string;
  readonly region: string;
}

type Tags = Readonly<Record<string, string>>;

export interface SavedUser extends Omit<User, "keyHistory"> {
  readonly devices: Known<readonly SavedDevice[]>;
  readonly accessKeys: Known<readonly SavedKey[]>;
  readonly password: Known<SavedPassword | null>;
  readonly services: readonly SavedUse[] | undefined;
}

export interface SavedDevice extends Device {
  readonly tags: Tags;
  /** In base32. */
  readonly seed: string | undefined;
  readonly enabled: string | undefined;
  readonly driftSteps: number | undefined;
  readonly synchronizedStep: number | undefined;
}

export interface SavedKey extends AccessKey {
  /** `AKIA…` */
  readonly id: string | undefined;
  readonly secret: string | undefined;
  readonly lastUsedRegion: string | undefined;
}

export interface SavedPassword extends Password {
  readonly text: string | undefined;
}

export interface SavedGroup extends Group {
  readonly created: string | undefined;
}

export interface SavedRole extends Role {
  readonly created: string | undefined;
  readonly maxSessionSeconds: number | undefined;
  readonly services: readonly SavedUse[] | undefined;
}

export interface SavedPolicy extends ManagedPolicy {
  readonly tags: Tags;
  readonly created: string | undefined;
  readonly updated: string | undefined;
  readonly description: string | undefined;
  /** All versions, with the default one; absent if there is only that. */
  readonly versions: readonly SavedVersion[] | undefined;
  readonly latestVersion: number | undefined;
}

interface SavedVersion {
  readonly id: string;
  readonly created: string | undefined;
  readonly document: string;
}

/** The file has another version of the format. */
export class SavedVersionError extends Error {
  override readonly name = "SavedVersionError";
}

/** Whether this is an account at all, perhaps with errors. */
export function isSavedAccount(json: unknown): boolean {
  const { version, users } = (json ?? {}) as Readonly<Record<string, unknown>>;
  return typeof version === "number" && Array.isArray(users);
}

/** Reads an account from parsed JSON. @throws ShapeError, SavedVersionError */
export function readSavedAccount(json: unknown): SavedAccount {
  const { version, sandbox = ownVersion } = json as Readonly<Record<string, unknown>>;
  if (version !== 1 || sandbox !== ownVersion) {
    const found = version === 1 ? sandbox : version;
    throw new SavedVersionError(`it has version ${JSON.stringify(found)} of the format, and this fob reads version 1`);
  }
  const account = readAccount(json, "");
  return { ...account, ...completeArns(account) };
}

const time = text([/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, "a time like 2026-01-31T09:00:00Z"]);
const name = text([/^[\w+=,.@-]{1,128}$/, "a name of IAM"]);
const anyTime = withDefault<string | null>(orNull(time), null);
const texts = withDefault(list(text()), []);
const tags = withDefault(table(text()), {});

/** A document is its JSON; in a file that a person writes, it may be the policy itself. */
const document: Read<string> = (value, at) => {
  if (typeof value === "string") return value;
  if (typeof value === "object" && value !== null) return JSON.stringify(value);
  throw new ShapeError(`${at} must be a policy`);
};

const known =
  <T>(read: Read<T>, otherwise?: T): Read<Known<T>> =>
  (value, at) => {
    if (value === undefined && otherwise !== undefined) return { value: otherwise };
    const isUnknown = typeof value === "object" && value !== null && "unknown" in value;
    return isUnknown ? object<{ unknown: string }>({ unknown: text() })(value, at) : object({ value: read })(value, at);
  };

const device = object<SavedDevice>({
  serialNumber: text([/^[\w+=/:,.@-]{9,256}$/, "a serial number"]),
  kind: oneOf(["virtual", "hardware", "security key", "unknown"]),
  seed: optional(text([/^[A-Z2-7]{16,}$/, "a seed in base32"])),
  enabled: optional(time),
  driftSteps: optional(wholeNumber),
  synchronizedStep: optional(wholeNumber),
  tags,
});

const accessKey = object<SavedKey>({
  id: optional(text([/^AKIA[A-Z2-7]{16}$/, "an access key ID"])),
  secret: optional(text([/^[\w/+=-]{16,128}$/, "a secret access key"])),
  active: withDefault(flag, true),
  lastRotated: anyTime,
  lastUsed: anyTime,
  lastUsedService: withDefault<string | null>(orNull(text()), null),
  lastUsedRegion: optional(text()),
});

const password = object<SavedPassword>({
  lastUsed: known<string | null>(orNull(time), null),
  lastChanged: known<string | null>(orNull(time), null),
  resetRequired: known(flag, false),
  text: optional(text([/^.{1,128}$/s, "a password of at most 128 characters"])),
});

const named = {
  name,
  arn: withDefault(text(), ""),
  id: withDefault(text([/^[A-Z0-9]{16,128}$|^$/, "an ID of IAM"]), ""),
  path: withDefault(text([/^\/([!-~]+\/)?$/, "a path of IAM"]), "/"),
};

const holder = {
  ...named,
  inlinePolicies: withDefault(list(object<InlinePolicy>({ name, document })), []),
  attachedPolicies: texts,
};

const services = optional(list(object<SavedUse>({ service: text(), time, region: text() })));

const user = object<SavedUser>({
  ...holder,
  created: withDefault(text([/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$|^$/, "a time like 2026-01-31T09:00:00Z"]), ""),
  groups: texts,
  boundary: withDefault<string | null>(orNull(text()), null),
  tags,
  devices: known(list(device), []),
  mayHaveMoreDevices: optional(flag),
  accessKeys: known(list(accessKey), []),
  password: known<SavedPassword | null>(orNull(password), null),
  services,
});

const group = object<SavedGroup>({ ...holder, created: optional(time) });

const role = object<SavedRole>({
  ...holder,
  trustPolicy: document,
  boundary: withDefault<string | null>(orNull(text()), null),
  tags,
  created: optional(time),
  maxSessionSeconds: optional(wholeNumber),
  services,
});

const managedPolicy = object<SavedPolicy>({
  ...named,
  tags,
  defaultVersion: withDefault(text([/^v[1-9]\d*$/, "a version like v1"]), "v1"),
  document,
  created: optional(time),
  updated: optional(time),
  description: optional(text()),
  versions: optional(
    list(object<SavedVersion>({ id: text([/^v[1-9]\d*$/, "a version like v1"]), created: optional(time), document })),
  ),
  latestVersion: optional(wholeNumber),
});

const root = object<SavedRoot>({
  hasMfa: withDefault(flag, false),
  hasPassword: withDefault(flag, true),
  passwordLastUsed: anyTime,
  activeAccessKeys: withDefault(wholeNumber, 0),
  accessKeyLastUsed: optional(orNull(time)),
  accessKeys: optional(list(accessKey)),
  devices: optional(list(device)),
  password: optional(password),
});

const noRoot: SavedRoot = {
  hasMfa: false,
  hasPassword: true,
  passwordLastUsed: null,
  activeAccessKeys: 0,
  accessKeyLastUsed: undefined,
  accessKeys: undefined,
  devices: undefined,
  password: undefined,
};

const characterClasses = ["Symbols", "Numbers", "UppercaseCharacters", "LowercaseCharacters"] as const;

const passwordPolicy = object<SavedPasswordPolicy>({
  allowUsersToChangePassword: flag,
  hardExpiry: withDefault(flag, false),
  maxAgeDays: withDefault<number | null>(orNull(wholeNumber), null),
  minimumLength: withDefault(wholeNumber, 6),
  requires: withDefault(list(oneOf(characterClasses)), []),
});

const identity = object<EventIdentity>({
  type: oneOf(["Root", "IAMUser", "AssumedRole", "FederatedUser"]),
  arn: text(),
  name: optional(text()),
  userId: text(),
  role: optional(object<NonNullable<EventIdentity["role"]>>({ id: text(), arn: text(), name: text() })),
});

const event = object<AccountEvent>({
  id: text(),
  timeMs: wholeNumber,
  region: text(),
  source: text(),
  name: text(),
  identity,
  accessKeyId: optional(text()),
  session: optional(
    object<NonNullable<AccountEvent["session"]>>({ mfaMs: optional(wholeNumber), createdMs: wholeNumber }),
  ),
  signIn: optional(object<SignIn>({ mfaUsed: flag, failure: optional(text()) })),
  error: optional(object<NonNullable<AccountEvent["error"]>>({ code: text(), message: text() })),
  sourceIp: text(),
  userAgent: text(),
  requestId: optional(text()),
});

const readAccount = object<SavedAccount>({
  version: () => 1,
  sandbox: (value) => (value === undefined ? undefined : ownVersion),
  account: withDefault(text([/^\d{12}$/, "an account ID of 12 digits"]), "123456789012"),
  partition: withDefault(text([/^aws[\w-]*$/, "a partition like aws"]), "aws"),
  made: withDefault(text(), ""),
  created: optional(time),
  alias: known<string | null>(orNull(text()), null),
  summary: known(table(wholeNumber), {}),
  passwordPolicy: known<SavedPasswordPolicy | null>(orNull(passwordPolicy), null),
  reportGenerated: known(text(), ""),
  root: known(root, noRoot),
  users: list(user),
  groups: withDefault(list(group), []),
  roles: withDefault(list(role), []),
  managedPolicies: withDefault(list(managedPolicy), []),
  unassignedVirtualDevices: known(list(text([/^[\w+=/:,.@-]{9,256}$/, "a serial number"])), []),
  unassignedDevices: withDefault(list(device), []),
  regions: withDefault(
    list(object<SavedRegion>({ name: text([/^[a-z]{2,}(-[a-z0-9]+){1,5}$/, "a region"]), content: (value) => value })),
    [],
  ),
  events: withDefault(list(event), []),
});

type Identities = Pick<SavedAccount, "users" | "groups" | "roles" | "managedPolicies">;

/** Completes the ARNs that a person has left out. @throws ShapeError for one that is not of this account */
function completeArns({ account, partition, users, groups, roles, managedPolicies }: SavedAccount): Identities {
  const complete =
    <T extends { name: string; arn: string; path: string }>(members: string, kind: string) =>
    (item: T, index: number): T => {
      const arn = `arn:${partition}:iam::${account}:${kind}${item.path}${item.name}`;
      if (item.arn === "") return { ...item, arn };
      const isOfAws = kind === "policy" && item.arn.startsWith(`arn:${partition}:iam::aws:policy/`);
      if (item.arn === arn || isOfAws) return item;
      throw new ShapeError(`${members}[${index}].arn must be ${arn}, or absent`);
    };
  return {
    users: users.map(complete("users", "user")),
    groups: groups.map(complete("groups", "group")),
    roles: roles.map(complete("roles", "role")),
    managedPolicies: managedPolicies.map(complete("managedPolicies", "policy")),
  };
}
