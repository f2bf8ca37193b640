# MFA enforcement for IAM users, by fob policy export
# - the group RequireMFA has no members at first: it denies nothing until you add users
# - deploy it in the management account, in one region only; a StackSet does not cover the management account itself
# - StackSets need trusted access: aws cloudformation activate-organizations-access
# - conformance packs need trusted access too: aws organizations enable-aws-service-access --service-principal config-multiaccountsetup.amazonaws.com
# - every account that is not excluded gets the rules, and AWS Config rules need a configuration recorder
# - an account has one AWS Config recorder per region: if accounts already have one, omit --with-recorder
# - IAM_USER_MFA_ENABLED is not available in every region; us-east-1 and eu-west-1 have it, for example

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "organizational_unit_ids" {
  type        = list(string)
  description = "The organizational units (ou-...) whose accounts get the policies and the group, or the root (r-...)"
}

variable "excluded_accounts" {
  type        = list(string)
  description = "Accounts that do not get the rules because they have no recorder; all other accounts of the organization do"
  default     = []
}

resource "aws_cloudformation_stack_set" "require_mfa" {
  name             = "require-mfa"
  description      = "MFA enforcement for IAM users, by fob policy export"
  permission_model = "SERVICE_MANAGED"
  capabilities     = ["CAPABILITY_NAMED_IAM"]

  auto_deployment {
    enabled                          = true
    retain_stacks_on_account_removal = true
  }

  lifecycle {
    ignore_changes = [administration_role_arn]
  }

  template_body = <<EOT
{
  "AWSTemplateFormatVersion": "2010-09-09",
  "Description": "MFA enforcement for IAM users, by fob policy export",
  "Resources": {
    "SelfManageMfaPolicy": {
      "Type": "AWS::IAM::ManagedPolicy",
      "Properties": {
        "ManagedPolicyName": "self-manage-mfa-policy",
        "Description": "Lets users set up and manage their own MFA devices",
        "PolicyDocument": {
          "Version": "2012-10-17",
          "Statement": [
            {
              "Effect": "Allow",
              "Action": "iam:EnableMFADevice",
              "Resource": "arn:aws:iam::*:user/$${aws:username}"
            }
          ]
        }
      }
    },
    "EnforceMfaPolicy": {
      "Type": "AWS::IAM::ManagedPolicy",
      "Properties": {
        "ManagedPolicyName": "enforce-mfa-policy",
        "Description": "Denies everything without MFA except what users need to set it up",
        "PolicyDocument": {
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
      }
    },
    "RequireMfaGroup": {
      "Type": "AWS::IAM::Group",
      "Properties": {
        "GroupName": "RequireMFA",
        "ManagedPolicyArns": [
          {
            "Ref": "SelfManageMfaPolicy"
          },
          {
            "Ref": "EnforceMfaPolicy"
          }
        ]
      }
    },
    "ConfigBucket": {
      "Type": "AWS::S3::Bucket",
      "DeletionPolicy": "Retain",
      "UpdateReplacePolicy": "Retain",
      "Properties": {
        "PublicAccessBlockConfiguration": {
          "BlockPublicAcls": true,
          "BlockPublicPolicy": true,
          "IgnorePublicAcls": true,
          "RestrictPublicBuckets": true
        }
      }
    },
    "ConfigBucketPolicy": {
      "Type": "AWS::S3::BucketPolicy",
      "Properties": {
        "Bucket": {
          "Ref": "ConfigBucket"
        },
        "PolicyDocument": {
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
              "Resource": {
                "Fn::GetAtt": [
                  "ConfigBucket",
                  "Arn"
                ]
              },
              "Condition": {
                "StringEquals": {
                  "aws:SourceAccount": {
                    "Ref": "AWS::AccountId"
                  }
                }
              }
            },
            {
              "Effect": "Allow",
              "Principal": {
                "Service": "config.amazonaws.com"
              },
              "Action": "s3:PutObject",
              "Resource": {
                "Fn::Join": [
                  "",
                  [
                    {
                      "Fn::GetAtt": [
                        "ConfigBucket",
                        "Arn"
                      ]
                    },
                    "/AWSLogs/",
                    {
                      "Ref": "AWS::AccountId"
                    },
                    "/Config/*"
                  ]
                ]
              },
              "Condition": {
                "StringEquals": {
                  "s3:x-amz-acl": "bucket-owner-full-control",
                  "aws:SourceAccount": {
                    "Ref": "AWS::AccountId"
                  }
                }
              }
            }
          ]
        }
      }
    },
    "ConfigRole": {
      "Type": "AWS::IAM::Role",
      "Properties": {
        "RoleName": "require-mfa-config-recorder",
        "AssumeRolePolicyDocument": {
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
                  "aws:SourceAccount": {
                    "Ref": "AWS::AccountId"
                  }
                }
              }
            }
          ]
        },
        "ManagedPolicyArns": [
          "arn:aws:iam::aws:policy/service-role/AWS_ConfigRole"
        ],
        "Policies": [
          {
            "PolicyName": "deliver",
            "PolicyDocument": {
              "Version": "2012-10-17",
              "Statement": [
                {
                  "Effect": "Allow",
                  "Action": "s3:GetBucketAcl",
                  "Resource": {
                    "Fn::GetAtt": [
                      "ConfigBucket",
                      "Arn"
                    ]
                  }
                },
                {
                  "Effect": "Allow",
                  "Action": "s3:PutObject",
                  "Resource": {
                    "Fn::Join": [
                      "",
                      [
                        {
                          "Fn::GetAtt": [
                            "ConfigBucket",
                            "Arn"
                          ]
                        },
                        "/AWSLogs/",
                        {
                          "Ref": "AWS::AccountId"
                        },
                        "/Config/*"
                      ]
                    ]
                  },
                  "Condition": {
                    "StringEquals": {
                      "s3:x-amz-acl": "bucket-owner-full-control"
                    }
                  }
                }
              ]
            }
          }
        ]
      }
    },
    "ConfigRecorder": {
      "Type": "AWS::Config::ConfigurationRecorder",
      "DependsOn": "ConfigBucketPolicy",
      "Properties": {
        "Name": "require-mfa",
        "RoleARN": {
          "Fn::GetAtt": [
            "ConfigRole",
            "Arn"
          ]
        },
        "RecordingGroup": {
          "AllSupported": false,
          "IncludeGlobalResourceTypes": false,
          "ResourceTypes": [
            "AWS::IAM::User"
          ]
        }
      }
    },
    "ConfigDeliveryChannel": {
      "Type": "AWS::Config::DeliveryChannel",
      "DependsOn": "ConfigBucketPolicy",
      "Properties": {
        "Name": "require-mfa",
        "S3BucketName": {
          "Ref": "ConfigBucket"
        }
      }
    }
  }
}
EOT
}

resource "aws_cloudformation_stack_set_instance" "require_mfa" {
  stack_set_name = aws_cloudformation_stack_set.require_mfa.name

  deployment_targets {
    organizational_unit_ids = var.organizational_unit_ids
  }
}

resource "aws_config_organization_conformance_pack" "require_mfa" {
  name              = "require-mfa"
  excluded_accounts = var.excluded_accounts
  depends_on        = [aws_cloudformation_stack_set_instance.require_mfa]

  template_body = <<EOT
Resources:
  ConsoleUsersHaveMfa:
    Type: "AWS::Config::ConfigRule"
    Properties:
      ConfigRuleName: "mfa-enabled-for-iam-console-access"
      Description: "Users with a console password have an MFA device"
      Source:
        Owner: "AWS"
        SourceIdentifier: "MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS"
  AllUsersHaveMfa:
    Type: "AWS::Config::ConfigRule"
    Properties:
      ConfigRuleName: "iam-user-mfa-enabled"
      Description: "Users have an MFA device, with or without a console password"
      Source:
        Owner: "AWS"
        SourceIdentifier: "IAM_USER_MFA_ENABLED"
EOT
}
