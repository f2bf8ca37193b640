// Policies that deny something by a condition on MFA, and who has them.
import type { AccountSnapshot } from "./snapshot.ts";

/** A policy that a user, group or role has of its own. */
export interface Holds {
  readonly holder: "user" | "group" | "role";
  readonly holderArn: string;
  readonly name: string;
  /** Of the policy; of an inline policy that of its holder. */
  readonly arn: string;
  readonly document: string;
}

export function listMfaDenials({
  users,
  groups,
  roles,
  managedPolicies,
}: Pick<AccountSnapshot, "users" | "groups" | "roles" | "managedPolicies">): readonly Holds[] {
  const managed = new Map(
    managedPolicies.filter(({ document }) => deniesByMfa(document)).map((each) => [each.arn, each]),
  );
  const listOf = (holder: Holds["holder"], holders: readonly (typeof groups)[number][]): readonly Holds[] =>
    holders.flatMap(({ arn: holderArn, attachedPolicies, inlinePolicies }) => [
      ...attachedPolicies.flatMap((arn) => {
        const policy = managed.get(arn);
        return policy === undefined ? [] : [{ holder, holderArn, name: policy.name, arn, document: policy.document }];
      }),
      ...inlinePolicies
        .filter(({ document }) => deniesByMfa(document))
        .map(({ name, document }) => ({ holder, holderArn, name, arn: holderArn, document })),
    ]);
  return [...listOf("user", users), ...listOf("group", groups), ...listOf("role", roles)];
}

/** Whether a Deny has a condition on MFA. What is not JSON is looked at as a text. */
function deniesByMfa(document: string): boolean {
  if (!/aws:MultiFactorAuth/i.test(document)) return false;
  try {
    const { Statement: statements } = JSON.parse(document) as { readonly Statement?: unknown };
    return [statements].flat().some((each) => {
      const { Effect: effect, Condition: condition } = (each ?? {}) as Readonly<Record<string, unknown>>;
      return effect === "Deny" && /aws:MultiFactorAuth/i.test(JSON.stringify(condition ?? null));
    });
  } catch {
    return true;
  }
}
