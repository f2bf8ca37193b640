// Amazon EventBridge: rules of the default event bus, and their targets. Rules are kept and do nothing.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/
import type { Account } from "../account.ts";
import { AwsError } from "../errors.ts";
import {
  defineOperation,
  integer,
  type JsonCall,
  type JsonService,
  type JsonValue,
  listOf,
  oneOf,
  optional,
  structure,
  takeTokenPage,
  text,
} from "../json.ts";
import type { EventRule, EventTarget, Region } from "../region.ts";

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html */
const targetsPerRule = 5;

const ruleName = text(1, 64, "[\\.\\-_A-Za-z0-9]+");
const page = { NextToken: optional(text(1, 2048)), Limit: optional(integer(1, 100)) };
const bus = { EventBusName: optional(text(1, 1600)) };

const writeArn = ({ partition, id }: Account, region: Region, resource: string): string =>
  `arn:${partition}:events:${region.name}:${id}:${resource}`;

/** Throws ResourceNotFoundException for an event bus other than the default one, which every region has. */
function checkBus({ account, region }: JsonCall, name = "default"): void {
  if (name === "default" || name === writeArn(account, region, "event-bus/default")) return;
  throw new AwsError("ResourceNotFoundException", 400, `Event bus ${name} does not exist.`);
}

/** Checks the permission and the event bus. @returns the rule with this name, if there is one */
function authorize(call: JsonCall, operation: string, rule: string, eventBus?: string): EventRule | undefined {
  const { account, caller, region } = call;
  const arn = writeArn(account, region, `rule/${rule}`);
  account.authorize(caller, `events:${operation}`, arn, arn);
  checkBus(call, eventBus);
  return region.eventRules.get(rule);
}

function requireRule(rule: EventRule | undefined, name: string): EventRule {
  if (rule !== undefined) return rule;
  throw new AwsError("ResourceNotFoundException", 400, `Rule ${name} does not exist on EventBus default.`);
}

const badToken = (): AwsError => new AwsError("ValidationException", 400, "The token is invalid");

/** Policies allow it on `*` only; the message names all rules. https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListRules.html */
const listRules = defineOperation({ ...page, ...bus, NamePrefix: optional(ruleName) }, (call, input) => {
  const { account, caller, region } = call;
  account.authorize(caller, "events:ListRules", "*", writeArn(account, region, "rule/*"));
  checkBus(call, input.EventBusName);
  const prefix = input.NamePrefix ?? "";
  const rules = [...region.eventRules.values()].filter(({ name }) => name.startsWith(prefix));
  const { page: found, nextToken } = takeTokenPage(rules, input.NextToken, input.Limit ?? 100, badToken);
  return { Rules: found.map(describe), NextToken: nextToken };
});

const describe = ({ name, arn, pattern, schedule, state, description }: EventRule): { [name: string]: JsonValue } => ({
  ...{ Name: name, Arn: arn, EventPattern: pattern, State: state, Description: description },
  ...{ ScheduleExpression: schedule, EventBusName: "default" },
});

/** https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeRule.html */
const describeRule = defineOperation({ Name: ruleName, ...bus }, (call, { Name: name, EventBusName: eventBus }) => {
  const rule = requireRule(authorize(call, "DescribeRule", name, eventBus), name);
  return { ...describe(rule), CreatedBy: call.account.id };
});

/** https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListTargetsByRule.html */
const listTargetsByRule = defineOperation({ Rule: ruleName, ...page, ...bus }, (call, input) => {
  const rule = requireRule(authorize(call, "ListTargetsByRule", input.Rule, input.EventBusName), input.Rule);
  const targets = [...rule.targets.values()];
  const { page: found, nextToken } = takeTokenPage(targets, input.NextToken, input.Limit ?? 100, badToken);
  return {
    Targets: found.map(({ id, arn, input: text }) => ({ Id: id, Arn: arn, Input: text })),
    NextToken: nextToken,
  };
});

/** A rule that is put again keeps its targets, and nothing else. https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html */
const putRule = defineOperation(
  {
    ...{ Name: ruleName, EventPattern: optional(text(0, 4096)), ScheduleExpression: optional(text(0, 256)) },
    ...{ Description: optional(text(0, 512)), ...bus },
    State: optional(oneOf("ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS")),
  },
  (call, input) => {
    const { account, region } = call;
    authorize(call, "PutRule", input.Name, input.EventBusName);
    const { Name: name, EventPattern: pattern, ScheduleExpression: schedule, Description: description } = input;
    if (pattern === undefined && schedule === undefined) {
      const problem = "Parameter(s) EventPattern or ScheduleExpression must be specified.";
      throw new AwsError("ValidationException", 400, problem);
    }
    if (pattern !== undefined) checkPattern(pattern);
    return { RuleArn: putEventRule(account, region, { name, pattern, schedule, description, state: input.State }).arn };
  },
);

/** Adds a rule, or replaces the one with this name and keeps its targets. It is enabled by default. */
export function putEventRule(
  account: Account,
  region: Region,
  {
    state = "ENABLED",
    ...rule
  }: Omit<EventRule, "arn" | "state" | "targets"> & { state?: EventRule["state"] | undefined },
): EventRule {
  const targets = region.eventRules.get(rule.name)?.targets ?? new Map<string, EventTarget>();
  const put = { ...rule, state, arn: writeArn(account, region, `rule/${rule.name}`), targets };
  region.eventRules.set(rule.name, put);
  return put;
}

/** Throws InvalidEventPatternException unless each field has a list of what it may be, or fields of its own. */
function checkPattern(pattern: string): void {
  if (isPattern(parse(pattern))) return;
  const problem = "Event pattern is not valid. Reason: a field needs a list of values, or fields of its own";
  throw new AwsError("InvalidEventPatternException", 400, problem);
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function isPattern(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const fields = Object.values(value) as unknown[];
  return fields.length > 0 && fields.every((each) => (Array.isArray(each) ? each.length > 0 : isPattern(each)));
}

/** https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html */
const putTargets = defineOperation(
  {
    Rule: ruleName,
    ...bus,
    Targets: listOf(
      structure({ Id: text(1, 64, "[\\.\\-_A-Za-z0-9]+"), Arn: text(1, 1600), Input: optional(text(0, 8192)) }),
      { min: 1, max: 100 },
    ),
  },
  (call, input) => {
    const { targets } = requireRule(authorize(call, "PutTargets", input.Rule, input.EventBusName), input.Rule);
    const added = input.Targets.map(({ Id: id, Arn: arn, Input: text }) => [id, { id, arn, input: text }] as const);
    if (new Set([...targets.keys(), ...added.map(([id]) => id)]).size > targetsPerRule) {
      throw new AwsError("LimitExceededException", 400, "The requested resource exceeds the maximum number allowed.");
    }
    for (const [id, target] of added) targets.set(id, target);
    return { FailedEntryCount: 0, FailedEntries: [] };
  },
);

export const eventbridge: JsonService = {
  targets: ["AWSEvents"],
  version: "1.1",
  invalidCode: "ValidationException",
  operations: {
    DescribeRule: describeRule,
    ListRules: listRules,
    ListTargetsByRule: listTargetsByRule,
    PutRule: putRule,
    PutTargets: putTargets,
  },
};
