// AWS managed policies in the local AWS, with the SDK for JavaScript.
import type { IAM } from "@aws-sdk/client-iam";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { allow, iamAs, now, refusal } from "./iam-client.ts";

const arnOf = (name: string): string => `arn:aws:iam::aws:policy/${name}`;

let sandbox: Sandbox;
let root: IAM;
beforeEach(async () => {
  sandbox = await startSandbox({ now: () => now });
  root = iamAs(sandbox, sandbox.rootAccessKey);
});
afterEach(() => sandbox.close());

const documentOf = async (name: string, VersionId: string) => {
  const { PolicyVersion: version } = await root.getPolicyVersion({ PolicyArn: arnOf(name), VersionId });
  return JSON.parse(decodeURIComponent(version?.Document ?? "")) as { Statement: { Action?: string[] }[] };
};

test("a policy is attached, decides, and is detached", async () => {
  const ben = sandbox.addUser({ name: "ben" });
  const asBen = iamAs(sandbox, ben.accessKey);
  const call = { UserName: "ben", PolicyArn: arnOf("IAMReadOnlyAccess") };
  expect(await refusal(asBen.listUsers({}))).toMatch(/^AccessDenied/);
  await root.attachUserPolicy(call);
  expect(await refusal(asBen.listUsers({}))).toBe("accepted");
  expect(await refusal(asBen.createUser({ UserName: "zoe" }))).toMatch(/^AccessDenied/);
  expect((await root.listAttachedUserPolicies({ UserName: "ben" })).AttachedPolicies).toEqual([
    { PolicyName: "IAMReadOnlyAccess", PolicyArn: arnOf("IAMReadOnlyAccess") },
  ]);
  await root.detachUserPolicy(call);
  expect(await refusal(asBen.listUsers({}))).toMatch(/^AccessDenied/);
  await root.createGroup({ GroupName: "admins" });
  await root.attachGroupPolicy({ GroupName: "admins", PolicyArn: arnOf("AdministratorAccess") });
  await root.addUserToGroup({ GroupName: "admins", UserName: "ben" });
  expect(await refusal(asBen.createUser({ UserName: "zoe" }))).toBe("accepted");
});

test("a boundary may be one of them", async () => {
  await root.createUser({ UserName: "ben", PermissionsBoundary: arnOf("AmazonS3ReadOnlyAccess") });
  const { EvaluationResults: results } = await root.simulatePrincipalPolicy({
    PolicySourceArn: "arn:aws:iam::123456789012:user/ben",
    PolicyInputList: [JSON.stringify(allow("*"))],
    ActionNames: ["s3:GetObject", "iam:ListUsers"],
  });
  expect(results?.map(({ EvalDecision }) => EvalDecision)).toEqual(["allowed", "implicitDeny"]);
});

test("users with IAMUserChangePassword change their own password", async () => {
  sandbox.addUser({ name: "ben", path: "/eng/", attached: [arnOf("IAMUserChangePassword")] });
  const simulate = (user: string) =>
    root
      .simulatePrincipalPolicy({
        ...{ PolicySourceArn: "arn:aws:iam::123456789012:user/ben", ActionNames: ["iam:ChangePassword"] },
        ResourceArns: [`arn:aws:iam::123456789012:user/${user}`],
      })
      .then(({ EvaluationResults: [result] = [] }) => result?.EvalDecision);
  expect(await Promise.all(["eng/ben", "ben", "eng/cleo"].map(simulate))).toEqual([
    ...["allowed", "allowed", "implicitDeny"],
  ]);
});

test("they are described as AWS does", async () => {
  const { Policy: policy } = await root.getPolicy({ PolicyArn: arnOf("PowerUserAccess") });
  expect(policy).toMatchObject({
    ...{ PolicyName: "PowerUserAccess", Arn: arnOf("PowerUserAccess"), Path: "/", DefaultVersionId: "v12" },
    ...{ AttachmentCount: 0, PermissionsBoundaryUsageCount: 0, IsAttachable: true },
    ...{ CreateDate: new Date("2015-02-06T18:39:00Z"), UpdateDate: new Date("2026-02-12T17:59:00Z") },
    Description:
      "Provides full access to AWS services and resources, but does not allow management of Users and groups.",
  });
  expect((await documentOf("AdministratorAccess", "v1")).Statement).toEqual([
    { Effect: "Allow", Action: "*", Resource: "*" },
  ]);
  expect((await documentOf("IAMFullAccess", "v2")).Statement[0]?.Action).toHaveLength(11);
  const call = { PolicyArn: arnOf("PowerUserAccess"), VersionId: "v11" };
  expect(await refusal(root.getPolicyVersion(call))).toMatch(/^NoSuchEntity/);
});

test("they are listed by scope and by use", async () => {
  sandbox.addManagedPolicy("own", allow("s3:*"));
  const list = async (input: Parameters<IAM["listPolicies"]>[0]) =>
    (await root.listPolicies(input)).Policies?.map(({ PolicyName }) => PolicyName);
  expect(await list({ Scope: "Local" })).toEqual(["own"]);
  const all = await list({});
  expect(await list({ Scope: "AWS" })).toEqual(all?.filter((name) => name !== "own"));
  expect(all).toContain("AdministratorAccess");
  expect(await list({ Scope: "All", OnlyAttached: true })).toEqual([]);
  sandbox.addUser({ name: "ben", attached: [arnOf("AdministratorAccess")] });
  expect(await list({ OnlyAttached: true })).toEqual(["AdministratorAccess"]);
});

test("an account's details have those in use", async () => {
  sandbox.addManagedPolicy("own", allow("s3:*"));
  sandbox.addUser({ name: "ben", attached: [arnOf("IAMFullAccess")] });
  const details = async (...Filter: ("AWSManagedPolicy" | "LocalManagedPolicy")[]) =>
    (await root.getAccountAuthorizationDetails({ Filter })).Policies?.map(({ PolicyName }) => PolicyName);
  expect(await details()).toEqual(["own", "IAMFullAccess"]);
  expect(await details("AWSManagedPolicy")).toEqual(["IAMFullAccess"]);
  expect(await details("LocalManagedPolicy")).toEqual(["own"]);
});

test.each<[string, (call: { PolicyArn: string }) => Promise<unknown>, string]>([
  ["deleted", (call) => root.deletePolicy(call), "AccessDenied 403: Cannot delete policies outside your own account."],
  [
    "given a version",
    (call) => root.createPolicyVersion({ ...call, PolicyDocument: "{}" }),
    "AccessDenied 403: Cannot create versions for policies outside your own account.",
  ],
  [
    "given another default",
    (call) => root.setDefaultPolicyVersion({ ...call, VersionId: "v1" }),
    "AccessDenied 403: Cannot update policies outside your own account.",
  ],
  [
    "stripped of a version",
    (call) => root.deletePolicyVersion({ ...call, VersionId: "v1" }),
    "AccessDenied 403: Cannot delete policy versions for policies outside your own account.",
  ],
  [
    "tagged",
    (call) => root.tagPolicy({ ...call, Tags: [{ Key: "a", Value: "b" }] }),
    "InvalidInput 400: Tags not supported for policies in this domain",
  ],
])("they cannot be %s", async (_, change, expected) => {
  expect(await refusal(change({ PolicyArn: arnOf("AdministratorAccess") }))).toBe(expected);
  expect((await root.listPolicyTags({ PolicyArn: arnOf("AdministratorAccess") })).Tags).toEqual([]);
});

test("others, and those of other partitions, are refused", async () => {
  sandbox.addUser({ name: "ben" });
  const PolicyArn = arnOf("ReadOnlyAccess");
  const missing = `NotImplemented 501: This local AWS does not model the AWS managed policy ${PolicyArn}`;
  expect(await refusal(root.attachUserPolicy({ UserName: "ben", PolicyArn }))).toBe(missing);
  expect(await refusal(root.getPolicy({ PolicyArn }))).toBe(missing);
  expect(await refusal(root.createUser({ UserName: "zoe", PermissionsBoundary: PolicyArn }))).toBe(missing);
  expect(await refusal(root.getPolicy({ PolicyArn: "arn:aws-cn:iam::aws:policy/AdministratorAccess" }))).toBe(
    "ValidationError 400: Invalid ARN partition",
  );
});
