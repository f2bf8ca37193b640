// STS's calls. Heavy: import() it, and only when AWS is really called.
import {
  AssumeRoleCommand,
  GetCallerIdentityCommand,
  GetSessionTokenCommand,
  STSClient,
  type Credentials as StsCredentials,
} from "@aws-sdk/client-sts";
import type { CallKind, Connection } from "./connection.ts";
import { AwsFailure } from "./failures.ts";
import { withoutNotice } from "./notice.ts";
import { clientConfiguration } from "./sdk.ts";
import type { Mfa, RoleRequest, TemporaryCredentials } from "./types.ts";

const service = "sts";

const client = (aws: Connection, kind: CallKind): STSClient =>
  aws.shared(`${service} ${kind}`, () => withoutNotice(() => new STSClient(clientConfiguration(aws, service, kind))));

/**
 * Who the access key belongs to. Needs no permission.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
 */
export async function getCallerIdentity(
  aws: Connection,
): Promise<{ account: string | undefined; arn: string | undefined }> {
  const answer = await aws.call({ service, name: "sts:GetCallerIdentity", kind: "read" }, (abortSignal) =>
    client(aws, "read").send(new GetCallerIdentityCommand({}), { abortSignal }),
  );
  return { account: answer.Account, arn: answer.Arn };
}

/**
 * A session for a token code.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
 *
 * @param duration seconds
 */
export async function getSessionToken(aws: Connection, mfa: Mfa, duration: number): Promise<TemporaryCredentials> {
  const command = new GetSessionTokenCommand({
    SerialNumber: mfa.serialNumber,
    TokenCode: mfa.tokenCode,
    DurationSeconds: duration,
  });
  return await aws.call({ service, name: "sts:GetSessionToken", kind: "with a code", mfa }, async (abortSignal) => {
    const { Credentials } = await client(aws, "with a code").send(command, { abortSignal });
    return readCredentials(Credentials, aws.now());
  });
}

/**
 * Credentials of a role.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 */
export async function assumeRole(aws: Connection, request: RoleRequest): Promise<TemporaryCredentials> {
  const { arn, sessionName, duration, externalId, sourceIdentity, tags, transitiveTags, mfa } = request;
  const command = new AssumeRoleCommand({
    RoleArn: arn,
    RoleSessionName: sessionName,
    DurationSeconds: duration,
    ExternalId: externalId,
    SourceIdentity: sourceIdentity,
    ...(tags.length > 0 ? { Tags: tags.map(([Key, Value]) => ({ Key, Value })) } : {}),
    ...(transitiveTags.length > 0 ? { TransitiveTagKeys: [...transitiveTags] } : {}),
    ...(mfa ? { SerialNumber: mfa.serialNumber, TokenCode: mfa.tokenCode } : {}),
  });
  // Nothing changes in the account when it is made twice.
  const kind = mfa ? "with a code" : "read";
  return await aws.call({ service, name: "sts:AssumeRole", kind, mfa, arn }, async (abortSignal) => {
    const { Credentials } = await client(aws, kind).send(command, { abortSignal });
    return readCredentials(Credentials, aws.now());
  });
}

function readCredentials(given: StsCredentials | undefined, now: number): TemporaryCredentials {
  const hints = ["check the endpoint: env | grep AWS_ENDPOINT_URL"];
  if (!given?.AccessKeyId || !given.SecretAccessKey || !given.SessionToken || !given.Expiration) {
    throw new AwsFailure("server error", "STS answered without credentials", hints);
  }
  const parts = [given.AccessKeyId, given.SecretAccessKey, given.SessionToken];
  // No such line could be written to the AWS files, or exported, so that every program reads it alike.
  if (!parts.every((part) => /^(?![#;])[!-~]+$/.test(part))) {
    throw new AwsFailure(
      "server error",
      "STS answered with credentials that contain spaces or control characters",
      hints,
    );
  }
  const expiration = given.Expiration.getTime();
  if (!(expiration > now)) {
    throw new AwsFailure("server error", "STS answered with credentials that have already expired", [
      "check this computer's clock: date",
      ...hints,
    ]);
  }
  return {
    accessKeyId: given.AccessKeyId,
    secretAccessKey: given.SecretAccessKey,
    sessionToken: given.SessionToken,
    expiration,
  };
}
