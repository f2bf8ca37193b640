// The parts that users have in the enforcement of MFA: by a tag, by the group, by what they may do.
import type { Decision } from "../policy/engine/evaluate.ts";
import type { Method, UserDecisions } from "./decisions.ts";
import type { Known, User } from "./snapshot.ts";

/** The tag that names a user's part in the rollout: `break-glass` or `automation`. */
export const roleTag = "fob-role";

/** The tag with the day on which the sign-in of a break-glass user was last tried: `2026-10-01`. */
export const lastTestTag = "fob-last-test";

export const breakGlassTag = { key: roleTag, value: "break-glass" } as const;

/** Whether a user is a break-glass user, by tag or by name. */
export const isBreakGlass = (user: User, named: readonly string[]): boolean =>
  user.tags[roleTag] === breakGlassTag.value || named.some((name) => name.toLowerCase() === user.name.toLowerCase());

/** How an automation user is recognized: by the tag, or by an active access key and no console password; null for others. */
export function findAutomation({ tags, accessKeys, password }: User): Known<"tag" | "key" | null> {
  if (tags[roleTag] === "automation") return { value: "tag" };
  if (!("value" in accessKeys)) return { unknown: `access keys are not known: ${accessKeys.unknown}` };
  if (!("value" in password)) {
    return { unknown: `whether there is a console password is not known: ${password.unknown}` };
  }
  return { value: password.value === null && accessKeys.value.some(({ active }) => active) ? "key" : null };
}

/** IAM compares names of groups in any case. */
export const isMember = ({ groups }: Pick<User, "groups">, group: string): boolean =>
  groups.some((name) => name.toLowerCase() === group.toLowerCase());

/** What policies decide about taking users out of the group. */
export const decideOnMembers = (decisions: UserDecisions, groupArn: string, method: Method = "MFA"): Decision =>
  decisions.decide({ action: "iam:RemoveUserFromGroup", resource: groupArn }, method);

/** Whether a user can take users out of the group, in a session with MFA. What is not known counts as yes. */
export function isAdministrator(decisions: Known<UserDecisions>, groupArn: string): boolean {
  if (!("value" in decisions)) return true;
  const decision = decideOnMembers(decisions.value, groupArn);
  return decision === "allowed" || decision === "unknown";
}
