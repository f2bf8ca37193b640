// The accounts of `fob sandbox`, as administrators' commands read them from IAM.
import { expect, onTestFinished, test, vi } from "vitest";
import { findUser, indexPolicies } from "../../src/iam/policies-of.ts";
import type { AccountSnapshot, Known, User } from "../../src/iam/snapshot.ts";
import { evaluate } from "../../src/policy/engine/evaluate.ts";
import type { Account } from "../../src/sandbox/account.ts";
import { type ScenarioName, scenarios } from "../../src/sandbox/scenarios.ts";
import { startSandbox } from "../../src/sandbox/server.ts";
import { readSnapshot } from "../iam/read-account.ts";
import { type JsonServiceName, sendJson } from "./json-client.ts";

const hour = 3_600_000;
const day = 24 * hour;

/** Reads the account of a scenario as `ada`. */
async function readScenario(name: ScenarioName): Promise<AccountSnapshot> {
  vi.stubEnv("AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED", "true");
  let account: Account | undefined;
  const sandbox = await startSandbox({
    fill: (filled) => {
      scenarios[name](filled);
      account = filled;
    },
  });
  onTestFinished(() => sandbox.close());
  const [credentials] = account?.accessKeysOf(account.user("ada")) ?? [];
  if (credentials === undefined) throw new Error("ada has no access key");
  return await readSnapshot(sandbox.url, credentials);
}

/** Of "ada" nothing is told that her own call for the snapshot changes. */
function describe({ name, groups, path, devices, accessKeys, password, tags }: User): readonly unknown[] {
  if (!("value" in devices) || !("value" in accessKeys) || !("value" in password))
    throw new Error(`${name} is unknown`);
  const reset = password.value?.resetRequired;
  const kinds = devices.value.map(({ kind }) => kind).sort();
  const keys = accessKeys.value.filter(({ active }) => active).map(({ lastUsedService }) => lastUsedService);
  const passwordState = password.value === null ? "none" : reset && "value" in reset && reset.value ? "reset" : "set";
  return [name, path, groups.join(), kinds.join(), keys.join(), passwordState, tags["fob-role"] ?? ""];
}

const age = (time: string | null | undefined): number => Date.now() - Date.parse(time ?? "");
const readKnown = <T>(known: Known<T> | undefined): T | undefined =>
  known && "value" in known ? known.value : undefined;

/** Whether the policies allow ListBuckets to an access key, and after MFA. */
function may(name: string, snapshot: AccountSnapshot, action: string): readonly [key: string, mfa: string] {
  const user = findUser(snapshot, name);
  const found = user && indexPolicies(snapshot)(user);
  if (user === undefined || found === undefined || !("value" in found)) throw new Error(`${name} is unknown`);
  const policies = found.value.policies.map(({ document }) => document);
  const context = { "aws:username": name, "aws:PrincipalArn": user.arn, "aws:ViaAWSService": "false" };
  const decide = (mfa: object): string =>
    evaluate(policies, { action, resource: "*", context: { ...context, ...mfa } }).decision;
  return [decide({}), decide({ "aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": "60" })];
}

const everyone = [
  ["ada", "/", "admins", "virtual", "iam", "set", ""],
  ["grace", "/", "", "virtual", "iam", "set", ""],
  ["ben", "/", "developers", "virtual", "sts", "set", ""],
  ["cleo", "/", "developers", "hardware,virtual", "sts", "set", ""],
  ["dan", "/", "developers", "", "sts", "set", ""],
  ["erin", "/", "developers", "", "", "reset", ""],
  ["finn", "/", "developers", "security key", "sts", "set", ""],
  ["gus", "/", "developers", "virtual", "s3", "set", ""],
  ["hal", "/", "developers", "", "s3,ec2", "set", ""],
  ["ivy", "/eng/", "developers", "virtual", "sts", "set", ""],
  ["ci-deploy", "/", "", "", "s3", "none", ""],
  ["break-glass", "/", "", "hardware,virtual", "", "set", "break-glass"],
  ["old-break-glass", "/", "", "virtual", "iam", "set", "break-glass"],
];

test("team: the users and their stories, and nothing that requires MFA", async () => {
  const snapshot = await readScenario("team");
  expect(snapshot.users.map(describe)).toEqual(everyone);
  expect(snapshot.groups.map(({ name }) => name)).toEqual(["admins", "developers"]);
  expect(snapshot.root).toMatchObject({ value: { activeAccessKeys: 0 } });
  for (const name of ["ada", "grace", "break-glass", "old-break-glass"])
    expect(may(name, snapshot, "iam:DeleteUser")).toEqual(["allowed", "allowed"]);
  for (const name of ["ben", "dan", "ivy"]) {
    expect(may(name, snapshot, "s3:ListAllMyBuckets")).toEqual(["allowed", "allowed"]);
    expect(may(name, snapshot, "iam:DeleteUser")).toEqual(["implicitDeny", "implicitDeny"]);
  }

  const find = (name: string) => findUser(snapshot, name);
  const used = (name: string) => (readKnown(find(name)?.accessKeys) ?? []).map(({ lastUsed }) => age(lastUsed));
  const passwordUsed = (name: string) => readKnown(readKnown(find(name)?.password)?.lastUsed);
  expect(used("gus")[0]).toBeLessThan(2 * hour);
  expect(used("ci-deploy")[0]).toBeLessThan(hour);
  expect(Math.min(...used("hal"), age(passwordUsed("hal")))).toBeGreaterThan(199 * day);
  expect(passwordUsed("erin")).toBe(null);
  // Who is not to be inactive has used something within 90 days, or is new.
  for (const name of ["ada", "grace", "ben", "cleo", "dan", "finn", "gus", "ivy", "ci-deploy"])
    expect(Math.min(...used(name)), name).toBeLessThan(30 * day);
  expect(age(find("erin")?.created)).toBeLessThan(7 * day);
  expect(Object.values(snapshot.users).every(({ created }) => age(created) < 900 * day)).toBe(true);
});

test("team-enforced: the same users, and RequireMFA denies its members without MFA", async () => {
  const snapshot = await readScenario("team-enforced");
  const enforced = ["ben", "cleo", "dan", "old-break-glass"];
  const membersOf = (group: string) => snapshot.users.filter(({ groups }) => groups.includes(group));
  expect(membersOf("RequireMFA").map(({ name }) => name)).toEqual(enforced);
  expect(
    snapshot.users
      .map(describe)
      .map(([name, path, groups, ...rest]) => [name, path, String(groups).replace(/,?RequireMFA/, ""), ...rest]),
  ).toEqual(everyone);
  for (const name of enforced) expect(may(name, snapshot, "s3:ListAllMyBuckets")).toEqual(["explicitDeny", "allowed"]);
  expect(may("ivy", snapshot, "s3:ListAllMyBuckets")).toEqual(["allowed", "allowed"]);
});

test("team: a rule of AWS Config, a trail, and an alarm for sign-ins of break-glass, which empty has not", async () => {
  const start = async (name: ScenarioName, user?: string) => {
    let account: Account | undefined;
    const fill = (filled: Account): void => {
      scenarios[name](filled);
      account = filled;
    };
    const sandbox = await startSandbox({ fill });
    onTestFinished(() => sandbox.close());
    const { url } = sandbox;
    if (account === undefined) throw new Error("the account was not filled");
    const [key] = account.accessKeysOf(user === undefined ? account.root : account.user(user));
    if (key === undefined) throw new Error(`no access key in ${name}`);
    const read = async (service: JsonServiceName, operation: string, input: object, region: string) =>
      (await sendJson({ url, key, atMs: Date.now(), service, operation, input, region })).json;
    return { account, read };
  };
  const { account, read } = await start("team", "ada");
  const rule = "mfa-enabled-for-iam-console-access";
  expect(await read("config", "DescribeConfigRules", {}, "eu-central-1")).toMatchObject({
    ConfigRules: [{ ConfigRuleName: rule, Source: { SourceIdentifier: "MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS" } }],
  });
  const details = { ConfigRuleName: rule, ComplianceTypes: ["NON_COMPLIANT"] };
  const { EvaluationResults: results } = (await read(
    ...(["config", "GetComplianceDetailsByConfigRule", details, "eu-central-1"] as const),
  )) as { EvaluationResults: { EvaluationResultIdentifier: { EvaluationResultQualifier: { ResourceId: string } } }[] };
  const ids = results.map(({ EvaluationResultIdentifier: id }) => id.EvaluationResultQualifier.ResourceId);
  expect(ids).toEqual(["dan", "erin", "hal"].map((name) => account.user(name).userId));
  expect(await read("cloudtrail", "DescribeTrails", {}, "us-east-1")).toMatchObject({
    trailList: [{ Name: "management-events", HomeRegion: "eu-central-1", IsMultiRegionTrail: true }],
  });
  // The latest sign-ins, of those who have a password, tell whether a code was needed.
  const signIns = { LookupAttributes: [{ AttributeKey: "EventName", AttributeValue: "ConsoleLogin" }] };
  const { Events: events } = (await read("cloudtrail", "LookupEvents", signIns, "us-east-1")) as {
    Events: { Username: string; CloudTrailEvent: string }[];
  };
  const without = events.filter(({ CloudTrailEvent: event }) => event.includes('"MFAUsed":"No"'));
  expect(without.map(({ Username }) => Username)).toEqual(["dan"]);
  expect(events.map(({ Username }) => Username)).toContain("break-glass");
  expect(events.map(({ Username }) => Username)).not.toContain("erin");

  const { Rules: rules = [] } = (await read("events", "ListRules", {}, "us-east-1")) as { Rules?: EventRule[] };
  expect(rules.map(({ State, EventPattern }) => [State, JSON.parse(EventPattern) as unknown])).toEqual([
    [
      "ENABLED",
      {
        ...{ source: ["aws.signin"], "detail-type": ["AWS Console Sign In via CloudTrail"] },
        detail: { eventName: ["ConsoleLogin"], userIdentity: { arn: [account.user("break-glass").arn] } },
      },
    ],
  ]);
  const { Targets: targets } = (await read("events", "ListTargetsByRule", { Rule: rules[0]?.Name }, "us-east-1")) as {
    Targets: { Arn: string }[];
  };
  const topic = account.inRegion("us-east-1").topics.get(targets[0]?.Arn ?? "");
  expect(topic?.subscriptions).toMatchObject([{ arn: expect.stringContaining(":sns:us-east-1:") as string }]);

  const { read: readEmpty } = await start("empty");
  expect(await readEmpty("config", "DescribeConfigRules", {}, "eu-central-1")).toEqual({ ConfigRules: [] });
  expect(await readEmpty("events", "ListRules", {}, "us-east-1")).toEqual({ Rules: [] });
  expect(await readEmpty("cloudtrail", "DescribeTrails", {}, "us-east-1")).toEqual({ trailList: [] });
});

interface EventRule {
  readonly Name: string;
  readonly State: string;
  readonly EventPattern: string;
}
