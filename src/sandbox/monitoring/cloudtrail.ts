// AWS CloudTrail: the event history, and trails. https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/
import type { Account } from "../account.ts";
import { AwsError, notModeled } from "../errors.ts";
import type { AccountEvent } from "../events.ts";
import {
  boolean,
  defineOperation,
  integer,
  type JsonCall,
  type JsonService,
  type JsonValue,
  listOf,
  optional,
  structure,
  text,
  timestamp,
} from "../json.ts";
import type { Region, Trail } from "../region.ts";
import { formatTime } from "../xml.ts";

/** "You can look up events that occurred in a Region within the last 90 days." */
const historyMs = 90 * 86_400_000;

/** "The rate of lookup requests is limited to two per second, per account, per Region." */
const lookupsPerSecond = 2;

/** At most 50 events, newest first. https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html */
const lookupEvents = defineOperation(
  {
    EndTime: optional(timestamp),
    EventCategory: optional(text()),
    LookupAttributes: optional(listOf(structure({ AttributeKey: text(), AttributeValue: text() }))),
    MaxResults: optional(integer(-(2 ** 31), 2 ** 31 - 1)),
    NextToken: optional(text()),
    StartTime: optional(timestamp),
  },
  ({ account, caller, region }, input) => {
    account.authorize(caller, "cloudtrail:LookupEvents", "*");
    const now = account.now();
    checkRate(region, now);
    if (input.EventCategory !== undefined) throw notModeled("CloudTrail Insights events");
    const most = input.MaxResults ?? 50;
    if (most < 1 || most > 50) throw invalidInput("MaxResults", "MaxResults must be between 1 and 50");
    const { StartTime: startMs = 0, EndTime: endMs = now } = input;
    if (startMs > Math.min(endMs, now)) throw invalidInput("TimeRange", "The start time is after the end time");
    const hasAttribute = readAttribute(input.LookupAttributes ?? []);
    const earliestMs = Math.max(startMs, now - historyMs);
    const found = account.events
      .list()
      .filter((event) => event.region === region.name && event.timeMs >= earliestMs && event.timeMs <= endMs)
      .filter(hasAttribute)
      .reverse();
    const first = input.NextToken === undefined ? 0 : findNext(found, input.NextToken);
    const page = found.slice(first, first + most);
    const last = first + most < found.length ? page.at(-1) : undefined;
    return {
      Events: page.map((event) => describeEvent(account, event)),
      NextToken: last && Buffer.from(last.id).toString("base64"),
    };
  },
);

function checkRate(region: Region, now: number): void {
  const latest = region.lookups.filter((ms) => ms <= now && now - ms < 1000);
  if (latest.length >= lookupsPerSecond) throw new AwsError("ThrottlingException", 400, "Rate exceeded");
  region.lookups = [...latest, now];
}

const invalidInput = (what: string, message: string): AwsError => new AwsError(`Invalid${what}Exception`, 400, message);

/** The token is the last event of the page before, so that new events move nothing. @returns the index of the next one */
function findNext(found: readonly AccountEvent[], token: string): number {
  const id = Buffer.from(token, "base64").toString();
  const index = found.findIndex((event) => event.id === id);
  if (index < 0)
    throw invalidInput("NextToken", "The token is invalid, or the other parameters are not those of its page");
  return index + 1;
}

const attributes: Readonly<Record<string, (event: AccountEvent) => string | undefined>> = {
  AccessKeyId: ({ accessKeyId }) => accessKeyId,
  EventId: ({ id }) => id,
  EventName: ({ name }) => name,
  EventSource: ({ source }) => source,
  ReadOnly: (event) => String(isReadOnly(event)),
  Username: (event) => nameUser(event),
};

/** Returns what tells whether an event has the attribute. "Currently the list can contain only one item." */
function readAttribute(
  given: readonly { readonly AttributeKey: string; readonly AttributeValue: string }[],
): (event: AccountEvent) => boolean {
  const [first, ...others] = given;
  if (first === undefined) return () => true;
  const { AttributeKey: key, AttributeValue: value } = first;
  if (key === "ResourceName" || key === "ResourceType") throw notModeled(`the lookup attribute ${key}`);
  const read = Object.hasOwn(attributes, key) ? attributes[key] : undefined;
  const isValid = key !== "ReadOnly" || value === "true" || value === "false";
  if (read === undefined || others.length > 0 || !isValid)
    throw invalidInput("LookupAttributes", "The lookup attributes are invalid");
  return (event) => read(event) === value;
}

/** GetSessionToken and GetFederationToken are writes, AssumeRole is not: captured. For other calls the name tells: inferred. */
function isReadOnly({ name }: AccountEvent): boolean {
  if (name === "GetSessionToken" || name === "GetFederationToken") return false;
  return /^(Get|List|Describe|Lookup|Simulate|Generate|AssumeRole)/.test(name);
}

/** The name of the user, `root`, or the name of the session. */
function nameUser({ identity }: AccountEvent): string {
  return identity.name ?? identity.arn.replace(/^.*[/:]/, "");
}

function describeEvent(account: Account, event: AccountEvent): JsonValue {
  const { id, name, accessKeyId, timeMs, source } = event;
  return {
    ...{ EventId: id, EventName: name, ReadOnly: String(isReadOnly(event)), AccessKeyId: accessKeyId },
    ...{ EventTime: new Date(Math.floor(timeMs / 1000) * 1000), EventSource: source, Username: nameUser(event) },
    ...{ Resources: [], CloudTrailEvent: JSON.stringify(writeRecord(account, event)) },
  };
}

/** https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html */
function writeRecord(account: Account, event: AccountEvent): object {
  const { id, timeMs, source, name, region, sourceIp, userAgent, requestId, signIn } = event;
  return {
    ...{ eventVersion: "1.11", userIdentity: writeIdentity(account, event), eventTime: formatTime(timeMs) },
    ...{ eventSource: source, eventName: name, awsRegion: region, sourceIPAddress: sourceIp, userAgent },
    ...(signIn === undefined ? writeError(event) : writeSignIn(signIn)),
    ...{ requestID: requestId, eventID: id, readOnly: isReadOnly(event) },
    ...{ eventType: signIn === undefined ? "AwsApiCall" : "AwsConsoleSignIn", managementEvent: true },
    ...{ recipientAccountId: account.id, eventCategory: "Management" },
  };
}

/** IAM's codes are the names of the exceptions in its model: captured. Parameters are left out. */
function writeError({ source, error }: AccountEvent): object {
  const content = { requestParameters: null, responseElements: null };
  if (error === undefined) return content;
  const isException =
    source === "iam.amazonaws.com" && !/^(AccessDenied|ValidationError|Invalid\w+Id)$/.test(error.code);
  return { errorCode: isException ? `${error.code}Exception` : error.code, errorMessage: error.message, ...content };
}

/** https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html */
const writeSignIn = ({ mfaUsed, failure }: NonNullable<AccountEvent["signIn"]>): object => ({
  ...(failure === undefined ? {} : { errorMessage: failure }),
  requestParameters: null,
  responseElements: { ConsoleLogin: failure === undefined ? "Success" : "Failure" },
  additionalEventData: {
    ...{ LoginTo: "https://console.aws.amazon.com/console/home", MobileVersion: "No" },
    MFAUsed: mfaUsed ? "Yes" : "No",
  },
});

/** https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html */
function writeIdentity(account: Account, { identity, accessKeyId, session }: AccountEvent): object {
  const { type, name, arn, userId, role } = identity;
  const issuer = role && {
    ...{ type: "Role", principalId: role.id, arn: role.arn, accountId: account.id, userName: role.name },
  };
  return {
    ...{ type, principalId: userId, arn, accountId: account.id, accessKeyId, userName: name },
    sessionContext: session && {
      sessionIssuer: issuer,
      attributes: {
        creationDate: formatTime(session.createdMs),
        mfaAuthenticated: String(session.mfaMs !== undefined),
      },
    },
  };
}

/** Returns the account's trails, of all regions. */
const listTrails = (account: Account): readonly Trail[] =>
  account.regions().flatMap(({ trails }) => [...trails.values()]);

/**
 * Names are those of trails of this region; a trail of another region has to be named by its ARN.
 * https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DescribeTrails.html
 */
const describeTrails = defineOperation(
  { trailNameList: optional(listOf(text())), includeShadowTrails: optional(boolean) },
  ({ account, caller, region }, { trailNameList: names = [], includeShadowTrails: withShadows = true }) => {
    account.authorize(caller, "cloudtrail:DescribeTrails", "*");
    const isHere = (trail: Trail): boolean => trail.homeRegion === region.name || (trail.isMultiRegion && withShadows);
    const isNamed = ({ name, arn, homeRegion }: Trail): boolean =>
      names.length === 0 || names.includes(arn) || (names.includes(name) && homeRegion === region.name);
    return { trailList: listTrails(account).filter(isHere).filter(isNamed).map(describeTrail) };
  },
);

const describeTrail = ({
  name,
  arn,
  homeRegion,
  bucket,
  isMultiRegion,
  logGroupArn,
  logRoleArn,
}: Trail): JsonValue => ({
  ...{ Name: name, S3BucketName: bucket, IncludeGlobalServiceEvents: true, IsMultiRegionTrail: isMultiRegion },
  ...{ HomeRegion: homeRegion, TrailARN: arn, LogFileValidationEnabled: true },
  ...{ CloudWatchLogsLogGroupArn: logGroupArn, CloudWatchLogsRoleArn: logRoleArn },
  ...{ HasCustomEventSelectors: false, HasInsightSelectors: false, IsOrganizationTrail: false },
});

/** Returns a trail by its name in this region or by its ARN. Throws TrailNotFoundException. */
function findTrail({ account, caller, region }: JsonCall, operation: string, given: string): Trail {
  const { partition, id } = account;
  const arn = given.startsWith("arn:") ? given : `arn:${partition}:cloudtrail:${region.name}:${id}:trail/${given}`;
  account.authorize(caller, `cloudtrail:${operation}`, arn, arn);
  const trail = listTrails(account).find((each) => each.arn === arn);
  if (trail !== undefined) return trail;
  throw new AwsError("TrailNotFoundException", 400, `Unknown trail: ${arn} for the user: ${id}`);
}

/** https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetTrailStatus.html */
const getTrailStatus = defineOperation({ Name: text() }, (call, { Name: name }) => {
  const { startedMs } = findTrail(call, "GetTrailStatus", name);
  return {
    IsLogging: startedMs !== undefined,
    StartLoggingTime: startedMs === undefined ? undefined : new Date(startedMs),
  };
});

/** https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetEventSelectors.html */
const getEventSelectors = defineOperation({ TrailName: text() }, (call, { TrailName: name }) => {
  const { arn } = findTrail(call, "GetEventSelectors", name);
  const all = {
    ReadWriteType: "All",
    IncludeManagementEvents: true,
    DataResources: [],
    ExcludeManagementEventSources: [],
  };
  return { TrailARN: arn, EventSelectors: [all] };
});

/** Adds a trail to its home region. */
export function addTrail(account: Account, trail: Omit<Trail, "arn">): void {
  const { homeRegion, name } = trail;
  const arn = `arn:${account.partition}:cloudtrail:${homeRegion}:${account.id}:trail/${name}`;
  account.inRegion(homeRegion).trails.set(name, { ...trail, arn });
}

export const cloudtrail: JsonService = {
  // The first is that of boto3, the second that of the SDK for JavaScript.
  targets: ["com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101", "CloudTrail_20131101"],
  version: "1.1",
  invalidCode: "ValidationException",
  operations: {
    DescribeTrails: describeTrails,
    GetEventSelectors: getEventSelectors,
    GetTrailStatus: getTrailStatus,
    LookupEvents: lookupEvents,
  },
};
