// Writes the account of a sandbox as a file that loads again: with its secrets, seeds and IDs, without its sessions.
import { deviceKindOf } from "../iam/devices.ts";
import type { Known } from "../iam/snapshot.ts";
import { formatAsciiJson } from "../text.ts";
import type { Account, Credential, Group, MfaDevice, Password, Role, ServiceUse, UserPrincipal } from "./account.ts";
import { isInUse } from "./iam/managed-policies.ts";
import type { ManagedPolicy, PolicyHolder } from "./policies.ts";
import type {
  SavedAccount,
  SavedDevice,
  SavedGroup,
  SavedKey,
  SavedPassword,
  SavedPolicy,
  SavedRole,
  SavedUse,
  SavedUser,
} from "./saved-account.ts";
import { saveRegions } from "./saved-regions.ts";
import { base32Encode } from "./totp.ts";
import { formatTime } from "./xml.ts";

/**
 * The text of the file: a line for each user, group, role and policy.
 *
 * @param origin what the account was loaded from: what was unknown there, and has not been set since, stays unknown
 */
export function formatAccount(account: Account, origin?: SavedAccount): string {
  const saved = saveAccount(account);
  const members = Object.entries(origin ? keepUnknown(saved, origin) : saved).filter(
    ([, value]) => value !== undefined,
  );
  const lines = members.map(([name, value]) => {
    const isList = Array.isArray(value) && value.length > 0;
    const json = isList ? `[\n    ${value.map(formatAsciiJson).join(",\n    ")}\n  ]` : formatAsciiJson(value);
    return `  ${formatAsciiJson(name)}: ${json}`;
  });
  return `{\n${lines.join(",\n")}\n}\n`;
}

export function saveAccount(account: Account): SavedAccount {
  const { id, partition, alias, passwordPolicy, createdMs, root, rootPassword, unassignedDevices } = account;
  const notSaved = { unknown: "a sandbox's file does not have it" };
  return {
    ...{ version: 1, sandbox: 1, account: id, partition, made: formatTime(account.now()) },
    created: formatTime(createdMs),
    alias: { value: alias ?? null },
    ...{ summary: notSaved, reportGenerated: notSaved },
    passwordPolicy: {
      value: passwordPolicy
        ? { ...passwordPolicy, maxAgeDays: passwordPolicy.maxAgeDays ?? null, requires: passwordPolicy.requires ?? [] }
        : null,
    },
    root: {
      value: {
        ...{ hasMfa: root.devices.length > 0, hasPassword: true },
        passwordLastUsed: rootPassword.lastUsedMs === undefined ? null : formatTime(rootPassword.lastUsedMs),
        activeAccessKeys: account.accessKeysOf(root).filter(({ active }) => active).length,
        ...{ accessKeys: account.accessKeysOf(root).map(saveKey), devices: root.devices.map(saveDevice) },
        password: savePassword(rootPassword),
      },
    },
    users: account.users().map((user) => saveUser(account, user)),
    groups: account.groups().map(saveGroup),
    roles: account.roles().map((role) => saveRole(account, role)),
    managedPolicies: [...account.managedPolicies(), ...listAwsPoliciesInUse(account)].map(savePolicy),
    unassignedVirtualDevices: { value: [...unassignedDevices.keys()] },
    unassignedDevices: [...unassignedDevices.values()].map(saveDevice),
    regions: saveRegions(account),
    events: account.events.list(),
  };
}

const listAwsPoliciesInUse = (account: Account): readonly ManagedPolicy[] =>
  [...account.awsManagedPolicies().values()].filter((policy) => isInUse(account, policy));

/** What a copy of an account does not know is not taken for "none" when it is loaded again. */
function keepUnknown(saved: SavedAccount, origin: SavedAccount): SavedAccount {
  const users = new Map(origin.users.map((user) => [user.name, user]));
  return {
    ...saved,
    alias: keepIf(isNull, saved.alias, origin.alias),
    passwordPolicy: keepIf(isNull, saved.passwordPolicy, origin.passwordPolicy),
    root: keepIf(({ devices, accessKeys }) => isEmpty(devices) && isEmpty(accessKeys), saved.root, origin.root),
    users: saved.users.map((user) => {
      const before = users.get(user.name);
      if (before === undefined) return user;
      return {
        ...user,
        devices: keepIf(isEmpty, user.devices, before.devices),
        accessKeys: keepIf(isEmpty, user.accessKeys, before.accessKeys),
        password: keepUnknownPassword(user.password, before.password, user.created),
      };
    }),
  };
}

const isNull = (value: unknown): boolean => value === null;
const isEmpty = (list: readonly unknown[] = []): boolean => list.length === 0;

/** What was unknown before, if this is what stands for it; else what is now. */
const keepIf = <T>(isStandIn: (value: T) => boolean, now: Known<T>, before: Known<T>): Known<T> =>
  "unknown" in before && "value" in now && isStandIn(now.value) ? before : now;

/** @param created when the user was made, which stands for the time when the password was last changed */
function keepUnknownPassword(
  now: Known<SavedPassword | null>,
  before: Known<SavedPassword | null>,
  created: string,
): Known<SavedPassword | null> {
  if (!("value" in now) || !("value" in before)) return keepIf(isNull, now, before);
  if (now.value === null || before.value === null) return now;
  const { lastUsed, lastChanged, resetRequired } = before.value;
  // A password that was set here since is known.
  const changed = "value" in now.value.lastChanged ? now.value.lastChanged.value : undefined;
  if (changed !== ("value" in lastChanged ? (lastChanged.value ?? created) : created)) return now;
  return {
    value: {
      ...now.value,
      lastUsed: keepIf(isNull, now.value.lastUsed, lastUsed),
      lastChanged: keepIf(() => true, now.value.lastChanged, lastChanged),
      resetRequired: keepIf((value) => !value, now.value.resetRequired, resetRequired),
    },
  };
}

const saveHolder = ({ inline, attached }: PolicyHolder) => ({
  inlinePolicies: [...inline].map(([name, { text }]) => ({ name, document: text })),
  attachedPolicies: [...attached],
});

function saveUser(account: Account, { name, arn, userId, holder, devices, user }: UserPrincipal): SavedUser {
  const { path, createdMs, groups, boundary, tags, password } = user;
  const value = <T>(known: T): Known<T> => ({ value: known });
  return {
    ...{ name, arn, id: userId, path, created: formatTime(createdMs), tags },
    ...saveHolder(holder),
    groups: groups.map((group) => group.name),
    boundary: boundary ?? null,
    devices: value(devices.map(saveDevice)),
    accessKeys: value(account.accessKeysOf(account.user(name)).map(saveKey)),
    password: value(password === undefined ? null : savePassword(password)),
    services: saveUses(account.usesOf(account.user(name))),
  };
}

const saveUses = (uses: readonly ServiceUse[]): SavedUse[] =>
  uses.map(({ ms, service, region }) => ({ service, time: formatTime(ms), region }));

const savePassword = ({ changedMs, lastUsedMs, resetRequired, text }: Password): SavedPassword => ({
  lastUsed: { value: lastUsedMs === undefined ? null : formatTime(lastUsedMs) },
  lastChanged: { value: formatTime(changedMs) },
  resetRequired: { value: resetRequired },
  text,
});

const saveKey = ({ accessKeyId, secretAccessKey, active, createdMs, lastUsed }: Credential): SavedKey => ({
  ...{ id: accessKeyId, secret: secretAccessKey, active, lastRotated: formatTime(createdMs) },
  lastUsed: lastUsed === undefined ? null : formatTime(lastUsed.ms),
  lastUsedService: lastUsed?.service ?? null,
  lastUsedRegion: lastUsed?.region,
});

const saveDevice = ({ serialNumber, tags, seed, enabledMs, ...clock }: MfaDevice): SavedDevice => ({
  ...{ serialNumber, kind: deviceKindOf(serialNumber), tags },
  seed: seed && base32Encode(seed),
  enabled: enabledMs === 0 ? undefined : formatTime(enabledMs),
  ...{ driftSteps: clock.driftSteps, synchronizedStep: clock.synchronizedStep },
});

const saveGroup = ({ name, arn, groupId, path, createdMs, holder }: Group): SavedGroup => ({
  ...{ name, arn, id: groupId, path, created: formatTime(createdMs) },
  ...saveHolder(holder),
});

function saveRole(account: Account, role: Role): SavedRole {
  const { name, arn, roleId, path, createdMs, trustText, holder, boundary, tags, maxSessionSeconds } = role;
  return {
    ...{ name, arn, id: roleId, path, created: formatTime(createdMs), tags, trustPolicy: trustText },
    ...saveHolder(holder),
    ...{ boundary: boundary ?? null, maxSessionSeconds, services: saveUses(account.usesOf(role)) },
  };
}

function savePolicy(policy: ManagedPolicy): SavedPolicy {
  const { name, arn, id, path, createdMs, updatedMs, description, tags, versions, defaultVersion, latestVersion } =
    policy;
  const saved = [...versions].map(([version, content]) => ({
    ...{ id: version, created: formatTime(content.createdMs), document: content.policy.text },
  }));
  const document = versions.get(defaultVersion)?.policy.text ?? "";
  return {
    ...{ name, arn, id, path, tags, defaultVersion, document, created: formatTime(createdMs) },
    ...{ updated: formatTime(updatedMs), description, versions: saved, latestVersion },
  };
}
