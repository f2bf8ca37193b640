// Fills the account of a sandbox from a file or a snapshot. Secrets, seeds and IDs that it does not have are generated.

import type { Known } from "../iam/snapshot.ts";
import { ShapeError } from "../shape.ts";
import {
  type Account,
  type Credential,
  makeId,
  type NewPassword,
  type Principal,
  type UserPrincipal,
} from "./account.ts";
import {
  type ModeledPolicy,
  makeMissingPolicy,
  type PolicyHolder,
  type PolicyVersion,
  readForeignPolicy,
} from "./policies.ts";
import { takeRandomBytes } from "./random.ts";
import { addForeignRole } from "./roles.ts";
import type {
  SavedAccount,
  SavedDevice,
  SavedGroup,
  SavedKey,
  SavedPassword,
  SavedPolicy,
  SavedRole,
  SavedRoot,
  SavedUse,
  SavedUser,
} from "./saved-account.ts";
import { loadRegions } from "./saved-regions.ts";
import { base32Decode } from "./totp.ts";

/** Reads a policy; one that is not there is unusable. @param label what it is, as in `the policy deny-all` */
type ReadPolicy = (text: string | undefined, label: string) => ModeledPolicy;

/** What the policies have that is not modeled. */
export interface PolicyGaps {
  /** Why policies cannot be evaluated. */
  readonly problems: readonly string[];
  /** Condition keys. */
  readonly keys: readonly string[];
}

/**
 * Adds all that the file has to an account that has only its root user.
 *
 * @throws ShapeError for what contradicts itself
 */
export function loadAccount(account: Account, saved: SavedAccount): PolicyGaps {
  const { created, alias, passwordPolicy, root, managedPolicies, groups, users, roles, unassignedDevices } = saved;
  account.createdMs = toMs(created) ?? toMs(findEarliest(users)) ?? account.now();
  account.alias = knownOr(alias, null) ?? undefined;
  const policy = knownOr(passwordPolicy, null);
  if (policy !== null) account.passwordPolicy = { ...policy, maxAgeDays: policy.maxAgeDays ?? undefined };
  const { read, gaps } = createPolicyReader();
  const makeDevice = createDeviceMaker(account);
  forEach(managedPolicies, "managedPolicies", (each) => addPolicy(account, each, read));
  for (const arn of findMissingPolicies(saved)) addUnreadPolicy(account, arn, read);
  forEach(groups, "groups", (each) => addGroup(account, each, read));
  forEach(users, "users", (each) => {
    const user = addUser(account, each, read);
    const { createdMs } = user.user;
    for (const device of knownOr(each.devices, [])) account.giveDevice(user, makeDevice(device, createdMs));
    for (const key of knownOr(each.accessKeys, [])) addKey(account, user, key);
  });
  explain("root", () => {
    account.rootPassword = { ...account.rootPassword, ...toRootPassword(root, account.createdMs) };
    for (const device of listRootDevices(account, root)) account.giveDevice(account.root, makeDevice(device));
    for (const key of listRootKeys(root)) addKey(account, account.root, key);
  });
  const { unassignedVirtualDevices: unassigned } = saved;
  for (const serialNumber of "value" in unassigned ? unassigned.value : []) {
    if (unassignedDevices.some((each) => each.serialNumber === serialNumber)) continue;
    const device = { serialNumber, kind: "virtual", tags: {}, enabled: undefined, seed: undefined } as const;
    account.unassignedDevices.set(serialNumber, {
      ...makeDevice({ ...device, driftSteps: undefined, synchronizedStep: undefined }),
      enabledMs: 0,
    });
  }
  forEach(unassignedDevices, "unassignedDevices", (each) => {
    account.unassignedDevices.set(each.serialNumber, { ...makeDevice(each), enabledMs: 0 });
  });
  forEach(roles, "roles", (each) => addRole(account, each, read));
  explain("regions", () => loadRegions(account, saved.regions));
  account.events.restore(saved.events);
  return gaps();
}

const knownOr = <T>(known: Known<T>, otherwise: T): T => ("value" in known ? known.value : otherwise);

/** ms since 1970 */
const toMs = (time: string | null | undefined): number | undefined => (time ? Date.parse(time) : undefined);

const findEarliest = (users: readonly SavedUser[]): string | undefined =>
  users
    .map(({ created }) => created)
    .filter((time) => time !== "")
    .sort()[0];

function forEach<T>(items: readonly T[], list: string, work: (item: T) => void): void {
  for (const [index, item] of items.entries()) explain(`${list}[${index}]`, () => work(item));
}

/** Does some work. What this account rejects is an error of the file, at this place. */
function explain(at: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw new ShapeError(`${at}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Reads each text once: thousands of users have the same policies. */
function createPolicyReader(): { readonly read: ReadPolicy; readonly gaps: () => PolicyGaps } {
  const policies = new Map<string, ModeledPolicy>();
  const problems: string[] = [];
  const keys = new Map<string, string>();
  const read: ReadPolicy = (text, label) => {
    const known = text === undefined ? undefined : policies.get(text);
    if (known !== undefined) return known;
    const { policy, gap } = text === undefined ? makeMissingPolicy(label) : readForeignPolicy(text, label);
    if (text !== undefined) policies.set(text, policy);
    if (gap.problem !== undefined) problems.push(`${label}: ${gap.problem}`);
    for (const key of gap.keys) keys.set(key.toLowerCase(), key);
    return policy;
  };
  return { read, gaps: () => ({ problems, keys: [...keys.values()] }) };
}

/** The ARNs of policies that something has, and whose documents were not read. */
function findMissingPolicies({ users, groups, roles, managedPolicies }: SavedAccount): ReadonlySet<string> {
  const boundaries = [...users, ...roles].flatMap(({ boundary }) => boundary ?? []);
  const needed = new Set([...users, ...groups, ...roles].flatMap((each) => each.attachedPolicies).concat(boundaries));
  for (const { arn } of managedPolicies) needed.delete(arn);
  return needed;
}

/** One of AWS's own policies may be here all the same. */
function addUnreadPolicy(account: Account, arn: string, read: ReadPolicy): void {
  if (account.findManagedPolicy(arn) !== undefined) return;
  const [, path = "/", name = ""] = /^arn:[^:]*:iam::[^:]*:policy(\/(?:.*\/)?)([^/]+)$/.exec(arn) ?? [];
  explain(`the policy ${arn}`, () => {
    const { createdMs } = account;
    const versions = new Map([["v1", { policy: read(undefined, `the policy ${name}`), createdMs }]]);
    account.restoreManagedPolicy({
      ...{ name, arn, id: makeId("ANPA"), path, tags: {}, createdMs, updatedMs: createdMs },
      ...{ versions, defaultVersion: "v1", latestVersion: 1 },
    });
  });
}

function addPolicy(account: Account, saved: SavedPolicy, read: ReadPolicy): void {
  const { name, arn, id, path, tags, created, updated, description, defaultVersion, document } = saved;
  const createdMs = toMs(created) ?? account.createdMs;
  const listed = saved.versions ?? [{ id: defaultVersion, created, document }];
  const versions = new Map(
    listed.map((version): [string, PolicyVersion] => [
      version.id,
      { policy: read(version.document, `the policy ${name}`), createdMs: toMs(version.created) ?? createdMs },
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
  addInlinePolicies(group.holder, saved, `group ${name}`, read);
}

function addUser(account: Account, saved: SavedUser, read: ReadPolicy): UserPrincipal {
  const { name, path, id, groups, attachedPolicies, boundary, tags, created, services } = saved;
  const password = knownOr(saved.password, null);
  const createdMs = toMs(created) ?? account.createdMs;
  const user = account.addUser({
    ...{ name, path, id: id || undefined, createdMs, groups, attached: attachedPolicies, tags },
    ...{ boundary: boundary ?? undefined, password: password === null ? undefined : toPassword(password, createdMs) },
  });
  addInlinePolicies(user.holder, saved, `user ${name}`, read);
  if (services !== undefined) account.restoreUses(user, services.map(toUse));
  return user;
}

function addInlinePolicies(
  { inline }: PolicyHolder,
  { inlinePolicies }: Pick<SavedUser, "inlinePolicies">,
  holder: string,
  read: ReadPolicy,
): void {
  for (const { name, document } of inlinePolicies) inline.set(name, read(document, `the policy ${name} of ${holder}`));
}

const toUse = ({ service, time, region }: SavedUse) => ({ ms: Date.parse(time), service, region });

function toPassword(saved: SavedPassword, createdMs: number): NewPassword {
  const { lastChanged, lastUsed, resetRequired, text } = saved;
  return {
    changedMs: toMs(knownOr(lastChanged, null)) ?? createdMs,
    lastUsedMs: toMs(knownOr(lastUsed, null)),
    resetRequired: knownOr(resetRequired, false),
    ...(text === undefined ? {} : { text }),
  };
}

function toRootPassword(root: Known<SavedRoot>, createdMs: number): Partial<NewPassword> {
  if (!("value" in root)) return { changedMs: createdMs };
  const { password, passwordLastUsed } = root.value;
  return password ? toPassword(password, createdMs) : { changedMs: createdMs, lastUsedMs: toMs(passwordLastUsed) };
}

function addKey(account: Account, owner: Principal, saved: SavedKey): void {
  const { id, secret, active, lastRotated } = saved;
  if (id !== undefined && account.credential(id) !== undefined) throw new Error(`the access key ${id} is there twice`);
  const createdMs = toMs(lastRotated) ?? owner.user?.createdMs ?? account.createdMs;
  const lastUsed = readLastUse(saved);
  account.addAccessKey(owner, { accessKeyId: id, secretAccessKey: secret, active, createdMs, lastUsed });
}

/** The region is AWS's own word where it is not known. */
function readLastUse({ lastUsed, lastUsedService, lastUsedRegion }: SavedKey): Credential["lastUsed"] {
  const ms = toMs(lastUsed);
  return ms === undefined ? undefined : { ms, service: lastUsedService ?? "N/A", region: lastUsedRegion ?? "N/A" };
}

/** Returns a function that makes devices. It throws for a serial number that it has had before. */
function createDeviceMaker(account: Account) {
  const serialNumbers = new Set<string>();
  return (
    { serialNumber, kind, tags, seed, enabled, driftSteps = 0, synchronizedStep = 0 }: SavedDevice,
    ownerMs = account.createdMs,
  ) => {
    if (serialNumbers.has(serialNumber)) throw new Error(`${serialNumber} is there twice`);
    serialNumbers.add(serialNumber);
    const hasCodes = kind === "virtual" || kind === "hardware";
    const own = hasCodes ? (seed === undefined ? takeRandomBytes(20) : base32Decode(seed)) : undefined;
    const enabledMs = toMs(enabled) ?? ownerMs;
    return { ...account.makeDevice(serialNumber, own), tags, enabledMs, driftSteps, synchronizedStep };
  };
}

/** The credential report tells only whether the root user has a device. */
function listRootDevices(account: Account, root: Known<SavedRoot>): readonly SavedDevice[] {
  if (!("value" in root)) return [];
  const { devices, hasMfa } = root.value;
  if (devices !== undefined || !hasMfa) return devices ?? [];
  const standIn = { serialNumber: account.arn("mfa/root-account-mfa-device"), kind: "virtual", tags: {} } as const;
  return [{ ...standIn, seed: undefined, enabled: undefined, driftSteps: undefined, synchronizedStep: undefined }];
}

function listRootKeys(root: Known<SavedRoot>): readonly SavedKey[] {
  if (!("value" in root)) return [];
  const { accessKeys, activeAccessKeys, accessKeyLastUsed: lastUsed = null } = root.value;
  const standIn = { active: true, lastRotated: null, lastUsed, lastUsedService: null } as const;
  const generated = { ...standIn, id: undefined, secret: undefined, lastUsedRegion: undefined };
  return accessKeys ?? Array.from({ length: Math.min(activeAccessKeys, 2) }, () => generated);
}

function addRole(account: Account, saved: SavedRole, read: ReadPolicy): void {
  const { name, path, id, attachedPolicies, trustPolicy, boundary, tags, created, maxSessionSeconds, services } = saved;
  const role = addForeignRole(account, {
    ...{ name, path, id: id || undefined, createdMs: toMs(created) ?? account.createdMs, trust: trustPolicy },
    ...{ attached: attachedPolicies, boundary: boundary ?? undefined, tags, maxSessionSeconds },
  });
  addInlinePolicies(role.holder, saved, `role ${name}`, read);
  if (services !== undefined) account.restoreUses(role, services.map(toUse));
}
