// Writes Terraform modules for the AWS provider: https://registry.terraform.io/providers/hashicorp/aws/latest/docs
import {
  type Body,
  escapeDocument,
  interpolate,
  makeBlock,
  makeDocument,
  makeExpression,
  makeMapping,
  writeBlock,
} from "./hcl.ts";
import { autoDeployment, type Organization } from "./organization.ts";
import {
  buildBucketPolicy,
  buildDeliveryPolicy,
  buildTrustPolicy,
  type ConfigRule,
  type Known,
  type Resources,
} from "./resources.ts";

export function formatAccountModule(resources: Resources, notes: readonly string[]): string {
  const { policies, group, rules, recorder } = resources;
  const groupName = makeExpression(`aws_iam_group.${toSnakeCase(group.id)}.name`);
  return formatModule(notes, [
    ...policies.map(({ id, name, description, document }) =>
      buildResource("iam_policy", toSnakeCase(id), { name, description, policy: escapeDocument(formatJson(document)) }),
    ),
    buildResource("iam_group", toSnakeCase(group.id), { name: group.name }),
    ...policies.map(({ id }) =>
      buildResource("iam_group_policy_attachment", toSnakeCase(id), {
        group: groupName,
        policy_arn: makeExpression(`aws_iam_policy.${toSnakeCase(id)}.arn`),
      }),
    ),
    ...(recorder === undefined ? [] : buildRecorderResources(recorder)),
    ...rules.map((rule) => buildRuleResource(rule, recorder !== undefined)),
  ]);
}

function buildRuleResource({ id, name, identifier, description }: ConfigRule, isAfterRecorder: boolean): string {
  return buildResource("config_config_rule", toSnakeCase(id), {
    name,
    description,
    ...(isAfterRecorder ? { depends_on: [makeExpression("aws_config_configuration_recorder_status.config")] } : {}),
    source: makeBlock({ owner: "AWS", source_identifier: identifier }),
  });
}

const account = interpolate("data.aws_caller_identity.current.account_id");
const bucketArn = interpolate("aws_s3_bucket.config.arn");
const known: Known<string> = { account, bucketArn, objectsArn: `${bucketArn}/AWSLogs/${account}/Config/*` };

function buildRecorderResources({ name, resourceTypes, role }: NonNullable<Resources["recorder"]>): readonly string[] {
  const bucket = makeExpression("aws_s3_bucket.config.id");
  const roleName = makeExpression("aws_iam_role.config.name");
  return [
    writeBlock("data", ["aws_caller_identity", "current"], {}),
    buildResource("s3_bucket", "config", { bucket_prefix: "config-" }),
    buildResource("s3_bucket_public_access_block", "config", {
      bucket,
      block_public_acls: true,
      block_public_policy: true,
      ignore_public_acls: true,
      restrict_public_buckets: true,
    }),
    buildResource("s3_bucket_policy", "config", { bucket, policy: makeDocument(formatJson(buildBucketPolicy(known))) }),
    buildResource("iam_role", "config", {
      name: role.name,
      assume_role_policy: makeDocument(formatJson(buildTrustPolicy(known))),
    }),
    buildResource("iam_role_policy_attachment", "config", { role: roleName, policy_arn: role.managedPolicyArn }),
    buildResource("iam_role_policy", "config", {
      name: role.policyName,
      role: roleName,
      policy: makeDocument(formatJson(buildDeliveryPolicy(known))),
    }),
    buildResource("config_configuration_recorder", "config", {
      name,
      role_arn: makeExpression("aws_iam_role.config.arn"),
      recording_group: makeBlock({
        all_supported: false,
        include_global_resource_types: false,
        resource_types: resourceTypes,
      }),
    }),
    buildResource("config_delivery_channel", "config", {
      name: makeExpression("aws_config_configuration_recorder.config.name"),
      s3_bucket_name: bucket,
      depends_on: [
        makeExpression("aws_iam_role_policy.config"),
        makeExpression("aws_iam_role_policy_attachment.config"),
        makeExpression("aws_s3_bucket_policy.config"),
      ],
    }),
    buildResource("config_configuration_recorder_status", "config", {
      name: makeExpression("aws_config_configuration_recorder.config.name"),
      is_enabled: true,
      depends_on: [makeExpression("aws_config_delivery_channel.config")],
    }),
  ];
}

/** Formats the module for the management account. */
export function formatOrganizationModule(
  { stackSet, conformancePack }: Organization,
  notes: readonly string[],
): string {
  return formatModule(notes, [
    writeBlock("variable", ["organizational_unit_ids"], {
      type: makeExpression("list(string)"),
      description:
        "The organizational units (ou-...) whose accounts get the policies and the group, or the root (r-...)",
    }),
    writeBlock("variable", ["excluded_accounts"], {
      type: makeExpression("list(string)"),
      description:
        "Accounts that do not get the rules because they have no recorder; all other accounts of the organization do",
      default: [],
    }),
    buildResource("cloudformation_stack_set", "require_mfa", {
      name: stackSet.name,
      description: stackSet.description,
      permission_model: "SERVICE_MANAGED",
      capabilities: [stackSet.capability],
      auto_deployment: makeBlock({
        enabled: autoDeployment.Enabled,
        retain_stacks_on_account_removal: autoDeployment.RetainStacksOnAccountRemoval,
      }),
      // AWS sets it with this permission model, and Terraform would remove it again.
      lifecycle: makeBlock({ ignore_changes: [makeExpression("administration_role_arn")] }),
      template_body: escapeDocument(formatJson(stackSet.template)),
    }),
    // Only in the provider's region, because IAM is global.
    buildResource("cloudformation_stack_set_instance", "require_mfa", {
      stack_set_name: makeExpression("aws_cloudformation_stack_set.require_mfa.name"),
      deployment_targets: makeBlock({ organizational_unit_ids: makeExpression("var.organizational_unit_ids") }),
    }),
    buildResource("config_organization_conformance_pack", "require_mfa", {
      name: conformancePack.name,
      excluded_accounts: makeExpression("var.excluded_accounts"),
      depends_on: [makeExpression("aws_cloudformation_stack_set_instance.require_mfa")],
      template_body: escapeDocument(conformancePack.template.trimEnd()),
    }),
  ]);
}

function formatModule(notes: readonly string[], blocks: readonly string[]): string {
  const aws = makeMapping({ source: "hashicorp/aws", version: ">= 5.0" });
  const providers = writeBlock("terraform", [], { required_providers: makeBlock({ aws }) });
  const head = ["MFA enforcement for IAM users, by fob policy export", ...notes.map((note) => `- ${note}`)];
  return [head.map((line) => `# ${line}\n`).join(""), providers, ...blocks].join("\n");
}

const buildResource = (type: string, name: string, body: Body): string =>
  writeBlock("resource", [`aws_${type}`, name], body);
const formatJson = (value: object): string => JSON.stringify(value, undefined, 2);

/** Converts `SelfManageMfaPolicy` to a Terraform name: `self_manage_mfa_policy`. */
const toSnakeCase = (id: string): string => id.replace(/(?!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
