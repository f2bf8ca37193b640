#!/bin/sh
# MFA enforcement for IAM users, by fob policy export
# - the group RequireMFA has no members at first: it denies nothing until you add users
# - deploy it in one region only: IAM is global, so each further region would report the same users
# - an account has one AWS Config recorder per region: if it already has one, omit --with-recorder
# - IAM_USER_MFA_ENABLED is not available in every region; us-east-1 and eu-west-1 have it, for example
# - you can run this script again: it creates what is missing, and stops if a name is taken by something else
(
set -eu
export AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1 AWS_PAGER='' AWS_CLI_AUTO_PROMPT=off

self_manage_mfa_policy='{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "iam:EnableMFADevice",
      "Resource": "arn:aws:iam::*:user/${aws:username}"
    }
  ]
}'

enforce_mfa_policy='{
  "Version": "2012-10-17",
  "Statement": {
    "Sid": "DenyAllWithoutMFA",
    "Effect": "Deny",
    "NotAction": [
      "iam:ListMFADevices",
      "sts:GetSessionToken"
    ],
    "Resource": "*",
    "Condition": {
      "BoolIfExists": {
        "aws:MultiFactorAuthPresent": "false"
      }
    }
  }
}'

stop() {
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
    --query "AttachedPolicies[?PolicyName!='self-manage-mfa-policy' && PolicyName!='enforce-mfa-policy'].PolicyArn" --output text)
  inline=$(aws iam list-group-policies --group-name "$1" --query PolicyNames --output text)
  if [ -n "$others$inline" ]; then
    stop "stopped: the group $1 exists with other policies. To see them:" \
      "aws iam list-attached-group-policies --group-name $1" \
      "aws iam list-group-policies --group-name $1"
  fi
  attached=$(aws iam list-attached-group-policies --group-name "$1" \
    --query "to_string(length(AttachedPolicies[?PolicyName=='self-manage-mfa-policy' || PolicyName=='enforce-mfa-policy']))" --output json)
  members=$(aws iam get-group --group-name "$1" --query 'to_string(length(Users))' --output json)
  if [ "$members" != '"0"' ] && [ "$attached" != '"2"' ]; then
    stop "stopped: the group $1 has members and not all of the policies. Policies take effect on members at once. To see both:" \
      "aws iam get-group --group-name $1" \
      "aws iam list-attached-group-policies --group-name $1"
  fi
  echo "kept: $group"
}

# Stop before the first change if a policy or the group exists and is not the same.
identity=$(aws sts get-caller-identity --query Arn --output text)
echo "running as: $identity"
find_policy self-manage-mfa-policy "$self_manage_mfa_policy"
self_manage_mfa_policy_arn=$arn
find_policy enforce-mfa-policy "$enforce_mfa_policy"
enforce_mfa_policy_arn=$arn
find_group RequireMFA

if [ -z "$self_manage_mfa_policy_arn" ]; then
  self_manage_mfa_policy_arn=$(aws iam create-policy --policy-name self-manage-mfa-policy \
    --description 'Lets users set up and manage their own MFA devices' \
    --policy-document "$self_manage_mfa_policy" --query Policy.Arn --output text)
  echo "created: $self_manage_mfa_policy_arn"
fi

if [ -z "$enforce_mfa_policy_arn" ]; then
  enforce_mfa_policy_arn=$(aws iam create-policy --policy-name enforce-mfa-policy \
    --description 'Denies everything without MFA except what users need to set it up' \
    --policy-document "$enforce_mfa_policy" --query Policy.Arn --output text)
  echo "created: $enforce_mfa_policy_arn"
fi

if [ -z "$group" ]; then
  group=$(aws iam create-group --group-name RequireMFA --query Group.Arn --output text)
  echo "created: $group"
fi
aws iam attach-group-policy --group-name RequireMFA --policy-arn "$self_manage_mfa_policy_arn"
echo "attached: self-manage-mfa-policy"
aws iam attach-group-policy --group-name RequireMFA --policy-arn "$enforce_mfa_policy_arn"
echo "attached: enforce-mfa-policy"

found=$(aws configservice describe-config-rules \
  --query "ConfigRules[?ConfigRuleName=='mfa-enabled-for-iam-console-access'].[Source.SourceIdentifier]" --output text)
case $found in
  '')
    aws configservice put-config-rule --config-rule '{"ConfigRuleName":"mfa-enabled-for-iam-console-access","Description":"Users with a console password have an MFA device","Source":{"Owner":"AWS","SourceIdentifier":"MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS"}}' ||
      stop 'stopped: the policies and the group exist, the rule mfa-enabled-for-iam-console-access does not.' \
        'AWS Config rules need a configuration recorder in eu-west-1. To see if there is one:' \
        'aws configservice describe-configuration-recorders --region eu-west-1'
    echo 'created: the rule mfa-enabled-for-iam-console-access'
    ;;
  MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS) echo 'kept: the rule mfa-enabled-for-iam-console-access' ;;
  *)
    stop 'stopped: the rule mfa-enabled-for-iam-console-access exists and is another one. To see it:' \
      'aws configservice describe-config-rules --region eu-west-1 --config-rule-names mfa-enabled-for-iam-console-access'
    ;;
esac
found=$(aws configservice describe-config-rules \
  --query "ConfigRules[?ConfigRuleName=='iam-user-mfa-enabled'].[Source.SourceIdentifier]" --output text)
case $found in
  '')
    aws configservice put-config-rule --config-rule '{"ConfigRuleName":"iam-user-mfa-enabled","Description":"Users have an MFA device, with or without a console password","Source":{"Owner":"AWS","SourceIdentifier":"IAM_USER_MFA_ENABLED"}}' ||
      stop 'stopped: the policies and the group exist, the rule iam-user-mfa-enabled does not.' \
        'AWS Config rules need a configuration recorder in eu-west-1. To see if there is one:' \
        'aws configservice describe-configuration-recorders --region eu-west-1'
    echo 'created: the rule iam-user-mfa-enabled'
    ;;
  IAM_USER_MFA_ENABLED) echo 'kept: the rule iam-user-mfa-enabled' ;;
  *)
    stop 'stopped: the rule iam-user-mfa-enabled exists and is another one. To see it:' \
      'aws configservice describe-config-rules --region eu-west-1 --config-rule-names iam-user-mfa-enabled'
    ;;
esac
)
