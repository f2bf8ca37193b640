// Finds the alarm for sign-ins of break-glass, and who signed in, with the `aws` command alone. sandbox-aws-command.test.ts
// makes every call.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Account, Credential } from "../../src/sandbox/account.ts";
import { scenarios } from "../../src/sandbox/scenarios.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { isThere } from "../helpers/needed.ts";

let home: string;
let sandbox: Sandbox;
let account: Account;
let key: Credential;
beforeAll(async () => {
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
afterAll(async () => {
  await sandbox.close();
  rmSync(home, { recursive: true });
});

/** Runs `aws` with ada's access key, without this machine's configuration. */
function run(args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  const env = {
    ...{ PATH: process.env.PATH ?? "", HOME: home, AWS_EC2_METADATA_DISABLED: "true" },
    ...{ AWS_ENDPOINT_URL: sandbox.url, AWS_DEFAULT_REGION: "eu-central-1", AWS_DEFAULT_OUTPUT: "json" },
    ...{ AWS_ACCESS_KEY_ID: key.accessKeyId, AWS_SECRET_ACCESS_KEY: key.secretAccessKey },
  };
  return new Promise((resolve) => {
    execFile("aws", args, { env, cwd: home }, (_, stdout, stderr) => resolve({ stdout, stderr }));
  });
}

// The command starts slowly, eleven times.
test.skipIf(!isThere("aws", "--version"))(
  "aws finds the alarm for sign-ins of break-glass, and who signed in",
  async () => {
    const aws = async (...args: string[]): Promise<Readonly<Record<string, unknown>>> => {
      const { stdout, stderr } = await run(args);
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
      expect(await run(args)).toEqual({ stdout: "", stderr: "" });
    const { metricFilters } = await aws("logs", "describe-metric-filters", ...group);
    expect(metricFilters).toMatchObject([
      { filterName: "sign-in", metricTransformations: [{ metricName: "SignIns" }] },
    ]);
    const { MetricAlarms } = await aws("cloudwatch", "describe-alarms-for-metric", ...metric.slice(0, 4));
    expect(MetricAlarms).toMatchObject([{ AlarmName: "sign-in", Threshold: 0.5, AlarmActions: [topic] }]);
    const { stderr } = await run(["cloudwatch", "list-metrics"]);
    expect(stderr).toContain("(NotImplemented) when calling the ListMetrics operation: This local AWS does not model");
  },
  120_000,
);
