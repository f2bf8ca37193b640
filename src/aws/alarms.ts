// What tells of events: rules of EventBridge, metric filters with alarms, and who gets the messages. Heavy: import() it.
import type { Connection } from "./connection.ts";
import { askService, findXmlTexts } from "./other-services.ts";
import { readPages } from "./pages.ts";

export interface EventRule {
  readonly name: string;
  readonly pattern: string;
}

/** The enabled rules of the default event bus. https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListRules.html */
export async function listEventRules(aws: Connection, region: string): Promise<readonly EventRule[]> {
  return await readPages(async (NextToken) => {
    const call = { service: "eventbridge", operation: "ListRules", region, input: { NextToken } } as const;
    const answer = JSON.parse(await askService(aws, call)) as {
      readonly Rules?: readonly { Name?: string; EventPattern?: string; State?: string }[];
      readonly NextToken?: string;
    };
    const items = (answer.Rules ?? []).flatMap(({ Name: name, EventPattern: pattern, State }) =>
      name === undefined || pattern === undefined || State === "DISABLED" ? [] : { name, pattern },
    );
    return { items, marker: answer.NextToken };
  });
}

/** The ARNs of what a rule sends events to. https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListTargetsByRule.html */
export async function listRuleTargets(aws: Connection, region: string, Rule: string): Promise<readonly string[]> {
  const call = { service: "eventbridge", operation: "ListTargetsByRule", region, input: { Rule } } as const;
  const { Targets = [] } = JSON.parse(await askService(aws, call)) as {
    readonly Targets?: readonly { Arn?: string }[];
  };
  return Targets.flatMap(({ Arn }) => Arn ?? []);
}

export interface MetricFilter {
  readonly name: string;
  readonly pattern: string;
  readonly logGroup: string;
  readonly metrics: readonly { readonly metricName: string; readonly metricNamespace: string }[];
}

/** https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeMetricFilters.html */
export async function listMetricFilters(aws: Connection, region: string): Promise<readonly MetricFilter[]> {
  return await readPages(async (nextToken) => {
    const operation = "DescribeMetricFilters";
    const call = { service: "cloudwatch_logs", operation, region, input: { nextToken } } as const;
    const answer = JSON.parse(await askService(aws, call)) as {
      readonly metricFilters?: readonly {
        filterName?: string;
        filterPattern?: string;
        logGroupName?: string;
        metricTransformations?: MetricFilter["metrics"];
      }[];
      readonly nextToken?: string;
    };
    const items = (answer.metricFilters ?? []).map((filter) => ({
      ...{ name: filter.filterName ?? "", pattern: filter.filterPattern ?? "", logGroup: filter.logGroupName ?? "" },
      metrics: filter.metricTransformations ?? [],
    }));
    return { items, marker: answer.nextToken };
  });
}

/** The ARNs of trails of all regions; of those that write to a log group, if one is given. https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DescribeTrails.html */
export async function listTrails(aws: Connection, region: string, logGroup?: string): Promise<readonly string[]> {
  const call = { service: "cloudtrail", operation: "DescribeTrails", region, input: {} } as const;
  const { trailList = [] } = JSON.parse(await askService(aws, call)) as {
    readonly trailList?: readonly {
      IsMultiRegionTrail?: boolean;
      CloudWatchLogsLogGroupArn?: string;
      TrailARN?: string;
    }[];
  };
  return trailList.flatMap(({ IsMultiRegionTrail, CloudWatchLogsLogGroupArn: arn = "", TrailARN }) =>
    IsMultiRegionTrail === true && (logGroup === undefined || arn.includes(`:log-group:${logGroup}:`))
      ? (TrailARN ?? [])
      : [],
  );
}

interface FieldSelector {
  readonly Field?: string;
  readonly Equals?: readonly string[];
}

/**
 * Whether a trail logs sign-ins, which are management events that write; undefined if its selectors choose among them.
 * https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetTrailStatus.html
 * https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetEventSelectors.html
 */
export async function logsSignIns(aws: Connection, region: string, trail: string): Promise<boolean | undefined> {
  const status = { service: "cloudtrail", operation: "GetTrailStatus", region, input: { Name: trail } } as const;
  const { IsLogging } = JSON.parse(await askService(aws, status)) as { readonly IsLogging?: boolean };
  if (IsLogging !== true) return false;
  const selectors = { service: "cloudtrail", operation: "GetEventSelectors", region } as const;
  const { EventSelectors = [], AdvancedEventSelectors = [] } = JSON.parse(
    await askService(aws, { ...selectors, input: { TrailName: trail } }),
  ) as {
    readonly EventSelectors?: readonly { IncludeManagementEvents?: boolean; ReadWriteType?: string }[];
    readonly AdvancedEventSelectors?: readonly { FieldSelectors?: readonly FieldSelector[] }[];
  };
  if (EventSelectors.some((each) => each.IncludeManagementEvents !== false && each.ReadWriteType !== "ReadOnly"))
    return true;
  const management = AdvancedEventSelectors.map(({ FieldSelectors = [] }) => FieldSelectors).filter((fields) =>
    fields.some(({ Field, Equals }) => Field === "eventCategory" && Equals?.includes("Management") === true),
  );
  const others = management.map((fields) => fields.filter(({ Field }) => Field !== "eventCategory"));
  if (others.some(({ length }) => length === 0)) return true;
  return others.length === 0 ? false : undefined;
}

/**
 * The ARNs of what the alarms on a metric act on, of those that go off at one event.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarmsForMetric.html
 */
export async function listAlarmActions(
  aws: Connection,
  region: string,
  { metricName, metricNamespace }: MetricFilter["metrics"][number],
): Promise<readonly string[]> {
  const input = { MetricName: metricName, Namespace: metricNamespace };
  const call = { service: "cloudwatch", operation: "DescribeAlarmsForMetric", region, input } as const;
  const { MetricAlarms = [] } = JSON.parse(await askService(aws, call)) as {
    readonly MetricAlarms?: readonly MetricAlarm[];
  };
  return MetricAlarms.filter(goesOffAtOne).flatMap(({ AlarmActions = [] }) => AlarmActions);
}

interface MetricAlarm {
  readonly ActionsEnabled?: boolean;
  readonly AlarmActions?: readonly string[];
  readonly ComparisonOperator?: string;
  readonly Threshold?: number;
  readonly EvaluationPeriods?: number;
  readonly DatapointsToAlarm?: number;
}

/** Whether an alarm acts on a single event, which counts as one, and not without any. */
export function goesOffAtOne(alarm: MetricAlarm): boolean {
  const { ActionsEnabled, ComparisonOperator, Threshold = 0, EvaluationPeriods = 1 } = alarm;
  if (ActionsEnabled !== true || (alarm.DatapointsToAlarm ?? EvaluationPeriods) > 1) return false;
  if (ComparisonOperator === "GreaterThanThreshold") return Threshold >= 0 && Threshold < 1;
  return ComparisonOperator === "GreaterThanOrEqualToThreshold" && Threshold > 0 && Threshold <= 1;
}

/** Whether someone has confirmed to get a topic's messages. https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html */
export async function hasSubscriber(aws: Connection, topic: string): Promise<boolean> {
  const [, , , region = ""] = topic.split(":");
  const call = { service: "sns", operation: "ListSubscriptionsByTopic", region, input: { TopicArn: topic } } as const;
  return findXmlTexts(await askService(aws, call), "SubscriptionArn").some((arn) => arn.startsWith("arn:"));
}
