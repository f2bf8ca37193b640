// The AWS managed policies that are here: those that administrators meet and whose documents are short. Each is as on its
// page of AWS's reference, https://docs.aws.amazon.com/aws-managed-policy/latest/reference/NAME.html, in its default
// version. ReadOnlyAccess, SecurityAudit and ViewOnlyAccess have hundreds of actions that change every month; they are not
// here.
import { type ManagedPolicy, readModeledPolicy } from "./policies.ts";

interface AwsManagedPolicy {
  /** Undefined where the page was only read in another language. */
  readonly description?: string;
  /** The version that is the default, such as `v3`. */
  readonly version: string;
  readonly created: string;
  readonly edited: string;
  readonly statements: readonly object[];
}

const allow = (actions: readonly string[], resource: string | readonly string[] = "*") => ({
  ...{ Effect: "Allow", Action: actions, Resource: resource },
});

const awsManagedPolicies: Readonly<Record<string, AwsManagedPolicy>> = {
  // https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AdministratorAccess.html
  AdministratorAccess: {
    description: "Provides full access to AWS services and resources.",
    ...{ version: "v1", created: "2015-02-06T18:39Z", edited: "2015-02-06T18:39Z" },
    statements: [{ Effect: "Allow", Action: "*", Resource: "*" }],
  },
  // https://docs.aws.amazon.com/aws-managed-policy/latest/reference/PowerUserAccess.html
  PowerUserAccess: {
    description:
      "Provides full access to AWS services and resources, but does not allow management of Users and groups.",
    ...{ version: "v12", created: "2015-02-06T18:39Z", edited: "2026-02-12T17:59Z" },
    statements: [
      { Effect: "Allow", NotAction: ["iam:*", "organizations:*", "account:*"], Resource: "*" },
      allow([
        ...["account:GetAccountInformation", "account:GetGovCloudAccountInformation", "account:GetPrimaryEmail"],
        ...["account:ListRegions", "iam:CreateServiceLinkedRole", "iam:DeleteServiceLinkedRole", "iam:ListRoles"],
        ...["organizations:DescribeEffectivePolicy", "organizations:DescribeOrganization"],
      ]),
    ],
  },
  // https://docs.aws.amazon.com/aws-managed-policy/latest/reference/IAMFullAccess.html
  IAMFullAccess: {
    description: "Provides full access to IAM via the AWS Management Console.",
    ...{ version: "v2", created: "2015-02-06T18:40Z", edited: "2019-06-21T19:40Z" },
    statements: [
      allow([
        ...["iam:*", "organizations:DescribeAccount", "organizations:DescribeOrganization"],
        ...["organizations:DescribeOrganizationalUnit", "organizations:DescribePolicy", "organizations:ListChildren"],
        ...["organizations:ListParents", "organizations:ListPoliciesForTarget", "organizations:ListRoots"],
        ...["organizations:ListPolicies", "organizations:ListTargetsForPolicy"],
      ]),
    ],
  },
  // https://docs.aws.amazon.com/aws-managed-policy/latest/reference/IAMReadOnlyAccess.html
  IAMReadOnlyAccess: {
    description: "Provides read only access to IAM via the AWS Management Console.",
    ...{ version: "v4", created: "2015-02-06T18:40Z", edited: "2018-01-25T19:11Z" },
    statements: [
      allow([
        ...["iam:GenerateCredentialReport", "iam:GenerateServiceLastAccessedDetails", "iam:Get*", "iam:List*"],
        ...["iam:SimulateCustomPolicy", "iam:SimulatePrincipalPolicy"],
      ]),
    ],
  },
  // https://docs.aws.amazon.com/aws-managed-policy/latest/reference/IAMUserChangePassword.html
  IAMUserChangePassword: {
    description: "Provides the ability for an IAM user to change their own password.",
    ...{ version: "v3", created: "2016-11-15T00:25Z", edited: "2025-05-29T21:52Z" },
    statements: [
      allow(["iam:ChangePassword"], [`arn:aws:iam::*:user/\${aws:username}`, `arn:aws:iam::*:user/*/\${aws:username}`]),
      allow(["iam:GetAccountPasswordPolicy"]),
    ],
  },
  // https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonS3ReadOnlyAccess.html
  AmazonS3ReadOnlyAccess: {
    description: "Provides read only access to all buckets via the AWS Management Console.",
    ...{ version: "v3", created: "2015-02-06T18:40Z", edited: "2023-08-10T21:31Z" },
    statements: [allow(["s3:Get*", "s3:List*", "s3:Describe*", "s3-object-lambda:Get*", "s3-object-lambda:List*"])],
  },
  // https://docs.aws.amazon.com/aws-managed-policy/latest/reference/SignInLocalDevelopmentAccess.html
  SignInLocalDevelopmentAccess: {
    ...{ version: "v3", created: "2025-11-19T18:34Z", edited: "2026-02-12T17:59Z" },
    statements: [
      allow(["signin:AuthorizeOAuth2Access", "signin:CreateOAuth2Token"], "arn:aws:signin:*:*:oauth2/public-client/*"),
    ],
  },
};

/** Whether an ARN is that of an AWS managed policy, whether it is here or not. */
export const isAwsManaged = (arn: string): boolean => /^arn:[^:]*:iam::aws:policy\//.test(arn);

/**
 * Returns the AWS managed policies of a partition, of which each has only its default version. In partitions other than
 * `aws` their ARNs are adapted (inferred).
 *
 * @param makePolicyId creates an ID, `ANPA…`: AWS's are not on the pages
 */
export function makeAwsManagedPolicies(partition: string, makePolicyId: () => string): readonly ManagedPolicy[] {
  return Object.entries(awsManagedPolicies).map(([name, { description, version, created, edited, statements }]) => {
    const text = JSON.stringify({ Version: "2012-10-17", Statement: statements }, null, 2);
    const policy = readModeledPolicy(text.replaceAll("arn:aws:", `arn:${partition}:`));
    const [createdMs, updatedMs] = [Date.parse(created), Date.parse(edited)];
    return {
      ...{ name, arn: `arn:${partition}:iam::aws:policy/${name}`, id: makePolicyId(), path: "/", tags: {} },
      ...{ createdMs, updatedMs, ...(description === undefined ? {} : { description }) },
      ...{ versions: new Map([[version, { policy, createdMs: updatedMs }]]), defaultVersion: version },
      latestVersion: Number(version.slice(1)),
    };
  });
}
