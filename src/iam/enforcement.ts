// What enforces MFA in the account: the group with its two policies, as they should be and as they are.

import { type EnforcementOptions, enforceMfaPolicy, selfManagePolicy } from "../policy/enforcement.ts";
import type { PolicyDocument } from "../policy/engine/document.ts";
import { buildResources } from "../policy/export/resources.ts";
import type { GivenOptions } from "../typed-command.ts";
import { describeDifference } from "./policy-difference.ts";
import type { AccountSnapshot, Group } from "./snapshot.ts";

/** The name of the group, unless another one is named. */
export const defaultGroup = "RequireMFA";

/** The variant of the enforcement policy that the group gets. */
export interface PolicyVariant {
  readonly passwordChange: boolean;
  readonly maxAgeSeconds: number | null;
  readonly viaAwsService: boolean;
}

export const defaultVariant: PolicyVariant = { passwordChange: true, maxAgeSeconds: null, viaAwsService: false };

/** A managed policy that the group has attached. */
export interface GroupPolicy {
  readonly name: string;
  readonly arn: string;
  readonly description: string;
  readonly document: PolicyDocument;
}

export interface Enforcement {
  /** The group's name. */
  readonly group: string;
  readonly groupArn: string;
  readonly variant: PolicyVariant;
  /** What users need to set up MFA first, then the one that denies. */
  readonly policies: readonly GroupPolicy[];
}

/** What the group and its policies should be. */
export function buildEnforcement(
  { account, partition }: Pick<AccountSnapshot, "account" | "partition">,
  group: string,
  policy: PolicyVariant,
): Enforcement {
  const resources = buildResources({
    enforce: enforceMfaPolicy(toOptions(policy)),
    selfManage: selfManagePolicy({ partition }),
    partition,
    withAllUsersRule: false,
    withRecorder: false,
  });
  const arn = (resource: string): string => `arn:${partition}:iam::${account}:${resource}`;
  return {
    group,
    groupArn: arn(`group/${group}`),
    variant: policy,
    policies: resources.policies.map(({ name, description, document }) => ({
      ...{ name, description, document },
      arn: arn(`policy/${name}`),
    })),
  };
}

/** What the group and its policies should be, in the variant that is closest to what they are. */
export function buildClosest(snapshot: AccountSnapshot, group: string): Enforcement {
  const variants = [true, false].flatMap((passwordChange) =>
    [false, true].flatMap((viaAwsService) =>
      [null, findMaxAge(snapshot, group)].map((maxAgeSeconds) => ({ passwordChange, viaAwsService, maxAgeSeconds })),
    ),
  );
  const built = variants.map((variant) => buildEnforcement(snapshot, group, variant));
  const countOf = (enforcement: Enforcement): number => findDifferences(snapshot, enforcement).length;
  return built.reduce((best, each) => (countOf(each) < countOf(best) ? each : best));
}

/** The age of a session after which a policy of the group denies, in seconds. */
function findMaxAge({ managedPolicies, ...snapshot }: AccountSnapshot, group: string): number | null {
  const attached = findGroup(snapshot, group)?.attachedPolicies ?? [];
  const ages = managedPolicies
    .filter(({ arn }) => attached.includes(arn))
    .flatMap(({ document }) => /"aws:MultiFactorAuthAge":\s*\[?\s*"?(\d+)/.exec(document)?.[1] ?? []);
  return ages[0] === undefined ? null : Number(ages[0]);
}

const toOptions = ({ passwordChange, maxAgeSeconds, viaAwsService }: PolicyVariant): EnforcementOptions => ({
  ...{ passwordChange, viaAwsService },
  ...(maxAgeSeconds === null ? {} : { maxAgeSeconds }),
});

/** The variant in a form for the journal. */
export const formatVariant = ({ passwordChange, maxAgeSeconds, viaAwsService }: PolicyVariant): string =>
  JSON.stringify({ passwordChange, maxAgeSeconds, viaAwsService });

/** The options of `fob rollout plan` and `fob policy show` that choose the variant. */
export const getVariantOptions = ({ passwordChange, maxAgeSeconds, viaAwsService }: PolicyVariant): GivenOptions => ({
  noPasswordChange: !passwordChange,
  maxAge: maxAgeSeconds === null ? undefined : String(maxAgeSeconds),
  viaAwsService,
});

/** Finds the variant that fob last put a group's users under, from the facts of its journal. */
export function findVariant(
  lines: readonly { readonly facts: Readonly<Record<string, string>> }[],
  group: string,
): PolicyVariant | undefined {
  const facts = lines.findLast((line) => line.facts.group === group && line.facts.variant !== undefined)?.facts;
  return facts?.variant === undefined ? undefined : (JSON.parse(facts.variant) as PolicyVariant);
}

export const documentsOf = ({ policies }: Enforcement): readonly PolicyDocument[] =>
  policies.map(({ document }) => document);

/** IAM compares names in any case. */
export const findGroup = ({ groups }: Pick<AccountSnapshot, "groups">, name: string): Group | undefined =>
  groups.find((group) => group.name.toLowerCase() === name.toLowerCase());

export interface Difference {
  readonly kind: "policy-changed" | "policy-detached" | "policy-added";
  /** The policy's ARN or name. */
  readonly subject: string;
  /** In words: lower case, no full stop. */
  readonly detail: string;
}

/**
 * Finds what is different from what it should be. A group or a policy that does not exist is no difference: it can be
 * made. Neither is a policy that is not attached to a group without members.
 */
export function findDifferences(
  { groups, managedPolicies, users }: Pick<AccountSnapshot, "groups" | "managedPolicies" | "users">,
  { group: name, policies }: Enforcement,
): readonly Difference[] {
  const group = findGroup({ groups }, name);
  const hasMembers = users.some((user) => group !== undefined && user.groups.includes(group.name));
  const expected = new Set(policies.map(({ arn }) => arn));
  const changed = policies.flatMap(({ arn, document }): Difference[] => {
    const policy = managedPolicies.find((each) => each.arn === arn);
    const difference = policy && describeDifference(policy.document, document);
    if (policy === undefined || difference === undefined) return [];
    const detail = `the default version (${policy.defaultVersion}) of ${arn} is not the policy that fob would make: ${difference}`;
    return [{ kind: "policy-changed", subject: arn, detail }];
  });
  // AWS takes each name once, in any case and with any path.
  const namesakes = policies.flatMap(({ arn, name }): Difference[] => {
    const other = managedPolicies.find((each) => each.arn !== arn && each.name.toLowerCase() === name.toLowerCase());
    if (other === undefined) return [];
    const detail = `${other.arn} has the name that fob's policy needs: ${arn}`;
    return [{ kind: "policy-changed", subject: other.arn, detail }];
  });
  const detached = policies
    .filter(({ arn }) => hasMembers && group?.attachedPolicies.includes(arn) === false)
    .map(({ arn }): Difference => {
      return { kind: "policy-detached", subject: arn, detail: `group ${name} has members, but ${arn} is not attached` };
    });
  const added = [
    ...(group?.attachedPolicies ?? []).filter((arn) => !expected.has(arn)),
    ...(group?.inlinePolicies ?? []).map((policy) => `inline policy ${policy.name}`),
  ].map((subject): Difference => {
    return { kind: "policy-added", subject, detail: `group ${name} also has ${subject}` };
  });
  return [...changed, ...namesakes, ...detached, ...added];
}
