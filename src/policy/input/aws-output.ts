// Finds the policies in what AWS's API returns: `aws iam get-…` and `aws organizations describe-policy`.
import { type Content, isObject } from "../engine/grammar.ts";
import type { Path } from "../engine/json.ts";
import type { UserDetails } from "../engine/subject.ts";
import { type Candidate, findKind, findOrganizationsKind, listOf, textOf } from "./candidate.ts";

/** Returns undefined for a value that has none of these forms. */
export function findInAwsOutput(value: unknown): readonly Candidate[] | undefined {
  if (!isObject(value)) return undefined;
  if (value.PolicyDocument !== undefined) return [findInline(value)];
  if (isObject(value.PolicyVersion)) {
    return [{ path: ["PolicyVersion", "Document"], name: `policy version ${textOf(value.PolicyVersion.VersionId)}` }];
  }
  const { Policy: policy } = value;
  if (isObject(policy) && isObject(policy.PolicySummary)) {
    const { Name: name, Type: type } = policy.PolicySummary;
    return [{ path: ["Policy", "Content"], name: `policy ${textOf(name)}`, kind: findOrganizationsKind(type) }];
  }
  if (details.some((name) => Array.isArray(value[name]))) return findInAccount(value);
  return undefined;
}

const details = ["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"];

/** Of get-user-policy, get-group-policy and get-role-policy. */
function findInline(value: Content): Candidate {
  const of = (["User", "Group", "Role"] as const).flatMap((type) => {
    const name = value[`${type}Name`];
    return typeof name === "string" ? `${type.toLowerCase()} ${name}` : [];
  });
  return { path: ["PolicyDocument"], name: [...of, nameOf(value)].join(", "), of, kind: findKind(of) };
}

const nameOf = (policy: Content): string => `policy ${textOf(policy.PolicyName)}`;

/** Of a user, a group or a role in get-account-authorization-details. */
interface Owner {
  readonly name: string;
  readonly path: Path;
  readonly content: Content;
  /** The element with the inline policies. */
  readonly inline: string;
  /** The owner, and the users of a group. */
  readonly of: readonly string[];
}

function findInAccount(account: Content): readonly Candidate[] {
  const owners = listOwners(account);
  const inline = owners.flatMap(({ name, path, content, inline: list, of }) =>
    listObjects(content[list]).map(([policy, index]) => ({
      ...{ path: [...path, list, index, "PolicyDocument"], name: `${name}, ${nameOf(policy)}` },
      ...{ of, kind: findKind(of) },
    })),
  );
  const managed = listObjects(account.Policies).flatMap(([policy, index]): Candidate[] => {
    // list-policies has no documents.
    if (!Array.isArray(policy.PolicyVersionList)) return [];
    const of = owners.flatMap((owner) => (hasAttached(owner, policy.Arn) ? owner.of : []));
    const version = listOf(policy.PolicyVersionList).findIndex(
      (each) => isObject(each) && each.IsDefaultVersion === true,
    );
    const found = {
      path: ["Policies", index, "PolicyVersionList", Math.max(version, 0), "Document"],
      ...{ name: nameOf(policy), of: [...new Set(of)], kind: findKind(of) },
      isAwsManaged: /^arn:[^:]*:iam::aws:/.test(textOf(policy.Arn)),
    };
    return [found];
  });
  return [...inline, ...managed];
}

function listOwners(account: Content): readonly Owner[] {
  const users = listObjects(account.UserDetailList);
  return (["User", "Group", "Role"] as const).flatMap((type) => {
    const list = `${type}DetailList`;
    return listObjects(account[list]).map(([content, index]): Owner => {
      const own = textOf(content[`${type}Name`]);
      const name = `${type.toLowerCase()} ${own}`;
      const members = type === "Group" ? users.filter(([user]) => listOf(user.GroupList).includes(own)) : [];
      const of = [name, ...members.map(([user]) => `user ${textOf(user.UserName)}`)];
      return { name, path: [list, index], content, inline: `${type}PolicyList`, of };
    });
  });
}

const hasAttached = ({ content }: Owner, arn: unknown): boolean =>
  listObjects(content.AttachedManagedPolicies).some(([attached]) => attached.PolicyArn === arn);

/**
 * What else decides about a user or role of an account, but is not among the policies found: a permissions boundary, and
 * attached policies that were filtered out of the output.
 */
export function listAbsent(account: unknown, name: string): readonly string[] {
  if (!isObject(account)) return [];
  const known = new Set(listObjects(account.Policies).map(([policy]) => policy.Arn));
  return listOwners(account)
    .filter(({ of }) => of.includes(name))
    .flatMap(({ name: owner, content }) => {
      const boundary = isObject(content.PermissionsBoundary) ? content.PermissionsBoundary.PermissionsBoundaryArn : [];
      const attached = listObjects(content.AttachedManagedPolicies).map(([{ PolicyArn: arn }]) => arn);
      return [
        ...[boundary].flat().map((arn) => `the permissions boundary of ${owner}, ${textOf(arn)}`),
        ...attached.filter((arn) => !known.has(arn)).map((arn) => `the policy ${textOf(arn)} of ${owner}`),
      ];
    });
}

/**
 * Finds a user in the details of an account. A missing ARN is "".
 *
 * @param name as in the owners of a policy: `user alice`
 */
export function findUserDetails(account: unknown, name: string): UserDetails | undefined {
  if (!isObject(account)) return undefined;
  const users = listObjects(account.UserDetailList).filter(([user]) => `user ${textOf(user.UserName)}` === name);
  const [[user] = []] = users;
  if (user === undefined) return undefined;
  const tags = listObjects(user.Tags).map(([{ Key: key, Value: value }]) => [textOf(key), textOf(value, "")] as const);
  const id = typeof user.UserId === "string" ? user.UserId : undefined;
  return { arn: textOf(user.Arn, ""), id, tags: Object.fromEntries(tags) };
}

/**
 * Whether the details of an account are only the first part: with IsTruncated, "there are more items to return", and the
 * AWS CLI prints NextToken for what --max-items left out.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
 */
export function isCutOff(account: unknown): boolean {
  if (!isObject(account) || !details.some((name) => Array.isArray(account[name]))) return false;
  return account.IsTruncated === true || [account.Marker, account.NextToken].some((token) => typeof token === "string");
}

function listObjects(value: unknown): readonly (readonly [Content, number])[] {
  return listOf(value).flatMap((item, index) => (isObject(item) ? [[item, index] as const] : []));
}
