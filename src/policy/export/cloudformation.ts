// Builds CloudFormation templates in JSON, which can contain policies as they are.
import {
  buildBucketPolicy,
  buildDeliveryPolicy,
  buildTrustPolicy,
  type ConfigRule,
  type Known,
  type Resources,
} from "./resources.ts";

/** A value of a template: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html */
type Value = string | { readonly [name: string]: unknown };

export interface CloudFormationTemplate {
  readonly AWSTemplateFormatVersion: "2010-09-09";
  readonly Description: string;
  readonly Metadata?: object;
  readonly Parameters?: object;
  readonly Conditions?: object;
  readonly Resources: Readonly<Record<string, object>>;
}

/**
 * Builds the template for one account. `${aws:username}` in a policy stays as it is: CloudFormation replaces such names
 * only inside `Fn::Sub`, which is not used here.
 */
export function buildAccountTemplate(resources: Resources, notes: readonly string[] = []): CloudFormationTemplate {
  const { policies, group, rules, recorder } = resources;
  return {
    AWSTemplateFormatVersion: "2010-09-09",
    Description: "MFA enforcement for IAM users, by fob policy export",
    ...(notes.length > 0 ? { Metadata: { Notes: notes } } : {}),
    Resources: {
      ...Object.fromEntries(
        policies.map(({ id, name, description, document }) => [
          id,
          buildResource("IAM::ManagedPolicy", {
            ManagedPolicyName: name,
            Description: description,
            PolicyDocument: document,
          }),
        ]),
      ),
      [group.id]: buildResource("IAM::Group", {
        GroupName: group.name,
        ManagedPolicyArns: policies.map(({ id }) => ({ Ref: id })),
      }),
      ...(recorder === undefined ? {} : buildRecorderResources(recorder)),
      ...buildRuleResources(rules, recorder === undefined ? {} : { DependsOn: "ConfigRecorder" }),
    },
  };
}

/** Builds the rules for templates and conformance packs. */
export function buildRuleResources(
  rules: readonly ConfigRule[],
  attributes: object = {},
): CloudFormationTemplate["Resources"] {
  return Object.fromEntries(
    rules.map((rule) => [rule.id, buildResource("Config::ConfigRule", buildRuleParameters(rule), attributes)]),
  );
}

/** Builds a rule as templates and AWS Config's API take it. */
export function buildRuleParameters({ name, identifier, description }: ConfigRule): object {
  return {
    ConfigRuleName: name,
    Description: description,
    Source: { Owner: "AWS", SourceIdentifier: identifier },
  };
}

const bucketArn = { "Fn::GetAtt": ["ConfigBucket", "Arn"] };
const account = { Ref: "AWS::AccountId" };
const known: Known<Value> = {
  account,
  bucketArn,
  objectsArn: { "Fn::Join": ["", [bucketArn, "/AWSLogs/", account, "/Config/*"]] },
};

/**
 * CloudFormation starts the recorder when the delivery channel exists, and waits for it: neither may depend on the other.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-config-configurationrecorder.html
 */
function buildRecorderResources({
  name,
  resourceTypes,
  role,
}: NonNullable<Resources["recorder"]>): CloudFormationTemplate["Resources"] {
  // CloudFormation cannot delete a bucket with objects, and users may still want the records.
  const kept = { DeletionPolicy: "Retain", UpdateReplacePolicy: "Retain" };
  const bucket = { Ref: "ConfigBucket" };
  return {
    ConfigBucket: buildResource("S3::Bucket", { PublicAccessBlockConfiguration: publicAccessBlock }, kept),
    ConfigBucketPolicy: buildResource("S3::BucketPolicy", { Bucket: bucket, PolicyDocument: buildBucketPolicy(known) }),
    ConfigRole: buildResource("IAM::Role", {
      RoleName: role.name,
      AssumeRolePolicyDocument: buildTrustPolicy(known),
      ManagedPolicyArns: [role.managedPolicyArn],
      Policies: [{ PolicyName: role.policyName, PolicyDocument: buildDeliveryPolicy(known) }],
    }),
    ConfigRecorder: buildResource(
      "Config::ConfigurationRecorder",
      {
        Name: name,
        RoleARN: { "Fn::GetAtt": ["ConfigRole", "Arn"] },
        RecordingGroup: { AllSupported: false, IncludeGlobalResourceTypes: false, ResourceTypes: resourceTypes },
      },
      { DependsOn: "ConfigBucketPolicy" },
    ),
    ConfigDeliveryChannel: buildResource(
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

export function buildResource(type: string, properties: object, attributes: object = {}): object {
  return { Type: `AWS::${type}`, ...attributes, Properties: properties };
}
