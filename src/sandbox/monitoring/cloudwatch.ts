// Amazon CloudWatch's alarms on metrics. Metrics have no data here, so alarms stay as they are.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/
import type { Account } from "../account.ts";
import { AwsError } from "../errors.ts";
import {
  boolean,
  defineOperation,
  integer,
  type JsonCall,
  type JsonService,
  type JsonValue,
  listOf,
  number,
  oneOf,
  optional,
  structure,
  takeTokenPage,
  text,
} from "../json.ts";
import type { MetricAlarm, Region } from "../region.ts";

const alarmName = text(1, 255);
const statistic = oneOf("SampleCount", "Average", "Sum", "Minimum", "Maximum");
const actions = optional(listOf(text(1, 1024), { max: 5 }));
const dimensions = optional(listOf(structure({ Name: text(1, 255), Value: text(1, 1024) }), { max: 30 }));

const writeArn = ({ partition, id }: Account, region: Region, name: string): string =>
  `arn:${partition}:cloudwatch:${region.name}:${id}:alarm:${name}`;

function authorize({ account, caller, region }: JsonCall, operation: string, name: string): void {
  const arn = writeArn(account, region, name);
  account.authorize(caller, `cloudwatch:${operation}`, arn, arn);
}

const listAlarms = ({ alarms }: Region): readonly MetricAlarm[] =>
  [...alarms.values()].sort((a, b) => (a.name < b.name ? -1 : 1));

/** Without AlarmTypes it returns alarms on metrics only. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html */
const describeAlarms = defineOperation(
  {
    ...{ AlarmNames: optional(listOf(alarmName, { max: 100 })), AlarmNamePrefix: optional(alarmName) },
    AlarmTypes: optional(listOf(oneOf("CompositeAlarm", "MetricAlarm"))),
    StateValue: optional(oneOf("OK", "ALARM", "INSUFFICIENT_DATA")),
    ...{ ActionPrefix: optional(text(1, 1024)), MaxRecords: optional(integer(1, 100)), NextToken: optional(text()) },
  },
  (call, input) => {
    authorize(call, "DescribeAlarms", "*");
    const { AlarmNames: names, AlarmNamePrefix: prefix, AlarmTypes: types, ActionPrefix: action, StateValue } = input;
    const isWanted = ({ name, settings }: MetricAlarm): boolean =>
      (names === undefined || names.length === 0 || names.includes(name)) &&
      (prefix === undefined || name.startsWith(prefix)) &&
      (types === undefined || types.length === 0 || types.includes("MetricAlarm")) &&
      (action === undefined || settings.AlarmActions.some((each) => each.startsWith(action))) &&
      (StateValue === undefined || StateValue === "INSUFFICIENT_DATA");
    const found = listAlarms(call.region).filter(isWanted);
    const badToken = (): AwsError => new AwsError("InvalidNextToken", 400, "The token is invalid");
    const { page, nextToken } = takeTokenPage(found, input.NextToken, input.MaxRecords ?? 50, badToken);
    return { CompositeAlarms: [], MetricAlarms: page.map(describeAlarm), NextToken: nextToken };
  },
);

const describeAlarm = ({ name, arn, settings, createdMs, updatedMs }: MetricAlarm): JsonValue => ({
  ...{ AlarmName: name, AlarmArn: arn, ...settings },
  AlarmConfigurationUpdatedTimestamp: new Date(updatedMs),
  ...{ StateValue: "INSUFFICIENT_DATA", StateReason: "Unchecked: Initial alarm creation" },
  ...{ StateUpdatedTimestamp: new Date(createdMs), StateTransitionedTimestamp: new Date(createdMs) },
});

/** The dimensions have to be the same, in any order: captured. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarmsForMetric.html */
const describeAlarmsForMetric = defineOperation(
  {
    ...{ MetricName: text(1, 255), Namespace: text(1, 255), Statistic: optional(statistic), Dimensions: dimensions },
    ...{ Period: optional(integer(1, 86_400)), Unit: optional(text()) },
  },
  ({ account, caller, region }, { Dimensions: given = [], ...input }) => {
    account.authorize(caller, "cloudwatch:DescribeAlarmsForMetric", "*");
    const isWanted = ({ settings }: MetricAlarm): boolean =>
      (["MetricName", "Namespace", "Statistic", "Period", "Unit"] as const).every(
        (name) => input[name] === undefined || input[name] === settings[name],
      ) && formatDimensions(given) === formatDimensions(settings.Dimensions);
    return { MetricAlarms: listAlarms(region).filter(isWanted).map(describeAlarm) };
  },
);

const formatDimensions = (given: readonly { readonly Name: string; readonly Value: string }[]): string =>
  JSON.stringify(given.map(({ Name, Value }) => [Name, Value]).sort());

/** An alarm that is put again is replaced, and its state stays. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html */
const putMetricAlarm = defineOperation(
  {
    ...{ AlarmName: alarmName, AlarmDescription: optional(text(0, 1024)), ActionsEnabled: optional(boolean) },
    ...{ OKActions: actions, AlarmActions: actions, InsufficientDataActions: actions },
    ...{ MetricName: text(1, 255), Namespace: text(1, 255, "[^:].*"), Statistic: statistic, Dimensions: dimensions },
    ...{ Period: integer(1, 86_400), Unit: optional(text()), EvaluationPeriods: integer(1, 86_400) },
    ...{ DatapointsToAlarm: optional(integer(1, 86_400)), Threshold: number },
    ComparisonOperator: oneOf(
      ...["GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"],
    ),
    TreatMissingData: optional(oneOf("breaching", "notBreaching", "ignore", "missing")),
  },
  (call, { AlarmName: name, ...input }) => {
    const { account, region } = call;
    authorize(call, "PutMetricAlarm", name);
    const { OKActions = [], AlarmActions = [], InsufficientDataActions = [], Dimensions = [] } = input;
    const other = [...OKActions, ...AlarmActions, ...InsufficientDataActions].find((arn) => !arn.startsWith("arn:"));
    if (other !== undefined) throw new AwsError("ValidationError", 400, `Invalid arn syntax: ${other}`);
    const actionsEnabled = input.ActionsEnabled ?? true;
    const settings = {
      ...input,
      ActionsEnabled: actionsEnabled,
      OKActions,
      AlarmActions,
      InsufficientDataActions,
      Dimensions,
    };
    const now = account.now();
    const createdMs = region.alarms.get(name)?.createdMs ?? now;
    region.alarms.set(name, { name, arn: writeArn(account, region, name), settings, createdMs, updatedMs: now });
    return {};
  },
);

/** Clients of today speak JSON. Older ones speak AWS's query protocol, and some speak CBOR, which are not modeled. */
export const cloudwatch: JsonService = {
  targets: ["GraniteServiceVersion20100801"],
  version: "1.0",
  invalidCode: "ValidationError",
  operations: {
    DescribeAlarms: describeAlarms,
    DescribeAlarmsForMetric: describeAlarmsForMetric,
    PutMetricAlarm: putMetricAlarm,
  },
};
