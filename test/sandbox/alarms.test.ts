// Tests the calls of the local AWS by which an alarm is found: EventBridge, CloudWatch, CloudWatch Logs and SNS.
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Account } from "../../src/sandbox/account.ts";
import { addLogGroup } from "../../src/sandbox/monitoring/logs.ts";
import { addTopic } from "../../src/sandbox/monitoring/sns.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { type Key, post, send, sign } from "./client.ts";
import { allow, now } from "./iam-client.ts";
import { type JsonServiceName, sendJson } from "./json-client.ts";

let account: Account;
let sandbox: Sandbox;
let key: Key;
beforeEach(async () => {
  sandbox = await startSandbox({
    fill: (filled) => {
      account = filled;
    },
  });
  sandbox.setClock(now);
  key = sandbox.addUser({ name: "ada", policies: [allow("*")] }).accessKey;
});
afterEach(() => sandbox.close());

type Options = { readonly key?: Key; readonly region?: string; readonly headers?: Readonly<Record<string, string>> };

const call = (service: JsonServiceName, operation: string, input: object = {}, options: Options = {}) =>
  sendJson({ url: sandbox.url, key, atMs: now, service, operation, input, ...options });

/** What a user without permissions is told. */
const denied = (action: string, resource?: string): string =>
  `AccessDeniedException 400: User: arn:aws:iam::123456789012:user/outsider is not authorized to perform: ${action} ` +
  `${resource === undefined ? "" : `on resource: ${resource} `}because no identity-based policy allows the ${action} action`;

const pattern = '{"source":["aws.signin"],"detail":{"userIdentity":{"arn":["arn:aws:iam::123456789012:user/ada"]}}}';

test("EventBridge: a rule is put, described and listed with its targets, and replaced without losing them", async () => {
  const arn = "arn:aws:events:eu-central-1:123456789012:rule/sign-in";
  const put = { Name: "sign-in", EventPattern: pattern, Description: "tells us" };
  expect((await call("events", "PutRule", put)).json).toEqual({ RuleArn: arn });
  const target = { Id: "email", Arn: "arn:aws:sns:eu-central-1:123456789012:alarms" };
  expect((await call("events", "PutTargets", { Rule: "sign-in", Targets: [target] })).json).toEqual({
    ...{ FailedEntryCount: 0, FailedEntries: [] },
  });
  const rule = { Name: "sign-in", Arn: arn, EventPattern: pattern, EventBusName: "default" };
  expect((await call("events", "DescribeRule", { Name: "sign-in" })).json).toEqual({
    ...{ ...rule, Description: "tells us", State: "ENABLED", CreatedBy: "123456789012" },
  });
  await call("events", "PutRule", { Name: "sign-in", EventPattern: pattern, State: "DISABLED" });
  const disabled = { Rules: [{ ...rule, State: "DISABLED" }] };
  expect((await call("events", "ListRules", { NamePrefix: "sign", EventBusName: "default" })).json).toEqual(disabled);
  expect((await call("events", "ListRules", { NamePrefix: "other" })).json).toEqual({ Rules: [] });
  expect((await call("events", "ListRules", {}, { region: "us-east-1" })).json).toEqual({ Rules: [] });
  expect((await call("events", "ListTargetsByRule", { Rule: "sign-in" })).json).toEqual({ Targets: [target] });

  await call("events", "PutRule", { Name: "hourly", ScheduleExpression: "rate(1 hour)" });
  const first = (await call("events", "ListRules", { Limit: 1 })).json as { NextToken: string };
  expect((await call("events", "ListRules", { Limit: 1, NextToken: first.NextToken })).json).toMatchObject({
    Rules: [{ Name: "hourly", ScheduleExpression: "rate(1 hour)", State: "ENABLED" }],
  });
});

test.each<[title: string, operation: string, input: object, expected: RegExp]>([
  ["no pattern and no schedule", "PutRule", { Name: "a" }, /^ValidationException 400: Parameter\(s\) EventPattern or/],
  ["a pattern that is not JSON", "PutRule", { Name: "a", EventPattern: "{" }, /^InvalidEventPatternException 400/],
  ["a pattern without fields", "PutRule", { Name: "a", EventPattern: "{}" }, /^InvalidEventPatternException 400/],
  ["a field that is not a list", "PutRule", { Name: "a", EventPattern: '{"source":"b"}' }, /^InvalidEventPattern/],
  ["an odd name", "PutRule", { Name: "a b", EventPattern: pattern }, /^ValidationException 400/],
  ["an unknown state", "PutRule", { Name: "a", EventPattern: pattern, State: "ON" }, /^ValidationException 400/],
  ["a role", "PutRule", { Name: "a", EventPattern: pattern, RoleArn: "arn:aws:iam::1:role/a" }, /^NotImplemented 501/],
  ["an unknown rule", "DescribeRule", { Name: "a" }, /^Resource.* 400: Rule a does not exist on EventBus default\.$/],
  ["targets of an unknown rule", "ListTargetsByRule", { Rule: "a" }, /^ResourceNotFoundException 400/],
  ["an unknown bus", "ListRules", { EventBusName: "b" }, /^Resource.* 400: Event bus b does not exist\.$/],
  ["a token that was not returned", "ListRules", { NextToken: "b" }, /^ValidationException 400/],
  ["no targets", "PutTargets", { Rule: "a", Targets: [] }, /^ValidationException 400/],
])("EventBridge refuses: %s", async (_, operation, input, expected) => {
  expect((await call("events", operation, input)).refusal).toMatch(expected);
});

test("EventBridge: five targets a rule", async () => {
  await call("events", "PutRule", { Name: "a", EventPattern: pattern });
  const put = (...ids: string[]) => {
    const Targets = ids.map((Id) => ({ Id, Arn: "arn:aws:sns:eu-central-1:123456789012:alarms" }));
    return call("events", "PutTargets", { Rule: "a", Targets });
  };
  await put("1", "2", "3", "4", "5");
  expect((await put("5")).refusal).toBe("accepted");
  expect((await put("6")).refusal).toMatch(/^LimitExceededException 400/);
});

test("CloudWatch Logs: metric filters are put, found by name and metric, and keep their creation time", async () => {
  addLogGroup(account, account.inRegion("eu-central-1"), "trail", now - 1000);
  const group = { logGroupName: "trail" };
  const filter = (filterName: string, metricName: string, filterPattern = '{ $.eventName = "ConsoleLogin" }') => ({
    ...{ ...group, filterName, filterPattern },
    metricTransformations: [{ metricName, metricNamespace: "Sign-ins", metricValue: "1" }],
  });
  const put = await call("logs", "PutMetricFilter", filter("sign-in", "SignIns"));
  expect([put.status, put.body]).toEqual([200, ""]);
  await call("logs", "PutMetricFilter", filter("root", "Root"));
  sandbox.setClock(now + 1000);
  await call("logs", "PutMetricFilter", filter("sign-in", "SignIns", "{ $.a = 1 }"));
  const read = async (input: object) => {
    const { json } = await call("logs", "DescribeMetricFilters", input);
    return (json as { metricFilters: { filterName: string }[] }).metricFilters;
  };
  const found = {
    ...{ ...filter("sign-in", "SignIns", "{ $.a = 1 }"), creationTime: now, applyOnTransformedLogs: false },
  };
  expect(await read({ ...group, filterNamePrefix: "sign" })).toEqual([found]);
  expect(await read({ metricName: "SignIns", metricNamespace: "Sign-ins" })).toEqual([found]);
  expect(await read({ metricName: "SignIns", metricNamespace: "Other" })).toEqual([]);
  expect((await read({})).map(({ filterName }) => filterName)).toEqual(["root", "sign-in"]);
  expect((await call("logs", "DescribeLogGroups", { logGroupNamePrefix: "tr" })).json).toEqual({
    logGroups: [
      {
        ...{ ...group, creationTime: now - 1000, metricFilterCount: 2, storedBytes: 0, logGroupClass: "STANDARD" },
        arn: "arn:aws:logs:eu-central-1:123456789012:log-group:trail:*",
        logGroupArn: "arn:aws:logs:eu-central-1:123456789012:log-group:trail",
      },
    ],
  });
  expect((await call("logs", "DescribeLogGroups", { logGroupNamePrefix: "x" })).json).toEqual({ logGroups: [] });
  const missing = "ResourceNotFoundException 400: The specified log group does not exist.";
  expect((await call("logs", "DescribeMetricFilters", { logGroupName: "none" })).refusal).toBe(missing);
  expect((await call("logs", "PutMetricFilter", { ...filter("a", "b"), logGroupName: "none" })).refusal).toBe(missing);
  expect((await call("logs", "DescribeMetricFilters", { metricName: "a" })).refusal).toMatch(
    /^InvalidParameterException 400/,
  );
  const two = { ...filter("a", "b"), metricTransformations: [] };
  expect((await call("logs", "PutMetricFilter", two)).refusal).toMatch(/^InvalidParameterException 400/);
});

const alarm = {
  ...{ AlarmName: "sign-in", MetricName: "SignIns", Namespace: "Sign-ins", Statistic: "Sum", Period: 300 },
  ...{ EvaluationPeriods: 1, Threshold: 0.5, ComparisonOperator: "GreaterThanThreshold" },
};

test("CloudWatch: an alarm is put, described, and found by its metric and its action", async () => {
  const topic = "arn:aws:sns:eu-central-1:123456789012:alarms";
  const put = await call("monitoring", "PutMetricAlarm", { ...alarm, AlarmActions: [topic] });
  expect([put.refusal, put.headers["content-type"]]).toEqual(["accepted", "application/x-amz-json-1.0"]);
  const described = {
    ...{ ...alarm, AlarmActions: [topic], OKActions: [], InsufficientDataActions: [], ActionsEnabled: true },
    ...{ Dimensions: [], AlarmArn: "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:sign-in" },
    ...{ AlarmConfigurationUpdatedTimestamp: now / 1000, StateUpdatedTimestamp: now / 1000 },
    ...{ StateTransitionedTimestamp: now / 1000, StateValue: "INSUFFICIENT_DATA" },
    StateReason: "Unchecked: Initial alarm creation",
  };
  const none = { CompositeAlarms: [], MetricAlarms: [] };
  const find = async (input: object) => (await call("monitoring", "DescribeAlarms", input)).json;
  expect(await find({})).toEqual({ ...none, MetricAlarms: [described] });
  expect(await find({ AlarmNames: ["sign-in", "other"] })).toEqual({ ...none, MetricAlarms: [described] });
  expect(await find({ ActionPrefix: "arn:aws:sns:" })).toEqual({ ...none, MetricAlarms: [described] });
  const others = [{ AlarmNames: ["a"] }, { AlarmNamePrefix: "a" }, { ActionPrefix: "arn:aws:lambda" }];
  for (const input of [...others, { StateValue: "ALARM" }, { AlarmTypes: ["CompositeAlarm"] }])
    expect(await find(input), JSON.stringify(input)).toEqual(none);

  const metric = { MetricName: "SignIns", Namespace: "Sign-ins" };
  const findByMetric = async (input: object) => (await call("monitoring", "DescribeAlarmsForMetric", input)).json;
  expect(await findByMetric(metric)).toEqual({ MetricAlarms: [described] });
  for (const more of [{ Statistic: "Average" }, { Dimensions: [{ Name: "a", Value: "b" }] }, { MetricName: "Root" }])
    expect(await findByMetric({ ...metric, ...more })).toEqual({ MetricAlarms: [] });

  sandbox.setClock(now + 1000);
  await call("monitoring", "PutMetricAlarm", { ...alarm, ActionsEnabled: false });
  expect(await find({})).toMatchObject({
    MetricAlarms: [
      {
        ...{ ActionsEnabled: false, AlarmActions: [], AlarmConfigurationUpdatedTimestamp: now / 1000 + 1 },
        StateUpdatedTimestamp: now / 1000,
      },
    ],
  });
  await call("monitoring", "PutMetricAlarm", { ...alarm, AlarmName: "another" });
  const first = (await find({ MaxRecords: 1 })) as { NextToken: string };
  expect(await find({ MaxRecords: 1, NextToken: first.NextToken })).toMatchObject({
    MetricAlarms: [{ AlarmName: "sign-in" }],
  });
});

test("CloudWatch: errors have the query protocol's code too, for clients that ask for it", async () => {
  const headers = { "x-amzn-query-mode": "true" };
  const wrong = await call("monitoring", "PutMetricAlarm", { ...alarm, AlarmActions: ["topic"] }, { headers });
  expect(wrong.refusal).toBe("ValidationError 400: Invalid arn syntax: topic");
  expect(wrong.headers["x-amzn-query-error"]).toBe("ValidationError;Sender");
  const { accessKey: outsider } = sandbox.addUser({ name: "outsider" });
  const refused = await call("monitoring", "DescribeAlarms", {}, { headers, key: outsider });
  expect(refused.refusal).toMatch(/^AccessDeniedException 400/);
  expect(refused.headers["x-amzn-query-error"]).toBe("AccessDenied;Sender");
  expect((await call("monitoring", "DescribeAlarms", { NextToken: "a" })).headers["x-amzn-query-error"]).toBe(
    undefined,
  );
});

/** Calls SNS, which speaks the query protocol. */
const callSns = (parameters: Record<string, string>, options: Options = {}) => {
  const draft = post({ Action: "ListSubscriptionsByTopic", Version: "2010-03-31", ...parameters });
  const settings = { service: "sns", atMs: now, region: options.region ?? "eu-central-1" } as const;
  return send(sign(draft, sandbox.url, options.key ?? key, settings), sandbox.url);
};

test("SNS: the subscriptions of a topic, confirmed or not, and its own errors", async () => {
  const region = account.inRegion("eu-central-1");
  const arn = addTopic(account, region, "alarms", { email: "security@example.com" });
  const [confirmed] = region.topics.get(arn)?.subscriptions ?? [];
  if (confirmed === undefined) throw new Error("no subscription");
  const pending = { arn: undefined, protocol: "email", endpoint: "new@example.com" };
  const many = Array.from({ length: 100 }, (_, index) => ({ ...confirmed, endpoint: `${index}@example.com` }));
  region.topics.set(arn, { arn, subscriptions: [confirmed, pending, ...many] });
  const { status, body } = await callSns({ TopicArn: arn });
  expect(status).toBe(200);
  expect(body).toContain(
    `<member><SubscriptionArn>${confirmed.arn}</SubscriptionArn><Owner>123456789012</Owner>` +
      `<Protocol>email</Protocol><Endpoint>security@example.com</Endpoint><TopicArn>${arn}</TopicArn></member>`,
  );
  expect(body).toContain("<SubscriptionArn>PendingConfirmation</SubscriptionArn>");
  const NextToken = /<NextToken>(.*)<\/NextToken>/.exec(body)?.[1] ?? "";
  const last = (await callSns({ TopicArn: arn, NextToken })).body;
  expect(last.match(/<Endpoint>.*?<\/Endpoint>/g)).toEqual(
    [98, 99].map((n) => `<Endpoint>${n}@example.com</Endpoint>`),
  );
  expect(last).not.toContain("NextToken");

  const missing = await callSns({ TopicArn: `${arn}-2` });
  expect([missing.status, missing.code, missing.message]).toEqual([404, "NotFound", "Topic does not exist"]);
  for (const parameters of [{}, { TopicArn: "alarms" }, { TopicArn: arn, NextToken: "a" }])
    expect(await callSns(parameters)).toMatchObject({ status: 400, code: "InvalidParameter" });
  expect(await callSns({ TopicArn: arn }, { region: "us-east-1" })).toMatchObject({ code: "InvalidParameter" });
  expect(await callSns({ Action: "ListTopics" })).toMatchObject({ status: 501, code: "NotImplemented" });
  const { accessKey: outsider } = sandbox.addUser({ name: "outsider" });
  const action = "SNS:ListSubscriptionsByTopic";
  expect(await callSns({ TopicArn: arn }, { key: outsider })).toMatchObject({
    ...{ status: 403, code: "AuthorizationError" },
    message:
      `User: arn:aws:iam::123456789012:user/outsider is not authorized to perform: ${action} on resource: ${arn} ` +
      `because no identity-based policy allows the ${action} action`,
  });
  const reader = sandbox.addUser({ name: "reader", policies: [allow("sns:ListSubscriptionsByTopic", arn)] });
  expect((await callSns({ TopicArn: arn }, { key: reader.accessKey })).status).toBe(200);
});

test("policies decide on rules, log groups and alarms", async () => {
  const { accessKey: outsider } = sandbox.addUser({ name: "outsider" });
  const at = "eu-central-1:123456789012";
  const refused = async (service: JsonServiceName, operation: string, input: object = {}) =>
    (await call(service, operation, input, { key: outsider })).refusal;
  expect(await refused("events", "ListRules")).toBe(denied("events:ListRules", `arn:aws:events:${at}:rule/*`));
  const rule = `arn:aws:events:${at}:rule/a`;
  expect(await refused("events", "DescribeRule", { Name: "a" })).toBe(denied("events:DescribeRule", rule));
  expect(await refused("events", "ListTargetsByRule", { Rule: "a" })).toBe(denied("events:ListTargetsByRule", rule));
  const groups = `arn:aws:logs:${at}:log-group::log-stream:`;
  expect(await refused("logs", "DescribeLogGroups")).toBe(denied("logs:DescribeLogGroups", groups));
  expect(await refused("logs", "DescribeMetricFilters", { logGroupName: "a" })).toBe(
    denied("logs:DescribeMetricFilters", `arn:aws:logs:${at}:log-group:a:log-stream:`),
  );
  expect(await refused("monitoring", "DescribeAlarms")).toBe(
    denied("cloudwatch:DescribeAlarms", `arn:aws:cloudwatch:${at}:alarm:*`),
  );
  expect(await refused("monitoring", "DescribeAlarmsForMetric", { MetricName: "a", Namespace: "b" })).toBe(
    denied("cloudwatch:DescribeAlarmsForMetric"),
  );
  expect(await refused("monitoring", "PutMetricAlarm", alarm)).toBe(
    denied("cloudwatch:PutMetricAlarm", `arn:aws:cloudwatch:${at}:alarm:sign-in`),
  );
  const wide = `arn:aws:logs:${at}:log-group:a:*`;
  const { accessKey: reader } = sandbox.addUser({
    name: "reader",
    policies: [allow("logs:DescribeMetricFilters", wide)],
  });
  expect((await call("logs", "DescribeMetricFilters", { logGroupName: "a" }, { key: reader })).refusal).toMatch(
    /^ResourceNotFoundException/,
  );
});
