// `fob policy export`: the policies, their group and the AWS Config rules, as code for other tools to deploy.
import { getDefaultRegion, isInPartition, isRegion } from "../../../aws/partitions.ts";
import { exitCodes, UsageError } from "../../../errors.ts";
import { findNearest } from "../../../nearest.ts";
import { enforceMfaPolicy, selfManagePolicy } from "../../../policy/enforcement.ts";
import { type ExportFormat, exportFormats, exportPolicies } from "../../../policy/export/export.ts";
import { quote } from "../../../text.ts";
import { formatCommand } from "../../../typed-command.ts";
import { defineCommand, type OptionSpecs, regionOption, type Values } from "../../command.ts";
import type { Context } from "../../context.ts";
import { parsePolicyOptions, policyOptions } from "./options.ts";

const formatList = "json, cloudformation, yaml, terraform or sh";

const exportOptions = {
  format: { value: "format", text: `${formatList} (default: json)`, choices: exportFormats },
  organization: { text: "cover all accounts of an organization, with a StackSet and a conformance pack" },
  withRecorder: { text: "add a configuration recorder for IAM users; AWS Config rules need one" },
  withAllUsersRule: { text: "add the rule IAM_USER_MFA_ENABLED: users without a console password need MFA too" },
  withAccessKeys: { text: "let users with MFA manage their own access keys in self-manage-mfa-policy" },
  ...policyOptions,
  ...regionOption,
} as const satisfies OptionSpecs;

export const policyExportCommand = defineCommand({
  name: "policy export",
  description:
    "Prints enforce-mfa-policy, self-manage-mfa-policy, the group RequireMFA with both attached, and the AWS Config rule " +
    "that finds users without MFA: as AWS API calls (json), a CloudFormation template in JSON (cloudformation) or YAML (yaml), " +
    "a Terraform module, or a shell script of aws commands (sh), which is safe to run again. Sends nothing to AWS. API calls and scripts are for one region: --region, " +
    "else AWS_REGION, else the partition's default region.",
  options: exportOptions,
  examples: [
    "fob policy export --format cloudformation > require-mfa.json",
    "aws cloudformation deploy --stack-name require-mfa --template-file require-mfa.json --capabilities CAPABILITY_NAMED_IAM",
    "fob policy export --format terraform --with-recorder > require-mfa.tf",
    "fob policy export --format sh > require-mfa.sh",
    "fob policy export --format cloudformation --organization > require-mfa-organization.json",
    "fob policy export | jq --raw-output '.calls[] | .service + \" \" + .operation'",
  ],
  run(_, options, context) {
    const variant = parsePolicyOptions(options);
    const format = parseFormat(options.format, context);
    if (options.region !== undefined && format !== "json" && format !== "sh") {
      throw new UsageError(
        `--region cannot be used with --format ${format}`,
        "leave it out, and deploy the output in one region",
      );
    }
    refuseImpossible(format, options, context);
    const { text, notes } = exportPolicies({
      format,
      organization: options.organization === true,
      withRecorder: options.withRecorder === true,
      withAllUsersRule: options.withAllUsersRule === true,
      partition: variant.partition,
      region: chooseRegion(options.region, variant.partition, context),
      enforce: enforceMfaPolicy(variant),
      selfManage: selfManagePolicy({ partition: variant.partition, accessKeys: options.withAccessKeys === true }),
    });
    context.stdout.write(text);
    for (const note of notes) context.say.hint(note);
    return Promise.resolve(exitCodes.done);
  },
});

/** What people call the formats, beside their names. */
const otherNames: Readonly<Record<string, ExportFormat>> = {
  cfn: "cloudformation",
  yml: "yaml",
  tf: "terraform",
  hcl: "terraform",
  shell: "sh",
  bash: "sh",
};

/** @throws UsageError */
function parseFormat(given = "json", { typed }: Context): ExportFormat {
  const name = given.toLowerCase();
  const format = exportFormats.find((known) => known === name) ?? otherNames[name];
  if (format !== undefined) return format;
  const meant = findNearest(name, [...exportFormats, ...Object.keys(otherNames)]);
  throw new UsageError(
    `unknown format ${quote(given)}: expected ${formatList}`,
    meant === undefined
      ? "for example: fob policy export --format terraform"
      : `did you mean: ${formatCommand(typed, { set: { format: otherNames[meant] ?? meant } })}`,
  );
}

/**
 * In China, StackSets have no trusted access to organizations.
 * https://docs.amazonaws.cn/en_us/AWSCloudFormation/latest/UserGuide/stacksets-prereqs.html
 *
 * @throws UsageError
 */
function refuseImpossible(
  format: ExportFormat,
  { organization = false, withRecorder = false, partition }: Values<typeof exportOptions>,
  { typed }: Context,
): void {
  if (organization && partition === "aws-cn") {
    throw new UsageError(
      "--organization cannot be used with --partition aws-cn: in China, StackSets have no trusted access to organizations",
      `deploy this in each account: ${formatCommand(typed, { without: ["organization"] })}`,
    );
  }
  const flag = organization ? "--organization" : withRecorder ? "--with-recorder" : undefined;
  if (format !== "sh" || flag === undefined) return;
  throw new UsageError(
    `${flag} cannot be used with --format sh`,
    `use another format: ${formatCommand(typed, { set: { format: "cloudformation" } })}`,
  );
}

/** A region from the environment that is in another partition is ignored. @throws UsageError if --region is in another partition */
function chooseRegion(given: string | undefined, partition: string, { env }: Context): string {
  const first = getDefaultRegion(partition) ?? "us-east-1";
  const fits = (region: string): boolean => isRegion(region) && isInPartition(region, partition);
  if (given === undefined)
    return [env.AWS_REGION, env.AWS_DEFAULT_REGION].find((region) => region && fits(region)) ?? first;
  if (fits(given)) return given;
  throw new UsageError(
    `${quote(given)} (from --region) is not a region of the ${partition} partition`,
    `choose a region of that partition, such as --region ${first}, or another --partition`,
  );
}
