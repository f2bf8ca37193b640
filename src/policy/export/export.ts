// The enforcement of MFA as code: for scripts, CloudFormation or Terraform; in one account or in an organization.
import { formatJson } from "../../text.ts";
import { listAccountCalls, listOrganizationCalls } from "./calls.ts";
import { buildAccountTemplate } from "./cloudformation.ts";
import { buildOrganization, buildOrganizationTemplate } from "./organization.ts";
import { buildResources, type Wanted } from "./resources.ts";
import { formatAccountModule, formatOrganizationModule } from "./terraform.ts";

export const exportFormats = ["json", "cloudformation", "terraform"] as const;
export type ExportFormat = (typeof exportFormats)[number];

export interface ExportOptions extends Wanted {
  readonly format: ExportFormat;
  readonly organization: boolean;
  /** The one region in which the rules are evaluated. */
  readonly region: string;
}

export interface Exported {
  readonly text: string;
  /** What has to be known before it is deployed; it stands in the text too. */
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
    case "terraform":
      return formatAccountModule(resources, notes);
  }
}

function formatOrganization(options: ExportOptions, notes: readonly string[]): string {
  const organization = buildOrganization(buildResources(options));
  switch (options.format) {
    case "json":
      return formatJson(listOrganizationCalls(organization, options.region, notes));
    case "cloudformation":
      return formatJson(buildOrganizationTemplate(organization, notes));
    case "terraform":
      return formatOrganizationModule(organization, notes);
  }
}

/** In the form of hints: a line each, lower case, without a full stop. */
function listNotes(options: ExportOptions): readonly string[] {
  return [
    "the group RequireMFA is made without members: nobody is denied anything until users are put into it",
    ...(options.organization ? listOrganizationNotes(options) : listAccountNotes(options)),
    ...(options.withAllUsersRule
      ? [`IAM_USER_MFA_ENABLED is not there in every region${options.partition === "aws" ? allUsersRegions : ""}`]
      : []),
  ];
}

const allUsersRegions = "; us-east-1 and eu-west-1, for instance, have it";

const listAccountNotes = ({ withRecorder }: ExportOptions): readonly string[] => [
  "deploy it in one region only: IAM is global, and the rules would judge the same users in each",
  withRecorder
    ? "an account has one AWS Config recorder for each region: where there is one already, leave --with-recorder out"
    : "AWS Config takes no rule where it has no recorder: --with-recorder makes one",
];

/**
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-orgs-activate-trusted-access.html
 * https://docs.aws.amazon.com/config/latest/developerguide/conformance-pack-organization-apis.html
 */
const listOrganizationNotes = ({ format, withRecorder, partition }: ExportOptions): readonly string[] => [
  "deploy it in the management account, in one region only; a StackSet does not reach the management account itself",
  "StackSets need trusted access: aws cloudformation activate-organizations-access",
  "conformance packs need it too: aws organizations enable-aws-service-access --service-principal config-multiaccountsetup.amazonaws.com",
  "the rules come to every account that is not excluded, and AWS Config takes none where it has no recorder",
  withRecorder
    ? "an account has one AWS Config recorder for each region: where accounts have one already, leave --with-recorder out"
    : "--with-recorder makes one in each account of the organizational units",
  ...(withRecorder && format === "json"
    ? [
        "CreateStackInstances returns before it is done: wait for its operation before the call that follows (aws cloudformation list-stack-set-operations --stack-set-name require-mfa)",
      ]
    : []),
  ...(partition === "aws-cn"
    ? [
        "in China, StackSets have had no trusted access to organizations so far: export without --organization, and deploy that in each account",
      ]
    : []),
];
