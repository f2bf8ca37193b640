// Lists the AWS API calls that deploy everything, in order, for scripts and reviewers.
import { buildRuleParameters, publicAccessBlock } from "./cloudformation.ts";
import { autoDeployment, type Organization } from "./organization.ts";
import { buildBucketPolicy, buildDeliveryPolicy, buildTrustPolicy, type Resources } from "./resources.ts";

/** Service and operation have the names of botocore and the SDKs. Policies are strings, as the API requires. */
interface Call {
  readonly service: "cloudformation" | "config" | "iam" | "s3";
  readonly operation: string;
  readonly parameters: object;
}

export interface Calls {
  readonly notes: readonly string[];
  /** The region for all calls. */
  readonly region: string;
  /** Placeholders in the calls for values that fob does not know. */
  readonly placeholders: Readonly<Record<string, string>>;
  readonly calls: readonly Call[];
}

export function listAccountCalls(
  resources: Resources,
  partition: string,
  region: string,
  notes: readonly string[],
): Calls {
  const { policies, group, rules, recorder } = resources;
  return {
    notes,
    region,
    placeholders: { ACCOUNT_ID: "the account ID: aws sts get-caller-identity --query Account --output text" },
    calls: [
      ...policies.map(({ name, description, document }) =>
        iam("CreatePolicy", {
          PolicyName: name,
          Description: description,
          PolicyDocument: JSON.stringify(document),
        }),
      ),
      iam("CreateGroup", { GroupName: group.name }),
      ...policies.map(({ name }) =>
        iam("AttachGroupPolicy", {
          GroupName: group.name,
          PolicyArn: `arn:${partition}:iam::ACCOUNT_ID:policy/${name}`,
        }),
      ),
      ...(recorder === undefined ? [] : listRecorderCalls(recorder, partition, region)),
      ...rules.map((rule) => config("PutConfigRule", { ConfigRule: buildRuleParameters(rule) })),
    ],
  };
}

function listRecorderCalls(
  { name, resourceTypes, role }: NonNullable<Resources["recorder"]>,
  partition: string,
  region: string,
): readonly Call[] {
  const Bucket = `config-ACCOUNT_ID-${region}`;
  const bucketArn = `arn:${partition}:s3:::${Bucket}`;
  const known = { account: "ACCOUNT_ID", bucketArn, objectsArn: `${bucketArn}/AWSLogs/ACCOUNT_ID/Config/*` };
  const RoleName = role.name;
  const roleARN = `arn:${partition}:iam::ACCOUNT_ID:role/${RoleName}`;
  // S3 rejects it for us-east-1.
  const CreateBucketConfiguration = { LocationConstraint: region };
  return [
    s3("CreateBucket", { Bucket, ...(region === "us-east-1" ? {} : { CreateBucketConfiguration }) }),
    s3("PutPublicAccessBlock", { Bucket, PublicAccessBlockConfiguration: publicAccessBlock }),
    s3("PutBucketPolicy", { Bucket, Policy: JSON.stringify(buildBucketPolicy(known)) }),
    iam("CreateRole", { RoleName, AssumeRolePolicyDocument: JSON.stringify(buildTrustPolicy(known)) }),
    iam("AttachRolePolicy", { RoleName, PolicyArn: role.managedPolicyArn }),
    iam("PutRolePolicy", {
      RoleName,
      PolicyName: role.policyName,
      PolicyDocument: JSON.stringify(buildDeliveryPolicy(known)),
    }),
    config("PutConfigurationRecorder", {
      ConfigurationRecorder: {
        name,
        roleARN,
        recordingGroup: { allSupported: false, includeGlobalResourceTypes: false, resourceTypes },
      },
    }),
    config("PutDeliveryChannel", { DeliveryChannel: { name, s3BucketName: Bucket } }),
    config("StartConfigurationRecorder", { ConfigurationRecorderName: name }),
  ];
}

/** Lists calls for the management account. CreateStackInstances returns before it is finished. */
export function listOrganizationCalls(organization: Organization, region: string, notes: readonly string[]): Calls {
  const { stackSet, conformancePack } = organization;
  const StackSetName = stackSet.name;
  return {
    notes,
    region,
    placeholders: { ORGANIZATIONAL_UNIT_ID: "the organizational unit (ou-...) that gets the policies and the group" },
    calls: [
      cloudformation("CreateStackSet", {
        StackSetName,
        Description: stackSet.description,
        PermissionModel: "SERVICE_MANAGED",
        AutoDeployment: autoDeployment,
        Capabilities: [stackSet.capability],
        TemplateBody: JSON.stringify(stackSet.template),
      }),
      cloudformation("CreateStackInstances", {
        StackSetName,
        DeploymentTargets: { OrganizationalUnitIds: ["ORGANIZATIONAL_UNIT_ID"] },
        Regions: [region],
      }),
      config("PutOrganizationConformancePack", {
        OrganizationConformancePackName: conformancePack.name,
        ExcludedAccounts: [],
        TemplateBody: conformancePack.template,
      }),
    ],
  };
}

const callOf =
  (service: Call["service"]) =>
  (operation: string, parameters: object): Call => ({ service, operation, parameters });
const [cloudformation, config, iam, s3] = [callOf("cloudformation"), callOf("config"), callOf("iam"), callOf("s3")];
