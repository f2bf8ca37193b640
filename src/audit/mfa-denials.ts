// Policies that deny something by a condition on MFA, and who has them.
import type { AccountSnapshot } from "../iam/snapshot.ts";
import { parseDocument } from "../policy/engine/document.ts";
import { isMfaKey } from "../policy/lint/mfa.ts";

/** A policy that a user, group or role has of its own. */
export interface MfaDenial {
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
}: Pick<AccountSnapshot, "users" | "groups" | "roles" | "managedPolicies">): readonly MfaDenial[] {
  const managed = new Map(
    managedPolicies.filter(({ document }) => deniesByMfa(document)).map((each) => [each.arn, each]),
  );
  const listOf = (holder: MfaDenial["holder"], holders: readonly (typeof groups)[number][]): readonly MfaDenial[] =>
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

/** Policies that deny by MFA and limit users or roles as their boundary. */
export function listMfaBoundaries({
  users,
  roles,
  managedPolicies,
}: Pick<AccountSnapshot, "users" | "roles" | "managedPolicies">): readonly Pick<
  MfaDenial,
  "name" | "arn" | "document"
>[] {
  const boundaries = new Set([...users, ...roles].map(({ boundary }) => boundary));
  return managedPolicies.filter(({ arn, document }) => boundaries.has(arn) && deniesByMfa(document));
}

/** Whether a Deny has a condition on MFA. What is not JSON is looked at as a text. */
function deniesByMfa(document: string): boolean {
  let json: unknown;
  try {
    json = JSON.parse(document);
  } catch {
    return /MultiFactorAuth/i.test(document);
  }
  return parseDocument(json).statements.some(
    ({ effect, conditions }) => effect === "Deny" && conditions.some(({ key }) => isMfaKey(key)),
  );
}
