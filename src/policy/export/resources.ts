// What is deployed to enforce MFA in an account: one description, which every format writes in its own language.
import type { PolicyDocument } from "../engine/document.ts";

export interface Wanted {
  /** What everybody in the group is denied without MFA, and what they may do with their own devices. */
  readonly enforce: PolicyDocument;
  readonly selfManage: PolicyDocument;
  readonly partition: string;
  /** Also a rule for users without a console password. */
  readonly withAllUsersRule: boolean;
  /** Also what AWS Config needs before it takes a rule. */
  readonly withRecorder: boolean;
}

export interface Resources {
  readonly policies: readonly ManagedPolicy[];
  /** The group that both policies are attached to. It is made without members, and cannot be tagged. */
  readonly group: { readonly id: string; readonly name: string };
  readonly rules: readonly ConfigRule[];
  readonly recorder: Recorder | undefined;
}

/** What is called `id` here is so called in templates, where it has to be a name in camel case. */
interface ManagedPolicy {
  readonly id: string;
  readonly name: string;
  /** Never to be changed: neither IAM nor CloudFormation can change the description of a policy that has this name. */
  readonly description: string;
  readonly document: PolicyDocument;
}

/** A rule that AWS manages, evaluated once a day: https://docs.aws.amazon.com/config/latest/developerguide/managed-rules-by-aws-config.html */
export interface ConfigRule {
  readonly id: string;
  readonly name: string;
  readonly identifier: string;
  readonly description: string;
}

/**
 * A recorder, for users alone: AWS charges for every change that is recorded.
 *
 * It has a role of its own, not AWSServiceRoleForConfig: that one is there already where AWS Config runs in another
 * region, and to make it twice fails.
 * https://docs.aws.amazon.com/config/latest/developerguide/stop-start-recorder.html
 */
interface Recorder {
  /**
   * Also the channel's. An account has one of each for each region, mostly called "default"; under that name the calls
   * would change what is there, to record users alone from then on, where they now fail.
   */
  readonly name: string;
  readonly resourceTypes: readonly string[];
  readonly role: { readonly name: string; readonly managedPolicyArn: string; readonly policyName: string };
}

/** What is known only where it is deployed, as a format writes it. */
export interface Known<Value> {
  readonly account: Value;
  readonly bucketArn: Value;
  /** The objects in the bucket that AWS Config writes for the account. */
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
        description: "Denies everything without MFA but what is needed to set it up",
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
  description: "Users have an MFA device, with a console password or without",
};

/** Who may take the recorder's role: https://docs.aws.amazon.com/config/latest/developerguide/iamrole-permissions.html */
export function buildTrustPolicy<Value>({ account }: Known<Value>): object {
  const Condition = { StringEquals: { "aws:SourceAccount": account } };
  return buildDocument({ Effect: "Allow", Principal: service, Action: "sts:AssumeRole", Condition });
}

/** What the recorder's role may do with the bucket; what it records AWS_ConfigRole lets it read. */
export function buildDeliveryPolicy<Value>({ bucketArn, objectsArn }: Known<Value>): object {
  const Condition = { StringEquals: owned };
  return buildDocument(
    { Effect: "Allow", Action: "s3:GetBucketAcl", Resource: bucketArn },
    { Effect: "Allow", Action: "s3:PutObject", Resource: objectsArn, Condition },
  );
}

/** The same for the service, of this account: https://docs.aws.amazon.com/config/latest/developerguide/s3-bucket-policy.html */
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
