// Builds what AWS needs to deploy everything in each account of an organization: a StackSet with the template for one
// account, and an organization conformance pack with the rules.
import {
  buildAccountTemplate,
  buildResource,
  buildRuleResources,
  type CloudFormationTemplate,
} from "./cloudformation.ts";
import type { Resources } from "./resources.ts";
import { formatYaml } from "./yaml.ts";

export interface Organization {
  readonly stackSet: {
    readonly name: string;
    readonly description: string;
    readonly template: CloudFormationTemplate;
    readonly capability: string;
  };
  readonly conformancePack: { readonly name: string; readonly template: string };
}

/**
 * Only the conformance pack has the rules, so accounts do not get them twice. Its template must be YAML.
 * https://docs.aws.amazon.com/config/latest/developerguide/custom-conformance-pack.html
 */
export function buildOrganization(resources: Resources): Organization {
  return {
    stackSet: {
      name: "require-mfa",
      description: "MFA enforcement for IAM users, by fob policy export",
      template: buildAccountTemplate({ ...resources, rules: [] }),
      capability: "CAPABILITY_NAMED_IAM",
    },
    conformancePack: { name: "require-mfa", template: formatYaml({ Resources: buildRuleResources(resources.rules) }) },
  };
}

/**
 * An account that leaves the organizational unit keeps its stack: moving an account must not end enforcement, and
 * CloudFormation could not delete a group with members.
 */
export const autoDeployment = { Enabled: true, RetainStacksOnAccountRemoval: true };

/**
 * Builds a template for the management account.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stackset.html
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-config-organizationconformancepack.html
 */
export function buildOrganizationTemplate(
  { stackSet, conformancePack }: Organization,
  notes: readonly string[],
): CloudFormationTemplate {
  return {
    AWSTemplateFormatVersion: "2010-09-09",
    Description: "MFA enforcement for the IAM users of an organization, by fob policy export",
    Metadata: { Notes: notes },
    Parameters: {
      OrganizationalUnitIds: {
        Type: "CommaDelimitedList",
        Description:
          "The organizational units (ou-...) whose accounts get the policies and the group, or the root (r-...)",
        AllowedPattern: "^(ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}|r-[a-z0-9]{4,32})$",
      },
      ExcludedAccounts: {
        Type: "CommaDelimitedList",
        Description:
          "Accounts that do not get the rules because they have no recorder; all other accounts of the organization do",
        Default: "",
      },
    },
    Conditions: {
      ExcludesAccounts: { "Fn::Not": [{ "Fn::Equals": [{ "Fn::Join": ["", { Ref: "ExcludedAccounts" }] }, ""] }] },
    },
    Resources: {
      RequireMfaStackSet: buildResource("CloudFormation::StackSet", {
        StackSetName: stackSet.name,
        Description: stackSet.description,
        PermissionModel: "SERVICE_MANAGED",
        AutoDeployment: autoDeployment,
        Capabilities: [stackSet.capability],
        StackInstancesGroup: [
          {
            DeploymentTargets: { OrganizationalUnitIds: { Ref: "OrganizationalUnitIds" } },
            // One region, because IAM is global.
            Regions: [{ Ref: "AWS::Region" }],
          },
        ],
        TemplateBody: JSON.stringify(stackSet.template),
      }),
      RequireMfaConformancePack: buildResource(
        "Config::OrganizationConformancePack",
        {
          OrganizationConformancePackName: conformancePack.name,
          ExcludedAccounts: { "Fn::If": ["ExcludesAccounts", { Ref: "ExcludedAccounts" }, { Ref: "AWS::NoValue" }] },
          TemplateBody: conformancePack.template,
        },
        // The StackSet creates the recorders.
        { DependsOn: "RequireMfaStackSet" },
      ),
    },
  };
}
