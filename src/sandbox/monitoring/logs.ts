// Amazon CloudWatch Logs: log groups and their metric filters. Nothing is logged.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/
import type { Account } from "../account.ts";
import { AwsError } from "../errors.ts";
import {
  defineOperation,
  integer,
  type JsonCall,
  type JsonService,
  type JsonValue,
  listOf,
  number,
  optional,
  structure,
  takeTokenPage,
  text,
} from "../json.ts";
import type { LogGroup, MetricFilter, Region } from "../region.ts";

const groupName = text(1, 512, "[\\.\\-_/#A-Za-z0-9]+");
const filterName = text(1, 512, "[^:*]*");
const page = { nextToken: optional(text(1)), limit: optional(integer(1, 50)) };

/** Captured. A log group without a name stands for all. */
const writeArn = ({ partition, id }: Account, region: Region, group: string): string =>
  `arn:${partition}:logs:${region.name}:${id}:log-group:${group}`;

function authorize({ account, caller, region }: JsonCall, operation: string, group = ""): void {
  const arn = `${writeArn(account, region, group)}:log-stream:`;
  account.authorize(caller, `logs:${operation}`, arn, arn);
}

const badToken = (): AwsError => new AwsError("InvalidParameterException", 400, "The specified nextToken is invalid.");

/** https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html */
const describeLogGroups = defineOperation({ ...page, logGroupNamePrefix: optional(groupName) }, (call, input) => {
  authorize(call, "DescribeLogGroups");
  const prefix = input.logGroupNamePrefix ?? "";
  const groups = sortByName(call.region.logGroups.values()).filter(({ name }) => name.startsWith(prefix));
  const { page: found, nextToken } = takeTokenPage(groups, input.nextToken, input.limit ?? 50, badToken);
  return { logGroups: found.map(describeGroup), nextToken };
});

const describeGroup = ({ name, arn, createdMs, filters }: LogGroup): JsonValue => ({
  ...{ logGroupName: name, creationTime: createdMs, metricFilterCount: filters.size, arn: `${arn}:*` },
  ...{ storedBytes: 0, logGroupClass: "STANDARD", logGroupArn: arn },
});

/** "The results are ASCII-sorted by filter name." https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeMetricFilters.html */
const describeMetricFilters = defineOperation(
  {
    ...{ ...page, logGroupName: optional(groupName), filterNamePrefix: optional(filterName) },
    ...{ metricName: optional(text(0, 255)), metricNamespace: optional(text(0, 255)) },
  },
  (call, input) => {
    const { logGroupName, filterNamePrefix: prefix = "", metricName, metricNamespace } = input;
    authorize(call, "DescribeMetricFilters", logGroupName);
    if ((metricName === undefined) !== (metricNamespace === undefined)) {
      const problem = "metricName and metricNamespace must be specified together";
      throw new AwsError("InvalidParameterException", 400, problem);
    }
    const groups = logGroupName === undefined ? [...call.region.logGroups.values()] : [findGroup(call, logGroupName)];
    const filters = sortByName(groups.flatMap((group) => [...group.filters.values()])).filter(
      ({ name, metric }) =>
        name.startsWith(prefix) &&
        (metricName === undefined || (metric.name === metricName && metric.namespace === metricNamespace)),
    );
    const { page: found, nextToken } = takeTokenPage(filters, input.nextToken, input.limit ?? 50, badToken);
    return { metricFilters: found.map(describeFilter), nextToken };
  },
);

const describeFilter = ({ name, pattern, metric, createdMs, group }: MetricFilter): JsonValue => ({
  ...{ filterName: name, filterPattern: pattern, creationTime: createdMs, logGroupName: group },
  metricTransformations: [
    {
      ...{ metricName: metric.name, metricNamespace: metric.namespace, metricValue: metric.value },
      ...{ defaultValue: metric.defaultValue, unit: metric.unit },
    },
  ],
  applyOnTransformedLogs: false,
});

/** A filter that is put again keeps its creation time: captured. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutMetricFilter.html */
const putMetricFilter = defineOperation(
  {
    ...{ logGroupName: groupName, filterName, filterPattern: text(0, 1024) },
    metricTransformations: listOf(
      structure({
        ...{ metricName: text(0, 255, "[^:*$]*"), metricNamespace: text(0, 255, "[^:*$]*"), metricValue: text(0, 100) },
        ...{ defaultValue: optional(number), unit: optional(text()) },
      }),
      { min: 1, max: 1 },
    ),
  },
  (call, input) => {
    authorize(call, "PutMetricFilter", input.logGroupName);
    const { filters, name: group } = findGroup(call, input.logGroupName);
    const [given] = input.metricTransformations;
    if (given === undefined) return undefined;
    const { filterName: name, filterPattern: pattern } = input;
    const metric = {
      ...{ name: given.metricName, namespace: given.metricNamespace, value: given.metricValue },
      ...{ defaultValue: given.defaultValue, unit: given.unit },
    };
    const createdMs = filters.get(name)?.createdMs ?? call.account.now();
    filters.set(name, { name, pattern, metric, createdMs, group });
    return undefined;
  },
);

function findGroup({ region }: JsonCall, name: string): LogGroup {
  const group = region.logGroups.get(name);
  if (group !== undefined) return group;
  throw new AwsError("ResourceNotFoundException", 400, "The specified log group does not exist.");
}

/** Adds a log group, whose ARN it returns. */
export function addLogGroup(account: Account, region: Region, name: string, createdMs: number): string {
  const arn = writeArn(account, region, name);
  region.logGroups.set(name, { name, arn, createdMs, filters: new Map() });
  return arn;
}

function sortByName<T extends { readonly name: string }>(items: Iterable<T>): readonly T[] {
  return [...items].sort((a, b) => (a.name < b.name ? -1 : 1));
}

export const logs: JsonService = {
  targets: ["Logs_20140328"],
  version: "1.1",
  invalidCode: "InvalidParameterException",
  operations: {
    DescribeLogGroups: describeLogGroups,
    DescribeMetricFilters: describeMetricFilters,
    PutMetricFilter: putMetricFilter,
  },
};
