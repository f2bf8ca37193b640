// Tests the local AWS's policy simulator with the SDK for JavaScript and fob's own client. The messages are from captured
// responses of AWS.
import {
  type EvaluationResult,
  IAMClient,
  SimulateCustomPolicyCommand,
  type SimulateCustomPolicyCommandInput,
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
      MissingContextValues: [],
    });
    const specific = { EvalResourceName: object, EvalResourceDecision: "allowed" };
    const result = await first(custom({ ResourceArns: [object] }));
    expect(result).toMatchObject({ EvalResourceName: object, EvalDecision: "allowed" });
    expect(result.ResourceSpecificResults).toEqual([{ ...specific, MissingContextValues: [] }]);
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
    ["a simulation with several resources", { ResourceArns: [object, `${object}b`] }],
    ["the action name 's3:*'", { ActionNames: ["s3:*"] }],
    ["a role as the simulated caller", { CallerArn: "arn:aws:iam::123456789012:role/a" }],
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
