// Fills the account of a sandbox from a file or a snapshot. Secrets, seeds and IDs that it does not have are generated.
import { randomBytes } from "node:crypto";
import type { Known } from "../iam/snapshot.ts";
import { type Account, type Credential, makeId, type NewPassword, type Principal } from "./account.ts";
import { type ModeledPolicy, type PolicyHolder, type PolicyVersion, readModeledPolicy } from "./policies.ts";
import { addRole } from "./roles.ts";
import type {
  SavedAccount,
  SavedDevice,
  SavedGroup,
  SavedKey,
  SavedPassword,
  SavedPolicy,
  SavedRole,
  SavedRoot,
  SavedUser,
} from "./saved-account.ts";
import { ShapeError } from "./shape.ts";
import { base32Decode } from "./totp.ts";

/**
 * Adds all that the file has to an account that has only its root user.
 *
 * @throws ShapeError for what contradicts itself, and for a policy that the evaluator or this account does not model
 */
export function loadAccount(account: Account, saved: SavedAccount): void {
  const { created, alias, passwordPolicy, root, managedPolicies, groups, users, roles, unassignedDevices } = saved;
  account.createdMs = toMs(created) ?? toMs(earliest(users)) ?? account.now();
  account.alias = knownOr(alias, null) ?? undefined;
  const policy = knownOr(passwordPolicy, null);
  if (policy !== null) account.passwordPolicy = { ...policy, maxAgeDays: policy.maxAgeDays ?? undefined };
  const read = createPolicyReader();
  const serialNumbers = new Set<string>();
  const makeDevice = (device: SavedDevice, at: string) => {
    if (serialNumbers.has(device.serialNumber)) throw new ShapeError(`${at}: ${device.serialNumber} is there twice`);
    serialNumbers.add(device.serialNumber);
    return restoreDevice(account, device);
  };
  for (const [index, each] of managedPolicies.entries())
    explain(`managedPolicies[${index}]`, () => addPolicy(account, each, read));
  for (const [index, each] of groups.entries()) explain(`groups[${index}]`, () => addGroup(account, each, read));
  for (const [index, each] of users.entries()) {
    const at = `users[${index}]`;
    const user = explain(at, () => addUser(account, each, read));
    for (const device of knownOr(each.devices, [])) user.devices.push(makeDevice(device, at));
    for (const key of knownOr(each.accessKeys, [])) explain(at, () => addKey(account, user, key));
  }
  for (const device of listRootDevices(account, root)) account.root.devices.push(makeDevice(device, "root"));
  for (const key of listRootKeys(root)) explain("root", () => addKey(account, account.root, key));
  for (const device of unassignedDevices) {
    account.unassignedDevices.set(device.serialNumber, { ...makeDevice(device, "unassignedDevices"), enabledMs: 0 });
  }
  for (const [index, each] of roles.entries()) explain(`roles[${index}]`, () => addSavedRole(account, each, read));
}

const knownOr = <T>(known: Known<T>, otherwise: T): T => ("value" in known ? known.value : otherwise);

/** ms since 1970 */
const toMs = (time: string | null | undefined): number | undefined => (time ? Date.parse(time) : undefined);

const earliest = (users: readonly SavedUser[]): string | undefined =>
  users
    .map(({ created }) => created)
    .filter((time) => time !== "")
    .sort()[0];

/** Does some work. What this account rejects is an error of the file, at this place. */
function explain<T>(at: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof ShapeError || !(error instanceof Error)) throw error;
    throw new ShapeError(`${at}: ${error.message}`);
  }
}

type ReadPolicy = (text: string) => ModeledPolicy;

/** Reads each text once: thousands of users have the same policies. */
function createPolicyReader(): ReadPolicy {
  const policies = new Map<string, ModeledPolicy>();
  return (text) => {
    const policy = policies.get(text) ?? readModeledPolicy(text);
    policies.set(text, policy);
    return policy;
  };
}

function addPolicy(account: Account, saved: SavedPolicy, read: ReadPolicy): void {
  const { name, arn, id, path, tags, created, updated, description, defaultVersion, document } = saved;
  const createdMs = toMs(created) ?? account.createdMs;
  const listed = saved.versions ?? [{ id: defaultVersion, created, document }];
  const versions = new Map(
    listed.map((version): [string, PolicyVersion] => [
      version.id,
      { policy: read(version.document), createdMs: toMs(version.created) ?? createdMs },
    ]),
  );
  if (!versions.has(defaultVersion)) throw new Error(`it has no version ${defaultVersion}`);
  const latest = Math.max(saved.latestVersion ?? 1, ...listed.map((version) => Number(version.id.slice(1))));
  account.restoreManagedPolicy({
    ...{ name, arn, id: id || makeId("ANPA"), path, tags, createdMs, updatedMs: toMs(updated) ?? createdMs },
    ...{ versions, defaultVersion, latestVersion: latest },
    ...(description === undefined ? {} : { description }),
  });
}

function addGroup(account: Account, saved: SavedGroup, read: ReadPolicy): void {
  const { name, path, id, attachedPolicies, created } = saved;
  const createdMs = toMs(created) ?? account.createdMs;
  const group = account.addGroup(name, path, [], attachedPolicies, { id: id || undefined, createdMs });
  addInlinePolicies(group.holder, saved, read);
}

function addUser(account: Account, saved: SavedUser, read: ReadPolicy) {
  const { name, path, id, groups, attachedPolicies, boundary, tags, created } = saved;
  const password = knownOr(saved.password, null);
  const createdMs = toMs(created) ?? account.createdMs;
  const user = account.addUser({
    ...{ name, path, id: id || undefined, createdMs, groups, attached: attachedPolicies, tags },
    ...{ boundary: boundary ?? undefined, password: password === null ? undefined : toPassword(password, createdMs) },
  });
  addInlinePolicies(user.holder, saved, read);
  return user;
}

function addInlinePolicies({ inline }: PolicyHolder, saved: Pick<SavedUser, "inlinePolicies">, read: ReadPolicy): void {
  for (const { name, document } of saved.inlinePolicies) inline.set(name, read(document));
}

function toPassword(saved: SavedPassword, createdMs: number): NewPassword {
  const { lastChanged, lastUsed, resetRequired, text } = saved;
  return {
    changedMs: toMs(knownOr(lastChanged, null)) ?? createdMs,
    lastUsedMs: toMs(knownOr(lastUsed, null)),
    resetRequired: knownOr(resetRequired, false),
    ...(text === undefined ? {} : { text }),
  };
}

function addKey(account: Account, owner: Principal, saved: SavedKey): void {
  const { id, secret, active, lastRotated } = saved;
  if (id !== undefined && account.credential(id) !== undefined) throw new Error(`the access key ${id} is there twice`);
  const createdMs = toMs(lastRotated) ?? owner.user?.createdMs ?? account.createdMs;
  const lastUse = readLastUse(saved);
  account.addAccessKey(owner, { accessKeyId: id, secretAccessKey: secret, active, createdMs, lastUsed: lastUse });
}

/** The region is AWS's own word where it is not known. */
function readLastUse({ lastUsed, lastUsedService, lastUsedRegion }: SavedKey): Credential["lastUsed"] {
  const ms = toMs(lastUsed);
  return ms === undefined ? undefined : { ms, service: lastUsedService ?? "N/A", region: lastUsedRegion ?? "N/A" };
}

function restoreDevice(account: Account, saved: SavedDevice) {
  const { serialNumber, kind, tags, seed, enabled, driftSteps = 0, synchronizedStep = 0 } = saved;
  const hasCodes = kind === "virtual" || kind === "hardware";
  const own = hasCodes ? (seed === undefined ? randomBytes(20) : base32Decode(seed)) : undefined;
  const enabledMs = toMs(enabled) ?? account.createdMs;
  return { ...account.makeDevice(serialNumber, own), tags, enabledMs, driftSteps, synchronizedStep };
}

/** The credential report tells only whether the root user has a device. */
function listRootDevices(account: Account, root: Known<SavedRoot>): readonly SavedDevice[] {
  if (!("value" in root)) return [];
  const { devices, hasMfa } = root.value;
  if (devices !== undefined || !hasMfa) return devices ?? [];
  const standIn = { serialNumber: account.arn("mfa/root-account-mfa-device"), kind: "virtual" } as const;
  return [
    { ...standIn, tags: {}, seed: undefined, enabled: undefined, driftSteps: undefined, synchronizedStep: undefined },
  ];
}

function listRootKeys(root: Known<SavedRoot>): readonly SavedKey[] {
  if (!("value" in root)) return [];
  const { accessKeys, activeAccessKeys } = root.value;
  const standIn = { active: true, lastRotated: null, lastUsed: null, lastUsedService: null } as const;
  const generated = { ...standIn, id: undefined, secret: undefined, lastUsedRegion: undefined };
  return accessKeys ?? Array.from({ length: Math.min(activeAccessKeys, 2) }, () => generated);
}

function addSavedRole(account: Account, saved: SavedRole, read: ReadPolicy): void {
  const { name, path, id, attachedPolicies, trustPolicy, boundary, tags, created, maxSessionSeconds } = saved;
  const role = addRole(account, {
    ...{ name, path, id: id || undefined, createdMs: toMs(created) ?? account.createdMs, trust: trustPolicy },
    ...{ attached: attachedPolicies, boundary: boundary ?? undefined, tags, maxSessionSeconds },
  });
  addInlinePolicies(role.holder, saved, read);
}
