// Exports the MFA enforcement as code: calls, a script, CloudFormation or Terraform; for one account or an organization.
import { formatJson } from "../../text.ts";
import { listAccountCalls, listOrganizationCalls } from "./calls.ts";
import { buildAccountTemplate } from "./cloudformation.ts";
import { buildOrganization, buildOrganizationTemplate } from "./organization.ts";
import { buildResources, type Wanted } from "./resources.ts";
import { formatAccountScript } from "./shell.ts";
import { formatAccountModule, formatOrganizationModule } from "./terraform.ts";
import { formatYaml } from "./yaml.ts";

export const exportFormats = ["json", "cloudformation", "yaml", "terraform", "sh"] as const;
export type ExportFormat = (typeof exportFormats)[number];

export interface ExportOptions extends Wanted {
  readonly format: ExportFormat;
  readonly organization: boolean;
  /** The region where AWS Config evaluates the rules. */
  readonly region: string;
}

export interface Exported {
  readonly text: string;
  /** What users must know before they deploy it; the text includes it too. */
  readonly notes: readonly string[];
}

export function exportPolicies(options: ExportOptions): Exported {
  const notes = listNotes(options);
  return { text: options.organization ? formatOrganization(options, notes) : formatAccount(options, notes), notes };
}

function formatAccount(options: ExportOptions, notes: readonly string[]): string {
  const resources = buildResources(options);
  switch (options.format) {
    case "json":
      return formatJson(listAccountCalls(resources, options.partition, options.region, notes));
    case "cloudformation":
      return formatJson(buildAccountTemplate(resources, notes));
    case "yaml":
      return formatYaml(buildAccountTemplate(resources, notes));
    case "terraform":
      return formatAccountModule(resources, notes);
    case "sh":
      return formatAccountScript(resources, options.region, notes);
  }
}

function formatOrganization(options: ExportOptions, notes: readonly string[]): string {
  const organization = buildOrganization(buildResources(options));
  switch (options.format) {
    case "json":
      return formatJson(listOrganizationCalls(organization, options.region, notes));
    case "cloudformation":
      return formatJson(buildOrganizationTemplate(organization, notes));
    case "yaml":
      return formatYaml(buildOrganizationTemplate(organization, notes));
    case "terraform":
      return formatOrganizationModule(organization, notes);
    case "sh":
      throw new Error("a script is for one account");
  }
}

/** Lists the notes in the form of hints: one line each, lower case, no period. */
function listNotes(options: ExportOptions): readonly string[] {
  return [
    "the group RequireMFA has no members at first: it denies nothing until you add users",
    ...(options.organization ? listOrganizationNotes(options) : listAccountNotes(options)),
    ...(options.withAllUsersRule
      ? [`IAM_USER_MFA_ENABLED is not available in every region${options.partition === "aws" ? allUsersRegions : ""}`]
      : []),
  ];
}

const allUsersRegions = "; us-east-1 and eu-west-1 have it, for example";

const listAccountNotes = ({ format, withRecorder }: ExportOptions): readonly string[] => [
  "deploy it in one region only: IAM is global, so each further region would report the same users",
  withRecorder
    ? "an account has one AWS Config recorder per region: if it already has one, omit --with-recorder"
    : `AWS Config rules need a configuration recorder${format === "sh" ? "" : ": --with-recorder adds one"}`,
];

/**
 * The partitions for which AWS documents StackSets and conformance packs. The differences of GovCloud name neither:
 * https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-cfn.html
 * https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-config.html
 */
const documentedPartitions = ["aws", "aws-us-gov"];

/**
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-orgs-activate-trusted-access.html
 * https://docs.aws.amazon.com/config/latest/developerguide/conformance-pack-organization-apis.html
 */
const listOrganizationNotes = ({ format, withRecorder, partition }: ExportOptions): readonly string[] => [
  "deploy it in the management account, in one region only; a StackSet does not cover the management account itself",
  "StackSets need trusted access: aws cloudformation activate-organizations-access",
  "conformance packs need trusted access too: aws organizations enable-aws-service-access --service-principal config-multiaccountsetup.amazonaws.com",
  "every account that is not excluded gets the rules, and AWS Config rules need a configuration recorder",
  withRecorder
    ? "an account has one AWS Config recorder per region: if accounts already have one, omit --with-recorder"
    : "--with-recorder adds one to each account of the organizational units",
  ...(withRecorder && format === "json"
    ? [
        "CreateStackInstances returns before it is finished: wait for its operation before the next call (aws cloudformation list-stack-set-operations --stack-set-name require-mfa)",
      ]
    : []),
  ...(documentedPartitions.includes(partition)
    ? []
    : [`not checked: whether AWS offers StackSets and conformance packs for organizations in ${partition}`]),
];
