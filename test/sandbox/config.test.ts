// Tests AWS Config in the local AWS: results are as old as the latest evaluation, and the protocol is AWS's.
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Account } from "../../src/sandbox/account.ts";
import { putRecorder } from "../../src/sandbox/monitoring/config.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { type Draft, type Key, post, send, sign } from "./client.ts";
import { allow, now } from "./iam-client.ts";
import { type JsonAnswer, sendJson } from "./json-client.ts";

const hour = 3_600_000;
const consoleRule = "MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS";
const allUsersRule = "IAM_USER_MFA_ENABLED";

let account: Account;
let sandbox: Sandbox;
let key: Key;
let time: number;
beforeEach(async () => {
  sandbox = await startSandbox({
    fill: (filled) => {
      account = filled;
    },
  });
  setTime(now);
  key = sandbox.addUser({ name: "ada", policies: [allow("*")] }).accessKey;
  sandbox.addVirtualDevice("ada");
  sandbox.addUser({ name: "dan", password: { changedMs: now, lastUsedMs: undefined, resetRequired: false } });
  const recorder = { name: "default", roleArn: account.arn("role/config"), resourceTypes: [], startedMs: now };
  putRecorder(account, account.inRegion("eu-central-1"), recorder);
});
afterEach(() => sandbox.close());

function setTime(ms: number): void {
  time = ms;
  sandbox.setClock(ms);
}

const call = (operation: string, input: unknown = {}, more: { key?: Key; region?: string } = {}) =>
  sendJson({ url: sandbox.url, key, atMs: time, service: "config", operation, input, ...more });

const put = (ConfigRuleName: string, SourceIdentifier: string, more: object = {}) =>
  call("PutConfigRule", { ConfigRule: { ConfigRuleName, Source: { Owner: "AWS", SourceIdentifier }, ...more } });

/** The names of the users in the results, with a minus for those who do not comply. */
async function results(ConfigRuleName: string, more: object = {}): Promise<readonly string[]> {
  const { json } = await call("GetComplianceDetailsByConfigRule", { ConfigRuleName, ...more });
  const { EvaluationResults } = json as { EvaluationResults: Result[] };
  return EvaluationResults.map(({ EvaluationResultIdentifier: id, ComplianceType }) => {
    const { ResourceId } = id.EvaluationResultQualifier;
    const name = account.users().find(({ userId }) => userId === ResourceId)?.name ?? "deleted";
    return ComplianceType === "COMPLIANT" ? name : `-${name}`;
  });
}

interface Result {
  readonly EvaluationResultIdentifier: { readonly EvaluationResultQualifier: { readonly ResourceId: string } };
  readonly ComplianceType: string;
}

const summary = async (): Promise<unknown> =>
  ((await call("DescribeComplianceByConfigRule")).json as { ComplianceByConfigRules: unknown }).ComplianceByConfigRules;

test("a rule is described as it was put, and shows each user by the ID", async () => {
  const answer = await put("all", allUsersRule, { Description: "MFA", MaximumExecutionFrequency: "One_Hour" });
  expect([answer.status, answer.body]).toEqual([200, ""]);
  const { json, headers } = await call("DescribeConfigRules", { ConfigRuleNames: ["all"] });
  expect(headers["content-type"]).toBe("application/x-amz-json-1.1");
  expect(json).toEqual({
    ConfigRules: [
      {
        ...{ ConfigRuleName: "all", Description: "MFA", MaximumExecutionFrequency: "One_Hour" },
        ...{ ConfigRuleState: "ACTIVE", Source: { Owner: "AWS", SourceIdentifier: allUsersRule } },
        ConfigRuleArn: expect.stringMatching(
          /^arn:aws:config:eu-central-1:123456789012:config-rule\/config-rule-[a-z2-7]{6}$/,
        ) as string,
        ConfigRuleId: expect.stringMatching(/^config-rule-[a-z2-7]{6}$/) as string,
        EvaluationModes: [{ Mode: "DETECTIVE" }],
      },
    ],
  });
  const details = await call("GetComplianceDetailsByConfigRule", { ConfigRuleName: "all", Limit: 1 });
  const {
    EvaluationResults: [first],
    NextToken,
  } = details.json as {
    EvaluationResults: unknown[];
    NextToken: string;
  };
  expect(first).toEqual({
    EvaluationResultIdentifier: {
      EvaluationResultQualifier: {
        ...{ ConfigRuleName: "all", ResourceType: "AWS::IAM::User", EvaluationMode: "DETECTIVE" },
        ResourceId: account.user("ada").userId,
      },
      OrderingTimestamp: now / 1000,
    },
    ...{ ComplianceType: "COMPLIANT", ResultRecordedTime: now / 1000, ConfigRuleInvokedTime: now / 1000 },
  });
  expect(await results("all", { NextToken, Limit: 0 })).toEqual(["-dan"]);
  expect(await results("all", { ComplianceTypes: ["COMPLIANT"] })).toEqual(["ada"]);
  expect(await summary()).toEqual([
    {
      ConfigRuleName: "all",
      Compliance: {
        ComplianceType: "NON_COMPLIANT",
        ComplianceContributorCount: { CappedCount: 1, CapExceeded: false },
      },
    },
  ]);
});

test("results stay as they were until the next evaluation is due", async () => {
  await put("all", allUsersRule);
  await put("hourly", allUsersRule, { MaximumExecutionFrequency: "One_Hour" });
  sandbox.addVirtualDevice("dan");
  setTime(now + hour - 1);
  expect(await results("hourly")).toEqual(["ada", "-dan"]);
  setTime(now + 24 * hour - 1);
  expect(await results("hourly")).toEqual(["ada", "dan"]);
  expect(await results("all")).toEqual(["ada", "-dan"]);
  setTime(now + 24 * hour);
  expect(await results("all")).toEqual(["ada", "dan"]);
  const { json } = await call("DescribeConfigRuleEvaluationStatus", { ConfigRuleNames: ["all"] });
  expect(json).toMatchObject({
    ConfigRulesEvaluationStatus: [
      { LastSuccessfulEvaluationTime: (now + 24 * hour) / 1000, FirstActivatedTime: now / 1000 },
    ],
  });
});

test("an evaluation that was due is about the state at that time, not about later changes", async () => {
  await put("all", allUsersRule);
  setTime(now + 25 * hour);
  const created = { Action: "CreateUser", Version: "2010-05-08", UserName: "new" };
  const { status } = await send(sign(post(created), sandbox.url, key, { service: "iam", atMs: time }), sandbox.url);
  expect(status).toBe(200);
  expect(await results("all")).toEqual(["ada", "-dan"]);
  account.deleteUser(account.user("dan"));
  expect(await results("all")).toEqual(["ada", "-deleted"]);
  setTime(now + 48 * hour);
  expect(await results("all")).toEqual(["ada", "-new"]);
});

test("the rule for console users leaves out users without a password, and evaluates state that is up to 4 hours old", async () => {
  await put("console", consoleRule);
  expect(await results("console")).toEqual(["-dan"]);
  sandbox.addVirtualDevice("dan");
  const start = () => call("StartConfigRulesEvaluation", { ConfigRuleNames: ["console"] });
  setTime(now + 4 * hour - 60_000);
  expect((await start()).json).toEqual({});
  expect(await results("console")).toEqual(["-dan"]);
  expect((await start()).refusal).toMatch(/^LimitExceededException 400/);
  setTime(now + 4 * hour);
  await start();
  expect(await results("console")).toEqual(["dan"]);
  expect(await summary()).toEqual([{ ConfigRuleName: "console", Compliance: { ComplianceType: "COMPLIANT" } }]);
});

test("rules need a recorder, are of one region, and only two of AWS's rules are modeled", async () => {
  const elsewhere = { region: "us-east-1" };
  const ConfigRule = { ConfigRuleName: "all", Source: { Owner: "AWS", SourceIdentifier: allUsersRule } };
  expect((await call("PutConfigRule", { ConfigRule }, elsewhere)).refusal).toMatch(
    /^NoAvailableConfigurationRecorderException 400/,
  );
  await put("all", allUsersRule);
  expect((await call("DescribeConfigRules", {}, elsewhere)).json).toEqual({ ConfigRules: [] });
  expect((await call("DescribeConfigurationRecorders", {}, elsewhere)).json).toEqual({ ConfigurationRecorders: [] });
  expect((await call("DescribeConfigurationRecorders")).json).toMatchObject({
    ConfigurationRecorders: [{ name: "default", roleARN: "arn:aws:iam::123456789012:role/config" }],
  });
  expect((await call("DescribeConfigurationRecorderStatus")).json).toMatchObject({
    ConfigurationRecordersStatus: [{ name: "default", recording: true, lastStartTime: now / 1000 }],
  });
  const unknown = await call("DescribeConfigurationRecorders", { ConfigurationRecorderNames: ["other"] });
  expect(unknown.refusal).toMatch(/^NoSuchConfigurationRecorderException 400/);
  expect((await put("odd", "REQUIRED_TAGS")).refusal).toMatch(/^NotImplemented 501: .* REQUIRED_TAGS$/);
  const own = { ConfigRule: { ...ConfigRule, Source: { Owner: "CUSTOM_LAMBDA", SourceIdentifier: "arn" } } };
  expect((await call("PutConfigRule", own)).refusal).toMatch(/^NotImplemented 501/);
  expect((await put("scoped", allUsersRule, { Scope: {} })).refusal).toBe(
    "NotImplemented 501: This local AWS does not model the parameter configRule.Scope",
  );
  const missing = "The ConfigRule 'none' provided in the request is invalid. Please check the configRule name";
  for (const [operation, input] of [
    ["DescribeConfigRules", { ConfigRuleNames: ["none"] }],
    ["GetComplianceDetailsByConfigRule", { ConfigRuleName: "none" }],
    ["StartConfigRulesEvaluation", { ConfigRuleNames: ["all", "none"] }],
  ] as const)
    expect((await call(operation, input)).refusal).toBe(`NoSuchConfigRuleException 400: ${missing}`);
});

test("policies decide on the rule's ARN", async () => {
  await put("all", allUsersRule);
  const arn = account.inRegion("eu-central-1").configRules.get("all")?.arn ?? "";
  const reader = sandbox.addUser({ name: "reader", policies: [allow("config:*", arn)] }).accessKey;
  const details = { ConfigRuleName: "all" };
  expect((await call("GetComplianceDetailsByConfigRule", details, { key: reader })).status).toBe(200);
  const user = "User: arn:aws:iam::123456789012:user";
  expect((await call("DescribeConfigRules", {}, { key: reader })).refusal).toBe(
    `AccessDeniedException 400: ${user}/reader is not authorized to perform: config:DescribeConfigRules because no ` +
      "identity-based policy allows the config:DescribeConfigRules action",
  );
  const outsider = sandbox.addUser({ name: "outsider" }).accessKey;
  expect((await call("GetComplianceDetailsByConfigRule", details, { key: outsider })).refusal).toBe(
    `AccessDeniedException 400: ${user}/outsider is not authorized to perform: config:GetComplianceDetailsByConfigRule on ` +
      `resource: ${arn} because no identity-based policy allows the config:GetComplianceDetailsByConfigRule action`,
  );
});

test.each<[title: string, expected: RegExp, input: unknown, operation?: string]>([
  ["an operation that is not modeled", /^NotImplemented 501: .* config:DeleteConfigRule$/, {}, "DeleteConfigRule"],
  ["a name of every object", /^NotImplemented 501/, {}, "toString"],
  ["no JSON", /^SerializationException 400/, "{"],
  ["no structure", /^SerializationException 400/, "[]"],
  ["null", /^ValidationException 400/, "null"],
  ["a parameter of the wrong type", /^SerializationException 400/, { ConfigRuleNames: "all" }],
  ["a name that is too long", /^ValidationException 400: 1 validation error/, { ConfigRuleNames: ["a".repeat(129)] }],
  ["too many names", /^ValidationException 400/, { ConfigRuleNames: Array<string>(26).fill("a") }],
  ["a token of another service", /^InvalidNextTokenException 400/, { NextToken: "AAAA" }],
  [
    "a required parameter that is missing",
    /^ValidationException 400: .*'configRuleName' .* null$/,
    {},
    "GetComplianceDetailsByConfigRule",
  ],
  [
    "a word that is not in an enumeration",
    /^ValidationException 400: .*\[COMPLIANT, NON_COMPLIANT, NOT_APPLICABLE, INSUFFICIENT_DATA\]$/,
    { ComplianceTypes: ["GOOD"] },
    "DescribeComplianceByConfigRule",
  ],
  [
    "a fraction",
    /^SerializationException 400/,
    { ConfigRuleName: "a", Limit: 1.5 },
    "GetComplianceDetailsByConfigRule",
  ],
])("a malformed request: %s", async (_, expected, input, operation = "DescribeConfigRules") => {
  expect((await call(operation, input)).refusal).toMatch(expected);
});

test.each<[title: string, expected: string, change: (draft: Draft) => void]>([
  ["no signature", "MissingAuthenticationTokenException", ({ headers }) => delete headers.authorization],
  ["a changed body", "InvalidSignatureException", (draft) => (draft.body = '{"ConfigRuleNames":[]}')],
  [
    "another operation",
    "InvalidSignatureException",
    ({ headers }) => (headers["x-amz-target"] = "StarlingDoveService.PutConfigRule"),
  ],
  ["no operation", "UnknownOperationException", ({ headers }) => delete headers["x-amz-target"]],
  ["an operation of another service", "UnknownOperationException", ({ headers }) => (headers["x-amz-target"] = "A.B")],
])("%s: AWS's error in JSON", async (_, code, change) => {
  const request = { url: sandbox.url, key, atMs: now, service: "config", operation: "DescribeConfigRules" } as const;
  const answer: JsonAnswer = await sendJson({ ...request, change });
  expect(answer.refusal).toMatch(new RegExp(`^${code} 400: `));
  expect(answer.headers["content-type"]).toMatch(/^application\/x-amz-json-1\.1$/);
});

test("an unknown key, an old signature and a session that has ended: AWS's errors in JSON", async () => {
  const request = { url: sandbox.url, key, atMs: now, service: "config", operation: "DescribeConfigRules" } as const;
  const unknown = { ...key, accessKeyId: "AKIAEXAMPLEEXAMPLE00" };
  expect((await sendJson({ ...request, key: unknown })).refusal).toMatch(/^UnrecognizedClientException 400/);
  expect((await sendJson({ ...request, atMs: now - hour })).refusal).toMatch(
    /^InvalidSignatureException 400: Signature expired/,
  );
  const { session, ...credential } = account.addSession(account.user("ada"), 900, { kind: "user" });
  const ended = { ...credential, sessionToken: session.token };
  setTime(now + hour);
  expect((await sendJson({ ...request, key: ended, atMs: time })).refusal).toMatch(/^ExpiredTokenException 400/);
});
