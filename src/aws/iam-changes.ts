// IAM's calls that change groups, policies, users and what users have, and those that look one of them up before and
// after. Heavy: import() it, and only when AWS is really called.
//
// A change is sent once. `false` or `undefined` says that there was nothing to change: what was to be made is there
// already, or what was to go is not there.
import {
  type $Command,
  AddUserToGroupCommand,
  AttachGroupPolicyCommand,
  AttachUserPolicyCommand,
  ChangePasswordCommand,
  CreateAccessKeyCommand,
  CreateGroupCommand,
  CreateLoginProfileCommand,
  CreatePolicyCommand,
  CreateUserCommand,
  CreateVirtualMFADeviceCommand,
  DeactivateMFADeviceCommand,
  DeleteAccessKeyCommand,
  DeleteGroupCommand,
  DeleteLoginProfileCommand,
  DeletePolicyCommand,
  DeleteUserCommand,
  DeleteUserPolicyCommand,
  DeleteVirtualMFADeviceCommand,
  DetachGroupPolicyCommand,
  DetachUserPolicyCommand,
  EnableMFADeviceCommand,
  GetAccessKeyLastUsedCommand,
  GetGroupCommand,
  GetMFADeviceCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetUserCommand,
  type IAMClientResolvedConfig,
  ListAccessKeysCommand,
  ListAttachedGroupPoliciesCommand,
  ListAttachedUserPoliciesCommand,
  ListGroupPoliciesCommand,
  ListGroupsForUserCommand,
  ListUserPoliciesCommand,
  PutUserPolicyCommand,
  RemoveUserFromGroupCommand,
  ResyncMFADeviceCommand,
  type ServiceInputTypes,
  type ServiceOutputTypes,
  SimulatePrincipalPolicyCommand,
  type Tag,
  TagUserCommand,
  UpdateAccessKeyCommand,
} from "@aws-sdk/client-iam";
import type { Call, Connection } from "./connection.ts";
import { AwsFailure } from "./failures.ts";
import { formatContext, iamClient, markerOf, readResult } from "./iam.ts";
import { readPages } from "./pages.ts";
import { isRegion } from "./partitions.ts";
import type { Credentials, SimulatedKey, SimulationResult } from "./types.ts";

type Command<I extends ServiceInputTypes, O extends ServiceOutputTypes> = $Command<
  I,
  O,
  IAMClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes
>;

type Tags = Readonly<Record<string, string>>;

/** The codes of AWS's refusals that a caller gets as data. */
const isThere = "EntityAlreadyExistsException";
const isMissing = "NoSuchEntityException";

async function send<I extends ServiceInputTypes, O extends ServiceOutputTypes>(
  aws: Connection,
  call: Omit<Call, "service">,
  command: Command<I, O>,
  tolerated?: string,
): Promise<O | undefined> {
  return await aws.call({ service: "iam", ...call, name: `iam:${call.name}` }, async (abortSignal) => {
    try {
      return await iamClient(aws, call.kind).send(command, { abortSignal });
    } catch (error) {
      if (error instanceof Error && error.name === tolerated) return undefined;
      throw error;
    }
  });
}

/** Makes a change. undefined if AWS's answer is the tolerated refusal. @param secrets what AWS's answer must not show */
const change = <I extends ServiceInputTypes, O extends ServiceOutputTypes>(
  aws: Connection,
  name: string,
  command: Command<I, O>,
  tolerated?: string,
  secrets?: readonly string[],
): Promise<O | undefined> => send(aws, { name, kind: "write", secrets }, command, tolerated);

/** Removes something. false if it is not there. */
const remove = async <I extends ServiceInputTypes, O extends ServiceOutputTypes>(
  aws: Connection,
  name: string,
  command: Command<I, O>,
): Promise<boolean> => (await change(aws, name, command, isMissing)) !== undefined;

/** Looks something up. undefined if it is not there. */
const find = <I extends ServiceInputTypes, O extends ServiceOutputTypes>(
  aws: Connection,
  name: string,
  command: Command<I, O>,
): Promise<O | undefined> => send(aws, { name, kind: "bulk read" }, command, isMissing);

/** All items of a list. undefined if what it is about is not there. */
async function list<
  I extends ServiceInputTypes,
  O extends ServiceOutputTypes & { IsTruncated?: boolean | undefined; Marker?: string | undefined },
  T,
>(
  aws: Connection,
  name: string,
  makeCommand: (Marker: string | undefined) => Command<I, O>,
  itemsOf: (answer: O) => readonly T[] | undefined,
): Promise<T[] | undefined> {
  const answers = await readPages(async (marker) => {
    const answer = await find(aws, name, makeCommand(marker));
    return { items: [answer], marker: answer && markerOf(answer) };
  });
  const items: T[] = [];
  for (const answer of answers) {
    if (!answer) return undefined;
    items.push(...(itemsOf(answer) ?? []));
  }
  return items;
}

function need<T>(value: T | undefined, name: string): T {
  if (value !== undefined) return value;
  throw new AwsFailure("server error", `IAM answered ${name} without what it has made`, [
    "check the endpoint: env | grep AWS_ENDPOINT_URL",
  ]);
}

const formatTags = (tags: Tags): Tag[] => Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

// Groups.

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateGroup.html */
export async function createGroup(aws: Connection, GroupName: string): Promise<boolean> {
  return (await change(aws, "CreateGroup", new CreateGroupCommand({ GroupName }), isThere)) !== undefined;
}

/** A group without users and policies. https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteGroup.html */
export const deleteGroup = (aws: Connection, GroupName: string): Promise<boolean> =>
  remove(aws, "DeleteGroup", new DeleteGroupCommand({ GroupName }));

/** The names of a group's users. https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetGroup.html */
export async function listGroupMembers(aws: Connection, GroupName: string): Promise<string[] | undefined> {
  return await list(
    aws,
    "GetGroup",
    (Marker) => new GetGroupCommand({ GroupName, Marker }),
    ({ Users }) => Users?.flatMap(({ UserName }) => UserName ?? []),
  );
}

/** The ARNs of its managed policies. https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAttachedGroupPolicies.html */
export async function listAttachedGroupPolicies(aws: Connection, GroupName: string): Promise<string[] | undefined> {
  return await list(
    aws,
    "ListAttachedGroupPolicies",
    (Marker) => new ListAttachedGroupPoliciesCommand({ GroupName, Marker }),
    ({ AttachedPolicies }) => AttachedPolicies?.flatMap(({ PolicyArn }) => PolicyArn ?? []),
  );
}

/** The names of its inline policies. https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListGroupPolicies.html */
export async function listGroupPolicies(aws: Connection, GroupName: string): Promise<string[] | undefined> {
  return await list(
    aws,
    "ListGroupPolicies",
    (Marker) => new ListGroupPoliciesCommand({ GroupName, Marker }),
    ({ PolicyNames }) => PolicyNames,
  );
}

/** What is attached stays attached. https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachGroupPolicy.html */
export async function attachGroupPolicy(aws: Connection, GroupName: string, PolicyArn: string): Promise<void> {
  await change(aws, "AttachGroupPolicy", new AttachGroupPolicyCommand({ GroupName, PolicyArn }));
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_DetachGroupPolicy.html */
export const detachGroupPolicy = (aws: Connection, GroupName: string, PolicyArn: string): Promise<boolean> =>
  remove(aws, "DetachGroupPolicy", new DetachGroupPolicyCommand({ GroupName, PolicyArn }));

/** Who is in it stays in it. https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddUserToGroup.html */
export async function addUserToGroup(aws: Connection, UserName: string, GroupName: string): Promise<void> {
  await change(aws, "AddUserToGroup", new AddUserToGroupCommand({ UserName, GroupName }));
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_RemoveUserFromGroup.html */
export const removeUserFromGroup = (aws: Connection, UserName: string, GroupName: string): Promise<boolean> =>
  remove(aws, "RemoveUserFromGroup", new RemoveUserFromGroupCommand({ UserName, GroupName }));

/** The names of a user's groups. https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListGroupsForUser.html */
export async function listGroupsForUser(aws: Connection, UserName: string): Promise<string[] | undefined> {
  return await list(
    aws,
    "ListGroupsForUser",
    (Marker) => new ListGroupsForUserCommand({ UserName, Marker }),
    ({ Groups }) => Groups?.flatMap(({ GroupName }) => GroupName ?? []),
  );
}

// Managed policies.

/**
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html
 *
 * @returns its ARN; undefined if there is one of that name
 */
export async function createPolicy(
  aws: Connection,
  policy: { readonly name: string; readonly document: string; readonly tags?: Tags },
): Promise<string | undefined> {
  const { name, document, tags = {} } = policy;
  const input = { PolicyName: name, PolicyDocument: document, Tags: formatTags(tags) };
  const answer = await change(aws, "CreatePolicy", new CreatePolicyCommand(input), isThere);
  return answer && need(answer.Policy?.Arn, "CreatePolicy");
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicy.html */
export async function getPolicy(
  aws: Connection,
  PolicyArn: string,
): Promise<{ readonly defaultVersion: string; readonly attachmentCount: number } | undefined> {
  const answer = await find(aws, "GetPolicy", new GetPolicyCommand({ PolicyArn }));
  const { DefaultVersionId = "", AttachmentCount = 0 } = answer?.Policy ?? {};
  return answer && { defaultVersion: DefaultVersionId, attachmentCount: AttachmentCount };
}

/** Its document as text. https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicyVersion.html */
export async function getPolicyVersion(
  aws: Connection,
  PolicyArn: string,
  VersionId: string,
): Promise<string | undefined> {
  const answer = await find(aws, "GetPolicyVersion", new GetPolicyVersionCommand({ PolicyArn, VersionId }));
  return answer && decodeURIComponent(answer.PolicyVersion?.Document ?? "");
}

/** A policy that nothing has, with one version. https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html */
export const deletePolicy = (aws: Connection, PolicyArn: string): Promise<boolean> =>
  remove(aws, "DeletePolicy", new DeletePolicyCommand({ PolicyArn }));

// Users.

export interface IamUser {
  readonly name: string;
  readonly arn: string;
  readonly tags: Tags;
  /** undefined if the user has no password, or did not use it. */
  readonly passwordLastUsed: Date | undefined;
}

/**
 * With tags it needs `iam:TagUser` too. https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html
 *
 * @returns its ARN; undefined if there is one of that name
 */
export async function createUser(
  aws: Connection,
  { name, tags = {} }: { readonly name: string; readonly tags?: Tags },
): Promise<string | undefined> {
  const command = new CreateUserCommand({ UserName: name, Tags: formatTags(tags) });
  const answer = await change(aws, "CreateUser", command, isThere);
  return answer && need(answer.User?.Arn, "CreateUser");
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUser.html */
export async function getUser(aws: Connection, UserName: string): Promise<IamUser | undefined> {
  const answer = await find(aws, "GetUser", new GetUserCommand({ UserName }));
  const { UserName: name = "", Arn: arn = "", Tags = [], PasswordLastUsed: passwordLastUsed } = answer?.User ?? {};
  const tags = new Map(Tags.map(({ Key = "", Value = "" }) => [Key, Value]));
  return answer && { name, arn, tags: Object.fromEntries(tags), passwordLastUsed };
}

/** A user who has nothing any more. https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html */
export const deleteUser = (aws: Connection, UserName: string): Promise<boolean> =>
  remove(aws, "DeleteUser", new DeleteUserCommand({ UserName }));

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagUser.html */
export async function tagUser(aws: Connection, UserName: string, tags: Tags): Promise<void> {
  await change(aws, "TagUser", new TagUserCommand({ UserName, Tags: formatTags(tags) }));
}

// Access keys and passwords.

/** AWS tells the secret only here. https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html */
export async function createAccessKey(aws: Connection, UserName: string): Promise<Credentials> {
  const answer = await change(aws, "CreateAccessKey", new CreateAccessKeyCommand({ UserName }));
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey } = answer?.AccessKey ?? {};
  return {
    accessKeyId: need(accessKeyId, "CreateAccessKey"),
    secretAccessKey: need(secretAccessKey, "CreateAccessKey"),
  };
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccessKey.html */
export const deleteAccessKey = (aws: Connection, UserName: string, AccessKeyId: string): Promise<boolean> =>
  remove(aws, "DeleteAccessKey", new DeleteAccessKeyCommand({ UserName, AccessKeyId }));

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccessKey.html */
export async function deactivateAccessKey(aws: Connection, UserName: string, AccessKeyId: string): Promise<void> {
  await change(aws, "UpdateAccessKey", new UpdateAccessKeyCommand({ UserName, AccessKeyId, Status: "Inactive" }));
}

/** A user's access key. `created` is milliseconds since 1970. */
export interface ListedKey {
  readonly accessKeyId: string;
  readonly isActive: boolean;
  readonly created: number | undefined;
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccessKeys.html */
export async function listAccessKeys(aws: Connection, UserName: string): Promise<ListedKey[] | undefined> {
  return await list(
    aws,
    "ListAccessKeys",
    (Marker) => new ListAccessKeysCommand({ UserName, Marker }),
    ({ AccessKeyMetadata }) =>
      AccessKeyMetadata?.map(({ AccessKeyId = "", Status, CreateDate }) => ({
        accessKeyId: AccessKeyId,
        isActive: Status !== "Inactive",
        created: CreateDate?.getTime(),
      })),
  );
}

/**
 * When and for which service (`s3`) a key was last used; undefined if never.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html
 *
 * @returns `at` in milliseconds since 1970
 */
export async function getAccessKeyLastUsed(
  aws: Connection,
  AccessKeyId: string,
): Promise<{ readonly at: number; readonly service: string; readonly region: string | undefined } | undefined> {
  const answer = await find(aws, "GetAccessKeyLastUsed", new GetAccessKeyLastUsedCommand({ AccessKeyId }));
  const { LastUsedDate, ServiceName = "", Region = "" } = answer?.AccessKeyLastUsed ?? {};
  return (
    LastUsedDate && {
      ...{ at: LastUsedDate.getTime(), service: ServiceName },
      region: isRegion(Region) ? Region : undefined,
    }
  );
}

/** A console password. https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateLoginProfile.html */
export async function createLoginProfile(
  aws: Connection,
  UserName: string,
  { password, isResetRequired }: { readonly password: string; readonly isResetRequired: boolean },
): Promise<boolean> {
  const command = new CreateLoginProfileCommand({
    ...{ UserName, Password: password, PasswordResetRequired: isResetRequired },
  });
  return (await change(aws, "CreateLoginProfile", command, isThere, [password])) !== undefined;
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteLoginProfile.html */
export const deleteLoginProfile = (aws: Connection, UserName: string): Promise<boolean> =>
  remove(aws, "DeleteLoginProfile", new DeleteLoginProfileCommand({ UserName }));

/** The caller's own password. https://docs.aws.amazon.com/IAM/latest/APIReference/API_ChangePassword.html */
export async function changePassword(aws: Connection, OldPassword: string, NewPassword: string): Promise<void> {
  const command = new ChangePasswordCommand({ OldPassword, NewPassword });
  await change(aws, "ChangePassword", command, undefined, [OldPassword, NewPassword]);
}

// Policies of a user.

/** Adds or replaces an inline policy. https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPolicy.html */
export async function putUserPolicy(
  aws: Connection,
  UserName: string,
  { name, document }: { readonly name: string; readonly document: string },
): Promise<void> {
  const input = { UserName, PolicyName: name, PolicyDocument: document };
  await change(aws, "PutUserPolicy", new PutUserPolicyCommand(input));
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUserPolicy.html */
export const deleteUserPolicy = (aws: Connection, UserName: string, PolicyName: string): Promise<boolean> =>
  remove(aws, "DeleteUserPolicy", new DeleteUserPolicyCommand({ UserName, PolicyName }));

/** The names of a user's inline policies. https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUserPolicies.html */
export async function listUserPolicies(aws: Connection, UserName: string): Promise<string[] | undefined> {
  return await list(
    aws,
    "ListUserPolicies",
    (Marker) => new ListUserPoliciesCommand({ UserName, Marker }),
    ({ PolicyNames }) => PolicyNames,
  );
}

/** What is attached stays attached. https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachUserPolicy.html */
export async function attachUserPolicy(aws: Connection, UserName: string, PolicyArn: string): Promise<void> {
  await change(aws, "AttachUserPolicy", new AttachUserPolicyCommand({ UserName, PolicyArn }));
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_DetachUserPolicy.html */
export const detachUserPolicy = (aws: Connection, UserName: string, PolicyArn: string): Promise<boolean> =>
  remove(aws, "DetachUserPolicy", new DetachUserPolicyCommand({ UserName, PolicyArn }));

/** The ARNs of a user's managed policies. https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAttachedUserPolicies.html */
export async function listAttachedUserPolicies(aws: Connection, UserName: string): Promise<string[] | undefined> {
  return await list(
    aws,
    "ListAttachedUserPolicies",
    (Marker) => new ListAttachedUserPoliciesCommand({ UserName, Marker }),
    ({ AttachedPolicies }) => AttachedPolicies?.flatMap(({ PolicyArn }) => PolicyArn ?? []),
  );
}

// MFA devices.

/**
 * A virtual device that no user has yet. AWS tells the seed only here.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html
 *
 * @returns the seed in Base32, as authenticator apps take it; undefined if there is a device of that name
 */
export async function createVirtualMfaDevice(
  aws: Connection,
  VirtualMFADeviceName: string,
): Promise<{ readonly serialNumber: string; readonly seed: string } | undefined> {
  const command = new CreateVirtualMFADeviceCommand({ VirtualMFADeviceName });
  const answer = await change(aws, "CreateVirtualMFADevice", command, isThere);
  const { SerialNumber, Base32StringSeed } = answer?.VirtualMFADevice ?? {};
  return (
    answer && {
      serialNumber: need(SerialNumber, "CreateVirtualMFADevice"),
      seed: Buffer.from(need(Base32StringSeed, "CreateVirtualMFADevice")).toString("utf8"),
    }
  );
}

/**
 * Gives a device to a user, for two codes that it shows one after the other.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html
 *
 * @throws AwsFailure with the consequence "wrong code", too
 */
export async function enableMfaDevice(
  aws: Connection,
  UserName: string,
  SerialNumber: string,
  codes: readonly [first: string, second: string],
): Promise<void> {
  const { call, input } = withTwoCodes("EnableMFADevice", UserName, SerialNumber, codes);
  await send(aws, call, new EnableMFADeviceCommand(input));
}

/**
 * Tells AWS how far the clock of a user's device is off, by two codes that it shows one after the other.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_ResyncMFADevice.html
 *
 * @throws AwsFailure with the consequence "wrong code", too
 */
export async function resyncMfaDevice(
  aws: Connection,
  UserName: string,
  SerialNumber: string,
  codes: readonly [first: string, second: string],
): Promise<void> {
  const { call, input } = withTwoCodes("ResyncMFADevice", UserName, SerialNumber, codes);
  await send(aws, call, new ResyncMFADeviceCommand(input));
}

/** Details, which AWS has of security keys only. https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetMFADevice.html */
export async function getMfaDevice(aws: Connection, UserName: string, SerialNumber: string): Promise<void> {
  await find(aws, "GetMFADevice", new GetMFADeviceCommand({ UserName, SerialNumber }));
}

function withTwoCodes(
  name: string,
  UserName: string,
  SerialNumber: string,
  codes: readonly [first: string, second: string],
) {
  const [AuthenticationCode1, AuthenticationCode2] = codes;
  const input = { UserName, SerialNumber, AuthenticationCode1, AuthenticationCode2 };
  const mfa = { serialNumber: SerialNumber, tokenCode: AuthenticationCode2 };
  return { call: { name, kind: "with a code", mfa, secrets: codes } as const, input };
}

/** Takes a device from its user. https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeactivateMFADevice.html */
export const deactivateMfaDevice = (aws: Connection, UserName: string, SerialNumber: string): Promise<boolean> =>
  remove(aws, "DeactivateMFADevice", new DeactivateMFADeviceCommand({ UserName, SerialNumber }));

/** A virtual device that no user has. https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteVirtualMFADevice.html */
export const deleteVirtualMfaDevice = (aws: Connection, SerialNumber: string): Promise<boolean> =>
  remove(aws, "DeleteVirtualMFADevice", new DeleteVirtualMFADeviceCommand({ SerialNumber }));

// AWS's policy simulator.

/**
 * What AWS's own policy simulator decides with all the policies of a user; undefined if the user is not there.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
 *
 * @param resource an ARN, or `*`
 */
export async function simulatePrincipal(
  aws: Connection,
  simulation: {
    readonly arn: string;
    readonly actions: readonly string[];
    readonly resource: string;
    readonly context: readonly SimulatedKey[];
    /** Policies that the user does not have yet, as texts. */
    readonly policies?: readonly string[];
  },
): Promise<SimulationResult[] | undefined> {
  const { arn, actions, resource, context, policies } = simulation;
  const input = {
    ...{ PolicySourceArn: arn, ActionNames: [...actions], ResourceArns: [resource] },
    ...{ ContextEntries: formatContext(context), PolicyInputList: policies && [...policies] },
  };
  return await list(
    aws,
    "SimulatePrincipalPolicy",
    (Marker) => new SimulatePrincipalPolicyCommand({ ...input, Marker }),
    ({ EvaluationResults }) => EvaluationResults?.map(readResult),
  );
}
