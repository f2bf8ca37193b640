// IAM's calls about groups, their policies and members, and about a single user as it is now. Heavy: import() it, and only
// when AWS is really called.
import {
  AddUserToGroupCommand,
  AttachGroupPolicyCommand,
  CreateGroupCommand,
  CreatePolicyCommand,
  GetAccessKeyLastUsedCommand,
  type IAMClient,
  ListAccessKeysCommand,
  ListGroupsForUserCommand,
  RemoveUserFromGroupCommand,
  SimulatePrincipalPolicyCommand,
} from "@aws-sdk/client-iam";
import type { CallKind, Connection } from "./connection.ts";
import { iamClient, markerOf } from "./iam.ts";
import { readPages } from "./pages.ts";

function call<T>(
  aws: Connection,
  name: string,
  kind: CallKind,
  send: (client: IAMClient, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return aws.call({ service: "iam", name: `iam:${name}`, kind }, (signal) => send(iamClient(aws, kind), signal));
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateGroup.html */
export async function createGroup(aws: Connection, GroupName: string): Promise<void> {
  const command = new CreateGroupCommand({ GroupName });
  await call(aws, "CreateGroup", "write", (client, abortSignal) => client.send(command, { abortSignal }));
}

/** @returns the ARN. https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html */
export async function createPolicy(
  aws: Connection,
  { name, description, document }: { readonly name: string; readonly description: string; readonly document: object },
): Promise<string | undefined> {
  const command = new CreatePolicyCommand({
    ...{ PolicyName: name, Description: description, PolicyDocument: JSON.stringify(document) },
  });
  const { Policy } = await call(aws, "CreatePolicy", "write", (client, abortSignal) =>
    client.send(command, { abortSignal }),
  );
  return Policy?.Arn;
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachGroupPolicy.html */
export async function attachGroupPolicy(aws: Connection, GroupName: string, PolicyArn: string): Promise<void> {
  const command = new AttachGroupPolicyCommand({ GroupName, PolicyArn });
  await call(aws, "AttachGroupPolicy", "write", (client, abortSignal) => client.send(command, { abortSignal }));
}

/** A user who is in the group already stays there. https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddUserToGroup.html */
export async function addUserToGroup(aws: Connection, UserName: string, GroupName: string): Promise<void> {
  const command = new AddUserToGroupCommand({ UserName, GroupName });
  await call(aws, "AddUserToGroup", "write", (client, abortSignal) => client.send(command, { abortSignal }));
}

/** No error if the user, or the group, is gone. https://docs.aws.amazon.com/IAM/latest/APIReference/API_RemoveUserFromGroup.html */
export async function removeUserFromGroup(aws: Connection, UserName: string, GroupName: string): Promise<void> {
  const command = new RemoveUserFromGroupCommand({ UserName, GroupName });
  await call(aws, "RemoveUserFromGroup", "write", (client, abortSignal) =>
    orMissing(client.send(command, { abortSignal })),
  );
}

/** The groups of a user; undefined if the user is gone. https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListGroupsForUser.html */
export async function listGroupsOfUser(aws: Connection, UserName: string): Promise<readonly string[] | undefined> {
  const groups = await readPages(async (Marker) => {
    const command = new ListGroupsForUserCommand({ UserName, Marker });
    const answer = await call(aws, "ListGroupsForUser", "read", (client, abortSignal) =>
      orMissing(client.send(command, { abortSignal })),
    );
    return { items: answer?.Groups ?? [undefined], marker: markerOf(answer ?? {}) };
  });
  return groups.includes(undefined) ? undefined : groups.flatMap((group) => group?.GroupName ?? []);
}

/** An access key as it is now. */
export interface LiveAccessKey {
  readonly active: boolean;
  readonly created: Date | undefined;
  readonly lastUsed: Date | undefined;
  readonly lastUsedService: string | undefined;
}

/**
 * The access keys of a user, with their last use.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html
 */
export async function listAccessKeys(aws: Connection, UserName: string): Promise<readonly LiveAccessKey[]> {
  const keys = await readPages(async (Marker) => {
    const command = new ListAccessKeysCommand({ UserName, Marker });
    const answer = await call(aws, "ListAccessKeys", "read", (client, abortSignal) =>
      client.send(command, { abortSignal }),
    );
    return { items: answer.AccessKeyMetadata ?? [], marker: markerOf(answer) };
  });
  return await Promise.all(
    keys.map(async ({ AccessKeyId, Status, CreateDate }): Promise<LiveAccessKey> => {
      const command = new GetAccessKeyLastUsedCommand({ AccessKeyId });
      const { AccessKeyLastUsed } = await call(aws, "GetAccessKeyLastUsed", "read", (client, abortSignal) =>
        client.send(command, { abortSignal }),
      );
      const { LastUsedDate, ServiceName } = AccessKeyLastUsed ?? {};
      return {
        ...{ active: Status === "Active", created: CreateDate, lastUsed: LastUsedDate },
        lastUsedService: LastUsedDate === undefined ? undefined : ServiceName,
      };
    }),
  );
}

/**
 * What AWS's own simulator decides about a request of a user with an access key, on all resources.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
 */
export async function simulateWithoutMfa(
  aws: Connection,
  PolicySourceArn: string,
  action: string,
): Promise<"allowed" | "explicitDeny" | "implicitDeny" | undefined> {
  const command = new SimulatePrincipalPolicyCommand({ PolicySourceArn, ActionNames: [action] });
  const { EvaluationResults = [] } = await call(aws, "SimulatePrincipalPolicy", "read", (client, abortSignal) =>
    client.send(command, { abortSignal }),
  );
  return EvaluationResults[0]?.EvalDecision;
}

async function orMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Error && error.name === "NoSuchEntityException") return undefined;
    throw error;
  }
}
