// Tests the content of each format. test/long/policy-export.test.ts validates the formats with their own tools.
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

/** A script is for one account, without a recorder. */
const both = (format: ExportFormat): readonly boolean[] => (format === "sh" ? [false] : [false, true]);

describe.each(exportFormats)("%s", (format) => {
  const variants = both(format).flatMap((organization) =>
    both(format).map((withRecorder) => ({ format, organization, withRecorder })),
  );

  test("has both policies, the group and the default rule", () => {
    for (const variant of variants) {
      for (const name of ["enforce-mfa-policy", "self-manage-mfa-policy", "RequireMFA"]) {
        expect(text(variant)).toContain(name);
      }
      expect(text(variant).match(/"SourceIdentifier"|SourceIdentifier:|source_identifier/g)).toHaveLength(1);
      expect(text(variant)).toContain("MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS");
      expect(text({ ...variant, withAllUsersRule: true })).toMatch(
        /MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS.*IAM_USER_MFA_ENABLED/s,
      );
    }
  });

  test("has no ARN of another partition", () => {
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

  test("includes the notes", () => {
    for (const variant of variants) {
      for (const note of exportPolicies({ ...defaults, ...variant }).notes) expect(text(variant)).toContain(note);
    }
  });
});

describe("json", () => {
  test("lists the calls in a working order", () => {
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

  test("writes policies as strings, as the API requires", () => {
    const [first, second] = calls();
    expect(JSON.parse(first?.parameters.PolicyDocument ?? "")).toEqual(selfManage);
    expect(JSON.parse(second?.parameters.PolicyDocument ?? "")).toEqual(enforce);
  });

  test("attaches the policies that it creates", () => {
    const made = calls().flatMap(({ parameters: { PolicyName } }) => PolicyName ?? []);
    const attached = calls().flatMap(({ parameters: { PolicyArn } }) => PolicyArn ?? []);
    expect(attached).toEqual(made.map((name) => `arn:aws:iam::ACCOUNT_ID:policy/${name}`));
  });

  test("explains every placeholder, and no other word looks like one", () => {
    for (const variant of [{}, { withRecorder: true }, { organization: true }]) {
      const { placeholders } = JSON.parse(text(variant)) as { placeholders: object };
      const words = new Set(JSON.stringify(calls(variant)).match(/[A-Z]+(_[A-Z]+)*_ID/g));
      expect([...words]).toEqual(Object.keys(placeholders));
    }
  });

  test("omits the bucket's location for us-east-1, where S3 rejects it", () => {
    expect(text({ withRecorder: true })).toContain('"LocationConstraint": "eu-west-1"');
    expect(text({ withRecorder: true, region: "us-east-1" })).not.toContain("LocationConstraint");
  });
});

/** https://docs.aws.amazon.com/config/latest/APIReference/API_PutConfigurationRecorder.html changes a recorder with the same name. */
test.each(exportFormats)("%s: does not change an existing recorder", (format) => {
  expect(text({ format, withRecorder: true })).not.toContain('"default"');
});

describe("cloudformation", () => {
  test("attaches both policies to the group, and keeps the documents as they are", () => {
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

  test("the rule depends on the recorder; recorder and channel do not depend on each other", () => {
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

  test("accounts get the template of a single account without the rules, which are in the conformance pack", () => {
    for (const withRecorder of [false, true]) {
      const { Resources } = JSON.parse(stackSetIn({ withRecorder })) as { Resources: Record<string, Resource> };
      const { ConsoleUsersHaveMfa, ...rest } = template({ withRecorder });
      expect(ConsoleUsersHaveMfa).toBeDefined();
      expect(Resources).toEqual(rest);
    }
  });

  test("the conformance pack is the same in every format, and depends on the recorders", () => {
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

  test("deploys to one region, and to the given organizational units", () => {
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
  test("the StackSet's template is within AWS's size limit", () => {
    expect(Buffer.byteLength(stackSetIn({ withRecorder: true }))).toBeLessThan(51_200);
  });
});

test.each<[Partial<ExportOptions>, RegExp, RegExp | undefined]>([
  [{}, /--with-recorder adds one/, /organization/],
  [{ withRecorder: true }, /one AWS Config recorder per region/, /adds one/],
  [{ withAllUsersRule: true }, /not available in every region; us-east-1/, undefined],
  [{ withAllUsersRule: true, partition: "aws-cn" }, /not available in every region$/m, /us-east-1/],
  [{ organization: true }, /does not cover the management account/, /wait for|China/],
  [{ organization: true, withRecorder: true, format: "json" }, /wait for its operation/, undefined],
  [{ organization: true, partition: "aws-us-gov" }, /in one region only/, /not checked/],
  [{ organization: true, partition: "aws-iso" }, /not checked: whether AWS offers .* in aws-iso/, undefined],
  [{ format: "sh" }, /need a configuration recorder$/m, /--with-recorder/],
  [{ organization: true }, /enable-aws-service-access/, undefined],
  [{ organization: true, format: "cloudformation" }, /enable-aws-service-access/, undefined],
])("notes for %o", (options, holds, without) => {
  expect(notes(options)).toMatch(holds);
  if (without) expect(notes(options)).not.toMatch(without);
});

test("Terraform leaves IAM's variables alone", () => {
  const format: ExportFormat = "terraform";
  expect(text({ format })).toContain(`"arn:aws:iam::*:user/$\${aws:username}"`);
  expect(text({ format })).not.toMatch(/[^$]\$\{aws:/);
  expect(text({ format, withRecorder: true })).toContain(`"\${aws_s3_bucket.config.arn}"`);
});

/** Covers details such as dependencies, retained resources and bucket policies. */
test.each(exportFormats.flatMap((format) => both(format).map((organization) => ({ format, organization }))))(
  "matches the snapshot with all options: $format, organization $organization",
  async ({ format, organization }) => {
    const ending = { json: "json", cloudformation: "json", yaml: "yaml", terraform: "tf", sh: "sh" }[format];
    const file = `./snapshots/${format}-${organization ? "organization" : "account"}.${ending}`;
    await expect(text({ format, organization, withRecorder: true, withAllUsersRule: true })).toMatchFileSnapshot(file);
  },
);
