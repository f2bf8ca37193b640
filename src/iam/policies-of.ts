// All policies that decide what a user may do: the user's own, those of the user's groups, and the boundary.
import { type PolicyDocument, PolicyError, parsePolicy } from "../policy/engine/document.ts";
import type { Group, Identities, Known, UserIdentity } from "./snapshot.ts";

export interface NamedPolicy {
  /** As in `group RequireMFA, policy enforce-mfa`. */
  readonly name: string;
  /** Policies with the same text share a document. */
  readonly document: PolicyDocument;
}

export interface PoliciesOfUser {
  readonly policies: readonly NamedPolicy[];
  readonly boundary: NamedPolicy | undefined;
}

/** Returns the policies that decide about a user; unknown if one was not read, or the evaluator cannot read it. */
export type PoliciesOf = (user: UserIdentity) => Known<PoliciesOfUser>;

/** Finds a user by name (in any case, as IAM does) or by ARN. */
export function findUser<U extends UserIdentity>({ users }: Identities<U>, nameOrArn: string): U | undefined {
  const name = nameOrArn.toLowerCase();
  return users.find((user) => user.arn === nameOrArn) ?? users.find((user) => user.name.toLowerCase() === name);
}

/** Prepares to look up the policies of many users: each document is read once, however many users have it. */
export function indexPolicies({ groups, managedPolicies }: Pick<Identities, "groups" | "managedPolicies">): PoliciesOf {
  const groupsByName = new Map(groups.map((group) => [group.name, group]));
  const managedByArn = new Map(managedPolicies.map((policy) => [policy.arn, policy]));
  const read = cache(readDocument);

  const readNamed = (name: string, text: string): Found => {
    const document = read(text);
    return typeof document === "string" ? { problem: `cannot evaluate ${name}: ${document}` } : { name, document };
  };
  const readManaged = (arn: string, holder: string): Found => {
    const policy = managedByArn.get(arn);
    if (policy === undefined) return { problem: `AWS did not return the policy ${arn} of ${holder}` };
    return readNamed(`${holder}, policy ${policy.name}`, policy.document);
  };
  const readHolder = (holder: Group, label: string): Found[] => [
    ...holder.inlinePolicies.map(({ name, document }) => readNamed(`${label}, inline policy ${name}`, document)),
    ...holder.attachedPolicies.map((arn) => readManaged(arn, label)),
  ];
  const readGroup = cache((name: string): Found[] => {
    const group = groupsByName.get(name);
    return group === undefined
      ? [{ problem: `AWS did not return the group ${name}` }]
      : readHolder(group, `group ${name}`);
  });

  return (user) => {
    const own = [...readHolder(user, `user ${user.name}`), ...user.groups.flatMap(readGroup)];
    const limit = user.boundary === null ? [] : [readManaged(user.boundary, `the boundary of user ${user.name}`)];
    const problems = [...own, ...limit].flatMap((each) => ("problem" in each ? each.problem : []));
    if (problems.length > 0) return { unknown: problems.join("; ") };
    return { value: { policies: own.filter(isNamed), boundary: limit.find(isNamed) } };
  };
}

/** A policy, or why it is not known. */
type Found = NamedPolicy | { readonly problem: string };

const isNamed = (found: Found): found is NamedPolicy => "document" in found;

/** Returns the problem as a text if the evaluator cannot read the document. */
function readDocument(text: string): PolicyDocument | string {
  try {
    return parsePolicy(text);
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    return error.message;
  }
}

function cache<T>(make: (key: string) => T): (key: string) => T {
  const made = new Map<string, T>();
  return (key) => {
    if (!made.has(key)) made.set(key, make(key));
    return made.get(key) as T;
  };
}
