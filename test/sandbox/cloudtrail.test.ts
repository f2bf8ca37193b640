// Tests CloudTrail in the local AWS: what happened can be looked up, with who did it and whether MFA was used.
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Account } from "../../src/sandbox/account.ts";
import { addTrail } from "../../src/sandbox/monitoring/cloudtrail.ts";
import { type CodeDevice, type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { type Key, post, send, sign } from "./client.ts";
import { allow, now } from "./iam-client.ts";
import { sendJson } from "./json-client.ts";

const day = 86_400_000;
const arn = "arn:aws:iam::123456789012";

let account: Account;
let sandbox: Sandbox;
let key: Key;
let device: CodeDevice;
let time: number;
beforeEach(async () => {
  sandbox = await startSandbox({
    fill: (filled) => {
      account = filled;
    },
  });
  setTime(now);
  key = sandbox.addUser({ name: "ada", policies: [allow("*")] }).accessKey;
  device = sandbox.addVirtualDevice("ada");
});
afterEach(() => sandbox.close());

function setTime(ms: number): void {
  time = ms;
  sandbox.setClock(ms);
}

/** The rate of look-ups is limited, so each is a second later. */
async function lookup(input: object = {}, region = "us-east-1") {
  setTime(time + 1000);
  const request = { url: sandbox.url, key, atMs: time, service: "cloudtrail", operation: "LookupEvents" } as const;
  const answer = await sendJson({ ...request, input, region });
  const { Events: events = [], NextToken } = (answer.json ?? {}) as { Events?: LookedUp[]; NextToken?: string };
  const records = events.map((each) => JSON.parse(each.CloudTrailEvent) as Record<string, unknown>);
  return { ...answer, events, NextToken, names: events.map(({ EventName }) => EventName), records };
}

interface LookedUp {
  readonly EventName: string;
  readonly EventId: string;
  readonly Username: string;
  readonly CloudTrailEvent: string;
}

const by = (AttributeKey: string, AttributeValue: string) => ({ LookupAttributes: [{ AttributeKey, AttributeValue }] });

/** Calls IAM or STS. */
const call = (service: "iam" | "sts", Action: string, more: Record<string, string> = {}, who = key) => {
  const Version = service === "iam" ? "2010-05-08" : "2011-06-15";
  return send(sign(post({ Action, Version, ...more }), sandbox.url, who, { service, atMs: time }), sandbox.url);
};

/** Reads the credentials in an answer of STS. */
const read = ({ body }: { readonly body: string }): Key => {
  const [accessKeyId = "", secretAccessKey = "", sessionToken = ""] = [
    "AccessKeyId",
    "SecretAccessKey",
    "SessionToken",
  ].map((name) => new RegExp(`<${name}>(.*?)</${name}>`).exec(body)?.[1]);
  return { accessKeyId, secretAccessKey, sessionToken };
};

const signIn = (timeMs: number, more: { mfaUsed?: boolean; failure?: string } = {}, name = "ada") =>
  account.events.recordSignIn({
    ...{ timeMs, region: "us-east-1", sourceIp: "192.0.2.1", userAgent: "Mozilla/5.0", mfaUsed: true, ...more },
    principal: account.user(name),
  });

test("calls are looked up, newest first, with the user, the access key and the error", async () => {
  await call("iam", "CreateUser", { UserName: "new" });
  setTime(now + 1500);
  await call("iam", "GetUser", { UserName: "none" });
  const { events, records, names, NextToken } = await lookup();
  expect([names, NextToken]).toEqual([["GetUser", "CreateUser"], undefined]);
  expect(events[1]).toEqual({
    ...{ EventName: "CreateUser", EventSource: "iam.amazonaws.com", EventTime: now / 1000, ReadOnly: "false" },
    ...{ EventId: expect.any(String) as string, Username: "ada", AccessKeyId: key.accessKeyId, Resources: [] },
    CloudTrailEvent: expect.any(String) as string,
  });
  const { userId } = account.user("ada");
  expect(records[0]).toEqual({
    ...{ eventVersion: "1.11", eventTime: "2026-01-31T09:00:01Z", eventSource: "iam.amazonaws.com" },
    ...{ eventName: "GetUser", awsRegion: "us-east-1", sourceIPAddress: "127.0.0.1", userAgent: "" },
    ...{ errorCode: "NoSuchEntityException", errorMessage: "The user with name none cannot be found." },
    ...{ requestParameters: null, responseElements: null, requestID: expect.any(String) as string },
    ...{ eventID: events[0]?.EventId, readOnly: true, eventType: "AwsApiCall", managementEvent: true },
    ...{ recipientAccountId: "123456789012", eventCategory: "Management" },
    userIdentity: {
      ...{ type: "IAMUser", principalId: userId, arn: `${arn}:user/ada`, accountId: "123456789012" },
      ...{ accessKeyId: key.accessKeyId, userName: "ada" },
    },
  });
});

test("the identity tells whether a session has MFA, and who the root user and roles are", async () => {
  const trust = { Statement: { Effect: "Allow", Principal: { AWS: `${arn}:root` }, Action: "sts:AssumeRole" } };
  sandbox.addRole({ name: "deploy", trust });
  const code = { SerialNumber: device.serialNumber, TokenCode: device.code() };
  const withMfa = read(await call("sts", "GetSessionToken", code));
  const without = read(await call("sts", "GetSessionToken"));
  const role = read(await call("sts", "AssumeRole", { RoleArn: `${arn}:role/deploy`, RoleSessionName: "work" }));
  for (const who of [withMfa, without, role, sandbox.rootAccessKey]) await call("sts", "GetCallerIdentity", {}, who);
  const { records, events } = await lookup(by("EventName", "GetCallerIdentity"));
  expect(events.map(({ Username }) => Username)).toEqual(["root", "work", "ada", "ada"]);
  const session = (mfaAuthenticated: string) => ({
    attributes: { creationDate: "2026-01-31T09:00:00Z", mfaAuthenticated },
  });
  expect(records.map(({ userIdentity }) => userIdentity)).toMatchObject([
    { type: "Root", arn: `${arn}:root`, principalId: "123456789012" },
    {
      ...{ type: "AssumedRole", arn: "arn:aws:sts::123456789012:assumed-role/deploy/work" },
      sessionContext: {
        ...session("false"),
        sessionIssuer: { type: "Role", arn: `${arn}:role/deploy`, userName: "deploy" },
      },
    },
    { type: "IAMUser", userName: "ada", sessionContext: session("false") },
    { type: "IAMUser", userName: "ada", sessionContext: session("true") },
  ]);
  // GetSessionToken is a write, AssumeRole is not.
  const writes = await lookup({ ...by("ReadOnly", "false") });
  expect(writes.names).toEqual(["GetSessionToken", "GetSessionToken"]);
  expect((await lookup(by("AccessKeyId", role.accessKeyId))).names).toEqual(["GetCallerIdentity"]);
  for (const secret of [withMfa.sessionToken, withMfa.secretAccessKey, code.TokenCode])
    expect(JSON.stringify(account.events.list())).not.toContain(`"${secret}"`);
});

test("sign-ins to the console tell whether MFA was used, and whether they failed", async () => {
  signIn(now - 2000, { mfaUsed: false });
  signIn(now - 1000);
  signIn(now, { failure: "Failed authentication" });
  const { records, events } = await lookup(by("EventName", "ConsoleLogin"));
  const extra = { LoginTo: "https://console.aws.amazon.com/console/home", MobileVersion: "No" };
  expect(records).toMatchObject([
    {
      ...{ errorMessage: "Failed authentication", responseElements: { ConsoleLogin: "Failure" } },
      ...{ eventType: "AwsConsoleSignIn", additionalEventData: { ...extra, MFAUsed: "Yes" } },
    },
    { responseElements: { ConsoleLogin: "Success" }, additionalEventData: { ...extra, MFAUsed: "Yes" } },
    { responseElements: { ConsoleLogin: "Success" }, additionalEventData: { ...extra, MFAUsed: "No" } },
  ]);
  expect(events[0]).toMatchObject({ EventSource: "signin.amazonaws.com", Username: "ada", ReadOnly: "false" });
  expect(records[1]?.userIdentity).toEqual({
    ...{ type: "IAMUser", principalId: account.user("ada").userId, arn: `${arn}:user/ada` },
    ...{ accountId: "123456789012", userName: "ada" },
  });
});

test("a role that signs in with a link is a sign-in", async () => {
  const trust = { Statement: { Effect: "Allow", Principal: { AWS: `${arn}:root` }, Action: "sts:AssumeRole" } };
  sandbox.addRole({ name: "deploy", trust });
  const role = read(await call("sts", "AssumeRole", { RoleArn: `${arn}:role/deploy`, RoleSessionName: "work" }));
  const { accessKeyId: sessionId, secretAccessKey: sessionKey, sessionToken } = role;
  const open = (parameters: Record<string, string>) =>
    fetch(`${sandbox.url}/federation?${new URLSearchParams(parameters).toString()}`, { redirect: "manual" });
  const Session = JSON.stringify({ sessionId, sessionKey, sessionToken });
  const { SigninToken } = (await (await open({ Action: "getSigninToken", Session })).json()) as { SigninToken: string };
  const login = { Action: "login", Destination: "https://console.aws.amazon.com/", SigninToken };
  expect((await open(login)).status).toBe(302);
  // The link works once.
  expect((await open(login)).status).toBe(400);
  const { records } = await lookup(by("EventName", "ConsoleLogin"));
  expect(records).toMatchObject([
    {
      ...{ awsRegion: "us-east-1", responseElements: { ConsoleLogin: "Success" } },
      ...{ userIdentity: { type: "AssumedRole" }, additionalEventData: { MFAUsed: "No" } },
    },
  ]);
});

test("events of 90 days and one region are found, between two times, by one attribute", async () => {
  signIn(now - 91 * day);
  signIn(now - 89 * day);
  signIn(now - 5000);
  expect((await lookup(by("Username", "ada"))).names).toHaveLength(2);
  const between = { StartTime: (now - 6000) / 1000, EndTime: (now - 5000) / 1000 };
  expect((await lookup(between)).names).toEqual(["ConsoleLogin"]);
  expect((await lookup({ ...between, ...by("Username", "dan") })).names).toEqual([]);
  expect((await lookup(by("EventSource", "signin.amazonaws.com"))).names).toHaveLength(2);
  const {
    events: [first],
  } = await lookup(between);
  expect((await lookup(by("EventId", first?.EventId ?? ""))).events).toEqual([first]);
  expect((await lookup({}, "eu-central-1")).names).toEqual([]);
  // The look-up before is an event too.
  expect((await lookup({}, "eu-central-1")).names).toEqual(["LookupEvents"]);
});

test("pages go on where the last one ended, although events are added", async () => {
  for (let index = 0; index < 5; index++) signIn(now - 5000 + index * 1000);
  const wanted = { ...by("EventName", "ConsoleLogin"), MaxResults: 2 };
  const first = await lookup(wanted);
  signIn(time);
  const second = await lookup({ ...wanted, NextToken: first.NextToken });
  const third = await lookup({ ...wanted, NextToken: second.NextToken });
  const times = [first, second, third].map(({ records }) =>
    records.map(({ eventTime }) => String(eventTime).slice(17, 19)),
  );
  expect(times).toEqual([["59", "58"], ["57", "56"], ["55"]]);
  expect(third.NextToken).toBe(undefined);
});

test("the SDK for JavaScript names the service in another way", async () => {
  const headers = { "x-amz-target": "CloudTrail_20131101.DescribeTrails" };
  const request = { url: sandbox.url, key, atMs: now, service: "cloudtrail", operation: "DescribeTrails" } as const;
  expect((await sendJson({ ...request, headers })).json).toEqual({ trailList: [] });
});

test("two look-ups a second and region", async () => {
  const request = { url: sandbox.url, key, atMs: now, service: "cloudtrail", operation: "LookupEvents" } as const;
  const answers = [await sendJson(request), await sendJson(request), await sendJson(request)];
  expect(answers.map(({ refusal }) => refusal)).toEqual([
    ...["accepted", "accepted"],
    "ThrottlingException 400: Rate exceeded",
  ]);
  expect((await sendJson({ ...request, region: "us-east-1" })).refusal).toBe("accepted");
  setTime(now + 1000);
  expect((await sendJson({ ...request, atMs: time })).refusal).toBe("accepted");
});

test.each<[title: string, input: object, expected: RegExp]>([
  ["no results", { MaxResults: 0 }, /^InvalidMaxResultsException 400/],
  ["more than 50 results", { MaxResults: 51 }, /^InvalidMaxResultsException 400/],
  ["a start after the end", { StartTime: 2, EndTime: 1 }, /^InvalidTimeRangeException 400/],
  ["a start in the future", { StartTime: 2_100_000_000 }, /^InvalidTimeRangeException 400/],
  ["a token that was not returned", { NextToken: "broken" }, /^InvalidNextTokenException 400/],
  ["True for ReadOnly", by("ReadOnly", "True"), /^InvalidLookupAttributesException 400/],
  ["an unknown attribute", by("Color", "red"), /^InvalidLookupAttributesException 400/],
  ["a name of every object", by("toString", "a"), /^InvalidLookupAttributesException 400/],
  [
    "two attributes",
    {
      LookupAttributes: [by("EventName", "a"), by("EventId", "b")].flatMap(({ LookupAttributes }) => LookupAttributes),
    },
    /^InvalidLookupAttributesException 400/,
  ],
  ["names of resources, which are not recorded", by("ResourceName", "ada"), /^NotImplemented 501/],
  ["Insights events", { EventCategory: "insight" }, /^NotImplemented 501/],
])("a look-up is refused: %s", async (_, input, expected) => {
  expect((await lookup(input)).refusal).toMatch(expected);
});

test("what was not authenticated or is not modeled is no event", async () => {
  await call("iam", "GetUser", {}, { ...key, secretAccessKey: "wrong" });
  await call("iam", "CreateInstanceProfile");
  expect(account.events.list()).toEqual([]);
});

test("trails of several regions are shown in all, by name in their own, by ARN everywhere", async () => {
  const rest = { bucket: "trail", logRoleArn: undefined, startedMs: now };
  const logGroupArn = "arn:aws:logs:eu-central-1:123456789012:log-group:trail:*";
  addTrail(account, { ...rest, name: "all", homeRegion: "eu-central-1", isMultiRegion: true, logGroupArn });
  addTrail(account, {
    ...{ ...rest, name: "one", homeRegion: "eu-central-1", isMultiRegion: false, logGroupArn: undefined },
    startedMs: undefined,
  });
  const read = (operation: string, input: object, region: string) =>
    sendJson({ url: sandbox.url, key, atMs: now, service: "cloudtrail", operation, input, region });
  const names = async (input: object, region: string) => {
    const { json } = await read("DescribeTrails", input, region);
    return (json as { trailList: { Name: string }[] }).trailList.map(({ Name }) => Name);
  };
  expect(await names({}, "eu-central-1")).toEqual(["all", "one"]);
  expect(await names({}, "us-east-1")).toEqual(["all"]);
  expect(await names({ includeShadowTrails: false }, "us-east-1")).toEqual([]);
  expect(await names({ trailNameList: ["all"] }, "us-east-1")).toEqual([]);
  const trailArn = "arn:aws:cloudtrail:eu-central-1:123456789012:trail/all";
  expect(await names({ trailNameList: [trailArn] }, "us-east-1")).toEqual(["all"]);
  expect((await read("DescribeTrails", {}, "us-east-1")).json).toMatchObject({
    trailList: [
      {
        ...{ TrailARN: trailArn, HomeRegion: "eu-central-1", IsMultiRegionTrail: true, S3BucketName: "trail" },
        ...{ IncludeGlobalServiceEvents: true, CloudWatchLogsLogGroupArn: logGroupArn },
      },
    ],
  });
  expect((await read("GetTrailStatus", { Name: trailArn }, "us-east-1")).json).toEqual({
    ...{ IsLogging: true, StartLoggingTime: now / 1000 },
  });
  expect((await read("GetTrailStatus", { Name: "one" }, "eu-central-1")).json).toEqual({ IsLogging: false });
  expect((await read("GetEventSelectors", { TrailName: "all" }, "eu-central-1")).json).toMatchObject({
    ...{ TrailARN: trailArn, EventSelectors: [{ ReadWriteType: "All", IncludeManagementEvents: true }] },
  });
  expect((await read("GetTrailStatus", { Name: "all" }, "us-east-1")).refusal).toBe(
    "TrailNotFoundException 400: Unknown trail: arn:aws:cloudtrail:us-east-1:123456789012:trail/all for the user: 123456789012",
  );
});
