// What makes a break-glass user healthy.
import type { UserDecisions } from "../iam/decisions.ts";
import type { Enforcement } from "../iam/enforcement.ts";
import { decideOnMembers, isMember } from "../iam/parts.ts";
import { findBreakGlassPasswordProblem, hasExpired } from "../iam/password-due.ts";
import type { AccountSnapshot, Known, User } from "../iam/snapshot.ts";

export interface BreakGlassOptions extends Pick<Enforcement, "group" | "groupArn"> {
  readonly account: Pick<AccountSnapshot, "passwordPolicy">;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Lists what keeps a user from being a break-glass user. What is not known is a problem too. */
export function listBreakGlassProblems(
  user: User,
  decisions: Known<UserDecisions>,
  { group, groupArn, account, now }: BreakGlassOptions,
): readonly string[] {
  const { devices, accessKeys } = user;
  const problems = [
    isMember(user, group) ? `is in group ${group}` : undefined,
    judge(decisions, (found) => {
      const decision = decideOnMembers(found, groupArn);
      if (decision === "unknown")
        return "is not known to be able to take users out of the group: it depends on the request";
      return decision === "allowed" ? undefined : "cannot take users out of the group";
    }),
    findBreakGlassPasswordProblem(user, decisions, account, now)?.text,
    judge(devices, ({ length }) => (length === 0 ? "has no MFA device" : undefined)),
    judge(accessKeys, (keys) => (keys.some(({ active }) => active) ? "has an active access key" : undefined)),
  ];
  return problems.filter((problem) => problem !== undefined);
}

function judge<T>(known: Known<T>, find: (value: T) => string | undefined): string | undefined {
  return "value" in known ? find(known.value) : `is not known: ${known.unknown}`;
}

/** Lists what would make the user stronger. */
export function listBreakGlassAdvice(
  user: User,
  { account, now }: Pick<BreakGlassOptions, "account" | "now">,
): readonly string[] {
  const { devices, attachedPolicies, inlinePolicies, password } = user;
  const kinds = "value" in devices ? devices.value.map(({ kind }) => kind) : [];
  const lastUsed = "value" in password && password.value !== null ? password.value.lastUsed : undefined;
  const days =
    lastUsed !== undefined && "value" in lastUsed && lastUsed.value !== null
      ? Math.floor((now - Date.parse(lastUsed.value)) / 86_400_000)
      : undefined;
  return [
    ...(hasExpired(user, account, now) ? ["a new password: this one has expired, so the sign-in asks for one"] : []),
    ...(kinds.length === 1 ? ["a second MFA device: one can be lost"] : []),
    ...(kinds.length > 0 && kinds.every((kind) => kind === "virtual")
      ? ["a security key or a hardware token: a phone can be lost or copied"]
      : []),
    ...(attachedPolicies.length + inlinePolicies.length === 0
      ? ["a policy of its own: groups may be changed by mistake"]
      : []),
    ...(days === undefined ? ["try the sign-in: it is not known to have been used"] : []),
    ...(days !== undefined && days < 14 ? [`find out why it signed in ${days} days ago`] : []),
    ...(days !== undefined && days > 180 ? [`try the sign-in: the last one was ${days} days ago`] : []),
  ];
}
