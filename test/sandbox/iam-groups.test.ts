// Tests groups, managed policies with versions, and the policies of users and groups in the local AWS.
import type { IAM } from "@aws-sdk/client-iam";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { enforceMfaPolicy } from "../../src/policy/enforcement.ts";
import { type Sandbox, type SandboxUser, startSandbox } from "../../src/sandbox/server.ts";
import { allow, iamAs, now, refusal } from "./iam-client.ts";

const id = "123456789012";
const text = (policy: unknown) => JSON.stringify(policy);
const listGroups = text(allow("iam:ListGroups"));
const policyArn = (name: string) => `arn:aws:iam::${id}:policy/${name}`;

let sandbox: Sandbox;
let root: IAM;
let bob: SandboxUser;
beforeEach(async () => {
  sandbox = await startSandbox();
  sandbox.setClock(now);
  root = iamAs(sandbox, sandbox.rootAccessKey);
  bob = sandbox.addUser({ name: "bob", path: "/eng/" });
});
afterEach(() => sandbox.close());

const create = async (name: string, document = listGroups): Promise<string> =>
  (await root.createPolicy({ PolicyName: name, PolicyDocument: document })).Policy?.Arn ?? "";

describe("groups", () => {
  test("are created, listed, filled, emptied and deleted", async () => {
    const { Group: made } = await root.createGroup({ GroupName: "Admins", Path: "/it/" });
    const group = {
      ...{ GroupName: "Admins", Path: "/it/", Arn: `arn:aws:iam::${id}:group/it/Admins`, CreateDate: new Date(now) },
      GroupId: expect.stringMatching(/^AGPA[A-Z2-7]{17}$/) as string,
    };
    expect(made).toEqual(group);
    expect(await refusal(root.createGroup({ GroupName: "ADMINS" }))).toBe(
      "EntityAlreadyExists 409: Group with name ADMINS already exists.",
    );
    await root.createGroup({ GroupName: "others" });
    expect((await root.listGroups({ PathPrefix: "/it" })).Groups).toEqual([group]);
    const first = await root.listGroups({ MaxItems: 1 });
    expect([first.Groups?.length, first.IsTruncated]).toEqual([1, true]);
    expect((await root.listGroups({ Marker: first.Marker })).Groups).toMatchObject([{ GroupName: "others" }]);

    const member = { GroupName: "admins", UserName: "bob" };
    await root.addUserToGroup(member);
    await root.addUserToGroup(member);
    expect(await root.getGroup({ GroupName: "Admins" })).toMatchObject({
      ...{ Group: group, IsTruncated: false },
      Users: [{ UserName: "bob", Path: "/eng/", Arn: bob.arn, CreateDate: new Date(now) }],
    });
    expect((await root.listGroupsForUser({ UserName: "bob" })).Groups).toEqual([group]);
    const remove = () => refusal(root.deleteGroup({ GroupName: "Admins" }));
    expect(await remove()).toBe("DeleteConflict 409: Cannot delete entity, must remove users from group first.");
    await root.removeUserFromGroup(member);
    expect(await refusal(root.removeUserFromGroup(member))).toMatch(/^NoSuchEntity 404/);
    await root.putGroupPolicy({ GroupName: "Admins", PolicyName: "p", PolicyDocument: listGroups });
    expect(await remove()).toBe("DeleteConflict 409: Cannot delete entity, must delete policies first.");
    await root.deleteGroupPolicy({ GroupName: "Admins", PolicyName: "p" });
    const PolicyArn = await create("p");
    await root.attachGroupPolicy({ GroupName: "Admins", PolicyArn });
    expect(await remove()).toBe("DeleteConflict 409: Cannot delete entity, must detach all policies first.");
    await root.detachGroupPolicy({ GroupName: "Admins", PolicyArn });
    expect(await remove()).toBe("accepted");
    expect(await remove()).toBe("NoSuchEntity 404: The group with name Admins cannot be found.");
  });

  test("a user is in at most ten", async () => {
    for (let number = 1; number <= 11; number++) await root.createGroup({ GroupName: `g${number}` });
    for (let number = 1; number <= 10; number++)
      await root.addUserToGroup({ GroupName: `g${number}`, UserName: "bob" });
    const add = (GroupName: string, UserName: string) => refusal(root.addUserToGroup({ GroupName, UserName }));
    expect(await add("g11", "bob")).toBe("LimitExceeded 409: Cannot exceed quota for GroupsPerUser: 10");
    expect(await add("g10", "bob")).toBe("accepted");
    expect(await add("g10", "carol")).toBe("NoSuchEntity 404: The user with name carol cannot be found.");
    expect(await add("other", "bob")).toBe("NoSuchEntity 404: The group with name other cannot be found.");
    expect(await add("g 1", "bob")).toMatch(/^ValidationError 400/);
  });

  test("decide about their members at once", async () => {
    const iam = iamAs(sandbox, bob.accessKey);
    expect(await refusal(iam.listGroups({}))).toBe(
      `AccessDenied 403: User: ${bob.arn} is not authorized to perform: iam:ListGroups on resource: ` +
        `arn:aws:iam::${id}:group/ because no identity-based policy allows the iam:ListGroups action`,
    );
    await root.createGroup({ GroupName: "readers" });
    await root.attachGroupPolicy({ GroupName: "readers", PolicyArn: await create("read") });
    await root.addUserToGroup({ GroupName: "readers", UserName: "bob" });
    expect((await iam.listGroups({})).Groups).toHaveLength(1);
    await root.createGroup({ GroupName: "RequireMFA" });
    await root.attachGroupPolicy({
      ...{ GroupName: "RequireMFA", PolicyArn: await create("RequireMFA", text(enforceMfaPolicy())) },
    });
    await root.addUserToGroup({ GroupName: "RequireMFA", UserName: "bob" });
    expect(await refusal(iam.listGroups({}))).toMatch(/^AccessDenied 403: .* with an explicit deny/);
    await root.removeUserFromGroup({ GroupName: "RequireMFA", UserName: "bob" });
    expect((await iam.listGroups({})).Groups).toHaveLength(2);
  });

  test("membership is authorized on the group", async () => {
    await root.createGroup({ GroupName: "a" });
    await root.createGroup({ GroupName: "b" });
    await root.putUserPolicy({
      ...{ UserName: "bob", PolicyName: "p" },
      PolicyDocument: text(allow(["iam:AddUserToGroup", "iam:CreateGroup"], `arn:aws:iam::${id}:group/a*`)),
    });
    const iam = iamAs(sandbox, bob.accessKey);
    await iam.addUserToGroup({ GroupName: "a", UserName: "bob" });
    await iam.createGroup({ GroupName: "a2" });
    expect(await refusal(iam.addUserToGroup({ GroupName: "b", UserName: "bob" }))).toMatch(
      /^AccessDenied 403: .* iam:AddUserToGroup on resource: group b because/,
    );
    expect(await refusal(iam.createGroup({ GroupName: "a3", Path: "/x/" }))).toMatch(/^AccessDenied 403/);
  });
});

describe("managed policies", () => {
  test("are created with a version, described and deleted", async () => {
    const { Policy: made } = await root.createPolicy({
      ...{ PolicyName: "Read", Path: "/it/", PolicyDocument: listGroups, Description: "a & b" },
    });
    const policy = {
      Description: "a & b",
      ...{ PolicyName: "Read", Path: "/it/", Arn: policyArn("it/Read"), DefaultVersionId: "v1", IsAttachable: true },
      ...{ AttachmentCount: 0, PermissionsBoundaryUsageCount: 0 },
      ...{ CreateDate: new Date(now), UpdateDate: new Date(now) },
      PolicyId: expect.stringMatching(/^ANPA[A-Z2-7]{17}$/) as string,
    };
    expect(made).toEqual(policy);
    const again = { PolicyName: "READ", PolicyDocument: listGroups };
    expect(await refusal(root.createPolicy(again))).toBe(
      "EntityAlreadyExists 409: A policy called READ already exists. Duplicate names are not allowed.",
    );
    const PolicyArn = policyArn("it/Read");
    await root.attachUserPolicy({ UserName: "bob", PolicyArn });
    expect((await root.getPolicy({ PolicyArn })).Policy).toEqual({ ...policy, AttachmentCount: 1 });
    const remove = () => refusal(root.deletePolicy({ PolicyArn }));
    expect(await remove()).toBe("DeleteConflict 409: Cannot delete a policy attached to entities.");
    await root.detachUserPolicy({ UserName: "bob", PolicyArn });
    await root.createPolicyVersion({ PolicyArn, PolicyDocument: listGroups });
    expect(await remove()).toMatch(/^DeleteConflict 409: This policy has more than one version/);
    await root.deletePolicyVersion({ PolicyArn, VersionId: "v2" });
    expect(await remove()).toBe("accepted");
    expect(await refusal(root.getPolicy({ PolicyArn }))).toBe(`NoSuchEntity 404: Policy ${PolicyArn} was not found.`);
  });

  test("have up to five versions, one of which decides", async () => {
    const PolicyArn = await create("p");
    await root.attachUserPolicy({ UserName: "bob", PolicyArn });
    const iam = iamAs(sandbox, bob.accessKey);
    await iam.listGroups({});
    const none = text(allow("iam:GetUser"));
    const added = await root.createPolicyVersion({ PolicyArn, PolicyDocument: none, SetAsDefault: true });
    expect(added.PolicyVersion).toEqual({ VersionId: "v2", IsDefaultVersion: true, CreateDate: new Date(now) });
    expect(await refusal(iam.listGroups({}))).toMatch(/^AccessDenied/);
    expect(await refusal(root.deletePolicyVersion({ PolicyArn, VersionId: "v2" }))).toBe(
      "DeleteConflict 409: Cannot delete the default version of a policy.",
    );
    await root.setDefaultPolicyVersion({ PolicyArn, VersionId: "v1" });
    await iam.listGroups({});
    const { PolicyVersion: second } = await root.getPolicyVersion({ PolicyArn, VersionId: "v2" });
    expect(second).toMatchObject({ VersionId: "v2", IsDefaultVersion: false });
    expect(decodeURIComponent(second?.Document ?? "")).toBe(none);
    for (const id of ["v3", "v4", "v5"]) {
      const { PolicyVersion: next } = await root.createPolicyVersion({ PolicyArn, PolicyDocument: none });
      expect(next?.VersionId).toBe(id);
    }
    expect(await refusal(root.createPolicyVersion({ PolicyArn, PolicyDocument: none }))).toBe(
      "LimitExceeded 409: A managed policy can have up to 5 versions. Before you create a new version, you must delete " +
        "an existing version.",
    );
    await root.deletePolicyVersion({ PolicyArn, VersionId: "v5" });
    const sixth = await root.createPolicyVersion({ PolicyArn, PolicyDocument: none });
    expect(sixth.PolicyVersion?.VersionId).toBe("v6");
    const { Versions: versions } = await root.listPolicyVersions({ PolicyArn });
    expect(versions?.map(({ VersionId }) => VersionId)).toEqual(["v6", "v4", "v3", "v2", "v1"]);
    expect(await refusal(root.getPolicyVersion({ PolicyArn, VersionId: "v5" }))).toMatch(/^NoSuchEntity 404/);
  });

  test("that are not understood are refused", async () => {
    const created = (policy: string) => refusal(create("p", policy));
    expect(await created("{")).toBe("MalformedPolicyDocument 400: Syntax errors in policy.");
    const withCondition = (condition: object) => {
      const [statement] = allow("*").Statement;
      return text({ Version: "2012-10-17", Statement: [{ ...statement, Condition: condition }] });
    };
    const unknownKey = { StringEquals: { "aws:SourceIp": "x" } };
    expect(await created(withCondition(unknownKey))).toMatch(/^NotImplemented 501: .*"aws:SourceIp"/);
    const unknownOperator = { BoolIfExist: { "aws:MultiFactorAuthPresent": "false" } };
    expect(await created(withCondition(unknownOperator))).toMatch(/^NotImplemented 501: .*BoolIfExist/);
    const actions = Array.from({ length: 400 }, (_, index) => `s3:GetObject${index}*`);
    expect(await created(text(allow(actions)))).toBe("LimitExceeded 409: Cannot exceed quota for PolicySize: 6144");
    expect(await refusal(root.getPolicy({ PolicyArn: policyArn("p") }))).toMatch(/^NoSuchEntity/);
  });

  test("are listed by path and by use", async () => {
    const PolicyArn = await create("used");
    await root.attachUserPolicy({ UserName: "bob", PolicyArn });
    await root.createPolicy({ PolicyName: "unused", Path: "/it/", PolicyDocument: listGroups });
    const names = async (more = {}) =>
      (await root.listPolicies({ Scope: "Local", ...more })).Policies?.map(({ PolicyName }) => PolicyName);
    expect(await names()).toEqual(["used", "unused"]);
    expect(await names({ OnlyAttached: true })).toEqual(["used"]);
    expect(await names({ PathPrefix: "/it/" })).toEqual(["unused"]);
    expect(await names({ MaxItems: 1 })).toEqual(["used"]);
    expect(await refusal(iamAs(sandbox, bob.accessKey).listPolicies({ Scope: "Local" }))).toMatch(
      /^AccessDenied 403: .* iam:ListPolicies on resource: policy path \/ because/,
    );
  });

  test("are authorized by their ARN", async () => {
    const PolicyArn = await create("own");
    const document = text(allow("iam:*Policy*", policyArn("own*")));
    await root.putUserPolicy({ UserName: "bob", PolicyName: "p", PolicyDocument: document });
    const iam = iamAs(sandbox, bob.accessKey);
    await iam.getPolicy({ PolicyArn });
    await iam.createPolicy({ PolicyName: "own-2", PolicyDocument: listGroups });
    expect(await refusal(iam.getPolicy({ PolicyArn: policyArn("other") }))).toMatch(
      /^AccessDenied 403: .* iam:GetPolicy on resource: policy arn:aws:iam::123456789012:policy\/other because/,
    );
    expect(await refusal(iam.createPolicy({ PolicyName: "x", PolicyDocument: listGroups }))).toMatch(
      /^AccessDenied 403: .* on resource: policy x because/,
    );
  });
});

/** The same calls for users and groups. */
const holders = {
  user: () => ({
    limit: 2048,
    attach: (PolicyArn: string) => root.attachUserPolicy({ UserName: "bob", PolicyArn }),
    detach: (PolicyArn: string) => root.detachUserPolicy({ UserName: "bob", PolicyArn }),
    attached: (page = {}) => root.listAttachedUserPolicies({ UserName: "bob", ...page }),
    put: (PolicyName: string, PolicyDocument: string) =>
      root.putUserPolicy({ UserName: "bob", PolicyName, PolicyDocument }),
    get: (PolicyName: string) => root.getUserPolicy({ UserName: "bob", PolicyName }),
    list: () => root.listUserPolicies({ UserName: "bob" }),
    remove: (PolicyName: string) => root.deleteUserPolicy({ UserName: "bob", PolicyName }),
  }),
  group: () => ({
    limit: 5120,
    attach: (PolicyArn: string) => root.attachGroupPolicy({ GroupName: "team", PolicyArn }),
    detach: (PolicyArn: string) => root.detachGroupPolicy({ GroupName: "team", PolicyArn }),
    attached: (page = {}) => root.listAttachedGroupPolicies({ GroupName: "team", ...page }),
    put: (PolicyName: string, PolicyDocument: string) =>
      root.putGroupPolicy({ GroupName: "team", PolicyName, PolicyDocument }),
    get: (PolicyName: string) => root.getGroupPolicy({ GroupName: "team", PolicyName }),
    list: () => root.listGroupPolicies({ GroupName: "team" }),
    remove: (PolicyName: string) => root.deleteGroupPolicy({ GroupName: "team", PolicyName }),
  }),
};

describe.each(["user", "group"] as const)("the policies of a %s", (kind) => {
  beforeEach(() => root.createGroup({ GroupName: "team" }));

  test("at most ten managed policies are attached, and detached again", async () => {
    const { attach, detach, attached } = holders[kind]();
    const arns: string[] = [];
    for (let number = 1; number <= 11; number++) arns.push(await create(`p${number}`));
    const [first = "", ...others] = arns;
    for (const arn of others) await attach(arn);
    const quota = kind === "user" ? "PoliciesPerUser" : "PoliciesPerGroup";
    expect(await refusal(attach(first))).toBe(`LimitExceeded 409: Cannot exceed quota for ${quota}: 10`);
    expect(await refusal(attach(others[0] ?? ""))).toBe("accepted");
    const page = await attached({ MaxItems: 9 });
    expect(page.AttachedPolicies?.[0]).toEqual({ PolicyName: "p2", PolicyArn: policyArn("p2") });
    expect((await attached({ Marker: page.Marker })).AttachedPolicies).toHaveLength(1);
    await detach(policyArn("p2"));
    expect(await refusal(detach(policyArn("p2")))).toBe(`NoSuchEntity 404: Policy ${policyArn("p2")} was not found.`);
    expect(await refusal(attach(policyArn("none")))).toBe(
      `NoSuchEntity 404: Policy ${policyArn("none")} does not exist or is not attachable.`,
    );
    await attach(first);
  });

  test("inline policies are put, replaced, read and deleted, whatever the case of their name", async () => {
    const { put, get, list, remove, limit } = holders[kind]();
    await put("Mixed", listGroups);
    await put("MIXED", text(enforceMfaPolicy()));
    expect((await list()).PolicyNames).toEqual(["Mixed"]);
    const read = await get("mixed");
    expect(read.PolicyName).toBe("mixed");
    expect(JSON.parse(decodeURIComponent(read.PolicyDocument ?? ""))).toEqual(enforceMfaPolicy());
    const big = text(allow(Array.from({ length: limit / 16 - 10 }, (_, n) => `s3:Get${String(n).padStart(6, "0")}*`)));
    expect(big.length).toBeLessThan(limit);
    expect(await refusal(put("big", big))).toMatch(/^LimitExceeded 409: Maximum policy size of \d+ bytes exceeded for/);
    expect(await refusal(put("Mixed", big))).toBe("accepted");
    expect(await refusal(put("bad", "{}"))).toMatch(/^NotImplemented 501/);
    await remove("MIXED");
    const missing = `NoSuchEntity 404: The ${kind} policy with name Mixed cannot be found.`;
    expect(await refusal(get("Mixed"))).toBe(missing);
    expect(await refusal(remove("Mixed"))).toBe(missing);
    expect((await list()).PolicyNames).toEqual([]);
  });
});
