// Writes the account of a sandbox as a file that loads again: with its secrets, seeds and IDs, without its sessions.
import { deviceKindOf } from "../iam/devices.ts";
import type { Known } from "../iam/snapshot.ts";
import { formatAsciiJson } from "../text.ts";
import type { Account, Credential, Group, MfaDevice, Password, Role, UserPrincipal } from "./account.ts";
import type { ManagedPolicy, PolicyHolder } from "./policies.ts";
import type {
  SavedAccount,
  SavedDevice,
  SavedGroup,
  SavedKey,
  SavedPassword,
  SavedPolicy,
  SavedRole,
  SavedUser,
} from "./saved-account.ts";
import { base32Encode } from "./totp.ts";
import { formatTime } from "./xml.ts";

/** The text of the file: a line for each user, group, role and policy. */
export function formatAccount(account: Account): string {
  const members = Object.entries(saveAccount(account)).filter(([, value]) => value !== undefined);
  const lines = members.map(([name, value]) => {
    const isList = Array.isArray(value) && value.length > 0;
    const json = isList ? `[\n    ${value.map(formatAsciiJson).join(",\n    ")}\n  ]` : formatAsciiJson(value);
    return `  ${formatAsciiJson(name)}: ${json}`;
  });
  return `{\n${lines.join(",\n")}\n}\n`;
}

function saveAccount(account: Account): SavedAccount {
  const { id, partition, alias, passwordPolicy, createdMs, root, unassignedDevices } = account;
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
        ...{ hasMfa: root.devices.length > 0, hasPassword: true, passwordLastUsed: null },
        activeAccessKeys: account.accessKeysOf(root).filter(({ active }) => active).length,
        ...{ accessKeys: account.accessKeysOf(root).map(saveKey), devices: root.devices.map(saveDevice) },
      },
    },
    users: account.users().map((user) => saveUser(account, user)),
    groups: account.groups().map(saveGroup),
    roles: account.roles().map(saveRole),
    managedPolicies: account.managedPolicies().map(savePolicy),
    unassignedDevices: [...unassignedDevices.values()].map(saveDevice),
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
  };
}

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

function saveRole(role: Role): SavedRole {
  const { name, arn, roleId, path, createdMs, trustText, holder, boundary, tags, maxSessionSeconds } = role;
  return {
    ...{ name, arn, id: roleId, path, created: formatTime(createdMs), tags, trustPolicy: trustText },
    ...saveHolder(holder),
    ...{ boundary: boundary ?? null, maxSessionSeconds },
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
