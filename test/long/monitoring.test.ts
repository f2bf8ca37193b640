// Tests what the local AWS models of monitoring with boto3, which checks the shape of every answer against AWS's own models,
// and with the `aws` command.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Account, Credential } from "../../src/sandbox/account.ts";
import { cloudtrail } from "../../src/sandbox/monitoring/cloudtrail.ts";
import { cloudwatch } from "../../src/sandbox/monitoring/cloudwatch.ts";
import { config } from "../../src/sandbox/monitoring/config.ts";
import { eventbridge } from "../../src/sandbox/monitoring/eventbridge.ts";
import { logs } from "../../src/sandbox/monitoring/logs.ts";
import { sns } from "../../src/sandbox/monitoring/sns.ts";
import { scenarios } from "../../src/sandbox/scenarios.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { isThere } from "../helpers/needed.ts";

let home: string;
let sandbox: Sandbox;
let account: Account;
let key: Credential;
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), "fob-monitoring-"));
  sandbox = await startSandbox({
    fill: (filled) => {
      scenarios.team(filled);
      account = filled;
    },
  });
  const [first] = account.accessKeysOf(account.user("ada"));
  if (first === undefined) throw new Error("ada has no access key");
  key = first;
});
afterEach(async () => {
  await sandbox.close();
  rmSync(home, { recursive: true });
});

/** Runs a program with ada's access key, without this machine's configuration. */
function run(file: string, args: readonly string[], input = ""): Promise<{ stdout: string; stderr: string }> {
  const env = {
    ...{ PATH: process.env.PATH ?? "", HOME: home, AWS_EC2_METADATA_DISABLED: "true" },
    ...{ AWS_ENDPOINT_URL: sandbox.url, AWS_DEFAULT_REGION: "eu-central-1", AWS_DEFAULT_OUTPUT: "json" },
    ...{ AWS_ACCESS_KEY_ID: key.accessKeyId, AWS_SECRET_ACCESS_KEY: key.secretAccessKey },
  };
  return new Promise((resolveRun) => {
    const child = execFile(file, args, { env, cwd: home }, (_, stdout, stderr) => resolveRun({ stdout, stderr }));
    child.stdin?.end(input);
  });
}

/** boto3's names of the services, and what is modeled of each. */
const modeled = {
  config: Object.keys(config.operations),
  cloudtrail: Object.keys(cloudtrail.operations),
  events: Object.keys(eventbridge.operations),
  logs: Object.keys(logs.operations),
  cloudwatch: Object.keys(cloudwatch.operations),
  sns: [...sns.actions.keys()],
};

interface Call {
  readonly service: keyof typeof modeled;
  readonly region: string;
  readonly operation: string;
  readonly parameters: object;
}

const callOf =
  (service: Call["service"], region = "eu-central-1") =>
  (operation: string, parameters: object = {}): Call => ({ service, region, operation, parameters });

interface Result {
  readonly answer?: Readonly<Record<string, unknown>>;
  /** What AWS's model does not know in the answer. */
  readonly problems?: readonly string[];
  readonly code?: string;
}

/** Makes the calls with boto3, one after the other. */
async function callWithBoto(calls: readonly Call[]): Promise<readonly Result[]> {
  const script = resolve(import.meta.dirname, "../helpers/monitoring_calls.py");
  const { stdout, stderr } = await run("python3", [script], JSON.stringify(calls));
  expect(stderr).toBe("");
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Result);
}

const hasBoto = isThere("python3", "-c", "import boto3");

test.skipIf(!hasBoto)("boto3 understands every answer, and AWS's models know all that is in it", async () => {
  const rule = "mfa-enabled-for-iam-console-access";
  const [trail, event] = [callOf("cloudtrail"), callOf("events", "us-east-1")];
  const [setting, log, alarm] = [callOf("config"), callOf("logs"), callOf("cloudwatch")];
  const topic = "arn:aws:sns:us-east-1:123456789012:break-glass-sign-in";
  const metric = { MetricName: "SignIns", Namespace: "Sign-ins" };
  const calls = [
    setting("DescribeConfigRules", { ConfigRuleNames: [rule] }),
    setting("PutConfigRule", {
      ConfigRule: {
        ...{ ConfigRuleName: "all", Source: { Owner: "AWS", SourceIdentifier: "IAM_USER_MFA_ENABLED" } },
        MaximumExecutionFrequency: "One_Hour",
      },
    }),
    setting("GetComplianceDetailsByConfigRule", { ConfigRuleName: "all", ComplianceTypes: ["NON_COMPLIANT"] }),
    setting("DescribeComplianceByConfigRule"),
    setting("StartConfigRulesEvaluation", { ConfigRuleNames: [rule] }),
    setting("DescribeConfigRuleEvaluationStatus"),
    setting("DescribeConfigurationRecorders"),
    setting("DescribeConfigurationRecorderStatus"),
    trail("DescribeTrails"),
    trail("GetTrailStatus", { Name: "management-events" }),
    trail("GetEventSelectors", { TrailName: "management-events" }),
    trail("LookupEvents", { MaxResults: 50 }),
    callOf("cloudtrail", "us-east-1")("LookupEvents", {
      LookupAttributes: [{ AttributeKey: "EventName", AttributeValue: "ConsoleLogin" }],
    }),
    event("PutRule", { Name: "sign-in", EventPattern: '{"source":["aws.signin"]}', State: "DISABLED" }),
    event("PutTargets", { Rule: "sign-in", Targets: [{ Id: "email", Arn: topic }] }),
    event("DescribeRule", { Name: "sign-in" }),
    event("ListRules", { NamePrefix: "break-glass" }),
    event("ListTargetsByRule", { Rule: "break-glass-sign-in" }),
    log("DescribeLogGroups"),
    log("PutMetricFilter", {
      ...{ logGroupName: "management-events", filterName: "sign-in", filterPattern: "{ $.eventName = ConsoleLogin }" },
      metricTransformations: [{ metricName: "SignIns", metricNamespace: "Sign-ins", metricValue: "1", unit: "Count" }],
    }),
    log("DescribeMetricFilters", { logGroupName: "management-events" }),
    alarm("PutMetricAlarm", {
      ...{ ...metric, AlarmName: "sign-in", Statistic: "Sum", Period: 300, EvaluationPeriods: 1, Threshold: 1 },
      ...{ ComparisonOperator: "GreaterThanOrEqualToThreshold", AlarmActions: [topic] },
    }),
    alarm("DescribeAlarms", { ActionPrefix: topic }),
    alarm("DescribeAlarmsForMetric", metric),
    callOf("sns", "us-east-1")("ListSubscriptionsByTopic", { TopicArn: topic }),
  ];
  for (const [service, operations] of Object.entries(modeled)) {
    const called = calls.filter((each) => each.service === service).map(({ operation }) => operation);
    expect([...new Set(called)].sort()).toEqual([...operations].sort());
  }
  const results = await callWithBoto(calls);
  expect(results.map(({ code, problems }, index) => [calls[index]?.operation, code, problems])).toEqual(
    calls.map(({ operation }) => [operation, undefined, []]),
  );
  // Every list has something in it, so that its members were checked.
  const lists = results.flatMap(({ answer = {} }) =>
    Object.entries(answer).filter(([, value]) => Array.isArray(value)),
  );
  const empty = lists.filter(([, value]) => (value as unknown[]).length === 0).map(([name]) => name);
  expect([...new Set(empty)].sort()).toEqual(["CompositeAlarms", "FailedEntries"]);
});

test.skipIf(!hasBoto)("boto3 knows the errors' codes", async () => {
  const calls = [
    callOf("config")("DescribeConfigRules", { ConfigRuleNames: ["none"] }),
    callOf("config")("DeleteConfigRule", { ConfigRuleName: "none" }),
    callOf("cloudtrail")("GetTrailStatus", { Name: "none" }),
    callOf("events")("DescribeRule", { Name: "none" }),
    callOf("logs")("DescribeMetricFilters", { logGroupName: "none" }),
    callOf("cloudwatch")("DescribeAlarms", { NextToken: "none" }),
    callOf("cloudwatch")("PutMetricAlarm", {
      ...{ AlarmName: "a", MetricName: "b", Namespace: "c", Statistic: "Sum", Period: 60, EvaluationPeriods: 1 },
      ...{ Threshold: 1, ComparisonOperator: "LessThanThreshold", AlarmActions: ["topic"] },
    }),
    callOf("sns")("ListSubscriptionsByTopic", { TopicArn: "arn:aws:sns:eu-central-1:123456789012:none" }),
  ];
  expect((await callWithBoto(calls)).map(({ code }) => code)).toEqual([
    ...["NoSuchConfigRuleException", "NotImplemented", "TrailNotFoundException", "ResourceNotFoundException"],
    ...["ResourceNotFoundException", "InvalidNextToken", "ValidationError", "NotFound"],
  ]);
});

// The command starts slowly, eleven times.
test.skipIf(!isThere("aws", "--version"))(
  "aws finds the alarm for sign-ins of break-glass, and who signed in",
  async () => {
    const aws = async (...args: string[]): Promise<Readonly<Record<string, unknown>>> => {
      const { stdout, stderr } = await run("aws", args);
      expect(stderr).toBe("");
      return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
    };
    const there = ["--region", "us-east-1"];
    const { Rules } = await aws("events", "list-rules", "--name-prefix", "break-glass", ...there);
    expect(Rules).toMatchObject([{ Name: "break-glass-sign-in", State: "ENABLED" }]);
    const [rule] = Rules as { EventPattern: string }[];
    expect(rule?.EventPattern).toContain(account.user("break-glass").arn);
    const { Targets } = await aws("events", "list-targets-by-rule", "--rule", "break-glass-sign-in", ...there);
    const [{ Arn: topic } = { Arn: "" }] = Targets as { Arn: string }[];
    const { Subscriptions } = await aws("sns", "list-subscriptions-by-topic", "--topic-arn", topic, ...there);
    expect(Subscriptions).toMatchObject([
      { Protocol: "email", SubscriptionArn: expect.stringContaining(topic) as string },
    ]);

    const wanted = ["--lookup-attributes", "AttributeKey=Username,AttributeValue=break-glass"];
    const { Events } = await aws("cloudtrail", "lookup-events", ...wanted, ...there);
    expect(Events).toMatchObject([{ EventName: "ConsoleLogin", Username: "break-glass" }]);
    const { ConfigRules } = await aws("configservice", "describe-config-rules");
    expect(ConfigRules).toMatchObject([{ ConfigRuleName: "mfa-enabled-for-iam-console-access" }]);
    const group = ["--log-group-name", "management-events"];
    const filter = ["--filter-name", "sign-in", "--filter-pattern", "{ $.eventName = ConsoleLogin }"];
    const transformation = ["--metric-transformations", "metricName=SignIns,metricNamespace=Sign-ins,metricValue=1"];
    const alarm = ["--alarm-name", "sign-in", "--comparison-operator", "GreaterThanThreshold", "--threshold", "0.5"];
    const metric = ["--metric-name", "SignIns", "--namespace", "Sign-ins", "--statistic", "Sum", "--period", "300"];
    const more = ["--evaluation-periods", "1", "--alarm-actions", topic];
    for (const args of [
      ["logs", "put-metric-filter", ...group, ...filter, ...transformation],
      ["cloudwatch", "put-metric-alarm", ...alarm, ...metric, ...more],
    ])
      expect(await run("aws", args)).toEqual({ stdout: "", stderr: "" });
    const { metricFilters } = await aws("logs", "describe-metric-filters", ...group);
    expect(metricFilters).toMatchObject([
      { filterName: "sign-in", metricTransformations: [{ metricName: "SignIns" }] },
    ]);
    const { MetricAlarms } = await aws("cloudwatch", "describe-alarms-for-metric", ...metric.slice(0, 4));
    expect(MetricAlarms).toMatchObject([{ AlarmName: "sign-in", Threshold: 0.5, AlarmActions: [topic] }]);
    const { stderr } = await run("aws", ["cloudwatch", "list-metrics"]);
    expect(stderr).toContain("(NotImplemented) when calling the ListMetrics operation: This local AWS does not model");
  },
  120_000,
);
