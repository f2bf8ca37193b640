// Writes a POSIX shell script of `aws` commands that deploys everything in one account.
import { formatAsciiJson, formatJson, quoteShellLiteral } from "../../text.ts";
import { buildRuleParameters } from "./cloudformation.ts";
import type { ConfigRule, Resources } from "./resources.ts";

type ManagedPolicy = Resources["policies"][number];

/**
 * Formats a script that creates what is missing and keeps what is equal. It looks at the policies and the group before it
 * changes anything, and stops with exit code 1 if something else has one of their names.
 *
 * - The `aws` command compares the documents: for `==` in JMESPath neither the order of keys nor white space matters.
 * - Names are looked up in lists: a command for one name fails if it does not exist, as it fails for other reasons.
 * - Counts are strings: older versions of the `aws` command print nothing for 0 and `false`.
 * - A group with members only gets a policy attached by hand, because that takes effect on the members at once.
 * - Version 1 of the `aws` command does not read AWS_REGION. The region tells it the partition too.
 * - The parentheses keep the shell open that the script is pasted into.
 *
 * https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-filter.html
 * https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-envvars.html
 */
export function formatAccountScript(
  { policies, group, rules }: Pick<Resources, "policies" | "group" | "rules">,
  region: string,
  notes: readonly string[],
): string {
  const head = [
    "MFA enforcement for IAM users, by fob policy export",
    ...notes.map((note) => `- ${note}`),
    "- you can run this script again: it creates what is missing, and stops if a name is taken by something else",
  ];
  return [
    "#!/bin/sh",
    ...head.map((line) => `# ${line}`),
    "(",
    "set -eu",
    `export AWS_REGION=${region} AWS_DEFAULT_REGION=${region} AWS_PAGER='' AWS_CLI_AUTO_PROMPT=off`,
    "",
    ...policies.map((policy) => `${variableOf(policy)}=${quoteShellLiteral(formatJson(policy.document).trimEnd())}\n`),
    formatChecks(policies.map(({ name }) => name)),
    "# Stop before the first change if a policy or the group exists and is not the same.",
    "identity=$(aws sts get-caller-identity --query Arn --output text)",
    'echo "running as: $identity"',
    ...policies.flatMap((policy) => [
      `find_policy ${policy.name} "$${variableOf(policy)}"`,
      `${variableOf(policy)}_arn=$arn`,
    ]),
    `find_group ${group.name}`,
    "",
    ...policies.map(formatCreation),
    'if [ -z "$group" ]; then',
    `  group=$(aws iam create-group --group-name ${group.name} --query Group.Arn --output text)`,
    '  echo "created: $group"',
    "fi",
    ...policies.flatMap((policy) => [
      `aws iam attach-group-policy --group-name ${group.name} --policy-arn "$${variableOf(policy)}_arn"`,
      `echo "attached: ${policy.name}"`,
    ]),
    "",
    rules.map((rule) => formatRule(rule, region)).join("\n"),
    ")",
    "",
  ].join("\n");
}

const variableOf = ({ name }: ManagedPolicy): string => name.replaceAll("-", "_");

/** The functions set `arn` and `group`, which are empty if it does not exist. The documents contain no backticks. */
function formatChecks(names: readonly string[]): string {
  const isOurs = names.map((name) => `PolicyName=='${name}'`).join(" || ");
  const isOther = names.map((name) => `PolicyName!='${name}'`).join(" && ");
  return String.raw`stop() {
  printf '%s\n' "$@" >&2
  exit 1
}

find_policy() { # NAME DOCUMENT
  arn=$(aws iam list-policies --scope Local --query "Policies[?PolicyName=='$1'].Arn" --output text)
  if [ -z "$arn" ]; then return; fi
  version=$(aws iam get-policy --policy-arn "$arn" --query Policy.DefaultVersionId --output text)
  equal=$(aws iam get-policy-version --policy-arn "$arn" --version-id "$version" \
    --query "PolicyVersion.Document == \`$2\`" --output json)
  if [ "$equal" != true ]; then
    stop "stopped: the policy $1 exists with another document. To see it:" \
      "aws iam get-policy-version --policy-arn $arn --version-id $version --query PolicyVersion.Document --output json"
  fi
  echo "kept: $arn"
}

find_group() { # NAME
  group=$(aws iam list-groups --query "Groups[?GroupName=='$1'].Arn" --output text)
  if [ -z "$group" ]; then return; fi
  others=$(aws iam list-attached-group-policies --group-name "$1" \
    --query "AttachedPolicies[?${isOther}].PolicyArn" --output text)
  inline=$(aws iam list-group-policies --group-name "$1" --query PolicyNames --output text)
  if [ -n "$others$inline" ]; then
    stop "stopped: the group $1 exists with other policies. To see them:" \
      "aws iam list-attached-group-policies --group-name $1" \
      "aws iam list-group-policies --group-name $1"
  fi
  attached=$(aws iam list-attached-group-policies --group-name "$1" \
    --query "to_string(length(AttachedPolicies[?${isOurs}]))" --output json)
  members=$(aws iam get-group --group-name "$1" --query 'to_string(length(Users))' --output json)
  if [ "$members" != '"0"' ] && [ "$attached" != '"${names.length}"' ]; then
    stop "stopped: the group $1 has members and not all of the policies. Policies take effect on members at once. To see both:" \
      "aws iam get-group --group-name $1" \
      "aws iam list-attached-group-policies --group-name $1"
  fi
  echo "kept: $group"
}
`;
}

function formatCreation(policy: ManagedPolicy): string {
  const variable = variableOf(policy);
  return `if [ -z "$${variable}_arn" ]; then
  ${variable}_arn=$(aws iam create-policy --policy-name ${policy.name} \\
    --description ${quoteShellLiteral(policy.description)} \\
    --policy-document "$${variable}" --query Policy.Arn --output text)
  echo "created: $${variable}_arn"
fi
`;
}

/** A rule that has the name already may be of another kind: changing it would end what it checks. */
function formatRule(rule: ConfigRule, region: string): string {
  const { name, identifier } = rule;
  const parameters = quoteShellLiteral(formatAsciiJson(buildRuleParameters(rule)));
  return `found=$(aws configservice describe-config-rules \\
  --query "ConfigRules[?ConfigRuleName=='${name}'].[Source.SourceIdentifier]" --output text)
case $found in
  '')
    aws configservice put-config-rule --config-rule ${parameters} ||
      stop 'stopped: the policies and the group exist, the rule ${name} does not.' \\
        'AWS Config rules need a configuration recorder in ${region}. To see if there is one:' \\
        'aws configservice describe-configuration-recorders --region ${region}'
    echo 'created: the rule ${name}'
    ;;
  ${identifier}) echo 'kept: the rule ${name}' ;;
  *)
    stop 'stopped: the rule ${name} exists and is another one. To see it:' \\
      'aws configservice describe-config-rules --region ${region} --config-rule-names ${name}'
    ;;
esac`;
}
