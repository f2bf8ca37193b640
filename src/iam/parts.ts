// The parts that users have in the enforcement of MFA: by a tag, by the group, by what they may do.
import type { Decision } from "../policy/engine/evaluate.ts";
import type { UserDecisions } from "./decisions.ts";
import type { Known, User } from "./snapshot.ts";

/** The tag that names a user's part in the rollout: `break-glass` or `automation`. */
export const roleTag = "fob-role";

export const breakGlassTag = { key: roleTag, value: "break-glass" } as const;

/** Whether a user is a break-glass user, by tag or by name. */
export const isBreakGlass = (user: User, named: readonly string[]): boolean =>
  user.tags[roleTag] === breakGlassTag.value || named.some((name) => name.toLowerCase() === user.name.toLowerCase());

/** IAM compares names of groups in any case. */
export const isMember = ({ groups }: Pick<User, "groups">, group: string): boolean =>
  groups.some((name) => name.toLowerCase() === group.toLowerCase());

/** What policies decide, in a session with MFA, about taking users out of the group. */
export const decideOnMembers = (decisions: UserDecisions, groupArn: string): Decision =>
  decisions.decide({ action: "iam:RemoveUserFromGroup", resource: groupArn }, "MFA");

/** Whether a user can take users out of the group, in a session with MFA. What is not known counts as yes. */
export function isAdministrator(decisions: Known<UserDecisions>, groupArn: string): boolean {
  if (!("value" in decisions)) return true;
  const decision = decideOnMembers(decisions.value, groupArn);
  return decision === "allowed" || decision === "unknown";
}
