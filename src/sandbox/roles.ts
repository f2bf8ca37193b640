// The roles of an account, and who may assume them.

import {
  evaluate,
  evaluateTrust,
  listVariables,
  type RequestContext,
  readTrustPolicy,
} from "../policy/engine/evaluate.ts";
import { type Account, makeId, type Principal, type Role, readModelledPolicy } from "./account.ts";
import { accessDenied } from "./errors.ts";

export interface RoleOptions {
  readonly name: string;
  readonly path?: string;
  /** The trust policy: a document, or its JSON. */
  readonly trust: unknown;
  /** What the role may do: documents, or their JSON. */
  readonly policies?: readonly unknown[];
  /** 3600 (the default) to 43200. */
  readonly maxSessionSeconds?: number;
}

/** The condition keys that AssumeRole's requests carry here, and the kinds of operators that go with them. */
const modelledTrustKeys: readonly (readonly [key: RegExp, operators: RegExp])[] = [
  [/^aws:(MultiFactorAuthPresent|ViaAWSService)$/i, /^Bool/],
  [/^aws:MultiFactorAuthAge$/i, /^Numeric/],
  [/^aws:PrincipalArn$/i, /^(Arn|String)/],
  [/^aws:RequestTag\/.+$/i, /^String/],
  [/^sts:(ExternalId|RoleSessionName|SourceIdentity)$/i, /^String/],
];

/** Adds a role. Throws an Error where AWS would not have it, and for a policy that would be misjudged here. */
export function addRole(account: Account, options: RoleOptions): Role {
  const { name, path = "/", policies = [], maxSessionSeconds = 3600 } = options;
  if (!/^[\w+=,.@-]{1,64}$/.test(name)) throw new Error(`not a role name: ${JSON.stringify(name)}`);
  if (!/^\/([!-~]+\/)?$/.test(path)) throw new Error(`not a path of IAM: ${JSON.stringify(path)}`);
  if (!Number.isInteger(maxSessionSeconds) || maxSessionSeconds < 3600 || maxSessionSeconds > 43_200) {
    throw new Error(`a role's sessions last 3600 to 43200 seconds at most: ${maxSessionSeconds}`);
  }
  const trust = readTrustPolicy(options.trust);
  for (const { operator, key, values } of trust.flatMap(({ conditions }) => conditions)) {
    const variable = values.flatMap(({ template }) => listVariables(template))[0];
    if (variable !== undefined) throw new Error(`this local AWS does not model \${${variable}} in a trust policy`);
    if (!modelledTrustKeys.some(([keys, operators]) => keys.test(key) && operators.test(operator.name))) {
      throw new Error(`this local AWS does not model ${operator.name} on the condition key ${JSON.stringify(key)}`);
    }
  }
  const unknown = trust
    .flatMap(({ principals }) => principals)
    .find((arn) => arn.split(":")[4] === account.id && !account.hasPrincipal(arn));
  if (unknown !== undefined) throw new Error(`Invalid principal in policy: "AWS":"${unknown}"`);
  const arn = account.arn(`role${path}${name}`);
  const modelled = policies.map(readModelledPolicy);
  return account.addRole({ name, arn, roleId: makeId("AROA"), trust, policies: modelled, maxSessionSeconds });
}

/** Who a caller is once the role is assumed. */
export function makeAssumedRole(account: Account, role: Role, sessionName: string): Principal {
  const arn = `arn:${account.partition}:sts::${account.id}:assumed-role/${role.name}/${sessionName}`;
  return { name: undefined, arn, userId: `${role.roleId}:${sessionName}`, policies: role.policies, devices: [], role };
}

/** By which ARN policies name a caller: the user's, or the role's, not that of the role's session. */
function policyArnOf({ arn, role }: Principal): string {
  return role?.arn ?? arn;
}

/**
 * Throws AccessDenied unless the caller may do this to the role. It says the same of one that is not there, so that it
 * does not tell which roles there are.
 *
 * A trust policy has to allow it in any case. Where it names the caller, or everybody, "no other permissions are
 * required" within the account; where it names the account, it leaves the decision to the caller's own policies, and a
 * deny in these counts always.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
 */
export function authorizeOnRole(
  account: Account,
  caller: Principal,
  role: Role | undefined,
  request: { action: string; resource: string; context: RequestContext },
): asserts role is Role {
  const byName = ["*", policyArnOf(caller)];
  const byAccount = [account.id, account.root.arn];
  const trustOf = (names: readonly string[]) => evaluateTrust(role?.trust ?? [], names, request).decision;
  const own = evaluate(caller.policies, request).decision;
  const trust = trustOf([...byName, ...byAccount]);
  if (trust === "allowed" && (own === "allowed" || (own === "implicitDeny" && trustOf(byName) === "allowed"))) return;
  const reason =
    own === "explicitDeny"
      ? " with an explicit deny in an identity-based policy"
      : trust === "explicitDeny"
        ? " with an explicit deny in a resource-based policy"
        : "";
  const what = `perform: ${request.action} on resource: ${request.resource}`;
  throw accessDenied(`User: ${caller.arn} is not authorized to ${what}${reason}`);
}
