// The enforcement of MFA as code: for scripts, CloudFormation or Terraform; in one account or in an organization.
import { accountCalls, organizationCalls } from "./calls.ts";
import { accountTemplate } from "./cloudformation.ts";
import { organizationFor, organizationTemplate } from "./organization.ts";
import { resourcesFor, type Wanted } from "./resources.ts";
import { accountModule, organizationModule } from "./terraform.ts";

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
  const { format, organization, partition, region } = options;
  const resources = resourcesFor(options);
  const notes = notesOn(options);
  const forOrganization = organization ? organizationFor(resources) : undefined;
  switch (format) {
    case "json":
      return {
        notes,
        text: pretty(
          forOrganization
            ? organizationCalls(forOrganization, region, notes)
            : accountCalls(resources, partition, region, notes),
        ),
      };
    case "cloudformation":
      return {
        notes,
        text: pretty(
          forOrganization ? organizationTemplate(forOrganization, notes) : accountTemplate(resources, notes),
        ),
      };
    case "terraform":
      return {
        notes,
        text: forOrganization ? organizationModule(forOrganization, notes) : accountModule(resources, notes),
      };
  }
}

const pretty = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** In the form of hints: a line each, lower case, without a full stop. */
function notesOn({ organization, withAllUsersRule, withRecorder, partition }: ExportOptions): readonly string[] {
  return [
    "the group RequireMFA has no members: nobody is denied anything until users are put into it",
    organization
      ? "it is for the management account, which a StackSet itself never reaches: give that one an export of its own"
      : "deploy it in one region only: IAM is global, and each region would evaluate the rules of all users",
    ...(organization
      ? [
          "StackSets need trusted access first: aws cloudformation activate-organizations-access",
          "the conformance pack needs all features of the organization and reaches every account that is not excluded",
        ]
      : []),
    withRecorder
      ? "an account can have only one AWS Config recorder in a region: where there is one, leave --with-recorder out"
      : `AWS Config takes no rule ${organization ? "in an account" : "in a region"} without a recorder; --with-recorder makes one`,
    ...(withAllUsersRule ? ["not every region has the rule IAM_USER_MFA_ENABLED; us-east-1 and eu-west-1 do"] : []),
    ...(organization && partition === "aws-cn"
      ? ["in China regions StackSets have no trusted access to organizations: export it for each account instead"]
      : []),
  ];
}
