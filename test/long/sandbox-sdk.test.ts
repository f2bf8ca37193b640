// The SDK for JavaScript drives every operation of the local AWS that it has a client for.
import { IAM } from "@aws-sdk/client-iam";
import { S3 } from "@aws-sdk/client-s3";
import { STS } from "@aws-sdk/client-sts";
import { expect, test } from "vitest";
import { driveSandbox } from "../helpers/sandbox-calls.ts";

const clients = { iam: IAM, sts: STS, s3: S3 };

/** Finds values that no answer has: what could not be decoded. */
function findUndecoded(value: unknown, place: string): readonly string[] {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? [place] : [];
  if (typeof value === "number") return Number.isNaN(value) ? [place] : [];
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return [];
  return Object.entries(value).flatMap(([name, member]) => findUndecoded(member, `${place}.${name}`));
}

test("the SDK for JavaScript decodes the answers of every operation of IAM, STS and S3", async () => {
  const undecoded: string[] = [];
  const missing = await driveSandbox(
    async (service, operation, input, { url, key }) => {
      const Client = clients[service as keyof typeof clients];
      const client = new Client({ credentials: key, endpoint: url, region: "us-east-1", maxAttempts: 1 });
      const method = `${operation.charAt(0).toLowerCase()}${operation.slice(1)}`;
      const call = (client as unknown as Record<string, (input: object) => Promise<object>>)[method];
      const output = await call?.call(client, input);
      client.destroy();
      if (output === undefined) throw new Error(`the SDK has no operation ${operation}`);
      undecoded.push(...findUndecoded(output, operation));
      return output;
    },
    ["iam", "sts", "s3"],
  );
  expect(undecoded).toEqual([]);
  expect(missing).toEqual([]);
});
