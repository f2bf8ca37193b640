// The users of an audited account, one by one: what each signs in with, and whether that is denied without MFA.

import { isMember } from "../iam/parts.ts";
import { type DeviceKind, flatMapKnown, type Known, mapKnown, type Password, type User } from "../iam/snapshot.ts";
import { type AuditInput, listCredentials } from "./check.ts";
import { daysSince } from "./days.ts";
import { findExemption, judgeDenied } from "./enforcement.ts";

/** A user without credentials has nothing that could be denied. */
export type EnforcementState = "enforced" | "open" | "unknown" | "exempt" | "no credentials";

export interface AuditedUser {
  readonly name: string;
  readonly path: string;
  /** The names of groups. */
  readonly groups: readonly string[];
  /** Whether the user is in the group that enforces MFA. */
  readonly isMember: boolean;
  readonly enforcement: {
    readonly state: EnforcementState;
    /** In words: lower case, no full stop; empty if the state says it all. */
    readonly why: string;
  };
  /** null if the user has no password. */
  readonly password: Known<AuditedPassword | null>;
  readonly accessKeys: Known<readonly AuditedKey[]>;
  /** How many MFA devices of which kind. */
  readonly devices: Known<ReadonlyMap<DeviceKind, number>>;
  /** Whether there is a password or an active access key. */
  readonly hasCredentials: Known<boolean>;
}

interface AuditedPassword {
  /** Days since the last use; null if it was not used. */
  readonly unusedDays: Known<number | null>;
  readonly mustChange: Known<boolean>;
}

interface AuditedKey {
  readonly active: boolean;
  /** Days since it was made or made active again; null if that is not known. */
  readonly ageDays: number | null;
}

/** The users of an account, and what stands beside them. */
export interface AuditedPeople {
  /** The name of the group that enforces MFA. */
  readonly group: string;
  /** The account's alias; null if it has none, or that is not known. */
  readonly alias: string | null;
  readonly users: readonly AuditedUser[];
}

export function listPeople(input: AuditInput): AuditedPeople {
  const { alias } = input.snapshot;
  return {
    ...{ group: input.enforcement.group, users: listAuditedUsers(input) },
    alias: "value" in alias ? alias.value : null,
  };
}

/** Lists all users, in the order of the snapshot. */
export const listAuditedUsers = (input: AuditInput): readonly AuditedUser[] =>
  input.snapshot.users.map((user) => describeUser(user, input));

function describeUser(user: User, input: AuditInput): AuditedUser {
  const countDays = (from: string): number => Math.max(0, Math.floor(daysSince(from, input.now)));
  const { name, path, groups, password, accessKeys } = user;
  return {
    ...{ name, path, groups },
    isMember: isMember(user, input.enforcement.group),
    enforcement: describeEnforcement(user, input),
    password: mapKnown(password, (value) => value && describePassword(value, countDays)),
    accessKeys: mapKnown(accessKeys, (keys) =>
      keys.map(({ active, lastRotated }) => ({
        active,
        ageDays: lastRotated === null ? null : countDays(lastRotated),
      })),
    ),
    devices: countDevices(user),
    hasCredentials: mapKnown(listCredentials(user), ({ length }) => length > 0),
  };
}

const describePassword = (
  { lastUsed, resetRequired }: Password,
  countDays: (from: string) => number,
): AuditedPassword => ({
  unusedDays: mapKnown(lastUsed, (time) => (time === null ? null : countDays(time))),
  mustChange: resetRequired,
});

/** None is known only if no device of the account may be this user's. */
function countDevices({ devices, mayHaveMoreDevices }: User): Known<ReadonlyMap<DeviceKind, number>> {
  return flatMapKnown(devices, (found) => {
    if (found.length === 0 && mayHaveMoreDevices === true) {
      return { unknown: "a device of the account may be this user's" };
    }
    const counts = new Map<DeviceKind, number>();
    for (const { kind } of found) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    return { value: counts };
  });
}

function describeEnforcement(user: User, input: AuditInput): AuditedUser["enforcement"] {
  const exemption = findExemption(user, input.breakGlass);
  if (exemption !== undefined) return { state: "exempt", why: exemption };
  const credentials = listCredentials(user);
  if (!("value" in credentials)) return { state: "unknown", why: credentials.unknown };
  if (credentials.value.length === 0) return { state: "no credentials", why: "" };
  const judgement = judgeDenied(user, input);
  if (judgement === undefined) return { state: "enforced", why: "denied without MFA" };
  return "fails" in judgement ? { state: "open", why: judgement.fails } : { state: "unknown", why: judgement.unknown };
}
