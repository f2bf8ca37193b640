// `fob policy export`: the policies, their group and the AWS Config rules, as code for other tools to deploy.
import { getDefaultRegion, isInPartition, isRegion } from "../../../aws/partitions.ts";
import { exitCodes, UsageError } from "../../../errors.ts";
import { enforceMfaPolicy, selfManagePolicy } from "../../../policy/enforcement.ts";
import { type ExportFormat, exportFormats, exportPolicies } from "../../../policy/export/export.ts";
import { quote } from "../../../text.ts";
import { defineCommand, regionOption } from "../../command.ts";
import type { Context } from "../../context.ts";
import { parsePolicyOptions, policyOptions } from "./options.ts";

const formatList = "json, cloudformation or terraform";

export const policyExportCommand = defineCommand({
  name: "policy export",
  description:
    "Prints enforce-mfa-policy, self-manage-mfa-policy, the group RequireMFA with both attached, and the AWS Config rule " +
    "that finds users without MFA: as AWS API calls (json), a CloudFormation template or a Terraform module. " +
    "Sends nothing to AWS. The calls are for one region: --region, else AWS_REGION, else the partition's default region.",
  options: {
    format: { value: "format", text: `${formatList} (default: json)`, choices: exportFormats },
    organization: { text: "cover all accounts of an organization, with a StackSet and a conformance pack" },
    withRecorder: { text: "add a configuration recorder for IAM users; AWS Config rules need one" },
    withAllUsersRule: { text: "add the rule IAM_USER_MFA_ENABLED: users without a console password need MFA too" },
    withAccessKeys: { text: "let users with MFA manage their own access keys in self-manage-mfa-policy" },
    ...policyOptions,
    ...regionOption,
  },
  examples: [
    "fob policy export --format cloudformation > require-mfa.json",
    "aws cloudformation deploy --stack-name require-mfa --template-file require-mfa.json --capabilities CAPABILITY_NAMED_IAM",
    "fob policy export --format terraform --with-recorder > require-mfa.tf",
    "fob policy export --format cloudformation --organization > require-mfa-organization.json",
    "fob policy export | jq --raw-output '.calls[] | .service + \" \" + .operation'",
  ],
  run(_, options, context) {
    const variant = parsePolicyOptions(options);
    const format = parseFormat(options.format);
    if (options.region !== undefined && format !== "json") {
      throw new UsageError(
        `--region cannot be used with --format ${format}`,
        "leave it out, and deploy the output in one region",
      );
    }
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

/** @throws UsageError */
function parseFormat(name = "json"): ExportFormat {
  const format = exportFormats.find((known) => known === name);
  if (format !== undefined) return format;
  throw new UsageError(
    `unknown format ${quote(name)}: expected ${formatList}`,
    "for example: fob policy export --format terraform",
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
