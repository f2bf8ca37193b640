// What stands in each format. What the formats' own checkers say of it: test/long/policy-export.test.ts
import { describe, expect, test } from "vitest";
import {
  type ExportFormat,
  type ExportOptions,
  exportFormats,
  exportPolicies,
} from "../../../src/policy/export/export.ts";

const enforce = {
  Version: "2012-10-17",
  Statement: {
    Sid: "DenyAllWithoutMFA",
    Effect: "Deny",
    NotAction: ["iam:ListMFADevices", "sts:GetSessionToken"],
    Resource: "*",
    Condition: { BoolIfExists: { "aws:MultiFactorAuthPresent": "false" } },
  },
} as const;
const own = `arn:aws:iam::*:user/\${aws:username}`;
const selfManage = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "iam:EnableMFADevice", Resource: own }],
} as const;

const defaults: ExportOptions = {
  ...{ enforce, selfManage, format: "json", organization: false, partition: "aws", region: "eu-west-1" },
  ...{ withAllUsersRule: false, withRecorder: false },
};
const text = (options: Partial<ExportOptions> = {}): string => exportPolicies({ ...defaults, ...options }).text;
const notes = (options: Partial<ExportOptions> = {}) => exportPolicies({ ...defaults, ...options }).notes.join("\n");

interface Call {
  readonly service: string;
  readonly operation: string;
  readonly parameters: Readonly<Record<string, string>>;
}
const calls = (options: Partial<ExportOptions> = {}): readonly Call[] =>
  (JSON.parse(text(options)) as { calls: readonly Call[] }).calls;
const operations = (options: Partial<ExportOptions> = {}): readonly string[] =>
  calls(options).map(({ service, operation }) => `${service} ${operation}`);

interface Resource {
  readonly Type: string;
  readonly DependsOn?: string;
  readonly Properties: Readonly<Record<string, string>>;
}
const template = (options: Partial<ExportOptions> = {}): Readonly<Record<string, Resource>> =>
  (JSON.parse(text({ ...options, format: "cloudformation" })) as { Resources: Record<string, Resource> }).Resources;
const types = (resources: Readonly<Record<string, Resource>>): readonly string[] =>
  Object.values(resources).map(({ Type }) => Type);

describe.each(exportFormats)("%s", (format) => {
  const variants = [false, true].flatMap((organization) =>
    [false, true].map((withRecorder) => ({ format, organization, withRecorder })),
  );

  test("both policies, the group, and the rule that is always there", () => {
    for (const variant of variants) {
      for (const name of ["enforce-mfa-policy", "self-manage-mfa-policy", "RequireMFA"]) {
        expect(text(variant)).toContain(name);
      }
      expect(text(variant).match(/SourceIdentifier|source_identifier/g)).toHaveLength(1);
      expect(text(variant)).toContain("MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS");
      expect(text({ ...variant, withAllUsersRule: true })).toMatch(
        /MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS.*IAM_USER_MFA_ENABLED/s,
      );
    }
  });

  test("no ARN of another partition", () => {
    for (const partition of ["aws-cn", "aws-us-gov"]) {
      const [statement] = selfManage.Statement;
      const ours = { ...selfManage, Statement: [{ ...statement, Resource: own.replace("aws", partition) }] };
      for (const variant of variants) {
        const written = text({ ...variant, selfManage: ours, partition });
        expect(written).not.toContain("arn:aws:");
        expect(written).toContain(`arn:${partition}:`);
      }
    }
  });

  test("what has to be known first stands in it", () => {
    for (const variant of variants) {
      for (const note of exportPolicies({ ...defaults, ...variant }).notes) expect(text(variant)).toContain(note);
    }
  });
});

describe("json", () => {
  test("the calls, in the order in which they can be made", () => {
    const account = [
      ...["iam CreatePolicy", "iam CreatePolicy", "iam CreateGroup", "iam AttachGroupPolicy", "iam AttachGroupPolicy"],
      "config PutConfigRule",
    ];
    expect(operations()).toEqual(account);
    expect(operations({ withRecorder: true })).toEqual([
      ...account.slice(0, -1),
      ...["s3 CreateBucket", "s3 PutPublicAccessBlock", "s3 PutBucketPolicy"],
      ...["iam CreateRole", "iam AttachRolePolicy", "iam PutRolePolicy"],
      ...["config PutConfigurationRecorder", "config PutDeliveryChannel", "config StartConfigurationRecorder"],
      "config PutConfigRule",
    ]);
    expect(operations({ organization: true })).toEqual([
      ...["cloudformation CreateStackSet", "cloudformation CreateStackInstances"],
      "config PutOrganizationConformancePack",
    ]);
  });

  test("policies are strings, as the API takes them", () => {
    const [first, second] = calls();
    expect(JSON.parse(first?.parameters.PolicyDocument ?? "")).toEqual(selfManage);
    expect(JSON.parse(second?.parameters.PolicyDocument ?? "")).toEqual(enforce);
  });

  test("what is attached is what was made", () => {
    const made = calls().flatMap(({ parameters: { PolicyName } }) => PolicyName ?? []);
    const attached = calls().flatMap(({ parameters: { PolicyArn } }) => PolicyArn ?? []);
    expect(attached).toEqual(made.map((name) => `arn:aws:iam::ACCOUNT_ID:policy/${name}`));
  });

  test("every placeholder is explained, and no other word looks like one", () => {
    for (const variant of [{}, { withRecorder: true }, { organization: true }]) {
      const { placeholders } = JSON.parse(text(variant)) as { placeholders: object };
      const words = new Set(JSON.stringify(calls(variant)).match(/[A-Z]+(_[A-Z]+)*_ID/g));
      expect([...words]).toEqual(Object.keys(placeholders));
    }
  });

  test("a bucket's location is left out where S3 refuses it", () => {
    expect(text({ withRecorder: true })).toContain('"LocationConstraint": "eu-west-1"');
    expect(text({ withRecorder: true, region: "us-east-1" })).not.toContain("LocationConstraint");
  });
});

/** https://docs.aws.amazon.com/config/latest/APIReference/API_PutConfigurationRecorder.html changes one of that name. */
test.each(exportFormats)("%s: a recorder that is there already is not changed", (format) => {
  expect(text({ format, withRecorder: true })).not.toContain('"default"');
});

describe("cloudformation", () => {
  test("the group has both policies, and the documents stand as they are", () => {
    const { RequireMfaGroup, SelfManageMfaPolicy, EnforceMfaPolicy } = template();
    expect(RequireMfaGroup?.Properties.ManagedPolicyArns).toEqual([
      { Ref: "SelfManageMfaPolicy" },
      { Ref: "EnforceMfaPolicy" },
    ]);
    expect(SelfManageMfaPolicy?.Properties.PolicyDocument).toEqual(selfManage);
    expect(EnforceMfaPolicy?.Properties.PolicyDocument).toEqual(enforce);
  });

  test("CloudFormation replaces nothing in a policy", () => {
    for (const organization of [false, true]) {
      expect(text({ format: "cloudformation", organization, withRecorder: true })).not.toContain("Fn::Sub");
    }
  });

  test("the rule waits for a recorder that is made with it, and recorder and channel not for each other", () => {
    expect(types(template())).not.toContain("AWS::Config::ConfigurationRecorder");
    const { ConsoleUsersHaveMfa, ConfigRecorder, ConfigDeliveryChannel } = template({ withRecorder: true });
    expect(ConsoleUsersHaveMfa?.DependsOn).toBe("ConfigRecorder");
    expect([ConfigRecorder?.DependsOn, ConfigDeliveryChannel?.DependsOn]).toEqual([
      "ConfigBucketPolicy",
      "ConfigBucketPolicy",
    ]);
    expect(ConfigRecorder?.Properties.RecordingGroup).toMatchObject({ ResourceTypes: ["AWS::IAM::User"] });
  });
});

describe("an organization", () => {
  const stackSetIn = (options: Partial<ExportOptions> = {}): string =>
    template({ ...options, organization: true }).RequireMfaStackSet?.Properties.TemplateBody ?? "";

  test("accounts get what one account gets, without the rules: they come with the conformance pack", () => {
    for (const withRecorder of [false, true]) {
      const { Resources } = JSON.parse(stackSetIn({ withRecorder })) as { Resources: Record<string, Resource> };
      const { ConsoleUsersHaveMfa, ...rest } = template({ withRecorder });
      expect(ConsoleUsersHaveMfa).toBeDefined();
      expect(Resources).toEqual(rest);
    }
  });

  test("the conformance pack is the same in every format, and comes after the recorders", () => {
    const yaml = `Resources:
  ConsoleUsersHaveMfa:
    Type: "AWS::Config::ConfigRule"
    Properties:
      ConfigRuleName: "mfa-enabled-for-iam-console-access"
      Description: "Users with a console password have an MFA device"
      Source:
        Owner: "AWS"
        SourceIdentifier: "MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS"
`;
    const { RequireMfaConformancePack: pack } = template({ organization: true });
    expect(pack?.Properties.TemplateBody).toBe(yaml);
    expect(pack?.DependsOn).toBe("RequireMfaStackSet");
    expect(calls({ organization: true }).at(-1)?.parameters.TemplateBody).toBe(yaml);
    expect(text({ format: "terraform", organization: true })).toContain(`<<EOT\n${yaml}EOT\n`);
  });

  test("it is deployed in one region, to organizational units that are asked for", () => {
    expect(template({ organization: true }).RequireMfaStackSet?.Properties).toMatchObject({
      PermissionModel: "SERVICE_MANAGED",
      StackInstancesGroup: [
        {
          DeploymentTargets: { OrganizationalUnitIds: { Ref: "OrganizationalUnitIds" } },
          Regions: [{ Ref: "AWS::Region" }],
        },
      ],
    });
    expect(calls({ organization: true })[1]?.parameters).toMatchObject({ Regions: ["eu-west-1"] });
  });

  /** https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStackSet.html */
  test("the template of the StackSet is not longer than AWS takes it", () => {
    expect(Buffer.byteLength(stackSetIn({ withRecorder: true }))).toBeLessThan(51_200);
  });
});

test.each<[Partial<ExportOptions>, RegExp, RegExp | undefined]>([
  [{}, /no recorder: --with-recorder makes one/, /organization/],
  [{ withRecorder: true }, /one AWS Config recorder for each region/, /makes one/],
  [{ withAllUsersRule: true }, /not there in every region; us-east-1/, undefined],
  [{ withAllUsersRule: true, partition: "aws-cn" }, /not there in every region$/m, /us-east-1/],
  [{ organization: true }, /does not reach the management account/, /wait for|China/],
  [{ organization: true, withRecorder: true, format: "json" }, /wait for its operation/, undefined],
  [{ organization: true, partition: "aws-cn" }, /in China.*: export without --organization/, undefined],
  [{ organization: true }, /enable-aws-service-access/, undefined],
  [{ organization: true, format: "cloudformation" }, /enable-aws-service-access/, undefined],
])("what has to be known first of %o", (options, holds, without) => {
  expect(notes(options)).toMatch(holds);
  if (without) expect(notes(options)).not.toMatch(without);
});

test("Terraform and IAM do not take each other's variables", () => {
  const format: ExportFormat = "terraform";
  expect(text({ format })).toContain(`"arn:aws:iam::*:user/$\${aws:username}"`);
  expect(text({ format })).not.toMatch(/[^$]\$\{aws:/);
  expect(text({ format, withRecorder: true })).toContain(`"\${aws_s3_bucket.config.arn}"`);
});

/** What cannot be seen at a glance to be missing: what waits for what, what stays, whose calls a bucket takes. */
test.each(exportFormats.flatMap((format) => [false, true].map((organization) => ({ format, organization }))))(
  "as a whole, with all options: $format, organization $organization",
  async ({ format, organization }) => {
    const ending = format === "terraform" ? "tf" : "json";
    const file = `./snapshots/${format}-${organization ? "organization" : "account"}.${ending}`;
    await expect(text({ format, organization, withRecorder: true, withAllUsersRule: true })).toMatchFileSnapshot(file);
  },
);
