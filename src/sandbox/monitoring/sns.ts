// Amazon SNS: who is told when an alarm goes off. https://docs.aws.amazon.com/sns/latest/api/
import { randomUUID } from "node:crypto";
import type { Account } from "../account.ts";
import { AwsError } from "../errors.ts";
import { takeTokenPage } from "../json.ts";
import type { QueryAction, QueryCall, QueryService } from "../query.ts";
import type { Region, Subscription, Topic } from "../region.ts";
import { writeElement, writeList } from "../xml.ts";

/** "up to 100": https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html */
const pageSize = 100;

const listSubscriptionsByTopic: QueryAction = {
  parameters: ["TopicArn", "NextToken"],
  run: (call) => {
    const { account, parameters } = call;
    const topic = findTopic(call, "ListSubscriptionsByTopic");
    const token = parameters.get("NextToken") || undefined;
    const { page, nextToken } = takeTokenPage(topic.subscriptions, token, pageSize, () => invalid("NextToken"));
    const write = ({ arn = "PendingConfirmation", protocol, endpoint }: Subscription): string =>
      [
        ...[writeElement("SubscriptionArn", arn), writeElement("Owner", account.id)],
        ...[writeElement("Protocol", protocol), writeElement("Endpoint", endpoint)],
        writeElement("TopicArn", topic.arn),
      ].join("");
    const next = nextToken === undefined ? "" : writeElement("NextToken", nextToken);
    return writeList("Subscriptions", page, write) + next;
  },
};

/** Returns the topic that the parameters name, in the region of the request. Throws AwsError. */
function findTopic({ account, caller, region, parameters }: QueryCall, operation: string): Topic {
  const arn = parameters.get("TopicArn") ?? "";
  if (!arn.startsWith(writeArn(account, region, ""))) throw invalid("TopicArn");
  authorize(() => account.authorize(caller, `SNS:${operation}`, arn, arn));
  const topic = region.topics.get(arn);
  if (topic === undefined) throw new AwsError("NotFound", 404, "Topic does not exist");
  return topic;
}

/** SNS has its own code for a caller who is not allowed to do something, and writes its name in upper case: from users. */
function authorize(check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof AwsError) || error.code !== "AccessDenied") throw error;
    throw new AwsError("AuthorizationError", 403, error.message);
  }
}

const invalid = (name: string): AwsError => new AwsError("InvalidParameter", 400, `Invalid parameter: ${name}`);

const writeArn = ({ partition, id }: Account, region: Region, name: string): string =>
  `arn:${partition}:sns:${region.name}:${id}:${name}`;

/** Adds a topic, and for each address a confirmed subscription. @returns its ARN */
export function addTopic(
  account: Account,
  region: Region,
  name: string,
  addresses: Readonly<Record<string, string>>,
): string {
  const arn = writeArn(account, region, name);
  const subscriptions = Object.entries(addresses).map(([protocol, endpoint]) => ({
    ...{ arn: `${arn}:${randomUUID()}`, protocol, endpoint },
  }));
  region.topics.set(arn, { arn, subscriptions });
  return arn;
}

export const sns: QueryService = {
  version: "2010-03-31",
  namespace: "http://sns.amazonaws.com/doc/2010-03-31/",
  actions: new Map([["ListSubscriptionsByTopic", listSubscriptionsByTopic]]),
};
