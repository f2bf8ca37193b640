// All policies that decide what a user may do: the user's own, those of the user's groups, and the boundary.
import type { Identities, Known, UserIdentity } from "./snapshot.ts";

export interface NamedPolicy {
  /** As in `group RequireMFA, policy enforce-mfa`. */
  readonly name: string;
  /** The text of the JSON. */
  readonly document: string;
}

export interface PoliciesOfUser {
  readonly policies: readonly NamedPolicy[];
  readonly boundary: NamedPolicy | undefined;
}

/** Finds a user by name (in any case, as IAM does) or by ARN. */
export function findUser<U extends UserIdentity>({ users }: Identities<U>, nameOrArn: string): U | undefined {
  const name = nameOrArn.toLowerCase();
  return users.find((user) => user.arn === nameOrArn) ?? users.find((user) => user.name.toLowerCase() === name);
}

/** Returns the policies that decide about a user; unknown if one of them was not read. */
export function policiesOf(user: UserIdentity, { groups, managedPolicies }: Identities): Known<PoliciesOfUser> {
  const missing: string[] = [];
  const managed = (arn: string, holder: string): NamedPolicy[] => {
    const policy = managedPolicies.find((each) => each.arn === arn);
    if (policy === undefined) missing.push(`the policy ${arn} of ${holder}`);
    return policy === undefined ? [] : [{ name: `${holder}, policy ${policy.name}`, document: policy.document }];
  };
  const ofUser = user.groups.flatMap((name) => {
    const group = groups.find((each) => each.name === name);
    if (group === undefined) missing.push(`the group ${name}`);
    return group ?? [];
  });
  const holders = [
    { holder: user, label: `user ${user.name}` },
    ...ofUser.map((group) => ({ holder: group, label: `group ${group.name}` })),
  ];
  const policies = holders.flatMap(({ holder, label }) => [
    ...holder.inlinePolicies.map(({ name, document }) => ({ name: `${label}, inline policy ${name}`, document })),
    ...holder.attachedPolicies.flatMap((arn) => managed(arn, label)),
  ]);
  const [boundary] = user.boundary === null ? [] : managed(user.boundary, `the boundary of user ${user.name}`);
  if (missing.length > 0) return { unknown: `AWS did not return ${missing.join(", ")}` };
  return { value: { policies, boundary } };
}
