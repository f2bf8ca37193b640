// Drives every operation of the local AWS, with any client: its answers must be of the form that AWS's models give.
import type { Service } from "../../src/sandbox/errors.ts";
import { scenarios } from "../../src/sandbox/scenarios.ts";
import { type AccessKey, listOperations, type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { totp } from "../../src/sandbox/totp.ts";

type Input = Readonly<Record<string, unknown>>;

/** What the drivers read of answers. */
interface Output {
  readonly AccessKey?: { readonly AccessKeyId: string; readonly SecretAccessKey: string };
  readonly JobId?: string;
}

/** Sends one call; rejects if AWS's model or the local AWS refuses it. */
export type Send = (
  service: Service,
  operation: string,
  input: Input,
  access: { readonly url: string; readonly key: AccessKey; readonly region: string },
) => Promise<object>;

interface Driving {
  readonly sandbox: Sandbox;
  readonly account: string;
  /** Sends a call as the administrator, or with another key. */
  readonly ask: (operation: string, input?: Input, key?: AccessKey) => Promise<Output>;
}

/** Drives the operations of services, and returns those that were not driven: `iam:GetUser`. */
export async function driveSandbox(send: Send, services: readonly Service[]): Promise<readonly string[]> {
  const sandbox = await startSandbox({ fill: scenarios.team });
  try {
    const attached = ["arn:aws:iam::aws:policy/AdministratorAccess"];
    const { accessKey } = sandbox.addUser({ name: "admin", attached, tags: { team: "operations" } });
    const driven = new Set<string>();
    for (const service of services) {
      const ask: Driving["ask"] = async (operation, input = {}, key = accessKey) => {
        driven.add(`${service}:${operation}`);
        return await send(service, operation, input, {
          url: sandbox.url,
          key,
          region: regions[service] ?? "us-east-1",
        });
      };
      await drivers[service]({ sandbox, account: sandbox.account, ask });
    }
    const all = services.flatMap((service) => listOperations(service).map((operation) => `${service}:${operation}`));
    return all.filter((operation) => !driven.has(operation));
  } finally {
    await sandbox.close();
  }
}

/** Where the account of the scenario has them. AWS records sign-ins in us-east-1. */
const regions: Partial<Readonly<Record<Service, string>>> = {
  ...{ config: "eu-central-1", cloudtrail: "eu-central-1", logs: "eu-central-1", monitoring: "eu-central-1" },
};

const drivers: Readonly<Record<Service, (driving: Driving) => Promise<void>>> = {
  iam: async (driving) => {
    await drivePeople(driving);
    await drivePolicies(driving);
    await driveDevices(driving);
    await drivePasswords(driving);
    await driveReports(driving);
    await deleteAll(driving);
  },
  sts: async ({ sandbox, account, ask }) => {
    const trust = allow("sts:AssumeRole", { Principal: { AWS: account } });
    sandbox.addRole({
      name: "reader",
      trust: JSON.parse(trust.replace(',"Resource":"*"', "")),
      policies: [allow("s3:*")],
    });
    const Policy = allow("s3:*");
    await Promise.all([
      ask("GetCallerIdentity"),
      ask("GetSessionToken", { DurationSeconds: 900 }),
      ask("AssumeRole", { RoleArn: `arn:aws:iam::${account}:role/reader`, RoleSessionName: "work", Policy }),
      ask("GetFederationToken", { Name: "guest", Policy }),
      ask("GetAccessKeyInfo", { AccessKeyId: sandbox.rootAccessKey.accessKeyId }),
    ]);
  },
  s3: async ({ ask }) => {
    await ask("ListBuckets");
  },
  ...{ config: driveConfig, cloudtrail: driveTrails, logs: driveLogs, monitoring: driveAlarms },
  ...{ events: driveEvents, sns: driveTopics },
};

/** Returns the JSON of a policy. */
const allow = (Action: string, more: object = {}): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action, Resource: "*", ...more }] });

const [UserName, GroupName, PolicyName] = ["zoe", "testers", "everyday"];
const PermissionsBoundary = "arn:aws:iam::aws:policy/IAMFullAccess";
const Tags = [{ Key: "team", Value: "a" }];
const user = { UserName };
const group = { GroupName };
const policyOf = (account: string) => ({ PolicyArn: `arn:aws:iam::${account}:policy/eng/${PolicyName}` });

async function createKey(ask: Driving["ask"]): Promise<AccessKey> {
  const { AccessKeyId = "", SecretAccessKey = "" } = (await ask("CreateAccessKey", user)).AccessKey ?? {};
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey };
}

async function drivePeople({ ask }: Driving): Promise<void> {
  await ask("CreateUser", {
    ...user,
    Path: "/eng/",
    Tags,
    PermissionsBoundary,
  });
  await ask("CreateGroup", { ...group, Path: "/eng/" });
  await ask("AddUserToGroup", { ...group, ...user });
  const key = await createKey(ask);
  // Denied: the key has been used all the same.
  await ask("GetUser", {}, key).catch(() => undefined);
  await Promise.all([
    ...["GetUser", "ListUserTags", "ListGroupsForUser", "ListAccessKeys"].map((name) => ask(name, user)),
    ...[ask("ListUsers"), ask("ListGroups"), ask("GetGroup", group)],
    ask("GetAccessKeyLastUsed", { AccessKeyId: key.accessKeyId }),
  ]);
  await ask("TagUser", { ...user, Tags: [{ Key: "cost", Value: "" }] });
  await ask("UntagUser", { ...user, TagKeys: ["cost"] });
  await ask("UpdateAccessKey", { ...user, AccessKeyId: key.accessKeyId, Status: "Inactive" });
  await ask("DeleteAccessKey", { ...user, AccessKeyId: key.accessKeyId });
}

async function drivePolicies({ sandbox, account, ask }: Driving): Promise<void> {
  const policy = policyOf(account);
  const PolicyDocument = allow("s3:*", { Condition: { Bool: { "aws:MultiFactorAuthPresent": "true" } } });
  await ask("CreatePolicy", { PolicyName, PolicyDocument, Path: "/eng/", Description: "everyday work", Tags });
  await ask("CreatePolicyVersion", { ...policy, PolicyDocument: allow("ec2:*") });
  await ask("SetDefaultPolicyVersion", { ...policy, VersionId: "v2" });
  const trust = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal: "*", Action: "sts:AssumeRole" }] };
  const attached = [policy.PolicyArn];
  sandbox.addRole({ name: "worker", trust, policies: [allow("s3:*")], tags: { team: "a" } });
  sandbox.addGroup({ name: "readers", attached });
  await Promise.all(
    [
      { kind: "User", owner: user },
      { kind: "Group", owner: group },
    ].map(async ({ kind, owner }) => {
      const inline = { ...owner, PolicyName: "inline" };
      await ask(`Attach${kind}Policy`, { ...owner, ...policy });
      await ask(`Put${kind}Policy`, { ...inline, PolicyDocument });
      await Promise.all([
        ask(`ListAttached${kind}Policies`, owner),
        ask(`List${kind}Policies`, owner),
        ask(`Get${kind}Policy`, inline),
      ]);
    }),
  );
  await ask("PutUserPermissionsBoundary", { ...user, PermissionsBoundary });
  await ask("TagPolicy", { ...policy, Tags: [{ Key: "cost", Value: "1" }] });
  await ask("TagRole", { RoleName: "worker", Tags: [{ Key: "cost", Value: "1" }] });
  await Promise.all([
    ...[ask("GetPolicy", policy), ask("GetPolicyVersion", { ...policy, VersionId: "v1" }), ask("ListPolicies")],
    ...[ask("ListPolicyVersions", policy), ask("ListPolicyTags", policy), ask("ListRoleTags", { RoleName: "worker" })],
    ask("ListEntitiesForPolicy", policy),
  ]);
  await ask("UntagPolicy", { ...policy, TagKeys: ["cost"] });
  await ask("UntagRole", { RoleName: "worker", TagKeys: ["cost"] });
  await ask("DeletePolicyVersion", { ...policy, VersionId: "v1" });
}

async function driveDevices({ sandbox, account, ask }: Driving): Promise<void> {
  const device = { SerialNumber: `arn:aws:iam::${account}:mfa/zoe-phone` };
  await ask("CreateVirtualMFADevice", { VirtualMFADeviceName: "zoe-phone", Tags });
  await ask("ListVirtualMFADevices", { AssignmentStatus: "Unassigned" });
  const [seed = ""] =
    sandbox.secrets().findLast(([text, kind]) => kind === "device seed" && /^[A-Z2-7]+$/.test(text)) ?? [];
  const codes = (stepsAhead: number) => {
    const [first, second] = [0, 1].map((step) => totp(seed, Date.now() + (stepsAhead + step) * 30_000));
    return { ...user, ...device, AuthenticationCode1: first, AuthenticationCode2: second };
  };
  await ask("EnableMFADevice", codes(0));
  await ask("ResyncMFADevice", codes(10));
  const key = sandbox.addFidoDevice(UserName).serialNumber;
  await ask("TagMFADevice", { ...device, Tags: [{ Key: "cost", Value: "1" }] });
  await Promise.all([
    ...[ask("ListMFADevices", user), ask("ListVirtualMFADevices"), ask("ListMFADeviceTags", device)],
    ask("GetMFADevice", { ...user, SerialNumber: key }),
  ]);
  await ask("UntagMFADevice", { ...device, TagKeys: ["cost"] });
  await ask("DeactivateMFADevice", { ...user, ...device });
  await ask("DeactivateMFADevice", { ...user, SerialNumber: key });
  await ask("DeleteVirtualMFADevice", device);
}

async function drivePasswords({ ask }: Driving): Promise<void> {
  await ask("UpdateAccountPasswordPolicy", {
    ...{ MinimumPasswordLength: 12, RequireNumbers: true, MaxPasswordAge: 90, AllowUsersToChangePassword: true },
  });
  const [first, second] = ["Correct-horse-9", "Battery-staple-8"];
  await ask("CreateLoginProfile", { ...user, Password: first, PasswordResetRequired: true });
  await ask("GetLoginProfile", user);
  await ask("UpdateLoginProfile", { ...user, Password: second });
  const key = await createKey(ask);
  await ask("ChangePassword", { OldPassword: second, NewPassword: first }, key);
  await ask("GetAccountPasswordPolicy");
  await ask("DeleteAccessKey", { ...user, AccessKeyId: key.accessKeyId });
}

async function driveReports({ sandbox, account, ask }: Driving): Promise<void> {
  await ask("CreateAccountAlias", { AccountAlias: "example-team" });
  await ask("GenerateCredentialReport");
  const Arn = policyOf(account).PolicyArn;
  const { JobId } = await ask("GenerateServiceLastAccessedDetails", { Arn });
  const used = await ask("GenerateServiceLastAccessedDetails", { Arn: `arn:aws:iam::${account}:user/admin` });
  sandbox.setClock(() => Date.now() + 2000);
  const condition = { Condition: { StringEquals: { "aws:PrincipalTag/team": "a" } } };
  const simulation = {
    ...{
      ActionNames: ["s3:GetObject", "ec2:RunInstances"],
      PolicyInputList: [allow("s3:*"), allow("ec2:*", condition)],
    },
    ResourceArns: ["arn:aws:s3:::bucket/a", "arn:aws:s3:::bucket/b"],
    PermissionsBoundaryPolicyInputList: [allow("s3:*")],
    ContextEntries: [{ ContextKeyName: "aws:username", ContextKeyType: "string", ContextKeyValues: ["ben"] }],
  };
  await Promise.all([
    ...[ask("GetAccountSummary"), ask("GetAccountAuthorizationDetails"), ask("ListAccountAliases")],
    ...[ask("GetCredentialReport"), ask("SimulateCustomPolicy", { ...simulation, MaxItems: 1 })],
    ask("SimulatePrincipalPolicy", { ...simulation, PolicySourceArn: `arn:aws:iam::${account}:user/eng/${UserName}` }),
  ]);
  await Promise.all([
    ask("GetServiceLastAccessedDetails", { JobId }),
    ask("GetServiceLastAccessedDetails", { JobId: used.JobId }),
    ask("GetServiceLastAccessedDetailsWithEntities", { JobId: used.JobId, ServiceNamespace: "iam" }),
  ]);
}

async function deleteAll({ account, ask }: Driving): Promise<void> {
  const policy = policyOf(account);
  await ask("UpdateUser", { ...user, NewPath: "/moved/" });
  await ask("DeleteLoginProfile", user);
  await ask("DeleteUserPermissionsBoundary", user);
  await ask("DeleteAccountPasswordPolicy");
  await ask("DeleteAccountAlias", { AccountAlias: "example-team" });
  await ask("RemoveUserFromGroup", { ...group, ...user });
  await Promise.all(
    [
      { kind: "User", owner: user },
      { kind: "Group", owner: group },
    ].map(async ({ kind, owner }) => {
      await ask(`Detach${kind}Policy`, { ...owner, ...policy });
      await ask(`Delete${kind}Policy`, { ...owner, PolicyName: "inline" });
    }),
  );
  await ask("DetachGroupPolicy", { GroupName: "readers", ...policy });
  await Promise.all([ask("DeleteUser", user), ask("DeleteGroup", group), ask("DeletePolicy", policy)]);
}

async function driveConfig({ ask }: Driving): Promise<void> {
  const ConfigRuleName = "users-have-mfa";
  await ask("PutConfigRule", {
    ConfigRule: { ConfigRuleName, Source: { Owner: "AWS", SourceIdentifier: "IAM_USER_MFA_ENABLED" } },
  });
  await ask("StartConfigRulesEvaluation", { ConfigRuleNames: [ConfigRuleName] });
  await Promise.all([
    ...[ask("DescribeComplianceByConfigRule"), ask("DescribeConfigRuleEvaluationStatus"), ask("DescribeConfigRules")],
    ask("GetComplianceDetailsByConfigRule", { ConfigRuleName }),
    ...[ask("DescribeConfigurationRecorderStatus"), ask("DescribeConfigurationRecorders")],
  ]);
}

async function driveTrails({ ask }: Driving): Promise<void> {
  const trail = "management-events";
  await ask("LookupEvents");
  await Promise.all([
    ...[ask("DescribeTrails"), ask("GetTrailStatus", { Name: trail })],
    ...[ask("GetEventSelectors", { TrailName: trail }), ask("LookupEvents")],
  ]);
}

const metric = { metricName: "sign-ins", metricNamespace: "security" };

async function driveLogs({ ask }: Driving): Promise<void> {
  await ask("PutMetricFilter", {
    ...{ logGroupName: "management-events", filterName: "sign-ins", filterPattern: "{ $.eventName = ConsoleLogin }" },
    metricTransformations: [{ ...metric, metricValue: "1" }],
  });
  await Promise.all([ask("DescribeLogGroups"), ask("DescribeMetricFilters")]);
}

async function driveAlarms({ account, ask }: Driving): Promise<void> {
  const { metricName: MetricName, metricNamespace: Namespace } = metric;
  await ask("PutMetricAlarm", {
    ...{ AlarmName: "sign-ins", MetricName, Namespace, Statistic: "Sum", Period: 300, EvaluationPeriods: 1 },
    ...{ Threshold: 1, ComparisonOperator: "GreaterThanOrEqualToThreshold" },
    AlarmActions: [`arn:aws:sns:eu-central-1:${account}:alarms`],
  });
  await Promise.all([ask("DescribeAlarms"), ask("DescribeAlarmsForMetric", { MetricName, Namespace })]);
}

async function driveEvents({ account, ask }: Driving): Promise<void> {
  const rule = { Rule: "sign-ins" };
  await ask("PutRule", { Name: rule.Rule, EventPattern: JSON.stringify({ source: ["aws.signin"] }) });
  await ask("PutTargets", { ...rule, Targets: [{ Id: "email", Arn: topicOf(account) }] });
  await Promise.all([ask("DescribeRule", { Name: rule.Rule }), ask("ListRules"), ask("ListTargetsByRule", rule)]);
}

const topicOf = (account: string): string => `arn:aws:sns:us-east-1:${account}:break-glass-sign-in`;

async function driveTopics({ account, ask }: Driving): Promise<void> {
  await ask("ListSubscriptionsByTopic", { TopicArn: topicOf(account) });
}
