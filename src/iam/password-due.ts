// Whether a user must set a new password before anything else, because an administrator wants it or the password has expired.
import type { PolicyDocument } from "../policy/engine/document.ts";
import type { UserDecisions } from "./decisions.ts";
import type { AccountSnapshot, Known, Password, User } from "./snapshot.ts";

const day = 86_400_000;

/** A problem with the password, or why it is not known whether there is one. */
interface PasswordDue {
  readonly isKnown: boolean;
  readonly text: string;
}

/**
 * Whether the user must set a new password first, and could not do that without MFA.
 *
 * @param policies besides the user's own: what the group's are, or will be
 */
export function findPasswordDue(
  { arn, password }: User,
  decisions: Known<UserDecisions>,
  { passwordPolicy }: Pick<AccountSnapshot, "passwordPolicy">,
  policies: readonly PolicyDocument[],
  now: number,
): PasswordDue | undefined {
  const notKnown = (text: string): PasswordDue => ({ isKnown: false, text });
  if (!("value" in password)) return notKnown(`whether there is a console password is not known: ${password.unknown}`);
  if (password.value === null) return undefined;
  const { resetRequired } = password.value;
  if (!("value" in resetRequired)) {
    return notKnown(`whether the password must be changed is not known: ${resetRequired.unknown}`);
  }
  const must = resetRequired.value
    ? "must change the password at the next sign-in"
    : describeExpiry(password.value, passwordPolicy, now);
  if (must === undefined) return undefined;
  if (typeof must !== "string") return notKnown(must.unknown);
  if ("value" in passwordPolicy && passwordPolicy.value?.hardExpiry === true && !resetRequired.value) {
    return { isKnown: true, text: `${must}, and only an administrator can set a new one` };
  }
  if (!("value" in decisions)) return notKnown(`${must}, but ${decisions.unknown}`);
  const decision = decisions.value.decide({ action: "iam:ChangePassword", resource: arn }, "sign-in", policies);
  // The account's password policy can allow it too, but no policy can allow what is denied.
  const byPolicy = "value" in passwordPolicy && passwordPolicy.value?.allowUsersToChangePassword === true;
  if (decision === "allowed" || (decision === "implicitDeny" && byPolicy)) return undefined;
  if (decision === "unknown") return notKnown(`${must}, and whether that works without MFA depends on the request`);
  return { isKnown: true, text: `${must}, and could not do that without MFA` };
}

function describeExpiry(
  { lastChanged }: Password,
  passwordPolicy: AccountSnapshot["passwordPolicy"],
  now: number,
): string | { readonly unknown: string } | undefined {
  if (!("value" in passwordPolicy)) return { unknown: `the password policy is not known: ${passwordPolicy.unknown}` };
  const days = passwordPolicy.value?.maxAgeDays ?? null;
  if (days === null) return undefined;
  if (!("value" in lastChanged))
    return { unknown: `when the password was last changed is not known: ${lastChanged.unknown}` };
  if (lastChanged.value === null)
    return { unknown: "when the password was last changed is not known: the credential report does not have it" };
  if (now - Date.parse(lastChanged.value) <= days * day) return undefined;
  return "the password has expired";
}

/** Whether a user's password is known to be older than the password policy lets it be. */
export function hasExpired(
  { password }: Pick<User, "password">,
  { passwordPolicy }: Pick<AccountSnapshot, "passwordPolicy">,
  now: number,
): boolean {
  if (!("value" in password) || password.value === null) return false;
  return typeof describeExpiry(password.value, passwordPolicy, now) === "string";
}

/**
 * Why the password of a break-glass user, who is not in the group, is of no use in an emergency. One that has expired can
 * be changed at the sign-in, if the account's password policy and the user's own policies let that user do it.
 */
export function findBreakGlassPasswordProblem(
  user: User,
  decisions: Known<UserDecisions>,
  account: Pick<AccountSnapshot, "passwordPolicy">,
  now: number,
): PasswordDue | undefined {
  const { password } = user;
  if ("value" in password) {
    if (password.value === null) return { isKnown: true, text: "has no console password" };
    const { resetRequired } = password.value;
    if ("value" in resetRequired && resetRequired.value) {
      return { isKnown: true, text: "must change the password first" };
    }
  }
  return findPasswordDue(user, decisions, account, [], now);
}
