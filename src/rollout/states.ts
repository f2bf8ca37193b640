// The state of each user before the rollout: who can be put under the enforcement policy, and what the others wait for.
import { describeAgo } from "../duration.ts";
import type { UserDecisions } from "../iam/decisions.ts";
import { breakGlassTag, findAutomation, isBreakGlass, isMember, roleTag } from "../iam/parts.ts";
import { findPasswordDue } from "../iam/password-due.ts";
import type { AccessKey, AccountSnapshot, Device, Known, Password, User } from "../iam/snapshot.ts";
import type { PolicyDocument } from "../policy/engine/document.ts";

/** The first that applies, in this order. `unknown` if what decides it could not be read. */
export const states = [
  "break-glass",
  "enforced",
  "enforced-ineffective",
  "automation",
  "inactive",
  "needs-device",
  "password-pending",
  "security-key-only",
  "key-in-use",
  "ready",
  "unknown",
] as const;

export type State = (typeof states)[number];

export interface Classified {
  readonly state: State;
  /** In words, why it is this state. */
  readonly evidence: readonly string[];
  /** What could not be read, with the reason. */
  readonly unknown: readonly string[];
}

export interface ClassifyOptions {
  /** The group's name. */
  readonly group: string;
  /** What the group's policies are, or will be. */
  readonly policies: readonly PolicyDocument[];
  /** Users who are named as break-glass users, in addition to those with the tag. */
  readonly breakGlass: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Days without use after which a user is inactive. */
const inactiveDays = 90;
/** Days within which an access key counts as in use. */
export const inUseDays = 30;
/** Days of CloudTrail's event history. */
export const historyDays = 90;
const day = 86_400_000;

/**
 * Classifies a user.
 *
 * @param decisions what the user's policies decide; unknown if one of them could not be read
 */
export function classifyUser(
  user: User,
  decisions: Known<UserDecisions>,
  account: Pick<AccountSnapshot, "passwordPolicy">,
  options: ClassifyOptions,
): Classified {
  const found = findState(user, decisions, account, options);
  const isReady = "state" in found && found.state === "ready";
  const unknown = [...listUnknown(user, decisions), ...(isReady ? listUnknownUse(user, options.now) : [])];
  return "why" in found
    ? { state: "unknown", evidence: [found.why], unknown }
    : { state: found.state, evidence: found.evidence, unknown };
}

type Found = { readonly state: State; readonly evidence: readonly string[] } | { readonly why: string };

const found = (state: State, ...evidence: readonly string[]): Found => ({ state, evidence });

function findState(
  user: User,
  decisions: Known<UserDecisions>,
  account: Pick<AccountSnapshot, "passwordPolicy">,
  { group, policies, breakGlass, now }: ClassifyOptions,
): Found {
  if (isBreakGlass(user, breakGlass)) {
    const isTagged = user.tags[roleTag] === breakGlassTag.value;
    return found("break-glass", isTagged ? `tag ${roleTag} is ${breakGlassTag.value}` : "named with --break-glass");
  }
  if (isMember(user, group)) return judgeMember(group, decisions);
  const { accessKeys, password, devices } = user;
  const program = findAutomation(user);
  if (!("value" in program)) return { why: program.unknown };
  if (program.value === "tag") return found("automation", `tag ${roleTag} is automation`);
  // Neither is unknown here: that would be in `program`.
  if (!("value" in accessKeys && "value" in password)) return { why: "credentials are not known" };
  const active = accessKeys.value.filter((key) => key.active);
  if (program.value === "key") return found("automation", `${describeKeys(active, now)}, and no console password`);
  const inactivity = judgeInactivity(user, now);
  if (inactivity !== undefined && "unknown" in inactivity) return { why: inactivity.unknown };
  if (inactivity !== undefined && inactivity.value !== null) return found("inactive", inactivity.value);
  if (!("value" in devices)) return { why: `MFA devices are not known: ${devices.unknown}` };
  if (devices.value.length === 0) return found("needs-device", "no MFA device");
  const pending = findPasswordDue(user, decisions, account, policies, now);
  if (pending !== undefined) return pending.isKnown ? found("password-pending", pending.text) : { why: pending.text };
  if (active.length > 0 && devices.value.every(({ kind }) => kind === "security key")) {
    return found("security-key-only", `${describeDevices(devices.value)}, and ${describeKeys(active, now)}`);
  }
  const use = findInUse(accessKeys.value, now);
  if (use !== undefined) return found("key-in-use", use);
  const inTrail = [judgeKeyUse(user, now), judgeFederation(user, now)].flatMap((judged) =>
    judged !== undefined && "value" in judged && judged.value !== null ? [judged.value] : [],
  );
  if (inTrail.length > 0)
    return found("key-in-use", `${describeKeys(active, now)}, and in CloudTrail ${inTrail.join(", ")}`);
  return found(
    "ready",
    describeDevices(devices.value),
    ...(active.length === 0 ? ["no active access key"] : [describeKeys(active, now)]),
    ...describeHistory(user, listUnknownUse(user, now).length === 0),
  );
}

/** What CloudTrail was asked, and whether it answered everything. */
function describeHistory({ keyHistory }: User, isKnown: boolean): readonly string[] {
  return keyHistory !== undefined && isKnown ? [`no other use in CloudTrail in ${keyHistory.regions.join(", ")}`] : [];
}

/** What CloudTrail leaves open of the use of access keys. */
function listUnknownUse(user: User, now: number): readonly string[] {
  const judged = [judgeKeyUse(user, now), judgeFederation(user, now)].filter((each) => each !== undefined);
  const open = new Set(judged.flatMap((each) => ("unknown" in each ? [each.unknown] : [])));
  return open.size === 0 ? [] : [`what else the access key was used for: ${[...open].join(", ")}`];
}

function judgeMember(group: string, decisions: Known<UserDecisions>): Found {
  if (!("value" in decisions)) return { why: `in group ${group}, but ${decisions.unknown}` };
  const opening = decisions.value.findOpening();
  if (opening !== undefined) return found("enforced-ineffective", `in group ${group}, but without MFA: ${opening}`);
  return found("enforced", `in group ${group}, and denied without MFA`);
}

/** Why a user counts as inactive, in words; null if the user is active, undefined if the credentials are not known. */
export function judgeInactivity(user: User, now: number): Known<string | null> | undefined {
  const { accessKeys, password } = user;
  if (!("value" in accessKeys && "value" in password)) return undefined;
  if (password.value === null && !accessKeys.value.some(({ active }) => active)) {
    return { value: "no console password and no active access key" };
  }
  const lastActivity = findLastActivity(user, accessKeys.value, password.value);
  if (now - lastActivity <= inactiveDays * day) return { value: null };
  const { lastUsed = { value: null } } = password.value ?? {};
  if (!("value" in lastUsed)) return { unknown: `when the password was last used is not known: ${lastUsed.unknown}` };
  return { value: `nothing used for ${countDays(now - lastActivity)} days` };
}

/** The last sign of life: use, or that something was made or changed. Milliseconds since 1970. */
function findLastActivity(user: User, keys: readonly AccessKey[], password: Password | null): number {
  const times = [
    user.created,
    ...keys.flatMap(({ lastUsed, lastRotated }) => [lastUsed, lastRotated]),
    ...(password === null ? [] : [password.lastUsed, password.lastChanged]).map((time) =>
      "value" in time ? time.value : null,
    ),
  ];
  return Math.max(...times.map((time) => (time === null || time === "" ? 0 : Date.parse(time))));
}

/** Describes the active access keys that were used for something else than IAM and STS lately. */
export function findInUse(keys: readonly AccessKey[], now: number): string | undefined {
  const inUse = keys.filter((key) => key.active && isInUse(key, now));
  return inUse.length === 0 ? undefined : describeKeys(inUse, now);
}

function isInUse(key: AccessKey, now: number): boolean {
  return isRecent(key, now) && !isLastForLogin(key);
}

/** Whether a key was used lately, and for a service of a login or of fob the last time: uses before that are not known. */
export const leavesOpen = (key: AccessKey, now: number): boolean =>
  key.active && isRecent(key, now) && isLastForLogin(key);

const isRecent = ({ lastUsed }: AccessKey, now: number): boolean =>
  lastUsed !== null && now - Date.parse(lastUsed) <= inUseDays * day;

const isLastForLogin = ({ lastUsedService }: AccessKey): boolean =>
  lastUsedService !== null && openServices.includes(lastUsedService.toLowerCase());

/** IAM and STS, which a login needs, and what fob asks itself for an administrator who works with an access key. */
const openServices = ["iam", "sts", "cloudtrail", "config", "events", "logs", "monitoring", "sns"];

/**
 * What CloudTrail tells of a user whose last-used services leave open what the keys are used for; undefined if they leave
 * nothing open.
 */
export function judgeKeyUse({ accessKeys, keyHistory }: User, now: number): Known<string | null> | undefined {
  if (!("value" in accessKeys) || !accessKeys.value.some((key) => leavesOpen(key, now))) return undefined;
  return keyHistory?.use ?? { unknown: notLookedAt };
}

const notLookedAt = "CloudTrail was not looked at";

/** What CloudTrail tells of calls of GetFederationToken; undefined if no key was used that could have made one. */
export function judgeFederation({ accessKeys, keyHistory }: User, now: number): Known<string | null> | undefined {
  if (!("value" in accessKeys) || !accessKeys.value.some((key) => wasUsed(key, now))) return undefined;
  return keyHistory?.federation ?? { unknown: notLookedAt };
}

/** Whether an access key may be in CloudTrail's event history, which has 90 days. */
export const wasUsed = ({ active, lastUsed }: AccessKey, now: number): boolean =>
  active && lastUsed !== null && now - Date.parse(lastUsed) <= historyDays * day;

/** `2 MFA devices (virtual, hardware)` */
function describeDevices(devices: readonly Device[]): string {
  const kinds = devices.map(({ kind }) => kind);
  if (kinds.length === 0) return "no MFA device";
  if (kinds.length === 1) return `1 MFA device (${kinds[0]})`;
  return `${kinds.length} MFA devices (${kinds.join(", ")})`;
}

/** `an active access key, last used for s3 1 h ago` */
function describeKeys(keys: readonly AccessKey[], now: number): string {
  const uses = keys
    .filter(({ lastUsed }) => lastUsed !== null)
    .toSorted((a, b) => (a.lastUsed ?? "").localeCompare(b.lastUsed ?? ""));
  const last = uses.at(-1);
  const count = keys.length === 1 ? "an active access key" : `${keys.length} active access keys`;
  if (last?.lastUsed === undefined || last.lastUsed === null) return `${count}, never used`;
  return `${count}, last used for ${last.lastUsedService ?? "an unknown service"} ${describeAgo(now - Date.parse(last.lastUsed))}`;
}

const countDays = (milliseconds: number): number => Math.floor(milliseconds / day);

function listUnknown(user: User, decisions: Known<UserDecisions>): readonly string[] {
  const { devices, accessKeys, password } = user;
  const ofPassword = "value" in password ? (password.value ?? undefined) : undefined;
  const parts: readonly (readonly [string, Known<unknown>])[] = [
    ["policies", decisions],
    ["MFA devices", devices],
    ["access keys", accessKeys],
    ["password", password],
    ...(ofPassword === undefined
      ? []
      : ([
          ["password reset", ofPassword.resetRequired],
          ["password use", ofPassword.lastUsed],
          ["password change", ofPassword.lastChanged],
        ] as const)),
  ];
  return parts.flatMap(([name, known]) => ("value" in known ? [] : [`${name}: ${known.unknown}`]));
}
