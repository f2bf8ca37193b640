// The aws command drives every operation of the local AWS.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { services, startSandbox } from "../../src/sandbox/server.ts";
import { startPython } from "../helpers/line-program.ts";
import { isThere } from "../helpers/needed.ts";
import { driveSandbox, type Send } from "../helpers/sandbox-calls.ts";

interface Answer {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The commands of services that have other names in signatures. */
const commands: Readonly<Record<string, string>> = { s3: "s3api", config: "configservice", monitoring: "cloudwatch" };

const home = mkdtempSync(join(tmpdir(), "fob-test-"));
afterAll(() => {
  rmSync(home, { recursive: true, force: true });
});

/** As the aws command names operations: `list-mfa-devices`. */
const toCommand = (operation: string): string =>
  operation
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1-$2")
    .toLowerCase();

/** Returns the arguments of a call. One command writes the QR code to a file, and takes no name from JSON. */
function listArguments(operation: string, input: Readonly<Record<string, unknown>>): readonly string[] {
  if (operation !== "CreateVirtualMFADevice") return ["--cli-input-json", JSON.stringify(input)];
  return [
    ...["--virtual-mfa-device-name", String(input.VirtualMFADeviceName), "--tags", JSON.stringify(input.Tags)],
    ...["--bootstrap-method", "QRCodePNG", "--outfile", join(home, "code.png")],
  ];
}

describe.skipIf(!isThere("python3", "-c", "import awscli.clidriver"))("the aws command", () => {
  test("reads the answers of every operation", { timeout: 240_000 }, async () => {
    const aws = startPython<Answer>("aws_commands.py");
    const send: Send = async (service, operation, input, { url, key, region }) => {
      const variables = {
        ...{ HOME: home, AWS_EC2_METADATA_DISABLED: "true", AWS_MAX_ATTEMPTS: "1" },
        ...{ AWS_ACCESS_KEY_ID: key.accessKeyId, AWS_SECRET_ACCESS_KEY: key.secretAccessKey },
        AWS_DEFAULT_REGION: region,
      };
      const options = ["--endpoint-url", url, "--output", "json", "--no-paginate"];
      const command = [commands[service] ?? service, toCommand(operation)];
      const { status, stdout, stderr } = await aws.ask({
        ...{ arguments: [...command, ...listArguments(operation, input), ...options], variables },
      });
      if (status !== 0) throw new Error(`aws ${command.join(" ")}: ${stderr}`);
      return stdout === "" ? {} : (JSON.parse(stdout) as object);
    };
    try {
      expect(await driveSandbox(send, services)).toEqual([]);
    } finally {
      aws.stop();
    }
  });

  // One of each protocol: JSON, REST with JSON, REST with XML, query, EC2's query.
  test.each([
    ["dynamodb", "list-tables", "ListTables"],
    ["lambda", "list-functions", "ListFunctions"],
    ["route53", "list-hosted-zones", "ListHostedZones"],
    ["rds", "describe-db-instances", "DescribeDBInstances"],
    ["ec2", "describe-regions", "DescribeRegions"],
  ])("reads that %s is not modeled", async (service, command, operation) => {
    const sandbox = await startSandbox();
    const { accessKeyId, secretAccessKey } = sandbox.rootAccessKey;
    const aws = startPython<Answer>("aws_commands.py");
    try {
      const variables = {
        ...{ HOME: home, AWS_EC2_METADATA_DISABLED: "true", AWS_MAX_ATTEMPTS: "1", AWS_DEFAULT_REGION: "eu-central-1" },
        ...{ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
      };
      const { stderr } = await aws.ask({ arguments: [service, command, "--endpoint-url", sandbox.url], variables });
      expect(stderr).toContain(
        `An error occurred (NotImplemented) when calling the ${operation} operation: This local AWS does not model the service '${service}'`,
      );
    } finally {
      aws.stop();
      await sandbox.close();
    }
  });
});
