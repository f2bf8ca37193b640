// Tests that the policies are found in files as people have them, with the right names, kinds and places.
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { enforceMfaPolicy } from "../../src/policy/enforcement.ts";
import { readJson, SourceError } from "../../src/policy/engine/json.ts";
import { findPolicies, isResourceBased, listAbsent, listNotLookedAt } from "../../src/policy/input/find.ts";
import { readJsonSource } from "../../src/policy/input/source.ts";
import { readYamlSources } from "../../src/policy/input/yaml.ts";
import { lint } from "../../src/policy/lint/lint.ts";

const statement = { Effect: "Allow", Action: "s3:GetObject", Resource: "*" };
const document = { Version: "2012-10-17", Statement: [statement] };
const text = JSON.stringify(document);
const find = (value: unknown) => findPolicies(readJsonSource(JSON.stringify(value, null, 1)));
const trust = { Version: "2012-10-17", Statement: { Effect: "Allow", Principal: "*", Action: "sts:AssumeRole" } };

const role = { RoleName: "deploy", AssumeRolePolicyDocument: trust };
const account = {
  UserDetailList: [
    {
      UserName: "alice",
      UserPolicyList: [{ PolicyName: "own", PolicyDocument: document }],
      GroupList: ["Devs"],
      AttachedManagedPolicies: [{ PolicyName: "gone", PolicyArn: "arn:aws:iam::aws:policy/gone" }],
      PermissionsBoundary: { PermissionsBoundaryArn: "arn:aws:iam::123456789012:policy/limit" },
    },
    { UserName: "bob", GroupList: [] },
  ],
  GroupDetailList: [
    {
      GroupName: "Devs",
      GroupPolicyList: [{ PolicyName: "mfa", PolicyDocument: document }],
      AttachedManagedPolicies: [{ PolicyName: "shared", PolicyArn: "arn:aws:iam::123456789012:policy/shared" }],
    },
  ],
  RoleDetailList: [
    {
      ...role,
      RolePolicyList: [{ PolicyName: "run", PolicyDocument: document }],
      AttachedManagedPolicies: [
        { PolicyName: "shared", PolicyArn: "arn:aws:iam::123456789012:policy/shared" },
        { PolicyName: "ReadOnly", PolicyArn: "arn:aws:iam::aws:policy/ReadOnly" },
      ],
    },
  ],
  Policies: [
    {
      PolicyName: "shared",
      Arn: "arn:aws:iam::123456789012:policy/shared",
      PolicyVersionList: [
        { VersionId: "v2", IsDefaultVersion: false, Document: {} },
        { VersionId: "v1", IsDefaultVersion: true, Document: document },
      ],
    },
    {
      PolicyName: "ReadOnly",
      Arn: "arn:aws:iam::aws:policy/ReadOnly",
      PolicyVersionList: [{ VersionId: "v1", IsDefaultVersion: true, Document: document }],
    },
  ],
};

const properties = { PolicyName: "mfa", PolicyDocument: document };
const template = {
  Resources: {
    Bucket: { Type: "AWS::S3::BucketPolicy", Properties: { PolicyDocument: trust } },
    Deny: { Type: "AWS::IAM::ManagedPolicy", Properties: { ...properties, Groups: [{ Ref: "Devs" }] } },
    Inline: { Type: "AWS::IAM::Policy", Properties: { ...properties, Roles: ["deploy"] } },
    OfRole: { Type: "AWS::IAM::RolePolicy", Properties: { ...properties, RoleName: { Ref: "Deploy" } } },
    Deploy: { Type: "AWS::IAM::Role", Properties: { AssumeRolePolicyDocument: trust, Policies: [properties] } },
    Guard: { Type: "AWS::Organizations::Policy", Properties: { Type: "SERVICE_CONTROL_POLICY", Content: text } },
    Admin: { Type: "AWS::SSO::PermissionSet", Properties: { InlinePolicy: document } },
  },
};

const serverless = {
  Transform: "AWS::Serverless-2016-10-31",
  Resources: {
    Run: {
      Type: "AWS::Serverless::Function",
      Properties: { Policies: ["AWSLambdaExecute", document, { S3ReadPolicy: { BucketName: "b" } }, document] },
    },
    One: { Type: "AWS::Serverless::StateMachine", Properties: { Policies: document } },
    Named: { Type: "AWS::Serverless::Function", Properties: { Policies: "AWSLambdaExecute" } },
  },
};

const state = {
  ...{ version: 4, terraform_version: "1.9.0", serial: 3, lineage: "d1ab", outputs: {} },
  resources: [
    {
      ...{ module: "module.mfa", mode: "managed", type: "aws_iam_policy", name: "it" },
      instances: [{ schema_version: 0, attributes: { name: "mfa", policy: text } }],
    },
    {
      ...{ mode: "managed", type: "aws_iam_role_policy", name: "run" },
      instances: [0, "a"].map((index_key) => ({ index_key, attributes: { role: "deploy", policy: text } })),
    },
    { mode: "data", type: "aws_iam_policy", name: "read", instances: [{ attributes: { policy: text } }] },
    { mode: "managed", type: "aws_iam_role", name: "deploy", instances: [{ attributes: { inline_policy: [] } }] },
  ],
};

const resource = (type: string, values: object) => ({
  address: `${type}.it`,
  mode: "managed",
  type,
  name: "it",
  values,
});
const module = {
  resources: [
    resource("aws_iam_policy", { name: "mfa", policy: text }),
    resource("aws_iam_role", {
      name: "deploy",
      assume_role_policy: "{}",
      inline_policy: [{ name: "run", policy: text }],
    }),
    resource("aws_iam_role", { name: "other", inline_policy: [{ name: "", policy: "" }] }),
    resource("aws_organizations_policy", { name: "guard", content: text }),
    { ...resource("aws_iam_policy", { policy: "{}" }), mode: "data" },
  ],
  child_modules: [
    {
      address: "module.a",
      child_modules: [{ resources: [resource("aws_iam_group_policy", { group: "Devs", policy: text })] }],
    },
  ],
};

describe("finds the policies, and names them", () => {
  test.each<[string, unknown, unknown[]]>([
    ["a document", document, [[undefined, undefined]]],
    ["a statement", statement, [[undefined, undefined]]],
    ["a list of statements", [statement, statement], [[undefined, undefined]]],
    ["the text of a document", text, [[undefined, undefined]]],
    [
      "get-group-policy",
      { GroupName: "RequireMFA", PolicyName: "mfa", PolicyDocument: document },
      [["group RequireMFA, policy mfa", undefined]],
    ],
    [
      "get-user-policy, URL-encoded",
      { UserName: "alice", PolicyName: "mfa", PolicyDocument: encodeURIComponent(text) },
      [["user alice, policy mfa", undefined]],
    ],
    ["get-role-policy", { RoleName: "r", PolicyName: "p", PolicyDocument: text }, [["role r, policy p", "role"]]],
    [
      "get-policy-version",
      { PolicyVersion: { Document: document, VersionId: "v3", IsDefaultVersion: true } },
      [["policy version v3", undefined]],
    ],
    [
      "describe-policy",
      { Policy: { PolicySummary: { Name: "guard", Type: "SERVICE_CONTROL_POLICY" }, Content: text } },
      [["policy guard", "scp"]],
    ],
    [
      "get-account-authorization-details",
      account,
      [
        ["user alice, policy own", undefined],
        ["group Devs, policy mfa", undefined],
        ["role deploy, policy run", "role"],
        ["policy shared", undefined],
        ["policy ReadOnly", "role"],
      ],
    ],
    [
      "a template",
      template,
      [
        ["Deny", undefined],
        ["Inline", "role"],
        ["OfRole", "role"],
        ["Deploy, policy mfa", "role"],
        ["Guard", "scp"],
        ["Admin", "role"],
      ],
    ],
    [
      "a template of SAM",
      serverless,
      [
        ["Run, policy 2", "role"],
        ["Run, policy 4", "role"],
        ["One", "role"],
      ],
    ],
    [
      "a state file",
      state,
      [
        ["module.mfa.aws_iam_policy.it", undefined],
        ["aws_iam_role_policy.run[0]", "role"],
        ['aws_iam_role_policy.run["a"]', "role"],
      ],
    ],
    ...[
      { format_version: "1.0", values: { root_module: module } },
      { format_version: "1.2", planned_values: { root_module: module }, prior_state: { values: {} } },
    ].map((given): [string, unknown, unknown[]] => [
      `terraform show -json: ${Object.keys(given)[1] ?? ""}`,
      given,
      [
        ["aws_iam_policy.it", undefined],
        ["aws_iam_role.it, policy run", "role"],
        ["aws_organizations_policy.it", "scp"],
        ["aws_iam_group_policy.it", undefined],
      ],
    ]),
  ])("%s", (_, value, expected) => {
    // In JSON and in YAML.
    for (const found of [find(value), readYamlSources(stringify(value)).flatMap(findPolicies)]) {
      expect(found.map(({ name, kind }) => [name, kind])).toEqual(expected);
      for (const { json, unknown } of found) {
        expect([(json.value as typeof document).Statement].flat()[0]).toEqual(statement);
        expect(unknown).toEqual([]);
      }
    }
  });

  test.each<[string, unknown]>([
    ["a role", { Role: role }],
    ["list-policies", { Policies: [{ PolicyName: "a", Arn: "arn:aws:iam::123456789012:policy/a" }] }],
    ["get-policy", { Policy: { PolicyName: "a" } }],
    ["a package", { name: "x", version: "1.0.0", Status: "ok", Settings: {} }],
    ["a template without policies", { Resources: { A: { Type: "AWS::S3::Bucket", Properties: {} } } }],
    ["create-policy-version", { PolicyVersion: { VersionId: "v1", IsDefaultVersion: true } }],
    ["an empty state", { format_version: "1.0" }],
    ["a list", []],
    ["a number", 5],
  ])("%s has none", (_, value) => {
    expect(find(value)).toEqual([]);
  });

  test("a document with a misspelled element is one, so that lint can say what is wrong", () => {
    for (const value of [{ Statment: [statement] }, { Version: "2012-10-17" }, { statement: [statement] }])
      expect(find(value)).toHaveLength(1);
  });

  test("a bucket policy and a trust policy are about a resource", () => {
    expect([trust, document].map((value) => isResourceBased(readJson(JSON.stringify(value))))).toEqual([true, false]);
  });
});

test("what of a template is elsewhere is said", () => {
  const nested = (Type: string, Properties: object) => ({ Type, Properties });
  const Resources = {
    ...template.Resources,
    Child: nested("AWS::CloudFormation::Stack", { TemplateURL: "https://example.com/child.yaml" }),
    App: nested("AWS::Serverless::Application", { Location: "./app.yaml" }),
    Set: nested("AWS::CloudFormation::StackSet", { TemplateBody: "{}" }),
    Shared: nested("Example::Shared::Roles::MODULE", { TemplateURL: { Ref: "Url" } }),
    "Fn::ForEach::Groups": ["Name", ["a", "b"], {}],
  };
  expect(listNotLookedAt({ Resources })).toEqual([
    "Child, https://example.com/child.yaml",
    "App, ./app.yaml",
    "Set, AWS::CloudFormation::StackSet",
    "Shared, Example::Shared::Roles::MODULE",
    "Fn::ForEach::Groups",
  ]);
  for (const value of [template, document, account, null]) expect(listNotLookedAt(value)).toEqual([]);
});

test("a policy of SAM that a function decides about is not known", () => {
  const Policies = [{ "Fn::If": ["A", document, document] }];
  const [found, ...more] = find({ Resources: { F: { Type: "AWS::Serverless::Function", Properties: { Policies } } } });
  expect(more).toEqual([]);
  expect(found && lint(found.json, { unknown: found.unknown }).map(({ rule }) => rule)).toEqual(["not-checked"]);
});

describe("get-account-authorization-details", () => {
  test("a policy is of those that it is attached to, and of the members of groups", () => {
    expect(find(account).map(({ of, isAwsManaged }) => [of, isAwsManaged])).toEqual([
      [["user alice"], undefined],
      [["group Devs", "user alice"], undefined],
      [["role deploy"], undefined],
      [["group Devs", "user alice", "role deploy"], false],
      [["role deploy"], true],
    ]);
  });

  test("what else decides about a user, but is not there, is said", () => {
    expect(listAbsent(account, "user alice")).toEqual([
      "the permissions boundary of user alice, arn:aws:iam::123456789012:policy/limit",
      "the policy arn:aws:iam::aws:policy/gone of user alice",
    ]);
    expect(listAbsent(account, "user bob")).toEqual([]);
  });
});

describe("places", () => {
  const wrong = { ...document, Statement: [{ ...statement, Action: "iam:GetUsr" }] };
  const placesIn = (value: unknown) =>
    find(value).flatMap((found) => lint(found.json).map(({ rule, line, path }) => ({ rule, line, path })));
  const finding = { rule: "misspelled-action", path: ["Statement", 0, "Action"] };
  test("of a document in a document", () => {
    const value = { GroupName: "g", PolicyName: "p", PolicyDocument: wrong };
    expect(placesIn(value)).toEqual([{ ...finding, line: 9 }]);
  });
  test("of a text: the text", () => {
    const value = { GroupName: "g", PolicyName: "p", PolicyDocument: JSON.stringify(wrong) };
    expect(placesIn(value)).toEqual([{ ...finding, line: 4 }]);
  });
  test("of statements without a document", () => {
    expect(placesIn([statement, { ...statement, Action: "iam:GetUsr" }])).toEqual([
      { ...finding, path: ["Statement", 1, "Action"], line: 9 },
    ]);
    expect(placesIn({ ...statement, Action: "iam:GetUsr" })).toEqual([
      { ...finding, path: ["Statement", "Action"], line: 3 },
    ]);
  });
  test("of a text that is no JSON", () => {
    for (const broken of ['{"Version": "a", "Version": "b"}', "{", "", "%7B%2"]) {
      const value = { GroupName: "g", PolicyName: "p", PolicyDocument: broken };
      expect(() => find(value)).toThrow(SourceError);
      expect(() => find(value)).toThrow(/^group g, policy p is not JSON: /);
    }
  });
});

describe("what is known only after deployment is said, and not guessed", () => {
  const sub = (value: unknown) => ({ "Fn::Sub": value });
  const lintTemplate = (PolicyDocument: unknown, as?: "enforcement") =>
    find({ Resources: { It: { Type: "AWS::IAM::ManagedPolicy", Properties: { PolicyDocument } } } }).flatMap(
      ({ json, unknown }) => lint(json, { unknown, as }).map(({ rule, path }) => [rule, path.join(".")]),
    );
  const withResource = (Resource: unknown, Action = "iam:ChangePassword") => ({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action, Resource }],
  });
  const own = "arn:$" + "{AWS::Partition}:iam::$" + "{AWS::AccountId}:user/$" + "{!aws:username}";

  test.each<[string, unknown, string[]]>([
    ["a pseudo parameter", withResource(sub(own)), ["unknown-value Statement.0.Resource"]],
    ["a list", withResource([sub([own, {}]), "*"]), ["unknown-value Statement.0.Resource.0"]],
    ["a parameter", withResource({ Ref: "Arn" }), ["unknown-value Statement.0.Resource"]],
    ["an attribute", withResource({ "Fn::GetAtt": ["It", "Arn"] }), ["unknown-value Statement.0.Resource"]],
    [
      "a part",
      withResource({ "Fn::Join": ["", ["arn:aws:s3:::", { Ref: "B" }]] }, "s3:GetObject"),
      ["unknown-value Statement.0.Resource"],
    ],
    [
      "a condition",
      { Version: "2012-10-17", Statement: [{ ...statement, Condition: { "Fn::If": ["A", {}, {}] } }] },
      ["unknown-value Statement.0.Condition"],
    ],
    [
      "a condition of a Deny",
      {
        Version: "2012-10-17",
        Statement: [{ ...statement, Effect: "Deny", Condition: { "Fn::If": ["A", {}, {}] } }],
      },
      ["not-checked Statement.0.Condition"],
    ],
    [
      "a statement",
      { Version: "2012-10-17", Statement: [{ "Fn::If": ["A", {}, {}] }, statement] },
      ["not-checked Statement.0"],
    ],
    ["all statements", { Version: "2012-10-17", Statement: { Ref: "S" } }, ["not-checked Statement"]],
    ["the document", { "Fn::Transform": { Name: "X" } }, ["not-checked "]],
    [
      "the effect of a statement",
      { Version: "2012-10-17", Statement: { ...statement, Effect: { Ref: "E" } } },
      ["not-checked Statement.Effect"],
    ],
    [
      "an action that is denied",
      { Version: "2012-10-17", Statement: [{ ...statement, Effect: "Deny", Action: ["s3:*", { Ref: "A" }] }] },
      ["not-checked Statement.0.Action.1"],
    ],
    [
      "resources of a Deny that does not test MFA",
      { Version: "2012-10-17", Statement: [{ ...statement, Effect: "Deny", Action: "s3:*", Resource: { Ref: "A" } }] },
      ["unknown-value Statement.0.Resource"],
    ],
    [
      "resources of a Deny without MFA, also in part",
      {
        Version: "2012-10-17",
        Statement: { ...[enforceMfaPolicy().Statement].flat()[0], Resource: sub("arn:aws:s3:::$" + "{Bucket}") },
      },
      ["not-checked Statement.Resource"],
    ],
    [
      "a part beside a text with a problem",
      withResource([sub(own), "arn:aws:iam::*:user/$" + "{aws:username}"]),
      ["unknown-value Statement.0.Resource.0", "misses-user-paths Statement.0.Resource.1"],
    ],
    [
      "a parameter beside a text whose problem depends on it",
      withResource([{ Ref: "Arn" }, "arn:aws:iam::*:user/$" + "{aws:username}"]),
      ["unknown-value Statement.0.Resource.0"],
    ],
    [
      "a misspelled action beside it is found",
      withResource({ Ref: "Arn" }, "iam:GetUsr"),
      ["unknown-value Statement.0.Resource", "misspelled-action Statement.0.Action"],
    ],
  ])("%s", (_, value, expected) => {
    expect(
      lintTemplate(value)
        .map((words) => words.join(" "))
        .sort(),
    ).toEqual([...expected].sort());
  });

  test("a text without a parameter is known", () => {
    const right = withResource(sub("arn:aws:iam::*:user/*/$" + "{!aws:username}"));
    const [found] = find({
      Resources: { It: { Type: "AWS::IAM::ManagedPolicy", Properties: { PolicyDocument: right } } },
    });
    expect(found?.json.value).toEqual(withResource("arn:aws:iam::*:user/*/$" + "{aws:username}"));
    expect(found?.unknown).toEqual([]);
    expect(lintTemplate(withResource(sub("arn:aws:iam::*:user/$" + "{!aws:usrname}")))).toContainEqual([
      "misspelled-condition-key",
      "Statement.0.Resource",
    ]);
  });

  test("no unknown statement passes as enforcement", () => {
    for (const Statement of [[{ "Fn::If": ["A", {}, {}] }], { Ref: "S" }])
      expect(lintTemplate({ Version: "2012-10-17", Statement }, "enforcement")).toContainEqual([
        "no-enforcement",
        "Statement",
      ]);
  });

  test("an unknown condition of a Deny is neither right nor wrong", () => {
    const [deny] = [enforceMfaPolicy().Statement].flat();
    const Condition = { BoolIfExists: { "aws:MultiFactorAuthPresent": { Ref: "X" } } };
    const rules = lintTemplate({ Version: "2012-10-17", Statement: [{ ...deny, Condition }] }).map(([rule]) => rule);
    expect(rules).toEqual(["not-checked"]);
  });

  test("a list of policies that a function decides about, and one of its policies", () => {
    const role = (Policies: unknown) => ({ Resources: { R: { Type: "AWS::IAM::Role", Properties: { Policies } } } });
    const either = { "Fn::If": ["A", {}, {}] };
    for (const policies of [either, [either]]) {
      const found = find(role(policies));
      expect(found.map(({ json, unknown }) => lint(json, { unknown }).map(({ rule }) => rule))).toEqual([
        ["not-checked"],
      ]);
      expect(found[0]?.unknown[0]?.message).toContain("only when the template is deployed");
    }
  });

  test("a policy that a plan does not have yet", () => {
    const plan = {
      format_version: "1.2",
      planned_values: { root_module: { resources: [resource("aws_iam_policy", {})] } },
    };
    const [found] = find(plan);
    expect(found?.unknown).toHaveLength(1);
    expect(lint(found?.json ?? readJson("{}"), { unknown: found?.unknown ?? [] }).map(({ rule }) => rule)).toEqual([
      "not-checked",
    ]);
  });
});
