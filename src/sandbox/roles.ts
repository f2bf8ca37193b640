// The roles of an account, and who can assume them.

import {
  evaluateTrust,
  listVariables,
  type RequestContext,
  readTrustPolicy,
  type TrustStatement,
} from "../policy/engine/evaluate.ts";
import { type Account, type Credential, makeId, type Origin, type Principal, type Role } from "./account.ts";
import { accessDenied, notModeled } from "./errors.ts";
import { makeHolder } from "./policies.ts";

export interface RoleOptions extends Origin {
  readonly name: string;
  readonly path?: string;
  /** The trust policy: a document, or its JSON. */
  readonly trust: unknown;
  /** The role's policies: documents, or their JSON. */
  readonly policies?: readonly unknown[];
  /** The ARNs of managed policies. */
  readonly attached?: readonly string[];
  /** The ARN of a managed policy. */
  readonly boundary?: string | undefined;
  readonly tags?: Readonly<Record<string, string>>;
  /** 3600 (the default) to 43200. */
  readonly maxSessionSeconds?: number | undefined;
}

/** The condition keys of AssumeRole requests here, and the operators for them. */
const modeledTrustKeys: readonly (readonly [key: RegExp, operators: RegExp])[] = [
  [/^aws:(MultiFactorAuthPresent|ViaAWSService)$/i, /^Bool/],
  [/^aws:MultiFactorAuthAge$/i, /^Numeric/],
  [/^aws:PrincipalArn$/i, /^(Arn|String)/],
  [/^aws:RequestTag\/.+$/i, /^String/],
  [/^sts:(ExternalId|RoleSessionName|SourceIdentity)$/i, /^String/],
];

/** Adds a role. Throws an Error if AWS would reject it, or if a decision on a policy would be wrong here. */
export function addRole(account: Account, options: RoleOptions): Role {
  const trust = readModeledTrust(account, options.trust);
  return makeRole(account, options, () => trust);
}

/**
 * Adds a role of a file or of a real account. If its trust policy has what is not modeled here, each request to assume it is
 * refused with NotImplemented.
 */
export function addForeignRole(account: Account, options: RoleOptions): Role {
  // Read when it is needed: it may name a role that is added later.
  return makeRole(account, options, () => {
    try {
      return readModeledTrust(account, options.trust);
    } catch (error) {
      throw notModeled(
        `the trust policy of ${options.name}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  });
}

function makeRole(account: Account, options: RoleOptions, readTrust: () => readonly TrustStatement[]): Role {
  const { name, path = "/", policies = [], attached = [], boundary, tags = {}, maxSessionSeconds = 3600 } = options;
  if (!/^[\w+=,.@-]{1,64}$/.test(name)) throw new Error(`invalid role name: ${JSON.stringify(name)}`);
  if (!/^\/([!-~]+\/)?$/.test(path)) throw new Error(`invalid IAM path: ${JSON.stringify(path)}`);
  if (!Number.isInteger(maxSessionSeconds) || maxSessionSeconds < 3600 || maxSessionSeconds > 43_200) {
    throw new Error(`maxSessionSeconds must be between 3600 and 43200: ${maxSessionSeconds}`);
  }
  const holder = makeHolder(policies);
  for (const policy of attached) holder.attached.add(account.managedPolicy(policy).arn);
  if (boundary !== undefined) account.managedPolicy(boundary);
  const { id: roleId = makeId("AROA"), createdMs = account.now() } = options;
  return account.addRole({
    ...{ name, arn: account.arn(`role${path}${name}`), roleId, path, createdMs, holder, boundary, tags },
    trustText: typeof options.trust === "string" ? options.trust : JSON.stringify(options.trust),
    maxSessionSeconds,
    get trust() {
      return readTrust();
    },
  });
}

/** Throws an Error if AWS would reject the policy, or if a decision on it would be wrong here. */
function readModeledTrust(account: Account, policy: unknown): readonly TrustStatement[] {
  const trust = readTrustPolicy(policy);
  for (const { operator, key, values } of trust.flatMap(({ conditions }) => conditions)) {
    const variable = values.flatMap(({ template }) => listVariables(template))[0];
    if (variable !== undefined) throw new Error(`this local AWS does not model \${${variable}} in a trust policy`);
    if (!modeledTrustKeys.some(([keys, operators]) => keys.test(key) && operators.test(operator.name))) {
      throw new Error(`this local AWS does not model ${operator.name} on the condition key ${JSON.stringify(key)}`);
    }
  }
  const unknown = trust
    .flatMap(({ principals }) => principals)
    .find((arn) => arn.split(":")[4] === account.id && !account.hasPrincipal(arn));
  if (unknown !== undefined) throw new Error(`Invalid principal in policy: "AWS":"${unknown}"`);
  return trust;
}

/** Creates the principal of an assumed role. */
export function makeAssumedRole(account: Account, role: Role, sessionName: string): Principal {
  const arn = `arn:${account.partition}:sts::${account.id}:assumed-role/${role.name}/${sessionName}`;
  return { name: undefined, arn, userId: `${role.roleId}:${sessionName}`, holder: role.holder, devices: [], role };
}

/** Returns the ARN that policies use for a caller: that of the user or role, not of the role session. */
function policyArnOf({ arn, role }: Principal): string {
  return role?.arn ?? arn;
}

/**
 * Throws AccessDenied unless the caller may do this to the role. The error is the same for a role that does not exist, so
 * it does not reveal which roles exist.
 *
 * The trust policy must always allow it. If it names the caller, or everyone, "no other permissions are required" within
 * the account. If it names the account, the caller's own policies decide. A deny in these always applies, and so do the
 * policies of the caller's session.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
 */
export function authorizeOnRole(
  account: Account,
  caller: Credential,
  role: Role | undefined,
  request: { action: string; resource: string; context: RequestContext },
): asserts role is Role {
  const byName = ["*", policyArnOf(caller.principal)];
  const byAccount = [account.id, account.root.arn];
  const trustOf = (names: readonly string[]) => evaluateTrust(role?.trust ?? [], names, request).decision;
  const { decision: own, policyType } = account.decide(caller, request);
  const trust = trustOf([...byName, ...byAccount]);
  const isEnough = () => policyType !== "a session policy" && own === "implicitDeny" && trustOf(byName) === "allowed";
  if (trust === "allowed" && (own === "allowed" || isEnough())) return;
  const reason =
    own === "explicitDeny"
      ? ` with an explicit deny in ${policyType}`
      : trust === "explicitDeny"
        ? " with an explicit deny in a resource-based policy"
        : "";
  const what = `perform: ${request.action} on resource: ${request.resource}`;
  throw accessDenied(`User: ${caller.principal.arn} is not authorized to ${what}${reason}`);
}
