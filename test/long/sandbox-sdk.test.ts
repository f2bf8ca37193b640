// The SDK for JavaScript drives every operation of the local AWS.
import { CloudTrail } from "@aws-sdk/client-cloudtrail";
import { CloudWatch } from "@aws-sdk/client-cloudwatch";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { ConfigService } from "@aws-sdk/client-config-service";
import { EventBridge } from "@aws-sdk/client-eventbridge";
import { IAM } from "@aws-sdk/client-iam";
import { S3 } from "@aws-sdk/client-s3";
import { SNS } from "@aws-sdk/client-sns";
import { STS } from "@aws-sdk/client-sts";
import { expect, test } from "vitest";
import { services } from "../../src/sandbox/server.ts";
import { driveSandbox } from "../helpers/sandbox-calls.ts";

const clients = {
  ...{ iam: IAM, sts: STS, s3: S3 },
  ...{ cloudtrail: CloudTrail, config: ConfigService, events: EventBridge, logs: CloudWatchLogs },
  ...{ monitoring: CloudWatch, sns: SNS },
};

/** Finds values that no answer has: what could not be decoded. */
function findUndecoded(value: unknown, place: string): readonly string[] {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? [place] : [];
  if (typeof value === "number") return Number.isNaN(value) ? [place] : [];
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return [];
  return Object.entries(value).flatMap(([name, member]) => findUndecoded(member, `${place}.${name}`));
}

test("the SDK for JavaScript decodes the answers of every operation", async () => {
  const undecoded: string[] = [];
  const missing = await driveSandbox(async (service, operation, input, { url, key, region }) => {
    const Client = clients[service];
    const client = new Client({ credentials: key, endpoint: url, region, maxAttempts: 1 });
    const method = `${operation.charAt(0).toLowerCase()}${operation.slice(1)}`;
    const call = (client as unknown as Record<string, (input: object) => Promise<object>>)[method];
    const output = await call?.call(client, input);
    client.destroy();
    if (output === undefined) throw new Error(`the SDK has no operation ${operation}`);
    undecoded.push(...findUndecoded(output, operation));
    return output;
  }, services);
  expect(undecoded).toEqual([]);
  expect(missing).toEqual([]);
});
