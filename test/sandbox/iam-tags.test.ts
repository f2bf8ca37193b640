// Tags in the local AWS, and the condition keys that follow from them.
import type { IAM } from "@aws-sdk/client-iam";
import { STS } from "@aws-sdk/client-sts";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import type { Key } from "./client.ts";
import { allow, iamAs, now, refusal } from "./iam-client.ts";

const id = "123456789012";
const trusting = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: "*", Action: ["sts:AssumeRole", "sts:TagSession"] }],
};

let sandbox: Sandbox;
let root: IAM;
beforeEach(async () => {
  vi.stubEnv("AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED", "true");
  sandbox = await startSandbox({ now: () => now });
  root = iamAs(sandbox, sandbox.rootAccessKey);
});
afterEach(() => sandbox.close());

type Tag = { Key: string | undefined; Value: string | undefined };
const tag = (Key: string, Value = "x"): Tag => ({ Key, Value });

interface Tagged {
  readonly add: (...Tags: Tag[]) => Promise<unknown>;
  readonly remove: (...TagKeys: string[]) => Promise<unknown>;
  readonly list: (page?: { MaxItems?: number; Marker?: string | undefined }) => Promise<{
    Tags: Tag[] | undefined;
    IsTruncated?: boolean | undefined;
    Marker?: string | undefined;
  }>;
}

/** Makes one of each, and returns how its tags change. */
async function makeTagged(kind: string): Promise<Tagged> {
  const Path = "/eng/";
  if (kind === "user") {
    await root.createUser({ UserName: "ben", Path });
    const who = { UserName: "ben" };
    return {
      add: (...Tags) => root.tagUser({ ...who, Tags }),
      remove: (...TagKeys) => root.untagUser({ ...who, TagKeys }),
      list: (page) => root.listUserTags({ ...who, ...page }),
    };
  }
  if (kind === "role") {
    sandbox.addRole({ name: "reader", trust: trusting });
    const who = { RoleName: "READER" };
    return {
      add: (...Tags) => root.tagRole({ ...who, Tags }),
      remove: (...TagKeys) => root.untagRole({ ...who, TagKeys }),
      list: (page) => root.listRoleTags({ ...who, ...page }),
    };
  }
  if (kind === "policy") {
    const who = { PolicyArn: sandbox.addManagedPolicy("p", allow("s3:*")).arn };
    return {
      add: (...Tags) => root.tagPolicy({ ...who, Tags }),
      remove: (...TagKeys) => root.untagPolicy({ ...who, TagKeys }),
      list: (page) => root.listPolicyTags({ ...who, ...page }),
    };
  }
  const { VirtualMFADevice: device } = await root.createVirtualMFADevice({ VirtualMFADeviceName: "phone", Path });
  const who = { SerialNumber: device?.SerialNumber ?? "" };
  return {
    add: (...Tags) => root.tagMFADevice({ ...who, Tags }),
    remove: (...TagKeys) => root.untagMFADevice({ ...who, TagKeys }),
    list: (page) => root.listMFADeviceTags({ ...who, ...page }),
  };
}

const kinds = ["user", "role", "policy", "MFA device"];

describe.each(kinds)("a %s", (kind) => {
  const ignoresCase = kind === "user" || kind === "role";
  let tagged: Tagged;
  beforeEach(async () => {
    tagged = await makeTagged(kind);
  });
  const tags = async () => (await tagged.list()).Tags?.map(({ Key, Value }) => `${Key}=${Value}`);

  test("has the tags that are added, changed and removed, in pages", async () => {
    expect(await tags()).toEqual([]);
    await tagged.add(tag("Team", "a"), tag("x", ""));
    await tagged.add(tag("team", "aws:b"));
    expect(await tags()).toEqual(ignoresCase ? ["x=", "team=aws:b"] : ["Team=a", "x=", "team=aws:b"]);
    await tagged.remove("TEAM", "x", "none");
    expect(await tags()).toEqual(ignoresCase ? [] : ["Team=a", "team=aws:b"]);
    await tagged.remove();
    await tagged.add(tag("y"), tag("z"));
    const first = await tagged.list({ MaxItems: 1 });
    const rest = await tagged.list({ Marker: first.Marker });
    expect([first.IsTruncated, first.Tags?.length, rest.IsTruncated]).toEqual([true, 1, false]);
  });

  test("has at most 50 tags, with keys and values that AWS accepts", async () => {
    const many = Array.from({ length: 50 }, (_, number) => tag(`key${number}`));
    await tagged.add(...many);
    expect(await refusal(tagged.add(tag("another")))).toContain("LimitExceeded 409: Cannot exceed quota for TagsPer");
    await tagged.add(tag("key7", "changed"));
    expect((await tags())?.length).toBe(50);
    const tooMany = "ValidationError 400: 1 validation error detected: Value at 'tags' failed to satisfy constraint";
    expect(await refusal(tagged.add(...many, tag("another")))).toContain(tooMany);
    expect(await refusal(tagged.add())).toContain("InvalidInput 400");
    expect(await refusal(tagged.add(tag("Aws:a")))).toBe(
      "InvalidInput 400: Tag keys beginning with aws: are reserved for system use.",
    );
    expect(await refusal(tagged.add(tag("a"), tag(ignoresCase ? "A" : "a")))).toContain(
      "InvalidInput 400: Duplicate tag keys found.",
    );
    expect(await refusal(tagged.add(tag("a\tb")))).toContain("ValidationError 400");
    expect(await refusal(tagged.add(tag("a", "y".repeat(257))))).toContain("ValidationError 400");
    expect(await refusal(tagged.add(tag("", "b")))).toContain("ValidationError 400");
  });
});

test("tags that something is created with are in the answers that describe it", async () => {
  const Tags = [tag("Team", "a"), tag("team", "b")];
  const PolicyDocument = JSON.stringify(allow("s3:*"));
  const { Policy: policy } = await root.createPolicy({ PolicyName: "p", PolicyDocument, Tags });
  expect(policy?.Tags).toEqual(Tags);
  const PolicyArn = policy?.Arn ?? "";
  expect((await root.getPolicy({ PolicyArn })).Policy?.Tags).toEqual(Tags);
  expect((await root.listPolicies({ Scope: "Local" })).Policies?.[0]).not.toHaveProperty("Tags");
  const { VirtualMFADevice: device } = await root.createVirtualMFADevice({ VirtualMFADeviceName: "phone", Tags });
  expect(device?.Tags).toEqual(Tags);
  expect((await root.listMFADeviceTags({ SerialNumber: device?.SerialNumber })).Tags).toEqual(Tags);
  const call = { UserName: "ben", Tags };
  expect(await refusal(root.createUser(call))).toContain("Please note that Tag keys are case insensitive.");
  sandbox.addRole({ name: "reader", trust: trusting, tags: { team: "a" } });
  const { RoleDetailList: roles } = await root.getAccountAuthorizationDetails({ Filter: ["Role"] });
  expect(roles?.[0]?.Tags).toEqual([tag("team", "a")]);
});

test.each<[string, () => Promise<unknown>, string]>([
  ["user", () => root.tagUser({ UserName: "zoe", Tags: [tag("a")] }), "The user with name zoe cannot be found."],
  ["role", () => root.tagRole({ RoleName: "zoe", Tags: [tag("a")] }), "The role with name zoe cannot be found."],
  [
    "policy",
    () => root.tagPolicy({ PolicyArn: `arn:aws:iam::${id}:policy/zoe`, Tags: [tag("a")] }),
    `Policy arn:aws:iam::${id}:policy/zoe was not found.`,
  ],
  [
    "MFA device",
    () => root.tagMFADevice({ SerialNumber: `arn:aws:iam::${id}:mfa/zoe`, Tags: [tag("a")] }),
    `VirtualMFADevice with serial number arn:aws:iam::${id}:mfa/zoe does not exist.`,
  ],
])("a %s that does not exist has no tags", async (_, call, message) => {
  expect(await refusal(call())).toBe(`NoSuchEntity 404: ${message}`);
});

describe("in conditions", () => {
  const when = (action: string | string[], Condition: object, Resource = "*") => ({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: action, Resource, Condition }],
  });
  const equals = (key: string, value: string) => ({ StringEquals: { [key]: value } });
  /** The client of a new user with a policy. */
  const as = (policy: object, tags: Record<string, string> = {}, name = "caller") =>
    iamAs(sandbox, sandbox.addUser({ name, policies: [policy], tags }).accessKey);
  const first = async (call: Promise<unknown>) => (await refusal(call)).split(" ")[0];

  test.each(["aws:ResourceTag", "iam:ResourceTag"])("%s is a tag of the user or role", async (key) => {
    sandbox.addUser({ name: "ben", path: "/eng/", tags: { Team: "a" } });
    sandbox.addUser({ name: "cleo", tags: { Team: "b" } });
    sandbox.addRole({ name: "reader", trust: trusting, tags: { team: "a" } });
    const caller = as(when(["iam:GetUser", "iam:ListRoleTags"], equals(`${key}/team`, "a")));
    expect(await first(caller.getUser({ UserName: "ben" }))).toBe("accepted");
    expect(await first(caller.getUser({ UserName: "cleo" }))).toBe("AccessDenied");
    expect(await first(caller.getUser({ UserName: "zoe" }))).toBe("AccessDenied");
    expect(await first(caller.listRoleTags({ RoleName: "reader" }))).toBe("accepted");
    await root.untagRole({ RoleName: "reader", TagKeys: ["team"] });
    expect(await first(caller.listRoleTags({ RoleName: "reader" }))).toBe("AccessDenied");
  });

  test("aws:ResourceTag is a tag of a policy or MFA device, and iam:ResourceTag is not", async () => {
    const PolicyDocument = JSON.stringify(allow("s3:*"));
    const Tags = [tag("team", "a")];
    const { Policy: policy } = await root.createPolicy({ PolicyName: "p", PolicyDocument, Tags });
    const { VirtualMFADevice: device } = await root.createVirtualMFADevice({ VirtualMFADeviceName: "phone", Tags });
    const calls = (caller: IAM) =>
      Promise.all([
        first(caller.getPolicy({ PolicyArn: policy?.Arn })),
        first(caller.listMFADeviceTags({ SerialNumber: device?.SerialNumber })),
      ]);
    const actions = ["iam:GetPolicy", "iam:ListMFADeviceTags"];
    expect(await calls(as(when(actions, equals("aws:ResourceTag/team", "a"))))).toEqual(["accepted", "accepted"]);
    const older = as(when(actions, equals("iam:ResourceTag/team", "a")), {}, "older");
    expect(await calls(older)).toEqual(["AccessDenied", "AccessDenied"]);
  });

  test("aws:PrincipalTag is a tag of the calling user, also in a variable", async () => {
    sandbox.addUser({ name: "ben", tags: { team: "a" } });
    const policy = when("iam:GetUser", equals("aws:ResourceTag/team", "$" + "{aws:PrincipalTag/team}"));
    expect(await first(as(policy, { Team: "a" }).getUser({ UserName: "ben" }))).toBe("accepted");
    expect(await first(as(policy, { team: "b" }, "other").getUser({ UserName: "ben" }))).toBe("AccessDenied");
    expect(await first(as(policy, {}, "untagged").getUser({ UserName: "ben" }))).toBe("AccessDenied");
  });

  test("aws:PrincipalTag is a tag of the role, unless the session has its own", async () => {
    const policies = [when("iam:ListUsers", equals("aws:PrincipalTag/team", "a"))];
    const role = sandbox.addRole({ name: "reader", trust: trusting, policies, tags: { Team: "a" } });
    const ben = sandbox.addUser({ name: "ben", tags: { team: "b" } });
    const settings = { endpoint: sandbox.url, region: "us-east-1", systemClockOffset: now - Date.now() };
    const sts = new STS({ ...settings, credentials: ben.accessKey });
    const listAs = async (Tags: Tag[]) => {
      const call = { RoleArn: role.arn, RoleSessionName: "work", Tags };
      const {
        AccessKeyId = "",
        SecretAccessKey = "",
        SessionToken = "",
      } = (await sts.assumeRole(call)).Credentials ?? {};
      const key: Key = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
      return await first(iamAs(sandbox, key).listUsers({}));
    };
    expect(await listAs([])).toBe("accepted");
    expect(await listAs([tag("team", "b")])).toBe("AccessDenied");
    expect(await listAs([tag("other", "b")])).toBe("accepted");
  });

  test("aws:RequestTag and aws:TagKeys are what a request adds or removes", async () => {
    const only = { "ForAllValues:StringEquals": { "aws:TagKeys": ["team", "cost"] } };
    const policy = {
      Version: "2012-10-17",
      Statement: [
        ...when(["iam:TagUser", "iam:CreateUser"], { ...equals("aws:RequestTag/team", "a"), ...only }).Statement,
        ...when("iam:UntagUser", only).Statement,
      ],
    };
    const caller = as(policy);
    sandbox.addUser({ name: "ben" });
    const add = (...Tags: Tag[]) => first(caller.tagUser({ UserName: "ben", Tags }));
    expect(await add(tag("team", "a"), tag("cost"))).toBe("accepted");
    expect(await add(tag("team", "b"))).toBe("AccessDenied");
    expect(await add(tag("team", "a"), tag("other"))).toBe("AccessDenied");
    expect(await first(caller.createUser({ UserName: "cleo", Tags: [tag("team", "a")] }))).toBe("accepted");
    expect(await first(caller.createUser({ UserName: "dan" }))).toBe("AccessDenied");
    expect(await first(caller.untagUser({ UserName: "ben", TagKeys: ["cost"] }))).toBe("accepted");
    expect(await first(caller.untagUser({ UserName: "ben", TagKeys: ["other"] }))).toBe("AccessDenied");
  });

  test("to create something with tags takes the permission to tag", async () => {
    const caller = as(allow(["iam:CreatePolicy", "iam:CreateVirtualMFADevice"]));
    const Tags = [tag("team", "a")];
    const call = { PolicyName: "p", PolicyDocument: JSON.stringify(allow("s3:*")) };
    expect(await refusal(caller.createPolicy({ ...call, Tags }))).toContain("perform: iam:TagPolicy");
    expect(await first(caller.createPolicy(call))).toBe("accepted");
    const device = { VirtualMFADeviceName: "phone" };
    expect(await refusal(caller.createVirtualMFADevice({ ...device, Tags }))).toContain("perform: iam:TagMFADevice");
  });
});
