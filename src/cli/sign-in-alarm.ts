// Looks, as the administrator, whether someone is told when a user signs in to the console.
import * as alarms from "../aws/alarms.ts";
import type { Connection } from "../aws/connection.ts";
import { getPartition, listSignInRegions } from "../aws/partitions.ts";
import { joinAlarms, joinRules, matchesFilter, matchesPattern } from "../iam/sign-in-alarm.ts";
import { flatMapKnown, type Known, type User } from "../iam/snapshot.ts";
import { tryRead } from "../iam/try-call.ts";

/** What is found, in words; null if there is no alarm. */
type Alarm = Known<string | null>;

/** Rules are looked at where AWS records sign-ins, filters where the trail may have its log group too. */
export async function findSignInAlarm(aws: Connection, user: User): Promise<Alarm> {
  const { region } = aws.access;
  const known = listSignInRegions(getPartition(region));
  const regions = known.length === 0 ? [region] : known;
  const [first = region] = regions;
  const rules = await Promise.all(
    regions.map(async (each) => ({ region: each, alarm: await findRule(aws, user, each) })),
  );
  // "To record events with one of the CloudTrail detail-type values, you must enable a CloudTrail trail with logging":
  // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
  const filters = await Promise.all([...new Set([first, region])].map((each) => findFilter(aws, user, each)));
  return joinAlarms([await joinLogging(joinRules(rules), () => findLogging(aws, first, undefined)), ...filters]);
}

/** Whether a trail of all regions, with a log group, logs sign-ins; undefined if that cannot be told. */
async function findLogging(
  aws: Connection,
  region: string,
  logGroup: string | undefined,
): Promise<Known<boolean | undefined>> {
  const trails = await tryRead(() => alarms.listTrails(aws, region, logGroup));
  if (!("value" in trails)) return trails;
  return joinAny(await Promise.all(trails.value.map((arn) => tryRead(() => alarms.logsSignIns(aws, region, arn)))));
}

/** An alarm whose events come by a trail. The trail is looked at only if there is an alarm. */
async function joinLogging(alarm: Alarm, find: () => Promise<Known<boolean | undefined>>): Promise<Alarm> {
  if ("value" in alarm && alarm.value === null) return alarm;
  const logs = await find();
  if (!("value" in logs)) return { unknown: `whether a trail logs sign-ins: ${logs.unknown}` };
  if (logs.value === undefined) return { unknown: "whether the trail logs sign-ins, by its event selectors" };
  return logs.value ? alarm : { value: null };
}

async function findRule(aws: Connection, user: User, region: string): Promise<Alarm> {
  const rules = await tryRead(() => alarms.listEventRules(aws, region));
  if (!("value" in rules)) return rules;
  const found = rules.value
    .map((rule) => ({ ...rule, isMatch: matchesPattern(rule.pattern, user) }))
    .filter(({ isMatch }) => isMatch !== false);
  return joinAlarms(
    await Promise.all(
      found.map(async ({ name, isMatch }): Promise<Alarm> => {
        if (isMatch === undefined) return { unknown: `whether the rule ${name} in ${region} is about its sign-ins` };
        const targets = await tryRead(() => alarms.listRuleTargets(aws, region, name));
        return "value" in targets ? await describeTargets(aws, `rule ${name} in ${region}`, targets.value) : targets;
      }),
    ),
  );
}

async function findFilter(aws: Connection, user: User, region: string): Promise<Alarm> {
  const filters = await tryRead(() => alarms.listMetricFilters(aws, region));
  if (!("value" in filters)) return filters;
  const found = filters.value
    .map((filter) => ({ ...filter, isMatch: matchesFilter(filter.pattern, user) }))
    .filter(({ isMatch, pattern }) => isMatch === true || (isMatch === undefined && pattern.includes("ConsoleLogin")));
  return joinAlarms(
    await Promise.all(
      found.map(async ({ name, isMatch, logGroup, metrics }): Promise<Alarm> => {
        const what = `metric filter ${name} in ${region}`;
        if (isMatch === undefined) return { unknown: `whether the ${what} is about its sign-ins` };
        const actions = await Promise.all(
          metrics.map((metric) => tryRead(() => alarms.listAlarmActions(aws, region, metric))),
        );
        const described = actions.map((each) =>
          "value" in each ? describeTargets(aws, what, each.value) : Promise.resolve(each),
        );
        return joinLogging(joinAlarms(await Promise.all(described)), () => findLogging(aws, region, logGroup));
      }),
    ),
  );
}

/** Someone is told if a topic has a subscriber; of other targets fob does not know what they do. */
async function describeTargets(aws: Connection, what: string, targets: readonly string[]): Promise<Alarm> {
  return joinAlarms(
    await Promise.all(
      targets.map(async (arn): Promise<Alarm> => {
        if (!/^arn:[^:]+:sns:/.test(arn)) return { unknown: `what ${arn} does, the target of the ${what}` };
        const subscriber = await tryRead(() => alarms.hasSubscriber(aws, arn));
        return flatMapKnown(subscriber, (has): Alarm => ({ value: has ? `${what}, to ${arn}` : null }));
      }),
    ),
  );
}

/** Whether one does; undefined if that cannot be told of any. */
function joinAny(found: readonly Known<boolean | undefined>[]): Known<boolean | undefined> {
  const certain = found.find((each) => "value" in each && each.value === true);
  return certain ?? found.find((each) => !("value" in each) || each.value === undefined) ?? { value: false };
}
