// CloudFormation templates, in JSON: CloudFormation takes it as it takes YAML, and a policy stands in it as in IAM.
import { bucketPolicy, type ConfigRule, deliveryPolicy, type Known, type Resources, trustPolicy } from "./resources.ts";

/** A value of a template: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html */
type Value = string | { readonly [name: string]: unknown };

export interface Template {
  readonly AWSTemplateFormatVersion: "2010-09-09";
  readonly Description: string;
  readonly Metadata?: object;
  readonly Parameters?: object;
  readonly Conditions?: object;
  readonly Resources: Readonly<Record<string, object>>;
}

/**
 * Everything for one account. `${aws:username}` in a policy is IAM's own affair: CloudFormation replaces such names only
 * inside `Fn::Sub`, which is not used here.
 */
export function accountTemplate(resources: Resources, notes: readonly string[] = []): Template {
  const { policies, group, rules, recorder } = resources;
  return {
    AWSTemplateFormatVersion: "2010-09-09",
    Description: "MFA enforcement for IAM users, by fob policy export",
    ...(notes.length > 0 ? { Metadata: { Notes: notes } } : {}),
    Resources: {
      ...Object.fromEntries(
        policies.map(({ id, name, description, document }) => [
          id,
          resource("IAM::ManagedPolicy", {
            ManagedPolicyName: name,
            Description: description,
            PolicyDocument: document,
          }),
        ]),
      ),
      [group.id]: resource("IAM::Group", {
        GroupName: group.name,
        ManagedPolicyArns: policies.map(({ id }) => ({ Ref: id })),
      }),
      ...(recorder === undefined ? {} : recorderResources(recorder)),
      ...ruleResources(rules, recorder === undefined ? {} : { DependsOn: "ConfigRecorder" }),
    },
  };
}

/** Rules as templates have them, those of conformance packs as well. */
export function ruleResources(rules: readonly ConfigRule[], attributes: object = {}): Template["Resources"] {
  return Object.fromEntries(
    rules.map(({ id, name, identifier, description }) => [
      id,
      resource(
        "Config::ConfigRule",
        {
          ConfigRuleName: name,
          Description: description,
          Source: { Owner: "AWS", SourceIdentifier: identifier },
        },
        attributes,
      ),
    ]),
  );
}

const bucketArn = { "Fn::GetAtt": ["ConfigBucket", "Arn"] };
const account = { Ref: "AWS::AccountId" };
const known: Known<Value> = {
  account,
  bucketArn,
  objectsArn: { "Fn::Join": ["", [bucketArn, "/AWSLogs/", account, "/Config/*"]] },
};

/**
 * The recorder is started by CloudFormation once there is a channel, and waits for it: neither may depend on the other.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-config-configurationrecorder.html
 */
function recorderResources({ name, resourceTypes, role }: NonNullable<Resources["recorder"]>): Template["Resources"] {
  // A bucket that holds something cannot be deleted, and what was recorded may still be wanted.
  const kept = { DeletionPolicy: "Retain", UpdateReplacePolicy: "Retain" };
  const bucket = { Ref: "ConfigBucket" };
  return {
    ConfigBucket: resource("S3::Bucket", { PublicAccessBlockConfiguration: publicAccessBlock }, kept),
    ConfigBucketPolicy: resource("S3::BucketPolicy", { Bucket: bucket, PolicyDocument: bucketPolicy(known) }),
    ConfigRole: resource("IAM::Role", {
      RoleName: role.name,
      AssumeRolePolicyDocument: trustPolicy(known),
      ManagedPolicyArns: [role.managedPolicyArn],
      Policies: [{ PolicyName: role.policyName, PolicyDocument: deliveryPolicy(known) }],
    }),
    ConfigRecorder: resource(
      "Config::ConfigurationRecorder",
      {
        Name: name,
        RoleARN: { "Fn::GetAtt": ["ConfigRole", "Arn"] },
        RecordingGroup: { AllSupported: false, IncludeGlobalResourceTypes: false, ResourceTypes: resourceTypes },
      },
      { DependsOn: "ConfigBucketPolicy" },
    ),
    ConfigDeliveryChannel: resource(
      "Config::DeliveryChannel",
      { Name: name, S3BucketName: bucket },
      { DependsOn: "ConfigBucketPolicy" },
    ),
  };
}

export const publicAccessBlock = {
  BlockPublicAcls: true,
  BlockPublicPolicy: true,
  IgnorePublicAcls: true,
  RestrictPublicBuckets: true,
};

export function resource(type: string, properties: object, attributes: object = {}): object {
  return { Type: `AWS::${type}`, ...attributes, Properties: properties };
}
