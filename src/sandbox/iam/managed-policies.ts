// Managed policies and their versions.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html
//
// AWS does not document its messages; they are as users quote them in public issues, or inferred.
import type { RequestContext } from "../../policy/engine/evaluate.ts";
import type { Account } from "../account.ts";
import { isAwsManaged } from "../aws-managed-policies.ts";
import { AwsError, accessDenied, notModeled } from "../errors.ts";
import { type ManagedPolicy, type ModeledPolicy, type PolicyVersion, readGivenPolicy } from "../policies.ts";
import { type QueryAction, type QueryCall, readBoolean, takePage, validate } from "../query.ts";
import { writeElement, writeList, writeTime } from "../xml.ts";
import { filterByPath, namePattern } from "./named.ts";
import { describeRequestTags, readTags, tagParameters, writeTags } from "./tags.ts";

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
const [versionsPerPolicy, charactersPerPolicy] = [5, 6144];

/** Returns the managed policy that the parameter PolicyArn names. Throws AccessDenied or NoSuchEntity. */
export function takePolicy(call: QueryCall, action: string, context: RequestContext = {}): ManagedPolicy {
  const { account, caller } = call;
  const arn = readPolicyArn(call);
  account.authorize(caller, action, arn, `policy ${arn}`, context);
  const policy = account.findManagedPolicy(arn);
  if (policy === undefined) throw new AwsError("NoSuchEntity", 404, `Policy ${arn} was not found.`);
  return policy;
}

/** Reads the parameter PolicyArn. Throws NotImplemented for an AWS managed policy that is not here. */
export function readPolicyArn({ account, parameters }: QueryCall): string {
  const value = parameters.get("PolicyArn");
  validate({ name: "policyArn", value, isRequired: true, min: 20, max: 2048 });
  const arn = value as string;
  const partition = /^arn:([^:]*):/.exec(arn)?.[1] ?? account.partition;
  if (partition !== account.partition) throw new AwsError("ValidationError", 400, "Invalid ARN partition");
  if (isAwsManaged(arn) && account.findManagedPolicy(arn) === undefined)
    throw notModeled(`the AWS managed policy ${arn}`);
  return arn;
}

/** Returns the customer managed policy that the parameter PolicyArn names. @param problem AWS's message for its own policies */
function takeOwnPolicy(call: QueryCall, action: string, problem: string): ManagedPolicy {
  const policy = takePolicy(call, action);
  if (isAwsManaged(policy.arn)) throw accessDenied(`Cannot ${problem} outside your own account.`);
  return policy;
}

/** Reads the parameter PolicyDocument. Throws like {@link readGivenPolicy}. */
export function readPolicyDocument(parameters: ReadonlyMap<string, string>): ModeledPolicy {
  const value = parameters.get("PolicyDocument");
  const pattern = "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+";
  validate({ name: "policyDocument", value, isRequired: true, min: 1, max: 131_072, pattern });
  return readGivenPolicy(value as string);
}

/** "IAM doesn't count white space when calculating the size of a policy": reference_iam-quotas.html in the user guide. */
export const sizeOf = ({ text }: ModeledPolicy): number => text.replace(/\s/g, "").length;

function readManagedDocument(parameters: ReadonlyMap<string, string>): ModeledPolicy {
  const policy = readPolicyDocument(parameters);
  if (sizeOf(policy) <= charactersPerPolicy) return policy;
  throw new AwsError("LimitExceeded", 409, `Cannot exceed quota for PolicySize: ${charactersPerPolicy}`);
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html */
const createPolicy: QueryAction = {
  parameters: ["PolicyName", "Path", "PolicyDocument", "Description", ...tagParameters],
  run: ({ account, caller, parameters }) => {
    const name = parameters.get("PolicyName");
    const path = parameters.get("Path") ?? "/";
    const description = parameters.get("Description");
    validate(
      { name: "policyName", value: name, isRequired: true, min: 1, max: 128, pattern: namePattern },
      { name: "path", value: path, min: 1, max: 512, pattern: "((/[A-Za-z0-9\\.,\\+@=_-]+)*)/" },
      { name: "description", value: description, min: 0, max: 1000 },
    );
    const tags = readTags(parameters, "Policy");
    const [arn, context] = [account.arn(`policy${path}${name}`), describeRequestTags(tags)];
    account.authorize(caller, "iam:CreatePolicy", arn, `policy ${name}`, context);
    if (Object.keys(tags).length > 0) account.authorize(caller, "iam:TagPolicy", arn, `policy ${name}`, context);
    const document = readManagedDocument(parameters);
    // "The friendly name of the policy … must be unique within the account": also with another path.
    if (account.managedPolicies().some((policy) => policy.name.toLowerCase() === name?.toLowerCase())) {
      const problem = `A policy called ${name} already exists. Duplicate names are not allowed.`;
      throw new AwsError("EntityAlreadyExists", 409, problem);
    }
    const added = account.addManagedPolicy(name as string, path, document.text);
    if (description !== undefined) added.description = description;
    added.tags = tags;
    return writePolicy(account, added);
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicy.html */
const getPolicy: QueryAction = {
  parameters: ["PolicyArn"],
  run: (call) => writePolicy(call.account, takePolicy(call, "iam:GetPolicy")),
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicies.html */
const listPolicies: QueryAction = {
  parameters: ["Scope", "OnlyAttached", "PathPrefix", "Marker", "MaxItems"],
  run: ({ account, caller, parameters }) => {
    const scope = parameters.get("Scope") ?? "All";
    validate({ name: "scope", value: scope, min: 0, max: 128, pattern: "All|AWS|Local" });
    const onlyAttached = readBoolean(parameters, "OnlyAttached") ?? false;
    account.authorize(caller, "iam:ListPolicies", account.arn("policy/"), "policy path /");
    const all = [
      ...(scope === "AWS" ? [] : account.managedPolicies()),
      ...(scope === "Local" ? [] : account.awsManagedPolicies().values()),
    ];
    const policies = filterByPath(parameters, all, ({ path }) => path).filter(
      (policy) => !onlyAttached || isInUse(account, policy),
    );
    const { page, isTruncated, marker } = takePage(parameters, policies);
    return isTruncated + writeList("Policies", page, (policy) => writePolicyFields(account, policy)) + marker;
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html */
const deletePolicy: QueryAction = {
  parameters: ["PolicyArn"],
  run: (call) => {
    const policy = takeOwnPolicy(call, "iam:DeletePolicy", "delete policies");
    if (isInUse(call.account, policy)) {
      throw new AwsError("DeleteConflict", 409, "Cannot delete a policy attached to entities.");
    }
    if (policy.versions.size > 1) throw new AwsError("DeleteConflict", 409, hasVersions);
    call.account.deleteManagedPolicy(policy);
    return "";
  },
};

const hasVersions =
  "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. " +
  "The default version is deleted with the policy.";

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicyVersion.html */
const createPolicyVersion: QueryAction = {
  parameters: ["PolicyArn", "PolicyDocument", "SetAsDefault"],
  run: (call) => {
    const policy = takeOwnPolicy(call, "iam:CreatePolicyVersion", "create versions for policies");
    const isDefault = readBoolean(call.parameters, "SetAsDefault") ?? false;
    const document = readManagedDocument(call.parameters);
    if (policy.versions.size >= versionsPerPolicy) throw new AwsError("LimitExceeded", 409, tooManyVersions);
    policy.latestVersion++;
    const id = `v${policy.latestVersion}`;
    const version = { policy: document, createdMs: call.account.now() };
    policy.versions.set(id, version);
    policy.updatedMs = version.createdMs;
    if (isDefault) policy.defaultVersion = id;
    return `<PolicyVersion>${writeVersion(policy, id, version)}</PolicyVersion>`;
  },
};

const tooManyVersions =
  `A managed policy can have up to ${versionsPerPolicy} versions. Before you create a new version, you must delete an ` +
  "existing version.";

/** Returns the version that the parameter VersionId names. Throws NoSuchEntity. */
function takeVersion({ parameters }: QueryCall, policy: ManagedPolicy): { id: string; version: PolicyVersion } {
  const value = parameters.get("VersionId");
  const pattern = "v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?";
  validate({ name: "versionId", value, isRequired: true, min: 0, max: 128, pattern });
  const id = value as string;
  const version = policy.versions.get(id);
  if (version !== undefined) return { id, version };
  const problem = `Policy ${policy.arn} version ${id} does not exist or is not attachable.`;
  throw new AwsError("NoSuchEntity", 404, problem);
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_SetDefaultPolicyVersion.html */
const setDefaultPolicyVersion: QueryAction = {
  parameters: ["PolicyArn", "VersionId"],
  run: (call) => {
    const policy = takeOwnPolicy(call, "iam:SetDefaultPolicyVersion", "update policies");
    policy.defaultVersion = takeVersion(call, policy).id;
    policy.updatedMs = call.account.now();
    return "";
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicyVersion.html */
const deletePolicyVersion: QueryAction = {
  parameters: ["PolicyArn", "VersionId"],
  run: (call) => {
    const policy = takeOwnPolicy(call, "iam:DeletePolicyVersion", "delete policy versions for policies");
    const { id } = takeVersion(call, policy);
    if (id === policy.defaultVersion) {
      throw new AwsError("DeleteConflict", 409, "Cannot delete the default version of a policy.");
    }
    policy.versions.delete(id);
    return "";
  },
};

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicyVersion.html */
const getPolicyVersion: QueryAction = {
  parameters: ["PolicyArn", "VersionId"],
  run: (call) => {
    const policy = takePolicy(call, "iam:GetPolicyVersion");
    const { id, version } = takeVersion(call, policy);
    const document = writeElement("Document", encodeDocument(version.policy.text));
    return `<PolicyVersion>${document}${writeVersion(policy, id, version)}</PolicyVersion>`;
  },
};

/** Newest first (inferred). https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicyVersions.html */
const listPolicyVersions: QueryAction = {
  parameters: ["PolicyArn", "Marker", "MaxItems"],
  run: (call) => {
    const policy = takePolicy(call, "iam:ListPolicyVersions");
    const { page, isTruncated, marker } = takePage(call.parameters, [...policy.versions].reverse());
    return isTruncated + writeList("Versions", page, ([id, version]) => writeVersion(policy, id, version)) + marker;
  },
};

/** IAM returns documents URL-encoded by RFC 3986. */
export const encodeDocument = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

function countUses(account: Account, { arn }: ManagedPolicy): { attachments: number; boundaries: number } {
  const holders = [...account.users(), ...account.groups(), ...account.roles()].map(({ holder }) => holder);
  return {
    attachments: holders.filter(({ attached }) => attached.has(arn)).length,
    boundaries: account.users().filter(({ user }) => user.boundary === arn).length,
  };
}

/** Whether a policy is attached to something, or is a permissions boundary. */
export function isInUse(account: Account, policy: ManagedPolicy): boolean {
  const { attachments, boundaries } = countUses(account, policy);
  return attachments + boundaries > 0;
}

/** Lists the ARNs of all policies that are attached to something, or are a permissions boundary. */
export function listPoliciesInUse(account: Account): ReadonlySet<string> {
  const used = new Set<string>();
  for (const { holder, user } of account.users()) {
    for (const arn of holder.attached) used.add(arn);
    if (user.boundary !== undefined) used.add(user.boundary);
  }
  for (const { holder } of [...account.groups(), ...account.roles()]) for (const arn of holder.attached) used.add(arn);
  return used;
}

/** With the description and the tags, which lists do not have. */
function writePolicy(account: Account, policy: ManagedPolicy): string {
  const { description } = policy;
  const more = description === undefined ? "" : writeElement("Description", description);
  return `<Policy>${writePolicyFields(account, policy)}${more}${writeTags(policy.tags)}</Policy>`;
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_Policy.html */
export function writePolicyFields(account: Account, policy: ManagedPolicy): string {
  const { attachments, boundaries } = countUses(account, policy);
  return [
    ...[writeElement("PolicyName", policy.name), writeElement("PolicyId", policy.id), writeElement("Arn", policy.arn)],
    ...[writeElement("Path", policy.path), writeElement("DefaultVersionId", policy.defaultVersion)],
    writeElement("AttachmentCount", String(attachments)),
    ...[writeElement("PermissionsBoundaryUsageCount", String(boundaries)), writeElement("IsAttachable", "true")],
    ...[writeTime("CreateDate", policy.createdMs), writeTime("UpdateDate", policy.updatedMs)],
  ].join("");
}

/** Without the document. https://docs.aws.amazon.com/IAM/latest/APIReference/API_PolicyVersion.html */
export function writeVersion({ defaultVersion }: ManagedPolicy, id: string, { createdMs }: PolicyVersion): string {
  const isDefault = writeElement("IsDefaultVersion", String(id === defaultVersion));
  return writeElement("VersionId", id) + isDefault + writeTime("CreateDate", createdMs);
}

export const managedPolicyActions: Readonly<Record<string, QueryAction>> = {
  CreatePolicy: createPolicy,
  GetPolicy: getPolicy,
  ListPolicies: listPolicies,
  DeletePolicy: deletePolicy,
  CreatePolicyVersion: createPolicyVersion,
  SetDefaultPolicyVersion: setDefaultPolicyVersion,
  DeletePolicyVersion: deletePolicyVersion,
  GetPolicyVersion: getPolicyVersion,
  ListPolicyVersions: listPolicyVersions,
};
