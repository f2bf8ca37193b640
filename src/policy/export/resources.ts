// Describes what to deploy to enforce MFA in an account, for all formats.
import type { PolicyDocument } from "../engine/document.ts";

export interface Wanted {
  /** The policies to attach to the group. */
  readonly enforce: PolicyDocument;
  readonly selfManage: PolicyDocument;
  readonly partition: string;
  /** Whether to add a rule for users without a console password. */
  readonly withAllUsersRule: boolean;
  /** Whether to add the recorder that AWS Config rules need. */
  readonly withRecorder: boolean;
}

export interface Resources {
  readonly policies: readonly ManagedPolicy[];
  /** The group with both policies attached. It has no members at first, and cannot be tagged. */
  readonly group: { readonly id: string; readonly name: string };
  readonly rules: readonly ConfigRule[];
  readonly recorder: Recorder | undefined;
}

/** `id` is the name in templates, which must be in camel case. */
interface ManagedPolicy {
  readonly id: string;
  readonly name: string;
  /** Never change it: neither IAM nor CloudFormation can change the description of an existing policy. */
  readonly description: string;
  readonly document: PolicyDocument;
}

/** An AWS managed rule, evaluated once a day: https://docs.aws.amazon.com/config/latest/developerguide/managed-rules-by-aws-config.html */
export interface ConfigRule {
  readonly id: string;
  readonly name: string;
  readonly identifier: string;
  readonly description: string;
}

/**
 * A recorder for IAM users only: AWS charges for every recorded change.
 *
 * It has its own role, not AWSServiceRoleForConfig: that role already exists if AWS Config runs in another region, and
 * creating it again fails.
 * https://docs.aws.amazon.com/config/latest/developerguide/stop-start-recorder.html
 */
interface Recorder {
  /**
   * Also the name of the channel. An account has one of each per region, usually named "default". With that name, the
   * calls would silently limit an existing recorder to users instead of failing.
   */
  readonly name: string;
  readonly resourceTypes: readonly string[];
  readonly role: { readonly name: string; readonly managedPolicyArn: string; readonly policyName: string };
}

/** Values known only on deployment, in the form of each format. */
export interface Known<Value> {
  readonly account: Value;
  readonly bucketArn: Value;
  /** The objects that AWS Config writes to the bucket for the account. */
  readonly objectsArn: Value;
}

export function buildResources({ enforce, selfManage, partition, withAllUsersRule, withRecorder }: Wanted): Resources {
  return {
    policies: [
      {
        id: "SelfManageMfaPolicy",
        name: "self-manage-mfa-policy",
        description: "Lets users set up and manage their own MFA devices",
        document: selfManage,
      },
      {
        id: "EnforceMfaPolicy",
        name: "enforce-mfa-policy",
        description: "Denies everything without MFA except what users need to set it up",
        document: enforce,
      },
    ],
    group: { id: "RequireMfaGroup", name: "RequireMFA" },
    rules: withAllUsersRule ? [consoleRule, allUsersRule] : [consoleRule],
    recorder: withRecorder
      ? {
          name: "require-mfa",
          resourceTypes: ["AWS::IAM::User"],
          role: {
            name: "require-mfa-config-recorder",
            managedPolicyArn: `arn:${partition}:iam::aws:policy/service-role/AWS_ConfigRole`,
            policyName: "deliver",
          },
        }
      : undefined,
  };
}

/** https://docs.aws.amazon.com/config/latest/developerguide/mfa-enabled-for-iam-console-access.html */
const consoleRule: ConfigRule = {
  id: "ConsoleUsersHaveMfa",
  name: "mfa-enabled-for-iam-console-access",
  identifier: "MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS",
  description: "Users with a console password have an MFA device",
};

/** https://docs.aws.amazon.com/config/latest/developerguide/iam-user-mfa-enabled.html */
const allUsersRule: ConfigRule = {
  id: "AllUsersHaveMfa",
  name: "iam-user-mfa-enabled",
  identifier: "IAM_USER_MFA_ENABLED",
  description: "Users have an MFA device, with or without a console password",
};

/** Builds the trust policy of the recorder's role: https://docs.aws.amazon.com/config/latest/developerguide/iamrole-permissions.html */
export function buildTrustPolicy<Value>({ account }: Known<Value>): object {
  const Condition = { StringEquals: { "aws:SourceAccount": account } };
  return buildDocument({ Effect: "Allow", Principal: service, Action: "sts:AssumeRole", Condition });
}

/** Builds the policy that lets the recorder's role write to the bucket. AWS_ConfigRole lets it read the resources. */
export function buildDeliveryPolicy<Value>({ bucketArn, objectsArn }: Known<Value>): object {
  const Condition = { StringEquals: owned };
  return buildDocument(
    { Effect: "Allow", Action: "s3:GetBucketAcl", Resource: bucketArn },
    { Effect: "Allow", Action: "s3:PutObject", Resource: objectsArn, Condition },
  );
}

/** Builds the policy that lets the service write to the bucket, for this account: https://docs.aws.amazon.com/config/latest/developerguide/s3-bucket-policy.html */
export function buildBucketPolicy<Value>({ account, bucketArn, objectsArn }: Known<Value>): object {
  const allowed = { Effect: "Allow", Principal: service };
  const source = { "aws:SourceAccount": account };
  return buildDocument(
    {
      ...allowed,
      Action: ["s3:GetBucketAcl", "s3:ListBucket"],
      Resource: bucketArn,
      Condition: { StringEquals: source },
    },
    { ...allowed, Action: "s3:PutObject", Resource: objectsArn, Condition: { StringEquals: { ...owned, ...source } } },
  );
}

const service = { Service: "config.amazonaws.com" };
const owned = { "s3:x-amz-acl": "bucket-owner-full-control" };

const buildDocument = (...statements: readonly object[]): object => ({ Version: "2012-10-17", Statement: statements });
