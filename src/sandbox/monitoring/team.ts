// What watches over the account of the scenarios `team` and `team-enforced`.
import { listSignInRegions } from "../../aws/partitions.ts";
import type { Resources } from "../../policy/export/resources.ts";
import type { Account } from "../account.ts";
import { addTrail } from "./cloudtrail.ts";
import { putConfigRule, putRecorder } from "./config.ts";
import { putEventRule } from "./eventbridge.ts";
import { addLogGroup } from "./logs.ts";
import { addTopic } from "./sns.ts";

/** The region of the profiles, where the account has its AWS Config. */
const home = "eu-central-1";

const hour = 3_600_000;
const day = 24 * hour;

/** Adds AWS Config as `fob policy export` describes it, a trail, and an alarm for sign-ins of `break-glass`. */
export function addMonitoring(account: Account, { rules, recorder }: Resources): void {
  const region = account.inRegion(home);
  const now = account.now();
  const createdMs = now - 300 * day;
  if (recorder !== undefined) {
    const { name, resourceTypes, role } = recorder;
    const roleArn = account.arn(`role/${role.name}`);
    putRecorder(account, region, { name, resourceTypes, startedMs: createdMs, roleArn });
  }
  const evaluatedMs = now - 7 * hour;
  for (const { name, identifier, description } of rules) {
    const rule = { name, identifier, description, frequency: undefined };
    putConfigRule(account, region, rule, { createdMs, evaluatedMs });
  }
  const logGroupArn = `${addLogGroup(account, region, "management-events", createdMs)}:*`;
  addTrail(account, {
    ...{ name: "management-events", homeRegion: home, isMultiRegion: true, startedMs: createdMs },
    ...{ bucket: `management-events-${account.id}`, logGroupArn, logRoleArn: account.arn("role/management-events") },
  });
  for (const each of listSignInRegions(account.partition))
    addSignInAlarm(account, account.user("break-glass").arn, each);
}

/** Sends an e-mail when AWS records in a region that a user has signed in to the console. */
function addSignInAlarm(account: Account, userArn: string, name: string): void {
  const region = account.inRegion(name);
  const topic = addTopic(account, region, "break-glass-sign-in", { email: "security@example.com" });
  const pattern = {
    source: ["aws.signin"],
    "detail-type": ["AWS Console Sign In via CloudTrail"],
    detail: { eventName: ["ConsoleLogin"], userIdentity: { arn: [userArn] } },
  };
  const rule = putEventRule(account, region, {
    ...{ name: "break-glass-sign-in", pattern: JSON.stringify(pattern), schedule: undefined },
    description: "Sends an e-mail when break-glass signs in",
  });
  rule.targets.set("email", { id: "email", arn: topic, input: undefined });
}
