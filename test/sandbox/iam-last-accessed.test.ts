// Service-last-accessed reports of the local AWS, with the SDK for JavaScript.
import type { IAM } from "@aws-sdk/client-iam";
import { ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import { STS } from "@aws-sdk/client-sts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type AccessKey, type Sandbox, type SandboxUser, startSandbox } from "../../src/sandbox/server.ts";
import { allow, iamAs, now, refusal } from "./iam-client.ts";

let sandbox: Sandbox;
let admin: SandboxUser;
let ben: SandboxUser;
let asAdmin: IAM;
let clock: number;
beforeEach(async () => {
  vi.stubEnv("AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED", "true");
  clock = now;
  sandbox = await startSandbox({ now: () => clock });
  admin = sandbox.addUser({ name: "admin", policies: [allow("iam:*")] });
  sandbox.addGroup({ name: "developers", policies: [allow(["s3:ListAllMyBuckets", "ec2:Describe*"])] });
  ben = sandbox.addUser({ name: "ben", groups: ["developers"], policies: [allow("iam:GetUser")] });
  asAdmin = iamAs(sandbox, admin.accessKey);
});
afterEach(() => sandbox.close());

const settings = (credentials: AccessKey, region = "eu-central-1") => ({
  ...{ credentials, endpoint: sandbox.url, region, maxAttempts: 1, systemClockOffset: now - Date.now() },
});
const listBuckets = (credentials: AccessKey, region?: string) =>
  new S3Client(settings(credentials, region)).send(new ListBucketsCommand({}));

/** Starts a job, lets it end, and returns its ID. */
async function finishJob(Arn: string, client = asAdmin): Promise<string> {
  const { JobId = "" } = await client.generateServiceLastAccessedDetails({ Arn });
  clock += 2000;
  return JobId;
}

async function listServices(Arn: string): Promise<string[]> {
  const report = await asAdmin.getServiceLastAccessedDetails({ JobId: await finishJob(Arn) });
  return (report.ServicesLastAccessed ?? []).map(
    ({ ServiceNamespace, TotalAuthenticatedEntities }) => `${ServiceNamespace} ${TotalAuthenticatedEntities}`,
  );
}

test("a job takes a second, and then has the services that a user may access, with the latest access", async () => {
  await listBuckets(ben.accessKey);
  const { JobId = "" } = await asAdmin.generateServiceLastAccessedDetails({ Arn: ben.arn });
  const running = await asAdmin.getServiceLastAccessedDetails({ JobId });
  expect(running).toMatchObject({ JobStatus: "IN_PROGRESS", JobCreationDate: new Date(now), IsTruncated: false });
  expect([running.JobType, running.JobCompletionDate, running.ServicesLastAccessed]).toEqual([
    ...[undefined, undefined, undefined],
  ]);
  clock += 1000;
  expect(await asAdmin.getServiceLastAccessedDetails({ JobId })).toMatchObject({
    ...{
      JobStatus: "COMPLETED",
      JobType: "SERVICE_LEVEL",
      JobCompletionDate: new Date(now + 1000),
      IsTruncated: false,
    },
    ServicesLastAccessed: [
      { ServiceName: "Amazon EC2", ServiceNamespace: "ec2", TotalAuthenticatedEntities: 0 },
      { ServiceName: "AWS Identity and Access Management", ServiceNamespace: "iam", TotalAuthenticatedEntities: 0 },
      {
        ...{ ServiceName: "Amazon S3", ServiceNamespace: "s3", TotalAuthenticatedEntities: 1 },
        ...{ LastAuthenticated: new Date(now), LastAuthenticatedEntity: ben.arn },
        LastAuthenticatedRegion: "eu-central-1",
      },
    ],
  });
});

test("denied requests count, in the region of the latest one", async () => {
  expect(await refusal(iamAs(sandbox, ben.accessKey).listUsers({}))).toContain("AccessDenied");
  expect(await listServices(ben.arn)).toEqual(["ec2 0", "iam 1", "s3 0"]);
});

test("requests of more than 400 days ago do not count", async () => {
  await listBuckets(ben.accessKey);
  const days = 86_400_000;
  const client = (ms: number): IAM => {
    clock = ms;
    asAdmin.config.systemClockOffset = ms - Date.now();
    return asAdmin;
  };
  const count = async (ms: number) => {
    const { JobId = "" } = await client(ms).generateServiceLastAccessedDetails({ Arn: ben.arn });
    const report = await client(ms + 1000).getServiceLastAccessedDetails({ JobId });
    return report.ServicesLastAccessed?.at(-1)?.TotalAuthenticatedEntities;
  };
  expect(await count(now + 399 * days)).toBe(1);
  expect(await count(now + 400 * days)).toBe(0);
});

test("a group's report has its members, a policy's who has it, a role's the sessions of the role", async () => {
  const { arn } = sandbox.addManagedPolicy("buckets", allow("s3:*"));
  sandbox.addGroup({ name: "readers", attached: [arn] });
  const cleo = sandbox.addUser({ name: "cleo", groups: ["developers", "readers"] });
  sandbox.addUser({ name: "dan", attached: [arn] });
  const trust = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal: "*", Action: "sts:AssumeRole" }] };
  const role = sandbox.addRole({ name: "reader", trust, policies: [allow("s3:ListAllMyBuckets")] });
  const { Credentials: session } = await new STS(settings(cleo.accessKey)).assumeRole({
    ...{ RoleArn: role.arn, RoleSessionName: "session" },
  });
  const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "" } = session ?? {};
  const asRole = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
  await listBuckets(asRole);
  expect(await listServices(role.arn)).toEqual(["s3 1"]);
  await listBuckets(ben.accessKey);
  await listBuckets(cleo.accessKey, "us-west-2");
  const usedMs = clock;
  expect(await listServices("arn:aws:iam::123456789012:group/developers")).toEqual(["ec2 0", "s3 2"]);
  expect(await listServices(arn)).toEqual(["s3 1"]);
  const JobId = await finishJob(arn);
  const entities = async () => {
    const report = await asAdmin.getServiceLastAccessedDetailsWithEntities({ JobId, ServiceNamespace: "s3" });
    return (report.EntityDetailsList ?? []).map(
      ({ EntityInfo, LastAuthenticated }) => `${EntityInfo?.Type} ${EntityInfo?.Name} ${LastAuthenticated?.getTime()}`,
    );
  };
  expect(await entities()).toEqual([`USER cleo ${usedMs}`, "USER dan undefined"]);
  await asAdmin.detachUserPolicy({ UserName: "dan", PolicyArn: arn });
  await asAdmin.listAccessKeys({ UserName: "dan" }).then(async ({ AccessKeyMetadata = [] }) => {
    for (const { AccessKeyId: id } of AccessKeyMetadata)
      await asAdmin.deleteAccessKey({ UserName: "dan", AccessKeyId: id });
  });
  await asAdmin.deleteUser({ UserName: "dan" });
  expect(await entities()).toEqual([`USER cleo ${usedMs}`]);
});

test.each<[string, unknown, string[]]>([
  ["any service may be named", allow("glue:GetTable"), ["glue"]],
  [
    "a deny of all actions on all resources takes a service away",
    {
      Version: "2012-10-17",
      Statement: [...allow(["s3:GetObject", "sqs:SendMessage"]).Statement, deny({ Action: "s3:*" })],
    },
    ["sqs"],
  ],
  [
    "a deny of other actions, with a condition or on some resources does not",
    {
      Version: "2012-10-17",
      Statement: [
        ...allow(["s3:GetObject", "sqs:SendMessage", "ec2:RunInstances"]).Statement,
        deny({ Action: "s3:PutObject" }),
        deny({ Action: "sqs:*", Condition: { Bool: { "aws:MultiFactorAuthPresent": "false" } } }),
        deny({ Action: "ec2:*", Resource: "arn:aws:ec2:*:*:instance/i-1" }),
      ],
    },
    ["ec2", "s3", "sqs"],
  ],
  [
    "a deny of all but some actions leaves those",
    { Version: "2012-10-17", Statement: [...allow(["s3:*", "iam:*"]).Statement, deny({ NotAction: "iam:Get*" })] },
    ["iam"],
  ],
])("%s", async (_, policy, expected) => {
  const user = sandbox.addUser({ name: "zoe", policies: [policy] });
  const found = (await listServices(user.arn)).map((line) => line.split(" ")[0]);
  expect(found).toEqual(expected);
});

test("all services are those that administrators meet, less those of NotAction", async () => {
  const everything = sandbox.addUser({ name: "zoe", policies: [allow("*")] });
  const all = await listServices(everything.arn);
  expect(all).toEqual(expect.arrayContaining(["ec2 0", "iam 0", "s3 0", "sts 0"]));
  const Statement = [{ Effect: "Allow", NotAction: ["iam:*", "s3:Get*"], Resource: "*" }];
  const some = sandbox.addUser({ name: "yan", policies: [{ Version: "2012-10-17", Statement }] });
  expect(await listServices(some.arn)).toEqual(all.filter((line) => line !== "iam 0"));
});

function deny(more: object) {
  return { Effect: "Deny", Resource: "*", ...more };
}

test("a report does not change with the policies, and comes in pages", async () => {
  const JobId = await finishJob(ben.arn);
  await asAdmin.deleteUserPolicy({ UserName: "ben", PolicyName: "policy-1" });
  const first = await asAdmin.getServiceLastAccessedDetails({ JobId, MaxItems: 2 });
  const { Marker } = first;
  const second = await asAdmin.getServiceLastAccessedDetails({ JobId, MaxItems: 2, ...(Marker ? { Marker } : {}) });
  const names = [first, second].map(({ ServicesLastAccessed: all }) => all?.map((one) => one.ServiceNamespace));
  expect([names, first.IsTruncated, second.IsTruncated]).toEqual([[["ec2", "iam"], ["s3"]], true, false]);
});

test("a job is its caller's: a user's keys share it, and other users do not see it", async () => {
  const JobId = await finishJob(ben.arn);
  const { AccessKey: other } = await asAdmin.createAccessKey({ UserName: "admin" });
  const sameUser = { accessKeyId: other?.AccessKeyId ?? "", secretAccessKey: other?.SecretAccessKey ?? "" };
  expect(await refusal(iamAs(sandbox, sameUser).getServiceLastAccessedDetails({ JobId }))).toBe("accepted");
  const colleague = sandbox.addUser({ name: "colleague", policies: [allow("iam:*")] });
  const asColleague = iamAs(sandbox, colleague.accessKey);
  const missing = (id: string) => `NoSuchEntity 404: Job ${id} does not exist.`;
  expect(await refusal(asColleague.getServiceLastAccessedDetails({ JobId }))).toBe(missing(JobId));
  const id = "00000000-0000-0000-0000-000000000000";
  expect(await refusal(asAdmin.getServiceLastAccessedDetails({ JobId: id }))).toBe(missing(id));
  const call = { JobId: id, ServiceNamespace: "s3" };
  expect(await refusal(asAdmin.getServiceLastAccessedDetailsWithEntities(call))).toBe(missing(id));
});

test.each<[string, string]>([
  [
    "arn:aws:iam::123456789012:root",
    "InvalidInput 400: Invalid Entity Arn: arn:aws:iam::123456789012:root is not supported.",
  ],
  ["arn:aws:s3::123456789012:user/ben", "ValidationError 400: Invalid service in ARN"],
  ["arn:aws-cn:iam::123456789012:user/ben", "ValidationError 400: Invalid ARN partition"],
  ["arn:aws:iam::999999999999:user/ben", "AccessDenied 403: The resource must belong to this account."],
  ["arn:aws:iam::123456789012:role/zoe", "NoSuchEntity 404: The role with name zoe cannot be found."],
  [
    "arn:aws:iam::123456789012:policy/none",
    "NoSuchEntity 404: Policy arn:aws:iam::123456789012:policy/none was not found.",
  ],
])("the report about %s is refused", async (Arn, expected) => {
  expect(await refusal(asAdmin.generateServiceLastAccessedDetails({ Arn }))).toBe(expected);
});

test("details of actions are not modeled, and other callers need permissions", async () => {
  const call = { Arn: ben.arn, Granularity: "ACTION_LEVEL" as const };
  expect(await refusal(asAdmin.generateServiceLastAccessedDetails(call))).toContain(
    "NotImplemented 501: This local AWS does not model last accessed details of actions",
  );
  const asBen = iamAs(sandbox, ben.accessKey);
  expect(await refusal(asBen.generateServiceLastAccessedDetails({ Arn: ben.arn }))).toContain(
    `AccessDenied 403: User: ${ben.arn} is not authorized to perform: iam:GenerateServiceLastAccessedDetails on resource: ${ben.arn}`,
  );
});
