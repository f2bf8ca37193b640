// Tests the local AWS's policy simulator with the SDK for JavaScript and fob's own client. The messages are from captured
// responses of AWS.
import {
  type EvaluationResult,
  IAMClient,
  type Position,
  SimulateCustomPolicyCommand,
  type SimulateCustomPolicyCommandInput,
  SimulatePrincipalPolicyCommand,
  type SimulatePrincipalPolicyCommandInput,
} from "@aws-sdk/client-iam";
import { GetSessionTokenCommand, STSClient } from "@aws-sdk/client-sts";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { withAws } from "../../src/aws/connection.ts";
import { simulate } from "../../src/aws/iam.ts";
import { readNetworkSettings } from "../../src/aws/network.ts";
import { askSimulator, explainDifference } from "../../src/policy/aws-simulator.ts";
import { enforceMfaPolicy, selfManagePolicy } from "../../src/policy/enforcement.ts";
import { evaluate, parsePolicy, type RequestContext } from "../../src/policy/engine/evaluate.ts";
import { type AccessKey, type Sandbox, startSandbox } from "../../src/sandbox/server.ts";

const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
const statement = (more: object = {}) => ({ Effect: "Allow", Action: "s3:GetObject", Resource: "*", ...more });
const policy = (...statements: object[]) => JSON.stringify({ Version: "2012-10-17", Statement: statements });
const object = "arn:aws:s3:::simulation/a";
const isPresent = (value: string) => ({
  ...{ ContextKeyName: "aws:MultiFactorAuthPresent", ContextKeyType: "boolean" as const, ContextKeyValues: [value] },
});

let sandbox: Sandbox;
let admin: ReturnType<Sandbox["addUser"]>;
let alice: ReturnType<Sandbox["addUser"]>;
beforeEach(async () => {
  vi.stubEnv("AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED", "true");
  sandbox = await startSandbox();
  admin = sandbox.addUser({ name: "admin", policies: [everything] });
  alice = sandbox.addUser({ name: "alice", path: "/team/", policies: [policy(statement())] });
});
afterEach(() => sandbox.close());

const iam = (credentials: AccessKey & { sessionToken?: string } = admin.accessKey) =>
  new IAMClient({ credentials, endpoint: sandbox.url, region: "eu-west-1", maxAttempts: 1 });

const custom = (input: Partial<SimulateCustomPolicyCommandInput>) =>
  iam().send(
    new SimulateCustomPolicyCommand({
      PolicyInputList: [policy(statement())],
      ActionNames: ["s3:GetObject"],
      ...input,
    }),
  );

const principal = (input: Partial<SimulatePrincipalPolicyCommandInput>, credentials = admin.accessKey) =>
  iam(credentials).send(
    new SimulatePrincipalPolicyCommand({ PolicySourceArn: alice.arn, ActionNames: ["s3:GetObject"], ...input }),
  );

/** A matched statement on the first line of its policy. */
const found = (SourcePolicyId: string, start: number, end: number) => ({
  SourcePolicyId,
  SourcePolicyType: "IAM Policy",
  StartPosition: { Line: 1, Column: start },
  EndPosition: { Line: 1, Column: end },
});

async function first(answer: Promise<{ EvaluationResults?: EvaluationResult[] | undefined }>) {
  const [result] = (await answer).EvaluationResults ?? [];
  if (result === undefined) throw new Error("no result");
  return result;
}

/** `[code, HTTP status, message]`. */
async function refusal(call: Promise<unknown>): Promise<unknown[]> {
  const error = (await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )) as { Code?: string; name: string; message: string; $metadata: { httpStatusCode?: number } } | undefined;
  return [error?.Code ?? error?.name, error?.$metadata.httpStatusCode, error?.message];
}

describe("a decision", () => {
  test("covers all resources, or one resource", async () => {
    expect(await first(custom({}))).toEqual({
      EvalActionName: "s3:GetObject",
      EvalResourceName: "*",
      EvalDecision: "allowed",
      MatchedStatements: [found("PolicyInputList.1", 38, 95)],
      MissingContextValues: [],
    });
    const result = await first(custom({ ResourceArns: [object] }));
    expect(result).toMatchObject({ EvalResourceName: object, EvalDecision: "allowed" });
    const specific = { EvalResourceName: object, EvalResourceDecision: "allowed" };
    const MatchedStatements = [found("PolicyInputList.1", 38, 95)];
    expect(result.ResourceSpecificResults).toEqual([{ ...specific, MatchedStatements }]);
  });

  test("on several resources allows only what is allowed on each, and names the decision on each", async () => {
    const [a, b] = [object, "arn:aws:s3:::simulation/b"];
    const decide = async (...statements: object[]) => {
      const input = { PolicyInputList: [policy(...statements)], ResourceArns: [a, b, b] };
      const {
        EvalDecision,
        EvalResourceName,
        ResourceSpecificResults = [],
        MatchedStatements = [],
      } = await first(custom(input));
      expect(EvalResourceName).toBeUndefined();
      const each = ResourceSpecificResults.map(({ EvalResourceDecision }) => EvalResourceDecision);
      return [EvalDecision, each.join(" "), MatchedStatements.length];
    };
    expect(await decide(statement())).toEqual(["allowed", "allowed allowed allowed", 1]);
    expect(await decide(statement({ Resource: b }))).toEqual(["implicitDeny", "implicitDeny allowed allowed", 1]);
    expect(await decide(statement(), statement({ Effect: "Deny", Resource: a }))).toEqual([
      ...["explicitDeny", "explicitDeny allowed allowed", 2],
    ]);
  });

  test.each<[string, string, string]>([
    ["of a list", policy(statement({ Sid: "First" }), statement({ Sid: "Second" })), "1:38-1:109 1:109-1:182"],
    ["that stands alone", `{"Statement": ${JSON.stringify(statement())}}`, "1:16-1:72"],
    [
      "on several lines",
      JSON.stringify({ Version: "2012-10-17", Statement: [statement({ Sid: "First" })] }, null, 2),
      "3:17-9:6",
    ],
    [
      "with the line ends of Windows",
      ` \r\n${JSON.stringify({ Version: "2012-10-17", Statement: [statement()] }, null, 2).replaceAll("\n", "\r\n")}`,
      "4:17-9:6",
    ],
  ])("names the place of a statement %s", async (_, text, places) => {
    const { MatchedStatements = [] } = await first(custom({ PolicyInputList: [text] }));
    const show = (at: Position | undefined) => `${at?.Line}:${at?.Column}`;
    const shown = MatchedStatements.map(
      ({ StartPosition, EndPosition }) => `${show(StartPosition)}-${show(EndPosition)}`,
    );
    expect(shown.join(" ")).toBe(places);
  });

  test("names the statements that deny, those of a boundary too, and not those that allow", async () => {
    const deny = policy(statement(), statement({ Effect: "Deny" }));
    const result = await first(custom({ PolicyInputList: [policy(statement()), deny] }));
    expect(result.MatchedStatements).toEqual([found("PolicyInputList.2", 95, 152)]);
    const input = { PermissionsBoundaryPolicyInputList: [policy(statement({ Effect: "Deny" }))] };
    expect((await first(custom(input))).MatchedStatements).toEqual([
      { ...found("PermissionsBoundaryPolicyInputList.1", 38, 94), SourcePolicyType: "Permissions Boundary Policy" },
    ]);
    const allowed = await first(custom({ PermissionsBoundaryPolicyInputList: [policy(statement())] }));
    expect(allowed.MatchedStatements).toEqual([found("PolicyInputList.1", 38, 95)]);
  });

  test.each([
    ["that allows it", statement(), "allowed", true],
    ["that does not allow it", statement({ Action: "s3:PutObject" }), "implicitDeny", false],
    ["that denies it", statement({ Effect: "Deny" }), "explicitDeny", false],
  ])("respects a permissions boundary %s", async (_, limit, decision, isWithin) => {
    const result = await first(custom({ PermissionsBoundaryPolicyInputList: [policy(limit)] }));
    expect(result.EvalDecision).toBe(decision);
    expect(result.PermissionsBoundaryDecisionDetail).toEqual({ AllowedByPermissionsBoundary: isWithin });
  });

  test("lists missing keys with an implicit deny, including those of other statements, as spelled in the policy", async () => {
    const condition = { StringEquals: { "stack:Missing": "yes" } };
    const conditional = statement({ Action: "s3:PutObject", Condition: condition });
    const own = statement({ Action: "s3:PutObject", Resource: "arn:aws:s3:::b/$" + "{aws:username}" });
    const missing = async (input: Partial<SimulateCustomPolicyCommandInput>) =>
      (await first(custom(input))).MissingContextValues;
    expect(await missing({ PolicyInputList: [policy(conditional, own)] })).toEqual(["stack:Missing", "aws:username"]);
    expect(await missing({ PolicyInputList: [policy(conditional, own)], CallerArn: alice.arn })).toEqual([
      "stack:Missing",
    ]);
    expect(await missing({ PolicyInputList: [policy(conditional, statement())] })).toEqual([]);
  });

  test("uses the simulated caller's context keys by default, and lets requests override them", async () => {
    const when = (key: string, value: string) => policy(statement({ Condition: { StringEquals: { [key]: value } } }));
    const caller = "arn:aws:iam::123456789012:user/team/unknown";
    for (const [key, value] of [
      ["aws:username", "unknown"],
      ["aws:PrincipalArn", caller],
      ["aws:PrincipalAccount", "123456789012"],
      ["aws:userid", caller],
    ] as const) {
      const result = await first(custom({ PolicyInputList: [when(key, value)], CallerArn: caller }));
      expect([key, result.EvalDecision]).toEqual([key, "allowed"]);
    }
    const entry = { ContextKeyName: "AWS:UserName", ContextKeyType: "string" as const, ContextKeyValues: ["else"] };
    const input = { PolicyInputList: [when("aws:username", "else")], CallerArn: caller, ContextEntries: [entry] };
    expect((await first(custom(input))).EvalDecision).toBe("allowed");
    for (const kind of ["role", "group"]) {
      const CallerArn = `arn:aws:iam::123456789012:${kind}/a`;
      const named = await first(custom({ PolicyInputList: [when("aws:PrincipalArn", CallerArn)], CallerArn }));
      const unnamed = await first(custom({ PolicyInputList: [when("aws:username", "a")], CallerArn }));
      expect([named.EvalDecision, unnamed.MissingContextValues]).toEqual(["allowed", ["aws:username"]]);
    }
    const account = await first(custom({ PolicyInputList: [when("aws:PrincipalAccount", "123456789012")] }));
    expect(account.EvalDecision).toBe("allowed");
  });

  test("evaluates policies even for actions that need no permissions", async () => {
    const ActionNames = ["sts:GetSessionToken", "sts:GetCallerIdentity"];
    const decisions = async (given: unknown) => {
      const { EvaluationResults: results = [] } = await custom({
        PolicyInputList: [JSON.stringify(given)],
        ActionNames,
      });
      return results.map(({ EvalDecision }) => EvalDecision);
    };
    expect(await decisions(selfManagePolicy())).toEqual(["implicitDeny", "implicitDeny"]);
    expect(await decisions(enforceMfaPolicy())).toEqual(["implicitDeny", "explicitDeny"]);
  });

  test("allows nothing without policies", async () => {
    expect((await first(custom({ PolicyInputList: [] }))).EvalDecision).toBe("implicitDeny");
  });

  test("comes in pages", async () => {
    const ActionNames = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"];
    const one = await custom({ ActionNames, MaxItems: 2 });
    expect(one).toMatchObject({ IsTruncated: true, Marker: expect.any(String) as string });
    expect(one.EvaluationResults).toHaveLength(2);
    const two = await custom({ ActionNames, MaxItems: 2, Marker: one.Marker });
    expect(two).toMatchObject({ IsTruncated: false, EvaluationResults: [{ EvalActionName: "s3:DeleteObject" }] });
    expect(two.Marker).toBeUndefined();
    const many = await custom({ ActionNames: Array.from({ length: 120 }, (_, number) => `s3:Action${number}`) });
    expect([many.EvaluationResults?.length, many.IsTruncated]).toEqual([100, true]);
  });
});

describe("a principal's policies", () => {
  const sources = async (input: Partial<SimulatePrincipalPolicyCommandInput>) => {
    const { EvaluationResults: results = [] } = await principal(input);
    return results.map(({ EvalDecision, MatchedStatements = [] }) =>
      [EvalDecision, ...MatchedStatements.map(({ SourcePolicyId }) => SourcePolicyId)].join(" "),
    );
  };

  beforeEach(() => {
    const managed = sandbox.addManagedPolicy("deleting", policy(statement({ Action: "s3:DeleteObject" }))).arn;
    const policies = [policy(statement({ Action: "s3:PutObject" }))];
    sandbox.addGroup({ name: "writers", path: "/team/", policies, attached: [managed] });
    sandbox.addGroup({ name: "others", attached: [managed] });
    const boundary = sandbox.addManagedPolicy("limit", policy(statement({ Action: ["s3:GetObject", "s3:PutObject"] })));
    const groups = ["writers", "others"];
    sandbox.addUser({ name: "bob", groups, attached: [managed], policies: [policy(statement())] });
    sandbox.addUser({ name: "carol", groups, boundary: boundary.arn });
    const trust = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal: "*", Action: "sts:AssumeRole" }] };
    sandbox.addRole({ name: "reader", trust, policies: [policy(statement())] });
  });
  const ActionNames = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"];
  const arn = (name: string) => `arn:aws:iam::123456789012:${name}`;

  test("are those of a user and of the user's groups, of a group, or of a role", async () => {
    expect(await sources({ ActionNames, PolicySourceArn: arn("user/bob") })).toEqual([
      ...["allowed user_bob_policy-1", "allowed group_writers_policy-1", "allowed deleting"],
    ]);
    expect(await sources({ ActionNames, PolicySourceArn: arn("group/team/writers") })).toEqual([
      ...["implicitDeny", "allowed group_writers_policy-1", "allowed deleting"],
    ]);
    expect(await sources({ ActionNames, PolicySourceArn: arn("role/reader") })).toEqual([
      ...["allowed role_reader_policy-1", "implicitDeny", "implicitDeny"],
    ]);
    expect(await sources({ PolicySourceArn: arn("user/another/path/BOB") })).toEqual(["allowed user_bob_policy-1"]);
  });

  test("are evaluated with those of the request, within the user's boundary or another", async () => {
    const PolicySourceArn = arn("user/carol");
    const PolicyInputList = [policy(statement())];
    const call = { ActionNames, PolicySourceArn, PolicyInputList };
    expect(await sources(call)).toEqual([
      ...["allowed PolicyInputList.1", "allowed group_writers_policy-1", "implicitDeny"],
    ]);
    const { EvaluationResults: results = [] } = await principal(call);
    const within = results.map(
      ({ PermissionsBoundaryDecisionDetail }) => PermissionsBoundaryDecisionDetail?.AllowedByPermissionsBoundary,
    );
    expect(within).toEqual([true, true, false]);
    const PermissionsBoundaryPolicyInputList = [policy(statement({ Action: "s3:DeleteObject" }))];
    expect(await sources({ ...call, PermissionsBoundaryPolicyInputList })).toEqual([
      ...["implicitDeny", "implicitDeny", "allowed deleting"],
    ]);
  });

  test("are evaluated for the principal itself, or for another caller", async () => {
    const PolicyInputList = [
      policy(statement({ Action: "s3:PutObject", Resource: "arn:aws:s3:::b/$" + "{aws:username}" })),
    ];
    const call = { PolicyInputList, ActionNames: ["s3:PutObject"], ResourceArns: ["arn:aws:s3:::b/alice"] };
    expect(await sources(call)).toEqual(["allowed PolicyInputList.1"]);
    expect(await sources({ ...call, CallerArn: arn("user/bob") })).toEqual(["implicitDeny"]);
  });

  test.each<[string, string, string]>([
    ["that does not exist", arn("user/zoe"), "NoSuchEntity 404 Unable to retrieve specified IAM entity."],
    [
      "of another account",
      "arn:aws:iam::999999999999:user/bob",
      "InvalidInput 400 Invalid Policy Source Arn: caller's account 123456789012 does not have access to policies in account 999999999999.",
    ],
    ["that is the root user", arn("root"), `InvalidInput 400 Invalid ARN provided in the request: ${arn("root")}`],
    [
      "that is a role session",
      "arn:aws:sts::123456789012:assumed-role/reader/session",
      "InvalidInput 400 Invalid ARN provided in the request: arn:aws:sts::123456789012:assumed-role/reader/session",
    ],
    ["whose ARN is short", "bob", "ValidationError 400 "],
  ])("are not read of a principal %s", async (_, PolicySourceArn, expected) => {
    expect((await refusal(principal({ PolicySourceArn }))).join(" ")).toContain(expected);
  });

  test("are read by callers who may simulate this principal", async () => {
    const refused = await refusal(principal({}, alice.accessKey));
    expect(refused).toEqual([
      ...["AccessDenied", 403],
      expect.stringContaining(`iam:SimulatePrincipalPolicy on resource: ${alice.arn} because`) as string,
    ]);
    const own = { Action: "iam:SimulatePrincipalPolicy", Resource: "arn:aws:iam::*:user/*/$" + "{aws:username}" };
    sandbox.attachPolicy("alice", policy(statement(own)));
    expect((await first(principal({}, alice.accessKey))).EvalDecision).toBe("allowed");
    expect((await refusal(principal({ PolicySourceArn: arn("user/bob") }, alice.accessKey)))[0]).toBe("AccessDenied");
  });
});

describe("rejects", () => {
  const entry = (type: string, ...values: string[]) => ({
    ContextEntries: [{ ContextKeyName: "stack:test", ContextKeyType: type as "string", ContextKeyValues: values }],
  });
  test.each<[string, Partial<SimulateCustomPolicyCommandInput>, string, string]>([
    [
      "a policy that is not JSON",
      { PolicyInputList: [policy(statement()), "{"] },
      "InvalidInput",
      "Policy input list item 2 has invalid content",
    ],
    ["an invalid character", { PolicyInputList: ["Ω"] }, "ValidationError", "'policyInputList.1.member'"],
    [
      "a request without policies",
      { PolicyInputList: undefined },
      "ValidationError",
      "Value null at 'policyInputList'",
    ],
    [
      "two boundaries",
      { PermissionsBoundaryPolicyInputList: [policy(statement()), policy(statement())] },
      "InvalidInput",
      "The list of Permissions Boundary policies cannot exceed 1 items.",
    ],
    [
      "an action without a service",
      { ActionNames: ["GetObject"] },
      "InvalidInput",
      "The action is invalid since it is missing names",
    ],
    ["a short action", { ActionNames: ["s3"] }, "ValidationError", "greater than or equal to 3"],
    [
      "an invalid ARN",
      { ResourceArns: ["arn:aws:s3"] },
      "InvalidInput",
      "ResourceNames are not in a valid ARN format: arn:aws:s3.",
    ],
    [
      "two values of a single-valued type",
      entry("string", "a", "b"),
      "InvalidInput",
      "Context key string expected a single value, but received 2.",
    ],
    [
      "an invalid number",
      entry("numeric", "abc"),
      "InvalidInput",
      "Invalid context value for key stack:test: expected numeric format.",
    ],
    [
      "an invalid date",
      entry("date", "tomorrow"),
      "InvalidInput",
      "Invalid context value for key stack:test: expected DateTime format.",
    ],
    [
      "an invalid address",
      entry("ipList", "999.0.0.1"),
      "InvalidInput",
      "Invalid context value for key stack:test: expected IP address.",
    ],
    [
      "invalid base64",
      entry("binary", "!base64"),
      "InvalidInput",
      "Invalid context value for key stack:test: expected base-64 encoded binary format.",
    ],
    ["an unknown type", entry("unknown", "a"), "ValidationError", "'contextEntries.1.member.contextKeyType'"],
    [
      "a duplicate key",
      { ContextEntries: [isPresent("true"), { ...isPresent("true"), ContextKeyName: "AWS:MultiFactorAuthPresent" }] },
      "InvalidInput",
      "Duplicate context key: AWS:MultiFactorAuthPresent.",
    ],
    [
      "an invalid caller",
      { CallerArn: "arn:aws:iam::123456789012:root" },
      "InvalidInput",
      "Invalid ARN provided in the request: arn:aws:iam::123456789012:root",
    ],
    ["an invalid marker", { Marker: "not-a-simulation-marker" }, "InvalidInput", "Invalid marker for pagination."],
    ["a page that is too large", { MaxItems: 1001 }, "ValidationError", "less than or equal to 1000"],
  ])("%s", async (_, input, code, message) => {
    expect(await refusal(custom(input))).toEqual([code, 400, expect.stringContaining(message)]);
  });

  test.each<[string, Partial<SimulateCustomPolicyCommandInput>]>([
    [
      "the parameter ResourcePolicy",
      { ResourcePolicy: policy(statement()), CallerArn: "arn:aws:iam::123456789012:user/a" },
    ],
    ["the action name 's3:*'", { ActionNames: ["s3:*"] }],
  ])("reports what is not modeled: %s", async (what, input) => {
    const message = expect.stringContaining(`This local AWS does not model ${what}`) as string;
    expect(await refusal(custom(input))).toEqual(["NotImplemented", 501, message]);
  });
});

describe("fob's own client", () => {
  /** Calls AWS's simulator with the credentials of a caller. */
  async function ask(credentials: AccessKey, ...[questions, subject]: Ask): ReturnType<typeof askSimulator> {
    const access = {
      ...{ profile: "work", credentials, region: "eu-west-1", network: readNetworkSettings({}, "/", undefined) },
      ...{ usesGlobalSts: false, useFips: false, useDualstack: false, command: "fob policy simulate" },
      endpoints: { sts: sandbox.url, iam: sandbox.url, signin: undefined },
      formatLogin: () => "fob login work",
    };
    const tools = { signal: new AbortController().signal, debug: () => undefined, now: Date.now };
    return await withAws(access, tools, (aws) => askSimulator(questions, subject, (call) => simulate(aws, call)));
  }
  type Ask = [questions: Parameters<typeof askSimulator>[0], subject: Parameters<typeof askSimulator>[1]];

  const question = { action: "s3:ListAllMyBuckets", resource: "*", context: {} };
  const policies = [parsePolicy(everything), enforceMfaPolicy(), selfManagePolicy()];

  test("finds only expected differences between AWS's simulator and fob's evaluator for the enforcement policy", async () => {
    const contexts: RequestContext[] = [
      {},
      { "aws:MultiFactorAuthPresent": "false" },
      { "aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": "60" },
    ];
    const actions = [
      ...["s3:ListAllMyBuckets", "iam:ListUsers", "iam:CreateVirtualMFADevice", "sts:GetSessionToken"],
      ...["sts:GetCallerIdentity", "iam:DeactivateMFADevice"],
    ];
    const questions = contexts.flatMap((context) => actions.map((action) => ({ action, resource: "*", context })));
    const answers = await ask(admin.accessKey, questions, { policies, user: alice.arn });
    expect(sandbox.requests).toHaveLength(3);
    const different = answers.flatMap(({ decision: theirs }, index) => {
      const asked = questions[index] ?? question;
      const { decision: ours } = evaluate(policies, asked);
      return theirs === ours ? [] : { action: asked.action, decisions: { ours, theirs } };
    });
    expect(different.map(({ action }) => action)).toEqual(["sts:GetCallerIdentity", "sts:GetCallerIdentity"]);
    expect(different.every(({ action, decisions }) => explainDifference(action, decisions, {}) !== undefined)).toBe(
      true,
    );
    expect(answers[0]).toEqual({ decision: "explicitDeny" });
  });

  test("sends the caller and the boundary", async () => {
    const own = { action: "iam:DeactivateMFADevice", resource: alice.arn };
    const withMfa = { ...own, context: { "aws:MultiFactorAuthPresent": "true" } };
    const decisions = async (more: object) => {
      const subject = { policies: [selfManagePolicy()], ...more };
      const answers = await ask(admin.accessKey, [withMfa, { ...own, context: {} }], subject);
      return answers.map(({ decision }) => decision);
    };
    expect(await decisions({ user: alice.arn })).toEqual(["allowed", "implicitDeny"]);
    expect((await decisions({}))[0]).toBe("implicitDeny");
    const boundary = parsePolicy(policy(statement()));
    expect((await decisions({ user: alice.arn, boundary }))[0]).toBe("implicitDeny");
  });

  test("splits more actions than a call allows", async () => {
    const many = Array.from({ length: 130 }, (_, number) => ({ ...question, action: `s3:Action${number}` }));
    const questions = [{ ...question, action: "s3:GetObject", resource: object }, ...many];
    const subject = { policies: [parsePolicy(policy(statement()))], user: alice.arn };
    const answers = await ask(admin.accessKey, questions, subject);
    expect(answers[0]).toEqual({ decision: "allowed" });
    expect(answers.slice(1).every(({ decision }) => decision === "implicitDeny")).toBe(true);
  });

  const denied = (credentials: AccessKey) => ask(credentials, [question], { policies });

  test("names the missing permission", async () => {
    await expect(denied(alice.accessKey)).rejects.toMatchObject({
      message: `AWS denied the request: User: ${alice.arn} is not authorized to perform: iam:SimulateCustomPolicy on resource: * because no identity-based policy allows the iam:SimulateCustomPolicy action`,
      hints: ["ask an administrator to allow iam:SimulateCustomPolicy for this user or role"],
    });
  });

  test("suggests a session if the enforcement policy denies the access key", async () => {
    sandbox.attachPolicy("admin", enforceMfaPolicy());
    await expect(denied(admin.accessKey)).rejects.toMatchObject({
      message: expect.stringContaining("iam:SimulateCustomPolicy on resource: * with an explicit deny") as string,
      hints: [
        "if a policy requires MFA, use a session instead of the access key: fob login work",
        expect.stringContaining("iam:SimulateCustomPolicy") as string,
      ],
    });
  });

  test("fails in a session without MFA, which cannot call IAM", async () => {
    const common = { credentials: admin.accessKey, endpoint: sandbox.url, region: "eu-west-1", maxAttempts: 1 };
    const { Credentials: given } = await new STSClient(common).send(new GetSessionTokenCommand({}));
    const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "" } = given ?? {};
    const session = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
    const command = new SimulateCustomPolicyCommand({ PolicyInputList: [policy(statement())], ActionNames: ["a:Bcd"] });
    expect((await refusal(iam(session).send(command)))[0]).toBe("InvalidClientTokenId");
  });

  test("reports a resource that AWS rejects", async () => {
    const wrong = { ...question, resource: "buckets" };
    await expect(ask(admin.accessKey, [wrong], { policies })).rejects.toMatchObject({
      message: "AWS rejected the request: ResourceNames are not in a valid ARN format: buckets.",
      hints: ["check what is allowed: fob policy simulate --help"],
    });
  });
});
