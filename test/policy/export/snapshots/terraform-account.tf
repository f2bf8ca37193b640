# MFA enforcement for IAM users, by fob policy export
# - the group RequireMFA has no members at first: it denies nothing until you add users
# - deploy it in one region only: IAM is global, so each further region would report the same users
# - an account has one AWS Config recorder per region: if it already has one, omit --with-recorder
# - IAM_USER_MFA_ENABLED is not available in every region; us-east-1 and eu-west-1 have it, for example

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

resource "aws_iam_policy" "self_manage_mfa_policy" {
  name        = "self-manage-mfa-policy"
  description = "Lets users set up and manage their own MFA devices"

  policy = <<EOT
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "iam:EnableMFADevice",
      "Resource": "arn:aws:iam::*:user/$${aws:username}"
    }
  ]
}
EOT
}

resource "aws_iam_policy" "enforce_mfa_policy" {
  name        = "enforce-mfa-policy"
  description = "Denies everything without MFA except what users need to set it up"

  policy = <<EOT
{
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
}
EOT
}

resource "aws_iam_group" "require_mfa_group" {
  name = "RequireMFA"
}

resource "aws_iam_group_policy_attachment" "self_manage_mfa_policy" {
  group      = aws_iam_group.require_mfa_group.name
  policy_arn = aws_iam_policy.self_manage_mfa_policy.arn
}

resource "aws_iam_group_policy_attachment" "enforce_mfa_policy" {
  group      = aws_iam_group.require_mfa_group.name
  policy_arn = aws_iam_policy.enforce_mfa_policy.arn
}

data "aws_caller_identity" "current" {}

resource "aws_s3_bucket" "config" {
  bucket_prefix = "config-"
}

resource "aws_s3_bucket_public_access_block" "config" {
  bucket                  = aws_s3_bucket.config.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "config" {
  bucket = aws_s3_bucket.config.id

  policy = <<EOT
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {
        "Service": "config.amazonaws.com"
      },
      "Action": [
        "s3:GetBucketAcl",
        "s3:ListBucket"
      ],
      "Resource": "${aws_s3_bucket.config.arn}",
      "Condition": {
        "StringEquals": {
          "aws:SourceAccount": "${data.aws_caller_identity.current.account_id}"
        }
      }
    },
    {
      "Effect": "Allow",
      "Principal": {
        "Service": "config.amazonaws.com"
      },
      "Action": "s3:PutObject",
      "Resource": "${aws_s3_bucket.config.arn}/AWSLogs/${data.aws_caller_identity.current.account_id}/Config/*",
      "Condition": {
        "StringEquals": {
          "s3:x-amz-acl": "bucket-owner-full-control",
          "aws:SourceAccount": "${data.aws_caller_identity.current.account_id}"
        }
      }
    }
  ]
}
EOT
}

resource "aws_iam_role" "config" {
  name = "require-mfa-config-recorder"

  assume_role_policy = <<EOT
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {
        "Service": "config.amazonaws.com"
      },
      "Action": "sts:AssumeRole",
      "Condition": {
        "StringEquals": {
          "aws:SourceAccount": "${data.aws_caller_identity.current.account_id}"
        }
      }
    }
  ]
}
EOT
}

resource "aws_iam_role_policy_attachment" "config" {
  role       = aws_iam_role.config.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWS_ConfigRole"
}

resource "aws_iam_role_policy" "config" {
  name = "deliver"
  role = aws_iam_role.config.name

  policy = <<EOT
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "s3:GetBucketAcl",
      "Resource": "${aws_s3_bucket.config.arn}"
    },
    {
      "Effect": "Allow",
      "Action": "s3:PutObject",
      "Resource": "${aws_s3_bucket.config.arn}/AWSLogs/${data.aws_caller_identity.current.account_id}/Config/*",
      "Condition": {
        "StringEquals": {
          "s3:x-amz-acl": "bucket-owner-full-control"
        }
      }
    }
  ]
}
EOT
}

resource "aws_config_configuration_recorder" "config" {
  name     = "require-mfa"
  role_arn = aws_iam_role.config.arn

  recording_group {
    all_supported                 = false
    include_global_resource_types = false
    resource_types                = ["AWS::IAM::User"]
  }
}

resource "aws_config_delivery_channel" "config" {
  name           = aws_config_configuration_recorder.config.name
  s3_bucket_name = aws_s3_bucket.config.id
  depends_on     = [aws_iam_role_policy.config, aws_iam_role_policy_attachment.config, aws_s3_bucket_policy.config]
}

resource "aws_config_configuration_recorder_status" "config" {
  name       = aws_config_configuration_recorder.config.name
  is_enabled = true
  depends_on = [aws_config_delivery_channel.config]
}

resource "aws_config_config_rule" "console_users_have_mfa" {
  name        = "mfa-enabled-for-iam-console-access"
  description = "Users with a console password have an MFA device"
  depends_on  = [aws_config_configuration_recorder_status.config]

  source {
    owner             = "AWS"
    source_identifier = "MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS"
  }
}

resource "aws_config_config_rule" "all_users_have_mfa" {
  name        = "iam-user-mfa-enabled"
  description = "Users have an MFA device, with or without a console password"
  depends_on  = [aws_config_configuration_recorder_status.config]

  source {
    owner             = "AWS"
    source_identifier = "IAM_USER_MFA_ENABLED"
  }
}
